"""What is fitted: the days of the week where two weeks of baseline show them, and only to the series that have them."""

import math

import numpy as np
import pytest

from driftreview.api.reasons import SignalVerdict
from driftreview.domain.finding import Side
from driftreview.domain.noise import Floats
from driftreview.domain.regression import Panel, design_of, fit
from tests.builders import judge_level, noise, signal

TEN_MINUTES = 1 / 6
DAY = 144
WEEK, TWO_WEEKS, LOOK = 7 * DAY, 14 * DAY, 2 * DAY


def weekly(count: int, seed: int, weekend: float = -0.2, start: int = 0, share: float = 0.03) -> Floats:
    """Logarithms that are lower on two days of seven, with noise that remembers an hour."""
    at = np.arange(count) + start
    return share * np.array(noise(count, seed, 0.8)) + np.where(at % WEEK >= 5 * DAY, weekend, 0.0)


def panel(*rows: Floats, before: int = TWO_WEEKS) -> Panel:
    return Panel(np.stack(rows), before, 0, TEN_MINUTES)


class TestWeek:
    def test_it_is_found_where_there_is_one(self) -> None:
        rows = [weekly(TWO_WEEKS + LOOK, 1), weekly(TWO_WEEKS + LOOK, 2, weekend=0.0)]
        assert design_of(panel(*rows)).has_week.tolist() == [True, False]

    def test_noise_alone_has_none(self) -> None:
        rows = [weekly(TWO_WEEKS + LOOK, seed, weekend=0.0) for seed in range(60)]
        assert design_of(panel(*rows)).has_week.sum() <= 2

    def test_slow_noise_has_none_either(self) -> None:
        memory = math.exp(-TEN_MINUTES / 24)
        rows = [np.array(noise(TWO_WEEKS + LOOK, seed, memory)) for seed in range(60)]
        assert design_of(panel(*rows)).has_week.sum() <= 3

    def test_one_week_is_not_enough_to_tell(self) -> None:
        row = weekly(WEEK + LOOK, 1)
        assert design_of(panel(row, before=WEEK)).has_week.tolist() == [False]

    def test_a_constant_series_has_none(self) -> None:
        assert design_of(panel(np.ones(TWO_WEEKS + LOOK))).has_week.tolist() == [False]

    def test_the_step_is_that_of_ordinary_least_squares(self) -> None:
        row, at = weekly(TWO_WEEKS + LOOK, 1), np.arange(TWO_WEEKS + LOOK) - TWO_WEEKS + 0.5
        row[TWO_WEEKS:] += 0.1
        frequencies = [*(each / WEEK for each in range(1, 7)), *(each / DAY for each in range(1, 4))]
        waves = [wave(2 * math.pi * each * at) for each in frequencies for wave in (np.sin, np.cos)]
        by_hand = np.linalg.lstsq(np.stack([np.ones(len(at)), *waves, at > 0], axis=1), row)[0][-1]
        made = panel(row)
        assert fit(design_of(made), made.values, made.before).last[0] == pytest.approx(by_hand)

    def test_a_neighbour_without_a_week_is_not_touched(self) -> None:
        rows = [weekly(TWO_WEEKS + LOOK, 1), weekly(TWO_WEEKS + LOOK, 2, weekend=0.0)]
        both, alone = panel(*rows), panel(rows[1])
        found, expected = (fit(design_of(each), each.values, each.before) for each in (both, alone))
        assert found.last[1] == pytest.approx(expected.last[0])
        assert found.residuals[1] == pytest.approx(expected.residuals[0])


class TestVerdicts:
    @pytest.mark.parametrize("start", [0, 3 * DAY, 5 * DAY])
    @pytest.mark.parametrize(("times", "verdict"), [(1.0, SignalVerdict.STABLE), (1.15, SignalVerdict.DEGRADED)])
    def test_a_weekend_is_compared_with_weekends(self, start: int, times: float, verdict: SignalVerdict) -> None:
        row = 100 * np.exp(weekly(TWO_WEEKS + LOOK, 1, start=start))
        row[TWO_WEEKS:] *= times
        before, now = (Side(tuple(each.tolist())) for each in (row[:TWO_WEEKS], row[TWO_WEEKS:]))
        assert judge_level(signal(), before, now, 0.0125).verdict is verdict

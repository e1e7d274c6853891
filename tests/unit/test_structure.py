"""What a baseline shows by itself, and what is fitted for it: days of the week, and changes of level."""

import math
from dataclasses import replace

import numpy as np
import pytest

from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.effect import estimate
from driftreview.domain.finding import Side
from driftreview.domain.noise import Floats
from driftreview.domain.regression import Panel, fit
from driftreview.domain.structure import after_a_weekend, structure_of
from tests.builders import judge_series, noise, signal

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
        assert structure_of(panel(*rows)).design.has_week.tolist() == [True, False]

    def test_noise_alone_has_none(self) -> None:
        rows = [weekly(TWO_WEEKS + LOOK, seed, weekend=0.0) for seed in range(60)]
        assert structure_of(panel(*rows)).design.has_week.sum() <= 2

    def test_slow_noise_has_none_either(self) -> None:
        memory = math.exp(-TEN_MINUTES / 24)
        rows = [np.array(noise(TWO_WEEKS + LOOK, seed, memory)) for seed in range(60)]
        assert structure_of(panel(*rows)).design.has_week.sum() <= 3

    def test_one_week_is_not_enough_to_tell(self) -> None:
        row = weekly(WEEK + LOOK, 1)
        assert structure_of(panel(row, before=WEEK)).design.has_week.tolist() == [False]

    def test_a_constant_series_has_none(self) -> None:
        assert structure_of(panel(np.ones(TWO_WEEKS + LOOK))).design.has_week.tolist() == [False]

    def test_the_step_is_that_of_ordinary_least_squares(self) -> None:
        row, at = weekly(TWO_WEEKS + LOOK, 1), np.arange(TWO_WEEKS + LOOK) - TWO_WEEKS + 0.5
        row[TWO_WEEKS:] += 0.1
        frequencies = [*(each / WEEK for each in range(1, 7)), *(each / DAY for each in range(1, 4))]
        waves = [wave(2 * math.pi * each * at) for each in frequencies for wave in (np.sin, np.cos)]
        by_hand = np.linalg.lstsq(np.stack([np.ones(len(at)), *waves, at > 0], axis=1), row)[0][-1]
        made = panel(row)
        assert fit(structure_of(made).design, made.values, made.before).last[0] == pytest.approx(by_hand)

    def test_a_neighbour_without_a_week_is_not_touched(self) -> None:
        rows = [weekly(TWO_WEEKS + LOOK, 1), weekly(TWO_WEEKS + LOOK, 2, weekend=0.0)]
        both, alone = panel(*rows), panel(rows[1])
        found, expected = (fit(structure_of(each).design, each.values, each.before) for each in (both, alone))
        assert found.last[1] == pytest.approx(expected.last[0])
        assert found.residuals[1] == pytest.approx(expected.residuals[0])


def jumped(days: float, at: int, by: float, seed: int = 1, share: float = 0.03, after: int = LOOK) -> Floats:
    """Logarithms with a change of level after so many blocks."""
    count = int(days * DAY) + after
    return share * np.array(noise(count, seed, 0.8)) + np.where(np.arange(count) >= at, by, 0.0)


def daily(days: float, seed: int = 1, after: int = LOOK) -> Floats:
    count = int(days * DAY) + after
    return 0.03 * np.array(noise(count, seed, 0.8)) + 0.2 * np.sin(2 * math.pi * (np.arange(count) + 20 * seed) / DAY)


class TestChangeOfLevel:
    @pytest.mark.parametrize("days", [0.5, 1, 3, 7])
    @pytest.mark.parametrize("by", [0.3, -0.3])
    def test_it_is_found_with_its_place_and_size(self, days: float, by: float) -> None:
        before = int(days * DAY)
        found = structure_of(panel(jumped(days, before // 3, by), before=before))
        (shift,) = found.shifts
        assert shift is not None
        assert abs(shift.block - before // 3) <= max(2, before // 100)
        assert shift.size == pytest.approx(by, abs=0.1)

    def test_a_steady_jump_is_found_too(self) -> None:
        row = np.where(np.arange(DAY + LOOK) >= 40, 5.0, 4.0)
        (shift,) = structure_of(panel(row, before=DAY)).shifts
        assert shift is not None
        assert (shift.block, shift.size) == (40, pytest.approx(1.0))

    @pytest.mark.parametrize(("days", "phi"), [(1, 0.0), (1, 0.5), (1, 0.8), (3, 0.8), (7, 0.8)])
    def test_noise_alone_seldom_has_one(self, days: int, phi: float) -> None:
        rows = [np.array(noise(days * DAY + LOOK, seed, phi)) for seed in range(200)]
        assert sum(each is not None for each in structure_of(panel(*rows, before=days * DAY)).shifts) <= 4

    @pytest.mark.parametrize("days", [1, 2, 3, 7])
    def test_a_daily_wave_is_none(self, days: int) -> None:
        found = structure_of(panel(*(daily(days, seed) for seed in range(5)), before=days * DAY))
        assert found.shifts == (None,) * 5
        assert found.design.has_day.all()

    def test_of_one_day_all_series_together_tell_a_change_from_a_wave(self) -> None:
        rows = [jumped(1, DAY // 2, 0.3, seed) for seed in range(5)]
        found = structure_of(panel(*rows, before=DAY))
        assert all(found.shifts)
        assert not found.design.has_day.any()
        assert not found.unexplained.has_day.any()

    def test_a_neighbour_without_noise_does_not_outvote_them(self) -> None:
        gauge = np.where(np.arange(DAY + LOOK) >= DAY // 2, math.log(4), math.log(2))
        found = structure_of(panel(gauge, *(daily(1, seed) for seed in range(3)), before=DAY))
        assert found.shifts[0] is not None
        assert found.shifts[1:] == (None,) * 3
        assert found.design.has_day.tolist() == [False, True, True, True]

    def test_where_they_cannot_tell_both_are_fitted_and_less_is_known(self) -> None:
        row = daily(1) + np.where(np.arange(DAY + LOOK) >= DAY // 2, 0.12, 0.0)
        made = panel(row, before=DAY)
        found = structure_of(made)
        assert found.shifts[0] is not None
        assert found.design.has_day.all()
        plain = replace(found, design=replace(found.design, shifts=None))
        both, wave = (fit(each.design, row[None], DAY).weights for each in (found, plain))
        assert (both**2).sum() > 1.5 * (wave**2).sum()

    def test_of_one_week_nobody_can_tell_it_from_the_end_of_a_weekend(self) -> None:
        row = 0.03 * np.array(noise(WEEK + LOOK, 1, 0.5))
        row[: 2 * DAY + 20] -= 0.25
        for values, size in ((row, 0.25), (jumped(7, 500, 0.3), 0.0)):
            made = panel(values, before=WEEK)
            (shift,) = structure_of(made).shifts
            assert after_a_weekend(shift, made) == pytest.approx(size, abs=0.05)

    def test_a_baseline_of_a_few_hours_is_too_short_to_look(self) -> None:
        assert structure_of(panel(jumped(0.4, 30, 0.5), before=int(0.4 * DAY))).shifts == (None,)

    def test_what_is_missing_does_not_hide_it(self) -> None:
        row = jumped(7, 500, 0.3)
        row[np.random.default_rng(1).permutation(7 * DAY)[:80]] = np.nan
        (shift,) = structure_of(panel(row, before=7 * DAY)).shifts
        assert shift is not None
        assert abs(shift.block - 500) <= 10


class TestSameHours:
    """A series with a week is held against the same hours of the weeks before."""

    def test_the_step_is_the_mean_difference_to_them(self) -> None:
        row = weekly(TWO_WEEKS + LOOK, 1)
        row[TWO_WEEKS:] += 0.1
        usual = (row[:LOOK] + row[WEEK : WEEK + LOOK]) / 2
        found = estimate(panel(row))
        assert found.step[0] == pytest.approx((row[TWO_WEEKS:] - usual).mean())

    def test_between_baseline_and_window_the_week_goes_on(self) -> None:
        gap, row = 20, weekly(TWO_WEEKS + 20 + LOOK, 1)
        cut = np.delete(row, slice(TWO_WEEKS, TWO_WEEKS + gap))
        usual = (row[gap : gap + LOOK] + row[WEEK + gap : WEEK + gap + LOOK]) / 2
        found = estimate(Panel(cut[None], TWO_WEEKS, gap, TEN_MINUTES))
        assert found.step[0] == pytest.approx((row[TWO_WEEKS + gap :] - usual).mean())

    def test_what_is_missing_is_left_out_on_both_sides(self) -> None:
        row = weekly(TWO_WEEKS + LOOK, 1)
        row[10] = row[WEEK + 10] = row[WEEK + 30] = row[TWO_WEEKS + 50] = np.nan
        usual = np.array(
            [np.nan if np.isnan(pair).all() else np.nanmean(pair) for pair in zip(row[:LOOK], row[WEEK:], strict=False)]
        )
        found = estimate(panel(row))
        assert found.step[0] == pytest.approx(np.nanmean(row[TWO_WEEKS:] - usual))

    def test_what_is_fresh_is_held_against_its_own_hours(self) -> None:
        row = weekly(TWO_WEEKS + LOOK, 1)
        row[TWO_WEEKS + 36 :] += 0.2
        usual = (row[36:LOOK] + row[WEEK + 36 : WEEK + LOOK]) / 2
        assert estimate(panel(row), 36).fresh[0] == pytest.approx((row[TWO_WEEKS + 36 :] - usual).mean())

    def test_t0_on_the_edge_of_a_weekend_is_no_step(self) -> None:
        for seed in range(10):
            row = weekly(TWO_WEEKS + LOOK, seed, weekend=-0.7)[: TWO_WEEKS + 6]
            found = estimate(panel(row))
            assert abs(found.step[0]) < 4 * found.error[0]
            assert abs(found.step[0]) < 0.1


class TestShorterThanTwoWeeks:
    @pytest.mark.parametrize("dip", [-0.16, -0.28, -0.7])
    def test_a_monday_after_a_quiet_weekend_is_not_called_degraded(self, dip: float) -> None:
        for seed in range(5):
            row = 100 * np.exp(weekly(WEEK + LOOK, seed, weekend=dip))
            before, now = (Side(tuple(each.tolist())) for each in (row[:WEEK], row[WEEK : WEEK + 6]))
            assert judge_series(signal(), before, now, 0.0125).verdict is SignalVerdict.INCONCLUSIVE

    def test_a_change_that_has_lasted_longer_than_a_weekend_is_one(self) -> None:
        found = structure_of(panel(jumped(7, 3 * DAY, 0.3), jumped(7, 5 * DAY, 0.3), before=WEEK)).shifts
        assert found[0] is not None
        assert found[0].block == pytest.approx(3 * DAY, abs=10)
        assert found[1] is None or found[1].block <= 4 * DAY


class TestVerdicts:
    @pytest.mark.parametrize("days", [1, 7])
    @pytest.mark.parametrize(
        ("times", "verdict"),
        [(0.99, SignalVerdict.STABLE), (1.4, SignalVerdict.DEGRADED), (0.7, SignalVerdict.IMPROVED)],
    )
    def test_after_a_change_of_level_the_window_is_compared_with_the_later_level(
        self, days: int, times: float, verdict: SignalVerdict
    ) -> None:
        row = 100 * np.exp(jumped(days, days * DAY * 9 // 20, 0.25))
        row[days * DAY :] *= times
        before, now = (Side(tuple(each.tolist())) for each in (row[: days * DAY], row[days * DAY :]))
        assert judge_series(signal(), before, now, 0.0125).verdict is verdict

    def test_quiet_first_days_may_be_a_weekend_as_the_window_may_be(self) -> None:
        row = 100 * np.exp(jumped(7, 2 * DAY, 0.25))
        for times, verdict in ((1.0, SignalVerdict.INCONCLUSIVE), (0.78, SignalVerdict.IMPROVED)):
            before, now = (Side(tuple(each.tolist())) for each in (row[:WEEK], times * row[WEEK:]))
            found = judge_series(signal(), before, now, 0.0125)
            assert found.verdict is verdict
            assert ("which may have been a weekend" in found.message) is (times == 1.0)

    def test_a_rise_no_larger_than_the_baselines_own_is_not_called_degraded(self) -> None:
        row = 100 * np.exp(jumped(1, DAY // 2, 0.3))
        row[DAY:] *= 1.15
        before, now = (Side(tuple(each.tolist())) for each in (row[:DAY], row[DAY:]))
        assert judge_series(signal(), before, now, 0.0125).verdict is SignalVerdict.INCONCLUSIVE

    @pytest.mark.parametrize("start", [0, 3 * DAY, 5 * DAY])
    @pytest.mark.parametrize(("times", "verdict"), [(1.0, SignalVerdict.STABLE), (1.15, SignalVerdict.DEGRADED)])
    def test_a_weekend_is_compared_with_weekends(self, start: int, times: float, verdict: SignalVerdict) -> None:
        row = 100 * np.exp(weekly(TWO_WEEKS + LOOK, 1, start=start))
        row[TWO_WEEKS:] *= times
        before, now = (Side(tuple(each.tolist())) for each in (row[:TWO_WEEKS], row[TWO_WEEKS:]))
        assert judge_series(signal(), before, now, 0.0125).verdict is verdict

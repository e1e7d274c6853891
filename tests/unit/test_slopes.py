"""Theil and Sen's slope, its interval and test against oracles, and against series whose answer is known."""

import math
from collections.abc import Sequence
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from driftreview.domain.slopes import Slopes, may_rise, memory, slopes
from tests.builders import noise

TEN_MINUTES = 1 / 6
Row = list[float | None]


def of(values: Row, hours: float = TEN_MINUTES, before: Row | None = None) -> Slopes:
    found = slopes(values, before or [], hours)
    assert found is not None
    return found


def bounds(found: Slopes, tail: float = 0.05) -> tuple[float, float]:
    ends = found.interval(tail)
    assert ends is not None
    return ends


def alternating(count: int, seed: int, slope: float = 2.0) -> Row:
    """Residuals that alternate have a negative memory, which counts as none."""
    return [100 + slope * i + (3 if i % 2 else -3) + each for i, each in enumerate(noise(count, seed))]


@pytest.mark.parametrize("seed", range(5))
def test_the_slope_is_that_of_theil_and_sen(seed: int) -> None:
    values: Row = [200 + 3 * i + 10 * each for i, each in enumerate(noise(60, seed))]
    oracle = stats.theilslopes(values, [0.5 * i for i in range(60)])
    assert of(values, 0.5).estimate == pytest.approx(oracle.slope, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_is_sens_where_the_noise_has_no_memory(seed: int) -> None:
    values = alternating(80, seed)
    oracle = stats.theilslopes(values, range(80), alpha=0.9)
    low, high = bounds(of(values, 1))
    # Ours is rounded outwards by a rank or two of 3160, and Student's t with 78 degrees of freedom is 1% wider.
    assert low <= oracle.low_slope + 1e-9
    assert high >= oracle.high_slope - 1e-9
    assert high - low == pytest.approx(oracle.high_slope - oracle.low_slope, rel=0.05)


@pytest.mark.parametrize("limit", [0.0, 1.9, 2.0, 2.1])
@pytest.mark.parametrize("seed", range(3))
def test_the_test_is_kendalls_on_what_a_line_of_that_slope_leaves(seed: int, limit: float) -> None:
    values = alternating(80, seed)
    left = np.array(values, dtype=float) - limit * np.arange(80)
    tau = stats.kendalltau(np.arange(80), left)
    statistic = tau.statistic * 80 * 79 / 2
    deviation = (80 * 79 * (2 * 80 + 5) / 18) ** 0.5
    assert of(values, 1).steeper_than(limit) == pytest.approx(stats.t.sf((statistic - 2) / deviation, 78), abs=1e-6)


@pytest.mark.parametrize("tail", [0.001, 0.0125, 0.05, 0.2])
@pytest.mark.parametrize("seed", range(5))
def test_what_is_surely_steeper_is_what_lies_below_the_interval(seed: int, tail: float) -> None:
    found = of([200 + 2 * i + 10 * each for i, each in enumerate(noise(60, seed, 0.4))])
    low, _ = bounds(found, tail)
    assert found.steeper_than(low - 1e-3) <= tail < found.steeper_than(low + 1e-3)


class TestMemory:
    @pytest.mark.parametrize(("phi", "least", "most"), [(0.0, 1.0, 1.25), (0.5, 2.5, 3.5), (0.8, 7.5, 10.5)])
    def test_it_is_what_an_autoregressive_series_has(self, phi: float, least: float, most: float) -> None:
        # The truth, one plus phi over one minus phi, is 1, 3 and 9.
        assert least <= fmean(memory(np.array(noise(1000, seed, phi))) for seed in range(20)) <= most

    @pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
    def test_a_short_series_is_not_taken_for_one_without_memory(self, phi: float) -> None:
        # Measured on average: 1.3, 2.7, 15; without the correction of the bias, 36 points at phi 0.9 give about 6.
        truth = (1 + phi) / (1 - phi)
        assert 0.6 * truth <= fmean(memory(np.array(noise(36, seed, phi))) for seed in range(200)) <= 1.7 * truth

    @pytest.mark.parametrize("values", [[0.0] * 9, [3.0] * 9, [7.0], [1e308] * 6, [1.0, 2.0, 3.0, 4.0], [np.nan] * 5])
    def test_a_line_has_none(self, values: list[float]) -> None:
        assert memory(np.array(values)) == 1

    def test_it_is_never_below_one_and_has_a_bound(self) -> None:
        assert memory(np.array([1.0, -1.0] * 20)) == 1
        assert memory(np.arange(100.0) ** 2) == pytest.approx(1.97 / 0.03)

    @pytest.mark.parametrize("factor", [1e-200, 1e-9, 1e9, 1e200])
    def test_it_has_no_unit(self, factor: float) -> None:
        values = np.array(noise(50, 3, 0.5))
        assert memory(factor * values) == pytest.approx(memory(values))

    def test_gaps_do_not_hide_it(self) -> None:
        values = np.array(noise(2000, 3, 0.8))
        whole = memory(values)
        values[::4] = np.nan
        assert memory(values) == pytest.approx(whole, rel=0.25)


class TestWhoseMemory:
    """Of a long window its own, of a short one the baseline's, in between the larger."""

    calm = tuple(noise(1000, 1, 0.0))
    slow = tuple(noise(1000, 2, 0.9))

    def error(self, now: Sequence[float | None], before: Sequence[float | None]) -> float:
        """Against the same without a memory."""
        count = len(now)
        return of(list(now), before=list(before)).error / (count * (count - 1) * (2 * count + 5) / 18) ** 0.5

    def test_a_short_window_has_the_baselines(self) -> None:
        assert self.error(self.calm[:30], self.slow) > 3
        assert self.error(self.slow[:30], self.calm) < 1.2

    def test_one_of_a_few_hours_has_the_larger(self) -> None:
        assert self.error(self.calm[:100], self.slow) > 3
        assert self.error(self.slow[:100], self.calm) > 2

    def test_one_of_a_day_has_its_own(self) -> None:
        assert self.error(self.calm[:200], self.slow) < 1.2
        assert self.error(self.slow[:200], self.calm) > 2

    def test_without_a_baseline_it_has_its_own(self) -> None:
        assert self.error(self.slow[:30], []) > 1.5
        assert self.error(self.slow[:30], [None] * 9) > 1.5


@pytest.mark.parametrize("missing", [0, 7])
def test_forty_megabytes_an_hour_are_found_on_noisy_two_hundred(missing: int) -> None:
    values: Row = [200 + 40 * i * TEN_MINUTES + 10 * each for i, each in enumerate(noise(36, 5, 0.5))]
    for index in range(missing):
        values[5 * index] = None
    found = of(values)
    low, high = bounds(found, 0.001)
    assert 20 < low < 40 < high
    assert found.estimate == pytest.approx(40, rel=0.1)
    assert found.steeper_than(20) < 0.001


def test_a_slope_is_not_shifted_by_what_is_missing() -> None:
    found = of([None if 10 <= i < 25 else float(i) for i in range(40)], 1)
    assert (*bounds(found), found.estimate) == (1, 1, 1)
    assert found.reaches(100) == pytest.approx(100.5)  # a block's value is that of its middle


@pytest.mark.parametrize("values", [[], [None], [1.0], [None, 2.0, None], [1.0, 2.0]])
def test_two_points_say_nothing(values: Row) -> None:
    assert slopes(values, [], 1) is None


def test_a_few_points_have_no_interval() -> None:
    assert of([1.0, 5.0, 2.0, 7.0, 3.0]).interval(0.05) is None


def test_a_month_is_a_bounded_number_of_pairs() -> None:
    found = of([200 + 0.1 * i + each for i, each in enumerate(noise(4032, 2))])
    assert len(found.rises) <= 44_850
    assert found.estimate == pytest.approx(0.6, rel=0.01)
    low, high = bounds(found)
    assert low <= 0.6 <= high


def test_a_slope_of_what_evidence_rounds_away_is_none() -> None:
    assert of([1e9 + 0.1 * i for i in range(36)]).steeper_than(0.0) > 0.99


class TestMemoryOfParts:
    def test_one_part_is_as_it_was(self) -> None:
        row = np.array(noise(60, 1, 0.6))
        assert memory(row, np.full(20, np.nan), np.ones(2)) == pytest.approx(memory(row))

    @pytest.mark.parametrize("phi", [0.0, 0.5])
    def test_many_parts_remember_no_longer_than_the_whole(self, phi: float) -> None:
        pooled, largest = [], []
        for seed in range(60):
            row = np.array(noise(288, seed, phi))
            parts = np.split(row, 8)
            pooled.append(memory(*parts))
            largest.append(max(map(memory, parts)))
        true = (1 + phi) / (1 - phi)
        assert float(np.median(pooled)) == pytest.approx(true, rel=0.15)
        assert float(np.median(largest)) > 1.4 * true

    def test_a_line_in_each_is_no_memory(self) -> None:
        assert memory(*(np.arange(40.0) * slope + np.array(noise(40, 3 + i)) for i, slope in enumerate((5, -3)))) < 1.6


@given(
    points=st.lists(st.integers(-5, 5).map(float) | st.floats(-9, 9) | st.just(math.nan), max_size=20),
    slope=st.sampled_from([-1.0, 0.0, 0.2, 1.0]),
    tail=st.sampled_from([0.001, 0.05, 0.4]),
    remembered=st.floats(1, 5),
)
def test_the_quick_look_passes_over_nothing_that_rises(
    points: list[float], slope: float, tail: float, remembered: float
) -> None:
    row = [each + slope * index for index, each in enumerate(points)]
    found = slopes(row, (), TEN_MINUTES, remembered=remembered)
    ends = found and found.interval(tail)
    assert may_rise(np.array(row), tail, remembered) or ends is None or ends[0] <= 0

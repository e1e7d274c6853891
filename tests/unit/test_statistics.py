"""Medians, memory and growth against oracles, and against series whose answer is known."""

from statistics import fmean

import pytest
from scipy import stats

from driftreview.domain.rules import SURE
from driftreview.domain.statistics import growth, memory, middle
from tests.builders import noise

TEN_MINUTES = 1 / 6


@pytest.mark.parametrize("seed", range(5))
def test_growth_is_the_slope_of_theil_and_sen(seed: int) -> None:
    values = [200 + 3 * i + 10 * each for i, each in enumerate(noise(60, seed))]
    found = growth(values, 0.5, SURE)
    oracle = stats.theilslopes(values, [0.5 * i for i in range(60)])
    assert found is not None
    assert found.estimate == pytest.approx(oracle.slope, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_of_growth_is_sens_where_the_noise_has_no_memory(seed: int) -> None:
    # Residuals that alternate have a negative memory, which counts as none: then the interval is the textbook one.
    values = [100 + 2 * i + (3 if i % 2 else -3) + each for i, each in enumerate(noise(80, seed))]
    z = stats.norm.ppf(0.975)
    found = growth(values, 1, z)
    oracle = stats.theilslopes(values, range(80), alpha=0.95)
    assert found is not None
    # Ours is rounded outwards by a rank or two of 3160.
    assert found.low <= oracle.low_slope + 1e-9
    assert found.high >= oracle.high_slope - 1e-9
    assert found.high - found.low == pytest.approx(oracle.high_slope - oracle.low_slope, rel=0.02)


@pytest.mark.parametrize(("phi", "least", "most"), [(0.0, 1.0, 1.25), (0.5, 2.5, 3.5), (0.8, 7.5, 10.5)])
def test_memory_is_what_an_autoregressive_series_has(phi: float, least: float, most: float) -> None:
    # The truth, one plus phi over one minus phi, is 1, 3 and 9.
    found = fmean(memory(noise(1000, seed, phi)) for seed in range(20))
    assert least <= found <= most


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_a_short_series_is_not_taken_for_one_without_memory(phi: float) -> None:
    # Without the correction of the bias, 36 points at phi 0.9 give about 7 on average, where 19 is the truth.
    truth = (1 + phi) / (1 - phi)
    found = fmean(memory(noise(36, seed, phi)) for seed in range(200))
    assert 0.6 * truth <= found <= 1.7 * truth


@pytest.mark.parametrize("values", [[0.0] * 9, [3.0] * 9, [7.0], [1e308] * 6])
def test_a_constant_has_no_memory(values: list[float]) -> None:
    assert memory(values) == 1


def test_memory_is_never_below_one() -> None:
    assert memory([1, -1] * 20) == 1


def test_memory_has_a_bound() -> None:
    assert memory(list(range(100))) == pytest.approx(1.97 / 0.03)


def test_memory_has_no_unit() -> None:
    values = noise(50, 3, 0.5)
    for factor in (1e-200, 1e-9, 1e9, 1e200):
        assert memory([factor * each for each in values]) == pytest.approx(memory(values))


@pytest.mark.parametrize("missing", [0, 7])
def test_forty_megabytes_an_hour_are_found_on_noisy_two_hundred(missing: int) -> None:
    values: list[float | None] = [200 + 40 * i * TEN_MINUTES + 10 * each for i, each in enumerate(noise(36, 5, 0.5))]
    for index in range(missing):
        values[5 * index] = None
    found = growth(values, TEN_MINUTES, SURE)
    assert found is not None
    assert found.low > 20
    assert found.low < 40 < found.high
    assert found.estimate == pytest.approx(40, rel=0.1)


def test_growth_is_not_shifted_by_what_is_missing() -> None:
    straight = [float(i) for i in range(40)]
    with_gap = [None if 10 <= i < 25 else value for i, value in enumerate(straight)]
    found = growth(with_gap, 1, SURE)
    assert found is not None
    assert (found.low, found.estimate, found.high) == (1, 1, 1)


@pytest.mark.parametrize("values", [[], [None], [1.0], [None, 2.0, None], [1.0, 2.0], [1.0, 5.0, 2.0, 7.0, 3.0, 9.0]])
def test_a_few_points_say_nothing_of_growth(values: list[float | None]) -> None:
    assert growth(values, 1, SURE) is None


def test_growth_over_a_month_looks_at_a_bounded_number_of_pairs() -> None:
    values = [200 + 0.1 * i + each for i, each in enumerate(noise(4032, 2))]
    found = growth(values, TEN_MINUTES, SURE)
    assert found is not None
    assert found.estimate == pytest.approx(0.6, rel=0.01)
    assert found.low <= 0.6 <= found.high


def test_growth_too_large_for_a_float_is_not_told() -> None:
    assert growth([-1.7e308, 1.7e308] * 10, 1e-3, SURE) is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1.0, 2.0], 1.5), ([1.7e308, 1.6e308], 1.6e308), ([-1.7e308, -1.6e308], -1.7e308), ([1.7e308] * 4, 1.7e308)],
)
def test_the_middle_of_huge_values_is_one_of_them(values: list[float], expected: float) -> None:
    assert middle(values) == expected

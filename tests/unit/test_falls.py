"""Sudden falls of a series."""

import numpy as np
import pytest
from numpy.typing import NDArray

from driftreview.domain.falls import _medians, falls_of, restarts_of


def around(level: float, blocks: int, seed: int = 1) -> NDArray[np.float64]:
    return level + np.random.default_rng(seed).standard_normal(blocks)


def test_each_is_found_where_it_is() -> None:
    row = np.concatenate([around(100, 40), around(70, 40), around(50, 60)])
    assert falls_of(list(row)) == pytest.approx([40, 80], abs=2)


def test_rises_peaks_and_slow_descents_are_none() -> None:
    row = np.concatenate([around(100, 40), around(130, 100)])
    row[60:62] += 50
    assert falls_of(list(row)) == []
    assert falls_of(list(around(0, 140) + np.linspace(200, 0, 140))) == []


def test_medians_of_hours_are_those_of_what_is_there() -> None:
    rng = np.random.default_rng(1)
    hours = np.where(rng.random((500, 6)) < 0.4, np.nan, rng.standard_normal((500, 6)).round(1))
    hours[0] = np.nan
    found = _medians(hours)
    assert np.isnan(found[0])
    there = np.isfinite(hours).any(-1)
    assert found[there].tolist() == np.nanmedian(hours[there], axis=-1).tolist()


def test_what_falls_every_two_hours_collects_its_garbage() -> None:
    assert falls_of([i % 12 * 10.0 for i in range(288)]) == []


def test_a_fall_over_a_gap_is_one() -> None:
    row = np.concatenate([around(100, 60), around(50, 60)])
    row[57:63] = np.nan
    (found,) = falls_of(list(row))
    assert 57 <= found <= 63


@pytest.mark.parametrize("values", [[], [1.0] * 10, [None] * 80, [5.0] * 80, [1e300, -1e300] * 40])
def test_little_or_nothing_falls_not(values: list[float | None]) -> None:
    assert falls_of(values) == []


@pytest.mark.filterwarnings("error")
def test_the_largest_numbers_there_are_overflow_nowhere() -> None:
    before = list(around(1e300, 144))
    row = [1.7e308 * (1 - 2 * (i // 36 % 2)) for i in range(288)]
    assert restarts_of(row, before)[0] >= 3


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_noise_seldom_falls(phi: float) -> None:
    rng = np.random.default_rng(2)
    often = 0
    for _ in range(100):
        row = np.zeros(288)
        for i, each in enumerate(rng.standard_normal(288)):
            row[i] = phi * row[i - 1] + each
        often += bool(falls_of(list(row)))
    assert often <= 2


class TestRestarts:
    calm = tuple(400 + 4 * around(0, 1008))

    @staticmethod
    def restarted(every: int, blocks: int = 288) -> list[float]:
        return list(400 + 4 * around(0, blocks, 2) + 200 * (np.arange(blocks) % every) / 6)

    @pytest.mark.parametrize("every", [6, 12, 18, 36])
    def test_each_is_counted_and_what_grows_between_them(self, every: int) -> None:
        count, per_block = restarts_of(self.restarted(every), self.calm)
        assert count == pytest.approx(288 / every, abs=1.1)
        assert 200 / 6 * 0.5 < per_block < 200 / 6 * 1.1

    def test_not_where_the_baseline_did_so_too(self) -> None:
        assert restarts_of(self.restarted(12), self.restarted(12, 1008)) == (0, 0)

    def test_one_restart_of_the_baseline_hides_none(self) -> None:
        before = np.array(self.calm)
        before[:200] += 900
        assert restarts_of(self.restarted(12), list(before))[0] > 20

    def test_stairs_down_have_no_growth_between(self) -> None:
        down = np.array(self.calm[:288]) + 900 - 300 * (np.arange(288) // 80)
        count, per_block = restarts_of(list(down), self.calm)
        assert count == 3
        assert abs(per_block) < 1

    def test_of_a_short_baseline_nobody_knows_what_it_never_did(self) -> None:
        assert restarts_of(self.restarted(12), self.calm[:30]) == (0, 0)

    @pytest.mark.parametrize("times", [1, 5])
    def test_noise_is_none_also_where_there_is_more_of_it(self, times: float) -> None:
        often = sum(
            restarts_of(list(400 + 4 * times * around(0, 288, 10 + seed)), self.calm)[0] > 0 for seed in range(50)
        )
        assert often <= 1

    @pytest.mark.parametrize("values", [[], [None] * 300, [1.0] * 300, [1e308, -1e308] * 150])
    def test_little_or_nothing_falls_not(self, values: list[float | None]) -> None:
        assert restarts_of(values, values) == (0, 0)

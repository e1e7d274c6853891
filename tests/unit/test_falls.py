"""Sudden falls of a series."""

import numpy as np
import pytest
from numpy.typing import NDArray

from driftreview.domain.falls import falls_of


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

"""Sudden falls of a series: what grows and is restarted does not grow on the whole, and leaks all the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftreview.domain.finding import FEWEST_BLOCKS
from driftreview.domain.noise import Bools, Floats
from driftreview.domain.regression import RESOLUTION
from driftreview.domain.structure import NORMAL

_FAR: Final = 6.0
"""Robust standard deviations of what levels of an hour differ by, from which on one is a fall."""
_APART: Final = 3 * FEWEST_BLOCKS
"""Blocks at least between falls: what falls more often collects its garbage."""


def falls_of(values: Sequence[float | None]) -> list[int]:
    """The first block after each sudden fall, in order; none where the series often falls.

    A fall is one of the median of an hour, so that a peak is none.
    """
    row = np.array(values, dtype=float)
    row /= float(np.fmax.reduce(np.abs(row), initial=0.0)) or 1.0
    if len(row) < 2 * _APART:
        return []
    at, drops = _drops(row)
    usual = NORMAL * float(np.median(np.abs(drops - np.median(drops)))) if len(drops) else 0.0
    far = max(_FAR * usual, RESOLUTION)
    found: list[int] = []
    for index in np.argsort(-drops, kind="stable"):
        if drops[index] <= far:
            break
        if all(abs(int(at[index]) - each) >= FEWEST_BLOCKS for each in found):
            found.append(int(at[index]))
    found.sort()
    is_often = any(later - earlier < _APART for earlier, later in zip([0, *found], found, strict=False))
    return [] if is_often else found


def _drops(row: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Where there are blocks on both sides, and by how much the hour before is above the hour after."""
    hours = np.lib.stride_tricks.sliding_window_view(row, FEWEST_BLOCKS)
    is_known: Bools = np.asarray(np.isfinite(hours).any(-1))
    both = np.flatnonzero(is_known[:-FEWEST_BLOCKS] & is_known[FEWEST_BLOCKS:])
    earlier, later = (np.nanmedian(hours[both + shift], axis=-1) for shift in (0, FEWEST_BLOCKS))
    return both + FEWEST_BLOCKS, earlier - later

"""Sudden falls of a series: what grows and is restarted does not grow on the whole, and leaks all the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftreview.domain.finding import FEWEST_BLOCKS
from driftreview.domain.lately import noise_of
from driftreview.domain.noise import NORMAL, Bools, Floats
from driftreview.domain.regression import RESOLUTION

_FAR: Final = 6.0
"""Robust standard deviations of what levels of an hour differ by, from which on one is a fall."""
_OFTEN: Final = 3
"""Falls at least, and times as many as the baseline would have had, that are a new habit."""
_DEEPER: Final = 1.5
"""Times what the baseline falls by."""
_USUAL: Final = 0.98
"""Share of its blocks that the baseline falls by no more in: it may have been restarted itself."""
_KNOWN: Final = 6 * FEWEST_BLOCKS
"""Blocks of baseline at least, to know what it never did."""
_EITHER_SIDE: Final = 2
"""Blocks, of which a fall is one of the mean: a peak is none."""
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
    medians = _medians(np.lib.stride_tricks.sliding_window_view(row, FEWEST_BLOCKS))
    is_known: Bools = np.isfinite(medians)
    both = np.flatnonzero(is_known[:-FEWEST_BLOCKS] & is_known[FEWEST_BLOCKS:])
    return both + FEWEST_BLOCKS, medians[both] - medians[both + FEWEST_BLOCKS]


def _medians(rows: Floats) -> Floats:
    """Of each row what numpy's nanmedian finds, which takes ten times as long for rows as short as these."""
    ordered, known = np.sort(rows, axis=-1), np.isfinite(rows).sum(-1)  # NaN comes last
    low, high = (np.take_along_axis(ordered, middle[:, None], -1)[:, 0] for middle in ((known - 1) // 2, known // 2))
    found: Floats = (low + high) / 2
    return found


def restarts_of(values: Sequence[float | None], before: Sequence[float | None]) -> tuple[int, float]:
    """How often a series suddenly falls as its baseline never did, and how fast it grows in between.

    Also falls that come every hour are found, which the median of an hour forgets. What collects its garbage does so in
    its baseline as well.

    Returns:
        How many falls, and by how much it grows between them, per block. Zeros where they are few, or where too little
        is known of the baseline.
    """
    row, old = (np.array(each, dtype=float) for each in (values, before))
    if int(np.isfinite(old).sum()) < _KNOWN or int(np.isfinite(row).sum()) < _KNOWN:
        return 0, 0.0
    unit = max(float(np.nanmax(np.abs(row))), float(np.nanmax(np.abs(old)))) or 1.0
    drops, earlier = _sudden(row / unit), _sudden(old / unit)
    known = earlier[np.isfinite(earlier)]
    if not len(known):
        return 0, 0.0
    noise = max(noise_of(row / unit), NORMAL * float(np.median(np.abs(known - np.median(known)))))
    far = max(_DEEPER * float(np.quantile(known, _USUAL)), _FAR * noise, RESOLUTION)
    found, before_found = _beyond(drops, far), _beyond(earlier, far)
    if len(found) < _OFTEN * max(1.0, len(before_found) * len(drops) / len(known)):
        return 0, 0.0
    first, last = found[0], found[-1]
    low, high = (float((row / unit)[at : at + _EITHER_SIDE].mean()) for at in (first + _EITHER_SIDE, last))
    return len(found), unit * ((high - low + float(drops[found[1:-1]].sum())) / (last - first))


def _beyond(drops: Floats, far: float) -> list[int]:
    """Where something falls so far; of neighbours the deepest."""
    found: list[int] = []
    for index in map(int, np.flatnonzero(drops > far)):
        if found and index - found[-1] < _EITHER_SIDE:
            found[-1] = max(found[-1], index, key=lambda each: float(drops[each]))
        else:
            found.append(index)
    return found


def _sudden(row: Floats) -> Floats:
    """By how much the lower of the blocks before is above the higher of those after; NaN where one has no value."""
    length = _EITHER_SIDE
    sides = np.lib.stride_tricks.sliding_window_view(row, length)
    drops: Floats = sides[:-length].min(-1) - sides[length:].max(-1)
    return drops

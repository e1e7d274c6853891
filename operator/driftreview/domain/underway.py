"""What was under way when a baseline ended: a change of level at its very end, too short to be a level of its own.

Nobody can tell how it would have gone on. So there are two levels to compare with, the one before it and the one of the
last hours, and only what is worse than either may be laid to the release.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from driftreview.domain.changes import Shift, tried_at, variance_of
from driftreview.domain.finding import FEWEST_BLOCKS
from driftreview.domain.noise import Bools, Floats, usual_of
from driftreview.domain.regression import RESOLUTION, Design, Panel

_FAR: Final = 4.0
"""Robust standard deviations that a block is off at most, so that one of them makes no level."""
_SURELY_CHANGED: Final = 10.0
"""Gain of fitting it, in variances, at the last places, of which there are three; elsewhere it is given."""
_BEYOND_DOUBT: Final = 2.0
"""Times that, from which on a promotion is doubted too, and not only a rollback."""
_OUTBREAK: Final = 6.0
"""Robust standard deviations that each of too few blocks for a level must be off, and more than all before."""
_SHORTEST: Final = 2
"""Blocks after a change that is known to be there, whose beginning is sought."""


def under_way(
    design: Design, panel: Panel, left: Floats, first: int, places: int, enough: float
) -> tuple[tuple[Shift | None, ...], Bools]:
    """The change that was under way in each series, and which of them are sure.

    To doubt a promotion takes twice as much as to doubt a rollback. At the very end fewer places are tried; of fewer
    blocks than make a level each must be farther off than all before, and no promotion is doubted for them.

    Args:
        design: what is fitted besides.
        panel: series with a baseline.
        left: what that leaves of it, (series, before).
        first: block from which on a change is too short to be a level of its own.
        places: how many are tried at most in a whole baseline.
        enough: gain of fitting one, in variances, that noise hardly ever reaches.
    """
    base, values, count = design.until(panel.before), panel.values[:, : panel.before], panel.before
    found, most = np.zeros(len(values), int), np.zeros(len(values))
    is_sure = np.zeros(len(values), bool)
    outbreaks = _outbreaks(left)
    most_off = _FAR * usual_of(left)
    values, coarse = values - left + np.clip(left, -most_off, most_off), -(-count // places)
    for start, step, least in (
        (first, coarse, enough),
        (count - 2 * FEWEST_BLOCKS, FEWEST_BLOCKS // 2, _SURELY_CHANGED),
    ):
        tried = tried_at(base, values, np.arange(start, count - FEWEST_BLOCKS + 1, step), with_waves=True)
        gain = tried.squares[0] - tried.squares[1]
        variance = variance_of(base, tried.left, panel)
        is_better = (gain > least * variance) & (gain > most)
        found = np.where(is_better, [each.block for each in tried.shifts], found)
        most = np.where(is_better, gain, most)
        is_sure |= gain > _BEYOND_DOUBT * least * variance
    changes = (
        _begun(row, block, coarse) if block else outbreak
        for row, block, outbreak in zip(left, found, outbreaks, strict=True)
    )
    return tuple(changes), is_sure


def _outbreaks(left: Floats) -> list[Shift | None]:
    """Of each series what broke out in its last blocks, of which there are fewer than are judged at least."""
    count = left.shape[-1]
    off, found = np.abs(left), list[Shift | None]([None] * len(left))
    usual = np.maximum(_OUTBREAK * usual_of(left)[:, 0], RESOLUTION)
    for begun in range(count - FEWEST_BLOCKS + 1, count):
        last = left[:, begun:]
        farther = np.maximum(np.fmax.reduce(off[:, :begun], axis=-1), usual)[:, None]
        for index in np.flatnonzero((last > farther).all(-1) | (last < -farther).all(-1)):
            found[index] = found[index] or Shift(begun, float(last[index].mean()))
    return found


def _begun(row: Floats, block: int, around: int) -> Shift:
    """A change that is known to be near a block: where the mean on both sides differs most, and by how much."""
    start = max(block - 2 * max(around, FEWEST_BLOCKS), 0)
    part = row[start:]
    present = np.isfinite(part)
    number, total = np.cumsum(present), np.cumsum(np.where(present, part, 0.0))
    behind, rest = number[-1] - number, total[-1] - total
    known = (number > 0) & (behind >= _SHORTEST)
    size = np.where(known, rest / np.maximum(behind, 1) - total / np.maximum(number, 1), 0.0)
    at = int((size**2 * number * behind).argmax())
    return Shift(start + at + 1, float(size[at]))

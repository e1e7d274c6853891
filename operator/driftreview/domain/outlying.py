"""A single block of a window that is far off, and how much of it counts.

One block a thousand times as high is no drift, but among 288 it is all that mean and noise are made of: nothing could
be said of the other 287. So it counts for no more than is known of the series. Two such blocks count in full: they may
be how the release is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from driftreview.domain.noise import NORMAL, Bools, Floats, medians, usual_of
from driftreview.domain.regression import RESOLUTION, Panel

_FAR: Final = 6.0
"""Robust standard deviations, as of the outliers of a baseline."""


@dataclass(frozen=True)
class Outlying:
    """A block of a window that counts for less than it is."""

    block: int
    """From T0 on."""
    found: float
    """In the units of the panel."""
    counted: float
    cut: float
    """By how much it would change the mean of the window, if it counted in full."""


def bounded(panel: Panel) -> tuple[Panel, tuple[Outlying | None, ...]]:
    """A panel in which no single block since T0 counts in full that is far off, and that block of each series.

    Far off is what is farther from the window's median than any block of the baseline from the baseline's, and than six
    robust standard deviations of either. Of a window without a baseline nothing is known. What is among the baseline's
    blocks is back where it was, and all else is far off.
    """
    before, now = panel.values[:, : panel.before], panel.values[:, panel.before :]
    found = tuple(
        _outlying(*each) if may_be_far else None
        for *each, may_be_far in zip(before, now, _may_be_far(before, now), strict=True)
    )
    if not any(found):
        return panel, found
    values = panel.values.copy()
    for row, outlying in zip(values, found, strict=True):
        if outlying is not None:
            row[panel.before + outlying.block] = outlying.counted
    return replace(panel, values=values), found


def _may_be_far(before: Floats, now: Floats) -> Bools:
    """Which series may have one, quickly told: beyond half of the baseline's range, and six deviations of its own."""
    if not before.size or not now.size:
        return np.zeros(len(now), bool)
    off = np.abs(now - medians(now))
    farthest, spread = np.fmax.reduce(off, axis=-1), np.fmax.reduce(before, axis=-1) - np.fmin.reduce(before, axis=-1)
    found: Bools = farthest > spread / 2
    found[found] = farthest[found] > _FAR * usual_of(off[found])[:, 0]
    return found


def _outlying(before: Floats, now: Floats) -> Outlying | None:
    known, present = before[np.isfinite(before)], now[np.isfinite(now)]
    if not len(known) or not len(present):
        return None
    middle = float(np.median(present))
    earlier, off = np.abs(known - np.median(known)), np.abs(present - middle)
    usual = NORMAL * max(float(np.median(earlier)), float(np.median(off)))
    most = max(float(earlier.max()), _FAR * usual)
    if int((off > max(most, RESOLUTION)).sum()) != 1:
        return None
    block = int(np.nanargmax(np.abs(now - middle)))
    if known.min() <= now[block] <= known.max():
        return None
    counted = middle + float(np.sign(now[block] - middle)) * most
    return Outlying(block, float(now[block]), counted, (float(now[block]) - counted) / len(present))

"""How windows went, coarsely: a few points of each, and how much its later half is above its earlier one.

That is looked at of all series at once, and most of them need no closer look for a trend.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftreview.domain.noise import Floats

_MOST_POINTS: Final = 48
"""That a trend is told from."""


@dataclass(frozen=True)
class Course:
    """Of one series, up being worse."""

    points: Floats
    """(points,): means of as many blocks each, NaN where there are none."""
    rise: float
    """NaN where a half has no points."""


@dataclass(frozen=True)
class Courses:
    """One of each for every series."""

    points: Floats
    """(series, points)."""
    rise: Floats

    def of(self, nth: int, sign: int) -> Course:
        """Of one series; `sign` is -1 where lower is worse."""
        return Course(sign * self.points[nth], sign * float(self.rise[nth]))


def stride_of(blocks: int) -> int:
    """How many blocks of a window make one point."""
    return -(-blocks // _MOST_POINTS)


def courses_of(since: Floats) -> Courses:
    """Of windows, (series, blocks)."""
    first = np.arange(0, since.shape[-1], stride_of(since.shape[-1]))
    points = _means(since, first)
    halves = _means(points, np.array([0, points.shape[-1] // 2]))
    return Courses(points, halves[:, 1] - halves[:, 0])


def _means(rows: Floats, first: NDArray[np.int_]) -> Floats:
    """Of the parts of each row that begin at these places, without what is NaN; NaN where nothing is left."""
    known = np.isfinite(rows)
    counts = np.add.reduceat(known, first, axis=-1, dtype=int)
    totals = np.add.reduceat(np.where(known, rows, 0.0), first, axis=-1)
    found: Floats = np.divide(totals, counts, out=np.full_like(totals, np.nan), where=counts > 0)
    return found

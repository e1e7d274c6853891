"""Theil and Sen's slope, with an interval and a test that autocorrelation widens.

Sen 1968: the estimate is the median of the slopes between every two points, and the ends of its interval are slopes of
ranks that the variance of Kendall's statistic gives. That variance is taken times the memory of the noise, and
Student's t in place of the normal distribution, as the memory leaves fewer independent points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftreview.domain.noise import Floats
from driftreview.domain.regression import RESOLUTION
from driftreview.domain.statistics import middle
from driftreview.domain.tails import student_quantile, student_sf

_LONGEST_MEMORY: Final = 0.97
_FEWEST_POINTS: Final = 3
_LINE: Final = 2
"""Parameters of a straight line."""
_FEW: Final = 36
"""With fewer points their memory is taken from the baseline alone."""
_MANY: Final = 144
"""With fewer, from whichever of both remembers longer."""
_STEEPEST: Final = 1e9
"""Shares of the largest value per hour: no slope between two blocks is."""
_MOST_POINTS: Final = 300
"""Every pair of points is looked at: 300 make 44 850."""


@dataclass(frozen=True, eq=False)
class Slopes:
    """The slopes between every two points, and how far noise alone may shift their ranks."""

    points: Floats
    """(points,), as shares of `unit`."""
    times: Floats
    """(points,), of their middles, in hours from the window's beginning."""
    rises: Floats
    """(pairs,), as shares of `unit`."""
    hours: Floats
    """(pairs,), that they took."""
    unit: float
    """The largest value."""
    error: float
    """Standard error of Kendall's statistic."""
    freedom: float
    """Degrees of freedom."""

    @cached_property
    def _each(self) -> Floats:
        """Slopes per hour, as shares of `unit`."""
        return self.rises / self.hours

    @property
    def estimate(self) -> float:
        """Theil and Sen's slope per hour; infinite where no float is that large."""
        return self._ranked((len(self.rises) - 1) // 2, len(self.rises) // 2)

    def steeper_than(self, limit: float) -> float:
        """Probability of slopes as steep, were the true one no more than this.

        By Kendall's statistic of what remains of the points when a line of this slope is taken away. Ties count against
        it, as far as the resolution of evidence goes, and it is rounded as the ends of the interval are.
        """
        line = max(-_STEEPEST, min(limit / self.unit, _STEEPEST)) * self.hours
        above = int((self.rises - line > RESOLUTION).sum())
        return student_sf((2 * above - len(self.rises) - 2) / self.error, self.freedom)

    def interval(self, tail: float) -> tuple[float, float] | None:
        """Slopes that leave this probability outside on each side; None where noise alone could be as steep as any."""
        pairs = len(self.rises)
        reach = student_quantile(tail, self.freedom) * self.error
        low = math.floor((pairs - reach) / 2) - 1  # ranks count from one, indices from zero
        high = math.ceil((pairs + reach) / 2)
        return None if low < 0 or high >= pairs else (self._ranked(low), self._ranked(high))

    def reaches(self, level: float) -> float:
        """When the line through the points is at this level, in hours from the window's beginning."""
        slope = self.estimate / self.unit
        return (level / self.unit - self._start) / slope if slope else math.inf

    def at(self, hours: float) -> float:
        """Where the line through the points is, so many hours from the window's beginning."""
        return self.unit * self._start + self.estimate * hours

    @property
    def _start(self) -> float:
        """Of the line, as a share of `unit`."""
        return float(np.median(self.points - self.estimate / self.unit * self.times))

    def _ranked(self, *ranks: int) -> float:
        """The mean of the slopes of these ranks, from 0 on."""
        slopes = np.partition(self._each, ranks)
        return self.unit * (math.fsum(float(slopes[rank]) for rank in ranks) / len(ranks))


def slopes(
    now: Sequence[float | None],
    before: Sequence[float | None],
    hours_per_block: float,
    falls: Sequence[int] = (),
    remembered: float = 1.0,
) -> Slopes | None:
    """Every slope of a window; None where there are no three points.

    Between falls there are slopes of their own: the statistic is then the sum over the parts (Hirsch and Slack 1984).

    Args:
        now: its blocks; where there are more than 300, medians of several make one point.
        before: those of the baseline, whose memory stands in for that of a short window; empty where there is none.
        hours_per_block: of either.
        falls: the first blocks after each.
        remembered: how many points are worth one at least, if more is known of the noise than their neighbours tell.
    """
    stride = max(1, -(-len(now) // _MOST_POINTS))
    parts = [_points(now[first:last], stride) for first, last in pairwise([0, *falls, len(now)])]
    unit = max(float(np.fmax.reduce(np.abs(part), initial=0.0)) for part in parts) or 1.0
    starts = np.cumsum([0, *map(len, parts)])
    places = [np.flatnonzero(np.isfinite(part)) + start for part, start in zip(parts, starts, strict=False)]
    values = np.concatenate(parts) / unit
    counts = [len(each) for each in places if len(each) >= _FEWEST_POINTS]
    if not counts:
        return None
    remembered = max(remembered, _memory_of([part / unit for part in parts], np.array(before, dtype=float)))
    width = np.float64(stride * hours_per_block)
    at = np.concatenate(places)
    first, second = (np.concatenate(each) for each in zip(*(_pairs_of(each) for each in places), strict=True))
    return Slopes(
        points=values[at],
        times=(at + 0.5) * width,
        rises=values[second] - values[first],
        hours=(second - first) * width,
        unit=unit,
        error=math.sqrt(remembered * sum(map(_kendall, counts))),
        freedom=max(sum(counts) / remembered - _LINE * len(counts), 1.0),
    )


def may_rise(points: Floats, tail: float, remembered: float) -> bool:
    """Whether the lower end of `interval` may be above zero, told without the memory of the points.

    More memory than what is known of the noise, and fewer degrees of freedom than without end, only make it wider.
    """
    known = points[np.isfinite(points)]
    if len(known) < _FEWEST_POINTS:
        return False
    first, second = _pairs(len(known))
    others = int((known[second] <= known[first]).sum())
    reach = student_quantile(tail, math.inf) * math.sqrt(remembered * _kendall(len(known)))
    return others <= (len(first) - reach) / 2


def _kendall(count: int) -> float:
    """Variance of Kendall's statistic of so many points that are independent."""
    return count * (count - 1) * (2 * count + 5) / 18


def _points(blocks: Sequence[float | None], stride: int) -> Floats:
    if stride == 1:
        return np.array(blocks, dtype=float)
    parts = (blocks[first : first + stride] for first in range(0, len(blocks), stride))
    return np.array([_middle([value for value in part if value is not None]) for part in parts])


def _pairs_of(places: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """All pairs of a part that has three points: the earlier ones and the later ones."""
    if len(places) < _FEWEST_POINTS:
        return places[:0], places[:0]
    first, second = _pairs(len(places))
    return places[first], places[second]


@lru_cache(maxsize=4)
def _pairs(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Of so many points, all pairs: the earlier ones and the later ones."""
    return np.triu_indices(count, 1)


def _middle(values: Sequence[float]) -> float:
    return middle(values) if values else math.nan


def memory(*parts: Floats) -> float:
    """How many points are worth one: (1 + r) / (1 - r), r the correlation of what lines leave of neighbours.

    Of several parts, each with a line of its own, there is one r: the largest of theirs would be by chance too large.
    r is corrected for its bias in short series (Marriott and Pope 1954) and never below zero. NaN is no point.
    """
    unit = max((float(np.fmax.reduce(np.abs(part), initial=0.0)) for part in parts), default=0.0) or 1.0
    lines = [_left(part / unit) for part in parts if int(np.isfinite(part).sum()) >= _FEWEST_POINTS]
    neighbours = np.concatenate([np.zeros(0), *(left[1:] * left[:-1] for left in lines)])
    left = np.concatenate([np.zeros(0), *lines])
    count, pairs = int(np.isfinite(left).sum()), int(np.isfinite(neighbours).sum())
    if not pairs or float(np.nanmax(np.abs(left))) < RESOLUTION:
        return 1.0
    r = float(np.nansum(neighbours)) / float(np.nansum(left**2)) * (count - len(lines)) / pairs
    r = min(max(r + (_LINE + (_LINE + 2) * r) * len(lines) / count, 0.0), _LONGEST_MEMORY)
    return (1 + r) / (1 - r)


def _left(values: Floats) -> Floats:
    """What a straight line leaves; there must be three points."""
    present = np.isfinite(values)
    at = np.arange(len(values)) - np.flatnonzero(present).mean()
    centred = values - values[present].mean()
    left: Floats = centred - at * (at[present] @ centred[present]) / (at[present] @ at[present])
    return left


def _memory_of(parts: Sequence[Floats], before: Floats) -> float:
    own = memory(*parts)
    count = sum(int(np.isfinite(part).sum()) for part in parts)
    if count >= _MANY or not np.isfinite(before).any():
        return own
    old = memory(before)
    return max(old, own) if count >= _FEW else old

"""When events were too many, or too few: the part of a row of counts that says most against what is usual there.

It is the part, of all there are, in which independent events at the usual rate are least likely by their likelihood
ratio (Kulldorff 1997). So many parts are tried that a gain below the logarithm of their number over what may be wrong
is nothing: of a single part chance reaches a gain of x with a probability of exp(-x) at most (Chernoff 1952).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftreview.api.values import format_duration
from driftreview.domain.display import quantity
from driftreview.domain.measured import AFFIRMED, Grid
from driftreview.domain.noise import Floats

_PLACES: Final = 150
"""At most, at which a part is tried to begin and to end, before both are sought block by block."""
_RARE: Final = 1.0
"""Events that are taken for usual in a whole row at least: where none are, the first would say everything."""
_AS_BAD: Final = 0.5
"""Of the gain of the worst part, from which on another one is as bad."""


@dataclass(frozen=True)
class Bout:
    """A part of a row of blocks."""

    first: int
    after: int
    """The first block after it."""
    events: float
    expected: float
    gain: float
    """Logarithm of how much likelier its events are at their own rate than at the usual one."""


@dataclass(frozen=True)
class Course:
    """The events of a row of blocks beside what is usual there."""

    events: Floats
    """(blocks + 1,): how many before each block."""
    usual: Floats
    """The same of what is usual."""
    sign: int
    """1 where more are worse, -1 where fewer are."""

    @staticmethod
    def of(events: Floats, usual: Floats, sign: int) -> Course:
        """A row of blocks, NaN in both where there is none."""
        there = np.isfinite(events)
        least = _RARE / max(int(there.sum()), 1) if sign > 0 else 0.0
        number, expected = np.where(there, events, 0.0), np.where(there, np.fmax(usual, least), 0.0)
        before = [np.append(0.0, np.cumsum(row)) for row in (number, expected)]
        return Course(before[0], before[1], sign)

    @property
    def blocks(self) -> int:
        """How many."""
        return len(self.events) - 1

    def worst(self) -> Bout | None:
        """The part that says most; None where none says anything."""
        return self._worst(0, self.blocks)

    def at_the_end(self) -> Bout | None:
        """The same of those that end with the row, if that one is not surely over; None where nothing was under way.

        The shorter, the fewer were tried: n blocks have a share of 1/(n (n + 1)) in what may be wrong.
        """
        firsts = np.arange(self.blocks)
        lengths = self.blocks - firsts
        nothing = np.log(lengths * (lengths + 1) / AFFIRMED)
        known = self._gains(firsts, np.array([self.blocks]))[:, 0] - nothing
        first = int(known.argmax())
        if known[first] <= 0:
            return None
        bout, within = self._bout(first, self.blocks), self._worst(first, self.blocks)
        return None if within and within.gain - bout.gain > self.nothing(self.blocks - first) else bout

    def nothing(self, tried: int) -> float:
        """The gain that chance reaches hardly ever (5%) in any of so many parts."""
        return math.log(tried / AFFIRMED)

    def stands_out(self, bout: Bout) -> bool:
        """Whether a part surely says more than the whole row does."""
        return bout.gain - self._bout(0, self.blocks).gain > self.nothing(self.blocks * (self.blocks + 1) // 2)

    def told(self, bout: Bout, unit: str, grid: Grid) -> str:
        """A part in words: how many, from when to when, whether it is over, and whether there are others as bad."""
        hours = (grid.since + at * grid.hours_per_block for at in (bout.first, bout.after))
        start, end = (format_duration(timedelta(hours=each)) for each in hours)
        events = quantity(bout.events, unit)
        many = f"{events} of them" if self.sign > 0 else f"{events} against {quantity(bout.expected, unit)} expected"
        number = self._as_bad(_AS_BAD * bout.gain, 0, self.blocks)
        also = f", one of {number} as bad" if number > 1 else ""
        if self._is_still(bout):
            return f"{many} since T0+{start}, still{also}"
        return f"{many} from T0+{start} to T0+{end}{', over since' if self._is_over(bout) else ''}{also}"

    def _is_still(self, bout: Bout) -> bool:
        """Whether no block follows."""
        return float(self.usual[-1] - self.usual[bout.after]) == 0

    def _is_over(self, bout: Bout) -> bool:
        """Whether to take it for going on to the end explains surely less."""
        every = np.arange(bout.after)
        going_on = float(self._gains(every, np.array([self.blocks])).max())
        return bout.gain - going_on > self.nothing(self.blocks)

    def _as_bad(self, least: float, start: int, end: int) -> int:
        """How many parts between two blocks gain as much."""
        bout = self._worst(start, end)
        if bout is None or bout.gain < least:
            return 0
        return 1 + self._as_bad(least, start, bout.first) + self._as_bad(least, bout.after, end)

    def _worst(self, start: int, end: int) -> Bout | None:
        if start >= end:
            return None
        step = -(-(end - start) // _PLACES)
        firsts, afters = np.arange(start, end, step), np.append(np.arange(start + step, end, step), end)
        first, after = self._best(firsts, afters)
        if step > 1:
            around = np.arange(max(first - step, start), min(first + step, after))
            first, _ = self._best(around, np.array([after]))
            around = np.arange(max(after - step, first) + 1, min(after + step, end) + 1)
            _, after = self._best(np.array([first]), around)
        bout = self._bout(first, after)
        return bout if bout.gain > 0 else None

    def _best(self, firsts: NDArray[np.int_], afters: NDArray[np.int_]) -> tuple[int, int]:
        gains = self._gains(firsts, afters)
        row, column = np.unravel_index(int(gains.argmax()), gains.shape)
        return int(firsts[row]), int(afters[column])

    def _bout(self, first: int, after: int) -> Bout:
        events, expected = (float(row[after] - row[first]) for row in (self.events, self.usual))
        gain = float(self._gains(np.array([first]), np.array([after]))[0, 0])
        return Bout(first, after, events, expected, gain)

    def _gains(self, firsts: NDArray[np.int_], afters: NDArray[np.int_]) -> Floats:
        """(firsts, afters): gain of each part, zero where it is no worse than usual."""
        events, usual = (np.maximum(row[afters] - row[firsts][:, None], 0.0) for row in (self.events, self.usual))
        is_worse = (self.sign * (events - usual) > 0) & (afters > firsts[:, None]) & (usual > 0)
        ratio = np.divide(events, usual, out=np.ones_like(events), where=is_worse)
        logs = np.log(np.where(ratio > 0, ratio, 1.0))
        found: Floats = np.where(is_worse, events * logs - (events - usual), 0.0)
        return found

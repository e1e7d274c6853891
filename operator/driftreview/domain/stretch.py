"""A stretch of a window that is far worse than the rest: from when to when, how bad, and whether it is over.

A mean forgives it, and noise learnt from it excuses it; so a person is told of it. What is bad in the window's very
last block is not known to be over, however short it is so far: it is no outlier, and nothing is good beside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np

from driftreview.api.values import format_duration
from driftreview.domain.display import quantity
from driftreview.domain.finding import FEWEST_BLOCKS
from driftreview.domain.measured import Grid, Measured
from driftreview.domain.noise import NORMAL, Bools, Floats
from driftreview.domain.regression import RESOLUTION
from driftreview.domain.statistics import mean

_LONGER: Final = 2
"""Times as many blocks as are judged at least, that a window has of which the worst part is told."""
_TIMES: Final = 3.0
"""Times the worst that the baseline did."""
FAR: Final = 6.0
"""Robust standard deviations, as of a single block that is far off (`outlying`)."""
_HABIT: Final = 3
"""Stretches from which on they are how the series is, as of a baseline (`calm`)."""


@dataclass(frozen=True)
class Stretch:
    """A part of a window."""

    first: int
    """Its first block."""
    after: int
    """The first block after it."""
    value: float
    """Mean of its blocks, in the signal's unit."""
    became: str
    """What became of it, in words; empty where no block follows."""
    number: int
    """How many stretches are as bad, this one included."""

    @property
    def is_rare(self) -> bool:
        """Whether it is no habit yet, and so no noise."""
        return self.number < _HABIT

    def told(self, unit: str, grid: Grid) -> str:
        """It in words."""
        lasted, begun, ended = (
            format_duration(timedelta(hours=since + blocks * grid.hours_per_block))
            for blocks, since in (
                (self.after - self.first, 0.0),
                (self.first, grid.since),
                (self.after, grid.since),
            )
        )
        when = f"from T0+{begun} to T0+{ended}, {self.became}" if self.became else f"since T0+{begun}, still"
        others = f", one of {self.number} as bad" if self.number > 1 else ""
        return f"{quantity(self.value, unit)} for {lasted} {when}{others}"


@dataclass(frozen=True)
class Excess:
    """How much worse every block of a window is than what is expected, or than a limit."""

    blocks: Floats
    """As it is compared, up being worse, in full; NaN where there is none."""
    row: Floats
    """The same blocks in the signal's unit; there may be fewer, where other series have more."""
    tolerated: float
    """Up to which a block is good."""
    series: Measured | None = None
    """Whose they are; None where nothing else is known of what is good."""

    @staticmethod
    def of(each: Measured) -> Excess:
        """Of a series over what its baseline leads to expect.

        Good is what is within the margin, and what is no worse than the middle four fifths of the baseline's blocks: a
        wave that an outage has bent expects less of it.
        """
        blocks = each.since - (each.level - each.step)
        if off := each.outlying:
            blocks[off.block] += each.scale.sign * (off.found - off.counted)
        return Excess(blocks, each.case.now.row, each.margin or 0.0, each)

    @property
    def there(self) -> Floats:
        """The blocks that are there."""
        return self.blocks[np.isfinite(self.blocks)]

    def around(self, at: int, most: float | None = None) -> Stretch:
        """The blocks in a row about one of them that are at least half as bad: as it, or as so much."""
        is_bad = self.blocks > (float(self.blocks[at]) if most is None else most) / 2
        first, after = at, at + 1
        while first > 0 and is_bad[first - 1]:
            first -= 1
        while after < len(is_bad) and is_bad[after]:
            after += 1
        later = self._are_good()[after:][np.isfinite(self.blocks[after:])]
        became = "" if not later.size else "over since" if later.mean() > 1 / 2 else "better since"
        number = int(is_bad[0]) + int((is_bad[1:] & ~is_bad[:-1]).sum())
        values = self.row[first:after]
        return Stretch(first, after, mean(values[~np.isnan(values)].tolist()), became, max(number, 1))

    def _are_good(self) -> Bools:
        within: Bools = self.blocks <= self.tolerated + RESOLUTION
        if self.series is None or self.series.case.before is None:
            return within
        scale, usual = self.series.scale, self.series.case.before.usual
        within[: len(self.row)] |= scale.sign * scale.of(self.row) <= max(map(scale.to, usual))
        return within

    def worst_from(self, first: int) -> Stretch:
        """The stretch about the worst of the blocks from one on; one of them must be there."""
        return self.around(first + int(np.nanargmax(self.blocks[first:])))

    def bad_at_last(self, before: Floats, tolerated: float = 0.0, far: float = FAR) -> Stretch | None:
        """The stretch of the last block, if that block by itself is beyond what is tolerated, and unlike all before.

        That is: worse than every block of the baseline, and by robust standard deviations than the window's median.

        Args:
            before: the same excess of the baseline, empty where there is none.
            tolerated: excess up to which it may be.
            far: how many deviations, of baseline and window; 0 where what is beyond a limit matters, however usual.
        """
        there = self.there
        if not there.size or there[-1] <= tolerated + RESOLUTION:
            return None
        known = before[np.isfinite(before)]
        if known.size and there[-1] <= known.max() + RESOLUTION:
            return None
        there, known = _small(there, known)
        spread = max(_spread(part) for part in (there, known) if part.size)
        if there[-1] - np.median(there) <= far * spread:
            return None
        return self.around(int(np.flatnonzero(np.isfinite(self.blocks))[-1]))

    def back_for(self, tolerated: float) -> int:
        """How many of its last blocks are good again: as far better than its median as an outlier is off."""
        there = self.there
        if not there.size:
            return 0
        bound = min(float(np.median(there)) - FAR * _spread(there), tolerated)
        is_bad = np.flatnonzero(there > bound + RESOLUTION)
        return len(there) - 1 - int(is_bad[-1]) if is_bad.size else 0


def _small(*rows: Floats) -> list[Floats]:
    """The rows on a scale on which no value is larger than 1: no sum or difference is too large for a float.

    The scale is a power of two, which rounds nothing: what is compared of them compares as before.
    """
    largest = max(float(np.abs(row).max(initial=0.0)) for row in rows)
    return [np.ldexp(row, -math.frexp(largest)[1]) for row in rows]


def _spread(blocks: Floats) -> float:
    """Robust standard deviation."""
    return NORMAL * float(np.median(np.abs(blocks - np.median(blocks))))


def worst(each: Measured) -> Stretch | None:
    """The worst stretch of a window; None where nothing stands out, nor did anything of a window as short.

    That is: as few blocks as are judged at least, beyond the margin, and much farther above the window's mean than any
    of the baseline. No verdict rests on it: a mean over two days forgives an hour, and a person may not. Of a short
    window it is what was bad before its last blocks were good again.
    """
    if each.margin is None:
        return None
    excess = Excess.of(each)
    if len(excess.blocks) <= _LONGER * FEWEST_BLOCKS:
        return _over(each, excess) if each.step > each.margin else None
    steps = np.where(np.isfinite(excess.blocks), excess.blocks, 0.0)  # what is not there is not worse
    means = np.convolve(steps, np.ones(FEWEST_BLOCKS), "valid") / FEWEST_BLOCKS
    at = int(means.argmax())
    most = float(means[at])
    if most <= each.margin + RESOLUTION or most - each.step <= _TIMES * each.unlike_ending + RESOLUTION:
        return None
    return excess.around(at + int(steps[at : at + FEWEST_BLOCKS].argmax()), most)


def _over(each: Measured, excess: Excess) -> Stretch | None:
    """The worst of a short window, if it is over, and farther above what follows than the baseline's noise lets it."""
    found, known = excess.worst_from(0), each.past.blocks[np.isfinite(each.past.blocks)]
    after = excess.blocks[found.after :]
    if found.became != "over since" or not known.size:
        return None
    drop = np.nanmax(excess.blocks) - np.nanmax(after)
    return found if drop > FAR * _spread(known) + RESOLUTION else None

"""What happened of late: the last stretches of a window, each looked at by itself.

A window of 48 hours forgives eight bad ones at their end, and what is bad when it is decided must not be promoted.
Nobody knows when it began, so several stretches are tried; what is the least probable of any of them is as many times
as probable of one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from driftreview.domain.finding import FEWEST_BLOCKS
from driftreview.domain.noise import NORMAL, Floats
from driftreview.domain.regression import RESOLUTION
from driftreview.domain.tails import student_sf

_SHARES: Final = (4, 8, 16)
"""Parts of the window of which the last one is looked at."""
_HALF: Final = 0.5
"""Of the blocks of a stretch, to know its slope."""
_FAR: Final = 6.0
"""Robust standard deviations of the medians of an hour."""


def stretches(blocks: int, seen: int, fewest: int) -> list[int]:
    """How many of the window's last blocks are looked at by themselves: the longest first, none twice.

    Args:
        blocks: of the window.
        seen: that the look before had as well; 0 where there was none.
        fewest: that say anything.
    """
    lengths = {fewest, *(blocks // share for share in _SHARES), blocks - seen}
    return sorted((length for length in lengths if fewest <= length < blocks), reverse=True)


def shortest(blocks: Sequence[float | None]) -> set[int]:
    """How many of the last blocks have half of FEWEST_BLOCKS with a value, half of those, and so on to a single one.

    What is bad at the very end, however short, is so for at least half of one of these or of what is longer.
    """
    found, fewest = set[int](), FEWEST_BLOCKS // 2
    while fewest:
        found.add(last_with(blocks, fewest))
        fewest //= 2
    return found


def last_with(blocks: Sequence[float | None], fewest: int) -> int:
    """How many of the last blocks have so many with a value; all where there are fewer."""
    present = [index for index, value in enumerate(blocks) if value is not None]
    return len(blocks) - (present[-fewest] if len(present) >= fewest else 0)


def lines(row: Floats, length: int) -> Floats:
    """The slope per block of the least-squares line through every stretch of so many blocks; NaN where half lack.

    Args:
        row: blocks, NaN where there is none; of no more than 1 in size.
        length: at least two.
    """
    if len(row) < length:
        return np.zeros(0)
    present = np.isfinite(row)
    values = np.where(present, row - (row[present].mean() if present.any() else 0.0), 0.0)
    at, one = np.arange(length) - (length - 1) / 2, np.ones(length)
    count, first, second = (np.correlate(present.astype(float), each) for each in (one, at, at * at))
    total, product = (np.correlate(values, each) for each in (one, at))
    spread = count * second - first * first
    is_known = (count >= _HALF * length) & (spread > 0)
    found: Floats = np.full(len(count), np.nan)
    np.divide(count * product - first * total, spread, out=found, where=is_known)
    return found


@dataclass(frozen=True)
class Late:
    """The slope of the last stretch of a window, per block, and what is known of as long ones."""

    slope: float
    steepest: float
    """Of all: of the baseline if that has a day, else also of the window before; infinite where none is known."""
    spread: float
    """Standard deviation of the baseline's, more where the window is noisier, or of those of the window before."""
    freedom: float
    """Degrees of freedom of it."""

    def steeper_than(self, limit: float) -> float:
        """Probability of such a slope, were the true one no more than this."""
        return student_sf((self.slope - limit) / max(self.spread, RESOLUTION), self.freedom)


def late(now: Floats, before: Floats, length: int, *, is_a_day: bool) -> Late | None:
    """Of so many last blocks; None where their slope is not known, or no other.

    Args:
        now: blocks of the window, NaN where there is none; of no more than 1 in size.
        before: the same of the baseline.
        length: at least two.
        is_a_day: whether the baseline has all hours of the day, and with them what comes daily.
    """
    own, known = lines(now, length), lines(before, length)
    earlier = own[:-length][np.isfinite(own[:-length])]
    known = known[np.isfinite(known)]
    every = known if is_a_day else np.concatenate([known, earlier])
    if not len(every) or not np.isfinite(own[-1]):
        return None
    noise, usual = noise_of(now), noise_of(before)
    spread = max(
        float(known.std()) * max(1.0, noise / usual if usual > 0 else 1.0) if len(known) else 0.0,
        NORMAL * float(np.median(np.abs(earlier - np.median(earlier)))) if len(earlier) else 0.0,
        noise * math.sqrt(12 / length**3),
    )
    freedom = max((len(known) + len(earlier)) / length - 1, 1.0)
    return Late(float(own[-1]), float(every.max()), spread, freedom)


def noise_of(row: Floats) -> float:
    """Robust standard deviation of what blocks differ from their neighbours by, were they independent.

    What rises steadily and suddenly falls is no noise by it.
    """
    steps = np.diff(row)
    steps = steps[np.isfinite(steps)]
    return NORMAL * float(np.median(np.abs(steps - np.median(steps)))) / math.sqrt(2) if len(steps) else 0.0


def risen(row: Floats, before: Floats) -> float:
    """By how much the median of the last hour is above that of every hour of the first three quarters of a window.

    Zero where that is no more than their noise, or than the baseline rose in a quarter of the window.
    """
    quarter = len(row) // _SHARES[0]
    hours, old = hours_of(row), hours_of(before)
    earlier = hours[: len(row) - quarter - FEWEST_BLOCKS + 1]
    known = earlier[np.isfinite(earlier)]
    if not len(known) or not np.isfinite(hours[-1]):
        return 0.0
    rises = old[quarter:] - old[: max(len(old) - quarter, 0)]
    usual = float(np.fmax.reduce(rises, initial=0.0))
    noise = NORMAL * float(np.median(np.abs(known - np.median(known))))
    found = float(hours[-1] - known.max())
    return found if found > max(usual, _FAR * noise) else 0.0


def highest(blocks: Sequence[float | None] | Floats) -> float:
    """The highest median of FEWEST_BLOCKS blocks that are all there, up being worse; minus infinity where none are."""
    medians = hours_of(np.array(blocks, dtype=float))
    return float(np.fmax.reduce(medians, initial=-math.inf))


def hours_of(row: Floats) -> Floats:
    """The median of every hour; NaN where not all its blocks are there."""
    if len(row) < FEWEST_BLOCKS:
        return np.zeros(0)
    hours = np.lib.stride_tricks.sliding_window_view(row, FEWEST_BLOCKS)
    with np.errstate(over="ignore"):  # of two middle blocks too large to be added: such an hour tells nothing
        found: Floats = np.median(hours, axis=-1)
    return found

"""What is judged and what is said of it: one side of a comparison, and a finding."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftreview.api.driftsnapshot import SeriesEvidence
from driftreview.api.reasons import UNMEASURED, Reason
from driftreview.api.signal import OnMissing, Worse
from driftreview.api.spells import Gaps, Spells
from driftreview.api.values import parse_duration
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.blocks import decode

_ROUNDABLE: Final = 1e300
"""Larger numbers may have no float once they are rounded up."""
FEWEST_BLOCKS: Final = 6
"""Of either side, before it is judged."""
GOOD: Final = (SignalVerdict.STABLE, SignalVerdict.ACCEPTABLE, SignalVerdict.IMPROVED)
"""Verdicts that let a promotion pass."""
_GRAVE: Final = (SignalVerdict.DEGRADED, SignalVerdict.SUSPECT, SignalVerdict.INCONCLUSIVE)


class Measure(StrEnum):
    """What the numbers of an estimate are."""

    SHARE = "Share"
    """Change as a share of the baseline: 0.05 is 5% more."""
    DIFFERENCE = "Difference"
    """Change in the signal's unit."""
    VALUE = "Value"
    """The value itself, in the signal's unit."""
    PER_HOUR = "PerHour"
    """Growth per hour, in the signal's unit."""


@dataclass(frozen=True)
class Estimate:
    """What was measured, in numbers. NaN and infinite numbers do not occur."""

    measure: Measure
    estimate: float
    lower: float
    """Lower end of the interval."""
    upper: float
    margin: float
    """What is tolerated: a limit for Value and PerHour."""
    current: float
    """In the signal's unit, as the baseline."""
    baseline: float | None = None

    @property
    def share(self) -> float | None:
        """The change as a share of the baseline: 0.05 is 5% more; None where there is no baseline but zero."""
        if self.measure is Measure.SHARE:
            return self.estimate
        if not self.baseline:
            return None
        step = self.estimate if self.measure is Measure.DIFFERENCE else self.current - self.baseline
        return step / abs(self.baseline)

    def used(self, worse: Worse) -> float:
        """How much of what is tolerated the unfavourable end of the interval uses: 1 is all of it, 0 nothing.

        Of values it is the share of the limit, infinite where that is none, as a limit at or below zero.
        """
        if self.measure in (Measure.VALUE, Measure.PER_HOUR):
            end = self.lower if worse is Worse.LOWER else self.upper
            part, whole = (
                (self.margin, end) if worse is Worse.LOWER and self.measure is Measure.VALUE else (end, self.margin)
            )
        else:
            ends = {Worse.HIGHER: self.upper, Worse.LOWER: -self.lower, Worse.EITHER: max(self.upper, -self.lower)}
            part, whole = ends[worse], self.margin
        if whole == 0:
            return math.inf if part > 0 else 0.0
        return max(part / whole, 0.0)


def rounded(value: float, size: float) -> float:
    """A number without what is below the nine digits of evidence, `size` being the largest that went into it."""
    return round(value, 8 - math.floor(math.log10(abs(size)))) + 0.0 if 0 < abs(size) < _ROUNDABLE else value


@dataclass(frozen=True)
class Finding:
    """What is said of one series: a verdict, why, and the cells of its row."""

    verdict: SignalVerdict
    reason: Reason | None
    message: str
    baseline: str = ""
    current: str = ""
    delta: str = ""
    estimate: Estimate | None = None
    """None where nothing was estimated."""
    since: datetime | None = None
    """Of what is Missing: when its last sample was, where nothing came any more; None where that is not so or known."""

    def counted(self, on_missing: OnMissing) -> SignalVerdict | None:
        """The verdict as `onMissing` has it count; None where it does not. What nobody could measure never fails."""
        if self.verdict is not SignalVerdict.MISSING or on_missing is OnMissing.HOLD:
            return self.verdict
        if on_missing is OnMissing.IGNORE:
            return None
        return self.verdict if self.reason in UNMEASURED else SignalVerdict.DEGRADED

    def about(self, series: str) -> Finding:
        """The same, said of a named series."""
        return replace(self, message=f"{series}: {self.message}")


def gravest(said: Sequence[Finding]) -> Finding:
    """Of what is said of one series the worst; where nothing is bad or open, the last.

    Where nothing is said there is nothing to be good by. The API server refuses such signals; a file may hold one.
    """
    if not said:
        message = "neither a margin nor a limit is declared that it could be held against"
        return Finding(SignalVerdict.INCONCLUSIVE, Reason.UNRESOLVED, message)
    grave = [finding for finding in said if finding.verdict in _GRAVE]
    return min(grave, key=lambda finding: _GRAVE.index(finding.verdict), default=said[-1])


_EVERY_THIRD: Final = 0.7
"""Share of the samples up to which an even thinness looks like a scrape at every third step: two are bridged."""
TOO_FINE: Final = "spec.resolution of the source may be finer than its scrape interval"
"""What a thinness that is even mostly comes of."""


def too_fine(side: Side, usual: Side | None = None) -> str:
    """Why the samples of a series may lack all over; empty where they do not.

    Args:
        side: the series.
        usual: the same in its baseline: what was not thin there is scraped often enough.
    """
    is_usual = usual is None or usual.present_samples <= _EVERY_THIRD * usual.expected
    return TOO_FINE if side.is_thin and is_usual else ""


_USUAL: Final = (0.1, 0.9)
"""Quantiles of what is shown as a range."""


@dataclass(frozen=True)
class Side:
    """One side of a comparison, as frozen."""

    blocks: tuple[float | None, ...]
    longest_over: timedelta | None = None
    worst: float | None = None
    samples: int = 1
    """That the blocks were made of."""
    expected: int = 1
    """Samples that a window without gaps would have."""
    control: tuple[float | None, ...] | None = None
    """The control's blocks; where either is empty, both are."""
    control_samples: int | None = None
    idle: frozenset[int] = frozenset()
    """Which blocks of a quotient have samples but no traffic."""
    per: tuple[float | None, ...] | None = None
    """What a quotient is counted per, each block's mean."""
    gaps: Gaps | None = None
    """Kind Presence: how long it was absent."""
    ending_samples: int | None = None
    """Of the last FEWEST_BLOCKS blocks; None where they were not counted by themselves."""
    over: Spells | None = None
    """Kind Limit: when it was over the alert limit."""
    silent: int | None = None
    """Steps after the last sample; None where they were not counted."""
    is_own: bool = False
    """Whether this is a baseline of the release itself (`from: Snapshot`), which shows nothing of what was before."""

    @staticmethod
    def of(series: SeriesEvidence, *, is_own: bool = False) -> Side:
        """Read it from evidence; `is_own` of a baseline of the release itself."""
        blocks, control = decode(series.values), None
        if series.control is not None:
            pairs = [(a, b) if None not in (a, b) else (None, None) for a, b in _pairs(blocks, decode(series.control))]
            blocks, control = tuple(a for a, _ in pairs), tuple(b for _, b in pairs)
        idle, per = frozenset[int](), None if series.per is None else decode(series.per)
        if per is not None:
            traffic = enumerate(_pairs(blocks, per))
            idle = frozenset(index for index, (a, b) in traffic if a is None and b is not None)
        return Side(
            blocks,
            None if series.longest_over is None else parse_duration(series.longest_over),
            None if series.worst is None else float(series.worst),
            series.samples,
            series.expected,
            control,
            series.control_samples if control is not None else None,
            idle,
            per,
            series.gaps,
            series.ending,
            series.over,
            series.silent,
            is_own,
        )

    @property
    def lacks_control(self) -> bool:
        """Whether more is missing of the control than of the series."""
        return self.control_samples is not None and self.control_samples < self.samples

    @property
    def present_samples(self) -> int:
        """Samples of the series, or of its control if that has fewer."""
        return self.samples if self.control_samples is None else min(self.samples, self.control_samples)

    @property
    def coverage(self) -> float:
        """Share of the window that is covered by samples."""
        return self.present_samples / self.expected if self.expected else 0.0

    @property
    def ending(self) -> tuple[int, int]:
        """Samples of the last FEWEST_BLOCKS blocks, and how many they would be without gaps.

        Where they were not counted, a block that has any counts in full.
        """
        blocks = len(self.blocks)
        per_block = -(-self.expected // max(blocks, 1))
        expected = min(self.expected, FEWEST_BLOCKS * per_block)
        if self.ending_samples is not None:
            return self.ending_samples, expected
        last = range(max(blocks - FEWEST_BLOCKS, 0), blocks)
        there = sum(self.blocks[index] is not None or index in self.idle for index in last)
        return min(there * per_block, expected), expected

    @property
    def is_thin(self) -> bool:
        """Whether samples lack all over, in the blocks that have any, and not only for some time."""
        there = self.expected * len(self.present) / max(len(self.blocks), 1)
        return 0 < self.present_samples <= _EVERY_THIRD * there

    @cached_property
    def present(self) -> list[float]:
        """The blocks that have samples."""
        return [value for value in self.blocks if value is not None]

    @cached_property
    def usual(self) -> tuple[float, float]:
        """Where the middle four fifths of the blocks are; there must be one."""
        ordered = np.sort(self.row)  # NaN comes last
        low, high = (float(ordered[math.ceil(each * len(self.present)) - 1]) for each in _USUAL)
        return low, high

    @cached_property
    def row(self) -> NDArray[np.float64]:
        """The blocks, NaN where there is no sample."""
        return np.array(self.blocks, dtype=float)


def _pairs(
    blocks: Sequence[float | None], others: Sequence[float | None]
) -> Iterator[tuple[float | None, float | None]]:
    """Block by block; a block without another has none."""
    return ((block, others[index] if index < len(others) else None) for index, block in enumerate(blocks))


def place(row: NDArray[np.float64], before: int, old: Side | None, now: Side) -> None:
    """Put both sides on a grid whose baseline ends after `before` blocks; what has no sample becomes NaN."""
    if old:
        row[before - len(old.row) : before] = old.row
    row[before : before + len(now.row)] = now.row

"""Kind Events, counted: a series' window and its last stretches beside the baseline, and how likely chance is.

The query's value is the number of events in the last `for`, so a block's mean times its length in `for`s is what
happened in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Final

from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal, Worse
from driftreview.api.values import format_duration, parse_percent, parse_quantity
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.bouts import Course
from driftreview.domain.bursts import span_of
from driftreview.domain.counts import COUNTABLE, Counts, events_in, one_an_hour
from driftreview.domain.display import quantity
from driftreview.domain.family import Bound, Claims
from driftreview.domain.finding import FEWEST_BLOCKS, Finding, Side
from driftreview.domain.lately import last_with, shortest, stretches
from driftreview.domain.measured import Case, Grid
from driftreview.domain.rules import sign_of
from driftreview.domain.usual import usual_of

FEWEST: Final = 3.0
"""Events more, or fewer, than expected in a window: less proves nothing, and to rule out more would take too long."""
WANDERING: Final = 2.0
"""Events that are worth one, from which on it is said why so many prove so little, and hours are counted as well."""
_ROUNDING: Final = 1e-6
"""Of a number below zero: less comes of extrapolating."""
_HOURLY: Final = 0.02
"""Of what is allowed, for the hours that have any: where events keep coming it is by far enough, and little is lost."""


@dataclass(frozen=True)
class Events:
    """What was found for one series."""

    case: Case
    counts: Counts | None
    """None where there is nothing to compare, or nothing to compare with."""
    sign: int
    """1 where more events than expected are worse, -1 where fewer are."""
    hours: float
    """Of the window that blocks cover."""
    grid: Grid
    hourly: Counts | None = None
    """As `counts`, no hour having more than one; None where the baseline's events come one by one."""

    @property
    def spans(self) -> float:
        """How many `for`s those are."""
        return timedelta(hours=self.hours) / span_of(self.case.signal)

    @property
    def lasting(self) -> str:
        """How long the blocks are in all, in words."""
        return format_duration(timedelta(hours=self.hours))

    @property
    def bounds(self) -> list[tuple[float, float]]:
        """The rates of which the farther is tolerated."""
        return self.bounds_on(self.sign)

    def bounds_on(self, side: int) -> list[tuple[float, float]]:
        """Those above the baseline's rate (1) or below (-1): times as many as expected, and how many more."""
        margin = self.case.signal.margin
        found = []
        if margin is not None and margin.relative is not None:
            found.append((max(1 + side * parse_percent(margin.relative), 0.0), 0.0))
        if margin is not None and margin.absolute is not None:
            found.append((1.0, side * parse_quantity(margin.absolute) * self.spans))
        return found

    @property
    def claims(self) -> Claims:
        """What could be said of it."""
        if self.counts is None:
            return Claims(self.case.signal.mode)
        sides = 2 if self.case.signal.worse is Worse.EITHER else 1
        beyond, at_all = (min(1.0, sides * _tail(self, self.counts, each)) for each in (self.bounds, [(1.0, 0.0)]))
        return Claims(self.case.signal.mode, {Bound.MARGIN: beyond}, at_all)

    @property
    def farthest(self) -> float:
        """The most events that are tolerated, of what is counted; where fewer are worse the fewest, with a minus."""
        expected = self.counts.expected if self.counts else 0.0
        return max(self.sign * (factor * expected + extra) for factor, extra in self.bounds)

    @property
    def is_unlike(self) -> bool:
        """Whether no stretch of the baseline had as many, or as few."""
        counts = self.counts
        return counts is not None and (counts.capped > counts.most if self.sign > 0 else counts.now < counts.least)

    @property
    def is_told_by_hours(self) -> bool:
        """Whether the hours that have any say more of it than the events."""
        return self.counts is not None and _tail_by_hours(self, self.counts, self.bounds) < tail_of(
            self.counts, self.sign, self.bounds
        )

    def is_news(self, share: float) -> bool:
        """Whether so many are surely beyond the margin by what the baseline's counts vary, and more than it ever had.

        A burst is no new rate, and a wave that is slower than what was seen would make one of it: so it is never
        Degraded by this. But the baseline had nothing like it.
        """
        counts = self.counts
        if counts is None or self.sign < 0 or counts.now <= counts.most:
            return False
        return tail_of(counts.as_seen, self.sign, self.bounds) <= share

    @cached_property
    def lately(self) -> list[Events]:
        """The same of its last stretches."""
        blocks = self.case.now.blocks
        lengths = {*stretches(len(blocks), self.grid.seen, last_with(blocks, FEWEST_BLOCKS)), *shortest(blocks)}
        return [self.part(len(blocks) - length) for length in sorted(lengths, reverse=True)]

    def part(self, first: int, after: int | None = None) -> Events:
        """The same of the window's blocks from one on, up to another or to its end."""
        case = replace(self.case, now=Side(self.case.now.blocks[first:after]))
        return count_events(case, replace(self.grid, gap=self.grid.gap + first, seen=0), 1)

    @property
    def course(self) -> Course:
        """Its events block by block beside what is usual there; it needs a baseline."""
        return course_of(self.case, self.grid, self.sign)


def case_of(signal: Signal, baseline: Side | str, now: Side) -> Case:
    """A series; what is no number of events is held against nothing but `limits.alert`."""
    odd = uncountable(signal, baseline, now)
    return Case(signal, None, now, odd) if odd else Case.of(signal, baseline, now)


def uncountable(signal: Signal, baseline: Side | str, now: Side) -> Finding | None:
    """That what should be numbers of events is none: below zero, or too many to be counted."""
    for side, where in ((now, "this window"), (baseline, "the baseline")):
        odd = [value for value in side.present if not -_ROUNDING <= value < COUNTABLE] if isinstance(side, Side) else []
        if odd:
            message = f"{quantity(odd[0], signal.unit)} in {where} is no number of events; use increase() of a counter"
            return Finding(SignalVerdict.INCONCLUSIVE, Reason.NOT_COUNTABLE, message)
    return None


def count_events(case: Case, grid: Grid, fewest: int = FEWEST_BLOCKS) -> Events:
    """Count the events of one series, in the window of so many blocks or more and in the baseline."""
    hours = grid.hours_per_block * len(case.now.present)
    found = Events(case, None, sign_of(case.signal), hours, grid)
    if case.before is None or case.signal.margin is None or len(case.now.present) < fewest:
        return found
    now, before = (events_in(side.blocks, _spans(case, grid)) for side in (case.now, case.before))
    counts = Counts.of(now, before, grid.gap, grid.hours_per_block)
    is_fewer = case.signal.worse is Worse.EITHER and counts.now < counts.expected
    sign = -1 if is_fewer else found.sign
    hourly = None
    if sign > 0 and len(now) >= FEWEST * FEWEST_BLOCKS and counts.dispersion >= WANDERING:
        hourly = Counts.of(one_an_hour(now), one_an_hour(before), grid.gap, grid.hours_per_block)
    return replace(found, counts=counts, sign=sign, hourly=hourly)


def course_of(case: Case, grid: Grid, sign: int) -> Course:
    """The events of a series that has a baseline, block by block beside what is usual there.

    Args:
        case: the series.
        grid: how its blocks lie.
        sign: 1 where more are worse, -1 where fewer are.
    """
    now, before = (events_in(side.blocks, _spans(case, grid)) for side in (case.now, case.before or case.now))
    return Course.of(now, usual_of(now, before, grid.gap, grid.hours_per_block).blocks, sign)


def _spans(case: Case, grid: Grid) -> float:
    """How many `for`s a block has."""
    return timedelta(hours=grid.hours_per_block) / span_of(case.signal)


def _tail(each: Events, counts: Counts, bounds: Sequence[tuple[float, float]]) -> float:
    """Probability of as much, were it worse by no more than the farthest of these bounds.

    Counted in two ways it is the less one, each with its share of what is allowed.
    """
    found = tail_of(counts, each.sign, bounds)
    return found if each.hourly is None else min(found / (1 - _HOURLY), _tail_by_hours(each, counts, bounds))


def tail_of(counts: Counts, sign: int, bounds: Sequence[tuple[float, float]]) -> float:
    """Probability of as much, were it worse by no more than the farthest of these bounds; 1 of less than FEWEST."""
    excess = counts.capped - counts.expected if sign > 0 else counts.expected - counts.now
    if excess < FEWEST:
        return 1.0
    return max((counts.more_than if sign > 0 else counts.fewer_than)(*bound) for bound in bounds)


def _tail_by_hours(each: Events, counts: Counts, bounds: Sequence[tuple[float, float]]) -> float:
    """The same of the hours that have any, where the events themselves are more than that as well."""
    if each.hourly is None or counts.now <= max(factor * counts.expected + extra for factor, extra in bounds):
        return 1.0
    return min(1.0, tail_of(each.hourly.as_seen, each.sign, bounds) / _HOURLY)

"""Kind Events: how often something happens since T0, against the baseline's rate and against a limit for any `for`.

The query's value is the number of events in the last `for`, so a block's mean times its length in `for`s is what
happened in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Final

from driftreview.api.reasons import Reason, SignalVerdict
from driftreview.api.signal import Signal, Worse
from driftreview.api.values import format_duration, parse_percent, parse_quantity
from driftreview.domain.bursts import against_limit, span_of
from driftreview.domain.counts import COUNTABLE, Counts, events_in
from driftreview.domain.display import by_chance, change, difference, quantity
from driftreview.domain.family import Bound, Claims, Sure
from driftreview.domain.finding import FEWEST_BLOCKS, GOOD, Estimate, Finding, Measure, Side, gravest, rounded
from driftreview.domain.lately import last_with, stretches
from driftreview.domain.margins import tolerated
from driftreview.domain.measured import AFFIRMED, Case, Grid
from driftreview.domain.rules import is_compared, sign_of, too_few

FEWEST: Final = 3.0
"""Events more, or fewer, than expected in a window: less proves nothing, and to rule out more would take too long."""
_ROUNDING: Final = 1e-6
"""Of a number below zero: less comes of extrapolating."""
_WANDERING: Final = 2.0
"""Events that are worth one, from which on it is said why so many prove so little."""
_NOTHING_NEW: Final = "the baseline had stretches like it"


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

    @property
    def spans(self) -> float:
        """How many `for`s those are."""
        return timedelta(hours=self.hours) / span_of(self.case.signal)

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

    @cached_property
    def lately(self) -> list[Events]:
        """The same of its last stretches."""
        blocks, grid = self.case.now.blocks, self.grid
        lengths = stretches(len(blocks), grid.seen, last_with(blocks, FEWEST_BLOCKS))
        cut = ((replace(self.case, now=Side(blocks[-length:])), len(blocks) - length) for length in lengths)
        return [count_events(case, replace(grid, gap=grid.gap + earlier, seen=0)) for case, earlier in cut]


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


def count_events(case: Case, grid: Grid) -> Events:
    """Count the events of one series, in the window and in the baseline."""
    hours = grid.hours_per_block * len(case.now.present)
    found = Events(case, None, sign_of(case.signal), hours, grid)
    if case.before is None or case.signal.margin is None or len(case.now.present) < FEWEST_BLOCKS:
        return found
    spans = timedelta(hours=grid.hours_per_block) / span_of(case.signal)
    now, before = (events_in(side.blocks, spans) for side in (case.now, case.before))
    counts = Counts.of(now, before, grid.gap, grid.hours_per_block)
    is_fewer = case.signal.worse is Worse.EITHER and counts.now < counts.expected
    return replace(found, counts=counts, sign=-1 if is_fewer else found.sign)


def find_events(each: Events, sure: Sure) -> Finding:
    """What is said of one series, when all series of the look are taken into account."""
    said = [against_limit(each.case, each.spans), each.case.lacking]
    if is_compared(each.case.signal) and each.case.lacking is None:
        said += [too_few(each.case.now, "this window") or _against_baseline(each, sure)]
    found = gravest([finding for finding in said if finding is not None])
    if not each.case.standing or found.verdict not in GOOD:
        return found
    message = f"{found.message}; {each.case.standing}"
    return replace(found, verdict=SignalVerdict.INCONCLUSIVE, reason=Reason.UNRESOLVED, message=message)


def _tail(each: Events, counts: Counts, bounds: Sequence[tuple[float, float]]) -> float:
    """Probability of as much, were it worse by no more than the farthest of these bounds."""
    excess = counts.capped - counts.expected if each.sign > 0 else counts.expected - counts.now
    if excess < FEWEST:
        return 1.0
    return max((counts.more_than if each.sign > 0 else counts.fewer_than)(*bound) for bound in bounds)


def _against_baseline(each: Events, sure: Sure) -> Finding | None:
    counts, signal = each.counts, each.case.signal
    if counts is None or signal.margin is None:
        return None
    verdict = _verdict(each, counts, sure)
    is_share = signal.margin.relative is not None and counts.before > 0
    if is_share:
        low, high = (counts.expected * end_of(AFFIRMED) for end_of in (counts.least_factor, counts.most_factor))
    else:
        low, high = (counts.expected + end_of(AFFIRMED) for end_of in (counts.least_extra, counts.most_extra))
    shown = change if is_share and counts.expected >= FEWEST else difference  # in percent of one event nobody can read
    old, new = (quantity(value, signal.unit) for value in (counts.expected, counts.now))
    delta, lowest, highest = (shown(counts.expected, value, signal.unit) for value in (counts.now, low, high))
    known = "weeks" if counts.is_weekly else "days"
    against = f"{old} at these hours of the {known} before" if counts.is_daily else old
    between = f"between {lowest} and {highest}"
    said = f"{new} in {each.hours:.3g}h against {against}, {delta} ({between}), margin {_in_force(each, counts)}"
    message, reason = said, None
    if verdict is SignalVerdict.INCONCLUSIVE:
        why = "chance leaves it open" if _is_unlike(each, counts) or not sure.beyond else _NOTHING_NEW
        message, reason = f"{message}: {why}", Reason.UNRESOLVED
    worst = None if verdict in (SignalVerdict.DEGRADED, SignalVerdict.SUSPECT) else _worst_of_late(each, sure)
    if worst is not None and worst.counts is not None:
        late, usual = (quantity(value, signal.unit) for value in (worst.counts.now, worst.counts.expected))
        verdict, reason = SignalVerdict.SUSPECT, None
        message = f"{said}; but {late} in the last {worst.hours:.3g}h against {usual} expected"
    message += _ground(each, counts, sure)
    estimate = _estimate(each, counts, (low, high), is_share=is_share)
    return Finding(verdict, reason, message, old, new, delta, estimate)


def _ground(each: Events, counts: Counts, sure: Sure) -> str:
    """How likely chance is, where the window has more than is tolerated, and enough to prove anything."""
    chance = each.claims.beyond[Bound.MARGIN]
    is_beyond = each.sign * counts.now > _farthest(each, counts) and chance < 1
    if not is_beyond:
        return ""
    worth = f"; its rate wanders, so that {round(counts.dispersion)} events tell as much as one"
    is_open = chance > sure.allowed[Bound.MARGIN] and counts.dispersion >= _WANDERING
    return f"; {by_chance(chance, sure.allowed[Bound.MARGIN])}{worth if is_open else ''}"


def _worst_of_late(each: Events, sure: Sure) -> Events | None:
    """The last stretch that is surely beyond the margin, and unlike any of the baseline; the surest, None if none is.

    Bad counts of a few hours are few beside those of two days. Never Degraded: it may heal.
    """
    chances = {
        late.claims.beyond[Bound.MARGIN]: late
        for late in each.lately
        if late.counts is not None and _is_unlike(late, late.counts)
    }
    least = min(chances, default=1.0)
    return chances[least] if chances and least * len(each.lately) < sure.share else None


def _in_force(each: Events, counts: Counts) -> str:
    """What is tolerated: as it is declared, and what the larger of it comes to in this window."""
    signal = each.case.signal
    if signal.margin is None:
        return ""
    declared = tolerated(signal.margin, signal.unit)
    if signal.margin.absolute is not None:
        declared += f" in {format_duration(span_of(signal))}"
    largest = _farthest(each, counts) - each.sign * counts.expected
    least = f": less than {FEWEST:g} is no difference" if largest < FEWEST else ""
    return f"{declared} ({quantity(largest, signal.unit)} in {each.hours:.3g}h{least})"


def _farthest(each: Events, counts: Counts) -> float:
    """The most events that are tolerated; where fewer are worse the fewest, with a minus."""
    return max(each.sign * (factor * counts.expected + extra) for factor, extra in each.bounds)


def _verdict(each: Events, counts: Counts, sure: Sure) -> SignalVerdict:
    farthest = _farthest(each, counts)
    if _is_unlike(each, counts):
        if Bound.MARGIN in sure.beyond:
            return SignalVerdict.DEGRADED
        if sure.worse and each.sign * counts.now > farthest:
            return SignalVerdict.SUSPECT
    sides = (1, -1) if each.case.signal.worse is Worse.EITHER else (each.sign,)
    if not all(_is_within(each, counts, side) for side in sides):
        return SignalVerdict.INCONCLUSIVE
    worse, better = counts.more_than(1.0, 0.0), counts.fewer_than(1.0, 0.0)
    if each.sign < 0:
        worse, better = better, worse
    if worse <= AFFIRMED:
        return SignalVerdict.ACCEPTABLE
    tolerance = farthest - each.sign * counts.expected
    is_better = better <= AFFIRMED and each.sign * (counts.expected - counts.now) > tolerance
    return SignalVerdict.IMPROVED if is_better else SignalVerdict.STABLE


def _is_unlike(each: Events, counts: Counts) -> bool:
    """Whether no stretch of the baseline had as many, or as few."""
    return counts.capped > counts.most if each.sign > 0 else counts.now < counts.least


def _is_within(each: Events, counts: Counts, side: int) -> bool:
    """Whether it is surely (5%) no farther from the baseline, on this side, than what is tolerated."""
    bounds = [*each.bounds_on(side), (1.0, side * FEWEST)]
    farthest = max(bounds, key=lambda bound: side * (bound[0] * counts.expected + bound[1]))
    return (counts.fewer_than if side > 0 else counts.more_than)(*farthest) <= AFFIRMED


def _estimate(each: Events, counts: Counts, ends: tuple[float, float], *, is_share: bool) -> Estimate | None:
    """The difference in numbers: as a share where the margin has one, else in events per `for`."""
    farthest = max(abs((factor - 1) * counts.expected + extra) for factor, extra in each.bounds)
    whole = counts.expected if is_share else each.spans
    numbers = [*((value - counts.expected) / whole for value in (counts.now, *ends)), farthest / whole]
    if not all(map(math.isfinite, numbers)):
        return None
    size = max(map(abs, numbers))
    estimate, lower, upper, margin = (rounded(value, size) for value in numbers)
    rates = (rounded(value / each.spans, value / each.spans) for value in (counts.now, counts.expected))
    return Estimate(Measure.SHARE if is_share else Measure.DIFFERENCE, estimate, lower, upper, margin, *rates)

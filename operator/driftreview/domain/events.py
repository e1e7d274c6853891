"""Kind Events: how often something happens since T0, against the baseline's rate and against a limit for any `for`."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import Final

from driftreview.api.reasons import Reason
from driftreview.api.signal import Worse
from driftreview.api.values import format_duration
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.bursts import against_limit, span_of
from driftreview.domain.counted import FEWEST, WANDERING, Events
from driftreview.domain.counts import Counts
from driftreview.domain.display import by_chance, change, difference, quantity
from driftreview.domain.family import Bound, Sure
from driftreview.domain.finding import GOOD, Estimate, Finding, Measure, gravest, rounded
from driftreview.domain.margins import tolerated
from driftreview.domain.measured import AFFIRMED
from driftreview.domain.qualms import not_at_once, outage
from driftreview.domain.rules import is_compared, too_few

_DUE: Final = 1.0
"""Events expected, from which on none at all is too few: the three that prove nothing would be all there are."""
_NONE: Final = "none at all is the worst there can be"
_UNKNOWN: Final = 100.0
"""Times what was counted or expected, from which on the upper end of an interval tells nothing."""
_NOTHING_NEW: Final = "the baseline had stretches like it"


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
    is_known = high <= _UNKNOWN * max(counts.now, counts.expected, FEWEST)
    between = f"between {lowest} and {highest}" if is_known else f"{lowest} or more: how much, its baseline cannot tell"
    said = f"{new} in {each.lasting} against {against}, {delta} ({between}), margin {_in_force(each, counts)}"
    message, reason, is_open = said, None, verdict is SignalVerdict.INCONCLUSIVE
    if is_open:
        why = "chance leaves it open" if each.is_unlike or not sure.beyond else _NOTHING_NEW
        message, reason = f"{message}: {_NONE if each.sign < 0 and _is_none_due(counts) else why}", Reason.UNRESOLVED
    worst = _worst_of_late(each, sure, is_open=is_open) if is_open or verdict in GOOD else None
    if worst is not None and worst.counts is not None:
        late, usual = (quantity(value, signal.unit) for value in (worst.counts.now, worst.counts.expected))
        verdict, reason = SignalVerdict.SUSPECT, None
        message = f"{said}; but {late} in the last {worst.lasting} against {usual} expected"
    elif is_open and each.is_news(sure.share):
        verdict, reason, message = SignalVerdict.SUSPECT, None, f"{said}; but its baseline never had as many"
    if verdict is SignalVerdict.DEGRADED and (why := not_at_once(each, sure)):
        verdict, message = SignalVerdict.SUSPECT, f"{message}; but {why}"
    if verdict in GOOD and (why := outage(each, sure)):
        verdict, reason, message = SignalVerdict.INCONCLUSIVE, Reason.UNRESOLVED, f"{message}; but {why}"
    elif verdict not in GOOD:
        message += _when(each, counts, worst)
    if each.sign > 0 and _is_older(each, counts):
        message += f"; that was before T0: the query counts it for {format_duration(span_of(signal))}"
    message += _ground(each, counts, sure)
    estimate = _estimate(each, counts, (low, high), is_share=is_share)
    old, new = (f"{shown} in {each.lasting}" for shown in (old, new))
    return Finding(verdict, reason, message, old, new, delta, estimate)


def _ground(each: Events, counts: Counts, sure: Sure) -> str:
    """How likely chance is, where the window has more than is tolerated, and enough to prove anything."""
    chance = each.claims.beyond[Bound.MARGIN]
    is_beyond = each.sign * counts.now > each.farthest and chance < 1
    if not is_beyond:
        return ""
    worth = f"; its rate wanders, so that {round(counts.dispersion)} events tell as much as one"
    is_open = chance > sure.allowed[Bound.MARGIN] and counts.dispersion >= WANDERING
    hours = ""
    if each.is_told_by_hours and each.hourly is not None and not is_open:
        some, usual = (quantity(value, "") for value in (each.hourly.now, each.hourly.expected))
        hours = f"; {some} of its hours have any against {usual}"
    return f"{hours}; {by_chance(chance, sure.allowed[Bound.MARGIN])}{worth if is_open else ''}"


def _worst_of_late(each: Events, sure: Sure, *, is_open: bool) -> Events | None:
    """The last stretch that is surely beyond the margin, and unlike any of the baseline; the surest, None if none is.

    Bad counts of a few hours are few beside those of two days. Never Degraded: it may heal. Where it is open as it is,
    what is news is enough.
    """
    chances = {late.claims.beyond[Bound.MARGIN]: late for late in each.lately if late.is_unlike}
    least, share = min(chances, default=1.0), sure.share / max(len(each.lately), 1)
    if chances and least < share:
        return chances[least]
    return next((late for late in each.lately if is_open and late.is_news(share)), None)


def _in_force(each: Events, counts: Counts) -> str:
    """What is tolerated: as it is declared, and what the larger of it comes to in this window."""
    signal = each.case.signal
    if signal.margin is None:
        return ""
    declared = tolerated(signal.margin, signal.unit)
    if signal.margin.absolute is not None:
        declared += f" in {format_duration(span_of(signal))}"
    largest = each.farthest - each.sign * counts.expected
    least = f": less than {FEWEST:g} is no difference" if largest < FEWEST else ""
    return f"{declared} ({quantity(largest, signal.unit)} in {each.lasting}{least})"


def _verdict(each: Events, counts: Counts, sure: Sure) -> SignalVerdict:
    farthest = each.farthest
    if each.is_unlike:
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


def _is_within(each: Events, counts: Counts, side: int) -> bool:
    """Whether it is surely (5%) no farther from the baseline, on this side, than what is tolerated.

    Nothing is better than none at all where more is worse, and nothing worse where fewer is.
    """
    if side > 0 and (counts.now == 0 or _is_older(each, counts)):
        return True
    bounds = each.bounds_on(side) + ([] if side < 0 and _is_none_due(counts) else [(1.0, side * FEWEST)])
    farthest = max(bounds, key=lambda bound: side * (bound[0] * counts.expected + bound[1]))
    return (counts.fewer_than if side > 0 else counts.more_than)(*farthest) <= AFFIRMED


def _is_none_due(counts: Counts) -> bool:
    """Whether there is none at all, where some are expected."""
    return counts.now == 0 and counts.expected >= _DUE


def _is_older(each: Events, counts: Counts) -> bool:
    """Whether all there is is part of an event of before T0, which the query counts for another `for`."""
    reach = math.ceil(span_of(each.case.signal) / timedelta(hours=each.grid.hours_per_block))
    events = each.course.events
    return each.grid.since == 0 < counts.now < 1 and float(events[min(reach, len(events) - 1)]) == float(events[-1])


def _when(each: Events, counts: Counts, told: Events | None) -> str:
    """When events were too many or too few: where a part surely says more than the whole, or any event is rare.

    Nothing, where that part is the last stretch, which is told of already.
    """
    course = each.course
    bout = course.worst()
    if bout is None or (bout.first, bout.after) == (0, course.blocks):
        return ""
    if told is not None and (bout.first, bout.after) == (course.blocks - len(told.case.now.blocks), course.blocks):
        return ""
    is_rare = each.sign > 0 and counts.expected < _DUE
    if not (is_rare or course.stands_out(bout)):
        return ""
    return f"; {course.told(bout, each.case.signal.unit, each.grid)}"


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

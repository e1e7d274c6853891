"""Kind Growth: how fast a series grows since T0, held against its limit per hour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np

from driftreview.api.reasons import Reason
from driftreview.api.values import parse_quantity
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.before import earlier, like_before, no_worse
from driftreview.domain.ceiling import Ceiling
from driftreview.domain.display import by_chance, quantity
from driftreview.domain.falls import falls_of, restarts_of
from driftreview.domain.family import Bound, Claims, Sure
from driftreview.domain.finding import FEWEST_BLOCKS, GOOD, Estimate, Finding, Measure, rounded
from driftreview.domain.lately import highest, hours_of, late, risen, stretches
from driftreview.domain.margins import alert_of
from driftreview.domain.measured import AFFIRMED, Case, Grid
from driftreview.domain.noise import Floats
from driftreview.domain.rules import sign_of
from driftreview.domain.slopes import Slopes, slopes

_IN_HOURS: Final = 96
"""Until then a forecast is told in hours, later in days."""
_FORESEEABLE: Final = 365 * 24
"""Hours after which nobody wants to hear of it."""
_FEWEST_OF_LATE: Final = 3 * FEWEST_BLOCKS
"""Blocks of a stretch whose slope says anything."""
_TESTS: Final = 2
"""Of each stretch: by the ranks of its blocks, and by the slopes that the baseline had."""
_NEARLY: Final = 0.9
"""Of the steepest rate: of the stretches that are as steep the longest is told."""
_KNOWN: Final = 12
"""Hours before a stretch at least, in baseline and window, to know what is unlike them."""
_A_DAY: Final = 24
"""Hours of baseline that show what comes daily."""
_BAD: Final = (SignalVerdict.DEGRADED, SignalVerdict.SUSPECT)


@dataclass(frozen=True)
class Growth:
    """What was found for one series, up being worse."""

    case: Case
    grid: Grid
    sign: int
    slopes: Slopes | None
    """None where there are not even three blocks."""
    falls: int = 0
    between: Slopes | None = None
    """Between sudden falls; None where there are none, or where the baseline grows and falls as well."""
    now: Sequence[float | None] = field(default=(), compare=False)
    """The window's blocks, up being worse."""
    before: Sequence[float | None] = field(default=(), compare=False)
    """The same of the baseline, empty where there is none."""

    @cached_property
    def limit(self) -> float:
        """The slope that is tolerated, per hour."""
        limits = self.case.signal.limits
        return parse_quantity(limits.per_hour) if limits and limits.per_hour else 0.0

    @property
    def claims(self) -> Claims:
        """What could be said of it."""
        if self.slopes is None:
            return Claims(self.case.signal.mode)
        steeper = self.slopes.steeper_than(self.limit)
        return Claims(self.case.signal.mode, {Bound.PER_HOUR: steeper}, self.slopes.steeper_than(0.0))

    @cached_property
    def interval(self) -> tuple[float, float, float] | None:
        """Slope per hour, lower end, estimate, upper end; None where it is not known or no float is that large."""
        ends = self.slopes.interval(AFFIRMED) if self.slopes else None
        if self.slopes is None or ends is None:
            return None
        low, high = ends
        found = low, self.slopes.estimate, high
        return found if all(map(math.isfinite, found)) else None

    @cached_property
    def ceiling(self) -> Ceiling | None:
        """The level that it must not reach; None where there is none."""
        alert = alert_of(self.case.signal)
        if alert is None:
            return None
        now, before = (np.array(row, dtype=float) - self.sign * alert for row in (self.now, self.before))
        return Ceiling(self.case, self.grid, alert, now, before)

    @property
    def is_beyond_its_level(self) -> bool:
        """Whether it got to `limits.alert`: its last blocks are all beyond."""
        return self.ceiling is not None and self.ceiling.is_reached


def measure_growth(case: Case, grid: Grid) -> Growth:
    """Measure the slope of one series; its baseline, if it has one, tells how long its noise remembers."""
    sign = sign_of(case.signal)
    now, before = (
        [None if value is None else sign * value for value in side.blocks] if side else []
        for side in (case.now, case.before)
    )
    found = Growth(case, grid, sign, slopes(now, before, grid.hours_per_block), now=now, before=before)
    falls, earlier = falls_of(now), falls_of(before)
    if not falls:
        return found
    usual = slopes(before, (), grid.hours_per_block, earlier) if earlier else None
    if usual is not None and usual.estimate > found.limit:
        return found
    return replace(found, falls=len(falls), between=slopes(now, before, grid.hours_per_block, falls))


def find_growth(each: Growth, sure: Sure) -> Finding:
    """What is said of one series, when all series of the look are taken into account."""
    found = _found(each, sure)
    worst = each.ceiling.said_of_the_worst if each.ceiling else ""
    return found if not worst or worst in found.message else replace(found, message=f"{found.message}; {worst}")


def _found(each: Growth, sure: Sure) -> Finding:
    bound = f"limit {_per_hour(each, each.sign * each.limit)}"
    reached = _reached(each)
    if each.interval is None:
        said = f"{len(each.case.now.present)} blocks do not tell growth from noise yet, {bound}"
        if each.is_beyond_its_level:
            return Finding(SignalVerdict.DEGRADED, None, f"{reached}; {said}")
        return _doubted(each, sure, Finding(SignalVerdict.INCONCLUSIVE, Reason.UNRESOLVED, said))
    low, slope, high = each.interval
    verdict = _verdict(each, sure, *each.interval)
    rate, lowest, highest = (_per_hour(each, each.sign * value) for value in (slope, low, high))
    is_open = verdict is SignalVerdict.INCONCLUSIVE
    message = f"grows {rate} (between {lowest} and {highest}), {bound}{': the noise leaves it open' if is_open else ''}"
    if slope > each.limit:
        message += f"; {by_chance(each.claims.beyond[Bound.PER_HOUR], sure.allowed[Bound.PER_HOUR])}"
    message += f"; {reached}" if reached else ""
    size = max(abs(low), abs(high))
    least, centre, most = (rounded(each.sign * value, size) for value in each.interval[:: each.sign])
    estimate = Estimate(Measure.PER_HOUR, centre, least, most, each.sign * each.limit, centre)
    reason = Reason.UNRESOLVED if is_open else None
    current = _per_hour(each, each.sign * slope)
    return _doubted(each, sure, Finding(verdict, reason, message, current=current, estimate=estimate))


def _doubted(each: Growth, sure: Sure, finding: Finding) -> Finding:
    """A finding, or what is said instead where a slope of the whole window forgives too much.

    Never Degraded: that falls are of restarts is a guess, and what grows of late may end. The other way round, what
    grows and is not yet where its baseline was need not be rolled back: it may only be filling up again.
    """
    if finding.verdict is SignalVerdict.DEGRADED:
        if earlier(each.case.before) and (usual := _as_before(each, sure)):
            return like_before(finding, usual)
        if below := _below_its_baseline(each):
            return replace(finding, verdict=SignalVerdict.SUSPECT, message=f"{finding.message}; {below}")
    if finding.verdict in _BAD:
        is_by_level = finding.verdict is SignalVerdict.DEGRADED and Bound.PER_HOUR not in sure.beyond
        of_late = _of_late(each, sure) if is_by_level else ""
        return replace(finding, message=f"{finding.message}; {of_late}") if of_late else finding
    between = each.between
    is_leaking = between is not None and between.estimate > each.limit
    falls = "before and after a sudden fall" if each.falls == 1 else f"between {each.falls} sudden falls"
    rate = _per_hour(each, each.sign * between.estimate) if between else ""
    verdict, reason = SignalVerdict.SUSPECT, None
    if is_leaking and between is not None and between.steeper_than(each.limit) < sure.share:
        said = f"but {rate} {falls}, as of restarts"
    else:
        said = _of_its_level(each) or _of_late(each, sure)
    if not said and finding.verdict in GOOD:
        verdict, reason, said = SignalVerdict.INCONCLUSIVE, Reason.UNRESOLVED, each.case.standing
        often, per_block = restarts_of(each.now, each.before)
        if is_leaking:
            said = f"but {rate} {falls}, perhaps as of restarts: chance leaves it open"
        elif often and per_block / each.grid.hours_per_block > each.limit:
            said = f"but it suddenly falls {often} times, as its baseline never did, perhaps as of restarts"
    return replace(finding, verdict=verdict, reason=reason, message=f"{finding.message}; {said}") if said else finding


def _scaled(each: Growth) -> tuple[list[Floats], float]:
    """Blocks of window and baseline as shares of the largest value, NaN where there is none, and that value."""
    rows: list[Floats] = [np.array(row, dtype=float) for row in (each.now, each.before)]
    scale = max(float(np.fmax.reduce(np.abs(row), initial=0.0)) for row in rows) or 1.0
    return [row / scale for row in rows], scale


def _below_its_baseline(each: Growth) -> str:
    """What is said where a series is below the most that its baseline was for an hour; empty where it is not.

    In its last hour, and by the line through the window at the window's end: what leaves that level behind is Degraded.
    """
    rows, scale = _scaled(each)
    now, before = map(hours_of, rows)
    if each.slopes is None or each.is_beyond_its_level or not np.isfinite(before).any():
        return ""
    reached = scale * float(np.nanmax(before))
    latest = float(np.fmax(scale * float(now[-1]), each.slopes.at(len(each.now) * each.grid.hours_per_block)))
    if not latest < reached:
        return ""
    level, most = (quantity(each.sign * value, each.case.signal.unit) for value in (latest, reached))
    hours = each.grid.since + each.slopes.reaches(reached)
    return f"but {level} is less than the {most} that its baseline was at; at this rate it is there at {_at(hours)}"


def _as_before(each: Growth, sure: Sure) -> str:
    """What the baseline did, if it broke each rule that the window breaks, and as badly; empty if it did not."""
    hours, said = each.grid.hours_per_block, []
    if Bound.PER_HOUR in sure.beyond and each.slopes is not None:
        usual = grown(each.before, hours, each.limit)
        if usual is None or not no_worse(each.slopes.estimate, usual):
            return ""
        said.append(f"it grew {_per_hour(each, each.sign * usual)}")
    if each.ceiling is not None and each.ceiling.is_reached:
        alert = each.ceiling.alert
        now, before = (highest(row) - each.sign * alert for row in (each.now[-FEWEST_BLOCKS:], each.before))
        if not (before > 0 and no_worse(now, before)):
            return ""
        said.append(f"it was at {quantity(alert + each.sign * before, each.case.signal.unit)}")
    return ", ".join(said)


def grown(blocks: Sequence[float | None], hours_per_block: float, limit: float) -> float | None:
    """The slope per hour of a baseline between its sudden falls, if surely (5%) over a limit; up being worse."""
    falls = falls_of(blocks)
    found = slopes(blocks, (), hours_per_block, falls) if falls else slopes(blocks, (), hours_per_block)
    is_over = found is not None and found.steeper_than(limit) < AFFIRMED
    return found.estimate if found is not None and is_over and found.estimate > limit else None


def _of_late(each: Growth, sure: Sure) -> str:
    """What is said where its last stretch surely grows beyond the limit, and more than the baseline ever did."""
    hours = each.grid.hours_per_block
    (now, before), scale = _scaled(each)
    lengths = stretches(len(now), each.grid.seen, _FEWEST_OF_LATE)
    limit, is_a_day = each.limit / scale * hours, len(before) * hours >= _A_DAY
    sure_of: dict[float, int] = {}
    for length in lengths:
        if (len(before) + len(now) - length) * hours < _KNOWN:
            continue
        last = late(now, before, length, is_a_day=is_a_day)
        if last is None or last.slope <= max(limit, last.steepest + limit / 2):
            continue
        ranked = slopes(each.now[-length:], each.before, hours)
        if ranked is None or ranked.estimate <= each.limit:
            continue
        chance = min(ranked.steeper_than(each.limit), last.steeper_than(limit))
        if chance * _TESTS * len(lengths) < sure.share:
            sure_of[ranked.estimate] = length
    if sure_of:
        rate = next(rate for rate in sure_of if rate >= _NEARLY * max(sure_of))
        return f"but {_per_hour(each, each.sign * rate)} in the last {sure_of[rate] * hours:.3g}h"
    more = scale * risen(now, before)
    is_known = (len(before) + len(now)) * hours > _KNOWN
    if is_known and more > each.limit * hours * len(now) and more > 0:
        return f"but its last hour is {quantity(more, each.case.signal.unit)} beyond all but its last quarter"
    return ""


def _of_its_level(each: Growth) -> str:
    """What is said where its last block is beyond `limits.alert`, or was for as long as is Degraded; else empty."""
    level = each.ceiling
    if level is None:
        return ""
    return level.said_of_its_last_block or (f"but {level.said_of_the_worst}" if level.was_reached else "")


def _verdict(each: Growth, sure: Sure, low: float, slope: float, high: float) -> SignalVerdict:
    if Bound.PER_HOUR in sure.beyond or each.is_beyond_its_level:
        return SignalVerdict.DEGRADED
    if sure.worse and slope > each.limit:
        return SignalVerdict.SUSPECT
    if high > each.limit:
        return SignalVerdict.INCONCLUSIVE
    return SignalVerdict.ACCEPTABLE if low > 0 else SignalVerdict.STABLE


def _reached(each: Growth) -> str:
    """When the level of `limits.alert` is reached, if the series surely grows (5%)."""
    if each.ceiling is None or each.ceiling.is_reached:
        return each.ceiling.said_of_its_end if each.ceiling else ""
    if each.slopes is None or each.interval is None or each.interval[0] <= 0:
        return ""
    hours = each.grid.since + each.slopes.reaches(each.sign * each.ceiling.alert)
    if not 0 <= hours <= _FORESEEABLE:
        return ""
    return f"at this rate {each.ceiling.shown} is reached at {_at(hours)}"


def _at(hours: float) -> str:
    return f"T0+{hours:.0f}h" if hours <= _IN_HOURS else f"T0+{hours / 24:.0f}d"


def _per_hour(each: Growth, value: float) -> str:
    return f"{quantity(value, each.case.signal.unit)}/h"

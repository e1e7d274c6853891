"""Kind Growth: how fast a series grows since T0, held against its limit per hour."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from driftreview.api.reasons import Reason, SignalVerdict
from driftreview.api.values import parse_quantity
from driftreview.domain.display import quantity
from driftreview.domain.falls import falls_of
from driftreview.domain.family import Bound, Claims, Sure
from driftreview.domain.finding import FEWEST_BLOCKS, Estimate, Finding, Measure, rounded
from driftreview.domain.measured import AFFIRMED, Case, Grid, alert_of
from driftreview.domain.rules import sign_of
from driftreview.domain.slopes import Slopes, slopes

_IN_HOURS: Final = 96
"""Until then a forecast is told in hours, later in days."""
_FORESEEABLE: Final = 365 * 24
"""Hours after which nobody wants to hear of it."""


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

    @property
    def is_beyond_its_level(self) -> bool:
        """Whether it got to `limits.alert`: its last blocks are all beyond."""
        alert, latest = alert_of(self.case.signal), self.case.now.present[-FEWEST_BLOCKS:]
        is_long = len(latest) == FEWEST_BLOCKS
        return alert is not None and is_long and all(self.sign * (value - alert) > 0 for value in latest)


def measure_growth(case: Case, grid: Grid) -> Growth:
    """Measure the slope of one series; its baseline, if it has one, tells how long its noise remembers."""
    sign = sign_of(case.signal)
    now, before = (
        [None if value is None else sign * value for value in side.blocks] if side else []
        for side in (case.now, case.before)
    )
    found = Growth(case, grid, sign, slopes(now, before, grid.hours_per_block))
    falls, earlier = falls_of(now), falls_of(before)
    if not falls:
        return found
    usual = slopes(before, (), grid.hours_per_block, earlier) if earlier else None
    if usual is not None and usual.estimate > found.limit:
        return found
    return replace(found, falls=len(falls), between=slopes(now, before, grid.hours_per_block, falls))


def find_growth(each: Growth, sure: Sure) -> Finding:
    """What is said of one series, when all series of the look are taken into account."""
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
    message = f"grows {rate} (between {lowest} and {highest}), {bound}" + (f"; {reached}" if reached else "")
    size = max(abs(low), abs(high))
    least, centre, most = (rounded(each.sign * value, size) for value in each.interval[:: each.sign])
    estimate = Estimate(Measure.PER_HOUR, centre, least, most, each.sign * each.limit, centre)
    reason = Reason.UNRESOLVED if verdict is SignalVerdict.INCONCLUSIVE else None
    current = _per_hour(each, each.sign * slope)
    return _doubted(each, sure, Finding(verdict, reason, message, current=current, estimate=estimate))


def _doubted(each: Growth, sure: Sure, finding: Finding) -> Finding:
    """A finding, or Suspect where what does not grow on the whole surely does between its falls.

    Never Degraded: that they are of restarts is a guess.
    """
    between = each.between
    if between is None or finding.verdict in (SignalVerdict.DEGRADED, SignalVerdict.SUSPECT):
        return finding
    if between.estimate <= each.limit or between.steeper_than(each.limit) >= sure.allowed:
        return finding
    rate = _per_hour(each, each.sign * between.estimate)
    falls = "before and after a sudden fall" if each.falls == 1 else f"between {each.falls} sudden falls"
    message = f"{finding.message}; but {rate} {falls}, as of restarts"
    return replace(finding, verdict=SignalVerdict.SUSPECT, reason=None, message=message)


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
    alert = alert_of(each.case.signal)
    if alert is None:
        return ""
    level = quantity(alert, each.case.signal.unit)
    if each.is_beyond_its_level:
        return f"it is beyond {level} already"
    if each.slopes is None or each.interval is None or each.interval[0] <= 0:
        return ""
    hours = each.grid.since + each.slopes.reaches(each.sign * alert)
    if not 0 <= hours <= _FORESEEABLE:
        return ""
    when = f"{hours:.0f}h" if hours <= _IN_HOURS else f"{hours / 24:.0f}d"
    return f"at this rate {level} is reached at T0+{when}"


def _per_hour(each: Growth, value: float) -> str:
    return f"{quantity(value, each.case.signal.unit)}/h"

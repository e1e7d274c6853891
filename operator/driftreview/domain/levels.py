"""Kind Level: every series against its baseline and its alert limit, all series of a look together.

*Sure* is what is worse by more than the margin with such certainty that, over all looks and signals, a healthy release
is called Degraded at most as often as the false-alarm budget says. *Suspect* is what is surely worse, and by the
estimate more than the margin; at two looks running, and by the estimate also in what came in between, that is Degraded
as well. Either must be more than the baseline ever did to itself. Something is only called good when even the
unfavourable end of its interval is inside the margin; what the noise leaves open is Inconclusive.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from driftreview.api.reasons import Reason, SignalVerdict
from driftreview.api.signal import Mode
from driftreview.api.values import parse_percent, parse_quantity
from driftreview.domain.display import difference, number, quantity
from driftreview.domain.finding import FEWEST_BLOCKS, Estimate, Finding, Measure, rounded
from driftreview.domain.measured import Beside, Case, Grid, Measured, compared_in, measure
from driftreview.domain.regression import RESOLUTION
from driftreview.domain.tails import holm

AFFIRMED: Final = 0.05
"""Probability at most of calling something good that is worse by its whole margin."""
_WORST_FIRST: Final = (SignalVerdict.DEGRADED, SignalVerdict.SUSPECT, SignalVerdict.INCONCLUSIVE)


@dataclass(frozen=True)
class _Sure:
    """What is sure of a series, all series of the look taken into account."""

    worse: bool
    """Than the baseline, by more than the margin."""
    beyond: bool
    """The alert limit."""
    suspect: bool


def judge_levels(cases: Sequence[Case], grid: Grid, budget: float) -> list[Finding]:
    """Judge all series of a look.

    Args:
        cases: the series; both sides of each have FEWEST_BLOCKS blocks or more.
        grid: how their blocks lie.
        budget: probability at most of calling any series of a healthy release Degraded at this look.

    Returns:
        A finding for each case.
    """
    measured = measure(cases, grid)
    found = _sure(measured, budget)
    is_open = any(each.suspect and not each.worse for each in found)
    before = _suspects_before(cases, grid, budget) if is_open else {}
    return [
        _finding(each, replace(sure, worse=sure.worse or _again(each, sure, before.get(index))))
        for index, (each, sure) in enumerate(zip(measured, found, strict=True))
    ]


def _again(now: Measured, sure: _Sure, before: int | None) -> bool:
    """Whether a suspect series was one at the look before, in the same direction, and has not got better since."""
    return sure.suspect and before == now.scale.sign and now.margin is not None and now.fresh > now.margin


def _suspects_before(cases: Sequence[Case], grid: Grid, budget: float) -> dict[int, int]:
    """Which series were suspect at the look before, and in which direction."""
    cut = [case.until(grid.seen) for case in cases]
    kept = [index for index, case in enumerate(cut) if case.before and len(case.now.present) >= FEWEST_BLOCKS]
    measured = measure([cut[index] for index in kept], replace(grid, seen=0))
    found = zip(kept, measured, _sure(measured, budget), strict=True)
    return {index: each.scale.sign for index, each, sure in found if sure.suspect}


def _sure(measured: Sequence[Measured], budget: float) -> list[_Sure]:
    """What is sure; enforced signals share the budget among themselves, shadow signals among themselves."""
    worse, beyond, suspect = set[int](), set[int](), set[int]()
    for mode in Mode:
        family = [index for index, each in enumerate(measured) if each.case.signal.mode is mode]
        margins = {index: margin for index in family if (margin := measured[index].margin) is not None}
        alerts = {index: alert for index in family if (alert := measured[index].alert) is not None}
        tails = [measured[index].worse_than(margin) for index, margin in margins.items()]
        tails += [measured[index].higher_than(alert) for index, alert in alerts.items()]
        holds = holm(tails, budget)
        worse |= {index for index, is_sure in zip(margins, holds, strict=False) if is_sure}
        beyond |= {index for index, is_sure in zip(alerts, holds[len(margins) :], strict=True) if is_sure}
        at_all = holm([measured[index].worse_than(0.0) for index in margins], budget)
        suspect |= {
            index
            for (index, margin), is_sure in zip(margins.items(), at_all, strict=True)
            if is_sure and measured[index].step > margin + RESOLUTION
        }
    return [
        _Sure(
            worse=index in worse and each.is_unlike_the_baseline,
            beyond=index in beyond,
            suspect=index in suspect and each.is_unlike_the_baseline,
        )
        for index, each in enumerate(measured)
    ]


def _finding(each: Measured, sure: _Sure) -> Finding:
    """The worse of what the alert limit and the baseline say."""
    lacking = each.case.lacking and replace(each.case.lacking, current=quantity(each.current, each.case.signal.unit))
    said = (_against_alert(each, sure), _against_baseline(each, sure), lacking)
    return gravest([finding for finding in said if finding is not None])


def gravest(found: Sequence[Finding]) -> Finding:
    """Of what is said of one series what counts: the worst, or the last if nothing is wrong."""
    grave = [finding for finding in found if finding.verdict in _WORST_FIRST]
    return min(grave, key=lambda finding: _WORST_FIRST.index(finding.verdict), default=found[-1])


def _against_alert(each: Measured, sure: _Sure) -> Finding | None:
    signal = each.case.signal
    if each.alert is None or signal.limits is None or signal.limits.alert is None:
        return None
    shown, limit = quantity(each.current, signal.unit), quantity(parse_quantity(signal.limits.alert), signal.unit)
    excess, reach = each.level - each.alert, each.reach(AFFIRMED) * each.level_error
    ends = (each.level - reach, each.level, each.level + reach)
    low, middle, high = (rounded(value, value) for value in sorted(map(each.scale.back, ends)))
    estimate = Estimate(Measure.VALUE, middle, low, high, parse_quantity(signal.limits.alert), middle)
    if excess > RESOLUTION:
        verdict = SignalVerdict.DEGRADED if sure.beyond else SignalVerdict.SUSPECT
        message = f"{shown} is beyond the alert limit {limit}"
        return Finding(verdict, None, message, current=shown, estimate=estimate)
    if excess + reach > RESOLUTION:
        message = f"{shown}, limit {limit}: the noise leaves open on which side"
        return Finding(SignalVerdict.INCONCLUSIVE, Reason.UNRESOLVED, message, current=shown, estimate=estimate)
    return Finding(SignalVerdict.STABLE, None, f"{shown}, limit {limit}", current=shown, estimate=estimate)


def _against_baseline(each: Measured, sure: _Sure) -> Finding | None:
    signal, margin = each.case.signal, each.margin
    if margin is None or signal.margin is None:
        return None
    reach = each.reach(AFFIRMED) * each.error
    low, high = (each.scale.back(each.level + side * reach) for side in (-each.scale.sign, each.scale.sign))
    old, new = quantity(each.expected, signal.unit), quantity(each.current, signal.unit)
    shown = compared_in(signal.margin)
    estimate = _estimate(each, low, high)
    delta, lowest, highest = (shown(each.expected, value, signal.unit) for value in (each.current, low, high))
    tolerance = signal.margin.relative or ""
    if signal.margin.absolute is not None:
        absolute = quantity(parse_quantity(signal.margin.absolute), signal.unit)
        tolerance = f"{tolerance} or {absolute}" if tolerance else absolute
    given = f" given {signal.covariate}" if signal.covariate else ""
    against = _beside(each, each.case.beside, given) if each.case.beside else f"{new} against {old}{given},"
    message = f"{against} {delta} (between {lowest} and {highest}), margin {tolerance}"
    verdict, reason = _verdict(each, margin, reach, sure), None
    if verdict is SignalVerdict.INCONCLUSIVE:
        message, reason = f"{message}: the noise leaves it open", Reason.UNRESOLVED
    return Finding(verdict, reason, message, old, new, delta, estimate)


def _beside(each: Measured, control: Beside, given: str) -> str:
    """A series and its control in words."""
    unit = each.case.signal.unit
    new, other = quantity(each.current, unit), quantity(control.level, unit)
    if not control.is_ratio:
        now, before = (difference(control.level, value, unit) for value in (each.current, each.expected))
        return f"{new} against the control's {other}, {now}, where the baseline's difference is {before}{given}:"
    now, before = (number(value / control.level) for value in (each.current, each.expected))
    return f"{new} is {now} times the control's {other}, where the baseline's quotient is {before}{given}:"


def _estimate(each: Measured, low: float, high: float) -> Estimate | None:
    """The step in numbers: as a share where the margin has one, else in the unit; None where no float is that large."""
    margin, size = each.case.signal.margin, max(abs(each.expected), abs(each.current))
    if margin is None:
        return None
    expected, current = (rounded(value, size) for value in (each.expected, each.current))
    is_share = margin.relative is not None and expected != 0
    whole = abs(expected) if is_share else 1.0
    relative = parse_percent(margin.relative) if margin.relative else 0.0
    absolute = parse_quantity(margin.absolute) if margin.absolute else 0.0
    tolerated = max(relative * abs(expected), absolute)
    numbers = [*((value - expected) / whole for value in (current, *sorted((low, high)))), tolerated / whole]
    if not all(math.isfinite(value) for value in numbers):
        return None
    estimate, lower, upper, tolerated = (rounded(value, size / whole) for value in numbers)
    measure = Measure.SHARE if is_share else Measure.DIFFERENCE
    return Estimate(measure, estimate, lower, upper, tolerated, current, expected)


def _verdict(each: Measured, margin: float, reach: float, sure: _Sure) -> SignalVerdict:
    if sure.worse:
        return SignalVerdict.DEGRADED
    if sure.suspect:
        return SignalVerdict.SUSPECT
    if each.step + reach > margin + RESOLUTION:
        return SignalVerdict.INCONCLUSIVE
    if each.step > reach + RESOLUTION:
        return SignalVerdict.ACCEPTABLE
    return SignalVerdict.IMPROVED if -each.step > max(margin, reach) + RESOLUTION else SignalVerdict.STABLE

"""Kind Level: what is said of a series held against its baseline and its alert limit.

*Sure* is what is worse by more than the margin with such certainty that, over all looks and signals, a healthy release
is called Degraded at most as often as the false-alarm budget says. *Suspect* is what is surely worse, and by the
estimate more than the margin; at two looks running, and by the estimate also in what came in between, that is Degraded
as well. Either must be more than the baseline ever did to itself. Something is only called good when even the
unfavourable end of its interval is inside the margin; what the noise leaves open is Inconclusive.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from driftreview.api.reasons import Reason
from driftreview.api.values import parse_quantity
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.before import like_before
from driftreview.domain.display import difference, number, quantity, spread
from driftreview.domain.doubts import Doubt, about_alert, about_baseline
from driftreview.domain.ended import farthest
from driftreview.domain.family import Bound, Sure
from driftreview.domain.finding import Estimate, Finding, Measure, Side, gravest, rounded
from driftreview.domain.margins import compared_in, margin_of, tolerated
from driftreview.domain.measured import AFFIRMED, Beside, Grid, Measured
from driftreview.domain.reading import against_alert, against_baseline
from driftreview.domain.regression import RESOLUTION
from driftreview.domain.scale import Scale
from driftreview.domain.stretch import worst


def find_level(each: Measured, sure: Sure, grid: Grid, suspected: int | None = None) -> Finding:
    """What is said of one series.

    Args:
        each: what was measured.
        sure: what holds of it, all series of the look taken into account.
        grid: how the blocks lie.
        suspected: in which direction it was suspect at the look before; None if it was not.

    Returns:
        The worse of what the alert limit and the baseline say.
    """
    lacking = each.case.lacking and replace(each.case.lacking, current=quantity(each.current, each.case.signal.unit))
    alert, baseline = _against_alert(each, sure, grid), _against_baseline(each, sure, suspected)
    if alert is not None:
        alert = _doubted(alert, about_alert(each, alert.verdict, grid))
    if baseline is not None:
        baseline = _doubted(baseline, about_baseline(each, baseline.verdict, sure, grid))
    said = (
        alert and _read(alert, against_alert(each, alert.verdict, sure, grid)),
        baseline and _read(baseline, against_baseline(each, baseline, sure, grid)),
        lacking,
    )
    return gravest([finding for finding in said if finding is not None])


def _doubted(finding: Finding, doubt: Doubt | None) -> Finding:
    """A finding as it stands when it is held back."""
    if doubt is None:
        return finding
    verdict, reason, why = doubt
    return replace(finding, verdict=verdict, reason=reason, message=f"{finding.message}; {why}")


def _read(finding: Finding, parts: Iterable[str]) -> Finding:
    """A finding with how it is to be read."""
    return replace(finding, message="; ".join([finding.message, *parts]))


def is_suspect(each: Measured, sure: Sure) -> bool:
    """Whether a series is surely worse, by the estimate more than its margin, and unlike what the baseline did."""
    beyond = each.margin is not None and each.late.least > each.margin + RESOLUTION
    return sure.worse and beyond and each.is_unlike_the_baseline


def _is_worse(each: Measured, margin: float, sure: Sure, suspected: int | None) -> bool:
    """Whether a series is worse by more than the margin: surely, or suspect at two looks and not better since."""
    if Bound.MARGIN in sure.beyond and each.is_unlike_the_baseline:
        return True
    return is_suspect(each, sure) and suspected == each.scale.sign and each.fresh > margin + each.above


def _against_alert(each: Measured, sure: Sure, grid: Grid) -> Finding | None:
    signal = each.case.signal
    if each.alert is None or signal.limits is None or signal.limits.alert is None:
        return None
    shown, limit = quantity(each.current, signal.unit), quantity(parse_quantity(signal.limits.alert), signal.unit)
    excess, reach = each.level - each.alert, each.reach(AFFIRMED) * each.level_error
    ends = (each.level - reach, each.level, each.level + reach)
    low, middle, high = (rounded(value, value) for value in sorted(map(each.scale.back, ends)))
    estimate = Estimate(Measure.VALUE, middle, low, high, parse_quantity(signal.limits.alert), middle)
    if excess > RESOLUTION:
        verdict = SignalVerdict.DEGRADED if Bound.ALERT in sure.beyond else SignalVerdict.SUSPECT
        message = f"{shown} is beyond the alert limit {limit}"
        found = Finding(verdict, None, message, current=shown, estimate=estimate)
        usual = farthest(each.case.ended, each.scale.sign)
        if verdict is SignalVerdict.DEGRADED or usual is None:
            return found
        return like_before(found, usual.said(signal.unit, timedelta(hours=grid.hours_per_block)))
    if excess + reach > RESOLUTION:
        message = f"{shown}, limit {limit}: the noise leaves open on which side"
        return Finding(SignalVerdict.INCONCLUSIVE, Reason.UNRESOLVED, message, current=shown, estimate=estimate)
    return Finding(SignalVerdict.STABLE, None, f"{shown}, limit {limit}", current=shown, estimate=estimate)


def _against_baseline(each: Measured, sure: Sure, suspected: int | None) -> Finding | None:
    signal, margin = each.case.signal, each.margin
    if margin is None or signal.margin is None:
        return None
    reach = each.reach(AFFIRMED) * each.error
    told = reach if reach > RESOLUTION else 0.0  # what is below the digits of evidence is rounding
    low, high = (each.scale.back(each.level + side * told) for side in (-each.scale.sign, each.scale.sign))
    old, new = quantity(each.expected, signal.unit), quantity(each.current, signal.unit)
    shown = compared_in(signal.margin)
    estimate = _estimate(each, low, high)
    delta, lowest, highest = (shown(each.expected, value, signal.unit) for value in (each.current, low, high))
    given = f" given {signal.covariate}" if signal.covariate else ""
    margins = tolerated(signal.margin, signal.unit)
    against = _beside(each, each.case.beside, given) if each.case.beside else f"{new} against {old}{given},"
    message = f"{against} {delta} (between {lowest} and {highest}), margin {margins}"
    verdict, reason = _verdict(each, margin, sure, suspected), None
    if verdict is SignalVerdict.INCONCLUSIVE:
        why = "" if each.late.size else f": {_why_open(each, margin, reach)}"
        message, reason = f"{message}{why}", Reason.UNRESOLVED
    cells = _cell(old, each.case.before, signal.unit), _cell(new, each.case.now, signal.unit)
    return Finding(verdict, reason, message, *cells, delta, estimate)


def _why_open(each: Measured, margin: float, reach: float) -> str:
    """Why it is neither good nor bad: worse by its own interval may yet be chance, over all looks and series."""
    if (part := worst(each)) is not None and part.is_rare:
        return "a part is far worse than the rest"
    if each.step - reach <= margin + RESOLUTION:
        return "the noise leaves it open"
    return "chance leaves it open" if each.is_unlike_the_baseline else "the baseline did as much by itself"


def _cell(shown: str, side: Side | None, unit: str) -> str:
    """A value with the range of the middle four fifths of its blocks."""
    if side is None or not side.present:
        return shown
    usual = spread(*side.usual, unit)
    return shown if usual == shown else f"{shown} ({usual})"


def _beside(each: Measured, control: Beside, given: str) -> str:
    """A series and its control in words."""
    unit = each.case.signal.unit
    new, other = quantity(each.current, unit), quantity(control.level, unit)
    if not control.is_ratio:
        now, before = (difference(control.level, value, unit) for value in (each.current, each.expected))
        return f"{new} against the control's {other}, {now}, where the baseline's difference is {before}{given}:"
    as_float = Scale(log=False).back  # a control next to nothing has quotients beyond any
    now, before = (number(as_float(value / control.level)) for value in (each.current, each.expected))
    return f"{new} is {now} times the control's {other}, where the baseline's quotient is {before}{given}:"


def _estimate(each: Measured, low: float, high: float) -> Estimate | None:
    """The step in numbers: as a share where the margin has one, else in the unit; None where no float is that large."""
    margin, size = each.case.signal.margin, max(abs(each.expected), abs(each.current))
    if margin is None:
        return None
    expected, current = (rounded(value, size) for value in (each.expected, each.current))
    is_share = margin.relative is not None and expected != 0
    whole = abs(expected) if is_share else 1.0
    most = margin_of(each.case.signal, Scale(log=False), expected) or 0.0
    numbers = [*((value - expected) / whole for value in (current, *sorted((low, high)))), most / whole]
    if not all(math.isfinite(value) for value in numbers):
        return None
    estimate, lower, upper, most = (rounded(value, size / whole) for value in numbers)
    measure = Measure.SHARE if is_share else Measure.DIFFERENCE
    return Estimate(measure, estimate, lower, upper, most, current, expected)


def _verdict(each: Measured, margin: float, sure: Sure, suspected: int | None) -> SignalVerdict:
    reach = each.reach(AFFIRMED) * each.error
    if not math.isfinite(each.step + reach):
        return SignalVerdict.INCONCLUSIVE
    if _is_worse(each, margin, sure, suspected):
        return SignalVerdict.DEGRADED
    if is_suspect(each, sure):
        return SignalVerdict.SUSPECT
    if each.step + reach > margin + RESOLUTION:
        return SignalVerdict.INCONCLUSIVE
    if each.step > reach + RESOLUTION:
        return SignalVerdict.ACCEPTABLE
    return SignalVerdict.IMPROVED if -each.step > max(margin, reach) + RESOLUTION else SignalVerdict.STABLE

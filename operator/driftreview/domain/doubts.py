"""Why a level that its mean calls good is not: it got worse at the end, a part is far worse, or its baseline moved.

A mean over 48 hours forgives eight bad ones at their end, and a mean of logarithms forgives an outage. What is bad when
it is decided must not be promoted, so these doubts only ever hold a verdict back; they make nothing Degraded.
"""

from __future__ import annotations

import math
from typing import Final

from driftreview.api.reasons import Reason, SignalVerdict
from driftreview.api.signal import Worse
from driftreview.domain.display import quantity
from driftreview.domain.family import Sure
from driftreview.domain.finding import FEWEST_BLOCKS
from driftreview.domain.measured import Measured, compared_in
from driftreview.domain.regression import RESOLUTION
from driftreview.domain.statistics import mean
from driftreview.domain.tails import student_sf

Doubt = tuple[SignalVerdict, Reason | None, str]
"""What is said instead, and why."""
_CLEARLY_MORE: Final = 1.5
"""Times a change at the baseline's end: what is that much worse is worse than either level."""
_GOOD: Final = (SignalVerdict.STABLE, SignalVerdict.ACCEPTABLE, SignalVerdict.IMPROVED)


def about_baseline(each: Measured, verdict: SignalVerdict, sure: Sure) -> Doubt | None:
    """Of a verdict on a series and its margin."""
    if each.margin is None or each.case.signal.margin is None:
        return None
    is_in_doubt = each.late and each.step <= each.margin + _CLEARLY_MORE * abs(each.late)
    if verdict in _GOOD:
        is_in_doubt = each.is_surely_late and abs(each.step) + abs(each.late) > each.margin
    if is_in_doubt:
        direction = "rose" if each.late * each.scale.sign > 0 else "fell"
        said = f"its baseline {direction} shortly before its end, so that it is open which level to compare with"
        return SignalVerdict.INCONCLUSIVE, Reason.UNRESOLVED, said
    if verdict not in _GOOD:
        return None
    shown = compared_in(each.case.signal.margin)
    if (
        _surely(each, each.ending, each.ending_error, sure)
        and each.ending > max(each.margin, each.unlike_ending) + RESOLUTION
    ):
        worse = shown(each.expected, each.at(each.ending), each.case.signal.unit)
        return SignalVerdict.SUSPECT, None, f"but {worse} in its last {FEWEST_BLOCKS} blocks"
    if _surely(each, each.fresh, each.fresh_error, sure) and each.fresh > max(each.margin, each.unlike) + RESOLUTION:
        worse = shown(each.expected, each.at(each.fresh), each.case.signal.unit)
        return SignalVerdict.SUSPECT, None, f"but {worse} since the look before"
    excess = _excess(each)
    if each.step + excess > each.margin + RESOLUTION and excess > each.margin / 2:
        worse = shown(each.expected, each.at(each.step + excess), each.case.signal.unit)
        said = f"but {worse} by the plain mean: a part is far worse"
        return SignalVerdict.INCONCLUSIVE, Reason.UNRESOLVED, said
    return None


def about_alert(each: Measured, verdict: SignalVerdict) -> Doubt | None:
    """Of a verdict on a series and its alert limit."""
    if each.alert is None or verdict not in _GOOD or not each.case.now.present:
        return None
    present = each.case.now.present
    for part, where in ((present, "by the plain mean"), (present[-FEWEST_BLOCKS:], "in its last blocks")):
        plain = mean(part)
        if _is_beyond(each, plain):
            return SignalVerdict.SUSPECT, None, f"but {quantity(plain, each.case.signal.unit)} {where}"
    return None


def _surely(each: Measured, step: float, error: float, sure: Sure) -> bool:
    sides = 2 if each.case.signal.worse is Worse.EITHER else 1
    return sides * student_sf(step / error, each.freedom) < sure.allowed


def _is_beyond(each: Measured, value: float) -> bool:
    if each.scale.log and value <= 0:
        return each.scale.sign < 0
    return each.alert is not None and each.scale.to(value) > each.alert + RESOLUTION


def _excess(each: Measured) -> float:
    """By how much more the plain mean is worse than the mean of logarithms, compared with the baseline."""
    if not each.scale.log or each.case.before is None:
        return 0.0
    now, before = (_spread(side.present) for side in (each.case.now, each.case.before))
    return each.scale.sign * (now - before)


def _spread(values: list[float]) -> float:
    """The logarithm of the plain mean over the geometric one."""
    logs = [math.log(value) for value in values]
    largest = max(logs)
    return largest + math.log(mean([math.exp(each - largest) for each in logs])) - mean(logs)

"""How the kinds other than Level are judged, one series at a time, and what any baseline must be good for."""

from __future__ import annotations

from typing import Final

from driftreview.api.reasons import Reason, SignalVerdict
from driftreview.api.signal import Limits, Signal, Worse
from driftreview.api.values import format_duration, parse_duration, parse_quantity
from driftreview.domain.display import quantity
from driftreview.domain.finding import FEWEST_BLOCKS, Estimate, Finding, Measure, Side, rounded
from driftreview.domain.statistics import growth, middle

SURE: Final = 3.0
"""Standard errors that make growth sure: one-sided 0.13% for one look at one healthy signal."""


def record(signal: Signal, now: Side) -> Finding:
    """Kind Info: write down the level."""
    if not now.present:
        return Finding(SignalVerdict.RECORDED, Reason.EMPTY, "no samples")
    shown = quantity(middle(now.present), signal.unit)
    return Finding(SignalVerdict.RECORDED, None, shown, current=shown)


def is_compared(signal: Signal) -> bool:
    """Whether a Level signal needs a baseline; else its alert limit alone counts."""
    return signal.margin is not None or (signal.limits is not None and signal.limits.baseline is not None)


def too_few(side: Side, where: str) -> Finding | None:
    """That a side has too few blocks to be judged."""
    count = len(side.present)
    if count >= FEWEST_BLOCKS:
        return None
    message = f"{where} has {count} blocks of samples, {FEWEST_BLOCKS} are needed"
    return Finding(SignalVerdict.INCONCLUSIVE, Reason.TOO_FEW_BLOCKS, message)


def unsound(signal: Signal, baseline: Side | str) -> Finding | None:
    """Why nothing can be held against a baseline; `baseline` is a text where there is none."""
    if isinstance(baseline, str):
        return Finding(SignalVerdict.INCONCLUSIVE, Reason.BASELINE_MISSING, baseline)
    if finding := too_few(baseline, "the baseline"):
        return finding
    if signal.limits is None or signal.limits.baseline is None:
        return None
    limit, centre = parse_quantity(signal.limits.baseline), middle(baseline.present)
    if _sign(signal) * (centre - limit) <= 0:
        return None
    old = quantity(centre, signal.unit)
    message = f"the baseline itself, {old}, is beyond its limit {quantity(limit, signal.unit)}: it proves nothing"
    return Finding(SignalVerdict.INCONCLUSIVE, Reason.BASELINE_OVER_LIMIT, message, baseline=old)


def judge_growth(signal: Signal, now: Side, hours_per_block: float) -> Finding:
    """Kind Growth: the slope since T0 against the limit per hour."""
    limits = signal.limits or Limits()
    limit = parse_quantity(limits.per_hour or "0")
    sign = _sign(signal)
    slope = growth([None if value is None else sign * value for value in now.blocks], hours_per_block, SURE)
    bound = f"limit {quantity(limit, signal.unit)}/h"
    if slope is None:
        message = f"{len(now.present)} blocks do not tell growth from noise yet, {bound}"
        return Finding(SignalVerdict.INCONCLUSIVE, Reason.UNRESOLVED, message)
    if slope.low > limit:
        verdict = SignalVerdict.DEGRADED
    elif slope.estimate > limit and slope.low > 0:
        verdict = SignalVerdict.SUSPECT
    elif slope.high <= limit:
        verdict = SignalVerdict.ACCEPTABLE if slope.low > 0 else SignalVerdict.STABLE
    else:
        verdict = SignalVerdict.INCONCLUSIVE
    rate, low, high = (f"{quantity(sign * each, signal.unit)}/h" for each in (slope.estimate, slope.low, slope.high))
    reason = Reason.UNRESOLVED if verdict is SignalVerdict.INCONCLUSIVE else None
    size = max(abs(slope.low), abs(slope.high))
    ends = (slope.low, slope.estimate, slope.high)
    lowest, centre, highest = (rounded(sign * value, size) for value in ends[::sign])
    estimate = Estimate(Measure.PER_HOUR, centre, lowest, highest, sign * limit, centre)
    message = f"grows {rate} (between {low} and {high}), {bound}"
    return Finding(verdict, reason, message, current=rate, estimate=estimate)


def judge_limit(signal: Signal, now: Side) -> Finding:
    """Kind Limit: never over the limit for longer than `for`."""
    allowed = parse_duration(signal.for_ or "0s")
    limit = quantity(parse_quantity(_alert(signal)), signal.unit)
    worst = quantity(now.worst, signal.unit) if now.worst is not None else ""
    bound = f"limit {limit}" + (f" for {format_duration(allowed)}" if allowed else "")
    if now.longest_over is None:
        return Finding(SignalVerdict.STABLE, None, f"worst {worst}, {bound}", current=worst)
    lasted = format_duration(now.longest_over) if now.longest_over else "one sample"
    message = f"worst {worst}, beyond the limit for {lasted}, {bound}"
    verdict = SignalVerdict.DEGRADED if now.longest_over >= allowed else SignalVerdict.ACCEPTABLE
    return Finding(verdict, None, message, current=worst)


def _sign(signal: Signal) -> int:
    return -1 if signal.worse is Worse.LOWER else 1


def _alert(signal: Signal) -> str:
    if signal.limits is None or signal.limits.alert is None:
        raise ValueError(f"signal {signal.name} has no limits.alert; the CRD's rules refuse that")
    return signal.limits.alert

"""How each kind of signal is judged, one series at a time.

The plain judge: medians of block medians, a standard error widened for autocorrelation, and margins. Something is
*surely* worse when it is worse by more than the margin plus three standard errors; worse by more than the margin
alone is suspect. Something is only called good when even the unfavourable end of its interval is inside the margin;
what the noise leaves open is Inconclusive.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from driftreview.api.driftsnapshot import SeriesEvidence
from driftreview.api.reasons import Reason, SignalVerdict
from driftreview.api.signal import Limits, Margin, Signal, Worse
from driftreview.api.values import format_duration, parse_duration, parse_percent, parse_quantity
from driftreview.domain.blocks import decode
from driftreview.domain.display import change, quantity
from driftreview.domain.display import difference as in_unit
from driftreview.domain.statistics import Level, growth, level

SURE: Final = 3.0
"""Standard errors that make a difference sure: one-sided 0.13% for one look at one healthy signal."""
AFFIRMED: Final = 1.645
"""Standard errors that must still fit into a margin before it is called kept: one-sided 5%."""
FEWEST_BLOCKS: Final = 6


@dataclass(frozen=True)
class Finding:
    """What is said of one series: a verdict, why, and the cells of its row."""

    verdict: SignalVerdict
    reason: Reason | None
    message: str
    baseline: str = ""
    current: str = ""
    delta: str = ""

    def about(self, series: str) -> Finding:
        """The same, said of a named series."""
        return replace(self, message=f"{series}: {self.message}")


@dataclass(frozen=True)
class Side:
    """One side of a comparison, as frozen."""

    blocks: tuple[float | None, ...]
    longest_over: timedelta | None
    worst: float | None

    @staticmethod
    def of(series: SeriesEvidence) -> Side:
        """Read it from evidence."""
        return Side(
            decode(series.values),
            None if series.longest_over is None else parse_duration(series.longest_over),
            None if series.worst is None else float(series.worst),
        )

    @property
    def present(self) -> list[float]:
        """The blocks that have samples."""
        return [value for value in self.blocks if value is not None]


def record(signal: Signal, now: Side) -> Finding:
    """Kind Info: write down the level."""
    if not now.present:
        return Finding(SignalVerdict.RECORDED, Reason.EMPTY, "no samples")
    shown = quantity(level(now.present).centre, signal.unit)
    return Finding(SignalVerdict.RECORDED, None, shown, current=shown)


def is_compared(signal: Signal) -> bool:
    """Whether a Level signal needs a baseline; else its alert limit alone counts."""
    return signal.margin is not None or (signal.limits is not None and signal.limits.baseline is not None)


def judge_level(signal: Signal, baseline: Side | str, now: Side) -> Finding:
    """Kind Level: against the alert limit, then against the baseline. `baseline` is a text where there is none."""
    if too_few := _too_few(now, "this window"):
        return too_few
    current = level(now.present)
    shown = quantity(current.centre, signal.unit)
    over = _over_alert(signal, current, shown)
    if over is not None and (signal.margin is None or over.verdict is SignalVerdict.DEGRADED):
        return over
    if not is_compared(signal):
        return Finding(SignalVerdict.STABLE, None, _under(signal, shown), current=shown)
    before = sound_baseline(signal, baseline)
    if isinstance(before, Finding):
        return over or replace(before, current=shown)
    if signal.margin is None:
        return Finding(SignalVerdict.STABLE, None, _under(signal, shown), current=shown)
    compared = _compare(signal, signal.margin, before, current)
    return compared if over is None or compared.verdict in {SignalVerdict.DEGRADED, SignalVerdict.SUSPECT} else over


def sound_baseline(signal: Signal, baseline: Side | str) -> Level | Finding:
    """The baseline's level, or why nothing can be held against it."""
    if isinstance(baseline, str):
        return Finding(SignalVerdict.INCONCLUSIVE, Reason.BASELINE_MISSING, baseline)
    if too_few := _too_few(baseline, "the baseline"):
        return too_few
    before = level(baseline.present)
    return _sick_baseline(signal, before) or before


def _compare(signal: Signal, margin: Margin, before: Level, current: Level) -> Finding:
    error = math.hypot(before.error, current.error)
    difference = current.centre - before.centre
    if not (math.isfinite(SURE * error) and math.isfinite(difference)):
        return Finding(SignalVerdict.INCONCLUSIVE, None, "the values are too large to be compared")
    worse = abs(difference) if signal.worse is Worse.EITHER else _sign(signal) * difference
    tolerated = _tolerated(margin, before.centre)
    if worse - tolerated > SURE * error:
        verdict = SignalVerdict.DEGRADED
    elif worse > tolerated:
        verdict = SignalVerdict.SUSPECT
    elif worse + AFFIRMED * error > tolerated:
        verdict = SignalVerdict.INCONCLUSIVE
    elif abs(difference) <= SURE * error:
        verdict = SignalVerdict.STABLE
    elif worse > 0:
        verdict = SignalVerdict.ACCEPTABLE
    else:
        verdict = SignalVerdict.IMPROVED if -worse > tolerated else SignalVerdict.STABLE
    old, new = quantity(before.centre, signal.unit), quantity(current.centre, signal.unit)
    shown = change if margin.relative else in_unit
    delta = shown(before.centre, current.centre, signal.unit)
    low, high = (shown(before.centre, current.centre + side * SURE * error, signal.unit) for side in (-1, 1))
    tolerance = margin.relative or ""
    if margin.absolute is not None:
        absolute = quantity(parse_quantity(margin.absolute), signal.unit)
        tolerance = f"{tolerance} or {absolute}" if tolerance else absolute
    message = f"{new} against {old}, {delta} (between {low} and {high}), margin {tolerance}"
    if verdict is SignalVerdict.INCONCLUSIVE:
        return Finding(verdict, Reason.UNRESOLVED, f"{message}: the noise leaves it open", old, new, delta)
    return Finding(verdict, None, message, old, new, delta)


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
    return Finding(verdict, reason, f"grows {rate} (between {low} and {high}), {bound}", current=rate)


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


def _tolerated(margin: Margin, centre: float) -> float:
    relative = parse_percent(margin.relative) * abs(centre) if margin.relative else 0.0
    return max(relative, parse_quantity(margin.absolute) if margin.absolute else 0.0)


def _too_few(side: Side, where: str) -> Finding | None:
    count = len(side.present)
    if count >= FEWEST_BLOCKS:
        return None
    message = f"{where} has {count} blocks of samples, {FEWEST_BLOCKS} are needed"
    return Finding(SignalVerdict.INCONCLUSIVE, Reason.TOO_FEW_BLOCKS, message)


def _under(signal: Signal, shown: str) -> str:
    return f"{shown}, limit {quantity(parse_quantity(_alert(signal)), signal.unit)}"


def _over_alert(signal: Signal, current: Level, shown: str) -> Finding | None:
    """What the alert limit says against a level; None if it is surely kept, or there is none."""
    if signal.limits is None or signal.limits.alert is None:
        return None
    alert = parse_quantity(signal.limits.alert)
    excess = _sign(signal) * (current.centre - alert)
    if excess <= 0:
        if excess + AFFIRMED * current.error <= 0:
            return None
        message = f"{_under(signal, shown)}: the noise leaves open on which side"
        return Finding(SignalVerdict.INCONCLUSIVE, Reason.UNRESOLVED, message, current=shown)
    verdict = SignalVerdict.DEGRADED if excess > SURE * current.error else SignalVerdict.SUSPECT
    return Finding(verdict, None, f"{shown} is beyond the alert limit {quantity(alert, signal.unit)}", current=shown)


def _sick_baseline(signal: Signal, before: Level) -> Finding | None:
    if signal.limits is None or signal.limits.baseline is None:
        return None
    limit = parse_quantity(signal.limits.baseline)
    if _sign(signal) * (before.centre - limit) <= 0:
        return None
    old = quantity(before.centre, signal.unit)
    message = f"the baseline itself, {old}, is beyond its limit {quantity(limit, signal.unit)}: it proves nothing"
    return Finding(SignalVerdict.INCONCLUSIVE, Reason.BASELINE_OVER_LIMIT, message, baseline=old)

"""Kind Events: never more in any `for` than `limits.alert`, whatever the baseline's rate."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Final

import numpy as np

from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal
from driftreview.api.values import format_duration, parse_duration
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.before import earlier, like_before, no_worse
from driftreview.domain.counts import events_in
from driftreview.domain.display import quantity
from driftreview.domain.finding import Finding, Side
from driftreview.domain.margins import alert_of
from driftreview.domain.measured import Case
from driftreview.domain.rules import sign_of
from driftreview.domain.tails import scan_sf

_NOTEWORTHY: Final = 0.01
"""Chance of a healthy process to break a limit from which on it is told."""


def span_of(signal: Signal) -> timedelta:
    """The stretch of time in which the query counts.

    Raises:
        ValueError: the signal has no `for`; the CRD's rules refuse that.
    """
    if signal.for_ is None:
        raise ValueError(f"signal {signal.name} of kind Events has no `for`; the CRD's rules refuse that")
    return parse_duration(signal.for_)


def against_limit(case: Case, spans: float) -> Finding | None:
    """What is said of the worst single count, None without a limit; the window's blocks have so many `for`s."""
    signal, alert, worst = case.signal, alert_of(case.signal), case.now.worst
    if alert is None:
        return None
    limit = f"limit {quantity(alert, signal.unit)}"
    if worst is None:
        return Finding(SignalVerdict.INCONCLUSIVE, Reason.EMPTY, f"no single count is known, {limit}")
    chance = _chance(case, alert, spans)
    healthy = f" (at the baseline's rate exceeded in up to {chance:.0%} of such windows)" if chance else ""
    shown = _shown(signal, worst)
    if sign_of(signal) * (worst - alert) <= 0:
        return Finding(SignalVerdict.STABLE, None, f"at worst {shown}, {limit}{healthy}", current=shown)
    found = Finding(SignalVerdict.DEGRADED, None, f"{shown} is beyond the {limit}{healthy}", current=shown)
    usual = beyond_alert(signal, earlier(case.before))
    return (
        like_before(found, _shown(signal, usual))
        if usual is not None and _is_like(signal, worst, usual, alert)
        else found
    )


def beyond_alert(signal: Signal, side: Side | None) -> float | None:
    """The worst single count of a series, if that broke the limit."""
    alert = alert_of(signal)
    if alert is None or side is None or side.worst is None:
        return None
    return side.worst if sign_of(signal) * (side.worst - alert) > 0 else None


def _is_like(signal: Signal, worst: float, usual: float, alert: float) -> bool:
    """Whether there are no more than half as many again as before; or, where fewer are worse, as many short of it."""
    return no_worse(worst, usual) if sign_of(signal) > 0 else no_worse(alert - worst, alert - usual)


def _shown(signal: Signal, count: float) -> str:
    return f"{quantity(count, signal.unit)} in {format_duration(span_of(signal))}"


def _chance(case: Case, alert: float, spans: float) -> float:
    """How often independent events at the baseline's rate break the limit in such a window; 0 if hardly ever."""
    if case.before is None or sign_of(case.signal) < 0 or alert < 0:
        return 0.0
    chance = scan_sf(math.floor(alert), float(np.nanmean(events_in(case.before.blocks, 1.0))), spans)
    return chance if chance > _NOTEWORTHY else 0.0

"""A signal's margin and alert limit as they are compared, and a difference as its margin is written."""

from __future__ import annotations

import math
from collections.abc import Callable

from driftreview.api.signal import Kind, Margin, Signal
from driftreview.api.values import format_duration, parse_duration, parse_percent, parse_quantity
from driftreview.domain.display import change, difference, distance
from driftreview.domain.scale import Scale


def margin_of(signal: Signal, scale: Scale, expected: float) -> float | None:
    """The step that is tolerated where so much is expected, as it is compared; None without a margin."""
    if signal.margin is None:
        return None
    relative = parse_percent(signal.margin.relative) if signal.margin.relative else 0.0
    absolute = parse_quantity(signal.margin.absolute) if signal.margin.absolute else 0.0
    if not scale.log:
        return max(relative * abs(expected), absolute / scale.unit)
    share = scale.sign * max(relative, absolute / scale.back(expected))
    return abs(math.log1p(share)) if share > -1 else math.inf


def compared_in(margin: Margin) -> Callable[[float, float, str], str]:
    """How a difference is shown: in percent where the margin has any, else in the unit."""
    return change if margin.relative else difference


def tolerated(margin: Margin, unit: str) -> str:
    """A margin as it is shown: "or" means the larger of the two."""
    absolute = "" if margin.absolute is None else distance(parse_quantity(margin.absolute), unit)
    return " or ".join(each for each in (margin.relative, absolute) if each)


def counted_in(signal: Signal) -> str:
    """How long a count of kind Events is a count of, as it follows the number; empty of other kinds."""
    return f" in {format_duration(parse_duration(signal.for_))}" if signal.kind is Kind.EVENTS and signal.for_ else ""


def alert_of(signal: Signal) -> float | None:
    """The alert limit of a signal, if it has one."""
    return None if signal.limits is None or signal.limits.alert is None else parse_quantity(signal.limits.alert)

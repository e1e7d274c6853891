"""What breaks its own rule before the release: said at T0, so that nobody takes it for news two days later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from driftreview.api.base import format_time
from driftreview.api.signal import Kind, Signal
from driftreview.api.values import format_duration, parse_quantity
from driftreview.domain.before import silent_since
from driftreview.domain.bursts import beyond_alert, span_of
from driftreview.domain.display import quantity
from driftreview.domain.ended import ends_beyond, farthest
from driftreview.domain.finding import Side
from driftreview.domain.growth import grown
from driftreview.domain.lately import highest
from driftreview.domain.margins import alert_of
from driftreview.domain.observed import Observed
from driftreview.domain.presence import longest_silence
from driftreview.domain.rules import beyond_limit, sign_of


def broken_before(found: Mapping[str, Observed], block: timedelta) -> Iterator[tuple[Signal, str, str]]:
    """Every series of a baseline that is silent at its end or broke its own rule, and how: signal, key, in words."""
    for each in found.values():
        if each.signal.kind is Kind.INFO:
            continue
        for key, side in each.sides.items():
            since = silent_since(each, key)
            parts = [f"silent since {format_time(since)}" if since else "", _broken(each.signal, side, block)]
            if any(parts):
                yield each.signal, key, ", ".join(part for part in parts if part)


def _broken(signal: Signal, side: Side, block: timedelta) -> str:
    match signal.kind:
        case Kind.LIMIT:
            return beyond_limit(signal, side)
        case Kind.PRESENCE:
            silence = longest_silence(signal, side)
            return f"no sample for {format_duration(silence)}" if silence else ""
        case Kind.EVENTS:
            worst = beyond_alert(signal, side)
            return "" if worst is None else f"{quantity(worst, signal.unit)} in {format_duration(span_of(signal))}"
        case Kind.GROWTH:
            return _grew(signal, side, block)
    alert = alert_of(signal)
    ends = () if alert is None else ends_beyond(side, alert, sign_of(signal))
    end = farthest(ends, sign_of(signal))
    return "" if end is None else end.said(signal.unit, block)


def _grew(signal: Signal, side: Side, block: timedelta) -> str:
    sign, alert, limits = sign_of(signal), alert_of(signal), signal.limits
    blocks = [None if value is None else sign * value for value in side.blocks]
    parts = []
    if limits is not None and limits.per_hour is not None:
        slope = grown(blocks, block / timedelta(hours=1), parse_quantity(limits.per_hour))
        parts += [] if slope is None else [f"grew {quantity(sign * slope, signal.unit)}/h"]
    if alert is not None and highest(blocks) > sign * alert:
        parts.append(f"at {quantity(sign * highest(blocks), signal.unit)} for an hour")
    return ", ".join(parts)

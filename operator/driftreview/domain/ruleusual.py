"""What T0 was, as alert rules compare with it: one number for each series, with what is tolerated beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from driftreview.api.signal import Kind, Signal, Worse
from driftreview.api.values import parse_percent, parse_quantity
from driftreview.domain.bursts import span_of
from driftreview.domain.finding import Side
from driftreview.domain.observed import Observed
from driftreview.domain.rules import sign_of, unsound
from driftreview.domain.statistics import mean, middle
from driftreview.domain.tails import scan_sf

_SPANS: Final = tuple(timedelta(hours=hours) for hours in (1, 6, 24))
HEALTHY: Final = timedelta(hours=48)
"""How long a healthy run is of which the chance of a false alarm is told."""
_RARELY: Final = 0.05
"""At most so often a rule may fire in such a run by chance."""
_ONE_SIDED: Final = 1.645
"""Standard deviations that 95% are below: the true rate is at most so far above the one that was seen."""
_DEVIATIONS: Final = 4.0
"""How many standard deviations of a mean count a margin must be where fewer events are worse."""


@dataclass(frozen=True)
class Usual:
    """T0's value of one series."""

    key: str
    """The value of the label `each`; empty where there is one series."""
    value: float
    margin: float
    """How much worse is tolerated, in the signal's unit."""

    def bound(self, signal: Signal) -> float:
        """What is compared with: the worst that is tolerated; where either direction is worse, how far it may be."""
        return self.margin if signal.worse is Worse.EITHER else self.value + sign_of(signal) * self.margin


def usual(before: Observed, key: str, side: Side) -> Usual | str:
    """What a series was at T0, as far as that can be gone by; or why it cannot."""
    signal, sound = before.signal, before.baseline(key)
    if isinstance(sound, str):
        return sound
    if finding := unsound(signal, sound):
        return finding.message
    value = (mean if signal.kind is Kind.EVENTS else middle)(side.present)
    return Usual(key, value, _margin(signal, value))


def _margin(signal: Signal, value: float) -> float:
    """The larger of both margins, in the signal's unit."""
    margin = signal.margin
    if margin is None:
        raise ValueError(f"signal {signal.name} has no margin to compare with T0 by")
    relative = parse_percent(margin.relative) * abs(value) if margin.relative else 0.0
    return max(relative, parse_quantity(margin.absolute) if margin.absolute else 0.0)


def tellable_in(signal: Signal, found: Sequence[Usual], counts: float) -> timedelta | None:
    """Over which stretch a mean of counts tells so many more events from chance; None where a day is too short.

    Args:
        signal: of kind Events.
        found: its series.
        counts: how many `for`s the baseline holds.
    """
    return next((span for span in _SPANS if all(_is_told(signal, each, span, counts) for each in found)), None)


def chance_of_more(signal: Signal, known: Usual, span: timedelta, rate: float | None = None) -> float:
    """How likely independent events pass the margin at least once in a healthy run.

    Args:
        signal: of kind Events, of which more are worse.
        known: what it is compared with.
        span: the stretch that it is the mean of.
        rate: events in each `for`; T0's, if left out.
    """
    counts = span / span_of(signal)
    mean_in_span = max(known.value if rate is None else rate, 0.0) * counts
    return scan_sf(math.floor(known.bound(signal) * counts), mean_in_span, HEALTHY / span)


def _is_told(signal: Signal, known: Usual, span: timedelta, counts: float) -> bool:
    """Whether chance alone hardly ever passes the margin, also if the baseline happened to see few events."""
    events = max(known.value, 0.0) * counts
    if signal.worse is Worse.HIGHER:
        most = (math.sqrt(events + 1) + _ONE_SIDED / 2) ** 2 / counts
        return chance_of_more(signal, known, span, most) <= _RARELY
    spread = math.sqrt(max(known.value, 0.0) * (span_of(signal) / span + 1 / counts))
    return known.margin >= _DEVIATIONS * spread

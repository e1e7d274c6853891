"""What T0 was, as alert rules compare with it: one number for each series, with what is tolerated beside it."""

from __future__ import annotations

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

_SPANS: Final = tuple(timedelta(hours=hours) for hours in (1, 6, 24))
_DEVIATIONS: Final = 4.0
"""How many standard deviations of a mean count a margin must be, so that chance alone does not pass it."""


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


def tellable_in(signal: Signal, found: Sequence[Usual]) -> timedelta | None:
    """Over which stretch a mean of counts tells so many more events from chance; None where a day is too short.

    Events that come one by one: the mean of `n` counts has the variance of one, its mean, divided by `n`.
    """
    for span in _SPANS:
        counts = span / span_of(signal)
        if all(each.margin >= _DEVIATIONS * (max(each.value, 0.0) / counts) ** 0.5 for each in found):
            return span
    return None

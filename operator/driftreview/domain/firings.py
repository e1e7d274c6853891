"""How often the alert rule of a limit would have fired: counted as T0 is frozen, while the raw samples are there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftreview.api.signal import Kind, Signal
from driftreview.api.spells import Firings
from driftreview.api.values import exact_duration, parse_duration, parse_quantity
from driftreview.domain.blocks import numbers, runs
from driftreview.domain.companions import Companion, companion_of
from driftreview.domain.margins import alert_of
from driftreview.domain.rules import sign_of
from driftreview.domain.samples import Series, Window
from driftreview.domain.scraping import Scraping

_LEVEL: Final = timedelta(minutes=5)
"""A level may be beyond its limit for a scrape or two."""


def hold_of(signal: Signal) -> timedelta:
    """How long a limit must be broken, or a sample be missing, before its alert fires.

    A count is one of a stretch of time already, and a single one beyond its limit is what is meant.
    """
    if signal.kind in (Kind.LIMIT, Kind.PRESENCE):
        return parse_duration(signal.for_ or "0s")
    return timedelta(0) if signal.kind is Kind.EVENTS else _LEVEL


def firings_in(flags: Iterable[bool], step: timedelta, hold: timedelta) -> Firings:
    """How often an alert fires whose condition held at these steps, and for how long in all."""
    fired = [held for flag, count in runs(flags) if flag and (held := (count - 1) * step - hold) >= timedelta(0)]
    return Firings(times=len(fired), total=exact_duration(sum(fired, step * len(fired))))


def firings_of(
    signal: Signal, series: Series, companion: Companion | None, window: Window, scraping: Scraping | None
) -> Firings | None:
    """The same of the samples of one series; None of a signal that has no such rule, or where it cannot be told.

    Args:
        signal: whose limit it is.
        series: its samples.
        companion: those of what it is counted per, if it is.
        window: whose steps they are.
        scraping: when the source was silent itself: then no rule was evaluated either.
    """
    if signal.kind is Kind.PRESENCE:
        alive = scraping.alive if scraping is not None else None
        if alive is None:
            return None
        gone = [value is None and bool(heard) for value, heard in zip(series.values, alive, strict=True)]
        return firings_in(gone, window.step, hold_of(signal))
    alert = alert_of(signal)
    if alert is None or signal.kind is Kind.INFO:
        return None
    values = numbers(series.values) if signal.per is None else _quotient(signal, series, companion)
    over = sign_of(signal) * (values - alert) > 0  # of what is missing nothing is
    return firings_in(over.tolist(), window.step, hold_of(signal))


def _quotient(signal: Signal, series: Series, companion: Companion | None) -> NDArray[np.float64]:
    """One over the other where there is traffic, NaN elsewhere."""
    own, per = numbers(series.values), companion_of(signal, series, companion)
    found = np.full(len(own), np.nan)
    if per is not None:
        of, least = numbers(per.values), parse_quantity(signal.min_traffic or "0")
        np.divide(own, of, out=found, where=(of > 0) & (of >= least))
    return found

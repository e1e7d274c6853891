"""How good recommended alert rules are: how often each would have fired on the baseline, from frozen evidence alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from driftreview.api.driftsnapshot import DriftSnapshotSpec, SeriesEvidence
from driftreview.api.signal import Kind, Signal, Worse
from driftreview.api.spells import Firings
from driftreview.api.values import parse_duration
from driftreview.domain.blocks import decode, numbers
from driftreview.domain.bursts import span_of
from driftreview.domain.firings import firings_in
from driftreview.domain.recommended import About, RecommendedRule
from driftreview.domain.rules import sign_of
from driftreview.domain.ruleusual import HEALTHY, Usual, chance_of_more
from driftreview.domain.tails import scan_sf

_FEWEST: Final = 3
"""Blocks that a median, a mean or a slope is taken of."""
_COVERED: Final = 0.5
"""Of the blocks of a stretch, as many at least must have samples."""

_Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Quality:
    """How an alert rule would have fared before T0."""

    times: int | None
    """How often it would have fired in the baseline, all series together; None where frozen evidence does not tell."""
    share: float | None
    """For how much of it, a series on average."""
    length: timedelta
    """Of the baseline."""
    chance: float | None = None
    """Of at least one firing in 48 healthy hours, events coming one by one at the baseline's rate; None of others."""


def quality(rule: RecommendedRule, at_t0: DriftSnapshotSpec) -> Quality | None:
    """How a rule would have fared in the baseline; None where nothing was measured."""
    window = at_t0.window
    found = next((each for each in at_t0.signals if each.name == rule.signal.name), None)
    if window is None or found is None or not found.series:
        return None
    length, block = window.end - window.start, parse_duration(window.block)
    keys = {each.key: each for each in rule.usual}
    fired = [
        _fired(rule, series, keys.get(series.labels.get(rule.signal.each or "", "")), block)
        for series in found.series
        if rule.about is not About.WORSE or series.labels.get(rule.signal.each or "", "") in keys
    ]
    known = [each for each in fired if each is not None]
    chance = _chance(rule, found.series)
    if len(known) < len(fired) or not fired:
        return Quality(None, None, length, chance)
    total = sum((parse_duration(each.total) for each in known), timedelta(0))
    return Quality(sum(each.times for each in known), total / (length * len(known)), length, chance)


def _fired(rule: RecommendedRule, series: SeriesEvidence, known: Usual | None, block: timedelta) -> Firings | None:
    """How often it would have fired on one series; None where that cannot be told."""
    match rule.about:
        case About.OVER | About.UNDER | About.ABSENT:
            return series.firings or _never(rule, series)
        case About.GROWS:
            sign = sign_of(rule.signal)
            hours = block / timedelta(hours=1)
            return _on_blocks(rule, series, block, lambda rows: sign * (_slopes(rows) / hours - rule.bound) > 0)
        case About.WORSE if known is not None:
            return _on_blocks(rule, series, block, lambda rows: _worse(rule.signal, rows, known))
    return None


def _never(rule: RecommendedRule, series: SeriesEvidence) -> Firings | None:
    """Without counts of its own: that it never fired is known where no sample was beyond the limit, or not for long."""
    if rule.about is About.ABSENT:
        quiet = series.gaps is not None and parse_duration(series.gaps.longest) < rule.hold
    elif rule.signal.kind is Kind.LIMIT:
        quiet = series.longest_over is None or parse_duration(series.longest_over) < rule.hold
    else:
        quiet = series.worst is not None and sign_of(rule.signal) * (float(series.worst) - rule.bound) <= 0
    return Firings(times=0, total="0s") if quiet else None


def _on_blocks(
    rule: RecommendedRule, series: SeriesEvidence, block: timedelta, holds: Callable[[_Floats], NDArray[np.bool_]]
) -> Firings | None:
    """At the end of each block, whether a condition held of the blocks that its span ends with."""
    size, blocks = max(1, round(rule.span / block)), numbers(decode(series.values))
    if len(blocks) < size or (size < _FEWEST and rule.about is About.GROWS):
        return None
    rows = np.lib.stride_tricks.sliding_window_view(blocks, size)
    covered = np.count_nonzero(~np.isnan(rows), axis=1) >= max(1, _COVERED * size)
    held = np.zeros(len(rows), dtype=np.bool_)
    held[covered] = holds(rows[covered])
    return firings_in(held.tolist(), block, rule.hold)


def _worse(signal: Signal, rows: _Floats, known: Usual) -> NDArray[np.bool_]:
    """Whether the level of each stretch is worse than T0's by more than the margin."""
    level = np.nanmean(rows, axis=1) if signal.kind is Kind.EVENTS else np.nanmedian(rows, axis=1)
    apart = level - known.value
    found: NDArray[np.bool_] = (
        np.abs(apart) if signal.worse is Worse.EITHER else sign_of(signal) * apart
    ) > known.margin
    return found


def _slopes(rows: _Floats) -> _Floats:
    """The slope of each stretch by least squares, as `deriv` takes it, in the unit a block."""
    at = np.where(np.isnan(rows), np.nan, np.arange(rows.shape[1], dtype=np.float64))
    x = at - np.nanmean(at, axis=1, keepdims=True)
    y = rows - np.nanmean(rows, axis=1, keepdims=True)
    spread = np.nansum(x * x, axis=1)
    found: _Floats = np.nansum(x * y, axis=1) / np.where(spread > 0, spread, np.inf)
    return found


def _chance(rule: RecommendedRule, found: Sequence[SeriesEvidence]) -> float | None:
    """How likely a healthy process fires a rule of counts: a window slides over independent events (Alm 1983)."""
    signal = rule.signal
    if signal.kind is not Kind.EVENTS or signal.worse is not Worse.HIGHER or rule.bound < 0:
        return None
    if rule.about is About.WORSE:
        chances = [chance_of_more(signal, each, rule.span) for each in rule.usual]
    else:
        chances = [scan_sf(math.floor(rule.bound), each, HEALTHY / span_of(signal)) for each in _means(found)]
    return 1 - math.prod(1 - each for each in chances) if chances else None


def _means(found: Sequence[SeriesEvidence]) -> Iterator[float]:
    for each in found:
        blocks = numbers(decode(each.values))
        if not np.isnan(blocks).all():
            yield max(float(np.nanmean(blocks)), 0.0)

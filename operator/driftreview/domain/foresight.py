"""What can be said when the baseline is frozen: what each signal measured, and what the looks will not be able to tell.

Nobody should learn that two days later.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import numpy as np

from driftreview.api.driftreview import BaselineFrom, DriftReviewSpec
from driftreview.api.driftsnapshot import DriftSnapshotSpec
from driftreview.api.signal import Kind, Mode, Signal
from driftreview.api.values import format_duration, parse_duration
from driftreview.domain.already import broken_before
from driftreview.domain.control import cases_of
from driftreview.domain.covariate import Covariate
from driftreview.domain.display import number, quantity
from driftreview.domain.effect import foresee
from driftreview.domain.evidence import hash_of, spec_hash
from driftreview.domain.finding import Side
from driftreview.domain.irregular import Irregularity, irregularities
from driftreview.domain.limitsonly import without_margins
from driftreview.domain.margins import compared_in, counted_in, margin_of
from driftreview.domain.measured import AFFIRMED, Case, Grid
from driftreview.domain.measuring import panel_of
from driftreview.domain.observed import Observed, about, observed
from driftreview.domain.qualms import under_way
from driftreview.domain.regression import Panel
from driftreview.domain.rules import at_worst
from driftreview.domain.scale import Scale
from driftreview.domain.statistics import mean, middle
from driftreview.domain.tails import student_quantile

_LONG_GAP: Final = timedelta(hours=1)
_WIDER: Final = 1.1
"""From which on it is worth saying."""
_MOST_COMPARED: Final = 700.0
"""Of a logarithm: a hundred times its exponential is still a float."""
_LONG_PERCENT: Final = 1e4
"""From this share on percents are shown with three digits."""
_MOST_TOLD: Final = 64
"""Baselines of which what they tell is remembered: some sentences each."""
_MISSED: Final = 0.2
"""How often a healthy release may come out undecided because of any of its series."""


@dataclass(frozen=True)
class Foresight:
    """What a frozen baseline tells; each entry names its signal."""

    useless: list[str] = field(default_factory=list)
    """Signals that can never be judged against it, and why."""
    vague: list[str] = field(default_factory=list)
    """Signals that will hardly ever be decided at the last look, and which change they could rule out."""
    odd: list[str] = field(default_factory=list)
    """Signals whose baseline is irregular, how, and how much wider that makes their interval."""
    broken: list[str] = field(default_factory=list)
    """Signals that break their own rule already, or are silent, so that the release is not why."""
    measured: list[str] = field(default_factory=list)
    """What each signal measured, with its unit: a wrong unit or query is seen at once."""


_TOLD: Final = OrderedDict[str, Foresight]()


def foresight(spec: DriftReviewSpec, baseline: DriftSnapshotSpec) -> Foresight:
    """Say it of a frozen baseline; where nothing was measured there is nothing to say.

    It takes a second of 1,000 series and is asked again for every report: it is remembered, by what it was made of.
    """
    key = f"{hash_of(baseline)} {spec_hash(spec)}"
    found = _TOLD.get(key)
    if found is None:
        found = _TOLD[key] = _foresight(spec, baseline)
        if len(_TOLD) > _MOST_TOLD:
            _TOLD.popitem(last=False)
    return found


def _foresight(spec: DriftReviewSpec, baseline: DriftSnapshotSpec) -> Foresight:
    spec = without_margins(spec, baseline)
    found = observed(spec.signals, baseline)
    vague, odd = _vague_and_odd(spec, baseline, found)
    block = parse_duration(baseline.window.block) if baseline.window else timedelta(0)
    broken = list(_broken(broken_before(found, block))) if block else []
    odd += _once([(key, case, _ending(case, block)) for key, case in _cases(found, Kind.EVENTS)]) if block else []
    useless = _useless(found) if baseline.limits_only is None else []
    return Foresight(useless, vague, odd, broken, list(_measured(found.values())))


def too_noisy(series: Sequence[Case], grid: Grid, after: int) -> list[str | None]:
    """Say which series are so noisy that their margin could hardly ever be affirmed.

    Args:
        series: of enforced Level signals with a margin, with sound baselines and nothing since T0.
        grid: how the blocks lie.
        after: how many blocks the last look will have.

    Returns:
        For each series None, or which change it could rule out.
    """
    if not series:
        return []
    panel, scales = panel_of(series, grid)
    errors, freedoms = foresee(panel, after)
    found: list[str | None] = []
    for index, case in enumerate(series):
        signal = case.signal
        level = float(np.nanmean(panel.values[index]))
        freedom = float(freedoms[index])
        reach = student_quantile(AFFIRMED, freedom) + student_quantile(_MISSED / len(series), freedom)
        least = reach * float(errors[index])
        expected, scale = scales[index].back(level), scales[index]
        tolerance = margin_of(signal, scale, level)
        if signal.margin is None or tolerance is None or least <= tolerance:
            found.append(None)
            continue
        could = compared_in(signal.margin)(expected, scale.back(level + least), signal.unit)
        found.append(f"its noise lets a change of {could.lstrip('+')} be ruled out at the last look, no smaller one")
    return found


def _cases(found: Mapping[str, Observed], kind: Kind) -> Iterator[tuple[str, Case]]:
    """Every series of the signals of a kind that has a baseline, with its key."""
    for each in found.values():
        if each.signal.kind is kind and each.problem is None:
            for key in each.sides:
                baseline, covariate = each.baseline(key), Covariate.of(each.signal, key, found, None)
                if not isinstance(covariate, Covariate | None):
                    baseline, covariate = str(covariate), None
                yield key, cases_of(each.signal, baseline, Side(()), covariate)[-1]


def _useless(found: Mapping[str, Observed]) -> list[str]:
    cases = (*_cases(found, Kind.LEVEL), *_cases(found, Kind.EVENTS))
    return _once([(key, case, case.lacking.message if case.lacking else None) for key, case in cases])


def _vague_and_odd(
    spec: DriftReviewSpec, baseline: DriftSnapshotSpec, found: Mapping[str, Observed]
) -> tuple[list[str], list[str]]:
    series = [
        (key, case)
        for key, case in _cases(found, Kind.LEVEL)
        if case.before is not None and case.signal.margin is not None
    ]
    if baseline.window is None or not series:
        return [], []
    block = parse_duration(baseline.window.block)
    looked = parse_duration(spec.window.checkpoints[-1])
    if spec.baseline.from_ is BaselineFrom.SNAPSHOT:
        looked -= parse_duration(spec.baseline.length)
    grid = Grid(block / timedelta(hours=1), parse_duration(spec.window.warmup) // block)
    after = max(looked // block, 1)
    enforced = [(key, case) for key, case in series if case.signal.mode is Mode.ENFORCE]
    reasons = too_noisy([case for _, case in enforced], grid, after)
    panel, scales = panel_of([case for _, case in series], grid)
    oddities = [
        _irregular(each, scale, panel, block) for each, scale in zip(irregularities(panel, after), scales, strict=True)
    ]
    return (
        _once([(key, case, reason) for (key, case), reason in zip(enforced, reasons, strict=True)]),
        _once([(key, case, oddity) for (key, case), oddity in zip(series, oddities, strict=True)]),
    )


def _irregular(found: Irregularity, scale: Scale, panel: Panel, block: timedelta) -> str | None:
    """What is odd about a baseline, in words."""
    parts = []
    if found.trend:
        direction = "rises" if found.trend > 0 else "falls"
        days = panel.before * block / timedelta(days=1)
        parts.append(f"{direction} steadily, by {_size(found.trend / days, scale)} a day: it counts as drift, too")
    elif found.shift is not None:
        direction = "rose" if found.shift.size > 0 else "fell"
        when = format_duration((panel.before - found.shift.block) * block)
        parts.append(f"{direction} by {_size(found.shift.size, scale)} {when} before its end")
    if found.outliers:
        farthest = ("+" if found.farthest > 0 else "-") + _size(found.farthest, scale)
        parts.append(f"{found.outliers} {'blocks' if found.outliers > 1 else 'block'} far off, by up to {farthest}")
        parts[-1] += "".join(f", {each.when(panel.before, block)}" for each in found.incidents)
    if found.late is not None and not found.trend:
        direction = "rose" if found.late.size > 0 else "fell"
        last = format_duration((panel.before - found.late.block) * block)
        parts.append(f"{direction} by {_size(found.late.size, scale)} in its last {last}, which may go on")
    if found.gap * block >= _LONG_GAP:
        parts.append(f"a gap of {format_duration(found.gap * block)}")
    if parts and found.wider >= _WIDER:
        parts.append(f"its interval is {found.wider:.1f} times as wide for it")
    return "; ".join(parts) or None


def _ending(case: Case, block: timedelta) -> str | None:
    """What events were under way when a baseline ended, in words."""
    begun = under_way(case, Grid(block / timedelta(hours=1)))
    if begun is None or begun.found.counts is None:
        return None
    then, usual = (quantity(each, case.signal.unit) for each in (begun.found.counts.now, begun.found.counts.expected))
    return f"{then} in its last {begun.lasting} against {usual} expected, which may go on"


def _size(compared: float, scale: Scale) -> str:
    """How far something is off, without a sign: in percent where shares are compared, else of the largest value."""
    share = abs(math.expm1(min(compared, _MOST_COMPARED)) if scale.log else compared)
    text = f"{share:.0%}" if share < _LONG_PERCENT else f"{number(share * 100)}%"
    return text + ("" if scale.log else " of its largest value")


def _once(reasons: Sequence[tuple[str, Case, str | None]]) -> list[str]:
    """Of each signal the first series that has a reason."""
    said: dict[str, str] = {}
    for key, case, reason in reasons:
        if reason is not None:
            said.setdefault(case.signal.name, about(case.signal, key, reason))
    return list(said.values())


def _broken(found: Iterable[tuple[Signal, str, str]]) -> Iterator[str]:
    """Of each signal the first series."""
    said: set[str] = set()
    for signal, key, how in found:
        if signal.name not in said:
            said.add(signal.name)
            yield about(signal, key, how)


def _measured(signals: Iterable[Observed]) -> Iterator[str]:
    for each in signals:
        centre = mean if each.signal.kind is Kind.EVENTS else middle
        shown = sorted(centre(side.present) for side in each.sides.values() if side.present)
        if shown:
            low, high = (quantity(value, each.signal.unit) for value in (shown[0], shown[-1]))
            usual = low if high == low else f"{low} to {high}"
            yield f"{each.signal.name} {usual}{counted_in(each.signal)}{at_worst(each.signal, each.sides.values())}"

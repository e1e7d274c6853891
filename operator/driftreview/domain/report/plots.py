"""What is drawn of a signal: medians of its blocks before and since T0, few enough for a small picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from driftreview.api.signal import Kind, Signal, Worse
from driftreview.api.values import format_duration
from driftreview.domain.display import printable, quantity
from driftreview.domain.finding import Estimate, Measure, Side
from driftreview.domain.margins import alert_of, counted_in
from driftreview.domain.observed import Observed, observed
from driftreview.domain.presence import absent_at_most
from driftreview.domain.recheck import Looked
from driftreview.domain.report.material import Material, tone
from driftreview.domain.report.model import SINCE_T0, Plot
from driftreview.domain.result import SeriesResult, SignalResult
from driftreview.domain.statistics import middle

MOST_POINTS: Final = 96
_DIGITS: Final = 5
"""Of a point, which is drawn a few hundred pixels wide."""


def plots(material: Material) -> list[Plot]:
    """One plot for each signal that has samples: of its only series, or of the one that stands for it."""
    at_t0, last = material.at_t0, material.last
    if at_t0 is None:
        return []
    before = material.before
    after = observed(material.review.spec.signals, last.evidence.spec, at_t0.evidence.spec) if last else {}
    results = {each.signal.name: each for each in last.result.results} if last and last.result else {}
    found = [_plot(material, each, before, after, results.get(each.name)) for each in material.review.spec.signals]
    return [each for each in found if each is not None]


def _plot(
    material: Material,
    signal: Signal,
    before: Mapping[str, Observed],
    after: Mapping[str, Observed],
    result: SignalResult | None,
) -> Plot | None:
    old, new = (each[signal.name].sides if signal.name in each else {} for each in (before, after))
    standing = _standing(result)
    key = standing.key if standing and standing.key is not None else next(iter([*new, *old]), None)
    sides = [each[key] for each in (old, new) if key is not None and key in each and each[key].present]
    if key is None or not sides:
        return None
    low, high = _band(signal, standing.finding.estimate if standing else None)
    looks: Sequence[Looked | None] = (material.at_t0, material.last)
    verdict = result.finding.verdict if result else ""
    name = f"{signal.name} {printable(key)}" if key else signal.name
    shown = cells(material, result) if result else ("", "")
    since = _since(material)
    said = _summary(name, signal, old.get(key), new.get(key), shown, since or SINCE_T0)
    return Plot(
        signal=signal.name,
        series=printable(key),
        unit=signal.unit,
        verdict=verdict,
        tone=tone(verdict),
        baseline=_thinned(old[key]) if key in old else [],
        current=_thinned(new[key]) if key in new else [],
        low=low,
        high=high,
        since=since,
        summary=", ".join(each for each in (said, verdict) if each),
        evidence=[material.ref(each, signal=signal.name) for each in looks if each],
    )


def _since(material: Material) -> str | None:
    """From when on the last look is at the release, where that is not T0: guards look at the time before them."""
    last, t0 = material.last, material.review.status.t0
    window = last.evidence.spec.window if last is not None and last.evidence.spec.guard else None
    if window is None or t0 is None or window.start <= t0:
        return None
    return f"since T0+{format_duration(window.start - t0)}"


def _standing(result: SignalResult | None) -> SeriesResult | None:
    """The series that stands for a signal: the one whose finding became the signal's."""
    if result is None or not result.series:
        return None
    said = result.finding
    return next(
        (
            each
            for each in result.series
            if each.finding.verdict is said.verdict and each.finding.message in said.message
        ),
        result.series[0],
    )


def _thinned(side: Side) -> list[float | None]:
    """At most so many points: medians of as many neighbours each."""
    stride = -(-len(side.blocks) // MOST_POINTS) or 1
    groups = (side.blocks[first : first + stride] for first in range(0, len(side.blocks), stride))
    present = ([value for value in group if value is not None] for group in groups)
    return [float(f"{middle(group):.{_DIGITS}g}") if group else None for group in present]


def _band(signal: Signal, estimate: Estimate | None) -> tuple[float | None, float | None]:
    """What is tolerated: from what is expected to the margin on the bad side, or all on the good side of a limit."""
    alert = alert_of(signal)
    if estimate is None or estimate.baseline is None or estimate.measure not in (Measure.SHARE, Measure.DIFFERENCE):
        return (alert, None) if signal.worse is Worse.LOWER else (None, alert)
    whole = abs(estimate.baseline) if estimate.measure is Measure.SHARE else 1.0
    reach = estimate.margin * whole
    return (
        estimate.baseline - (0 if signal.worse is Worse.HIGHER else reach),
        estimate.baseline + (0 if signal.worse is Worse.LOWER else reach),
    )


def cells(material: Material, result: SignalResult) -> tuple[str, str]:
    """A signal before and since T0 by one measure, of a Limit its worst value; empty on a side that has none."""
    signal, found, standing = result.signal, result.finding, _standing(result)
    key = standing.key if standing else None
    before = material.before.get(signal.name) if signal.kind is Kind.LIMIT else None  # Declared measures nothing at T0
    side = before.sides.get(key) if before is not None and key is not None else None
    if found.current and side is not None and side.worst is not None:
        return f"at worst {quantity(side.worst, signal.unit)}", f"at worst {found.current}"
    return found.baseline, found.current


def _cell(signal: Signal, side: Side) -> str:
    """What a row shows of a series where its verdict does not say it; of a heartbeat the values mean nothing."""
    is_heartbeat = signal.kind is Kind.PRESENCE
    return absent_at_most([side]) if is_heartbeat else quantity(middle(side.present), signal.unit) + counted_in(signal)


def _summary(name: str, signal: Signal, old: Side | None, new: Side | None, shown: tuple[str, str], since: str) -> str:
    """Both sides by one measure: as the table has them, or by the middle of what is drawn."""
    parts = [
        f"{what} {cell if all(shown) else _cell(signal, side)}"
        for what, side, cell in zip(("baseline", since), (old, new), shown, strict=True)
        if side and side.present
    ]
    return f"{name}: {', '.join(parts)}"

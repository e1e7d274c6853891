"""T0 Baseline Metrics: what each signal was when it was frozen, where that was asked, and what is to be known of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from driftreview.api.driftsnapshot import SignalEvidence
from driftreview.api.signal import Kind, Signal
from driftreview.api.values import parse_quantity
from driftreview.domain.display import printable, quantity, spread
from driftreview.domain.finding import Side
from driftreview.domain.margins import counted_in, tolerated
from driftreview.domain.presence import absent_at_most
from driftreview.domain.recheck import Looked
from driftreview.domain.report import elsewhere
from driftreview.domain.report.grouped import by_section, called
from driftreview.domain.report.material import Material, server_of
from driftreview.domain.report.model import Cell, Reference, Row, Section, Table, Tone
from driftreview.domain.rules import at_worst

MOST_ROWS: Final = 100
"""Of series; beyond this, a signal has one row with the range of all its series."""
_COLUMNS: Final = ("Metric", "Value", "Source", "Note")


def section(material: Material) -> Section | None:
    """What was frozen at T0; nothing before it is."""
    look = material.at_t0
    if look is None:
        return None
    frozen = {each.name: each for each in look.evidence.spec.signals}
    known = [each for each in material.review.spec.signals if each.name in frozen]
    whole = sum(len(frozen[each.name].series) for each in known) > MOST_ROWS
    tables = [
        Table(
            title=called(name),
            columns=list(_COLUMNS),
            rows=[
                row
                for each in declared
                for row in (
                    _rows(material, look, each, frozen[each.name], whole=whole)
                    if isinstance(each, Signal)
                    else [elsewhere.at_t0(material, look, each)]
                )
            ],
        )
        for name, declared in by_section(known, material.review.spec.evidence)
    ]
    return Section(id="baseline", title="T0 Baseline Metrics", blocks=list(tables)) if tables else None


def _rows(material: Material, look: Looked, signal: Signal, found: SignalEvidence, *, whole: bool) -> Iterator[Row]:
    sides = material.before[signal.name].sides
    evidence = [material.ref(look, signal=signal.name)]
    note = _note(material, signal)
    if found.problem is not None or not sides:
        missing = found.problem.message if found.problem else "the query returned no series"
        yield _row(material, look, signal.name, Cell(text="-", tone=Tone.OPEN), missing, evidence)
    elif whole or not signal.each:
        shown = " in all" if signal.each else ""
        label = f"{signal.name} ({len(sides)} series{shown})" if signal.each else signal.name
        yield _row(material, look, label, Cell(text=_value(signal, list(sides.values()))), note, evidence)
    else:
        for key, side in sides.items():
            value = Cell(text=_value(signal, [side]))
            yield _row(material, look, f"{signal.name} {printable(key)}", value, note, evidence)


def _row(material: Material, look: Looked, label: str, value: Cell, note: str, evidence: list[Reference]) -> Row:
    server = server_of(look.evidence.spec.source)
    source = Cell(text=server, code=True, queries=material.queries(look, evidence[0].signal))
    return Row(cells=[Cell(text=label), value, source, Cell(text=note)], evidence=evidence)


def _value(signal: Signal, sides: Sequence[Side]) -> str:
    """Where the middle four fifths of the blocks are, a value or a range, and what is judged where that is else."""
    if signal.kind is Kind.PRESENCE:
        longest = absent_at_most(sides)
        return f"absent for {longest} at most" if longest else "-"
    ends = [side.usual for side in sides if side.present]
    if not ends:
        return "-"
    usual = spread(min(low for low, _ in ends), max(high for _, high in ends), signal.unit)
    return f"{usual}{counted_in(signal)}{at_worst(signal, sides)}"


def _note(material: Material, signal: Signal) -> str:
    """How it is judged, and what was found of its baseline."""
    odd = (*material.foreseen.useless, *material.foreseen.vague, *material.foreseen.odd)
    said = [each.removeprefix(signal.name).strip()[1:-1] for each in odd if each.startswith(f"{signal.name} (")]
    return "; ".join([_rule(signal), *said])


def _rule(signal: Signal) -> str:
    """What is tolerated, in words."""
    parts = [] if signal.margin is None else [f"margin {tolerated(signal.margin, signal.unit)}"]
    if signal.limits is not None:
        limits = (("limit", signal.limits.alert, ""), ("limit", signal.limits.per_hour, "/h"))
        parts += [
            f"{what} {quantity(parse_quantity(amount), signal.unit)}{per}" for what, amount, per in limits if amount
        ]
    if signal.kind is Kind.INFO:
        parts = ["recorded, not judged"]
    if signal.kind is Kind.PRESENCE and signal.for_:
        parts = [f"never absent for {signal.for_}"]
    return ", ".join(parts)

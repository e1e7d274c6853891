"""Inventory: the services beside the release, T0 beside the last look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from driftreview.api.facts import Facts
from driftreview.api.inventory import InventoryFact, ServiceFact, ServiceKind, ServiceStatus
from driftreview.domain.confounders import ABSENT
from driftreview.domain.display import quantity
from driftreview.domain.inventory import SECTION
from driftreview.domain.recheck import Looked
from driftreview.domain.report.material import Material, facts_of, unread, when
from driftreview.domain.report.model import Block, Cell, Row, Section, Sentence, Sentences, Table, Tone

_COLUMNS: Final = ("Service", "CPU %", "Memory", "Restarts", "Image", "Status")
FIELD: Final = "spec.facts.inventory"
_UNKNOWN: Final = "not known"
_TONES: Final = {
    ServiceStatus.HEALTHY: Tone.GOOD,
    ServiceStatus.RUNNING: Tone.GOOD,
    ServiceStatus.RESTARTING: Tone.BAD,
    ServiceStatus.PENDING: Tone.OPEN,
}


def section(material: Material) -> Section | None:
    """The services; nothing where none are asked for or nothing is frozen yet."""
    if material.at_t0 is None or material.review.spec.inventory is None:
        return None
    blocks: list[Block] = []
    if rows := _rows(material):
        last = material.last
        title = f"Services at T0 → {when(last)}, one value where it did not change" if last else "Services at T0"
        blocks.append(Table(title=title, columns=list(_COLUMNS), rows=[*rows, _total(material)]))
    if said := list(_said(material)):
        blocks.append(Sentences(items=said))
    return Section(id="inventory", title="Inventory", blocks=blocks)


def services(facts: Facts | None) -> list[ServiceFact]:
    """The services of a look."""
    return facts.inventory.services if facts and facts.inventory else []


def _rows(material: Material) -> list[Row]:
    """One for each service of either look."""
    old, new = ({(each.kind, each.name): each for each in services(facts_of(look))} for look in _looks(material))
    return [
        _row(
            material,
            name if kind is ServiceKind.DEPLOYMENT else f"{name} ({kind})",
            old.get((kind, name)),
            new.get((kind, name)),
        )
        for kind, name in old | new
    ]


def _looks(material: Material) -> tuple[Looked | None, Looked | None]:
    return material.at_t0, material.last


def _row(material: Material, name: str, old: ServiceFact | None, new: ServiceFact | None) -> Row:
    newest = new if material.last else old
    status = _TONES.get(newest.status, Tone.PLAIN) if newest else Tone.OPEN
    judged = " (judged)" if any(each.judged for each in (old, new) if each) else ""
    cells = [
        Cell(text=name + judged),
        *(Cell(text=_beside(material, old, new, each)) for each in (_cpu, _memory)),
        Cell(text=_beside(material, old, new, _restarts)),
        Cell(text=_beside(material, old, new, lambda each: ", ".join(each.images)), code=True),
        Cell(text=_beside(material, old, new, _status), tone=status),
    ]
    return Row(cells=cells, evidence=material.since(field=FIELD))


def _beside(
    material: Material, old: ServiceFact | None, new: ServiceFact | None, tell: Callable[[ServiceFact], str]
) -> str:
    """What is told of a service at T0 and at the last look, once where that is the same."""
    sides = zip(_looks(material), (old, new), strict=True)
    told = [tell(each) if each else _lacking(look) if tell is _status else "-" for look, each in sides if look]
    return " → ".join(dict.fromkeys(told))


def _lacking(look: Looked) -> str:
    """Why a look has nothing of a service: there was none, or it could not be seen."""
    facts = facts_of(look)
    fact = facts.inventory if facts else None
    return _UNKNOWN if fact is None or fact.left_out or unread(look, SECTION) else ABSENT


def _cpu(fact: ServiceFact | InventoryFact) -> str:
    return _UNKNOWN if fact.cpu is None else quantity(float(fact.cpu) * 100, "%")


def _memory(fact: ServiceFact | InventoryFact) -> str:
    return _UNKNOWN if fact.memory is None else quantity(float(fact.memory), "By")


def _status(fact: ServiceFact) -> str:
    return f"{fact.status}: {fact.reason}" if fact.reason else f"{fact.status} ({fact.ready} of {fact.desired})"


def _restarts(fact: ServiceFact) -> str:
    return _UNKNOWN if fact.restarts is None else str(fact.restarts)


def _total(material: Material) -> Row:
    """What all of them used together, at each of the two looks."""
    facts = [facts_of(each) for each in _looks(material) if each]
    found = [each.inventory if each else None for each in facts]
    amounts = [
        " → ".join(dict.fromkeys(tell(each) if each else _UNKNOWN for each in found)) for tell in (_cpu, _memory)
    ]
    partly = any(None in (each.cpu, each.memory) for one in facts for each in services(one))
    label = "Total of what is known" if partly else "Total"
    cells = [Cell(text=each) for each in (label, *amounts, "", "", "")]
    return Row(cells=cells, evidence=material.since(field=FIELD))


def _said(material: Material) -> Iterator[Sentence]:
    """What the table does not show, and why there is none."""
    for look in (each for each in _looks(material) if each):
        facts = facts_of(look)
        fact = facts.inventory if facts else None
        refs = [material.ref(look, field=FIELD)]
        problems = "; ".join(f"{each.about}: {each.message}" for each in unread(look, SECTION))
        if problems:
            yield Sentence(text=f"{when(look)}: not all is known: {problems}", tone=Tone.OPEN, evidence=refs)
        elif fact is None:
            yield Sentence(text=f"{when(look)}: no services were recorded", tone=Tone.OPEN, evidence=refs)
        elif not fact.services:
            yield Sentence(text=f"{when(look)}: no workload of the namespace carries the labels", evidence=refs)
        if fact is not None and fact.left_out:
            yield Sentence(text=f"{when(look)}: left out: {fact.left_out}", tone=Tone.OPEN, evidence=refs)

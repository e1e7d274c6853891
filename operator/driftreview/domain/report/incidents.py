"""Incident Review: what happened meanwhile that no signal says; what else tells of it adds a function to BLOCKS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from driftreview.api.base import format_time
from driftreview.api.incident import Incident, IncidentKind
from driftreview.domain.incidents import SECTION
from driftreview.domain.recheck import Looked
from driftreview.domain.report import alerts, people
from driftreview.domain.report.material import Material, facts_of, unread, when
from driftreview.domain.report.model import Block, Cell, Row, Section, Sentence, Sentences, Table, Tone

MOST_ROWS: Final = 100
"""Incidents that are listed; beyond these their number."""
_COLUMNS: Final = ("What", "To what", "When last (UTC)", "How often", "Seen at", "Why")
_COUNTED: Final = {
    IncidentKind.OOM_KILLED: "containers killed for their memory",
    IncidentKind.RESTARTED: "containers that ended otherwise",
    IncidentKind.WARNING: "kinds of Warning events",
}
_FIELD: Final = "spec.facts.incidents"
_Told = dict[tuple[IncidentKind, str, str], list[tuple[Looked, Incident]]]


def section(material: Material) -> Section | None:
    """What is known of incidents; nothing before T0, where nothing is."""
    found = [block for tell in BLOCKS if (block := tell(material)) is not None]
    return Section(id="incidents", title="Incident Review", blocks=found) if found else None


def _summary(material: Material) -> Sentences | None:
    items = [*alerts.by_severity(material), *_counts(material), *_unknown(material)]
    return Sentences(items=items) if items else None


def _table(material: Material) -> Table | None:
    """What befell the judged pods, the latest look first."""
    found = list(_told(material).values())
    rows = [_row(material, each) for each in found[:MOST_ROWS]]
    if not rows:
        return None
    more = f", the first {MOST_ROWS} of {len(found)}" if len(found) > MOST_ROWS else ""
    return Table(title=f"What happened to the judged pods{more}", columns=list(_COLUMNS), rows=rows)


BLOCKS: Final[tuple[Callable[[Material], Block | None], ...]] = (_summary, _table, people.notes)
"""Who tells of incidents, people last."""


def _told(material: Material) -> _Told:
    """What happened, with each look that saw it, the last look first: what goes on is seen again and again."""
    told: _Told = {}
    for look in reversed(material.looks):
        facts = facts_of(look)
        for each in facts.incidents if facts else ():
            told.setdefault((each.kind, each.object, each.reason), []).append((look, each))
    return told


def _counts(material: Material) -> Iterator[Sentence]:
    """How much happened, as far as any look could tell; that nothing did is said of what was read whole alone."""
    counted = Counter(kind for kind, _, _ in _told(material))
    found = [f"{what}: {counted[kind]}" for kind, what in _COUNTED.items() if counted[kind]]
    looks = [each for each in material.looks if found or not _blind(each)]
    names, refs = ", ".join(map(when, looks)), [material.ref(each, field=_FIELD) for each in looks]
    if found:
        text = f"Judged pods, as seen at {names}: {'; '.join(found)}"
        yield Sentence(text=text, tone=Tone.OPEN, evidence=refs)
    elif looks:
        text = f"No OOM kill, restart or Warning event of the judged pods was seen at {names}"
        yield Sentence(text=text, tone=Tone.GOOD, evidence=refs)


def _blind(look: Looked) -> str:
    """Why a look could not see all that happened to the judged pods; empty if it could."""
    if facts_of(look) is None:
        return "nothing of the cluster was recorded"
    return "; ".join(each.message for each in (*unread(look, SECTION), *unread(look, "deployment")))


def _unknown(material: Material) -> Iterator[Sentence]:
    """Where silence is no peace."""
    reasons: dict[str, list[Looked]] = {}
    for look in material.looks:
        reasons.setdefault(_blind(look), []).append(look)
    for why, looks in reasons.items():
        if why:
            refs = [material.ref(each, field=_FIELD) for each in looks]
            names = ", ".join(map(when, looks))
            text = f"{names}: not all of what happened to the judged pods is known: {why}"
            yield Sentence(text=text, tone=Tone.OPEN, evidence=refs)


def _row(material: Material, seen: list[tuple[Looked, Incident]]) -> Row:
    last = seen[0][1]
    code = "" if last.exit_code is None else f"exit code {last.exit_code}"
    why = ", ".join(each for each in (last.reason, code) if each) + (f": {last.message}" if last.message else "")
    cells = [
        Cell(text=last.kind, tone=Tone.BAD if last.kind is IncidentKind.OOM_KILLED else Tone.OPEN),
        Cell(text=last.object),
        Cell(text=format_time(last.at) if last.at else "-"),
        Cell(text=f"{last.count}" if last.kind is IncidentKind.WARNING else f"{last.count} restarts in all"),
        Cell(text=", ".join(when(look) for look, _ in reversed(seen))),
        Cell(text=why or "-"),
    ]
    return Row(cells=cells, evidence=[material.ref(look, field=_FIELD) for look, _ in seen])

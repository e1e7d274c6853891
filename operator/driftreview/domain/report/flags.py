"""Feature Flags: what is expected of each, what was found at T0, at the last look, and meanwhile if it was not so."""

from __future__ import annotations

from typing import Final

from driftreview.api.facts import Facts
from driftreview.api.flag import Expect, Flag
from driftreview.domain.flags import SECTION
from driftreview.domain.report.material import Material, checked, facts_of, when
from driftreview.domain.report.meanwhile import noted, proof
from driftreview.domain.report.model import Cell, Row, Section, Table

_COLUMNS: Final = ("Flag", "Expected", "At T0", "Now", "Status", "Note")
_UNKNOWN: Final = "not known"


def section(material: Material) -> Section | None:
    """The flags at the last look, or at T0; nothing where none is declared or nothing is frozen yet."""
    look = material.newest
    if look is None or not material.review.spec.flags:
        return None
    rows = [_row(material, each) for each in material.review.spec.flags]
    table = Table(title=f"Flags at {when(look)}", columns=list(_COLUMNS), rows=rows)
    return Section(id="flags", title="Feature Flags", blocks=[table])


def _row(material: Material, flag: Flag) -> Row:
    last = material.last
    found = next((each for each in material.checks if (each.section, each.name) == (SECTION, flag.name)), None)
    cells = [
        Cell(text=flag.name, code=True),
        Cell(text=f"the value {flag.value}" if flag.expect is Expect.VALUE else str(flag.expect)),
        Cell(text=_stood(facts_of(material.at_t0), flag)),
        Cell(text=_stood(facts_of(last), flag) if last else "-"),
        checked(found),
        Cell(text=noted(material, found)),
    ]
    refs = proof(material, found) if found else material.since(check=f"{SECTION}/{flag.name}")
    return Row(cells=cells, evidence=refs)


def _stood(facts: Facts | None, flag: Flag) -> str:
    """How it stood: there, with its value where that is kept, or not there."""
    fact = next((each for each in facts.flags if each.name == flag.name), None) if facts else None
    if fact is None or fact.present is None:
        return _UNKNOWN
    there = "Present" if fact.present else "Absent"
    return there if fact.value is None else f"{there}: {fact.value}"

"""Integration Points: the declared contracts, as they were at T0 and as they are now, and meanwhile if broken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from driftreview.api.contract import Contract, ContractFrom
from driftreview.api.facts import Facts
from driftreview.domain.checks import CheckResult
from driftreview.domain.contracts import SECTION
from driftreview.domain.display import short_hash
from driftreview.domain.recheck import Looked
from driftreview.domain.report.material import Material, checked, facts_of
from driftreview.domain.report.meanwhile import noted, proof
from driftreview.domain.report.model import Cell, Row, Section, Table

_COLUMNS: Final = ("Contract", "Where it stands", "At T0", "Now", "Status", "Note")


def section(material: Material) -> Section | None:
    """The contracts at the last look; nothing where none is declared or nothing is frozen yet."""
    at_t0 = material.at_t0
    if at_t0 is None or not material.review.spec.contracts:
        return None
    last = material.last
    checks = {
        each.name: each for each in (last.result.checks if last and last.result else ()) if each.section == SECTION
    }
    rows = [_row(material, each, at_t0, last, checks) for each in material.review.spec.contracts]
    title = f"Contracts at T0+{last.name}" if last else "Contracts at T0"
    return Section(
        id="integration",
        title="Integration Points",
        blocks=[Table(title=title, columns=list(_COLUMNS), rows=rows)],
    )


def _row(
    material: Material, contract: Contract, at_t0: Looked, last: Looked | None, checks: Mapping[str, CheckResult]
) -> Row:
    found = checks.get(contract.name)
    cells = [
        Cell(text=contract.name),
        Cell(text=_place(contract.from_), code=True),
        Cell(text=_hash(facts_of(at_t0), contract.name), code=True),
        Cell(text=_hash(facts_of(last), contract.name), code=True),
        checked(found),
        Cell(text=noted(material, found)),
    ]
    refs = proof(material, found) if found else material.since(check=f"{SECTION}/{contract.name}")
    return Row(cells=cells, evidence=refs)


def _place(place: ContractFrom) -> str:
    if place.config_map is not None:
        key = f"/{place.config_map.key}" if place.config_map.key else ""
        return f"configmaps/{place.config_map.name}{key}"
    if place.service is not None:
        return f"services/{place.service}"
    return f"customresourcedefinitions/{place.custom_resource_definition}"


def _hash(facts: Facts | None, name: str) -> str:
    found = next((each.hash for each in facts.contracts if each.name == name), None) if facts else None
    return short_hash(found) if found else "-"

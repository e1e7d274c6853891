"""Builds the report of a review: `report(review, snapshots, approvals) -> Report`; nothing else goes into it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from driftreview.api.approval import DriftApproval
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshot
from driftreview.api.phases import Phase
from driftreview.domain.display import shorten
from driftreview.domain.report import (
    aftermath,
    alerts,
    baseline,
    chain,
    configuration,
    context,
    drift,
    elsewhere,
    flags,
    incidents,
    integration,
    inventory,
    limitations,
    observability,
    observations,
    outlook,
    people,
    recommendation,
    revert,
)
from driftreview.domain.report.material import Material, tone
from driftreview.domain.report.model import Block, Cell, Entries, Plots, Report, Section, Sentence, Sentences, Table

_FEW: Final = 20
_LETTERS: Final = 300

SECTIONS: Final[tuple[Callable[[Material], Section | None], ...]] = (
    context.section,
    configuration.section,
    baseline.section,
    inventory.section,
    drift.section,
    flags.section,
    observability.section,
    alerts.section,
    integration.section,
    limitations.section,
    incidents.section,
    people.section,
    observations.section,
    outlook.section,
    recommendation.section,
    aftermath.section,
    elsewhere.section,
    chain.section,
)
"""Every section, in the order of the hand-written reviews; one that has nothing to say is left out."""


def report(review: DriftReview, snapshots: Iterable[DriftSnapshot], approvals: Iterable[DriftApproval] = ()) -> Report:
    """The report of a review as it stands.

    Args:
        review: with its status.
        snapshots: its frozen looks, in any order; those that are missing are said to be.
        approvals: what people did about reviews of its name, in any order; those of another UID are left out.
    """
    return of_material(Material.of(review, snapshots, approvals))


def of_material(material: Material) -> Report:
    """The same of what was judged already."""
    review = material.review
    found = (section(material) for section in SECTIONS)
    recommended = recommendation.recommended(material)
    return Report(
        name=review.metadata.name,
        namespace=review.metadata.namespace,
        uid=review.metadata.uid,
        author=review.spec.author or "",
        phase=review.status.phase or Phase.PENDING,
        about=material.about,
        as_of=material.as_of,
        recommendation=recommended,
        tone=tone(recommended or ""),
        head=list(recommendation.head(material)),
        sections=[each for each in found if each is not None],
        way_back=revert.way_back(material),
    )


def slimmer(whole: Report) -> Iterator[Report]:
    """The same report with less and less in it, each saying what was left out; the last one always has room."""
    steps: tuple[tuple[str, Callable[[list[Block]], list[Block]]], ...] = (
        (
            "what is folded: tables of looks before the last one, and long environments",
            lambda blocks: [each for each in blocks if not _is_folded(each)],
        ),
        ("the queries", lambda blocks: [_without_queries(each) for each in blocks]),
        ("the plots", lambda blocks: [each for each in blocks if not isinstance(each, Plots)]),
        (
            f"all but the first {_FEW} rows of each table and sentences of each list, and {_LETTERS} letters of each",
            lambda blocks: [_few(each) for each in blocks],
        ),
        (f"all but the first {_FEW} tables and lists of each section", lambda blocks: blocks[:_FEW]),
    )
    slim = whole
    yield slim
    for what, keep in steps:
        sections = [each.model_copy(update={"blocks": keep(each.blocks)}) for each in slim.sections]
        if sections != slim.sections:
            slim = slim.model_copy(update={"sections": sections, "left_out": [*slim.left_out, what]})
            yield slim


def _is_folded(block: Block) -> bool:
    return isinstance(block, Table) and block.folded


def _without_queries(block: Block) -> Block:
    if not isinstance(block, Table):
        return block
    rows = [row.model_copy(update={"cells": [_bare(cell) for cell in row.cells]}) for row in block.rows]
    return block.model_copy(update={"rows": rows})


def _bare(cell: Cell) -> Cell:
    return cell.model_copy(update={"queries": []})


def _few(block: Block) -> Block:
    """The beginning of a block, and of each text in it."""
    if isinstance(block, Table | Entries):
        rows = [row.model_copy(update={"cells": [_short(cell) for cell in row.cells]}) for row in block.rows[:_FEW]]
        return block.model_copy(update={"rows": rows})
    if isinstance(block, Sentences):
        return block.model_copy(update={"items": [_short(each) for each in block.items[:_FEW]]})
    return block


_Said = TypeVar("_Said", Cell, Sentence)


def _short(said: _Said) -> _Said:
    return said.model_copy(update={"text": shorten(said.text, _LETTERS)})

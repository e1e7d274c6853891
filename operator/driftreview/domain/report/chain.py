"""Evidence: the chain of snapshots that everything above rests on, and whether the status agrees with it."""

from __future__ import annotations

from typing import Final

from driftreview.api.base import format_time
from driftreview.domain.evidence import T0, hash_of
from driftreview.domain.recheck import Looked
from driftreview.domain.report.material import Material
from driftreview.domain.report.model import Cell, Row, Section, Sentence, Sentences, Table, Tone

_COLUMNS: Final = ("Look", "DriftSnapshot", "SHA-256", "After", "Window (UTC)", "Intact")
MOST_SAID: Final = 20
"""Differences; beyond these their number."""


def section(material: Material) -> Section | None:
    """The last section; nothing before T0 is frozen."""
    if material.at_t0 is None and not material.differences:
        return None
    table = Table(
        title="Frozen looks, each linked to the one before by its hash",
        columns=list(_COLUMNS),
        rows=[_row(material, each) for each in material.looks],
    )
    return Section(
        id="evidence", title="Evidence", blocks=[*([table] if table.rows else []), Sentences(items=_said(material))]
    )


def _row(material: Material, look: Looked) -> Row:
    spec = look.evidence.spec
    window = (
        f"{format_time(spec.window.start)} to {format_time(spec.window.end)}" if spec.window else "nothing measured"
    )
    intact = hash_of(spec) == spec.hash
    cells = [
        Cell(text=T0 if look.name == T0 else f"T0+{look.name}"),
        Cell(text=look.evidence.metadata.name, code=True),
        Cell(text=spec.hash.removeprefix("sha256:"), code=True),
        Cell(text=spec.previous_hash.removeprefix("sha256:")[:12] or "-", code=True),
        Cell(text=window),
        Cell(text="yes" if intact else "no", tone=Tone.GOOD if intact else Tone.BAD),
    ]
    return Row(cells=cells, evidence=[material.ref(look)])


def _said(material: Material) -> list[Sentence]:
    """Where status and evidence disagree, or that they do not."""
    refs = [material.ref(each) for each in material.looks]
    if not material.differences:
        text = f"Status and evidence agree: {len(material.judged)} looks were judged again from their frozen samples"
        return [Sentence(text=text, tone=Tone.GOOD, evidence=refs)]
    said = [
        Sentence(text=str(each), tone=Tone.BAD, evidence=[material.of_review(each.path)])
        for each in material.differences[:MOST_SAID]
    ]
    if len(material.differences) > MOST_SAID:
        text = f"and {len(material.differences) - MOST_SAID} more differences"
        said.append(Sentence(text=text, tone=Tone.BAD, evidence=[material.of_review("status")]))
    return said

"""Evidence: the chain of snapshots that everything above rests on, and whether the status agrees with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from driftreview.api.base import format_time
from driftreview.api.driftsnapshot import DriftSnapshot
from driftreview.domain.approvals import MOST_RETAKEN
from driftreview.domain.chaining import retaken_for
from driftreview.domain.display import counted, short_hash
from driftreview.domain.evidence import hash_of
from driftreview.domain.report.material import Material, when
from driftreview.domain.report.model import Cell, Reference, Row, Section, Sentence, Sentences, Table, Tone

_COLUMNS: Final = ("Look", "DriftSnapshot", "SHA-256", "After", "Window (UTC)", "Intact")
MOST_SAID: Final = 20
"""Differences; beyond these their number."""


def section(material: Material) -> Section | None:
    """The last section; nothing before T0 is frozen."""
    if material.at_t0 is None and not material.earlier and not material.differences:
        return None
    table = Table(
        title="Frozen looks, each linked to the one before by its hash",
        columns=list(_COLUMNS),
        rows=[
            *(_row("Earlier T0", each, _ref(each)) for each in material.earlier),
            *(_row(when(each), each.evidence, material.ref(each)) for each in material.looks),
            *(_row(each.name, each.evidence, material.ref(each)) for each in (material.recovery,) if each),
        ],
    )
    return Section(
        id="evidence", title="Evidence", blocks=[*([table] if table.rows else []), Sentences(items=_said(material))]
    )


def _ref(snapshot: DriftSnapshot) -> Reference:
    """A reference to a T0 that is no look of the review any more."""
    return Reference(snapshot=snapshot.metadata.name, hash=snapshot.spec.hash, field="spec.hash")


def _row(label: str, snapshot: DriftSnapshot, evidence: Reference) -> Row:
    spec = snapshot.spec
    window = (
        f"{format_time(spec.window.start)} to {format_time(spec.window.end)}" if spec.window else "nothing measured"
    )
    intact = hash_of(spec) == spec.hash
    cells = [
        Cell(text=label),
        Cell(text=snapshot.metadata.name, code=True),
        Cell(text=spec.hash.removeprefix("sha256:"), code=True),
        Cell(text=short_hash(spec.previous_hash) or "-", code=True),
        Cell(text=window),
        Cell(text="yes" if intact else "no", tone=Tone.GOOD if intact else Tone.BAD),
    ]
    return Row(cells=cells, evidence=[evidence])


def _said(material: Material) -> list[Sentence]:
    """Where status and evidence disagree, or that they do not."""
    said = list(_retaken(material))
    if not material.differences:
        refs = [material.ref(each) for each in material.looks] or [material.of_review("status.earlier")]
        looks = counted(len(material.judged), "look was", "looks were")
        text = f"Status and evidence agree: {looks} judged again from the frozen samples"
        return [*said, Sentence(text=text, tone=Tone.GOOD, evidence=refs)]
    said += [
        Sentence(text=str(each), tone=Tone.BAD, evidence=[material.of_review(each.path)])
        for each in material.differences[:MOST_SAID]
    ]
    if len(material.differences) > MOST_SAID:
        text = f"and {len(material.differences) - MOST_SAID} more differences"
        said.append(Sentence(text=text, tone=Tone.BAD, evidence=[material.of_review("status")]))
    return said


def _retaken(material: Material) -> Iterator[Sentence]:
    times = material.review.status.retaken
    if times:
        kept = f"{len(material.earlier)} frozen T0 before the present one" if material.earlier else "none before it"
        whose = retaken_for(material.review.status)
        text = f"T0 was taken anew {whose} ({times} of at most {MOST_RETAKEN} times); the chain has {kept}"
        yield Sentence(text=text, evidence=[material.of_review("status.retaken"), *map(_ref, material.earlier)])

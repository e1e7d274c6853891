"""Known Limitations: what this review cannot tell, as far as its frozen T0 and its looks show that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from driftreview.api.driftsnapshot import SignalEvidence
from driftreview.api.elsewhere import Evidence
from driftreview.api.signal import Kind, Mode, OnMissing, Signal
from driftreview.domain import elsewhere
from driftreview.domain.recheck import Looked
from driftreview.domain.report.material import Material
from driftreview.domain.report.model import Cell, Reference, Row, Section, Table, Tone

_COLUMNS: Final = ("Limitation", "Impact", "Fix")
_IMPACT: Final = {
    OnMissing.HOLD: "Inconclusive as long as it has no data: no promotion",
    OnMissing.FAIL: "without data it counts as Degraded",
    OnMissing.IGNORE: "not counted as long as it has no data (onMissing: Ignore)",
}
_NEVER: Final = "not counted in any case"
_MEND: Final = "make the query return samples of this release"


def section(material: Material) -> Section | None:
    """What was found; nothing where there is nothing."""
    rows = [*_of_signals(material), *_of_baseline(material), *_of_facts(material), *_of_rollback(material)]
    if not rows:
        return None
    table = Table(title="What this review cannot tell", columns=list(_COLUMNS), rows=rows)
    return Section(id="limitations", title="Known Limitations", blocks=[table])


def _of_signals(material: Material) -> Iterator[Row]:
    """Signals that the last look, or T0, has no data of."""
    look = material.last or material.at_t0
    if look is None:
        return
    frozen = {each.name: each for each in look.evidence.spec.signals}
    for signal in material.review.spec.signals:
        found = frozen.get(signal.name)
        if found is not None and found.problem is not None:
            yield _row(_without(look, found), _impact(signal), _MEND, material.ref(look, signal=signal.name))


def _without(look: Looked, found: SignalEvidence) -> str:
    when = "T0" if look.name == "T0" else f"T0+{look.name}"
    return f"{found.name} has no data at {when}: {found.problem.message if found.problem else ''}"


def _impact(declared: Signal | Evidence) -> str:
    if declared.mode is Mode.SHADOW or (isinstance(declared, Signal) and declared.kind is Kind.INFO):
        return _NEVER
    return _IMPACT[declared.on_missing]


def _of_baseline(material: Material) -> Iterator[Row]:
    """What the frozen baseline is no good for."""
    told: tuple[tuple[Sequence[str], str, str], ...] = (
        (
            material.foreseen.useless,
            "nothing can be compared with: Inconclusive at every look",
            "start a review whose baseline has usable samples of it",
        ),
        (
            material.foreseen.vague,
            "too noisy for its margin: hardly ever decided",
            "a wider margin, a longer baseline, a later look or a covariate",
        ),
    )
    for which, impact, fix in told:
        for each in which:
            yield _row(each, impact, fix, material.ref(material.at_t0, signal=each.split(" ", 1)[0]))


def _of_facts(material: Material) -> Iterator[Row]:
    """What the cluster did not tell of itself."""
    look = material.last or material.at_t0
    if look is None:
        return
    scraping, facts = look.evidence.spec.scraping, look.evidence.spec.facts
    if scraping is not None and scraping.problem is not None:
        yield _row(
            f"whether the metric source itself was scraping is not known: {scraping.problem.message}",
            "whose gap a gap is cannot be told: what is missing never counts against the release",
            "let the metric source answer count(up)",
            material.ref(look, field="spec.scraping"),
        )
    impacts = {f"{elsewhere.SECTION}/{each.name}": _impact(each) for each in material.review.spec.evidence}
    for each in facts.problems if facts else ():
        yield _row(
            f"{each.about}: {each.message}",
            impacts.get(each.about, "unknown, which never passes"),
            "create what is named, or grant the operator the right to read it",
            material.ref(look, check=each.about),
        )


def _of_rollback(material: Material) -> Iterator[Row]:
    status = material.review.status
    if material.at_t0 is not None and status.previous is None:
        message = status.rollback.message if status.rollback and status.rollback.message else "nothing was pinned at T0"
        yield _row(
            f"there is no revision to go back to: {message}",
            "a drift cannot be rolled back by the operator",
            "keep an earlier revision (spec.revisionHistoryLimit of the target) before the next release",
            material.ref(material.at_t0, field="spec.previous"),
        )


def _row(limitation: str, impact: str, fix: str, *evidence: Reference) -> Row:
    cells = [Cell(text=limitation, tone=Tone.OPEN), Cell(text=impact), Cell(text=fix)]
    return Row(cells=cells, evidence=list(evidence))

"""Numbers from elsewhere in the report: their rows beside those of signals, where each comes from, and the tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from driftreview.api.elsewhere import Evidence, EvidenceFact, SuiteFact
from driftreview.domain.display import quantity, short_hash
from driftreview.domain.elsewhere import SECTION, EvidenceResult, file_of, number_of, tolerance
from driftreview.domain.recheck import Looked
from driftreview.domain.report.material import Material, facts_of, told, tone, when
from driftreview.domain.report.model import Cell, Reference, Row, Section, Sentence, Table, Tone

_COLUMNS: Final = ("Slowest tests", "Time")


def section(material: Material) -> Section | None:
    """Appendix: the tests of each JUnit file as the last look read it, and T0; nothing where none was read."""
    files: dict[tuple[str, str | None], Table] = {}
    for look in (*material.looks[-1:], *material.looks[:1]):
        for each in material.review.spec.evidence:
            fact, place = _fact(look, each.name), _file(material, each, look).partition(" (")[0]
            if place and fact is not None and fact.suite is not None:
                found = _suite(fact.suite, place, when(look), proof(material, each.name, look))
                files.setdefault((place, fact.hash), found)
    return Section(id="tests", title="Appendix: Tests", blocks=list(files.values())) if files else None


def _suite(suite: SuiteFact, place: str, moment: str, evidence: list[Reference]) -> Table:
    """What one JUnit file says as a whole; a run takes longer than its cases, by what it sets up between them."""
    ran, runtime = suite.tests - suite.skipped, float(suite.runtime)
    shown = [(each.name, float(each.seconds)) for each in suite.slowest]
    shown += [(f"the whole run divided by the {ran} that ran", runtime / ran)] if ran else []
    counted = f"{suite.tests} tests, {suite.failures} failed, {suite.skipped} skipped, {quantity(runtime, 's')}"
    return Table(
        title=f"{place} at {moment}: {counted}",
        columns=list(_COLUMNS),
        rows=[
            Row(cells=[Cell(text=name), Cell(text=quantity(seconds, "s"))], evidence=evidence)
            for name, seconds in shown
        ],
    )


def at_t0(material: Material, look: Looked, evidence: Evidence) -> Row:
    """A row of the baseline: the number, where it comes from, and what is tolerated."""
    found = number_of(evidence, facts_of(look), at_t0=True)
    value, note = Cell(text="-", tone=Tone.OPEN), "" if isinstance(found, float) else found[1]
    if isinstance(found, float):
        value, note = Cell(text=quantity(found, evidence.unit)), tolerance(evidence)
    cells = [Cell(text=evidence.name), value, Cell(text=_source(material, evidence, look)), Cell(text=note)]
    return Row(cells=cells, evidence=proof(material, evidence.name, look))


def compared(material: Material, look: Looked, result: EvidenceResult) -> Row:
    """A row of a look, as signals have it."""
    finding = result.finding
    shown = (result.evidence.name, finding.baseline or "-", finding.current or "-", finding.delta or "-")
    status = Cell(text=told(finding, result.evidence.mode), tone=tone(finding.verdict))
    refs = proof(material, result.evidence.name, look, material.at_t0)
    return Row(cells=[*(Cell(text=each) for each in shown), status], evidence=refs)


def sentence(material: Material, look: Looked, result: EvidenceResult) -> Sentence:
    """Why, and where both numbers come from."""
    sides = (("baseline", material.at_t0), ("now", look))
    read = [(side, _file(material, result.evidence, each)) for side, each in sides if each]
    text = "; ".join([result.sentence, *(f"{side} from {file}" for side, file in read if file)])
    refs = proof(material, result.evidence.name, look, material.at_t0)
    return Sentence(text=text, tone=tone(result.finding.verdict), evidence=refs)


def risks(material: Material) -> Iterator[Sentence]:
    """Numbers that do not pass at the last look, counted or not."""
    last = material.last
    for each in last.result.evidence if last and last.result else ():
        if last and tone(each.finding.verdict) is not Tone.GOOD:
            counted = "" if each.counts_as is not None else " (not counted)"
            text = f"{SECTION}/{each.evidence.name} is {each.finding.verdict} at {when(last)}{counted}"
            refs = proof(material, each.evidence.name, last, material.at_t0)
            yield Sentence(text=text, tone=tone(each.finding.verdict), evidence=refs)


def counted(look: Looked) -> list[str]:
    """Names of the numbers that count at a look."""
    return [each.evidence.name for each in look.result.evidence if each.counts_as is not None] if look.result else []


def proof(material: Material, name: str, *looks: Looked | None) -> list[Reference]:
    """A number in the looks that have it."""
    return [material.ref(each, check=f"{SECTION}/{name}") for each in looks]


def _source(material: Material, evidence: Evidence, look: Looked) -> str:
    """Where a look has a number from: the file, or that it is declared."""
    said = f": {evidence.source}" if evidence.source else ""
    return _file(material, evidence, look) or f"declared{said}"


def _file(material: Material, evidence: Evidence, look: Looked) -> str:
    """Which file a look reads a number from, its hash as `sha256sum` begins; empty where the number is declared."""
    is_first = look is material.at_t0
    declared = evidence.baseline if is_first else evidence.current
    file = file_of(evidence, at_t0=is_first) if declared is None else None
    if file is None:
        return ""
    fact = _fact(look, evidence.name)
    what = " ".join(each for each in (file.format, file.measure, file.pointer) if each)
    known = f", {short_hash(fact.hash)}" if fact and fact.hash else ""
    return f"configmaps/{file.config_map.name}, key {file.config_map.key} ({what}{known})"


def _fact(look: Looked, name: str) -> EvidenceFact | None:
    facts = facts_of(look)
    return next((each for each in facts.evidence if each.name == name), None) if facts else None

"""Drift Detection Summary: each look's table as the hand-written reviews have it, its findings, and plots of the last.

Every row and sentence comes from the judge run on the frozen snapshots, none from the status.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from driftreview.api.signal import Signal
from driftreview.domain.display import printable, some
from driftreview.domain.recheck import Looked
from driftreview.domain.report import elsewhere
from driftreview.domain.report.grouped import by_section, called
from driftreview.domain.report.material import Material, told, tone
from driftreview.domain.report.model import (
    Block,
    Cell,
    Plots,
    Reference,
    Row,
    Section,
    Sentence,
    Sentences,
    Table,
    Tone,
)
from driftreview.domain.report.plots import cells, plots
from driftreview.domain.result import SignalResult

_COLUMNS: Final = ("Signal", "Baseline", "Current", "Delta", "Status")
_PASSING: Final = (Tone.GOOD, Tone.PLAIN)


def section(material: Material) -> Section | None:
    """All looks, the last one first: it is what is read; of those before it the tables and what did not pass."""
    if material.at_t0 is None:
        return None
    blocks: list[Block] = []
    drawn = plots(material)
    for look in reversed(material.judged):
        blocks += _of_look(material, look, is_last=look is material.last)
        if look is material.last and drawn:
            blocks.append(Plots(title=f"Baseline and T0+{look.name} beside each other", plots=drawn))
    if not material.judged and drawn:
        blocks.append(Plots(title="Baseline", plots=drawn))
    return Section(id="drift", title="Drift Detection Summary", blocks=blocks) if blocks else None


def compared(material: Material, look: Looked, when: str) -> Iterator[Table]:
    """The signals of a look that is none of the release, each as the tables of looks have it."""
    if look.result is None:
        return
    results = {each.signal.name: each for each in look.result.results}
    for name, declared in by_section(material.review.spec.signals, []):
        rows = [_row(material, look, results[each.name], is_last=False) for each in declared if each.name in results]
        yield Table(title=f"{called(name)}, {when}", columns=list(_COLUMNS), rows=rows)


def _of_look(material: Material, look: Looked, *, is_last: bool) -> Iterator[Block]:
    if look.result is None:
        return
    results = {each.signal.name: each for each in look.result.results}
    numbers = {each.evidence.name: each for each in look.result.evidence}
    for name, declared in by_section(material.review.spec.signals, material.review.spec.evidence):
        yield Table(
            title=f"T0+{look.name}: {called(name)}",
            columns=list(_COLUMNS),
            rows=[
                _row(material, look, results[each.name], is_last=is_last)
                if isinstance(each, Signal)
                else elsewhere.compared(material, look, numbers[each.name])
                for each in declared
            ],
            folded=not is_last,
        )
    whole = Sentence(
        text=f"T0+{look.name} is {look.result.verdict}: {look.result.message}",
        tone=tone(look.result.verdict),
        evidence=[material.ref(look), material.ref(material.at_t0)],
    )
    shown = [each for each in look.result.results if is_last or tone(each.finding.verdict) not in _PASSING]
    items = [whole, *(_sentence(material, look, each) for each in shown)]
    counted = [each for each in look.result.evidence if is_last or tone(each.finding.verdict) not in _PASSING]
    items += [elsewhere.sentence(material, look, each) for each in counted]
    yield Sentences(title=f"Findings at T0+{look.name}", items=items)


def _row(material: Material, look: Looked, result: SignalResult, *, is_last: bool) -> Row:
    finding = result.finding
    asked = material.queries(look, result.signal.name) if is_last else []
    shown = (
        Cell(text=result.signal.name, queries=asked),
        *(Cell(text=each or "-") for each in cells(material, result)),
        Cell(text=finding.delta or "-"),
        Cell(text=told(finding, result.signal.mode), tone=tone(finding.verdict)),
    )
    return Row(cells=list(shown), evidence=_proof(material, look, result))


def _sentence(material: Material, look: Looked, result: SignalResult) -> Sentence:
    series = _series(result)
    text = result.sentence + (f"; of {len(result.series)} series {series}" if series else "")
    return Sentence(text=text, tone=tone(result.finding.verdict), evidence=_proof(material, look, result))


def _proof(material: Material, look: Looked, result: SignalResult) -> list[Reference]:
    return [material.ref(each, signal=result.signal.name) for each in (look, material.at_t0)]


def _series(result: SignalResult) -> str:
    """Which other series of a signal do not pass either."""
    bad = [
        f"{printable(each.key)} is {each.finding.verdict}"
        for each in result.series
        if each.key
        and tone(each.finding.verdict) not in _PASSING
        and each.finding.message not in result.finding.message
    ]
    return some(bad)

"""Observability: what of the release can be seen, what cannot, and what appeared or vanished since T0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from driftreview.api.base import format_time
from driftreview.api.observability import ObservabilityFact
from driftreview.api.preflight import PreflightCheck
from driftreview.domain.observability import SECTION, Changes, changes
from driftreview.domain.recheck import Looked
from driftreview.domain.report.material import Material, facts_of, unread, when
from driftreview.domain.report.model import Block, Cell, Row, Section, Sentence, Sentences, Table, Tone

_COLUMNS: Final = ("Metric of the judged pods", "Since T0")
MOST_NAMES: Final = 100
"""Metrics that are listed each way; beyond these their number."""
_FIELD: Final = "spec.facts.observability"


def section(material: Material) -> Section | None:
    """What can be seen; nothing before T0."""
    look = material.newest
    if look is None:
        return None
    found = _changes(material)
    exposed = [*_exposed(material, look), *_changed(material, found), *_rules(material, look)]
    blocks: list[Block] = [Sentences(title=f"Exposed at {when(look)}", items=exposed)]
    if isinstance(found, Changes) and found != Changes((), ()):
        blocks.append(_table(material, found))
    blocks.append(Sentences(title="Current gaps", items=list(_gaps(material, look)) or [_complete(material, look)]))
    if dashboards := list(_dashboards(material)):
        blocks.append(Sentences(title="Dashboards, for a person to look at", items=dashboards))
    return Section(id="observability", title="Observability Status", blocks=blocks)


def _fact(look: Looked | None) -> ObservabilityFact | None:
    facts = facts_of(look)
    return facts.observability if facts else None


def _why(look: Looked) -> str:
    """Why what can be seen is not known."""
    return "; ".join(each.message for each in unread(look, SECTION)) or "it was not recorded"


def _exposed(material: Material, look: Looked) -> Iterator[Sentence]:
    fact = _fact(look)
    if fact is None or fact.metrics is None:
        text, tone = f"Which metrics the judged pods expose is not known: {_why(look)}", Tone.OPEN
    elif fact.metrics.count == 0:
        text, tone = "The source has no metric of the judged pods, by the label pod", Tone.BAD
    else:
        text, tone = f"Metrics of the judged pods that the source has: {fact.metrics.count}", Tone.GOOD
    yield Sentence(text=text, tone=tone, evidence=[material.ref(look, field=_FIELD)])


def _changes(material: Material) -> Changes | str | None:
    """What appeared or vanished since T0, or why that cannot be told; None as long as there is no look."""
    before, now = facts_of(material.at_t0), facts_of(material.last)
    if material.last is None:
        return None
    return changes(before, now) if before and now else "nothing of the cluster was recorded"


def _changed(material: Material, found: Changes | str | None) -> Iterator[Sentence]:
    if isinstance(found, str):
        text = f"Whether metrics appeared or vanished since T0 cannot be listed: {found}"
        yield Sentence(text=text, tone=Tone.OPEN, evidence=material.since(field=_FIELD))
    elif found is not None:
        text = f"Metrics that appeared since T0: {len(found.appeared)}, that vanished: {len(found.vanished)}"
        yield Sentence(
            text=text, tone=Tone.OPEN if found.vanished else Tone.PLAIN, evidence=material.since(field=_FIELD)
        )


def _table(material: Material, found: Changes) -> Table:
    rows = []
    for names, word, tone in ((found.vanished, "vanished", Tone.OPEN), (found.appeared, "appeared", Tone.PLAIN)):
        cells = [[Cell(text=name, code=True), Cell(text=word, tone=tone)] for name in names[:MOST_NAMES]]
        if len(names) > MOST_NAMES:
            cells.append([Cell(text=f"and {len(names) - MOST_NAMES} more"), Cell(text=word, tone=tone)])
        rows += [Row(cells=each, evidence=material.since(field=_FIELD)) for each in cells]
    return Table(title="Metrics that appeared or vanished since T0", columns=list(_COLUMNS), rows=rows)


def _rules(material: Material, look: Looked) -> Iterator[Sentence]:
    """How the rules of the source fare, where anything is declared that they matter for."""
    spec, fact = material.review.spec, _fact(look)
    refs = [material.ref(look, field=_FIELD)]
    if spec.alerts is None and spec.observability is None:
        return
    if fact is None or fact.rules is None:
        yield Sentence(text="How the rules of the source fare is not known", tone=Tone.OPEN, evidence=refs)
        return
    failing = fact.rules.failing
    oldest = f", each evaluated at {format_time(fact.rules.oldest)} or later" if fact.rules.oldest else ""
    kinds = f"{fact.rules.count} in all, {fact.rules.alerting} that alert, {len(failing)} that fail"
    text = f"Rules of the source: {kinds}{oldest}"
    plain = Tone.OPEN if spec.alerts is not None and not fact.rules.alerting else Tone.GOOD
    yield Sentence(text=text, tone=Tone.BAD if failing else plain, evidence=refs)
    for each in failing:
        why = each.error or each.health
        yield Sentence(text=f"Rule {each.name} of group {each.group} fails: {why}", tone=Tone.BAD, evidence=refs)


def _gaps(material: Material, look: Looked) -> Iterator[Sentence]:
    """What cannot be seen: pods that nobody scrapes, signals without data then or now."""
    at_t0, first = facts_of(material.at_t0), material.at_t0 or look
    for found in at_t0.preflight if at_t0 else ():
        if found.name == PreflightCheck.METRICS_SCRAPED:
            refs = [material.ref(first, field="spec.facts.preflight")]
            yield Sentence(text=f"Before T0: {found.message}", tone=Tone.OPEN, evidence=refs)
    before, now = first.without_data, look.without_data
    for name in dict.fromkeys((*now, *before)):
        refs = [material.ref(one, signal=name) for one in ((look,) if look is first else (look, first))]
        if name in now:
            since = ", which it had at T0" if name not in before and look is not first else ""
            text = f"{name} has too little data at {when(look)}{since}: {now[name]}"
        else:
            text = f"{name} has data at {when(look)}, and had none at T0: {before[name]}"
        yield Sentence(text=text, tone=Tone.OPEN, evidence=refs)


def _complete(material: Material, look: Looked) -> Sentence:
    count = len(look.evidence.spec.signals)
    text = f"None is known: all signals ({count}) have data at {when(look)}" if count else "None: no signal is declared"
    return Sentence(
        text=text, tone=Tone.GOOD if count else Tone.PLAIN, evidence=[material.ref(look, field="spec.signals")]
    )


def _dashboards(material: Material) -> Iterator[Sentence]:
    declared = material.review.spec.observability
    for each in declared.dashboards if declared else ():
        refs = [material.of_review(f"spec.observability.dashboards[{each.name}]")]
        yield Sentence(text=f"{each.name}: {each.url}", evidence=refs)

"""Alerts: what fired in the baseline and since T0, whether the heartbeat beats, and what nobody watches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from driftreview.api.alerts import AlertFact, AlertsFact
from driftreview.api.base import format_time
from driftreview.api.values import format_duration
from driftreview.api.verdicts import CheckVerdict
from driftreview.domain.alerts import (
    GRAVE,
    HEARTBEAT,
    NEW,
    NOTHING_PROVED,
    SECTION,
    ended_alerts,
    new_alerts,
    powerless,
)
from driftreview.domain.recheck import Looked
from driftreview.domain.report import alertrules
from driftreview.domain.report.material import Material, facts_of, tone
from driftreview.domain.report.meanwhile import noted, proof
from driftreview.domain.report.model import Block, Cell, Row, Section, Sentence, Sentences, Table, Tone

_COLUMNS: Final = ("Alert", "Severity", "In the baseline", "Since T0", "Status")
_CALLED: Final = {HEARTBEAT: "Heartbeat monitoring", NEW: "New alerts"}
_FIELD: Final = "spec.facts.alerts"


def section(material: Material) -> Section | None:
    """What is known of alerts; nothing where none are declared or nothing is frozen yet."""
    if material.newest is None or material.review.spec.alerts is None:
        return None
    rows = list(_rows(material))
    said = [*_checks(material), *_ended(material), *(() if rows else by_severity(material)), *_gaps(material)]
    blocks: list[Block] = [Sentences(items=said)]
    if rows:
        blocks.append(Table(title=_title(material), columns=list(_COLUMNS), rows=rows))
    return Section(id="alerts", title="Alerts", blocks=[*blocks, *alertrules.blocks(material)])


def by_severity(material: Material) -> Iterator[Sentence]:
    """How many alerts of each severity fired since T0, at T0 in the baseline; or why that is not known."""
    if material.newest is None:
        return
    if material.review.spec.alerts is None:
        text = "Alerts were not asked about: spec.alerts is not declared"
        yield Sentence(text=text, evidence=[material.of_review("spec.alerts")])
        return
    stretch, fact, refs = (
        "since T0" if material.last else "in the baseline",
        _fact(material.newest),
        material.since(field=_FIELD),
    )
    if fact is None:
        yield Sentence(text=f"Which alerts fired {stretch} is not known", tone=Tone.OPEN, evidence=refs)
        return
    counted = Counter(each.severity or "without severity" for each in fact.fired)
    kinds = [f"{number} {severity}" for severity, number in counted.items()]
    kinds += [f"{fact.left_out} that are not kept"] if fact.left_out else []
    silent = material.review.spec.alerts.heartbeat is not None and not fact.heartbeat
    proof = ", which proves nothing: the heartbeat is silent" if silent and not kinds else ""
    facts = facts_of(material.newest)
    if idle := facts is not None and powerless(facts):
        proof = f", {NOTHING_PROVED}"
    text = f"Alerts that fired {stretch}: {', '.join(kinds) or 'none'}{proof}"
    yield Sentence(text=text, tone=Tone.OPEN if kinds or silent or idle else Tone.GOOD, evidence=refs)


def _fact(look: Looked | None) -> AlertsFact | None:
    facts = facts_of(look)
    return facts.alerts if facts else None


def _changes(material: Material) -> tuple[set[str], set[str]] | None:
    """Which alerts are new since T0 and which fire no longer; None where not all are known, or there is no look."""
    before, now = facts_of(material.at_t0), facts_of(material.last)
    if before is None or before.alerts is None or now is None or now.alerts is None:
        return None
    if before.alerts.left_out or now.alerts.left_out:
        return None
    new, ended = new_alerts(before, now), ended_alerts(before, now)
    return {each.name for each in new}, {each.name for each in ended}


def _checks(material: Material) -> Iterator[Sentence]:
    """What is said of the heartbeat and of new alerts; at T0 nothing is new yet."""
    for each in material.checks:
        is_early = material.last is None and each.name == NEW and each.verdict is not CheckVerdict.UNKNOWN
        if each.section == SECTION and not is_early:
            text = f"{_CALLED[each.name]}: {noted(material, each)}"
            said = tone(each.verdict) if each.proves else Tone.OPEN
            yield Sentence(text=text, tone=said, evidence=proof(material, each))


def _ended(material: Material) -> Iterator[Sentence]:
    """Whether what fired at T0 still does."""
    changes, before = _changes(material), _fact(material.at_t0)
    if changes is None or before is None:
        return  # that not all is known is said of the new ones
    refs, ended = material.since(field=_FIELD), sorted(changes[1])
    if ended:
        text = f"Existing alerts: no longer firing: {', '.join(ended)}: healed, or their rules are broken"
        yield Sentence(text=text, tone=Tone.OPEN, evidence=refs)
    else:
        fired = "all that fired at T0 still fire" if any(each.firing for each in before.fired) else "none fired at T0"
        yield Sentence(text=f"Existing alerts: {fired}", evidence=refs)


def _gaps(material: Material) -> Iterator[Sentence]:
    """Signals of which nobody is told once the review is over."""
    fact = _fact(material.newest)
    limited = [each.name for each in material.review.spec.signals if each.limits is not None]
    if fact is None or fact.unwatched is None:
        text, found = "Coverage gaps: not known, since the rules of the source are not", Tone.OPEN
    elif fact.unwatched:
        names = ", ".join(fact.unwatched)
        text, found = f"Coverage gaps: no alert rule speaks of the metrics of {names}", Tone.OPEN
    elif limited:
        text, found = f"Coverage gaps: none, alert rules speak of all signals with limits ({len(limited)})", Tone.GOOD
    else:
        text, found = "Coverage gaps: none, since no signal has limits", Tone.PLAIN
    yield Sentence(text=text, tone=found, evidence=material.since(field=_FIELD))


def _title(material: Material) -> str:
    stretches = (("baseline", _fact(material.at_t0)), ("since T0", _fact(material.last)))
    known = [f"{name} {format_time(fact.since)} to {format_time(fact.until)}" for name, fact in stretches if fact]
    return f"What fired ({'; '.join(known)})"


def _rows(material: Material) -> Iterator[Row]:
    """One for each alert of either stretch, those since T0 first."""
    changes = _changes(material)
    new, ended = changes or (set[str](), set[str]())
    before, now = (_by_name(_fact(each)) for each in (material.at_t0, material.last))
    for name, severity in now | before:
        old, fired = before.get((name, severity)), now.get((name, severity))
        status = Cell(text="-" if changes is None else "Known")
        if name in new:
            status = Cell(text="New", tone=Tone.BAD if severity in GRAVE else Tone.OPEN)
        elif name in ended:
            status = Cell(text="No longer firing", tone=Tone.OPEN)
        cells = [Cell(text=name), Cell(text=severity or "-"), Cell(text=_fired(old)), Cell(text=_fired(fired)), status]
        yield Row(cells=cells, evidence=material.since(field=_FIELD))


def _by_name(fact: AlertsFact | None) -> dict[tuple[str, str], AlertFact]:
    return {(each.name, each.severity): each for each in fact.fired} if fact else {}


def _fired(fact: AlertFact | None) -> str:
    """Since when and until when it fired, how long in all, and whether it still did at the end."""
    if fact is None:
        return "-"
    since, whole = format_time(fact.since), format_duration(timedelta(seconds=fact.seconds))
    stretch = f"since {since}, still firing" if fact.firing else f"{since} to {format_time(fact.until)}"
    return f"{stretch}, {whole} in all"

"""Alerts: what fired in the baseline and since T0, whether the heartbeat beats, and what nobody watches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from driftreview.api.alerts import AlertFact, AlertsFact
from driftreview.api.base import format_time
from driftreview.api.facts import Facts
from driftreview.api.reasons import CheckVerdict
from driftreview.api.values import format_duration
from driftreview.domain.alerts import GRAVE, HEARTBEAT, NEW, SECTION, ended_alerts, new_alerts
from driftreview.domain.recheck import Looked
from driftreview.domain.report.material import Material, facts_of, tone
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
    return Section(id="alerts", title="Alerts", blocks=blocks)


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
    text = f"Alerts that fired {stretch}: {', '.join(kinds) or 'none'}"
    yield Sentence(text=text, tone=Tone.OPEN if kinds else Tone.GOOD, evidence=refs)


def _fact(look: Looked | None) -> AlertsFact | None:
    facts = facts_of(look)
    return facts.alerts if facts else None


def _both(material: Material) -> tuple[Facts, Facts] | None:
    """The facts of T0 and of the last look; None where either has none, or there is no look yet."""
    before, now = facts_of(material.at_t0), facts_of(material.last)
    return (before, now) if before and now else None


def _checks(material: Material) -> Iterator[Sentence]:
    """What is said of the heartbeat and of new alerts; at T0 nothing is new yet."""
    for each in material.checks:
        is_early = material.last is None and each.name == NEW and each.verdict is not CheckVerdict.UNKNOWN
        if each.section == SECTION and not is_early:
            text = f"{_CALLED[each.name]}: {each.message}"
            refs = material.since(check=f"{SECTION}/{each.name}")
            yield Sentence(text=text, tone=tone(each.verdict), evidence=refs)


def _ended(material: Material) -> Iterator[Sentence]:
    """Whether what fired at T0 still does."""
    both = _both(material)
    if both is None or both[0].alerts is None or both[1].alerts is None:
        return
    ended = [each.name for each in ended_alerts(*both)]
    if ended:
        text = f"Existing alerts: no longer firing: {', '.join(ended)}: healed, or their rules are broken"
    elif any(each.firing for each in both[0].alerts.fired):
        text = "Existing alerts: all that fired at T0 still fire"
    else:
        text = "Existing alerts: none fired at T0"
    yield Sentence(text=text, tone=Tone.OPEN if ended else Tone.GOOD, evidence=material.since(field=_FIELD))


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
    both = _both(material)
    new = {each.name for each in new_alerts(*both)} if both else set()
    ended = {each.name for each in ended_alerts(*both)} if both else set()
    before, now = (_by_name(_fact(each)) for each in (material.at_t0, material.last))
    for name, severity in now | before:
        old, fired = before.get((name, severity)), now.get((name, severity))
        status = Cell(text="Known")
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

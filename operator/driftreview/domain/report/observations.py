"""Observations: what held, as the hand-written reviews name it before what did not; that is under Outstanding Risks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from driftreview.api.inventory import ServiceStatus
from driftreview.api.phases import ConditionType
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.inventory import SECTION
from driftreview.domain.report import elsewhere, inventory, limitations
from driftreview.domain.report.material import Material, facts_of, unread, when
from driftreview.domain.report.meanwhile import before
from driftreview.domain.report.model import Section, Sentence, Sentences, Tone
from driftreview.domain.status import condition

_WELL: Final = (ServiceStatus.HEALTHY, ServiceStatus.RUNNING, ServiceStatus.STOPPED)


def section(material: Material) -> Section | None:
    """Positive indicators; nothing before T0, or where there are none."""
    said = [*_preflight(material), *_services(material), *_data(material), *_checks(material), *_improved(material)]
    if material.at_t0 is None or not said:
        return None
    return Section(id="observations", title="Observations", blocks=[Sentences(title="Positive indicators", items=said)])


def _preflight(material: Material) -> Iterator[Sentence]:
    """That nothing was amiss before T0."""
    found = condition(material.review.status, ConditionType.PREFLIGHT)
    if found is not None and found.status == "True" and not limitations.findings(material)[0]:
        text = f"Preflight: {found.message}"
        yield Sentence(text=text, tone=Tone.GOOD, evidence=[material.of_review("status.conditions[Preflight]")])


def _services(material: Material) -> Iterator[Sentence]:
    look, facts = material.newest, facts_of(material.newest)
    fact = facts.inventory if facts else None
    if look is None or fact is None or not fact.services or fact.left_out or unread(look, SECTION):
        return
    found = fact.services
    if all(each.status in _WELL for each in found):
        text = f"All services ({len(found)}) are Healthy, Running or Stopped on purpose at {when(look)}"
        yield Sentence(text=text, tone=Tone.GOOD, evidence=material.since(field=inventory.FIELD))


def _data(material: Material) -> Iterator[Sentence]:
    look = material.newest
    found = look.evidence.spec.signals if look else []
    if look is not None and found and not look.without_data:
        text = f"All signals ({len(found)}) have data at {when(look)}"
        yield Sentence(text=text, tone=Tone.GOOD, evidence=[material.ref(look, field="spec.signals")])


def _checks(material: Material) -> Iterator[Sentence]:
    """Which declared expectations hold at the last look, and did at each before it."""
    last = material.last
    held = [each for each in material.checks if not each.is_amiss and each.proves and not before(material, each)]
    if held and last is not None:
        names = [f"{each.section}/{each.name}" for each in held]
        text = f"Held at {when(last)}: {', '.join(names)}"
        yield Sentence(text=text, tone=Tone.GOOD, evidence=[material.ref(last, check=each) for each in names])


def _improved(material: Material) -> Iterator[Sentence]:
    """What is surely better than at T0: signals, and numbers from elsewhere."""
    last = material.last
    if last is None or last.result is None:
        return
    for each in last.result.results:
        if each.finding.verdict is SignalVerdict.IMPROVED:
            evidence = [material.ref(look, signal=each.signal.name) for look in (last, material.at_t0)]
            yield Sentence(text=each.sentence, tone=Tone.GOOD, evidence=evidence)
    for number in last.result.evidence:
        if number.finding.verdict is SignalVerdict.IMPROVED:
            yield elsewhere.sentence(material, last, number)

"""Recommendation: what the evidence leads to, and what the review came to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from driftreview.api.base import format_time
from driftreview.api.reasons import Reason, Recommendation
from driftreview.domain.conclusion import concluded
from driftreview.domain.elsewhere import SECTION
from driftreview.domain.recheck import Looked
from driftreview.domain.report import elsewhere, people
from driftreview.domain.report.material import Material, tone
from driftreview.domain.report.model import Section, Sentence, Sentences, Tone

_PEOPLE: Final[dict[Reason, str]] = {Reason.REJECTED: "a person, ", Reason.APPROVED: "people, "}


def section(material: Material) -> Section:
    """The last section but the evidence."""
    return Section(id="recommendation", title="Recommendation", blocks=[Sentences(items=list(_sentences(material)))])


def recommended(material: Material) -> Recommendation | None:
    """What is recommended: the stored decision, or what the evidence already leads to; None as long as neither is."""
    if material.review.status.decision is not None:
        return material.review.status.decision.recommendation
    found = _concluded(material)
    return found[1] if found else None


def _concluded(material: Material) -> tuple[Looked, Recommendation] | None:
    """The first look that concludes anything, and what; as the operator does it."""
    last = material.window.checkpoints[-1]
    for each in material.judged:
        conclusion = concluded(each.result.verdict, last=each.name == last) if each.result else None
        if conclusion is not None:
            return each, conclusion[0]
    return None


def _sentences(material: Material) -> Iterator[Sentence]:
    decision, found = material.review.status.decision, _concluded(material)
    if found is not None and found[0].result is not None:
        look, what = found
        counted = (
            [each.signal.name for each in look.result.results if each.counts_as is not None] if look.result else []
        )
        told = look.result.message if look.result else ""
        numbers = [name for name in elsewhere.counted(look) if f"{SECTION}/{name}" in told]
        named = [name for name in counted if name in told] or ([] if numbers else counted[:1])
        refs = [material.ref(each, signal=name) for name in named for each in (look, material.at_t0)]
        refs += [ref for name in numbers for ref in elsewhere.proof(material, name, look, material.at_t0)]
        text = f"{what} by the evidence: T0+{look.name} is {found[0].result.verdict}: {found[0].result.message}"
        yield Sentence(text=text, tone=tone(what), evidence=refs or [material.ref(look)])
    if decision is not None:
        who = _PEOPLE.get(decision.reason, "")
        text = f"Decided {decision.recommendation} at {format_time(decision.at)} by {who}{decision.by}"
        if found is None or decision.by != f"checkpoint {found[0].name}":
            text += f": {decision.message}"
        text += people.consented(material)
        evidence = [material.of_review("status.decision"), *people.deciding(material)]
        yield Sentence(text=text, tone=tone(decision.recommendation), evidence=evidence)
    if found is None and decision is None:
        judged = len(material.judged)
        of_all = len(material.window.checkpoints)
        refs = [material.ref(each) for each in material.looks] or [material.of_review("status.phase")]
        text = f"None yet: {judged} of {of_all} looks are judged, and none of them decides"
        yield Sentence(text=text, tone=Tone.OPEN, evidence=refs)

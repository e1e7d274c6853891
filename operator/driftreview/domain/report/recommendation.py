"""Recommendation: what the evidence leads to, and what the review came to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from driftreview.api.base import format_time
from driftreview.api.reasons import Reason
from driftreview.api.status import Decision
from driftreview.api.verdicts import Recommendation
from driftreview.domain.conclusion import concluded
from driftreview.domain.elsewhere import SECTION
from driftreview.domain.recheck import Looked
from driftreview.domain.report import elsewhere, people
from driftreview.domain.report.material import Material, tone, when
from driftreview.domain.report.model import Reference, Section, Sentence, Sentences, Stand, Tone
from driftreview.domain.result import CheckpointResult

_PEOPLE: Final[dict[Reason, str]] = {
    Reason.REJECTED: "a person, ",
    Reason.APPROVED: "people, ",
    Reason.OVERRIDDEN: "a person with the right to override, ",
}


def section(material: Material) -> Section:
    """The last section but the evidence."""
    return Section(id="recommendation", title="Recommendation", blocks=[Sentences(items=list(_sentences(material)))])


def recommended(material: Material) -> Recommendation | None:
    """What is recommended: the stored decision, or what the evidence already leads to; None as long as neither is."""
    if material.review.status.decision is not None:
        return material.review.status.decision.recommendation
    found = _concluded(material)
    return found[1] if found else None


def head(material: Material) -> Iterator[Stand]:
    """What stands at the very beginning; a decision that no look took never without what the evidence says."""
    decision, found, last = material.review.status.decision, _concluded(material), material.last
    verdict = str(last.result.verdict) if last and last.result else ""
    by_look = found is not None and decision is not None and _is_of(decision, found)
    if decision is not None and not by_look:
        text = f"{decision.recommendation} by {decision.by}"
        yield Stand(label="Decided", text=text, tone=tone(decision.recommendation))
    label, word = "Recommendation" if decision is None or by_look else "Evidence", found[1] if found else None
    open_ = "none yet" if decision is None else "undecided"
    yield Stand(label=label, text=word or open_, tone=tone(word or ""))
    if found is None and last is not None and verdict:
        yield Stand(label=when(last), text=verdict, tone=tone(verdict))
    if material.by_limits:
        yield Stand(label="Judged", text="by limits only", tone=Tone.OPEN)


def _is_of(decision: Decision, found: tuple[Looked, Recommendation]) -> bool:
    """Whether a decision is the one that a look leads to, by that look."""
    return (decision.by, decision.recommendation) == (f"checkpoint {found[0].name}", found[1])


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
        (look, what), result = found, found[0].result
        text = f"{what} by the evidence: T0+{look.name} is {result.verdict}: {result.message}"
        yield Sentence(text=text, tone=tone(what), evidence=list(_proof(material, look, result)))
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


def _proof(material: Material, look: Looked, found: CheckpointResult) -> Iterator[Reference]:
    """What a look's sentence names: checks, signals and numbers, each then and at T0; else the first that counts."""
    checks = [f"{each.section}/{each.name}" for each in found.checks if each.counts]
    checks += [f"{SECTION}/{name}" for name in elsewhere.counted(look)]
    signals = [each.signal.name for each in found.results if each.counts_as is not None]
    named = [name for name in checks if _names(found.message, name)]
    told = [name for name in signals if _names(found.message, name)] or ([] if named else signals[:1])
    yield from (material.ref(each, check=name) for name in named for each in (look, material.at_t0))
    yield from (material.ref(each, signal=name) for name in told for each in (look, material.at_t0))
    if not (named or told):
        yield material.ref(look)


def _names(sentence: str, name: str) -> bool:
    """Whether a sentence has a name as a whole, and not as a part of a longer one."""
    return re.search(rf"(?<![\w/-]){re.escape(name)}(?![\w/-])", sentence) is not None

"""Outstanding Risks, Mitigations and Next Steps: derived from evidence, schedule and policy, never filled in.

Whatever is a check (contracts, flags, alerts and their kin) is taken up here by its result; a new section whose risks
are no checks adds a function to RISKS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from driftreview.api.act import ActType
from driftreview.api.base import format_time
from driftreview.api.phases import TERMINAL, Phase
from driftreview.api.preflight import FindingSeverity
from driftreview.api.reasons import Reason
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.ahead import at_window_end
from driftreview.domain.conclusion import held_by
from driftreview.domain.display import counted, some
from driftreview.domain.incidents import ended
from driftreview.domain.report import aftermath, elsewhere, held, limitations, mending, people, revert
from driftreview.domain.report.material import Material, facts_of, tone, when
from driftreview.domain.report.meanwhile import before, proof
from driftreview.domain.report.model import Section, Sentence, Sentences, Tone
from driftreview.domain.report.still import still
from driftreview.domain.status import is_mended
from driftreview.domain.steps import does
from driftreview.domain.ways import empties

_OPEN: Final = (
    SignalVerdict.DEGRADED,
    SignalVerdict.SUSPECT,
    SignalVerdict.MISSING,
    SignalVerdict.INCONCLUSIVE,
)
_OWN: Final = ("configmaps/", "secrets/", "horizontalpodautoscalers/", "deployment/replicas")
"""How the confounders begin that are settings of the release, and not of what is around it."""


def section(material: Material) -> Section | None:
    """Each of the three as far as there is anything to say."""
    parts = (
        ("Outstanding Risks", [each for risks in RISKS for each in risks(material)]),
        ("Mitigations", list(_mitigations(material))),
        ("Next Steps", list(_next(material))),
    )
    blocks = [Sentences(title=title, items=items) for title, items in parts if items]
    title = "Outstanding Risks, Mitigations and Next Steps"
    return Section(id="outlook", title=title, blocks=list(blocks)) if blocks else None


def _signals(material: Material) -> Iterator[Sentence]:
    """What does not pass at the last look, counted or not."""
    last = material.last
    for each in last.result.results if last and last.result else ():
        if each.finding.verdict in _OPEN:
            counted = "" if each.counts_as is not None else " (not counted)"
            text = f"{each.signal.name} is {each.finding.verdict} at T0+{last.name if last else ''}{counted}"
            name = each.signal.name
            refs = [material.ref(look, signal=name) for look in (last, material.at_t0)]
            yield Sentence(text=text, tone=tone(each.finding.verdict), evidence=refs)


def _checks(material: Material) -> Iterator[Sentence]:
    """Expectations that are broken or unknown at the last look, or were at any before it."""
    for each in material.checks:
        earlier = before(material, each)
        if not each.is_amiss and not earlier:
            continue
        text = "; ".join(filter(None, (each.sentence, earlier)))
        if not each.is_amiss:
            text = f"{each.section}/{each.name} was {earlier}; at the last look it held"
        text += "" if each.counts else " (not counted)"
        said = tone(each.verdict) if each.is_amiss else Tone.OPEN
        yield Sentence(text=text, tone=said, evidence=proof(material, each))


def _way_back(material: Material) -> Iterator[Sentence]:
    """Whether a drift that shows from now on could still be undone."""
    status, closes = material.review.status, material.closes
    if closes is None or status.phase in TERMINAL or status.rollback is None:
        return
    rollback = material.of_review("status.rollback")
    if not status.rollback.possible and status.rollback.reason is not Reason.OWNED_BY_GIT:  # which is told by itself
        text = f"no rollback is possible: {status.rollback.message}"
        yield Sentence(text=text, tone=Tone.BAD, evidence=[rollback])
    for each in status.rollback.check.risks if status.rollback.check else ():
        looked = material.of_review("status.rollback.check")
        yield Sentence(text=f"in a rollback: {each}", tone=Tone.OPEN, evidence=[looked])
    for index, member in enumerate(status.members):
        for each in member.check.risks if member.check else ():
            field = material.of_review(f"status.members[{index}].check")
            yield Sentence(
                text=f"in a rollback of {member.kind} {member.name}: {each}", tone=Tone.OPEN, evidence=[field]
            )


def _unfinished(material: Material) -> Iterator[Sentence]:
    """Looks that were never judged although the review has ended."""
    status = material.review.status
    left = [each.name for each in status.checkpoints if each.verdict is None]
    if status.phase in TERMINAL and left:
        looks = ", ".join(f"T0+{each}" for each in left)
        text = f"not looked at: {looks}; the review ended before"
        yield Sentence(text=text, tone=Tone.OPEN, evidence=[material.of_review("status.checkpoints")])


def _disagreements(material: Material) -> Iterator[Sentence]:
    if material.differences:
        places = counted(len(material.differences), "place", "places")
        text = f"status and evidence disagree in {places}, see Evidence"
        yield Sentence(text=text, tone=Tone.BAD, evidence=[material.of_review(material.differences[0].path)])


def _preflight(material: Material) -> Iterator[Sentence]:
    """What preflight found: it keeps the review from starting, or was let go on."""
    found, ref = limitations.findings(material)
    for each in found:
        stops = Tone.BAD if each.severity is FindingSeverity.BLOCKER else Tone.OPEN
        yield Sentence(text=f"{each.name}: {each.message}", tone=stops, evidence=[ref])


def _confounders(material: Material) -> Iterator[Sentence]:
    """What else may be the cause of what was measured."""
    last = material.last
    found = last.result.confounders if last and last.result else ()
    if found:
        names = some([each.what for each in found])
        things = counted(len(found), "thing", "things")
        text = f"{things} changed since T0 beside the release and may be why a signal did: {names}"
        yield Sentence(text=text, tone=Tone.OPEN, evidence=material.since(field="spec.facts"))


def _incidents(material: Material) -> Iterator[Sentence]:
    """Containers that the last look found killed or restarted."""
    look = material.newest
    if look is not None and (names := ended(facts_of(look))):
        text = f"Containers ended before {when(look)}: {names}"
        yield Sentence(text=text, tone=Tone.OPEN, evidence=[material.ref(look, field="spec.facts.incidents")])


RISKS: Final[tuple[Callable[[Material], Iterator[Sentence]], ...]] = (
    _disagreements,
    held.risks,
    _signals,
    elsewhere.risks,
    _checks,
    _incidents,
    _preflight,
    _confounders,
    people.risks,
    _way_back,
    revert.owned,
    _unfinished,
)
"""Where outstanding risks come from, the gravest first."""


def _mitigations(material: Material) -> Iterator[Sentence]:
    """What was done about it, and what can be."""
    status, last = material.review.status, material.last
    if status.act is not None:
        act = status.act
        what = "rolled back to the previous revision" if act.type is ActType.ROLL_BACK else "marked as approved"
        what = "scaled to zero" if empties(act) else what
        what += f" {act.by}" if act.by else ""
        # Of several it is the target that this is about: all of them are back later.
        when = act.applied_at if act.steps else act.completed_at or act.applied_at
        intent = f"{what}, decided at {format_time(act.intent_at)}"
        is_over = status.phase in TERMINAL
        planned = f"was to be {intent}, and was not seen to be" if is_over else f"is to be {intent}"
        done = f"was {what} at {format_time(when)}" if when else planned
        target = str(material.review.spec.target)
        good = Tone.GOOD if act.completed_at else Tone.OPEN
        yield Sentence(text=f"{target} {done}", tone=good, evidence=[material.of_review("status.act")])
        yield from _steps(material)
    for each in last.result.results if last and last.result else ():
        if each.finding.verdict in (SignalVerdict.DEGRADED, SignalVerdict.SUSPECT) and each.signal.runbook:
            refs = [
                material.ref(last, signal=each.signal.name),
                material.of_signal(each.signal),
            ]
            yield Sentence(text=f"{each.signal.name}: runbook {each.signal.runbook}", evidence=refs)
    yield from _fixes(material)
    yield from mending.ways(material)
    open_until = material.closes if material.left and status.phase not in TERMINAL else None
    bad = last is not None and last.result is not None and tone(last.result.verdict) is not Tone.GOOD
    if bad and open_until and status.act is None and status.rollback is not None and status.rollback.possible:
        text = f"a rollback is possible {status.rollback.message}"
        yield Sentence(text=text, evidence=[material.of_review("status.rollback"), material.ref(material.at_t0)])


def _steps(material: Material) -> Iterator[Sentence]:
    """What else a promotion did, and what of it was not done."""
    act = material.review.status.act
    undone, pods, bad = ": to do", "its pods are not all there", Tone.OPEN
    if material.review.status.phase in TERMINAL:
        undone, pods, bad = ": not done", "its pods were not all there", Tone.BAD
    for index, each in enumerate(act.steps if act else ()):
        begun = f": begun at {format_time(each.applied_at)}, {pods}" if each.applied_at else undone
        when = f": done at {format_time(each.completed_at)}" if each.completed_at else begun
        ref = material.of_review(f"status.act.steps[{index}]")
        yield Sentence(text=f"{each} {does(each)}{when}", tone=Tone.GOOD if each.completed_at else bad, evidence=[ref])


def _fixes(material: Material) -> Iterator[Sentence]:
    """What to do about what preflight found, which has the blockers first."""
    found, ref = limitations.findings(material)
    for each in found:
        if each.fix:
            stops = Tone.OPEN if each.severity is FindingSeverity.BLOCKER else Tone.PLAIN
            yield Sentence(text=f"{each.name}: {each.fix}", tone=stops, evidence=[ref])


def _next(material: Material) -> Iterator[Sentence]:
    """What is due, what is waited for, and what a person has to do."""
    review, status = material.review, material.review.status
    yield from held.steps(material)
    yield from revert.steps(material)
    if status.t0 is None and status.phase not in TERMINAL:
        text = f"T0 is fixed {review.spec.window.warmup} after the target's rollout has finished"
        if review.spec.window.t0 is not None:
            text = f"T0 is {format_time(review.spec.window.t0)}, as spec.window.t0 says"
        yield Sentence(text=text, evidence=[material.of_review("spec.window")])
    if status.phase in TERMINAL or status.act is not None:
        yield from _after(material)
        return
    evidence = [material.of_review("status.checkpoints")]
    names = [each.name for each in status.checkpoints]
    last = ", the last look, which decides" if status.decision is None else ", the last look; it is decided already"
    for each in status.checkpoints:
        if each.verdict is None:
            role = last if each.name == names[-1] else ""
            yield Sentence(text=f"T0+{each.name} checkpoint: {format_time(each.due)}{role}", evidence=evidence)
    if status.rollback is not None:
        safe = format_time(status.rollback.last_safe_moment)
        open_until = f"nobody acts until {safe}" if status.decision is not None else f"still undecided at {safe}"
        text = f"If {open_until}, {at_window_end(review, status, status.decision)}"
        yield Sentence(text=text, evidence=[material.of_review("status.rollback"), material.of_review("spec.policy")])
    yield from still(material)
    yield from people.steps(material)
    if review.spec.suspend:
        text = "Take back spec.suspend: nothing is judged or done before"
        yield Sentence(text=text, tone=Tone.OPEN, evidence=[material.of_review("spec.suspend")])


def _after(material: Material) -> Iterator[Sentence]:
    """What is left to a person once the review is over."""
    review, decision = material.review, material.review.status.decision
    field = [material.of_review("status.decision"), material.of_review("spec.policy")]
    if review.status.phase is Phase.FAILED:
        if not is_mended(review.status):
            text = "Decide by hand: the review could not be carried to its end, see State"
            yield Sentence(text=text, tone=Tone.BAD, evidence=[material.of_review("status.summary")])
        yield from aftermath.steps(material)
    if decision is None or review.status.phase is Phase.FAILED:
        return
    yield from people.left(material)
    act = review.status.act
    if act is not None and act.type is ActType.ROLL_BACK:
        why = f"what {decision.by} rejected it for" if decision.reason is Reason.REJECTED else "what drifted"
        text = f"Mend {why} before this pod template is released again"
        text += ": it is remembered as rejected" if act.applied_at is not None else ""
        yield Sentence(text=text, evidence=field)
        yield from aftermath.steps(material)
        yield from _not_taken_back(material)
        return
    if act is None and (held := held_by(review.spec.policy, decision.recommendation)):
        text = f"Decide by hand: {decision.recommendation} was not carried out ({held})"
        yield Sentence(text=text, tone=Tone.OPEN, evidence=field)
    lasting = list(still(material))
    yield from lasting
    if act is not None:
        done = "the revision is approved, and nothing more is looked at"
        text, good = (f"Nothing else: {done}", Tone.PLAIN) if lasting else (f"None: {done}", Tone.GOOD)
        yield Sentence(text=text, tone=good, evidence=field)


def _not_taken_back(material: Material) -> Iterator[Sentence]:
    """What of the release's own setting changed since T0 and stays so, as a rollback is one of the pod template."""
    last, previous = material.last, material.review.status.previous
    found = last.result.confounders if last and last.result else ()
    own = [each for each in found if each.what.startswith(_OWN)]
    if own:
        names = some([f"{each.what} ({format_time(each.at)})" if each.is_dated else each.what for each in own])
        under = f" under {previous.name}" if previous else ""
        text = f"Take back by hand what was not meant to stay{under}: {names} changed since T0, and a rollback takes "
        text += "back the pod template only"
        yield Sentence(text=text, tone=Tone.OPEN, evidence=material.since(field="spec.facts"))

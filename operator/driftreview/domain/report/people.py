"""Approvals and Checklist: who did what and when, what counted or why not, and what is still open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from driftreview.api.act import ActType
from driftreview.api.approval import ApprovalRecord, ApprovalType
from driftreview.api.base import format_time
from driftreview.api.phases import TERMINAL, Phase
from driftreview.api.policy import ApprovedBy, PolicyMode
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.api.verdicts import Recommendation
from driftreview.domain.consent import Consent, consent, counted, is_held
from driftreview.domain.recorded import DECIDING, remarks
from driftreview.domain.report.material import Material
from driftreview.domain.report.model import Block, Cell, Reference, Row, Section, Sentence, Sentences, Table, Tone

_ITEMS: Final = ("Item", "Needed", "State", "By", "When (UTC)", "Message")
_ACTS: Final = ("When (UTC)", "Who", "What", "Message", "About", "Counts")
_TONES: Final = {ApprovalType.APPROVE: Tone.GOOD, ApprovalType.SIGN_OFF: Tone.GOOD, ApprovalType.REJECT: Tone.BAD}


def section(material: Material) -> Section | None:
    """What is asked of people and what they did; nothing where neither is."""
    spec, status = material.review.spec, material.review.status
    blocks: list[Block] = []
    field = material.of_review("status.approvals")
    others = remarks(material.review, material.approvals)
    said = [*_consent(material), *(Sentence(text=each, tone=Tone.OPEN, evidence=[field]) for each in others)]
    if said:
        blocks.append(Sentences(items=said))
    if spec.checklist:
        rows = list(_items(material))
        blocks.append(Table(title="Checklist", columns=list(_ITEMS), rows=rows))
    if status.approvals:
        rows = [_act(material, each) for each in status.approvals]
        blocks.append(Table(title="What people did, oldest first", columns=list(_ACTS), rows=rows))
    return Section(id="approvals", title="Approvals and Checklist", blocks=blocks) if blocks else None


def notes(material: Material) -> Sentences | None:
    """What people added, in their own words."""
    found = [each for each in counted(material.review.status, ApprovalType.NOTE) if each.message]
    items = [
        Sentence(
            text=f"{each.by} at {format_time(each.at)}: {_message(material, each)}", evidence=[_ref(material, each)]
        )
        for each in found
    ]
    return Sentences(title="What people added", items=items) if items else None


def consented(material: Material) -> str:
    """With whose approval a promotion was done that people did not decide, behind a sentence; empty if of nobody."""
    status, given = material.review.status, consent(material.review, material.review.status)
    promoted = status.act is not None and status.act.type is ActType.PROMOTE and given.wanted
    decided = status.decision is not None and status.decision.reason in DECIDING
    return f"; the promotion {given.said()}" if promoted and not decided else ""


def deciding(material: Material) -> list[Reference]:
    """The acts by which people decided, or let a promotion go on; none where they did not."""
    decision = material.review.status.decision
    kind = DECIDING.get(decision.reason) if decision is not None else None
    if consented(material):
        kind = ApprovalType.APPROVE
    return [_ref(material, each) for each in counted(material.review.status, kind)] if kind else []


def risks(material: Material) -> Iterator[Sentence]:
    """Required items that nobody signed off and approvals that lack, as long as the release runs or may be promoted."""
    if material.review.status.t0 is None or _is_void(material):
        return
    given = consent(material.review, material.review.status)
    for name in given.unsigned:
        text = f"checklist item {name} is not signed off"
        yield Sentence(text=text, tone=Tone.OPEN, evidence=[material.of_review(f"spec.checklist[{name}]")])
    if (lacking := given.wanted - len(given.by)) > 0:
        text = f"{lacking} of {given.wanted} approvals {'is' if lacking == 1 else 'are'} missing"
        yield Sentence(text=text + _not_by(given), tone=Tone.OPEN, evidence=_rule(material))


def steps(material: Material) -> Iterator[Sentence]:
    """What people still have to do before a promotion, and until when; nothing before T0, as nothing would count."""
    review, status = material.review, material.review.status
    if status.t0 is None or status.rollback is None or _is_void(material):
        return
    last = status.checkpoints[-1].due if status.checkpoints else status.t0
    held = review.spec.policy.mode is PolicyMode.ENFORCE  # another mode ends the review with the last look
    given, until = consent(review, status), format_time(status.rollback.last_safe_moment if held else last)
    where = f"{review.metadata.name} -n {review.metadata.namespace}"
    for name in given.unsigned:
        text, field = f"Sign off {name} until {until}", material.of_review(f"spec.checklist[{name}]")
        command = f"driftreview sign-off {where} --item {name}"
        yield Sentence(text=text, command=command, tone=Tone.OPEN, evidence=[field])
    if is_held(review, status) and status.decision is not None:
        evidence = [material.of_review("status.decision"), *_rule(material)]
        for word, why in (("approve", ""), ("reject", " -m REASON")):
            text, command = f"Decide until {until}; to {word} it", f"driftreview {word} {where}{why}"
            yield Sentence(text=text, command=command, tone=Tone.OPEN, evidence=evidence)
    elif (lacking := given.wanted - len(given.by)) > 0:
        text = f"{lacking} more to approve until {until}{_not_by(given)}"
        yield Sentence(text=text, command=f"driftreview approve {where}", tone=Tone.OPEN, evidence=_rule(material))


def left(material: Material) -> Iterator[Sentence]:
    """What was approved by the evidence and ended without the people that its promotion needs."""
    review, status = material.review, material.review.status
    decision, given = status.decision, consent(material.review, material.review.status)
    enforced = review.spec.policy.mode is PolicyMode.ENFORCE and status.phase is Phase.DECIDED
    if enforced and decision is not None and decision.recommendation is Recommendation.APPROVE and status.act is None:
        text = f"Decide by hand: APPROVE was not carried out (the promotion {given.said()})"
        evidence = [material.of_review("status.decision"), *_rule(material)]
        yield Sentence(text=text, tone=Tone.OPEN, evidence=evidence)


def _is_void(material: Material) -> bool:
    """Whether a promotion waits for nobody: rejected, rolled back, another revision, or overridden."""
    status = material.review.status
    back = status.act is not None and status.act.type is ActType.ROLL_BACK
    rejected = status.decision is not None and status.decision.reason is Reason.REJECTED
    return back or rejected or status.phase is Phase.SUPERSEDED or _is_overridden(status)


def _is_overridden(status: DriftReviewStatus) -> bool:
    return status.decision is not None and status.decision.reason is Reason.OVERRIDDEN


def _not_by(given: Consent) -> str:
    return f", not by the author {given.not_by}" if given.not_by else ""


def _rule(material: Material) -> list[Reference]:
    return [material.of_review("spec.policy.approval"), material.of_review("status.approvals")]


def _consent(material: Material) -> Iterator[Sentence]:
    """What a promotion needs of people, where it needs anything, and how far that is."""
    review, status = material.review, material.review.status
    manual, mode = review.spec.policy.approval.type is ApprovedBy.MANUAL, review.spec.policy.mode
    if mode is PolicyMode.OBSERVE and (manual or any(each.required for each in review.spec.checklist)):
        text = f"policy.mode is {mode}: nobody promotes anything by it; approvals count for nothing, sign-offs are kept"
        yield Sentence(text=text, evidence=[material.of_review("spec.policy")])
    elif manual and mode is not PolicyMode.ENFORCE:
        text = f"policy.mode is {mode}: the operator promotes nothing, so approvals count for nothing"
        yield Sentence(text=text, evidence=[material.of_review("spec.policy")])
    given = consent(review, status)
    if given.asked and status.decision is not None and _is_overridden(status):
        by, at = status.decision.by, format_time(status.decision.at)
        text = f"A promotion {given.said()}; overridden by {by} at {at}, it waits for nobody"
        yield Sentence(text=text, evidence=[*deciding(material), *_rule(material)])
    elif given.asked and not _is_void(material):
        ended = status.phase in TERMINAL
        tone = Tone.GOOD if given.enough() else Tone.PLAIN if ended else Tone.OPEN
        text = f"A promotion {given.said()}"
        yield Sentence(text=text, tone=tone, evidence=[*_rule(material), material.of_review("spec.checklist")])


def _items(material: Material) -> Iterator[Row]:
    mode = material.review.spec.policy.mode
    needed = f"no: policy.mode is {mode}" if mode is PolicyMode.OBSERVE else "for a promotion"
    signed = {each.item: each for each in counted(material.review.status, ApprovalType.SIGN_OFF)}
    for item in material.review.spec.checklist:
        record = signed.get(item.name)
        state = Cell(text="signed off", tone=Tone.GOOD)
        if record is None:
            waited = item.required and mode is not PolicyMode.OBSERVE
            state = Cell(text="open", tone=Tone.OPEN if waited else Tone.PLAIN)
        cells = [
            Cell(text=item.name),
            Cell(text=needed if item.required else "no"),
            state,
            Cell(text=record.by if record else "-"),
            Cell(text=format_time(record.at) if record else "-"),
            Cell(text=_message(material, record) if record else ""),
        ]
        declared = material.of_review(f"spec.checklist[{item.name}]")
        yield Row(cells=cells, evidence=[declared, *([_ref(material, record)] if record else [])])


def _act(material: Material, record: ApprovalRecord) -> Row:
    what = f"{record.type} {record.item or ''}".rstrip() + (f" by {record.for_}" if record.for_ else "")
    tone = _TONES.get(record.type, Tone.PLAIN) if record.counted else Tone.OPEN
    if record.type is ApprovalType.NOTE and record.counted:
        counts = "kept"
    else:
        counts = "yes" if record.counted else f"no: {record.why}"
    cells = [
        Cell(text=format_time(record.at)),
        Cell(text=record.by),
        Cell(text=what),
        Cell(text=_message(material, record)),
        Cell(text=record.revision or "-", code=True),
        Cell(text=counts, tone=tone),
    ]
    return Row(cells=cells, evidence=[_ref(material, record)])


def _message(material: Material, record: ApprovalRecord) -> str:
    """What a person said, whole where the DriftApproval is still there."""
    whole = next((each.spec.message for each in material.approvals if each.metadata.uid == record.uid), None)
    return whole or record.message


def _ref(material: Material, record: ApprovalRecord) -> Reference:
    return material.of_review(f"status.approvals[{record.name}]")

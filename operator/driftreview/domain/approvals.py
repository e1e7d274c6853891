"""Persons' acts: which of them count, what a promotion lacks, and how they move T0 and the end of a review.

An act is first written down (`noted`), by the rules of this module; whatever follows from it is then read off the
record alone, so that neither the order in which acts are seen nor a crash in between makes a difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from driftreview.api.act import Act, ActType
from driftreview.api.approval import ApprovalRecord, ApprovalType, DriftApproval
from driftreview.api.checkpoint import Checkpoint
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus, Member
from driftreview.api.values import exact_duration, parse_duration
from driftreview.api.window import Window
from driftreview.domain.consent import MOST_WORDS, counted, counting, rejection
from driftreview.domain.display import printable
from driftreview.domain.overriding import why_not_overridden
from driftreview.domain.room import Room
from driftreview.domain.schedule import closes_at
from driftreview.domain.status import bounded, finished, moved, said
from driftreview.domain.steps import next_step

MOST_RETAKEN: Final = 4
MOST_EXTENDED: Final = 4
MOST_LOOKS: Final = 16
LONGEST_WINDOW: Final = timedelta(days=90)
"""What people may extend a rollback window to."""
OF_ANOTHER: Final = "it is for an earlier review of this name"
"""Why an act does not count that names another UID."""
_SINCE_T0: Final = frozenset(
    {
        ConditionType.BASELINE_CAPTURED,
        ConditionType.GUARDED,
        ConditionType.ROLLBACK_POSSIBLE,
        ConditionType.APPROVED,
        ConditionType.DECISION_DUE,
        ConditionType.NEW_REVISION_REFUSED,
    }
)
"""Conditions that are about one T0."""
_TOO_EARLY: Final = "no revision was judged yet: give it again after T0"
_MESSAGE: Final = 120
_FIRST: Final = {ApprovalType.REJECT: 0, ApprovalType.REBASELINE: 1, ApprovalType.EXTEND: 2}
"""Of acts that are seen together: what takes the release back is never too late for what was seen with it."""


def extended(review: DriftReview) -> DriftReview:
    """The review with the window that its checkpoints have by now; doing it twice changes nothing."""
    window, names = review.spec.window, added(review)
    if not names:
        return review
    window = window.model_copy(update={"checkpoints": [*window.checkpoints, *names], "rollback": names[-1]})
    return review.model_copy(update={"spec": review.spec.model_copy(update={"window": window})})


def added(review: DriftReview) -> tuple[str, ...]:
    """Names of the checkpoints that people added to the declared ones."""
    rows = [each.name for each in review.status.checkpoints if not each.guard]
    return tuple(rows[len(review.spec.window.checkpoints) :])


def extensions(status: DriftReviewStatus) -> int:
    """How many checkpoints people added."""
    return len(counted(status, ApprovalType.EXTEND))


def retaken_at(status: DriftReviewStatus) -> datetime | None:
    """When a person last asked for T0 to be taken anew, or another revision in the chain was seen."""
    asked = [each.at for each in counted(status, ApprovalType.REBASELINE)]
    seen = [each.until for each in status.chain.revisions] if status.chain is not None else []
    return max([*asked, *seen], default=None)


def may_retake(status: DriftReviewStatus) -> bool:
    """Whether T0 may still be taken anew: nothing was judged or decided."""
    untouched = status.decision is None and status.act is None
    return untouched and not any(each.verdict is not None for each in status.checkpoints)


def noted(review: DriftReview, observed: Iterable[DriftApproval], now: datetime) -> DriftReviewStatus | None:
    """Write down what people did since, with what moves T0 or the window's end; None if there is nothing new.

    Args:
        review: as stored; it has not ended.
        observed: every DriftApproval that names it, in any order, any of them more than once.
        now: the time.
    """
    status = review.status
    known = {each.uid for each in status.approvals}
    fresh = {each.metadata.uid: each for each in observed if each.metadata.uid not in known}
    after, room = status, Room()
    for each in sorted(fresh.values(), key=lambda one: (_FIRST.get(one.spec.type, len(_FIRST)), *_age(one, now))):
        after = _written_down(review, after, each, now, room)
    after = after.model_copy(update={"approvals": counting(review, after, now)})
    return None if after == status else finished(review, bounded(after))


def _age(approval: DriftApproval, now: datetime) -> tuple[datetime, str]:
    return approval.metadata.creation_timestamp or now, approval.metadata.uid


def _written_down(
    review: DriftReview, status: DriftReviewStatus, approval: DriftApproval, now: datetime, room: Room
) -> DriftReviewStatus:
    ours = approval.spec.review_ref.uid == review.metadata.uid
    why = _why_not(review, status, approval, now) if ours else OF_ANOTHER
    record = as_recorded(approval, now, status.judged.name if status.judged is not None and ours else "", why)
    records = sorted([*status.approvals, record], key=lambda each: (each.at, each.uid))
    records = counting(review, status.model_copy(update={"approvals": records}), now)  # one given twice counts once
    if not room.is_there_for(next(each for each in records if each.uid == record.uid), records):
        return status
    with_it = status.model_copy(update={"approvals": records})
    if record.counted and record.type is ApprovalType.EXTEND:
        return _longer(review, with_it, record)
    if record.counted and record.type is ApprovalType.REBASELINE:
        return _retaken(with_it, record, now)
    return with_it


def as_recorded(approval: DriftApproval, now: datetime, revision: str = "", why: str = "") -> ApprovalRecord:
    """What a review remembers of an act.

    Args:
        approval: the act.
        now: when it was done, where the cluster does not say that.
        revision: which it is about.
        why: nothing follows from it; empty if something does.
    """
    spec = approval.spec
    return ApprovalRecord(
        type=spec.type,
        by=spec.by,
        at=_age(approval, now)[0],
        name=approval.metadata.name,
        uid=approval.metadata.uid,
        revision=revision,
        item=spec.item,
        for_=spec.for_,
        message=printable(spec.message or "", _MESSAGE)[: _MESSAGE + 1],
        counted=not why,
        why=why[:MOST_WORDS],
    )


def stops_promotion(act: Act | None, given: ApprovalType) -> bool:
    """Whether what is left of a promotion that was begun is not done any more because of what a person does."""
    promotes = act is not None and act.type is ActType.PROMOTE and next_step(act) is not None
    return promotes and given is ApprovalType.REJECT


def _too_late(act: Act, given: ApprovalType) -> str:
    """What follows from an act of a person once the operator has begun its own."""
    end = "; no further workload is given the release" if stops_promotion(act, given) else ""
    return f"{act.type} was decided at {said(act.intent_at)}{end}"


def _why_not(review: DriftReview, status: DriftReviewStatus, approval: DriftApproval, now: datetime) -> str:
    """Why nothing follows from an act; empty if something may."""
    spec = approval.spec
    if spec.type is ApprovalType.NOTE:
        return ""
    if status.judged is None or status.t0 is None or status.act is not None:
        return _too_late(status.act, spec.type) if status.act is not None else _TOO_EARLY
    rejected = rejection(status)
    match spec.type:
        case ApprovalType.REJECT:
            return f"{rejected.by} rejected it before" if rejected else ""
        case ApprovalType.REBASELINE | ApprovalType.EXTEND | ApprovalType.OVERRIDE if rejected:
            return f"{rejected.by} rejected it"
        case ApprovalType.OVERRIDE:
            return why_not_overridden(review, status, now)
        case ApprovalType.REBASELINE:
            return _why_not_retaken(status)
        case ApprovalType.EXTEND:
            return _why_not_longer(review, status, spec.for_ or "0s", now)
    return ""


def _why_not_retaken(status: DriftReviewStatus) -> str:
    if not may_retake(status):
        return "the first look was judged, and T0 stays: delete this review and apply a new one"
    if (status.retaken or 0) >= MOST_RETAKEN:
        return f"T0 was taken anew {MOST_RETAKEN} times: delete this review and apply a new one"
    return ""


def _why_not_longer(review: DriftReview, status: DriftReviewStatus, by: str, now: datetime) -> str:
    window = _window_of(review, status)
    if status.decision is not None:
        return f"the review was decided at {said(status.decision.at)}"
    if status.t0 is not None and now > closes_at(window, status.t0):
        return "the rollback window has closed"
    if extensions(status) >= MOST_EXTENDED or len(status.checkpoints) >= MOST_LOOKS:
        return f"a review is extended {MOST_EXTENDED} times and has {MOST_LOOKS} checkpoints at most"
    if parse_duration(window.rollback) + parse_duration(by) > LONGEST_WINDOW:
        return f"a rollback window is extended to {LONGEST_WINDOW.days}d at most"
    return ""


def _longer(review: DriftReview, status: DriftReviewStatus, record: ApprovalRecord) -> DriftReviewStatus:
    """One more last checkpoint, at the end of the longer rollback window; those that are there stay where they are."""
    if status.t0 is None or record.for_ is None:
        return status
    offset = parse_duration(_window_of(review, status).rollback) + parse_duration(record.for_)
    added = Checkpoint(name=_spelled(offset), due=status.t0 + offset)
    return status.model_copy(update={"checkpoints": [*status.checkpoints, added]})


def _window_of(review: DriftReview, status: DriftReviewStatus) -> Window:
    return extended(review.model_copy(update={"status": status})).spec.window


def _spelled(offset: timedelta) -> str:
    """An offset as checkpoints are named: 72h, 90m."""
    seconds = offset // timedelta(seconds=1)
    hours, minutes = seconds // 3600, seconds // 60
    return f"{hours}h" if not seconds % 3600 else f"{minutes}m" if not seconds % 60 else exact_duration(offset)


def _retaken(status: DriftReviewStatus, record: ApprovalRecord, now: datetime) -> DriftReviewStatus:
    """T0 is taken anew because a person asked for it."""
    summary = f"T0 is taken anew for what runs now, as {record.by} asked: {record.message}"
    return moved(before_t0(status), Phase.PENDING, Reason.WAITING_FOR_T0, summary, now)


def before_t0(status: DriftReviewStatus) -> DriftReviewStatus:
    """Back to before T0: only what people did, and the link to the evidence there was, is kept."""
    void = {"counted": False, "why": "T0 was taken anew after it"}
    return status.model_copy(
        update={
            **dict.fromkeys(("t0", "target", "judged", "previous", "baseline", "verdict", "rollback"), None),
            **dict.fromkeys(("decision", "next_checkpoint", "freeze", "guarded_until"), None),
            "checkpoints": [],
            "members": [Member(kind=each.kind, name=each.name, kept=each.kept) for each in status.members],
            "retaken": (status.retaken or 0) + 1,
            "earlier": status.baseline or status.earlier,
            "conditions": [each for each in status.conditions if each.type not in _SINCE_T0],
            "approvals": [
                each.model_copy(update=void) if each.type is ApprovalType.EXTEND and each.counted else each
                for each in status.approvals
            ],
        }
    )

"""Holds what a review remembers of people's acts against their DriftApprovals, and what followed against it.

An act whose object was deleted in the cluster stays recorded and counts; one that came after the end, that waits, or
for which there was no room is not recorded. Neither is a difference: both are said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from driftreview.api.approval import ApprovalRecord, ApprovalType, DriftApproval
from driftreview.api.base import format_time
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import TERMINAL, ConditionType
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.api.verdicts import Recommendation
from driftreview.domain.approvals import OF_ANOTHER, added, as_recorded, extensions
from driftreview.domain.conclusion import MOST_NAMES
from driftreview.domain.consent import MOST_WORDS, counted
from driftreview.domain.difference import NONE, Difference
from driftreview.domain.display import shorten, some
from driftreview.domain.heard import HEARD, MOST_KEPT
from driftreview.domain.room import Room
from driftreview.domain.status import condition

SEEN_WITHIN: Final = timedelta(minutes=1)
"""After this an act was seen by an operator that runs: it looks at each review once a minute."""
MOST_NAMED: Final = 10
"""Acts that are named; beyond these their number: who may create them shall not fill a report."""
DECIDING: Final = {
    Reason.REJECTED: ApprovalType.REJECT,
    Reason.APPROVED: ApprovalType.APPROVE,
    Reason.OVERRIDDEN: ApprovalType.OVERRIDE,
}
"""By acts of which type people decided, by the decision's reason."""
_SAME: Final = ("type", "by", "at", "name", "item", "for_", "message")


def deleted(review: DriftReview, approvals: Sequence[DriftApproval]) -> list[ApprovalRecord]:
    """The recorded acts on this very review whose DriftApproval is not there any more."""
    there = {each.metadata.uid for each in approvals}
    return [each for each in review.status.approvals if each.uid not in there and each.why != OF_ANOTHER]


def unrecorded(review: DriftReview, approvals: Sequence[DriftApproval]) -> list[DriftApproval]:
    """The DriftApprovals that the review does not remember, by name."""
    known = {each.uid for each in review.status.approvals}
    return sorted((each for each in approvals if each.metadata.uid not in known), key=lambda each: each.metadata.name)


def remarks(review: DriftReview, approvals: Sequence[DriftApproval]) -> Iterator[str]:
    """What is to be said of acts of which there is only the record, or none."""
    if gone := deleted(review, approvals):
        acts = some([f"{each.name} ({each.type} by {each.by})" for each in gone], MOST_NAMED)
        yield f"recorded, but nothing proves it, as there is no such object any more: DriftApproval {acts}"
    if more := unrecorded(review, approvals):
        acts = some([f"{each.metadata.name} ({each.spec.type} by {each.spec.by})" for each in more], MOST_NAMED)
        why = "it came after the end, waits to be seen, or there was no room for it"
        why += f"; beyond {MOST_KEPT} the operator counts none" if len(approvals) >= HEARD else ""
        yield f"not recorded, and nothing followed from it: DriftApproval {acts}; {why}"


def by_people(review: DriftReview, approvals: Sequence[DriftApproval]) -> Iterator[Difference]:
    """Every place where the records do not agree with the acts, or what followed with the records."""
    acts = {each.metadata.uid: each for each in approvals}
    for each in approvals:
        uid = each.spec.review_ref.uid
        if uid != review.metadata.uid:
            yield Difference(f"approvals/{each.metadata.name}: spec.reviewRef.uid", uid, review.metadata.uid)
    for record in review.status.approvals:
        if (act := acts.get(record.uid)) is not None:
            yield from _altered(record, act)
    room = Room()
    for each in unrecorded(review, approvals):
        if _was_seen(review, each, room):
            yield Difference("status.approvals", NONE, f"{each.spec.type} by {each.spec.by} ({each.metadata.name})")
    yield from _followed(review)


def _altered(record: ApprovalRecord, act: DriftApproval) -> Iterator[Difference]:
    found = as_recorded(act, record.at)
    for field in _SAME:
        old, new = (getattr(each, field) for each in (record, found))
        if old != new:
            path = f"status.approvals[{record.name}].{field.rstrip('_')}"
            yield Difference(path, str(old or NONE), str(new or NONE))


def _was_seen(review: DriftReview, act: DriftApproval, room: Room) -> bool:
    """Whether an act must have been written down: the review ended well after it, and had room for it."""
    status, created = review.status, act.metadata.creation_timestamp
    ended = _ended_at(status)
    if ended is None or created is None or review.spec.suspend or created + SEEN_WITHIN > ended:
        return False
    records = [as_recorded(act, created, why=why) for why in ("", "?" * MOST_WORDS)]
    return all(room.is_there_for(each, status.approvals) for each in records)


def _ended_at(status: DriftReviewStatus) -> datetime | None:
    said = condition(status, ConditionType.RECONCILING)
    return said.last_transition_time if said is not None and status.phase in TERMINAL else None


def _followed(review: DriftReview) -> Iterator[Difference]:
    """Whether what only people may bring about was brought about by acts that count."""
    status, decision = review.status, review.status.decision
    retaken = len(counted(status, ApprovalType.REBASELINE))
    followed = len(status.chain.revisions) if status.chain is not None else 0
    for path, times, acts, kind in (
        ("status.retaken", (status.retaken or 0) - followed, retaken, ApprovalType.REBASELINE),
        ("status.checkpoints", len(added(review)), extensions(status), ApprovalType.EXTEND),
    ):
        if times != acts:
            yield Difference(path, f"{times} by people", f"{acts} by {kind}")
    if decision is None or decision.reason not in DECIDING:
        return
    what = Recommendation.REJECT if decision.reason is Reason.REJECTED else Recommendation.APPROVE
    who = counted(status, DECIDING[decision.reason])
    who = who if decision.reason is Reason.APPROVED else who[:1]
    by = shorten(", ".join(each.by for each in who), MOST_NAMES)
    if (decision.recommendation, decision.by) != (what, by):
        stored = f"{decision.recommendation} by {decision.by}"
        yield Difference("status.decision", stored, f"{what} by {by or 'nobody'}")
    latest = max((each.at for each in who), default=decision.at)
    if decision.at < latest:
        yield Difference("status.decision.at", format_time(decision.at), f"not before {format_time(latest)}")

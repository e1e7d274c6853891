"""What an act rests on: whoever acts recomputes the hash of that evidence, and takes nobody's word for it."""

from __future__ import annotations

from typing import Final

from driftreview.api.approval import ApprovalType
from driftreview.api.checkpoint import Checkpoint
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.conclusion import BY_INCONCLUSIVE, BY_PEOPLE, BY_WINDOW_END, decided_by

_GIVEN: Final = {
    Reason.APPROVED: ApprovalType.APPROVE,
    Reason.OVERRIDDEN: ApprovalType.OVERRIDE,
    Reason.REJECTED: ApprovalType.REJECT,
}
"""What people give for their decision to be one."""


def rests_on(status: DriftReviewStatus) -> Checkpoint | None:
    """The look that the decision follows from; None where people decided, or the end of the window."""
    decision, last = status.decision, len(status.checkpoints) - 1
    if decision is None:
        return None
    if decision.by == BY_INCONCLUSIVE:
        return status.checkpoints[last]
    looks = ((row, decided_by(row, last=index == last)) for index, row in enumerate(status.checkpoints))
    return next((row for row, found in looks if found is not None and found.by == decision.by), None)


def is_grounded(status: DriftReviewStatus) -> bool:
    """Whether what a decision claims to follow from is there: a judged look, a person's act, or the window's end."""
    decision = status.decision
    if decision is None:
        return False
    if (given := _GIVEN.get(decision.reason)) is not None:
        return any(each.type is given and each.counted for each in status.approvals)
    return decision.reason in BY_PEOPLE or decision.by == BY_WINDOW_END or rests_on(status) is not None

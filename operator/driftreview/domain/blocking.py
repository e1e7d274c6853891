"""Whether policy.onNewRevision: Block holds: what the API server says to another pod template, tried without doing it.

The policy that refuses it is installed apart. It may be away, only warn, or be bound to other namespaces; to read it
would tell what somebody wrote, and a try tells what happens. What could not be found out never looks good.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import TERMINAL, ConditionType
from driftreview.api.policy import OnNewRevision
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.display import fitted
from driftreview.domain.kinds import as_kubectl_says
from driftreview.domain.status import MOST_SAID, Truth, condition, with_condition, without_condition
from driftreview.domain.wayback import HINDERED, PAUSE

SAYS: Final = "(policy.onNewRevision: Block)"
"""What every refusal of charts/driftreview/block.yaml says."""
_REFUSED: Final = "another pod template was refused when it was last tried (a dry run, at least every ten minutes)"
_APPLY: Final = (
    ": have charts/driftreview/block.yaml applied, with the validationActions [Deny] in its binding and this namespace "
    "among those it is for"
)
_NOT_HEARD: Final = "it lets one pass so far, but may not have heard of T0 yet: it is tried again"
_SUSPENDED: Final = "spec.suspend is true: another pod template is not refused while it is"


@dataclass(frozen=True)
class Tried:
    """What the API server said to another pod template."""

    at: datetime
    refused: bool | None
    """By the policy of Block; None: that could not be found out."""
    message: str = ""
    """Why not."""
    often: int = 1
    """How often it was tried since it should be refused."""


def blocks(review: DriftReview, now: datetime) -> bool:
    """Whether another pod template is to be refused now, as charts/driftreview/block.yaml has it."""
    return _may_block(review, now) and not review.spec.suspend


def _may_block(review: DriftReview, now: datetime) -> bool:
    status = review.status
    if review.spec.policy.on_new_revision is not OnNewRevision.BLOCK or status.t0 is None or status.rollback is None:
        return False
    return status.act is None and status.phase not in TERMINAL and now <= status.rollback.closes_at


def due(last: Tried, now: datetime) -> bool:
    """Whether to try it again, which is as often as the way back is looked at."""
    return now >= last.at + (PAUSE if last.refused else HINDERED)


def with_block(review: DriftReview, status: DriftReviewStatus, tried: Tried | None, now: datetime) -> DriftReviewStatus:
    """Say whether another pod template is refused, as long as it should be; what was not tried stays as it was said."""
    kind = ConditionType.NEW_REVISION_REFUSED
    if not _may_block(review, now):
        return without_condition(status, kind)
    if review.spec.suspend:
        return with_condition(status, kind, "False", Reason.SUSPENDED, _SUSPENDED, now)
    return status if tried is None else with_condition(status, kind, *_told(review, status, tried), now)


def _told(review: DriftReview, status: DriftReviewStatus, tried: Tried) -> tuple[Truth, Reason, str]:
    known = condition(status, ConditionType.NEW_REVISION_REFUSED)
    if tried.refused:
        return "True", Reason.BLOCKED, _REFUSED
    if tried.refused is None:
        return "Unknown", Reason.NOT_TRIED, _not_known(review, tried.message)
    if tried.often == 1 and (known is None or known.reason != Reason.NOT_BLOCKED):
        return "Unknown", Reason.NOT_TRIED, _not_known(review, _NOT_HEARD)
    if _runs_the_previous_images(status):
        why = "what runs has the images of the previous revision, and going back to these is never refused"
        return "False", Reason.NOT_BLOCKED, f"another pod template with these images would pass: {why}"
    return "False", Reason.NOT_BLOCKED, f"another pod template would pass, and end this review{_APPLY}"


def _not_known(review: DriftReview, why: str) -> str:
    target = f"{as_kubectl_says(review.spec.target)} -n {review.metadata.namespace}"
    by_hand = f"; by hand: `kubectl set env {target} TRIED=1 --dry-run=server` must be refused"
    return fitted(f"whether the API server refuses another pod template is not known: {why}", by_hand, MOST_SAID)


def _runs_the_previous_images(status: DriftReviewStatus) -> bool:
    judged, previous = status.judged, status.previous
    return judged is not None and previous is not None and all(each in previous.images for each in judged.images)

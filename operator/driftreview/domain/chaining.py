"""policy.onNewRevision: Chain: a review goes on with another revision, so that 3% per release cannot hide.

T0, looks and window begin anew with each revision. What they are compared with and go back to is that of the first one,
which `status.chain` keeps and the API server guards.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import ConditionType, Phase
from driftreview.api.policy import OnNewRevision
from driftreview.api.reasons import Reason
from driftreview.api.status import Chain, ChainedRevision, DriftReviewStatus
from driftreview.api.verdicts import Recommendation
from driftreview.domain.approvals import MOST_RETAKEN, before_t0
from driftreview.domain.consent import override, rejection
from driftreview.domain.display import shorten
from driftreview.domain.owner import who_applied
from driftreview.domain.schedule import whole_seconds
from driftreview.domain.status import finished, moved, said, with_condition
from driftreview.domain.workload import TargetView

_MOST_BY: Final = 256


def as_chained(status: DriftReviewStatus, target: TargetView) -> TargetView:
    """The target as a chain sees it: what ran before its release is what ran before the first one."""
    chain = status.chain
    return target if chain is None else replace(target, previous=chain.previous, is_first=chain.first_release is True)


def why_not_chained(review: DriftReview) -> str | None:
    """Why a review ends with the revision it judges; empty if it goes on with another, None if it never would."""
    status = review.status
    if review.spec.policy.on_new_revision is not OnNewRevision.CHAIN:
        return None
    if status.act is not None:
        return f"its {status.act.type} has begun"
    if (person := rejection(status) or override(status)) is not None:
        return f"there is a {person.type} of {person.by}"
    if status.decision is not None and status.decision.recommendation is Recommendation.REJECT:
        return f"{status.decision.by} rejected it"
    times = status.retaken or 0
    return f"T0 was taken anew {times} times, and is no more often" if times >= MOST_RETAKEN else ""


def chained(review: DriftReview, target: TargetView, now: datetime) -> DriftReviewStatus | None:
    """The review, back to before its T0, for the revision that runs now; None if none was judged."""
    status = review.status
    if status.t0 is None or status.judged is None or status.target is None:
        return None
    last = ChainedRevision(
        name=status.judged.name,
        template_hash=status.judged.template_hash,
        t0=status.t0,
        until=whole_seconds(now),
        followed_by=shorten(who_applied(target.edited, target.owner), _MOST_BY),
    )
    chain = status.chain or Chain(
        target_uid=status.target.uid,
        history_ends_at=status.target.history_ends_at,
        previous=status.previous,
        first_release=status.target.first_release,
        revisions=[last],
    )
    if status.chain is not None:
        chain = chain.model_copy(update={"revisions": [*chain.revisions, last]})
    status = before_t0(status).model_copy(update={"chain": chain})
    status = with_chain(status, target, now)
    summary = f"T0 is taken anew: {told(status, target)}"
    return finished(review, moved(status, Phase.PENDING, Reason.WAITING_FOR_T0, summary, now))


def with_chain(status: DriftReviewStatus, target: TargetView, now: datetime) -> DriftReviewStatus:
    """Say until T0 is frozen, and with its evidence from then on, in whose place a revision is judged."""
    message = told(status, target)
    if not message:
        return status
    return with_condition(status, ConditionType.BASELINE_CAPTURED, "False", Reason.CAPTURING, message, now)


def told(status: DriftReviewStatus, target: TargetView) -> str:
    """In whose place what runs now is judged; empty if in nobody's."""
    chain = status.chain
    if chain is None:
        return ""
    runs = target.current.name if target.current is not None else "another pod template"
    places = ", ".join(f"{each.name} (T0 {said(each.t0)})" for each in reversed(chain.revisions))
    back = f"goes back to {chain.previous.name}" if chain.previous is not None else "can go back to nothing"
    return (
        f"{runs} was applied {who_applied(target.edited, target.owner)}, in place of {places}; as before it is "
        f"compared with what ran until {said(chain.history_ends_at)} and {back} (policy.onNewRevision is Chain)"
    )


def retaken_for(status: DriftReviewStatus) -> str:
    """Why T0 was taken anew, in a word or two; empty if it was not."""
    followed = len(status.chain.revisions) if status.chain is not None else 0
    asked = (status.retaken or 0) - followed
    return " and ".join(filter(None, ("by people" if asked else "", "for another revision" if followed else "")))

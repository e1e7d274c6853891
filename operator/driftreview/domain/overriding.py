"""Override: one person with a right of its own promotes what waits for people or for the end of a freeze."""

from __future__ import annotations

from datetime import datetime

from driftreview.api.act import ActType
from driftreview.api.driftreview import DriftReview
from driftreview.api.policy import PolicyMode
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.conclusion import BY_WINDOW_END, act_on
from driftreview.domain.consent import override
from driftreview.domain.status import said


def why_not_overridden(review: DriftReview, status: DriftReviewStatus, now: datetime) -> str:
    """Why nothing follows from an Override; empty if the release is promoted for it.

    It skips no look, and it neither stops nor undoes a way back: there must be a decision, and time left before the
    last safe moment, from when on what is undecided is ruled by the policy.
    """
    policy, decision = review.spec.policy, status.decision
    if policy.mode is not PolicyMode.ENFORCE:
        return f"policy.mode is {policy.mode}: the operator promotes nothing"
    if decision is None:
        return "nothing is decided yet, and an Override skips no look: give it after the decision"
    if (before := override(status)) is not None:
        return f"{before.by} overrode it before"
    if act_on(policy, decision) is ActType.ROLL_BACK or decision.by == BY_WINDOW_END:
        return f"{decision.recommendation} by {decision.by} is carried out already, and is not overridden"
    if status.rollback is not None and now >= status.rollback.last_safe_moment:
        return f"the last safe moment was at {said(status.rollback.last_safe_moment)}: policy.onWindowEnd has ruled"
    return ""

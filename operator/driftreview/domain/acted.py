"""An act that was carried out: the end of its review, and how that is told."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import Phase
from driftreview.api.policy import OnDrift
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.api.verdicts import Recommendation
from driftreview.domain import schedule
from driftreview.domain.conclusion import BY_PEOPLE
from driftreview.domain.display import fitted
from driftreview.domain.follow import NOBODY
from driftreview.domain.pausing import how_paused, how_to_unpause
from driftreview.domain.recovery import since_then
from driftreview.domain.status import finished, moved
from driftreview.domain.steps import told_steps
from driftreview.domain.ways import went_back_to

_MOST_AFTER: Final = 384
"""Characters of what came after a rollback, in the sentence of why it was done."""


def acted(review: DriftReview, status: DriftReviewStatus, phase: Phase, now: datetime) -> DriftReviewStatus:
    """The act is done, and was seen to be."""
    moment = schedule.whole_seconds(now)
    if status.act is not None:
        done = {"applied_at": status.act.applied_at or moment, "completed_at": moment}
        status = status.model_copy(update={"act": status.act.model_copy(update=done)})
    return finished(review, moved(status, phase, *outcome(review, status, phase), now))


def outcome(review: DriftReview, status: DriftReviewStatus, phase: Phase) -> tuple[Reason, str]:
    """Reason and sentence of an act that was carried out: Promoted or RolledBack."""
    decision = status.decision
    because = decision.message if decision else ""
    if phase is Phase.PROMOTED:
        name = status.judged.name if status.judged else "the judged revision"
        return _why(status, Reason.SIGNALS_PASSED), f"{name} is approved{told_steps(status.act)}: {because}"
    left = decision is not None and decision.recommendation is Recommendation.REJECT
    by_people = decision is not None and decision.reason in BY_PEOPLE
    unanswered = left and not by_people and review.spec.policy.on_drift is OnDrift.HOLD
    by = f" {status.act.by}" if status.act is not None and status.act.by else ""
    message = f"rolled back to {went_back_to(status)}{by}: {because}"
    message += f"; {NOBODY}" if unanswered else ""
    after = fitted(since_then(status), _paused(review, status), _MOST_AFTER)
    return _why(status, Reason.SIGNAL_DEGRADED), fitted(message, after)


def _paused(review: DriftReview, status: DriftReviewStatus) -> str:
    """What was paused for a rollback, and how people take that back; at the end, to be copied."""
    act, target = status.act, review.spec.target
    if act is None or act.pause is None:
        return ""
    how = how_to_unpause(act.pause, f"{target.kind.lower()}/{target.name}")
    return f"; what owns it {how_paused(act.pause)}: to take that back, run: {how}"


def _why(status: DriftReviewStatus, on_evidence: Reason) -> Reason:
    """An act follows from evidence, from what people say, or from the policy where there is not enough of either."""
    decision = status.decision
    if decision is not None and decision.reason in BY_PEOPLE:
        return decision.reason
    decided = decision is not None and decision.recommendation is not Recommendation.INCONCLUSIVE
    return on_evidence if decided else Reason.POLICY

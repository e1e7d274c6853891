"""What follows an approval: a paused rollout goes on, and further workloads are given the release, in turn."""

from __future__ import annotations

from datetime import datetime, timedelta

from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import Phase
from driftreview.api.reasons import Reason
from driftreview.api.rollout import RolloutType
from driftreview.api.status import DriftReviewStatus
from driftreview.api.values import format_duration
from driftreview.domain.acted import acted
from driftreview.domain.action import DEADLINE_SLACK, FOLLOW, Action, Observed, Settle
from driftreview.domain.display import fitted
from driftreview.domain.status import finished, moved
from driftreview.domain.stepping import applied, see_step
from driftreview.domain.steps import next_step, told_steps
from driftreview.domain.workload import Rollout, TargetView


def see_through(review: DriftReview, status: DriftReviewStatus, observed: Observed, now: datetime) -> Action:
    """The target is approved: follow its rollout where that was paused, then do what is left, and end."""
    act, target = status.act, observed.target
    if act is None or target is None:
        return Settle(status, now + FOLLOW)
    index = next_step(act)
    if index in (None, 0) and review.spec.rollout.type is RolloutType.PAUSED and target.rollout is not Rollout.COMPLETE:
        return _resumed(review, applied(status, act, now), target, now)
    if index is None:
        return Settle(acted(review, status, Phase.PROMOTED, now), None)
    return see_step(review, status, index, observed.step, now)


def _resumed(review: DriftReview, status: DriftReviewStatus, target: TargetView, now: datetime) -> Settle:
    """The rollout that was paused goes on."""
    act = status.act
    resumed = act.applied_at if act and act.applied_at else now
    since = max(resumed, target.scaled.at) if target.scaled else resumed  # then it has more pods to bring
    name = status.judged.name if status.judged else "the judged revision"
    late = now > since + timedelta(seconds=target.deadline_seconds) + DEADLINE_SLACK
    if target.rollout is Rollout.FAILED or late:
        message = fitted(
            f"{name} is approved and its rollout was resumed, but its pods were not all there after "
            f"{format_duration(now - since)}; seen then: {target.rollout_message}",
            f"{told_steps(act)}; finish it or take it back by hand",
        )
        return Settle(finished(review, moved(status, Phase.FAILED, Reason.PROMOTION_INCOMPLETE, message, now)), None)
    summary = f"the rollout of {name} goes on: {target.rollout_message}"
    return Settle(finished(review, moved(status, Phase.PROMOTING, Reason.ACTING, summary, now)), now + FOLLOW)

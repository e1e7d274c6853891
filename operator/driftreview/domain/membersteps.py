"""A workload beside the target as the workload of a step: it is approved or taken back, and then followed."""

from __future__ import annotations

from typing import Final

from driftreview.api.act import ActType
from driftreview.api.driftreview import DriftReview
from driftreview.api.values import parse_duration
from driftreview.domain.decide import hindered
from driftreview.domain.giving import StepView
from driftreview.domain.serving import Serving
from driftreview.domain.ways import is_done
from driftreview.domain.workload import Rollout, TargetView

_GONE: Final = "it is not there any more"


def as_step(review: DriftReview, target: TargetView | None, serving: Serving) -> StepView:
    """What is seen of it.

    Args:
        review: as it would be of this workload alone.
        target: the workload.
        serving: its pods, after it was taken back.
    """
    status = review.status
    if target is None or status.act is None or status.rollback is None:
        return StepView(hindrance=_GONE)
    rolls_back, done = status.act.type is ActType.ROLL_BACK, is_done(status, target)
    rollout, message = target.rollout, target.rollout_message
    if rolls_back and done:
        message = serving.said(status, target)
        rollout = Rollout.PROGRESSING if rollout is Rollout.COMPLETE and not serving.is_right else rollout
    # An approval changes no pod: whatever their state is, it was judged.
    rollout = rollout if rolls_back else Rollout.COMPLETE
    took = parse_duration(status.target.rollout_took) if status.target else None
    found = hindered(review, target, status.rollback.closes_at) if rolls_back and not done else None
    return StepView(
        uid=target.uid,
        given=done,
        rollout=rollout,
        message=message,
        deadline_seconds=max(target.deadline_seconds, int(2 * took.total_seconds()) if took else 0),
        hindrance=found[1] if found else "",
    )

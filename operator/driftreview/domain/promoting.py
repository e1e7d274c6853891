"""What follows an approval: a paused rollout goes on, and further workloads are given the release, in turn."""

from __future__ import annotations

from datetime import datetime, timedelta

from driftreview.api.act import Act
from driftreview.api.approval import ApprovalRecord, ApprovalType
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import Phase
from driftreview.api.reasons import Reason
from driftreview.api.rollout import RolloutType
from driftreview.api.status import DriftReviewStatus
from driftreview.api.values import format_duration
from driftreview.domain import schedule
from driftreview.domain.acted import acted
from driftreview.domain.action import DEADLINE_SLACK, FOLLOW, Action, Observed, Settle, TakeStep, brisk
from driftreview.domain.display import fitted, shorten
from driftreview.domain.freeze import freeze_at
from driftreview.domain.giving import StepView
from driftreview.domain.status import Stuck, finished, moved, said
from driftreview.domain.steps import STEPS, next_step, told_steps
from driftreview.domain.stop import stopped
from driftreview.domain.trouble import PATIENCE
from driftreview.domain.workload import Rollout, TargetView


def kept_back(review: DriftReview, status: DriftReviewStatus, now: datetime) -> tuple[Reason, str] | None:
    """Why nothing may be promoted now, target or further workload: acts are stopped, or there is a freeze."""
    if (stop := stopped(status)) is not None:
        return Reason.ACTS_STOPPED, stop.message
    freeze, overridden = freeze_at(review, now), status.decision and status.decision.reason is Reason.OVERRIDDEN
    return (Reason.FROZEN, f"promotions are frozen by {freeze.reason}") if freeze.closed and not overridden else None


def see_through(review: DriftReview, status: DriftReviewStatus, observed: Observed, now: datetime) -> Action:
    """The target is approved: follow its rollout where that was paused, then do what is left, and end."""
    act, target = status.act, observed.target
    if act is None or target is None:
        return Settle(status, now + FOLLOW)
    index = next_step(act)
    if index in (None, 0) and review.spec.rollout.type is RolloutType.PAUSED and target.rollout is not Rollout.COMPLETE:
        return _resumed(review, _applied(status, act, now), target, now)
    if index is None:
        return Settle(acted(review, status, Phase.PROMOTED, now), None)
    if act.applied_at is None:
        return Settle(_applied(status, act, now), now)
    if observed.step is None:
        return Settle(status, now + FOLLOW)
    return _step(review, status, index, observed.step, now)


def given(review: DriftReview, index: int, uid: str, now: datetime) -> DriftReviewStatus:
    """A workload was given the release: whatever became of that, it is not given it again."""
    return _ticked(review, review.status, index, {"applied_at": schedule.whole_seconds(now), "uid": uid}, now)


def _applied(status: DriftReviewStatus, act: Act, now: datetime) -> DriftReviewStatus:
    """The target's own change was seen: what follows counts from then."""
    seen = {"applied_at": act.applied_at or schedule.whole_seconds(now)}
    return status.model_copy(update={"act": act.model_copy(update=seen)})


def held_up(review: DriftReview, index: int, reason: Reason, why: str, now: datetime) -> Settle:
    """A step cannot be done now: it waits until the window closes, and for a while in any case."""
    status, act = review.status, review.status.act
    if act is None:
        return Settle(status, now + FOLLOW)
    if now > (until := waited_until(status, act, index, now)):
        return Settle(_incomplete(review, status, index, why, now), None)
    step = act.steps[index]
    text = fitted(f"{step} {STEPS[step.do]} as soon as it can be: {why}", f"; not after {said(until)}")
    stuck = Stuck(reason, text)
    waits = finished(review, moved(status, Phase.PROMOTING, reason, f"{_so_far(act, index)}: {text}", now, stuck))
    return Settle(waits, brisk(waits, now))


def _so_far(act: Act, index: int) -> str:
    return f"promoting, step {index + 1} of {len(act.steps)}"


def due_since(act: Act, index: int) -> datetime:
    """Since when a step is next."""
    before = act.steps[index - 1].completed_at if index else act.applied_at
    return before or act.intent_at


def waited_until(status: DriftReviewStatus, act: Act, index: int, now: datetime) -> datetime:
    """Until when a step that cannot be done is waited for: until the window closes, and for a while in any case."""
    closes = status.rollback.closes_at if status.rollback else now
    return max(closes, due_since(act, index) + PATIENCE)


def _resumed(review: DriftReview, status: DriftReviewStatus, target: TargetView, now: datetime) -> Settle:
    """The rollout that was paused goes on."""
    act = status.act
    resumed = act.applied_at if act and act.applied_at else now
    since = max(resumed, target.scaled.at) if target.scaled else resumed  # then it has more pods to bring
    name = status.judged.name if status.judged else "the judged revision"
    late = now > since + timedelta(seconds=target.deadline_seconds) + DEADLINE_SLACK
    if target.rollout is Rollout.FAILED or late:
        message = fitted(
            f"{name} is approved and its rollout was resumed, but its pods are not all there after "
            f"{format_duration(now - since)}: {target.rollout_message}",
            f"{told_steps(act)}; finish it or take it back by hand",
        )
        return Settle(finished(review, moved(status, Phase.FAILED, Reason.PROMOTION_INCOMPLETE, message, now)), None)
    summary = f"the rollout of {name} goes on: {target.rollout_message}"
    return Settle(finished(review, moved(status, Phase.PROMOTING, Reason.ACTING, summary, now)), now + FOLLOW)


def _step(review: DriftReview, status: DriftReviewStatus, index: int, view: StepView, now: datetime) -> Action:
    act = status.act
    if act is None:
        return Settle(status, now + FOLLOW)
    step = act.steps[index]
    if view.given and (step.applied_at is None or step.uid != view.uid):
        return Settle(given(_with(review, status), index, view.uid, now), now)
    if step.applied_at is not None:
        return _follow(review, status, index, view, now)
    if (rejected := _rejected(status, act)) is not None:
        return Settle(_incomplete(review, status, index, f"rejected by {rejected.by}: {rejected.message}", now), None)
    if (kept := kept_back(review, status, now)) is not None:
        return held_up(_with(review, status), index, *kept, now)
    if view.hindrance:
        return held_up(_with(review, status), index, Reason.STEP_WAITS, view.hindrance, now)
    return TakeStep(index)


def _rejected(status: DriftReviewStatus, act: Act) -> ApprovalRecord | None:
    """Who rejected the release after its promotion was begun: what is left of that is not done any more."""
    judged = status.judged.name if status.judged else ""
    late = (each for each in status.approvals if each.type is ApprovalType.REJECT and each.at >= act.intent_at)
    return next((each for each in late if each.revision == judged), None)


def _follow(review: DriftReview, status: DriftReviewStatus, index: int, view: StepView, now: datetime) -> Settle:
    """A workload was given the release: wait for its pods."""
    act = status.act
    if act is None or (since := act.steps[index].applied_at) is None:
        return Settle(status, now + FOLLOW)
    if not view.uid:
        return held_up(_with(review, status), index, Reason.STEP_WAITS, view.hindrance, now)
    if not view.given:
        why = view.hindrance or "somebody changed it again, or an admission webhook made something else of it"
        return Settle(_incomplete(review, status, index, why, now), None)
    if view.rollout is Rollout.COMPLETE:
        return Settle(_ticked(review, status, index, {"completed_at": schedule.whole_seconds(now)}, now), now)
    if view.rollout is Rollout.FAILED or now > since + timedelta(seconds=view.deadline_seconds) + DEADLINE_SLACK:
        why = f"its pods are not all there after {format_duration(now - since)}: {view.message}"
        return Settle(_incomplete(review, status, index, why, now), None)
    summary = f"{_so_far(act, index)}: {act.steps[index]}: {view.message}"
    return Settle(finished(review, moved(status, Phase.PROMOTING, Reason.ACTING, summary, now)), now + FOLLOW)


def _ticked(
    review: DriftReview, status: DriftReviewStatus, index: int, seen: dict[str, object], now: datetime
) -> DriftReviewStatus:
    act = status.act
    if act is None:
        return status
    steps = [each.model_copy(update=seen) if i == index else each for i, each in enumerate(act.steps)]
    status = status.model_copy(update={"act": act.model_copy(update={"steps": steps})})
    summary = f"{_so_far(act, index)}: {act.steps[index]}"
    return finished(review, moved(status, Phase.PROMOTING, Reason.ACTING, summary, now))


def _incomplete(
    review: DriftReview, status: DriftReviewStatus, index: int, why: str, now: datetime
) -> DriftReviewStatus:
    """A promotion that came only so far: nothing of it is taken back, and what is left is not begun."""
    act, name = status.act, status.judged.name if status.judged else "the judged revision"
    where = act.steps[index] if act else ""
    message = fitted(
        f"{name} is approved, but the promotion came only so far: {where}: {shorten(why)}",
        f"{told_steps(act)}; finish it or take it back by hand",
    )
    return finished(review, moved(status, Phase.FAILED, Reason.PROMOTION_INCOMPLETE, message, now))


def _with(review: DriftReview, status: DriftReviewStatus) -> DriftReview:
    return review.model_copy(update={"status": status})

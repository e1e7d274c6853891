"""The steps of an act, after the target's own change: each is done, and followed until the pods of its workload run.

Only then the next one is begun. What goes wrong ends the act there: nothing of it is undone, what is left is not begun.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from driftreview.api.act import Act, ActType
from driftreview.api.approval import ApprovalRecord, ApprovalType
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.api.values import format_duration
from driftreview.domain import schedule
from driftreview.domain.action import DEADLINE_SLACK, FOLLOW, Action, Settle, TakeStep, brisk
from driftreview.domain.display import fitted, shorten
from driftreview.domain.freeze import freeze_at
from driftreview.domain.giving import StepView
from driftreview.domain.status import Stuck, failed, finished, moved, said
from driftreview.domain.steps import ROLLING_BACK, does, told_steps
from driftreview.domain.stop import stopped
from driftreview.domain.trouble import PATIENCE
from driftreview.domain.ways import judged_names
from driftreview.domain.workload import Rollout


def kept_back(review: DriftReview, status: DriftReviewStatus, act: ActType, now: datetime) -> tuple[Reason, str] | None:
    """Why an act may not go on now: acts are stopped, or promotions are frozen."""
    if (stop := stopped(status)) is not None:
        return Reason.ACTS_STOPPED, stop.message
    freeze, overridden = freeze_at(review, now), status.decision and status.decision.reason is Reason.OVERRIDDEN
    if act is ActType.ROLL_BACK or overridden or not freeze.closed:
        return None
    return Reason.FROZEN, f"promotions are frozen by {freeze.reason}"


def see_step(
    review: DriftReview, status: DriftReviewStatus, index: int, view: StepView | None, now: datetime
) -> Action:
    """Do the next step of an act, or follow it."""
    act = status.act
    if act is None or view is None:
        return Settle(status, now + FOLLOW)
    if act.applied_at is None:
        return Settle(applied(status, act, now), now)
    step, review = act.steps[index], review.model_copy(update={"status": status})
    if view.given and (step.applied_at is None or step.uid != view.uid):
        return Settle(given(review, index, view.uid, now), now)
    if step.applied_at is not None:
        return _follow(review, index, step.applied_at, view, now)
    if (rejected := _rejected(status, act)) is not None:
        return _incomplete(review, index, f"rejected by {rejected.by}: {rejected.message}", now)
    if (kept := kept_back(review, status, act.type, now)) is not None:
        return held_up(review, index, *kept, now)
    if view.hindrance:
        return held_up(review, index, Reason.STEP_WAITS, view.hindrance, now)
    return TakeStep(index)


def applied(status: DriftReviewStatus, act: Act, now: datetime) -> DriftReviewStatus:
    """The target's own change was seen: what follows counts from then."""
    seen = {"applied_at": act.applied_at or schedule.whole_seconds(now)}
    return status.model_copy(update={"act": act.model_copy(update=seen)})


def given(review: DriftReview, index: int, uid: str, now: datetime) -> DriftReviewStatus:
    """A step was done: whatever became of that, it is not done again."""
    return _ticked(review, index, {"applied_at": schedule.whole_seconds(now), "uid": uid}, now)


def held_up(review: DriftReview, index: int, reason: Reason, why: str, now: datetime) -> Settle:
    """A step cannot be done now: it waits until the window closes, and for a while in any case."""
    status, act = review.status, review.status.act
    if act is None:
        return Settle(status, now + FOLLOW)
    if now > (until := waited_until(status, act, index, now)):
        return _incomplete(review, index, why, now)
    step = act.steps[index]
    text = fitted(f"{step} {does(step)} as soon as it can be: {why}", f"; not after {said(until)}")
    stuck = Stuck(reason, text)
    waits = finished(review, moved(status, _phase(act), reason, f"{_so_far(act, index)}: {text}", now, stuck))
    return Settle(waits, brisk(waits, now))


def _phase(act: Act) -> Phase:
    return Phase.PROMOTING if act.type is ActType.PROMOTE else Phase.ROLLING_BACK


def _so_far(act: Act, index: int) -> str:
    what = "promoting" if act.type is ActType.PROMOTE else ROLLING_BACK
    return f"{what}, step {index + 1} of {len(act.steps)}"


def due_since(act: Act, index: int) -> datetime:
    """Since when a step is next."""
    before = act.steps[index - 1].completed_at if index else act.applied_at
    return before or act.intent_at


def waited_until(status: DriftReviewStatus, act: Act, index: int, now: datetime) -> datetime:
    """Until when a step that cannot be done is waited for: until the window closes, and for a while in any case."""
    closes = status.rollback.closes_at if status.rollback else now
    return max(closes, due_since(act, index) + PATIENCE)


def waited_for(until: datetime) -> str:
    """Until when pods are waited for: a rollout that fails ends that."""
    return f"waited for until {said(until)} at the latest"


def _rejected(status: DriftReviewStatus, act: Act) -> ApprovalRecord | None:
    """Who rejected the release after its promotion was begun: what is left of that is not done any more."""
    judged = status.judged.name if status.judged else ""
    late = (each for each in status.approvals if each.type is ApprovalType.REJECT and each.at >= act.intent_at)
    return next((each for each in late if each.revision == judged and act.type is ActType.PROMOTE), None)


def _follow(review: DriftReview, index: int, since: datetime, view: StepView, now: datetime) -> Settle:
    """A step was done: wait for the pods of its workload."""
    status, act = review.status, review.status.act
    if act is None:
        return Settle(status, now + FOLLOW)
    if not view.uid:
        return held_up(review, index, Reason.STEP_WAITS, view.hindrance, now)
    if not view.given:
        why = view.hindrance or "somebody changed it again, or an admission webhook made something else of it"
        return _incomplete(review, index, why, now)
    if view.rollout is Rollout.COMPLETE:
        return Settle(_ticked(review, index, {"completed_at": schedule.whole_seconds(now)}, now), now)
    until = since + timedelta(seconds=view.deadline_seconds) + DEADLINE_SLACK
    if view.rollout is Rollout.FAILED or now > until:
        why = f"its pods were not all there after {format_duration(now - since)}; seen then: {view.message}"
        return _incomplete(review, index, why, now)
    summary = fitted(f"{_so_far(act, index)}: {act.steps[index]}: {view.message}", f"; {waited_for(until)}")
    return Settle(finished(review, moved(status, _phase(act), Reason.ACTING, summary, now)), now + FOLLOW)


def _ticked(review: DriftReview, index: int, seen: dict[str, object], now: datetime) -> DriftReviewStatus:
    status, act = review.status, review.status.act
    if act is None:
        return status
    steps = [each.model_copy(update=seen) if i == index else each for i, each in enumerate(act.steps)]
    status = status.model_copy(update={"act": act.model_copy(update={"steps": steps})})
    summary = f"{_so_far(act, index)}: {act.steps[index]}"
    return finished(review, moved(status, _phase(act), Reason.ACTING, summary, now))


def _incomplete(review: DriftReview, index: int, why: str, now: datetime) -> Settle:
    """An act that came only so far: nothing of it is undone, and what is left is not begun."""
    status, act = review.status, review.status.act
    if act is None:
        return Settle(status, now + FOLLOW)
    if act.type is ActType.PROMOTE:
        reason, what = Reason.PROMOTION_INCOMPLETE, f"{judged_names(status)} is approved, but the promotion"
        end = "finish it or take it back by hand"
    else:
        reason, what = Reason.ROLLBACK_INCOMPLETE, f"the rollback of {judged_names(status)}"
        end = "it is not tried again: finish it by hand, or roll all out again"
    so_far = f"{what} came only so far until {said(now)}: {act.steps[index]}: {shorten(why)}"
    text = fitted(so_far, f"{told_steps(act)}; {end}")
    return Settle(failed(review, status, reason, text, now), None if act.type is ActType.PROMOTE else now)

"""Carrying out the one act of a review: what is next between the stored intent and the verified outcome."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from driftreview.api.act import Act, ActType
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import TERMINAL, ConditionType, Phase
from driftreview.api.policy import PolicyMode
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.api.values import format_duration, parse_duration
from driftreview.api.verdicts import Recommendation
from driftreview.domain import schedule
from driftreview.domain.acted import acted
from driftreview.domain.action import DEADLINE_SLACK, FOLLOW, RESYNC, Action, Observed, PatchTarget, Settle, brisk
from driftreview.domain.aftermath import begun
from driftreview.domain.decide import with_rollback
from driftreview.domain.display import fitted, shorten
from driftreview.domain.grounds import is_grounded
from driftreview.domain.kinds import blocked, warnings_of
from driftreview.domain.others import is_taken_back
from driftreview.domain.owner import who_applied
from driftreview.domain.pausing import pause_first
from driftreview.domain.promoting import see_through
from driftreview.domain.status import Stuck, condition, failed, finished, held_up_by, moved, resumed, said
from driftreview.domain.stepping import due_since, kept_back, see_step, waited_for, waited_until
from driftreview.domain.steps import ROLLING_BACK, next_step, told_steps
from driftreview.domain.stop import stopped
from driftreview.domain.wayback import AWAITED, held_back
from driftreview.domain.ways import changed_by, empties, is_asked_for, is_back, is_done, resumes, went_back_to
from driftreview.domain.workload import Rollout, TargetView

ACTOR_SLACK: Final = timedelta(seconds=60)
"""How long an actor may take to begin what a judge decided before that is said."""
_ASKED_ANEW: Final = frozenset({Reason.NO_ACTOR, Reason.FROZEN})
"""What was said when it was so: whether it still is can be known without an actor."""
_FORGED: Final = "it was not written by the operator"
_NO_ACTOR: Final = "nobody has begun to carry it out"


def carry_out(review: DriftReview, observed: Observed, now: datetime) -> Action:
    """Do what was written as the intent, see that it was done, and end."""
    target = observed.target
    if target is None:
        return Settle(review.status, now + FOLLOW)
    status = resumed(with_rollback(review, review.status, target, now), now)
    if status.act is None or status.judged is None:
        return Settle(status, now + FOLLOW)
    if (problem := _groundless(review, status)) is not None:
        return Settle(finished(review, moved(status, Phase.FAILED, Reason.EVIDENCE_ALTERED, problem, now)), None)
    if status.act.type is ActType.PROMOTE:
        if not is_done(status, target):
            return _promote(review, status, now)
        return see_through(review, status, observed, now)
    if is_under_way(status, target):
        return _follow(review, status, target, observed, now)
    if status.act.applied_at is not None:
        back = _put_back(review, status, target, status.act.applied_at, now)
        return Settle(begun(review, back, target, now), now)
    return _roll_back(review, status, target, now)


def is_under_way(status: DriftReviewStatus, target: TargetView | None) -> bool:
    """Whether a rollback was done already, and only its rollout is to be followed."""
    if status.act is None or status.act.type is not ActType.ROLL_BACK or status.judged is None:
        return False
    return status.phase not in TERMINAL and target is not None and is_back(status, target)


def left_to_the_actor(review: DriftReview, now: datetime) -> Settle:
    """What a judge says of an act that another process is to do: nothing, unless nobody does it."""
    status, act = review.status, review.status.act
    stalled = condition(status, ConditionType.STALLED)
    says_why = stalled is not None and stalled.status == "True" and stalled.reason not in _ASKED_ANEW
    missed = _not_begun(review, status, act, now) if act is not None else None
    if act is None or missed is None:
        return Settle(status, now + RESYNC)
    what, since, until = missed
    if now > until + ACTOR_SLACK:
        message = fitted(f"{what}, but {_NO_ACTOR} before {said(until)}", f"{told_steps(act)}; decide by hand")
        ended = failed(review, status, Reason.NO_ACTOR, message, now)
        return Settle(ended, now if ended.aftermath is not None else None)
    if now < since + ACTOR_SLACK or says_why or _kept_back_lately(review, status, act, now):
        return Settle(status, now + RESYNC)
    message = f"{what}, but {_NO_ACTOR}: does the operator of role actor run, and watch here?"
    stuck = Stuck(Reason.NO_ACTOR, message)
    phase = status.phase or Phase.PENDING
    return Settle(finished(review, moved(status, phase, Reason.NO_ACTOR, message, now, stuck)), now + RESYNC)


def _not_begun(
    review: DriftReview, status: DriftReviewStatus, act: Act, now: datetime
) -> tuple[str, datetime, datetime] | None:
    """What of an act is next, since when, and until when that is waited for; None while something is under way."""
    if act.applied_at is None:
        return f"decided at {said(act.intent_at)}", act.intent_at, status.rollback.closes_at if status.rollback else now
    index = next_step(act)
    # Before its first step the target's own rollout is followed, and nothing tells since when that is over.
    followed = index == 0 and (resumes(review) or act.type is ActType.ROLL_BACK)
    if index is None or act.steps[index].applied_at is not None or followed:
        return None
    since = due_since(act, index)
    what = f"step {index + 1} of {len(act.steps)}, {act.steps[index]}, is next since {said(since)}"
    return what, since, waited_until(status, act, index, now)


def _kept_back_lately(review: DriftReview, status: DriftReviewStatus, act: Act, now: datetime) -> bool:
    """Whether an act may not go on, or might not until a moment ago: an actor that runs need not have seen the end."""
    return any(kept_back(review, status, act.type, each) is not None for each in (now, now - ACTOR_SLACK))


def _groundless(review: DriftReview, status: DriftReviewStatus) -> str | None:
    """Why the stored intent cannot be one of ours: an act needs a policy that allows it and a decision behind it."""
    if review.spec.policy.mode is not PolicyMode.ENFORCE:
        return f"the status holds an act, but policy.mode is {review.spec.policy.mode}: {_FORGED}"
    if status.decision is None or status.act is None or status.target is None:
        return f"the status holds an act without a decision: {_FORGED}"
    wrong = {ActType.PROMOTE: Recommendation.REJECT, ActType.ROLL_BACK: Recommendation.APPROVE}[status.act.type]
    if status.decision.recommendation is wrong or status.act.target_uid != status.target.uid:
        return f"the act in the status does not follow from its decision: {_FORGED}"
    if not is_grounded(status):
        return (
            f"the status holds an act, but nothing of what {status.decision.by} is said to have decided by: {_FORGED}"
        )
    if not is_asked_for(review, status.act):
        return f"the act in the status is not what spec.rollout asks for: {_FORGED}"
    return None


def _put_back(
    review: DriftReview, status: DriftReviewStatus, target: TargetView, applied: datetime, now: datetime
) -> DriftReviewStatus:
    """Somebody put the judged template back after our rollback: that is said, not fought."""
    name = status.judged.name if status.judged else "the judged revision"
    message = (
        f"the rollback of {name} at {said(applied)} was undone by somebody else: at {said(now)} it ran again, applied "
        f"{who_applied(changed_by(status.act, target), target.owner)}, and was not rolled back a second time; find "
        "what applied it and decide by hand"
    )
    return failed(review, status, Reason.ROLLBACK_INCOMPLETE, message, now)


def _promote(review: DriftReview, status: DriftReviewStatus, now: datetime) -> Action:
    """Mark the revision approved, unless acts were stopped or a freeze began since that was decided."""
    if (kept := kept_back(review, status, ActType.PROMOTE, now)) is None:
        return PatchTarget(ActType.PROMOTE)
    reason, why = kept
    closes = status.rollback.closes_at if status.rollback else now
    if now > closes:
        message = f"the promotion was not done before the window closed at {said(closes)}: {why}; decide by hand"
        return Settle(finished(review, moved(status, Phase.FAILED, Reason.WINDOW_CLOSED, message, now)), None)
    summary = f"promotion decided, but not done: {why}; it is done when that is over, not after {said(closes)}"
    waiting = finished(review, moved(status, Phase.PROMOTING, reason, summary, now, stopped(status)))
    return Settle(waiting, brisk(waiting, now))


def _roll_back(review: DriftReview, status: DriftReviewStatus, target: TargetView, now: datetime) -> Action:
    if status.rollback is not None and now > status.rollback.closes_at:
        message = (
            f"the decided rollback was not done before the window closed at {said(status.rollback.closes_at)}"
            f"{held_up_by(status)}, and is not done after it; decide by hand"
        )
        return Settle(finished(review, moved(status, Phase.FAILED, Reason.WINDOW_CLOSED, message, now)), None)
    owned = status.rollback is not None and status.rollback.reason is Reason.OWNED_BY_GIT
    if (stop := stopped(status)) is not None and not owned:
        until = f", not after {said(status.rollback.closes_at)}" if status.rollback else ""
        summary = f"rollback decided, but not begun: {stop.message}; it is done when acts go on{until}"
        waiting = finished(review, moved(status, Phase.ROLLING_BACK, Reason.ACTS_STOPPED, summary, now, stop))
        return Settle(waiting, brisk(waiting, now))
    if status.rollback is not None and status.rollback.reason in AWAITED:
        waits = _waiting(review, status, "decided, but not begun", status.rollback.reason, status.rollback.message, now)
        return Settle(waits, brisk(waits, now))
    return pause_first(review, status, target, now) or PatchTarget(ActType.ROLL_BACK)


def _waiting(
    review: DriftReview, status: DriftReviewStatus, how_far: str, reason: Reason, why: str, now: datetime
) -> DriftReviewStatus:
    summary = f"rollback {how_far}: {why}"
    return finished(review, moved(status, Phase.ROLLING_BACK, reason, summary, now, Stuck(reason, summary)))


def _follow(
    review: DriftReview, status: DriftReviewStatus, target: TargetView, observed: Observed, now: datetime
) -> Action:
    """The previous template is back: wait for its pods, for as long as its rollout may stand still and some.

    Then come the workloads that ship together with it, and once that was begun it is not waited for again.
    """
    serving = observed.serving
    index = next_step(status.act)
    begun_with = status.act is not None and any(each.applied_at for each in status.act.steps)
    if index is not None and begun_with:
        return see_step(review, status, index, observed.step, now)
    back, how_far = went_back_to(status), serving.said(status, target)
    if status.act is not None and status.act.applied_at is None:
        seen: dict[str, object] = {"applied_at": schedule.whole_seconds(now)}
        if status.act.by is None and not is_taken_back(status, target):
            seen["by"] = shorten(who_applied(changed_by(status.act, target), target.owner))
        applied = status.act.model_copy(update=seen)
        status = status.model_copy(update={"act": applied})
    if index is not None and target.rollout is Rollout.COMPLETE and serving.is_right:
        if review.status.act is None or review.status.act.applied_at is None:
            return Settle(finished(review, status), now)
        return see_step(review, status, index, observed.step, now)
    if begun_with or (target.rollout is Rollout.COMPLETE and serving.is_right):
        return Settle(begun(review, acted(review, status, Phase.ROLLED_BACK, now), target, now), now)
    if target.rollout is Rollout.PAUSED and target.held is not None:
        held, until = target.held, status.rollback.closes_at if status.rollback else None
        how_far = f"to {back} begun, but not finished"
        waits = _waiting(review, status, how_far, held.reason, held_back(held, until), now)
        return Settle(waits, brisk(waits, now))
    since = status.act.applied_at if status.act and status.act.applied_at else now
    took = parse_duration(status.target.rollout_took) if status.target else timedelta(0)
    patience = max(timedelta(seconds=target.deadline_seconds), 2 * took) + DEADLINE_SLACK
    until = since + patience
    if target.rollout is Rollout.FAILED or now > until:
        done, there = f"the template of {back} was put back at {said(since)}", "there"
        if empties(status.act):
            done, there = f"it was scaled to zero at {said(since)}", "gone"
        message = fitted(
            f"{done}, but its pods were not all {there} after {format_duration(now - since)}; seen then: {how_far}",
            f"; it is not tried again: mend what keeps the pods from running ({warnings_of(review)}"
            f"{blocked(review, target)}), or roll out by hand what is known to be good",
        )
        ended = failed(review, status, Reason.ROLLBACK_INCOMPLETE, message, now)
        return Settle(begun(review, ended, target, now), now)
    end = f"; {waited_for(until)}{blocked(review, target)}"
    summary = fitted(f"{ROLLING_BACK} to {back}: {how_far}", end)
    hangs = target.blocked_by and now > since + DEADLINE_SLACK
    stuck = Stuck(Reason.ROLLOUT_BLOCKED, summary) if hangs else None
    return Settle(finished(review, moved(status, Phase.ROLLING_BACK, Reason.ACTING, summary, now, stuck)), now + FOLLOW)

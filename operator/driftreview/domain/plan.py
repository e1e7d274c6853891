"""The one function that decides what happens next: `plan(review, observed, now) -> Action`.

Everything follows from the stored spec and status, what was observed of the target, and the time. It awaits nothing,
logs nothing, raises nothing for flow; killed and started again, it comes to the same action.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from driftreview.api.driftreview import BaselineFrom, DriftReview
from driftreview.api.driftsnapshot import Problem
from driftreview.api.reasons import TERMINAL, ConditionType, Phase, Reason, Recommendation
from driftreview.api.status import ActType, Checkpoint, DriftReviewStatus, TargetStatus
from driftreview.api.values import parse_duration
from driftreview.domain import schedule
from driftreview.domain.decide import rollback_due, window_ended, with_rollback
from driftreview.domain.status import Stuck, condition, finished, moved, said, with_condition
from driftreview.domain.workload import Rollout, TargetView

RESYNC: Final = timedelta(seconds=60)
"""How long at most nothing is looked at: a new revision or a deleted target is noticed by then."""
BRISK: Final = timedelta(seconds=10)
"""While something is expected to change without our being told: a rollout, a mended source."""
FOLLOW: Final = timedelta(seconds=2)
"""While our own act is carried out by the cluster."""


_GOES_ON: Final = {
    Reason.SUSPENDED: "goes on after spec.suspend was taken back",
    Reason.FORBIDDEN: "goes on after the missing right was granted",
}


@dataclass(frozen=True)
class Observed:
    """What was found outside the review itself."""

    target: TargetView | None
    """None: there is no such workload."""
    problems: tuple[Problem, ...] = ()
    """What keeps a review that has not started from being accepted."""


@dataclass(frozen=True)
class Settle:
    """Write this status, if it differs from the stored one, and look again at `again` (None: never)."""

    status: DriftReviewStatus
    again: datetime | None


@dataclass(frozen=True)
class CaptureBaseline:
    """Gather and freeze the T0 evidence."""


@dataclass(frozen=True)
class CaptureCheckpoint:
    """Gather, freeze and judge one checkpoint."""

    index: int


@dataclass(frozen=True)
class PatchTarget:
    """Carry out the written intent on the target as it was observed."""

    act: ActType


Action: TypeAlias = Settle | CaptureBaseline | CaptureCheckpoint | PatchTarget


def plan(review: DriftReview, observed: Observed, now: datetime) -> Action:
    """Decide the next step of a review."""
    status = review.status
    if status.phase in TERMINAL:
        return Settle(status, None)
    if status.t0 is not None and (ended := _target_gone(review, observed, now)):
        return Settle(ended, None)
    if review.spec.suspend:
        return _suspended(review, now)
    if status.act is not None:
        return _carry_out(review, observed, now)
    if status.t0 is None:
        return _start(review, observed, now)
    return _watch(review, observed, now)


def _suspended(review: DriftReview, now: datetime) -> Settle:
    summary = "suspended by spec.suspend: nothing is judged or done; due times do not move"
    phase = review.status.phase or Phase.PENDING
    return Settle(finished(review, moved(review.status, phase, Reason.SUSPENDED, summary, now)), now + RESYNC)


def _start(review: DriftReview, observed: Observed, now: datetime) -> Settle:
    """Accept the review, wait for the rollout, and fix T0 with everything that counts from it."""
    status, target = review.status, observed.target
    if observed.problems or target is None:
        return Settle(_refused(review, observed.problems, now), now + BRISK)
    status = with_condition(
        status, ConditionType.ACCEPTED, "True", Reason.ACCEPTED, "target, source and queries are in order", now
    )
    if target.rollout is not Rollout.COMPLETE or target.rolled_out_at is None or target.current is None:
        summary = f"waits for {review.spec.target.name}: {target.rollout_message}"
        stuck = Stuck(Reason.ROLLOUT_FAILED, summary) if target.rollout is Rollout.FAILED else None
        status = moved(status, Phase.PENDING, Reason.WAITING_FOR_ROLLOUT, summary, now, stuck)
        return Settle(finished(review, status), now + BRISK)
    warmup = parse_duration(review.spec.window.warmup)
    t0 = schedule.whole_seconds(review.spec.window.t0 or target.rolled_out_at + warmup)
    if _is_older(review, t0):
        summary = (
            f"waits for a new rollout: {target.current.name} finished rolling out at {said(target.rolled_out_at)}, too "
            "long before this review was created to be its release; to review it in retrospect, set spec.window.t0"
        )
        status = moved(status, Phase.PENDING, Reason.WAITING_FOR_ROLLOUT, summary, now)
        return Settle(finished(review, status), now + BRISK)
    if now < t0:
        summary = f"waits for T0 at {said(t0)}"
        status = moved(status, Phase.PENDING, Reason.WAITING_FOR_T0, summary, now)
        return Settle(finished(review, status), min(t0, now + RESYNC))
    return Settle(_started(review, status, target, t0, now), now)


def _is_older(review: DriftReview, t0: datetime) -> bool:
    """Whether the target's revision is older than this review can be about.

    A review applied before its release must not approve what ran until then. Applied after it, it may be late, but not
    by more than the first look: who wants the past says so with `window.t0`.
    """
    created = review.metadata.creation_timestamp
    if review.spec.window.t0 is not None or created is None:
        return False
    return t0 + parse_duration(review.spec.window.checkpoints[0]) < created


def _started(
    review: DriftReview, status: DriftReviewStatus, target: TargetView, t0: datetime, now: datetime
) -> DriftReviewStatus:
    window = review.spec.window
    before_warmup = t0 - parse_duration(window.warmup)
    began = min(target.rollout_started_at or before_warmup, before_warmup)
    status = status.model_copy(
        update={
            "t0": t0,
            "target": TargetStatus(
                uid=target.uid,
                rolled_out_at=target.rolled_out_at or t0,
                rollout_started_at=schedule.whole_seconds(began),
            ),
            "judged": target.current,
            "previous": target.previous,
            "checkpoints": [Checkpoint(name=due.name, due=due.at) for due in schedule.checkpoints(window, t0)],
        }
    )
    status = with_rollback(review, status, target, now)
    summary = f"T0 is {said(t0)}: freezing the baseline"
    return finished(review, moved(status, Phase.BASELINING, Reason.CAPTURING, summary, now))


def _refused(review: DriftReview, problems: tuple[Problem, ...], now: datetime) -> DriftReviewStatus:
    missing = Problem(
        reason=Reason.TARGET_NOT_FOUND,
        message=f"spec.target.name: there is no {review.spec.target.kind} {review.spec.target.name!r} in namespace "
        f"{review.metadata.namespace!r}; create it or correct the name",
    )
    first, *others = problems or (missing,)
    message = first.message + (f" (and {len(others)} more: {others[0].message})" if others else "")
    status = with_condition(review.status, ConditionType.ACCEPTED, "False", first.reason, message, now)
    stuck = Stuck(first.reason, message)
    return finished(review, moved(status, Phase.PENDING, first.reason, f"not accepted: {message}", now, stuck))


def _target_gone(review: DriftReview, observed: Observed, now: datetime) -> DriftReviewStatus | None:
    """End a review whose object is not there any more, or runs neither the judged nor the previous template."""
    status, target = review.status, observed.target
    if status.target is None or status.judged is None:
        return None
    name = f"{review.spec.target.kind} {review.spec.target.name}"
    if target is None or target.uid != status.target.uid:
        what = "was deleted" if target is None else "was deleted and created again"
        message = f"{name} {what} during the review: what was judged is not there any more"
        return finished(review, moved(status, Phase.SUPERSEDED, Reason.TARGET_REPLACED, message, now))
    expected = {status.judged.template_hash}
    if status.act is not None and status.act.type is ActType.ROLL_BACK and status.previous is not None:
        expected.add(status.previous.template_hash)
    if target.template_hash in expected:
        return None
    other = target.current.name if target.current else "another pod template"
    message = f"{name} was changed to {other} during the review of {status.judged.name}: nothing more is judged or done"
    return finished(review, moved(status, Phase.SUPERSEDED, Reason.NEW_REVISION, message, now))


def _watch(review: DriftReview, observed: Observed, now: datetime) -> Action:
    """Between T0 and the decision: what is due is done, in order, and at the last safe moment the policy rules."""
    target, t0 = observed.target, review.status.t0
    if target is None or t0 is None:
        return Settle(review.status, now + BRISK)
    status = _resumed(with_rollback(review, review.status, target, now), now)
    status = rollback_due(review, status, target, now)
    if status.act is not None or status.phase in TERMINAL:
        return Settle(finished(review, status), now)
    settle = parse_duration(review.spec.window.settle)
    if status.baseline is None:
        ready = _baseline_ready(review, t0)
        return CaptureBaseline() if now >= ready else _wait(review, status, ready, now)
    index = next((i for i, each in enumerate(status.checkpoints) if each.verdict is None), None)
    if index is not None:
        ready = status.checkpoints[index].due + settle
        return CaptureCheckpoint(index) if now >= ready else _wait(review, status, ready, now)
    safe_until = schedule.last_safe_moment(review.spec.window, t0)
    if now >= safe_until:
        status = window_ended(review, status, target, now)
        ended = status.act is not None or status.phase in TERMINAL
        return Settle(status, now if ended else now + BRISK)
    return _wait(review, status, safe_until, now)


def _wait(review: DriftReview, status: DriftReviewStatus, until: datetime, now: datetime) -> Settle:
    return Settle(finished(review, status), min(until, now + RESYNC))


def _resumed(status: DriftReviewStatus, now: datetime) -> DriftReviewStatus:
    """Say again how the review stands once what held it up is over."""
    reconciling = condition(status, ConditionType.RECONCILING)
    if reconciling is None or reconciling.reason not in _GOES_ON or status.phase is None:
        return status
    return moved(status, status.phase, Reason.BETWEEN_CHECKPOINTS, _GOES_ON[Reason(reconciling.reason)], now)


def _baseline_ready(review: DriftReview, t0: datetime) -> datetime:
    baseline, settle = review.spec.baseline, parse_duration(review.spec.window.settle)
    return t0 + parse_duration(baseline.length) + settle if baseline.from_ is BaselineFrom.SNAPSHOT else t0


def _carry_out(review: DriftReview, observed: Observed, now: datetime) -> Action:
    """Do what was written as the intent, see that it was done, and end."""
    status, target = review.status, observed.target
    if target is None or status.act is None or status.judged is None:
        return Settle(status, now + FOLLOW)
    if status.act.type is ActType.PROMOTE:
        if target.approved != status.judged.template_hash:
            return PatchTarget(ActType.PROMOTE)
        message = f"{status.judged.name} is approved: {_because(status)}"
        return Settle(_acted(review, status, Phase.PROMOTED, _why(status, Reason.SIGNALS_PASSED), message, now), None)
    if target.template_hash != status.judged.template_hash:
        return _follow(review, status, target, now)
    if status.act.applied_at is not None:
        return Settle(_put_back(review, status, status.act.applied_at, now), None)
    return _roll_back(review, status, now)


def _put_back(review: DriftReview, status: DriftReviewStatus, applied: datetime, now: datetime) -> DriftReviewStatus:
    """Somebody put the judged template back after our rollback: that is said, not fought."""
    name = status.judged.name if status.judged else "the judged revision"
    message = (
        f"the rollback of {name} at {said(applied)} was undone by somebody else: it runs again and is not rolled back "
        "a second time; find what applies it (a GitOps tool, a pipeline) and decide by hand"
    )
    return finished(review, moved(status, Phase.FAILED, Reason.ROLLBACK_INCOMPLETE, message, now))


def _roll_back(review: DriftReview, status: DriftReviewStatus, now: datetime) -> Action:
    if status.rollback is not None and now > status.rollback.closes_at:
        message = (
            f"the decided rollback was not done before the window closed at {said(status.rollback.closes_at)}, "
            "and is not done after it; decide by hand"
        )
        return Settle(finished(review, moved(status, Phase.FAILED, Reason.WINDOW_CLOSED, message, now)), None)
    return PatchTarget(ActType.ROLL_BACK)


def _follow(review: DriftReview, status: DriftReviewStatus, target: TargetView, now: datetime) -> Settle:
    """The previous template is back: wait for its pods."""
    back = status.previous.name if status.previous else "the previous revision"
    if target.rollout is Rollout.COMPLETE:
        message = f"rolled back to {back}: {_because(status)}"
        return Settle(
            _acted(review, status, Phase.ROLLED_BACK, _why(status, Reason.SIGNAL_DEGRADED), message, now), None
        )
    if target.rollout is Rollout.FAILED:
        message = f"rolled back to {back}, but {target.rollout_message}; look at its pods"
        return Settle(finished(review, moved(status, Phase.FAILED, Reason.ROLLBACK_INCOMPLETE, message, now)), None)
    applied = status.act.model_copy(update={"applied_at": schedule.whole_seconds(now)}) if status.act else None
    if status.act is not None and status.act.applied_at is None:
        status = status.model_copy(update={"act": applied})
    summary = f"rolling back to {back}: {target.rollout_message}"
    return Settle(finished(review, moved(status, Phase.ROLLING_BACK, Reason.ACTING, summary, now)), now + FOLLOW)


def _acted(
    review: DriftReview, status: DriftReviewStatus, phase: Phase, reason: Reason, message: str, now: datetime
) -> DriftReviewStatus:
    moment = schedule.whole_seconds(now)
    if status.act is not None:
        done = {"applied_at": status.act.applied_at or moment, "completed_at": moment}
        status = status.model_copy(update={"act": status.act.model_copy(update=done)})
    return finished(review, moved(status, phase, reason, message, now))


def _why(status: DriftReviewStatus, on_evidence: Reason) -> Reason:
    """An act follows from evidence, or from what the policy says where there is not enough."""
    decided = status.decision is not None and status.decision.recommendation is not Recommendation.INCONCLUSIVE
    return on_evidence if decided else Reason.POLICY


def _because(status: DriftReviewStatus) -> str:
    return status.decision.message if status.decision else ""

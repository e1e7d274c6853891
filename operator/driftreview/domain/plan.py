"""The one function that decides what happens next: `plan(review, observed, now) -> Action`.

Everything follows from the stored spec and status, what was observed of the target, and the time. It awaits nothing,
logs nothing, raises nothing for flow; killed and started again, it comes to the same action.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from driftreview.api.driftreview import BaselineFrom, DriftReview
from driftreview.api.phases import TERMINAL, ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.api.values import parse_duration
from driftreview.domain import schedule
from driftreview.domain.acting import carry_out, is_under_way, left_to_the_actor
from driftreview.domain.action import (
    RESYNC,
    Action,
    CaptureBaseline,
    CaptureCheckpoint,
    CaptureGuard,
    Observed,
    Role,
    Settle,
    brisk,
)
from driftreview.domain.aftermath import look_after
from driftreview.domain.approvals import extended, may_retake, noted
from driftreview.domain.blocking import with_block
from driftreview.domain.consent import with_consent
from driftreview.domain.decide import told_anew, with_rollback
from driftreview.domain.fixing import all_kept
from driftreview.domain.follow import act_due, answered, held_back, rules_before_the_last_look, window_ended
from driftreview.domain.freeze import with_freeze
from driftreview.domain.guarding import next_guard
from driftreview.domain.handover import taken_over
from driftreview.domain.others import ended_by_others, scaled_to_zero
from driftreview.domain.starting import start
from driftreview.domain.status import condition, finished, moved
from driftreview.domain.stop import with_stop
from driftreview.domain.trouble import keeps_failing
from driftreview.domain.wayback import AWAITED, with_note

_OTHER_RUNS: Final = (
    "another pod template runs than the judged one; when that is taken back the review ends, unless a DriftApproval of "
    "type Rebaseline has T0 taken anew for what runs then"
)


def plan(review: DriftReview, observed: Observed, now: datetime, role: Role = Role.ALL) -> Action:
    """Decide the next step of a review, as far as it is for this role."""
    action = _planned(extended(review), observed, now, role)
    return replace(action, status=with_note(action.status, now)) if isinstance(action, Settle) else action


def _planned(review: DriftReview, observed: Observed, now: datetime, role: Role) -> Action:
    status = review.status
    if status.phase in TERMINAL or (role is Role.ACTOR and status.act is None):
        return Settle(status, None) if role is Role.ACTOR else look_after(review, observed, now)
    status = with_stop(with_freeze(review, status, now), observed.stop, now)
    status = with_block(review, status, observed.tried, now)
    review = review.model_copy(update={"status": status})
    # Suspending stops no rollout, so the end of one that was begun is still followed.
    suspended = review.spec.suspend and not is_under_way(status, observed.target)
    if not suspended and (written := noted(review, observed.approvals, now)) is not None:
        return Settle(written, now)  # what people did is stored before anything follows from it
    if (taken := taken_over(review, observed.target, now)) is not None:
        return Settle(taken, now)  # followed from here on as a rollback of our own
    waits = suspended and observed.target is not None and may_retake(status)
    if not waits and (changed := ended_by_others(review, observed.target, now)):
        return Settle(changed, None if changed.phase in TERMINAL else now)
    if suspended:
        return _suspended(review, observed, now)
    if status.act is not None:
        return left_to_the_actor(review, now) if role is Role.JUDGE else carry_out(review, observed, now)
    if status.t0 is None:
        started = start(review, observed, now)
        return replace(started, status=all_kept(review, started.status, observed.target))
    return _watch(review, observed, now)


def _suspended(review: DriftReview, observed: Observed, now: datetime) -> Settle:
    target, status = observed.target, review.status
    status = status if target is None else with_rollback(review, status, target, now)
    other = target is not None and status.judged is not None and target.template_hash != status.judged.template_hash
    summary = f"suspended by spec.suspend: {_OTHER_RUNS if other else held_back(review, status, now)}"
    status = moved(status, status.phase or Phase.PENDING, Reason.SUSPENDED, summary, now)
    return Settle(finished(review, status), now + RESYNC)


def _watch(review: DriftReview, observed: Observed, now: datetime) -> Action:
    """Between T0 and the decision: what is due is done, in order, and at the last safe moment the policy rules."""
    target, t0 = observed.target, review.status.t0
    if target is None or t0 is None:
        return Settle(review.status, brisk(review.status, now))
    status = with_rollback(review, scaled_to_zero(review, target, now), target, now)
    status = with_consent(review, status, now)
    status = answered(review, status, target, now)
    status = told_anew(review, act_due(review, status, target, now), now)
    if status.act is not None or status.phase in TERMINAL:
        return Settle(finished(review, status), now)
    settle = parse_duration(review.spec.window.settle)
    if status.baseline is None:
        ready = _baseline_ready(review, t0)
        return CaptureBaseline() if now >= ready else _wait(review, status, ready, now)
    index = next((i for i, each in enumerate(status.checkpoints) if each.verdict is None), None)
    safe_until = schedule.last_safe_moment(review.spec.window, t0, status)
    if index is not None and not (now >= safe_until and keeps_failing(review, now)):
        ready = status.checkpoints[index].due + settle
        if now >= ready:
            return CaptureCheckpoint(index)
        if (guard := next_guard(review.model_copy(update={"status": status}), now)) is not None:
            ready = min(ready, guard.at + settle)
            if now >= ready:
                return CaptureGuard(guard)
        if now < safe_until or not rules_before_the_last_look(review):
            return _wait(review, status, ready, now)
    if now >= safe_until:
        status = window_ended(review, status, target, now)
        ended = status.act is not None or status.phase in TERMINAL
        return Settle(status, now if ended else brisk(status, now))
    return _wait(review, status, safe_until, now)


def _wait(review: DriftReview, status: DriftReviewStatus, until: datetime, now: datetime) -> Settle:
    stalled = condition(status, ConditionType.STALLED)
    held_up = stalled is not None and stalled.reason in AWAITED  # and the rollback is decided
    opens = status.freeze.next_open if status.freeze else None
    until = min(until, opens) if opens is not None else until
    return Settle(finished(review, status), min(until, brisk(status, now) if held_up else now + RESYNC))


def _baseline_ready(review: DriftReview, t0: datetime) -> datetime:
    baseline, settle = review.spec.baseline, parse_duration(review.spec.window.settle)
    return t0 + parse_duration(baseline.length) + settle if baseline.from_ is BaselineFrom.SNAPSHOT else t0

"""The one function that decides what happens next: `plan(review, observed, now) -> Action`.

Everything follows from the stored spec and status, what was observed of the target, and the time. It awaits nothing,
logs nothing, raises nothing for flow; killed and started again, it comes to the same action.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from driftreview.api.driftreview import BaselineFrom, DriftReview
from driftreview.api.phases import TERMINAL, ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import ActType, DriftReviewStatus
from driftreview.api.values import parse_duration
from driftreview.domain import schedule
from driftreview.domain.acting import carry_out, is_under_way
from driftreview.domain.action import RESYNC, Action, CaptureBaseline, CaptureCheckpoint, Observed, Settle, brisk
from driftreview.domain.aftermath import look_after
from driftreview.domain.approvals import extended, may_retake, noted
from driftreview.domain.consent import with_consent
from driftreview.domain.decide import told_anew, with_rollback
from driftreview.domain.follow import act_due, answered, held_back, rules_before_the_last_look, window_ended
from driftreview.domain.starting import start
from driftreview.domain.status import condition, finished, moved, resumed
from driftreview.domain.trouble import keeps_failing

_OTHER_RUNS: Final = (
    "another pod template runs than the judged one; when that is taken back the review ends, unless a DriftApproval of "
    "type Rebaseline has T0 taken anew for what runs then"
)


def plan(review: DriftReview, observed: Observed, now: datetime) -> Action:
    """Decide the next step of a review."""
    review = extended(review)
    status = review.status
    if status.phase in TERMINAL:
        return look_after(review, observed, now)
    # Suspending stops no rollout, so the end of one that was begun is still followed.
    suspended = review.spec.suspend and not is_under_way(status, observed.target)
    if not suspended and (written := noted(review, observed.approvals, now)) is not None:
        return Settle(written, now)  # what people did is stored before anything follows from it
    waits = suspended and observed.target is not None and may_retake(status)
    if status.t0 is not None and not waits and (ended := _target_gone(review, observed, now)):
        return Settle(ended, None)
    if suspended:
        return _suspended(review, observed, now)
    if status.act is not None:
        return carry_out(review, observed, now)
    if status.t0 is None:
        return start(review, observed, now)
    return _watch(review, observed, now)


def _suspended(review: DriftReview, observed: Observed, now: datetime) -> Settle:
    target, status = observed.target, review.status
    status = status if target is None else with_rollback(review, status, target, now)
    other = target is not None and status.judged is not None and target.template_hash != status.judged.template_hash
    summary = f"suspended by spec.suspend: {_OTHER_RUNS if other else held_back(review, status, now)}"
    status = moved(status, status.phase or Phase.PENDING, Reason.SUSPENDED, summary, now)
    return Settle(finished(review, status), now + RESYNC)


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
        return Settle(review.status, brisk(review.status, now))
    status = resumed(with_rollback(review, review.status, target, now), now)
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
    safe_until = schedule.last_safe_moment(review.spec.window, t0, status.target)
    if index is not None and not (now >= safe_until and keeps_failing(review, now)):
        ready = status.checkpoints[index].due + settle
        if now >= ready:
            return CaptureCheckpoint(index)
        if now < safe_until or not rules_before_the_last_look(review):
            return _wait(review, status, ready, now)
    if now >= safe_until:
        status = window_ended(review, status, target, now)
        ended = status.act is not None or status.phase in TERMINAL
        return Settle(status, now if ended else brisk(status, now))
    return _wait(review, status, safe_until, now)


def _wait(review: DriftReview, status: DriftReviewStatus, until: datetime, now: datetime) -> Settle:
    stalled = condition(status, ConditionType.STALLED)
    held_up = stalled is not None and stalled.reason == Reason.TARGET_PAUSED  # and the rollback is decided
    return Settle(finished(review, status), min(until, brisk(status, now) if held_up else now + RESYNC))


def _baseline_ready(review: DriftReview, t0: datetime) -> datetime:
    baseline, settle = review.spec.baseline, parse_duration(review.spec.window.settle)
    return t0 + parse_duration(baseline.length) + settle if baseline.from_ is BaselineFrom.SNAPSHOT else t0

"""What verdicts lead to: the review's decision, the intent to act, and what follows when evidence cannot be had."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec
from driftreview.api.policy import OnWindowEnd, Policy, PolicyMode
from driftreview.api.reasons import UNANSWERED, ConditionType, Phase, Reason, Recommendation, Verdict
from driftreview.api.status import (
    Act,
    ActType,
    Checkpoint,
    Decision,
    DriftReviewStatus,
    Rollback,
    SnapshotRef,
)
from driftreview.api.values import format_duration, parse_duration
from driftreview.domain import schedule
from driftreview.domain.coarser import coarsened
from driftreview.domain.conclusion import act_for, concluded
from driftreview.domain.display import shorten
from driftreview.domain.foresight import Foresight
from driftreview.domain.result import CheckpointResult
from driftreview.domain.rows import check_rows, evidence_rows, signal_rows
from driftreview.domain.status import (
    Stuck,
    bounded,
    condition,
    finished,
    held_up_by,
    how_to_resume,
    moved,
    said,
    truth,
    with_condition,
)
from driftreview.domain.workload import Rollout, TargetView

_NOTHING_TO_GO_BACK_TO: Final = (
    "no earlier revision was kept at T0 (first release, revisionHistoryLimit: 0, or a pod template of about a megabyte)"
)
_NOT_FORESEEN: Final = (
    "what it can be compared with and what was measured is not known: the operator failed to find it out, "
    "see its log for {}/{}; the looks are judged all the same"
)
NOBODY: Final = "nobody answered until the last safe moment, and policy.onWindowEnd is Rollback"
WORTH_SAYING: Final = timedelta(minutes=1)
"""Lateness below this is the loop's own."""


def with_rollback(
    review: DriftReview, status: DriftReviewStatus, target: TargetView, now: datetime
) -> DriftReviewStatus:
    """Say whether the target could be rolled back now, and until when."""
    if status.t0 is None:
        return status
    closes = schedule.closes_at(review.spec.window, status.t0)
    if now > closes:
        possible, reason, message = False, Reason.WINDOW_CLOSED, f"the rollback window closed at {said(closes)}"
    elif status.previous is None:
        possible, reason = False, Reason.NO_PREVIOUS_REVISION
        message = _NOTHING_TO_GO_BACK_TO
    elif target.rollout is Rollout.PAUSED:
        possible, reason = False, Reason.TARGET_PAUSED
        message = f"the target's rollout is paused: {how_to_resume(review)} before {said(closes)}"
    else:
        possible, reason = True, Reason.POSSIBLE
        message = f"to {status.previous.name} until {said(closes)}"
    rollback = Rollback(
        possible=possible,
        until=closes if possible else None,
        closes_at=closes,
        last_safe_moment=schedule.last_safe_moment(review.spec.window, status.t0),
        reason=reason,
        message=message,
    )
    status = status.model_copy(update={"rollback": rollback})
    return with_condition(status, ConditionType.ROLLBACK_POSSIBLE, truth(holds=possible), reason, message, now)


def baseline_captured(
    review: DriftReview, evidence: DriftSnapshotSpec, ref: SnapshotRef, foreseen: Foresight | None, now: datetime
) -> DriftReviewStatus:
    """The T0 evidence is frozen: start watching.

    Args:
        review: whose it is.
        evidence: what was frozen.
        ref: where.
        foreseen: what that tells; None if it could not be found out, which holds nothing up.
        now: the time.
    """
    gaps = [f"{each.name} ({each.problem.message})" for each in evidence.signals if each.problem is not None]
    message = f"frozen in DriftSnapshot {ref.name}"
    message += f" {note}" if (note := coarsened(review.spec, evidence)) else ""
    told = condition(review.status, ConditionType.BASELINE_CAPTURED)
    message += f"; {told.message}" if told is not None else ""  # why its history ends early
    if foreseen is None:
        message += f"; {_NOT_FORESEEN.format(review.metadata.namespace, review.metadata.name)}"
        foreseen = Foresight([], [], [], [])
    parts = (
        ("without data", gaps),
        ("cannot be compared", foreseen.useless),
        ("too noisy", foreseen.vague),
        ("irregular baseline", foreseen.odd),
        ("measured", foreseen.measured),
    )
    for what, which in parts:
        message += f"; {what}: {'; '.join(which)}" if which else ""
    status = review.status.model_copy(update={"baseline": ref})
    if evidence.previous is None or not evidence.previous.template:
        status = status.model_copy(update={"previous": None})  # its ReplicaSet was deleted before it could be kept
    status = with_condition(status, ConditionType.BASELINE_CAPTURED, "True", Reason.CAPTURED, message, now)
    status = _metrics_asked(status, [each.problem.reason for each in evidence.signals if each.problem], now)
    first = status.checkpoints[0]
    without = [each.name for each in evidence.signals if each.problem is not None]
    lacking = f", but without data: {', '.join(without)}" if without else ""
    lacking += f", but nothing can be compared with: {'; '.join(foreseen.useless)}" if foreseen.useless else ""
    summary = f"baseline frozen{lacking}; first look at {said(first.due)}"
    if status.previous is None and review.spec.policy.mode is PolicyMode.ENFORCE:
        summary += f"; a drift cannot be rolled back: {_NOTHING_TO_GO_BACK_TO}"
    return finished(review, moved(status, Phase.WATCHING, Reason.BETWEEN_CHECKPOINTS, summary, now))


def checkpoint_judged(
    review: DriftReview, index: int, result: CheckpointResult, ref: SnapshotRef, target: TargetView, now: datetime
) -> DriftReviewStatus:
    """A checkpoint was judged: write its row, and decide if it decides."""
    status = review.status
    old = status.checkpoints[index]
    late = now - old.due - parse_duration(review.spec.window.settle)
    judged = Checkpoint(
        name=old.name,
        due=old.due,
        judged_at=schedule.whole_seconds(now),
        late_by=format_duration(late) if late >= WORTH_SAYING else None,
        verdict=result.verdict,
        message=shorten(result.message),
        snapshot=ref,
        signals=signal_rows(result),
        evidence=evidence_rows(result),
        checks=check_rows(result),
    )
    rows = [judged if i == index else row for i, row in enumerate(status.checkpoints)]
    status = bounded(status.model_copy(update={"checkpoints": rows, "verdict": result.verdict}))
    status = _metrics_asked(status, [each.finding.reason for each in result.results], now)
    status = with_rollback(review, status, target, now)
    return finished(review, _decide(review, status, judged, target, now))


def _decide(
    review: DriftReview, status: DriftReviewStatus, judged: Checkpoint, target: TargetView, now: datetime
) -> DriftReviewStatus:
    last = judged.name == status.checkpoints[-1].name
    why = f"T0+{judged.name}: {judged.message}"
    conclusion = concluded(judged.verdict, last=last) if judged.verdict else None
    if conclusion is not None and status.decision is None:
        status = _decided(status, *conclusion, why, f"checkpoint {judged.name}", now)
    if status.decision is not None:
        return _follow_decision(review, status, target, now, last=last)
    phase = Phase.HOLDING if judged.verdict is Verdict.HOLD else Phase.WATCHING
    reason = Reason.HOLDING if phase is Phase.HOLDING else Reason.BETWEEN_CHECKPOINTS
    return moved(status, phase, reason, f"{judged.verdict} at {why}", now)


def _decided(
    status: DriftReviewStatus, what: Recommendation, reason: Reason, message: str, by: str, now: datetime
) -> DriftReviewStatus:
    decision = Decision(recommendation=what, reason=reason, message=message, by=by, at=schedule.whole_seconds(now))
    return status.model_copy(update={"decision": decision})


def _follow_decision(
    review: DriftReview, status: DriftReviewStatus, target: TargetView, now: datetime, *, last: bool
) -> DriftReviewStatus:
    """From the decision to the intent to act, or to waiting for a person."""
    policy, decision = review.spec.policy, status.decision
    if decision is None:
        return status
    summary = f"{decision.recommendation}: {decision.message}"
    if policy.mode is not PolicyMode.ENFORCE:
        if last:
            return moved(status, Phase.DECIDED, Reason.ADVISED, f"{summary} (policy.mode is {policy.mode})", now)
        return moved(status, Phase.HOLDING, Reason.HOLDING, summary, now)
    act = act_for(policy, decision.recommendation)
    if act is not None:
        undecided = decision.recommendation is Recommendation.INCONCLUSIVE
        return _intend(_by_policy(status, policy, now) if undecided else status, act, target, summary, now)
    return moved(status, Phase.HOLDING, Reason.HOLDING, f"{summary}; {_waits(review, decision, status, now)}", now)


def _waits(review: DriftReview, decision: Decision, status: DriftReviewStatus, now: datetime) -> str:
    """Until when a person is waited for, and what follows then."""
    rejected, on_end = decision.recommendation is Recommendation.REJECT, review.spec.policy.on_window_end
    acts = {OnWindowEnd.ROLLBACK: "it is rolled back", OnWindowEnd.PROMOTE: "it is promoted"}
    then = acts.get(on_end, "the review ends") if not rejected or on_end is OnWindowEnd.ROLLBACK else "the review ends"
    if status.rollback is None or now >= status.rollback.last_safe_moment:
        return f"no time is left to wait for a person: {then} (policy.onWindowEnd is {on_end})"
    until = said(status.rollback.last_safe_moment)
    return f"waits for a person until {until}, then {then} (policy.onWindowEnd is {on_end})"


def _by_policy(status: DriftReviewStatus, policy: Policy, now: datetime) -> DriftReviewStatus:
    """Say with the decision that it is the policy's: what cannot be judged does not roll back by itself."""
    why = status.decision.message if status.decision else ""
    message = f"policy.onInconclusive is {policy.on_inconclusive}, and {why}"
    return _decided(status, Recommendation.INCONCLUSIVE, Reason.POLICY, message, "policy.onInconclusive", now)


def _intend(
    status: DriftReviewStatus, act: ActType, target: TargetView, summary: str, now: datetime
) -> DriftReviewStatus:
    """Write down what will be done. Nothing is done before this is stored."""
    if act is ActType.ROLL_BACK and (status.rollback is None or not status.rollback.possible):
        reason = status.rollback.reason if status.rollback else Reason.NO_PREVIOUS_REVISION
        message = status.rollback.message if status.rollback else ""
        if reason is Reason.TARGET_PAUSED:  # this can be mended: wait for it, as long as the window is open
            return moved(status, Phase.HOLDING, reason, f"{message}; then: {summary}", now, Stuck(reason, message))
        said_last = f"{summary}; but it cannot be rolled back: {message}{held_up_by(status)}; decide by hand"
        return moved(status, Phase.FAILED, reason, said_last, now)
    intent = Act(type=act, target_uid=target.uid, generation=target.generation, intent_at=schedule.whole_seconds(now))
    phase = Phase.PROMOTING if act is ActType.PROMOTE else Phase.ROLLING_BACK
    return moved(status.model_copy(update={"act": intent}), phase, Reason.ACTING, summary, now)


def rollback_due(
    review: DriftReview, status: DriftReviewStatus, target: TargetView, now: datetime
) -> DriftReviewStatus:
    """Write the intent of a rollback that was decided when it was not possible, now that it is; or that it is too late.

    A paused target is waited for until the window closes, also past the last safe moment.
    """
    decision = status.decision
    if decision is None or not _to_be_rolled_back(review, decision):
        return status
    return _intend(status, ActType.ROLL_BACK, target, f"{decision.recommendation}: {decision.message}", now)


def held_back(review: DriftReview, status: DriftReviewStatus, now: datetime) -> str:
    """What suspending keeps from happening."""
    decision, closes = status.decision, schedule.closes_at(review.spec.window, status.t0) if status.t0 else now
    if decision is None or not (status.act is not None or _to_be_rolled_back(review, decision)):
        return "nothing is judged or done; due times do not move"
    why = f"{decision.recommendation}: {decision.message}"
    if status.act is not None and status.act.type is ActType.PROMOTE:
        return f"the decided promotion is done when that is taken back; {why}"
    if now > closes:
        return f"the decided rollback was not done before the window closed at {said(closes)}; {why}"
    return f"the decided rollback is done when that is taken back, not after {said(closes)}; {why}"


def _to_be_rolled_back(review: DriftReview, decision: Decision) -> bool:
    return act_for(review.spec.policy, decision.recommendation) is ActType.ROLL_BACK


def window_ended(
    review: DriftReview, status: DriftReviewStatus, target: TargetView, now: datetime
) -> DriftReviewStatus:
    """Undecided, or decided and left to a person, at the last safe moment."""
    decision, on_end = status.decision, review.spec.policy.on_window_end
    why = decision.message if decision else f"not every look could be judged{held_up_by(review.status)}"
    if decision is not None and decision.recommendation is Recommendation.REJECT:
        if _to_be_rolled_back(review, decision):
            return finished(review, status)
        if review.spec.policy.mode is PolicyMode.ENFORCE and on_end is OnWindowEnd.ROLLBACK:
            summary = f"REJECT: {why}; {NOBODY}"
            return finished(review, _intend(status, ActType.ROLL_BACK, target, summary, now))
        status = moved(status, Phase.DECIDED, Reason.ADVISED, f"REJECT: {why}; nobody acted on it", now)
    elif review.spec.policy.mode is PolicyMode.ENFORCE and on_end is not OnWindowEnd.NOTIFY:
        act = ActType.PROMOTE if on_end is OnWindowEnd.PROMOTE else ActType.ROLL_BACK
        message = f"undecided at the last safe moment ({why}); policy.onWindowEnd is {on_end}"
        if decision is not None and decision.reason is Reason.POLICY:  # said before, when the target was paused
            message = why
        else:
            status = _decided(status, Recommendation.INCONCLUSIVE, Reason.POLICY, message, "policy.onWindowEnd", now)
        status = _intend(status, act, target, message, now)
    else:
        message = f"undecided at the last safe moment, nothing was done: {why}"
        status = moved(status, Phase.INCONCLUSIVE, Reason.NOT_ENOUGH_EVIDENCE, message, now)
    return finished(review, status)


def _metrics_asked(status: DriftReviewStatus, reasons: Sequence[Reason | None], now: datetime) -> DriftReviewStatus:
    """Evidence was frozen; the source is available unless some of it could not be had."""
    if any(reason in UNANSWERED for reason in reasons):
        return status
    message = "the source answered when it was last asked"
    return with_condition(status, ConditionType.METRICS_AVAILABLE, "True", Reason.AVAILABLE, message, now)

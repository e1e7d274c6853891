"""What evidence leads to: the way back there is, a frozen baseline, a judged look and the review's decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from driftreview.api.act import Do
from driftreview.api.checkpoint import Checkpoint, SnapshotRef
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec
from driftreview.api.phases import ConditionType, Phase
from driftreview.api.policy import PolicyMode
from driftreview.api.reasons import UNANSWERED, Reason
from driftreview.api.status import DriftReviewStatus, Rollback
from driftreview.api.verdicts import Verdict
from driftreview.api.wayback import WayBackCheck
from driftreview.domain import schedule
from driftreview.domain.ahead import to_come
from driftreview.domain.approvals import extended
from driftreview.domain.coarser import coarsened
from driftreview.domain.conclusion import decided_by
from driftreview.domain.consent import counting, with_consent
from driftreview.domain.countdown import time_left
from driftreview.domain.display import fitted, shorten
from driftreview.domain.expected import unmet
from driftreview.domain.follow import follow_decision
from driftreview.domain.foresight import Foresight
from driftreview.domain.guarding import with_drift
from driftreview.domain.handover import handed_over, with_owner
from driftreview.domain.limitsonly import foretold
from driftreview.domain.members import apart, every, with_checks
from driftreview.domain.preflight import with_resolution
from driftreview.domain.reporting import report_due
from driftreview.domain.result import CheckpointResult
from driftreview.domain.rows import judged_row
from driftreview.domain.schedule import Due
from driftreview.domain.status import (
    bounded,
    condition,
    finished,
    moved,
    said,
    truth,
    with_condition,
)
from driftreview.domain.wayback import AWAITED, hindrances
from driftreview.domain.ways import NO_PODS, pinned_way_back, way_back
from driftreview.domain.workload import TargetView

_NOTHING_KEPT: Final = (
    "no earlier revision was kept at T0 (first release, revisionHistoryLimit: 0, or a pod template of about a megabyte)"
)
_NO_HISTORY: Final = (
    "no earlier revision was kept at T0: spec.revisionHistoryLimit of the target is 0, so that the cluster deleted "
    "what ran before as soon as the rollout was over, and the review was not there to keep it; apply the next review "
    "before its release, or set revisionHistoryLimit to 2 or more"
)
_NOT_FORESEEN: Final = (
    "what it can be compared with and what was measured is not known: the operator failed to find it out, "
    "see its log for {}/{}; the looks are judged all the same"
)


def with_rollback(
    review: DriftReview, status: DriftReviewStatus, target: TargetView, now: datetime
) -> DriftReviewStatus:
    """Say whether the target could be rolled back now, and until when."""
    if (t0 := status.t0) is None:
        return status
    status = with_owner(review, status, target, now)
    window = extended(review.model_copy(update={"status": status})).spec.window
    closes = schedule.closes_at(window, t0)
    reviewed = with_checks(review.model_copy(update={"status": status}), target)
    status = reviewed.status
    ways = [(one, view, hindered(one, view, closes)) for one, view in every(reviewed, target) if view is not None]
    stuck = [(one, *found) for one, _, found in ways if found is not None]
    possible = now <= closes and not stuck
    if now > closes:
        reason, message = Reason.WINDOW_CLOSED, f"the rollback window closed at {said(closes)}"
    elif stuck:
        # What nobody can mend comes first: nothing is waited for then.
        reason = min((why for _, why, _ in stuck), key=lambda why: why in AWAITED)
        message = shorten("; and ".join(f"{_whose(review, one)}{text}" for one, _, text in stuck))
    else:
        reason = Reason.POSSIBLE
        message = f"to {', '.join(_goes_back_to(one, view) for one, view, _ in ways)} until {said(closes)}"
    safe = schedule.last_safe_moment(window, t0, status)
    rollback = Rollback(
        possible=possible,
        until=closes if possible else None,
        closes_at=closes,
        last_safe_moment=safe,
        left=time_left(safe, now),
        reason=reason,
        message=message,
        check=_last_look(status, target),
    )
    status = status.model_copy(update={"rollback": rollback})
    return with_condition(status, ConditionType.ROLLBACK_POSSIBLE, truth(holds=possible), reason, message, now)


def hindered(review: DriftReview, target: TargetView, closes: datetime) -> tuple[Reason, str] | None:
    """What keeps one workload from being rolled back, and how that is said; None where nothing does."""
    if way_back(review, target) is None:
        return Reason.NO_PREVIOUS_REVISION, _no_way_back(review.status, target)
    if message := handed_over(review, target, said(closes)):
        return Reason.OWNED_BY_GIT, message
    if found := hindrances(target, _last_look(review.status, target), closes):
        return found[0].reason, "; and ".join(each.message for each in found)
    return None


def _last_look(status: DriftReviewStatus, target: TargetView) -> WayBackCheck | None:
    """What the last look at the way back found: just now, or as it was written down."""
    return target.check or (status.rollback.check if status.rollback else None)


def _whose(review: DriftReview, one: DriftReview) -> str:
    """Before a sentence that is about one of several workloads, its name."""
    return f"{one.spec.target}: " if review.spec.target.with_ else ""


def _goes_back_to(review: DriftReview, target: TargetView) -> str:
    previous = review.status.previous
    return previous.name if way_back(review, target) is Do.PUT_BACK and previous else NO_PODS


def _no_way_back(status: DriftReviewStatus, target: TargetView | None = None) -> str:
    """Why there is nothing to go back to, as it was at T0: what took it then may be gone by now."""
    known = status.rollback
    if known is not None and known.reason is Reason.NO_PREVIOUS_REVISION and known.message:
        return known.message
    if target is not None and target.passed_over:
        return f"no other revision was kept at T0 than one that was rejected: {target.passed_over}"
    return _NOTHING_KEPT if target is None or target.keeps_history else _NO_HISTORY


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
    by_limits = "" if evidence.limits_only is None else foretold(review.spec, evidence.limits_only)
    message += f"; {by_limits}" if by_limits else ""
    told = condition(review.status, ConditionType.BASELINE_CAPTURED)
    message += f"; {told.message}" if told is not None else ""  # why its history ends early
    if foreseen is None:
        message += f"; {_NOT_FORESEEN.format(review.metadata.namespace, review.metadata.name)}"
        foreseen = Foresight()
    parts = (
        ("without data", gaps),
        ("cannot be compared", foreseen.useless),
        ("not as expected", expected := unmet(review.spec, evidence.facts)),
        ("too noisy", foreseen.vague),
        ("irregular baseline", foreseen.odd),
        ("bad already", foreseen.broken),
        ("measured", foreseen.measured),
    )
    for what, which in parts:
        message += f"; {what}: {'; '.join(which)}" if which else ""
    status = review.status.model_copy(update={"baseline": ref, "kept": []})
    status = with_resolution(review.spec, status, foreseen.vague)
    if evidence.previous is None or not evidence.previous.template:
        status = status.model_copy(update={"previous": None})  # its ReplicaSet was deleted before it could be kept
    status = with_condition(status, ConditionType.BASELINE_CAPTURED, "True", Reason.CAPTURED, message, now)
    status = report_due(
        metrics_asked(status, [each.problem.reason for each in evidence.signals if each.problem], now), now
    )
    first = status.checkpoints[0]
    without = [each.name for each in evidence.signals if each.problem is not None]
    lacking = (
        by_limits,
        f"without data: {', '.join(without)}" if without else "",
        f"nothing can be compared with: {'; '.join(foreseen.useless)}" if foreseen.useless else "",
        f"not as expected: {'; '.join(expected)}" if expected else "",
    )
    but = "; ".join(each for each in lacking if each)
    summary = f"baseline frozen{but and f', but {but}'}; first look at {said(first.due)}"
    stuck = [each for each in apart(review.model_copy(update={"status": status})) if pinned_way_back(each) is None]
    if stuck and review.spec.policy.mode is PolicyMode.ENFORCE:
        summary += f"; a drift cannot be rolled back: {_whose(review, stuck[0])}{_no_way_back(stuck[0].status)}"
    return finished(review, moved(status, Phase.WATCHING, Reason.BETWEEN_CHECKPOINTS, summary, now))


def checkpoint_judged(
    review: DriftReview, index: int, result: CheckpointResult, ref: SnapshotRef, target: TargetView, now: datetime
) -> DriftReviewStatus:
    """A checkpoint was judged: write its row, and decide if it decides."""
    status = review.status
    old = status.checkpoints[index]
    judged = judged_row(old, result, ref, review.spec.window.settle, schedule.whole_seconds(now))
    rows = [judged if i == index else row for i, row in enumerate(status.checkpoints)]
    status = bounded(status.model_copy(update={"checkpoints": rows, "verdict": result.verdict}))
    status = metrics_asked(status, [each.finding.reason for each in result.results], now)
    status = with_rollback(review, status, target, now)
    return finished(review, _decide(review, status, judged, target, now))


def guard_found(
    review: DriftReview, due: Due, result: CheckpointResult, ref: SnapshotRef, target: TargetView, now: datetime
) -> DriftReviewStatus:
    """A guard found a drift: write it down as one more look, and decide as a checkpoint would."""
    status, row = with_drift(review, due, result, ref, now)
    status = with_rollback(review, status, target, now)
    return finished(review, _decide(review, status, row, target, now))


def _decide(
    review: DriftReview, status: DriftReviewStatus, judged: Checkpoint, target: TargetView, now: datetime
) -> DriftReviewStatus:
    last = judged.name == status.checkpoints[-1].name
    decision = decided_by(judged, last=last)
    if decision is not None and status.decision is None:
        status = status.model_copy(update={"decision": decision})
        status = with_consent(review, status.model_copy(update={"approvals": counting(review, status, now)}), now)
    if status.decision is not None:
        return follow_decision(review, status, target, now, last=last)
    return _undecided(review, status, judged, now)


def told_anew(review: DriftReview, status: DriftReviewStatus, now: datetime) -> DriftReviewStatus:
    """How an undecided review stands, again: people may have moved what comes, or something held it up meanwhile."""
    judged = next((each for each in reversed(status.checkpoints) if each.verdict is not None), None)
    now_said = condition(status, ConditionType.RECONCILING)
    is_stated = now_said is not None and now_said.reason in (Reason.HOLDING, Reason.BETWEEN_CHECKPOINTS)
    if judged is None or judged.verdict is Verdict.PASS or status.decision is not None or not is_stated:
        return status
    return _undecided(review, status, judged, now)


def _undecided(review: DriftReview, status: DriftReviewStatus, judged: Checkpoint, now: datetime) -> DriftReviewStatus:
    """Between two looks: what the last one found and, unless that passes, what comes."""
    phase = Phase.HOLDING if judged.verdict is Verdict.HOLD else Phase.WATCHING
    reason = Reason.HOLDING if phase is Phase.HOLDING else Reason.BETWEEN_CHECKPOINTS
    ahead = "" if judged.verdict is Verdict.PASS else to_come(review, status)
    summary = fitted(f"{judged.verdict} at T0+{judged.name}: {judged.message}", ahead and f"; {ahead}")
    return moved(status, phase, reason, summary, now)


def metrics_asked(status: DriftReviewStatus, reasons: Sequence[Reason | None], now: datetime) -> DriftReviewStatus:
    """Evidence was frozen; the source is available unless some of it could not be had."""
    if any(reason in UNANSWERED for reason in reasons):
        return status
    message = "the source answered when it was last asked"
    return with_condition(status, ConditionType.METRICS_AVAILABLE, "True", Reason.AVAILABLE, message, now)

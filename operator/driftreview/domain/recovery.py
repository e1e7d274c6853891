"""Whether a rollback helped: the time after it, judged against T0 as any look is, and how that is said."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from driftreview.api.aftermath import Recovery, RecoveryVerdict
from driftreview.api.base import Condition
from driftreview.api.checkpoint import SnapshotRef
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.api.values import parse_duration
from driftreview.api.verdicts import Verdict
from driftreview.domain import schedule
from driftreview.domain.display import shorten, some
from driftreview.domain.members import every
from driftreview.domain.result import CheckpointResult
from driftreview.domain.status import Truth, condition, said, with_condition
from driftreview.domain.ways import empties
from driftreview.domain.workload import TargetView

_MOST_TOLD: Final = 160
"""Characters of why, where a summary has to tell of the decision as well."""
_VERDICTS: Final = {Verdict.PASS: RecoveryVerdict.RECOVERED, Verdict.DRIFT: RecoveryVerdict.NOT_RECOVERED}
_TRUTHS: Final[dict[RecoveryVerdict, Truth]] = {
    RecoveryVerdict.RECOVERED: "True",
    RecoveryVerdict.NOT_RECOVERED: "False",
    RecoveryVerdict.UNKNOWN: "Unknown",
}
_REASONS: Final = {
    RecoveryVerdict.RECOVERED: Reason.RECOVERED,
    RecoveryVerdict.NOT_RECOVERED: Reason.NOT_RECOVERED,
    RecoveryVerdict.UNKNOWN: Reason.NOT_ENOUGH_EVIDENCE,
}
_WORDS: Final = {
    RecoveryVerdict.RECOVERED: "recovered",
    RecoveryVerdict.NOT_RECOVERED: "not recovered",
    RecoveryVerdict.UNKNOWN: "whether that helped is not known",
}


def verdict_of(result: CheckpointResult) -> RecoveryVerdict:
    """What a look comes to: what could not be judged, or only perhaps is worse, is neither mended nor not."""
    return _VERDICTS.get(result.verdict, RecoveryVerdict.UNKNOWN)


def due_from_now(review: DriftReview, status: DriftReviewStatus, rolled_back_at: datetime) -> DriftReviewStatus:
    """The rollback was just done: say when it is looked at whether it helped, if that is wanted and can be."""
    window = review.spec.window
    if not parse_duration(window.recovery):
        return status
    if empties(status.act):
        message = "no pods are left whose time after the rollback could be judged"
        return _told(status, "Unknown", Reason.SCALED_TO_ZERO, message, rolled_back_at)
    if status.baseline is None:
        message = "nothing was frozen at T0 that the time after the rollback could be held against"
        return _told(status, "Unknown", Reason.BASELINE_MISSING, message, rolled_back_at)
    due = schedule.recovery_due(window, rolled_back_at)
    status = status.model_copy(update={"recovery": Recovery(due=due)})
    ready = due + parse_duration(window.settle)
    message = f"the time from {said(due - parse_duration(window.recovery))} to {said(due)} is judged at {said(ready)}"
    return _told(status, "Unknown", Reason.RECOVERY_DUE, message, rolled_back_at)


def restored(review: DriftReview) -> DriftReview:
    """The review as one of what runs since the rollback: whose pods are asked about, and what the evidence names."""
    status = review.status
    members = [each.model_copy(update={"judged": each.previous, "previous": None}) for each in status.members]
    back = {"judged": status.previous, "previous": None, "members": members}
    return review.model_copy(update={"status": status.model_copy(update=back)})


def frozen_last(status: DriftReviewStatus) -> SnapshotRef | None:
    """The last look before the rollback: the evidence of the time after it is linked to that."""
    frozen = (status.baseline, *(each.snapshot for each in status.checkpoints))
    return next((each for each in reversed(frozen) if each is not None), None)


def is_open(status: DriftReviewStatus) -> bool:
    """Whether the time after a rollback is still to be judged."""
    return status.recovery is not None and status.recovery.verdict is None


def recovered(
    status: DriftReviewStatus, result: CheckpointResult, ref: SnapshotRef, now: datetime
) -> DriftReviewStatus:
    """It was judged: write down what it came to."""
    if status.recovery is None:
        return status
    judged = judged_recovery(status.recovery, result, schedule.whole_seconds(now))
    return _closed(status, judged.model_copy(update={"snapshot": ref}), now)


def judged_recovery(recovery: Recovery, result: CheckpointResult, judged_at: datetime) -> Recovery:
    """The look at the time after a rollback with what is said of it."""
    found = {"judged_at": judged_at, "verdict": verdict_of(result), "message": shorten(result.message)}
    return recovery.model_copy(update=found)


def condition_of(judged: Recovery) -> tuple[Truth, Reason]:
    """What the condition Recovered is, once it was judged."""
    verdict = judged.verdict or RecoveryVerdict.UNKNOWN
    return _TRUTHS[verdict], _REASONS[verdict]


def waits(status: DriftReviewStatus, reason: Reason, message: str, now: datetime) -> DriftReviewStatus:
    """It is due and cannot be judged yet: say why."""
    return _told(status, "Unknown", reason, message, now) if is_open(status) else status


def given_up(status: DriftReviewStatus, reason: Reason, message: str, now: datetime) -> DriftReviewStatus:
    """It will never be judged: say why."""
    if status.recovery is None or not is_open(status):
        return status
    found = {"judged_at": schedule.whole_seconds(now), "verdict": RecoveryVerdict.UNKNOWN, "message": shorten(message)}
    return _closed(status, status.recovery.model_copy(update=found), now, reason)


def without_pods(
    review: DriftReview, status: DriftReviewStatus, target: TargetView, now: datetime
) -> DriftReviewStatus:
    """It will never be judged if somebody wants no pods of a workload in the time that would be."""
    if status.recovery is None or not is_open(status):
        return status
    due = status.recovery.due
    if now < due - parse_duration(review.spec.window.recovery):
        return status
    for one, view in every(review, target):
        if view is None or view.replicas or not view.scalable or empties(one.status.act):
            continue
        if view.scaled is None or view.scaled.at < due:  # `kubectl scale` to 0 leaves no trace
            since = f" since {said(view.scaled.at)}" if view.scaled else ""
            message = f"{one.spec.target} is scaled to zero{since}: there is nothing to measure"
            return given_up(status, Reason.SCALED_TO_ZERO, message, now)
    return status


def since_then(status: DriftReviewStatus) -> str:
    """What is known since a rollback, as the end of a sentence about it; empty where nothing is."""
    parts = [_whether_it_stays(status)]
    recovery = status.recovery
    if recovery is not None and recovery.verdict is None:
        parts.append(f"whether that helped is judged after {said(recovery.due)}")
    elif recovery is not None and recovery.verdict is not None:
        what = _WORDS[recovery.verdict]
        parts.append(f"{what}: {shorten(recovery.message or '', _MOST_TOLD)}")
    return "".join(f"; {each}" for each in parts if each)


def _whether_it_stays(status: DriftReviewStatus) -> str:
    """What StaysBack says, as far as the sentence about the rollback does not; empty where that is all."""
    back, is_half = condition(status, ConditionType.STAYS_BACK), status.phase is Phase.FAILED
    if back is None or status.judged is None or (is_half and _is_why(status, back)):
        return ""
    if back.status == "False":
        runs = f"the rejected revision runs in {some(status.not_back)}"
        return f"but {runs if status.members else f'{status.judged.name} runs again'}, see StaysBack"
    what = shorten(back.message, _MOST_TOLD)
    if is_half:
        return f"since then: {what}"
    return what if back.reason == Reason.SCALED_TO_ZERO else ""


def _is_why(status: DriftReviewStatus, back: Condition) -> bool:
    """Whether what StaysBack says is what the review failed for."""
    ended, after = condition(status, ConditionType.RECONCILING), status.aftermath
    at_the_end = ended is not None and after is not None and after.returned_at == ended.last_transition_time
    return back.reason == Reason.ROLLBACK_INCOMPLETE or (back.reason == Reason.RETURNED and at_the_end)


def _told(status: DriftReviewStatus, truth: Truth, reason: Reason, message: str, now: datetime) -> DriftReviewStatus:
    return with_condition(status, ConditionType.RECOVERED, truth, reason, message, now)


def _closed(
    status: DriftReviewStatus, judged: Recovery, now: datetime, reason: Reason | None = None
) -> DriftReviewStatus:
    """Write down what was found, and set the condition; the reason is that of the verdict, if there is no other."""
    status = status.model_copy(update={"recovery": judged})
    truth, usual = condition_of(judged)
    return _told(status, truth, reason or usual, judged.message or "", now)

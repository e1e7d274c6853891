"""What follows a rollback: until the window closes it is looked at whether it helped, and whether it stays.

Conditions are written, and nothing is ever done: no rollback of a rollback. The final phase stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from driftreview.api.aftermath import Aftermath
from driftreview.api.checkpoint import SnapshotRef
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import TERMINAL, ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.api.values import parse_duration
from driftreview.domain import schedule
from driftreview.domain.acted import outcome
from driftreview.domain.action import Action, CaptureRecovery, Observed, Settle
from driftreview.domain.decide import metrics_asked
from driftreview.domain.members import beside
from driftreview.domain.owner import who_applied
from driftreview.domain.putback import how_all_run, is_put_back, not_back, runs_rejected, what_runs
from driftreview.domain.recovery import due_from_now, given_up, is_open, recovered, since_then, waits, without_pods
from driftreview.domain.result import CheckpointResult
from driftreview.domain.status import Truth, condition, finished, moved, said, with_condition
from driftreview.domain.trouble import PATIENCE
from driftreview.domain.ways import changed_by, empties, went_back_to
from driftreview.domain.workload import TargetView

LOOK: Final = timedelta(seconds=30)
"""How often the target is looked at: what returns is told within a minute."""


def begun(review: DriftReview, status: DriftReviewStatus, target: TargetView, now: datetime) -> DriftReviewStatus:
    """A review ends whose rollback was done, wholly or in part: from now on it is looked at what comes of it."""
    status = status.model_copy(update={"aftermath": Aftermath()})
    if status.phase is Phase.ROLLED_BACK:
        status = due_from_now(review, status, schedule.whole_seconds(now))
    return _told(review.model_copy(update={"status": status}), _seen(review, status, target, now), now)


def is_over(status: DriftReviewStatus) -> bool:
    """Whether a review has ended and nothing of it is looked at any more."""
    after = status.aftermath
    return status.phase in TERMINAL and (after is None or after.ended_at is not None)


def is_over_raw(status: Mapping[str, Any]) -> bool:
    """The same of a stored status."""
    after = status.get("aftermath")
    return status.get("phase") in TERMINAL and (after is None or "endedAt" in after)


def look_after(review: DriftReview, observed: Observed, now: datetime) -> Action:
    """The next step of a review that has ended: nothing, or a look at what its rollback came to."""
    status = review.status
    if is_over(status) or status.rollback is None:
        return Settle(status, None)
    seen = _seen(review, status, observed.target, now)
    seen = _told(review, without_pods(review, seen, observed.target, now) if observed.target else seen, now)
    if seen != status:
        return Settle(seen, None if is_over(seen) else now)
    ready = _ready(review, status)
    if ready is not None and now >= ready:
        if not review.spec.suspend:
            return CaptureRecovery()
        return Settle(unjudged(review, Reason.SUSPENDED, "suspended by spec.suspend", now), now + LOOK)
    closes = status.rollback.closes_at
    if ready is None and now >= closes:
        return Settle(_told(review, _closed(status, now), now), None)
    return Settle(status, min(now + LOOK, ready or closes))


def judged(review: DriftReview, result: CheckpointResult, ref: SnapshotRef, now: datetime) -> DriftReviewStatus:
    """The time after the rollback was frozen and judged: say what it came to."""
    status = metrics_asked(review.status, [each.finding.reason for each in result.results], now)
    return _told(review, recovered(status, result, ref, now), now)


def unjudged(review: DriftReview, reason: Reason, why: str, now: datetime) -> DriftReviewStatus:
    """The time after the rollback cannot be judged now: that is said, and waited for as long as the window is open."""
    status = review.status
    if now >= _until(review):
        message = f"{why}; nothing more is tried"
        return _told(review, given_up(status, reason, message, now), now)
    message = f"{why}; it is judged by its own window once that is over, at the latest at {said(_until(review))}"
    return _told(review, waits(status, reason, message, now), now)


def unjudgeable(review: DriftReview, reason: Reason, why: str, now: datetime) -> DriftReviewStatus:
    """The time after the rollback can never be judged."""
    return _told(review, given_up(review.status, reason, why, now), now)


def unseen(review: DriftReview, reason: Reason, why: str, now: datetime) -> DriftReviewStatus:
    """The target cannot be looked at: that is said, and tried again as long as the window is open."""
    status = with_condition(review.status, ConditionType.STAYS_BACK, "Unknown", reason, why, now)
    if now < _until(review):
        return _told(review, status, now)
    return _told(review, _ended(given_up(status, reason, why, now), now), now)


def failed(review: DriftReview, error: str, now: datetime) -> DriftReviewStatus:
    """The operator failed where it should not have: said, and tried again as long as the window is open."""
    why = f"the operator failed ({error}; see its log for {review.metadata.full_name})"
    return unseen(review, Reason.INTERNAL_ERROR, why, now)


def has_returned(before: DriftReviewStatus, now: DriftReviewStatus) -> bool:
    """Whether what was taken away runs again, and did not before; a target that could not be read is neither."""
    old, new = (condition(each, ConditionType.STAYS_BACK) for each in (before, now))
    known = before.aftermath is not None and before.aftermath.returned_at is not None
    return new is not None and new.status == "False" and (old is None or old.status == "True" or not known)


def _seen(
    review: DriftReview, status: DriftReviewStatus, target: TargetView | None, now: datetime
) -> DriftReviewStatus:
    """What the target says of what was taken away."""
    rejected, after = status.judged, status.aftermath
    if status.target is None or rejected is None or after is None:
        return status
    name = str(review.spec.target)
    if target is None or target.uid != status.target.uid:
        what = "was deleted" if target is None else "was deleted and created again"
        left = [each for each in status.not_back if each != name]
        return _left(status.model_copy(update={"not_back": left}), Reason.TARGET_REPLACED, f"{name} {what}", now)
    status = status.model_copy(update={"not_back": not_back(review.model_copy(update={"status": status}), target)})
    review = review.model_copy(update={"status": status})
    if runs_rejected(review, target):
        own = status.model_copy(update={"members": []})
        return _runs_again(status, own, target, rejected.name, now)
    if not is_put_back(review, target):
        return _left(status, Reason.NEW_REVISION, f"{name} was changed to {what_runs(target)}", now)
    if (again := next(_back_again(review, target), None)) is not None:
        one, view = again
        name = one.status.judged.name if one.status.judged else "what was judged"
        return _runs_again(status, one.status, view, f"{one.spec.target}: {name}", now)
    reason, message = how_all_run(review, target)
    if after.returned_at is not None:
        message += f"; {rejected.name} was seen to run again from {said(after.returned_at)} on, and is gone"
    holds: Truth = "True" if reason is Reason.STAYS_BACK else "Unknown"
    return with_condition(status, ConditionType.STAYS_BACK, holds, reason, message, now)


def _back_again(review: DriftReview, target: TargetView) -> Iterator[tuple[DriftReview, TargetView]]:
    """Each workload that was taken back after the target, and runs what was judged again."""
    for one, view in beside(review, target):
        taken_back = one.status.act is not None and one.status.act.applied_at is not None
        if view is not None and taken_back and runs_rejected(one, view):
            yield one, view


def _runs_again(
    status: DriftReviewStatus, own: DriftReviewStatus, target: TargetView, rejected: str, now: datetime
) -> DriftReviewStatus:
    """What a rollback took away is there again; `own` is the status of that workload alone."""
    after = status.aftermath or Aftermath()
    first = after.returned_at or schedule.whole_seconds(now)
    status = status.model_copy(update={"aftermath": after.model_copy(update={"returned_at": first})})
    status = given_up(status, Reason.RETURNED, f"{rejected} ran again before it could be judged", now)
    message = _returned(own, target, rejected, first)
    return with_condition(status, ConditionType.STAYS_BACK, "False", Reason.RETURNED, message, now)


def _returned(status: DriftReviewStatus, target: TargetView, rejected: str, first: datetime) -> str:
    """What runs again, since when, by whom, and what to do; not by `kubectl rollout undo`, which drops our notes."""
    return (
        f"{rejected} was rolled back and is there again, first seen at {said(first)}{_by(status, target)}; nothing is "
        "done about it, and no new review starts on it: take it back where it comes from (Git, a pipeline), or "
        + ("scale it to zero" if empties(status.act) else f"apply the pod template of {went_back_to(status)} again")
    )


def _by(status: DriftReviewStatus, target: TargetView) -> str:
    """Who applied what runs, and what keeps it as it is in Git, as well as the target tells."""
    edit = changed_by(status.act, target)
    by = f", applied {who_applied(edit, target.owner)}" if edit else ""
    owner = target.owner
    if owner is None or not owner.reapplies or owner.said() in by:
        return by
    return f"{by}, kept by {owner.said()}"


def _left(status: DriftReviewStatus, reason: Reason, what: str, now: datetime) -> DriftReviewStatus:
    """Something else runs than what was taken away and what was put back: there is nothing to look at any more."""
    message = f"{what}: whether the rejected revision returns is looked at no more"
    status = given_up(status, reason, f"{what} before it could be judged", now)
    return _ended(with_condition(status, ConditionType.STAYS_BACK, "Unknown", reason, message, now), now)


def _closed(status: DriftReviewStatus, now: datetime) -> DriftReviewStatus:
    """The window is closed: what was last seen stands."""
    back = condition(status, ConditionType.STAYS_BACK)
    if back is not None and status.rollback is not None:
        reason = Reason.WINDOW_CLOSED if back.status == "True" else back.reason
        message = f"{back.message}; the window closed at {said(status.rollback.closes_at)}: looked at no more"
        status = with_condition(status, ConditionType.STAYS_BACK, back.status, reason, message, now)
    return _ended(status, now)


def _ended(status: DriftReviewStatus, now: datetime) -> DriftReviewStatus:
    after = status.aftermath or Aftermath()
    return status.model_copy(update={"aftermath": after.model_copy(update={"ended_at": schedule.whole_seconds(now)})})


def _told(review: DriftReview, status: DriftReviewStatus, now: datetime) -> DriftReviewStatus:
    """Say it in the review's sentence as well; why one failed stays what it was, and what is known since is added."""
    ready = condition(review.status, ConditionType.READY)
    if status.phase is Phase.ROLLED_BACK:
        status = moved(status, status.phase, *outcome(review, status, status.phase), now)
    elif status.phase is Phase.FAILED and ready is not None:
        why = ready.message.removesuffix(since_then(review.status))
        status = moved(status, status.phase, ready.reason, why, now, end=since_then(status))
    return finished(review, status)


def _ready(review: DriftReview, status: DriftReviewStatus) -> datetime | None:
    """When the time after the rollback can be judged; None if there is nothing to judge any more."""
    if status.recovery is None or not is_open(status):
        return None
    return status.recovery.due + parse_duration(review.spec.window.settle)


def _until(review: DriftReview) -> datetime:
    """Until when what stands in the way is waited for."""
    status = review.status
    dates = [status.rollback.closes_at] if status.rollback else []
    ready = _ready(review, status)
    return max([*dates, *([ready] if ready else [])]) + PATIENCE

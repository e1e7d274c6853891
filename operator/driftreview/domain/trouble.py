"""What follows when something cannot be had or done: unanswered queries, missing rights, altered evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.api.values import parse_duration
from driftreview.domain import schedule
from driftreview.domain.approvals import extended
from driftreview.domain.display import fitted
from driftreview.domain.evidence import RECOVERY, T0
from driftreview.domain.kinds import rules_of
from driftreview.domain.recovery import waits
from driftreview.domain.samples import Failed
from driftreview.domain.status import Stuck, condition, failed, finished, moved, said, with_condition

_NOT_ASKED: Final = frozenset(
    {Reason.SOURCE_NOT_FOUND, Reason.SOURCE_NOT_ALLOWED, Reason.SOURCE_CHANGED, Reason.SECRET_NOT_FOUND}
)
_NO_EVIDENCE: Final = "there is no baseline, and policy.onWindowEnd does not rule without evidence"
PATIENCE: Final = timedelta(minutes=10)
"""How long a few unanswered queries hold up the judgement of the others."""


def slow(review: DriftReview, progress: str, now: datetime) -> DriftReviewStatus:
    """The source takes its time: say how far the asking got."""
    following = next((each for each in review.status.checkpoints if each.verdict is None), None)
    guards = review.status.baseline is not None and following is not None and now < following.due
    if review.status.decision is not None or guards:  # what stands there is more than this
        return review.status
    phase, summary = review.status.phase or Phase.PENDING, f"asks the metric source, which is slow; {progress}"
    return finished(review, moved(review.status, phase, Reason.ASKING, summary, now))


def metrics_failed(review: DriftReview, failures: Sequence[Failed], now: datetime, *, dead: bool) -> DriftReviewStatus:
    """Queries went unanswered that may be answered later: say so, since when, and what becomes of the look.

    `dead` says that the source answers nothing at all.
    """
    first = failures[0]
    how_many = f"{len(failures)} of {len(review.spec.signals)} queries went unanswered"
    message = f"{how_many}: {first.message}" if first.reason not in _NOT_ASKED else first.message
    status = with_condition(review.status, ConditionType.METRICS_AVAILABLE, "False", Reason(first.reason), message, now)
    if status.decision is not None:
        return finished(review, waits(status, Reason(first.reason), message, now))
    waiting = review.model_copy(update={"status": status})
    phase, since = status.phase or Phase.BASELINING, _unanswered_since(status) or now
    summary = f"waits for the metric source since {said(since)}: {message.removesuffix('.')}"
    summary = fitted(summary, _overdue(waiting, dead=dead))
    stuck = Stuck(Reason(first.reason), message)
    return finished(review, moved(status, phase, Reason(first.reason), summary, now, stuck))


def _overdue(review: DriftReview, *, dead: bool) -> str:
    """Which look waits, that its window does not move, and from when on it is judged by what there is."""
    status = review.status
    following = next((each for each in status.checkpoints if each.verdict is None), None)
    if status.baseline is None:
        name, look, what = T0, T0, "frozen"
    elif following is None:
        return ""
    else:
        name, look, what = following.name, f"T0+{following.name}, due at {said(following.due)},", "judged"
    until = _waited_for(review, name, dead=dead)
    then = f", and from {said(until)} on without what is unanswered" if until is not None else ""
    return f"; {look} is {what} by its own window once there are answers{then}"


def out_of_patience(review: DriftReview, look: str, now: datetime, *, dead: bool) -> bool:
    """Whether to freeze what there is, failures and all, instead of asking again.

    A few failing queries hold up the others only for a while. When none is answered there is nothing to hold up: the
    source is waited for until the next look would be due, for the last look and for T0 until the last safe moment, and
    after a rollback until the window closes. A review of times long past waits as long from the first failure.

    Args:
        review: whose look it is.
        look: its name.
        now: the time.
        dead: nothing at all is answered.
    """
    until = _waited_for(review, look, dead=dead)
    return until is not None and now >= until


def _waited_for(review: DriftReview, look: str, *, dead: bool) -> datetime | None:
    """Until when what went unanswered is asked again; None where nothing did, or there is no T0."""
    status, window = review.status, extended(review).spec.window
    since = _unanswered_since(status)
    if since is None or status.t0 is None:
        return None
    at_least = since + min(PATIENCE, parse_duration(window.checkpoints[0]))
    if not dead:
        return at_least
    if look == RECOVERY:
        return max(at_least, schedule.closes_at(window, status.t0))
    safe_until = schedule.last_safe_moment(window, status.t0, status)
    names = [each.name for each in status.checkpoints]
    if look in names[:-1]:
        return max(at_least, status.checkpoints[names.index(look) + 1].due)
    return safe_until if since < safe_until else at_least


def _unanswered_since(status: DriftReviewStatus) -> datetime | None:
    unavailable = condition(status, ConditionType.METRICS_AVAILABLE)
    if unavailable is None or unavailable.status != "False":
        return None
    return unavailable.last_transition_time


def baseline_given_up(review: DriftReview, now: datetime) -> DriftReviewStatus:
    """The window ended before a baseline could be had: nothing can be judged."""
    message = "the T0 evidence could not be gathered before the rollback window closed: nothing was judged"
    status = moved(review.status, Phase.INCONCLUSIVE, Reason.BASELINE_NOT_CAPTURED, message, now)
    return finished(review, status)


def refused(review: DriftReview, reason: Reason, message: str, now: datetime) -> DriftReviewStatus:
    """What the review needs is refused, by the API server or as too large to read: before T0 it is not accepted.

    A started one waits until somebody mends it, at most until its window is closed.
    """
    status = review.status
    text = message if reason is Reason.TARGET_TOO_LARGE else f"the API server refuses it: {message}"
    if status.t0 is None:
        status = with_condition(status, ConditionType.ACCEPTED, "False", reason, text, now)
        summary = f"not accepted: {text}"
        return finished(review, moved(status, Phase.PENDING, reason, summary, now, Stuck(reason, text)))
    if _closed(review, now):
        message = f"nothing could be done before the rollback window closed: {text}"
        return finished(review, moved(status, Phase.FAILED, reason, message, now))
    summary, phase = f"cannot go on: {text}", status.phase or Phase.PENDING
    return finished(review, moved(status, phase, reason, summary, now, Stuck(reason, text)))


def _closed(review: DriftReview, now: datetime) -> bool:
    """Whether the window of a started review is closed, and what holds it up was given its time as well."""
    closes = review.status.rollback.closes_at if review.status.rollback else now
    return now >= max(closes, _held_up_since(review, now) + PATIENCE)


def _held_up_since(review: DriftReview, now: datetime) -> datetime:
    stalled = condition(review.status, ConditionType.STALLED)
    return stalled.last_transition_time if stalled is not None and stalled.status == "True" else now


def unexpected(review: DriftReview, error: str, now: datetime) -> DriftReviewStatus:
    """The operator failed where it should not have: said, and tried again, at most until the window is closed."""
    status = review.status
    text = f"the operator failed ({error}; see its log for {review.metadata.full_name})"
    if status.t0 is not None and _closed(review, now):
        undecided = status.decision is None and status.act is None
        phase = Phase.INCONCLUSIVE if undecided else Phase.FAILED
        what = "undecided" if undecided else "the decision was not carried out"
        text += f"; {_NO_EVIDENCE}" if undecided and status.baseline is None else ""
        message = f"{what} when the rollback window closed, and nothing more is done: {text}; decide by hand"
        return finished(review, moved(status, phase, Reason.INTERNAL_ERROR, message, now))
    phase, stuck = status.phase or Phase.PENDING, Stuck(Reason.INTERNAL_ERROR, text)
    return finished(review, moved(status, phase, Reason.INTERNAL_ERROR, f"cannot go on: {text}", now, stuck))


def keeps_failing(review: DriftReview, now: datetime) -> bool:
    """Whether every step of a review made the operator fail for so long that another try need not be waited for."""
    stalled = condition(review.status, ConditionType.STALLED)
    failing = stalled is not None and stalled.reason == Reason.INTERNAL_ERROR
    return failing and now >= _held_up_since(review, now) + PATIENCE


def evidence_altered(review: DriftReview, name: str, now: datetime) -> DriftReviewStatus:
    """Stored evidence is gone or was changed: no verdict can rest on it."""
    message = f"DriftSnapshot {name} is gone or does not match its hash: no verdict can rest on it"
    return failed(review, review.status, Reason.EVIDENCE_ALTERED, message, now)


def way_back_gone(review: DriftReview, now: datetime) -> DriftReviewStatus:
    """What was pinned at T0 is gone before any evidence could hold its template."""
    name = review.status.previous.name if review.status.previous else "of the previous revision"
    message = (
        f"it cannot be rolled back: {rules_of(review).revisions} {name} is gone, or not what was pinned at T0, and no "
        "evidence holds its template yet; decide by hand"
    )
    return finished(review, moved(review.status, Phase.FAILED, Reason.NO_PREVIOUS_REVISION, message, now))


def act_refused(review: DriftReview, message: str, now: datetime) -> tuple[DriftReviewStatus, bool]:
    """The API server refused the act for a reason that is not a changed target.

    Returns:
        The next status, and whether it is worth trying again.
    """
    status = review.status
    what = status.act.type if status.act else "the act"
    text = f"{what} was refused by the API server: {message}"
    began = status.act.intent_at if status.act else now
    until = max(began + PATIENCE, status.rollback.closes_at if status.rollback else now)
    if now >= until:
        return finished(review, moved(status, Phase.FAILED, Reason.ACT_REFUSED, text, now)), False
    phase, stuck = status.phase or Phase.HOLDING, Stuck(Reason.ACT_REFUSED, text)
    summary = f"{text}; it is tried again until {said(until)}"
    return finished(review, moved(status, phase, Reason.ACT_REFUSED, summary, now, stuck)), True

"""How long is left to decide, and the warning that people must: well before the last safe moment, where it needs them.

A healthy review decides by itself at its last look, minutes before that moment. Who was warned of each of those would
not read the warning that matters.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from driftreview.api.act import Act, ActType
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import TERMINAL, ConditionType
from driftreview.api.policy import PolicyMode
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.api.values import parse_duration
from driftreview.api.verdicts import Verdict
from driftreview.domain.ahead import at_window_end
from driftreview.domain.conclusion import act_on
from driftreview.domain.consent import consent
from driftreview.domain.freeze import freeze_at, frozen_until, outlasts
from driftreview.domain.status import condition, finished, said, with_condition, without_condition
from driftreview.domain.stepping import kept_back

_HOUR: Final = timedelta(hours=1)
_SHORT: Final = timedelta(minutes=5)
WARNINGS: Final = (
    (timedelta(minutes=15), Reason.FIFTEEN_MINUTES_LEFT),
    (_HOUR, Reason.ONE_HOUR_LEFT),
    (4 * _HOUR, Reason.FOUR_HOURS_LEFT),
)
"""How long before the last safe moment people are warned, the last warning first."""
_WORTH: Final = 2
"""Of a review that is not this many times as long, a warning would come as it begins."""


def time_left(until: datetime, now: datetime) -> str:
    """How long is left, at least, in few steps: each is a write of the status."""
    left = until - now
    if left >= _HOUR:
        return f"{left // _HOUR}h"
    if left >= _SHORT:
        return f"{left // _SHORT * 5}m"
    return "<5m" if left > timedelta(0) else "0m"


def with_countdown(review: DriftReview, status: DriftReviewStatus, now: datetime) -> DriftReviewStatus:
    """Warn of the last safe moment, or take the warning back."""
    rollback, t0 = status.rollback, status.t0
    silent = without_condition(status, ConditionType.DECISION_DUE)
    if rollback is None or t0 is None or status.phase in TERMINAL:
        return silent
    safe = rollback.last_safe_moment
    due = next((why for before, why in WARNINGS if safe - t0 >= _WORTH * before and now >= safe - before), None)
    what = needs_people(review, status, now) if due is not None else ""
    if due is None or not what:
        return silent
    then = at_window_end(review, status, status.decision)
    if status.act is not None:
        then = f"what is decided and not done by {said(rollback.closes_at)} is left to people"
    message = f"{what}; the last safe moment is {said(safe)}: {then}"
    reason = due if now < safe else Reason.TOO_LATE
    return finished(review, with_condition(status, ConditionType.DECISION_DUE, "True", reason, message, now))


def needs_people(review: DriftReview, status: DriftReviewStatus, now: datetime) -> str:
    """Why the review will not decide or act in time by itself, or may not, as things stand; empty if it will."""
    if review.spec.policy.mode is PolicyMode.OBSERVE:
        return ""
    if review.spec.suspend:
        return "it is suspended by spec.suspend"
    stalled = condition(status, ConditionType.STALLED)
    if stalled is not None and stalled.status == "True":
        return stalled.message
    return _decision_lacks(review, status, now) if status.act is None else _act_lacks(review, status, status.act, now)


def _act_lacks(review: DriftReview, status: DriftReviewStatus, act: Act, now: datetime) -> str:
    """What keeps a promotion back that is not begun yet, though nothing is to be mended."""
    waits = act.type is ActType.PROMOTE and act.applied_at is None
    return _frozen(review, status, now) if waits and kept_back(review, status, act.type, now) is not None else ""


def _decision_lacks(review: DriftReview, status: DriftReviewStatus, now: datetime) -> str:
    """What people would have to give to a decision, or what keeps it from being taken."""
    policy, decision = review.spec.policy, status.decision
    if decision is not None and act_on(policy, decision) is ActType.ROLL_BACK:
        return ""
    if decision is not None and act_on(policy, decision) is None:
        return f"{decision.recommendation} is left to a person"
    if lacking := _promotion_lacks(review, status, now):
        return lacking
    last = next((each for each in reversed(status.checkpoints) if each.verdict is not None), None)
    if last is not None and last.verdict in (Verdict.HOLD, Verdict.INCONCLUSIVE):
        return f"{last.verdict} at T0+{last.name}: {last.message}"
    settle = parse_duration(review.spec.window.settle)
    late = next((each for each in status.checkpoints if each.verdict is None and now > each.due + 2 * settle), None)
    return f"T0+{late.name} was due at {said(late.due)} and could not be judged yet" if late is not None else ""


def _promotion_lacks(review: DriftReview, status: DriftReviewStatus, now: datetime) -> str:
    """What only people can give to a promotion in time: approvals, sign-offs, the end of a freeze; empty if nothing."""
    if review.spec.policy.mode is not PolicyMode.ENFORCE:
        return ""
    if not (given := consent(review, status)).enough():
        return f"a promotion {given.said()}"
    return _frozen(review, status, now)


def _frozen(review: DriftReview, status: DriftReviewStatus, now: datetime) -> str:
    """That promotions are frozen, and not only until the last safe moment; empty if they are not."""
    freeze = freeze_at(review, now)
    outlasting = status.rollback is not None and outlasts(freeze, status.rollback.last_safe_moment)
    return frozen_until(freeze) if outlasting else ""

"""What comes next while a review is open, in words: which look judges anew, until when, and what follows without one.

Whoever is woken by a review that holds shall not have to look up what happens if they go back to sleep.
"""

from __future__ import annotations

from typing import Final

from driftreview.api.act import ActType
from driftreview.api.driftreview import DriftReview
from driftreview.api.policy import OnWindowEnd, PolicyMode
from driftreview.api.reasons import Reason
from driftreview.api.status import Decision, DriftReviewStatus
from driftreview.api.verdicts import Recommendation
from driftreview.domain.conclusion import BY_PEOPLE, act_for, act_on
from driftreview.domain.consent import consent
from driftreview.domain.freeze import is_frozen
from driftreview.domain.status import said
from driftreview.domain.stop import stopped

_WHAT: Final = {ActType.ROLL_BACK: "rollback", ActType.PROMOTE: "promotion"}
_DONE: Final = {ActType.ROLL_BACK: "it is rolled back", ActType.PROMOTE: "it is promoted"}
_AT_THE_END: Final = {OnWindowEnd.ROLLBACK: ActType.ROLL_BACK, OnWindowEnd.PROMOTE: ActType.PROMOTE}
_NOTHING: Final = "the review ends, nothing is done and nobody is told"


def at_window_end(review: DriftReview, status: DriftReviewStatus, decision: Decision | None = None) -> str:
    """What follows at the last safe moment if nobody acts before; what is rejected is never promoted for that."""
    policy, frozen = review.spec.policy, ""
    if policy.mode is not PolicyMode.ENFORCE:
        return f"{_NOTHING} (policy.mode is {policy.mode})"
    closes = said(status.rollback.closes_at) if status.rollback else "the end of the window"
    if (waiting := _is_waiting(review, status, decision)) is not None:
        return f"the decided {_WHAT[waiting]} is still done as soon as it can be, not after {closes}"
    act = _AT_THE_END.get(policy.on_window_end)
    if act is ActType.PROMOTE and decision is not None and decision.recommendation is Recommendation.REJECT:
        act = None
    if decision is not None and decision.reason in BY_PEOPLE:  # what they decided is not decided anew
        act = None
    if status.rollback and is_frozen(review, status.rollback.last_safe_moment):
        passed = decision is not None and decision.recommendation is Recommendation.APPROVE
        if act is ActType.PROMOTE:
            act, frozen = None, ", and promotions are frozen then"
        elif act is ActType.ROLL_BACK and passed and consent(review, status).enough():
            act, frozen = None, ", but it passed, and only promotions are frozen then"
    later = f" as soon as acts are no longer stopped, not after {closes}" if stopped(status) is not None else ""
    done = _NOTHING if act is None else f"{_DONE[act]}{later}"
    return f"{done} (policy.onWindowEnd is {policy.on_window_end}{frozen})"


def _is_waiting(review: DriftReview, status: DriftReviewStatus, decision: Decision | None) -> ActType | None:
    """What is decided and wants nothing of the last safe moment: only what hinders it, or the emergency stop, to go."""
    act = act_on(review.spec.policy, decision) if decision is not None else None
    if decision is None or act is not ActType.PROMOTE or decision.reason is Reason.OVERRIDDEN:
        return act
    frozen = status.rollback is not None and is_frozen(review, status.rollback.last_safe_moment)
    return act if consent(review, status).enough() and not frozen else None


def to_come(review: DriftReview, status: DriftReviewStatus) -> str:
    """Which looks judge an undecided review anew, and what follows if they leave it so; empty where none is left."""
    left = [each for each in status.checkpoints if each.verdict is None]
    if not left or status.rollback is None:
        return ""
    first, *_, last = [left[0], *left]
    looks = f"T0+{first.name} judges it anew at {said(first.due)}"
    looks += f", the last look, T0+{last.name}, at {said(last.due)}" if last is not first else " and is the last look"
    act = act_for(review.spec.policy, Recommendation.INCONCLUSIVE)
    if act is not None:
        on_inconclusive = review.spec.policy.on_inconclusive
        return f"{looks}; if still undecided then, {_DONE[act]} (policy.onInconclusive is {on_inconclusive})"
    until = said(status.rollback.last_safe_moment)
    return f"{looks}; if still undecided at {until}, {at_window_end(review, status)}"

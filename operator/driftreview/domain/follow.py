"""From a decision to the intent to act, or to waiting for people: by the policy, by what people say, by the time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from driftreview.api.act import Act, ActType
from driftreview.api.approval import ApprovalRecord, ApprovalType
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import TERMINAL, Phase
from driftreview.api.policy import OnWindowEnd, PolicyMode
from driftreview.api.reasons import Reason
from driftreview.api.status import Decision, DriftReviewStatus
from driftreview.api.verdicts import Recommendation
from driftreview.domain import schedule
from driftreview.domain.ahead import at_window_end
from driftreview.domain.conclusion import BY_PEOPLE, BY_WINDOW_END, act_on, by_policy, written_down
from driftreview.domain.consent import consent, is_held, override, rejection
from driftreview.domain.display import fitted
from driftreview.domain.freeze import freeze_at, frozen_until, is_frozen, outlasts
from driftreview.domain.status import Stuck, finished, held_up_by, moved, said
from driftreview.domain.stop import stopped
from driftreview.domain.wayback import AWAITED
from driftreview.domain.ways import intent, unknown_resting
from driftreview.domain.workload import TargetView

NOBODY: Final = "nobody answered until the last safe moment, and policy.onWindowEnd is Rollback"


def decided(
    status: DriftReviewStatus, what: Recommendation, reason: Reason, message: str, by: str, now: datetime
) -> DriftReviewStatus:
    """Write down what the review came to, and by whom."""
    return status.model_copy(update={"decision": written_down(what, reason, message, by, schedule.whole_seconds(now))})


def follow_decision(
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
    act = act_on(policy, decision)
    if act is ActType.PROMOTE and (wanted := _wanted(review, decision, status, now)) is not None:
        summary = fitted(summary, f"; {wanted.what}; {wanted.then}")
        return moved(status, Phase.HOLDING, wanted.reason, summary, now)
    if act is not None:
        if decision.recommendation is Recommendation.INCONCLUSIVE:
            ruled = by_policy(decision, policy, schedule.whole_seconds(now))
            status = status.model_copy(update={"decision": ruled})
        return _intend(review, status, act, target, summary, now)
    given, waits = consent(review, status), _waits(review, decision, status, now)
    asked = given.by or given.asked or given.early
    so_far = f"; to promote it, it {given.said(1)}" if asked else ""
    return moved(status, Phase.HOLDING, Reason.HOLDING, fitted(summary, f"; {waits}{so_far}"), now)


@dataclass(frozen=True)
class _Wanted:
    """What a decided promotion waits for."""

    reason: Reason
    what: str
    """In words."""
    then: str
    """What comes of it."""


def _wanted(review: DriftReview, decision: Decision, status: DriftReviewStatus, now: datetime) -> _Wanted | None:
    """What people would have to give to a decided promotion, or which freeze to end; an override wants nothing."""
    if decision.reason is Reason.OVERRIDDEN:
        return None
    given = consent(review, status)
    if not given.enough():
        waits = _waits(review, decision, status, now)
        return _Wanted(Reason.APPROVAL_MISSING, f"the promotion {given.said()}", waits)
    freeze = freeze_at(review, now)
    if not freeze.closed:
        return None
    last, then = status.rollback.last_safe_moment if status.rollback else now, "it is done then"
    if outlasts(freeze, last):
        then = f"at {said(last)}, which comes first, {at_window_end(review, status, decision)}"
    return _Wanted(Reason.FROZEN, frozen_until(freeze), then)


def answered(review: DriftReview, status: DriftReviewStatus, target: TargetView, now: datetime) -> DriftReviewStatus:
    """What people say: a Reject takes the release back at once, approvals answer a decision that was left to people.

    Approvals that were given before such a decision do not answer it; those before any decision only count. An Override
    promotes what waits for people or a freeze. What people decided, and what is still to be done, only a Reject or an
    Override decides anew.
    """
    decision = status.decision
    if decision is not None and decision.reason is Reason.REJECTED:
        return status
    before = f"; before: {decision.recommendation}, {decision.message}" if decision is not None else ""
    if (rejected := rejection(status)) is not None:
        message = f"rejected by {rejected.by}: {rejected.message}{before}"
        status = decided(status, Recommendation.REJECT, Reason.REJECTED, message, rejected.by, now)
        return follow_decision(review, status, target, now, last=False)
    if (forced := override(status)) is not None and decision is not None and decision.reason is not Reason.OVERRIDDEN:
        message = f"overridden by {forced.by}: {forced.message}{before}"
        status = decided(status, Recommendation.APPROVE, Reason.OVERRIDDEN, message, forced.by, now)
        return follow_decision(review, status, target, now, last=False)
    given = consent(review, status)
    by_people = decision is not None and decision.reason in BY_PEOPLE
    if by_people or not is_held(review, status) or not given.enough(1):
        return status
    why = "; ".join(f"{each.by}: {each.message}" for each in status.approvals if _counts(each) and each.message)
    message = f"approved by {', '.join(given.by)}{f' ({why})' if why else ''}{before}"
    status = decided(status, Recommendation.APPROVE, Reason.APPROVED, message, ", ".join(given.by), now)
    return follow_decision(review, status, target, now, last=False)


def _counts(record: ApprovalRecord) -> bool:
    return record.type is ApprovalType.APPROVE and record.counted


def _waits(review: DriftReview, decision: Decision, status: DriftReviewStatus, now: datetime) -> str:
    """Until when a person is waited for, and what follows then."""
    then = at_window_end(review, status, decision)
    if status.rollback is None or now >= status.rollback.last_safe_moment:
        return f"no time is left to wait for a person: {then}"
    until = said(status.rollback.last_safe_moment)
    return f"waits for a person until {until}, then {then}"


def _intend(
    review: DriftReview, status: DriftReviewStatus, act: ActType, target: TargetView, summary: str, now: datetime
) -> DriftReviewStatus:
    """Write down what will be done. Nothing is done before this is stored."""
    if act is ActType.ROLL_BACK and (status.rollback is None or not status.rollback.possible):
        reason = status.rollback.reason if status.rollback else Reason.NO_PREVIOUS_REVISION
        message = status.rollback.message if status.rollback else ""
        if reason in AWAITED:  # people can mend or do it: wait for them, as long as the window is open
            closes = said(status.rollback.closes_at) if status.rollback else ""
            text = f"{message}; {AWAITED[reason].format(closes=closes)}: {summary}"
            return moved(status, Phase.HOLDING, reason, text, now, Stuck(reason, message))
        said_last = fitted(summary, f"; but it cannot be rolled back: {message}{held_up_by(status)}; decide by hand")
        return moved(status, Phase.FAILED, reason, said_last, now)
    if (stop := stopped(status)) is not None:
        return _when_it_may(status, act, summary, stop, "acts go on", now)
    if act is ActType.PROMOTE and (unknown := unknown_resting(review, target)):
        stuck = Stuck(Reason.SCALING_UNKNOWN, unknown)
        return _when_it_may(status, act, f"{summary}; {unknown}", stuck, "that is known", now)
    do, replicas, steps = intent(review, act, target)
    written = Act(
        type=act,
        do=do,
        replicas=replicas,
        target_uid=target.uid,
        generation=target.generation,
        intent_at=schedule.whole_seconds(now),
        steps=steps,
    )
    phase = Phase.PROMOTING if act is ActType.PROMOTE else Phase.ROLLING_BACK
    return moved(status.model_copy(update={"act": written}), phase, Reason.ACTING, summary, now)


def _when_it_may(
    status: DriftReviewStatus, act: ActType, summary: str, stuck: Stuck, when: str, now: datetime
) -> DriftReviewStatus:
    """What was decided is not begun while that holds it up, and not after the window."""
    what = "promotion" if act is ActType.PROMOTE else "rollback"
    closes = status.rollback.closes_at if status.rollback else now
    if now > closes:
        end = f"; the {what} was not done before the window closed at {said(closes)} ({stuck.message}); decide by hand"
        return moved(status, Phase.FAILED, Reason.WINDOW_CLOSED, fitted(summary, end), now)
    end = f"; the {what} is done when {when}, not after {said(closes)}"
    return moved(status, Phase.HOLDING, stuck.reason, fitted(summary, end), now, stuck)


def act_due(review: DriftReview, status: DriftReviewStatus, target: TargetView, now: datetime) -> DriftReviewStatus:
    """Write the intent of what was decided when it could not be done, now that it can; or say what it still waits for.

    A rollback waits for what hinders it until the window closes, also past the last safe moment; a promotion for
    people and for the end of a freeze; both while acts are stopped.
    """
    decision = status.decision
    if decision is None or status.act is not None or status.phase in TERMINAL:
        return status
    if _to_be_rolled_back(review, decision):
        return _intend(review, status, ActType.ROLL_BACK, target, f"{decision.recommendation}: {decision.message}", now)
    if review.spec.policy.mode is not PolicyMode.ENFORCE:
        return status
    followed = follow_decision(review, status, target, now, last=False)
    over = status.rollback is not None and now >= status.rollback.last_safe_moment
    return status if over and followed.act is None else followed  # nobody is waited for any more


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
    return act_on(review.spec.policy, decision) is ActType.ROLL_BACK


def _at_the_end(review: DriftReview, status: DriftReviewStatus, wanted: _Wanted | None, now: datetime) -> OnWindowEnd:
    """What the policy says at the last safe moment; no freeze is overruled by it, nor what people decided.

    Nor is a release taken back that passed, and has all that it needs but the end of a freeze.
    """
    on_end = review.spec.policy.on_window_end
    by_people = status.decision is not None and status.decision.reason in BY_PEOPLE
    only_frozen = wanted is not None and wanted.reason is Reason.FROZEN
    frozen = on_end is OnWindowEnd.PROMOTE and is_frozen(review, now)
    return OnWindowEnd.NOTIFY if by_people or only_frozen or frozen else on_end


def rules_before_the_last_look(review: DriftReview) -> bool:
    """Whether the policy acts at the last safe moment also where a look is still to come, as a rollback takes long.

    Where it only tells, that look is judged: it may still be acted upon until the window closes.
    """
    policy = review.spec.policy
    return policy.mode is PolicyMode.ENFORCE and policy.on_window_end is not OnWindowEnd.NOTIFY


def window_ended(
    review: DriftReview, status: DriftReviewStatus, target: TargetView, now: datetime
) -> DriftReviewStatus:
    """Undecided, or decided and left to people, at the last safe moment."""
    decision, wanted = status.decision, None
    if decision is not None and act_on(review.spec.policy, decision) is ActType.PROMOTE:
        wanted = _wanted(review, decision, status, now)
        if wanted is None:  # nothing but the emergency stop keeps it from being done
            return finished(review, follow_decision(review, status, target, now, last=False))
    on_end = _at_the_end(review, status, wanted, now)
    why = decision.message if decision else f"not every look could be judged{held_up_by(review.status)}"
    approved = decision is not None and decision.recommendation is Recommendation.APPROVE
    if approved:
        why = f"APPROVE: {why}" + (f"; but {wanted.what}" if wanted is not None else "")
    if decision is not None and _to_be_rolled_back(review, decision):
        return finished(review, status)  # waits for the target, until the window closes
    if decision is not None and decision.recommendation is Recommendation.REJECT:
        if review.spec.policy.mode is PolicyMode.ENFORCE and on_end is OnWindowEnd.ROLLBACK:
            summary = f"REJECT: {why}; {NOBODY}"
            return finished(review, _intend(review, status, ActType.ROLL_BACK, target, summary, now))
        status = moved(status, Phase.DECIDED, Reason.ADVISED, f"REJECT: {why}; nobody acted on it", now)
    elif review.spec.policy.mode is PolicyMode.ENFORCE and on_end is not OnWindowEnd.NOTIFY:
        act = ActType.PROMOTE if on_end is OnWindowEnd.PROMOTE else ActType.ROLL_BACK
        what = "not promoted" if approved else "undecided"
        message = f"{what} at the last safe moment ({why}); {BY_WINDOW_END} is {on_end}"
        if decision is not None and decision.reason is Reason.POLICY:  # said before, when the target was paused
            message = why
        else:
            status = decided(status, Recommendation.INCONCLUSIVE, Reason.POLICY, message, BY_WINDOW_END, now)
        status = _intend(review, status, act, target, message, now)
    elif approved:
        message = f"{why}; nothing was done until the last safe moment"
        lacked = wanted.reason if wanted is not None else Reason.APPROVAL_MISSING
        status = moved(status, Phase.DECIDED, lacked, message, now)
    else:
        message = f"undecided at the last safe moment: nothing was done, decide by hand; {why}"
        status = moved(status, Phase.INCONCLUSIVE, Reason.NOT_ENOUGH_EVIDENCE, message, now)
    return finished(review, status)

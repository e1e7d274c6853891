"""Holds what followed from the looks against what the same functions make of them: decision, act, phase, what is said.

What a review came to in the end is computed again. Of one that goes on, only what holds at each of its steps: it may
have been exported between two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from driftreview.api.act import Act, ActType
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import TERMINAL, ConditionType, Phase
from driftreview.api.policy import OnWindowEnd, Policy, PolicyMode
from driftreview.api.reasons import Reason
from driftreview.api.status import Decision, DriftReviewStatus
from driftreview.api.verdicts import Recommendation, Verdict
from driftreview.domain import schedule
from driftreview.domain.acted import outcome
from driftreview.domain.approvals import extended
from driftreview.domain.conclusion import (
    BY_PEOPLE,
    BY_WINDOW_END,
    act_for,
    act_on,
    by_policy,
    decided_by,
)
from driftreview.domain.difference import NONE, Difference
from driftreview.domain.display import shorten
from driftreview.domain.naming import look_names
from driftreview.domain.recovery import since_then
from driftreview.domain.rows import WORTH_SAYING
from driftreview.domain.status import MOST_SAID, NOT_HELD_UP, Stuck, condition, finished, moved, said, truth
from driftreview.domain.steps import told_left
from driftreview.domain.ways import is_asked_for

_DOES: Final = {ActType.PROMOTE: Phase.PROMOTING, ActType.ROLL_BACK: Phase.ROLLING_BACK}
_DONE: Final = {ActType.PROMOTE: Phase.PROMOTED, ActType.ROLL_BACK: Phase.ROLLED_BACK}
_INCOMPLETE: Final = frozenset({Reason.ROLLBACK_INCOMPLETE, Reason.PROMOTION_INCOMPLETE})
_UNDONE: Final = frozenset({Phase.FAILED, Phase.SUPERSEDED})
"""How a review ends whose act was not carried out."""
_FIELDS: Final = ("status", "reason", "message")


def ensued(review: DriftReview, verdicts: Mapping[str, Verdict] | None) -> Iterator[Difference]:
    """Every place where what followed is not what follows.

    Args:
        review: with its status.
        verdicts: of each look that was judged, by its name, as judged anew; None where the evidence of one is missing.
    """
    if verdicts is not None:
        yield from _decision(review, verdicts)
    yield from _act(review)
    yield from _phase(review.status)
    yield from _said(review)


def _decision(review: DriftReview, verdicts: Mapping[str, Verdict]) -> Iterator[Difference]:
    """Whether the decision is the one that the looks lead to; people and the policy may decide otherwise."""
    status, last = review.status, look_names(review)[-1]
    rows = [
        each.model_copy(update={"verdict": verdicts[each.name]}) for each in status.checkpoints if each.name in verdicts
    ]
    looks = next((found for row in rows if (found := decided_by(row, last=row.name == last))), None)
    decision = status.decision
    if decision is None:
        if looks is not None:
            yield Difference("status.decision", NONE, _named(looks))
        return
    if decision.reason is Reason.REVERTED_BY_HAND:
        came_to = f"{decision.recommendation} in phase {status.phase}"
        if came_to != (follows := f"{Recommendation.REJECT} in phase {Phase.SUPERSEDED}"):
            yield Difference("status.decision", came_to, follows)
        return
    if decision.reason in BY_PEOPLE or _at_the_end(review, decision, looks):
        return
    expected = looks
    if decision.reason is Reason.POLICY and looks is not None and _is_ruled(review.spec.policy, looks):
        expected = by_policy(looks, review.spec.policy, decision.at)
    if expected is None or _named(decision) != _named(expected):
        yield Difference("status.decision", _named(decision), NONE if expected is None else _named(expected))
        return
    for field in ("reason", "message", "at"):
        old, new = (str(getattr(each, field)) for each in (decision, expected))
        if old != new:
            yield Difference(f"status.decision.{field}", old, new)


def _named(decision: Decision) -> str:
    return f"{decision.recommendation} by {decision.by}"


def _is_ruled(policy: Policy, looks: Decision) -> bool:
    """Whether the policy says what is done about a look that could not be judged."""
    undecided = looks.recommendation is Recommendation.INCONCLUSIVE
    return undecided and act_for(policy, Recommendation.INCONCLUSIVE) is not None


def _at_the_end(review: DriftReview, decision: Decision, looks: Decision | None) -> bool:
    """Whether a decision is the policy's at the last safe moment; it overrules no drift."""
    policy, t0 = review.spec.policy, review.status.t0
    if (decision.reason, decision.by) != (Reason.POLICY, BY_WINDOW_END) or t0 is None:
        return False
    drifted = looks is not None and looks.recommendation is Recommendation.REJECT
    rules = policy.mode is PolicyMode.ENFORCE and policy.on_window_end is not OnWindowEnd.NOTIFY
    safe = schedule.last_safe_moment(extended(review).spec.window, t0, review.status)
    late = decision.at >= safe - WORTH_SAYING
    return rules and late and not drifted and decision.recommendation is Recommendation.INCONCLUSIVE


def _act(review: DriftReview) -> Iterator[Difference]:
    """Whether the act is one that the policy has for the decision, on the judged object, and was done after it."""
    status = review.status
    act, decision = status.act, status.decision
    if act is None:
        return
    if decision is None:
        yield Difference("status.act", act.type, "nothing was decided")
        return
    allowed = _acts(review.spec.policy, decision)
    by_hand = decision.reason is Reason.REVERTED_BY_HAND  # what was intended before that stays written down
    if by_hand and act.completed_at is not None:
        yield Difference("status.act.completedAt", said(act.completed_at), NONE)
    if not by_hand and act.type not in allowed:
        yield Difference("status.act.type", act.type, " or ".join(sorted(allowed)) or "nothing is done")
    if status.target is not None and act.target_uid != status.target.uid:
        yield Difference("status.act.targetUid", act.target_uid, status.target.uid)
    if not is_asked_for(review, act):
        yield Difference("status.act.do, replicas or steps", "another act", "what spec.rollout asks for")
    yield from _moments(act, act.intent_at if by_hand else decision.at)
    yield from _steps(act)


def _moments(act: Act, before: datetime) -> Iterator[Difference]:
    """Whether it was done after it was intended, and intended after a moment."""
    for path, moment in (("intentAt", act.intent_at), ("appliedAt", act.applied_at), ("completedAt", act.completed_at)):
        if moment is None:
            if act.completed_at is not None:
                yield Difference(f"status.act.{path}", NONE, f"there since {said(act.completed_at)}")
        else:
            if before - moment > WORTH_SAYING:
                yield Difference(f"status.act.{path}", said(moment), f"not before {said(before)}")
            before = moment


def _steps(act: Act) -> Iterator[Difference]:
    """Whether the steps were done one after another, after the target's own change and before the end."""
    before, path = act.applied_at, "status.act.appliedAt"
    for index, each in enumerate(act.steps):
        for name, moment in (("appliedAt", each.applied_at), ("completedAt", each.completed_at)):
            where = f"status.act.steps[{index}].{name}"
            if moment is not None and (before is None or moment < before):
                yield Difference(where, said(moment), f"not before {path}")
            if moment is None and act.completed_at is not None:
                yield Difference(where, NONE, f"there since {said(act.completed_at)}")
            before, path = moment, where


def _acts(policy: Policy, decision: Decision) -> frozenset[ActType]:
    """What may be done about a decision: by it, or at the last safe moment."""
    acts = {act_on(policy, decision)}
    if policy.mode is PolicyMode.ENFORCE and decision.recommendation is not Recommendation.APPROVE:
        undecided = decision.recommendation is Recommendation.INCONCLUSIVE
        if policy.on_window_end is OnWindowEnd.ROLLBACK:
            acts.add(ActType.ROLL_BACK)
        elif policy.on_window_end is OnWindowEnd.PROMOTE and undecided:
            acts.add(ActType.PROMOTE)
    return frozenset(each for each in acts if each is not None)


def _phase(status: DriftReviewStatus) -> Iterator[Difference]:
    """Whether the phase is what the act and the decision came to."""
    act, phase = status.act, status.phase or Phase.PENDING
    if act is None:
        if phase in _DONE.values() or phase in _DOES.values():
            neither = "" if status.decision is not None else " and no decision"
            yield Difference("status.phase", phase, f"no act{neither} is recorded")
        if phase is Phase.DECIDED and status.decision is None:
            yield Difference("status.phase", phase, "nothing was decided")
        going = condition(status, ConditionType.RECONCILING)
        if going is not None and going.reason in _INCOMPLETE:
            yield Difference("status.act", NONE, f"there, as it came only so far ({going.reason})")
        return
    expected = _DONE[act.type] if act.completed_at is not None else _DOES[act.type]
    if phase is not expected and (act.completed_at is not None or phase not in _UNDONE):
        yield Difference("status.phase", phase, expected)


def _said(review: DriftReview) -> Iterator[Difference]:
    """Whether summary and conditions say what follows from phase, reason and sentence, each of them the same."""
    status, phase = review.status, review.status.phase
    if phase is None:
        if status.summary is not None:
            yield Difference("status.phase", NONE, "there with the first summary")
        return
    ready, going, stalled = (
        condition(status, each) for each in (ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED)
    )
    if ready is None or going is None or stalled is None:
        yield Difference("status.conditions", _types(status), "Ready, Reconciling and Stalled")
        return
    final = phase in TERMINAL
    reason, text = going.reason, ready.message if final else going.message
    if phase in _DONE.values():
        reason, text = outcome(review, status, phase)
    held_up = not final and stalled.status == "True" and stalled.message != NOT_HELD_UP
    stuck = Stuck(stalled.reason, stalled.message) if held_up else None
    # Suspending takes the next look off the status, with the next step of the operator and not before.
    active = review.model_copy(update={"spec": review.spec.model_copy(update={"suspend": False})})
    end = {Phase.FAILED: since_then(status), Phase.SUPERSEDED: told_left(status.not_back)}.get(phase, "")
    again = finished(active, moved(status, phase, reason, text, going.last_transition_time, stuck, end=end))
    if status.summary != again.summary:
        yield Difference("status.summary", status.summary or NONE, again.summary or NONE)
    if final and status.progress != again.progress:
        yield Difference("status.progress", status.progress or NONE, again.progress or NONE)
    if status.next_checkpoint not in (again.next_checkpoint, None):
        yield Difference("status.nextCheckpoint", str(status.next_checkpoint), str(again.next_checkpoint or NONE))
    yield from _conditions(status, again)
    if final:
        yield from _ended(status, going.last_transition_time)


def _types(status: DriftReviewStatus) -> str:
    return ", ".join(each.type for each in status.conditions) or NONE


def _conditions(status: DriftReviewStatus, again: DriftReviewStatus) -> Iterator[Difference]:
    """Whether each condition that follows from something else says what follows."""
    expected = {
        kind: tuple(str(getattr(found, field)) for field in _FIELDS)
        for kind in (ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED)
        if (found := condition(again, kind)) is not None
    }
    if (rollback := again.rollback) is not None:
        message = shorten(rollback.message, MOST_SAID)
        expected[ConditionType.ROLLBACK_POSSIBLE] = (truth(holds=rollback.possible), rollback.reason, message)
        if status.rollback != rollback:
            yield Difference("status.rollback", str(status.rollback), str(rollback))
        until = rollback.closes_at if rollback.possible else None
        if rollback.until != until:
            yield Difference("status.rollback.until", _moment(rollback.until), _moment(until))
    for kind, values in expected.items():
        found = condition(status, kind)
        if found is None:
            yield Difference(f"status.conditions[{kind}]", NONE, values[0])
            continue
        for field, value in zip(_FIELDS, values, strict=True):
            old = str(getattr(found, field))
            if old != value:
                yield Difference(f"status.conditions[{kind}].{field}", old or NONE, value or NONE)
    frozen = condition(status, ConditionType.BASELINE_CAPTURED)
    if status.baseline is not None and (frozen is None or (frozen.status, frozen.reason) != ("True", Reason.CAPTURED)):
        old = NONE if frozen is None else f"{frozen.status} ({frozen.reason})"
        yield Difference("status.conditions[BaselineCaptured]", old, f"True ({Reason.CAPTURED})")


def _moment(at: datetime | None) -> str:
    return NONE if at is None else said(at)


def _ended(status: DriftReviewStatus, ended: datetime) -> Iterator[Difference]:
    """Whether a review ended when its act was completed, and after all that is known of it."""
    path, act = "status.conditions[Reconciling].lastTransitionTime", status.act
    if act is not None and act.completed_at is not None and act.completed_at != ended:
        yield Difference(path, said(ended), said(act.completed_at))
    moments = [
        status.t0,
        *(each.judged_at for each in status.checkpoints),
        *(each.at for each in status.approvals),
        status.decision.at if status.decision is not None else None,
        *((act.intent_at, act.applied_at) if act is not None else ()),
    ]
    latest = max((each for each in moments if each is not None), default=ended)
    if latest - ended > WORTH_SAYING:
        yield Difference(path, said(ended), f"not before {said(latest)}")

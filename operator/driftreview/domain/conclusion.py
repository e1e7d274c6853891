"""What a checkpoint's verdict concludes, and what the policy has the operator do about it: nothing else is asked."""

from __future__ import annotations

from typing import Final

from driftreview.api.policy import OnDrift, OnInconclusive, Policy, PolicyMode
from driftreview.api.reasons import Reason, Recommendation, Verdict
from driftreview.api.status import ActType, Decision

BY_PEOPLE: Final = frozenset({Reason.APPROVED, Reason.REJECTED})
"""Reasons of a decision that people took."""


def concluded(verdict: Verdict, *, last: bool) -> tuple[Recommendation, Reason] | None:
    """The recommendation that a checkpoint leads to, and why; None if a later one has to decide."""
    if verdict is Verdict.DRIFT:
        return Recommendation.REJECT, Reason.SIGNAL_DEGRADED
    if not last:
        return None
    if verdict is Verdict.PASS:
        return Recommendation.APPROVE, Reason.SIGNALS_PASSED
    return Recommendation.INCONCLUSIVE, Reason.NOT_ENOUGH_EVIDENCE


def act_for(policy: Policy, recommendation: Recommendation) -> ActType | None:
    """What the operator does about a recommendation; None leaves it to a person."""
    if policy.mode is not PolicyMode.ENFORCE:
        return None
    match recommendation:
        case Recommendation.APPROVE:
            return ActType.PROMOTE
        case Recommendation.REJECT:
            return ActType.ROLL_BACK if policy.on_drift is OnDrift.ROLLBACK else None
        case Recommendation.INCONCLUSIVE:
            acts = {OnInconclusive.PROMOTE: ActType.PROMOTE, OnInconclusive.ROLLBACK: ActType.ROLL_BACK}
            return acts.get(policy.on_inconclusive)


def act_on(policy: Policy, decision: Decision) -> ActType | None:
    """What the operator does about a decision; None leaves it to a person. What a person rejected is left to nobody."""
    if decision.reason is Reason.REJECTED and policy.mode is PolicyMode.ENFORCE:
        return ActType.ROLL_BACK
    return act_for(policy, decision.recommendation)


def held_by(policy: Policy, recommendation: Recommendation) -> str:
    """The field for which the operator does nothing about a recommendation, and its value; empty if it acts."""
    if act_for(policy, recommendation) is not None:
        return ""
    if policy.mode is not PolicyMode.ENFORCE:
        return f"policy.mode {policy.mode}"
    if recommendation is Recommendation.REJECT:
        return f"policy.onDrift {policy.on_drift}"
    return f"policy.onInconclusive {policy.on_inconclusive}"

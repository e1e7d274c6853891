"""What a checkpoint's verdict concludes, and what the policy has the operator do about it: nothing else is asked."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from driftreview.api.act import ActType
from driftreview.api.checkpoint import Checkpoint
from driftreview.api.policy import OnDrift, OnInconclusive, Policy, PolicyMode
from driftreview.api.reasons import Reason
from driftreview.api.status import Decision
from driftreview.api.verdicts import Recommendation, Verdict
from driftreview.domain.display import shorten

MOST_NAMES: Final = 253
BY_INCONCLUSIVE: Final = "policy.onInconclusive"
BY_WINDOW_END: Final = "policy.onWindowEnd"
_MOST_MESSAGE: Final = 4096
BY_PEOPLE: Final = frozenset({Reason.APPROVED, Reason.OVERRIDDEN, Reason.REJECTED, Reason.REVERTED_BY_HAND})
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


def written_down(what: Recommendation, reason: Reason, message: str, by: str, at: datetime) -> Decision:
    """A decision as a status has it: bounded; `at` is in whole seconds."""
    return Decision(
        recommendation=what,
        reason=reason,
        message=shorten(message, _MOST_MESSAGE),
        by=shorten(by, MOST_NAMES),
        at=at,
    )


def decided_by(row: Checkpoint, *, last: bool) -> Decision | None:
    """What a judged look decides; None if a later one has to, or it was not judged."""
    conclusion = concluded(row.verdict, last=last) if row.verdict else None
    if conclusion is None or row.judged_at is None:
        return None
    who = "guard" if row.guard else "checkpoint"
    return written_down(*conclusion, f"T0+{row.name}: {row.message}", f"{who} {row.name}", row.judged_at)


def by_policy(decision: Decision, policy: Policy, at: datetime) -> Decision:
    """What the policy makes of a look that could not be judged: that does not roll back by itself."""
    message = f"{BY_INCONCLUSIVE} is {policy.on_inconclusive}, and {decision.message}"
    return written_down(Recommendation.INCONCLUSIVE, Reason.POLICY, message, BY_INCONCLUSIVE, at)


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

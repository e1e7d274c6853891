"""Where a review is in its life, and what its conditions are about: words that programs match on, as `reasons`."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """Where a review is in its life."""

    PENDING = "Pending"
    """Not started: waits to be accepted, or for the target's rollout to finish."""
    BASELINING = "Baselining"
    """T0 is fixed; the baseline is being captured."""
    WATCHING = "Watching"
    """Between checkpoints: the last one passed, or could not be judged, as WHY says."""
    HOLDING = "Holding"
    """Not to be promoted as things stand: a signal is suspect, or the decision waits for a person."""
    PROMOTING = "Promoting"
    """The promotion was decided and is being carried out."""
    ROLLING_BACK = "RollingBack"
    """The rollback was decided and is being carried out."""
    PROMOTED = "Promoted"
    """The judged revision is marked approved. Final."""
    ROLLED_BACK = "RolledBack"
    """The target runs the previous pod template again. Final."""
    DECIDED = "Decided"
    """The recommendation stands and the policy leaves acting on it to a person. Final."""
    INCONCLUSIVE = "Inconclusive"
    """The window closed without enough evidence for a decision. Final."""
    SUPERSEDED = "Superseded"
    """Another revision or another object took the place of the judged one. Final."""
    FAILED = "Failed"
    """The decision could not be carried out. Final."""


TERMINAL = frozenset(
    {Phase.PROMOTED, Phase.ROLLED_BACK, Phase.DECIDED, Phase.INCONCLUSIVE, Phase.SUPERSEDED, Phase.FAILED}
)


class ConditionType(StrEnum):
    """What a condition is about."""

    ACCEPTED = "Accepted"
    """The spec can be carried out as it is."""
    PREFLIGHT = "Preflight"
    """Before T0 nothing was found that keeps the review from starting; the reason is the first check that does."""
    BASELINE_CAPTURED = "BaselineCaptured"
    """The T0 evidence is frozen in a DriftSnapshot."""
    METRICS_AVAILABLE = "MetricsAvailable"
    """The source answered when it was last asked."""
    GUARDED = "Guarded"
    """The guards look between the checkpoints, and were answered when they last asked; only there with `guards`."""
    CLOCK_IN_SYNC = "ClockInSync"
    """Of a metric source: its clock and the operator's agree; there only where it says what time it has."""
    ROLLBACK_POSSIBLE = "RollbackPossible"
    """The target could be rolled back now."""
    OWNED_BY_GIT = "OwnedByGit"
    """Argo CD or Flux owns the target, and puts back what others change; there only where something owns it."""
    NEW_REVISION_REFUSED = "NewRevisionRefused"
    """The API server refuses another pod template for the target; there only with `onNewRevision: Block`."""
    RECOVERED = "Recovered"
    """After the rollback the signals are again as they were at T0; there only after a rollback."""
    STAYS_BACK = "StaysBack"
    """What the rollback took away does not run again; there only after a rollback."""
    DECISION_DUE = "DecisionDue"
    """The last safe moment is near, and the review needs people to decide in time; there only then."""
    APPROVED = "Approved"
    """A promotion has the approvals and sign-offs it needs; there only where it needs some."""
    ACTS_STOPPED = "ActsStopped"
    """Somebody stopped all acts of the operator, or it cannot be known whether; there only while that is so."""
    REPORT_WRITTEN = "ReportWritten"
    """The report of the last look, or of the end, is in the review's ConfigMap."""
    ALERT_RULES_WRITTEN = "AlertRulesWritten"
    """The alert rules made of T0 are where the message says; there only with `alerts.rules: Generate`."""
    READY = "Ready"
    """The review has ended with the judged revision promoted (kstatus)."""
    RECONCILING = "Reconciling"
    """The review is under way (kstatus)."""
    STALLED = "Stalled"
    """The review cannot go on until somebody mends something, or has failed (kstatus)."""

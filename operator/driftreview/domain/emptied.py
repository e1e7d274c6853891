"""A target that is scaled to zero at a look: whatever its signals say, it is nothing that the release did.

Somebody wants no pods: what is absent is not away, what a balancer counts of it is no fault, and nothing passes for it.
"""

from __future__ import annotations

from dataclasses import replace

from driftreview.api.base import format_time
from driftreview.api.driftsnapshot import DriftSnapshotSpec
from driftreview.api.reasons import Reason
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.finding import Finding


def emptied(look: DriftSnapshotSpec) -> str:
    """That no pods were wanted at the end of a look's window, since when; empty if some were, or it is not known."""
    fact = look.facts.deployment if look.facts else None
    if fact is None or fact.desired or look.window is None:
        return ""
    if fact.scaled_at is None:
        return "scaled to zero"
    # A late look finds what came after its window.
    return f"scaled to zero since {format_time(fact.scaled_at)}" if fact.scaled_at < look.window.end else ""


def of_nothing(finding: Finding, since: str) -> Finding:
    """A finding on a target without pods: nothing can be said, and what would have been stays told."""
    if finding.verdict is SignalVerdict.RECORDED:
        return finding
    message = f"the target is {since}: there is nothing to measure ({finding.verdict}: {finding.message})"
    return replace(
        finding, verdict=SignalVerdict.INCONCLUSIVE, reason=Reason.SCALED_TO_ZERO, message=message, since=None
    )

"""Whether what a rollback put back runs: a target may ask for its pod template again, and no pod of it be there."""

from __future__ import annotations

from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import Phase
from driftreview.api.reasons import Reason
from driftreview.domain.ways import NO_PODS, empties
from driftreview.domain.workload import Counts, Rollout, TargetView


def is_put_back(review: DriftReview, target: TargetView) -> bool:
    """Whether a workload asks for what a rollback put back; one that has no pods after it keeps its pod template."""
    status = review.status
    back = status.judged if empties(status.act) else status.previous
    return back is not None and target.template_hash == back.template_hash


def how_it_runs(review: DriftReview, target: TargetView, *, beside: bool = False) -> tuple[Reason, str]:
    """What its pods say of a workload that is put back: StaysBack where they run, or else why not; and a sentence.

    Args:
        review: as it would be of this workload alone.
        target: the workload.
        beside: whether it is one beside the target, so that it has to be named.
    """
    status, workload = review.status, review.spec.target
    if empties(status.act):
        return Reason.STAYS_BACK, f"{workload} has {NO_PODS}"
    name = status.previous.name if status.previous else "the previous revision"
    if target.scalable and not target.replicas:
        return Reason.SCALED_TO_ZERO, f"{workload} asks for {name} again, but is scaled to zero: no pod of it runs"
    who = f"{name} of {workload}" if beside else name
    if target.rollout is Rollout.COMPLETE:
        return Reason.STAYS_BACK, f"{who} runs"
    how_far = f"{target.rollout_message}{_told(target.counts)}"
    # Its pods were seen to run: some of them may be replaced, or be added by an autoscaler.
    if status.phase is Phase.ROLLED_BACK and (target.counts is None or _surely_ready(target.counts)):
        return Reason.STAYS_BACK, f"{who} runs, but not all of its pods: {how_far}"
    return Reason.ROLLBACK_INCOMPLETE, f"{workload} asks for {name} again, but not all of its pods run: {how_far}"


def _told(counts: Counts | None) -> str:
    """How many pods there are of which revision, as the end of a sentence."""
    if counts is None:
        return ""
    older = counts.total - counts.updated
    parts = [
        f"{counts.updated} of {counts.wanted} pods are of it",
        f"another revision still has {older}" if older > 0 else "",
        f"{counts.ready} of all {counts.total} are ready" if counts.total else "",
    ]
    return f"; {', '.join(filter(None, parts))}"


def _surely_ready(counts: Counts) -> int:
    """How many of its pods are ready at least: of those that are, every pod of another revision may be one."""
    return max(counts.ready - max(counts.total - counts.updated, 0), 0)

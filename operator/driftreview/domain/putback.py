"""Whether what a rollback put back runs: a target may ask for its pod template again, and no pod of it be there."""

from __future__ import annotations

from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import Phase
from driftreview.api.reasons import Reason
from driftreview.domain.members import beside, every
from driftreview.domain.status import is_mended
from driftreview.domain.ways import NO_PODS, empties
from driftreview.domain.workload import Counts, Rollout, TargetView


def is_put_back(review: DriftReview, target: TargetView) -> bool:
    """Whether a workload asks for what a rollback put back; one that has no pods after it keeps its pod template."""
    status = review.status
    back = status.judged if empties(status.act) else status.previous
    return back is not None and target.template_hash == back.template_hash


def runs_rejected(review: DriftReview, target: TargetView) -> bool:
    """Whether a workload runs what was judged; one that has no pods after a rollback keeps its pod template."""
    status = review.status
    same = status.judged is not None and target.template_hash == status.judged.template_hash
    return same and (target.replicas > 0 or not empties(status.act))


def not_back(review: DriftReview, target: TargetView) -> list[str]:
    """Which of the workloads that a rollback was to take back run what was judged, by kind and name."""
    found = every(review, target)
    return [str(one.spec.target) for one, view in found if view is not None and runs_rejected(one, view)]


def what_runs(target: TargetView) -> str:
    """What a workload runs, by name."""
    return target.current.name if target.current else "another pod template"


def how_all_run(review: DriftReview, target: TargetView) -> tuple[Reason, str]:
    """The same of all that was to be taken back: StaysBack where all of it runs, or else the first reason why not."""
    found = [how_it_runs(review, target), *(_how_beside(one, view) for one, view in beside(review, target))]
    reason = next((each for each, _ in found if each is not Reason.STAYS_BACK), Reason.STAYS_BACK)
    return reason, ", and ".join(text for _, text in found)


def _how_beside(review: DriftReview, target: TargetView | None) -> tuple[Reason, str]:
    """Of one beside the target, which the rollback may not have come to; people may have taken it back since."""
    workload, judged = review.spec.target, review.status.judged
    if target is None:
        return Reason.TARGET_REPLACED, f"{workload} is not there any more"
    if runs_rejected(review, target):
        return Reason.ROLLBACK_INCOMPLETE, f"{workload} still runs {judged.name if judged else 'what was judged'}"
    if not is_put_back(review, target):
        return Reason.NEW_REVISION, f"{workload} runs {what_runs(target)}"
    return how_it_runs(review, target, is_beside=True)


def how_it_runs(review: DriftReview, target: TargetView, *, is_beside: bool = False) -> tuple[Reason, str]:
    """What its pods say of a workload that is put back: StaysBack where they run, or else why not; and a sentence.

    Args:
        review: as it would be of this workload alone.
        target: the workload.
        is_beside: whether it is one beside the target, so that it has to be named.
    """
    status, workload = review.status, review.spec.target
    if empties(status.act):
        return Reason.STAYS_BACK, f"{workload} has {NO_PODS}"
    name = status.previous.name if status.previous else "the previous revision"
    if target.scalable and not target.replicas:
        return Reason.SCALED_TO_ZERO, f"{workload} asks for {name} again, but is scaled to zero: no pod of it runs"
    who = f"{name} of {workload}" if is_beside else name
    if target.rollout is Rollout.COMPLETE:
        return Reason.STAYS_BACK, f"{who} runs"
    how_far = f"{target.rollout_message}{_told(target.counts)}"
    # Its pods were seen to run: some of them may be replaced, or be added by an autoscaler.
    ran = status.phase is Phase.ROLLED_BACK or is_mended(status)
    if ran and (target.counts is None or _surely_ready(target.counts)):
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

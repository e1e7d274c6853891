"""What ran before, kept by ourselves: a cluster that keeps no history deletes it as soon as the next rollout is over.

With `revisionHistoryLimit: 0` the ReplicaSet to go back to is gone when a review could pin it at T0. So a review that
waits for its release stores the pod templates that it sees run; one of them is what ran before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec, ReviewRef, RevisionEvidence
from driftreview.api.status import MOST_KEPT, DriftReviewStatus, Revision
from driftreview.domain.evidence import content_hash, is_intact, seal, snapshot_name
from driftreview.domain.workload import Rollout, TargetView

BEFORE: Final = "Before"
"""Where evidence names its checkpoint, what this is: something that ran before T0."""


def keeping(status: DriftReviewStatus, target: TargetView | None) -> DriftReviewStatus:
    """A review that starts, or waits to, keeps what ran before; what runs, once its pods do, may be that later on."""
    if target is None or target.keeps_history:
        return status
    waits = status.t0 is None and target.rollout is Rollout.COMPLETE
    seen = [target.previous, target.current if waits else None]
    kept = list(status.kept)
    for each in seen:
        if each is not None and each.template_hash not in [one.template_hash for one in kept[-1:]]:
            kept = [*(one for one in kept if one.template_hash != each.template_hash), each]
    return status.model_copy(update={"kept": kept[-MOST_KEPT:]})


def with_kept(target: TargetView, kept: Sequence[Revision], rejected: AbstractSet[str]) -> TargetView:
    """The target with what was kept of it as its previous revision, where the cluster kept none."""
    if target.previous is not None:
        return target
    never = {target.template_hash, *rejected}
    return replace(target, previous=next((each for each in reversed(kept) if each.template_hash not in never), None))


def kept_name(review: DriftReview, revision: Revision) -> str:
    """Name of the snapshot that keeps a pod template: made of what it is, so that it is kept once."""
    digest = revision.template_hash.removeprefix("sha256:")[:12]
    return snapshot_name(review.metadata.name, review.metadata.uid, f"{BEFORE}-{digest}")


def copies(review: DriftReview, revision: Revision) -> Iterator[str]:
    """Names of the snapshots that may hold a pod template: what was seen to run, and the T0 before the present one."""
    status = review.status
    if any(each.template_hash == revision.template_hash for each in status.kept):
        yield kept_name(review, revision)
    if status.earlier is not None:
        yield status.earlier.name


def keep(review: DriftReview, evidence: RevisionEvidence) -> DriftSnapshotSpec:
    """What keeps a pod template until T0's own snapshot does."""
    return seal(
        DriftSnapshotSpec(
            review_ref=ReviewRef(name=review.metadata.name, uid=review.metadata.uid),
            checkpoint=BEFORE,
            judged=evidence.model_copy(update={"template": {}}),
            previous=evidence,
            hash="",
        )
    )


def as_kept(review: DriftReview, revision: Revision, stored: DriftSnapshotSpec | None) -> RevisionEvidence:
    """A revision with its pod template as it was kept; without one if this is not what was."""
    found = stored.previous if stored is not None else None
    ours = stored is not None and is_intact(stored, stored.hash) and stored.review_ref.uid == review.metadata.uid
    same = ours and found is not None and content_hash(found.template) == revision.template_hash
    return RevisionEvidence(**revision.model_dump(), template=found.template if found is not None and same else {})

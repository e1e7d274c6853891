"""Pod templates that may be needed to go back: the cluster's, and our own copies where that keeps none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from driftreview.adapters.reviews import Reviews
from driftreview.adapters.workloads import Workloads
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import RevisionEvidence
from driftreview.api.status import DriftReviewStatus, Revision
from driftreview.domain.keeping import as_kept, copies, keep, kept_name
from driftreview.domain.members import alone


@dataclass(frozen=True)
class Keeper:
    """Keeps pod templates and finds them again; threads may share it."""

    reviews: Reviews
    workloads: Workloads

    def keep(self, review: DriftReview, status: DriftReviewStatus) -> DriftReviewStatus:
        """Store what a status says is kept, before it says so; what cannot be had any more is not said."""
        status = status.model_copy(update={"kept": self._keep(review, status.kept)})
        members = []
        for index, each in enumerate(status.members):
            kept = self._keep(alone(review, index), each.kept)
            known = {one.template_hash for one in kept}
            previous = each.previous if each.previous and each.previous.template_hash in known else None
            members.append(each.model_copy(update={"kept": kept, "previous": previous}))
        return status.model_copy(update={"members": members})

    def _keep(self, review: DriftReview, revisions: Sequence[Revision]) -> list[Revision]:
        """Those of the revisions of one workload that are kept."""
        known, kept = {each.template_hash for each in review.status.kept}, []
        for each in revisions:
            if each.template_hash not in known:
                evidence = self.workloads.pin(review.metadata.namespace, review.spec.target.kind, each)
                if not evidence.template:
                    continue
                self.reviews.store_snapshot(review, kept_name(review, each), keep(review, evidence))
            kept.append(each)
        return kept

    def pin(self, review: DriftReview, revision: Revision) -> RevisionEvidence:
        """A revision as evidence, with its whole template if that is still to be had."""
        target = review.status.target
        owner = target.uid if target is not None else None
        found = self.workloads.pin(review.metadata.namespace, review.spec.target.kind, revision, owner)
        for name in copies(review, revision):
            if not found.template:
                found = as_kept(review, revision, self.reviews.snapshot(review.metadata.namespace, name))
        return found

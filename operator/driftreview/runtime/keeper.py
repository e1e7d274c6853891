"""Pod templates that may be needed to go back: the cluster's, and our own copies where that keeps none."""

from __future__ import annotations

from dataclasses import dataclass

from driftreview.adapters.reviews import Reviews
from driftreview.adapters.workloads import Workloads
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import RevisionEvidence
from driftreview.api.status import DriftReviewStatus, Revision
from driftreview.domain.keeping import as_kept, copies, keep, kept_name


@dataclass(frozen=True)
class Keeper:
    """Keeps pod templates and finds them again; threads may share it."""

    reviews: Reviews
    workloads: Workloads

    def keep(self, review: DriftReview, status: DriftReviewStatus) -> DriftReviewStatus:
        """Store what a status says is kept, before it says so; what cannot be had any more is not said."""
        known = {each.template_hash for each in review.status.kept}
        for each in status.kept:
            if each.template_hash not in known:
                evidence = self.workloads.pin(review.metadata.namespace, review.spec.target.kind, each)
                if evidence.template:
                    self.reviews.store_snapshot(review, kept_name(review, each), keep(review, evidence))
                else:
                    status = status.model_copy(update={"kept": [one for one in status.kept if one is not each]})
        return status

    def pin(self, review: DriftReview, revision: Revision) -> RevisionEvidence:
        """A revision as evidence, with its whole template if that is still to be had."""
        found = self.workloads.pin(review.metadata.namespace, review.spec.target.kind, revision)
        for name in copies(review, revision):
            if not found.template:
                found = as_kept(review, revision, self.reviews.snapshot(review.metadata.namespace, name))
        return found

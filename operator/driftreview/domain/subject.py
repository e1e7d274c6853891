"""Whose metrics a review's queries are about."""

from __future__ import annotations

from dataclasses import dataclass

from driftreview.api.driftreview import DriftReview
from driftreview.api.status import Revision
from driftreview.domain.query import pods_of_revision, pods_of_target, query_variables


@dataclass(frozen=True)
class Subject:
    """Whose metrics a query is about: the judged revision, or (before the rollout) what ran until then."""

    judged: Revision
    previous: Revision | None
    history: bool = False

    def variables(self, review: DriftReview) -> dict[str, str]:
        """Values for the ${...} of a review's queries."""
        name = review.spec.target.name
        revision = self.previous if self.history else self.judged
        return query_variables(
            review.spec.variables,
            namespace=review.metadata.namespace,
            target=name,
            pods=pods_of_target(name) if self.history else pods_of_revision(self.judged.name),
            revision_hash=revision.name.removeprefix(f"{name}-") if revision else "",
            container=self.judged.images[0].container if self.judged.images else "",
        )

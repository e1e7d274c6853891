"""Whose metrics a query is about, and which queries a review asks beside those of its signals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from driftreview.api.driftreview import DriftReview, DriftReviewSpec
from driftreview.api.status import Revision
from driftreview.domain.alerts import named
from driftreview.domain.kinds import pods_of_all, revision_hash
from driftreview.domain.members import members
from driftreview.domain.query import query_variables


@dataclass(frozen=True)
class Subject:
    """Whose metrics a query is about: the judged revision, or (before the rollout) what ran until then."""

    judged: Revision
    previous: Revision | None
    history: bool = False

    def variables(self, review: DriftReview) -> dict[str, str]:
        """Values for the ${...} of a review's queries."""
        target = review.spec.target
        revision = self.previous if self.history else self.judged
        return query_variables(
            review.spec.variables,
            namespace=review.metadata.namespace,
            target=target.name,
            pods=self._pods(review),
            revision_hash=revision_hash(target, revision.name) if revision else "",
            container=self.judged.images[0].container if self.judged.images else "",
        )

    def _pods(self, review: DriftReview) -> str:
        """A regular expression for the names of the pods of all workloads that ship together."""
        if self.history:
            return pods_of_all(review)
        return pods_of_all(
            review, [self.judged.name, *(each.judged.name if each.judged else "" for each in members(review))]
        )


def fact_queries(spec: DriftReviewSpec) -> Iterator[tuple[str, str]]:
    """Field and text of each query that facts need."""
    for index, flag in enumerate(spec.flags):
        if flag.from_.query is not None:
            yield f"spec.flags[{index}].from.query", flag.from_.query
    if spec.inventory is not None:
        yield "spec.inventory.cpu", spec.inventory.cpu
        yield "spec.inventory.memory", spec.inventory.memory
    if spec.alerts is not None and (query := named(spec.alerts.match)) is not None:
        yield "spec.alerts.match", query

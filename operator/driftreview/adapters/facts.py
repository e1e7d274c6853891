"""Reads what the cluster says of itself, for the facts of a look."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from driftreview.adapters.contracts import read_contract
from driftreview.adapters.elsewhere import read_evidence
from driftreview.adapters.factreader import FactReader
from driftreview.adapters.kubernetes import Cluster
from driftreview.adapters.metricsources import FoundSource
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import Problem
from driftreview.api.facts import Facts
from driftreview.domain.schedule import whole_seconds


class ClusterFacts:
    """The facts of a cluster; threads may share it."""

    def __init__(self, cluster: Cluster, clock: Callable[[], datetime]) -> None:
        """Ask this cluster."""
        self._cluster, self._clock = cluster, clock

    def gather(self, review: DriftReview, found: FoundSource | Problem, at: datetime) -> Facts:
        """Find out what a review declares an interest in.

        What the API server forbids or does not have is a problem in the facts; what it does not answer is raised, and
        asked again with the next step.

        Args:
            review: whose facts; it has started.
            found: the metric source, or why it cannot be asked.
            at: for which moment the source is asked.

        Raises:
            ClusterError: the API server could not be asked.
        """
        reader = FactReader(self._cluster, review.metadata.namespace)
        return Facts(
            taken_at=whole_seconds(self._clock()),
            contracts=[read_contract(reader, each) for each in review.spec.contracts],
            evidence=read_evidence(reader, review.spec.evidence, at_t0=review.status.baseline is None),
            problems=reader.problems,
        )

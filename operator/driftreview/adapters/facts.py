"""Reads what the cluster says of itself, for the facts of a look."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from driftreview.adapters.configuration import deployment_of, read_configuration, read_pods, read_target
from driftreview.adapters.contracts import read_contract
from driftreview.adapters.factreader import FactReader
from driftreview.adapters.factsource import FactSource
from driftreview.adapters.flags import read_flag
from driftreview.adapters.inventory import read_inventory
from driftreview.adapters.kubernetes import Cluster
from driftreview.adapters.metricsources import FoundSource
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import Problem
from driftreview.api.facts import Facts
from driftreview.domain.schedule import whole_seconds
from driftreview.domain.subject import Subject


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
        judged = review.status.judged
        variables = Subject(judged, None).variables(review) if judged else {}
        source = FactSource(reader, found, at, variables)
        target = read_target(reader, review)
        pods = read_pods(reader, review, target) if target else []
        wanted, now = review.spec.inventory, self._clock()
        return Facts(
            taken_at=whole_seconds(now),
            deployment=deployment_of(review, target, pods) if target else None,
            configuration=read_configuration(reader, review, target, pods) if target else None,
            inventory=read_inventory(source, review, wanted, now) if wanted else None,
            contracts=[read_contract(reader, each) for each in review.spec.contracts],
            flags=[read_flag(source, each, target) for each in review.spec.flags],
            problems=reader.problems,
        )

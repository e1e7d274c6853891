"""Reads and changes the workloads under review. The one place that acts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from driftreview.adapters.errors import NotFoundError
from driftreview.adapters.kubernetes import DEPLOYMENTS, REPLICA_SETS, Cluster
from driftreview.domain.patches import approve_patch, rollback_patch
from driftreview.domain.workload import (
    ReplicaSet,
    TargetView,
    label_selector,
    owned,
    view,
)

_PAGE: Final = 11
"""ReplicaSets read at once: each may have a megabyte, and Deployments keep ten old ones unless told otherwise."""


@dataclass(frozen=True)
class Workload:
    """A target as it was read, and what it means."""

    deployment: Mapping[str, Any]
    replica_sets: tuple[ReplicaSet, ...]
    view: TargetView


class Workloads:
    """The Deployments of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        """Use this cluster."""
        self._cluster = cluster

    def read(self, namespace: str, name: str) -> Workload | None:
        """Read a Deployment and its ReplicaSets; None if there is no such Deployment."""
        try:
            deployment = self._cluster.get(DEPLOYMENTS, name, namespace)
        except NotFoundError:
            return None
        selected = self._cluster.select(REPLICA_SETS, namespace, label_selector(deployment), _PAGE)
        replica_sets = owned(deployment, selected)
        return Workload(deployment, replica_sets, view(deployment, replica_sets))

    def approve(self, workload: Workload) -> None:
        """Mark the current pod template as approved, if the Deployment is still as it was read."""
        self._patch(workload, approve_patch(workload.view, workload.deployment))

    def roll_back(self, workload: Workload, template: Mapping[str, Any], ran: tuple[datetime, datetime]) -> None:
        """Put a pod template back, if the Deployment is still as it was read; note when the rejected one ran."""
        self._patch(workload, rollback_patch(workload.view, workload.deployment, template, ran))

    def _patch(self, workload: Workload, patch: list[dict[str, Any]]) -> None:
        metadata = workload.deployment["metadata"]
        self._cluster.patch(DEPLOYMENTS, metadata["name"], patch, metadata["namespace"])

"""Reads and changes the workloads under review. The one place that acts."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from driftreview.adapters.errors import ChangedError, NotFoundError
from driftreview.adapters.kubernetes import DEPLOYMENTS, REPLICA_SETS, Cluster
from driftreview.adapters.serving import serving
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import RevisionEvidence
from driftreview.api.status import Revision
from driftreview.domain.patches import approve_patch, rollback_patch
from driftreview.domain.revisions import Listed, listed, pin, replica_set
from driftreview.domain.serving import Serving
from driftreview.domain.workload import TargetView, choose, deployment, label_selector, view

_MOST_KEPT: Final = 2000
"""Revisions of which is kept what was read; of more, the one longest unused is read again."""


@dataclass(frozen=True)
class Workload:
    """A target as it was read, and what it means."""

    deployment: Mapping[str, Any]
    """Without its pod template."""
    view: TargetView


class Workloads:
    """The Deployments of a cluster; threads may share it.

    What was read of a ReplicaSet holds until its spec is changed: it is kept, in memory only.
    """

    def __init__(self, cluster: Cluster, on_answer: Callable[[], None] = lambda: None) -> None:
        """Use this cluster; say after each answer that it goes on."""
        self._cluster, self._on_answer = cluster, on_answer
        self._lock = threading.Lock()
        self._revisions: OrderedDict[tuple[str, int], Revision] = OrderedDict()

    def read(self, namespace: str, name: str, rejected: AbstractSet[str] = frozenset()) -> Workload | None:
        """Read a Deployment and of its ReplicaSets what is needed; None if there is no such Deployment.

        `rejected` are hashes of templates that are not gone back to.

        Raises:
            OversizedError: it, or a ReplicaSet that is needed, is larger than is read.
        """
        try:
            target = self._cluster.keep(DEPLOYMENTS, name, namespace, deployment)
        except NotFoundError:
            return None
        self._on_answer()
        own = partial(listed, target.raw["metadata"]["uid"])
        found: list[Listed] = []
        for page in self._cluster.metadata(REPLICA_SETS, namespace, label_selector(target.raw), own):
            found += filter(None, page)
            self._on_answer()
        known = self._known(found)
        choice = choose(target, found, known, rejected)
        while choice.missing is not None:
            known[choice.missing.uid] = self._revision(namespace, choice.missing)
            choice = choose(target, found, known, rejected)
        return Workload(target.raw, view(target, choice, known))

    def pin(self, namespace: str, revision: Revision) -> RevisionEvidence:
        """A revision as evidence, with its whole template if that is still to be had."""
        try:
            return self._cluster.keep(
                REPLICA_SETS, revision.name, namespace, lambda raw: pin(revision, replica_set(raw))
            )
        except NotFoundError:
            return pin(revision, None)

    def serving(self, review: DriftReview, workload: Workload) -> Serving:
        """The pods of a target whose rollback is under way.

        Raises:
            ClusterError: the API server did not answer.
        """
        return serving(self._cluster, review, workload.view)

    def _known(self, found: list[Listed]) -> dict[str, Revision]:
        with self._lock:
            kept = {each: (each.uid, each.generation) for each in found}
            known = {each.uid: self._revisions[key] for each, key in kept.items() if key in self._revisions}
            for key in kept.values():
                if key in self._revisions:
                    self._revisions.move_to_end(key)
        return known

    def _revision(self, namespace: str, wanted: Listed) -> Revision:
        revision = self._cluster.keep(REPLICA_SETS, wanted.name, namespace, lambda raw: replica_set(raw).revision)
        self._on_answer()
        if revision.uid != wanted.uid:
            raise ChangedError(f"ReplicaSet {wanted.name} was made anew while it was read")
        with self._lock:
            self._revisions[wanted.uid, wanted.generation] = revision
            if len(self._revisions) > _MOST_KEPT:
                self._revisions.popitem(last=False)
        return revision

    def approve(self, workload: Workload) -> None:
        """Mark the current pod template as approved, if the Deployment is still as it was read."""
        self._patch(workload, approve_patch(workload.view, workload.deployment))

    def roll_back(self, workload: Workload, template: Mapping[str, Any], ran: tuple[datetime, datetime]) -> None:
        """Put a pod template back, if the Deployment is still as it was read; note when the rejected one ran."""
        self._patch(workload, rollback_patch(workload.view, workload.deployment, template, ran))

    def _patch(self, workload: Workload, patch: list[dict[str, Any]]) -> None:
        metadata = workload.deployment["metadata"]
        self._cluster.patch(DEPLOYMENTS, metadata["name"], patch, metadata["namespace"])

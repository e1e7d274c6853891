"""Reads and changes the workloads that a promotion gives a release to: needs no more than get and patch on each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from driftreview.adapters.histories import TARGETS
from driftreview.adapters.kubernetes import Cluster
from driftreview.api.act import Step
from driftreview.domain.patches import step_patch
from driftreview.domain.revisions import Raw


@dataclass(frozen=True)
class Recipients:
    """The workloads of steps; threads may share it."""

    cluster: Cluster

    def read(self, step: Step) -> Raw:
        """Read the workload of a step.

        Raises:
            NotFoundError: it is not there.
            ForbiddenError: it may not be read.
            OversizedError: it is larger than is read.
        """
        return self.cluster.keep(TARGETS[step.kind], step.name, step.namespace, dict)

    def give(self, step: Step, recipient: Raw, template: Mapping[str, Any] | None) -> None:
        """Give it a pod template, or a number of pods where that is None, if it is still as it was read.

        Raises:
            ChangedError: it changed since.
            RefusedError: the API server refuses it.
        """
        patch = step_patch(recipient, template, step.replicas)
        self.cluster.patch(TARGETS[step.kind], step.name, patch, step.namespace)

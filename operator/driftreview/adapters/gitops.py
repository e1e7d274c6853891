"""Tells an Application of Argo CD or a HelmRelease of Flux to leave its objects alone; writes nothing else of it."""

from __future__ import annotations

from typing import Any, Final

from driftreview.adapters.errors import RefusedError
from driftreview.adapters.kubernetes import Cluster, Kind
from driftreview.api.act import Pause, PausedKind
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import Problem
from driftreview.domain.pausing import pause_patch

_KINDS: Final = {
    PausedKind.APPLICATION: Kind("/apis/argoproj.io/v1alpha1", "applications"),
    PausedKind.HELM_RELEASE: Kind("/apis/helm.toolkit.fluxcd.io/v2", "helmreleases"),
}


class GitOpsTools:
    """The Applications and HelmReleases of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        """Use this cluster."""
        self._cluster = cluster

    def pause(self, review: DriftReview, pause: Pause) -> None:
        """Pause one, if it is as it was read; nothing is written where it is paused already.

        Raises:
            RefusedError: it does not own the target, or would not stay paused.
            ClusterError: the API server did not do it.
        """
        if patch := self._patch(review, pause):
            self._cluster.patch(_KINDS[pause.kind], pause.name, patch, pause.namespace)

    def rehearse(self, review: DriftReview, pause: Pause) -> None:
        """Have the very patch tried without anything being changed; raises as `pause` does."""
        if patch := self._patch(review, pause):
            self._cluster.rehearse(_KINDS[pause.kind], pause.name, patch, pause.namespace)

    def _patch(self, review: DriftReview, pause: Pause) -> list[dict[str, Any]]:
        def patch(raw: dict[str, Any]) -> list[dict[str, Any]] | Problem:
            return pause_patch(review, pause, raw)

        found = self._cluster.keep(_KINDS[pause.kind], pause.name, pause.namespace, patch)
        if isinstance(found, Problem):
            raise RefusedError(found.message)
        return found

"""Writes the report of a review into its own ConfigMap, and into no other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from driftreview.adapters.errors import ChangedError, ExistsError, NameTakenError, NotFoundError
from driftreview.adapters.kubernetes import CONFIG_MAPS, Cluster
from driftreview.adapters.reviews import owner
from driftreview.api.driftreview import DriftReview
from driftreview.domain.reporting import config_map_name


class Reports:
    """The reports of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        """Use this cluster."""
        self._cluster = cluster

    def write(self, review: DriftReview, data: Mapping[str, str]) -> None:
        """Replace the data of the review's ConfigMap, or create it: one request, the first time two.

        Raises:
            NameTakenError: the ConfigMap of that name is not the review's.
            ClusterError: the API server did not do it.
        """
        name, namespace = config_map_name(review.metadata.name), review.metadata.namespace
        patch: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/ownerReferences/0/uid", "value": review.metadata.uid},
            {"op": "add", "path": "/data", "value": dict(data)},
        ]
        taken = f"configmaps/{name} is not of this review: delete it, or give the review another name"
        try:
            self._cluster.patch(CONFIG_MAPS, name, patch, namespace)
        except ChangedError as error:  # the test failed
            raise NameTakenError(taken) from error
        except NotFoundError:
            body = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": name, "namespace": namespace, "ownerReferences": [owner(review)]},
                "data": dict(data),
            }
            try:
                self._cluster.create(CONFIG_MAPS, body, namespace)
            except ExistsError as error:  # since a moment ago
                raise NameTakenError(taken) from error

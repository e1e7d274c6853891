"""Writes the report of a review into its own ConfigMap, and into no other."""

from __future__ import annotations

from collections.abc import Mapping

from driftreview.adapters.kubernetes import CONFIG_MAPS, Cluster
from driftreview.adapters.owned import write_owned
from driftreview.api.driftreview import DriftReview
from driftreview.domain.reporting import config_map_name


class Reports:
    """The reports of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        """Use this cluster."""
        self._cluster = cluster

    def write(self, review: DriftReview, data: Mapping[str, str]) -> None:
        """Replace the data of the review's ConfigMap, or create it.

        Raises:
            NameTakenError: the ConfigMap of that name is not the review's.
            ClusterError: the API server did not do it.
        """
        metadata = {"name": config_map_name(review.metadata.name)}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}
        write_owned(self._cluster, CONFIG_MAPS, review, body, "data")

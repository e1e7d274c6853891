"""Writes the alert rules of a review: as a PrometheusRule where that can be had, else into a ConfigMap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from driftreview.adapters.errors import ForbiddenError, UnservedError
from driftreview.adapters.kubernetes import CONFIG_MAPS, Cluster, Kind
from driftreview.adapters.owned import write_owned
from driftreview.api.driftreview import DriftReview

PROMETHEUS_RULES: Final = Kind("/apis/monitoring.coreos.com/v1", "prometheusrules")
_UNSERVED: Final = "the cluster does not serve monitoring.coreos.com/v1"
_FORBIDDEN: Final = "the operator lacks the right of charts/driftreview/rules/alert-rules.yaml"


class RuleObjects:
    """The alert rules in a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        """Use this cluster."""
        self._cluster = cluster

    def write(self, review: DriftReview, rule: Mapping[str, Any], files: Mapping[str, str]) -> str:
        """Write the rules of a review anew.

        Args:
            review: whose they are.
            rule: them as a PrometheusRule; a ConfigMap gets its name.
            files: them as files.

        Returns:
            Where they are, and why they are in no PrometheusRule if they are in none.

        Raises:
            NameTakenError: the object of that name is not the review's.
            ClusterError: the API server did not do it.
        """
        name = rule["metadata"]["name"]
        try:
            write_owned(self._cluster, PROMETHEUS_RULES, review, rule, "spec")
        except (UnservedError, ForbiddenError) as error:
            why = _FORBIDDEN if isinstance(error, ForbiddenError) else _UNSERVED
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": dict(files)}
            write_owned(self._cluster, CONFIG_MAPS, review, body, "data")
            return f"configmaps/{name}, which Prometheus must be given: no PrometheusRule, as {why}"
        return f"prometheusrules/{name}"

"""What a person does about a review, from a command line: in the name by which the cluster knows who asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from driftreview.adapters.kubernetes import APPROVALS, REVIEWS, SELF_SUBJECT_REVIEWS, Cluster
from driftreview.api.approval import DriftApproval, DriftApprovalSpec
from driftreview.api.base import API_VERSION
from driftreview.api.driftreview import DriftReview

_LONGEST_NAME: Final = 200


class People:
    """Reads a review and creates DriftApprovals for it."""

    def __init__(self, cluster: Cluster) -> None:
        """Use this cluster."""
        self._cluster = cluster

    def name(self) -> str:
        """By which name the cluster knows who asks."""
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        answer = self._cluster.create(SELF_SUBJECT_REVIEWS, body)
        return str(answer["status"]["userInfo"]["username"])

    def review(self, namespace: str, name: str) -> Mapping[str, Any]:
        """A review as it is.

        Raises:
            NotFoundError: there is none.
            ForbiddenError: who asks may not read it.
        """
        return self._cluster.get(REVIEWS, name, namespace)

    def create(self, review: DriftReview, spec: DriftApprovalSpec) -> str:
        """Create a DriftApproval, which is deleted with the review.

        Returns:
            Its name.

        Raises:
            ForbiddenError: who asks may not, or is another than who is written.
        """
        owner = {
            "apiVersion": API_VERSION,
            "kind": DriftReview.__name__,
            "name": review.metadata.name,
            "uid": review.metadata.uid,
        }
        body = {
            "apiVersion": API_VERSION,
            "kind": DriftApproval.__name__,
            "metadata": {
                "generateName": f"{review.metadata.name[:_LONGEST_NAME].rstrip('-.')}-{spec.type.lower()}-",
                "ownerReferences": [owner],
            },
            "spec": spec.to_wire(),
        }
        return str(self._cluster.create(APPROVALS, body, review.metadata.namespace)["metadata"]["name"])

"""Reads reviews, writes their status, stores their snapshots."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from driftreview.adapters.errors import ExistsError, NotFoundError, UnreadableError
from driftreview.adapters.kubernetes import REVIEWS, SNAPSHOTS, Cluster
from driftreview.api.base import API_VERSION, Condition
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshot, DriftSnapshotSpec
from driftreview.api.phases import ConditionType
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.evidence import canonical, content_hash


def owner(review: DriftReview) -> dict[str, Any]:
    """The owner reference of what a review leaves behind: it is deleted with the review."""
    return {
        "apiVersion": API_VERSION,
        "kind": "DriftReview",
        "name": review.metadata.name,
        "uid": review.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }


class Reviews:
    """The reviews of a cluster and their evidence."""

    def __init__(self, cluster: Cluster, on_stored: Callable[[int], object] = lambda _: None) -> None:
        """Use this cluster; `on_stored` is told how many bytes each stored snapshot has."""
        self._cluster, self._on_stored = cluster, on_stored

    def read(self, namespace: str, name: str) -> Mapping[str, Any] | None:
        """Read one review as a raw object; None if it is gone."""
        try:
            return self._cluster.get(REVIEWS, name, namespace)
        except NotFoundError:
            return None

    def write_status(self, review: DriftReview, status: DriftReviewStatus) -> Mapping[str, Any]:
        """Replace the status, if the review is still the one that was read.

        Returns:
            The review as stored.

        Raises:
            ChangedError: it is not.
        """
        metadata = review.metadata
        patch: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/uid", "value": metadata.uid},
            {"op": "test", "path": "/metadata/resourceVersion", "value": metadata.resource_version},
            {"op": "add", "path": "/status", "value": status.to_wire()},
        ]
        return self._cluster.patch(REVIEWS, metadata.name, patch, metadata.namespace, subresource="status")

    def refuse_unreadable(self, raw: Mapping[str, Any], error: ValidationError, now: datetime) -> None:
        """Say on a review that this operator cannot read it, once: a newer CRD than the operator's, most likely."""
        first = error.errors(include_url=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        message = (
            f"{path}: {first['msg']} (found {str(first['input'])[:100]!r}); if the CRDs are newer than the operator, "
            "upgrade the operator"
        )
        metadata, status = raw["metadata"], raw.get("status") or {}
        said = Condition(
            type=ConditionType.ACCEPTED,
            status="False",
            reason=Reason.INVALID_SPEC,
            message=message,
            last_transition_time=now,
            observed_generation=metadata["generation"],
        ).to_wire()
        conditions = status.get("conditions", [])
        if any(each["type"] == said["type"] and each.get("message") == message for each in conditions):
            return
        others = [each for each in conditions if each["type"] != said["type"]]
        patch: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
            {"op": "add", "path": "/status", "value": status | {"conditions": [*others, said]}},
        ]
        self._cluster.patch(REVIEWS, metadata["name"], patch, metadata["namespace"], subresource="status")

    def snapshot(self, namespace: str, name: str) -> DriftSnapshotSpec | None:
        """Read stored evidence; None if there is none of that name.

        Raises:
            UnreadableError: the API server keeps something else under that name.
        """
        try:
            raw = self._cluster.get(SNAPSHOTS, name, namespace)
        except NotFoundError:
            return None
        try:
            return DriftSnapshot.model_validate(raw).spec
        except ValidationError as error:
            if content_hash(raw["spec"] | {"hash": ""}) == raw["spec"].get("hash"):
                raise  # sealed by an operator of another version: to be read by that one, not to be called forged
            raise UnreadableError(name) from error

    def store_snapshot(self, review: DriftReview, name: str, spec: DriftSnapshotSpec) -> DriftSnapshotSpec:
        """Store evidence, once: if there is some of that name already, that is the evidence.

        Returns:
            What is stored.
        """
        body = {
            "apiVersion": API_VERSION,
            "kind": "DriftSnapshot",
            "metadata": {
                "name": name,
                "namespace": review.metadata.namespace,
                "labels": {"driftreview.dev/checkpoint": spec.checkpoint},
                "ownerReferences": [owner(review)],
            },
            "spec": spec.to_wire(),
        }
        try:
            created = DriftSnapshot.model_validate(self._cluster.create(SNAPSHOTS, body, review.metadata.namespace))
        except ExistsError:
            stored = self.snapshot(review.metadata.namespace, name)
            if stored is None:
                raise
            return stored
        self._on_stored(len(canonical(body["spec"])))
        return created.spec

"""Writes objects that belong to a review: its own, and no other of that name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from driftreview.adapters.errors import ChangedError, ExistsError, NameTakenError, NotFoundError
from driftreview.adapters.kubernetes import Cluster, Kind
from driftreview.adapters.reviews import owner
from driftreview.api.driftreview import DriftReview


def write_owned(cluster: Cluster, kind: Kind, review: DriftReview, body: Mapping[str, Any], field: str) -> None:
    """Replace one field of an object that the review owns, or create it: one request, the first time two.

    Args:
        cluster: where it is.
        kind: of the object.
        review: whose it is.
        body: the object without its owner.
        field: what of it is replaced where it is there already.

    Raises:
        NameTakenError: the object of that name is not the review's.
        ClusterError: the API server did not do it.
    """
    name, namespace = body["metadata"]["name"], review.metadata.namespace
    patch: list[dict[str, Any]] = [
        {"op": "test", "path": "/metadata/ownerReferences/0/uid", "value": review.metadata.uid},
        {"op": "add", "path": f"/{field}", "value": body[field]},
    ]
    taken = f"{kind.plural}/{name} is not of this review: delete it, or give the review another name"
    try:
        cluster.patch(kind, name, patch, namespace)
    except ChangedError as error:  # the test failed
        raise NameTakenError(taken) from error
    except NotFoundError:
        metadata = {**body["metadata"], "namespace": namespace, "ownerReferences": [owner(review)]}
        try:
            cluster.create(kind, {**body, "metadata": metadata}, namespace)
        except ExistsError as error:  # since a moment ago
            raise NameTakenError(taken) from error

"""Reads a review with all that belongs to it from the cluster, as whoever asks may."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from driftreview.adapters.errors import NotFoundError
from driftreview.adapters.kubernetes import APPROVALS, REVIEWS, SECRETS, SNAPSHOTS, Cluster
from driftreview.api.driftreview import DriftReview
from driftreview.cli.usage import UsageError
from driftreview.cli.where import no_such_review
from driftreview.domain.naming import evidence_names, replaced_looks


@dataclass(frozen=True)
class Fetched:
    """Raw objects, as the API server has them."""

    review: Mapping[str, Any]
    snapshots: Sequence[Mapping[str, Any]]
    approvals: Sequence[Mapping[str, Any]]


def fetched(cluster: Cluster, namespace: str, name: str) -> Fetched:
    """A review, its frozen looks, also those from before T0 was last taken, and what people did about it.

    Raises:
        ClusterError: it is not there, or may not be read. A snapshot that is gone is left out.
    """
    try:
        raw = cluster.get(REVIEWS, name, namespace)
    except NotFoundError:
        raise NotFoundError(no_such_review(namespace, name)) from None
    review = DriftReview.model_validate(raw)
    snapshots = []
    for stored in dict.fromkeys([*chain.from_iterable(replaced_looks(review)), *evidence_names(review)]):
        try:
            snapshots.append(cluster.get(SNAPSHOTS, stored, namespace))
        except NotFoundError:
            continue
    return Fetched(raw, snapshots, _approvals(cluster, namespace, review.metadata.uid))


def _approvals(cluster: Cluster, namespace: str, uid: str) -> Sequence[Mapping[str, Any]]:
    """What people did about this very review, where the cluster knows that kind."""
    found = cluster.items(APPROVALS, namespace)
    return [each for each in found if each["spec"].get("reviewRef", {}).get("uid") == uid]


def secret_key(cluster: Cluster, place: str) -> bytes:
    """What a key of a Secret holds.

    Args:
        cluster: where it is.
        place: as NAMESPACE/NAME/KEY.

    Raises:
        UsageError: it is no such place, or there is no such key.
        ClusterError: the Secret is not there, or may not be read.
    """
    namespace, _, rest = place.partition("/")
    name, _, key = rest.partition("/")
    if not (namespace and name and key):
        raise UsageError(f"--sign-secret {place!r}: must be NAMESPACE/NAME/KEY")
    data = cluster.get(SECRETS, name, namespace).get("data") or {}
    if key not in data:
        raise UsageError(f"--sign-secret: Secret {namespace}/{name} has no key {key!r}")
    try:
        return base64.b64decode(data[key], validate=True)
    except binascii.Error:
        raise UsageError(f"--sign-secret: key {key!r} of Secret {namespace}/{name} cannot be read") from None

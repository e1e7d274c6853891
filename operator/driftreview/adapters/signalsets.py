"""Reads the signal sets that a review names, by name and anew each time: no watch, nothing kept, `get` is enough."""

from __future__ import annotations

from typing import Final

from pydantic import ValidationError

from driftreview.adapters.errors import ClusterError, NotFoundError
from driftreview.adapters.kubernetes import REVIEWS, Cluster, Kind
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import Problem
from driftreview.api.reasons import Reason
from driftreview.api.signalset import ClusterSignalSet, SignalSet, SignalSetKind, SignalSetRef, SignalSetSpec
from driftreview.domain.display import plain

_KINDS: Final[dict[SignalSetKind, tuple[Kind, type[SignalSet | ClusterSignalSet]]]] = {
    SignalSetKind.NAMESPACED: (Kind(REVIEWS.prefix, "signalsets"), SignalSet),
    SignalSetKind.CLUSTER: (Kind(REVIEWS.prefix, "clustersignalsets", namespaced=False), ClusterSignalSet),
}
_LONGEST: Final = 300


class SignalSets:
    """The signal sets of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        """Use this cluster."""
        self._cluster = cluster

    def find(self, review: DriftReview) -> list[SignalSetSpec | Problem]:
        """For each of a review's signalSetRefs the set, or why it is not to be had.

        Raises:
            ClusterError: the API server did not answer, or forbids it.
        """
        read: dict[tuple[SignalSetKind, str], SignalSetSpec | Problem] = {}
        for index, ref in enumerate(review.spec.signal_set_refs):
            if (ref.kind, ref.name) not in read:
                read[ref.kind, ref.name] = self._read(ref, f"spec.signalSetRefs[{index}]", review.metadata.namespace)
        return [read[ref.kind, ref.name] for ref in review.spec.signal_set_refs]

    def _read(self, ref: SignalSetRef, field: str, namespace: str) -> SignalSetSpec | Problem:
        kind, model = _KINDS[ref.kind]
        try:
            return model.model_validate(self._cluster.get(kind, ref.name, namespace)).spec
        except NotFoundError:
            where = "" if ref.kind is SignalSetKind.CLUSTER else f" in namespace {namespace!r}"
            instead = self._instead(ref, namespace) or "create it or correct kind and name"
            message = f"{field}: there is no {ref.kind} {ref.name!r}{where}; {instead}"
            return Problem(reason=Reason.SIGNAL_SET_NOT_FOUND, message=message)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            path = ".".join(str(part) for part in first["loc"])
            message = (
                f"{field}: {ref.kind} {ref.name!r} cannot be read: {path}: {plain(first['msg'], _LONGEST)}; if the "
                "CRDs are newer than the operator, upgrade the operator"
            )
            return Problem(reason=Reason.INVALID_SPEC, message=message)

    def _instead(self, ref: SignalSetRef, namespace: str) -> str:
        """What to write where there is a set of the other kind by that name; empty where none is known."""
        other = next(each for each in SignalSetKind if each is not ref.kind)
        try:
            self._cluster.get(_KINDS[other][0], ref.name, namespace)
        except ClusterError:
            return ""
        return f"there is a {other} of that name: if it is meant, write kind: {other}"

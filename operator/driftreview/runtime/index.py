"""What is kept in memory of the objects that are watched: as little as a step needs, as tightly as it can be.

Whoever may create an object decides how large it is, and thousands of them are kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import kopf
from pydantic import ValidationError

from driftreview.adapters.kubernetes import APPROVALS, CLUSTER_METRIC_SOURCES, METRIC_SOURCES
from driftreview.api.approval import DriftApproval
from driftreview.api.driftreview import DriftReview
from driftreview.api.metricsource import ClusterMetricSource, MetricSource
from driftreview.api.phases import TERMINAL
from driftreview.domain.evidence import canonical, content_hash
from driftreview.domain.reporting import is_owed
from driftreview.runtime.logs import LOGGER
from driftreview.runtime.loop import Key

_PARTS: Final = ("apiVersion", "kind", "spec", "status")
_METADATA: Final = (
    *("name", "namespace", "uid", "resourceVersion", "generation"),
    *("creationTimestamp", "deletionTimestamp"),
)
_PLURALS: Final = {
    MetricSource.__name__: METRIC_SOURCES.plural,
    ClusterMetricSource.__name__: CLUSTER_METRIC_SOURCES.plural,
}


def kept(body: Mapping[str, Any]) -> bytes | None:
    """What is kept of an object; None where no step has anything to do any more.

    No managers, labels and annotations: they are up to 256 KiB and more, and no step reads them. As UTF-8, as one wide
    character lets Python take four bytes for each of a text.
    """
    if body.get("status", {}).get("phase") in TERMINAL and not is_owed(body["status"]):
        return None
    metadata = {name: body["metadata"][name] for name in _METADATA if name in body["metadata"]}
    return canonical({name: body[name] for name in _PARTS if name in body} | {"metadata": metadata})


def version(metadata: Mapping[str, Any]) -> str:
    """What somebody else changes, as opposed to the status that we write: also an annotation, to have it looked at."""
    names = ("uid", "generation", "deletionTimestamp", "labels", "annotations")
    return content_hash({name: metadata.get(name) for name in names})


class Indices:
    """The objects that kopf keeps, by plural; threads may read them."""

    def __init__(self) -> None:
        """Nothing is kept before kopf has started."""
        self._kept: Mapping[str, kopf.Index[Key, bytes]] = {}

    def start(self, kept: Mapping[str, kopf.Index[Key, bytes]]) -> None:
        """Read these from now on."""
        self._kept = kept

    def found(self, key: Key) -> Mapping[str, Any] | None:
        """An object as it was last seen; None if it is gone or over. May be behind: every write is preconditioned."""
        index = self._kept.get(key[0])
        found = [json.loads(each) for each in (index.get(key, ()) if index is not None else ())]
        # After a gap in the watch one that was deleted may still be there beside the one created anew.
        return max(found, key=lambda raw: str(raw["metadata"]["creationTimestamp"]), default=None)

    def approvals(self, review: DriftReview) -> tuple[DriftApproval, ...]:
        """Every DriftApproval that names a review, in any order."""
        index, metadata = self._kept.get(APPROVALS.plural), review.metadata
        found = index.get((APPROVALS.plural, metadata.namespace, metadata.name), ()) if index is not None else ()
        return tuple(_readable(found))

    def has_source(self, source: str) -> bool:
        """Whether there is a metric source, named as its queries are counted; yes if its kind is not watched."""
        kind, *where = source.split("/")
        plural = _PLURALS[kind]
        index = self._kept.get(plural)
        return index is None or (plural, "/".join(where[:-1]), where[-1]) in index


def _readable(found: Iterable[bytes]) -> Iterator[DriftApproval]:
    """One of a newer CRD that this operator cannot read must not hold up the review, nor its way back."""
    for each in found:
        try:
            yield DriftApproval.model_validate_json(each)
        except ValidationError:
            LOGGER.debug("cannot read a DriftApproval: %s", each[:500])

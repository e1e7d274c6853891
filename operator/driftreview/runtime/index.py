"""What is kept in memory of the objects that are watched: as little as a step needs, as tightly as it can be.

Whoever may create an object decides how large it is, and thousands of them are kept.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from driftreview.adapters.kubernetes import APPROVALS, CLUSTER_METRIC_SOURCES, METRIC_SOURCES, REVIEWS
from driftreview.api.approval import DriftApproval
from driftreview.api.driftreview import DriftReview
from driftreview.api.metricsource import ClusterMetricSource, MetricSource
from driftreview.domain.aftermath import is_over_raw
from driftreview.domain.evidence import canonical, content_hash
from driftreview.domain.heard import MOST_KEPT, heard
from driftreview.domain.reporting import is_owed
from driftreview.runtime.logs import LOGGER
from driftreview.runtime.loop import Key

WATCHED: Final = (REVIEWS, METRIC_SOURCES, CLUSTER_METRIC_SOURCES, APPROVALS)
"""What is kept, reviews before what names them: which acts are heard depends on what a review has written down."""
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
    if is_over_raw(body.get("status", {})) and not is_owed(body["status"]):
        return None
    metadata = {name: body["metadata"][name] for name in _METADATA if name in body["metadata"]}
    return canonical({name: body[name] for name in _PARTS if name in body} | {"metadata": metadata})


def version(metadata: Mapping[str, Any]) -> str:
    """What somebody else changes, as opposed to the status that we write: also an annotation, to have it looked at."""
    names = ("uid", "generation", "deletionTimestamp", "labels", "annotations")
    return content_hash({name: metadata.get(name) for name in names})


class Indices:
    """The objects that are watched, by plural, namespace and the name they are looked up by. Threads may share it.

    The event loop fills it while threads read. kopf's own indices are dictionaries that change under whoever goes
    through them; of what is kept here nobody gets more than a copy.
    """

    def __init__(self) -> None:
        """Nothing is kept, and every kind may be there, before kopf has started."""
        self._lock = threading.Lock()
        self._kept: defaultdict[Key, dict[str, bytes]] = defaultdict(dict)
        self._watched: frozenset[str] = frozenset()

    def start(self, watched: Iterable[str]) -> None:
        """From now on a kind that is watched has only the objects that are kept."""
        self._watched = frozenset(watched)

    def keep(self, plural: str, body: Mapping[str, Any]) -> None:
        """Take note of an object as it is stored now."""
        found = kept(body)
        if found is None:
            self.forget(plural, body)
            return
        with self._lock:
            self._kept[_key(plural, body)][body["metadata"]["uid"]] = found

    def forget(self, plural: str, body: Mapping[str, Any]) -> None:
        """An object is gone, or over."""
        key = _key(plural, body)
        with self._lock:
            self._kept[key].pop(body["metadata"]["uid"], None)
            if not self._kept[key]:
                del self._kept[key]

    def has(self, key: Key) -> bool:
        """Whether there is an object of that name that is not over."""
        with self._lock:
            return key in self._kept

    def found(self, key: Key) -> Mapping[str, Any] | None:
        """An object as it was last seen; None if it is gone or over. May be behind: every write is preconditioned."""
        # After a gap in the watch one that was deleted may still be there beside the one created anew.
        every = map(json.loads, self._copy(key).values())
        return max(every, key=lambda raw: str(raw["metadata"]["creationTimestamp"]), default=None)

    def approvals(self, review: DriftReview) -> tuple[DriftApproval, ...]:
        """The DriftApprovals that name a review, in any order: all, or those that are heard."""
        key = (APPROVALS.plural, review.metadata.namespace, review.metadata.name)
        return tuple(_readable(self._copy(key).values()))

    def bound(self, namespace: str, name: str) -> None:
        """Keep of the DriftApprovals that name a review no more than are heard, where there are too many.

        Only from the thread that keeps, when all reviews have been seen.
        """
        key = (APPROVALS.plural, namespace, name)
        every = self._copy(key)
        if len(every) <= MOST_KEPT:
            return
        review = self.found((REVIEWS.plural, namespace, name)) or {"metadata": {"uid": ""}}
        recorded = {each["uid"] for each in review.get("status", {}).get("approvals", ())}
        stay = [each.metadata.uid for each in heard(_readable(every.values()), review["metadata"]["uid"], recorded)]
        with self._lock:
            self._kept[key] = {uid: every[uid] for uid in stay}
        LOGGER.warning(
            "%s DriftApprovals name %s/%s: %s are looked at, and nothing follows from the others",
            *(len(every), namespace, name, len(stay)),
        )

    def has_source(self, source: str) -> bool:
        """Whether there is a metric source, named as its queries are counted; yes if its kind is not watched."""
        kind, *where = source.split("/")
        plural = _PLURALS[kind]
        return plural not in self._watched or self.has((plural, "/".join(where[:-1]), where[-1]))

    def _copy(self, key: Key) -> Mapping[str, bytes]:
        with self._lock:
            return dict(self._kept.get(key, ()))


def _key(plural: str, body: Mapping[str, Any]) -> Key:
    """Under which an object is looked up: a DriftApproval by the review it names."""
    metadata = body["metadata"]
    name = body["spec"]["reviewRef"]["name"] if plural == APPROVALS.plural else metadata["name"]
    return plural, metadata.get("namespace") or "", name


def _readable(found: Iterable[bytes]) -> Iterator[DriftApproval]:
    """One of a newer CRD that this operator cannot read must not hold up the review, nor its way back."""
    for each in found:
        try:
            yield DriftApproval.model_validate_json(each)
        except ValidationError:
            LOGGER.debug("cannot read a DriftApproval: %s", each[:500])

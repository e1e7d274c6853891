"""Writes what happened in a review as Kubernetes Events: on the review, and on its target what concerns that.

The name of an Event follows from the review and the happening: writing it twice is refused by the API server, and
nobody has to remember what was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from hashlib import sha256
from typing import Any, Final

from driftreview.adapters.errors import ExistsError
from driftreview.adapters.kubernetes import Cluster, Kind
from driftreview.api.base import API_VERSION
from driftreview.api.driftreview import DriftReview
from driftreview.api.happenings import Happened
from driftreview.domain.display import within
from driftreview.domain.incidents import CONTROLLER
from driftreview.domain.story import Happening

NEW_EVENTS: Final = Kind("/apis/events.k8s.io/v1", "events")
"""The same objects as EVENTS, by the group that knows `related`."""
ON_TARGET: Final = frozenset(
    {
        *(Happened.DECIDED, Happened.PROMOTION_BEGUN, Happened.ROLLBACK_BEGUN, Happened.PROMOTED),
        *(Happened.ROLLED_BACK, Happened.ROLLBACK_IMPOSSIBLE, Happened.ROLLBACK_POSSIBLE, Happened.RECOVERED),
        *(Happened.NOT_RECOVERED, Happened.RECOVERY_UNKNOWN, Happened.RETURNED),
    }
)
"""What is told on the target too: its people may not know of the review."""
_ACTIONS: Final = (
    ("Accept", Happened.PREFLIGHT_PASSED),
    ("Freeze", Happened.BASELINE_CAPTURED),
    ("Judge", Happened.CHECKPOINT_JUDGED),
    ("Rehearse", Happened.ROLLBACK_POSSIBLE),
    ("Decide", Happened.NEW_REVISION_ALLOWED),
    ("Act", Happened.STALLED),
    ("End", Happened.FAILED),
)
"""What the operator was at, up to which kind of happening in their order; after the last one it looks after."""
_NOTE, _INSTANCE, _PREFIX = 1024, 128, 200
"""Bytes that the API server takes of a note; characters of an instance, and of what a name begins with."""
_HASH: Final = 10


def events(review: DriftReview, happenings: Iterable[Happening], instance: str) -> Iterator[dict[str, Any]]:
    """The Events of some happenings of a review, as the API server takes them."""
    ours, target = _review(review), _target(review)
    for each in happenings:
        yield _event(review, each, instance, ours, target)
        if each.what in ON_TARGET and "uid" in target:
            yield _event(review, each, instance, target, ours)


def _event(
    review: DriftReview, happening: Happening, instance: str, regarding: Mapping[str, str], related: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {
            "name": _name(review, happening, regarding),
            "namespace": review.metadata.namespace,
            "annotations": {"driftreview.dev/because": happening.because},
        },
        "eventTime": happening.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
        "type": str(happening.severity),
        "reason": str(happening.what),
        "action": _action(happening.what),
        "note": within(happening.note, _NOTE),
        "regarding": dict(regarding),
        "related": dict(related),
        "reportingController": CONTROLLER,
        "reportingInstance": instance[:_INSTANCE],
    }


def _name(review: DriftReview, happening: Happening, regarding: Mapping[str, str]) -> str:
    """The same for the same happening; in the order of time, as `kubectl describe` shows new Events by their names."""
    moment, order, _ = happening.place
    told = f"{review.metadata.uid} {regarding['kind']} {happening.id}"
    prefix = regarding["name"][:_PREFIX].rstrip("-.")
    return f"{prefix}.{moment.astimezone(UTC):%Y%m%dt%H%M%Sz}.{order:02}.{sha256(told.encode()).hexdigest()[:_HASH]}"


def _action(what: Happened) -> str:
    order = list(Happened)
    return next((action for action, last in _ACTIONS if order.index(what) <= order.index(last)), "LookAfter")


def _review(review: DriftReview) -> dict[str, str]:
    metadata = review.metadata
    return {
        "apiVersion": API_VERSION,
        "kind": "DriftReview",
        "namespace": metadata.namespace,
        "name": metadata.name,
        "uid": metadata.uid,
    }


def _target(review: DriftReview) -> dict[str, str]:
    """The target; its UID from T0 on, when it is known which object is judged."""
    target, known = review.spec.target, review.status.target
    found = {"apiVersion": "apps/v1", "kind": str(target.kind), "namespace": review.metadata.namespace}
    return found | {"name": target.name} | ({"uid": known.uid} if known is not None else {})


class Events:
    """Creates Events."""

    def __init__(self, cluster: Cluster) -> None:
        """Use this cluster."""
        self._cluster = cluster

    def write(self, event: Mapping[str, Any]) -> bool:
        """Create an Event.

        Returns:
            Whether it was not there before.

        Raises:
            ClusterError: the API server did not do it.
        """
        try:
            self._cluster.create(NEW_EVENTS, event, event["metadata"]["namespace"])
        except ExistsError:
            return False
        return True

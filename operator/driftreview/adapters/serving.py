"""Reads the pods that serve after a rollback."""

from __future__ import annotations

from functools import partial
from typing import Final

from driftreview.adapters.errors import RefusedError
from driftreview.adapters.kubernetes import PODS, Cluster
from driftreview.adapters.podlist import MOST_PODS
from driftreview.api.driftreview import DriftReview
from driftreview.api.status import Revision
from driftreview.domain.display import shorten
from driftreview.domain.kinds import pods_of
from driftreview.domain.serving import Serving, ServingPod, serving_pod
from driftreview.domain.ways import empties
from driftreview.domain.workload import TargetView

_WHY: Final = 256


def serving(cluster: Cluster, review: DriftReview, target: TargetView) -> Serving:
    """The pods of what the target runs now and of what was judged, of each at most MOST_PODS.

    Raises:
        ClusterError: the API server did not answer.
    """
    try:
        put_back = None if empties(review.status.act) else target.current
        return Serving(_pods(cluster, review, target, put_back), _pods(cluster, review, target, review.status.judged))
    except RefusedError as error:
        return Serving(unread=shorten(str(error), _WHY))


def _pods(
    cluster: Cluster, review: DriftReview, target: TargetView, revision: Revision | None
) -> tuple[ServingPod, ...]:
    if revision is None:
        return ()
    found: list[ServingPod] = []
    of = pods_of(review.spec.target, target.uid, revision)
    selectors = {"labelSelector": f"{of.label}={of.value}"}
    for page in cluster.objects(PODS, review.metadata.namespace, selectors, partial(serving_pod, owner=of.owner)):
        found += filter(None, page)
        if len(found) >= MOST_PODS:
            break
    return tuple(found[:MOST_PODS])

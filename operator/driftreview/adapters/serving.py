"""Reads the pods that serve after a rollback."""

from __future__ import annotations

from functools import partial
from typing import Final

from driftreview.adapters.errors import RefusedError
from driftreview.adapters.kubernetes import PODS, Cluster
from driftreview.adapters.podlist import MOST_PODS, template_label
from driftreview.api.driftreview import DriftReview
from driftreview.api.status import Revision
from driftreview.domain.display import shorten
from driftreview.domain.serving import Serving, ServingPod, serving_pod
from driftreview.domain.workload import TargetView

_WHY: Final = 256


def serving(cluster: Cluster, review: DriftReview, target: TargetView) -> Serving:
    """The pods of what the target runs now and of what was judged, of each at most MOST_PODS.

    Raises:
        ClusterError: the API server did not answer.
    """
    namespace, name = review.metadata.namespace, review.spec.target.name
    try:
        return Serving(
            _pods(cluster, namespace, name, target.current), _pods(cluster, namespace, name, review.status.judged)
        )
    except RefusedError as error:
        return Serving(unread=shorten(str(error), _WHY))


def _pods(cluster: Cluster, namespace: str, target: str, revision: Revision | None) -> tuple[ServingPod, ...]:
    if revision is None:
        return ()
    found: list[ServingPod] = []
    selectors = {"labelSelector": f"pod-template-hash={template_label(revision, target)}"}
    for page in cluster.objects(PODS, namespace, selectors, partial(serving_pod, owner=revision.uid)):
        found += filter(None, page)
        if len(found) >= MOST_PODS:
            break
    return tuple(found[:MOST_PODS])

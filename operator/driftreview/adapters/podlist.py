"""Reads the pods of the judged revision."""

from __future__ import annotations

from functools import partial
from typing import Final

from driftreview.adapters.factreader import FactReader
from driftreview.adapters.kubernetes import PODS, Cluster
from driftreview.api.status import Revision
from driftreview.domain.pods import Pod, pod_of

MOST_PODS: Final = 200
"""Pods of one revision that are read; what they share, as many tell."""


def judged_pods(cluster: Cluster, namespace: str, target: str, judged: Revision) -> tuple[Pod, ...]:
    """The pods of a revision, at most MOST_PODS.

    Raises:
        ForbiddenError: the operator may not list pods.
        ClusterError: the API server did not answer, or one pod alone is too large.
    """
    found: list[Pod] = []
    for page in cluster.objects(PODS, namespace, _selectors(judged, target), partial(pod_of, owner=judged.uid)):
        found += filter(None, page)
        if len(found) >= MOST_PODS:
            break
    return tuple(found[:MOST_PODS])


def read_pods(reader: FactReader, about: str, target: str, judged: Revision) -> tuple[Pod, ...]:
    """The same for the facts of a look: none if they may not be read, which is noted."""
    keep = partial(pod_of, owner=judged.uid)
    listing = reader.list(about, PODS, _selectors(judged, target), keep, MOST_PODS)
    return tuple(each for each in listing.found if each) if listing else ()


def template_label(judged: Revision, target: str) -> str:
    """The label pod-template-hash of the judged pods: what the name of their ReplicaSet adds to the target's."""
    return judged.name.removeprefix(f"{target}-")


def _selectors(judged: Revision, target: str) -> dict[str, str]:
    return {"labelSelector": f"pod-template-hash={template_label(judged, target)}"}

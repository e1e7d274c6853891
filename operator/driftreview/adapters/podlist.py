"""Reads the pods of the judged revision."""

from __future__ import annotations

from typing import Final

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
    template = judged.name.removeprefix(f"{target}-")
    found: list[Pod] = []
    selectors = {"labelSelector": f"pod-template-hash={template}"}
    for page in cluster.objects(PODS, namespace, selectors, lambda raw: pod_of(raw, judged.uid)):
        found += filter(None, page)
        if len(found) >= MOST_PODS:
            break
    return tuple(found[:MOST_PODS])

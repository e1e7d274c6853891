"""Reads the pods of the judged revision, and those of its namespace."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from driftreview.adapters.factreader import FactReader, Listing
from driftreview.adapters.kubernetes import PODS, Cluster
from driftreview.domain import inventory
from driftreview.domain.pods import Pod, PodsOf, pod_of

MOST_PODS: Final = 200
"""Pods of one revision that are read; what they share, as many tell."""
Both = tuple[Pod | None, inventory.Pod | None]
"""A pod as one of the judged revision, and as one of an inventory; None where it is none."""


def judged_pods(cluster: Cluster, namespace: str, judged: PodsOf) -> tuple[Pod, ...]:
    """The pods of a revision, at most MOST_PODS.

    Raises:
        ForbiddenError: the operator may not list pods.
        ClusterError: the API server did not answer, or one pod alone is too large.
    """
    found: list[Pod] = []
    for page in cluster.objects(PODS, namespace, _selectors(judged), partial(pod_of, of=judged)):
        found += filter(None, page)
        if len(found) >= MOST_PODS:
            break
    return tuple(found[:MOST_PODS])


def read_namespace(reader: FactReader, judged: PodsOf) -> Listing[Both] | None:
    """The pods of the namespace, as far as an inventory has room; None if they may not be read, which is noted."""

    def keep(raw: dict[str, Any]) -> Both:
        return pod_of(raw, judged), inventory.pod(raw)

    return reader.list(f"{inventory.SECTION}/{PODS.plural}", PODS, {}, keep, inventory.MOST_PODS)


def read_pods(reader: FactReader, about: str, judged: PodsOf, seen: Listing[Both] | None = None) -> tuple[Pod, ...]:
    """The same for the facts of a look: none if they may not be read, which is noted.

    Args:
        reader: for the facts of the look.
        about: what they are read for.
        judged: by what the pods of the judged revision are told.
        seen: all pods of the namespace, where these were read: as long as none was left out, they are not read again.
    """
    if seen is not None and seen.whole:
        return tuple(each for each, _ in seen.found if each)[:MOST_PODS]
    listing = reader.list(about, PODS, _selectors(judged), partial(pod_of, of=judged), MOST_PODS)
    return tuple(each for each in listing.found if each) if listing else ()


def _selectors(judged: PodsOf) -> dict[str, str]:
    return {"labelSelector": f"{judged.label}={judged.value}"}

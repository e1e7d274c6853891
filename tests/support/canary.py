"""A canary beside the workload that serves, and what scales either."""

from typing import Any, Final

from tests.support.stage import Raw, Stage, deployment

STABLE: Final = "web"
CANARY: Final = "web-canary"
TARGET: Final = {"kind": "Deployment", "name": CANARY}


def tracked(version: str, name: str, replicas: int = 1, *, sidecar: bool = False, **spec: Any) -> Raw:
    """One of the two Deployments of one application: a label of their own tells their pods apart."""
    document = deployment(version, replicas, name)
    own, template = {"app": STABLE, "track": name}, document["spec"]["template"]
    template["metadata"]["labels"] |= own
    if sidecar:
        template["spec"]["containers"].append({"name": "proxy", "image": "example.org/proxy:1"})
    document["spec"] |= {"selector": {"matchLabels": own}, **spec}
    return document


def rollout(**parts: Any) -> Raw:
    """How a review of the canary has its release rolled out."""
    return {"type": "Canary", "stable": {"name": STABLE}, **parts}


def autoscaled(stage: Stage, name: str, least: int = 1) -> None:
    """An autoscaler owns the replicas of a Deployment; without metrics it keeps to its least."""
    of = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    document = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {"scaleTargetRef": of, "minReplicas": least, "maxReplicas": 5},
    }
    stage.api.create(document, stage.namespace)

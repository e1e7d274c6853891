"""A workload of each kind in a namespace, with its own controller."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lab.web import wait_until
from tests.support.cluster import Api
from tests.support.stage import NAME, PATIENCE, Stage, deployment

NODES = {"lab": "room"}
"""Node selector of pods that find a node only within `room`."""
KINDS = ("StatefulSet", "DaemonSet")
PODS = {"StatefulSet": 3, "DaemonSet": 2}


def workload(kind: str, version: str, name: str = "web", **spec: Any) -> dict[str, Any]:
    """A workload of one version; a DaemonSet has a pod on each of the lab's two nodes."""
    document = deployment(version, name=name)
    given = document["spec"] | {"replicas": PODS[kind]} | spec
    if kind == "DaemonSet":
        del given["replicas"]
    else:
        given["serviceName"] = name
    return document | {"kind": kind, "spec": given}


@contextmanager
def room(api: Api) -> Iterator[None]:
    """Nodes for pods with the selector NODES; those that have one stay when it ends."""
    names = [each["metadata"]["name"] for each in api.list("Node")]
    for each in names:
        api.merge("Node", each, "", {"metadata": {"labels": NODES}})
    try:
        yield
    finally:
        for each in names:
            api.merge("Node", each, "", {"metadata": {"labels": dict.fromkeys(NODES)}})


class Kind:
    """A workload of one kind in a namespace."""

    def __init__(self, stage: Stage, kind: str, name: str = "web") -> None:
        self.stage, self.kind, self.name = stage, kind, name
        self.target = {"kind": kind, "name": name}

    def apply(self, version: str, **spec: Any) -> None:
        api, namespace = self.stage.api, self.stage.namespace
        document = workload(self.kind, version, self.name, **spec)
        if api.find(self.kind, self.name, namespace) is None:
            api.create(document, namespace)
        else:
            api.merge(self.kind, self.name, namespace, {"spec": document["spec"]})

    def release(self, *versions: str, **spec: Any) -> None:
        """Roll out one version after the other."""
        for version in versions:
            self.apply(version, **spec)
            self.runs(version)

    def runs(self, version: str) -> None:
        """Wait until every pod is of a version, and ready, and the controller has said so."""

        def so() -> bool:
            status = self.read().get("status", {})
            counts = [status.get(name) for name in ("availableReplicas", "updatedReplicas")]
            counts += [status.get(name) for name in ("numberAvailable", "updatedNumberScheduled")]
            seen = status.get("observedGeneration") == self.read()["metadata"]["generation"]
            return seen and counts.count(PODS[self.kind]) == 2 and self.versions() == [version] * PODS[self.kind]

        wait_until(so, f"{self.kind} {self.name} runs {version}", 60 * PATIENCE)

    def read(self) -> Mapping[str, Any]:
        return self.stage.api.get(self.kind, self.name, self.stage.namespace)

    def version(self) -> str:
        return str(self.read()["spec"]["template"]["metadata"]["labels"]["version"])

    def versions(self) -> list[str]:
        """Which version each pod is of."""
        labels = [each["metadata"]["labels"] for each in self.stage.api.list("Pod", self.stage.namespace)]
        return sorted(each["version"] for each in labels if each["app"] == self.name)

    def revisions(self) -> dict[str, Mapping[str, Any]]:
        """ControllerRevisions by version."""
        found = self.stage.api.list("ControllerRevision", self.stage.namespace)
        return {each["data"]["spec"]["template"]["metadata"]["labels"]["version"]: each for each in found}

    def review(self, **spec: Any) -> None:
        self.stage.review(target=self.target, **spec)

    def look(self, name: str = NAME) -> None:
        """Have the operator look at the review now instead of within a minute."""
        self.stage.touch(name)

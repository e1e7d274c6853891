"""What a workload is given of a release: its pod template or its images, as JSON patches onto what was read of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from driftreview.api.status import ContainerImage
from driftreview.domain.revisions import Raw, without_hash_label
from driftreview.domain.workload import Rollout


@dataclass(frozen=True)
class StepView:
    """The workload of a step, as it was found."""

    uid: str = ""
    given: bool = False
    """Whether it is as the step would have it."""
    rollout: Rollout = Rollout.PROGRESSING
    message: str = ""
    """How far its rollout is."""
    deadline_seconds: int = 600
    """How long its rollout may make no progress."""
    hindrance: str = ""
    """What keeps it from being given, in a sentence; empty if nothing does."""


def selected_by(workload: Raw) -> frozenset[str]:
    """Names of the labels by which a workload selects its pods."""
    selector = workload["spec"]["selector"]
    listed = (each["key"] for each in selector.get("matchExpressions") or [])
    return frozenset({*(selector.get("matchLabels") or {}), *listed})


def with_template(own: Raw, judged: Raw, selecting: frozenset[str]) -> dict[str, Any]:
    """A workload's pod template once it was given another's: all of it but the labels that tell the two apart.

    Args:
        own: its pod template.
        judged: the one that it is given.
        selecting: names of the labels by which either of the two workloads selects its pods.
    """
    own, judged = without_hash_label(own), without_hash_label(judged)
    kept = {name: value for name, value in own["metadata"]["labels"].items() if name in selecting}
    taken = {name: value for name, value in judged["metadata"]["labels"].items() if name not in selecting}
    return {**judged, "metadata": {**judged["metadata"], "labels": {**taken, **kept}}}


def with_images(own: Raw, images: Sequence[ContainerImage]) -> dict[str, Any]:
    """A pod template with these images, container by container of one name; what has no image there stays."""
    taken = {each.container: each.image for each in images}
    own = without_hash_label(own)
    containers = [{**each, "image": taken.get(each["name"], each.get("image"))} for each in own["spec"]["containers"]]
    return {**own, "spec": {**own["spec"], "containers": containers}}


def shared(own: Raw, images: Sequence[ContainerImage]) -> list[str]:
    """Names of the containers that a pod template and a list of images have both."""
    names = {each["name"] for each in own["spec"]["containers"]}
    return [each.container for each in images if each.container in names]


def is_template(own: Raw, wanted: Mapping[str, Any]) -> bool:
    """Whether a pod template is as wanted."""
    return without_hash_label(own) == wanted

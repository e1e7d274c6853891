"""What is kept of a target for its facts: it may have a megabyte, and takes many times that once it is parsed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from driftreview.api.configuration import ContainerFact, DeploymentFact, RunningImage
from driftreview.api.flag import Flag
from driftreview.domain.flags import Place, places
from driftreview.domain.masking import Mask
from driftreview.domain.pods import Pod
from driftreview.domain.podtemplate import containers, images, references
from driftreview.domain.revisions import template_hash
from driftreview.domain.running import VERSION, scaled_at
from driftreview.domain.workload import Counts

Raw = Mapping[str, Any]

_DIGESTS: Final = 16
_LABEL: Final = 63


@dataclass(frozen=True)
class Release:
    """A workload and its pod template, as far as facts need them."""

    raw: Raw = field(repr=False)
    """The workload without its pod template and its field managers."""
    template_hash: str
    version: str
    images: Sequence[tuple[str, str]]
    """Name and image of each container."""
    containers: list[ContainerFact]
    config_maps: list[str]
    """Names of those that it reads."""
    secrets: list[str]
    places: Mapping[str, list[Place] | None]
    """For each flag of the environment where it may stand; None where there is no such container."""
    scaled_at: datetime | None


def release(raw: Raw, review: str, flags: Sequence[Flag]) -> Release:
    """Keep of a workload what its facts need.

    Args:
        raw: the workload, whole.
        review: UID of the review, for the hashes of what is masked.
        flags: of which some may stand in its environment.
    """
    metadata, template = raw["metadata"], raw["spec"]["template"]
    labels = (metadata.get("labels") or {}) | ((template.get("metadata") or {}).get("labels") or {})
    config_maps, secrets = references(template)
    return Release(
        raw={
            "metadata": {name: value for name, value in metadata.items() if name != "managedFields"},
            "spec": {name: value for name, value in raw["spec"].items() if name != "template"},
            "status": raw.get("status") or {},
        },
        template_hash=template_hash(template),
        version=str(labels.get(VERSION, "")),
        images=images(template),
        containers=containers(template, Mask(review)),
        config_maps=config_maps,
        secrets=secrets,
        places={
            each.name: places(template, each.from_.env.container, each.name)
            for each in flags
            if each.from_.env is not None
        },
        scaled_at=scaled_at(metadata),
    )


def deployment_fact(of: Release, counts: Counts, pods: Sequence[Pod], pod_template_hash: str) -> DeploymentFact:
    """A release as it runs.

    Args:
        of: the release.
        counts: how many pods it wants and has.
        pods: those of the judged revision.
        pod_template_hash: their label.
    """
    run = [each for pod in pods for each in pod.containers if each.digest]
    found = {name: {each.digest for each in run if each.name == name} for name, _ in of.images}
    return DeploymentFact(
        version=of.version[:_LABEL],
        pod_template_hash=pod_template_hash[:_LABEL],
        images=[
            RunningImage(container=name, image=image, digests=sorted(found[name])[:_DIGESTS])
            for name, image in of.images
        ],
        pods=len(pods),
        generation=of.raw["metadata"]["generation"],
        desired=counts.wanted,
        updated=counts.updated,
        ready=counts.ready,
        available=counts.available,
        scaled_at=of.scaled_at,
    )

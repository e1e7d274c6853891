"""Facts about the release and its configuration: what runs, how it is set up, and what it refers to."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from driftreview.api.base import Model, Time, atomic, list_map
from driftreview.api.checkpoint import Hash

Name = Annotated[str, Field(max_length=253)]
Line = Annotated[str, Field(max_length=640)]
"""A text that is kept, or says what it was made of where it is not kept."""
Count = Annotated[int, Field(ge=0)]


class RunningImage(Model):
    """What a container of the judged pods runs."""

    container: Annotated[str, Field(max_length=63)]
    """Name of the container."""
    image: Annotated[str, Field(max_length=512)]
    """Its image, as in the pod template."""
    digests: Annotated[
        list[Annotated[str, Field(max_length=512)]], Field(max_length=16, json_schema_extra=atomic())
    ] = Field(default_factory=list)
    """What the nodes pulled for it, with digests, as the pods' imageID says; empty where they do not."""


class DeploymentFact(Model):
    """The release as it runs."""

    version: Annotated[str, Field(max_length=63)] = ""
    """Its label app.kubernetes.io/version: of the pod template, or else of the target."""
    pod_template_hash: Annotated[str, Field(max_length=63)] = ""
    """Label pod-template-hash of the judged pods."""
    images: Annotated[list[RunningImage], Field(max_length=64, json_schema_extra=list_map("container"))] = Field(
        default_factory=list
    )
    """The images of the judged pods."""
    pods: Count = 0
    """Judged pods that were looked at for it."""
    generation: Count
    """Of the target."""
    desired: Count
    """Replicas that are wanted."""
    updated: Count = 0
    """Pods of the current template."""
    ready: Count = 0
    """Pods that are ready."""
    available: Count = 0
    """Pods that have been ready for long enough."""
    scaled_at: Time | None = None
    """When the number of replicas was last written, as well as the target's field managers tell."""


class EnvFact(Model):
    """One environment variable. Its value, or its hash, or where it comes from."""

    name: Annotated[str, Field(max_length=253)]
    """Its name."""
    value: Line | None = None
    """Its value, where it is plain and does not look like a secret."""
    hash: Hash | None = None
    """Of a value that is not kept: a slow hash with a salt of this review, which tells a change and no more."""
    source: Line | None = None
    """The ConfigMap key, Secret key or field it comes from."""


class ContainerFact(Model):
    """A container as the pod template declares it."""

    name: Annotated[str, Field(max_length=63)]
    """Its name."""
    init: bool = False
    """Whether it runs before the others."""
    image: Annotated[str, Field(max_length=512)] = ""
    """Its image."""
    command: Annotated[list[Line], Field(max_length=64, json_schema_extra=atomic())] = Field(default_factory=list)
    """What is started instead of the image's own entry point; what looks like a secret is a hash."""
    args: Annotated[list[Line], Field(max_length=128, json_schema_extra=atomic())] = Field(default_factory=list)
    """With which arguments; what looks like a secret is a hash."""
    env: Annotated[list[EnvFact], Field(max_length=200, json_schema_extra=atomic())] = Field(default_factory=list)
    """Its environment."""
    env_from: Annotated[list[Line], Field(max_length=50, json_schema_extra=atomic())] = Field(default_factory=list)
    """ConfigMaps and Secrets of which every key is a variable."""
    resources: Annotated[dict[str, Annotated[str, Field(max_length=64)]], Field(max_length=32)] = Field(
        default_factory=dict
    )
    """Requests and limits, such as limits.memory: 1Gi."""
    ports: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=64, json_schema_extra=atomic())] = (
        Field(default_factory=list)
    )
    """Name, number and protocol of each port."""
    probes: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=3, json_schema_extra=atomic())] = (
        Field(default_factory=list)
    )
    """Which probes there are, and how each asks."""
    left_out: Annotated[str, Field(max_length=256)] = ""
    """What of it there was no room for."""


class AutoscalerFact(Model):
    """A HorizontalPodAutoscaler of the target."""

    name: Name
    """Its name."""
    least: Count
    """Replicas at least."""
    most: Count
    """Replicas at most."""
    metrics: Annotated[
        list[Annotated[str, Field(max_length=253)]], Field(max_length=32, json_schema_extra=atomic())
    ] = Field(default_factory=list)
    """The metrics it follows, by name."""
    changed_at: Time | None = None
    """When it was last edited."""


class ReferenceFact(Model):
    """A ConfigMap or Secret that the pod template refers to."""

    name: Name
    """Its name."""
    hash: Hash | None = None
    """Of a ConfigMap the SHA-256 of its data. Of a Secret a slow hash of its data, with a salt of this review and of
    the Secret: it tells a change, and nothing of the content. Absent where it is not there or could not be read."""
    changed_at: Time | None = None
    """When it was last edited."""


class NodeFact(Model):
    """A node on which judged pods run."""

    name: Name
    """Its name."""
    kubelet: Annotated[str, Field(max_length=64)] = ""
    """Version of its kubelet; empty where it could not be read."""


class ConfigurationFact(Model):
    """How the release is set up."""

    containers: Annotated[list[ContainerFact], Field(max_length=64, json_schema_extra=atomic())] = Field(
        default_factory=list
    )
    """Its containers, init containers first."""
    autoscalers: Annotated[list[AutoscalerFact], Field(max_length=5, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """What scales it."""
    config_maps: Annotated[list[ReferenceFact], Field(max_length=40, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """ConfigMaps that its pods read."""
    secrets: Annotated[list[ReferenceFact], Field(max_length=40, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """Secrets that its pods read."""
    kubernetes: Annotated[str, Field(max_length=64)] = ""
    """Version of the API server."""
    nodes: Annotated[list[NodeFact], Field(max_length=20, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """Nodes of the judged pods."""
    left_out: Annotated[str, Field(max_length=256)] = ""
    """What there was no room for."""

"""How a release is rolled out, given to further workloads, and taken back."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from driftreview.api.base import DnsName, Model, atomic, rules
from driftreview.api.target import WorkloadRef


class RolloutType(StrEnum):
    """How the release reaches its users."""

    IN_PLACE = "InPlace"
    """The target runs it already: a promotion approves it, a rollback puts the previous pod template back."""
    CANARY = "Canary"
    """The target is a canary beside a stable workload: a promotion gives the release to that one, a rollback empties
    the canary."""
    PAUSED = "Paused"
    """The target's rollout was paused on the way: a promotion resumes it, a rollback takes it back."""


class Takes(StrEnum):
    """What the stable workload takes of the canary."""

    TEMPLATE = "Template"
    """Its pod template, but for the labels by which either selects its pods."""
    IMAGES = "Images"
    """Its images, container by container of one name."""


class Stable(Model):
    """The workload that serves beside a canary, in the review's namespace."""

    name: DnsName
    """Name of the Deployment."""
    takes: Takes = Takes.TEMPLATE
    """What it is given by a promotion: Template (the canary's pod template, with its own selector labels) or Images
    (container by container of one name)."""


class PromotedTo(WorkloadRef):
    """A workload that takes the approved images."""

    namespace: DnsName | None = None
    """Its namespace; the review's, if left out. In another one the operator needs a Role that allows it."""


class FirstRelease(StrEnum):
    """What a rollback of a first release does."""

    HOLD = "Hold"
    """Nothing: people decide."""
    SCALE_TO_ZERO = "ScaleToZero"
    """No pods are left of it."""


class GitOps(StrEnum):
    """What is done about a decided rollback of a target that Argo CD or Flux owns."""

    REPORT = "Report"
    OVERRIDE = "Override"
    PAUSE = "Pause"


class Rollout(Model):
    """How the release is rolled out, given to further workloads, and taken back."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "(self.type == 'Canary') == has(self.stable)",
                "with type: Canary, and only with it, stable names the workload that serves beside the canary",
            ),
            (
                "self.type == 'Canary' || !has(self.restingSize)",
                "restingSize is the size of a canary: it needs type: Canary",
            ),
        )
    )

    type: RolloutType = RolloutType.IN_PLACE
    """InPlace (the target runs the release already), Canary (the target runs it beside stable) or Paused (the target's
    rollout was paused on the way)."""
    stable: Stable | None = None
    """With Canary: the workload that a promotion gives the release to."""
    resting_size: Annotated[int, Field(ge=0, le=1000)] | None = None
    """With Canary: how many pods the canary keeps after a promotion; 0, if left out. Where an autoscaler owns that
    number, it is left alone."""
    promote_to: Annotated[list[PromotedTo], Field(max_length=10, json_schema_extra=atomic())] = Field(
        default_factory=list
    )
    """Workloads that take the approved images after the promotion, one after the other: the next one only when the
    pods of the one before it run."""
    first_release: FirstRelease = FirstRelease.HOLD
    """What a rollback does where nothing ran before: Hold (people decide) or ScaleToZero."""
    git_ops: GitOps = GitOps.REPORT
    """Argo CD or Flux owns the target: Report (the rollback is handed over to people, who revert in Git), Override (it
    is done all the same) or Pause (the tool is told to leave the target alone, then it is done)."""
    git_ops_namespace: DnsName = "argocd"
    """With Pause: the namespace of an Argo CD Application that the target names without one."""

"""What a review does to its target, as its status has it: the intent first, then how far it is."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import ConfigDict, Field

from driftreview.api.base import Model, Time, atomic, rules
from driftreview.api.target import TargetKind

MOST_STEPS: Final = 14
"""Of one act: one for each workload beside the target, or two of a canary; and those that it is promoted to."""


class ActType(StrEnum):
    """What is done to the target."""

    PROMOTE = "Promote"
    ROLL_BACK = "RollBack"


class Do(StrEnum):
    """What exactly is done to one workload."""

    APPROVE = "Approve"
    """Its pod template is marked as approved; a rollout that was paused for the review goes on."""
    PUT_BACK = "PutBack"
    """Its previous pod template is put back; a rollout that was paused for the review goes on."""
    SCALE = "Scale"
    """It is given a number of pods."""
    GIVE_TEMPLATE = "GiveTemplate"
    """It is given the judged pod template, but for the labels by which either selects its pods."""
    GIVE_IMAGES = "GiveImages"
    """It is given the judged images, container by container of one name."""


class PausedKind(StrEnum):
    """What a tool is told by to leave the target alone."""

    APPLICATION = "Application"
    """Argo CD: the annotation argocd.argoproj.io/skip-reconcile on the Application."""
    HELM_RELEASE = "HelmRelease"
    """Flux: spec.suspend of the HelmRelease."""
    TARGET = "Target"
    """Flux: the annotation kustomize.toolkit.fluxcd.io/reconcile on the target itself."""


class Pause(Model):
    """How what owns the target is told to leave it alone. Written as an intent before anything is done."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                (
                    "self.kind == oldSelf.kind && self.name == oldSelf.name"
                    " && self.__namespace__ == oldSelf.__namespace__ && self.intentAt == oldSelf.intentAt"
                ),
                "an intent is never changed",
            ),
        )
    )

    kind: PausedKind
    """Application, HelmRelease or Target."""
    namespace: Annotated[str, Field(max_length=253)]
    """Namespace of that object."""
    name: Annotated[str, Field(max_length=253)]
    """Its name."""
    intent_at: Time
    """When it was decided."""
    done_at: Time | None = None
    """When the object was seen so."""


class Step(Model):
    """What is done to a workload after the target's own change. Written with the intent."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "(self.do == 'Scale') == has(self.replicas)",
                "a step that scales, and no other, has a number of pods",
            ),
        )
    )

    do: Do
    """What."""
    kind: TargetKind
    """Kind of the workload."""
    namespace: Annotated[str, Field(max_length=63)]
    """Its namespace."""
    name: Annotated[str, Field(max_length=253)]
    """Its name."""
    replicas: Annotated[int, Field(ge=0)] | None = None
    """How many pods it is given."""
    uid: Annotated[str, Field(max_length=64)] | None = None
    """The object that was seen changed."""
    applied_at: Time | None = None
    """When it was seen changed."""
    completed_at: Time | None = None
    """When its pods ran so."""

    def __str__(self) -> str:
        """The workload, as sentences name it."""
        return f"{self.kind} {self.namespace}/{self.name}"


_STEP: Final = "[s.do, s.kind, s.__namespace__, s.name, has(s.replicas) ? string(s.replicas) : '']"
_HAS_STEPS: Final = "(has({0}.steps) && {0}.steps.size() > 0)"
"""No list is as good as an empty one: the operator writes what it read, and where there was none an empty one."""


class Act(Model):
    """The one act of a review. Written as an intent before anything is done."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                (
                    "self.type == oldSelf.type && self.targetUid == oldSelf.targetUid"
                    " && self.generation == oldSelf.generation && self.intentAt == oldSelf.intentAt"
                    " && self.do == oldSelf.do && has(self.replicas) == has(oldSelf.replicas)"
                    " && (!has(self.replicas) || self.replicas == oldSelf.replicas)"
                ),
                "an intent is never changed",
            ),
            (
                (
                    f"{_HAS_STEPS.format('self')} == {_HAS_STEPS.format('oldSelf')}"
                    " && (!has(self.steps) || !has(oldSelf.steps)"
                    f" || self.steps.map(s, {_STEP}) == oldSelf.steps.map(s, {_STEP}))"
                ),
                "the steps of an intent are never changed",
            ),
            (
                (
                    "!has(oldSelf.steps) || !has(self.steps) || oldSelf.steps.filter(s, has(s.completedAt)).size()"
                    " <= self.steps.filter(s, has(s.completedAt)).size()"
                ),
                "a step that was done stays done",
            ),
            (
                "(self.do == 'Scale') == has(self.replicas)",
                "an act that scales, and no other, has a number of pods",
            ),
            (
                "!has(oldSelf.by) || (has(self.by) && self.by == oldSelf.by)",
                "who acted is written once",
            ),
            ("!has(oldSelf.pause) || has(self.pause)", "an intent is never removed"),
        )
    )

    type: ActType
    """What."""
    do: Do
    """What exactly is done to the target."""
    replicas: Annotated[int, Field(ge=0)] | None = None
    """How many pods the target is given, where it is scaled."""
    target_uid: Annotated[str, Field(max_length=64)]
    """The object it is done to."""
    generation: Annotated[int, Field(ge=0)]
    """The target's generation when it was decided."""
    intent_at: Time
    """When it was decided."""
    by: Annotated[str, Field(max_length=512)] | None = None
    """Who did it where that was not the operator, as far as field managers tell."""
    pause: Pause | None = None
    """How what owns the target is told to leave it alone before."""
    applied_at: Time | None = None
    """When the target was seen changed."""
    steps: Annotated[list[Step], Field(max_length=MOST_STEPS, json_schema_extra=atomic())] = Field(default_factory=list)
    """What is done to further workloads after that, each when the pods of the one before it run."""
    completed_at: Time | None = None
    """When the outcome was verified."""

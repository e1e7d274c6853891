"""What a review does to its target, as its status has it: the intent first, then how far it is."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from driftreview.api.base import Model, Time, rules


class ActType(StrEnum):
    """What is done to the target."""

    PROMOTE = "Promote"
    ROLL_BACK = "RollBack"


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


class Act(Model):
    """The one act of a review. Written as an intent before anything is done."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                (
                    "self.type == oldSelf.type && self.targetUid == oldSelf.targetUid"
                    " && self.generation == oldSelf.generation && self.intentAt == oldSelf.intentAt"
                ),
                "an intent is never changed",
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
    completed_at: Time | None = None
    """When the outcome was verified."""

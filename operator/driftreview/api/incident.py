"""Incidents: what happened to the judged pods between two looks."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from driftreview.api.base import Model, ShortText, Time

MOST_INCIDENTS: Final = 100


class IncidentKind(StrEnum):
    """What happened."""

    OOM_KILLED = "OOMKilled"
    """A container was killed for its memory."""
    RESTARTED = "Restarted"
    """A container ended and was started again, or keeps ending."""
    WARNING = "Warning"
    """The cluster wrote an event of type Warning."""


class Incident(Model):
    """One thing that happened; what repeats is one."""

    kind: IncidentKind
    """What."""
    object: Annotated[str, Field(max_length=400)]
    """To what, such as Pod/web-6d4b75cb6d-x2x9p, container app."""
    reason: Annotated[str, Field(max_length=128)] = ""
    """In a word, as the cluster says it."""
    at: Time | None = None
    """When last; absent where the cluster does not say."""
    count: Annotated[int, Field(ge=0)] = 1
    """How often in all."""
    exit_code: int | None = None
    """Of the container."""
    message: ShortText = ""
    """In a sentence, as the cluster says it, cut short."""

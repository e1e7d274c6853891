"""What was found when it was last looked whether a review could be rolled back."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from driftreview.api.base import Model, ShortText, Time, atomic
from driftreview.api.reasons import Reason

MOST_RISKS: Final = 10
"""Risks that are kept; the last one says how many more there are."""
MOST_HINDRANCES: Final = 5
"""Of each kind there is one at most."""


class RehearsalOutcome(StrEnum):
    """What the API server said to the very patch of a rollback, asked for as a dry run."""

    ACCEPTED = "Accepted"
    """It would be done."""
    REFUSED = "Refused"
    """It would be refused: an admission policy or webhook stands against it, or it is invalid."""
    FORBIDDEN = "Forbidden"
    """It is forbidden: the operator lacks the right, or a policy or webhook stands against it."""
    UNKNOWN = "Unknown"
    """It could not be found out; that keeps no rollback back."""


class Rehearsal(Model):
    """A rollback that was tried without doing it."""

    outcome: RehearsalOutcome
    """Accepted, Refused, Forbidden or Unknown."""
    message: ShortText = ""
    """What the API server said, shortened."""


class Hindrance(Model):
    """Something that keeps a rollback from being done, known for certain."""

    reason: Reason
    """In a word."""
    message: Annotated[str, Field(max_length=512)]
    """In a sentence."""


class WayBackCheck(Model):
    """What a look at the way back found."""

    at: Time
    """When it was looked."""
    generation: Annotated[int, Field(ge=0)]
    """The target's generation then."""
    held: Reason | None = None
    """What kept a pod template of the target from its pods: TargetPaused, UpdateOnDelete or UpdatePartitioned."""
    hindrances: Annotated[list[Hindrance], Field(max_length=MOST_HINDRANCES, json_schema_extra=atomic())] = Field(
        default_factory=list
    )
    """What keeps a rollback from being done until it is mended."""
    risks: Annotated[list[ShortText], Field(max_length=MOST_RISKS, json_schema_extra=atomic())] = Field(
        default_factory=list
    )
    """What may go wrong in a rollback, or is not known of it; none of it keeps one back."""
    autoscaler: Annotated[str, Field(max_length=253)] | None = None
    """The HorizontalPodAutoscaler that says how many pods the target has."""
    autoscaler_unknown: ShortText | None = None
    """Why it is not known whether there is one, where an act may have to scale the target."""
    rehearsal: Rehearsal | None = None
    """The rollback, tried without doing it; absent where its pod template could not be read."""

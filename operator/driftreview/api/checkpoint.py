"""One look at a release, as the rows of a review's status."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from driftreview.api.base import Model, Time, list_map, rules
from driftreview.api.verdicts import CheckVerdict, SignalVerdict, Verdict

Hash = Annotated[str, Field(max_length=80)]
Cell = Annotated[str, Field(max_length=64)]
Sentence = Annotated[str, Field(max_length=512)]


class SnapshotRef(Model):
    """A DriftSnapshot, by name and content."""

    name: Annotated[str, Field(max_length=253)]
    """Its name."""
    hash: Hash
    """Its hash."""


class SignalStatus(Model):
    """One signal at one checkpoint, as a row of the review's table."""

    name: Annotated[str, Field(max_length=63)]
    """The signal."""
    verdict: SignalVerdict
    """What is said of it."""
    baseline: Cell = ""
    """Its baseline, with unit."""
    current: Cell = ""
    """Its value in the checkpoint's window, with unit."""
    delta: Cell = ""
    """The difference."""


class CheckStatus(Model):
    """One declared expectation at one checkpoint."""

    name: Annotated[str, Field(max_length=80)]
    """Where it is declared and its name, such as flags/USE_NEW_CLI."""
    verdict: CheckVerdict
    """What is said of it."""
    message: Annotated[str, Field(max_length=256)] = ""
    """Why, in a sentence; empty where it held."""


class ConfounderStatus(Model):
    """Something that changed since T0 beside the release."""

    what: Annotated[str, Field(max_length=128)]
    """What, such as configmaps/settings."""
    before: Cell
    """At T0."""
    after: Cell
    """At this look."""
    at: Time
    """When it changed, as the object says; where it does not, when it was found."""


class Confounders(Model):
    """What else changed since T0: it may explain a difference, and never makes a verdict."""

    count: Annotated[int, Field(ge=0)]
    """How many differences."""
    first: Annotated[list[ConfounderStatus], Field(max_length=5, json_schema_extra=list_map("what"))] = Field(
        default_factory=list
    )
    """The first of them, by name; the snapshots tell them all."""


class Checkpoint(Model):
    """One look at the release."""

    model_config = ConfigDict(json_schema_extra=rules(("self.due == oldSelf.due", "due times are written once")))

    name: Annotated[str, Field(max_length=20)]
    """Its offset from T0, as declared."""
    guard: bool | None = None
    """True if it is none of the declared looks: the guards found a drift there."""
    due: Time
    """When its window ends; fixed at T0."""
    judged_at: Time | None = None
    """When it was judged."""
    late_by: Annotated[str, Field(max_length=20)] | None = None
    """How much later than due plus settle, if more than a minute."""
    verdict: Verdict | None = None
    """What is said of it."""
    message: Sentence | None = None
    """Why, in a sentence."""
    snapshot: SnapshotRef | None = None
    """Its evidence."""
    signals: Annotated[list[SignalStatus], Field(max_length=50, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """One row per signal."""
    evidence: Annotated[list[SignalStatus], Field(max_length=20, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """One row per number from elsewhere."""
    checks: Annotated[list[CheckStatus], Field(max_length=100, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """One row per declared expectation."""
    confounders: Confounders | None = None
    """What else changed since T0; absent where nothing did."""

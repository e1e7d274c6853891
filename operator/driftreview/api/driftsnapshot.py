"""DriftSnapshot: the immutable evidence of one window, T0's or a checkpoint's, linked by hash to the one before."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from driftreview.api.base import Identifier, Metadata, Model, Time, atomic, list_map, rules
from driftreview.api.checkpoint import Hash
from driftreview.api.facts import Facts
from driftreview.api.jsontext import read_json
from driftreview.api.reasons import Reason
from driftreview.api.signalset import MOST_SETS, PinnedSet
from driftreview.api.spells import Count, Firings, Gaps, Spells
from driftreview.api.status import ContainerImage, Revision
from driftreview.api.target import MOST_WITH, TargetKind
from driftreview.api.values import Duration, finite

MAX_VALUES: Final = 200_000
"""Characters of one series' medians: about 15 000 blocks."""
MAX_LIMITS_ONLY: Final = 1024
"""Characters of the sentence why a review is judged by limits only."""


class ReviewRef(Model):
    """The review this is evidence for."""

    name: Annotated[str, Field(max_length=253)]
    """Its name."""
    uid: Annotated[str, Field(max_length=64)]
    """Its UID."""


class EvidenceWindow(Model):
    """The stretch of time the evidence is about."""

    start: Time
    """Its start (not included)."""
    end: Time
    """Its end (included)."""
    step: Duration
    """Distance of the samples."""
    block: Duration
    """Length of one block, whose median is kept."""


class SeriesEvidence(Model):
    """One time series as blocks."""

    labels: Annotated[dict[str, Annotated[str, Field(max_length=1024)]], Field(max_length=64)] = Field(
        default_factory=dict
    )
    """The labels that tell it from its neighbours."""
    values: Annotated[str, Field(max_length=MAX_VALUES)]
    """Medians of the blocks in order (kind Events: means), 9 significant digits, separated by spaces; `-` is a block
    without samples. With `per` instead the mean of the query over the mean of `per`; `-` also where there was no
    traffic."""
    samples: Count
    """Samples the blocks were made of; with `per`, moments at which both queries had one."""
    expected: Count
    """Samples a window without gaps would have."""
    ending: Count | None = None
    """Samples of the last six blocks, counted as `samples` are; with a control the fewer of both."""
    silent: Count | None = None
    """Steps after the last sample; with a control the more of both."""
    longest_over: Duration | None = None
    """Kind Limit: the longest unbroken stretch over the alert limit."""
    over: Spells | None = None
    """Kind Limit: when it was over the alert limit."""
    gaps: Gaps | None = None
    """Kind Presence: how long it was absent."""
    firings: Firings | None = None
    """How often the alert rule of its limit, or of its absence, would have fired (T0 only, with alerts.rules)."""
    worst: Annotated[str, Field(max_length=40), AfterValidator(finite)] | None = None
    """The worst single sample."""
    control: Annotated[str, Field(max_length=MAX_VALUES)] | None = None
    """Medians of the control's blocks, written as `values` are."""
    control_samples: Count | None = None
    """Samples of the control."""
    per: Annotated[str, Field(max_length=MAX_VALUES)] | None = None
    """Means of `per` over the blocks, written as `values` are: the traffic."""

    @model_validator(mode="after")
    def _ends_within(self) -> Self:
        """Nothing is silent for longer than its window.

        Raises:
            ValueError: it is.
        """
        if (self.silent or 0) > self.expected:
            raise ValueError(f"silent: {self.silent} steps of {self.expected}")
        return self


class Problem(Model):
    """Why there are no samples."""

    reason: Reason
    """In a word."""
    message: Annotated[str, Field(max_length=1024)]
    """In a sentence."""


class SignalEvidence(Model):
    """What the metric source said about one signal in the window."""

    name: Identifier
    """The signal."""
    query: Annotated[str, Field(max_length=8192)]
    """The query as it was sent."""
    control_query: Annotated[str, Field(max_length=8192)] | None = None
    """The control's query as it was sent."""
    per_query: Annotated[str, Field(max_length=8192)] | None = None
    """The query of `per` as it was sent."""
    unit: Annotated[str, Field(max_length=32)] = ""
    """Unit of the values."""
    series: Annotated[list[SeriesEvidence], Field(max_length=50, json_schema_extra=atomic())] = Field(
        default_factory=list
    )
    """What it said."""
    problem: Problem | None = None
    """Why it said nothing."""


class ScrapingEvidence(Model):
    """Whether the metric source itself was scraping, by `count(up)` over the window."""

    silent: Annotated[int, Field(ge=0)] = 0
    """Steps at which it had scraped nothing."""
    stretches: Annotated[int, Field(ge=0)] = 0
    """In how many stretches."""
    blocks: Annotated[str, Field(max_length=MAX_VALUES)] = ""
    """The blocks with such steps, counted from 0, such as `3-7 12`."""
    silent_from: Time | None = None
    """When the longest such stretch began."""
    silent_until: Time | None = None
    """When it ended."""
    throughout: Duration = "0s"
    """The longest stretch in which it had scraped something at every step."""
    problem: Problem | None = None
    """Why none of this is known."""


def _read(value: object) -> object:
    return read_json(value or "{}") if isinstance(value, str) else value


def _write(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False) if value else ""


Template = Annotated[
    dict[str, Any],
    BeforeValidator(_read),
    PlainSerializer(_write, return_type=str),
    WithJsonSchema({"type": "string", "maxLength": 1_000_000}),
]
"""A pod template: an object here, canonical JSON on the wire.

The API server's rules cannot see into an object of unknown fields, so there it could be altered afterwards.
"""


class RevisionEvidence(Model):
    """A revision of the target, pinned."""

    name: Annotated[str, Field(max_length=253)]
    """Name of its ReplicaSet or ControllerRevision."""
    uid: Annotated[str, Field(max_length=64)]
    """UID of its ReplicaSet or ControllerRevision."""
    template_hash: Hash
    """SHA-256 of its pod template."""
    images: Annotated[list[ContainerImage], Field(max_length=64, json_schema_extra=list_map("container"))] = Field(
        default_factory=list
    )
    """The images it runs."""
    template: Template = Field(default_factory=dict)
    """Its pod template, whole, as canonical JSON: what a rollback puts back (T0 only, and only for the previous
    revision)."""


class MemberEvidence(Model):
    """A workload that is reviewed with the target, as it was pinned at T0; its pod templates stand elsewhere."""

    kind: TargetKind
    """Its kind."""
    name: Annotated[str, Field(max_length=253)]
    """Its name."""
    uid: Annotated[str, Field(max_length=64)]
    """Its UID."""
    judged: Revision
    """The judged revision."""
    previous: Revision | None = None
    """The revision a rollback goes back to."""


class DriftSnapshotSpec(Model):
    """The evidence."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("self == oldSelf", "evidence is never changed: delete the review to have its snapshots deleted")
        )
    )

    review_ref: ReviewRef
    """The review it belongs to."""
    checkpoint: Annotated[str, Field(max_length=20)]
    """T0, or the checkpoint's name."""
    guard: bool | None = None
    """True if the guards looked there, between the declared looks."""
    source: Annotated[str, Field(max_length=2048)] = ""
    """The metric source that was asked, as kind/name, address, and a digest of what headers and Secrets are sent."""
    window: EvidenceWindow | None = None
    """The stretch of time; absent where nothing was measured."""
    judged: RevisionEvidence
    """The judged revision."""
    previous: RevisionEvidence | None = None
    """The revision a rollback goes back to."""
    members: (
        Annotated[list[MemberEvidence], Field(max_length=MOST_WITH, json_schema_extra=list_map("kind", "name"))] | None
    ) = None
    """The workloads that are reviewed with the target (T0 only)."""
    signals: Annotated[list[SignalEvidence], Field(max_length=50, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """What was measured."""
    signal_sets: Annotated[list[PinnedSet], Field(max_length=MOST_SETS, json_schema_extra=atomic())] | None = None
    """The signal sets that the review uses, as they were at T0 (T0 only)."""
    scraping: ScrapingEvidence | None = None
    """Whether the source itself was scraping; absent where nothing was measured."""
    facts: Facts | None = None
    """What the cluster said of itself."""
    spec_hash: Hash | None = None
    """SHA-256 of the review's spec, as far as it is fixed since T0 (T0 only)."""
    limits_only: Annotated[str, Field(max_length=MAX_LIMITS_ONLY)] | None = None
    """Why the review is judged by limits only; absent where it is not (T0 only)."""
    previous_hash: Hash = ""
    """Hash of the snapshot before this one; empty at T0, unless T0 was taken anew."""
    hash: Hash
    """SHA-256 of everything above, as canonical JSON."""


class DriftSnapshot(Model):
    """Immutable evidence of one window of one review."""

    metadata: Metadata = Metadata()
    spec: DriftSnapshotSpec
    """The evidence."""

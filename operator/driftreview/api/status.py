"""How a review stands. Bounded on purpose: evidence lives in DriftSnapshots, never here."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from driftreview.api.base import Conditions, LongText, Model, Time, list_map, rules
from driftreview.api.reasons import TERMINAL, CheckVerdict, Phase, Reason, Recommendation, SignalVerdict, Verdict

Hash = Annotated[str, Field(max_length=80)]
Cell = Annotated[str, Field(max_length=64)]
Sentence = Annotated[str, Field(max_length=512)]


class ContainerImage(Model):
    """Which image a container runs."""

    container: Annotated[str, Field(max_length=63)]
    """Name of the container."""
    image: Annotated[str, Field(max_length=512)]
    """Its image, as in the pod template."""


class Revision(Model):
    """One revision of the target."""

    name: Annotated[str, Field(max_length=253)]
    """Name of its ReplicaSet."""
    uid: Annotated[str, Field(max_length=64)]
    """UID of its ReplicaSet."""
    template_hash: Hash
    """SHA-256 of its pod template."""
    images: Annotated[list[ContainerImage], Field(max_length=64, json_schema_extra=list_map("container"))] = Field(
        default_factory=list
    )
    """The images it runs."""


class TargetStatus(Model):
    """The very object that is judged."""

    uid: Annotated[str, Field(max_length=64)]
    """Its UID: another object of the same name is another object."""
    rolled_out_at: Time
    """When its rollout finished."""
    history_ends_at: Time
    """Where a History baseline ends: when the rollout began, or before a release that was rolled back not long ago."""


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


class Checkpoint(Model):
    """One look at the release."""

    model_config = ConfigDict(json_schema_extra=rules(("self.due == oldSelf.due", "due times are written once")))

    name: Annotated[str, Field(max_length=20)]
    """Its offset from T0, as declared."""
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


class Decision(Model):
    """What the review came to."""

    recommendation: Recommendation
    """APPROVE, REJECT or INCONCLUSIVE."""
    reason: Reason
    """Why, in a word."""
    message: LongText
    """Why, in a sentence."""
    by: Annotated[str, Field(max_length=253)]
    """Who decided: the checkpoint, or the policy."""
    at: Time
    """When."""


class ActType(StrEnum):
    """What is done to the target."""

    PROMOTE = "Promote"
    ROLL_BACK = "RollBack"


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
    applied_at: Time | None = None
    """When the target was seen changed."""
    completed_at: Time | None = None
    """When the outcome was verified."""


class Rollback(Model):
    """Whether and until when a rollback is possible."""

    possible: bool
    """Now."""
    until: Time | None = None
    """The same as closesAt, but only there while a rollback is possible."""
    closes_at: Time
    """After this nothing is rolled back any more."""
    last_safe_moment: Time
    """Undecided then, the review does what policy.onWindowEnd says."""
    reason: Reason
    """Why it is possible or not."""
    message: Sentence = ""
    """The same in a sentence."""


class NextCheckpoint(Model):
    """What is looked at next."""

    name: Annotated[str, Field(max_length=20)]
    """Its offset from T0."""
    due: Time
    """When."""


_FINAL = "[" + ", ".join(f"'{phase}'" for phase in sorted(TERMINAL)) + "]"


class DriftReviewStatus(Model):
    """How the review stands."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(oldSelf.t0) || (has(self.t0) && self.t0 == oldSelf.t0)",
                "T0 is written once",
            ),
            (
                (
                    "!has(oldSelf.checkpoints) || oldSelf.checkpoints.size() == 0 || (has(self.checkpoints)"
                    " && self.checkpoints.size() == oldSelf.checkpoints.size()"
                    " && oldSelf.checkpoints.all(old, self.checkpoints.exists(new, new.name == old.name)))"
                ),
                "the checkpoints are written once: none is added, dropped or renamed",
            ),
            ("!has(oldSelf.act) || has(self.act)", "an intent is never removed"),
            (
                f"!has(oldSelf.phase) || !(oldSelf.phase in {_FINAL}) || self.?phase.orValue('') == oldSelf.phase",
                "a final phase is final",
            ),
        )
    )

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The generation of the spec this is about."""
    phase: Phase | None = None
    """Where the review is in its life."""
    summary: Sentence | None = None
    """How it stands and why, in one sentence."""
    progress: Annotated[str, Field(max_length=16)] | None = None
    """Checkpoints judged, of all."""
    verdict: Verdict | None = None
    """The last checkpoint's verdict."""
    conditions: Conditions = Field(default_factory=list)
    """What holds, for programs."""
    t0: Time | None = None
    """Start of the review; all times count from here."""
    target: TargetStatus | None = None
    """The object that is judged."""
    judged: Revision | None = None
    """The revision that is judged."""
    previous: Revision | None = None
    """The revision a rollback goes back to, pinned at T0."""
    baseline: SnapshotRef | None = None
    """The T0 evidence."""
    checkpoints: Annotated[list[Checkpoint], Field(max_length=16, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """Every look, past and to come."""
    next_checkpoint: NextCheckpoint | None = None
    """What is looked at next."""
    decision: Decision | None = None
    """What the review came to."""
    act: Act | None = None
    """What was done about it."""
    rollback: Rollback | None = None
    """Whether and until when a rollback is possible."""

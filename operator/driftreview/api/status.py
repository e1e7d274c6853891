"""How a review stands. Bounded on purpose: evidence lives in DriftSnapshots, never here."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import ConfigDict, Field

from driftreview.api.act import Act
from driftreview.api.aftermath import Aftermath, Recovery
from driftreview.api.approval import ApprovalRecord
from driftreview.api.base import Conditions, LongText, Model, Time, atomic, list_map, rules
from driftreview.api.checkpoint import Checkpoint, Hash, Sentence, SnapshotRef
from driftreview.api.freeze import FreezeStatus
from driftreview.api.guards import GUARDS
from driftreview.api.phases import Phase
from driftreview.api.preflight import Findings
from driftreview.api.reasons import Reason
from driftreview.api.signalset import UsedSets
from driftreview.api.target import MOST_WITH, TargetKind
from driftreview.api.values import Duration
from driftreview.api.verdicts import Recommendation, Verdict
from driftreview.api.wayback import WayBackCheck

MOST_KEPT: Final = 2
"""Revisions of a target without history that are kept: what runs, and what ran before."""


class ContainerImage(Model):
    """Which image a container runs."""

    container: Annotated[str, Field(max_length=63)]
    """Name of the container."""
    image: Annotated[str, Field(max_length=512)]
    """Its image, as in the pod template."""


class Revision(Model):
    """One revision of the target."""

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


class RolledOut(Model):
    """A rollout that was found finished, of a workload that does not say when it did."""

    template_hash: Hash
    """SHA-256 of the pod template that was rolled out."""
    by: Time
    """It had finished by then."""


class TargetStatus(Model):
    """The very object that is judged."""

    uid: Annotated[str, Field(max_length=64)]
    """Its UID: another object of the same name is another object."""
    rolled_out_at: Time
    """When its rollout finished; of a StatefulSet or DaemonSet, by when it had."""
    rollout_took: Duration = "0s"
    """How long its rollout took, and a rollback may take as well; as far as is known."""
    first_release: bool | None = None
    """True if nothing of it ran before the judged revision."""
    history_ends_at: Time
    """Where a History baseline ends: when the rollout began, or before a release that was rolled back not long ago."""
    break_glass: Annotated[str, Field(max_length=120)] | None = None
    """Its annotation driftreview.dev/break-glass at T0, which is about an earlier release."""


class Member(Model):
    """How a workload stands that is reviewed with the target: what the status has of the target itself."""

    kind: TargetKind
    """Its kind."""
    name: Annotated[str, Field(max_length=253)]
    """Its name."""
    target: TargetStatus | None = None
    """The object that is judged."""
    judged: Revision | None = None
    """The revision that is judged."""
    previous: Revision | None = None
    """The revision a rollback goes back to, pinned at T0; without its images."""
    kept: Annotated[list[Revision], Field(max_length=MOST_KEPT, json_schema_extra=atomic())] = Field(
        default_factory=list
    )
    """What was seen to run, and from T0 on the previous revision; each in a DriftSnapshot of its own."""
    rolled_out: RolledOut | None = None
    """Until T0, the rollout that it waits for, where the workload does not say when that finished."""
    check: WayBackCheck | None = None
    """What was found when its way back was last looked at."""


class ChainedRevision(Model):
    """A revision that was judged until another one took its place."""

    name: Annotated[str, Field(max_length=253)]
    """Name of its ReplicaSet or ControllerRevision."""
    template_hash: Hash
    """SHA-256 of its pod template."""
    t0: Time
    """Its T0."""
    until: Time
    """When another one was seen in its place."""
    followed_by: Annotated[str, Field(max_length=256)]
    """Who applied that one, as far as field managers tell."""


class Chain(Model):
    """What a review keeps of its first T0 when it goes on with another revision."""

    target_uid: Annotated[str, Field(max_length=64)]
    """UID of the target."""
    history_ends_at: Time
    """Where a History baseline ended at the first T0, and ends ever since."""
    previous: Revision | None = None
    """The revision that was pinned at the first T0: a rollback goes back to it, and to no other."""
    first_release: bool | None = None
    """True if nothing ran before the first revision."""
    revisions: Annotated[list[ChainedRevision], Field(min_length=1, max_length=4, json_schema_extra=atomic())]
    """The revisions that were judged before the present one, oldest first."""


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
    left: Annotated[str, Field(max_length=8)] | None = None
    """How long it is to the last safe moment, at least; only there while the review is open."""
    reason: Reason
    """Why it is possible or not."""
    message: Sentence = ""
    """The same in a sentence."""
    check: WayBackCheck | None = None
    """What was found when the way back was last looked at."""


class NextCheckpoint(Model):
    """What is looked at next."""

    name: Annotated[str, Field(max_length=20)]
    """Its offset from T0."""
    due: Time
    """When."""


class DriftReviewStatus(Model):
    """How the review stands."""

    model_config = ConfigDict(json_schema_extra=rules(*GUARDS))

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
    rolled_out: RolledOut | None = None
    """Until T0, the rollout that it waits for, where the target does not say when that finished."""
    target: TargetStatus | None = None
    """The object that is judged."""
    judged: Revision | None = None
    """The revision that is judged."""
    previous: Revision | None = None
    """The revision a rollback goes back to, pinned at T0."""
    kept: Annotated[list[Revision], Field(max_length=MOST_KEPT, json_schema_extra=atomic())] = Field(
        default_factory=list
    )
    """Until the T0 evidence is frozen: what was seen to run where the cluster keeps no history, the newest last; each
    in a DriftSnapshot of its own."""
    members: Annotated[list[Member], Field(max_length=MOST_WITH, json_schema_extra=list_map("kind", "name"))] = Field(
        default_factory=list
    )
    """The workloads of spec.target.with."""
    signal_sets: UsedSets | None = None
    """The signal sets that it uses: as last read, from T0 on as they were there."""
    preflight: Findings = Field(default_factory=list)
    """What was not in order before T0."""
    baseline: SnapshotRef | None = None
    """The T0 evidence."""
    retaken: Annotated[int, Field(ge=1, le=4)] | None = None
    """How often T0 was taken anew, each time for a Rebaseline or for another revision in the chain."""
    chain: Chain | None = None
    """With policy.onNewRevision: Chain, what was judged before the present revision; there only if something was."""
    earlier: SnapshotRef | None = None
    """The T0 evidence from before T0 was last taken anew, which the new one names as its previous one."""
    approvals: Annotated[list[ApprovalRecord], Field(max_length=100, json_schema_extra=list_map("uid"))] = Field(
        default_factory=list
    )
    """What people did, oldest first."""
    checkpoints: Annotated[list[Checkpoint], Field(max_length=17, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """Every look, past and to come."""
    guarded_until: Time | None = None
    """Up to when the guards have looked."""
    next_checkpoint: NextCheckpoint | None = None
    """What is looked at next."""
    decision: Decision | None = None
    """What the review came to."""
    not_back: Annotated[
        list[Annotated[str, Field(max_length=300)]], Field(max_length=1 + MOST_WITH, json_schema_extra=atomic())
    ] = Field(default_factory=list)
    """What runs the release and is to be taken back, by kind and name: after a rollback when last looked at; of several
    that ship together when one was taken back by hand, or changed after the release was rejected."""
    act: Act | None = None
    """What was done about it."""
    rollback: Rollback | None = None
    """Whether and until when a rollback is possible."""
    freeze: FreezeStatus | None = None
    """Whether promotions are frozen; while the review goes on and has freezes."""
    recovery: Recovery | None = None
    """Whether the rollback helped."""
    aftermath: Aftermath | None = None
    """Whether what the rollback took away returned."""

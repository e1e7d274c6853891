"""A review's whole life without a cluster: plays the part of runtime/reconcile.py on values in memory.

What a crash would leave behind is kept as JSON, as the API server keeps it: the status and the snapshots. Everything
else is forgotten between two steps. Whatever is written or done is checked against the promises of docs/design, by
`_check_write` and `_check_act`; tests only have to make things happen.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from driftreview.api.act import Act, ActType, Do, Pause, Step
from driftreview.api.approval import ApprovalType, DriftApproval
from driftreview.api.checkpoint import SnapshotRef
from driftreview.api.driftreview import BaselineFrom, DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec, Problem, RevisionEvidence
from driftreview.api.facts import Facts
from driftreview.api.happenings import Happened
from driftreview.api.phases import TERMINAL, ConditionType, Phase
from driftreview.api.policy import OnDrift, OnInconclusive, OnNewRevision, OnWindowEnd, PolicyMode
from driftreview.api.preflight import PreflightFinding
from driftreview.api.reasons import Reason
from driftreview.api.rollout import GitOps
from driftreview.api.signal import Signal
from driftreview.api.status import Chain, DriftReviewStatus, Member, Revision
from driftreview.api.values import parse_duration
from driftreview.api.verdicts import Recommendation, Verdict
from driftreview.api.wayback import WayBackCheck
from driftreview.domain import aftermath, decide, guarding, schedule, trouble
from driftreview.domain.action import (
    FOLLOW,
    RESYNC,
    Action,
    CaptureBaseline,
    CaptureCheckpoint,
    CaptureGuard,
    CaptureRecovery,
    Observed,
    PatchTarget,
    PauseOwner,
    Settle,
    TakeStep,
)
from driftreview.domain.approvals import MOST_RETAKEN, added, extended
from driftreview.domain.chaining import as_chained
from driftreview.domain.conclusion import BY_PEOPLE, BY_WINDOW_END
from driftreview.domain.consent import consent
from driftreview.domain.countdown import with_countdown
from driftreview.domain.evidence import RECOVERY, T0, Look, Measurement, content_hash, freeze, is_intact, take
from driftreview.domain.foresight import foresight
from driftreview.domain.freeze import is_frozen
from driftreview.domain.genuine import is_of
from driftreview.domain.giving import StepView
from driftreview.domain.judge import judge_checkpoint, judge_recovery
from driftreview.domain.keeping import as_kept, copies
from driftreview.domain.limitsonly import frozen_with
from driftreview.domain.members import alone, index_of
from driftreview.domain.membersteps import as_step
from driftreview.domain.naming import stored_name
from driftreview.domain.owner import Owner
from driftreview.domain.pausing import not_paused, paused
from driftreview.domain.plan import plan
from driftreview.domain.query import Asked
from driftreview.domain.recovery import frozen_last, restored
from driftreview.domain.revisions import Stored, pin
from driftreview.domain.running import Edit
from driftreview.domain.samples import Failed, NoData, QueryResult, Samples, Series, Window
from driftreview.domain.schedule import Due
from driftreview.domain.serving import Serving
from driftreview.domain.stepping import given
from driftreview.domain.steps import next_step
from driftreview.domain.stop import Stop
from driftreview.domain.story import STANDING, Happening, story
from driftreview.domain.ways import as_reviewed, empties, is_done
from driftreview.domain.workload import Counts, Rollout, TargetView
from tests import builders

STEP = timedelta(minutes=5)
RETRY = timedelta(seconds=15)
MOST_STEPS = 60
MOST_BYTES = 64 * 1024
ROLLOUT = timedelta(minutes=3)
ENDS = set(list(Happened)[list(Happened).index(Happened.PROMOTED) : list(Happened).index(Happened.RECOVERED)])
AFTER_THE_END = set(list(Happened)[list(Happened).index(Happened.RECOVERED) :])


class Crash(Exception):  # noqa: N818 - nothing is wrong, the power is gone
    """The operator is killed here."""


class Fault(Exception):  # noqa: N818 - one of the operator's own, which it does not know
    """The operator fails here where it should not."""


@dataclass
class Deployment:
    """The target, as far as a review can tell."""

    version: str = "new"
    before: str = "old"
    uid: str = "target-uid"
    generation: int = 7
    approved: str = ""
    paused: bool = False
    partly: bool = False
    """Whether it is paused with one pod of the new revision."""
    began: datetime = builders.T0 - timedelta(minutes=13)
    takes: timedelta = ROLLOUT
    """How long its rollouts take."""
    replicas: int = 1
    is_first: bool = False
    """Whether nothing of it ran before; it has no revision `before` then."""
    fails: bool = False
    """Whether its present rollout ends with its pods unavailable."""
    taken_back: tuple[str, ...] = ()
    """Hashes of the templates that rollbacks took away."""
    owner: Owner | None = None
    edited: Edit | None = None
    scaled: Edit | None = None
    forgotten: bool = False
    """Whether the cluster has deleted the objects of its older revisions."""
    check: WayBackCheck | None = None
    """What a look at the way back found."""

    def view(self, now: datetime) -> TargetView:
        """Look at it."""
        done = now >= self.began + self.takes
        rollout = Rollout.COMPLETE if done else Rollout.PROGRESSING
        if self.paused or (done and self.fails):
            rollout = Rollout.PAUSED if self.paused else Rollout.FAILED
        return TargetView(
            uid=self.uid,
            generation=self.generation,
            template_hash=content_hash(builders.template(self.version)),
            rollout=rollout,
            rollout_message=f"its rollout is {rollout}",
            rolled_out_at=self.began + self.takes if rollout is Rollout.COMPLETE else None,
            rollout_started_at=self.began,
            current=builders.revision(self.version),
            previous=builders.revision(self.before) if self.before else None,
            approved=self.approved,
            is_first=self.is_first,
            held=builders.PAUSED if self.paused else None,
            owner=self.owner,
            edited=self.edited,
            scaled=self.scaled,
            replicas=self.replicas,
            counts=self._counts(rollout),
            taken_back=self.taken_back,
            check=self.check,
        )

    def _counts(self, rollout: Rollout) -> Counts:
        """Its pods: one of the old revision serves until the new one does."""
        if rollout is Rollout.PAUSED:
            return Counts(wanted=4, total=5, updated=int(self.partly), ready=5, available=5)
        old, run = int(rollout is not Rollout.COMPLETE), self.replicas
        return Counts(wanted=run, total=run + old, updated=run, ready=run, available=run)

    def roll_out(self, version: str, now: datetime) -> None:
        """Somebody (or we) wrote another pod template."""
        self.version, self.before, self.generation, self.began = version, self.version, self.generation + 1, now
        self.fails = self.is_first = False


@dataclass
class Recipient:
    """A workload that a promotion gives the release to; a canary's own number of pods is one as well."""

    began: datetime | None = None
    """When it was given."""
    takes: timedelta = ROLLOUT
    fails: bool = False
    """Whether its rollout never ends well."""
    hindrance: str = ""
    """What keeps it from being given."""
    unread: bool = False
    """Whether it cannot be looked at any more."""
    altered: bool = False
    """Whether an admission webhook makes something else of what it is given."""

    def view(self, now: datetime) -> StepView:
        """Look at it."""
        if self.unread:
            return StepView(hindrance=self.hindrance)
        done = self.began is not None and now >= self.began + self.takes
        rollout = Rollout.PROGRESSING if not done else Rollout.FAILED if self.fails else Rollout.COMPLETE
        given = self.began is not None and not self.altered
        return StepView("recipient-uid", given, rollout, f"its rollout is {rollout}", hindrance=self.hindrance)


def replica_set(name: str) -> Stored | None:
    """The ReplicaSet of that name, if it is of a version there is."""
    versions = ("old", "new", "newer", "newest")
    found = (Stored(builders.revision(each), builders.template(each)) for each in versions)
    return next((each for each in found if each.revision.name == name), None)


@dataclass
class Metrics:
    """What Prometheus holds: a level that shifts at given times, with a little noise; and whether it answers."""

    shifts: list[tuple[datetime, float]] = field(default_factory=list)
    mode: str = "up"
    """up, down, partial (the first signal goes unanswered), refused (no answer ever), empty, gone (no source), or
    broken (the operator fails at the answer)."""

    def answer(self, signal: Signal, first: bool, window: Window) -> QueryResult:  # noqa: FBT001
        """Answer one range query."""
        if self.mode == "down" or (self.mode == "partial" and first):
            return Failed(Reason.UNREACHABLE, "connection refused", retryable=True)
        if self.mode == "refused":
            return Failed(Reason.QUERY_INVALID, "bad query", retryable=False)
        if self.mode == "empty":
            return NoData(Reason.EMPTY, f"{signal.name} has no series")
        return Samples(
            window, (Series({}, tuple(self._at(window.start + (i + 1) * STEP) for i in range(window.points))),)
        )

    def _at(self, moment: datetime) -> float:
        factor = 1.0
        for since, shift in self.shifts:
            factor = shift if moment > since else factor
        tick = int(moment.timestamp()) // 300
        return 100 * factor * (1 + ((tick * 7919) % 101 - 50) / 10_000)


@dataclass
class Simulator:
    """One review, its target and its metrics; time passes only when told to."""

    review: DriftReview
    now: datetime = builders.T0
    target: Deployment | None = field(default_factory=Deployment)
    metrics: Metrics = field(default_factory=Metrics)
    refuses: bool = False
    """Whether the API server refuses patches of the target."""
    unpausable: str = ""
    """Why what owns the target cannot be paused."""
    paused: datetime | None = None
    """When it was."""
    unreadable: bool = False
    """Whether the operator fails at the target before it comes to anything else."""
    sleepy: bool = False
    """Whether it leaves out the looks of every minute, that find nothing unless something was done to the target, and
    those of every other second while a rollout takes its time."""
    facts: Callable[[str], Facts | None] = field(default=lambda _: None)
    """What the cluster says of itself at a look, by its name."""
    preflight: tuple[PreflightFinding, ...] | None = None
    """What is not in order before T0."""
    fuse: int | None = None
    """Writes until the power is gone; each write can be cut off before and after."""
    status: dict[str, Any] = field(default_factory=dict)
    snapshots: dict[str, dict[str, Any]] = field(default_factory=dict)
    writes: int = 0
    acts: list[ActType] = field(default_factory=list)
    members: list[Deployment | None] = field(default_factory=list)
    """The workloads of spec.target.with."""
    recipients: defaultdict[str, Recipient] = field(default_factory=lambda: defaultdict(Recipient))
    """By step, as it is told."""
    taken: list[Step] = field(default_factory=list)
    """The steps that were done, in order."""
    again: datetime | None = None
    approvals: list[DriftApproval] = field(default_factory=list)
    """What people did, as the operator sees it."""
    stop: Stop | None = None
    """That acts are stopped."""
    told: dict[str, Happening] = field(default_factory=dict)
    """All that was ever in its story, by id, as it was told last."""
    retaken: list[dict[str, Any]] = field(default_factory=list)
    """What stood in the status when T0 was taken anew."""

    def run(self) -> None:
        """Take steps until there is nothing to do now; after a crash, start again with what was stored."""
        try:
            self._run()
        except Crash:
            self.fuse = None
            self._run()

    def pass_time(self, length: timedelta) -> None:
        """Let time pass, with the operator awake whenever it wants to be."""
        end = self.now + length
        while True:
            self.run()
            following = self._following()
            if following is None or following > end:
                break
            self.now = following
        self.now = end
        self.run()

    def _following(self) -> datetime | None:
        """When to wake up; where it is only to look around, and nothing is going on, not before the next date."""
        if self.again is None or not self.sleepy:
            return self.again
        following = self.again - self.now == FOLLOW
        ends = [end for end in self._rollouts() if end > self.now]
        if self.again - self.now < aftermath.LOOK and not (following and ends):
            return self.again
        status = self.stored().status
        settle = parse_duration(self.review.spec.window.settle)
        dates = [each.due + settle for each in status.checkpoints]
        guard = guarding.next_guard(self.stored(), self.now)
        dates += [guard.at + settle] if guard is not None else []
        if status.rollback is not None:
            dates += [status.rollback.last_safe_moment, status.rollback.closes_at + RESYNC]
        if status.recovery is not None:
            dates += [status.recovery.due + settle, status.recovery.due + settle + trouble.PATIENCE + RESYNC]
        if following:
            dates += ends
        return min((each for each in dates if each > self.now), default=None)

    def _rollouts(self) -> list[datetime]:
        """When what was rolled out is done."""
        rolled_out = [each for each in (self.target, *self.members) if each is not None]
        return [each.began + each.takes for each in (*rolled_out, *self.recipients.values()) if each.began is not None]

    def stored(self) -> DriftReview:
        """The review as the API server has it."""
        return self.review.model_copy(update={"status": DriftReviewStatus.model_validate(self.status)})

    @property
    def phase(self) -> str | None:
        """Where the review is."""
        return self.status.get("phase")

    def suspend(self, *, suspended: bool) -> None:
        """Edit the one field of the spec that may change."""
        metadata = self.review.metadata.model_copy(update={"generation": self.review.metadata.generation + 1})
        spec = self.review.spec.model_copy(update={"suspend": suspended})
        self.review = self.review.model_copy(update={"metadata": metadata, "spec": spec})

    def evidence(self) -> dict[str, str]:
        """What is stored, as bytes."""
        return {name: json.dumps(each, sort_keys=True) for name, each in self.snapshots.items()}

    def _run(self) -> None:
        for _ in range(MOST_STEPS):
            before = self._left()
            self.again = self._step()
            if self.again is None or self.again > self.now:
                return
            assert before != self._left(), f"a step at {self.now} changed nothing and wants another at once"
        raise AssertionError(f"not at rest after {MOST_STEPS} steps")

    def _left(self) -> tuple[str, int, int, int]:
        """What a step leaves behind."""
        return json.dumps(self.status, sort_keys=True), len(self.acts), len(self.taken), len(self.snapshots)

    def _step(self) -> datetime | None:
        review = self.stored()
        try:
            return self._planned(review)
        except Fault as error:
            say = aftermath.failed if review.status.phase in TERMINAL else trouble.unexpected
            self._write(review, say(review, type(error).__name__, self.now))
            return None if aftermath.is_over(self.stored().status) else self.now + RETRY

    def _planned(self, review: DriftReview) -> datetime | None:
        if self.unreadable and not aftermath.is_over(review.status):
            raise Fault
        view = self._view(review)
        observed = Observed(view, (), tuple(self.approvals), preflight=self.preflight, stop=self.stop)
        if (index := next_step(review.status.act)) is not None and view is not None and is_done(review.status, view):
            assert review.status.act is not None
            observed = replace(observed, step=self._seen(review, review.status.act.steps[index], view))
        action = plan(review, observed, self.now)
        match action:
            case Settle(status, again):
                self._write(review, status)
                return again
            case CaptureBaseline() | CaptureCheckpoint() | CaptureGuard() | CaptureRecovery():
                return self._look(review, action, view)
            case PatchTarget(act):
                return self._act(review, act)
            case TakeStep(index):
                return self._take(review, index)
            case PauseOwner(pause):
                return self._pause(review, pause)
        raise AssertionError(f"no target, but {action}")

    def _look(self, review: DriftReview, action: Action, view: TargetView | None) -> datetime:
        match action:
            case CaptureCheckpoint(index) if view is not None:
                return self._capture_checkpoint(review, index, view)
            case CaptureGuard(due) if view is not None:
                return self._guard(review, due, view)
            case CaptureRecovery():
                return self._capture_recovery(review)
            case CaptureBaseline():
                return self._capture_baseline(review)
        raise AssertionError(f"no target, but {action}")

    def _view(self, review: DriftReview) -> TargetView | None:
        if self.target is None:
            return None
        members = tuple(each and each.view(self.now) for each in self.members)
        view = as_chained(review.status, as_reviewed(review, self.target.view(self.now)))
        return replace(view, members=members)

    def _capture_baseline(self, review: DriftReview) -> datetime:
        status = review.status
        assert status.t0 is not None
        assert status.target is not None
        window = schedule.baseline_window(review.spec, status.t0, status.target.history_ends_at, STEP)
        if review.spec.baseline.from_ is BaselineFrom.HISTORY:
            assert window is None or window.end <= status.target.history_ends_at
        before = status.earlier.hash if status.earlier else ""
        look = Look(T0, window, schedule.block_length(review.spec, STEP), "prometheus", before)
        evidence = self._evidence(review, look)
        if not isinstance(evidence, DriftSnapshotSpec):
            return self._unanswered(review, evidence)
        ref = SnapshotRef(name=self._name(T0), hash=evidence.hash)
        self._write(review, decide.baseline_captured(review, evidence, ref, foresight(review.spec, evidence), self.now))
        return self.now

    def _capture_checkpoint(self, review: DriftReview, index: int, view: TargetView) -> datetime:
        status, checkpoint = review.status, review.status.checkpoints[index]
        assert checkpoint.verdict is None, "a checkpoint is judged once"
        assert all(each.verdict is not None for each in status.checkpoints[:index]), "and in its order"
        assert self.now >= checkpoint.due, "and never before it is due"
        assert status.t0 is not None
        assert status.baseline is not None
        baseline = DriftSnapshotSpec.model_validate(self.snapshots[status.baseline.name])
        assert is_intact(baseline, status.baseline.hash)
        before = status.checkpoints[index - 1].snapshot if index else status.baseline
        assert before is not None
        window = schedule.checkpoint_window(review.spec, status.t0, checkpoint.due, STEP)
        if window is not None:  # its samples lie on the grid of whole steps
            assert status.t0 < window.start + STEP, "and on its own window"
            assert checkpoint.due - STEP < window.end <= checkpoint.due, "however late"
        block = schedule.block_length(review.spec, STEP)
        evidence = self._evidence(review, Look(checkpoint.name, window, block, "prometheus", before.hash))
        if not isinstance(evidence, DriftSnapshotSpec):
            return self._unanswered(review, evidence)
        assert evidence.previous_hash == before.hash
        result = judge_checkpoint(review.spec, baseline, evidence, added(review))
        ref = SnapshotRef(name=self._name(checkpoint.name), hash=evidence.hash)
        self._write(review, decide.checkpoint_judged(review, index, result, ref, view, self.now))
        return self.now

    def _guard(self, review: DriftReview, due: Due, view: TargetView) -> datetime:
        status = review.status
        assert review.spec.guards is not None
        assert self.now >= due.at, "a guard never looks before it is due"
        assert all(due.at < each.due for each in status.checkpoints if each.verdict is None), "nor past a checkpoint"
        assert status.decision is None, "nor once it is decided"
        assert status.t0 is not None
        assert status.baseline is not None
        baseline = DriftSnapshotSpec.model_validate(self.snapshots[status.baseline.name])
        block, before = schedule.block_length(review.spec, STEP), frozen_last(status)
        assert before is not None
        window = schedule.guard_window(review.spec, status.t0, due.at, STEP, block)
        assert window is not None
        assert due.at - STEP < window.end <= due.at, "it looks at its own window, however late"
        if status.guarded_until is not None and status.checkpoints[0].verdict is None:
            assert window.start <= status.guarded_until, "and leaves nothing out"
        look, name = Look(due.name, window, block, "prometheus", before.hash, guard=True), self._name(due.name)
        if self.metrics.mode == "broken":
            raise Fault
        if name not in self.snapshots:
            gone = [Failed(Reason.SOURCE_NOT_FOUND, "there is no such source", retryable=True)]
            measured = gone if self.metrics.mode == "gone" else self._measured(review, look, patient=False)
            if not isinstance(measured, DriftSnapshotSpec):
                self._write(review, guarding.unanswered(review, due, measured[0], self.now))
                return self.now + RETRY
            if not guarding.finds_drift(judge_checkpoint(review.spec, baseline, measured, added(review))):
                self._write(review, guarding.looked(review, due, self.now))
                return self.now
            self._freeze(name, measured)
        evidence = self._frozen(review, look)
        result = judge_checkpoint(review.spec, baseline, evidence, added(review))
        ref = SnapshotRef(name=name, hash=evidence.hash)
        self._write(review, decide.guard_found(review, due, result, ref, view, self.now))
        return self.now

    def _capture_recovery(self, review: DriftReview) -> datetime:
        status = review.status
        assert status.phase is Phase.ROLLED_BACK
        assert status.recovery is not None
        assert status.recovery.verdict is None, "a recovery is judged once"
        assert self.now >= status.recovery.due, "and never before it is due"
        assert not review.spec.suspend, "nor while suspended"
        assert status.baseline is not None
        assert status.t0 is not None
        baseline = DriftSnapshotSpec.model_validate(self.snapshots[status.baseline.name])
        before, due = frozen_last(status), status.recovery.due
        assert before is not None
        block = schedule.block_length(review.spec, STEP)
        window = schedule.recovery_window(review.spec, due, STEP, block)
        assert status.act is not None
        assert status.act.completed_at is not None
        assert window is None or window.start + STEP > status.act.completed_at, "on the time after it"
        look = Look(RECOVERY, window, block, "prometheus", before.hash)
        evidence = self._evidence(restored(review), look)
        if not isinstance(evidence, DriftSnapshotSpec):
            return self._unanswered(review, evidence)
        result = judge_recovery(review.spec, baseline, evidence, status.t0)
        ref = SnapshotRef(name=self._name(RECOVERY), hash=evidence.hash)
        self._write(review, aftermath.judged(review, result, ref, self.now))
        return self.now

    def _evidence(self, review: DriftReview, look: Look) -> DriftSnapshotSpec | Sequence[Failed]:
        name = self._name(look.checkpoint)
        if self.metrics.mode == "gone":
            return [Failed(Reason.SOURCE_NOT_FOUND, "there is no such source", retryable=True)]
        if self.metrics.mode == "broken":
            raise Fault
        if name not in self.snapshots:
            measured = self._measured(review, look)
            if not isinstance(measured, DriftSnapshotSpec):
                return measured
            self._freeze(name, measured)
        return self._frozen(review, look)

    def _measured(
        self, review: DriftReview, look: Look, *, patient: bool = True
    ) -> DriftSnapshotSpec | Sequence[Failed]:
        judged = review.status.judged
        assert judged is not None
        asked = review.spec.signals if look.window else []
        measured = [
            Measurement(each, each.query, self.metrics.answer(each, i == 0, look.window))
            for i, each in enumerate(asked)
            if look.window is not None
        ]
        failures = [each.result for each in measured if isinstance(each.result, Failed) and each.result.retryable]
        dead = len(failures) == len(measured)
        waits = not trouble.out_of_patience(review, look.checkpoint, self.now, dead=dead) if patient else dead
        if failures and waits:
            return failures
        previous = review.status.previous if look.checkpoint == T0 else None
        kept = self._pinned(review, previous) if previous else None
        frozen = [
            freeze(each, look.window, look.block, firings=look.firings) for each in measured if look.window is not None
        ]
        facts = self.facts(look.checkpoint)
        spec = take(review, look, frozen, RevisionEvidence(**judged.model_dump()), kept, facts=facts)
        if look.checkpoint == T0:
            is_first = review.status.target is not None and review.status.target.first_release is True
            spec = frozen_with(review.spec, spec, is_first=is_first)
        return spec

    def _freeze(self, name: str, spec: DriftSnapshotSpec) -> None:
        self._power()
        self.snapshots[name] = json.loads(json.dumps(spec.to_wire()))
        self._power()

    def _frozen(self, review: DriftReview, look: Look) -> DriftSnapshotSpec:
        stored = DriftSnapshotSpec.model_validate(self.snapshots[self._name(look.checkpoint)])
        assert review.status.judged is not None
        sent = [Asked(each.query) for each in review.spec.signals]
        assert is_of(stored, review, look, review.status.judged.template_hash, sent)
        return stored

    def _pinned(self, review: DriftReview, revision: Revision) -> RevisionEvidence:
        found = pin(revision, None if self.target and self.target.forgotten else replica_set(revision.name))
        for name in copies(review, revision):
            if not found.template and name in self.snapshots:
                found = as_kept(review, revision, DriftSnapshotSpec.model_validate(self.snapshots[name]))
        return found

    def _unanswered(self, review: DriftReview, failures: Sequence[Failed]) -> datetime:
        rollback = review.status.rollback
        closed = rollback is not None and self.now > rollback.closes_at
        if review.status.baseline is None and closed and trouble.out_of_patience(review, T0, self.now, dead=True):
            self._write(review, trouble.baseline_given_up(review, self.now))
            return self.now
        dead = len(failures) == len(review.spec.signals) or self.metrics.mode == "gone"
        self._write(review, trouble.metrics_failed(review, failures, self.now, dead=dead))
        return self.now + RETRY

    def _pause(self, review: DriftReview, pause: Pause) -> datetime:
        if self.unpausable:
            self._write(review, not_paused(review, review.status, self.unpausable, self.now))
            return self.now + RETRY
        assert review.status.act is not None
        assert review.status.act.pause == pause, "the intent is stored first"
        assert self.stop is None, "nothing is paused while acts are stopped"
        if self.paused is None:
            self._power()
            self.paused = self.now
            self._power()
        self._write(review, paused(review.status, self.now))
        return self.now

    def _act(self, review: DriftReview, act: ActType) -> datetime:
        self._check_act(review, act)
        if self.refuses:
            status, again = trouble.act_refused(review, "denied by a webhook", self.now)
            self._write(review, status)
            return self.now + (RETRY if again else timedelta(0))
        assert self.target is not None
        self._power()
        if act is ActType.PROMOTE:
            self.target.approved = content_hash(builders.template(self.target.version))
            if self.target.partly:
                self.target.paused, self.target.partly, self.target.began = False, False, self.now
                self.target.generation += 1
        elif empties(review.status.act):
            self.target.taken_back = (content_hash(builders.template(self.target.version)),)
            self.target.replicas, self.target.generation = 0, self.target.generation + 1
            self.target.paused = self.target.paused and not self.target.partly
        else:
            assert review.status.previous is not None
            if review.status.baseline is None:  # a person rejected it before there was any evidence
                pinned = self._pinned(review, review.status.previous)
            else:
                kept = DriftSnapshotSpec.model_validate(self.snapshots[self._name(T0)]).previous
                assert kept is not None
                pinned = kept
            assert content_hash(pinned.template) == review.status.previous.template_hash, (
                "back to what was pinned at T0"
            )
            if self.target.partly:
                self.target.paused, self.target.partly = False, False
            fails, self.target.fails = self.target.fails, False
            self.target.taken_back = (content_hash(builders.template(self.target.version)),)
            self.target.roll_out(pinned.name.removeprefix("web-"), self.now)
            self.target.fails = fails
        self.acts.append(act)
        self._power()
        return self.now

    def _seen(self, review: DriftReview, step: Step, view: TargetView) -> StepView:
        member = index_of(review, step)
        if member is None:
            return self._recipient(step).view(self.now)
        return as_step(alone(review, member), view.members[member], Serving())

    def _take_member(self, review: DriftReview, member: int, step: Step) -> str:
        """Approve or take back a workload that is reviewed with the target."""
        own, deployment = alone(review, member), self.members[member]
        assert deployment is not None
        assert deployment.uid == self.status["members"][member]["target"]["uid"], "the very object"
        version = content_hash(builders.template(deployment.version))
        assert own.status.judged is not None
        assert version == own.status.judged.template_hash, "each is approved or taken back once"
        if step.do is Do.APPROVE:
            deployment.approved = version
        else:
            deployment.taken_back = (version,)
            if step.do is Do.SCALE:
                deployment.replicas, deployment.generation = 0, deployment.generation + 1
            else:
                assert own.status.previous is not None
                pinned, fails = self._pinned(own, own.status.previous), deployment.fails
                assert content_hash(pinned.template) == own.status.previous.template_hash, "back to what was pinned"
                deployment.roll_out(pinned.name.removeprefix("web-"), self.now)
                deployment.fails = fails
        return deployment.uid

    def _recipient(self, step: Step) -> Recipient:
        return self.recipients[f"{step.do} {step}"]

    def _take(self, review: DriftReview, index: int) -> datetime:
        act, status = review.status.act, review.status
        assert act is not None, "the intent is stored before the step"
        step, member = act.steps[index], index_of(review, act.steps[index])
        assert self.target is not None
        if act.type is ActType.PROMOTE:
            version = content_hash(builders.template(self.target.version))
            assert self.target.approved == version, "the target comes first"
        else:
            assert self.acts == [ActType.ROLL_BACK], "the target comes first"
        assert self.target.view(self.now).rollout is Rollout.COMPLETE, "and all of its pods"
        assert all(each.completed_at is not None for each in act.steps[:index]), "then each in its turn"
        assert step.applied_at is None, "each once"
        assert self.stop is None, "and nothing while acts are stopped"
        assert not review.spec.suspend, "nor while suspended"
        forced = status.decision is not None and status.decision.reason is Reason.OVERRIDDEN
        promoted = act.type is ActType.PROMOTE
        assert forced or not promoted or not is_frozen(review, self.now), "nor in a freeze"
        self._power()
        uid = self._give(step) if member is None else self._take_member(review, member, step)
        self.taken.append(intent_of(step))
        self._power()
        self._write(review, given(review, index, uid, self.now))
        return self.now

    def _give(self, step: Step) -> str:
        recipient = self._recipient(step)
        assert recipient.began is None, "each is given once"
        assert not recipient.hindrance, "if it can be"
        recipient.began = self.now
        return "recipient-uid"

    def _write(self, review: DriftReview, status: DriftReviewStatus) -> None:
        wire = json.loads(json.dumps(with_countdown(review, status, self.now).to_wire()))
        if wire == self.status:
            return
        self._check_write(review, wire)
        self._power()
        self.status = wire
        self._power()

    def _power(self) -> None:
        self.writes += 1
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse <= 0:
                raise Crash

    def _name(self, checkpoint: str) -> str:
        return stored_name(self.stored(), checkpoint)

    # What must hold, whatever happens.

    def _check_write(self, review: DriftReview, wire: dict[str, Any]) -> None:
        old, new = review.status, DriftReviewStatus.model_validate(wire)
        assert len(json.dumps(wire).encode()) <= MOST_BYTES, "a status is bounded"
        self._check_story(review, new)
        assert not aftermath.is_over(old), "a review that is over stays as it is"
        if old.phase in TERMINAL:
            assert same_but_for_the_aftermath(old, new), "a terminal phase latches, with all that stands beside it"
        assert {each.uid for each in old.approvals} <= {each.uid for each in new.approvals}, "what people did stays"
        if new.retaken != old.retaken:
            self._check_retaken(old, new)
            return
        assert old.t0 is None or new.t0 == old.t0, "T0 is written once"
        if new.chain is not None and new.t0 is not None:
            self._check_chain(new.chain, new)
        if old.t0 is not None:
            more = counted(new, ApprovalType.EXTEND) - counted(old, ApprovalType.EXTEND)
            guards = [sum(bool(each.guard) for each in of.checkpoints) for of in (old, new)]
            found = guards[1] - guards[0]
            assert found in {0, 1}, "guards find one drift"
            assert len(new.checkpoints) == len(old.checkpoints) + more + found, "a look is added only by an Extend"
            kept = [each for each in new.checkpoints if not found or not each.guard][: len(old.checkpoints)]
            assert [(each.name, each.due) for each in kept] == [(each.name, each.due) for each in old.checkpoints], (
                "due times are written once"
            )
            assert sorted(new.checkpoints, key=lambda each: each.due) == new.checkpoints, "looks stand in their order"
            assert (new.judged, new.previous, new.target) == (old.judged, old.previous, old.target), "and the subject"
            pinned = [
                [(each.name, each.judged, each.previous, each.target) for each in of.members] for of in (old, new)
            ]
            assert pinned[0] == pinned[1], "each of them"
        rows = {each.name: each for each in new.checkpoints}
        for before in old.checkpoints:
            after = rows.get(before.name, before)
            if before.verdict is not None:
                assert replace_rows(before) == replace_rows(after), "what was judged stays judged"
        if old.baseline is not None:
            assert new.baseline == old.baseline, "the baseline is frozen"
        if old.act is not None:
            assert new.act is not None, "an intent is never removed"
            assert intent(new.act) == intent(old.act), "nor changed"
            assert old.act.by in (None, new.act.by), "and who acted is written once"
            done = [
                [each.completed_at for each in act.steps if each.completed_at is not None] for act in (old.act, new.act)
            ]
            assert done[1][: len(done[0])] == done[0], "and a step that was done stays done"
            if old.act.pause is not None:
                assert new.act.pause is not None, "nor is what is paused"
                done = {"done_at": new.act.pause.done_at}
                assert new.act.pause == old.act.pause.model_copy(update=done)
                assert old.act.pause.done_at in (None, new.act.pause.done_at)
        self._check_decision(review, new)

    def _check_story(self, review: DriftReview, new: DriftReviewStatus) -> None:
        before, now = (story(review.model_copy(update={"status": each})) for each in (review.status, new))
        ids = [each.id for each in now]
        assert len(ids) == len(set(ids)), "each happening has its own id"
        assert [each.at for each in now] == sorted(each.at for each in now), "times do not go back"
        self.told |= {each.id: each for each in now}
        people = Happened.PERSON_ACTED  # by the clock of the API server
        assert all(each.note and each.because for each in now), "and why"
        assert all(each.at <= self.now or each.what is people for each in now), "what is told has happened"
        lasts = [each.id for each in before if each.id in ids or each.what not in STANDING]
        if new.retaken == review.status.retaken:
            assert lasts == [each for each in ids if each in lasts], "what happened stays in the story, in its order"
        if new.phase in TERMINAL:
            told = [each.what for each in now if each.what not in AFTER_THE_END | {people}]
            assert told[-1] in ENDS, "the story of a review that has ended ends with its end"
            assert sum(each in ENDS for each in told) == 1
        else:
            assert not any(each.what in ENDS for each in now)

    def _check_chain(self, chain: Chain, new: DriftReviewStatus) -> None:
        assert self.review.spec.policy.on_new_revision is OnNewRevision.CHAIN
        assert new.target is not None
        assert (new.target.uid, new.target.history_ends_at) == (chain.target_uid, chain.history_ends_at)
        assert new.previous in (None, chain.previous), "the way back is the first one's, and no other"
        times = [*(moment for each in chain.revisions for moment in (each.t0, each.until)), new.t0]
        assert times == sorted(times, key=lambda each: each or self.now), "T0 only moves forward"

    def _check_chained(self, old: DriftReviewStatus, new: DriftReviewStatus) -> None:
        assert new.chain is not None
        assert old.judged is not None
        assert old.target is not None
        *before, last = new.chain.revisions
        assert before == (old.chain.revisions if old.chain else []), "no revision leaves a chain"
        assert (last.template_hash, last.t0) == (old.judged.template_hash, old.t0)
        assert old.decision is None or old.decision.recommendation is not Recommendation.REJECT
        assert counted(new, ApprovalType.REJECT) == counted(new, ApprovalType.OVERRIDE) == 0
        if old.chain is None:
            assert new.chain.previous == old.previous
            assert new.chain.history_ends_at == old.target.history_ends_at

    def _check_retaken(self, old: DriftReviewStatus, new: DriftReviewStatus) -> None:
        chained = [len(each.chain.revisions) if each.chain else 0 for each in (old, new)]
        assert counted(new, ApprovalType.REBASELINE) + chained[1] == new.retaken == (old.retaken or 0) + 1
        assert new.retaken <= MOST_RETAKEN
        assert old.t0 is not None
        assert old.act is None
        if chained[0] != chained[1]:
            self._check_chained(old, new)
        else:
            assert old.decision is None
            assert all(each.verdict is None for each in old.checkpoints), "not after the first look was judged"
        assert (new.t0, new.judged, new.checkpoints) == (None, None, [])
        assert new.earlier == (old.baseline or old.earlier), "the evidence there was stays in the chain"
        self.retaken.append(self.status)

    def _left_to_the_window_end(self, review: DriftReview) -> bool:
        return self._ended(review) and review.spec.policy.on_window_end is OnWindowEnd.ROLLBACK

    def _ended(self, review: DriftReview) -> bool:
        t0, window = review.status.t0, extended(review).spec.window
        return t0 is not None and self.now >= schedule.last_safe_moment(window, t0, review.status)

    def _check_people(self, review: DriftReview, new: DriftReviewStatus) -> None:
        decision, old = new.decision, review.status.decision
        assert decision is not None
        if decision.reason is Reason.REVERTED_BY_HAND:
            assert (decision.recommendation, new.phase) == (Recommendation.REJECT, Phase.SUPERSEDED)
            return
        if decision.reason is Reason.REJECTED:
            assert decision.recommendation is Recommendation.REJECT
            assert counted(new, ApprovalType.REJECT) == 1
            assert new.act is None or new.act.type is ActType.ROLL_BACK
            return
        assert decision.recommendation is Recommendation.APPROVE
        if decision.reason is Reason.OVERRIDDEN:
            assert counted(new, ApprovalType.OVERRIDE) == 1
            assert old is not None, "no look is skipped"
            assert new.act is None or new.act.type is ActType.PROMOTE
            return
        assert consent(review, new).enough(1), "so many people, and every sign-off"
        if new.act is None:
            assert self.stop is not None or is_frozen(review, self.now), "it waits for nothing else"
            return
        assert new.act is not None
        assert new.act.type is ActType.PROMOTE
        if old is None or old.reason is not Reason.APPROVED:
            assert old is not None, "nobody ends a review early"
            approvals = [each for each in new.approvals if each.type is ApprovalType.APPROVE and each.counted]
            assert all(each.at > old.at for each in approvals), "who approved before the decision did not answer it"

    def _check_decision(self, review: DriftReview, new: DriftReviewStatus) -> None:
        policy, decision, old = review.spec.policy, new.decision, review.status.decision
        people = decision is not None and decision.reason in BY_PEOPLE
        if people:
            self._check_people(review, new)
        if old is not None and old.recommendation is not Recommendation.INCONCLUSIVE:
            lacked = old.recommendation is Recommendation.APPROVE and self._ended(review)
            assert decision == old or people or lacked, "a decision on evidence is final, but for people"
        if new.act is None:
            return
        if review.status.act is None and new.act.by is None:
            assert self.stop is None, "nothing is begun while acts are stopped"
            forced = decision is not None and decision.reason is Reason.OVERRIDDEN
            promoted = new.act.type is ActType.PROMOTE
            assert forced or not promoted or not is_frozen(review, self.now), "nothing is promoted in a freeze"
        verdicts = [each.verdict for each in new.checkpoints]
        assert policy.mode is PolicyMode.ENFORCE, "who only advises does not act"
        assert decision is not None, "no act without a decision"
        allowed = {
            ActType.PROMOTE: (OnInconclusive.PROMOTE, OnWindowEnd.PROMOTE),
            ActType.ROLL_BACK: (OnInconclusive.ROLLBACK, OnWindowEnd.ROLLBACK),
        }[new.act.type]
        by_policy = policy.on_inconclusive == allowed[0] or policy.on_window_end == allowed[1]
        if people:
            return
        if new.act.type is ActType.PROMOTE:
            at_the_end = policy.on_window_end is OnWindowEnd.PROMOTE and self._ended(review)
            if decision.by != BY_WINDOW_END or not at_the_end:  # then nobody need have approved
                assert consent(review, new).enough(), "a promotion has what it needs of people"
            assert Verdict.DRIFT not in verdicts, "a drift is never followed by a promotion"
            if decision.recommendation is Recommendation.APPROVE:
                assert verdicts[-1] is Verdict.PASS, "what is approved passed its last look"
            else:
                assert decision.recommendation is Recommendation.INCONCLUSIVE
                assert by_policy, "or the policy says so"
        elif decision.recommendation is Recommendation.REJECT:
            assert Verdict.DRIFT in verdicts
            assert policy.on_drift is OnDrift.ROLLBACK or self._left_to_the_window_end(review)
        else:
            assert decision.recommendation is Recommendation.INCONCLUSIVE
            assert by_policy

    def _check_act(self, review: DriftReview, act: ActType) -> None:
        status = review.status
        assert status.act is not None, "the intent is stored before the act"
        assert status.act.type is act
        assert status.decision is not None
        assert self.target is not None
        view = self.target.view(self.now)
        assert status.target is not None
        assert view.uid == status.target.uid == status.act.target_uid, "nothing is done to another object"
        assert status.judged is not None
        assert view.template_hash == status.judged.template_hash, "nor to another template"
        assert not review.spec.suspend, "nor while suspended"
        assert self.stop is None, "nor while acts are stopped"
        if act is ActType.ROLL_BACK:
            assert status.rollback is not None
            assert self.now <= status.rollback.closes_at, "nor after the window"
            if view.owner is not None and view.owner.reapplies:
                told = review.spec.rollout.git_ops
                assert told is not GitOps.REPORT, "what Git owns is not fought"
                assert told is GitOps.OVERRIDE or self.paused is not None, "nor before it was paused"


def counted(status: DriftReviewStatus, kind: ApprovalType) -> int:
    """How many acts of a type count."""
    return sum(1 for each in status.approvals if each.type is kind and each.counted)


def same_but_for_the_aftermath(old: DriftReviewStatus, new: DriftReviewStatus) -> bool:
    """Whether nothing changed but what may after a rollback."""
    told = ("conditions", "summary", "observed_generation", "recovery", "aftermath", "not_back")
    kept = [ConditionType.READY, ConditionType.RECONCILING, ConditionType.ROLLBACK_POSSIBLE]
    kept += [] if new.phase is Phase.FAILED else [ConditionType.STALLED]  # until it was mended by hand
    held = [
        {each.type: (each.status, each.reason, each.last_transition_time) for each in status.conditions}
        for status in (old, new)
    ]
    whole = [each.model_copy(update=dict.fromkeys(told)) for each in (old, new)]
    return whole[0] == whole[1] and all(held[0].get(kind) == held[1].get(kind) for kind in kept)


def is_same_subject(old: Member, new: Member) -> bool:
    """Whether a workload beside the target is judged, and gone back from, as at T0."""
    return (old.name, old.judged, old.previous, old.target) == (new.name, new.judged, new.previous, new.target)


def replace_rows(checkpoint: Any) -> Any:
    """A checkpoint without the rows that may be dropped for room."""
    return checkpoint.model_copy(update={"signals": []})


def intent(act: Act) -> Act:
    """An act without what is filled in later."""
    steps = [intent_of(each) for each in act.steps]
    filled_in = ("applied_at", "completed_at", "pause", "by")
    return act.model_copy(update=dict.fromkeys(filled_in) | {"steps": steps})


def intent_of(step: Step) -> Step:
    """A step without what is filled in later."""
    return step.model_copy(update={"uid": None, "applied_at": None, "completed_at": None})


Script = Callable[[Simulator], None]


def play(make: Callable[[], Simulator], script: Script, fuse: int | None = None, *, sleepy: bool = False) -> Simulator:
    """Play a script, with the power gone at one write."""
    simulator = make()
    simulator.fuse = fuse
    simulator.sleepy = sleepy
    script(simulator)
    return simulator


def same_target(one: Simulator, other: Simulator) -> bool:
    """Whether two runs left the target alike."""
    if one.target is None or other.target is None:
        return one.target is other.target
    return replace(one.target) == replace(other.target)


def problem(reason: Reason = Reason.SOURCE_NOT_FOUND, message: str = "there is no such source") -> Problem:
    """What keeps a review from being accepted."""
    return Problem(reason=reason, message=message)

"""One step of one review: gather, plan, do, write. Every IO around the pure decision is here.

Killed between any two lines and started again it comes to the same end: what was frozen is found again by its name,
what was intended is read from the status, what was done is seen on the target.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final

from pydantic import ValidationError

from driftreview.adapters.errors import (
    ChangedError,
    ClusterError,
    ForbiddenError,
    NotFoundError,
    OversizedError,
    RefusedError,
    UnreadableError,
)
from driftreview.adapters.prometheus import BusyError
from driftreview.adapters.reviews import Reviews
from driftreview.adapters.workloads import Workload
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import TERMINAL
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.domain import aftermath, trouble
from driftreview.domain.action import (
    CaptureBaseline,
    CaptureCheckpoint,
    CaptureGuard,
    CaptureRecovery,
    Observed,
    PatchTarget,
    PauseOwner,
    Role,
    Settle,
    TakeStep,
)
from driftreview.domain.countdown import with_countdown
from driftreview.domain.evidence import T0
from driftreview.domain.plan import plan
from driftreview.domain.signalsets import pin, pin_name, with_sets
from driftreview.domain.wayback import turned
from driftreview.runtime.before import BeforeT0
from driftreview.runtime.capture import Capture, ForeignEvidenceError, Unanswered
from driftreview.runtime.carryout import RETRY, CarryOut
from driftreview.runtime.claims import Claims
from driftreview.runtime.gather import TurnOverError
from driftreview.runtime.logs import LOGGER, tell
from driftreview.runtime.looks import Looks
from driftreview.runtime.loop import AbandonedError
from driftreview.runtime.narrating import Narrator
from driftreview.runtime.observing import Observer, Seen
from driftreview.runtime.recovery import RecoveryLook
from driftreview.runtime.reporting import Reporter
from driftreview.runtime.rulewriting import RuleWriter
from driftreview.runtime.steps import Steps
from driftreview.runtime.telemetry import Telemetry
from driftreview.runtime.wayback import WayBackReader

MOST_STEPS: Final = 60
"""Steps taken in a row for one review; a review of many past checkpoints takes some."""
MOST_CHANGES: Final = 3
"""How often in a row of steps something may have changed under our hands."""
BUSY_PAUSE: Final = timedelta(seconds=2)
"""Until a source at which enough queries run is tried again."""
UNREADABLE: Final = timedelta(minutes=5)
"""Until a review that cannot be read is tried again; it is tried at once when it changes."""
_AT_ONCE: Final = timedelta(0)
_REASONS: Final = {ForbiddenError: Reason.FORBIDDEN, OversizedError: Reason.TARGET_TOO_LARGE}


@dataclass(frozen=True)
class Reconciler:
    """Brings one review as far as it can go now."""

    reviews: Reviews
    observer: Observer
    before: BeforeT0
    capture: Capture
    looks: Looks
    carry_out: CarryOut
    steps: Steps
    way_back: WayBackReader
    recovery: RecoveryLook
    reporter: Reporter
    narrator: Narrator
    rules: RuleWriter
    claims: Claims
    telemetry: Telemetry
    clock: Callable[[], datetime]
    role: Role
    turn_seconds: float
    """How long a review keeps its worker before others have their turn, plus the one query it may be at."""
    stale: set[str] = field(default_factory=set)
    """UIDs of reviews that were written since the index saw them last: they are read anew at their next turn."""

    def run(self, raw: Mapping[str, Any]) -> datetime | None:
        """Take steps until there is nothing to do or the turn is over; say when to come again (None: on a change)."""
        metadata = raw["metadata"]
        if metadata["uid"] in self.stale:
            self.stale.discard(metadata["uid"])
            if (fresh := self._anew(raw)) is None:
                return self.clock() + UNREADABLE  # the index says so if it is gone
            raw = fresh
        raw, again = self._turn(raw)
        if self.role is not Role.ACTOR:
            raw, again = self.rules.after(raw, again)
            again = self.reporter.after(raw, again)
        if again is None:
            self.forget(metadata["uid"])
        return again

    def forget(self, uid: str) -> None:
        """A review is over or gone: nothing of it is kept."""
        self.before.forget(uid)
        self.capture.forget(uid)
        self.way_back.forget(uid)
        self.rules.forget(uid)
        self.observer.block.forget(uid)
        self.stale.discard(uid)

    def _turn(self, raw: Mapping[str, Any]) -> tuple[Mapping[str, Any], datetime | None]:
        changes, until = 0, monotonic() + self.turn_seconds
        for _ in range(MOST_STEPS):
            try:
                review = DriftReview.model_validate(raw)
            except ValidationError as error:
                self.reviews.refuse_unreadable(raw, error, self.clock())
                return raw, self.clock() + UNREADABLE
            if review.metadata.deletion_timestamp is not None or self._is_over(review):
                return raw, None
            try:
                raw, again = self._guarded(review, raw, until)
            except TurnOverError as over:
                self.stale.add(review.metadata.uid)
                with contextlib.suppress(ClusterError):
                    self._write(review, trouble.slow(review, str(over), self.clock()), raw)
                return raw, over.since
            except BusyError:
                return raw, self.clock() + BUSY_PAUSE
            except (ChangedError, NotFoundError) as error:  # not there any more is a change as well
                self.stale.add(review.metadata.uid)
                changes += 1
                if changes > MOST_CHANGES:
                    raise  # the loop waits a while before it tries again
                LOGGER.debug("changed meanwhile, read again: %s", error, extra={"review": review.metadata.full_name})
                if (fresh := self._anew(raw)) is None:
                    return raw, self.clock() + UNREADABLE
                raw, again = fresh, self.clock()
            if again is None or again > self.clock() or monotonic() >= until:
                return raw, again
        return raw, self.clock() + timedelta(seconds=1)

    def _is_over(self, review: DriftReview) -> bool:
        """Whether there is nothing to do any more; what follows a rollback is looked at by the judge."""
        return aftermath.is_over(review.status) or (self.role is Role.ACTOR and review.status.phase in TERMINAL)

    def _anew(self, raw: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The review as it is now; None if it is gone, also if there is another of its name: that has its own turn."""
        fresh = self.reviews.read(raw["metadata"]["namespace"], raw["metadata"]["name"])
        return fresh if fresh is not None and fresh["metadata"]["uid"] == raw["metadata"]["uid"] else None

    def _guarded(
        self, review: DriftReview, raw: Mapping[str, Any], until: float
    ) -> tuple[Mapping[str, Any], datetime | None]:
        """Take a step; say on the review what keeps it from being taken."""
        try:
            return self._step(review, raw, until)
        except RefusedError as error:
            now = self.clock()
            self.telemetry.step_errors.labels(type(error).__name__).inc()
            reason = _REASONS.get(type(error), Reason.REFUSED)
            say = aftermath.unseen if review.status.phase in TERMINAL else trouble.refused
            return self._write(review, say(review, reason, str(error), now), raw), now + RETRY
        except (ForeignEvidenceError, UnreadableError) as error:
            return self._write(review, trouble.evidence_altered(review, str(error), self.clock()), raw), self.clock()
        except (ClusterError, TurnOverError, BusyError, AbandonedError):
            raise
        except Exception as error:
            say_failed = aftermath.failed if review.status.phase in TERMINAL else trouble.unexpected
            with contextlib.suppress(ClusterError):
                self._write(review, say_failed(review, type(error).__name__, self.clock()), raw)
            raise  # the loop logs it and waits a while before it tries again

    def _step(
        self, review: DriftReview, raw: Mapping[str, Any], until: float
    ) -> tuple[Mapping[str, Any], datetime | None]:
        now = self.clock()
        seen = self.observer.look(review, raw, now, until)
        workload, observed = seen.workload, seen.observed
        action = plan(review, observed, now, self.role)
        self.telemetry.steps.labels(type(action).__name__).inc()
        match action:
            case Settle(status, again):
                self._pin(review, status, observed)
                status = self.carry_out.keeper.keep(review, status)
                with self.claims.begins(review, status, raw, now):
                    stored = self._write(review, status, raw)
                    self.claims.see(stored)
                self.before.settled(review.metadata.uid)
                if status.retaken != review.status.retaken:  # what a look found out so far was of another T0
                    self.capture.forget(review.metadata.uid)
                return stored, again
            case CaptureBaseline() if workload:
                return self._looked(review, self.looks.baseline(review, until), raw, now, first=True)
            case CaptureCheckpoint(index) if workload:
                judged = self.looks.checkpoint(review, workload.view, index, until)
                after = self._looked(review, judged if isinstance(judged, Unanswered) else judged.status, raw, now)
                self.looks.stored(review, index, judged, now)
                return after
            case CaptureGuard(due) if workload:
                guarded = self.looks.guard(review, workload.view, due, until)
                is_answered = guarded.guarded_until == due.at
                return self._looked(review, guarded, raw, now, pause=_AT_ONCE if is_answered else RETRY)
            case CaptureRecovery():
                return self._looked(review, self.recovery.look(review, until), raw, now, pause=RETRY)
            case PatchTarget() | TakeStep() | PauseOwner() if workload:
                status, later = self._act(review, workload, seen, action, now)
                return self._write(review, status, raw), later
        return raw, now + RETRY

    def _act(
        self,
        review: DriftReview,
        workload: Workload,
        seen: Seen,
        act: PatchTarget | TakeStep | PauseOwner,
        now: datetime,
    ) -> tuple[DriftReviewStatus, datetime | None]:
        """Carry out what was intended."""
        match act:
            case PatchTarget(what):
                return self.carry_out.act(review, workload, what, now)
            case TakeStep(index):
                return self.steps.take(review, workload, seen.members, index, now)
            case PauseOwner(pause):
                return self.carry_out.pause(review, workload, pause, now)

    def _pin(self, review: DriftReview, status: DriftReviewStatus, observed: Observed) -> None:
        """A review that starts has its signal sets stored before it says which: from then on they are read there."""
        if status.signal_sets and status.t0 is not None and review.status.t0 is None and status.judged is not None:
            starting = with_sets(review.model_copy(update={"status": status}), observed.sets)
            self.reviews.store_snapshot(review, pin_name(starting), pin(starting, status.judged))

    def _write(self, review: DriftReview, status: DriftReviewStatus, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        status = with_countdown(review, status, self.clock())
        if status.to_wire() == review.status.to_wire():
            return raw
        with self.narrator.telling(review, status):
            stored = self.reviews.write_status(review, status)
        if status.decision is not None and status.decision != review.status.decision:
            self.telemetry.decisions.labels(status.decision.recommendation, status.decision.reason).inc()
        if aftermath.has_returned(review.status, status):
            self.telemetry.returns.inc()
        tell(review.metadata.full_name, review.status, status)
        if (told := turned(review.status, status)) is not None:
            self.telemetry.way_back.labels(told.reason).inc()
        return stored

    def _looked(
        self,
        review: DriftReview,
        found: DriftReviewStatus | Unanswered,
        raw: Mapping[str, Any],
        now: datetime,
        *,
        first: bool = False,
        pause: timedelta = _AT_ONCE,
    ) -> tuple[Mapping[str, Any], datetime]:
        """Write what a look came to, or that it went unanswered."""
        if not isinstance(found, Unanswered):
            return self._write(review, found, raw), now + pause
        closed = review.status.rollback is not None and now > review.status.rollback.closes_at
        if first and closed and trouble.out_of_patience(review, T0, now, dead=found.dead):
            return self._write(review, trouble.baseline_given_up(review, now), raw), now
        stored = self._write(review, trouble.metrics_failed(review, found.failures, now, dead=found.dead), raw)
        self.capture.next_round(review.metadata.uid)
        return stored, now + RETRY

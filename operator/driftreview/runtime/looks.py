"""T0 and the checkpoints: what is due is gathered, frozen and judged; what is written of it is left to whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from driftreview.adapters.metricsources import MetricSources
from driftreview.adapters.reviews import Reviews
from driftreview.api.checkpoint import SnapshotRef
from driftreview.api.driftreview import BaselineFrom, DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec, Problem
from driftreview.api.status import DriftReviewStatus
from driftreview.api.values import parse_duration
from driftreview.domain import decide, guarding, trouble
from driftreview.domain.approvals import added
from driftreview.domain.coarser import first_look, later_look
from driftreview.domain.evidence import T0, is_intact
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.naming import stored_name
from driftreview.domain.recovery import frozen_last
from driftreview.domain.result import CheckpointResult
from driftreview.domain.schedule import Due
from driftreview.domain.signalsets import as_at_t0, is_pinned, pin_name
from driftreview.domain.workload import TargetView
from driftreview.runtime.capture import Capture, ForeignEvidenceError, Unanswered, foreseen
from driftreview.runtime.gather import resolution, same_server, step_of
from driftreview.runtime.logs import LOGGER
from driftreview.runtime.measuring import as_failure
from driftreview.runtime.telemetry import FOUND, Telemetry


@dataclass(frozen=True)
class Judged:
    """What a look came to."""

    status: DriftReviewStatus
    """The review's next one."""
    result: CheckpointResult | None = None
    """None where it could not be judged: its evidence is not what was frozen."""


@dataclass(frozen=True)
class Looks:
    """Takes the looks of all reviews; threads may share it."""

    reviews: Reviews
    sources: MetricSources
    capture: Capture
    frozen: Callable[[DriftReview], DriftSnapshotSpec | None]
    """The T0 evidence of a review, if it is still what was frozen."""
    telemetry: Telemetry
    clock: Callable[[], datetime]

    def baseline(self, review: DriftReview, until: float) -> DriftReviewStatus | Unanswered:
        """Freeze T0.

        Raises:
            TurnOverError: the time was over; nothing is lost by it.
            ForeignEvidenceError: what is stored under its name is something else.
        """
        review, status = self._with_pinned(review), review.status
        found = self.sources.find(review)
        if isinstance(found, Problem):
            return Unanswered([as_failure(found)] * len(review.spec.signals), dead=True)
        if status.t0 is None or status.target is None or status.judged is None:
            raise ValueError("the plan asked for a baseline before T0")
        step = resolution(found.source)
        before = status.earlier.hash if status.earlier else ""
        look = first_look(review.spec, status.t0, status.target.history_ends_at, step, found.label, before)
        history = review.spec.baseline.from_ is BaselineFrom.HISTORY
        evidence = self.capture.evidence(review, look, found, until, history=history)
        if isinstance(evidence, Unanswered):
            return evidence
        ref = SnapshotRef(name=stored_name(review, T0), hash=evidence.hash)
        return decide.baseline_captured(review, evidence, ref, foreseen(review, evidence), self.clock())

    def checkpoint(self, review: DriftReview, target: TargetView, index: int, until: float) -> Judged | Unanswered:
        """Freeze and judge a checkpoint.

        Raises:
            TurnOverError: the time was over; nothing is lost by it.
            ForeignEvidenceError: what is stored under its name is something else.
        """
        status, checkpoint = review.status, review.status.checkpoints[index]
        baseline = self.frozen(review)
        if baseline is None or status.t0 is None or status.baseline is None:
            name = status.baseline.name if status.baseline else stored_name(review, T0)
            return Judged(trouble.evidence_altered(review, name, self.clock()))
        review = as_at_t0(review, baseline)
        found = same_server(self.sources.find(review), baseline)
        step = step_of(baseline, found)
        before = status.checkpoints[index - 1].snapshot if index else status.baseline
        source = baseline.source if isinstance(found, Problem) else found.label
        due = Due(checkpoint.name, checkpoint.due)
        look = later_look(review.spec, baseline, status.t0, due, step, source, before.hash if before else "")
        evidence = self.capture.evidence(review, look, found, until, history=False)
        if isinstance(evidence, Unanswered):
            return evidence
        result = judge_checkpoint(review.spec, baseline, evidence, added(review))
        ref = SnapshotRef(name=stored_name(review, checkpoint.name), hash=evidence.hash)
        return Judged(decide.checkpoint_judged(review, index, result, ref, target, self.clock()), result)

    def guard(self, review: DriftReview, target: TargetView, due: Due, until: float) -> DriftReviewStatus:
        """Look between the checkpoints; what there is a drift in is frozen and judged as a look of its own.

        Raises:
            TurnOverError: the time was over; nothing is lost by it.
            ForeignEvidenceError: what is stored under its name is something else.
        """
        status, baseline = review.status, self.frozen(review)
        if baseline is None or status.t0 is None:
            return trouble.evidence_altered(review, stored_name(review, T0), self.clock())
        review = as_at_t0(review, baseline)
        found = same_server(self.sources.find(review), baseline)
        source, last = baseline.source if isinstance(found, Problem) else found.label, frozen_last(status)
        step, before = step_of(baseline, found), last.hash if last else ""
        look = later_look(review.spec, baseline, status.t0, due, step, source, before)

        def judged(evidence: DriftSnapshotSpec) -> CheckpointResult:
            return judge_checkpoint(review.spec, baseline, evidence, added(review))

        evidence = self.capture.of_drift(review, look, found, until, lambda one: guarding.finds_drift(judged(one)))
        now = self.clock()
        if isinstance(evidence, Unanswered):
            return guarding.unanswered(review, due, evidence.failures[0], now)
        self.telemetry.guards.labels(FOUND[evidence is not None]).inc()
        if evidence is None:
            return guarding.looked(review, due, now)
        ref = SnapshotRef(name=stored_name(review, due.name), hash=evidence.hash)
        return decide.guard_found(review, due, judged(evidence), ref, target, now)

    def stored(self, review: DriftReview, index: int, judged: Judged | Unanswered, began: datetime) -> None:
        """What a look came to was written down: if it was judged, count it and say it in the log."""
        checkpoint = review.status.checkpoints[index]
        if isinstance(judged, Unanswered) or (result := judged.result) is None:
            return
        self.telemetry.verdicts.labels(result.verdict).inc()
        self.telemetry.signals.judged(review, checkpoint.name, result)
        late = began - checkpoint.due - parse_duration(review.spec.window.settle)
        self.telemetry.lateness.observe(max(late.total_seconds(), 0))
        about = {"review": review.metadata.full_name}
        LOGGER.info("T0+%s: %s: %s", checkpoint.name, result.verdict, result.message, extra=about)

    def _with_pinned(self, review: DriftReview) -> DriftReview:
        """A started review without its baseline yet, with the signals of its sets as they were at T0."""
        if not review.status.signal_sets:
            return review
        name = pin_name(review)
        stored = self.reviews.snapshot(review.metadata.namespace, name)
        if stored is None or not is_intact(stored, stored.hash) or not is_pinned(review, stored):
            raise ForeignEvidenceError(name)
        return as_at_t0(review, stored)

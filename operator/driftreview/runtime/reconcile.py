"""One step of one review: gather, plan, do, write. Every IO around the pure decision is here.

Killed between any two lines and started again it comes to the same end: what was frozen is found again by its name,
what was intended is read from the status, what was done is seen on the target.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from driftreview.adapters.errors import ChangedError, NotFoundError, RefusedError, UnreadableError
from driftreview.adapters.metricsources import FoundSource, MetricSources
from driftreview.adapters.reviews import Reviews
from driftreview.adapters.workloads import Workload, Workloads
from driftreview.api.driftreview import BaselineFrom, DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec, Problem
from driftreview.api.reasons import TERMINAL
from driftreview.api.status import ActType, DriftReviewStatus, SnapshotRef
from driftreview.api.values import parse_duration
from driftreview.domain import decide, schedule, trouble
from driftreview.domain.action import CaptureBaseline, CaptureCheckpoint, Observed, PatchTarget, Settle
from driftreview.domain.evidence import T0, Look, Measurement, is_intact, is_of, snapshot_name, take
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.plan import plan
from driftreview.domain.samples import Failed
from driftreview.domain.workload import pin
from driftreview.runtime.acceptance import Acceptance, is_accepted
from driftreview.runtime.gather import Subject, measure, queries, resolution
from driftreview.runtime.logs import LOGGER
from driftreview.runtime.telemetry import Telemetry

MOST_STEPS: Final = 60
"""Steps taken in a row for one review; a review of many past checkpoints takes some."""
MOST_CHANGES: Final = 3
"""How often in a row of steps something may have changed under our hands."""
RETRY: Final = timedelta(seconds=15)
"""Until a source that did not answer is asked again."""
DEFAULT_STEP: Final = timedelta(seconds=30)
"""Of a look at a source that is gone and at a baseline that was never measured: a MetricSource's own default."""
UNREADABLE: Final = timedelta(minutes=5)
"""Until a review that cannot be read is tried again; it is tried at once when it changes."""


class _ForeignEvidenceError(Exception):
    """A snapshot of the expected name is not the one this review would have taken."""


@dataclass(frozen=True)
class Reconciler:
    """Brings one review as far as it can go now."""

    reviews: Reviews
    workloads: Workloads
    sources: MetricSources
    telemetry: Telemetry
    clock: Callable[[], datetime]

    def run(self, raw: Mapping[str, Any]) -> datetime | None:
        """Take steps until there is nothing to do; say when to come again (None: when the review changes)."""
        changes = 0
        for _ in range(MOST_STEPS):
            try:
                review = DriftReview.model_validate(raw)
            except ValidationError as error:
                return self._unreadable(raw, error)
            if review.metadata.deletion_timestamp is not None or review.status.phase in TERMINAL:
                return None
            try:
                raw, again = self._step(review, raw)
            except RefusedError as error:
                now = self.clock()
                raw, again = self._write(review, trouble.forbidden(review, str(error), now), raw), now + RETRY
            except (_ForeignEvidenceError, UnreadableError) as error:
                now = self.clock()
                raw, again = self._write(review, trouble.evidence_altered(review, str(error), now), raw), now
            except (ChangedError, NotFoundError) as error:  # not there any more is a change as well
                changes += 1
                if changes > MOST_CHANGES:
                    raise  # the loop waits a while before it tries again
                LOGGER.debug("changed meanwhile, read again: %s", error, extra={"review": _name(review)})
                fresh = self.reviews.read(review.metadata.namespace, review.metadata.name)
                if fresh is None:
                    return None
                raw, again = fresh, self.clock()
            if again is None or again > self.clock():
                return again
        return self.clock() + timedelta(seconds=1)

    def _unreadable(self, raw: Mapping[str, Any], error: ValidationError) -> datetime:
        first = error.errors(include_url=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        message = (
            f"{path}: {first['msg']} (found {str(first['input'])[:100]!r}); if the CRDs are newer than the operator, "
            "upgrade the operator"
        )
        self.reviews.refuse_unreadable(raw, message, self.clock())
        return self.clock() + UNREADABLE

    def _step(self, review: DriftReview, raw: Mapping[str, Any]) -> tuple[Mapping[str, Any], datetime | None]:
        now = self.clock()
        workload = self.workloads.read(review.metadata.namespace, review.spec.target.name)
        target = workload.view if workload else None
        problems: tuple[Problem, ...] = ()
        if review.status.t0 is None and not review.spec.suspend and not is_accepted(review):
            problems = Acceptance(self.sources).problems(review, target, now) if target else self._source(review)
        action = plan(review, Observed(target, problems), now)
        self.telemetry.steps.labels(type(action).__name__).inc()
        match action:
            case Settle(status, again):
                return self._write(review, status, raw), again
            case CaptureBaseline() if workload:
                return self._capture_baseline(review, workload, raw, now)
            case CaptureCheckpoint(index) if workload:
                return self._capture_checkpoint(review, workload, index, raw, now)
            case PatchTarget(act) if workload:
                return self._act(review, workload, act, raw, now)
        return raw, now + RETRY

    def _source(self, review: DriftReview) -> tuple[Problem, ...]:
        """Without a target nothing can be asked, but a missing source is said along with it."""
        found = self.sources.find(review)
        return (found,) if isinstance(found, Problem) else ()

    def _write(self, review: DriftReview, status: DriftReviewStatus, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        if status.to_wire() == review.status.to_wire():
            return raw
        stored = self.reviews.write_status(review, status)
        if status.phase != review.status.phase or status.decision != review.status.decision:
            LOGGER.info("%s: %s", status.phase, status.summary, extra={"review": _name(review)})
        return stored

    def _capture_baseline(
        self, review: DriftReview, workload: Workload, raw: Mapping[str, Any], now: datetime
    ) -> tuple[Mapping[str, Any], datetime]:
        status = review.status
        found = self.sources.find(review)
        if isinstance(found, Problem):
            return self._unanswered(review, None, [_as_failure(found)] * len(review.spec.signals), raw, now)
        if status.t0 is None or status.target is None or status.judged is None:
            raise ValueError("the plan asked for a baseline before T0")
        step = resolution(found.source)
        window = schedule.baseline_window(review.spec, status.t0, status.target.rollout_started_at, step)
        look = Look(T0, window, schedule.block_length(review.spec, step), found.label)
        history = review.spec.baseline.from_ is BaselineFrom.HISTORY
        evidence = self._evidence(review, workload, look, found, history=history)
        if not isinstance(evidence, DriftSnapshotSpec):
            return self._unanswered(review, None, evidence, raw, now)
        ref = SnapshotRef(name=_snapshot(review, T0), hash=evidence.hash)
        return self._write(review, decide.baseline_captured(review, evidence, ref, self.clock()), raw), now

    def _capture_checkpoint(
        self, review: DriftReview, workload: Workload, index: int, raw: Mapping[str, Any], now: datetime
    ) -> tuple[Mapping[str, Any], datetime]:
        status, checkpoint = review.status, review.status.checkpoints[index]
        baseline = self._baseline(review)
        if baseline is None or status.t0 is None or status.baseline is None:
            name = status.baseline.name if status.baseline else _snapshot(review, T0)
            return self._write(review, trouble.evidence_altered(review, name, now), raw), now
        found = self.sources.find(review)
        step = _step_of(baseline, found)
        before = status.checkpoints[index - 1].snapshot if index else status.baseline
        look = Look(
            checkpoint=checkpoint.name,
            window=schedule.checkpoint_window(review.spec, status.t0, checkpoint.due, step),
            block=schedule.block_length(review.spec, step),
            source=baseline.source if isinstance(found, Problem) else found.label,
            previous_hash=before.hash if before else "",
        )
        evidence = self._evidence(review, workload, look, found, history=False)
        if not isinstance(evidence, DriftSnapshotSpec):
            return self._unanswered(review, index, evidence, raw, now)
        result = judge_checkpoint(review.spec.signals, baseline, evidence)
        ref = SnapshotRef(name=_snapshot(review, checkpoint.name), hash=evidence.hash)
        after = decide.checkpoint_judged(review, index, result, ref, workload.view, self.clock())
        stored = self._write(review, after, raw)
        self.telemetry.verdicts.labels(result.verdict).inc()
        late = now - checkpoint.due - parse_duration(review.spec.window.settle)
        self.telemetry.lateness.observe(max(late.total_seconds(), 0))
        LOGGER.info("T0+%s: %s: %s", checkpoint.name, result.verdict, result.message, extra={"review": _name(review)})
        return stored, now

    def _evidence(
        self, review: DriftReview, workload: Workload, look: Look, found: FoundSource | Problem, *, history: bool
    ) -> DriftSnapshotSpec | list[Failed]:
        """The stored evidence of a look, or what is measured and stored now; or what went unanswered."""
        name, namespace = _snapshot(review, look.checkpoint), review.metadata.namespace
        status = review.status
        if status.judged is None:
            raise ValueError("the plan asked for evidence before T0")
        subject = Subject(status.judged, status.previous, history=history)
        asked = queries(review, subject)
        stored = self.reviews.snapshot(namespace, name)
        if stored is not None:
            if not is_of(stored, review, look, status.judged.template_hash, asked):
                raise _ForeignEvidenceError(name)
            return stored
        measured: list[Measurement] = []
        if isinstance(found, Problem):  # a source that is gone answers no query
            signals = zip(review.spec.signals, asked, strict=True)
            measured = [Measurement(signal, query, _as_failure(found)) for signal, query in signals]
        elif look.window is not None:
            measured = measure(review, subject, found.source, look.window)
        failures = [each.result for each in measured if isinstance(each.result, Failed) and each.result.retryable]
        index = next((i for i, each in enumerate(status.checkpoints) if each.name == look.checkpoint), None)
        if failures and not trouble.out_of_patience(review, index, failures, self.clock()):
            return failures
        first = look.checkpoint == T0
        previous = (
            pin(status.previous, workload.replica_sets, keep_template=True) if first and status.previous else None
        )
        judged = pin(status.judged, workload.replica_sets, keep_template=False)
        stored = self.reviews.store_snapshot(review, name, take(review, look, measured, judged, previous))
        if not is_of(stored, review, look, status.judged.template_hash, asked):
            raise _ForeignEvidenceError(name)
        return stored

    def _unanswered(
        self, review: DriftReview, index: int | None, failures: list[Failed], raw: Mapping[str, Any], now: datetime
    ) -> tuple[Mapping[str, Any], datetime]:
        closed = review.status.rollback is not None and now > review.status.rollback.closes_at
        if index is None and closed and trouble.out_of_patience(review, None, failures, now):
            return self._write(review, trouble.baseline_given_up(review, now), raw), now
        return self._write(review, trouble.metrics_failed(review, failures, now), raw), now + RETRY

    def _baseline(self, review: DriftReview) -> DriftSnapshotSpec | None:
        """The frozen T0 evidence, if it is still what was frozen."""
        ref = review.status.baseline
        if ref is None or ref.name != _snapshot(review, T0):
            return None
        stored = self.reviews.snapshot(review.metadata.namespace, ref.name)
        ours = stored is not None and (stored.review_ref.uid, stored.checkpoint) == (review.metadata.uid, T0)
        return stored if stored and ours and is_intact(stored, ref.hash) else None

    def _act(
        self, review: DriftReview, workload: Workload, act: ActType, raw: Mapping[str, Any], now: datetime
    ) -> tuple[Mapping[str, Any], datetime]:
        """Carry out the stored intent, on the very object and generation that was looked at."""
        fresh = self.reviews.read(review.metadata.namespace, review.metadata.name)
        if fresh is None or fresh["metadata"]["resourceVersion"] != review.metadata.resource_version:
            raise ChangedError(f"review {_name(review)} changed before its act")
        try:
            if act is ActType.PROMOTE:
                self.workloads.approve(workload)
            else:
                baseline = self._baseline(review)
                template = baseline.previous.template if baseline and baseline.previous else {}
                if not template:
                    name = review.status.baseline.name if review.status.baseline else ""
                    return self._write(review, trouble.evidence_altered(review, name, now), raw), now
                self.workloads.roll_back(workload, template)
        except RefusedError as error:
            self.telemetry.acts.labels(act, "refused").inc()
            status, again = trouble.act_refused(review, str(error), now)
            return self._write(review, status, raw), now + (RETRY if again else timedelta(0))
        self.telemetry.acts.labels(act, "done").inc()
        LOGGER.info("%s of %s done", act, review.spec.target.name, extra={"review": _name(review)})
        return raw, now


def _snapshot(review: DriftReview, checkpoint: str) -> str:
    return snapshot_name(review.metadata.name, review.metadata.uid, checkpoint)


def _name(review: DriftReview) -> str:
    return f"{review.metadata.namespace}/{review.metadata.name}"


def _as_failure(problem: Problem) -> Failed:
    return Failed(problem.reason, problem.message, retryable=True)


def _step_of(baseline: DriftSnapshotSpec, found: FoundSource | Problem) -> timedelta:
    """The step the baseline was measured with, so that both sides are alike; the source's may have been edited."""
    if baseline.window is not None:
        return timedelta(seconds=int(baseline.window.step.removesuffix("s")))
    return DEFAULT_STEP if isinstance(found, Problem) else resolution(found.source)

"""Looks at the time after a rollback: frozen like any look, judged against T0, and nothing decided by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from driftreview.adapters.errors import ClusterError, ForbiddenError, RefusedError, UnreadableError
from driftreview.adapters.metricsources import MetricSources
from driftreview.adapters.prometheus import BusyError
from driftreview.api.checkpoint import SnapshotRef
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import Problem
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.domain import aftermath, schedule
from driftreview.domain.coarser import later_look
from driftreview.domain.evidence import RECOVERY, T0
from driftreview.domain.judge import judge_recovery
from driftreview.domain.naming import stored_name
from driftreview.domain.recovery import frozen_last, restored, verdict_of
from driftreview.domain.signalsets import as_at_t0
from driftreview.runtime.capture import Capture, ForeignEvidenceError, Unanswered
from driftreview.runtime.carryout import CarryOut
from driftreview.runtime.gather import TurnOverError, same_server, step_of
from driftreview.runtime.logs import LOGGER
from driftreview.runtime.loop import AbandonedError
from driftreview.runtime.telemetry import Telemetry


@dataclass(frozen=True)
class RecoveryLook:
    """Gathers, freezes and judges the time after a rollback."""

    capture: Capture
    sources: MetricSources
    carry_out: CarryOut
    telemetry: Telemetry
    clock: Callable[[], datetime]

    def look(self, review: DriftReview, until: float) -> DriftReviewStatus | Unanswered:
        """The review's next status, or what went unanswered and may be answered later.

        Args:
            review: whose rollback it was.
            until: on the monotonic clock; after this no further query is begun.

        Raises:
            TurnOverError: the time was over; nothing is lost by it.
            BusyError: enough queries run at the source; nothing is lost by it.
            ClusterError: the API server could not be asked.
        """
        try:
            return self._judged(review, until)
        except (ForeignEvidenceError, UnreadableError) as error:
            why = f"DriftSnapshot {error} is gone or does not match its hash: no verdict can rest on it"
            return aftermath.unjudgeable(review, Reason.EVIDENCE_ALTERED, why, self.clock())
        except RefusedError as error:
            reason = Reason.FORBIDDEN if isinstance(error, ForbiddenError) else Reason.REFUSED
            return aftermath.unjudged(review, reason, f"the API server refuses it: {error}", self.clock())
        except (ClusterError, TurnOverError, BusyError, AbandonedError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the target is looked at all the same
            LOGGER.exception(
                "the time after the rollback could not be judged", extra={"review": review.metadata.full_name}
            )
            why = f"the operator failed ({type(error).__name__}; see its log for {review.metadata.full_name})"
            return aftermath.unjudged(review, Reason.INTERNAL_ERROR, why, self.clock())

    def _judged(self, review: DriftReview, until: float) -> DriftReviewStatus | Unanswered:
        status, baseline = review.status, self.carry_out.baseline(review)
        if baseline is None:
            raise ForeignEvidenceError(stored_name(review, T0))
        if status.t0 is None or status.recovery is None:
            raise ValueError("the plan asked for a recovery without a rollback")
        review = as_at_t0(review, baseline)
        found = same_server(self.sources.find(review), baseline)
        source = baseline.source if isinstance(found, Problem) else found.label
        due, before = schedule.Due(RECOVERY, status.recovery.due), frozen_last(status)
        look = later_look(
            review.spec, baseline, status.t0, due, step_of(baseline, found), source, before.hash if before else ""
        )
        evidence = self.capture.evidence(restored(review), look, found, until, history=False)
        if isinstance(evidence, Unanswered):
            return evidence
        result = judge_recovery(review.spec, baseline, evidence, status.t0)
        self.telemetry.recoveries.labels(verdict_of(result)).inc()
        ref = SnapshotRef(name=stored_name(review, RECOVERY), hash=evidence.hash)
        return aftermath.judged(review, result, ref, self.clock())

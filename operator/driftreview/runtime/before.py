"""What is found out before T0: whether a review can be accepted, and whether its release can be judged at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from driftreview.adapters.metricsources import MetricSources
from driftreview.adapters.signalsets import SignalSets
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import Problem
from driftreview.domain.action import Observed
from driftreview.domain.signalsets import resolved_sets, with_sets
from driftreview.domain.starting import SILENT, is_accepted
from driftreview.domain.workload import TargetView
from driftreview.runtime.acceptance import Acceptance
from driftreview.runtime.preflight import PreflightReader


@dataclass(frozen=True)
class BeforeT0:
    """Gathers for a review that has not started; threads may share it."""

    sources: MetricSources
    sets: SignalSets
    acceptance: Acceptance
    preflight: PreflightReader

    def observe(self, review: DriftReview, target: TargetView | None, now: datetime, until: float) -> Observed:
        """What was found outside of the review; only of one that has not started, and goes on, more than its target.

        Raises:
            TurnOverError: the time was over; nothing is lost by it.
            BusyError: enough queries run at the source; nothing is lost by it.
            ClusterError: the API server did not answer.
        """
        if review.status.t0 is not None or review.spec.suspend:
            return Observed(target)
        sets = resolved_sets(review.spec, self.sets.find(review))
        if sets.problems:
            return Observed(target, (*sets.problems, *self._source(review)))
        review = with_sets(review, sets)
        problems: tuple[Problem, ...] = ()
        if not is_accepted(review, sets):
            problems = self.acceptance.problems(review, target, now, until) if target else self._source(review)
        if target is None or target.current is None or any(each.reason not in SILENT for each in problems):
            return Observed(target, problems, sets=sets)
        silent = self.acceptance.silent(review.metadata.uid)
        findings = self.preflight.findings(review, target, silent, now, until)
        return Observed(target, problems, preflight=tuple(findings), sets=sets)

    def settled(self, uid: str) -> None:
        """What was found out is stored with the review."""
        self.acceptance.forget(uid)

    def forget(self, uid: str) -> None:
        """A review is over or gone: nothing of it is kept."""
        self.acceptance.forget(uid)
        self.preflight.forget(uid)

    def _source(self, review: DriftReview) -> tuple[Problem, ...]:
        """Without a target nothing can be asked, but a missing source is said along with it."""
        found = self.sources.find(review)
        return (found,) if isinstance(found, Problem) else ()

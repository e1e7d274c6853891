"""Looks at what a review is about: its workloads, what people did, and what an act that was begun came to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from driftreview.adapters.workloads import Workload, Workloads
from driftreview.api.approval import DriftApproval
from driftreview.api.driftreview import DriftReview
from driftreview.domain.acting import is_under_way
from driftreview.domain.action import Observed, Role
from driftreview.domain.chaining import as_chained
from driftreview.domain.members import apart
from driftreview.domain.rulings import rejected, remembered
from driftreview.domain.ways import as_reviewed
from driftreview.runtime.before import BeforeT0
from driftreview.runtime.blocking import BlockReader
from driftreview.runtime.claims import Claims
from driftreview.runtime.rulings import Rulings
from driftreview.runtime.steps import Steps
from driftreview.runtime.stop import StopWatch
from driftreview.runtime.wayback import WayBackReader


@dataclass(frozen=True)
class Seen:
    """What a step of a review looks at."""

    observed: Observed
    workload: Workload | None
    """Its target."""
    members: tuple[Workload | None, ...] = ()
    """The workloads that are reviewed with it."""


@dataclass(frozen=True)
class Observer:
    """Looks for all reviews; threads may share it."""

    workloads: Workloads
    before: BeforeT0
    way_back: WayBackReader
    block: BlockReader
    rulings: Rulings
    claims: Claims
    people: Callable[[DriftReview], tuple[DriftApproval, ...]]
    """What people did about a review, as far as it was seen."""
    stop: StopWatch
    steps: Steps
    role: Role

    def look(self, review: DriftReview, raw: Mapping[str, Any], now: datetime, until: float) -> Seen:
        """Look at everything a step of a review needs to know.

        Raises:
            TurnOverError: the time was over; nothing is lost by it.
            BusyError: enough queries run at the source; nothing is lost by it.
            ClusterError: the API server did not answer, or refuses it.
        """
        workload, *others = (self._workload(each, now) for each in apart(review))
        if workload is not None:
            seen = tuple(each.view if each else None for each in others)
            workload = replace(workload, view=replace(workload.view, members=seen))
        target = workload.view if workload else None
        first = self.claims.first(raw, now) if review.status.t0 is None else None
        found = self.before.observe(review, target, now, until)
        observed = replace(found, approvals=self.people(review), first=first, stop=self.stop.seen())
        if workload is not None:
            observed = replace(observed, tried=self.block.seen(review, workload, now))
        if workload is not None and self.role is not Role.JUDGE:
            if is_under_way(review.status, target):
                observed = replace(observed, serving=self.workloads.serving(review, workload))
            observed = replace(observed, step=self.steps.seen(review, workload, others))
        return Seen(observed, workload, tuple(others))

    def _workload(self, review: DriftReview, now: datetime) -> Workload | None:
        """One of its workloads; `review` is as it would be of that alone."""
        of, ref = review.metadata.namespace, review.spec.target
        rulings = self.rulings.of(of, ref)
        found = self.workloads.read(of, ref, rejected(rulings), review.status.kept)
        if found is None:
            return None
        view = as_chained(review.status, as_reviewed(review, found.view))
        found = self.way_back.seen(review, replace(found, view=view), now)
        return replace(found, view=remembered(found.view, rulings))

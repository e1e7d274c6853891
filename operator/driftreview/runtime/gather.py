"""The queries of a review: whose metrics they are about, how they are sent, when a source has room for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from driftreview.adapters.metricsources import FoundSource
from driftreview.adapters.prometheus import BusyError, PrometheusSource
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec, Problem
from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal
from driftreview.api.values import parse_duration
from driftreview.domain.query import Asked, QueryProblem, resolve
from driftreview.domain.samples import Failed
from driftreview.domain.subject import Subject

DEFAULT_STEP: Final = timedelta(seconds=30)
"""Of a look at a source that is gone and at a baseline that was never measured: a MetricSource's own default."""


BUSY_PATIENCE: Final = timedelta(minutes=1)
_FULL: Final = "no room at the metric source for a minute: it answers slowly, or its spec.maxConcurrent is too low"
NO_ROOM: Final = Failed(Reason.TIMEOUT, _FULL, retryable=True)

_T = TypeVar("_T")


class TurnOverError(Exception):
    """The step's time was over before every query was asked: go on where it stopped, after others had their turn.

    Attributes:
        since: when the asking began; who waits longer comes first.
    """

    def __init__(self, what: str, asked: int, of: int, since: datetime) -> None:
        super().__init__(f"{what}: {asked} of {of} queries were asked so far")
        self.since = since


@dataclass(frozen=True)
class Resolved:
    """The queries of one signal with their variables put in, or what is wrong with one of them."""

    query: str | QueryProblem
    companion: str | QueryProblem | None = None
    """Of its control, or of what it is counted per."""


def resolved(review: DriftReview, subject: Subject) -> list[Resolved]:
    """The queries of a review as they are sent, in the order of its signals."""
    variables = subject.variables(review)
    return [
        Resolved(
            resolve(signal.query, variables),
            resolve(signal.companion[1], variables) if signal.companion else None,
        )
        for signal in review.spec.signals
    ]


def asked(signal: Signal, found: Resolved) -> Asked:
    """The same as evidence names them: what cannot be sent stands there as it was written."""
    query = signal.query if isinstance(found.query, QueryProblem) else found.query
    if isinstance(found.companion, QueryProblem):
        return Asked(query, signal.companion[1] if signal.companion else None)
    return Asked(query, found.companion)


@dataclass
class Room:
    """Waits until a source has room for a query. After too long a wait the source has not answered it."""

    clock: Callable[[], datetime]
    since: datetime | None = None
    """Since when there was none."""

    def ask(self, query: Callable[[], _T]) -> _T | Failed:
        """Ask now.

        Raises:
            BusyError: there is no room yet.
        """
        try:
            answer = query()
        except BusyError:
            now = self.clock()
            self.since = self.since or now
            if now - self.since < BUSY_PATIENCE:
                raise
            return NO_ROOM
        self.since = None
        return answer


def resolution(source: PrometheusSource) -> timedelta:
    """Step of the source's range queries."""
    return parse_duration(source.spec.resolution)


def same_server(found: FoundSource | Problem, baseline: DriftSnapshotSpec) -> FoundSource | Problem:
    """The source, if it still is the server that the baseline came from: two servers are two rulers."""
    if isinstance(found, Problem) or found.label == baseline.source:
        return found
    message = (
        "spec.metrics.sourceRef: the source has another address, another header or names another Secret than at T0, "
        "and what two servers or tenants say is not compared: restore it, or delete this review and apply it anew; "
        f"the T0 evidence came from {baseline.source}, but now it is {found.label}"
    )
    return Problem(reason=Reason.SOURCE_CHANGED, message=message[:1024])


def step_of(baseline: DriftSnapshotSpec, found: FoundSource | Problem) -> timedelta:
    """The step the baseline was measured with, so that both sides are alike; the source's may have been edited."""
    if baseline.window is not None:
        return parse_duration(baseline.window.step)
    return DEFAULT_STEP if isinstance(found, Problem) else resolution(found.source)

"""The queries of a review: whose metrics they are about, how they are sent, what one of them answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from driftreview.adapters.metricsources import FoundSource
from driftreview.adapters.prometheus import PrometheusSource
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec, Problem
from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal
from driftreview.api.status import Revision
from driftreview.api.values import parse_duration
from driftreview.domain.evidence import Measurement
from driftreview.domain.query import QueryProblem, pods_of_revision, pods_of_target, resolve
from driftreview.domain.samples import Failed, Window

DEFAULT_STEP: Final = timedelta(seconds=30)
"""Of a look at a source that is gone and at a baseline that was never measured: a MetricSource's own default."""


class TurnOverError(Exception):
    """The step's time was over before every query was asked: go on where it stopped, after others had their turn.

    Attributes:
        since: when the asking began; who waits longer comes first.
    """

    def __init__(self, what: str, asked: int, of: int, since: datetime) -> None:
        super().__init__(f"{what}: {asked} of {of} queries were asked so far")
        self.since = since


@dataclass(frozen=True)
class Subject:
    """Whose metrics a query is about: the judged revision, or (before the rollout) what ran until then."""

    judged: Revision
    previous: Revision | None
    history: bool = False

    def variables(self, review: DriftReview) -> dict[str, str]:
        """Values for the ${...} of a review's queries."""
        name = review.spec.target.name
        revision = self.previous if self.history else self.judged
        return review.spec.variables | {
            "namespace": review.metadata.namespace,
            "target": name,
            "pods": pods_of_target(name) if self.history else pods_of_revision(self.judged.name),
            "revisionHash": revision.name.removeprefix(f"{name}-") if revision else "",
            "container": self.judged.images[0].container if self.judged.images else "",
        }


def queries(review: DriftReview, subject: Subject) -> list[str]:
    """The queries of a review as they are sent, in the order of its signals."""
    resolved = [resolve(signal.query, subject.variables(review)) for signal in review.spec.signals]
    return [
        signal.query if isinstance(query, QueryProblem) else query
        for signal, query in zip(review.spec.signals, resolved, strict=True)
    ]


def measure(
    review: DriftReview, signal: Signal, subject: Subject, source: PrometheusSource, window: Window
) -> Measurement:
    """Ask one signal's query over a window. What cannot be asked is a failure like any other, never a gap."""
    query = resolve(signal.query, subject.variables(review))
    if isinstance(query, QueryProblem):
        return Measurement(signal, signal.query, Failed(query.reason, query.message, retryable=False))
    return Measurement(signal, query, source.range(query, window))


def resolution(source: PrometheusSource) -> timedelta:
    """Step of the source's range queries."""
    return parse_duration(source.spec.resolution)


def same_server(found: FoundSource | Problem, baseline: DriftSnapshotSpec) -> FoundSource | Problem:
    """The source, if it still is the server that the baseline came from: two servers are two rulers."""
    if isinstance(found, Problem) or found.label == baseline.source:
        return found
    message = (
        f"spec.metrics.sourceRef: the T0 evidence came from {baseline.source}, but now it is {found.label}: what two "
        "servers say is not compared; restore the address, or delete this review and apply it anew"
    )
    return Problem(reason=Reason.SOURCE_CHANGED, message=message)


def step_of(baseline: DriftSnapshotSpec, found: FoundSource | Problem) -> timedelta:
    """The step the baseline was measured with, so that both sides are alike; the source's may have been edited."""
    if baseline.window is not None:
        return timedelta(seconds=int(baseline.window.step.removesuffix("s")))
    return DEFAULT_STEP if isinstance(found, Problem) else resolution(found.source)

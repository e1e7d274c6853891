"""Reads what the cluster says of itself, for the facts of a look."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from driftreview.adapters.alerts import read_alerts
from driftreview.adapters.contracts import read_contract
from driftreview.adapters.factreader import FactReader
from driftreview.adapters.incidents import read_incidents
from driftreview.adapters.kubernetes import Cluster
from driftreview.adapters.metricsources import FoundSource
from driftreview.adapters.observability import read_observability
from driftreview.adapters.sourcereader import read_alert_rules
from driftreview.api.alerts import AlertsFact
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import Problem
from driftreview.api.facts import Facts
from driftreview.api.incident import Incident
from driftreview.api.observability import ObservabilityFact
from driftreview.api.values import parse_duration
from driftreview.domain import alerts, observability
from driftreview.domain.schedule import whole_seconds
from driftreview.domain.subject import Subject


class ClusterFacts:
    """The facts of a cluster; threads may share it."""

    def __init__(self, cluster: Cluster, clock: Callable[[], datetime]) -> None:
        """Ask this cluster."""
        self._cluster, self._clock = cluster, clock

    def gather(self, review: DriftReview, found: FoundSource | Problem, at: datetime) -> Facts:
        """Find out what a review declares an interest in.

        What the API server forbids or does not have is a problem in the facts; what it does not answer is raised, and
        asked again with the next step.

        Args:
            review: whose facts; it has started.
            found: the metric source, or why it cannot be asked.
            at: for which moment the source is asked.

        Raises:
            ClusterError: the API server could not be asked.
        """
        reader = FactReader(self._cluster, review.metadata.namespace)
        fired, seen = _of_source(reader, review, found, at)
        return Facts(
            taken_at=whole_seconds(self._clock()),
            contracts=[read_contract(reader, each) for each in review.spec.contracts],
            alerts=fired,
            observability=seen,
            incidents=_incidents(reader, review, at),
            preflight=review.status.preflight if review.status.baseline is None else [],
            problems=reader.problems,
        )


def _of_source(
    reader: FactReader, review: DriftReview, found: FoundSource | Problem, at: datetime
) -> tuple[AlertsFact | None, ObservabilityFact | None]:
    """What the metric source says beside the samples: at T0 the alerts of as long as the baseline, later since T0."""
    spec, status = review.spec, review.status
    if status.judged is None:
        return None, None
    if isinstance(found, Problem):
        for about in (f"{alerts.SECTION}/{alerts.NEW}",) if spec.alerts else ():
            reader.note(about, found.reason, found.message)
        reader.note(f"{observability.SECTION}/{observability.METRICS}", found.reason, found.message)
        return None, None
    rules = None
    if spec.alerts is not None or spec.observability is not None:
        rules = read_alert_rules(reader, f"{observability.SECTION}/{observability.RULES}", found.source)
    variables = Subject(status.judged, status.previous).variables(review)
    seen = read_observability(reader, found.source, variables, rules, at)
    if spec.alerts is None:
        return None, seen
    began = status.t0 if status.baseline is not None else None
    stretch = (began or at - parse_duration(spec.baseline.length), at)
    return read_alerts(reader, found.source, spec, spec.alerts, variables, stretch, rules), seen


def _incidents(reader: FactReader, review: DriftReview, at: datetime) -> list[Incident]:
    """What happened since the look before this one."""
    status = review.status
    if status.judged is None:
        return []
    looked = [each.due for each in status.checkpoints if each.verdict is not None]
    if status.baseline is not None and status.t0 is not None:
        looked.append(status.t0)
    since = max(looked, default=at - parse_duration(review.spec.window.warmup))
    return read_incidents(reader, review.spec.target.name, status.judged, since)

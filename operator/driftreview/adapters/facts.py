"""Reads what the cluster says of itself, for the facts of a look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from driftreview.adapters.alerts import read_alerts
from driftreview.adapters.configuration import DEPLOYMENT, deployment_of, read_configuration, read_target
from driftreview.adapters.contracts import read_contract
from driftreview.adapters.elsewhere import read_evidence
from driftreview.adapters.factreader import FactReader
from driftreview.adapters.factsource import FactSource
from driftreview.adapters.flags import read_flag
from driftreview.adapters.incidents import read_incidents
from driftreview.adapters.inventory import read_inventory
from driftreview.adapters.kubernetes import Cluster
from driftreview.adapters.metricsources import FoundSource
from driftreview.adapters.observability import read_alert_rules, read_observability
from driftreview.adapters.podlist import read_namespace, read_pods
from driftreview.api.alerts import AlertsFact
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import Problem
from driftreview.api.facts import Facts
from driftreview.api.incident import Incident
from driftreview.api.observability import ObservabilityFact
from driftreview.api.values import parse_duration
from driftreview.domain import alerts, observability
from driftreview.domain.kinds import pods_of, subjects
from driftreview.domain.members import apart
from driftreview.domain.pods import Pod
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
        status, judged = review.status, review.status.judged
        of = judged and pods_of(review.spec.target, status.target.uid if status.target else "", judged)
        variables = Subject(judged, status.previous).variables(review) if judged else {}
        source = FactSource(reader, found, at, variables)
        target = read_target(reader, review)
        wanted, now = review.spec.inventory, self._clock()
        everyone = read_namespace(reader, of) if wanted and of else None
        pods = read_pods(reader, f"{DEPLOYMENT}/images", of, everyone) if of else ()
        fired, seen = _of_source(source, review)
        return Facts(
            taken_at=whole_seconds(now),
            deployment=deployment_of(review, target, pods) if target else None,
            configuration=read_configuration(reader, review, target, pods) if target else None,
            inventory=read_inventory(source, review, wanted, everyone, now) if wanted else None,
            contracts=[read_contract(reader, each) for each in review.spec.contracts],
            flags=[read_flag(source, each, target) for each in review.spec.flags],
            alerts=fired,
            observability=seen,
            incidents=_incidents(reader, review, [*pods, *_pods_beside(reader, review)], at),
            preflight=review.status.preflight if review.status.baseline is None else [],
            evidence=read_evidence(reader, review.spec.evidence, at_t0=review.status.baseline is None),
            problems=reader.problems,
        )


def _of_source(source: FactSource, review: DriftReview) -> tuple[AlertsFact | None, ObservabilityFact | None]:
    """What the metric source says beside the samples: at T0 the alerts of as long as the baseline, later since T0."""
    spec, status, found = review.spec, review.status, source.found
    if status.judged is None:
        return None, None
    if isinstance(found, Problem):
        for about in (f"{alerts.SECTION}/{alerts.NEW}",) if spec.alerts else ():
            source.reader.note(about, found.reason, found.message)
        source.reader.note(f"{observability.SECTION}/{observability.METRICS}", found.reason, found.message)
        return None, None
    asked = spec.alerts is not None or spec.observability is not None
    rules = read_alert_rules(source) if asked else None
    seen = read_observability(source, rules)
    if spec.alerts is None:
        return None, seen
    began = status.t0 if status.baseline is not None else None
    stretch = (began or source.at - parse_duration(spec.baseline.length), source.at)
    return read_alerts(source, spec, spec.alerts, stretch, rules), seen


def _pods_beside(reader: FactReader, review: DriftReview) -> Iterator[Pod]:
    """The pods of the workloads that are reviewed with the target."""
    for each in apart(review)[1:]:
        if each.status.judged is not None and each.status.target is not None:
            of = pods_of(each.spec.target, each.status.target.uid, each.status.judged)
            yield from read_pods(reader, f"{DEPLOYMENT}/images", of)


def _incidents(reader: FactReader, review: DriftReview, pods: Sequence[Pod], at: datetime) -> list[Incident]:
    """What happened since the look before this one."""
    status = review.status
    if status.judged is None:
        return []
    looked = [each.due for each in status.checkpoints if each.verdict is not None]
    if status.baseline is not None and status.t0 is not None:
        looked.append(status.t0)
    since = max(looked, default=at - parse_duration(review.spec.window.warmup))
    judged = [(each.spec.target, each.status.judged) for each in apart(review) if each.status.judged is not None]
    return read_incidents(reader, subjects(judged), pods, since)

"""The operator's own metrics."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from driftreview import __version__
from driftreview.api.act import ActType, Do
from driftreview.api.aftermath import RecoveryVerdict
from driftreview.api.phases import Phase
from driftreview.api.reasons import Reason
from driftreview.api.verdicts import Verdict
from driftreview.domain.wayback import MENDABLE
from driftreview.runtime.signalseries import SignalSeries

FOUND: Final = ("nothing", "drift")
"""What becomes of a guard."""
OUTCOMES: Final = ("written", "known", "forbidden", "unanswered", "refused", "gone", "dropped")
"""What may become of an Event: written, there already, tried again, or left out."""


class _Reviews(Collector):
    """Tells how reviews stand when asked: what is kept would have to be kept right."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def collect(self) -> Iterator[Metric]:
        """One gauge with every phase named, and one with every open review."""
        family = GaugeMetricFamily("driftreview_reviews", "Reviews by phase.", labels=["phase"])
        counted = self._telemetry.phases()
        for phase in Phase:
            family.add_metric([phase], counted.get(phase, 0))
        yield family
        moments = GaugeMetricFamily(
            "driftreview_last_safe_moment_timestamp_seconds",
            "Until when a review must be decided; of those that are open.",
            labels=["namespace", "review"],
        )
        for labels, moment in self._telemetry.last_safe_moments().items():
            moments.add_metric(labels, moment)
        yield moments


class Telemetry:
    """Counters of one operator process, in a registry of their own."""

    def __init__(self) -> None:
        """Register everything."""
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        Gauge("driftreview_build_info", "Version of the operator.", ["version"], registry=registry).labels(
            __version__
        ).set(1)
        self._asked: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self.phases: Callable[[], Mapping[str, int]] = dict
        self.last_safe_moments: Callable[[], Mapping[tuple[str, str], float]] = dict
        self.has_source: Callable[[str], bool] = lambda _: True
        registry.register(_Reviews(self))
        self.signals = SignalSeries()
        registry.register(self.signals)
        self.steps = Counter(
            "driftreview_steps_total", "Steps of reviews, by what was done.", ["action"], registry=registry
        )
        self.step_errors = Counter(
            "driftreview_step_errors_total",
            "Steps that failed and are tried again; an object that was edited or deleted meanwhile is no failure.",
            ["error"],
            registry=registry,
        )
        self.verdicts = Counter(
            "driftreview_checkpoint_verdicts_total", "Checkpoints judged, by verdict.", ["verdict"], registry=registry
        )
        self.guards = Counter(
            "driftreview_guards_total", "Looks between checkpoints, by what they found.", ["found"], registry=registry
        )
        self.acts = Counter(
            "driftreview_acts_total",
            "Changes made to workloads, done or refused: Promote, RollBack, and each step after them.",
            ["act", "outcome"],
            registry=registry,
        )
        self.way_back = Counter(
            "driftreview_way_back_turns_total",
            "How often a rollback became impossible while its window was open, by reason, or Possible again.",
            ["reason"],
            registry=registry,
        )
        self.recoveries = Counter(
            "driftreview_recoveries_total", "Times after rollbacks judged, by verdict.", ["verdict"], registry=registry
        )
        self.returns = Counter(
            "driftreview_returns_total", "Rejected pod templates seen to run again after a rollback.", registry=registry
        )
        self.decisions = Counter(
            "driftreview_decisions_total",
            "Decisions, by recommendation and reason; one that a person or the policy decides anew counts again.",
            ["recommendation", "reason"],
            registry=registry,
        )
        self.evidence = Histogram(
            "driftreview_evidence_bytes",
            "Size of the snapshots that were stored, as JSON.",
            buckets=(10_000, 30_000, 100_000, 300_000, 600_000, 1_000_000),
            registry=registry,
        )
        self.events = Counter(
            "driftreview_events_total", "Kubernetes Events, by what became of them.", ["outcome"], registry=registry
        )
        self.lateness = Histogram(
            "driftreview_checkpoint_lateness_seconds",
            "How long after its due time and settling a checkpoint was judged.",
            buckets=(1, 5, 15, 60, 300, 900, 3600, 6 * 3600, 24 * 3600),
            registry=registry,
        )
        self.queries = Histogram(
            "driftreview_query_seconds",
            "Time of one HTTP query to a metric source; the outcome is Success or the reason why not.",
            ["source", "outcome"],
            buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 120),
            registry=registry,
        )
        self.loop_age = Gauge("driftreview_loop_age_seconds", "Time since the loop last went round.", registry=registry)
        self.stopped = Gauge(
            "driftreview_acts_stopped", "1 while no act is done: the emergency stop.", registry=registry
        )
        self.leader = Gauge("driftreview_leader", "1 while this process holds the Lease.", registry=registry)

        self._begin()

    def _begin(self) -> None:
        """Begin at zero what is counted by a few known words: Prometheus sees no increase where there was nothing."""
        for verdict in Verdict:
            self.verdicts.labels(verdict)
        for recovery in RecoveryVerdict:
            self.recoveries.labels(recovery)
        for act, outcome in product((*ActType, *Do), ("done", "refused")):
            self.acts.labels(act, outcome)
        for reason in (Reason.POSSIBLE, *MENDABLE):
            self.way_back.labels(reason)
        for outcome in OUTCOMES:
            self.events.labels(outcome)
        for found in FOUND:
            self.guards.labels(found)

    def query(self, source: str, outcome: str, seconds: float) -> None:
        """Count one query, unless its metric source was deleted while it ran: nobody would forget it a second time."""
        with self._lock:
            if self.has_source(source):
                self._asked.add((source, outcome))
                self.queries.labels(source, outcome).observe(seconds)

    def forget(self, source: str) -> None:
        """A metric source is gone: so are its series."""
        with self._lock:
            for asked in [each for each in self._asked if each[0] == source]:
                self._asked.discard(asked)
                self.queries.remove(*asked)

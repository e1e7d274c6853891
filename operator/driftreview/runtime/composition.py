"""What a step of a review is made of, put together: the one place that knows every part of it."""

from __future__ import annotations

from dataclasses import dataclass

from driftreview.adapters import clock
from driftreview.adapters.facts import ClusterFacts
from driftreview.adapters.gitops import GitOpsTools
from driftreview.adapters.kubernetes import Cluster
from driftreview.adapters.metricsources import MetricSources
from driftreview.adapters.recipients import Recipients
from driftreview.adapters.reports import Reports
from driftreview.adapters.reviews import Reviews
from driftreview.adapters.ruleobjects import RuleObjects
from driftreview.adapters.signalsets import SignalSets
from driftreview.adapters.wayback import WayBack
from driftreview.adapters.workloads import Workloads
from driftreview.runtime.acceptance import Acceptance
from driftreview.runtime.before import BeforeT0
from driftreview.runtime.blocking import BlockReader
from driftreview.runtime.capture import Capture
from driftreview.runtime.carryout import CarryOut
from driftreview.runtime.claims import Claims
from driftreview.runtime.index import Indices
from driftreview.runtime.keeper import Keeper
from driftreview.runtime.looks import Looks
from driftreview.runtime.loop import alive
from driftreview.runtime.narrating import Narrator
from driftreview.runtime.observing import Observer
from driftreview.runtime.preflight import PreflightReader
from driftreview.runtime.reconcile import Reconciler
from driftreview.runtime.recovery import RecoveryLook
from driftreview.runtime.reporting import Reporter
from driftreview.runtime.rulewriting import RuleWriter
from driftreview.runtime.rulings import Rulings
from driftreview.runtime.settings import Settings
from driftreview.runtime.steps import Steps
from driftreview.runtime.stop import StopWatch
from driftreview.runtime.telemetry import Telemetry
from driftreview.runtime.wayback import WayBackReader


@dataclass(frozen=True)
class Known:
    """What the process has in mind of all reviews; the event loop fills it."""

    rulings: Rulings
    indices: Indices
    claims: Claims
    narrator: Narrator


def reconciler(
    settings: Settings, cluster: Cluster, sources: MetricSources, known: Known, stop: StopWatch, telemetry: Telemetry
) -> Reconciler:
    """Put the parts together."""
    reviews, workloads = Reviews(cluster, telemetry.evidence.observe), Workloads(cluster, on_answer=alive)
    keeper, rehearsing = Keeper(reviews, workloads), WayBack(cluster, settings.role)
    capture = Capture(reviews, keeper, ClusterFacts(cluster, clock.now), clock.now)
    carry_out = CarryOut(reviews, workloads, GitOpsTools(cluster), keeper, telemetry, stop)
    steps = Steps(Recipients(cluster), carry_out)
    way_back = WayBackReader(rehearsing, keeper, carry_out.way_back)
    before = BeforeT0(
        sources, SignalSets(cluster), Acceptance(sources, clock.now), PreflightReader(cluster, sources, clock.now)
    )
    return Reconciler(
        reviews=reviews,
        observer=Observer(
            workloads=workloads,
            before=before,
            way_back=way_back,
            block=BlockReader(rehearsing),
            rulings=known.rulings,
            claims=known.claims,
            people=known.indices.approvals,
            stop=stop,
            steps=steps,
            role=settings.role,
        ),
        before=before,
        capture=capture,
        looks=Looks(reviews, sources, capture, carry_out.baseline, telemetry, clock.now),
        carry_out=carry_out,
        steps=steps,
        way_back=way_back,
        recovery=RecoveryLook(capture, sources, carry_out, telemetry, clock.now),
        reporter=Reporter(reviews, Reports(cluster), known.indices.approvals, clock.now),
        narrator=known.narrator,
        rules=RuleWriter(reviews, RuleObjects(cluster), carry_out.baseline, clock.now),
        claims=known.claims,
        telemetry=telemetry,
        clock=clock.now,
        role=settings.role,
        turn_seconds=settings.turn_seconds,
    )

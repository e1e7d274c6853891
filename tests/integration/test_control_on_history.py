"""A canary beside its stable pods on the example's history: the load cancels out, the canary's fault does not."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from driftreview.adapters.credentials import Credentials
from driftreview.adapters.prometheus import PrometheusSource
from driftreview.api.driftsnapshot import DriftSnapshotSpec
from driftreview.api.metricsource import MetricSourceSpec
from driftreview.domain.companions import Companion
from driftreview.domain.evidence import Measurement, freeze
from driftreview.domain.finding import Finding
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.samples import Window
from driftreview.domain.scraping import UP, Scraping
from lab.prometheus import PrometheusServer
from tests.builders import BLOCK, MINUTE, signal, snapshot, spec
from tests.integration.test_perps_bot_history import BY_LE, RELEASE, write

pytestmark = pytest.mark.integration
SIDE = timedelta(hours=11)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusSource]:
    """Two namespaces: the stable pods, and canaries, one of them slower after its release."""
    directory = tmp_path_factory.mktemp("canary")
    files = [
        write(directory, "stable", "--seed", "1"),
        write(directory, "canary", "--seed", "2"),
        write(directory, "slow", "--seed", "3", "--after-fault", "latency", "--fault-factor", "1.2"),
    ]
    with PrometheusServer.start(directory / "prometheus", backfill=files) as server:
        yield PrometheusSource("history", MetricSourceSpec(url=server.url, resolution="60s"), Credentials())


def p99(namespace: str) -> str:
    return BY_LE.format(q="0.99", name="order_latency_seconds", ns=namespace, pods=".*")


def found(source: PrometheusSource, canary: str) -> Finding:
    declared = signal(query=p99(canary), control=p99("stable"), margin={"relative": "10%"})

    def look(name: str, window: Window) -> DriftSnapshotSpec:
        scraping = Scraping.of(source.range(UP, window))
        beside = Companion(p99("stable"), source.range(p99("stable"), window))
        measured = Measurement(declared, declared.query, source.range(declared.query, window), beside)
        frozen = freeze(measured, window, BLOCK, scraping)
        return snapshot(frozen, checkpoint=name, hours=11, scraping=scraping.evidence(window, BLOCK))

    baseline = look("T0", Window(RELEASE - SIDE, RELEASE, MINUTE))
    start = RELEASE + 20 * MINUTE
    return (
        judge_checkpoint(spec([declared], ["11h"]), baseline, look("11h", Window(start, start + SIDE, MINUTE)))
        .results[0]
        .finding
    )


def test_a_healthy_canary_is_like_its_stable_pods(source: PrometheusSource) -> None:
    said = found(source, "canary")
    assert said.verdict in {"Stable", "Acceptable", "Improved"}, said.message
    assert " times the control's " in said.message


def test_a_canary_that_got_a_fifth_slower_is_found(source: PrometheusSource) -> None:
    said = found(source, "slow")
    assert said.verdict == "Degraded", said.message


def test_the_source_was_scraping_all_the_time(source: PrometheusSource) -> None:
    window = Window(RELEASE - SIDE, RELEASE, MINUTE)
    made = Scraping.of(source.range(UP, window)).evidence(window, BLOCK)
    assert (made.problem, made.silent) == (None, 0)

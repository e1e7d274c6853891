"""A deployment that cannot be judged is found out before T0, and its review goes on by itself once it is mended."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from lab import PrometheusServer
from lab.web import wait_until
from tests.integration.operators import Operators
from tests.support.stage import Stage, condition, deployment

pytestmark = pytest.mark.integration
FORBID = [
    {
        "arg": "--dry-run",
        "impact": "Cannot measure order latency, execution metrics, or risk manager updates.",
        "fix": "Switch to canary profile with small position sizes for realistic metrics.",
    },
    {"env": "BROKER", "value": "mock", "impact": "No real API latency.", "fix": "Configure the real broker."},
]


@pytest.fixture
def scraping(tmp_path: Path) -> Iterator[PrometheusServer]:
    """A Prometheus that scrapes what it is told to."""
    with PrometheusServer.start(tmp_path / "prometheus") as server:
        yield server


def bot(version: str, *args: str, broker: str) -> dict[str, Any]:
    made = deployment(version)
    container = made["spec"]["template"]["spec"]["containers"][0]
    container |= {
        "command": ["python", "-m", "bot_v2"],
        "args": list(args),
        "env": [{"name": "BROKER", "value": broker}],
    }
    return made


def pods(stage: Stage, version: str) -> list[dict[str, Any]]:
    return [each for each in stage.api.list("Pod", stage.namespace) if each["metadata"]["labels"]["version"] == version]


def ends_after_each_cycle(stage: Stage, pod: dict[str, Any]) -> None:
    """Write what a kubelet writes about a container that exits 0 and is started again."""
    (said,) = pod["status"]["containerStatuses"]
    over = {"exitCode": 0, "reason": "Completed", "startedAt": None, "finishedAt": None}
    status = {"containerStatuses": [said | {"restartCount": 3, "lastState": {"terminated": over}}]}
    stage.api.merge("Pod", pod["metadata"]["name"], stage.namespace, {"status": status}, sub="/status")


def found(status: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["name"], each["severity"]) for each in status.get("preflight", [])]


def test_the_limitations_of_the_hand_written_review_are_found_and_it_goes_on_once_they_are_mended(
    stage: Stage, operators: Operators, scraping: PrometheusServer
) -> None:
    registry = CollectorRegistry()
    Gauge("beats", "A heartbeat.", registry=registry).set(1)
    stage.apply(bot("1", "--profile", "dev", "--dry-run", broker="mock"))
    stage.rolled_out()
    (pod,) = pods(stage, "1")
    ends_after_each_cycle(stage, pod)
    stage.source(url=scraping.url, resolution="1s")
    with operators.own():
        stage.review(
            source=False,
            signals=[{"name": "heartbeat", "kind": "Presence", "query": "beats", "for": "10s"}],
            window={"t0": None, "backdated": None, "warmup": "0s", "checkpoints": ["1m"], "settle": "1s"},
            baseline={"from": "Declared"},
            preflight={
                "forbid": FORBID,
                "require": ["ContinuousOperation", "MetricsScraped"],
                "warnOnly": ["RollbackPossible", "SignalsPresent", "ClockSkew"],
            },
        )
        blocked = stage.until(lambda status: len(found(status)) == 6, "everything is found")
        assert found(blocked) == [
            ("ContinuousOperation", "Blocker"),
            ("MetricsScraped", "Blocker"),
            ("ForbiddenArgument", "Blocker"),
            ("ForbiddenVariable", "Blocker"),
            ("SignalsPresent", "Warning"),
            ("RollbackPossible", "Warning"),
        ]
        cycle, endpoint, dry, mock = blocked["preflight"][:4]
        assert cycle["message"].startswith("single-cycle mode: container app exits 0 and is started again")
        assert endpoint["message"].startswith("no metrics endpoint: the source scrapes none of the 1 judged pods")
        assert dry["message"].startswith("forbidden argument --dry-run in container app")
        assert (dry["impact"], dry["fix"]) == (FORBID[0]["impact"], FORBID[0]["fix"])
        assert mock["message"].startswith("forbidden variable BROKER=mock in container app")
        assert blocked["phase"] == "Pending"
        assert "t0" not in blocked
        said = condition(blocked, "Preflight")
        assert (said["status"], said["reason"]) == ("False", "ContinuousOperation")
        assert condition(blocked, "Stalled")["reason"] == "PreflightBlocked"

        stage.apply(bot("2", "--profile", "canary", broker="coinbase"))
        stage.rolled_out()
        unscraped = stage.until(lambda status: found(status)[:1] == [("MetricsScraped", "Blocker")], "one is left", 60)
        assert condition(unscraped, "Preflight")["reason"] == "MetricsScraped"
        server, thread = start_http_server(0, "127.0.0.1", registry)
        try:
            (mended,) = pods(stage, "2")
            labels = {"namespace": stage.namespace, "pod": mended["metadata"]["name"]}
            target = {"targets": [f"127.0.0.1:{server.server_port}"], "labels": labels}
            (scraping.targets / "pods.json").write_text(json.dumps([target]), encoding="utf-8")
            wait_until(lambda: scraping.query("beats"), "it is scraped", 30)
            started = stage.until(lambda status: status.get("baseline"), "the baseline is frozen", 90)
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
    assert condition(started, "Preflight")["status"] == "True"
    assert ("MetricsScraped", "Blocker") not in found(started)
    facts = stage.snapshots()[0].spec.facts
    assert facts is not None
    assert [each.name for each in facts.preflight] == [name for name, _ in found(started)]


def test_what_only_warns_holds_nobody_up_and_is_frozen_as_a_risk(stage: Stage, operators: Operators) -> None:
    stage.release("1")
    with operators.own():
        stage.review(window={"checkpoints": ["6m"]})
        status = stage.ended(40)
    assert status["phase"] == "Promoted"
    assert condition(status, "Preflight")["reason"] == "PreflightPassed"
    assert {("MetricsScraped", "Warning"), ("RollbackPossible", "Warning")} <= set(found(status))
    facts = stage.snapshots()[0].spec.facts
    assert facts is not None
    assert {"MetricsScraped", "RollbackPossible"} <= {each.name for each in facts.preflight}
    assert all(each.severity == "Warning" for each in facts.preflight)

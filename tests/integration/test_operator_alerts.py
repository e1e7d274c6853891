"""Alerts of a real Prometheus' own rules, and incidents of a real API server, as a look finds them."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from lab import PrometheusServer
from lab.web import wait_until
from tests.integration.operators import Operators
from tests.support.stage import Stage, ago, wire

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Watched:
    """A Prometheus with alert rules on a gauge."""

    server: PrometheusServer
    gauge: Gauge


@pytest.fixture
def watched(tmp_path: Path, stage: Stage) -> Iterator[Watched]:
    here = {"namespace": stage.namespace}
    rules = [
        {"alert": "Watchdog", "expr": "vector(1)"},
        {"alert": "Late", "expr": "beats > 5", "labels": here | {"severity": "critical"}},
        {"alert": "Elsewhere", "expr": "beats > 5", "labels": {"namespace": "other", "severity": "critical"}},
        {"alert": "Small", "expr": "beats > 4", "labels": here | {"severity": "info"}},
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "shop", "rules": rules}]}), encoding="utf-8")
    registry = CollectorRegistry()
    gauge = Gauge("beats", "A heartbeat.", registry=registry)
    gauge.set(1)
    with ExitStack() as stack:
        target, thread = start_http_server(0, "127.0.0.1", registry)
        stack.callback(thread.join)
        stack.callback(target.server_close)
        stack.callback(target.shutdown)
        server = stack.enter_context(PrometheusServer.start(tmp_path / "prometheus", rules=[file]))
        targets = [{"targets": [f"127.0.0.1:{target.server_port}"]}]
        (server.targets / "all.json").write_text(json.dumps(targets), encoding="utf-8")
        wait_until(lambda: server.query('beats and on () ALERTS{alertname="Watchdog"}'), "rules are evaluated", 30)
        yield Watched(server, gauge)


def review(stage: Stage, watched: Watched, began: datetime) -> None:
    stage.source(url=watched.server.url, resolution="1s")
    beats = {
        "name": "beats",
        "kind": "Limit",
        "query": "beats",
        "limits": {"alert": "50"},
        "for": "10s",
        "minCoverage": "5%",
    }
    stage.review(
        source=False,
        signals=[beats],
        window={"t0": wire(began), "checkpoints": ["1m"], "settle": "1s"},
        baseline={"from": "Declared", "length": "1h"},
        alerts={"heartbeat": "Watchdog"},
    )


def warn(stage: Stage, pod: str) -> None:
    """Write what a kubelet writes about a pod that does not get ready."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    about = {"kind": "Pod", "name": pod, "namespace": stage.namespace}
    event = {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": f"{pod}.1"}, "type": "Warning",
        "involvedObject": about,
        "reason": "Unhealthy", "message": "Readiness probe failed: <script>alert(1)</script>\x1b[31m", "count": 3,
        "firstTimestamp": now, "lastTimestamp": now,
    }  # fmt: skip
    stage.api.create(event, stage.namespace)


@pytest.mark.parametrize(("value", "verdict"), [(4.5, "Pass"), (9, "Hold")])
def test_a_new_critical_alert_of_the_namespace_holds_and_a_small_one_does_not(
    stage: Stage, operators: Operators, watched: Watched, value: float, verdict: str
) -> None:
    stage.release("1", "2")
    (pod,) = [
        each["metadata"]["name"]
        for each in stage.api.list("Pod", stage.namespace)
        if each["metadata"]["labels"]["version"] == "2"
    ]
    with operators.own():
        review(stage, watched, ago(seconds=45))
        stage.until(lambda status: status.get("baseline"), "T0 is frozen")
        watched.gauge.set(value)
        warn(stage, pod)
        status = stage.until(lambda found: found.get("progress") == "1/1", "it is judged", 60)
    (look,) = status["checkpoints"]
    assert look["verdict"] == verdict, look
    checks: dict[str, Any] = {each["name"]: each for each in look["checks"]}
    assert checks["alerts/heartbeat"]["verdict"] == "Held"
    if verdict == "Hold":
        assert checks["alerts/new"]["verdict"] == "Broken"
        assert "alerts/new is Broken: new since T0: Late (critical)" in look["message"]
    at_t0, now = (each.spec.facts for each in stage.snapshots())
    assert at_t0 is not None
    assert now is not None
    assert at_t0.alerts is not None
    assert now.alerts is not None
    assert at_t0.alerts.fired == []
    assert [each.name for each in now.alerts.fired] == (["Late", "Small"] if verdict == "Hold" else ["Small"])
    assert all(each.firing for each in now.alerts.fired)
    assert now.alerts.unwatched == []
    assert now.observability is not None
    assert now.observability.rules is not None
    assert (now.observability.rules.count, now.observability.rules.failing) == (4, [])
    assert now.observability.rules.oldest is not None
    (incident,) = now.incidents
    assert (incident.object, incident.reason, incident.count) == (f"Pod/{pod}", "Unhealthy", 3)
    assert incident.message == "Readiness probe failed: <script>alert(1)</script>\\x1b[31m"
    assert [each.about for each in now.problems] == ["configuration/kubelets"]  # a right that is optional

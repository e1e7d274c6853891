"""Operator, Prometheus or API server away over a due time: late, told so, and with the same verdict."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lab import Lab, PrometheusServer
from lab.web import Client, wait_until
from tests.integration.operators import Operators, environment
from tests.support.stage import SOURCE, Stage, ago, condition, on_grid, steady, stepping, verdicts, wire

pytestmark = pytest.mark.integration
SOON = 54
"""T0 lies so many seconds back that the first look, a minute after it, is due in a few."""


@pytest.fixture
def own_metrics(tmp_path: Path, history: Path) -> Iterator[PrometheusServer]:
    """A Prometheus that may be stopped."""
    with PrometheusServer.start(tmp_path / "prometheus", backfill=[history]) as server:
        yield server


def short(t0: datetime, signal: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """One look, a minute after T0."""
    window = {"t0": wire(t0), "checkpoints": ["1m"], "settle": "1s", **parts.pop("window", {})}
    return {"source": False, "window": window, "signals": [signal], **parts}


def row(stage: Stage) -> dict[str, Any]:
    """The first look without what depends on when it was judged, and its evidence."""
    status = stage.status()
    found = {key: status["checkpoints"][0].get(key) for key in ("due", "verdict", "message", "signals")}
    window = stage.snapshots()[-1].spec.window
    return found | {"window": window and (window.start, window.end), "values": stage.snapshots()[-1].spec.signals}


def test_an_operator_that_was_away_judges_the_look_on_its_own_window_and_says_how_late(
    stage: Stage, operators: Operators
) -> None:
    stage.release("1", "2")
    t0 = ago(minutes=3)
    # Worse only after the look's window: who judged by the time of the query would see it.
    signal = stepping(t0 + timedelta(seconds=61))
    stage.source(resolution="10s")
    stage.review(**short(t0, signal))
    with operators.own():
        status = stage.ended()
    late = status["checkpoints"][0]["lateBy"]
    assert (status["phase"], verdicts(status)) == ("Promoted", ["Pass"])
    assert late.startswith(("1m5", "2m"))
    assert row(stage)["window"] == (on_grid(t0, 10), on_grid(t0, 10) + timedelta(minutes=1))


def test_prometheus_away_over_a_look_gives_the_same_verdict_once_it_is_back(
    stage: Stage, operators: Operators, own_metrics: PrometheusServer
) -> None:
    stage.release("1", "2")
    stage.source(url=own_metrics.url, resolution="10s", timeout="1s")
    with stage.another("calm") as calm, operators.own() as operator:
        calm.release("1", "2")
        calm.source(resolution="10s")
        t0 = ago(seconds=SOON)
        for each in (stage, calm):
            each.review(**short(t0, stepping(t0), policy={"mode": "Advise"}))
        for each in (stage, calm):
            each.until(lambda status: status.get("baseline"), "the baseline is frozen")
        own_metrics.service.stop()
        calm.until(lambda found: found.get("progress") == "1/1", "the other one is judged")
        status = stage.until(lambda found: condition(found, "MetricsAvailable")["status"] == "False", "it says so")
        assert verdicts(status) == [None]
        assert "no connection" in condition(status, "MetricsAvailable")["message"]
        own_metrics.service.start()
        operator.stop()
        operator.start()
        status = stage.until(lambda found: found.get("progress") == "1/1", "judged")
    assert condition(status, "MetricsAvailable")["status"] == "True"
    assert verdicts(status) == ["Drift"]
    assert row(stage) == row(calm)
    stage.api.delete("Namespace", calm.namespace)


def test_while_prometheus_is_gone_it_says_so_and_neither_judges_nor_acts(
    stage: Stage, operators: Operators, own_metrics: PrometheusServer
) -> None:
    stage.release("1", "2")
    stage.source(url=own_metrics.url, resolution="10s", timeout="1s")
    window = {"rollback": "2m", "grace": "20s", "settle": "0s", "checkpoints": ["2m"]}
    with operators.own():
        t0 = ago(seconds=60 + SOON)
        stage.review(**short(t0, steady(), window=window))
        stage.until(lambda status: status.get("baseline"), "the baseline is frozen")
        own_metrics.service.stop()
        status = stage.until(lambda found: condition(found, "MetricsAvailable")["status"] == "False", "it says so", 30)
        assert (status["phase"], verdicts(status)) == ("Watching", [None])
        assert "act" not in status
    assert stage.version() == "2"


def test_history_deleted_after_t0_does_not_change_a_verdict(
    stage: Stage, operators: Operators, own_metrics: PrometheusServer
) -> None:
    stage.release("1", "2")
    stage.source(url=own_metrics.url, resolution="10s")
    with operators.own():
        t0 = ago(seconds=SOON)
        stage.review(**short(t0, stepping(t0)))
        stage.until(lambda status: status.get("baseline"), "the baseline is frozen")
        # The look reaches back for a sample from before T0; the baseline ended a minute before.
        gone = f"/api/v1/admin/tsdb/delete_series?match[]=latency_ms&end={t0.timestamp() - 30:.0f}"
        assert Client(own_metrics.url).request("POST", gone)[0] == 204
        assert own_metrics.query("latency_ms", (t0 - timedelta(minutes=10)).timestamp()) == []
        status = stage.ended()
    assert (status["phase"], verdicts(status)) == ("RolledBack", ["Drift"])
    assert re.search(r"is Degraded: \d+ ms against (99\.\d|10\d) ms", status["checkpoints"][0]["message"])


def test_an_api_server_restarted_during_a_review_costs_a_delay(
    stage: Stage, operators: Operators, lab_session: Lab
) -> None:
    stage.release("1", "2")
    stage.source(resolution="10s")
    # Longer than the server may be away: who loses its Lease ends, and is started again by others.
    with environment(DRIFTREVIEW_LEASE_SECONDS="120"), operators.own() as operator:
        t0 = ago(seconds=SOON)
        stage.review(**short(t0, stepping(t0)))
        stage.until(lambda status: status.get("baseline"), "the baseline is frozen")
        lab_session.apiserver.restart(kill=True)
        wait_until(lambda: lab_session.apiserver.running, "the API server is back")
        status = stage.ended(seconds=120)
        assert operator.pid is not None
    assert (status["phase"], verdicts(status)) == ("RolledBack", ["Drift"])
    lines = [json.loads(line) for line in operator.log.read_text("utf-8").splitlines()]
    assert not [line for line in lines if line["level"] == "CRITICAL"]


def test_a_source_that_is_deleted_for_good_ends_the_review_undecided_in_time(
    stage: Stage, operators: Operators
) -> None:
    stage.release("1", "2")
    stage.source(resolution="10s")
    window = {"rollback": "1m", "grace": "40s"}
    with operators.own():
        stage.review(**short(ago(seconds=SOON), steady(), window=window))
        stage.until(lambda found: found.get("baseline"), "the baseline is frozen")
        stage.api.delete("MetricSource", SOURCE, stage.namespace)
        status = stage.ended(seconds=60)
    assert (status["phase"], verdicts(status)) == ("Inconclusive", ["Inconclusive"])
    assert "there is no MetricSource" in status["summary"]
    assert "act" not in status

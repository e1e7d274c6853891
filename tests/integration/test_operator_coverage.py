"""A second query beside a signal's own, and samples that are missing: whose gap it is decides what follows."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIServer

import pytest
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from driftreview.api.driftreview import DriftReview
from driftreview.api.reasons import Reason
from driftreview.domain.judge import judge_checkpoint
from lab import PrometheusServer
from lab.web import wait_until
from tests.integration.operators import Operators
from tests.support.stage import TERMINAL, Stage, ago, assert_chained, on_grid, steady, stepping, verdicts, whole, wire

pytestmark = pytest.mark.integration
STEP = 15
T0 = on_grid(ago(minutes=30), 60)


def minutes(number: float) -> datetime:
    return whole(T0 + timedelta(minutes=number))


def backfill(path: Path, **gaps: Sequence[float]) -> Path:
    """Four hours of metrics, each without the minutes after T0 that are named for it."""
    lines = []
    for name in ("up", "beats", "lost"):
        first, last = (minutes(each).timestamp() for each in gaps.get(name, (0, 0)))
        lines.append(f"# TYPE {name} gauge\n")
        seconds = range(int(minutes(-210).timestamp()), int(minutes(40).timestamp()), STEP)
        present = (second for second in seconds if not first < second <= last)
        lines += [f'{name}{{job="web"}} {100 + second % 7 / 10} {second}\n' for second in present]
    path.write_text("".join([*lines, "# EOF\n"]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def gaps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    """A Prometheus that was down for a while, and before that could not reach one of its targets."""
    directory = tmp_path_factory.mktemp("gaps")
    file = backfill(directory / "gaps.om", up=(7, 11), beats=(7, 11), lost=(2, 5))
    with PrometheusServer.start(directory / "prometheus", backfill=[file]) as server:
        yield server


def heartbeat(query: str, **fields: Any) -> dict[str, Any]:
    return {"name": "heartbeat", "kind": "Presence", "query": query, "for": "2m", "minCoverage": "60%"} | fields


def judged(stage: Stage, source: str, *signals: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """A review of three past looks, of 6, 12 and 18 minutes: all of them, or until one decides."""
    stage.release("1", "2")
    stage.source(url=source)
    stage.review(source=False, signals=list(signals), window={"t0": wire(T0)} | parts.pop("window", {}), **parts)

    def over(found: dict[str, Any]) -> bool:
        return found.get("phase") in TERMINAL or (found.get("phase"), found.get("progress")) == ("Holding", "3/3")

    return stage.until(over, "it is judged")


def findings(stage: Stage) -> list[tuple[str, Reason | None]]:
    """Of the first signal at each look, judged again offline."""
    spec = DriftReview.model_validate(stage.read()).spec
    baseline, *looks = (each.spec for each in stage.snapshots())
    found = [judge_checkpoint(spec, baseline, look).results[0].finding for look in looks]
    return [(each.verdict, each.reason) for each in found]


@dataclass(frozen=True)
class Beating:
    """A Prometheus that scrapes itself and a target with a heartbeat, each once a second."""

    server: PrometheusServer
    target: WSGIServer

    def is_up(self) -> bool:
        return any(float(each["value"][1]) == 2 for each in self.server.query("sum(up)"))


@contextmanager
def beating(directory: Path) -> Iterator[Beating]:
    registry = CollectorRegistry()
    Gauge("beats", "A heartbeat.", registry=registry).set(1)
    target, thread = start_http_server(0, "127.0.0.1", registry)
    with PrometheusServer.start(directory) as server:
        found = [f"127.0.0.1:{target.server_port}", server.url.removeprefix("http://")]
        (server.targets / "all.json").write_text(json.dumps([{"targets": found}]), encoding="utf-8")
        made = Beating(server, target)
        wait_until(made.is_up, "both are scraped", 30)
        yield made
    target.shutdown()
    target.server_close()
    thread.join()


def test_a_prometheus_that_is_stopped_is_told_from_a_target_that_is(
    stage: Stage, operators: Operators, tmp_path: Path
) -> None:
    signal = {"name": "heartbeat", "kind": "Presence", "query": "beats", "for": "10s", "minCoverage": "90%"}
    with ExitStack() as stack:
        other = stack.enter_context(stage.another("other"))
        stopped, lost = (stack.enter_context(beating(tmp_path / name)) for name in ("stopped", "lost"))
        stack.enter_context(operators.own())
        began = ago()
        for each, metrics in ((stage, stopped), (other, lost)):
            each.release("1", "2")
            each.source(url=metrics.server.url, resolution="1s")
            window = {"t0": wire(began), "checkpoints": ["1m"], "settle": "1s"}
            each.review(source=False, signals=[signal], window=window, baseline={"from": "Declared"})
            each.until(lambda status: status.get("t0"), "it has begun")
        wait_until(lambda: ago(seconds=10) > began, "both beat for a while", 30)
        stopped.server.service.stop()
        lost.target.shutdown()
        lost.target.server_close()
        down = ago()
        wait_until(lambda: ago(seconds=20) > down, "both are away for a while", 40)
        stopped.server.service.start()
        away, gone = (each.until(lambda found: found.get("progress") == "1/1", "judged", 60) for each in (stage, other))
    assert verdicts(away) == ["Inconclusive"]
    assert "the source itself scraped nothing from" in away["checkpoints"][0]["message"]
    assert verdicts(gone) == ["Drift"]
    assert "heartbeat is Degraded: no sample for" in gone["checkpoints"][0]["message"]
    stage.api.delete("Namespace", other.namespace)


def test_a_heartbeat_that_stopped_is_rolled_back(stage: Stage, operators: Operators, gaps: PrometheusServer) -> None:
    with operators.own():
        status = judged(stage, gaps.url, heartbeat("lost"))
    assert (status["phase"], verdicts(status)) == ("RolledBack", ["Drift", None, None])
    assert "heartbeat is Degraded: no sample for 2m30s while the source was scraping" in status["summary"]
    assert findings(stage) == [("Degraded", None)]
    assert_chained(stage.snapshots())


def test_prometheus_being_down_is_no_silence_of_the_heartbeat(
    stage: Stage, operators: Operators, gaps: PrometheusServer
) -> None:
    level = steady("level") | {"query": "beats", "minCoverage": "95%", "onMissing": "Fail"}
    with operators.own():
        status = judged(stage, gaps.url, heartbeat("beats", onMissing="Fail", minCoverage="95%"), level)
    assert verdicts(status) == ["Pass", "Inconclusive", "Inconclusive"]
    assert findings(stage) == [("Stable", None), ("Missing", "SourceGap"), ("Missing", "SourceGap")]
    assert "the source itself scraped nothing from" in status["checkpoints"][1]["message"]
    frozen = stage.snapshots()[2].spec.scraping
    assert frozen is not None
    assert frozen.silent_from is not None
    assert abs(frozen.silent_from - minutes(7.5)) <= timedelta(minutes=1)
    assert abs(frozen.silent - 7) <= 1


def test_a_target_that_was_not_scraped_is_told_from_a_misspelt_one(
    stage: Stage, operators: Operators, gaps: PrometheusServer
) -> None:
    lost = steady("lost") | {"query": "lost", "minCoverage": "90%"}
    misspelt = steady("misspelt") | {"query": "lots"}
    with operators.own():
        status = judged(stage, gaps.url, lost, misspelt)
    message = "samples (58%) are there, 90% are needed; the source itself was scraping all the time"
    assert message in status["checkpoints"][0]["message"]
    assert findings(stage)[0] == ("Missing", "TargetGap")


@pytest.mark.parametrize(("alone", "phase"), [(True, "RolledBack"), (False, "Promoted")])
def test_what_the_stable_pods_do_as_well_is_no_drift(
    stage: Stage, operators: Operators, *, alone: bool, phase: str
) -> None:
    # Both replicas get slower at T0: the load, not the release.
    both = stepping(T0) | {"control": stepping(T0)["query"].replace('"a"', '"b"')}
    with operators.own():
        status = judged(stage, stage.prometheus, stepping(T0) if alone else both)
    assert status["phase"] == phase
    snapshot = stage.snapshots()[0].spec.signals[0]
    assert (snapshot.control_query is None) is alone
    if not alone:
        assert "times the control's" in status["checkpoints"][-1]["message"]


def test_what_the_canary_alone_does_is_a_drift(stage: Stage, operators: Operators) -> None:
    with operators.own():
        status = judged(stage, stage.prometheus, stepping(T0) | {"control": 'latency_ms{replica="b"}'})
    assert (status["phase"], verdicts(status)) == ("RolledBack", ["Drift", None, None])
    said = "200 ms is 1.82 times the control's 110 ms, where the baseline's quotient is 0.909: +"
    assert said in status["summary"]


def test_a_share_is_judged_where_there_is_traffic(stage: Stage, operators: Operators) -> None:
    failed = f'latency_ms{{replica="a"}} / 100 * (1 + 4 * (time() > bool {T0.timestamp():.0f}))'
    quiet = f'latency_ms{{replica="b"}} * (time() < bool {minutes(1).timestamp():.0f})'
    share = {"name": "errors", "query": failed, "per": 'latency_ms{replica="b"}', "margin": {"absolute": "10m"}}
    idle = share | {"name": "idle", "per": quiet, "minTraffic": "1", "mode": "Shadow"}
    with operators.own():
        status = judged(stage, stage.prometheus, share, idle)
    assert (status["phase"], verdicts(status)) == ("RolledBack", ["Drift", None, None])
    rows = {row["name"]: row["verdict"] for row in status["checkpoints"][0]["signals"]}
    assert rows == {"errors": "Degraded", "idle": "Missing"}
    assert stage.snapshots()[1].spec.signals[0].series[0].per is not None


def test_a_control_that_returns_nothing_is_named(stage: Stage, operators: Operators) -> None:
    with operators.own():
        status = judged(stage, stage.prometheus, steady() | {"control": "nowhere"})
    assert verdicts(status) == ["Inconclusive"] * 3
    assert "latency is Missing: the control: The query returned no series" in status["checkpoints"][0]["message"]

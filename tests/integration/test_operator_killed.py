"""SIGKILL at every step: killed before or after any write or query, the next operator comes to the same end."""

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from lab import PrometheusServer
from lab.web import wait_until
from tests.integration.killing import ACT, Killer, essence, every_other, footprint
from tests.integration.operators import Operators
from tests.support.cluster import Api
from tests.support.faultproxy import Fault, FaultProxy, Lost, Seen
from tests.support.stage import Stage, ago, steady, stepping, wire

pytestmark = pytest.mark.integration
WRITES = rf"/driftreviews/.+/status|/driftsnapshots|{ACT}"
QUERIES = r"/api/v1/query"


@pytest.fixture
def metrics_proxy(stage: Stage) -> Iterator[FaultProxy]:
    with FaultProxy(stage.prometheus) as proxy:
        yield proxy


def signals(t0: datetime, kind: str) -> list[dict[str, Any]]:
    """Good, or degraded from the second look on."""
    limit = stepping(t0 + timedelta(minutes=8), name="limit") | {"kind": "Limit", "limits": {"alert": "150"}}
    limit.pop("margin")
    return [steady(), limit if kind == "degraded" else steady("other")]


def run(stage: Stage, url: str, t0: datetime, kind: str) -> None:
    stage.source(url=url)
    stage.review(source=False, window={"t0": wire(t0), "checkpoints": ["6m", "12m"]}, signals=signals(t0, kind))


@pytest.fixture(scope="module")
def t0() -> datetime:
    return ago(minutes=20)


@pytest.fixture(scope="module")
def calm(operators: Operators, api: Api, metrics: PrometheusServer, t0: datetime) -> Iterator[dict[str, Any]]:
    """What a good and a degraded release come to when nobody is killed."""
    ends = {}
    stages = {kind: Stage(api, f"calm-{kind}-{uuid.uuid4().hex[:6]}", metrics.url) for kind in ("good", "degraded")}
    with operators.own():
        for kind, stage in stages.items():
            api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": stage.namespace}})
            stage.release("1", "2")
            run(stage, stage.prometheus, t0, kind)
        for kind, stage in stages.items():
            stage.ended()
            ends[kind] = essence(stage), footprint(stage)
    yield ends
    for stage in stages.values():
        api.delete("Namespace", stage.namespace)


@pytest.mark.parametrize("lost", [Lost.BEFORE, Lost.AFTER])
@pytest.mark.parametrize(("kind", "writes", "deaths"), [("degraded", WRITES, 8), ("good", ACT, 1)])
def test_killed_at_each_write_in_turn_it_comes_to_the_same_end(
    stage: Stage,
    operators: Operators,
    api_proxy: FaultProxy,
    calm: dict[str, Any],
    t0: datetime,
    *,
    lost: Lost,
    kind: str,
    writes: str,
    deaths: int,
) -> None:
    stage.release("1", "2")
    with operators.own(kubeconfig=operators.kubeconfig_by(api_proxy.url)) as operator:
        killer = Killer(operators, operator)
        turn = every_other()

        def strike(seen: Seen) -> bool:
            if stage.namespace not in seen.path or (lost is Lost.BEFORE and not turn()):
                return False
            killer.kill(seen)
            return True

        api_proxy.add(Fault("POST|PATCH|PUT", writes, lost=lost, call=strike))
        run(stage, stage.prometheus, t0, kind)
        killer.see_it_through(stage)
    assert len(killer.deaths) >= deaths, killer.deaths
    assert (essence(stage), footprint(stage)) == calm[kind]


def test_killed_at_each_query_in_turn_it_comes_to_the_same_end(
    stage: Stage, operators: Operators, metrics_proxy: FaultProxy, calm: dict[str, Any], t0: datetime
) -> None:
    stage.release("1", "2")
    met: set[str] = set()
    with operators.own() as operator:
        killer = Killer(operators, operator)

        def strike(seen: Seen) -> bool:
            query = seen.path.replace(seen.path.partition("time=")[2], "") if "query?" in seen.path else seen.path
            if query in met or "vector(1)" in seen.path:
                return False
            met.add(query)
            killer.kill(seen)
            return True

        metrics_proxy.add(Fault("GET", QUERIES, lost=Lost.AFTER, call=strike))
        run(stage, metrics_proxy.url, t0, "degraded")
        killer.see_it_through(stage)
    assert len(killer.deaths) >= 6, killer.deaths
    assert (essence(stage), footprint(stage)) == calm["degraded"]


def test_killed_before_its_first_write_a_review_without_t0_still_gets_its_due_times_once(
    stage: Stage, operators: Operators, api_proxy: FaultProxy
) -> None:
    stage.release("1", "2")
    with operators.own(kubeconfig=operators.kubeconfig_by(api_proxy.url)) as operator:
        killer = Killer(operators, operator)
        first = rf"/namespaces/{stage.namespace}/driftreviews/.+/status"
        lost = api_proxy.add(Fault("PATCH", first, times=1, lost=Lost.AFTER, call=killer.kill))
        stage.source(resolution="10s")
        stage.review(source=False, window={"t0": None, "warmup": "0s", "checkpoints": ["1m", "2m"]})
        wait_until(lambda: lost.hits, "it writes for the first time")
        stored = stage.until(lambda status: status.get("t0"), "T0 is stored")
        operators.restart(operator)
        later = stage.until(lambda status: status.get("baseline"), "the baseline is frozen")
    assert later["t0"] == stored["t0"] == stored["target"]["rolledOutAt"]
    assert [each["due"] for each in later["checkpoints"]] == [each["due"] for each in stored["checkpoints"]]

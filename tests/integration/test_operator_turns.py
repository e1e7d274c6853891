"""A slow, moved or greedy metric source, or a refused write, costs the review that has it; nobody else waits."""

import threading
import time
from collections.abc import Iterator

import pytest

from lab.web import Client, is_healthy, wait_until
from tests.integration.operators import Operators, environment
from tests.support.cluster import Raw
from tests.support.faultproxy import Canned, Fault, FaultProxy, Lost, failure
from tests.support.stage import NAME, SOURCE, Stage, ago, condition, steady, verdicts, wire

pytestmark = pytest.mark.integration
QUERIES = r"/api/v1/query"


def about_itself(path: str) -> bool:
    """Whether a query asks the source whether it was scraping."""
    return "count(up)" in path


@pytest.fixture
def metrics_proxy(stage: Stage) -> Iterator[FaultProxy]:
    with FaultProxy(stage.prometheus) as proxy:
        yield proxy


@pytest.fixture
def calm(stage: Stage) -> Iterator[Stage]:
    """Another namespace, with a source of its own that answers."""
    with stage.another("calm") as calm:
        calm.release("1", "2")
        yield calm


def test_who_waits_for_a_slow_source_keeps_no_other_namespace_waiting(
    stage: Stage, calm: Stage, operators: Operators, metrics_proxy: FaultProxy
) -> None:
    stage.release("1", "2")
    go_on = threading.Event()
    held = metrics_proxy.add(Fault("GET", QUERIES, hold=go_on))
    names = [f"slow-{number}" for number in range(6)]
    try:
        with environment(DRIFTREVIEW_WORKERS="4"), operators.own() as operator:
            for name in names:
                stage.source(name, url=metrics_proxy.url, timeout="60s")
                stage.review(name, source=False, metrics={"sourceRef": {"kind": "MetricSource", "name": name}})
            wait_until(lambda: held.hits >= 2, "the slow source is asked")
            calm.review()
            assert calm.ended()["phase"] == "Promoted"
            assert is_healthy(f"{operator.url}/healthz")
            assert not any(stage.status(name).get("t0") for name in names)
            go_on.set()
            for name in names:
                assert stage.ended(name=name)["phase"] == "Promoted"
    finally:
        go_on.set()


def test_a_source_that_takes_five_seconds_for_each_query_delays_no_review_of_another_in_its_namespace(
    stage: Stage, operators: Operators, metrics_proxy: FaultProxy
) -> None:
    stage.release("1", "2")
    over = threading.Event()
    slow = metrics_proxy.add(Fault("GET", QUERIES, call=lambda _: over.wait(5) and False))
    names = [f"slow-{number}" for number in range(8)]
    try:
        with environment(DRIFTREVIEW_WORKERS="4"), operators.own():
            stage.source("slow", url=metrics_proxy.url, timeout="60s", maxConcurrent=8)
            for name in names:
                ref = {"sourceRef": {"kind": "MetricSource", "name": "slow"}}
                stage.review(name, source=False, metrics=ref, policy={"mode": "Observe"})
            wait_until(lambda: slow.hits >= 2, "the slow source is asked")
            began = time.monotonic()
            stage.review()
            assert stage.ended()["phase"] == "Promoted"
            took = time.monotonic() - began
            assert not any(stage.status(name).get("progress") == "3/3" for name in names)
            over.set()
    finally:
        over.set()
    assert took < 12, f"{took:.1f} s: less than the queries of one slow review"


def test_reviews_that_share_the_one_query_a_source_allows_all_come_to_their_end(
    stage: Stage, operators: Operators, metrics_proxy: FaultProxy
) -> None:
    stage.release("1", "2")
    go_on = threading.Event()
    held = metrics_proxy.add(Fault("GET", QUERIES, hold=go_on))
    stage.source(url=metrics_proxy.url, timeout="60s", maxConcurrent=1)
    names = [f"sharing-{number}" for number in range(4)]
    try:
        with operators.own() as operator:
            for name in names:
                stage.review(name, source=False)
            wait_until(lambda: held.hits, "the source is asked")
            busy = f'driftreview_query_seconds_count{{outcome="Busy",source="MetricSource/{stage.namespace}/{SOURCE}"}}'
            wait_until(lambda: busy in Client(operator.url).request("GET", "/metrics")[1], "the others find it busy")
            assert held.hits == 1
            go_on.set()
            ends = [stage.ended(40, name) for name in names]
    finally:
        go_on.set()
    assert [each["phase"] for each in ends] == ["Promoted"] * len(names)
    assert all(condition(each, "MetricsAvailable")["status"] == "True" for each in ends)


@pytest.mark.parametrize("count", [2, 3])
def test_a_review_whose_queries_take_several_turns_comes_to_its_end(
    stage: Stage, operators: Operators, metrics_proxy: FaultProxy, count: int
) -> None:
    """Each turn is over after one query; what the index knows of the review is older than its last turn."""
    stage.release("1", "2")
    stage.source(url=metrics_proxy.url, timeout="60s")
    # What is asked twice within a second is asked once: each signal has a query of its own.
    signals = [
        each | {"query": f"{each['query']} + {number} * 0"}
        for number, each in enumerate(steady(f"latency-{number}") for number in range(count))
    ]
    with environment(DRIFTREVIEW_TURN_SECONDS="0"), operators.own():
        stage.review(source=False, signals=signals, window={"checkpoints": ["6m"]})
        status = stage.ended(60)
    assert (status["phase"], verdicts(status)) == ("Promoted", ["Pass"])
    queries = [each.path for each in metrics_proxy.seen if "latency_ms" in each.path or about_itself(each.path)]
    asked = [each for each in queries if not about_itself(each)]
    assert len(asked) == 3 * count, "once for acceptance, once for T0, once for the look"
    assert len(queries) - len(asked) == 2, "about the source itself: once for T0, once for the look"


def test_only_what_went_unanswered_is_asked_again(
    stage: Stage, operators: Operators, metrics_proxy: FaultProxy
) -> None:
    stage.release("1", "2")
    lost = metrics_proxy.add(Fault("GET", r"query_range.*\+ 0", times=2, lost=Lost.BEFORE))
    other = steady("other") | {"query": 'latency_ms{replica="b"} + 0'}
    stage.source(url=metrics_proxy.url)
    with operators.own():
        stage.review(source=False, signals=[steady(), other], window={"checkpoints": ["6m"]})
        status = stage.ended(seconds=60)
    assert (status["phase"], lost.hits) == ("Promoted", 2)
    asked = [each.path for each in metrics_proxy.seen if "query_range" in each.path and not about_itself(each.path)]
    first, second = ([each for each in asked if ("+ 0" in each) is which] for which in (False, True))
    assert len(first) == 2, "once for T0 and once for the look"
    assert len(second) > len(first)


def test_another_server_than_at_t0_is_not_asked_until_its_address_is_restored(
    stage: Stage, operators: Operators, metrics_proxy: FaultProxy
) -> None:
    stage.release("1", "2")
    with operators.own():
        stage.source(resolution="10s")
        window = {"t0": wire(ago(seconds=50)), "checkpoints": ["1m"], "settle": "0s"}
        stage.review(source=False, window=window)
        stage.until(lambda status: status.get("baseline"), "the baseline is frozen")
        stage.api.merge("MetricSource", SOURCE, stage.namespace, {"spec": {"url": metrics_proxy.url}})

        def told(status: dict[str, object]) -> bool:
            return condition(status, "MetricsAvailable").get("reason") == "SourceChanged"

        status = stage.until(told, "it says that the server is another", 40)
        message = condition(status, "MetricsAvailable")["message"]
        assert f"came from MetricSource/{SOURCE} {stage.prometheus}, but now it is" in message
        assert verdicts(status) == [None]
        assert not [each for each in metrics_proxy.seen if "query_range" in each.path]
        stage.api.merge("MetricSource", SOURCE, stage.namespace, {"spec": {"url": stage.prometheus + "/"}})
        status = stage.ended(seconds=60)
    assert (status["phase"], verdicts(status)) == ("Promoted", ["Pass"])


def test_another_tenant_than_at_t0_is_not_asked_until_its_header_is_restored(
    stage: Stage, operators: Operators, metrics_proxy: FaultProxy
) -> None:
    stage.release("1", "2")

    def tenant(name: str) -> list[dict[str, str]]:
        return [{"name": "X-Scope-OrgID", "value": name}]

    with operators.own():
        stage.source(url=metrics_proxy.url, resolution="10s", headers=tenant("tenant-a"))
        window = {"t0": wire(ago(seconds=50)), "checkpoints": ["1m"], "settle": "0s"}
        stage.review(source=False, window=window)
        stage.until(lambda status: status.get("baseline"), "the baseline is frozen")
        asked = len([each for each in metrics_proxy.seen if "query_range" in each.path])
        stage.api.merge("MetricSource", SOURCE, stage.namespace, {"spec": {"headers": tenant("tenant-b")}})

        def told(status: dict[str, object]) -> bool:
            return condition(status, "MetricsAvailable").get("reason") == "SourceChanged"

        status = stage.until(told, "it says that the source is another", 40)
        assert verdicts(status) == [None]
        assert "tenant-" not in condition(status, "MetricsAvailable")["message"]
        assert len([each for each in metrics_proxy.seen if "query_range" in each.path]) == asked
        stage.api.merge("MetricSource", SOURCE, stage.namespace, {"spec": {"headers": tenant("tenant-a")}})
        status = stage.ended(seconds=60)
    assert (status["phase"], verdicts(status)) == ("Promoted", ["Pass"])
    assert "tenant-" not in stage.snapshots()[0].spec.source


@pytest.mark.parametrize(
    ("answer", "reason"), [(failure(413), "Refused"), (failure(422), "Refused"), (failure(403), "Forbidden")]
)
def test_evidence_that_cannot_be_stored_is_said_with_the_servers_words_and_stored_later(
    stage: Stage, operators: Operators, api_proxy: FaultProxy, answer: Canned, reason: str
) -> None:
    stage.release("1", "2")
    fault = api_proxy.add(Fault("POST", "/driftsnapshots", answer=answer))
    with operators.own(kubeconfig=operators.kubeconfig_by(api_proxy.url)):
        stage.review(window={"checkpoints": ["6m"]})
        status = stage.until(lambda found: condition(found, "Stalled").get("reason") == reason, "it says so")
        assert f"made up by the test: {answer.status}" in status["summary"]
        assert condition(status, "Stalled")["status"] == "True"
        fault.times = fault.hits
        assert stage.ended(seconds=40)["phase"] == "Promoted"


TEMPLATELESS = Canned(
    200,
    b'{"apiVersion":"apps/v1","kind":"Deployment","metadata":{},"spec":{}}',
    {"Content-Type": "application/json"},
)
"""What makes the operator fail: a Deployment without a template, which the API server never sends."""


def failed_by_itself(status: Raw) -> bool:
    """Whether a review says that the operator failed."""
    return bool(condition(status, "Stalled").get("reason") == "InternalError")


def test_a_fault_of_the_operators_own_is_on_the_review_and_over_by_itself(
    stage: Stage, operators: Operators, api_proxy: FaultProxy
) -> None:
    stage.release("1", "2")
    broken = api_proxy.add(Fault("GET", "/deployments/web", answer=TEMPLATELESS))
    with operators.own(kubeconfig=operators.kubeconfig_by(api_proxy.url)):
        stage.review()
        status = stage.until(failed_by_itself, "it says so")
        assert "the operator failed (KeyError; see its log for " in status["summary"]
        broken.times = broken.hits
        assert stage.ended(seconds=60)["phase"] == "Promoted"


def test_a_fault_of_the_operators_own_that_stays_ends_the_review_with_its_window(
    stage: Stage, operators: Operators, api_proxy: FaultProxy
) -> None:
    stage.release("1", "2")
    with operators.own(kubeconfig=operators.kubeconfig_by(api_proxy.url)):
        window = {"t0": wire(ago(seconds=30)), "checkpoints": ["1m"], "rollback": "1m", "settle": "0s", "grace": "0s"}
        stage.source(resolution="10s")
        stage.review(source=False, window=window, policy={"onWindowEnd": "Promote"})
        stage.until(lambda found: found.get("baseline"), "the baseline is frozen")
        api_proxy.add(Fault("GET", "/deployments/web", answer=TEMPLATELESS))
        status = stage.until(failed_by_itself, "it says so", 60)
        assert status["phase"] == "Watching"
        # As if it had been so for a while: what begins late gets ten minutes.
        long_ago = [each | {"lastTransitionTime": wire(ago(minutes=11))} for each in status["conditions"]]
        stage.api.merge("DriftReview", NAME, stage.namespace, {"status": {"conditions": long_ago}}, "/status")
        status = stage.ended(seconds=90)
    assert (status["phase"], condition(status, "Ready")["reason"]) == ("Inconclusive", "InternalError")
    assert status["summary"].startswith("undecided when the rollback window closed, and nothing more is done")
    assert "act" not in status

"""The process: one at a time by Lease, told by /healthz and /readyz, stopped by SIGTERM, and silent about secrets."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from time import monotonic

import pytest
from prometheus_client.parser import text_string_to_metric_families

from lab import Lab
from lab.errors import LabError
from lab.install import SYSTEM, installed, refuse_second, removal
from lab.web import Client, is_healthy, wait_until
from tests.integration.operators import LEASE, Operators, environment
from tests.support.faultproxy import Fault, FaultProxy, Lost
from tests.support.stage import Stage, ago, wire

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def operators(operator_session: Operators) -> Iterator[Operators]:
    """Executed and not forked, here where the process is what is tested."""
    operator_session.stop_shared()
    operators = replace(operator_session, directory=operator_session.directory / "executed", supervisor=None)
    operators.directory.mkdir()
    yield operators
    operators.stop_shared()


@pytest.fixture
def hanging(stage: Stage) -> Iterator[tuple[FaultProxy, Fault]]:
    """A Prometheus that takes every range query and never answers it."""
    with FaultProxy(stage.prometheus) as proxy:
        yield proxy, proxy.add(Fault("GET", "query_range", hold=threading.Event()))


def get(url: str, path: str) -> tuple[int, str]:
    return Client(url).request("GET", path)


@pytest.mark.parametrize("gently", [False, True], ids=["SIGKILL", "SIGTERM"])
def test_a_second_operator_waits_and_takes_over(operators: Operators, *, gently: bool) -> None:
    lease = {"DRIFTREVIEW_LEASE_SECONDS": "30"} if gently else {}
    with environment(**lease), operators.own() as first:
        second = operators.new()
        try:
            second.start(wait=False)
            wait_until(lambda: get(second.url, "/readyz")[0] == 503, "the second one waits")
            wait_until(lambda: "waits for the lease" in second.log.read_text("utf-8"), "it says so")
            assert is_healthy(f"{second.url}/healthz")
            assert is_healthy(f"{first.url}/readyz")
            if gently:
                assert first.stop() == 0
            else:
                first.kill()
            ended = monotonic()
            wait_until(lambda: is_healthy(f"{second.url}/readyz"), "it takes over")
            assert monotonic() - ended < 20  # a Lease that was given back is not waited for
        finally:
            second.close()


def test_who_loses_the_lease_ends_with_an_error(operators: Operators) -> None:
    with operators.own() as operator:
        lease = operators.api.get("Lease", LEASE, SYSTEM)
        lease["spec"]["holderIdentity"] = "somebody-else"
        operators.api.replace(lease)
        wait_until(lambda: operator.exit_code is not None, "it ends")
        assert operator.exit_code == 1
        assert "the lease was taken by somebody-else" in operator.log.read_text("utf-8")


def test_who_cannot_renew_the_lease_in_time_ends_with_an_error(operators: Operators, api_proxy: FaultProxy) -> None:
    with operators.own(kubeconfig=operators.kubeconfig_by(api_proxy.url)) as operator:
        api_proxy.add(Fault(path="/leases", lost=Lost.BEFORE))
        wait_until(lambda: operator.exit_code is not None, "it ends")
        assert operator.exit_code == 1


def test_an_idle_operator_is_healthy_ready_and_its_metrics_parse(operators: Operators) -> None:
    operator = operators.shared()
    assert [get(operator.url, path)[0] for path in ("/healthz", "/readyz", "/nowhere")] == [200, 200, 404]
    families = {each.name: each for each in text_string_to_metric_families(get(operator.url, "/metrics")[1])}
    assert families["driftreview_leader"].samples[0].value == 1
    assert families["driftreview_loop_age_seconds"].samples[0].value < 5


def test_a_step_that_hangs_fails_health_only_after_the_time_that_was_set(
    stage: Stage, operators: Operators, hanging: tuple[FaultProxy, Fault]
) -> None:
    proxy, fault = hanging
    stage.release("1", "2")
    with environment(DRIFTREVIEW_STALL_SECONDS="10"), operators.own() as operator:
        stage.source(url=proxy.url, timeout="30s")
        stage.review(source=False, window={"t0": wire(ago(minutes=30)), "checkpoints": ["6m"]})
        wait_until(lambda: fault.hits, "the query hangs")
        began = monotonic()
        assert get(operator.url, "/healthz")[0] == 200
        wait_until(lambda: get(operator.url, "/healthz")[0] == 503, "it is not healthy")
        assert 8 < monotonic() - began < 25
        assert stage.namespace in get(operator.url, "/healthz")[1]
        proxy.remove(fault)
        assert stage.ended()["phase"] == "Promoted"
        assert get(operator.url, "/healthz")[0] == 200


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "in the middle of a query"])
def test_sigterm_ends_it_within_seconds_with_zero(
    stage: Stage, operators: Operators, hanging: tuple[FaultProxy, Fault], *, busy: bool
) -> None:
    proxy, fault = hanging
    stage.release("1", "2")
    with operators.own() as operator:
        stage.source(url=proxy.url, timeout="30s")
        if busy:
            stage.review(source=False)
            wait_until(lambda: fault.hits, "the query hangs")
        assert operator.stop(20) == 0  # what hangs takes 30 s
        assert operators.api.get("Lease", LEASE, SYSTEM)["spec"].get("holderIdentity", "") == ""


def test_every_line_of_the_log_is_json_and_no_token_is_anywhere(stage: Stage, operators: Operators) -> None:
    stage.release("1", "2")
    with operators.own(kubeconfig=operators.kubeconfig) as operator:
        stage.review()
        stage.ended()
        operator.stop()
        text = operator.log.read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert lines
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
    assert not [line for line in lines if line["level"] in ("ERROR", "CRITICAL")]
    token = operators.kubeconfig.read_text("utf-8").partition("token: ")[2].split()[0]
    assert len(token) > 100
    assert token not in text


def test_the_demo_starts_no_second_operator_and_knows_what_was_there(operators: Operators, lab_session: Lab) -> None:
    kubectl = lab_session.kubectl
    operators.stop_shared()
    refuse_second(kubectl)
    before = installed(kubectl)
    operators.shared()
    with pytest.raises(LabError, match="an operator runs in this cluster already"):
        refuse_second(kubectl)
    found = installed(kubectl)
    assert set(found) - set(before) == {f"lease.coordination.k8s.io/{LEASE}"}
    assert {f"namespace/{SYSTEM}", "serviceaccount/driftreview"} <= set(before)
    assert len(found) == 7 + 2 + 2 * 5 + 2 * 3 + 1, "kinds, namespace and account, roles and policies bound, the lease"
    for command in removal("none", [], [*found, "clusterrole/none"], "none"):
        words = command.split()[3:]
        kubectl(*words, "--dry-run=server", "--ignore-not-found")

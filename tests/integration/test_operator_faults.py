"""What a failing API server costs: a delay, never a review."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from lab import Lab
from lab.install import OperatorProcess
from lab.web import wait_until
from tests.integration.operators import Operators, environment
from tests.integration.test_operator_events import reasons
from tests.support.faultproxy import PATCH_FAILED, Canned, Fault, FaultProxy, Lost, failure
from tests.support.stage import NAME, TERMINAL, THE_ACT, Stage, ago, stepping, verdicts, wire

pytestmark = pytest.mark.integration
"""Not its rehearsal, which is a dry run."""
LEASE = r"/leases"
WATCH = r"/driftreviews\?.*watch=true"
LIST = r"/driftreviews(\?|$)(?!.*watch=true)"
SOON = {"Retry-After": "1"}


@pytest.fixture(scope="module")
def proxy(lab_session: Lab) -> Iterator[FaultProxy]:
    with FaultProxy(lab_session.server, lab_session.ca) as proxy:
        yield proxy


@pytest.fixture
def behind(operators: Operators, proxy: FaultProxy) -> OperatorProcess:
    """A shared operator whose API server is the proxy."""
    return operators.shared(operators.kubeconfig_by(proxy.url))


def answers() -> list[tuple[str, Canned | Lost]]:
    return [
        ("409", failure(409)),
        ("422", failure(422, message=PATCH_FAILED)),
        ("429", failure(429, SOON)),
        ("500", failure(500)),
        ("503", Canned(503, b"upstream connect error", {"Content-Type": "text/plain"})),
        ("lost before", Lost.BEFORE),
        ("lost after", Lost.AFTER),
    ]


def fault(method: str, path: str, how: Canned | Lost, times: int = 2) -> Fault:
    if isinstance(how, Lost):
        return Fault(method, path, times=times, lost=how)
    return Fault(method, path, times=times, answer=how)


def degraded_review(stage: Stage) -> None:
    stage.release("1", "2")
    t0 = ago(minutes=30)
    stage.review(window={"t0": wire(t0)}, signals=[stepping(t0 + timedelta(minutes=7))])


@pytest.mark.parametrize("how", [how for _, how in answers()], ids=[name for name, _ in answers()])
def test_a_fault_at_every_kind_of_write_is_a_delay_and_nothing_is_lost_or_done_twice(
    stage: Stage, proxy: FaultProxy, behind: OperatorProcess, how: Canned | Lost
) -> None:
    here = stage.namespace + "/"
    faults = [
        proxy.add(fault("PATCH", here + r"driftreviews/.+/status", how)),
        proxy.add(fault("POST", here + "driftsnapshots", how)),
        proxy.add(fault("PATCH", here + THE_ACT.removeprefix("/"), how)),
    ]
    try:
        degraded_review(stage)
        status = stage.ended(seconds=40)
    finally:
        for each in faults:
            proxy.remove(each)
    assert (status["phase"], verdicts(status)) == ("RolledBack", ["Pass", "Drift", None])
    assert [each.hits >= 1 for each in faults] == [True, True, True]
    assert stage.version() == "1"
    assert stage.deployment()["metadata"]["generation"] == 3
    ends = ("CheckpointJudged", "CheckpointJudged", "Decided", "RollbackBegun", "RolledBack")
    told = lambda: [each for each in reasons(stage, "DriftReview", NAME) if each in ends]  # noqa: E731
    wait_until(lambda: told() == list(ends), "what happened is told, each once, whatever answers were lost")
    assert behind.pid is not None


@pytest.mark.parametrize("how", [failure(429, SOON), failure(500), Lost.BEFORE], ids=["429", "500", "lost"])
def test_a_fault_at_every_kind_of_read_is_a_delay(
    stage: Stage, proxy: FaultProxy, behind: OperatorProcess, how: Canned | Lost
) -> None:
    here = stage.namespace + "/"
    kinds = ("deployments", "replicasets", "metricsources", "driftsnapshots")
    faults = [proxy.add(fault("GET", here + kind, how, times=1)) for kind in kinds]
    try:
        stage.release("1", "2")
        stage.review()
        status = stage.ended(seconds=40)
    finally:
        for each in faults:
            proxy.remove(each)
    assert (status["phase"], verdicts(status)) == ("Promoted", ["Pass"] * 3)
    assert behind.pid is not None


def test_a_conflict_that_does_not_end_is_not_hammered(stage: Stage, proxy: FaultProxy, behind: OperatorProcess) -> None:
    here = stage.namespace + "/driftreviews/.+/status"
    conflict = proxy.add(Fault("PATCH", here, answer=failure(409)))
    try:
        stage.release("1", "2")
        stage.review()
        wait_until(lambda: conflict.hits >= 8, "it has tried some times", 20)
        first, last = (proxy.requests("PATCH", here)[index].at for index in (0, 7))
    finally:
        proxy.remove(conflict)
    assert last - first > 0.9
    assert stage.ended(seconds=40)["phase"] == "Promoted"
    assert behind.pid is not None


@pytest.mark.parametrize("how", [failure(429, SOON), failure(503), Lost.BEFORE], ids=["429", "503", "lost"])
def test_a_fault_when_it_starts_to_list_and_watch_delays_the_start(
    stage: Stage, operators: Operators, proxy: FaultProxy, how: Canned | Lost
) -> None:
    stage.release("1", "2")
    stage.review()
    faults = [proxy.add(fault("GET", path, how)) for path in (LIST, WATCH, LEASE)]
    try:
        with operators.own(kubeconfig=operators.kubeconfig_by(proxy.url)):
            assert stage.ended(seconds=40)["phase"] == "Promoted"
            wait_until(lambda: all(each.hits for each in faults), "every fault has struck")
    finally:
        for each in faults:
            proxy.remove(each)


def test_no_answer_to_a_write_that_was_done_is_seen_as_done(
    stage: Stage, operators: Operators, proxy: FaultProxy
) -> None:
    hold = threading.Event()
    with operators.own(kubeconfig=operators.kubeconfig_by(proxy.url)):
        late = proxy.add(Fault("PATCH", stage.namespace + THE_ACT, times=1, hold=hold))
        degraded_review(stage)
        wait_until(lambda: late.hits, "the rollback is on its way")
        assert stage.version() == "2"
        hold.set()
        assert stage.ended()["phase"] == "RolledBack"
        proxy.remove(late)
    assert proxy.count("PATCH", stage.namespace + THE_ACT) == 1
    assert json.loads(proxy.requests("PATCH", stage.namespace + THE_ACT)[0].body)[0]["op"] == "test"


def test_a_watch_that_falls_silent_is_given_up_and_a_new_review_is_still_taken(
    stage: Stage, operators: Operators, proxy: FaultProxy
) -> None:
    before = proxy.count("GET", WATCH)
    with operators.own(kubeconfig=operators.kubeconfig_by(proxy.url)):
        stage.release("1", "2")
        wait_until(lambda: proxy.count("GET", WATCH) > before, "it watches")
        stage.review("first")
        stage.ended(name="first")
        proxy.mute_watches()
        stage.review(source=False)
        # Nobody says anything for 70 s, kopf's measure of a dead watch: a living one has a bookmark every minute.
        assert stage.ended(seconds=90)["phase"] == "Promoted"


def test_credentials_that_are_refused_for_a_while_cost_a_delay(
    stage: Stage, operators: Operators, proxy: FaultProxy
) -> None:
    by_proxy = operators.kubeconfig_by(proxy.url)
    with environment(DRIFTREVIEW_LEASE_SECONDS="120"), operators.own(kubeconfig=by_proxy) as operator:
        stage.release("1", "2")
        wait_until(lambda: "holds the lease" in operator.log.read_text("utf-8"), "it works")
        refused = proxy.add(Fault("GET", WATCH, answer=failure(401)))
        proxy.cut()  # so that it watches anew

        def is_refused() -> bool:
            return refused.hits >= 3 or operator.exit_code is not None

        wait_until(is_refused, "its token is refused again and again")
        proxy.remove(refused)
        stage.review()

        def ended() -> bool:
            if operator.exit_code is not None:  # kopf may end over the watches that its new login closes,
                operators.restart(operator)  # and the kubelet starts it again
            return stage.status().get("phase") in TERMINAL

        wait_until(ended, "the review has ended", 180)
        assert stage.status()["phase"] == "Promoted"

"""SIGKILL at every write after a rollback: the next operator comes to the same end, and nothing is done twice."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

import pytest

from driftreview.bundle.contents import write
from driftreview.bundle.verify import prove
from lab.web import wait_until
from tests.integration.killing import ACT, Killer, essence, footprint
from tests.integration.operators import Operators
from tests.support.faultproxy import Fault, FaultProxy, Lost, Seen
from tests.support.stage import NAME, Stage, ago, condition, stepping, wire

pytestmark = pytest.mark.integration
RECOVERED = "RolledBack, recovery Recovered"


@pytest.fixture(scope="module")
def t0() -> datetime:
    return ago(minutes=20)


@pytest.fixture
def calm(stage: Stage, operators: Operators, t0: datetime) -> Iterator[Stage]:
    """What it comes to when nobody is killed."""
    with stage.another("calm") as calm:
        with operators.own():
            live(calm, t0, lambda holds, what: wait_until(holds, what, 90))
        yield calm


def begin(stage: Stage, t0: datetime) -> None:
    """A release that is rolled back at its first look, and is as it was since before that."""
    stage.release("1", "2")
    stage.source(resolution="10s")
    bad, over = stepping(t0), (t0 + timedelta(minutes=10)).timestamp()
    query = f"round({bad['query']} * (time() < bool {over:.0f}), 10)"  # the same whenever it is measured
    limit = bad | {"query": query, "kind": "Limit", "limits": {"alert": "150"}}
    limit.pop("margin")
    window = {"t0": wire(t0), "checkpoints": ["1m", "12m"], "warmup": "0s", "settle": "1s", "recovery": "20s"}
    stage.review(source=False, window=window, signals=[limit])


def reported(stage: Stage, about: str) -> bool:
    return bool(condition(stage.status(), "ReportWritten").get("message", "").startswith(f"{about}: "))


def live(stage: Stage, t0: datetime, wait: Callable[[Callable[[], bool], str], object]) -> None:
    """Rolled back and judged; then what was taken away returns, and in the end something else comes."""
    begin(stage, t0)
    wait(lambda: reported(stage, RECOVERED), "whether it helped is reported")
    for version, reason in (("2", "Returned"), ("3", "NewRevision")):
        stage.release(version)
        stage.api.merge("DriftReview", NAME, stage.namespace, {"metadata": {"labels": {"look": version}}})
        wait(partial(reported, stage, f"{RECOVERED}, {reason}"), f"{reason} is reported")


def dies(killer: Killer, proxy: FaultProxy, stage: Stage) -> None:
    """The operator, after each write from the patch of the target on; what is written again then gets through.

    Killed before a write, it leaves what it leaves when it is killed after the one before: that is done but once, where
    the answers of Prometheus are lost. And not after it said that a report is there, as nothing is begun then.
    """
    met: set[tuple[str, str, int]] = set()
    stored, reported = 0, False

    def strike(seen: Seen) -> bool:
        nonlocal stored, reported
        if not proxy.count("PATCH", stage.namespace + ACT):
            return False
        write = seen.method, seen.path, stored
        says_so, reported = reported and "/status" in seen.path, "/configmaps" in seen.path
        is_new = write not in met and not says_so
        met.add(write)
        stored += "/status" in seen.path
        if is_new:
            killer.kill(seen)
        return is_new

    where = f"/namespaces/{stage.namespace}/"
    proxy.add(Fault("POST", f"{where}driftsnapshots", skip=2, times=1, lost=Lost.BEFORE, call=killer.kill))
    writes = f"{where}(driftreviews/[^/]+/status|driftsnapshots|configmaps)"
    proxy.add(Fault("POST|PATCH", writes, lost=Lost.AFTER, call=strike))


def test_killed_at_each_write_after_a_rollback_it_comes_to_the_same_end(
    stage: Stage, calm: Stage, operators: Operators, api_proxy: FaultProxy, t0: datetime
) -> None:
    with operators.own(kubeconfig=operators.kubeconfig_by(api_proxy.url)) as operator:
        killer = Killer(operators, operator)
        dies(killer, api_proxy, stage)
        live(stage, t0, killer.until)
    assert len(killer.deaths) >= 9, killer.deaths
    assert footprint(stage) == footprint(calm)
    assert essence(stage) == essence(calm)
    assert api_proxy.count("PATCH", stage.namespace + ACT) == 1
    assert [each.spec.checkpoint for each in stage.snapshots()] == ["T0", "1m", "Recovery"]
    proof = prove(write(stage.read(), stage.api.list("DriftSnapshot", stage.namespace)))
    assert (proof.chained, proof.judged) == (3, 2)

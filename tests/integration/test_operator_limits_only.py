"""Releases that nothing can be compared with, on a real API server: the first one, and one made during an incident."""

from typing import Any

import pytest

from lab.install import OperatorProcess
from tests.support.canary import CANARY, STABLE, TARGET, rollout, tracked
from tests.support.stage import APPROVED, NAME, Raw, Stage, ago, condition, deployment, steady, stepping, verdicts, wire

pytestmark = pytest.mark.integration

FIRST = "nothing of the target ran before this release"
AT_ONCE = {"t0": None, "backdated": None, "warmup": "0s", "settle": "1s", "checkpoints": ["1m"]}
WELL = steady() | {"limits": {"alert": "150"}}
"""At 100 ms, before T0 as well: that it is compared with none of it, its margin shows."""


def ill(above: str) -> Raw:
    """A signal whose baseline is over its own limit, and whose alert limit is such."""
    return steady() | {"limits": {"baseline": "90", "alert": above}}


def released(stage: Stage, name: str, **spec: Any) -> None:
    """The first release of a Deployment, and its review."""
    stage.apply(deployment("1", name=name))
    stage.rolled_out(name)
    stage.review(name, source=False, target={"name": name}, window=AT_ONCE, **spec)


def test_first_releases_are_judged_by_their_limits_and_there_is_nothing_to_go_back_to(
    stage: Stage, operator: OperatorProcess
) -> None:
    stage.source(resolution="10s")
    released(stage, "well", signals=[WELL, steady("other")])
    released(stage, "worse", signals=[stepping(ago(seconds=5)) | {"limits": {"alert": "150"}}])
    released(stage, "unlimited", signals=[steady()])

    early = stage.until(lambda status: status.get("baseline"), "T0 is frozen", name="well")
    assert early["target"]["firstRelease"] is True
    assert f"judged by limits only: {FIRST}" in early["summary"]
    assert f"judged by limits only: {FIRST}" in condition(early, "BaselineCaptured")["message"]
    (lacks,) = (each for each in early["preflight"] if each["name"] == "FirstRelease")
    assert lacks["message"] == f"{FIRST}, and these have no limit: spec.signals[1] (other)"
    told = stage.until(lambda status: status.get("baseline"), "T0 is frozen", name="unlimited")
    assert "no enforced signal has a limit, so that every look will be Inconclusive" in told["summary"]

    status = stage.ended(100, name="well")
    assert (status["phase"], verdicts(status)) == ("Promoted", ["Pass"])
    assert status["checkpoints"][0]["message"].startswith("by limits only: 1 of 2 enforced signals pass, 1 without")
    assert status["checkpoints"][0]["message"].endswith(FIRST)
    assert stage.deployment("well")["metadata"]["annotations"][APPROVED] == status["judged"]["templateHash"]

    status = stage.until(lambda found: found.get("decision"), "it is decided", 30, name="worse")
    assert status["decision"]["recommendation"] == "REJECT"
    assert status["decision"]["message"].startswith("T0+1m: by limits only: latency is Degraded: 200 ms is beyond")
    status = stage.ended(30, name="worse")
    assert "it cannot be rolled back: no earlier revision was kept at T0 (first release" in status["summary"]
    assert "act" not in status
    assert stage.deployment("worse")["metadata"]["generation"] == 1

    status = stage.until(lambda found: found.get("progress") == "1/1", "it is judged", 30, name="unlimited")
    assert verdicts(status) == ["Inconclusive"]
    assert "act" not in status
    assert {each.spec.limits_only for each in stage.snapshots() if not each.spec.previous_hash} == {FIRST}
    assert operator.pid is not None


def test_a_first_release_that_drifts_is_taken_back_by_taking_its_pods_away(
    stage: Stage, operator: OperatorProcess
) -> None:
    stage.source(resolution="10s")
    stage.roll_out(tracked("1", STABLE), tracked("1", CANARY))
    since = ago(seconds=5)
    limited = stepping(since) | {"limits": {"alert": "150"}, "control": 'latency_ms{replica="a"}'}
    present = {"name": "heartbeat", "kind": "Presence", "query": 'latency_ms{replica="b"}', "for": "1m"}
    signals = [limited, present]
    released(stage, "emptied", signals=signals, rollout={"firstRelease": "ScaleToZero"})
    stage.review(CANARY, source=False, target=TARGET, window=AT_ONCE, signals=signals, rollout=rollout())

    early = stage.until(lambda status: status.get("baseline"), "T0 is frozen", name="emptied")
    told = condition(early, "RollbackPossible")
    assert (told["status"], told["message"].partition(" until ")[0]) == ("True", "to no pods")
    assert "a drift cannot be rolled back" not in early["summary"]

    for name in ("emptied", CANARY):
        status = stage.ended(100, name=name)
        assert (status["phase"], verdicts(status)) == ("RolledBack", ["Drift"])
        assert status["decision"]["message"].startswith("T0+1m: by limits only: latency is Degraded: 200 ms is beyond")
        assert status["summary"].startswith("rolled back to no pods: ")
        assert (status["act"]["do"], status["act"]["replicas"], "previous" in status) == ("Scale", 0, False)
        assert stage.deployment(name)["spec"]["replicas"] == 0
        assert condition(status, "StaysBack")["status"] == "True"
    assert stage.deployment(STABLE)["spec"]["replicas"] == 1
    assert operator.pid is not None


def test_a_release_over_a_sick_t0_is_neither_rolled_back_for_it_nor_promoted(
    stage: Stage, operator: OperatorProcess
) -> None:
    stage.release("1", "2")
    stage.review(signals=[ill("150"), steady("other")])
    why = "something was amiss already when it was released: latency (100 ms is beyond limits.baseline 90 ms)"
    status = stage.until(lambda found: found.get("progress") == "3/3", "it is judged")
    assert f"judged by limits only: {why}" in condition(status, "BaselineCaptured")["message"]
    assert verdicts(status) == ["Hold"] * 3
    assert "100 ms is beyond limits.baseline 90 ms, as its baseline was: 100 ms" in status["checkpoints"][-1]["message"]
    assert stage.snapshots()[0].spec.limits_only == why
    assert "act" not in status
    assert stage.version() == "2"
    assert operator.pid is not None


def test_a_release_that_ends_an_incident_is_promoted_by_its_limits(stage: Stage, operator: OperatorProcess) -> None:
    t0 = ago(minutes=30)
    mends = ill("150") | {"query": f'latency_ms{{replica="a"}} - 50 * (time() > bool {t0.timestamp():.0f})'}
    stage.release("1", "2")
    stage.review(window={"t0": wire(t0)}, signals=[mends])
    status = stage.ended()
    assert (status["phase"], verdicts(status)) == ("Promoted", ["Pass"] * 3)
    assert status["checkpoints"][-1]["message"].startswith("by limits only: all enforced signals (1) pass; ")
    assert condition(stage.status(NAME), "Ready")["status"] == "True"
    assert operator.pid is not None

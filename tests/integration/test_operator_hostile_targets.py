"""What editors of a namespace can do to a target: it is bounded, told, and leads to no act on what never ran."""

import time
from datetime import datetime, timedelta

import pytest

from lab.install import OperatorProcess
from lab.web import wait_until
from tests.support.stage import Stage, ago, condition, deployment, steady, stepping, wire

pytestmark = pytest.mark.integration
NUMBER = "deployment.kubernetes.io/revision"
DURING = "driftreview.dev/rejected-during"


def test_a_replica_set_made_after_the_rollout_is_not_what_ran_before_it(
    stage: Stage, operator: OperatorProcess
) -> None:
    target = stage.release("1", "2")
    time.sleep(7)  # of these five for clocks that differ
    forged = deployment("9")["spec"]
    forged["selector"]["matchLabels"]["pod-template-hash"] = "forged"
    forged["template"]["metadata"]["labels"]["pod-template-hash"] = "forged"
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": target["metadata"]["uid"]}
    metadata = {
        "name": "web-forged",
        "labels": forged["template"]["metadata"]["labels"],
        "annotations": {NUMBER: "99"},
        "ownerReferences": [owner | {"controller": True}],
    }
    kind = {"apiVersion": "apps/v1", "kind": "ReplicaSet"}
    stage.api.create(kind | {"metadata": metadata, "spec": forged | {"replicas": 0}}, stage.namespace)
    wait_until(lambda: stage.replica_sets()["2"]["metadata"]["annotations"][NUMBER] == "100", "what runs is numbered")
    t0 = ago(minutes=30)
    stage.review(window={"t0": wire(t0)}, signals=[stepping(t0)])
    status = stage.ended()
    assert (status["phase"], stage.version()) == ("RolledBack", "1")
    assert status["previous"]["images"] == [{"container": "app", "image": "example.org/web:1"}]
    assert operator.pid is not None


def annotated(stage: Stage, *stretches: tuple[datetime, datetime] | str) -> dict[str, str]:
    """Claim that a rejected release ran then; returns the target part of the review's status."""
    stage.release("1", "2")
    words = [each if isinstance(each, str) else "/".join(map(wire, each)) for each in stretches]
    stage.api.merge("Deployment", "web", stage.namespace, {"metadata": {"annotations": {DURING: ",".join(words)}}})
    stage.review(signals=[steady()], window={"t0": wire(ago(minutes=30)), "checkpoints": ["6h"]})
    target: dict[str, str] = stage.until(lambda found: found.get("baseline"), "the baseline is frozen")["target"]
    return target


def test_a_stretch_that_cannot_be_ours_does_not_move_the_baseline(stage: Stage, operator: OperatorProcess) -> None:
    endless = "0001-01-01T00:00:00+00:00/9999-12-31T23:59:59+00:00"
    target = annotated(stage, endless, (ago(minutes=40), ago(hours=-1)))
    t0 = datetime.fromisoformat(stage.status()["t0"])
    assert target["historyEndsAt"] == wire(t0 - timedelta(minutes=1))
    assert "history ends" not in condition(stage.status(), "BaselineCaptured")["message"]
    assert operator.pid is not None


def test_a_baseline_that_was_moved_says_so(stage: Stage, operator: OperatorProcess) -> None:
    start = ago(minutes=50)
    assert annotated(stage, (start, ago(minutes=40)))["historyEndsAt"] == wire(start)
    why = f"its history ends at {wire(start)}, before the time in which a rejected release ran"
    assert why in condition(stage.status(), "BaselineCaptured")["message"]
    assert operator.pid is not None


def test_a_target_that_is_too_large_is_named_and_accepted_once_it_is_smaller(
    stage: Stage, operator: OperatorProcess
) -> None:
    large = deployment("1")
    large["spec"] |= {"paused": True}  # or it would have pods as large
    large["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "A"}] * 125_000
    stage.apply(large)
    stage.review(window={"t0": None, "warmup": "0s"})
    message = stage.refused("TargetTooLarge")
    assert f"/namespaces/{stage.namespace}/deployments/web has 1" in message
    assert message.endswith("bytes as JSON, more than the 1500000 that are read")
    stage.apply(deployment("1") | {"spec": deployment("1")["spec"] | {"paused": False}})
    stage.until(lambda found: found.get("baseline"), "it has started", 30)
    assert operator.pid is not None

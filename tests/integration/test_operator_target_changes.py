"""What happens to the target during a review, by rollouts, people, deletion: never an act on anything unjudged."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from lab.install import OperatorProcess
from lab.web import wait_until
from tests.integration.operators import Operators
from tests.support.faultproxy import Fault, FaultProxy
from tests.support.stage import APPROVED, THE_ACT, Stage, ago, condition, deployment, steady, stepping, wire

pytestmark = pytest.mark.integration
"""Not its rehearsal, which is a dry run."""
SOON = 54
"""T0 lies so many seconds back that the first look, a minute after it, is due in a few."""


def waiting(**spec: Any) -> dict[str, Any]:
    """A review whose looks are all to come."""
    return {"window": {"t0": wire(ago(minutes=5)), "checkpoints": ["6h"]}, **spec}


def bad(**window: Any) -> dict[str, Any]:
    t0 = ago(minutes=30)
    return {"window": {"t0": wire(t0)} | window, "signals": [stepping(t0)]}


@pytest.fixture
def watched(stage: Stage, operator: OperatorProcess) -> Stage:
    """A release whose review has its baseline and waits for the first look."""
    stage.release("1", "2")
    stage.review(**waiting())
    stage.until(lambda status: status.get("baseline"), "the baseline is frozen")
    assert operator.pid is not None
    return stage


def test_a_review_applied_during_the_rollout_starts_when_it_is_over(stage: Stage, operator: OperatorProcess) -> None:
    stage.release("1")
    broken = deployment("2")
    broken["spec"]["template"]["spec"]["nodeSelector"] = {"there-is": "none"}
    stage.apply(broken)
    stage.review(window={"t0": None, "warmup": "0s"})
    status = stage.until(lambda found: "waits for web" in found.get("summary", ""), "it waits")
    assert (status["phase"], status.get("t0")) == ("Pending", None)
    stage.apply(deployment("3") | {})
    stage.api.merge(
        "Deployment", "web", stage.namespace, {"spec": {"template": {"spec": {"nodeSelector": {"there-is": None}}}}}
    )
    stage.rolled_out()
    status = stage.until(lambda found: found.get("baseline"), "it has started", 20)
    assert status["judged"]["images"] == [{"container": "app", "image": "example.org/web:3"}]
    assert status["t0"] == status["target"]["rolledOutAt"]
    assert operator.pid is not None


def test_a_review_of_a_failing_rollout_says_so_and_starts_once_it_is_mended(
    stage: Stage, operator: OperatorProcess
) -> None:
    stage.release("1")
    broken = deployment("2")
    broken["spec"] |= {"progressDeadlineSeconds": 2, "minReadySeconds": 1}
    broken["spec"]["template"]["spec"]["nodeSelector"] = {"there-is": "none"}
    stage.apply(broken)
    stage.review(window={"t0": None, "warmup": "0s"})
    status = stage.until(lambda found: condition(found, "Stalled").get("reason") == "RolloutFailed", "it says so", 25)
    assert status["phase"] == "Pending"
    stage.api.merge(
        "Deployment", "web", stage.namespace, {"spec": {"template": {"spec": {"nodeSelector": {"there-is": None}}}}}
    )
    stage.until(lambda found: found.get("baseline"), "it has started", 25)
    assert operator.pid is not None


def test_a_scale_up_is_no_new_revision(watched: Stage) -> None:
    watched.api.merge("Deployment", "web", watched.namespace, {"spec": {"replicas": 3}})
    watched.rolled_out()
    before = watched.status()
    watched.touch()
    wait_until(lambda: watched.read()["metadata"]["resourceVersion"], "it was looked at")
    assert watched.status()["phase"] == before["phase"] == "Watching"


def test_a_new_revision_supersedes_the_review_and_nothing_is_done(watched: Stage) -> None:
    before = watched.release("3")
    watched.touch()
    status = watched.ended()
    assert (status["phase"], condition(status, "Reconciling")["reason"]) == ("Superseded", "NewRevision")
    assert "act" not in status
    assert watched.deployment()["metadata"]["generation"] == before["metadata"]["generation"]
    assert APPROVED not in watched.deployment()["metadata"]["annotations"]


def test_going_back_by_hand_supersedes_the_review(watched: Stage) -> None:
    before = watched.release("1")
    watched.touch()
    status = watched.ended()
    assert status["phase"] == "Superseded"
    assert watched.deployment()["metadata"]["generation"] == before["metadata"]["generation"]


def test_applying_the_judged_template_again_changes_nothing(watched: Stage) -> None:
    watched.apply(deployment("2"))
    watched.touch()
    edited = watched.read()["metadata"]["generation"]
    watched.until(lambda status: status["observedGeneration"] == edited, "it was looked at")
    assert watched.status()["phase"] == "Watching"


@pytest.mark.parametrize("again", [False, True])
def test_a_target_that_was_deleted_or_made_anew_supersedes_the_review(watched: Stage, *, again: bool) -> None:
    watched.api.delete("Deployment", "web", watched.namespace)
    wait_until(lambda: watched.api.find("Deployment", "web", watched.namespace) is None, "the target is gone")
    if again:
        watched.release("2")
    watched.touch()
    status = watched.ended()
    assert (status["phase"], condition(status, "Reconciling")["reason"]) == ("Superseded", "TargetReplaced")
    if again:
        assert APPROVED not in watched.deployment()["metadata"]["annotations"]


def test_a_paused_target_is_not_rolled_back_until_it_is_resumed_and_then_once(
    stage: Stage, operator: OperatorProcess
) -> None:
    stage.release("1", "2")
    stage.source(resolution="10s")
    t0 = ago(seconds=SOON)
    stage.review(source=False, window={"t0": wire(t0), "checkpoints": ["1m"]}, signals=[stepping(t0)])
    stage.until(lambda status: status.get("baseline"), "the baseline is frozen")
    stage.api.merge("Deployment", "web", stage.namespace, {"spec": {"paused": True}})
    status = stage.until(lambda found: found.get("decision"), "the drift is found")
    assert (status["phase"], condition(status, "Stalled")["reason"]) == ("Holding", "TargetPaused")
    assert (stage.version(), "act" in status) == ("2", False)
    assert status["rollback"]["check"]["held"] == "TargetPaused"
    stage.api.merge("Deployment", "web", stage.namespace, {"spec": {"paused": False}})
    stage.touch()
    assert stage.ended()["phase"] == "RolledBack"
    assert stage.replica_sets()["1"]["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
    assert operator.pid is not None


@pytest.mark.parametrize("change", ["template", "scale", "recreated"])
def test_a_rollback_on_its_way_does_not_hit_a_target_that_changed_meanwhile(
    stage: Stage, operators: Operators, api_proxy: FaultProxy, change: str
) -> None:
    stage.release("1", "2")
    hold = threading.Event()
    held = api_proxy.add(Fault("PATCH", stage.namespace + THE_ACT, times=1, hold=hold))
    with operators.own(kubeconfig=operators.kubeconfig_by(api_proxy.url)):
        stage.review(**bad())
        wait_until(lambda: held.hits, "the rollback is on its way")
        if change == "template":
            expected = stage.release("3")
        elif change == "scale":
            stage.api.merge("Deployment", "web", stage.namespace, {"spec": {"replicas": 2}})
        else:
            stage.api.delete("Deployment", "web", stage.namespace)
            wait_until(lambda: stage.api.find("Deployment", "web", stage.namespace) is None, "the target is gone")
            expected = stage.release("2")
        hold.set()
        status = stage.ended()
    if change == "scale":  # still what was judged: done at the second try, on the newer generation
        assert (status["phase"], stage.version()) == ("RolledBack", "1")
        assert stage.deployment()["spec"]["replicas"] == 2
        assert api_proxy.count("PATCH", stage.namespace + THE_ACT) == 2
    else:
        assert status["phase"] == "Superseded"
        after = stage.deployment()
        assert after["metadata"]["generation"] == expected["metadata"]["generation"]
        assert after["spec"] == expected["spec"]


def test_an_approval_on_its_way_does_not_mark_a_target_that_changed_meanwhile(
    stage: Stage, operators: Operators, api_proxy: FaultProxy
) -> None:
    stage.release("1", "2")
    hold = threading.Event()
    held = api_proxy.add(Fault("PATCH", stage.namespace + THE_ACT, times=1, hold=hold))
    with operators.own(kubeconfig=operators.kubeconfig_by(api_proxy.url)):
        stage.review(signals=[steady()], window={"t0": wire(ago(minutes=30) + timedelta(seconds=1))})
        wait_until(lambda: held.hits, "the approval is on its way")
        stage.release("3")
        hold.set()
        assert stage.ended()["phase"] == "Superseded"
    assert APPROVED not in stage.deployment()["metadata"]["annotations"]

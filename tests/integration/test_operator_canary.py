"""Canaries with the real deployment controller: what the stable workload is given, and what is left of a bad one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lab.install import OperatorProcess
from tests.support.canary import CANARY, STABLE, TARGET, autoscaled, rollout, tracked
from tests.support.cluster import Api
from tests.support.stage import APPROVED, Raw, Stage, ago, condition, stepping, verdicts, wire

pytestmark = pytest.mark.integration


def reviewed(stage: Stage, rolled_out: Raw | None = None, **spec: Any) -> None:
    stage.review(target=TARGET, rollout=rolled_out or rollout(), **spec)


def bad() -> dict[str, Any]:
    """A drift at the first look."""
    t0 = ago(minutes=30)
    return {"window": {"t0": wire(t0)}, "signals": [stepping(t0)]}


def pod_labels(workload: Raw) -> Raw:
    labels: Raw = workload["spec"]["template"]["metadata"]["labels"]
    return labels


def images(workload: Raw) -> dict[str, str]:
    return {each["name"]: each["image"] for each in workload["spec"]["template"]["spec"]["containers"]}


def steps(status: Raw) -> list[Raw]:
    found: list[Raw] = status.get("act", {}).get("steps", [])
    return found


class TestPromoted:
    def test_the_stable_workload_takes_the_pod_template_and_when_its_pods_run_the_canary_rests(
        self, stage: Stage, operator: OperatorProcess
    ) -> None:
        before = stage.roll_out(tracked("1", STABLE, 2, sidecar=True, minReadySeconds=4))
        new = tracked("2", CANARY)
        new["spec"]["template"]["metadata"] |= {"annotations": {"example.org/team": "shop"}}
        stage.roll_out(tracked("1", CANARY), new)
        reviewed(stage)
        status = stage.until(lambda found: any("appliedAt" in each for each in steps(found)), "the stable is given it")
        assert (status["phase"], condition(status, "Ready")["status"]) == ("Promoting", "False")
        assert "promoting, step 1 of 2: Deployment" in status["summary"]
        assert stage.deployment(CANARY)["spec"]["replicas"] == 1, "the canary serves until the stable pods run"
        status = stage.ended(60)
        assert status["phase"] == "Promoted"
        assert f"is approved; given to Deployment {stage.namespace}/web: " in status["summary"]

        canary, stable = stage.deployment(CANARY), stage.deployment(STABLE)
        assert (images(stable), canary["spec"]["replicas"]) == ({"app": "example.org/web:2"}, 0)
        assert pod_labels(stable) == {"app": STABLE, "track": STABLE, "version": "2"}
        template, taken = (each["spec"]["template"] for each in (canary, stable))
        assert (taken["spec"], taken["metadata"]["annotations"]) == (template["spec"], {"example.org/team": "shop"})
        assert stable["spec"] == before["spec"] | {"template": taken}, "nothing else was changed"
        assert canary["metadata"]["annotations"][APPROVED] == status["judged"]["templateHash"]

        given, rests = steps(status)
        assert (given["do"], given["name"], given["uid"]) == ("GiveTemplate", STABLE, stable["metadata"]["uid"])
        assert (rests["do"], rests["name"], rests["replicas"]) == ("Scale", CANARY, 0)
        assert rests["uid"] == canary["metadata"]["uid"] == status["act"]["targetUid"]
        moments = [
            status["act"]["appliedAt"],
            *(each[name] for each in (given, rests) for name in ("appliedAt", "completedAt")),
        ]
        assert moments == sorted(moments)
        assert status["act"]["completedAt"] >= moments[-1]
        assert operator.pid is not None

    def test_only_the_images_are_given_and_the_canary_keeps_its_resting_size(
        self, stage: Stage, operator: OperatorProcess
    ) -> None:
        stage.roll_out(tracked("1", STABLE, sidecar=True), tracked("1", CANARY, 3), tracked("2", CANARY, 3))
        reviewed(stage, rollout(stable={"name": STABLE, "takes": "Images"}, restingSize=1))
        status = stage.ended(60)
        assert (status["phase"], [each["do"] for each in steps(status)]) == ("Promoted", ["GiveImages", "Scale"])
        stable = stage.deployment(STABLE)
        assert images(stable) == {"app": "example.org/web:2", "proxy": "example.org/proxy:1"}
        assert pod_labels(stable)["version"] == "1", "no more than the images"
        assert stage.deployment(CANARY)["spec"]["replicas"] == 1
        assert operator.pid is not None

    def test_what_autoscalers_own_is_not_scaled(self, stage: Stage, operator: OperatorProcess) -> None:
        stage.roll_out(tracked("1", STABLE, 3), tracked("1", CANARY, 2), tracked("2", CANARY, 2))
        autoscaled(stage, STABLE, 3)
        autoscaled(stage, CANARY, 2)
        reviewed(stage, rollout(restingSize=1))
        status = stage.ended(60)
        assert (status["phase"], [each["do"] for each in steps(status)]) == ("Promoted", ["GiveTemplate"])
        assert stage.version(STABLE) == "2"
        assert [stage.deployment(each)["spec"]["replicas"] for each in (STABLE, CANARY)] == [3, 2]
        assert operator.pid is not None

    def test_a_canary_that_is_the_first_of_its_workload_is_given_on_as_well(
        self, stage: Stage, operator: OperatorProcess
    ) -> None:
        stage.roll_out(tracked("1", STABLE), tracked("2", CANARY))
        reviewed(stage)
        status = stage.ended(60)
        assert (status["phase"], verdicts(status)) == ("Promoted", ["Pass"] * 3)
        assert (stage.version(STABLE), "previous" in status) == ("2", False)
        assert operator.pid is not None


class TestRolledBack:
    def test_it_has_no_pods_any_more_and_whoever_brings_them_back_is_told(
        self, stage: Stage, operator: OperatorProcess
    ) -> None:
        before = stage.roll_out(tracked("1", STABLE))
        stage.roll_out(tracked("1", CANARY), tracked("2", CANARY, 2))
        review = bad()
        reviewed(stage, window=review["window"] | {"recovery": "1m"}, signals=review["signals"])
        status = stage.ended(40)
        assert (status["phase"], condition(status, "Ready")["reason"]) == ("RolledBack", "SignalDegraded")
        assert status["summary"].startswith("rolled back to no pods: ")
        canary, stable = stage.deployment(CANARY), stage.deployment(STABLE)
        assert (canary["spec"]["replicas"], canary["status"].get("replicas", 0)) == (0, 0)
        assert stage.version(CANARY) == "2", "its pod template is left"
        assert stable["metadata"]["generation"] == before["metadata"]["generation"]
        assert (status["act"]["do"], status["act"]["replicas"]) == ("Scale", 0)
        recovered = condition(status, "Recovered")
        assert (recovered["status"], recovered["reason"]) == ("Unknown", "ScaledToZero")
        assert "no pods are left" in recovered["message"]
        assert condition(status, "StaysBack")["status"] == "True"
        stage.api.merge("Deployment", CANARY, stage.namespace, {"spec": {"replicas": 1}})
        status = stage.until(lambda found: condition(found, "StaysBack")["status"] == "False", "it is seen", 60)
        told = condition(status, "StaysBack")
        assert told["reason"] == "Returned"
        assert "or scale it to zero" in told["message"]
        assert stage.deployment(CANARY)["spec"]["replicas"] == 1, "it is told, not fought"
        assert operator.pid is not None

    def test_where_git_owns_it_whoever_scales_it_to_zero_there_has_taken_it_back(
        self, stage: Stage, operator: OperatorProcess
    ) -> None:
        stage.roll_out(tracked("1", STABLE), tracked("1", CANARY), tracked("2", CANARY))
        tracking = f"shop:apps/Deployment:{stage.namespace}/{CANARY}"
        notes = {"annotations": {"argocd.argoproj.io/tracking-id": tracking}}
        stage.api.merge("Deployment", CANARY, stage.namespace, {"metadata": notes})
        reviewed(stage, **bad())
        status = stage.until(lambda found: found.get("decision"), "the drift is found", 40)
        assert "and would undo it: scale it to zero in Git before " in status["rollback"]["message"]
        assert ("act" in status, stage.deployment(CANARY)["spec"]["replicas"]) == (False, 1)
        stage.api.merge("Deployment", CANARY, stage.namespace, {"spec": {"replicas": 0}})
        status = stage.ended(40)
        assert (status["phase"], status["act"]["do"], stage.version(CANARY)) == ("RolledBack", "Scale", "2")
        assert "rolled back to no pods by field manager" in status["summary"]
        assert operator.pid is not None

    def test_where_an_autoscaler_owns_its_pods_it_gets_its_previous_template(
        self, stage: Stage, operator: OperatorProcess
    ) -> None:
        stage.roll_out(tracked("1", STABLE), tracked("1", CANARY, 2), tracked("2", CANARY, 2))
        autoscaled(stage, CANARY, 2)
        reviewed(stage, **bad())
        status = stage.ended(60)
        assert (status["phase"], status["act"]["do"]) == ("RolledBack", "PutBack")
        assert (stage.version(CANARY), stage.deployment(CANARY)["spec"]["replicas"]) == ("1", 2)
        assert operator.pid is not None

    def test_of_a_first_one_that_an_autoscaler_owns_it_is_said_that_that_must_go_and_then_it_is_done(
        self, stage: Stage, operator: OperatorProcess
    ) -> None:
        stage.roll_out(tracked("1", STABLE), tracked("2", CANARY))
        autoscaled(stage, CANARY)
        reviewed(stage, **bad())
        status = stage.until(lambda found: found.get("decision"), "the drift is found", 40)
        told = condition(status, "RollbackPossible")
        assert (status["phase"], told["status"], told["reason"]) == ("Holding", "False", "OwnedByAutoscaler")
        assert "HorizontalPodAutoscaler web-canary owns the number of pods" in told["message"]
        assert ("act" in status, stage.deployment(CANARY)["spec"]["replicas"]) == (False, 1)
        stage.api.delete("HorizontalPodAutoscaler", CANARY, stage.namespace)
        assert stage.ended(40)["phase"] == "RolledBack"
        assert stage.deployment(CANARY)["spec"]["replicas"] == 0
        assert operator.pid is not None


@contextmanager
def unlisted(api: Api) -> Iterator[None]:
    """The operator may list no HorizontalPodAutoscalers."""
    roles = [api.get("ClusterRole", f"driftreview-{each}") for each in ("judge", "actor")]
    for each in roles:
        rules = [rule for rule in each["rules"] if "horizontalpodautoscalers" not in rule.get("resources", [])]
        assert len(rules) < len(each["rules"])
        api.merge("ClusterRole", each["metadata"]["name"], "", {"rules": rules})
    try:
        yield
    finally:
        for each in roles:
            api.merge("ClusterRole", each["metadata"]["name"], "", {"rules": each["rules"]})


class TestAnAutoscalerThatNobodyKnowsOf:
    """Whether there is one may not be known: that is not taken for none."""

    def test_holds_the_promotion_until_it_may_be_known(self, stage: Stage, operator: OperatorProcess) -> None:
        stage.roll_out(tracked("1", STABLE), tracked("1", CANARY, 2), tracked("2", CANARY, 2))
        autoscaled(stage, CANARY, 2)
        with unlisted(stage.api):
            reviewed(stage)
            status = stage.until(lambda found: condition(found, "Stalled").get("status") == "True", "it is held", 60)
            told = condition(status, "Stalled")
            assert (status["phase"], told["reason"], "act" in status) == ("Holding", "ScalingUnknown", False)
            assert "the operator may not read it" in told["message"]
            assert "let the operator list horizontalpodautoscalers in the namespace" in told["message"]
            assert stage.version(STABLE) == "1"
        status = stage.ended(60)
        assert (status["phase"], [each["do"] for each in steps(status)]) == ("Promoted", ["GiveTemplate"])
        assert (stage.version(STABLE), stage.deployment(CANARY)["spec"]["replicas"]) == ("2", 2)
        assert operator.pid is not None

    def test_keeps_no_rollback_back_where_there_is_a_previous_template(
        self, stage: Stage, operator: OperatorProcess
    ) -> None:
        stage.roll_out(tracked("1", STABLE), tracked("1", CANARY), tracked("2", CANARY))
        with unlisted(stage.api):
            reviewed(stage, **bad())
            status = stage.ended(60)
        assert (status["phase"], status["act"]["do"], stage.version(CANARY)) == ("RolledBack", "PutBack", "1")
        assert operator.pid is not None

    def test_of_a_first_one_holds_the_rollback_and_says_what_to_do(
        self, stage: Stage, operator: OperatorProcess
    ) -> None:
        stage.roll_out(tracked("1", STABLE), tracked("2", CANARY))
        with unlisted(stage.api):
            reviewed(stage, **bad())
            status = stage.until(lambda found: found.get("decision"), "the drift is found", 60)
            told = condition(status, "RollbackPossible")
            assert (status["phase"], told["status"], told["reason"]) == ("Holding", "False", "ScalingUnknown")
            assert "let the operator list horizontalpodautoscalers" in told["message"]
            assert stage.deployment(CANARY)["spec"]["replicas"] == 1
        assert stage.ended(60)["phase"] == "RolledBack"
        assert stage.deployment(CANARY)["spec"]["replicas"] == 0
        assert operator.pid is not None

"""Rollouts that were paused on the way to be reviewed: the new pods are judged, then all get there, or none stays."""

from typing import Any

import pytest

from lab import Lab
from lab.install import OperatorProcess
from lab.web import wait_until
from tests.support.stage import APPROVED, Raw, Stage, ago, condition, deployment, steady, stepping, wire
from tests.support.workloads import NODES, room

pytestmark = pytest.mark.integration
PAUSED = {"type": "Paused"}
WEB = "deployment/web"
AT_ONCE = {"t0": None, "backdated": None, "warmup": "0s", "settle": "1s", "checkpoints": ["6h"]}
"""T0 is when the new pods are there; the look is far."""


def replicated(version: str, **spec: Any) -> Raw:
    """A Deployment of three pods that are replaced one by one."""
    document = deployment(version, 3)
    document["spec"] |= {"strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}, "minReadySeconds": 2}
    document["spec"] |= spec
    return document


def begun(stage: Stage, lab: Lab) -> None:
    """A new image is on its way."""
    lab.kubectl("set", "image", WEB, "app=example.org/web:2", "-n", stage.namespace)


def paused(stage: Stage, lab: Lab) -> None:
    """The rollout is paused when the first new pod is there."""
    wait_until(lambda: "2" in images(stage), "the first new pod is there")
    lab.kubectl("rollout", "pause", WEB, "-n", stage.namespace)

    def stands() -> bool:
        status = stage.deployment()["status"]
        return bool(status["replicas"] == status.get("availableReplicas"))

    wait_until(stands, "it stands still")


def half_way(stage: Stage, lab: Lab, **spec: Any) -> Raw:
    """Some pods run version 2, some version 1; returns the Deployment."""
    stage.roll_out(replicated("1", **spec))
    begun(stage, lab)
    paused(stage, lab)
    return stage.deployment()


def images(stage: Stage) -> list[str]:
    """The version of each pod."""
    pods = [each for each in stage.api.list("Pod", stage.namespace) if "deletionTimestamp" not in each["metadata"]]
    return sorted(each["spec"]["containers"][0]["image"].rpartition(":")[2] for each in pods)


def look(stage: Stage) -> None:
    """Have the operator look at the review now instead of within a minute."""
    stage.touch()


def test_one_that_passes_is_approved_and_resumed_in_one_patch_and_followed_until_all_pods_run(
    stage: Stage, operator: OperatorProcess, lab_session: Lab
) -> None:
    before = half_way(stage, lab_session)
    assert set(images(stage)) == {"1", "2"}
    stage.review(rollout=PAUSED)
    status = stage.until(lambda found: "appliedAt" in found.get("act", {}), "it is resumed", 40)
    assert (status["phase"], status["act"]["do"]) == ("Promoting", "Approve")
    assert f"the rollout of {status['judged']['name']} goes on: " in status["summary"]
    status = stage.ended(60)
    assert (status["phase"], images(stage)) == ("Promoted", ["2"] * 3)
    target = stage.deployment()
    assert target["metadata"]["annotations"][APPROVED] == status["judged"]["templateHash"]
    assert target["metadata"]["generation"] == before["metadata"]["generation"] + 1, "one patch"
    assert target["spec"].get("paused", False) is False
    assert status["act"]["completedAt"] > status["act"]["appliedAt"]
    assert operator.pid is not None


def test_only_the_pods_of_the_release_are_judged(stage: Stage, operator: OperatorProcess, lab_session: Lab) -> None:
    half_way(stage, lab_session)
    signal = steady() | {"query": 'latency_ms{replica="a"} unless on () missing{pod=~"${pods}"}'}
    stage.review(rollout=PAUSED, signals=[signal])
    status = stage.until(lambda found: found.get("progress") == "3/3", "it is judged", 40)
    looks = [each.spec for each in stage.snapshots() if each.spec.previous_hash]
    old, new = (status[each]["name"] for each in ("previous", "judged"))
    assert len(looks) == 3
    assert all(new in each.signals[0].query and old not in each.signals[0].query for each in looks)
    assert operator.pid is not None


def test_it_starts_when_the_first_new_pods_are_there_and_goes_on_when_somebody_resumes_it(
    stage: Stage, operator: OperatorProcess, lab_session: Lab
) -> None:
    stage.roll_out(replicated("1"))
    lab_session.kubectl("rollout", "pause", WEB, "-n", stage.namespace)
    begun(stage, lab_session)
    stage.review(rollout=PAUSED, window=AT_ONCE)
    waits = "waits for web: its rollout is paused with 0 of 3 pods updated"
    status = stage.until(lambda found: waits in found.get("summary", ""), "it waits for a new pod")
    assert (status["phase"], status.get("t0"), images(stage)) == ("Pending", None, ["1"] * 3)
    lab_session.kubectl("rollout", "resume", WEB, "-n", stage.namespace)
    paused(stage, lab_session)
    status = stage.until(lambda found: found.get("baseline"), "T0 is frozen", 60)
    assert status["judged"]["images"] == [{"container": "app", "image": "example.org/web:2"}]
    told = condition(status, "RollbackPossible")
    assert (told["status"], told["reason"]) == ("True", "Possible"), "that it is paused hinders nothing"
    t0 = status["t0"]
    lab_session.kubectl("rollout", "resume", WEB, "-n", stage.namespace)
    wait_until(lambda: images(stage) == ["2"] * 3, "somebody resumed it", 40)
    look(stage)
    status = stage.until(lambda found: found["rollback"]["check"]["generation"] > 3, "it is looked at again")
    assert (status["phase"], status["t0"], status["rollback"]["possible"]) == ("Watching", t0, True)
    assert operator.pid is not None


def test_one_that_drifts_gets_its_previous_template_and_goes_on_in_one_patch(
    stage: Stage, operator: OperatorProcess, lab_session: Lab
) -> None:
    before, t0 = half_way(stage, lab_session), ago(minutes=30)
    stage.review(rollout=PAUSED, window={"t0": wire(t0)}, signals=[stepping(t0)])
    status = stage.ended(60)
    assert (status["phase"], status["act"]["do"]) == ("RolledBack", "PutBack")
    target = stage.deployment()
    assert (images(stage), target["spec"].get("paused", False)) == (["1"] * 3, False)
    assert target["metadata"]["generation"] == before["metadata"]["generation"] + 1, "one patch"
    assert operator.pid is not None


def test_a_resumed_rollout_that_passes_its_progress_deadline_ends_the_promotion(
    stage: Stage, operator: OperatorProcess, lab_session: Lab
) -> None:
    template = deployment("1")["spec"]["template"]
    template["spec"]["nodeSelector"] = NODES
    with room(stage.api):
        half_way(stage, lab_session, template=template, progressDeadlineSeconds=5)
    assert set(images(stage)) == {"1", "2"}
    stage.review(rollout=PAUSED)
    status = stage.ended(60)
    assert (status["phase"], condition(status, "Ready")["reason"]) == ("Failed", "PromotionIncomplete")
    assert "is approved and its rollout was resumed, but its pods were not all there" in status["summary"]
    assert "passed its progress deadline" in status["summary"]
    assert operator.pid is not None

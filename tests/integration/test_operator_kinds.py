"""StatefulSets and DaemonSets under review, with their own controllers: what a Deployment has, and what it has not."""

import shlex
from typing import Any

import pytest

from lab import Lab
from lab.web import wait_until
from tests.support.stage import APPROVED, Stage, ago, assert_chained, condition, deployment, stepping, verdicts, wire
from tests.support.workloads import KINDS, PODS, Kind, workload

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("operator")]
ON_DELETE = {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}}


@pytest.fixture(params=KINDS)
def web(request: pytest.FixtureRequest, stage: Stage) -> Kind:
    return Kind(stage, request.param)


@pytest.fixture
def stateful(stage: Stage) -> Kind:
    return Kind(stage, "StatefulSet")


def bad() -> dict[str, Any]:
    t0 = ago(minutes=30)
    return {"window": {"t0": wire(t0)}, "signals": [stepping(t0)]}


def test_a_release_that_passes_is_promoted(web: Kind) -> None:
    web.release("1", "2")
    revisions = web.revisions()
    web.review(inventory={})
    status = web.stage.ended(60)
    assert status["phase"] == "Promoted"
    assert verdicts(status) == ["Pass"] * 3
    assert status["judged"]["name"] == revisions["2"]["metadata"]["name"]
    assert status["previous"]["uid"] == revisions["1"]["metadata"]["uid"]
    assert web.read()["metadata"]["annotations"][APPROVED] == status["judged"]["templateHash"]
    snapshots = web.stage.snapshots()
    assert_chained(snapshots)
    pinned, facts = snapshots[0].spec.previous, snapshots[0].spec.facts
    assert pinned is not None
    assert pinned.template["metadata"]["labels"]["version"] == "1"
    assert "$patch" not in pinned.template
    assert facts is not None
    assert facts.deployment is not None
    count = PODS[web.kind]
    counted = facts.deployment
    assert (counted.desired, counted.updated, counted.available, counted.pods) == (count,) * 4
    assert counted.pod_template_hash == status["judged"]["name"].removeprefix("web-")
    assert facts.inventory is not None
    assert [(each.kind, each.judged, each.ready) for each in facts.inventory.services] == [(web.kind, True, count)]


def test_a_release_that_drifts_is_rolled_back_with_its_pods_and_its_revision_taken_up_again(web: Kind) -> None:
    web.release("1", "2")
    before = web.revisions()
    web.review(**bad())
    status = web.stage.ended(120)
    assert (status["phase"], condition(status, "Ready")["reason"]) == ("RolledBack", "SignalDegraded")
    assert web.version() == "1"
    web.runs("1")
    after = web.revisions()
    assert {each["metadata"]["uid"] for each in after.values()} == {each["metadata"]["uid"] for each in before.values()}
    assert after["1"]["revision"] > before["2"]["revision"]
    assert status["previous"]["uid"] == after["1"]["metadata"]["uid"]


def test_what_was_put_back_is_no_release_and_what_was_taken_away_is_not_gone_back_to(web: Kind) -> None:
    web.release("1", "2")
    web.review(**bad())
    assert web.stage.ended(120)["phase"] == "RolledBack"
    web.stage.review("again", source=False, target=web.target, window={"t0": None, "warmup": "0s"})
    waits = web.stage.until(lambda found: found.get("summary"), "it is looked at", name="again")["summary"]
    assert "was put back by a rollback and is no release" in waits
    web.release("3")
    web.look("again")
    status = web.stage.until(lambda found: found.get("baseline") or found.get("t0"), "it has T0", 90, name="again")
    assert status["previous"]["name"] == web.revisions()["1"]["metadata"]["name"]


def test_a_review_applied_during_the_rollout_starts_when_every_pod_is_updated(web: Kind) -> None:
    web.release("1")
    web.apply("2", minReadySeconds=5)
    web.review(window={"t0": None, "warmup": "0s", "backdated": None})
    status = web.stage.until(lambda found: "waits for web" in found.get("summary", ""), "it waits")
    assert (status["phase"], status.get("t0")) == ("Pending", None)
    web.runs("2")
    done = wire(ago(seconds=0))
    status = web.stage.until(lambda found: found.get("baseline"), "it has started", 60)
    assert status["t0"] == status["target"]["rolledOutAt"] <= done
    assert "rolledOut" not in status, "only while T0 is waited for"


@pytest.mark.parametrize("kind", KINDS)
def test_that_people_must_delete_the_pods_is_said_and_how_it_goes_on(stage: Stage, kind: str, lab_session: Lab) -> None:
    web = Kind(stage, kind)
    web.release("1")
    web.apply("2", **ON_DELETE)
    web.review(window={"t0": None, "warmup": "0s", "backdated": None})
    status = stage.until(lambda found: condition(found, "Stalled").get("reason") == "UpdateOnDelete", "it is said", 30)
    count = PODS[kind]
    said = condition(status, "Stalled")["message"]
    assert said.startswith(f"waits for web: 0 of {count} pods are updated; its updateStrategy is OnDelete")
    command = said.rpartition(": kubectl ")[2]
    assert command == (
        f"patch {kind.lower()}/web -n {stage.namespace} "
        """-p '{"spec":{"updateStrategy":{"type":"RollingUpdate"}}}'"""
    )
    lab_session.kubectl(*shlex.split(command))
    web.runs("2")
    status = stage.until(lambda found: found.get("baseline"), "it has started", 60)
    assert condition(status, "RollbackPossible")["status"] == "True"


def test_a_rollback_waits_until_it_can_reach_the_pods(web: Kind) -> None:
    web.release("1", "2")
    web.stage.api.merge(web.kind, "web", web.stage.namespace, {"spec": ON_DELETE})
    web.review(**bad())
    status = web.stage.in_phase("Holding", seconds=60)
    assert condition(status, "RollbackPossible")["reason"] == status["rollback"]["check"]["held"] == "UpdateOnDelete"
    assert "act" not in status
    assert web.version() == "2"
    rolling = {"updateStrategy": {"type": "RollingUpdate"}}
    web.stage.api.merge(web.kind, "web", web.stage.namespace, {"spec": rolling})
    web.look()
    assert web.stage.ended(120)["phase"] == "RolledBack"
    assert web.versions() == ["1"] * PODS[web.kind]


def test_a_partition_is_said_before_t0_and_keeps_from_rolling_back(stateful: Kind) -> None:
    stage = stateful.stage
    stateful.release("1")
    stateful.apply("2", updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 2}})
    stateful.review(window={"t0": None, "warmup": "0s", "backdated": None, "checkpoints": ["6h"]})
    status = stage.until(
        lambda found: condition(found, "Stalled").get("reason") == "UpdatePartitioned", "it is said", 40
    )
    assert "1 of 3 pods are updated; its updateStrategy.rollingUpdate.partition is 2" in status["summary"]
    whole = {"updateStrategy": {"rollingUpdate": {"partition": 0}}}
    stage.api.merge("StatefulSet", "web", stage.namespace, {"spec": whole})
    stateful.runs("2")
    stage.until(lambda found: condition(found, "RollbackPossible").get("status") == "True", "it has started", 60)
    part = {"updateStrategy": {"rollingUpdate": {"partition": 1}}}
    stage.api.merge("StatefulSet", "web", stage.namespace, {"spec": part})
    stateful.look()
    status = stage.until(lambda found: condition(found, "RollbackPossible")["status"] == "False", "it is not", 70)
    assert condition(status, "RollbackPossible")["reason"] == "UpdatePartitioned"
    assert "by which 1 of 3 pods keep the pod template" in condition(status, "RollbackPossible")["message"]


def test_a_pod_that_a_rollout_waits_for_in_vain_is_named_with_what_to_do(stateful: Kind, lab_session: Lab) -> None:
    stage = stateful.stage
    stateful.release("1")
    broken = workload("StatefulSet", "2")["spec"]["template"]
    broken["spec"]["nodeSelector"] = {"there-is": "none"}
    stateful.apply("2", template=broken)
    wait_until(lambda: stateful.versions() == ["1", "1", "2"], "a pod is broken", 40)
    mended = workload("StatefulSet", "3")["spec"]["template"]
    mended["spec"]["nodeSelector"] = None
    stateful.apply("3", template=mended)
    stateful.review(window={"t0": None, "warmup": "0s", "backdated": None})
    status = stage.until(lambda found: condition(found, "Stalled").get("reason") == "RolloutBlocked", "it is said", 40)
    command = condition(status, "Stalled")["message"].rpartition(": kubectl ")[2]
    assert command == f"delete pod web-2 -n {stage.namespace}"
    lab_session.kubectl(*shlex.split(command), "--wait=false")
    stateful.runs("3")
    stage.until(lambda found: found.get("baseline"), "it has started", 60)


def test_a_pod_that_a_rollback_waits_for_in_vain_is_named_with_what_to_do(stateful: Kind) -> None:
    stage = stateful.stage
    stateful.release("1", "2")
    stateful.review(window={"t0": wire(ago(minutes=5)), "checkpoints": ["6h"]})
    stage.until(lambda found: found.get("baseline"), "the baseline is frozen", 40)
    conditions = [
        each | ({"status": "False"} if each["type"] == "Ready" else {})
        for each in stage.api.get("Pod", "web-1", stage.namespace)["status"]["conditions"]
    ]
    stage.api.merge("Pod", "web-1", stage.namespace, {"status": {"conditions": conditions}}, "/status")
    ref = {"name": "web-2", "uid": stage.read()["metadata"]["uid"]}
    rejects = {
        "apiVersion": "driftreview.dev/v1alpha1",
        "kind": "DriftApproval",
        "metadata": {"name": "no"},
        "spec": {"reviewRef": ref, "by": "admin", "type": "Reject", "message": "its pods fail"},
    }
    stage.api.create(rejects, stage.namespace)
    status = stage.until(lambda found: "kubectl delete pod" in found.get("summary", ""), "it is said", 40)
    assert status["phase"] == "RollingBack"
    assert stateful.version() == "1"
    assert "it waits until web-1, of an older revision, is ready" in status["summary"]
    stage.api.delete("Pod", "web-1", stage.namespace)
    assert stage.ended(90)["phase"] == "RolledBack"
    assert stateful.versions() == ["1"] * 3


def test_a_rollout_of_somebody_else_supersedes_the_review(web: Kind) -> None:
    web.release("1", "2")
    web.review(window={"t0": wire(ago(minutes=5)), "checkpoints": ["6h"]})
    web.stage.until(lambda found: found.get("baseline"), "the baseline is frozen", 40)
    web.release("3")
    web.look()
    status = web.stage.ended(60)
    assert (status["phase"], condition(status, "Reconciling")["reason"]) == ("Superseded", "NewRevision")
    assert "act" not in status
    assert web.version() == "3"
    assert f"{web.kind} web was changed to {web.revisions()['3']['metadata']['name']}" in status["summary"]


def test_a_deployment_of_the_same_name_is_another_target(web: Kind) -> None:
    web.release("1", "2")
    web.stage.api.create(deployment("9", name="web") | {"metadata": {"name": "web"}}, web.stage.namespace)
    web.review(**bad())
    assert web.stage.ended(120)["phase"] == "RolledBack"
    assert web.stage.version() == "9"

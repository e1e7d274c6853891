"""After a rollback: whether it helped is judged, and what comes back is told and not fought."""

import json
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from typer.testing import CliRunner

from driftreview.bundle.contents import write
from driftreview.bundle.verify import prove
from driftreview.cli.app import app
from lab import Lab, PrometheusServer
from lab.install import OperatorProcess
from lab.web import Client, wait_until
from tests.integration.operators import Operators
from tests.support.cluster import Api, Raw
from tests.support.stage import NAME, Stage, ago, assert_chained, condition, deployment, steady, stepping, wire

pytestmark = pytest.mark.integration
WINDOW = {"checkpoints": ["1m", "12m"], "warmup": "20s", "settle": "1s", "recovery": "1m"}
"""Blocks of ten seconds, of which the recovery has six; what changes within the warm-up is in no window."""


def signals(kind: str, t0: datetime) -> list[Raw]:
    """Bad from T0 on; and once the rollback is done as it was, as bad as before, or without data."""
    changed = ago(seconds=-18).timestamp()
    bad = stepping(t0)
    if kind == "recovered":
        return [bad | {"query": f"{bad['query']} * (time() < bool {changed:.0f})"}]
    if kind == "unknown":
        return [bad | {"query": f"({bad['query']}) and on () (vector(time()) < {changed:.0f})"}]
    return [bad, steady("other")]


def begin(stage: Stage, kind: str, **window: str) -> None:
    """A release that is rolled back at its first look."""
    stage.release("1", "2")
    stage.source(resolution="10s")
    t0 = ago(minutes=30)
    stage.review(source=False, window=WINDOW | {"t0": wire(t0)} | window, signals=signals(kind, t0))


@pytest.fixture(scope="module")
def ends(operators: Operators, api: Api, metrics: PrometheusServer, lab_session: Lab) -> Iterator[dict[str, Stage]]:
    """Rollbacks, each with another recovery, judged by an operator that was killed in between."""
    kinds = ("recovered", "not-recovered", "unknown", "emptied")
    stages = {kind: Stage(api, f"{kind}-{uuid.uuid4().hex[:6]}", metrics.url) for kind in kinds}
    with operators.own() as operator:
        for kind, stage in stages.items():
            api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": stage.namespace}})
            begin(stage, kind)
        for stage in stages.values():
            assert stage.ended(60)["phase"] == "RolledBack"
        lab_session.kubectl("scale", "deployment/web", "--replicas=0", "-n", stages["emptied"].namespace)
        operator.kill()
        operators.restart(operator)
        for stage in stages.values():
            stage.until(lambda status: status["recovery"].get("verdict"), "the recovery is judged", 150)
            about = "RolledBack, recovery "
            stage.until(lambda found: condition(found, "ReportWritten")["message"].startswith(about), "and reported")  # noqa: B023
    yield stages
    for stage in stages.values():
        api.delete("Namespace", stage.namespace)


@pytest.mark.parametrize(
    ("kind", "verdict", "truth", "reason", "why"),
    [
        ("recovered", "Recovered", "True", "Recovered", "all enforced signals (1) pass"),
        ("not-recovered", "NotRecovered", "False", "NotRecovered", "latency is Degraded"),
        ("unknown", "Unknown", "Unknown", "NotEnoughEvidence", "latency is Missing"),
    ],
)
def test_the_time_after_a_rollback_is_judged_against_t0_and_the_phase_stays(
    ends: dict[str, Stage], kind: str, verdict: str, truth: str, reason: str, why: str
) -> None:
    status = ends[kind].status()
    recovery, recovered = status["recovery"], condition(status, "Recovered")
    assert (status["phase"], recovery["verdict"]) == ("RolledBack", verdict)
    assert (recovered["status"], recovered["reason"]) == (truth, reason)
    assert recovered["message"].startswith(why)
    assert why in status["summary"]
    due = datetime.fromisoformat(status["act"]["completedAt"]) + timedelta(seconds=80)
    assert datetime.fromisoformat(recovery["due"]) == due
    assert datetime.fromisoformat(recovery["judgedAt"]) > due
    assert condition(status, "StaysBack")["status"] == "True"
    assert condition(status, "Reconciling")["lastTransitionTime"] == status["act"]["completedAt"]


def test_of_what_is_scaled_to_zero_it_is_said_that_there_is_nothing_to_measure(ends: dict[str, Stage]) -> None:
    status = ends["emptied"].status()
    recovered, stays = condition(status, "Recovered"), condition(status, "StaysBack")
    assert (status["recovery"]["verdict"], recovered["reason"]) == ("Unknown", "ScaledToZero")
    assert recovered["message"].startswith("Deployment web is scaled to zero")
    assert recovered["message"].endswith(": there is nothing to measure")
    assert (stays["status"], stays["reason"]) == ("Unknown", "ScaledToZero")
    assert "snapshot" not in status["recovery"]


@pytest.mark.parametrize("kind", ["recovered", "not-recovered", "unknown"])
def test_its_evidence_is_the_last_of_the_chain_and_proved_offline(ends: dict[str, Stage], kind: str) -> None:
    stage = ends[kind]
    assert_chained(stage.snapshots())
    last = stage.snapshots()[-1].spec
    assert last.checkpoint == "Recovery"
    assert last.judged.template_hash == stage.status()["previous"]["templateHash"]
    raw = stage.api.list("DriftSnapshot", stage.namespace)
    proof = prove(write(stage.read(), raw))
    assert (proof.chained, proof.judged) == (3, 2)
    assert not [each for each in proof.notes if "no part of the chain" in each]
    report = stage.api.get("ConfigMap", "web-2-report", stage.namespace)["data"]["review.md"]
    assert "After the Rollback" in report
    assert f"Recovered: {condition(stage.status(), 'Recovered')['status']}" in report


def test_what_was_rolled_back_and_is_applied_again_is_told_within_a_minute_and_not_fought(
    stage: Stage, operators: Operators, lab_session: Lab
) -> None:
    with operators.own() as operator:
        begin(stage, "recovered", recovery="0s")
        status = stage.ended(60)
        assert (condition(status, "StaysBack")["status"], "recovery" in status) == ("True", False)
        patch = json.dumps({"spec": {"template": deployment("2")["spec"]["template"]}})
        where = ("deployment", "web", "-n", stage.namespace, "--type=merge", "--field-manager=pipeline")
        applied = ago()
        lab_session.kubectl("patch", *where, "-p", patch)
        stage.rolled_out()
        before = stage.deployment()
        status = stage.until(lambda found: condition(found, "StaysBack")["status"] == "False", "it is told", 60)
        assert (status["phase"], condition(status, "StaysBack")["reason"]) == ("RolledBack", "Returned")
        assert datetime.fromisoformat(condition(status, "StaysBack")["lastTransitionTime"]) - applied <= timedelta(
            minutes=1
        )
        message = condition(status, "StaysBack")["message"]
        assert "applied by field manager pipeline (Update) at 20" in message
        assert "or apply the pod template of web-" in message
        assert "runs again, see StaysBack" in status["summary"]
        wait_until(lambda: "Returned: " in operator.log.read_text("utf-8"), "it is logged, right after it was written")
        assert "driftreview_returns_total 1.0" in Client(operator.url).request("GET", "/metrics")[1]
        operator.kill()
        operators.restart(operator)
        touched_after_restart(stage)
        assert stage.version() == "2"
        assert stage.deployment()["metadata"]["generation"] == before["metadata"]["generation"], "nothing was done"
        stage.release("1")
        look(stage)
        back = stage.until(lambda found: condition(found, "StaysBack")["status"] == "True", "it went away", 60)
        assert back["aftermath"] == status["aftermath"], "when it was first seen is kept"
        assert status["aftermath"]["returnedAt"] in condition(back, "StaysBack")["message"]
        stage.release("3")
        look(stage)
        last = stage.until(lambda found: "endedAt" in found["aftermath"], "it is looked at no more", 60)
        assert (condition(last, "StaysBack")["status"], condition(last, "StaysBack")["reason"]) == (
            "Unknown",
            "NewRevision",
        )
        assert last["phase"] == "RolledBack"


def look(stage: Stage) -> None:
    """Have the operator look at the review now instead of within half a minute."""
    stage.api.merge("DriftReview", NAME, stage.namespace, {"metadata": {"labels": {"look": uuid.uuid4().hex}}})


def touched_after_restart(stage: Stage) -> None:
    """Have the review looked at, and wait until that was done."""
    labels = {"metadata": {"labels": {"look": uuid.uuid4().hex}}, "spec": {"suspend": True}}
    generation = stage.api.merge("DriftReview", "web-2", stage.namespace, labels)["metadata"]["generation"]
    stage.until(lambda status: status["observedGeneration"] == generation, "it was looked at", 40)
    assert condition(stage.status(), "StaysBack")["status"] == "False"


def test_a_target_that_is_deleted_is_looked_at_no_more(stage: Stage, operator: OperatorProcess) -> None:
    begin(stage, "recovered")
    assert stage.ended(60)["phase"] == "RolledBack"
    stage.api.delete("Deployment", "web", stage.namespace)
    look(stage)
    status = stage.until(lambda found: "endedAt" in found["aftermath"], "it is looked at no more", 60)
    assert condition(status, "StaysBack")["reason"] == "TargetReplaced"
    assert (status["recovery"]["verdict"], condition(status, "Recovered")["reason"]) == ("Unknown", "TargetReplaced")
    assert operator.pid is not None


def test_it_is_rolled_back_only_when_the_restored_pods_run_and_until_then_it_says_what_is_amiss(
    stage: Stage, operator: OperatorProcess, lab_session: Lab
) -> None:
    node = next(iter(stage.api.list("Node")))["metadata"]["name"]
    label = f"lab.driftreview.dev/{stage.namespace}"
    lab_session.kubectl("label", "node", node, f"{label}=here")
    old = deployment("1")
    old["spec"]["template"]["spec"]["nodeSelector"] = {label: "here"}
    stage.apply(old)
    stage.rolled_out()
    new = deployment("2")
    new["spec"]["template"]["spec"]["nodeSelector"] = {label: None}
    stage.apply(new)
    stage.rolled_out()
    lab_session.kubectl("label", "node", node, f"{label}-")
    stage.source(resolution="10s")
    t0 = ago(minutes=30)
    stage.review(source=False, window=WINDOW | {"t0": wire(t0), "recovery": "0s"}, signals=[stepping(t0)])
    status = stage.until(lambda found: "has no node" in found.get("summary", ""), "it says what is amiss", 60)
    assert status["phase"] == "RollingBack"
    restored, rejected = (status[each]["name"] for each in ("previous", "judged"))
    pods = f"0 of 1 pods of {restored} (restored) are ready; 1 of {rejected} (rejected) are still there: {rejected}-"
    assert f"rolling back to {restored}: {pods}" in status["summary"]
    assert "; waited for until " in status["summary"]
    told = CliRunner().invoke(app, ["report", NAME, "-n", stage.namespace, "--kubeconfig", str(lab_session.kubeconfig)])
    assert f"`kubectl get events -n {stage.namespace} --field-selector type=Warning`" in told.stdout
    lab_session.kubectl("label", "node", node, f"{label}=here")
    assert stage.ended(60)["phase"] == "RolledBack"
    owners = {each["metadata"]["ownerReferences"][0]["uid"] for each in running(stage)}
    assert owners == {stage.replica_sets()["1"]["metadata"]["uid"]}
    assert operator.pid is not None


def test_a_restored_pod_that_crashes_is_named_and_a_rollback_that_does_not_finish_is_a_failure(
    stage: Stage, operator: OperatorProcess
) -> None:
    stage.release("1", "2")
    stage.api.merge(
        "Deployment", "web", stage.namespace, {"spec": {"progressDeadlineSeconds": 8, "minReadySeconds": 4}}
    )
    t0 = ago(minutes=30)
    stage.source(resolution="10s")
    stage.review(source=False, window=WINDOW | {"t0": wire(t0), "recovery": "0s"}, signals=[stepping(t0)])
    stage.until(lambda found: found.get("act", {}).get("appliedAt"), "the template is back", 60)
    hash_ = stage.replica_sets()["1"]["metadata"]["labels"]["pod-template-hash"]
    restored = wait_until(
        lambda: [each for each in running(stage) if each["metadata"]["labels"]["pod-template-hash"] == hash_], "a pod"
    )
    crash(stage, restored[0])
    status = stage.until(lambda found: "keeps crashing" in found.get("summary", ""), "it names the pod", 30)
    pod = restored[0]["metadata"]["name"]
    assert f"pod {pod}: container app keeps crashing (CrashLoopBackOff, Error 137, 4 restarts)" in status["summary"]
    status = stage.ended(120)
    assert (status["phase"], condition(status, "Stalled")["reason"]) == ("Failed", "RollbackIncomplete")
    assert f"kubectl get events -n {stage.namespace} --field-selector type=Warning" in status["summary"]
    told, name = condition(status, "StaysBack"), status["previous"]["name"]
    assert (told["status"], told["reason"]) == ("Unknown", "RollbackIncomplete")
    assert told["message"].startswith(f"Deployment web asks for {name} again, but not all of its pods run: ")
    assert "; 1 of 1 pods are of it, " in told["message"]
    stage.until(lambda found: condition(found, "ReportWritten")["message"].startswith("Failed, "), "it is reported", 30)
    report = stage.api.get("ConfigMap", "web-2-report", stage.namespace)["data"]
    assert "way-back.json" not in report, "its pod template is back"
    assert "Mend what keeps the pods from running that the rollback asks for again" in report["review.md"]
    stage.api.merge("Deployment", "web", stage.namespace, {"spec": {"replicas": 0}})
    look(stage)
    status = stage.until(lambda found: condition(found, "StaysBack")["reason"] == "ScaledToZero", "it is told", 40)
    assert condition(status, "StaysBack")["status"] == "Unknown"
    assert "; since then: Deployment web asks for " in status["summary"]
    assert condition(status, "Stalled")["status"] == "True"
    stage.api.merge("Deployment", "web", stage.namespace, {"spec": {"replicas": 1}})
    look(stage)
    status = stage.until(lambda found: condition(found, "StaysBack")["status"] == "True", "it is mended by hand", 60)
    assert status["summary"].endswith(f"; since then: {name} runs")
    assert (status["phase"], condition(status, "Stalled")["status"]) == ("Failed", "False")
    assert operator.pid is not None


def crash(stage: Stage, pod: Raw) -> None:
    """Give a pod the status of one that keeps crashing."""
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    ended = {"terminated": {"exitCode": 137, "reason": "Error", "finishedAt": wire(ago(seconds=1))}}
    container = {
        "name": "app", "image": "example.org/web:1", "imageID": "", "ready": False, "restartCount": 4,
        "state": waiting, "lastState": ended,
    }  # fmt: skip
    conditions = [
        each | ({"status": "False"} if each["type"] in ("Ready", "ContainersReady") else {})
        for each in pod["status"]["conditions"]
    ]
    status = {"status": {"conditions": conditions, "containerStatuses": [container]}}
    stage.api.merge("Pod", pod["metadata"]["name"], stage.namespace, status, "/status")


def running(stage: Stage) -> list[Raw]:
    """The pods that are not on their way out and have a status."""
    found = stage.api.list("Pod", stage.namespace)
    return [
        each
        for each in found
        if "deletionTimestamp" not in each["metadata"] and each["status"].get("phase") == "Running"
    ]

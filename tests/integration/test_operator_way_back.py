"""The way back of a release: what hinders a rollback is known before it is needed, said, waited for, and then done."""

import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from lab import Lab
from lab.install import OperatorProcess
from lab.web import Client, wait_until
from tests.integration.operators import Operators
from tests.support.cluster import Raw
from tests.support.faultproxy import Fault, FaultProxy, failure
from tests.support.rights import granted
from tests.support.stage import Stage, ago, condition, deployment, stepping, wire

pytestmark = pytest.mark.integration
MARK = "driftreview.dev/irreversible"
NEEDED = {
    "ConfigMap": {"kind": "ConfigMap", "metadata": {"name": "needed"}},
    "Secret": {"kind": "Secret", "metadata": {"name": "needed"}, "stringData": {"token": "not to be seen"}},
    "ServiceAccount": {"kind": "ServiceAccount", "metadata": {"name": "needed"}},
    "PersistentVolumeClaim": {
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "needed"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "",
            "resources": {"requests": {"storage": "1Mi"}},
        },
    },
}
NEEDING: dict[str, Raw] = {
    "ConfigMap": {"volumes": [{"name": "data", "configMap": {"name": "needed"}}]},
    "Secret": {"volumes": [{"name": "data", "secret": {"secretName": "needed"}}]},
    "ServiceAccount": {"serviceAccountName": "needed"},
    "PersistentVolumeClaim": {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "needed"}}]},
}


def drifting(**parts: Any) -> dict[str, Any]:
    """A review that finds a drift at its first look."""
    t0 = ago(minutes=30)
    return {"window": {"t0": wire(t0)}, "signals": [stepping(t0)], **parts}


def watching(**parts: Any) -> dict[str, Any]:
    """A review whose looks are all to come."""
    return {"window": {"t0": wire(ago(minutes=5)), "checkpoints": ["6h"]}, **parts}


def found(status: Raw) -> Raw:
    """What the last look at the way back found."""
    check: Raw = status.get("rollback", {}).get("check", {})
    return check


def hindered(stage: Stage, reason: str, seconds: float = 20) -> Raw:
    """Wait until a rollback is said not to be possible for this reason."""

    def so(status: Raw) -> bool:
        told = condition(status, "RollbackPossible")
        return bool(told and (told["status"], told["reason"]) == ("False", reason))

    return stage.until(so, f"no rollback is possible, {reason}", seconds)


def waits(stage: Stage, reason: str) -> Raw:
    """Wait until a decided rollback waits for what hinders it; nothing was done."""
    status = stage.until(lambda found: found.get("decision"), "the drift is found")
    assert (status["phase"], condition(status, "Stalled")["reason"]) == ("Holding", reason)
    assert (stage.version(), "act" in status) == ("2", False)
    return status


@contextmanager
def policy(stage: Stage, expression: str) -> Iterator[None]:
    """A cluster that refuses Deployments of this namespace unless the expression holds."""
    name, group = f"lab-{stage.namespace[-12:].strip('-')}", "admissionregistration.k8s.io/v1"
    rule = {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "operations": ["UPDATE"],
        "resources": ["deployments"],
    }
    selector = {"matchLabels": {"kubernetes.io/metadata.name": stage.namespace}}
    validation = {"expression": expression, "message": "images must come from the new registry"}
    documents: list[Raw] = [
        {
            "apiVersion": group,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "matchConstraints": {"resourceRules": [rule], "namespaceSelector": selector},
                "validations": [validation],
            },
        },
        {
            "apiVersion": group,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        },
    ]
    for each in documents:
        stage.api.create(each)
    try:
        yield
    finally:
        for each in documents:
            stage.api.delete(each["kind"], name)


NOT_THE_OLD = "object.spec.template.metadata.labels.version != '1'"


def refuses_the_old(stage: Stage) -> None:
    """Wait until a policy is heeded: the API server takes a moment."""
    name = f"/apis/apps/v1/namespaces/{stage.namespace}/deployments/web?dryRun=All"
    patch = {"spec": {"template": {"metadata": {"labels": {"version": "1"}}}}}
    kind = "application/merge-patch+json"
    wait_until(lambda: stage.api.ask("PATCH", name, patch, kind).status == 422, "the policy is heeded")


@pytest.mark.parametrize("kind", list(NEEDED))
def test_what_the_previous_pods_need_and_is_not_there_is_waited_for(
    stage: Stage, operator: OperatorProcess, kind: str
) -> None:
    needed, old = {"apiVersion": "v1", **NEEDED[kind]}, deployment("1")
    old["spec"]["template"]["spec"] |= NEEDING[kind]
    with ExitStack() as rights:
        if kind == "Secret":
            rights.enter_context(granted(stage.api, "secrets", stage.namespace))
        if kind != "PersistentVolumeClaim":  # nothing provides one here, and pods would wait for it
            stage.api.create(needed, stage.namespace)
            stage.apply(old)
            stage.rolled_out()
        else:
            stage.apply(old)
        new = deployment("2")
        new["spec"]["template"]["spec"] |= {"volumes": None, "serviceAccountName": None, "serviceAccount": None}
        stage.apply(new)
        stage.rolled_out()
        stage.api.delete(kind, "needed", stage.namespace)
        wait_until(lambda: stage.api.find(kind, "needed", stage.namespace) is None, "it is gone")
        stage.review(**drifting())
        status = waits(stage, "DependencyMissing")
        message = condition(status, "RollbackPossible")["message"]
        assert f"{kind} needed, without which no pod of web-" in message
        assert status["rollback"]["possible"] is False
        stage.api.create(needed, stage.namespace)
        if kind == "PersistentVolumeClaim":
            wait_until(lambda: stage.version() == "1", "it is rolled back", 40)
        else:
            assert stage.ended(40)["phase"] == "RolledBack"
    assert operator.pid is not None


@pytest.mark.parametrize("on", ["target", "template"])
def test_what_is_marked_as_irreversible_is_not_rolled_back_until_the_mark_is_taken_off(
    stage: Stage, operator: OperatorProcess, on: str
) -> None:
    stage.release("1")
    document, mark = deployment("2"), {MARK: "drops the column orders.legacy"}
    if on == "template":
        document["spec"]["template"]["metadata"]["annotations"] = mark
    stage.apply(document)
    stage.rolled_out()
    if on == "target":
        stage.api.merge("Deployment", "web", stage.namespace, {"metadata": {"annotations": mark}})
    stage.review(**drifting())
    status = waits(stage, "Irreversible")
    assert "(drops the column orders.legacy)" in status["summary"]
    if on == "target":
        stage.api.merge("Deployment", "web", stage.namespace, {"metadata": {"annotations": {MARK: None}}})
        assert stage.ended(40)["phase"] == "RolledBack"
    assert operator.pid is not None


def test_a_policy_that_refuses_the_old_template_is_known_at_t0_and_nothing_is_changed(
    stage: Stage, operator: OperatorProcess, lab_session: Lab
) -> None:
    before = stage.release("1", "2")
    offset = lab_session.audit_log.stat().st_size
    with policy(stage, NOT_THE_OLD):
        refuses_the_old(stage)
        stage.review(**watching())
        status = hindered(stage, "RollbackRefused")
        assert found(status)["rehearsal"]["outcome"] == "Refused"
        assert "images must come from the new registry" in status["rollback"]["message"]
        assert (
            "a drift could not be rolled back now"
            in stage.until(
                lambda now: now["phase"] == "Watching" and "rolled back now" in now["summary"], "the summary says it"
            )["summary"]
        )
        assert stage.deployment()["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
        done = [
            each
            for each in lab_session.audited(offset)
            if each["verb"] == "patch"
            and each["objectRef"].get("namespace") == stage.namespace
            and each["objectRef"]["resource"] == "deployments"
            and "serviceaccount" in each["user"]["username"]
        ]
        assert done
        assert all("dryRun=All" in each["requestURI"] for each in done)
    turns = r'driftreview_way_back_turns_total\{reason="RollbackRefused"\} [1-9]'
    assert re.search(turns, Client(operator.url).request("GET", "/metrics")[1])


def test_a_policy_that_refuses_the_rollback_is_waited_for(stage: Stage, operator: OperatorProcess) -> None:
    before = stage.release("1", "2")
    with policy(stage, NOT_THE_OLD):
        refuses_the_old(stage)
        stage.review(**drifting())
        waits(stage, "RollbackRefused")
        assert stage.deployment()["metadata"]["generation"] == before["metadata"]["generation"]
    assert stage.ended(40)["phase"] == "RolledBack"
    assert operator.pid is not None


def test_a_quota_a_budget_and_a_missing_right_are_risks_and_hold_nothing_up(
    stage: Stage, operator: OperatorProcess
) -> None:
    old = deployment("1", 2)
    old["spec"]["template"]["spec"]["containers"][0]["envFrom"] = [{"secretRef": {"name": "broker"}}]
    old["spec"]["strategy"] = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}}
    stage.apply(old)
    stage.rolled_out()
    new = deployment("2", 2)
    new["spec"]["template"]["spec"]["containers"][0]["envFrom"] = None
    stage.apply(new)
    stage.rolled_out()
    stage.api.create(
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": {"hard": {"pods": "2"}}},
        stage.namespace,
    )
    budget = {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}
    stage.api.create(
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "two"}, "spec": budget},
        stage.namespace,
    )

    def counted() -> bool:
        return bool(stage.api.get("ResourceQuota", "small", stage.namespace).get("status", {}).get("used"))

    wait_until(counted, "the quota is counted", 30)
    stage.review(**watching())
    risks = "\n".join(found(stage.until(found, "it was looked at"))["risks"])
    assert "ResourceQuota small has 0 of pods left" in risks
    assert "PodDisruptionBudget two allows 0 fewer now" in risks
    assert "not known (the operator may not read it): Secret broker" in risks
    assert stage.status()["rollback"]["possible"] is True
    assert operator.pid is not None


@pytest.mark.parametrize("status", [403, 500, 0])
def test_reads_that_are_refused_fail_or_hang_hold_no_rollback_up(
    stage: Stage, operators: Operators, api_proxy: FaultProxy, status: int
) -> None:
    old = deployment("1")
    old["spec"]["template"]["spec"]["containers"][0]["envFrom"] = [{"configMapRef": {"name": "settings"}}]
    stage.api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}, stage.namespace)
    stage.apply(old)
    stage.rolled_out()
    new = deployment("2")
    new["spec"]["template"]["spec"]["containers"][0]["envFrom"] = None
    stage.apply(new)
    stage.rolled_out()
    paths, hold = "configmaps/settings|resourcequotas|poddisruptionbudgets", threading.Event()
    fault = Fault(path=paths, answer=failure(status)) if status else Fault(path=paths + "|dryRun=All", hold=hold)
    try:
        with operators.own(kubeconfig=operators.kubeconfig_by(api_proxy.url), start=False) as operator:
            api_proxy.add(fault)
            if status == 500:
                api_proxy.add(Fault(path="dryRun=All", answer=failure(status)))
            operator.start()
            stage.review(**drifting())
            over = stage.ended(60)
    finally:
        hold.set()
    assert (over["phase"], stage.version()) == ("RolledBack", "1")
    assert fault.hits
    assert any("not known" in each for each in found(over)["risks"])


class TestWithoutHistory:
    """`revisionHistoryLimit: 0`: the cluster deletes what ran before as soon as the rollout is over."""

    def release(self, stage: Stage, version: str) -> None:
        document = deployment(version)
        document["spec"]["revisionHistoryLimit"] = 0
        stage.apply(document)
        stage.rolled_out()

    def rejected(self, stage: Stage) -> Raw:
        """A person rejects what is reviewed."""
        ref = {"name": "web-2", "uid": stage.read()["metadata"]["uid"]}
        document = {
            "apiVersion": "driftreview.dev/v1alpha1",
            "kind": "DriftApproval",
            "metadata": {"name": "no"},
            "spec": {"reviewRef": ref, "by": "admin", "type": "Reject", "message": "it is bad"},
        }
        stage.api.create(document, stage.namespace)
        return stage.ended()

    @pytest.mark.parametrize("applied", ["before", "during"])
    def test_a_review_that_was_there_before_the_rollout_was_over_goes_back(
        self, stage: Stage, operator: OperatorProcess, applied: str
    ) -> None:
        starts = {"t0": None, "backdated": None, "warmup": "0s", "checkpoints": ["6h"]}
        self.release(stage, "1")
        held = deployment("2")
        held["spec"]["template"]["spec"]["nodeSelector"] = {"there-is": "none"}
        if applied == "before":
            stage.api.merge("Deployment", "web", stage.namespace, {"spec": {"minReadySeconds": 0}})
            stage.review(window={**starts, "warmup": "1h"})
        else:
            stage.apply(held)
            stage.review(window=starts)
        assert len(stage.until(lambda status: status.get("kept"), "what runs is kept")["kept"]) == 1
        if applied == "before":
            stage.api.merge("DriftReview", "web-2", stage.namespace, {"spec": {"window": {"warmup": "0s"}}})
        else:
            no_selector = {"spec": {"template": {"spec": {"nodeSelector": {"there-is": None}}}}}
            stage.api.merge("Deployment", "web", stage.namespace, no_selector)
        self.release(stage, "2")
        status = stage.until(lambda found: found.get("baseline"), "T0 is frozen", 40)
        assert list(stage.replica_sets()) == ["2"], "the cluster kept nothing"
        assert status["rollback"]["possible"] is True
        assert status["previous"]["images"] == [{"container": "app", "image": "example.org/web:1"}]
        assert status["kept"] == []
        status = self.rejected(stage)
        assert (status["phase"], stage.version()) == ("RolledBack", "1")
        assert operator.pid is not None

    def test_a_review_that_came_later_says_that_there_is_nothing_to_go_back_to_and_what_to_do(
        self, stage: Stage, operator: OperatorProcess
    ) -> None:
        self.release(stage, "1")
        self.release(stage, "2")
        stage.review(**watching())
        message = hindered(stage, "NoPreviousRevision")["rollback"]["message"]
        assert "spec.revisionHistoryLimit of the target is 0" in message
        assert "apply the next review before its release, or set revisionHistoryLimit to 2" in message
        assert operator.pid is not None

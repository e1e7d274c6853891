"""What the real API server answers to writes that come too late or are not allowed, and what is made of it."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from driftreview.adapters.errors import ChangedError, ClusterError, ExistsError, NotFoundError, RefusedError
from driftreview.adapters.kubernetes import CONFIG_MAPS, DEPLOYMENTS, REVIEWS, SNAPSHOTS, Cluster
from lab import Lab
from lab.install import OperatorProcess
from lab.web import wait_until
from tests.integration.operators import Operators
from tests.support.cluster import JSON_PATCH, Api, Raw, path
from tests.support.faultproxy import PATCH_FAILED, failure
from tests.support.stage import NAME, Stage, ago, condition, deployment, stepping, wire

pytestmark = pytest.mark.integration
STALE = {"op": "test", "path": "/metadata/resourceVersion", "value": "1"}
OLD = {"op": "test", "path": "/metadata/generation", "value": 99}
ACTOR = "driftreview-actor"


@pytest.fixture
def cluster(lab_session: Lab) -> Cluster:
    return Cluster(lab_session.kubeconfig)


@pytest.fixture
def reviewed(stage: Stage) -> Stage:
    stage.release("1")
    stage.review()
    return stage


def refusal(cluster: Cluster, *arguments: Any, **options: Any) -> ClusterError:
    with pytest.raises(ClusterError) as caught:
        cluster.patch(*arguments, **options)
    return caught.value


def degraded() -> Raw:
    t0 = ago(minutes=30)
    return {"window": {"t0": wire(t0)}, "signals": [stepping(t0)]}


@pytest.mark.parametrize(
    ("kind", "sub", "test"), [(REVIEWS, "status", STALE), (DEPLOYMENTS, "", OLD), (DEPLOYMENTS, "", STALE)]
)
def test_a_failed_test_in_a_patch_means_that_the_object_changed(
    cluster: Cluster, reviewed: Stage, kind: Any, sub: str, test: Raw
) -> None:
    name = NAME if kind is REVIEWS else "web"
    change = {"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}
    assert isinstance(refusal(cluster, kind, name, [test, change], reviewed.namespace, sub), ChangedError)


@pytest.mark.parametrize(
    ("kind", "sub", "change"),
    [
        (REVIEWS, "status", {"op": "add", "path": "/status", "value": {"phase": "Nonsense"}}),
        (REVIEWS, "status", {"op": "add", "path": "/status", "value": {"unheardOf": 1}}),
        (DEPLOYMENTS, "", {"op": "replace", "path": "/spec/template/spec/containers", "value": []}),
        (DEPLOYMENTS, "", {"op": "replace", "path": "/spec/selector/matchLabels/app", "value": "other"}),
        (DEPLOYMENTS, "", {"op": "replace", "path": "/spec/template/spec/containers", "value": "none"}),
    ],
)
def test_what_no_schema_allows_is_refused_for_good(
    cluster: Cluster, reviewed: Stage, kind: Any, sub: str, change: Raw
) -> None:
    name = NAME if kind is REVIEWS else "web"
    assert isinstance(refusal(cluster, kind, name, [change], reviewed.namespace, sub), RefusedError)


def test_a_second_snapshot_of_one_name_exists_and_a_stale_write_is_a_change(
    cluster: Cluster, reviewed: Stage, operator: OperatorProcess
) -> None:
    reviewed.ended()
    stored = reviewed.api.list("DriftSnapshot", reviewed.namespace)[0]
    body = {key: value for key, value in stored.items() if key != "metadata"}
    body["metadata"] = {"name": stored["metadata"]["name"]}
    with pytest.raises(ExistsError):
        cluster.create(SNAPSHOTS, body | {"apiVersion": stored["apiVersion"]}, reviewed.namespace)
    deployment = reviewed.deployment()
    reviewed.api.merge("Deployment", "web", reviewed.namespace, {"metadata": {"labels": {"new": "label"}}})
    with pytest.raises(ChangedError):
        cluster.replace(DEPLOYMENTS, "web", deployment, reviewed.namespace)
    assert operator.pid is not None


def test_our_made_up_failures_have_the_shape_of_real_ones(reviewed: Stage) -> None:
    api, where = reviewed.api, path("Deployment", reviewed.namespace, "web")
    stale = reviewed.deployment()
    stale["metadata"]["resourceVersion"] = "1"
    changed = api.ask("PUT", where, stale)
    failed = api.ask("PATCH", where, [OLD], JSON_PATCH)
    assert (changed.status, failed.status) == (409, 422)
    shape = ("kind", "apiVersion", "metadata", "status", "reason", "code")
    for answer in (changed, failed):
        ours = json.loads(failure(answer.status).body)
        assert {key: ours[key] for key in shape} == {key: answer.document[key] for key in shape}
    assert failed.document["message"] == PATCH_FAILED
    assert not failed.document.get("details")


def test_nothing_can_be_made_in_a_namespace_that_is_being_deleted_and_that_is_no_missing_right(
    cluster: Cluster, stage: Stage, lab_session: Lab
) -> None:
    name = f"{stage.namespace}-2"[-63:].strip("-")
    lab_session.kubectl("create", "namespace", name)
    kept: Raw = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "kept", "finalizers": ["example.org/kept"]},
    }
    cluster.create(CONFIG_MAPS, kept, name)
    lab_session.kubectl("delete", "namespace", name, "--wait=false")
    with pytest.raises(NotFoundError, match="because it is being terminated"):
        cluster.create(CONFIG_MAPS, {**kept, "metadata": {"name": "late"}}, name)
    cluster.patch(CONFIG_MAPS, "kept", [{"op": "remove", "path": "/metadata/finalizers"}], name)


@pytest.fixture
def policy(api: Api, stage: Stage) -> Iterator[str]:
    """Nobody may give a Deployment of the namespace the template of version 1; a rehearsal of that is let through."""
    name = f"no-way-back-{stage.namespace[-6:]}"
    group = "admissionregistration.k8s.io/v1"
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments"]}
    kept = "object.spec.template.metadata.labels.version != '1' || oldObject.spec.template == object.spec.template"
    refused = f"(has(request.dryRun) && request.dryRun) || {kept}"
    spec = {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": refused, "message": "version 1 is forbidden since the audit"}],
    }
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": stage.namespace}}}
    api.create({"apiVersion": group, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": spec})
    api.create(
        {
            "apiVersion": group,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": here},
        }
    )
    yield name
    api.delete("ValidatingAdmissionPolicyBinding", name)
    api.delete("ValidatingAdmissionPolicy", name)


def test_a_rollback_refused_though_its_rehearsal_was_not_says_so_and_goes_on_when_it_is_allowed(
    stage: Stage, operators: Operators, api: Api, request: pytest.FixtureRequest
) -> None:
    stage.release("1", "2")
    request.getfixturevalue("policy")
    api.create(deployment("2", 0, "probe"), stage.namespace)
    tries = count()

    def answer() -> int:
        """What the API server says to another template of version 1."""
        labels = {"version": "1", "try": str(next(tries))}
        patch = [{"op": "add", "path": f"/spec/template/metadata/labels/{key}", "value": labels[key]} for key in labels]
        return api.ask("PATCH", path("Deployment", stage.namespace, "probe"), patch, JSON_PATCH).status

    wait_until(lambda: answer() == 422, "the policy is in force")
    with operators.own() as operator:
        stage.review(**degraded())
        status = stage.until(lambda found: condition(found, "Stalled").get("reason") == "ActRefused", "refused")
        assert "version 1 is forbidden since the audit" in condition(status, "Stalled")["message"]
        assert (status["phase"], stage.version()) == ("RollingBack", "2")
        api.delete("ValidatingAdmissionPolicyBinding", request.getfixturevalue("policy"))
        wait_until(lambda: answer() == 200, "the policy is gone")
        operator.stop()
        operator.start()
        status = stage.ended()
    assert (status["phase"], stage.version()) == ("RolledBack", "1")
    assert condition(status, "Stalled")["status"] == "False"


def test_without_the_actor_role_it_judges_says_that_it_may_not_act_and_acts_once_it_may(
    stage: Stage, operators: Operators, api: Api
) -> None:
    stage.release("1", "2")
    binding = api.get("ClusterRoleBinding", ACTOR)
    api.delete("ClusterRoleBinding", ACTOR)
    try:
        with operators.own() as operator:
            stage.review(**degraded())
            status = stage.until(lambda found: condition(found, "Stalled").get("reason") == "RollbackForbidden", "no")
            assert "cannot patch resource" in condition(status, "Stalled")["message"]
            assert (status["verdict"], stage.version()) == ("Drift", "2")
            operator.stop()
            binding["metadata"] = {"name": ACTOR}
            api.create(binding)
            operator.start()
            assert stage.ended()["phase"] == "RolledBack"
    finally:
        if api.find("ClusterRoleBinding", ACTOR) is None:
            api.create(binding | {"metadata": {"name": ACTOR}})

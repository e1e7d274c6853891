"""The release as it runs and how it is set up: what is read of it, and what is not."""

from datetime import UTC, datetime
from typing import Any

import pytest

from driftreview.adapters.configuration import deployment_of, read_configuration, read_target
from driftreview.adapters.errors import ChangedError
from driftreview.adapters.podlist import read_pods
from driftreview.api.configuration import ContainerFact, EnvFact, NodeFact
from driftreview.api.driftreview import DriftReview
from driftreview.api.flag import Flag
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.masking import Mask
from driftreview.domain.pods import Pod, PodsOf
from driftreview.domain.podtemplate import MOST_BYTES, containers, references
from driftreview.domain.release import release
from driftreview.domain.running import autoscaler_of, edited_at
from tests import builders
from tests.support.factcluster import FactCluster

Raw = dict[str, Any]
BOT: Raw = {
    "name": "bot",
    "image": "registry/bot:1",
    "command": ["python", "-m", "bot"],
    "args": ["--profile", "dev", "--api-key=hunter22"],
    "env": [
        {"name": "PROFILE", "value": "dev"},
        {"name": "EMPTY"},
        {"name": "BROKER_TOKEN", "value": "correct horse"},
        {"name": "SYMBOLS", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "symbols"}}},
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "broker", "key": "password"}}},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "CPUS", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
    ],
    "envFrom": [{"configMapRef": {"name": "flags"}, "prefix": "FLAG_"}, {"secretRef": {"name": "more"}}],
    "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "1Gi"}},
    "ports": [{"name": "metrics", "containerPort": 9090}, {"containerPort": 53, "protocol": "UDP"}],
    "livenessProbe": {"httpGet": {"path": "/"}},
    "readinessProbe": {"exec": {"command": ["sh", "-c", "echo probing"]}},
}
VOLUMES = [
    {"name": "a", "configMap": {"name": "files"}},
    {"name": "b", "secret": {"secretName": "certificate"}},
    {"name": "c", "projected": {"sources": [{"configMap": {"name": "ca"}}, {"secret": {"name": "key"}}]}},
    {"name": "d", "emptyDir": {}},
]
TEMPLATE: Raw = {
    "metadata": {"labels": {"app": "web", "app.kubernetes.io/version": "1.2"}},
    "spec": {"containers": [BOT], "initContainers": [{"name": "wait", "image": "registry/wait:1"}], "volumes": VOLUMES},
}
DEPLOYMENT: Raw = {
    "metadata": {"name": "web", "uid": "1", "generation": 4},
    "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": builders.template("new")},
    "status": {"updatedReplicas": 3, "readyReplicas": 2, "availableReplicas": 2},
}
HASHED = {"app": "web", "pod-template-hash": "new"}
CONFIG_MAP: Raw = {"metadata": {"name": "settings", "creationTimestamp": "2026-07-31T10:00:00Z"}, "data": {"a": "1"}}


JUDGED = builders.revision("new")
PODS = PodsOf(JUDGED.uid, "pod-template-hash", "new")


def pod(name: str, image_id: str = "docker-pullable://registry/web@sha256:1", node: str = "node-1") -> Raw:
    status = {"containerStatuses": [{"name": "web", "imageID": image_id}]}
    metadata = {"name": name, "labels": HASHED, "ownerReferences": [{"uid": JUDGED.uid}]}
    return {"metadata": metadata, "spec": {"nodeName": node, "containers": [{"name": "web"}]}, "status": status}


def started() -> DriftReview:
    return builders.review(DriftReviewStatus(t0=builders.T0, judged=JUDGED))


def cluster(template: Raw | None = None, **objects: Any) -> FactCluster:
    spec = DEPLOYMENT["spec"] | ({"template": template} if template else {})
    return FactCluster({"deployments": {"web": DEPLOYMENT | {"spec": spec}}, "version": {"": {"gitVersion": "v1.34.4"}}}
                       | objects)  # fmt: skip


def test_a_container_is_what_it_declares_without_what_looks_like_a_secret() -> None:
    wait, bot = containers(TEMPLATE, Mask("uid"))
    assert wait == ContainerFact(name="wait", init=True, image="registry/wait:1")
    assert bot.command == ["python", "-m", "bot"]
    assert bot.args[:2] == ["--profile", "dev"]
    assert bot.args[2].startswith("--api-key=<scrypt:")
    assert bot.env[:2] == [EnvFact(name="PROFILE", value="dev"), EnvFact(name="EMPTY", value="")]
    assert (bot.env[2].name, bot.env[2].value) == ("BROKER_TOKEN", None)
    assert bot.env[2].hash is not None
    assert [each.source for each in bot.env[3:]] == [
        "configMap settings, key symbols", "secret broker, key password", "field spec.nodeName", "resource limits.cpu"
    ]  # fmt: skip
    assert bot.env_from == ["configMap flags, every key as FLAG_…", "secret more"]
    assert bot.resources == {"requests.cpu": "100m", "limits.memory": "1Gi"}
    assert bot.ports == ["metrics 9090/TCP", "53/UDP"]
    assert bot.probes == ["readiness: exec", "liveness: httpGet"]


def test_a_secret_is_masked_also_where_nothing_gives_it_away() -> None:
    elsewhere = BOT | {"name": "other", "args": ["correct horse"], "env": [{"name": "A", "value": "x correct horse"}]}
    first, _ = containers({"spec": {"containers": [elsewhere, BOT]}}, Mask("uid"))
    assert first.env[0].value is None
    assert "horse" not in str(first)


def test_what_there_is_no_room_for_is_said() -> None:
    many = {"name": "many", "env": [{"name": f"V{n}", "value": "x y " * 100} for n in range(201)], "args": ["a"] * 130}
    (one,) = containers({"spec": {"containers": [many]}}, Mask("uid"))
    assert (len(one.env), len(one.args)) == (200, 128)
    assert one.left_out == "1 of 201 variables, 2 of 130 arguments"
    found = containers({"spec": {"containers": [many | {"name": f"c{n}"} for n in range(64)]}}, Mask("uid"))
    assert sum(len(each.model_dump_json(by_alias=True)) for each in found) < 1.1 * MOST_BYTES
    assert {each.left_out for each in found if not each.env} == {"200 variables, 128 arguments: no room for them"}


def test_what_containers_and_volumes_read_is_referred_to() -> None:
    assert references(TEMPLATE) == (
        ["ca", "files", "flags", "settings"], ["broker", "certificate", "key", "more"]
    )  # fmt: skip
    assert references({"spec": {"containers": [{"name": "a"}], "imagePullSecrets": [{"name": "b"}]}}) == ([], [])


def test_what_runs_is_told_by_the_pods_of_the_judged_revision() -> None:
    other = pod("old", "registry/web@sha256:9") | {"metadata": {"name": "old", "labels": {"app": "web"}}}
    found = cluster(pods={"a": pod("a"), "b": pod("b", "registry/web@sha256:2"), "c": pod("c", ""), "old": other})
    reader, review = found.reader(), started()
    target = read_target(reader, review)
    assert target is not None
    fact = deployment_of(review, target, read_pods(reader, "deployment/images", PODS))
    assert fact.images[0].digests == ["registry/web@sha256:1", "registry/web@sha256:2"]
    assert (fact.pods, fact.pod_template_hash, fact.generation) == (3, "new", 4)
    assert (fact.desired, fact.updated, fact.ready, fact.available) == (3, 3, 2, 2)
    assert found.asked == ["deployments/web", "pods/?pod-template-hash=new"]


def test_a_target_that_changed_meanwhile_is_read_again() -> None:
    with pytest.raises(ChangedError, match="another pod template"):
        read_target(cluster(TEMPLATE).reader(), started())


def test_a_target_that_is_gone_is_a_problem() -> None:
    reader = FactCluster({}).reader()
    assert read_target(reader, started()) is None
    assert [(each.about, each.reason) for each in reader.problems] == [("deployment", Reason.NOT_FOUND)]


def test_the_version_is_that_of_the_pods_or_of_the_deployment() -> None:
    labelled = DEPLOYMENT["metadata"] | {"labels": {"app.kubernetes.io/version": "1.1"}}
    review = started()
    assert deployment_of(review, release(DEPLOYMENT | {"metadata": labelled}, "uid", []), []).version == "1.1"
    both = DEPLOYMENT | {"metadata": labelled, "spec": DEPLOYMENT["spec"] | {"template": TEMPLATE}}
    assert deployment_of(review, release(both, "uid", []), []).version == "1.2"


def test_how_it_is_set_up_is_read_with_few_requests() -> None:
    node = {"metadata": {"name": "node-1"}, "status": {"nodeInfo": {"kubeletVersion": "v1.33.1"}}}
    secret = {"metadata": {"name": "broker", "uid": "7"}, "data": {"password": "aHVudGVyMg=="}}
    found = cluster(TEMPLATE, configmaps={"settings": CONFIG_MAP}, secrets={"broker": secret}, nodes={"node-1": node})
    reader = found.reader()
    target = release(found.stored["deployments"]["web"], "uid", [])
    fact = read_configuration(reader, started(), target, [Pod("a", node="node-1")] * 3)
    assert fact.kubernetes == "v1.34.4"
    assert fact.nodes == [NodeFact(name="node-1", kubelet="v1.33.1")]
    assert {each.name for each in fact.config_maps if each.hash} == {"settings"}
    assert {each.name for each in fact.secrets if each.hash} == {"broker"}
    assert len(found.asked) == 1 + 1 + 4 + 4 + 1
    assert {each.about for each in reader.problems} == {
        *(f"configuration/configmaps/{name}" for name in ("ca", "files", "flags")),
        *(f"configuration/secrets/{name}" for name in ("certificate", "key", "more")),
    }


def test_what_may_not_be_read_is_said_and_nothing_fails() -> None:
    found = cluster(TEMPLATE)
    found.forbidden = {"secrets", "nodes", "horizontalpodautoscalers", "pods"}
    reader, review = found.reader(), started()
    target = release(found.stored["deployments"]["web"], "uid", [])
    nodes = [Pod("a", node=name) for name in ("node-1", "node-2")]
    fact = read_configuration(reader, review, target, [*read_pods(reader, "deployment/images", PODS), *nodes])
    assert fact.nodes == [NodeFact(name="node-1"), NodeFact(name="node-2")]
    assert {each.hash for each in fact.secrets} == {None}
    refused = [each.about for each in reader.problems if each.reason is Reason.FORBIDDEN]
    assert refused == ["deployment/images", "configuration/horizontalpodautoscalers",
                       *(f"configuration/secrets/{name}" for name in ("broker", "certificate", "key", "more")),
                       "configuration/kubelets"]  # fmt: skip
    assert found.asked.count("nodes/node-1") + found.asked.count("nodes/node-2") == 1


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        ({"type": "Resource", "resource": {"name": "cpu"}}, "cpu"),
        ({"type": "ContainerResource", "containerResource": {"name": "memory", "container": "a"}}, "memory"),
        ({"type": "External", "external": {"metric": {"name": "queue"}}}, "queue"),
        ({"type": "Odd"}, "Odd"),
    ],
)
def test_an_autoscaler_is_its_bounds_and_the_names_of_what_it_follows(metric: Raw, name: str) -> None:
    target = {"kind": "Deployment", "name": "web"}
    raw = {"metadata": {"name": "a"}, "spec": {"scaleTargetRef": target, "maxReplicas": 5, "metrics": [metric]}}
    fact = autoscaler_of(raw, "Deployment", "web")
    assert fact is not None
    assert (fact.least, fact.most, fact.metrics) == (1, 5, [name])
    assert autoscaler_of(raw, "Deployment", "other") is None


def test_an_object_was_edited_when_its_last_field_manager_says_so_its_status_apart() -> None:
    entries = [
        {"time": "2026-07-31T11:00:00Z"},
        {"time": "2026-07-31T12:00:00Z"},
        {"time": "2026-07-31T13:00:00Z", "subresource": "status"},
    ]
    created = {"creationTimestamp": "2026-07-31T10:00:00Z"}
    assert edited_at(created | {"managedFields": entries}) == datetime(2026, 7, 31, 12, tzinfo=UTC)
    assert edited_at(created) == datetime(2026, 7, 31, 10, tzinfo=UTC)
    assert edited_at({}) is None


def test_of_a_large_target_only_what_is_needed_is_kept() -> None:
    large = BOT | {"name": "bot", "env": [{"name": "BLOB", "value": "a" * 1_000_000}]}
    fields = [{"fieldsV1": {"f:spec": {"f:replicas": {}}}, "time": "2026-07-31T12:00:00Z"}]
    template = TEMPLATE | {"spec": {"containers": [large]}}
    raw = {
        "metadata": DEPLOYMENT["metadata"] | {"managedFields": fields},
        "spec": DEPLOYMENT["spec"] | {"template": template},
    }
    flag = Flag.model_validate({"name": "BLOB", "from": {"env": {}}})
    kept = release(raw, "uid", [flag])
    assert len(str(kept.raw)) + len(str(kept)) < 5_000
    assert kept.scaled_at == datetime(2026, 7, 31, 12, tzinfo=UTC)
    assert kept.places["BLOB"] is not None

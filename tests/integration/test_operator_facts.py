"""What the operator finds out of a cluster beside the metrics: configuration, confounders, flags, inventory."""

import base64
import json
from typing import Any

import pytest

from lab.install import OperatorProcess
from lab.web import wait_until
from tests.support.rights import granted
from tests.support.stage import Stage, ago, deployment, wire

pytestmark = pytest.mark.integration
TOKEN, PASSWORD = "correct-horse-battery", "staple-9472"


def configured(version: str) -> dict[str, Any]:
    """A Deployment that reads a ConfigMap and a Secret, and has a secret in its environment."""
    document = deployment(version)
    container = document["spec"]["template"]["spec"]["containers"][0]
    container["env"] += [
        {"name": "PROFILE", "value": "dev"},
        {"name": "BROKER_TOKEN", "value": TOKEN},
        {"name": "SYMBOLS", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "symbols"}}},
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "broker", "key": "password"}}},
    ]
    container["resources"] = {"limits": {"memory": "64Mi"}}
    return document


def release(stage: Stage) -> None:
    """Two versions of it, and what they read."""
    stage.api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"},
                      "data": {"symbols": "BTC"}}, stage.namespace)  # fmt: skip
    encoded = base64.b64encode(PASSWORD.encode()).decode()
    stage.api.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "broker"},
                      "data": {"password": encoded}}, stage.namespace)  # fmt: skip
    for version in "12":
        stage.apply(configured(version))
        stage.rolled_out()


def facts(stage: Stage, checkpoint: str) -> dict[str, Any]:
    """What one look froze."""
    (found,) = [each for each in stage.api.list("DriftSnapshot", stage.namespace)
                if each["spec"]["checkpoint"] == checkpoint]  # fmt: skip
    result: dict[str, Any] = found["spec"]["facts"]
    return result


def two_looks(stage: Stage, **spec: Any) -> None:
    """A review whose first look is due, and its last one in some seconds."""
    stage.review(window={"t0": wire(ago(seconds=1800)), "checkpoints": ["10m", "1815s"]}, **spec)
    stage.until(lambda found: found.get("checkpoints") and found["checkpoints"][0].get("verdict"), "the first look")


def test_a_changed_config_map_and_secret_between_two_looks_are_confounders_and_change_no_verdict(
    stage: Stage, operator: OperatorProcess
) -> None:
    release(stage)
    with granted(stage.api, "secrets", stage.namespace):
        two_looks(stage)
        stage.api.merge("ConfigMap", "settings", stage.namespace, {"data": {"symbols": "ETH"}})
        changed = base64.b64encode(b"another").decode()
        stage.api.merge("Secret", "broker", stage.namespace, {"data": {"password": changed}})
        stage.api.merge("Deployment", "web", stage.namespace, {"spec": {"replicas": 2}})
        status = stage.ended(seconds=60)
    first, last = status["checkpoints"]
    assert "confounders" not in first
    assert (status["phase"], last["verdict"]) == ("Promoted", "Pass")
    told = {each["what"]: each for each in last["confounders"]["first"]}
    assert last["confounders"]["count"] == len(told)
    assert set(told) - {"nodes"} == {"configmaps/settings", "deployment/replicas", "secrets/broker"}
    assert (told["deployment/replicas"]["before"], told["deployment/replicas"]["after"]) == ("1", "2")
    assert first["judgedAt"] <= told["configmaps/settings"]["at"] <= last["judgedAt"]
    assert operator.pid is not None


def test_the_configuration_at_t0_is_recorded_and_no_secret_of_it(stage: Stage, operator: OperatorProcess) -> None:
    release(stage)
    stage.review(window={"checkpoints": ["10m"]})
    assert stage.ended()["phase"] == "Promoted"
    found = facts(stage, "T0")
    (container,) = found["configuration"]["containers"]
    assert container["resources"] == {"limits.memory": "64Mi"}
    env = {each["name"]: each for each in container["env"]}
    assert env["PROFILE"]["value"] == "dev"
    assert env["BROKER_TOKEN"]["hash"].startswith("scrypt:")
    assert env["SYMBOLS"]["source"] == "configMap settings, key symbols"
    assert found["configuration"]["kubernetes"].startswith("v1.")
    assert found["configuration"]["nodes"][0]["name"].startswith("lab-")
    assert found["deployment"]["images"][0]["image"] == "example.org/web:2"
    assert (found["deployment"]["desired"], found["deployment"]["pods"]) == (1, 1)
    refused = {each["about"] for each in found["problems"] if each["reason"] == "Forbidden"}
    assert refused == {"configuration/secrets/broker", "configuration/kubelets"}
    written = json.dumps([found, facts(stage, "10m"), stage.status()])
    for secret in (TOKEN, PASSWORD, base64.b64encode(PASSWORD.encode()).decode()):
        assert secret not in written
    assert operator.pid is not None


def test_flags_are_verified_at_t0_and_at_every_look_and_a_broken_one_holds(
    stage: Stage, operator: OperatorProcess
) -> None:
    release(stage)
    flags = [
        {"name": "PROFILE", "expect": "Value", "value": "dev", "from": {"env": {"container": "app"}}},
        {"name": "DRY_RUN", "expect": "Absent", "from": {"env": {}}},
        {"name": "symbols", "expect": "Value", "value": "BTC",
         "from": {"configMap": {"name": "settings", "key": "symbols"}}},
        {"name": "PASSWORD", "expect": "Present", "from": {"env": {}}},
        {"name": "metric", "from": {"query": 'latency_ms{replica="a"}'}},
        {"name": "BROKER_TOKEN", "expect": "Absent", "from": {"env": {}}, "mode": "Shadow"},
    ]  # fmt: skip
    two_looks(stage, flags=flags)
    stage.api.merge("ConfigMap", "settings", stage.namespace, {"data": {"symbols": "ETH"}})
    status = stage.until(lambda found: found["checkpoints"][1].get("verdict"), "the last look", 60)
    first, last = ({each["name"]: each for each in look["checks"]} for look in status["checkpoints"])
    shadow = first.pop("flags/BROKER_TOKEN")
    assert {each["verdict"] for each in first.values()} == {"Held"}
    assert (shadow["verdict"], TOKEN in str(status)) == ("Broken", False)
    assert [each["verdict"] for each in status["checkpoints"]] == ["Pass", "Hold"]
    assert {name for name, each in last.items() if each["verdict"] == "Broken"} == {
        "flags/symbols", "flags/BROKER_TOKEN"
    }  # fmt: skip
    assert "expected is the value 'BTC', and it is 'ETH'" in last["flags/symbols"]["message"]
    assert "flags/symbols is Broken" in status["checkpoints"][1]["message"]
    assert operator.pid is not None


def test_a_flag_that_is_broken_at_t0_is_said_before_the_first_look(stage: Stage, operator: OperatorProcess) -> None:
    release(stage)
    flags = [{"name": "PROFILE", "expect": "Absent", "from": {"env": {}}}]
    stage.review(window={"checkpoints": ["10h"]}, flags=flags)
    status = stage.until(lambda found: found.get("baseline"), "T0 is frozen")
    assert "not as expected: flags/PROFILE is Broken" in status["summary"]
    assert operator.pid is not None


def stateful(name: str) -> dict[str, Any]:
    """A StatefulSet with a readiness probe."""
    document = deployment("1", name=name)
    document["kind"] = "StatefulSet"
    document["spec"]["serviceName"] = name
    probe = {"exec": {"command": ["true"]}}
    document["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] = probe
    return document


def test_an_inventory_of_three_workloads_tells_which_one_is_restarting_and_why(
    stage: Stage, operator: OperatorProcess
) -> None:
    release(stage)
    stage.api.create(stateful("db"), stage.namespace)
    stage.apply(deployment("1", name="loop"))
    stage.rolled_out("loop")
    (name,) = [each["metadata"]["name"] for each in stage.api.list("Pod", stage.namespace)
               if each["metadata"]["name"].startswith("loop-")]  # fmt: skip
    ended = {"exitCode": 0, "reason": "Completed", "finishedAt": wire(ago(seconds=30))}
    crashed = {
        "name": "app", "image": "example.org/web:1", "imageID": "", "ready": False, "restartCount": 7,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": ended},
    }  # fmt: skip
    stage.api.merge("Pod", name, stage.namespace, {"status": {"containerStatuses": [crashed]}}, "/status")
    ready = lambda: stage.api.get("StatefulSet", "db", stage.namespace).get("status", {}).get("readyReplicas")  # noqa: E731
    wait_until(ready, "db is ready")
    memory = 'label_replace(latency_ms{replica="a"}, "pod", "db-0", "", "")'
    stage.review(window={"checkpoints": ["10m"]}, inventory={"memory": memory})
    assert stage.ended()["phase"] == "Promoted"
    found = facts(stage, "10m")
    told = {each["name"]: each for each in found["inventory"]["services"]}
    assert {name: (each["kind"], each["status"]) for name, each in told.items()} == {
        "loop": ("Deployment", "Restarting"), "web": ("Deployment", "Running"), "db": ("StatefulSet", "Healthy")
    }  # fmt: skip
    assert told["loop"]["reason"] == "CrashLoopBackOff: exits 0 and is restarted"
    assert (told["loop"]["restarts"], told["web"]["judged"]) == (7, True)
    assert told["db"]["images"] == ["example.org/web:1"]
    assert 98 < float(told["db"]["memory"]) < 102
    assert told["db"]["memory"] == found["inventory"]["memory"]
    assert {each["about"]: each["reason"] for each in found["problems"]}["inventory/cpu"] == "Empty"
    assert operator.pid is not None

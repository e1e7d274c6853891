import sys
from typing import Any

import pytest

from lab.podrunner import RUN_ANNOTATION, fill_in, plan_run, target_group, wants_process


def pod(**container: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "web-1", "namespace": "shop", "uid": "u1", "annotations": {RUN_ANNOTATION: "true"}},
        "spec": {"containers": [{"name": "web", **container}, {"name": "sidecar", "command": ["never"]}]},
        "status": {"phase": "Running"},
    }


def test_a_running_pod_that_asks_gets_a_process() -> None:
    assert wants_process(pod())


def test_pods_that_do_not_ask_are_left_alone() -> None:
    plain = pod()
    plain["metadata"]["annotations"] = None
    assert not wants_process(plain)


@pytest.mark.parametrize("phase", ["Pending", "Succeeded", "Failed"])
def test_only_running_pods_have_a_process(phase: str) -> None:
    other = pod()
    other["status"]["phase"] = phase
    assert not wants_process(other)


def test_a_terminating_pod_loses_its_process() -> None:
    leaving = pod()
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert not wants_process(leaving)


def test_command_arguments_and_environment_are_those_of_the_first_container() -> None:
    env = [{"name": "RATE", "value": "5"}, {"name": "SECRET", "valueFrom": {"secretKeyRef": {}}}]
    run = plan_run(pod(command=["python3", "shop.py"], args=["--rate=$(RATE)", "--port", "$(PORT)"], env=env), 4711)
    assert run.argv == [sys.executable, "shop.py", "--rate=5", "--port", "4711"]
    assert run.env == {"RATE": "5", "PORT": "4711", "POD_NAME": "web-1", "POD_NAMESPACE": "shop"}


def test_prometheus_learns_namespace_pod_and_container() -> None:
    run = plan_run(pod(command=["shop"]), 4711)
    assert target_group(run.labels) == {
        "targets": ["127.0.0.1:4711"],
        "labels": {"namespace": "shop", "pod": "web-1", "container": "web"},
    }


@pytest.mark.parametrize(
    ("text", "filled"),
    [("$(A)-$(A)", "1-1"), ("$(B)", "$(B)"), ("$$(A)", "$(A)"), ("$A", "$A"), ("cost: 5$$", "cost: 5$")],
)
def test_references_are_filled_in_as_the_kubelet_does(text: str, filled: str) -> None:
    assert fill_in(text, {"A": "1"}) == filled

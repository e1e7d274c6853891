import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import Lab, LabError, PrometheusServer
from lab.errors import CommandFailed
from lab.podrunner import RUN_ANNOTATION, PodRunner
from lab.web import Client, wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the lab is for Linux"),
]
REPOSITORY = Path(__file__).parents[2]
STARTER = """
import sys, time
from pathlib import Path
from lab import Lab
lab = Lab.start(Path(sys.argv[1]))
print(*(service.pid for service in lab.services), flush=True)
time.sleep(600)
"""


def deployment(name: str, replicas: int, command: list[str] | None = None, **annotations: str) -> dict[str, Any]:
    container = {"name": name, "image": "example.org/none:1"} | ({"command": command} if command else {})
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": annotations},
                "spec": {"containers": [container]},
            },
        },
    }


def apply(lab: Lab, namespace: str, document: dict[str, Any]) -> None:
    lab.kubectl("apply", f"--namespace={namespace}", "-f", "-", input=json.dumps(document))


def rolled_out(lab: Lab, namespace: str, name: str) -> None:
    lab.kubectl("rollout", "status", f"deployment/{name}", f"--namespace={namespace}", "--timeout=60s")


def image(lab: Lab, namespace: str) -> str:
    path = "jsonpath={.items[*].spec.containers[0].image}"
    return lab.kubectl("get", "pods", f"--namespace={namespace}", "-o", path, "--field-selector=status.phase=Running")


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def openmetrics(path: Path, value: float, *, hours: float, until: float) -> Path:
    times = range(int(until - hours * 3600), int(until), 60)
    path.write_text(
        "".join(["# TYPE drift gauge\n", *(f'drift{{v="{value:g}"}} {value} {t}\n' for t in times), "# EOF\n"])
    )
    return path


def test_a_deployment_rolls_out_and_is_rolled_back(lab_session: Lab, namespace: str) -> None:
    apply(lab_session, namespace, deployment("web", 3))
    rolled_out(lab_session, namespace, "web")
    lab_session.kubectl("set", "image", "deployment/web", "web=example.org/none:2", f"--namespace={namespace}")
    rolled_out(lab_session, namespace, "web")
    wait_until(lambda: image(lab_session, namespace).split() == ["example.org/none:2"] * 3, "there are new pods only")

    sets = f"/apis/apps/v1/namespaces/{namespace}/replicasets"
    first = next(
        found["spec"]["template"]
        for found in lab_session.get(sets)["items"]
        if found["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
    )
    del first["metadata"]["labels"]["pod-template-hash"]
    patch = json.dumps([{"op": "replace", "path": "/spec/template", "value": first}])
    lab_session.kubectl("patch", "deployment/web", f"--namespace={namespace}", "--type=json", "-p", patch)
    rolled_out(lab_session, namespace, "web")
    assert wait_until(
        lambda: image(lab_session, namespace).split() == ["example.org/none:1"] * 3, "there are old pods only"
    )


def test_a_service_account_may_only_what_it_was_given(lab_session: Lab, namespace: str) -> None:
    wait_until(
        lambda: lab_session.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/default"),
        "the ServiceAccount is there",
    )
    kubeconfig = lab_session.kubeconfig_for(namespace, "default")
    ask = ("get", "pods", f"--namespace={namespace}", f"--kubeconfig={kubeconfig}")
    with pytest.raises(CommandFailed, match="Forbidden"):
        lab_session.kubectl(*ask)
    binding = ("create", "rolebinding", "view", "--clusterrole=view", f"--serviceaccount={namespace}:default")
    lab_session.kubectl(*binding, f"--namespace={namespace}")
    wait_until(
        lambda: "No resources" in lab_session.kubectl(*ask, check=False) or not lab_session.kubectl(*ask), "it may view"
    )
    user = f"system:serviceaccount:{namespace}:default"

    def codes() -> set[int]:
        calls = (call for call in lab_session.audited() if call["user"].get("username") == user)
        return {call["responseStatus"]["code"] for call in calls}

    wait_until(lambda: {403, 200} <= codes(), "both answers are in the audit log")
    assert "RequestReceived" not in {call["stage"] for call in lab_session.audited()}


def test_the_certificate_holds_for_strict_clients(lab_session: Lab) -> None:
    assert "insecure" not in lab_session.kubeconfig.read_text()
    strict = ssl.create_default_context(cafile=lab_session.ca)
    strict.verify_flags |= ssl.VERIFY_X509_STRICT  # Python 3.13 sets it by itself
    with (
        socket.create_connection(("127.0.0.1", lab_session.apiserver.port)) as plain,
        strict.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        assert connection.version() == "TLSv1.3"
    assert Client(lab_session.server, lab_session.ca).ok("/readyz")
    by_name = lab_session.server.replace("127.0.0.1", "localhost")
    assert Client(by_name, lab_session.ca).ok("/readyz")


def test_labs_side_by_side_do_not_share_objects(lab_session: Lab, tmp_path: Path) -> None:
    with Lab.start(tmp_path / "second", prometheus=False) as second:
        assert second.started_in < 15
        second.kubectl("create", "namespace", "only-here")
        assert lab_session.get("/api/v1/namespaces/only-here") is None
        assert second.get("/api/v1/namespaces/only-here") is not None
        pids = [service.pid for service in second.services]
        with pytest.raises(LabError, match="without Prometheus"):
            _ = second.prometheus_url
    assert all(pid is not None and gone(pid) for pid in pids)


def test_a_used_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "etcd").mkdir()
    with pytest.raises(LabError, match="earlier lab"):
        Lab.start(tmp_path)


def test_killing_the_starter_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTER, str(tmp_path / "lab")]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pids = [int(word) for word in starter.stdout.readline().split()]
        assert len(pids) == 6
        starter.kill()
    wait_until(lambda: all(map(gone, pids)), "all programs have ended")


def test_the_api_server_keeps_objects_over_an_outage(lab_session: Lab, namespace: str) -> None:
    lab_session.kubectl("create", "configmap", "kept", f"--namespace={namespace}")
    path = f"/api/v1/namespaces/{namespace}/configmaps/kept"
    before, server = lab_session.get(path), lab_session.server
    lab_session.apiserver.stop(kill=True)
    try:
        assert lab_session.get(path) is None
    finally:
        lab_session.apiserver.start()
    assert lab_session.server == server
    assert lab_session.get(path)["metadata"]["uid"] == before["metadata"]["uid"]
    apply(lab_session, namespace, deployment("after", 1))
    rolled_out(lab_session, namespace, "after")


def test_prometheus_alone_answers_from_backfill_and_after_a_restart(tmp_path: Path) -> None:
    now = time.time()
    old = openmetrics(tmp_path / "old.om", 1, hours=72, until=now - 60)
    with PrometheusServer.start(tmp_path / "prometheus", backfill=[old]) as server:
        url = server.url
        assert [found["value"][1] for found in server.query("drift", now - 48 * 3600)] == ["1"]
        assert [found["value"][1] for found in server.query("drift", now - 30)] == ["1"]
        server.service.stop()
        with pytest.raises(LabError):
            server.query("drift")
        server.service.start()
        server.add_blocks(openmetrics(tmp_path / "more.om", 2, hours=1, until=now - 60))
        assert server.url == url
        assert sorted(found["value"][1] for found in server.query("drift", now - 600)) == ["1", "2"]


def test_a_backfill_file_that_promtool_refuses_is_explained(tmp_path: Path) -> None:
    (tmp_path / "bad.om").write_text("drift 1 1\n")
    with pytest.raises(CommandFailed, match="# EOF"):
        PrometheusServer.start(tmp_path / "prometheus", backfill=[tmp_path / "bad.om"])


def test_annotated_pods_are_processes_that_prometheus_scrapes(lab_session: Lab, namespace: str, tmp_path: Path) -> None:
    assert lab_session.prometheus is not None
    (tmp_path / "metrics").write_text("runs 7\n")
    # The answer's type must be one that Prometheus takes, else it drops the page.
    command = [
        "python3",
        "-c",
        (
            "import http.server as h, os; h.SimpleHTTPRequestHandler.extensions_map = {'': 'text/plain'};"
            "h.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), h.SimpleHTTPRequestHandler).serve_forever()"
        ),
    ]
    apply(lab_session, namespace, deployment("web", 2, command, **{RUN_ANNOTATION: "true"}))
    query = f'runs{{namespace="{namespace}",container="web"}}'
    with PodRunner(lab_session.kubeconfig, tmp_path, lab_session.prometheus.targets, tmp_path / "logs") as runner:
        wait_until(lambda: len(runner.pids) == 2, "there are two processes")
        first = set(runner.pids.values())
        wait_until(lambda: len(lab_session.prometheus.query(query)) == 2, "there are samples of both pods")  # type: ignore[union-attr]
        lab_session.kubectl("rollout", "restart", "deployment/web", f"--namespace={namespace}")
        wait_until(lambda: all(map(gone, first)) and len(runner.pids) == 2, "a rollout starts new processes")
        os.kill(next(iter(runner.pids.values())), signal.SIGKILL)
        wait_until(lambda: not any(map(gone, runner.pids.values())), "a process that died is started again")
        wait_until(lambda: ends(lab_session, namespace) == [(1, 137)], "its pod's status says so")
        last = set(runner.pids.values())
        lab_session.kubectl("scale", "deployment/web", "--replicas=0", f"--namespace={namespace}")
        wait_until(lambda: all(map(gone, last)), "no replicas, no processes")


def ends(lab: Lab, namespace: str) -> list[tuple[int, int]]:
    """How often containers were started again, and their last exit codes."""
    pods = json.loads(lab.kubectl("get", "pods", f"--namespace={namespace}", "-o", "json"))["items"]
    said = [each for pod in pods for each in pod["status"].get("containerStatuses", []) if each["restartCount"]]
    return [(each["restartCount"], each["lastState"]["terminated"]["exitCode"]) for each in said]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[dict[str, str]]:
    environment = os.environ | {"XDG_STATE_HOME": str(tmp_path), "NO_COLOR": "1"}
    yield environment
    cli(environment, "down")


def cli(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lab", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)


def shell(command: str, folder: Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_up_status_env_down(home: dict[str, str], tmp_path: Path) -> None:
    assert cli(home, "status").returncode == 3
    up = cli(home, "up", "--no-prometheus")
    assert up.returncode == 0, up.stderr
    assert "is ready after" in up.stdout
    again = cli(home, "up", "--no-prometheus")
    assert again.returncode == 0
    assert "runs already" in again.stdout
    assert f"End:   make -C {REPOSITORY} lab-down\n" in again.stdout
    status = cli(home, "status")
    assert status.returncode == 0
    rows = [line.split() for line in status.stdout.splitlines()]
    assert [row[0] for row in rows[1:]] == [
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kwok",
    ]
    assert {row[3] for row in rows[1:]} == {"yes"}
    exported = dict(line.removeprefix("export ").split("=", 1) for line in cli(home, "env").stdout.splitlines())
    assert Path(exported["KUBECONFIG"]).is_file()
    (source,) = [line.removeprefix("Next:  ") for line in again.stdout.splitlines() if line.startswith("Next:  ")]
    assert shell(source, tmp_path).stdout.count("Ready") == 2, "from any folder"
    assert shell(f"{source.split('&&')[0]} && kubectl config current-context", tmp_path).stdout == "lab\n"
    assert "is ended" in cli(home, "down").stdout
    assert all(gone(int(row[1])) for row in rows[1:])
    assert not (tmp_path / "driftreview" / "lab" / "default").exists()
    ended = shell(source, tmp_path)
    assert ended.returncode != 0
    assert "Ready" not in ended.stdout, "kubectl must not go on to another cluster"
    assert shell(f'eval "$({sys.executable} -m lab env)" && echo went on', REPOSITORY, home).stdout == ""
    assert cli(home, "status").returncode == 3
    assert "was not running" in cli(home, "down").stdout


def test_a_running_lab_with_other_options_is_not_taken_for_the_one_asked_for(
    home: dict[str, str], tmp_path: Path
) -> None:
    named = ("--name", "own")
    try:
        up = cli(home, "up", *named, "--no-prometheus")
        assert up.returncode == 0, up.stderr
        assert "context     lab-own" in up.stdout
        down = f"make -C {REPOSITORY} lab-down NAME=own"
        assert f"End:   {down}\n" in up.stdout
        other = cli(home, "up", *named, "--no-prometheus", "--pods", str(tmp_path))
        assert other.returncode == 1
        assert (
            f"runs already, with other options: it runs with no --pods, asked for is --pods={tmp_path}" in other.stderr
        )
        assert down in other.stderr
        assert cli(home, "status", *named).returncode == 0
    finally:
        assert "is ended" in cli(home, "down", *named).stdout


def test_make_passes_the_name_of_a_lab_and_only_if_it_was_written(home: dict[str, str]) -> None:
    def told(*arguments: str, **environment: str) -> str:
        command = ["make", "--dry-run", "--no-print-directory", *arguments]
        done = subprocess.run(
            command, cwd=REPOSITORY, env=home | environment, capture_output=True, text=True, check=True
        )
        return done.stdout.splitlines()[-1].strip()

    assert told("lab-up", "NAME=own", "PODS=/tmp/a b").endswith('-m lab up --name "own" --pods "/tmp/a b"')
    assert told("lab-down", "NAME=own").endswith('-m lab down --name "own"')
    assert told("lab-status", "NAME=own").endswith('-m lab status --name "own"')
    assert told("lab-down", "NAME=").endswith("-m lab down")
    assert told("lab-down", NAME="a-computer").endswith("-m lab down"), "WSL puts its host's name into NAME"


def test_a_lab_that_cannot_start_says_why_and_leaves_nothing(home: dict[str, str], tmp_path: Path) -> None:
    broken = tmp_path / "assets"
    broken.mkdir()
    for name in ("etcd", "kwok"):
        (broken / name).write_text(
            f"#!/bin/sh\n[ $1 = --version ] && echo '{name} version: 3.6.0' || echo boom >&2; exit $?\n"
        )
        (broken / name).chmod(0o755)
    up = cli(home | {"KUBEBUILDER_ASSETS": str(broken)}, "up", "--no-prometheus")
    assert up.returncode == 1
    assert "etcd ended with exit code 0" in up.stderr
    assert "boom" in up.stderr
    assert cli(home, "status").returncode == 3

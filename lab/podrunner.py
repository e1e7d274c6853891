"""Runs chosen pods as real processes of this machine, and tells Prometheus where they are.

Pods on kwok's nodes have a status but no process. This one plays the rest of the kubelet for every Running pod with the
annotation ``lab.driftreview.dev/run: "true"``: the first container's command starts as a process, and ends when the pod
does. So a rollout by the real deployment controller starts and stops real programs with real metrics. A program
that ends is started again, and the pod's status says how it ended and how often.

Not played: images, volumes, probes, limits, more than one container, and the pod's readiness (kwok says Ready at once).
"""

import json
import os
import re
import sys
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import urllib3.exceptions
from kubernetes import client, config

from lab.errors import ProcessFailed
from lab.ports import free_port
from lab.processes import Supervisor

RUN_ANNOTATION = "lab.driftreview.dev/run"
_GRACE_SECONDS = 3.0
_LONGEST_PAUSE = 30  # seconds between two starts of a program that keeps ending
_REFERENCE = re.compile(r"\$\$|\$\((\w+)\)")


@dataclass
class _Run:
    """One pod's process."""

    name: str
    argv: list[str]
    env: dict[str, str]
    labels: dict[str, str]
    restarts: bool
    ended: int = 0
    pause: int = 0  # ticks until it is started again
    pids: list[int] = field(default_factory=list)


class PodRunner:
    """Watches one API server until :meth:`close`; use it as ``with PodRunner(...)``.

    Args:
        kubeconfig: of a user that may list pods.
        workdir: working directory of the processes.
        targets: folder Prometheus reads (``PrometheusServer.targets``); None if nobody scrapes.
        logs: folder for one log per pod.
        every: seconds between two looks at the pods.
    """

    def __init__(
        self, kubeconfig: Path, workdir: Path, targets: Path | None, logs: Path, *, every: float = 1.0
    ) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._workdir = workdir.resolve()
        self._targets = targets / "podrunner.json" if targets else None
        self._logs = logs.resolve()
        self._every = every
        self._runs: dict[str, _Run] = {}
        self._written: str | None = None
        self._end = threading.Event()
        self._api_client = config.new_client_from_config(str(kubeconfig))  # type: ignore[no-untyped-call]
        self._api = client.CoreV1Api(self._api_client)
        self._supervisor = Supervisor(self._logs)
        self._thread = threading.Thread(target=self._loop, name="podrunner", daemon=True)
        self._thread.start()

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by ``namespace/pod``."""
        return {run.name: run.pids[-1] for run in list(self._runs.values()) if run.pids}

    def close(self) -> None:
        """End all processes and forget the targets."""
        self._end.set()
        self._thread.join()
        self._supervisor.close()
        self._api_client.close()
        if self._targets:
            self._targets.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def _loop(self) -> None:
        while not self._end.wait(self._every):
            try:
                pods = self._list()
            except (OSError, urllib3.exceptions.HTTPError, client.ApiException, ValueError) as error:
                # A kubelet keeps its pods while the API server is away.
                self._note(f"pods cannot be listed: {error}")
            else:
                self._follow({pod["metadata"]["uid"]: pod for pod in pods if wants_process(pod)})
            self._restart_ended()
            self._write_targets()

    def _list(self) -> list[dict[str, Any]]:
        # Raw: the typed client would spend most of a second on a few hundred pods.
        response: Any = self._api.list_pod_for_all_namespaces(_preload_content=False, _request_timeout=5)
        items: list[dict[str, Any]] = json.loads(response.data)["items"]
        return items

    def _follow(self, wanted: dict[str, dict[str, Any]]) -> None:
        leaving = [uid for uid in self._runs if uid not in wanted]
        for uid in leaving:
            run = self._runs.pop(uid)
            self._supervisor.stop(uid, _GRACE_SECONDS)
            self._note(f"{run.name} stopped")
        for uid, pod in wanted.items():
            if uid not in self._runs:
                self._runs[uid] = run = plan_run(pod, free_port())
                self._start(uid, run)

    def _start(self, uid: str, run: _Run) -> None:
        log = self._logs / f"{run.name.replace('/', '_')}.log"
        try:
            run.pids.append(self._supervisor.start(uid, run.argv, log, os.environ | run.env, self._workdir))
        except ProcessFailed as error:
            self._note(f"{run.name}: {error}; looked for it on PATH, started in {self._workdir}")
            run.restarts = False
        else:
            self._note(f"{run.name} started, pid {run.pids[-1]}, {run.labels['__address__']}")

    def _restart_ended(self) -> None:
        for uid, run in self._runs.items():
            pid, returncode = self._supervisor.poll(uid)
            if pid is None or returncode is None or not run.restarts:
                continue
            if run.pause == 0:
                self._note(f"{run.name} ended with exit code {returncode}")
                run.pause = min(2**run.ended, _LONGEST_PAUSE)
                run.ended += 1
                self._tell(run, returncode)
            run.pause -= 1
            if run.pause == 0:
                self._start(uid, run)

    def _tell(self, run: _Run, returncode: int) -> None:
        """Write into the pod's status that its container ended and is started again."""
        namespace, _, pod = run.name.partition("/")
        code = returncode if returncode >= 0 else 128 - returncode  # ended by a signal, as a shell says it
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ended = {"exitCode": code, "reason": "Error" if code else "Completed", "startedAt": now, "finishedAt": now}
        said = {"name": run.labels["container"], "restartCount": run.ended, "lastState": {"terminated": ended}}
        try:
            self._api.patch_namespaced_pod_status(
                pod, namespace, {"status": {"containerStatuses": [said]}}, _request_timeout=5
            )
        except (OSError, urllib3.exceptions.HTTPError, client.ApiException) as error:
            self._note(f"{run.name}: its status cannot be written: {error}")

    def _write_targets(self) -> None:
        if self._targets is None:
            return
        groups = [target_group(run.labels) for run in self._runs.values()]
        text = json.dumps(sorted(groups, key=lambda group: group["targets"]), indent=2)
        if text != self._written:
            # Whole or not at all: Prometheus may read at any moment. Its pattern does not match the suffix.
            draft = self._targets.with_suffix(".draft")
            draft.write_text(text, encoding="utf-8")
            draft.replace(self._targets)
            self._written = text

    def _note(self, text: str) -> None:
        with (self._logs / "podrunner.log").open("a", encoding="utf-8") as log:
            log.write(text + "\n")


def wants_process(pod: dict[str, Any]) -> bool:
    """Whether a pod asks for a process and is alive."""
    metadata = pod["metadata"]
    asked = (metadata.get("annotations") or {}).get(RUN_ANNOTATION) == "true"
    return asked and pod["status"].get("phase") == "Running" and not metadata.get("deletionTimestamp")


def plan_run(pod: dict[str, Any], port: int) -> _Run:
    """The process for a pod: command, environment and labels, with ``$(NAME)`` filled in as the kubelet does."""
    metadata, spec = pod["metadata"], pod["spec"]
    container = spec["containers"][0]
    plain = {entry["name"]: entry["value"] for entry in container.get("env") or [] if "value" in entry}
    env = {"PORT": str(port), "POD_NAME": metadata["name"], "POD_NAMESPACE": metadata["namespace"]} | plain
    argv = [fill_in(part, env) for part in [*(container.get("command") or []), *(container.get("args") or [])]]
    if argv and argv[0] in {"python", "python3"}:
        argv[0] = sys.executable  # the environment with our dependencies
    labels = {
        "__address__": f"127.0.0.1:{env['PORT']}",
        "namespace": metadata["namespace"],
        "pod": metadata["name"],
        "container": container["name"],
    }
    name = f"{metadata['namespace']}/{metadata['name']}"
    return _Run(name, argv, env, labels, restarts=spec.get("restartPolicy", "Always") == "Always")


def fill_in(text: str, env: dict[str, str]) -> str:
    """Replace ``$(NAME)`` by its value and ``$$`` by ``$``; an unknown name is left as it stands."""
    return _REFERENCE.sub(lambda match: "$" if match[1] is None else env.get(match[1], match[0]), text)


def target_group(labels: dict[str, str]) -> dict[str, Any]:
    """One entry of a file_sd file."""
    visible = {name: value for name, value in labels.items() if not name.startswith("__")}
    return {"targets": [labels["__address__"]], "labels": visible}

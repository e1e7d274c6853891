"""A whole lab: control plane, fake nodes and, if wanted, Prometheus."""

import http
import json
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab import binaries, gobuild
from lab.binaries import quiet
from lab.certs import write_certificates
from lab.controlplane import SERVICE_IP, Plane, node
from lab.errors import CommandFailed, LabError, ProcessFailed
from lab.gobuild import Say
from lab.processes import Ports, Service, Supervisor
from lab.prometheus import PrometheusServer
from lab.web import Client, wait_until

_TOKEN_HOURS = 72
_CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd", "kubectl", "kwok")


class Lab:
    """A running lab. Begin with :meth:`start`; ends with its ``with`` block or :meth:`close`.

    Attributes:
        directory: holds all its files.
        etcd, apiserver, controller_manager, scheduler, kwok: to stop, start again, freeze.
        prometheus: None when started without.
        started_in: seconds from the first process to all ready.
    """

    def __init__(self, directory: Path, say: Say = quiet, *, prometheus: bool = True, context: str = "lab") -> None:
        """Prefer :meth:`start`; this one starts no program of the control plane."""
        self.directory = directory.resolve()
        if (self.directory / "etcd").exists():
            raise LabError(f"{self.directory} holds the data of an earlier lab; remove it or name another folder")
        names = (*_CONTROL_PLANE, "prometheus") if prometheus else _CONTROL_PLANE
        self._plane = Plane(self.directory, binaries.find(names, say), context)
        stages = gobuild.kwok_stages(say)
        self.prometheus: PrometheusServer | None = None
        self.started_in = 0.0
        self._supervisor = Supervisor(self.directory)
        plane = self._plane
        self.etcd = self._service("etcd", ("client", "peer"), plane.etcd, "http://127.0.0.1:{client}/health")
        self.apiserver = self._service(
            "kube-apiserver",
            ("https",),
            lambda ports: plane.apiserver(ports, self.etcd.port),
            "https://127.0.0.1:{https}/readyz",
        )
        self.apiserver.patience = 1.0  # it would wait for its own watches
        healthz = "https://127.0.0.1:{https}/healthz"
        self.controller_manager = self._service(
            "kube-controller-manager", ("https",), plane.controller_manager, healthz
        )
        self.scheduler = self._service("kube-scheduler", ("https",), plane.scheduler, healthz)
        self.kwok = self._service(
            "kwok", ("http",), lambda ports: plane.kwok(ports, stages), "http://127.0.0.1:{http}/healthz"
        )

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        prometheus: bool = True,
        backfill: Sequence[Path] = (),
        scrape_interval: float = 1.0,
        nodes: int = 2,
        context: str = "lab",
        say: Say = quiet,
    ) -> Self:
        """Start a lab and wait until pods can run in it.

        Args:
            directory: empty or missing; data, logs, certificates and kubeconfigs go there.
            prometheus: whether to start one.
            backfill: OpenMetrics files it shall hold, see :meth:`PrometheusServer.start`.
            scrape_interval: of Prometheus, in seconds.
            nodes: how many fake nodes, named ``lab-1`` and so on.
            context: name of the context in its kubeconfigs, which tells one lab from another.
            say: told what is found, built and started.

        Raises:
            LabError: a program is missing or did not become ready; the message holds the end of its log.
        """
        lab = cls(directory, say, prometheus=prometheus, context=context)
        began = time.monotonic()
        try:
            if prometheus:
                lab._start_prometheus(backfill, scrape_interval)
            lab._start_control_plane(nodes)
        except BaseException:
            lab.close()
            raise
        lab.started_in = time.monotonic() - began
        return lab

    @property
    def kubeconfig(self) -> Path:
        """Kubeconfig of the administrator."""
        return self._plane.kubeconfig("admin")

    @property
    def context(self) -> str:
        """Name of the context in it."""
        return self._plane.context

    @property
    def kubectl_path(self) -> Path:
        """The program of :meth:`kubectl`."""
        return self._plane.tools["kubectl"].path

    @property
    def server(self) -> str:
        """URL of the API server."""
        return f"https://127.0.0.1:{self.apiserver.port}"

    @property
    def ca(self) -> Path:
        """Certificate that verifies the API server."""
        return self._plane.pki / "ca.crt"

    @property
    def audit_log(self) -> Path:
        """One JSON object per line for each call, level Metadata."""
        return self.directory / "audit.log"

    def audited(self, since: int = 0) -> list[dict[str, Any]]:
        """Requests in the audit log from a place in it on, but for those that are only half there."""
        with self.audit_log.open("rb") as log:
            log.seek(max(since - 1, 0))
            first, *lines = log.read().splitlines(keepends=True) or [b""]
        if since == 0:
            lines.insert(0, first)
        return [json.loads(line) for line in lines if line.endswith(b"\n")]

    @property
    def prometheus_url(self) -> str:
        """Base URL of Prometheus.

        Raises:
            LabError: this lab was started without it.
        """
        if self.prometheus is None:
            raise LabError("this lab was started without Prometheus; use Lab.start(..., prometheus=True)")
        return self.prometheus.url

    @property
    def services(self) -> list[Service]:
        """All programs, in the order of a start."""
        services = [self.etcd, self.apiserver, self.controller_manager, self.scheduler, self.kwok]
        return [*services, self.prometheus.service] if self.prometheus else services

    def kubectl(self, *arguments: str, input: str | None = None, check: bool = True) -> str:  # noqa: A002 - as subprocess
        """Run kubectl as administrator; returns what it wrote to stdout.

        Args:
            arguments: without ``kubectl`` itself.
            input: text for ``-f -``.
            check: raise when it fails; without, its error output is returned after its output.

        Raises:
            CommandFailed: it ended with another code than 0.
        """
        # A cache of its own: the usual one is named by address, which another lab may have had.
        own = [f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self.directory / 'kubectl-cache'}"]
        command = [str(self._plane.tools["kubectl"].path), *own, *arguments]
        done = subprocess.run(command, input=input, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode and check:
            raise CommandFailed(
                f"kubectl {' '.join(arguments)}: {done.stderr.strip()}", done.returncode, done.stdout + done.stderr
            )
        return done.stdout if done.returncode == 0 else done.stdout + done.stderr

    def kubeconfig_for(self, namespace: str, serviceaccount: str) -> Path:
        """Write a kubeconfig that speaks as an existing ServiceAccount, valid for three days.

        Raises:
            CommandFailed: there is no such ServiceAccount.
        """
        token = self.kubectl(
            "create", "token", serviceaccount, f"--namespace={namespace}", f"--duration={_TOKEN_HOURS}h"
        ).strip()
        path = self.directory / f"{namespace}-{serviceaccount}.kubeconfig"
        self._plane.write_kubeconfig(path, self.server, f"{namespace}:{serviceaccount}", token, namespace)
        return path

    def get(self, path: str) -> Any:
        """The object at an API path such as ``/api/v1/nodes/lab-1``, or None when it is not there."""
        return self._client(self.apiserver.port).get(path)

    def close(self) -> None:
        """Stop everything, the last started first. Files stay for a look at the logs."""
        self._supervisor.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def _service(
        self, name: str, ports: tuple[str, ...], command: Callable[[Ports], list[str]], health: str
    ) -> Service:
        return Service(self._supervisor, name, self.directory / "logs", ports, command, health, self.ca)

    def _client(self, port: int) -> Client:
        return Client(f"https://127.0.0.1:{port}", self.ca, self._plane.tokens["admin"])

    def _start_prometheus(self, backfill: Sequence[Path], scrape_interval: float) -> None:
        self.prometheus = PrometheusServer.start(
            self.directory / "prometheus",
            backfill=backfill,
            scrape_interval=scrape_interval,
            supervisor=self._supervisor,
            tools=self._plane.tools,
        )

    def _start_control_plane(self, nodes: int) -> None:
        (self.directory / "logs").mkdir(exist_ok=True)
        write_certificates(self._plane.pki, SERVICE_IP)
        self._plane.write_files()
        self.etcd.start()
        self.apiserver.start()
        self._plane.write_kubeconfigs(self.server)
        with ThreadPoolExecutor() as pool:
            list(pool.map(Service.start, (self.controller_manager, self.scheduler, self.kwok)))
        names = [f"lab-{number + 1}" for number in range(nodes)]
        for name in names:
            self._create("/api/v1/nodes", node(name))
        wait_until(
            lambda: self.get("/api/v1/namespaces/default/serviceaccounts/default"),
            "the default ServiceAccount is there",
        )
        wait_until(lambda: all(self._node_ready(name) for name in names), "the nodes are ready")

    def _create(self, path: str, document: dict[str, Any]) -> None:
        status, text = self._client(self.apiserver.port).request("POST", path, document)
        if status != http.HTTPStatus.CREATED:
            raise ProcessFailed(f"the API server answered {status} to a new object at {path}: {text[:500]}")

    def _node_ready(self, name: str) -> bool:
        found = self.get(f"/api/v1/nodes/{name}") or {}
        conditions = found.get("status", {}).get("conditions", [])
        tainted = found.get("spec", {}).get("taints")  # not-ready, until the node controller has seen it ready
        return not tainted and any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def describe(lab: Lab) -> dict[str, Any]:
    """What another process needs to know about a lab, as JSON values."""
    services = [
        {"name": service.name, "pid": service.pid, "port": service.port, "health": service.health_url}
        for service in lab.services
    ]
    url = lab.prometheus.url if lab.prometheus else None
    return {
        "kubeconfig": str(lab.kubeconfig),
        "context": lab.context,
        "kubectl": str(lab.kubectl_path),
        "server": lab.server,
        "ca": str(lab.ca),
        "prometheus": url,
        "services": services,
        "started_in": round(lab.started_in, 1),
    }

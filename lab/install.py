"""Installs DriftReview into a cluster: the CRDs, the operator's own account and its rights, and the operator."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml

from lab.errors import CommandFailed, LabError, ProcessFailed, ToolMissing, log_tail
from lab.ports import free_port
from lab.processes import Supervisor
from lab.web import is_healthy, wait_until

ROOT: Final = Path(__file__).resolve().parents[1]
SYSTEM: Final = "driftreview-system"
ACCOUNT: Final = "driftreview"
OURS: Final = "lab.driftreview.dev/made-here"
"""Label of namespaces that may be deleted and made anew."""
_LEASE: Final = "driftreview"
_CLUSTER_WIDE: Final = ("clusterrole", "customresourcedefinition", "validatingadmissionpolicy")
_OURS_PATH: Final = "{.metadata.labels.lab\\.driftreview\\.dev/made-here}"

Kubectl = Callable[..., str]
"""``kubectl(*arguments, input=None)``: runs as administrator and returns what it printed."""


def of_context(context: str, kubectl: str = "kubectl") -> Kubectl:
    """A kubectl that speaks to a context of the user's own kubeconfig."""

    def run(*arguments: str, input: str | None = None) -> str:  # noqa: A002 - as subprocess names it
        command = [kubectl, "--context", context, *arguments]
        try:
            done = subprocess.run(command, input=input, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise ToolMissing(
                f"{kubectl} is not on PATH: install it, or, for a lab, source the file that `make lab-up` names"
            ) from None
        if done.returncode:
            raise CommandFailed(f"{' '.join(command)}: {done.stderr.strip()}", done.returncode, done.stderr)
        return done.stdout

    return run


def install(kubectl: Kubectl) -> None:
    """Install the CRDs, the operator's namespace, its account and rights, who is who; safe to run again.

    Not `charts/driftreview/block.yaml`, which looks at workloads: who wants it applies it.
    """
    kubectl("apply", "--server-side", "--force-conflicts", *_files((ROOT / "crds").glob("*.yaml")))
    kubectl("wait", "--for=condition=Established", *_files((ROOT / "crds").glob("*.yaml")), "--timeout=30s")
    kubectl("apply", "-f", "-", input=yaml.safe_dump_all(_account()))


def refuse_second(kubectl: Kubectl) -> None:
    """Make sure that no operator runs in the cluster: a second one would only wait for it to end.

    Raises:
        LabError: one holds the Lease and renews it.
    """
    found = kubectl("get", "lease", _LEASE, "-n", SYSTEM, "--ignore-not-found", "-o", "json")
    spec = json.loads(found)["spec"] if found.strip() else {}
    holder, seconds = spec.get("holderIdentity"), int(spec.get("leaseDurationSeconds", 0))
    renewed = datetime.fromisoformat(spec.get("renewTime", "1970-01-01T00:00:00Z"))
    if holder and datetime.now(UTC) - renewed < timedelta(seconds=seconds):
        raise LabError(
            f"an operator runs in this cluster already: {holder} holds the Lease {SYSTEM}/{_LEASE}, and a second one "
            f"waits until it ends. Stop it first (one that was killed loses the Lease after {seconds} s), or try "
            "another cluster"
        )


def installed(kubectl: Kubectl) -> list[str]:
    """What of an installation is in the cluster, each as kubectl names it, such as `namespace/driftreview-system`."""
    options = ("--ignore-not-found", "-o", "name")
    crds = kubectl("get", *options, *_files((ROOT / "crds").glob("*.yaml")))
    account = kubectl("get", *options, "-f", "-", input=yaml.safe_dump_all(_account()))
    return [*crds.split(), *account.split(), *kubectl("get", "lease", _LEASE, "-n", SYSTEM, *options).split()]


def removal(context: str, before: Sequence[str], after: Sequence[str], *namespaces: str) -> Iterator[str]:
    """The commands that delete these namespaces and what was installed, but nothing that was there before."""
    delete = f"kubectl --context {context} delete"
    made = [each for each in after if each not in before]
    wide = [each for each in made if each.startswith(_CLUSTER_WIDE)]
    inside = [each for each in made if each not in (*wide, f"namespace/{SYSTEM}")]
    if f"namespace/{SYSTEM}" in made:
        namespaces, inside = (*namespaces, SYSTEM), []
    yield f"{delete} namespace {' '.join(namespaces)}"
    if inside:
        yield f"{delete} -n {SYSTEM} {' '.join(inside)}"
    if wide:
        yield f"{delete} {' '.join(wide)}"


def operator_kubeconfig(kubectl: Kubectl, path: Path, account: str = ACCOUNT) -> Path:
    """Write a kubeconfig with a token of the operator's ServiceAccount: it never runs as administrator."""
    token = kubectl("create", "token", account, "-n", SYSTEM, "--duration=168h").strip()
    view = yaml.safe_load(kubectl("config", "view", "--minify", "--flatten", "-o", "yaml"))
    cluster = view["clusters"][0]["cluster"]
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "demo", "cluster": cluster}],
        "users": [{"name": account, "user": {"token": token}}],
        "contexts": [{"name": "demo", "context": {"cluster": "demo", "user": account, "namespace": SYSTEM}}],
        "current-context": "demo",
    }
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    path.chmod(0o600)
    return path


def _account() -> list[dict[str, Any]]:
    subject = [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": SYSTEM}]
    documents: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": SYSTEM}},
    ]
    rbac = "rbac.authorization.k8s.io"
    for name, kind, namespace in (
        ("judge", "ClusterRole", None),
        ("actor", "ClusterRole", None),
        ("report", "ClusterRole", None),
        ("alert-rules", "ClusterRole", None),
        ("own-namespace", "Role", SYSTEM),
    ):
        rules = yaml.safe_load((ROOT / "charts" / "driftreview" / "rules" / f"{name}.yaml").read_text("utf-8"))
        metadata = {"name": f"driftreview-{name}"} | ({"namespace": namespace} if namespace else {})
        documents += [
            {"apiVersion": f"{rbac}/v1", "kind": kind, "metadata": metadata, "rules": rules},
            {
                "apiVersion": f"{rbac}/v1",
                "kind": f"{kind}Binding",
                "metadata": metadata,
                "roleRef": {"apiGroup": rbac, "kind": kind, "name": metadata["name"]},
                "subjects": subject,
            },
        ]
    return [*documents, *yaml.safe_load_all((ROOT / "charts" / "driftreview" / "admission.yaml").read_text("utf-8"))]


def create_namespace(kubectl: Kubectl, name: str) -> None:
    """A fresh namespace; one that an earlier run left is deleted first, anybody else's is not.

    Raises:
        LabError: there is a namespace of that name which is not ours.
    """
    found = kubectl("get", "namespace", name, "--ignore-not-found", "-o", f"jsonpath={{.metadata.name}} {_OURS_PATH}")
    if found.strip() and not found.endswith(" true"):
        raise LabError(f"namespace {name} is there already and not from here; delete or rename it first")
    kubectl("delete", "namespace", name, "--ignore-not-found", "--timeout=60s")
    kubectl("create", "namespace", name)
    kubectl("label", "namespace", name, f"{OURS}=true")
    give_up = time.monotonic() + 30
    while not kubectl("get", "serviceaccount", "default", "-n", name, "--ignore-not-found").strip():
        if time.monotonic() > give_up:
            raise TimeoutError(f"namespace {name} has no default ServiceAccount after 30 s")
        time.sleep(0.1)


def _files(paths: Iterable[Path]) -> list[str]:
    return [part for path in sorted(paths) for part in ("-f", str(path))]


class OperatorProcess:
    """The operator as a process of its own, under its own ServiceAccount. Ends with its starter.

    Args:
        directory: gets the log.
        kubeconfig: of the operator's account.
        options: more options of ``driftreview run``.
        supervisor: starts it, by the path of its directory; without, one of its own.
    """

    def __init__(self, directory: Path, kubeconfig: Path, *options: str, supervisor: Supervisor | None = None) -> None:
        self.log = directory / "operator.log"
        self._directory, self._kubeconfig, self._options = directory, kubeconfig, options
        self._supervisor = supervisor or Supervisor(directory)
        self._owned = self._supervisor if supervisor is None else None
        self._name = str(directory)
        self.port = 0

    @property
    def url(self) -> str:
        """Where /healthz, /readyz and /metrics are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """Process id; None before the first start."""
        return self._supervisor.poll(self._name)[0]

    @property
    def exit_code(self) -> int | None:
        """How it ended by itself; None while it runs."""
        return self._supervisor.poll(self._name)[1]

    def start(self, *, wait: bool = True) -> None:
        """Start it, and wait until it watches.

        Raises:
            ProcessFailed: it ended, or was not ready in time; the message holds the end of its log.
        """
        self.port = free_port()
        command = [sys.executable, "-m", "driftreview", "run", "--kubeconfig", str(self._kubeconfig)]
        command += ["--namespace", SYSTEM, "--listen-port", str(self.port), "--log-format", "text", *self._options]
        env = {"DRIFTREVIEW_LEASE_SECONDS": "3"} | os.environ | {"PYTHONPATH": str(ROOT / "operator")}
        self._supervisor.start(self._name, command, self.log, env, self._directory)
        if wait:
            try:
                wait_until(self._ready, "the operator is ready", 60.0)
            except ProcessFailed as error:
                raise ProcessFailed(f"{error}\n{log_tail(self.log)}") from None

    def stop(self, seconds: float = 30.0) -> int | None:
        """SIGTERM; returns the exit code."""
        return self._supervisor.stop(self._name, seconds)

    def kill(self) -> None:
        """SIGKILL."""
        self._supervisor.stop(self._name, 0)

    def close(self) -> None:
        """Stop it for good."""
        if self._owned is None:
            self.stop(1)
        else:
            self._owned.close()

    def _ready(self) -> bool:
        pid, returncode = self._supervisor.poll(self._name)
        if pid is None or returncode is not None:
            raise ProcessFailed("the operator ended")
        return is_healthy(f"{self.url}/readyz")


def main(
    context: Annotated[str, typer.Option(help="Context of your kubeconfig.")],
    output: Annotated[Path, typer.Option(help="Where to write the operator's kubeconfig.")] = Path(
        "operator.kubeconfig"
    ),
) -> None:
    """Install the CRDs and the operator's account into a cluster, and write a kubeconfig for it, valid for a week."""
    kubectl = of_context(context)
    try:
        install(kubectl)
        operator_kubeconfig(kubectl, output)
    except LabError as error:
        typer.secho(f"install: {error}", fg="red", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"CRDs, namespace {SYSTEM} and account {ACCOUNT} are installed in {context}; next:")
    typer.echo(f"  .venv/bin/driftreview run --kubeconfig {output} --log-format text")


if __name__ == "__main__":
    typer.run(main)

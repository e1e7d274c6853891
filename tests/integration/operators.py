"""Operator processes for tests: one shared by a module, or one of a test's own; never two at once by accident."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from lab.install import SYSTEM, OperatorProcess
from lab.processes import Supervisor
from lab.web import is_healthy
from tests.support.cluster import Api

LEASE: Final = "driftreview"


@dataclass
class Operators:
    """Starts operators, under the operator's own account."""

    directory: Path
    kubeconfig: Path
    """Of the operator's account."""
    api: Api
    supervisor: Supervisor | None = None
    """Forks them; without, each is executed."""
    _shared: OperatorProcess | None = None
    _shared_by: Path | None = None
    _count: int = 0

    def kubeconfig_by(self, url: str, kubeconfig: Path | None = None) -> Path:
        """The operator's kubeconfig, or that of another account, with another way to the API server."""
        config = yaml.safe_load((kubeconfig or self.kubeconfig).read_text("utf-8"))
        config["clusters"][0]["cluster"] = {"server": url}
        path = self.directory / f"by-{url.rpartition(':')[2]}.kubeconfig"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return path

    def shared(self, kubeconfig: Path | None = None) -> OperatorProcess:
        """The one for tests that leave it alone; another one where the way to the API server is another."""
        if self._shared is None or self._shared_by != kubeconfig or not is_healthy(f"{self._shared.url}/readyz"):
            self.stop_shared()
            self._shared, self._shared_by = self.new(kubeconfig=kubeconfig), kubeconfig
            self._shared.start()
        return self._shared

    def stop_shared(self) -> None:
        """End it; the next test that wants one starts another."""
        if self._shared is not None:
            self._shared.close()
            self._shared = None
        self.api.delete("Lease", LEASE, SYSTEM)

    def new(self, *options: str, kubeconfig: Path | None = None) -> OperatorProcess:
        """One that is not started yet, with a folder of its own."""
        self._count += 1
        directory = self.directory / f"operator-{self._count}"
        directory.mkdir()
        kubeconfig = kubeconfig or self.kubeconfig
        return OperatorProcess(directory, kubeconfig, "--log-format", "json", *options, supervisor=self.supervisor)

    @contextmanager
    def own(self, *options: str, kubeconfig: Path | None = None, start: bool = True) -> Iterator[OperatorProcess]:
        """One of a test's own, alone in the cluster."""
        self.stop_shared()
        operator = self.new(*options, kubeconfig=kubeconfig)
        try:
            if start:
                operator.start()
            yield operator
        finally:
            operator.close()
            self.api.delete("Lease", LEASE, SYSTEM)

    def restart(self, operator: OperatorProcess, *, wait: bool = True) -> None:
        """Start one again that was killed, without the wait for its Lease to run out."""
        self.api.delete("Lease", LEASE, SYSTEM)
        operator.start(wait=wait)


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Set environment variables for operators that are started inside."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, old in before.items():
            if old is None:
                del os.environ[name]
            else:
                os.environ[name] = old

"""Starting, awaiting, stopping and starting again the programs of a lab."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.errors import ProcessFailed, log_tail
from lab.ports import free_port
from lab.web import is_healthy, wait_until

Ports = Mapping[str, int]
_SUPERVISE = (sys.executable, "-I", "-S", str(Path(__file__).with_name("supervise.py")))
_PORT_TRIES = 5
_PORT_TAKEN = "address already in use"


class Supervisor:
    """The caller's end of :mod:`lab.supervise`; may be used from several threads.

    Args:
        directory: gets ``supervise.log``.
        command: of the other end, or of one that answers alike.
    """

    def __init__(self, directory: Path, command: Sequence[str] = _SUPERVISE) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._log = directory / "supervise.log"
        self._lock = threading.Lock()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the starter, which then stops all in order
            )
        self.pid = self._process.pid

    def start(
        self,
        name: str,
        argv: Sequence[str],
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> int:
        """Start a program under a name; returns its process id.

        Raises:
            ProcessFailed: it cannot be executed.
        """
        request = {
            "op": "start",
            "name": name,
            "argv": list(argv),
            "log": str(log),
            "env": None if env is None else dict(env),
            "cwd": None if cwd is None else str(cwd),
        }
        return int(self._ask(request)["pid"])

    def stop(self, name: str, seconds: float = 5.0) -> int | None:
        """SIGTERM, then SIGKILL after some seconds; returns the exit code, None for an unknown name."""
        answer: int | None = self._ask({"op": "stop", "name": name, "seconds": seconds})["returncode"]
        return answer

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a program."""
        self._ask({"op": "signal", "name": name, "signal": int(number)})

    def poll(self, name: str) -> tuple[int | None, int | None]:
        """(process id, exit code); the exit code is None while it runs, both are None for an unknown name."""
        answer = self._ask({"op": "poll", "name": name})
        return answer["pid"], answer["returncode"]

    def close(self) -> None:
        """Stop all programs, the last started first."""
        with self._lock:
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process.wait()

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            stdin, stdout = self._process.stdin, self._process.stdout
            if stdin is None or stdout is None or stdin.closed:
                raise ProcessFailed(f"{request['name']}: this lab has been stopped")
            try:
                stdin.write(json.dumps(request).encode() + b"\n")
                stdin.flush()
                line = stdout.readline()
            except OSError:
                line = b""
        if not line:
            raise ProcessFailed(f"the lab's supervisor is gone and all programs with it\n{log_tail(self._log)}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ProcessFailed(f"{request['op']} {request['name']}: {answer['error']}")
        return answer


@dataclass
class Service:
    """One server program of the lab.

    Attributes:
        supervisor: starts it.
        name: of the program; also of its log.
        directory: gets ``<name>.log``.
        port_names: for each a free port is chosen once and kept over restarts; the first is the one to show.
        command: the command line for given ports.
        health: URL that answers 200 when it serves, with port names in braces.
        ca: certificate that verifies an https URL.
        patience: seconds between SIGTERM and SIGKILL in :meth:`stop`.
    """

    supervisor: Supervisor
    name: str
    directory: Path
    port_names: tuple[str, ...]
    command: Callable[[Ports], list[str]]
    health: str
    ca: Path | None = None
    patience: float = 5.0
    ports: dict[str, int] = field(default_factory=dict)
    pid: int | None = None

    @property
    def log(self) -> Path:
        """What the program wrote, over all its starts."""
        return self.directory / f"{self.name}.log"

    @property
    def port(self) -> int:
        """The first port."""
        return self.ports[self.port_names[0]]

    @property
    def health_url(self) -> str:
        """URL that answers 200 when it serves."""
        return self.health.format_map(self.ports)

    def start(self, seconds: float = 60.0) -> None:
        """Start it and wait until it serves; again on its earlier ports if it ran before.

        Raises:
            ProcessFailed: it ended, or does not serve in time; with the end of its log.
        """
        if self.running:
            raise ProcessFailed(f"{self.name} runs already (pid {self.pid})")
        restarted = bool(self.ports)
        for _ in range(_PORT_TRIES):
            if not restarted:
                self.ports = {name: free_port() for name in self.port_names}
            if self._try(seconds, restarted=restarted):
                return
        raise ProcessFailed(f"{self.name} found its ports taken {_PORT_TRIES} times\n{log_tail(self.log)}")

    def stop(self, *, kill: bool = False) -> None:
        """End it: SIGTERM and a bounded wait, or SIGKILL at once. Data and ports are kept for :meth:`start`."""
        self.supervisor.stop(self.name, 0.0 if kill else self.patience)
        self.pid = None

    def restart(self, *, kill: bool = False) -> None:
        """Stop and start again on the same ports and data."""
        self.stop(kill=kill)
        self.start()

    def freeze(self) -> None:
        """Let it hang (SIGSTOP): connections open but nobody answers, unlike after :meth:`stop`."""
        self.supervisor.signal(self.name, signal.SIGSTOP)

    def thaw(self) -> None:
        """End :meth:`freeze`."""
        self.supervisor.signal(self.name, signal.SIGCONT)

    @property
    def running(self) -> bool:
        """Whether the process is there, ready or not."""
        pid, returncode = self.supervisor.poll(self.name)
        return pid is not None and returncode is None

    def _try(self, seconds: float, *, restarted: bool) -> bool:
        offset = self.log.stat().st_size if self.log.exists() else 0
        self.pid = self.supervisor.start(self.name, self.command(self.ports), self.log)
        try:
            verdict = wait_until(lambda: self._verdict(offset, restarted=restarted), f"{self.name} is ready", seconds)
        except ProcessFailed as error:
            raise ProcessFailed(f"{error}\n{log_tail(self.log)}") from None
        return verdict == "ready"

    def _verdict(self, offset: int, *, restarted: bool) -> str | None:
        _, returncode = self.supervisor.poll(self.name)
        if returncode is None:
            return "ready" if is_healthy(self.health_url, self.ca) else None
        with self.log.open("rb") as log:
            log.seek(offset)
            taken = _PORT_TAKEN in log.read().decode(errors="replace").lower()
        if taken and not restarted:
            return "port taken"
        raise ProcessFailed(f"{self.name} ended with exit code {returncode}")

"""Labs with a name that outlive the command that started them: where their state is, and the daemon that holds one."""

import fcntl
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from lab.errors import LabError, ProcessFailed, log_tail
from lab.plane import Lab, describe
from lab.podrunner import PodRunner
from lab.web import wait_until

_START_SECONDS = 180.0
_STOP_SECONDS = 30.0
_REPOSITORY = Path(__file__).resolve().parent.parent
DEFAULT = "default"


@dataclass(frozen=True)
class NamedLab:
    """The state folder of one name. Whoever runs the lab holds a lock, so a dead daemon is never taken for a living."""

    name: str

    @property
    def directory(self) -> Path:
        """Files of the lab: ``$XDG_STATE_HOME/driftreview/lab/<name>``."""
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return Path(base) / "driftreview" / "lab" / self.name

    @property
    def context(self) -> str:
        """Name of its kubeconfig's context: ``lab``, and of other labs ``lab-<name>``."""
        return "lab" if self.name == DEFAULT else f"lab-{self.name}"

    @property
    def environment(self) -> Path:
        """File of shell lines that point kubectl and others here; gone with the lab, so that sourcing it then fails."""
        return self.directory / "env"

    def command(self, verb: str) -> str:
        """The shell command that does something with this lab, from whatever folder it is pasted in."""
        words = ["make", "-C", str(_REPOSITORY), f"lab-{verb}"]
        return shlex.join(words if self.name == DEFAULT else [*words, f"NAME={self.name}"])

    @property
    def log(self) -> Path:
        """What the daemon wrote."""
        return self.directory / "daemon.log"

    @property
    def _state(self) -> Path:
        return self.directory / "state.json"

    @property
    def _lock(self) -> Path:
        # Beside the folder, not in it: removing the folder must not remove a lock somebody waits for.
        return self.directory.with_name(f"{self.name}.lock")

    def runs(self) -> bool:
        """Whether a daemon holds this name, ready or still starting."""
        lock = self._try_lock()
        if lock is None:
            return True
        lock.close()
        return False

    def state(self) -> dict[str, Any] | None:
        """What :func:`lab.plane.describe` told once the lab was ready, and its options; None if none is ready."""
        if not self.runs():
            return None
        try:
            state: dict[str, Any] = json.loads(self._state.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return state

    def up(self, *, prometheus: bool, pods: Path | None) -> dict[str, Any]:
        """Start the daemon and wait until its lab is ready.

        Args:
            prometheus: whether it has one.
            pods: working directory for annotated pods as processes; None runs none.

        Raises:
            ProcessFailed: it did not start; with the end of the daemon's log.
            LabError: the name is taken.
        """
        if self.runs():
            raise LabError(f"lab {self.name!r} is being started or stopped by another command; see {self.log}")
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        options = ["--prometheus" if prometheus else "--no-prometheus"]
        options += [f"--pods={pods.resolve()}"] if pods else []
        with self.log.open("ab") as log:
            daemon = subprocess.Popen(
                [sys.executable, "-m", "lab", "serve", f"--name={self.name}", *options],
                cwd=_REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

        def ready() -> dict[str, Any] | None:
            if (code := daemon.poll()) is not None:
                raise ProcessFailed(f"lab {self.name!r} did not start (exit code {code})\n{log_tail(self.log, 30)}")
            return self.state()

        try:
            state = wait_until(ready, f"lab {self.name!r} is ready", _START_SECONDS)
        except BaseException:
            daemon.terminate()
            daemon.wait(_STOP_SECONDS)
            raise
        daemon.returncode = 0  # it is meant to stay; keeps Popen from warning about it
        return state

    def down(self) -> bool:
        """End the lab and remove its state; says whether one was running.

        Raises:
            ProcessFailed: it does not end even when killed.
        """
        ran = self.runs()
        if ran:
            pid = int(self._lock.read_text() or "0")
            for number in (signal.SIGTERM, signal.SIGKILL):  # killed, its supervisor cleans up
                try:
                    os.kill(pid, number)
                    wait_until(lambda: not self.runs(), f"lab {self.name!r} (pid {pid}) ends", _STOP_SECONDS)
                    break
                except ProcessLookupError:
                    break
                except ProcessFailed:
                    if number is signal.SIGKILL:
                        raise
        shutil.rmtree(self.directory, ignore_errors=True)
        return ran

    def serve(self, *, prometheus: bool, pods: Path | None) -> None:
        """Be the daemon: hold the lab until SIGTERM.

        Raises:
            LabError: the lab does not start, or the name is taken.
        """
        # Not at the first try: whoever asks whether the lab runs holds the lock for a moment.
        lock = wait_until(self._try_lock, f"lab {self.name!r}, which seems to run already, ends", 2.0)
        end = threading.Event()

        def stop(_number: int, _frame: object) -> None:
            if end.is_set():
                return
            end.set()
            raise SystemExit(0)  # also out of a start that hangs; the ``with`` below tidies up

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        with lock, ExitStack() as stack:
            lock.truncate(0)
            lock.write(str(os.getpid()).encode())
            lock.flush()
            lab = stack.enter_context(Lab.start(self.directory, prometheus=prometheus, context=self.context, say=print))
            if pods:
                targets = lab.prometheus.targets if lab.prometheus else None
                stack.enter_context(PodRunner(lab.kubeconfig, pods, targets, self.directory / "pods"))
            state = describe(lab) | {"pods": str(pods.resolve()) if pods else None}
            self.environment.write_text(exports(state), encoding="utf-8")
            draft = self._state.with_suffix(".draft")
            draft.write_text(json.dumps(state, indent=2), encoding="utf-8")
            draft.replace(self._state)
            end.wait()

    def _try_lock(self) -> BinaryIO | None:
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        lock = self._lock.open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return None
        return lock


def exports(state: dict[str, Any]) -> str:
    """Shell lines that point kubectl and others to a lab; the lab's own kubectl is added where there is none."""
    names = {"KUBECONFIG": state["kubeconfig"], "PROMETHEUS_URL": state["prometheus"]}
    lines = [f"export {name}={shlex.quote(value)}" for name, value in names.items() if value]
    if shutil.which("kubectl") is None and "kubectl" in state:
        lines.append(f'export PATH="$PATH":{shlex.quote(str(Path(state["kubectl"]).parent))}')
    return "".join(f"{line}\n" for line in lines)


def differences(state: dict[str, Any], *, prometheus: bool, pods: Path | None) -> list[str]:
    """In which options a running lab is not the one that is asked for."""
    has = [_prometheus(state["prometheus"]), _pods(state.get("pods"))]
    wanted = [_prometheus(prometheus), _pods(pods.resolve() if pods else None)]
    return [
        f"it runs with {ours}, asked for is {theirs}"
        for ours, theirs in zip(has, wanted, strict=True)
        if ours != theirs
    ]


def _prometheus(there: object) -> str:
    return "--prometheus" if there else "--no-prometheus"


def _pods(folder: object) -> str:
    return f"--pods={folder}" if folder else "no --pods"

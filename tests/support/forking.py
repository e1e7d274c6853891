"""Operators that begin at once: each is forked from a process that has imported everything.

A run of all tests starts some five hundred operators. Executed, each would spend two seconds of CPU on its imports,
together a quarter of the run. Forked, it is still a process of its own, with its own environment, folder, log and
signals. What is told of the process itself is tested on ones that are executed: test_operator_process.py.
"""

import gc
import importlib
import os
import signal
import subprocess
import sys
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any, BinaryIO, Final

from lab.processes import Supervisor
from lab.supervise import Child, Children, serve

ROOT: Final = Path(__file__).parents[2]
_IMPORTED: Final = ("driftreview.__main__", "driftreview.runtime.operator")


def forking(directory: Path) -> Supervisor:
    """A supervisor that forks what it is told to execute, which must be `python -m driftreview`."""
    path = f"PYTHONPATH={ROOT / 'operator'}:{ROOT}"
    return Supervisor(directory, ("env", path, sys.executable, "-m", "tests.support.forking"))


class _Forked(ForkProcess):
    """A forked operator, as `subprocess.Popen` has one that was executed."""

    def poll(self) -> int | None:
        return self.exitcode

    def send_signal(self, sig: int) -> None:
        if self.pid is not None and self.poll() is None:
            os.kill(self.pid, sig)

    def wait(self, timeout: float | None = None) -> int:
        self.join(timeout)
        if self.exitcode is None:
            raise subprocess.TimeoutExpired("operator", timeout or 0)
        return self.exitcode


class _Forks(Children):
    def _begin(self, request: dict[str, Any], log: BinaryIO) -> Child:
        child = _Forked(target=self._become, args=(request, log))
        child.start()
        return child

    def _become(self, request: dict[str, Any], log: BinaryIO) -> None:
        self._die_with_supervisor()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for number in (sys.stdout.fileno(), sys.stderr.fileno()):
            os.dup2(log.fileno(), number)
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["cwd"])
        _, _, program, *sys.argv[1:] = request["argv"]
        importlib.import_module(f"{program}.__main__").main()


if __name__ == "__main__":
    for each in _IMPORTED:
        importlib.import_module(each)
    gc.freeze()  # else the collector of each fork would write to, and so copy, all that was imported
    serve(_Forks())

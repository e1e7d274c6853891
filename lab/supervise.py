"""The process between a lab and its programs: whatever kills the starter, nothing stays behind.

Run as a script by :mod:`lab.processes`, with the standard library only. It reads one JSON request per line from stdin
and writes one JSON answer per line to stdout.

Two ties hold. Upwards: when the starter's end of the pipe closes or the starter's process ends, for whatever reason,
everything is stopped in reverse order. Downwards: each program asked the kernel to be killed when this process dies
(PR_SET_PDEATHSIG). That signal is sent when the *thread* that forked ends, so it is safe only from a process with one
thread such as this one; a test run that starts programs from a worker thread would lose them with the thread.
"""

import ctypes
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

_PR_SET_PDEATHSIG = 1
_STOP_SECONDS = 1.0  # for each program when all are stopped; what is left of a lab need not be tidy
_libc = ctypes.CDLL(None, use_errno=True)


class Child(Protocol):
    """What is asked of a program that was started: as much of `subprocess.Popen`."""

    @property
    def pid(self) -> int | None: ...  # noqa: D102 - as there
    def poll(self) -> int | None: ...  # noqa: D102
    def send_signal(self, sig: int) -> None: ...  # noqa: D102
    def kill(self) -> None: ...  # noqa: D102
    def wait(self, timeout: float | None = None) -> int: ...  # noqa: D102


class Children:
    """The programs started so far, in order."""

    def __init__(self) -> None:
        self._running: dict[str, Child] = {}
        self._own_pid = os.getpid()

    def start(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a program; its output is appended to the log."""
        with Path(request["log"]).open("ab") as log:
            child = self._begin(request, log)
        self._running[request["name"]] = child
        return {"pid": child.pid}

    def stop(self, request: dict[str, Any]) -> dict[str, Any]:
        """SIGTERM, wait at most ``seconds``, then SIGKILL; a program that is gone already is fine."""
        child = self._running.pop(request["name"], None)
        return {"returncode": None if child is None else _stop(child, request["seconds"])}

    def signal(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send any signal."""
        self._running[request["name"]].send_signal(request["signal"])
        return {}

    def poll(self, request: dict[str, Any]) -> dict[str, Any]:
        """Process id, and the exit code once it ended."""
        child = self._running.get(request["name"])
        return {"pid": None, "returncode": None} if child is None else {"pid": child.pid, "returncode": child.poll()}

    def stop_all(self) -> None:
        """The last started goes first: nobody loses what it depends on while still at work."""
        while self._running:
            _, child = self._running.popitem()
            _stop(child, _STOP_SECONDS)

    def _begin(self, request: dict[str, Any], log: BinaryIO) -> Child:
        return subprocess.Popen(
            request["argv"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=request["env"],
            cwd=request["cwd"],
            preexec_fn=self._die_with_supervisor,  # noqa: PLW1509 - one thread only, see above
        )

    def _die_with_supervisor(self) -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != self._own_pid:  # it died before the line above
            os._exit(1)


def _stop(child: Child, seconds: float) -> int:
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        child.send_signal(signal.SIGCONT)  # a frozen one hears SIGTERM only when thawed
        try:
            return child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
    return child.wait()


def requests(starter: int) -> Iterator[dict[str, Any]]:
    """Yield requests until the starter hangs up, dies, or this process is told to end."""
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        with suppress(OSError):  # a kernel before 5.3: the pipe alone must do
            selector.register(os.pidfd_open(starter), selectors.EVENT_READ)
        if os.getppid() != starter:
            return
        buffer = b""
        while True:
            ready = {key.fd for key, _ in selector.select()}
            if 0 not in ready:
                return
            chunk = os.read(0, 65536)
            if not chunk:
                return
            *lines, buffer = (buffer + chunk).split(b"\n")
            yield from map(json.loads, lines)


def serve(children: Children) -> None:
    """Serve one starter, whose process id is the only argument."""

    def end(_number: int, _frame: object) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for request in requests(int(sys.argv[1])):
            try:
                answer = getattr(children, request["op"])(request)
            except (OSError, KeyError) as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            sys.stdout.write(json.dumps(answer | {"at": time.time()}) + "\n")
            sys.stdout.flush()
    except BrokenPipeError:
        pass  # the starter died between asking and hearing
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        children.stop_all()
        os._exit(0)  # no flush into a pipe that nobody reads


if __name__ == "__main__":
    serve(Children())

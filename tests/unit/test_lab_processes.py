import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import processes
from lab.errors import ProcessFailed
from lab.ports import free_port
from lab.processes import Service, Supervisor
from lab.web import wait_until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the lab is for Linux")
REPOSITORY = Path(__file__).parents[2]
STARTER = """
import signal, sys, time
from pathlib import Path
from lab.processes import Supervisor
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it from the start
folder = Path(sys.argv[1])
supervisor = Supervisor(folder)
pids = [supervisor.start(str(n), ["sleep", "600"], folder / "sleep.log") for n in range(2)]
print(supervisor.pid, *pids, flush=True)
time.sleep(600)
"""
SERVER = """
import http.server, os, sys
from pathlib import Path
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer.allow_reuse_address = True
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def alive(pid: int) -> bool:
    """A zombie that nobody reaps is dead enough."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_gone(*pids: int) -> None:
    wait_until(lambda: not any(map(alive, pids)), f"{pids} have ended", 10.0)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    it = Supervisor(tmp_path)
    yield it
    it.close()


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        pids = [int(word) for word in process.stdout.readline().split()]
        assert len(pids) == 3
        assert all(map(alive, pids))
        yield process, pids
        process.kill()


def test_killing_the_starter_ends_its_programs(starter: tuple[subprocess.Popen[str], list[int]]) -> None:
    process, pids = starter
    process.kill()
    process.wait()
    wait_gone(*pids)
    assert not any(map(alive, pids))


def test_killing_the_supervisor_ends_its_programs(starter: tuple[subprocess.Popen[str], list[int]]) -> None:
    _, pids = starter
    os.kill(pids[0], signal.SIGKILL)
    wait_gone(*pids)
    assert not any(map(alive, pids))


def test_a_starter_that_ends_in_good_order_leaves_nothing(starter: tuple[subprocess.Popen[str], list[int]]) -> None:
    process, pids = starter
    process.send_signal(signal.SIGINT)
    process.wait()
    wait_gone(*pids)
    assert not any(map(alive, pids))


def test_a_program_outlives_the_thread_that_started_it(supervisor: Supervisor, tmp_path: Path) -> None:
    thread = threading.Thread(target=supervisor.start, args=("sleep", ["sleep", "600"], tmp_path / "log"))
    thread.start()
    thread.join()
    pid, returncode = supervisor.poll("sleep")
    assert pid is not None
    assert returncode is None
    assert alive(pid)


def test_a_program_that_ignores_sigterm_is_killed_in_bounded_time(supervisor: Supervisor, tmp_path: Path) -> None:
    log = tmp_path / "log"
    pid = supervisor.start("deaf", ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"], log)
    wait_until(lambda: "ready" in log.read_text(), "the trap is set", 10.0)
    assert supervisor.stop("deaf", 0.2) == -signal.SIGKILL
    assert not alive(pid)


def test_stopping_what_is_gone_is_fine(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start("short", ["true"], tmp_path / "log")
    wait_until(lambda: supervisor.poll("short")[1] is not None, "it ends", 10.0)
    assert supervisor.stop("short") == 0
    assert supervisor.stop("short") is None


def test_a_program_that_cannot_be_executed_is_named(supervisor: Supervisor, tmp_path: Path) -> None:
    with pytest.raises(ProcessFailed, match="/no/such/program"):
        supervisor.start("x", ["/no/such/program"], tmp_path / "log")


def test_after_close_every_request_says_so(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    supervisor.close()
    with pytest.raises(ProcessFailed, match="has been stopped"):
        supervisor.poll("anything")


def server(supervisor: Supervisor, directory: Path, program: str = SERVER) -> Service:
    return Service(
        supervisor,
        "server",
        directory,
        ("http",),
        lambda ports: [sys.executable, "-c", program, str(ports["http"])],
        "http://127.0.0.1:{http}/",
    )


def test_a_service_keeps_its_port_over_a_restart(supervisor: Supervisor, tmp_path: Path) -> None:
    service = server(supervisor, tmp_path)
    service.start()
    port, pid = service.port, service.pid
    service.restart(kill=True)
    assert service.port == port
    assert service.pid != pid
    assert service.running


def test_a_service_whose_port_was_snatched_starts_on_another(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = server(supervisor, tmp_path)
    other.name = "other"
    other.start()
    offered = iter([other.port, free_port()])
    monkeypatch.setattr(processes, "free_port", lambda: next(offered))
    service = server(supervisor, tmp_path)
    other.freeze()  # it holds the port and would answer in the other's place
    service.start()
    assert service.port != other.port


def test_a_service_that_ends_early_shows_the_end_of_its_log(supervisor: Supervisor, tmp_path: Path) -> None:
    service = server(supervisor, tmp_path, "raise SystemExit('no such flag: --frobnicate')")
    with pytest.raises(ProcessFailed, match=r"(?s)exit code 1.*--frobnicate"):
        service.start()


def test_a_service_that_never_serves_is_given_up(supervisor: Supervisor, tmp_path: Path) -> None:
    service = server(supervisor, tmp_path, "import time; print('still thinking', flush=True); time.sleep(60)")
    with pytest.raises(ProcessFailed, match=r"(?s)waited 0.5 s in vain.*still thinking"):
        service.start(seconds=0.5)


def test_a_running_service_is_not_started_twice(supervisor: Supervisor, tmp_path: Path) -> None:
    service = server(supervisor, tmp_path)
    service.start()
    with pytest.raises(ProcessFailed, match="runs already"):
        service.start()

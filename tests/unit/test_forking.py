"""The processes of the integration tests: forked, and otherwise as if they had been executed."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from driftreview import __version__
from lab.processes import Supervisor
from lab.web import wait_until
from tests.support.forking import forking

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the lab is for Linux")
PYTHON = [sys.executable, "-m", "driftreview"]
NOWHERE = """
apiVersion: v1
clusters: [{name: a, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: a, context: {cluster: a, user: a}}]
current-context: a
users: [{name: a, user: {token: t}}]
"""


@pytest.fixture(scope="module")
def supervisor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisor]:
    supervisor = forking(tmp_path_factory.mktemp("forking"))
    yield supervisor
    supervisor.close()


def ended(supervisor: Supervisor, name: str) -> int | None:
    wait_until(lambda: supervisor.poll(name)[1] is not None, "it ends", 30)
    return supervisor.poll(name)[1]


@pytest.mark.parametrize(("option", "code", "said"), [("version", 0, __version__), ("--nonsense", 2, "--nonsense")])
def test_it_has_a_command_line_a_log_and_an_exit_code(
    supervisor: Supervisor, tmp_path: Path, option: str, code: int, said: str
) -> None:
    log = tmp_path / "log"
    log.write_text("what was there\n", encoding="utf-8")
    supervisor.start(option, [*PYTHON, option], log, dict(os.environ), tmp_path)
    assert ended(supervisor, option) == code
    assert log.read_text("utf-8").startswith("what was there\n")
    assert said in log.read_text("utf-8")


def started(supervisor: Supervisor, directory: Path) -> tuple[str, Path]:
    """An operator that waits for an API server."""
    log = directory / "log"
    (directory / "kubeconfig").write_text(NOWHERE, encoding="utf-8")
    name = str(directory)
    env = dict(os.environ) | {"DRIFTREVIEW_KUBECONFIG": "kubeconfig", "DRIFTREVIEW_LISTEN_PORT": "0"}
    supervisor.start(name, [*PYTHON, "run"], log, env, directory)
    wait_until(lambda: "cannot get the lease yet" in log.read_text("utf-8"), "it looks for the API server", 30)
    return name, log


@pytest.mark.parametrize(("seconds", "code"), [(30.0, 0), (0.0, -signal.SIGKILL)])
def test_it_has_an_environment_a_folder_and_signals_of_its_own(
    supervisor: Supervisor, tmp_path: Path, seconds: float, code: int
) -> None:
    name, log = started(supervisor, tmp_path)
    assert "DRIFTREVIEW_KUBECONFIG" not in os.environ
    assert log.read_text("utf-8").startswith('{"time"')
    assert supervisor.poll(name)[1] is None
    assert supervisor.stop(name, seconds) == code


def test_none_outlives_its_starter(tmp_path: Path) -> None:
    supervisor = forking(tmp_path)
    name, _ = started(supervisor, tmp_path)
    pid, _ = supervisor.poll(name)
    supervisor.close()
    assert not Path(f"/proc/{pid}").exists()

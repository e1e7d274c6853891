"""One lab per test worker, started when the first test asks for it; one namespace per test."""

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lab import Lab, PrometheusServer
from lab.install import OperatorProcess, install, operator_kubeconfig
from tests.integration.operators import Operators, environment
from tests.support.cluster import Api
from tests.support.faultproxy import FaultProxy
from tests.support.forking import forking
from tests.support.stage import Stage, write_history


@pytest.fixture(scope="session")
def lab_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with environment(GOGC="400"), Lab.start(tmp_path_factory.mktemp("lab")) as lab:  # CPU is scarcer than memory
        yield lab


@pytest.fixture(scope="session")
def api(lab_session: Lab) -> Iterator[Api]:
    """The API server as its administrator."""
    api = Api.of(lab_session.kubeconfig)
    yield api
    api.close()


@pytest.fixture
def namespace(api: Api, request: pytest.FixtureRequest) -> Iterator[str]:
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40].strip("-")
    name = f"{words}-{uuid.uuid4().hex[:6]}"
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    api.delete("Namespace", name)


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some hours of metrics, also of the hours to come."""
    now = datetime.now(UTC)
    path = tmp_path_factory.mktemp("history") / "history.om"
    return write_history(path, now - timedelta(hours=5), now + timedelta(hours=3))


@pytest.fixture(scope="session")
def metrics(tmp_path_factory: pytest.TempPathFactory, history: Path) -> Iterator[PrometheusServer]:
    """A Prometheus that holds the history; nobody stops it."""
    with PrometheusServer.start(tmp_path_factory.mktemp("metrics"), backfill=[history]) as server:
        yield server


@pytest.fixture(scope="session")
def operator_session(lab_session: Lab, api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operators]:
    """DriftReview installed, no operator running."""
    directory = tmp_path_factory.mktemp("operators")
    install(lab_session.kubectl)
    kubeconfig = operator_kubeconfig(lab_session.kubectl, directory / "operator.kubeconfig")
    supervisor = forking(directory)
    operators = Operators(directory, kubeconfig, api, supervisor)
    yield operators
    operators.stop_shared()
    supervisor.close()


@pytest.fixture(scope="module")
def operators(operator_session: Operators) -> Iterator[Operators]:
    """Starts operators; none outlives its module, whose reviews are the only ones it may touch."""
    yield operator_session
    operator_session.stop_shared()


@pytest.fixture
def operator(operators: Operators) -> OperatorProcess:
    """A running operator, shared with other tests: leave it as it is."""
    return operators.shared()


@pytest.fixture
def api_proxy(lab_session: Lab) -> Iterator[FaultProxy]:
    """The API server behind a proxy that misbehaves on demand."""
    with FaultProxy(lab_session.server, lab_session.ca) as proxy:
        yield proxy


@pytest.fixture
def stage(operator_session: Operators, api: Api, namespace: str, metrics: PrometheusServer) -> Stage:
    """A namespace to release and review in."""
    assert operator_session.kubeconfig.exists()
    return Stage(api, namespace, metrics.url)

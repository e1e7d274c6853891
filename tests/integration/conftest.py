"""One lab per test worker, started when the first test asks for it; one namespace per test."""

import re
import uuid
from collections.abc import Iterator

import pytest

from lab import Lab


@pytest.fixture(scope="session")
def lab_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab.start(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def namespace(lab_session: Lab, request: pytest.FixtureRequest) -> Iterator[str]:
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40].strip("-")
    name = f"{words}-{uuid.uuid4().hex[:6]}"
    lab_session.kubectl("create", "namespace", name)
    yield name
    lab_session.kubectl("delete", "namespace", name, "--wait=false")

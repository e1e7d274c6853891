"""The probe port: what it answers, and that nobody's bad manners show in the log."""

import logging
import socket
import struct
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from driftreview.runtime.web import Web
from lab.web import wait_until


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web("127.0.0.1", 0, CollectorRegistry(), alive=lambda: None, ready=lambda: "not yet")
    web.start()
    yield web
    web.stop()


def ask(web: Web, path: str) -> bytes:
    with socket.create_connection(("127.0.0.1", web.port)) as sock:
        sock.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        with sock.makefile("rb") as answer:
            return answer.read()


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [("/healthz", b"200", b"ok"), ("/readyz", b"503", b"not yet"), ("/metrics", b"200", b""), ("/", b"404", b"try ")],
)
def test_what_is_asked_is_answered(web: Web, path: str, status: bytes, body: bytes) -> None:
    answer = ask(web, path)
    assert answer.split()[1] == status
    assert body in answer


def test_a_connection_that_is_cut_shows_nowhere(
    web: Web, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "driftreview")
    with socket.create_connection(("127.0.0.1", web.port)) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # cut, not closed
        sock.sendall(b"GET /healthz HTTP/1.1\r\n")
    wait_until(lambda: caplog.records, "the cut connection is told", 5)
    assert [record.levelno for record in caplog.records] == [logging.DEBUG]
    assert capfd.readouterr().err == ""
    assert b"200" in ask(web, "/healthz")

"""A small HTTP proxy that misbehaves on demand: in front of an API server or a Prometheus.

Plain http in, the upstream's scheme out, headers (and with them bearer tokens) passed through, watches streamed. What
goes wrong is told as faults: for the n-th or all requests of a method and path, an answer of our own, a lost one, a
late one, or a call (to kill somebody, say) just before the request or just before its answer is handed on.
"""

import http.client
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote_plus, urlsplit

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "upgrade"}
PATCH_FAILED = "the server rejected our request due to an error in our request"
"""What the API server says to a failed `test` in a JSON patch, and nothing else."""
_REASONS = {409: "Conflict", 422: "Invalid", 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable"}


class Lost(Enum):
    """Where a request gets lost: the connection is closed without an answer."""

    BEFORE = "before it reaches the server"
    AFTER = "after the server has done it"


@dataclass(frozen=True)
class Canned:
    """An answer that the server never gave."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """A request that came by."""

    method: str
    path: str
    """Path and query, decoded."""
    body: bytes
    at: float

    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Fault:
    """What goes wrong, and for which requests."""

    method: str = ".*"
    path: str = ".*"
    """A regular expression found in the decoded path and query."""
    skip: int = 0
    """How many matching requests pass first."""
    times: int | None = None
    """For how many it goes wrong; None: all."""
    answer: Canned | None = None
    lost: Lost | None = None
    hold: threading.Event | None = None
    """The request waits for this before it goes on."""
    call: Callable[[Seen], bool | None] | None = None
    """Called where the request gets lost (or else before it goes on); False: nothing goes wrong this time."""
    hits: int = 0
    """How often it went wrong."""
    _met: int = 0

    def strikes(self, seen: Seen) -> bool:
        """Whether it is this request's turn."""
        if not (re.fullmatch(self.method, seen.method) and re.search(self.path, seen.path)):
            return False
        self._met += 1
        if self._met <= self.skip or (self.times is not None and self.hits >= self.times):
            return False
        self.hits += 1
        return True


def failure(status: int, headers: Mapping[str, str] | None = None, **details: Any) -> Canned:
    """A failure as the API server writes it: a Status object."""
    document = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"made up by the test: {status}",
        "reason": _REASONS.get(status, ""),
        "code": status,
    }
    body = json.dumps(document | details).encode()
    return Canned(status, body, {"Content-Type": "application/json"} | dict(headers or {}))


class FaultProxy:
    """The proxy. Ends with its ``with`` block or :meth:`close`.

    Attributes:
        seen: every request, in the order of arrival.
    """

    def __init__(self, upstream: str, ca: Path | None = None) -> None:
        self.seen: list[Seen] = []
        self._upstream = urlsplit(upstream)
        self._context = ssl.create_default_context(cafile=str(ca)) if self._upstream.scheme == "https" else None
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._muted = 0
        self._open: set[socket.socket] = set()
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads, self._server.block_on_close = True, False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def add(self, fault: Fault) -> Fault:
        """From now on, this goes wrong; of several faults for one request the one added first strikes."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """It goes wrong no more; what it holds is let go."""
        with self._lock:
            self._faults = [each for each in self._faults if each is not fault]
        if fault.hold is not None:
            fault.hold.set()

    def mute_watches(self) -> None:
        """Watches that are open now stay open and never say anything again, as behind a broken load balancer."""
        with self._lock:
            self._muted += 1

    def count(self, method: str, path: str) -> int:
        """How many requests of a method and path (regular expressions) came by."""
        return sum(1 for each in self.requests(method, path))

    def requests(self, method: str, path: str) -> list[Seen]:
        """The requests of a method and path (regular expressions)."""
        return [each for each in list(self.seen) if re.fullmatch(method, each.method) and re.search(path, each.path)]

    def close(self) -> None:
        """Stop, and cut all connections."""
        with self._lock:
            faults, self._faults = self._faults, []
        for fault in faults:
            if fault.hold is not None:
                fault.hold.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self.cut()

    def cut(self) -> None:
        """Cut all connections; new ones are taken."""
        for each in list(self._open):
            _cut(each)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def _meet(self, seen: Seen) -> Fault | None:
        with self._lock:
            self.seen.append(seen)
            return next((fault for fault in self._faults if fault.strikes(seen)), None)

    def _connect(self, *, watch: bool) -> http.client.HTTPConnection:
        timeout = None if watch else 60.0
        if self._context is not None:
            return http.client.HTTPSConnection(self._upstream.netloc, timeout=timeout, context=self._context)
        return http.client.HTTPConnection(self._upstream.netloc, timeout=timeout)


class _Handler(BaseHTTPRequestHandler):
    owner: FaultProxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.owner._open.add(self.connection)

    def finish(self) -> None:
        self.owner._open.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def log_message(self, *_: object) -> None:
        """Requests are kept in `seen`."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        seen = Seen(self.command, unquote_plus(self.path), body, monotonic())
        fault = self.owner._meet(seen)
        if fault is not None and fault.hold is not None:
            fault.hold.wait(60)
        if fault is not None and fault.call is not None and fault.lost is not Lost.AFTER and fault.call(seen) is False:
            fault = None
        if fault is not None and fault.answer is not None:
            self._reply(fault.answer)
        elif fault is not None and fault.lost is Lost.BEFORE:
            self._hang_up()
        else:
            self._forward(seen, fault if fault is not None and fault.lost is Lost.AFTER else None)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _forward(self, seen: Seen, lost: Fault | None) -> None:
        watch = "watch=true" in seen.path or "watch=1" in seen.path
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        with closing(self.owner._connect(watch=watch)) as upstream:
            try:
                upstream.request(seen.method, self.path, seen.body or None, headers)
                if watch and upstream.sock is not None:
                    self.owner._open.add(upstream.sock)
                response = upstream.getresponse()
                if watch and response.status == http.HTTPStatus.OK:
                    self._stream(response)
                    return
                answer = Canned(response.status, response.read(), _kept(response))
            except (OSError, http.client.HTTPException):
                self._hang_up()
                return
        if lost is not None and (lost.call is None or lost.call(seen) is not False):
            self._hang_up()
        else:
            self._reply(answer)

    def _reply(self, answer: Canned) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _stream(self, response: http.client.HTTPResponse) -> None:
        muted = self.owner._muted
        self.send_response(response.status)
        for name, value in _kept(response).items():
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while piece := response.read1(65536):
            if self.owner._muted == muted:
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        if self.owner._muted == muted:
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.rfile.read(1)  # until the other side hangs up

    def _hang_up(self) -> None:
        self.close_connection = True
        _cut(self.connection)


def _kept(response: http.client.HTTPResponse) -> dict[str, str]:
    return {name: value for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP}


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)

"""HTTP with an end: one request takes bounded time and bounded memory, whatever the server does.

A read timeout alone is no bound: it starts anew with every byte, so a server that drips one byte a second holds a
thread for days. Here the deadline is kept where the bytes come in, below the status line, the headers, the chunk
sizes and the compression.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import ConnectionPool, HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Retry, Timeout

CONNECT_SECONDS: Final = 3.0
"""Longest wait for a connection to one address of a name; a server in the cluster answers in milliseconds."""
ERROR_BYTES: Final = 64 * 1024
"""How much of an error's body is read; an error of Prometheus has a few hundred bytes."""
_HEADER_BYTES: Final = 1024 * 1024
_READ_BYTES: Final = 64 * 1024


class TooLargeError(OSError):
    """The answer has more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} bytes")
        self.limit = limit


class _Budget:
    """What is left of one request's time and bytes."""

    def __init__(self, seconds: float, max_bytes: int) -> None:
        self.started = time.monotonic()
        self.deadline = self.started + seconds
        self.max_bytes = max_bytes

    @property
    def left(self) -> float:
        return self.deadline - time.monotonic()

    @property
    def early(self) -> bool:
        """Whether less than a quarter of the time is gone."""
        return time.monotonic() - self.started < (self.deadline - self.started) / 4


# A request is sent, retried and read in one thread; the connection that serves it comes from a pool and knows
# nothing of the request, so the budget is handed down beside the call.
_BUDGET: Final[ContextVar[_Budget]] = ContextVar("budget")


class _BoundedRaw(io.RawIOBase):
    """A socket's input that ends at the deadline."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase, budget: _Budget) -> None:
        self._sock, self._raw, self._budget = sock, raw, budget
        self._left = budget.max_bytes + _HEADER_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        left = self._budget.left
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        self._sock.settimeout(left)
        count: int | None = self._raw.readinto(buffer)
        self._left -= count or 0
        if self._left < 0:
            raise TooLargeError(self._budget.max_bytes)
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _BoundedResponse(http.client.HTTPResponse):
    """Reads status line, headers and body through the budget of the request at hand."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        raw = sock.makefile("rb", buffering=0)
        self.fp = io.BufferedReader(_BoundedRaw(sock, raw, _BUDGET.get()))


class _Connection(HTTPConnection):
    response_class = _BoundedResponse

    def _new_conn(self) -> socket.socket:
        """Connect to the first address of the host that answers: urllib3 would give each of them the whole time."""
        budget = _BUDGET.get()
        try:
            found = socket.getaddrinfo(self._dns_host.strip("[]"), self.port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        failure: OSError | None = None
        for family, kind, protocol, _, address in found:
            left = budget.left
            if left <= 0:
                break
            with contextlib.ExitStack() as unless_connected:
                try:
                    sock = unless_connected.enter_context(socket.socket(family, kind, protocol))
                    for option in self.socket_options or ():
                        sock.setsockopt(*option)
                    sock.settimeout(min(CONNECT_SECONDS, left))
                    sock.connect(address)
                except OSError as error:
                    failure = error
                else:
                    unless_connected.pop_all()
                    return sock
        if failure is None:  # the time was over before, such as with the first try's answer
            raise TimeoutError("the deadline has passed")
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, f"no connection to {self.host} in time") from failure
        raise NewConnectionError(self, f"no connection: {failure}") from failure


class _TlsConnection(_Connection, HTTPSConnection):
    """The same, and then TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _OneRetry(Retry):
    """One more try after a hiccup, none after an overload.

    A gateway that loses its backend answers 502 or 503 at once, and a pod that was replaced leaves a dead
    connection in the pool: both are over a moment later. A query that took long would only take long again, on a
    server that has too much to do already.
    """

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:  # noqa: FBT001, FBT002 - urllib3's signature
        return _BUDGET.get().early and super().is_retry(method, status_code, has_retry_after)

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        tries = self if _BUDGET.get().early else self.new(total=0)
        return super(_OneRetry, tries).increment(method, url, response, error, _pool, _stacktrace)


class Transport(HTTPAdapter):
    """Sends one GET and reads its answer whole, within `seconds` and as many bytes as `max_bytes` says of its path.

    The seconds run from the first connection attempt to the last byte, the retry and all addresses of the name
    included; only the resolver and a TLS handshake that has begun may add to them. An answer other than 200 is read
    up to ERROR_BYTES and left empty if it has more. Redirects come back as they are.

    `context` decides whom to trust over https, alone: environment variables such as REQUESTS_CA_BUNDLE add nothing
    to a private certificate authority. Without one (an http address) only the system's trust is known.
    """

    def __init__(
        self, *, seconds: float, connections: int, max_bytes: Callable[[str], int], context: ssl.SSLContext | None
    ) -> None:
        self._seconds, self._max_bytes, self._context = seconds, max_bytes, context
        retry = _OneRetry(
            total=1,
            backoff_factor=0.2,
            status_forcelist=[502, 503, 504],
            allowed_methods={"GET"},
            raise_on_status=False,
            # A server may ask for an hour.
            respect_retry_after_header=False,
        )
        super().__init__(pool_connections=1, pool_maxsize=connections, max_retries=retry)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:  # noqa: FBT001, FBT002 - requests' signature
        """Make the pool of our own connections."""
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        """Make a proxy's pool of our own connections."""
        manager = super().proxy_manager_for(proxy, ssl_context=self._context, **proxy_kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002 - requests' signature
        """Demand a certificate and leave the trust to our context: requests would add its own bundle to it."""
        conn.cert_reqs = "CERT_REQUIRED"
        conn.ca_certs = conn.ca_cert_dir = None

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002, FBT001, FBT002 - requests' signature
        timeout: Any = None,  # noqa: ARG002 - ours is bound to the budget
        verify: Any = True,  # noqa: ARG002, FBT002 - always
        cert: Any = None,  # noqa: ARG002 - none
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send the request and read the answer.

        Raises:
            requests.RequestException: no answer, or not the whole of it.
            TooLargeError: the answer has more bytes than that.
        """
        limit = self._max_bytes(request.path_url.partition("?")[0])
        token = _BUDGET.set(_Budget(self._seconds, limit))
        try:
            ours = Timeout(connect=min(CONNECT_SECONDS, self._seconds), read=self._seconds)
            response = super().send(request, stream=True, timeout=ours, verify=True, cert=None, proxies=proxies)  # type: ignore[arg-type] # the stubs do not know that requests takes urllib3's Timeout
            with contextlib.closing(response):
                response._content = self._read(response, limit)  # noqa: SLF001 - what Response.content does, with a bound
            return response
        finally:
            _BUDGET.reset(token)

    def _read(self, response: requests.Response, limit: int) -> bytes:
        answered = response.status_code == requests.codes.ok
        body = bytearray()
        for piece in response.iter_content(_READ_BYTES):
            body += piece
            if len(body) > (limit if answered else ERROR_BYTES):
                if answered:
                    raise TooLargeError(limit)
                return b""
        return bytes(body)

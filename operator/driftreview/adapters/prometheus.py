"""Asks a Prometheus-compatible server and types every way this can go.

A missing answer must never look like a good one, so an answer counts only when it is whole, of the right type, free
of warnings and on the grid that was asked for. Everything else is `NoData` or `Failed`, never an exception. Nothing
depends on the present time: every query names the moments it is evaluated at.

What is asked and what is answered pass through prometheus-api-client; it hands on `data.result` alone, so the
transport below it (time and size bounds, TLS) and the reading of the answer (warnings, result type) are ours.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

import requests
from prometheus_api_client import PrometheusConnect

from driftreview import __version__
from driftreview.adapters.answers import Joiner, Rows, chunks, rows, server_seconds
from driftreview.adapters.connection import host_of, sendable, unread
from driftreview.adapters.credentials import Credentials
from driftreview.adapters.faults import CLIENT_ERRORS, refusal_of
from driftreview.adapters.replies import RefusalError, Reply, answer_of, optional_data_of
from driftreview.adapters.transport import CONNECT_SECONDS, Transport
from driftreview.adapters.trust import is_of_this_machine
from driftreview.adapters.turns import Queue
from driftreview.api.metricsource import MetricSourceSpec
from driftreview.api.values import parse_duration
from driftreview.domain.samples import Failed, NoData, QueryResult, Window

POINTS_PER_QUERY: Final = 11_000
"""Prometheus refuses range queries of more points for each series."""
RANGE_BYTES: Final = 12 * 2**20
"""Largest answer to a range query, unpacked: 11,000 points of a signal's 20 series have at most 45 bytes each."""
INSTANT_BYTES: Final = 4 * 2**20
"""Largest answer to an instant query, unpacked: four times what its labels may have."""
LOOKBACK_STEPS: Final = 2
"""How many steps old the sample at a grid point may be: one late or missing scrape is bridged, no outage is."""
SUCCESS: Final = "Success"
"""Outcome of a query that was answered, be it with no data; the others are the Failed reasons."""

BUSY: Final = "Busy"
"""Outcome of a query that was not sent, as enough others ran."""

_SLOT_SECONDS: Final = 0.5
# Less than ours, so that the server's own words about a slow query arrive before we hang up.
_SERVER_SHARE: Final = 0.8
# Parsed, an answer takes many times its bytes. Python runs one thread at a time anyway, so taking one answer after the
# other costs no time and leaves only one in parts.
_READING: Final = Queue()
_READING_SECONDS: Final = 30.0
"""Longest wait for others' answers to be read, each of which takes a second at most."""

InstantResult: TypeAlias = Rows | NoData | Failed
OnQuery: TypeAlias = Callable[[str, str, float], None]
"""Told of every query: (source key, outcome, seconds without the wait for a free slot)."""

_T = TypeVar("_T")
_A = TypeVar("_A")


class BusyError(Exception):
    """As many queries run at this source, or answers wait to be read, as may at once: come again later."""


class PrometheusSource:
    """One metric source as it was specified, with the credentials it had then; made anew when either changes.

    Threads may share it. One HTTP query takes at most `spec.timeout`; a range cut into several queries may take that
    for each. At most `spec.max_concurrent` run at once. Who comes too many is told so by a BusyError: after a moment,
    but a range that has begun waits as long as a query may take.
    """

    def __init__(
        self,
        key: str,
        spec: MetricSourceSpec,
        credentials: Credentials,
        *,
        on_query: OnQuery | None = None,
        max_bytes: int = RANGE_BYTES,
        points_per_query: int = POINTS_PER_QUERY,
    ) -> None:
        self.key, self.spec, self.credentials = key, spec, credentials
        self._on_query, self._max_bytes, self._points = on_query, max_bytes, points_per_query
        self._seconds = parse_duration(spec.timeout).total_seconds()
        self._limits = {"timeout": f"{round(self._seconds * _SERVER_SHARE * 1000)}ms"}
        self._host = host_of(spec.url)
        self._slots = threading.BoundedSemaphore(spec.max_concurrent)
        self._lock = threading.Lock()
        self._active = 0
        self._closed = False
        self._session = requests.Session()
        self._connecting = threading.Lock()
        self._client: Any = None
        self._unusable: RefusalError | None = None

    def range(self, query: str, window: Window) -> QueryResult:
        """Evaluate a query at every point of a window.

        Args:
            query: PromQL that gives a number or an instant vector.
            window: the grid; longer ones are asked for in pieces of `points_per_query`.

        Returns:
            Samples on the grid, ordered by labels; NoData without one finite sample; TooMany with the first piece that
            has more series than may be judged; Failed if any piece failed.

        Raises:
            BusyError: there is no slot for it now.
        """
        joiner = Joiner(window, self.credentials.hide_in_label)
        patience = _SLOT_SECONDS
        for chunk in chunks(window, self._points):
            with self._turn(self._slots, patience):
                over = self._ask(partial(self._range, query, chunk), partial(joiner.add, chunk), answer_of)
            if over:
                return over
            patience = max(_SLOT_SECONDS, self._seconds)
        return joiner.result()

    def instant(self, query: str, at: datetime) -> InstantResult:
        """Evaluate a query at one moment.

        Args:
            query: PromQL that gives a number or an instant vector.
            at: the moment, with a time zone.

        Returns:
            Rows ordered by labels; NoData without one finite value; Failed otherwise, also for a range vector.

        Raises:
            BusyError: there is no slot for it now.
        """
        read = partial(rows, at=at, hide=self.credentials.hide_in_label)
        with self._turn(self._slots, _SLOT_SECONDS):
            return self._ask(partial(self._instant, query, at), read, answer_of)

    def data(self, path: str, params: Mapping[str, str]) -> Any | Failed:
        """What another endpoint of the API says, as JSON of at most INSTANT_BYTES.

        Args:
            path: after /api/v1/, such as rules.
            params: of the request.

        Returns:
            `data` of the answer, which may have any shape; Failed otherwise. A server that does not serve it, or not to
            us, will not do so later: such a failure is not retryable.

        Raises:
            BusyError: there is no slot for it now.
        """
        with self._turn(self._slots, _SLOT_SECONDS):
            return self._ask(partial(self._data, path, params), lambda data: data, optional_data_of)

    def close(self) -> None:
        """Close the connections once no query runs any more; may be called twice."""
        with self._lock:
            self._closed = True
            idle = self._active == 0
        if idle:
            self._session.close()

    def _instant(self, query: str, at: datetime) -> Any:
        return self._client.custom_query(query, params={"time": server_seconds(at)} | self._limits)

    def _range(self, query: str, chunk: Window) -> Any:
        first, last = chunk.start + chunk.step, chunk.end
        # The client rounds times to seconds; what stands in params wins. VictoriaMetrics moves the points of a
        # cached answer to multiples of the step, unless told `nocache`; others ignore it.
        exact = {"start": server_seconds(first), "end": server_seconds(last), "nocache": "1"}
        # A server fills gaps with the last sample for five minutes: an outage would look like steady data. The first
        # name is Prometheus' (2.43), Thanos' and Mimir's, the second VictoriaMetrics'.
        lookback = f"{(LOOKBACK_STEPS * chunk.step).total_seconds():g}s"
        exact |= {"lookback_delta": lookback, "max_lookback": lookback}
        step = str(chunk.step.total_seconds())
        return self._client.custom_query_range(query, first, last, step, params=exact | self._limits)

    def _data(self, path: str, params: Mapping[str, str]) -> Reply:
        url = f"{self.spec.url.rstrip('/')}/api/v1/{path}"
        reply: Reply = self._session.get(url, params=dict(params)).json()["data"]["result"]
        return reply

    def _ask(
        self,
        call: Callable[[], Reply],
        read: Callable[[_A], _T],
        parse: Callable[[Reply, Callable[[str], str]], _A],
    ) -> _T | Failed:
        """Send one query and read its answer."""
        self._connect()
        if self._unusable:
            return self._failed(self._unusable)
        began = time.monotonic()
        with self._lock:
            self._active += 1
        try:
            reply = call()
            with self._turn(_READING, _READING_SECONDS):
                result: _T | Failed = read(parse(reply, self.credentials.hide))
        except RefusalError as refusal:
            result = self._failed(refusal)
        except CLIENT_ERRORS as error:
            result = self._failed(refusal_of(error, self._seconds))
        finally:
            with self._lock:
                self._active -= 1
                last = self._closed and self._active == 0
            if last:
                self._session.close()
        return self._told(result, began)

    @contextlib.contextmanager
    def _turn(self, of: Queue | threading.Semaphore, seconds: float) -> Iterator[None]:
        if not of.acquire(timeout=seconds):
            if self._on_query:
                self._on_query(self.key, BUSY, seconds)
            raise BusyError(self.key)
        try:
            yield
        finally:
            of.release()

    def _told(self, result: _T, began: float) -> _T:
        if self._on_query:
            outcome = result.reason if isinstance(result, Failed) else SUCCESS
            self._on_query(self.key, outcome, time.monotonic() - began)
        return result

    def _failed(self, refusal: RefusalError) -> Failed:
        return Failed(refusal.reason, f"Prometheus at {self._host or self.key}: {refusal.found}.", refusal.retryable)

    def _connect(self) -> None:
        """Make the client, when it is first needed: nobody but who asks this source waits while a bundle is read."""
        with self._connecting:
            if self._client is None and self._unusable is None:
                try:
                    self._client = self._new_client(sendable(self.spec, self.credentials))
                except RefusalError as refusal:
                    self._unusable = refusal

    def _new_client(self, context: ssl.SSLContext | None) -> PrometheusConnect:
        """The client over our own session and transport."""
        session, url = self._session, self.spec.url.rstrip("/")
        session.headers.update({"Accept": "application/json", "User-Agent": f"driftreview/{__version__}"})
        session.headers.update({**self.credentials.open_headers, **self.credentials.headers})
        # Always set, also without credentials: requests would look for some in ~/.netrc.
        session.auth = self._authorize
        # A proxy would lead to its own machine, and read what is sent to this one. Nothing else is taken from there.
        session.trust_env = not is_of_this_machine(url)
        session.hooks["response"].append(unread)
        client = PrometheusConnect(url, session=session, timeout=(CONNECT_SECONDS, self._seconds))
        transport = Transport(
            seconds=self._seconds,
            connections=self.spec.max_concurrent,
            max_bytes=self._most_bytes,
            context=context,
        )
        # The client mounts an adapter of its own on the address, with long retries; no request may reach another.
        for prefix in (url, "http://", "https://"):
            session.mount(prefix, transport)
        return client

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.credentials.authorization:
            request.headers["Authorization"] = self.credentials.authorization
        return request

    def _most_bytes(self, path: str) -> int:
        return self._max_bytes if path.endswith("/query_range") else min(self._max_bytes, INSTANT_BYTES)

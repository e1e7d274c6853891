"""Asks a Prometheus-compatible server and types every way this can go.

A missing answer must never look like a good one, so an answer counts only when it is whole, of the right type, free
of warnings and on the grid that was asked for. Everything else is `NoData` or `Failed`, never an exception. Nothing
depends on the present time: every query names the moments it is evaluated at.

What is asked and what is answered pass through prometheus-api-client; it hands on `data.result` alone, so the
transport below it (time and size bounds, TLS) and the reading of the answer (warnings, result type) are ours.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

from driftreview.adapters import clock
from driftreview.adapters.answers import Joiner, Rows, chunks, rows, server_seconds
from driftreview.adapters.backoff import BackOff
from driftreview.adapters.connection import Connection, host_of
from driftreview.adapters.credentials import Credentials
from driftreview.adapters.faults import CLIENT_ERRORS, refusal_of
from driftreview.adapters.once import Once
from driftreview.adapters.pace import Pace
from driftreview.adapters.replies import RefusalError, Reply, answer_of, optional_data_of
from driftreview.adapters.turns import Queue
from driftreview.api.metricsource import MetricSourceSpec
from driftreview.api.reasons import Reason
from driftreview.api.values import parse_duration
from driftreview.domain.samples import Failed, NoData, QueryResult, Window

SIMPLEST: Final = "vector(1)"
"""The simplest question there is: who answers it is alive."""
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
BACKING_OFF: Final = "BackingOff"
"""Outcome of a query that was not sent, as the server is down."""

_SLOT_SECONDS: Final = 0.5
_PACE_SECONDS: Final = 2.0
"""Longest wait for `spec.queriesPerSecond`."""
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
    for each, and a token that has to be had first as long as one. At most `spec.max_concurrent` run at once. Who comes
    too many is told so by a BusyError: after a moment, but a range that has begun waits as long as a query may take.
    A server that is down is left alone for a while; what is asked meanwhile fails as it did.
    """

    def __init__(
        self,
        key: str,
        spec: MetricSourceSpec,
        credentials: Credentials,
        *,
        on_query: OnQuery | None = None,
        max_bytes: int = RANGE_BYTES,
        points_per_query: int | None = None,
        once: Once | None = None,
    ) -> None:
        self.key, self.spec, self.credentials = key, spec, credentials
        self._on_query, self._max_bytes, self._once = on_query, max_bytes, once
        self._points = points_per_query or spec.max_points
        self._seconds = parse_duration(spec.timeout).total_seconds()
        self._limits = {"timeout": f"{round(self._seconds * _SERVER_SHARE * 1000)}ms"}
        self._host = host_of(spec.url)
        self._slots = threading.BoundedSemaphore(spec.max_concurrent)
        self._pace, self._backoff = Pace(spec.queries_per_second), BackOff()
        self._lock = threading.Lock()
        self._active = 0
        self._closed = False
        self._connection = Connection(spec, credentials, self._most_bytes)
        self._itself = object()

    def range(self, query: str, window: Window) -> QueryResult:
        """Evaluate a query at every point of a window.

        Args:
            query: PromQL that gives a number or an instant vector.
            window: the grid; longer ones are asked for in pieces of `spec.max_points`.

        Returns:
            Samples on the grid, ordered by labels; NoData without one finite sample; TooMany with the first piece that
            has more series than may be judged; Failed if any piece failed.

        Raises:
            BusyError: there is no slot for it now.
        """
        if self._once is None:
            return self._whole(query, window)
        return self._once((self._itself, query, window), lambda: self._whole(query, window), self._seconds)

    def _whole(self, query: str, window: Window) -> QueryResult:
        """Ask for a window, piece by piece."""
        joiner = Joiner(window, self._connection.hide_in_label)
        patience, pace = _SLOT_SECONDS, _PACE_SECONDS
        for chunk in chunks(window, self._points):
            with self._turn(self._slots, patience):
                over = self._ask(partial(self._range, query, chunk), partial(joiner.add, chunk), answer_of, pace)
            if over:
                return over
            patience, pace = max(_SLOT_SECONDS, self._seconds), max(_PACE_SECONDS, self._seconds)
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
        read = partial(rows, at=at, hide=self._connection.hide_in_label)
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
            return self._ask(partial(self._connection.get, path, params), lambda data: data, optional_data_of)

    def close(self) -> None:
        """Close the connections once no query runs any more; may be called twice."""
        with self._lock:
            self._closed = True
            idle = self._active == 0
        if idle:
            self._connection.close()

    def hide(self, text: str) -> str:
        """Replace every secret that is sent in a text that came from there."""
        return self._connection.hide(text)

    def _instant(self, query: str, at: datetime) -> Any:
        return self._connection.client().custom_query(query, params={"time": server_seconds(at)} | self._limits)

    def _simplest(self) -> Any:
        return self._instant(SIMPLEST, clock.now())

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
        return self._connection.client().custom_query_range(query, first, last, step, params=exact | self._limits)

    def _ask(
        self,
        call: Callable[[], Reply],
        read: Callable[[_A], _T],
        parse: Callable[[Reply, Callable[[str], str]], _A],
        patience: float = _PACE_SECONDS,
    ) -> _T | Failed:
        """Ask one query, unless the server is down."""
        if down := self._backoff.paused():
            return self._told(down, BACKING_OFF, 0.0)
        if not self._pace.wait(patience):
            self._told(None, BUSY, 0.0)
            raise BusyError(self.key)
        result = self._send(call, read, parse)
        if self._backoff.suspects and isinstance(self._send(self._simplest, lambda answer: answer, answer_of), Failed):
            self._backoff.down()
        return result

    def _send(
        self,
        call: Callable[[], Reply],
        read: Callable[[_A], _T],
        parse: Callable[[Reply, Callable[[str], str]], _A],
    ) -> _T | Failed:
        """Send one query and read its answer."""
        try:
            self._connection.client()
        except RefusalError as unusable:
            return self._failed(unusable)
        began, retry_after = time.monotonic(), None
        with self._lock:
            self._active += 1
        try:
            reply = call()
            with self._turn(_READING, _READING_SECONDS):
                result: _T | Failed = read(parse(reply, self._connection.hide))
        except RefusalError as refusal:
            result, retry_after = self._failed(refusal), refusal.retry_after
        except CLIENT_ERRORS as error:
            result = self._failed(refusal_of(error, self._seconds))
        finally:
            with self._lock:
                self._active -= 1
                last = self._closed and self._active == 0
            if last:
                self._connection.close()
        outcome = result.reason if isinstance(result, Failed) else SUCCESS
        if outcome == Reason.UNAUTHORIZED:
            self._connection.proof.refused()
        self._backoff.heard(result, retry_after)
        return self._told(result, outcome, time.monotonic() - began)

    @contextlib.contextmanager
    def _turn(self, of: Queue | threading.Semaphore, seconds: float) -> Iterator[None]:
        if not of.acquire(timeout=seconds):
            self._told(None, BUSY, seconds)
            raise BusyError(self.key)
        try:
            yield
        finally:
            of.release()

    def _told(self, result: _T, outcome: str, seconds: float) -> _T:
        if self._on_query:
            self._on_query(self.key, outcome, seconds)
        return result

    def _failed(self, refusal: RefusalError) -> Failed:
        return Failed(refusal.reason, f"Prometheus at {self._host or self.key}: {refusal.found}.", refusal.retryable)

    def _most_bytes(self, path: str) -> int:
        return self._max_bytes if path.endswith("/query_range") else min(self._max_bytes, INSTANT_BYTES)

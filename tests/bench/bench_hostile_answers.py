"""What one answer of a hostile or broken server costs: `python tests/bench/bench_hostile_answers.py [WORD ...]`.

Prints, for each hostile answer and for benign ones beside it, how far the memory of a process that asks for it rises
at its peak, how long it took, for how much of that no other answer could be read, and what the query ends as. Each case
has a process of its own (Linux: VmHWM); with words, only the cases whose names hold one of them run.
"""

from __future__ import annotations

import gzip
import http.server
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from driftreview.adapters import prometheus
from driftreview.adapters.credentials import Credentials
from driftreview.adapters.prometheus import INSTANT_BYTES, RANGE_BYTES, PrometheusSource
from driftreview.api.metricsource import MetricSourceSpec
from driftreview.domain.samples import Failed, Samples, TooMany, Window

MIB: Final = 2**20
AT: Final = datetime(2026, 3, 1, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
SECRETS: Final = Credentials(
    bearer="t0ken-t0ken", headers={f"X-{number}": f'{"a" * (120 + number)}&<b>/ é"{"a" * 100}' for number in range(16)}
)
"""As many as a source may name, made so that they look different in each place and that much looks like them."""
PARALLEL: Final = 16
"""As many as the operator has workers."""

NESTED: Final = b"[" * 20 + b"]" * 20
OBJECTS: Final = b'{"":' * 60 + b"1" + b"}" * 60

Body = Callable[[dict[str, str]], Iterator[bytes]]


def envelope(kind: str, entries: Iterator[bytes]) -> Iterator[bytes]:
    """A successful answer around the entries of its result."""
    yield b'{"status":"success","data":{"resultType":"%s","result":[' % kind.encode()
    for number, entry in enumerate(entries):
        yield entry if number == 0 else b"," + entry
    yield b"]}}"


def filled(kind: str, entry: bytes, size: int) -> Body:
    """An answer of almost that many bytes, made of one entry again and again."""
    return lambda _: envelope(kind, (entry for _ in range((size - 100) // (len(entry) + 1))))


def samples(params: dict[str, str]) -> bytes:
    """A value at every point that was asked for, as long as Prometheus writes them."""
    first, last, step = (float(params[name]) for name in ("start", "end", "step"))
    points = round((last - first) / step) + 1
    return b",".join(b'[%.3f,"%r"]' % (first + step * i, 0.1 + i / 7e7) for i in range(points))


def dense(count: int) -> Body:
    """That many series without a gap."""

    def body(params: dict[str, str]) -> Iterator[bytes]:
        values = samples(params)
        return envelope("matrix", (b'{"metric":{"pod":"pod-%d"},"values":[%s]}' % (i, values) for i in range(count)))

    return body


def sparse(count: int, size: int) -> Body:
    """That many series with one sample each, filled up with labels."""

    def body(params: dict[str, str]) -> Iterator[bytes]:
        sample, label = b'[%s,"1"]' % params["start"].encode(), b"x" * (size // count - 80)
        one = b'{"metric":{"pod":"%d","x":"%s"},"values":[%s]}'
        return envelope("matrix", (one % (i, label, sample) for i in range(count)))

    return body


def many(count: int, each: int) -> Body:
    """That many series with the first so many samples each."""

    def body(params: dict[str, str]) -> Iterator[bytes]:
        values = b",".join(samples(params).split(b"],")[:each]).replace(b'",[', b'"],[') + b"]"
        return envelope("matrix", (b'{"metric":{"pod":"%d"},"values":[%s]}' % (i, values) for i in range(count)))

    return body


def pods(count: int) -> Body:
    """Rows of an instant query, 400 bytes each."""
    one = b'{"metric":{"pod":"%06d","x":"' + b"x" * 330 + b'"},"value":[1772323200,"1"]}'
    return lambda _: envelope("vector", (one % i for i in range(count)))


def label(kind: str, size: int, letter: str = "x") -> Body:
    """One series whose label is all of the answer."""
    one = b'{"metric":{"x":"%s"},"value":[1,"1"],"values":[]}'
    return lambda _: envelope(kind, iter([one % (letter.encode() + b"x" * (size - 200))]))


def near_secrets(count: int, size: int) -> Body:
    """Rows of one label each, all of them almost secrets."""
    one = '{"metric":{"x":"%s%d"},"value":[1,"1"]}'
    return lambda _: envelope("vector", ((one % ("a" * size, i)).encode() for i in range(count)))


def empty_labels(count: int, labels: int) -> Body:
    """Rows of many labels, no two rows with the same."""
    one = b'{"metric":{%s},"value":[1,"1"]}'
    return lambda _: envelope(
        "vector", (one % b",".join(b'"%d_%d":""' % (i, j) for j in range(labels)) for i in range(count))
    )


def both(nested: int, size: int) -> Body:
    """As many lists as are read, and a label of letters that take four bytes each in all that is left."""
    one = b'{"metric":{"x":"\xf0\x9f\x98\x80%s"},"values":[%s]}'
    lists = b",".join([NESTED] * (nested // (len(NESTED) + 1)))
    return lambda _: envelope("matrix", iter([one % (b"x" * (size - nested - 200), lists)]))


def packed(layers: int, size: int) -> Body:
    """Spaces, compressed again and again."""

    def body(_: dict[str, str]) -> Iterator[bytes]:
        found = b" " * size
        for _ in range(layers):
            found = gzip.compress(found)
        yield found

    return body


CASES: Final[dict[str, tuple[str, Body]]] = {
    "range, benign: 20 series of 11,000 points": ("range", dense(20)),
    "range, benign: 50 series of 11,000 points": ("range", dense(50)),
    "range, benign: 2 series, 28 days at 1 s": ("month", dense(2)),
    "range: 64 MiB, 10,000 sparse series": ("range", sparse(10_000, 64 * MIB)),
    "range: 10,000 sparse series, within the bound": ("range", sparse(10_000, RANGE_BYTES)),
    "range: 10,000 sparse series, 480 points": ("short", sparse(10_000, RANGE_BYTES)),
    "range: 9,900 series of 30 samples": ("short", many(9_900, 30)),
    "range: 64 MiB, nested lists": ("range", filled("matrix", NESTED, 64 * MIB)),
    "range: 64 MiB, nested without end": ("range", lambda _: iter([b"[" * (64 * MIB - 1)])),
    "range: nested lists, within the bound": ("range", filled("matrix", NESTED, RANGE_BYTES)),
    "range: nested lists, as many as are read": ("range", filled("matrix", NESTED, 950_000 * 41 // 21)),
    "range: nested objects, within the bound": ("range", filled("matrix", OBJECTS, RANGE_BYTES)),
    "range: nested objects, as many as are read": ("range", filled("matrix", OBJECTS, 950_000 * 302 // 181)),
    "range: 60 MiB, one label": ("range", label("matrix", 60 * MIB)),
    "range: one label, within the bound": ("range", label("matrix", RANGE_BYTES)),
    "range: one wide label, within the bound": ("range", label("matrix", RANGE_BYTES, "😀")),
    "range: nested lists and a wide label": ("range", both(950_000 * 41 // 21, RANGE_BYTES)),
    "range: gzip bomb of 256 MiB": ("range", packed(1, 256 * MIB)),
    "range: gzip bomb of 256 MiB, packed twice": ("range", packed(2, 256 * MIB)),
    "instant, benign: 2,500 series of 400 bytes": ("instant", pods(2_500)),
    "instant: 10,000 series of 400 bytes": ("instant", pods(10_000)),
    "instant: 60 MiB, empty objects": ("instant", filled("vector", b"{}", 60 * MIB)),
    "instant: 60 MiB, rows": ("instant", pods(60 * MIB // 400)),
    "instant: 60 MiB, one label": ("instant", label("vector", 60 * MIB)),
    "instant: nested lists, within the bound": ("instant", filled("vector", NESTED, INSTANT_BYTES)),
    "instant: nested objects, within the bound": ("instant", filled("vector", OBJECTS, INSTANT_BYTES)),
    "instant: one wide label, within the bound": ("instant", label("vector", INSTANT_BYTES, "😀")),
    "instant: 20 labels of almost secrets": ("instant", near_secrets(20, 51_000)),
    "instant: 10 rows of 33,000 labels": ("instant", empty_labels(10, 33_000)),
    "instant: 1,300 rows of 64 labels": ("instant", empty_labels(1_300, 64)),
    "at once: 16 benign ranges of 20 series": ("many", dense(20)),
    "at once: 16 ranges of 9,900 series": ("many short", many(9_900, 30)),
    "at once: 16 ranges of nested lists": ("many", filled("matrix", NESTED, 950_000 * 41 // 21)),
    "at once: 16 wide labels": ("many", label("matrix", RANGE_BYTES, "😀")),
}
POINTS: Final = {"range": 11_000, "short": 480, "month": 28 * 86_400, "many": 11_000, "many short": 480}


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves the case whose number begins the path."""

    protocol_version = "HTTP/1.1"
    wbufsize = 65_536

    def do_GET(self) -> None:
        """Send the case's answer, in as many pieces as it likes."""
        parts = urlsplit(self.path)
        number = int(parts.path.split("/")[1])
        name, (_, body) = list(CASES.items())[number]
        params = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.send_response(200)
        if "gzip" in name:
            self.send_header("Content-Encoding", ", ".join(["gzip"] * (2 if "twice" in name else 1)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for piece in body(params):
            self.wfile.write(piece)

    def log_message(self, *_: Any) -> None:
        """Keep the table clean."""


class Server(http.server.ThreadingHTTPServer):
    """Says nothing when a client hangs up, which is what a bound is for."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Keep the table clean."""


def memory(name: str) -> float:
    """VmRSS or VmHWM of this process in MiB."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


class Watch:
    """A lock that knows how long it was held at most."""

    def __init__(self) -> None:
        self._lock, self._since, self.longest = threading.Lock(), 0.0, 0.0

    def acquire(self, *, timeout: float) -> bool:
        """Take it."""
        taken = self._lock.acquire(timeout=timeout)
        self._since = time.monotonic()
        return taken

    def release(self) -> None:
        """Leave it."""
        self.longest = max(self.longest, time.monotonic() - self._since)
        self._lock.release()


def ask(kind: str, url: str) -> None:
    """In a process of its own: ask once and print what it cost."""
    watch = Watch()
    vars(prometheus)["_READING"] = watch
    spec = MetricSourceSpec(url=url, timeout="2m", allow_insecure_auth=True)
    sources = [
        PrometheusSource(str(number), spec, SECRETS) for number in range(PARALLEL if kind.startswith("many") else 1)
    ]
    idle, began = memory("VmRSS"), time.monotonic()

    def one(source: PrometheusSource) -> Any:
        if kind == "instant":
            return source.instant("up", AT)
        return source.range("up", Window(AT - SECOND * POINTS[kind], AT, SECOND))

    with ThreadPoolExecutor(len(sources)) as pool:
        result, *_ = pool.map(one, sources)
    outcome = type(result).__name__
    if isinstance(result, Failed):
        outcome = f"{result.reason}: {result.message.partition(': ')[2][:70]}"
    elif isinstance(result, TooMany):
        outcome = f"too many: {len(result.labels)} series"
    elif isinstance(result, Samples):
        outcome = f"{len(result.series)} series"
    print(json.dumps([memory("VmHWM") - idle, time.monotonic() - began, watch.longest, outcome]))


def main() -> None:
    """Run every case, or those that are named."""
    if sys.argv[1:2] == ["--ask"]:
        ask(*sys.argv[2:])
        return
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"{'answer':<50} {'MiB at peak':>11} {'seconds':>8} {'locked':>6}  outcome")
    for number, (name, (kind, _)) in enumerate(CASES.items()):
        if not sys.argv[1:] or any(word in name for word in sys.argv[1:]):
            print(f"{name:<50} {measured(kind, f'http://127.0.0.1:{server.server_port}/{number}')}", flush=True)
    server.shutdown()


def measured(kind: str, url: str) -> str:
    """The rest of one line of the table."""
    done = subprocess.run([sys.executable, __file__, "--ask", kind, url], check=False, capture_output=True, text=True)
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        return f"{'':>11} {'':>8} {'':>6}  the process died ({done.returncode}) {last}"
    rise, seconds, locked, outcome = json.loads(done.stdout)
    return f"{rise:>11.0f} {seconds:>8.1f} {locked:>6.1f}  {outcome}"


if __name__ == "__main__":
    main()

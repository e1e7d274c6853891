"""Every way a metric source can fail us ends in a typed result: in time, and without a secret in it."""

from __future__ import annotations

import base64
import contextlib
import gzip
import html
import http.server
import json
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, quote_plus, urlsplit

import pytest
import trustme

from driftreview.adapters import answers, labels, prometheus, replies, transport
from driftreview.adapters.answers import Row, Rows
from driftreview.adapters.credentials import LONGEST_VALUE, Credentials
from driftreview.adapters.prometheus import INSTANT_BYTES, BusyError, PrometheusSource
from driftreview.adapters.sources import Sources
from driftreview.adapters.transport import Transport
from driftreview.api.metricsource import MetricSourceSpec
from driftreview.api.reasons import Reason
from driftreview.domain import shape
from driftreview.domain.samples import Failed, NoData, Samples, TooMany, Window

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
WINDOW = Window(AT, AT + timedelta(minutes=2), timedelta(seconds=30))
SECRETS = Credentials(
    basic=("scrape-user", 'pa ss&w<o>r"d+1'), headers={"X-Api-Key": "k3y/with=chars", "X-Scope-OrgID": "t3nant-7"}
)
# No part may show, nor what is left of one after it was escaped or taken for markup.
SECRET_PARTS = (
    *("scrape", "ss&w", "w<o", 'r"d', "ss&amp;w", "r&quot;d", "ss%26w", "r%22d", 'r\\"d', "k3y", "=chars", "t3nant"),
    *("c2NyYXBl", "azN5", "eyJh", "t0ken"),
)
TOKEN = Credentials(bearer="eyJhbGciOi.t0ken_t0ken-t0ken")

Serve = Callable[["Handler"], None]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append(Seen(self.path, dict(self.headers.items()), body))
        with contextlib.suppress(OSError):  # the client hung up, as some tests want it to
            self.server.serve(self)

    do_POST = do_GET  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name upstream
        pass

    def reply(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def json(self, status: int, body: Any, **headers: str) -> None:
        self.reply(status, json.dumps(body).encode(), **headers)


@dataclass(frozen=True)
class Seen:
    path: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def params(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, serve: Serve, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.serve, self.seen, self.over = serve, list[Seen](), threading.Event()
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"http{'s' if context else ''}://localhost:{self.server_port}"

    def handle_error(self, *_: Any) -> None:
        pass


@dataclass
class Stage:
    """Servers and sources of one test, all ended with it."""

    stack: contextlib.ExitStack
    told: list[tuple[str, str, float]] = field(default_factory=list)

    def server(self, serve: Serve, context: ssl.SSLContext | None = None) -> Server:
        server = Server(serve, context)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        self.stack.callback(thread.join)
        self.stack.callback(server.server_close)
        self.stack.callback(server.shutdown)
        self.stack.callback(server.over.set)
        return server

    def source(self, url: str, credentials: Credentials = SECRETS, **options: Any) -> PrometheusSource:
        spec = {"url": url, "timeout": "5s"} | options.pop("spec", {})
        source = PrometheusSource(
            "MetricSource/team/prom", MetricSourceSpec(**spec), credentials, on_query=self.observe, **options
        )
        self.stack.callback(source.close)
        return source

    def observe(self, key: str, outcome: str, seconds: float) -> None:
        self.told.append((key, outcome, seconds))

    def ask(self, serve: Serve, credentials: Credentials = SECRETS, **options: Any) -> Any:
        return self.source(self.server(serve).url, credentials, **options).range("up", WINDOW)

    def probe(self, serve: Serve, **options: Any) -> Any:
        return self.source(self.server(serve).url, **options).instant("up", AT)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with contextlib.ExitStack() as stack:
        yield Stage(stack)


def success(result_type: str, result: Any, **more: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": result_type, "result": result}} | more


def error(kind: str, text: str) -> dict[str, Any]:
    return {"status": "error", "errorType": kind, "error": text}


def sample(index: int, value: str) -> list[Any]:
    return [(WINDOW.start + WINDOW.step * (index + 1)).timestamp(), value]


def matrix(*samples: list[Any], **more: Any) -> dict[str, Any]:
    return success("matrix", [{"metric": {"pod": "a"}, "values": list(samples)}], **more)


GOOD = matrix(*(sample(index, str(index)) for index in range(4)))


def replying(status: int, body: Any, **headers: str) -> Serve:
    if isinstance(body, dict):
        return lambda handler: handler.json(status, body, **headers)
    return lambda handler: handler.reply(status, body, "text/html", **headers)


def in_turn(*serves: Serve) -> Serve:
    return lambda handler: serves[len(handler.server.seen) - 1](handler)


def assert_failed(result: Any, reason: Reason, *words: str, retryable: bool = True) -> None:
    assert isinstance(result, Failed), result
    assert result.reason == reason, result
    assert result.retryable is retryable, result
    for word in ("Prometheus at ", *words):
        assert word in result.message
    assert len(result.message) < 700
    assert result.message.isprintable()
    assert_hides(result.message)


def assert_hides(text: str) -> None:
    for part in SECRET_PARTS:
        assert part not in text


# What is sent


def test_a_range_is_asked_for_on_the_grid_with_the_servers_own_time_limit(stage: Stage) -> None:
    server = stage.server(replying(200, GOOD))
    result = stage.source(server.url + "/", spec={"timeout": "5s"}).range('sum(up{a="é"})', WINDOW)
    assert isinstance(result, Samples)
    assert result.series[0].values == (0.0, 1.0, 2.0, 3.0)
    assert urlsplit(server.seen[0].path).path == "/api/v1/query_range"
    assert server.seen[0].params == {
        "query": 'sum(up{a="é"})',
        "start": "1772366430.000",
        "end": "1772366520.000",
        "step": "30.0",
        "timeout": "4000ms",
        "nocache": "1",
        "lookback_delta": "60s",
        "max_lookback": "60s",
    }


def test_an_instant_is_asked_for_at_its_own_time(stage: Stage) -> None:
    server = stage.server(replying(200, success("scalar", [AT.timestamp(), "2"])))
    at = AT + timedelta(microseconds=250_900)
    assert stage.source(server.url).instant("2", at) == Rows(at, (Row({}, 2.0),))
    assert server.seen[0].params == {"query": "2", "time": "1772366400.250", "timeout": "4000ms"}


def test_basic_credentials_and_headers_arrive(stage: Stage) -> None:
    server = stage.server(replying(200, GOOD))
    stage.source(server.url).range("up", WINDOW)
    headers = server.seen[0].headers
    user, password = SECRETS.basic or ("", "")
    assert headers["Authorization"] == "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    assert (headers["X-Api-Key"], headers["X-Scope-OrgID"]) == ("k3y/with=chars", "t3nant-7")


def test_a_bearer_token_arrives_without_the_line_end_of_its_file(stage: Stage) -> None:
    server = stage.server(replying(200, GOOD))
    stage.source(server.url, Credentials(bearer=f"{TOKEN.bearer}\n")).range("up", WINDOW)
    assert server.seen[0].headers["Authorization"] == f"Bearer {TOKEN.bearer}"


def test_no_credentials_are_taken_from_the_surroundings(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine localhost login root password toor\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server = stage.server(replying(200, GOOD, Set_Cookie="session=1; Path=/"))
    source = stage.source(server.url, Credentials())
    for _ in range(2):
        assert isinstance(source.range("up", WINDOW), Samples)
    assert all("Authorization" not in seen.headers and "Cookie" not in seen.headers for seen in server.seen)


def test_credentials_do_not_show_in_a_repr() -> None:
    assert_hides(repr(SECRETS) + repr(TOKEN))


# Replies by status


@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_query_carries_the_servers_words_and_is_not_asked_again(stage: Stage, status: int) -> None:
    result = stage.ask(replying(status, error("bad_data", 'parse error: unexpected ")"\n\tat 1:2' + "x" * 5000)))
    assert_failed(result, Reason.QUERY_INVALID, f"HTTP {status}", 'unexpected ")" at 1:2', "…", retryable=False)
    assert len(result.message) < 450


def test_a_store_that_did_not_answer_is_no_fault_of_the_query(stage: Stage) -> None:
    result = stage.ask(replying(422, error("execution", "expanding series: proxy Series(): rpc error: Unavailable")))
    assert_failed(result, Reason.SERVER_ERROR, "proxy Series()")


def test_a_400_that_is_no_api_error_is_no_prometheus(stage: Stage) -> None:
    result = stage.ask(replying(400, b"Client sent an HTTP request to an HTTPS server.\n"))
    assert_failed(result, Reason.NOT_A_PROMETHEUS, "HTTP 400", "no JSON", "spec.url", "wants https")


@pytest.mark.parametrize(
    ("status", "reason", "word", "retryable"),
    [
        (401, Reason.UNAUTHORIZED, "spec.auth", True),
        (403, Reason.UNAUTHORIZED, "spec.auth", True),
        (404, Reason.NOT_A_PROMETHEUS, "spec.url", True),
        (408, Reason.TIMEOUT, "gave up", True),
        (414, Reason.QUERY_INVALID, "shorten", False),
        (204, Reason.NOT_A_PROMETHEUS, "spec.url", True),
        (429, Reason.RATE_LIMITED, "maxConcurrent", True),
        (500, Reason.SERVER_ERROR, "see its log", True),
        (502, Reason.SERVER_ERROR, "see its log", True),
        (504, Reason.SERVER_ERROR, "see its log", True),
    ],
)
def test_every_status_has_its_reason(stage: Stage, status: int, reason: Reason, word: str, retryable: bool) -> None:  # noqa: FBT001
    result = stage.ask(replying(status, b"" if status == 204 else b"<html><title>No</title>", Retry_After="3600"))
    assert_failed(result, reason, f"HTTP {status}", word, retryable=retryable)


def test_a_query_that_took_the_server_too_long_is_a_timeout(stage: Stage) -> None:
    result = stage.ask(replying(503, error("timeout", "query timed out in expression evaluation")))
    assert_failed(result, Reason.TIMEOUT, "query timed out in expression evaluation")


def test_a_503_that_says_come_back_in_an_hour_is_asked_once_more_at_once(stage: Stage) -> None:
    server = stage.server(replying(503, b"starting", Retry_After="3600"))
    assert_failed(stage.source(server.url).range("up", WINDOW), Reason.SERVER_ERROR, "a proxy before it")
    assert len(server.seen) == 2


def test_one_hiccup_of_a_gateway_is_forgiven(stage: Stage) -> None:
    assert isinstance(stage.ask(in_turn(replying(502, b"bad gateway"), replying(200, GOOD))), Samples)


def test_a_503_that_took_long_is_not_asked_again(stage: Stage) -> None:
    def slow(handler: Handler) -> None:
        handler.server.over.wait(0.6)
        handler.reply(503, b"overloaded")

    server = stage.server(slow)
    result = stage.source(server.url, spec={"timeout": "2s"}).range("up", WINDOW)
    assert_failed(result, Reason.SERVER_ERROR, "HTTP 503")
    assert len(server.seen) == 1


def test_a_connection_that_died_in_the_pool_is_replaced(stage: Stage) -> None:
    def drop_every_second(handler: Handler) -> None:
        if len(handler.server.seen) == 2:
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return
        handler.json(200, GOOD)

    source = stage.source(stage.server(drop_every_second).url)
    assert isinstance(source.range("up", WINDOW), Samples)
    assert isinstance(source.range("up", WINDOW), Samples)


# What is not the API


LOGIN = b"<!doctype html><html><head><style>b{}</style><title>Sign in</title></head><script>go('x')</script>" + (
    b"<body><form>" + b"<input>" * 2000 + b"</form></body></html>"
)


def test_a_login_page_is_no_prometheus(stage: Stage) -> None:
    result = stage.ask(replying(200, LOGIN))
    assert_failed(result, Reason.NOT_A_PROMETHEUS, "HTML", "spec.url", "login page")
    assert "Sign in" not in result.message


def test_a_redirect_to_a_login_page_is_not_followed(stage: Stage) -> None:
    login = stage.server(replying(200, GOOD))
    there = f"http://127.0.0.1:{login.server_port}/login?rd=secret-state"
    result = stage.ask(replying(302, b"Found", Location=there))
    assert_failed(result, Reason.NOT_A_PROMETHEUS, f"http://127.0.0.1:{login.server_port}", "spec.url")
    assert "secret-state" not in result.message
    assert not login.seen


@pytest.mark.parametrize("location", ["/login", "http://[bad", "", "http://u:k3y/with=chars@h"])
@pytest.mark.parametrize("status", [301, 307, 308])
def test_any_redirect_is_refused(stage: Stage, status: int, location: str) -> None:
    server = stage.server(replying(status, GOOD, Location=location))
    assert_failed(stage.source(server.url).range("up", WINDOW), Reason.NOT_A_PROMETHEUS, "redirects to")
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"OK",
        b"null",
        b"[]",
        b"{}",
        b'"success"',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"1" * 10_000,
        b'{"status":"ok"}',
        b'{"status":"success"}',
        b'{"status":"success","data":[]}',
        b'{"status":"success","data":{"resultType":"matrix"}}',
        b'{"status":"success","data":{"resultType":"matrix","result":NaN}}',
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1e999,"1"]]}]}}',
        json.dumps(GOOD).encode()[:-20],
    ],
)
def test_what_is_no_api_answer_is_no_prometheus(stage: Stage, body: bytes) -> None:
    assert_failed(stage.ask(replying(200, body)), Reason.NOT_A_PROMETHEUS)


@pytest.mark.parametrize("status", [200, 400, 401, 404, 414, 429, 500, 503])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html><title>Payroll</title>", "HTML"),
        (b"Payroll: 4711", "no JSON"),
        (b'"Payroll"', "JSON of something else"),
        (b'{"title": "Payroll"}', "JSON of something else"),
        (b'{"status": "error", "error": "Payroll"}', "JSON of something else"),
        (b'{"status": "error", "errorType": 1, "error": "Payroll"}', "JSON of something else"),
        (b'{"status": "success", "title": "Payroll', "cut off, after 39 bytes"),
    ],
)
def test_no_word_is_quoted_of_what_is_not_the_api(stage: Stage, status: int, body: bytes, kind: str) -> None:
    result = stage.ask(replying(status, body))
    assert isinstance(result, Failed)
    assert "Payroll" not in result.message
    assert (kind in result.message) is (result.reason == Reason.NOT_A_PROMETHEUS)


def test_the_apis_own_words_come_whole_also_with_angle_brackets(stage: Stage) -> None:
    result = stage.ask(replying(400, error("bad_data", "1:5: parse error: unexpected <by> in aggregation")))
    assert_failed(result, Reason.QUERY_INVALID, "unexpected <by> in aggregation", retryable=False)


def test_an_error_with_status_200_is_a_server_error(stage: Stage) -> None:
    assert_failed(stage.ask(replying(200, error("internal", "boom"))), Reason.SERVER_ERROR, "boom")


@pytest.mark.parametrize(
    "result",
    [
        None,
        {},
        [None],
        [{"metric": None, "values": []}],
        [{"metric": {"a": 1}, "values": []}],
        [{"metric": {}}],
        [{"metric": {}, "values": [None]}],
        [{"metric": {}, "values": [[1772366430]]}],
        [{"metric": {}, "values": [["1772366430", "1"]]}],
        [{"metric": {}, "values": [[1772366430, 1]]}],
        [{"metric": {}, "values": [[1772366430, "one"]]}],
        [{"metric": {}, "values": [[1772366430, "1_0"]]}],
        [{"metric": {}, "values": [[1772366430, "\u0661\u0660"]]}],
        [{"metric": {}, "values": [[1e300, "1"]]}],
        [{"metric": {}, "values": [sample(0, "1"), sample(0, "1")]}],
        [{"metric": {}, "values": [sample(1, "1"), sample(0, "1")]}],
        [{"metric": {"a": "b"}, "values": [sample(0, "1")]}, {"metric": {"a": "b"}, "values": [sample(1, "1")]}],
    ],
)
def test_a_malformed_matrix_is_refused_whole(stage: Stage, result: Any) -> None:
    assert_failed(stage.ask(replying(200, success("matrix", result))), Reason.NOT_A_PROMETHEUS)


@pytest.mark.parametrize("seconds", [0.01, -0.01, 15.0, -30.0, 120.0, -0.002])
def test_samples_off_the_grid_are_refused(stage: Stage, seconds: float) -> None:
    moved = [sample(0, "1")[0] + seconds, "1"]
    assert_failed(stage.ask(replying(200, matrix(moved))), Reason.NOT_A_PROMETHEUS, "query frontend")


@pytest.mark.parametrize("seconds", [0.001, -0.001, 0.0000004])
def test_rounding_of_the_servers_milliseconds_is_no_offence(stage: Stage, seconds: float) -> None:
    result = stage.ask(replying(200, matrix([sample(0, "1")[0] + seconds, "1"])))
    assert isinstance(result, Samples)
    assert result.series[0].values == (1.0, None, None, None)


# Types


@pytest.mark.parametrize("kind", ["vector", "scalar", "string"])
def test_a_range_answered_with_another_type_is_refused(stage: Stage, kind: str) -> None:
    result = stage.ask(replying(200, success(kind, [])))
    assert_failed(result, Reason.WRONG_RESULT_TYPE, f"a {kind}, not a matrix", retryable=False)


@pytest.mark.parametrize("kind", ["streams", "k3y/with=chars", "x" * 100_000, None, ["matrix"], {"a": "t3nant-7"}])
def test_a_type_that_the_api_does_not_know_is_not_quoted(stage: Stage, kind: Any) -> None:
    words = "an unknown result type"
    ranged, instant = (ask(replying(200, success(kind, []))) for ask in (stage.ask, stage.probe))
    assert_failed(ranged, Reason.WRONG_RESULT_TYPE, f"{words}, not a matrix", retryable=False)
    assert_failed(instant, Reason.NOT_A_PROMETHEUS, words)
    assert "streams" not in ranged.message + instant.message


def test_an_instant_answered_with_a_range_vector_says_how_to_mend_it(stage: Stage) -> None:
    result = stage.probe(replying(200, matrix(sample(0, "1"))))
    words = "is a range vector; wrap it in rate() or avg_over_time()"
    assert_failed(result, Reason.WRONG_RESULT_TYPE, words, retryable=False)


def test_an_instant_answered_with_a_string_is_refused(stage: Stage) -> None:
    result = stage.probe(replying(200, success("string", [1, "2"])))
    assert_failed(result, Reason.WRONG_RESULT_TYPE, "string", retryable=False)


@pytest.mark.parametrize("name", ["histogram", "histograms"])
def test_native_histograms_are_not_mistaken_for_nothing(stage: Stage, name: str) -> None:
    histogram = [1, {"count": "1", "sum": "1", "buckets": []}]
    if name == "histogram":
        result = stage.probe(replying(200, success("vector", [{"metric": {}, "histogram": histogram}])))
    else:
        result = stage.ask(replying(200, success("matrix", [{"metric": {}, "histograms": [histogram]}])))
    assert_failed(result, Reason.WRONG_RESULT_TYPE, "histogram_quantile()", retryable=False)


def test_rows_come_ordered_by_their_labels_and_without_what_is_no_number(stage: Stage) -> None:
    found = [{"metric": {"pod": pod}, "value": [1, value]} for pod, value in [("b", "2"), ("a", "1e3"), ("c", "NaN")]]
    result = stage.probe(replying(200, success("vector", [*found, {"metric": {"pod": "d"}, "value": [1, "-Inf"]}])))
    rows = (Row({"pod": "a"}, 1e3), Row({"pod": "b"}, 2.0), Row({"pod": "c"}, None), Row({"pod": "d"}, None))
    assert result == Rows(AT, rows, nan=1, infinite=1)


def test_a_row_that_comes_twice_is_refused(stage: Stage) -> None:
    row = {"metric": {"pod": "a"}, "value": [1, "1"]}
    assert_failed(stage.probe(replying(200, success("vector", [row, row]))), Reason.NOT_A_PROMETHEUS, "twice", "pod")
    row = {"metric": {"pod\n" * 10_000: "a"}, "value": [1, "1"]}
    assert_failed(stage.probe(replying(200, success("vector", [row, row]))), Reason.NOT_A_PROMETHEUS, "pod pod", "…")


# No data


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], Reason.EMPTY),
        (["NaN", "NaN"], Reason.ONLY_NAN),
        (["+Inf", "-Inf"], Reason.ONLY_INFINITE),
        (["NaN", "+Inf", "+Inf"], Reason.ONLY_INFINITE),
    ],
)
def test_no_finite_sample_is_no_data(stage: Stage, values: list[str], reason: Reason) -> None:
    samples = [sample(index, value) for index, value in enumerate(values)]
    result = stage.ask(replying(200, matrix(*samples)))
    assert isinstance(result, NoData)
    assert result.reason == reason


@pytest.mark.parametrize(("value", "reason"), [("NaN", Reason.ONLY_NAN), ("+Inf", Reason.ONLY_INFINITE)])
def test_an_instant_without_a_finite_value_is_no_data(stage: Stage, value: str, reason: Reason) -> None:
    result = stage.probe(replying(200, success("scalar", [1, value])))
    assert isinstance(result, NoData)
    assert result.reason == reason


def test_an_instant_without_rows_is_empty(stage: Stage) -> None:
    result = stage.probe(replying(200, success("vector", [])))
    assert isinstance(result, NoData)
    assert result.reason == Reason.EMPTY


def test_nan_and_infinite_samples_are_none_and_counted(stage: Stage) -> None:
    result = stage.ask(replying(200, matrix(sample(0, "NaN"), sample(1, "+Inf"), sample(3, "1e-3"))))
    assert isinstance(result, Samples)
    (series,) = result.series
    assert (series.values, series.nan, series.infinite) == ((None, None, None, 0.001), 1, 1)


# Partial answers


@pytest.mark.parametrize("warnings", [["store gateway: 2 of 3 replied", "x"], "store gateway: 2 of 3 replied"])
def test_an_answer_with_warnings_is_refused(stage: Stage, warnings: Any) -> None:
    result = stage.ask(replying(200, GOOD | {"warnings": warnings}))
    assert_failed(result, Reason.PARTIAL_ANSWER, "2 of 3 replied")


@pytest.mark.parametrize("warnings", [[{"k3y/with=chars": 1}], {"t3nant-7": "2"}, 7, ["x" * 900] * 900])
def test_warnings_that_are_no_texts_or_too_many_still_refuse_the_answer(stage: Stage, warnings: Any) -> None:
    assert_failed(stage.ask(replying(200, GOOD | {"warnings": warnings})), Reason.PARTIAL_ANSWER, "carries a warning")


def test_an_answer_marked_partial_is_refused(stage: Stage) -> None:
    assert_failed(stage.ask(replying(200, GOOD | {"isPartial": True})), Reason.PARTIAL_ANSWER, "isPartial")


def test_hints_are_no_warnings(stage: Stage) -> None:
    more = {"infos": ["PromQL info: metric might not be a counter"], "warnings": [], "isPartial": False}
    assert isinstance(stage.ask(replying(200, GOOD | more)), Samples)


# Time


def assert_in_time(stage: Stage, serve: Serve, seconds: int = 1, at_most: float = 20) -> None:
    """Bounds are wide: a busy machine is slow, and what goes wrong takes for ever."""
    began = time.monotonic()
    result = stage.ask(serve, spec={"timeout": f"{seconds}s"})
    assert_failed(result, Reason.TIMEOUT, f"within {seconds} s", "spec.timeout")
    assert seconds - 0.1 < time.monotonic() - began < at_most


def drip(handler: Handler, lead: bytes) -> None:
    handler.wfile.write(lead)
    while not handler.server.over.wait(0.05):
        handler.wfile.write(b"1")


def test_a_server_that_never_answers_does_not_hang_us_and_is_asked_once(stage: Stage) -> None:
    def hang(handler: Handler) -> None:
        if handler.path == "/last":
            handler.reply(200, b"")
        handler.server.over.wait()

    server = stage.server(hang)
    result = stage.source(server.url, spec={"timeout": "1s"}).range("up", WINDOW)
    assert_failed(result, Reason.TIMEOUT, "within 1 s")
    # Connections are accepted in order: once this one is served, no earlier one is on its way.
    with urllib.request.urlopen(f"{server.url}/last"):  # noqa: S310 - loopback
        assert len(server.seen) == 2


def test_a_server_that_falls_silent_in_the_middle_does_not_get_its_time_anew(stage: Stage) -> None:
    def stall(handler: Handler) -> None:
        handler.server.over.wait(3.8)
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        handler.server.over.wait()

    assert_in_time(stage, stall, seconds=4, at_most=7)


def test_a_connection_that_nobody_accepts_does_not_hang_us(stage: Stage) -> None:
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):  # the kernel leaves further ones unanswered
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        began = time.monotonic()
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        result = stage.source(url, spec={"timeout": "1s"}).range("up", WINDOW)
    assert_failed(result, Reason.UNREACHABLE, "no connection in time", "NetworkPolicies")
    assert time.monotonic() - began < 20


def resolved(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let the name many.example have these addresses."""
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *rest: Any, **more: Any) -> Any:
        if host != "many.example":
            return real(host, port, *rest, **more)
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (each, port)) for each in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def test_a_name_of_many_dead_addresses_takes_no_longer_than_one_query_may(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "CONNECT_SECONDS", 0.3)
    resolved(monkeypatch, *(f"127.0.0.{number}" for number in range(1, 121)))
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("0.0.0.0", 0), backlog=0))  # noqa: S104 - for all of 127.x
        port = full.getsockname()[1]
        for _ in range(4):  # the kernel leaves further ones unanswered
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        began = time.monotonic()
        result = stage.source(f"http://many.example:{port}", spec={"timeout": "1s"}).range("up", WINDOW)
    assert_failed(result, Reason.UNREACHABLE, "no connection in time", "many.example")
    assert 0.9 < time.monotonic() - began < 20


def test_the_first_address_that_answers_is_taken(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    resolved(monkeypatch, "127.0.0.9", "127.0.0.8", "127.0.0.1")
    server = stage.server(replying(200, GOOD))  # refuses connections to the other two
    assert isinstance(stage.source(f"http://many.example:{server.server_port}").range("up", WINDOW), Samples)
    assert server.seen[0].headers["Host"] == f"many.example:{server.server_port}"


@pytest.mark.parametrize(
    "lead",
    [
        b"HTTP/1.1 ",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 503 Wait\r\nContent-Length: 1000000\r\n\r\n",
    ],
    ids=["status", "header", "body", "chunk size", "error body"],
)
def test_a_server_that_drips_does_not_hang_us(stage: Stage, lead: bytes) -> None:
    assert_in_time(stage, lambda handler: drip(handler, lead))


def test_a_dripping_tls_server_does_not_hang_us(stage: Stage) -> None:
    authority = trustme.CA()
    server = stage.server(lambda handler: drip(handler, b"HTTP/1.1 200 OK\r\nX-Slow: "), served_by(authority))
    result = stage.source(server.url, trusting(authority), spec={"timeout": "1s"}).range("up", WINDOW)
    assert_failed(result, Reason.TIMEOUT, "within 1 s")


def test_a_port_that_accepts_and_says_nothing_to_tls_does_not_hang_us(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        result = stage.source(url, spec={"timeout": "1s"}).range("up", WINDOW)
    assert_failed(result, Reason.TIMEOUT)


# Size


def endless(status: int) -> Serve:
    def serve(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 %d OK\r\nConnection: close\r\n\r\n" % status)
        while not handler.server.over.is_set():
            handler.wfile.write(b" " * 65_536)

    return serve


def test_an_endless_answer_is_left_off(stage: Stage) -> None:
    result = stage.ask(endless(200), max_bytes=2**20)
    assert_failed(result, Reason.ANSWER_TOO_LARGE, "more than 1 MiB", retryable=False)


@pytest.mark.parametrize("status", [401, 500, 503])
def test_an_endless_error_page_is_an_error_all_the_same(stage: Stage, status: int) -> None:
    reason = Reason.UNAUTHORIZED if status == 401 else Reason.SERVER_ERROR
    assert_failed(stage.ask(endless(status), max_bytes=2**20), reason, f"HTTP {status}")


def test_an_answer_that_unpacks_to_too_much_is_left_off(stage: Stage) -> None:
    packed = gzip.compress(b" " * 2**24)
    assert len(packed) < 2**16
    result = stage.ask(lambda handler: handler.reply(200, packed, Content_Encoding="gzip"), max_bytes=2**20)
    assert_failed(result, Reason.ANSWER_TOO_LARGE, retryable=False)


def test_a_packed_answer_is_unpacked(stage: Stage) -> None:
    packed = gzip.compress(json.dumps(GOOD).encode())
    assert isinstance(stage.ask(lambda handler: handler.reply(200, packed, Content_Encoding="gzip")), Samples)


def test_an_answer_that_cannot_be_unpacked_is_no_prometheus(stage: Stage) -> None:
    result = stage.ask(lambda handler: handler.reply(200, b"not gzip", Content_Encoding="gzip"))
    assert_failed(result, Reason.NOT_A_PROMETHEUS, "unpacked")


def test_a_huge_error_page_is_still_an_error(stage: Stage) -> None:
    result = stage.ask(lambda handler: handler.reply(500, b"x" * 2**21))
    assert_failed(result, Reason.SERVER_ERROR, "HTTP 500")


def test_an_instant_may_be_answered_with_less_than_a_range(stage: Stage) -> None:
    padding = b" " * (INSTANT_BYTES + 1)
    vector = success("vector", [{"metric": {}, "value": [1, "1"]}])
    instant = stage.probe(lambda handler: handler.reply(200, json.dumps(vector).encode() + padding))
    assert_failed(instant, Reason.ANSWER_TOO_LARGE, "more than 4 MiB", "20 series", retryable=False)
    ranged = stage.ask(lambda handler: handler.reply(200, json.dumps(GOOD).encode() + padding))
    assert isinstance(ranged, Samples)


def test_an_answer_packed_twice_is_unpacked_no_further_than_any_other(stage: Stage) -> None:
    packed = gzip.compress(gzip.compress(b" " * 2**26))
    assert len(packed) < 2**12
    result = stage.ask(lambda handler: handler.reply(200, packed, Content_Encoding="gzip, gzip"), max_bytes=2**20)
    assert_failed(result, Reason.ANSWER_TOO_LARGE, retryable=False)


def test_the_largest_answer_that_evidence_can_hold_is_read(stage: Stage) -> None:
    window = Window(
        AT, AT + timedelta(milliseconds=MetricSourceSpec.model_fields["max_points"].default), timedelta(milliseconds=1)
    )
    begin, value = AT.timestamp(), "-2.2250738585072014e-308"
    values = [[begin + number / 1000, value] for number in range(1, window.points + 1)]
    series = [{"metric": {"pod": f"pod-{number}"}, "values": values} for number in range(shape.MAX_SERIES)]
    body = json.dumps(success("matrix", series), separators=(",", ":")).encode()
    assert len(body) > 2**23
    result = stage.source(stage.server(lambda handler: handler.reply(200, body)).url).range("up", window)
    assert isinstance(result, Samples)
    assert {tuple(one.values) for one in result.series} == {(float(value),) * window.points}


def test_an_answer_of_too_many_values_is_refused_unparsed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "MAX_VALUES", replies.most_values(json.dumps(GOOD).encode()))
    assert isinstance(stage.ask(replying(200, GOOD)), Samples)
    broken = json.dumps(GOOD).encode() + b"["
    assert_failed(stage.ask(replying(200, broken)), Reason.ANSWER_TOO_LARGE, "too many samples", retryable=False)


def test_answers_are_read_one_after_the_other(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, arrived = 0, 0, threading.Barrier(2)
    read = prometheus.answer_of

    def watch(reply: replies.Reply, hide: Callable[[str], str]) -> replies.Answer:
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.05)
        running -= 1
        return read(reply, hide)

    def serve(handler: Handler) -> None:
        arrived.wait(5)
        handler.json(200, GOOD)

    monkeypatch.setattr(prometheus, "answer_of", watch)
    url = stage.server(serve).url
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda source: source.range("up", WINDOW), [stage.source(url), stage.source(url)]))
    assert all(isinstance(result, Samples) for result in results)
    assert most == 1


def test_the_count_of_too_many_samples_is_said(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MAX_SAMPLES", 7)
    series = [{"metric": {"pod": str(pod)}, "values": [sample(0, "1")]} for pod in range(3)]
    silent = {"metric": {"pod": "silent"}, "values": []}
    result = stage.ask(replying(200, success("matrix", [*series, silent])))
    assert_failed(result, Reason.ANSWER_TOO_LARGE, "3 series of 4 points", retryable=False)


def test_of_more_series_than_may_be_judged_no_sample_is_read_and_no_more_is_asked(stage: Stage) -> None:
    """The second piece brings the one too many, with a sample that no other answer may have."""
    most = shape.MAX_SERIES
    series = [{"metric": {"pod": f"pod-{number:02}"}, "values": [sample(0, "1")]} for number in range(most)]
    surplus = {"metric": {"pod": "surplus"}, "values": [[1, "no number"]]}
    silent = {"metric": {"pod": "silent"}, "values": []}
    pieces = iter([[*series, silent], [series[0], surplus]])
    server = stage.server(lambda handler: handler.json(200, success("matrix", next(pieces))))
    window = Window(WINDOW.start, WINDOW.start + 6 * WINDOW.step, WINDOW.step)
    result = stage.source(server.url, points_per_query=2).range("up", window)
    assert result == TooMany(tuple(each["metric"] for each in [*series, surplus]))
    assert len(server.seen) == 2
    assert [outcome for _, outcome, _ in stage.told] == ["Success"] * 2


@pytest.mark.parametrize("metric", [{"pod": "x" * 65_537}, {"x" * 65_537: "a"}])
def test_a_label_as_long_as_a_book_is_refused(stage: Stage, metric: dict[str, str]) -> None:
    words = "a label of 65537 characters"
    ranged = stage.ask(replying(200, success("matrix", [{"metric": metric, "values": []}])))
    instant = stage.probe(replying(200, success("vector", [{"metric": metric, "value": [1, "1"]}])))
    for result in (ranged, instant):
        assert_failed(result, Reason.ANSWER_TOO_LARGE, words, retryable=False)


def test_a_series_of_more_labels_than_any_server_allows_is_refused(stage: Stage) -> None:
    def labelled(count: int) -> dict[str, Any]:
        metric = {f"label_{number}": "" for number in range(count)}
        return success("vector", [{"metric": metric, "value": [1, "1"]}])

    assert isinstance(stage.probe(replying(200, labelled(64))), Rows)
    result = stage.probe(replying(200, labelled(65)))
    assert_failed(result, Reason.ANSWER_TOO_LARGE, "a series of 65 labels, more than 64", retryable=False)


def test_labels_of_more_text_than_is_searched_for_secrets_are_refused(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = [{"metric": {"pod": letter * 10}, "value": [1, "1"], "values": []} for letter in "abc"]
    monkeypatch.setattr(labels, "MAX_TEXT", len('"pod":"aaaaaaaaaa",') * 3)
    assert isinstance(stage.probe(replying(200, success("vector", series))), Rows)
    monkeypatch.setattr(labels, "MAX_TEXT", len('"pod":"aaaaaaaaaa",') * 3 - 1)
    ranged = stage.ask(replying(200, success("matrix", series)))
    instant = stage.probe(replying(200, success("vector", series)))
    for result in (ranged, instant):
        assert_failed(result, Reason.ANSWER_TOO_LARGE, "labels of 57 characters", "sum by", retryable=False)


@pytest.mark.parametrize(("name", "most"), [("MAX_SERIES", 1), ("MAX_SAMPLES", 7)])
def test_too_many_series_are_refused_before_they_fill_the_memory(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    monkeypatch.setattr(answers, name, most)
    series = [{"metric": {"pod": pod}, "values": [sample(0, "1")]} for pod in "ab"]
    result = stage.ask(replying(200, success("matrix", series)))
    assert_failed(result, Reason.ANSWER_TOO_LARGE, "sum by", retryable=False)


# Connections


def test_a_refused_connection_is_unreachable(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
    assert_failed(stage.source(url).range("up", WINDOW), Reason.UNREACHABLE, "refused", url[7:])


def test_an_unknown_name_is_unreachable(stage: Stage) -> None:
    result = stage.source("http://prometheus.invalid:9090").range("up", WINDOW)
    assert_failed(result, Reason.UNREACHABLE, "prometheus.invalid:9090", "resolved")


@pytest.mark.parametrize("url", ["http://", "prometheus:9090", "http://[::1", "http://a:99999", "http://a b", "x"])
def test_an_address_that_is_none_is_unreachable(stage: Stage, url: str) -> None:
    source = stage.source(url)
    assert_failed(source.range("up", WINDOW), Reason.UNREACHABLE)
    assert_failed(source.instant("up", AT), Reason.UNREACHABLE)


def test_a_port_that_speaks_something_else_is_unreachable(stage: Stage) -> None:
    def speak(handler: Handler) -> None:
        handler.wfile.write(b"220 smtp ready\r\n")
        handler.close_connection = True

    assert_failed(stage.ask(speak), Reason.UNREACHABLE)


def test_a_port_that_hangs_up_is_unreachable(stage: Stage) -> None:
    def hang_up(handler: Handler) -> None:
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True

    assert_failed(stage.ask(hang_up), Reason.UNREACHABLE, "closed without an answer")


def test_an_answer_that_breaks_off_is_unreachable(stage: Stage) -> None:
    def broken(handler: Handler) -> None:
        handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"status":"succ')
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True

    assert_failed(stage.ask(broken), Reason.UNREACHABLE, "middle of the answer")


def test_an_unreachable_proxy_is_named(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        monkeypatch.setenv("http_proxy", f"http://u:k3y@127.0.0.1:{gone.getsockname()[1]}")
    monkeypatch.setenv("no_proxy", "")
    result = stage.source("http://prometheus.example:9090").range("up", WINDOW)
    assert_failed(result, Reason.UNREACHABLE, "proxy", "HTTP_PROXY")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST"])
@pytest.mark.parametrize("credentials", [SECRETS, TOKEN, Credentials()])
def test_what_is_asked_on_this_machine_goes_through_no_proxy(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, host: str, credentials: Credentials
) -> None:
    proxy, server = stage.server(replying(502, "no")), stage.server(replying(200, GOOD))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    monkeypatch.setenv("no_proxy", "")
    assert isinstance(stage.source(f"http://{host}:{server.server_port}", credentials).range("up", WINDOW), Samples)
    assert (len(server.seen), proxy.seen) == (1, [])
    stage.source("http://prometheus.example:9090", credentials).range("up", WINDOW)
    assert proxy.seen


# TLS


def served_by(authority: trustme.CA, name: str = "localhost") -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> Credentials:
    return Credentials(bearer=TOKEN.bearer, ca_pem=authority.cert_pem.bytes().decode())


def test_an_own_certificate_authority_is_trusted(stage: Stage) -> None:
    authority = trustme.CA()
    server = stage.server(replying(200, GOOD), served_by(authority))
    assert isinstance(stage.source(server.url, trusting(authority)).range("up", WINDOW), Samples)


def test_the_systems_trust_is_used_without_one(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "system.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "system.pem"))
    server = stage.server(replying(200, GOOD), served_by(authority))
    assert isinstance(stage.source(server.url, TOKEN).range("up", WINDOW), Samples)


def test_an_unknown_certificate_authority_is_not_trusted_and_gets_no_credentials(stage: Stage) -> None:
    server = stage.server(replying(200, GOOD), served_by(trustme.CA()))
    for credentials in (TOKEN, trusting(trustme.CA())):
        result = stage.source(server.url, credentials).range("up", WINDOW)
        assert_failed(result, Reason.TLS_FAILED, "not trusted", "spec.tls")
    assert not server.seen


def test_an_environment_variable_adds_nothing_to_an_own_authority(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    server = stage.server(replying(200, GOOD), served_by(authority))
    result = stage.source(server.url, trusting(trustme.CA())).range("up", WINDOW)
    assert_failed(result, Reason.TLS_FAILED)


def test_the_clients_own_bundle_adds_nothing_to_an_own_authority(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(tmp_path / "ca.pem"))
    server = stage.server(replying(200, GOOD), served_by(authority))
    result = stage.source(server.url, trusting(trustme.CA())).range("up", WINDOW)
    assert_failed(result, Reason.TLS_FAILED)


def test_no_request_can_reach_an_adapter_with_other_bounds(stage: Stage) -> None:
    source = stage.source("http://prometheus.example:9090/prefix/")
    source._connection.client()
    assert {type(adapter) for adapter in source._connection.session.adapters.values()} == {Transport}


def test_a_certificate_for_another_name_is_not_trusted(stage: Stage) -> None:
    authority = trustme.CA()
    server = stage.server(replying(200, GOOD), served_by(authority, "elsewhere.example"))
    result = stage.source(server.url, trusting(authority)).range("up", WINDOW)
    assert_failed(result, Reason.TLS_FAILED, "Hostname mismatch")


def test_a_port_without_tls_is_a_tls_failure(stage: Stage) -> None:
    server = stage.server(replying(200, GOOD))
    result = stage.source(server.url.replace("http:", "https:"), TOKEN).range("up", WINDOW)
    assert_failed(result, Reason.TLS_FAILED, "speaks TLS")


@pytest.mark.parametrize(
    "pem", ["", "\n", "ca", "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----", "é"]
)
def test_a_broken_bundle_never_means_the_systems_trust(stage: Stage, pem: str) -> None:
    server = stage.server(replying(200, GOOD))
    result = stage.source(server.url, Credentials(ca_pem=pem)).range("up", WINDOW)
    assert_failed(result, Reason.TLS_FAILED, "spec.tls")
    assert not server.seen


def test_a_bundle_longer_than_any_is_refused_unread(stage: Stage) -> None:
    server = stage.server(replying(200, GOOD))
    pem = trustme.CA().cert_pem.bytes().decode()
    result = stage.source(server.url, Credentials(ca_pem=pem * 1000)).range("up", WINDOW)
    assert_failed(result, Reason.TLS_FAILED, f"{len(pem) * 1000} characters, a bundle may have 262144")
    assert not server.seen


# Secrets


@pytest.mark.parametrize("credentials", [SECRETS, TOKEN])
@pytest.mark.parametrize("status", [200, 302, 400, 401, 404, 422, 429, 500, 503])
@pytest.mark.parametrize("shape", ["page", "markup", "address", "error", "json", "packed"])
def test_a_server_that_echoes_the_request_gets_no_secret_into_a_message(
    stage: Stage, status: int, shape: str, credentials: Credentials
) -> None:
    values = [*(credentials.basic or ()), *credentials.headers.values(), *filter(None, [credentials.bearer])]

    def echo(handler: Handler) -> None:
        text = f"refused {handler.headers['Authorization']} " + " ".join(values)
        match shape:
            case "page":
                handler.reply(status, f"<p>{text}</p>".encode(), Location=f"http://{values[0]}.example/")
            case "markup":
                handler.reply(status, f"<p>{html.escape(text)}</p>".encode())
            case "address":
                handler.reply(status, f"/login?{quote(text)}&{quote_plus(text)}".encode(), Location=quote(text))
            case "error":
                handler.json(status, error("execution", text))
            case "json":
                handler.json(status, {"echo": text})
            case _:
                packed = [base64.b64encode(value.encode()).decode() for value in values]
                handler.reply(status, " ".join(packed).encode())

    result = stage.ask(echo, credentials)
    assert isinstance(result, Failed)
    assert_hides(result.message)


def test_a_warning_that_echoes_a_secret_is_cleaned(stage: Stage) -> None:
    result = stage.ask(replying(200, GOOD | {"warnings": [f"token {TOKEN.bearer} expires"]}), TOKEN)
    assert_failed(result, Reason.PARTIAL_ANSWER, "token [hidden] expires")


def test_a_secret_that_begins_with_another_is_hidden_whole() -> None:
    credentials = Credentials(headers={"A": "abcd", "B": "abcdef"})
    assert credentials.hide("ABCDEF, abcd") == "[hidden], [hidden]"
    assert Credentials(bearer=None).hide("abcd") == "abcd"


@pytest.mark.parametrize("before", ["Bearer ", "", "Authorization: Bearer ", '{"token":"', "é"])
@pytest.mark.parametrize("secret", ["s3cr3t-Token.ABCDEFGH/+=zz", "~~~???>>>~", "aé-kéy-ö", "sixsix"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, bytes.hex], ids=["64", "url64", "hex"])
def test_a_secret_is_hidden_within_more_that_is_encoded(
    before: str, secret: str, encode: Callable[[bytes], bytes | str]
) -> None:
    for encoding in ("utf-8", "latin-1"):
        for after in ("", "\r\n", '"}', "z"):
            packed = encode((before + secret + after).encode(encoding))
            text = packed if isinstance(packed, str) else packed.decode()
            for given in (text, text.rstrip("="), text.upper()):
                shown = Credentials(bearer=secret).hide(f"sent {given} so")
                left = shown.removeprefix("sent ").removesuffix(" so").replace("[hidden]", "")
                around = len(encode((before + after).encode(encoding)))
                assert "[hidden]" in shown
                assert len(left) <= around + 4  # what shares a character with it, and what fills up


def test_little_is_hidden_for_a_short_secret() -> None:
    words = " ".join(base64.b64encode(bytes([number]) * 30).decode() for number in range(256))
    assert Credentials(bearer="abcd").hide(words) == words


@pytest.mark.parametrize("credentials", [SECRETS, TOKEN])
def test_labels_that_echo_the_request_hide_it(stage: Stage, credentials: Credentials) -> None:
    def echo(handler: Handler) -> None:
        sent = [handler.headers[name] for name in ("Authorization", "X-Api-Key", "X-Scope-OrgID")]
        given = [text for text in (*sent, *(credentials.basic or ())[1:]) if text]
        metric = {f"name{number}": f"({text.upper()})" for number, text in enumerate(given)}
        metric[given[0]] = "value"
        entry = {"metric": metric, "value": [1, "1"], "values": [sample(0, "1")]}
        handler.json(200, success("matrix" if "query_range" in handler.path else "vector", [entry]))

    ranged, instant = stage.ask(echo, credentials), stage.probe(echo, credentials=credentials)
    assert isinstance(ranged, Samples)
    assert isinstance(instant, Rows)
    for shown in (ranged.series[0].labels, instant.rows[0].labels):
        assert_hides(json.dumps(shown).lower())
        assert shown["name0"] in ("(BASIC [hidden])", "(BEARER [hidden])")
        assert "value" in shown.values()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"pod": "t3nant-7"}, {"pod": "T3NANT-7"}),
        ({"t3nant-7": "a"}, {"k3y/with=chars": "a"}),
    ],
)
def test_series_that_only_a_secret_tells_apart_are_refused(
    stage: Stage, one: dict[str, str], other: dict[str, str]
) -> None:
    entries = [{"metric": metric, "value": [1, "1"], "values": [sample(0, "1")]} for metric in (one, other)]
    for result in (
        stage.ask(replying(200, success("matrix", entries))),
        stage.probe(replying(200, success("vector", entries))),
    ):
        assert_failed(result, Reason.NOT_A_PROMETHEUS, "the same series twice")


def test_labels_that_only_a_secret_tells_apart_are_refused(stage: Stage) -> None:
    entry = {"metric": {"t3nant-7": "a", "k3y/with=chars": "b"}, "value": [1, "1"]}
    result = stage.probe(replying(200, success("vector", [entry])))
    assert_failed(result, Reason.NOT_A_PROMETHEUS, "named after the source's credentials")


def test_what_is_no_secret_stands_in_labels(stage: Stage) -> None:
    credentials = Credentials(
        basic=("trading", "pass-w0rd"),
        headers={"X-Shard": "1", "X-Empty": ""},
        open_headers={"X-Scope-OrgID": "team-a"},
    )
    metric = {"pod": "trading-bot-1", "shard": "1", "tenant": "team-a"}
    server = stage.server(replying(200, success("vector", [{"metric": metric, "value": [1, "1"]}])))
    assert stage.source(server.url, credentials).instant("up", AT) == Rows(AT, (Row(metric, 1.0),))
    assert {"X-Scope-OrgID": "team-a", "X-Shard": "1"}.items() <= server.seen[0].headers.items()


@pytest.mark.parametrize(
    "credentials",
    [
        Credentials(bearer=""),
        Credentials(bearer="to\nken"),
        Credentials(bearer="tok€n"),
        Credentials(headers={"X-Api-Key": "a\r\nX-Evil: 1"}),
        Credentials(open_headers={"X-Api-Key": "a\r\nX-Evil: 1"}),
    ],
)
def test_a_secret_that_no_header_can_hold_is_refused_unsent(stage: Stage, credentials: Credentials) -> None:
    server = stage.server(replying(200, GOOD))
    result = stage.source(server.url, credentials).range("up", WINDOW)
    assert_failed(result, Reason.UNAUTHORIZED, "no HTTP header can hold", "mend its Secret")
    assert "Evil" not in result.message
    assert not server.seen


@pytest.mark.parametrize(
    ("credentials", "which"),
    [
        (Credentials(bearer="x" * LONGEST_VALUE), "the bearer token"),
        (Credentials(basic=("user", "x" * LONGEST_VALUE)), "user name and password"),
        (Credentials(headers={"X-Api-Key": "&" * 1_000_000}), "the value of header X-Api-Key"),
    ],
)
def test_a_secret_too_long_for_a_header_is_refused_unsent(stage: Stage, credentials: Credentials, which: str) -> None:
    server = stage.server(replying(200, GOOD))
    result = stage.source(server.url, credentials).range("up", WINDOW)
    assert_failed(result, Reason.UNAUTHORIZED, f"{which} is too long", "8192", "mend its Secret")
    assert not server.seen


def test_secrets_made_to_take_long_to_search_for_take_no_time(stage: Stage) -> None:
    headers = {f"X-{number}": f"{'a' * 4000}&b<i>{number}" for number in range(16)}
    credentials = Credentials(bearer="zzzz", headers=headers)
    text = "a" * 20_000 + "zzzz" + headers["X-3"]
    metric = {f"label_{number}": f"{'a' * 15_000}{number}" for number in range(64)}
    began = time.monotonic()
    assert "zzzz" not in credentials.hide(text)
    assert_failed(stage.ask(replying(503, error("internal", text)), credentials), Reason.SERVER_ERROR)
    assert isinstance(
        stage.probe(replying(200, success("vector", [{"metric": metric, "value": [1, "1"]}])), credentials=credentials),
        Rows,
    )
    assert time.monotonic() - began < 20  # it took a minute


# Chunks


def test_a_long_range_is_asked_in_pieces_and_one_failed_piece_fails_it(stage: Stage) -> None:
    def serve(handler: Handler) -> None:
        first = float(handler.server.seen[-1].params["start"])
        index = round((first - AT.timestamp()) / 30) - 1
        if index == 3:
            handler.json(422, error("execution", "third piece"))
            return
        handler.json(200, matrix(sample(index, "1")))

    server = stage.server(serve)
    source = stage.source(server.url, points_per_query=1)
    assert_failed(source.range("up", WINDOW), Reason.QUERY_INVALID, "third piece", retryable=False)
    shorter = Window(AT, AT + timedelta(seconds=90), WINDOW.step)
    result = source.range("up", shorter)
    assert isinstance(result, Samples)
    assert result.series[0].values == (1.0, 1.0, 1.0)


def test_a_series_that_is_in_some_pieces_only_has_none_in_the_others(stage: Stage) -> None:
    def serve(handler: Handler) -> None:
        index = round((float(handler.server.seen[-1].params["start"]) - AT.timestamp()) / 30) - 1
        pod = "b" if index < 2 else "a"
        pieces = [{"metric": {"pod": pod}, "values": [sample(index, "1"), sample(index + 1, "NaN")]}]
        handler.json(200, success("matrix", pieces))

    result = stage.ask(serve, points_per_query=2)
    assert isinstance(result, Samples)
    assert [(series.labels["pod"], series.values, series.nan) for series in result.series] == [
        ("a", (None, None, 1.0, None), 1),
        ("b", (1.0, None, None, None), 1),
    ]


class Slots:
    """Writes down who waits for how long; has no more slots than it was given."""

    def __init__(self, count: int) -> None:
        self.left, self.seen = count, list[float | str]()

    def acquire(self, *, timeout: float) -> bool:
        self.seen.append(timeout)
        self.left -= 1
        return self.left >= 0

    def release(self) -> None:
        self.seen.append("released")


def test_a_long_range_leaves_its_slot_to_others_after_each_piece_and_waits_for_the_next(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = stage.source(stage.server(replying(200, success("matrix", []))).url, points_per_query=2)
    monkeypatch.setattr(source, "_slots", slots := Slots(2))
    assert isinstance(source.range("up", WINDOW), NoData)
    assert slots.seen == [0.5, "released", 5.0, "released"]


def test_a_range_that_gets_no_slot_for_long_comes_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    source = stage.source(stage.server(replying(200, success("matrix", []))).url, points_per_query=2)
    monkeypatch.setattr(source, "_slots", Slots(1))
    with pytest.raises(BusyError):
        source.range("up", WINDOW)
    assert [(outcome, seconds) for _, outcome, seconds in stage.told][1:] == [("Busy", 5.0)]


# Threads, own metrics, cache


def test_who_waits_too_long_for_others_answers_to_be_read_comes_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prometheus, "_READING_SECONDS", 0.05)
    source = stage.source(stage.server(replying(200, GOOD)).url)
    assert prometheus._READING.acquire(timeout=0)
    with pytest.raises(BusyError):
        source.range("up", WINDOW)
    prometheus._READING.release()
    assert [outcome for _, outcome, _ in stage.told] == ["Busy"]
    assert isinstance(source.range("up", WINDOW), Samples)


def test_a_bundle_is_read_once_and_by_nobody_but_who_asks_the_source(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[object] = []
    monkeypatch.setattr(ssl, "create_default_context", lambda **given: reads.append(given) or time.sleep(0.1))
    sources = Sources()
    stage.stack.callback(sources.close)
    spec = MetricSourceSpec(url="http://127.0.0.1:9", timeout="1s")
    found = [sources.get("k", spec, Credentials(ca_pem="-----BEGIN CERTIFICATE-----")) for _ in range(4)]
    assert len({id(each) for each in found}) == 1
    assert not reads
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda source: source.instant("up", AT), found))
    assert len(reads) == 1


def test_no_more_queries_run_at_once_than_the_source_allows(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("driftreview.adapters.prometheus._SLOT_SECONDS", 60.0)
    lock, running, most = threading.Lock(), 0, 0
    full = threading.Event()

    def serve(handler: Handler) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if running == 2:
                full.set()
        full.wait(5)
        handler.server.over.wait(0.02)
        with lock:
            running -= 1
        handler.json(200, GOOD)

    source = stage.source(stage.server(serve).url, spec={"max_concurrent": 2})
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: source.range("up", WINDOW), range(16)))
    assert all(isinstance(result, Samples) for result in results)
    assert most == 2


@pytest.mark.parametrize("ask", [lambda source: source.range("up", WINDOW), lambda source: source.instant("up", AT)])
def test_a_query_without_a_free_slot_is_not_sent_and_no_failure_of_the_server(
    stage: Stage, ask: Callable[[PrometheusSource], object]
) -> None:
    source = stage.source("http://127.0.0.1:9", spec={"max_concurrent": 1})
    with source._slots, pytest.raises(BusyError):
        ask(source)
    assert [(key, outcome) for key, outcome, _ in stage.told] == [("MetricSource/team/prom", "Busy")]
    assert_failed(source.range("up", WINDOW), Reason.UNREACHABLE, "no connection")


def test_every_query_is_told_to_the_observer(stage: Stage) -> None:
    replies = in_turn(replying(200, GOOD), replying(401, b""), replying(200, matrix([1, "1"])))
    source = stage.source(stage.server(replies).url)
    for _ in range(3):
        source.range("up", WINDOW)
    assert [(key, outcome) for key, outcome, _ in stage.told] == [
        ("MetricSource/team/prom", "Success"),
        ("MetricSource/team/prom", "Unauthorized"),
        ("MetricSource/team/prom", "NotAPrometheus"),
    ]
    assert all(0 < seconds < 5 for _, _, seconds in stage.told)


def test_the_same_source_is_kept_until_its_spec_or_its_credentials_change() -> None:
    sources = Sources()
    spec = MetricSourceSpec(url="http://a")
    first = sources.get("k", spec, TOKEN)
    assert sources.get("k", MetricSourceSpec(url="http://a"), Credentials(bearer=TOKEN.bearer)) is first
    renewed = sources.get("k", spec, Credentials(bearer="new"))
    assert renewed is not first
    assert (first._closed, renewed._closed) == (True, False)
    assert sources.get("k", MetricSourceSpec(url="http://b"), Credentials(bearer="new")) is not renewed
    assert sources.get("other", spec, TOKEN) is not first
    sources.close()


def test_a_changed_token_is_used_at_once_and_the_old_source_still_ends_its_query(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, leave = threading.Event(), threading.Event()

    def serve(handler: Handler) -> None:
        if len(handler.server.seen) == 1:
            entered.set()
            leave.wait(5)
        handler.json(200, GOOD)

    server = stage.server(serve)
    sources = Sources()
    stage.stack.callback(sources.close)
    spec = MetricSourceSpec(url=server.url)
    with ThreadPoolExecutor(1) as pool:
        first = sources.get("k", spec, Credentials(bearer="old"))
        closed: list[str] = []
        monkeypatch.setattr(first._connection, "close", partial(closed.append, "old"))
        old = pool.submit(first.range, "up", WINDOW)
        assert entered.wait(5)
        assert isinstance(sources.get("k", spec, Credentials(bearer="new")).range("up", WINDOW), Samples)
        assert closed == []  # not under a running query
        leave.set()
        assert isinstance(old.result(5), Samples)
        assert closed == ["old"]
        monkeypatch.undo()
        first.close()
    assert [seen.headers["Authorization"] for seen in server.seen] == ["Bearer old", "Bearer new"]


def test_the_source_longest_unused_makes_room() -> None:
    sources = Sources(size=2)
    spec = MetricSourceSpec(url="http://a")
    first, second = (sources.get(key, spec, TOKEN) for key in ("1", "2"))
    assert sources.get("1", spec, TOKEN) is first
    sources.get("3", spec, TOKEN)
    assert sources.get("1", spec, TOKEN) is first
    assert sources.get("2", spec, TOKEN) is not second
    sources.forget("1")
    sources.forget("never")
    assert sources.get("1", spec, TOKEN) is not first
    sources.close()

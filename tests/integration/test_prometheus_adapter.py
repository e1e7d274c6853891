"""The adapter against a real Prometheus; also holds the shapes that the fault server of the unit tests imitates."""

from __future__ import annotations

import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from driftreview.adapters.answers import Row, Rows, server_seconds
from driftreview.adapters.credentials import Credentials
from driftreview.adapters.prometheus import PrometheusSource
from driftreview.api.metricsource import MetricSourceSpec
from driftreview.api.reasons import Reason
from driftreview.domain.samples import Failed, NoData, Samples, Series, Window
from lab.prometheus import PrometheusServer
from lab.web import wait_until

pytestmark = pytest.mark.integration

HOURS = 4
BEGIN = (datetime.now(UTC) - timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
END = BEGIN + timedelta(hours=HOURS)
MINUTE = timedelta(minutes=1)
HOLE = range(100, 104)
"""Minutes without a sample of `it_holes`: shorter than the five minutes that a server bridges by itself."""


def level(minute: int) -> float:
    return 100 + 10 * math.sin(minute / 7)


def openmetrics() -> str:
    """`it_level` of pod a for four hours, of pod b for the last two; `it_requests_total` stands still."""
    lines = ["# TYPE it_level gauge"]
    for pod, first in (("a", 0), ("b", HOURS * 30)):
        for minute in range(first, HOURS * 60 + 1):
            seconds = (BEGIN + minute * MINUTE).timestamp()
            lines.append(f'it_level{{pod="{pod}",zone="é \\"x\\""}} {level(minute)!r} {seconds:.0f}')
    lines.append("# TYPE it_holes gauge")
    present = (minute for minute in range(HOURS * 60 + 1) if minute not in HOLE)
    lines += [f"it_holes {minute} {(BEGIN + minute * MINUTE).timestamp():.0f}" for minute in present]
    lines.append("# TYPE it_requests counter")
    lines += [f"it_requests_total 7 {(BEGIN + minute * MINUTE).timestamp():.0f}" for minute in range(HOURS * 60 + 1)]
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    directory = tmp_path_factory.mktemp("prometheus")
    (directory / "history.om").write_text(openmetrics(), encoding="utf-8")
    with PrometheusServer.start(directory, backfill=[directory / "history.om"]) as server:
        yield server


@pytest.fixture
def source(server: PrometheusServer) -> Iterator[PrometheusSource]:
    with_timeout = MetricSourceSpec(url=server.url, timeout="20s")
    source = PrometheusSource("it", with_timeout, Credentials())
    yield source
    source.close()


def raw(server: PrometheusServer, path: str, **params: str) -> tuple[int, dict[str, Any]]:
    """What the server itself answers, without anything of ours between."""
    try:
        with urllib.request.urlopen(f"{server.url}/api/v1/{path}?{urllib.parse.urlencode(params)}") as reply:  # noqa: S310 - loopback
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def minutes(first: int, last: int, step: timedelta = MINUTE) -> Window:
    return Window(BEGIN + first * MINUTE, BEGIN + last * MINUTE, step)


def expect(result: Any, kind: type, reason: Reason, *words: str) -> None:
    assert isinstance(result, kind), result
    assert isinstance(result, NoData | Failed)
    assert result.reason == reason, result
    for word in words:
        assert word in result.message


def failed(result: object) -> Failed | None:
    return result if isinstance(result, Failed) else None


def test_a_range_holds_the_samples_after_its_start_up_to_its_end(source: PrometheusSource) -> None:
    window = minutes(10, 20)
    result = source.range('it_level{pod="a"}', window)
    assert isinstance(result, Samples)
    assert result.window == window
    (series,) = result.series
    assert series.values == tuple(level(minute) for minute in range(11, 21))
    assert series.labels == {"__name__": "it_level", "pod": "a", "zone": 'é "x"'}


def test_series_come_ordered_and_one_that_begins_later_has_none_before(source: PrometheusSource) -> None:
    result = source.range("sum by (pod) (it_level)", minutes(110, 130))
    assert isinstance(result, Samples)
    first, second = result.series
    assert (first.labels, second.labels) == ({"pod": "a"}, {"pod": "b"})
    assert None not in first.values
    assert second.values == tuple(level(minute) if minute >= 120 else None for minute in range(111, 131))


def test_the_time_of_asking_does_not_matter(source: PrometheusSource) -> None:
    window = minutes(10, 40)
    results = [source.range("it_level + time()", window) for _ in range(2)]
    assert isinstance(results[0], Samples)
    assert results[0] == results[1]
    at = BEGIN + timedelta(minutes=30)
    assert source.instant("time()", at) == Rows(at, (Row({}, at.timestamp()),))


def test_windows_off_the_whole_second_are_met(source: PrometheusSource) -> None:
    start = BEGIN + timedelta(microseconds=1_234_567)
    result = source.range("time()", Window(start, start + timedelta(seconds=7), timedelta(milliseconds=500)))
    assert isinstance(result, Samples)
    (series,) = result.series
    expected = [start.timestamp() + 0.5 * (index + 1) for index in range(14)]
    assert list(series.values) == pytest.approx(expected, abs=0.0011)


def test_a_number_gives_one_series_without_labels(source: PrometheusSource) -> None:
    result = source.range("2", minutes(0, 3))
    assert isinstance(result, Samples)
    assert [(series.labels, series.values) for series in result.series] == [({}, (2.0, 2.0, 2.0))]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("it_no_such_metric", Reason.EMPTY),
        ("0 / (it_requests_total - 7)", Reason.ONLY_NAN),
        ("1 / (it_requests_total - 7)", Reason.ONLY_INFINITE),
        ("-1 / (it_requests_total - 7)", Reason.ONLY_INFINITE),
    ],
)
def test_nothing_finite_is_no_data(source: PrometheusSource, query: str, reason: Reason) -> None:
    expect(source.range(query, minutes(10, 20)), NoData, reason)
    expect(source.instant(query, BEGIN + 15 * MINUTE), NoData, reason)


def test_nan_and_infinite_samples_are_none_and_counted(source: PrometheusSource) -> None:
    begin = BEGIN.timestamp()
    # Minutes after the begin: 1, 2, 3, 4; only at the second one the divisor is 0.
    divisor = f"(time() - {begin + 120:.0f}) / 60"
    infinite = source.range(f"vector(1) / ({divisor})", minutes(0, 4))
    assert isinstance(infinite, Samples)
    assert infinite.series[0] == Series({}, (-1.0, None, 1.0, 0.5), nan=0, infinite=1)
    nan = source.range(f"vector(0) / ({divisor})", minutes(0, 4))
    assert isinstance(nan, Samples)
    assert nan.series[0] == Series({}, (0.0, None, 0.0, 0.0), nan=1, infinite=0)


def test_rows_of_an_instant_come_ordered_and_without_what_is_no_number(source: PrometheusSource) -> None:
    at = BEGIN + 150 * MINUTE
    query = 'sum by (pod) (it_level) / on (pod) (sum by (pod) (it_level{pod="b"}) or 0 * sum by (pod) (it_level))'
    assert source.instant("sum by (pod) (it_level)", at) == Rows(
        at, (Row({"pod": "a"}, level(150)), Row({"pod": "b"}, level(150)))
    )
    assert source.instant(query, at) == Rows(at, (Row({"pod": "a"}, None), Row({"pod": "b"}, 1.0)), infinite=1)


@pytest.mark.parametrize("query", ["it_level[5m]", "rate(it_requests_total[5m])[10m:1m]"])
def test_a_range_vector_says_how_to_mend_it(source: PrometheusSource, query: str) -> None:
    result = source.instant(query, END)
    expect(result, Failed, Reason.WRONG_RESULT_TYPE, "is a range vector; wrap it in rate() or avg_over_time()")


def test_a_string_is_no_signal(source: PrometheusSource) -> None:
    expect(source.instant('"7"', END), Failed, Reason.WRONG_RESULT_TYPE, "string")


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("sum(", 400, "parse error"),
        ("it_level[5m]", 400, "range vector"),
        ('"7"', 400, "string"),
        ("it_level * on () it_level", 422, "many-to-many"),
    ],
)
def test_a_refused_query_carries_the_servers_words(
    server: PrometheusServer, source: PrometheusSource, query: str, status: int, words: str
) -> None:
    window = minutes(130, 140)
    result = source.range(query, window)
    expect(result, Failed, Reason.QUERY_INVALID, f"HTTP {status}", words)
    assert isinstance(result, Failed)
    assert not result.retryable
    # The shape that the unit tests' fault server imitates.
    params = {"start": server_seconds(window.start), "end": server_seconds(window.end), "step": "60"}
    found, body = raw(server, "query_range", query=query, **params)
    assert found == status
    assert body["status"] == "error"
    assert body["errorType"] == ("bad_data" if status == 400 else "execution")
    assert isinstance(body["error"], str)


def test_an_address_beside_the_api_is_no_prometheus(server: PrometheusServer) -> None:
    source = PrometheusSource("it", MetricSourceSpec(url=f"{server.url}/nowhere"), Credentials())
    expect(source.instant("1", END), Failed, Reason.NOT_A_PROMETHEUS, "HTTP 404", "spec.url")
    source.close()


def test_warnings_refuse_the_answer_and_hints_do_not(server: PrometheusServer, source: PrometheusSource) -> None:
    bad, hint = "quantile(2, it_level)", "rate(it_level[5m])"
    if "warnings" not in raw(server, "query", query=bad, time=server_seconds(END))[1]:
        pytest.skip("this version of Prometheus warns of nothing in its answers")
    assert raw(server, "query", query=hint, time=server_seconds(END))[1]["infos"]
    for result in (source.instant(bad, END), source.range(bad, minutes(10, 20))):
        expect(result, Failed, Reason.PARTIAL_ANSWER, "quantile value should be between 0 and 1")
    assert isinstance(source.instant(hint, END), Rows)
    assert isinstance(source.range(hint, minutes(10, 20)), Samples)


def test_pieces_join_to_what_one_answer_would_be(server: PrometheusServer, source: PrometheusSource) -> None:
    # A subquery gives more points at once than a range query may: the whole window in one answer.
    query = "sum by (pod) (max_over_time(it_level[2m])) + time() % 3571"
    window = Window(BEGIN, END, timedelta(seconds=1))
    assert window.points > 11_000
    _, body = raw(server, "query", query=f"({query})[{HOURS}h:1s]", time=server_seconds(END))
    begin = BEGIN.timestamp()
    whole = {
        series["metric"]["pod"]: {round(at - begin): float(value) for at, value in series["values"] if at > begin}
        for series in body["data"]["result"]
    }
    assert set(whole) == {"a", "b"}
    for pieces_of in (11_000, 4_999):
        pieces = PrometheusSource("it", source.spec, Credentials(), points_per_query=pieces_of)
        result = pieces.range(query, window)
        pieces.close()
        assert isinstance(result, Samples)
        joined = {series.labels["pod"]: series.values for series in result.series}
        assert joined == {pod: tuple(map(whole[pod].get, range(1, window.points + 1))) for pod in whole}


def test_the_server_refuses_more_points_than_we_ask_for_at_once(source: PrometheusSource) -> None:
    greedy = PrometheusSource("it", source.spec, Credentials(), points_per_query=14_400)
    result = greedy.range("it_level", Window(BEGIN, END, timedelta(seconds=1)))
    greedy.close()
    expect(result, Failed, Reason.QUERY_INVALID, "11,000 points")


def test_the_servers_own_time_limit_comes_before_ours(server: PrometheusServer) -> None:
    source = PrometheusSource("it", MetricSourceSpec(url=server.url, timeout="2s"), Credentials())
    result = source.instant("sum_over_time(vector(time())[8h:1ms])", END)
    source.close()
    expect(result, Failed, Reason.TIMEOUT, "HTTP 503", "timed out")


def test_a_frozen_server_is_a_timeout_and_a_stopped_one_unreachable(tmp_path: Path) -> None:
    with PrometheusServer.start(tmp_path) as server:
        source = PrometheusSource("it", MetricSourceSpec(url=server.url, timeout="1s"), Credentials())
        assert isinstance(source.instant("1", END), Rows)
        server.service.freeze()
        # A signal takes its time to arrive at every thread of a busy machine.
        hung = wait_until(lambda: failed(source.instant("1", END)), "a frozen server answers no more")
        expect(hung, Failed, Reason.TIMEOUT, "within 1 s")
        server.service.thaw()
        wait_until(lambda: isinstance(source.instant("1", END), Rows), "it answers after the thaw")
        server.service.stop()
        expect(source.instant("1", END), Failed, Reason.UNREACHABLE, "refused")
        source.close()


def test_a_hole_is_no_steady_value(source: PrometheusSource, server: PrometheusServer) -> None:
    """Left alone, the server repeats the last sample for five minutes: an outage would look like steady data."""
    window = Window(BEGIN + 95 * MINUTE, BEGIN + 110 * MINUTE, MINUTE)
    found = source.range("it_holes", window)
    assert isinstance(found, Samples)
    minutes = [None if value is None else round(value) for value in found.series[0].values]
    assert minutes == [96, 97, 98, 99, 99, None, None, None, *range(104, 111)]
    bridged = server.query("it_holes", (BEGIN + 102 * MINUTE).timestamp())
    assert [each["value"][1] for each in bridged] == ["99"]

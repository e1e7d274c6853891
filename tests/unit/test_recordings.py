"""Samples from files: what is taken, and what is refused with file and line."""

import math
import time
from pathlib import Path

import pytest

from driftreview.adapters.csvfiles import read_file, read_folder
from driftreview.adapters.openmetrics import Selected, read_mapping, read_openmetrics
from driftreview.adapters.recording import RecordingError, Room, read_time
from driftreview.domain.history import Recorded
from driftreview.domain.scraping import UP
from tests.builders import signal


def csv_of(tmp_path: Path, text: str) -> tuple[Recorded, ...]:
    path = tmp_path / "latency.csv"
    path.write_text(text, "utf-8")
    return read_file(path)


def shown(series: Recorded) -> list[tuple[int, str]]:
    return [(int(time), f"{value:g}") for time, value in zip(series.times, series.values, strict=True)]


def test_times_are_rfc_3339_or_unix_seconds(tmp_path: Path) -> None:
    (series,) = csv_of(
        tmp_path, "timestamp,value\n1000,1\n1001.5,2\n1970-01-01T00:16:42Z,3\n1970-01-01T01:16:43.250+01:00,4\n"
    )
    assert shown(series) == [(1_000_000, "1"), (1_001_500, "2"), (1_002_000, "3"), (1_003_250, "4")]


def test_rows_may_be_in_any_order_and_columns_too(tmp_path: Path) -> None:
    assert shown(csv_of(tmp_path, "value,timestamp\n3,30\n1,10\n2,20\n")[0]) == [
        (10_000, "1"), (20_000, "2"), (30_000, "3"),
    ]  # fmt: skip


def test_an_empty_value_is_no_sample_and_nan_and_infinities_are_samples_that_are_none(tmp_path: Path) -> None:
    (series,) = csv_of(tmp_path, "timestamp,value\n10,\n20,NaN\n30,+Inf\n40,-inf\n\n50, 1e-3 \n")
    assert shown(series) == [(20_000, "nan"), (30_000, "inf"), (40_000, "-inf"), (50_000, "0.001")]


def test_further_columns_are_labels_and_empty_ones_none(tmp_path: Path) -> None:
    found = csv_of(tmp_path, "timestamp,value,symbol,pod\n10,1,btc,a\n20,2,btc,a\n10,3,eth,\n")
    assert [(dict(each.labels), shown(each)) for each in found] == [
        ({"pod": "a", "symbol": "btc"}, [(10_000, "1"), (20_000, "2")]),
        ({"symbol": "eth"}, [(10_000, "3")]),
    ]


def test_the_same_sample_twice_is_one(tmp_path: Path) -> None:
    assert shown(csv_of(tmp_path, "timestamp,value\n10,1\n10,1.0\n20,nan\n20,NaN\n")[0]) == [
        (10_000, "1"), (20_000, "nan"),
    ]  # fmt: skip


def test_a_byte_order_mark_and_spaces_are_no_part_of_the_header(tmp_path: Path) -> None:
    assert len(csv_of(tmp_path, "\ufefftimestamp, value\n10,1\n")) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"latency\.csv:1: the header '' lacks timestamp and lacks value.*expected timestamp,value"),
        ("time,value\n", r":1: the header 'time,value' lacks timestamp"),
        ("timestamp,value,a,a\n", r":1: .* has 'a' twice"),
        ("timestamp,value,\n", r":1: .* has an empty name"),
        ("timestamp,value\n10,1\n20\n", r":3: 1 cells, expected 2 as in the header timestamp,value"),
        ("timestamp,value\n10,abc\n", r":2: value: 'abc' is no number"),
        ("timestamp,value\n10,1_0\n", r":2: value: '1_0' is no number"),
        ("timestamp,value\n,1\n", r":2: timestamp: '' is no time: write RFC 3339"),
        ("timestamp,value\nyesterday,1\n", r":2: timestamp: 'yesterday' is no time"),
        ("timestamp,value\n2026-01-31T12:00:00,1\n", r":2: timestamp: .* has no time zone"),
        ("timestamp,value\n1760000000000,1\n", r":2: timestamp: .* not milliseconds"),
        ("timestamp,value\nnan,1\n", r":2: timestamp: 'nan' lies outside"),
        ("timestamp,value\n-5,1\n", r":2: timestamp: '-5' lies outside"),
        ("timestamp,value\n1_0,1\n", r":2: timestamp: '1_0' is no time: write RFC 3339"),
        (
            "timestamp,value\n\u0661\u0667\u0666\u0669\u0668\u0666\u0660\u0668\u0660\u0660,1\n",
            r":2: timestamp: '\u0661\u0667\u0666\u0669\u0668\u0666\u0660\u0668\u0660\u0660' is no time: write RFC 3339",
        ),
        (
            "timestamp,value\n\uff12\uff10\uff12\uff16-01-31T12:00:00Z,1\n",
            r":2: timestamp: .* is no time: write RFC 3339",
        ),
        ("timestamp,value\n10,\u0661\u0662\n", r":2: value: '\u0661\u0662' is no number"),
        ('timestamp,value\n10,"1\n', r":2: is no CSV"),
        ("timestamp,value\n10,1\n30,5\n10,2\n", r":4: 2 at a time at which line 2 says 1 of the same series: leave"),
        ("timestamp,value,s\n10,1,x\n10,NaN,x\n", r":3: NaN at a time at which line 2 says 1 of the same series s=x"),
    ],
)
def test_what_cannot_be_read_is_refused_with_file_and_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RecordingError, match=said):
        csv_of(tmp_path, text)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latency.csv").write_bytes(b"timestamp,value\n10,\xff\n")
    with pytest.raises(RecordingError, match="cannot be read as UTF-8"):
        read_file(tmp_path / "latency.csv")


def test_a_signal_without_a_file_has_no_series_but_one_must_have_some(tmp_path: Path) -> None:
    signals = signal("latency"), signal("errors")
    with pytest.raises(RecordingError, match=r"holds none of latency\.csv, errors\.csv"):
        read_folder(tmp_path, signals)
    with pytest.raises(RecordingError, match="there is no such folder"):
        read_folder(tmp_path / "other", signals)
    csv_of(tmp_path, "timestamp,value\n10,1\n")
    found = read_folder(tmp_path, signals)
    assert (len(found["latency"]), found["errors"]) == (1, ())


def test_a_second_query_has_a_file_of_its_own(tmp_path: Path) -> None:
    csv_of(tmp_path, "timestamp,value\n10,1\n")
    (tmp_path / "latency.control.csv").write_text("timestamp,value\n10,2\n", "utf-8")
    found = read_folder(tmp_path, [signal(control="up"), signal("errors", per="up")])
    assert {name: len(series) for name, series in found.items()} == {
        "latency": 1, "latency.control": 1, "errors": 0, "errors.per": 0, UP: 0
    }  # fmt: skip


@pytest.mark.parametrize("text", ["2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00", "1769860800", "1769860800.0"])
def test_a_moment_is_the_same_however_it_is_written(text: str) -> None:
    assert read_time(text) == 1_769_860_800_000


METRICS = """\
# TYPE order_latency gauge
order_latency{pod="a"} 1.5 1000
order_latency{pod="a"} 2.5 1030.5
order_latency{pod="b"} NaN 1000
# TYPE orders counter
orders_total{outcome="filled"} 7 1000
orders_total{outcome="failed"} 1 1000
# EOF
"""


def openmetrics_of(tmp_path: Path, text: str, **mapped: Selected) -> dict[str, list[tuple[dict[str, str], object]]]:
    path = tmp_path / "history.om"
    path.write_text(text, "utf-8")
    found = read_openmetrics(path, [signal("order-latency"), signal("failures")], mapped)
    return {name: [(dict(each.labels), shown(each)) for each in series] for name, series in found.items() if series}


def test_a_signal_has_the_samples_of_the_metric_of_its_name(tmp_path: Path) -> None:
    assert openmetrics_of(tmp_path, METRICS) == {
        "order-latency": [
            ({"pod": "a"}, [(1_000_000, "1.5"), (1_030_500, "2.5")]),
            ({"pod": "b"}, [(1_000_000, "nan")]),
        ],
    }


def test_a_mapping_picks_metric_and_series(tmp_path: Path) -> None:
    name, selected = read_mapping('failures=orders_total{outcome="failed"}')
    assert openmetrics_of(tmp_path, METRICS, **{name: selected})["failures"] == [
        ({"outcome": "failed"}, [(1_000_000, "1")])
    ]


@pytest.mark.parametrize("text", ["failures", "=orders", "failures=", "failures=rate(orders[5m])", "failures=a{b=c}"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no mapping: write signal=metric"):
        read_mapping(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# TYPE order_latency gauge\norder_latency 1 1000\n", r"history\.om:2: is no OpenMetrics text: Missing # EOF"),
        (
            "# TYPE order_latency gauge\norder_latency 1 1000\norder_latency zwei 1030\n# EOF\n",
            r":3: is no OpenMetrics",
        ),
        ("# TYPE order_latency gauge\norder_latency 1\n# EOF\n", r"order_latency has a sample without a time"),
        ("# TYPE order_latency gauge\norder_latency 1 1000000000000\n# EOF\n", r"order_latency: time .* milliseconds"),
        ("# TYPE other gauge\nother 1 1000\n# EOF\n", r"holds no sample of failures, order_latency; say with --map"),
        ("# EOF\n", r"holds no sample"),
    ],
)
def test_an_openmetrics_file_that_cannot_be_read_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RecordingError, match=said):
        openmetrics_of(tmp_path, text)


@pytest.mark.parametrize(
    "line",
    [
        "order_latency{WIDE}WIDE1WIDE10", 'order_latency{aWIDE="b"} 1 10', 'order_latency{a=WIDE"b"} 1 10',
        'order_latency{a="b"WIDE} 1 10', 'order_latency{a="b",WIDE} 1 10', 'order_latency{a="b"WIDE,WIDEc="d"} 1 10',
        'order_latency{a="b"WIDE', 'order_latency{a="b",WIDE', "order_latency{WIDE,", "order_latency 1WIDEx y",
    ],
)  # fmt: skip
def test_many_spaces_cost_no_time_wherever_they_stand(tmp_path: Path, line: str) -> None:
    text = f"{line.replace('WIDE', ' ' * (60_000 // line.count('WIDE')))}\n# EOF\n"
    began = time.process_time()
    if line.endswith("10"):
        assert len(openmetrics_of(tmp_path, text)["order-latency"]) == 1
    else:
        with pytest.raises(RecordingError, match="is no OpenMetrics text"):
            openmetrics_of(tmp_path, text)
    assert time.process_time() - began < 1


def test_a_native_histogram_is_no_number(tmp_path: Path) -> None:
    text = (
        "# TYPE order_latency histogram\n"
        "order_latency {count:24,sum:100,schema:0,zero_threshold:0.001,zero_count:4,positive_spans:[0:2],"
        "positive_deltas:[2,1]} 1000\n# EOF\n"
    )
    with pytest.raises(RecordingError, match="is a native histogram, not a number"):
        openmetrics_of(tmp_path, text)


OTHERS = """\
# HELP other what the parser passes over, {whatever "it says
other{a="}\\" # {"} 3 5 # {trace="x"} 1 2
{"quoted.name",a="b"} 1 2

order_latency{a="x\\"y\\\\z\\n",} 1.5e0 1000 # {trace="x"} 0.3 1000.1
order_latency_total 1 1000
order_latency{a=""} +Inf 1000.5
# EOF
"""


def test_lines_of_other_metrics_exemplars_and_escapes_are_understood(tmp_path: Path) -> None:
    assert openmetrics_of(tmp_path, OTHERS)["order-latency"] == [
        ({}, [(1_000_500, "inf")]),
        ({"a": 'x"y\\z\n'}, [(1_000_000, "1.5")]),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("order_latency{a=b} 1 1000", r":1: is no OpenMetrics text: found 'order_latency\{a=b\} 1 1000', expected"),
        ("order_latency 1 1000 2000", r":1: is no OpenMetrics text: found"),
        ("order_latency", r":1: is no OpenMetrics text: found"),
        ("order_latency 1 \u0661\u0660\u0660\u0660", r":1: order_latency: time '\u0661\u0660\u0660\u0660' is no time"),
        ("order_latency 1 soon", r":1: order_latency: time 'soon' is no time"),
        ("0rder 1 1000", r":1: is no OpenMetrics text: .* does not begin with a metric's name"),
        ("# EOF\norder_latency 1 1000", r":2: is no OpenMetrics text: .* stands behind # EOF"),
        ("order_latency 1 1000\norder_latency 2 1000", r":2: 2 at a time at which line 1 says 1 of the same series"),
        ("x" * 70_000, r":1: a row of more than 65536 characters"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_with_its_number(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(RecordingError, match=said):
        openmetrics_of(tmp_path, f"{line}\n# EOF\n")


HOSTILE = {
    "long": ("x" * 70_000, r"latency\.csv:1: a row of more than 65536 characters: expected one sample in each"),
    "open": ('timestamp,value,a\n10,1,"' + 'a","\n' * 20_000, r":\d{4,5}: a row of more than 65536 characters"),
    "series": (
        "\n".join(["timestamp,value,a", *(f"10,1,{index}" for index in range(1001)), "junk"]),
        r":1002: with this there are more than 1000 series: a signal is one, or one for each value of the label `each`",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_before_it_is_read_whole(tmp_path: Path, name: str) -> None:
    text, said = HOSTILE[name]
    with pytest.raises(RecordingError, match=said):
        csv_of(tmp_path, text)


def test_more_samples_than_fit_are_refused_over_all_files_and_at_once(tmp_path: Path) -> None:
    csv_of(tmp_path, "timestamp,value\n10,1\n20,1\n")
    (tmp_path / "errors.csv").write_text("timestamp,value\n10,1\n20,1\n30,1\njunk\n", "utf-8")
    signals = signal("latency"), signal("errors")
    with pytest.raises(RecordingError, match=r"errors\.csv:4: with this there are more than 4 samples in all: leave"):
        read_folder(tmp_path, signals, Room(4))
    (tmp_path / "history.om").write_text("latency 1 10\nerrors 1 10\nlatency 1 20\njunk junk\n", "utf-8")
    with pytest.raises(RecordingError, match=r"history\.om:3: with this there are more than 2 samples in all"):
        read_openmetrics(tmp_path / "history.om", signals, {}, Room(2))


@pytest.mark.parametrize("there", [True, False])
def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, there: bool) -> None:  # noqa: FBT001
    folder, outside = tmp_path / "data", tmp_path / "secret"
    folder.mkdir()
    if there:
        outside.write_text("timestamp,value\n10,1\n", "utf-8")
    (folder / "latency.csv").symlink_to(outside)
    with pytest.raises(RecordingError, match=r"data/latency\.csv: leads to /.*secret, outside of /.*data: only files"):
        read_folder(folder, [signal("latency")])


def test_a_link_within_the_folder_is_followed_also_where_the_folder_is_one(tmp_path: Path) -> None:
    (tmp_path / "data" / "..2026").mkdir(parents=True)
    (tmp_path / "data" / "..2026" / "latency.csv").write_text("timestamp,value\n10,1\n", "utf-8")
    (tmp_path / "data" / "latency.csv").symlink_to("..2026/latency.csv")
    (tmp_path / "link").symlink_to("data")
    assert len(read_folder(tmp_path / "link", [signal("latency")])["latency"]) == 1


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latency.csv").mkdir()
    with pytest.raises(RecordingError, match="is no file but a folder"):
        read_folder(tmp_path, [signal("latency")])
    (tmp_path / "latency.csv").rmdir()
    (tmp_path / "latency.csv").symlink_to("latency.csv")
    with pytest.raises(RecordingError, match=r"latency\.csv: cannot be read|holds none of"):
        read_folder(tmp_path, [signal("latency")])


def test_when_the_source_was_scraping_is_read_from_up_whatever_it_says_of_a_target(tmp_path: Path) -> None:
    csv_of(tmp_path, "timestamp,value\n10,1\n")
    (tmp_path / "up.csv").write_text("timestamp,value,job\n30,0,a\n10,1,a\n10,1,b\n20,NaN,a\n", "utf-8")
    assert [shown(each) for each in read_folder(tmp_path, [signal("latency")])[UP]] == [[(10_000, "1"), (30_000, "1")]]
    text = 'failures 1 10\nup{job="a"} 0 10\nup{job="a"} NaN 20\nup{job="b"} 1 9.5\nup{job="b"} 1 30\n# EOF\n'
    assert openmetrics_of(tmp_path, text)[UP] == [({}, [(10_000, "1"), (30_000, "1")])]


def test_the_file_of_a_signal_called_up_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "up.csv").write_text("timestamp,value\n10,1\n", "utf-8")
    assert list(read_folder(tmp_path, [signal("up")])) == ["up"]


def test_up_alone_is_no_history(tmp_path: Path) -> None:
    (tmp_path / "up.csv").write_text("timestamp,value\n10,1\n", "utf-8")
    with pytest.raises(RecordingError, match=r"holds none of latency\.csv$"):
        read_folder(tmp_path, [signal("latency")])
    with pytest.raises(RecordingError, match=r"holds no sample of failures, order_latency; say"):
        openmetrics_of(tmp_path, "up 1 10\n# EOF\n")


def test_nan_stays_nan(tmp_path: Path) -> None:
    (series,) = csv_of(tmp_path, "timestamp,value\n10,nan\n")
    assert math.isnan(series.values[0])

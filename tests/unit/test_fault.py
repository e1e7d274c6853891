"""Faults of known size, as they are written and what they do."""

import math
import re
import warnings

import pytest

from driftreview.domain.fault import Change, Fault
from driftreview.domain.history import Recorded
from tests.builders import HOUR, MINUTE, T0, recorded

SERIES = recorded([(T0 + index * HOUR, 10.0) for index in range(-1, 3)], symbol="btc")


def injected(text: str, series: Recorded = SERIES) -> list[float]:
    (found,) = Fault.parse(text).put_into([series], T0)
    return found.values.tolist()


@pytest.mark.parametrize(
    ("text", "signal", "change", "amount"),
    [
        ("order-latency-p99*1.10", "order-latency-p99", Change.TIMES, 1.1),
        ("order-latency-p99 * 110e-2", "order-latency-p99", Change.TIMES, 1.1),
        ("latency+0.005", "latency", Change.PLUS, 0.005),
        ("latency+5m", "latency", Change.PLUS, 0.005),
        ("latency + -5m", "latency", Change.PLUS, -0.005),
        ("memory leak 20Mi/h", "memory", Change.LEAK, 20 * 2**20),
        ("leak leak -1/h", "leak", Change.LEAK, -1.0),
        ("heartbeat silent", "heartbeat", Change.SILENT, 0.0),
        ("silent silent after 90m", "silent", Change.SILENT, 1.5),
    ],
)
def test_a_fault_is_read(text: str, signal: str, change: Change, amount: float) -> None:
    fault = Fault.parse(text)
    assert (fault.text, fault.signal, fault.change, fault.labels) == (text, signal, change, {})
    assert fault.amount == pytest.approx(amount)


@pytest.mark.parametrize(
    "text",
    ["", "latency", "latency*", "*2", "latency*two", "latency-5m", "latency*-1", "latency leak 3", "Latency*2",
     'latency{symbol=~"b.*"}*2', 'latency{symbol="btc"*2', "latency+nan", "latency*2 memory*3", "silent",
     "heartbeat silent 6h", "heartbeat silent after", "heartbeat silent after a while", "heartbeat silent after -6h"],
)  # fmt: skip
def test_what_is_no_fault_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as|must be"):
        Fault.parse(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("latency+10%", "write latency*1.1"),
        ("latency + -5%", "write latency*0.95"),
        ("latency*110%", "write latency*1.1"),
        ('a{b="c"}+10.5%', 'write a{b="c"}*1.105'),
        ("heartbeat{zone=b} silent", "write 'heartbeat{zone=\"b\"} silent'"),
        ('a{b=c, d="e"}*2', 'write \'a{b="c", d="e"}*2\''),
        ("a leak 10%/h", "must be a number"),
        ("a{b=c}", "is no fault"),
        ("a{" + "b=c," * 100 + "}*2", "is no fault"),
    ],
)
def test_what_was_probably_meant_is_said(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(hint)):
        Fault.parse(text)


def test_it_is_in_every_sample_after_the_release_and_in_none_before() -> None:
    assert injected("a*1.5") == [10, 10, 15, 15]
    assert injected("a+5") == [10, 10, 15, 15]
    assert injected("a leak 3/h") == [10, 10, 13, 16]


@pytest.mark.parametrize(
    ("text", "left"), [("a silent", 2), ("a silent after 1h", 3), ("a silent after 30m", 2), ("a silent after 9h", 4)]
)
def test_what_is_silent_has_no_sample_from_then_on(text: str, left: int) -> None:
    (found,) = Fault.parse(text).put_into([SERIES], T0)
    assert (len(found.times), found.values.tolist()) == (left, [10.0] * left)
    assert found.times.tolist() == SERIES.times[:left].tolist()


def test_labels_pick_a_series() -> None:
    other = recorded([(T0 + HOUR, 1.0)], symbol='e"th')
    fault = Fault.parse(r'a{symbol="e\"th"}*2')
    assert [each.values.tolist() for each in fault.put_into([SERIES, other], T0)] == [[10] * 4, [2]]
    assert injected('a{symbol="btc",}*2')[-1] == 20
    assert injected('a{pod="",symbol="btc"}*2')[-1] == 20
    assert injected('a{symbol="eth"}*2')[-1] == 10


@pytest.mark.parametrize("text", ["a*1", "a*1.0", "a+0", "a leak 0/h"])
def test_a_fault_that_changes_nothing_leaves_every_bit_as_it_was(text: str) -> None:
    series = recorded([(T0 + HOUR, -0.0), (T0 + 2 * HOUR, math.inf), (T0 + 3 * HOUR, math.nan)])
    (found,) = Fault.parse(text).put_into([series], T0)
    assert found.values.tobytes() == series.values.tobytes()


def test_a_value_that_gets_too_large_is_infinite_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert injected("a*1E", recorded([(T0 + HOUR, 1e300)])) == [math.inf]


def test_what_was_recorded_stays_as_it_was() -> None:
    before = SERIES.values.tobytes()
    injected("a*3")
    assert SERIES.values.tobytes() == before


def test_what_is_added_is_added_to_the_quotient_of_a_count_per_another() -> None:
    counted = recorded([(T0 + index * HOUR, 1.0) for index in range(3)], zone="a")
    per = [
        recorded([(T0 + index * HOUR - MINUTE, 100.0 * index) for index in range(3)], zone="a"),
        recorded([(T0, 7.0)], zone="b"),
    ]

    def put(text: str, per: list[Recorded], each: str = "") -> list[float]:
        (found,) = Fault.parse(text).put_into([counted], T0, per, each)
        return found.values.tolist()

    assert put("errors+10m", per, "zone") == [1, 2, 3]
    assert put("errors leak 10m/h", per, "zone") == [1, 2, 5]
    assert put("errors*3", per, "zone") == [1, 3, 3]
    assert put("errors+10m", per[1:], "zone") == [1, 1, 1]  # of another series
    assert put("errors+10m", [recorded([(T0, math.nan)])]) == [1, 1, 1]
    assert put("errors+10m", [recorded([(T0 + 90 * MINUTE, 100.0)])]) == [1, 1, 2]  # none yet at the first

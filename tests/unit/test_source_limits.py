"""What a source is spared: queries beyond its pace, the same question twice, and all of them while it is down."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from driftreview.adapters.backoff import LONGEST, LONGEST_ASKED_FOR, BackOff
from driftreview.adapters.once import Once
from driftreview.adapters.pace import Pace
from driftreview.adapters.prometheus import BusyError
from driftreview.api.reasons import Reason
from driftreview.domain.samples import Failed, NoData, QueryResult, Samples
from tests.unit.test_prometheus_adapter_faults import (
    AT,
    GOOD,
    WINDOW,
    Handler,
    Stage,
    assert_failed,
    in_turn,
    matrix,
    replying,
    sample,
    stage,
    success,
)

__all__ = ["stage"]
NOTHING = NoData("Empty", "nothing")
DOWN = Failed(Reason.UNREACHABLE, "no connection", retryable=True)


class Time:
    """A clock that stands until somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.slept = 100.0, list[float]()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now += seconds


# Queries per second


def test_without_a_limit_nobody_waits() -> None:
    time = Time()
    pace = Pace(None, time, time.sleep)
    assert all(pace.wait(0.0) for _ in range(1000))
    assert time.slept == []


def test_the_tokens_of_one_second_are_there_at_once_and_then_they_come_evenly() -> None:
    time = Time()
    pace = Pace(4, time, time.sleep)
    assert all(pace.wait(10.0) for _ in range(8))
    assert time.slept == [0.25] * 4
    time.now += 60
    assert all(pace.wait(0.0) for _ in range(4)), "no more than those of one second are kept"
    assert not pace.wait(0.2)


def test_who_would_wait_too_long_takes_no_token_from_those_who_wait() -> None:
    time = Time()
    pace = Pace(1, time, time.slept.append)
    assert [pace.wait(2.0) for _ in range(5)] == [True, True, True, False, False]
    assert time.slept == [1.0, 2.0], "each has its own turn, in the order of their coming"
    time.now += 1
    assert pace.wait(2.0)


def test_a_source_is_asked_no_faster_than_its_spec_says(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time()
    server = stage.server(replying(200, GOOD))
    source = stage.source(server.url, spec={"queries_per_second": 2})
    monkeypatch.setattr(source, "_pace", Pace(2, time, time.sleep))
    for _ in range(4):
        assert isinstance(source.range("up", WINDOW), Samples)
    assert time.slept == [0.5, 0.5]
    monkeypatch.setattr(source, "_pace", crowded := Pace(1, time, lambda _: None))
    assert [crowded.wait(2.0) for _ in range(3)] == [True] * 3
    with pytest.raises(BusyError):
        source.range("up", WINDOW)
    assert stage.told[-1][1] == "Busy"
    assert len(server.seen) == 4


# Points per query


def test_a_range_beyond_the_points_of_a_source_is_asked_in_pieces_and_joined(stage: Stage) -> None:
    server = stage.server(
        in_turn(replying(200, matrix(sample(0, "0"), sample(1, "1"))), replying(200, matrix(sample(3, "3"))))
    )
    whole = stage.source(server.url)
    object.__setattr__(whole.spec, "max_points", 2)  # as small as the schema does not allow
    pieces = stage.source(server.url, points_per_query=whole.spec.max_points)
    answer = pieces.range("up", WINDOW)
    assert isinstance(answer, Samples)
    assert list(answer.series[0].values) == [0.0, 1.0, None, 3.0]
    assert [each.params["end"] for each in server.seen] == [
        f"{(WINDOW.start + WINDOW.step * count).timestamp():.3f}" for count in (2, 4)
    ]
    assert stage.source(server.url, spec={"max_points": 1000})._points == 1000


# The same question


def test_who_asks_the_same_at_the_same_time_shares_the_answer() -> None:
    once, entered, leave, asked = Once(), threading.Event(), threading.Event(), list[int]()

    def ask() -> QueryResult:
        asked.append(1)
        entered.set()
        leave.wait(5)
        return NOTHING

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(once, "key", ask, 5.0)
        assert entered.wait(5)
        others = [pool.submit(once, "key", ask, 5.0) for _ in range(3)]
        other_key = pool.submit(once, "other", lambda: DOWN, 5.0)
        leave.set()
        assert [each.result(5) for each in (first, *others)] == [NOTHING] * 4
        assert other_key.result(5) is DOWN
    assert asked == [1]


def test_an_answer_is_kept_for_a_second_and_a_failure_not_at_all() -> None:
    time = Time()
    once, asked = Once(clock=time), list[float]()

    def ask(result: QueryResult) -> QueryResult:
        asked.append(time.now)
        return result

    for pause in (0.0, 0.9, 0.2, 0.0):
        time.now += pause
        once("key", lambda: ask(NOTHING), 1.0)
    assert [round(each, 1) for each in asked] == [100.0, 101.1]
    asked.clear()
    for _ in range(2):
        assert once("down", lambda: ask(DOWN), 1.0) is DOWN
    assert len(asked) == 2
    time.now += 5
    once("key", lambda: NOTHING, 1.0)
    assert list(once._asked) == ["key"], "what is old is forgotten"


def test_who_comes_first_and_fails_leaves_the_question_to_the_others() -> None:
    once = Once()

    def busy() -> QueryResult:
        raise BusyError("no room")

    with pytest.raises(BusyError):
        once("key", busy, 1.0)
    assert once("key", lambda: NOTHING, 1.0) is NOTHING


def test_who_waits_longer_than_a_query_may_take_asks_as_well() -> None:
    once, leave = Once(), threading.Event()

    def slow() -> QueryResult:
        leave.wait(5)
        return DOWN

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(once, "key", slow, 5.0)
        while not once._asked:
            pass
        assert once("key", lambda: NOTHING, 0.01) is NOTHING
        leave.set()
        assert first.result(5) is DOWN


def test_no_more_bytes_are_kept_than_allowed() -> None:
    once = Once(most_bytes=2500)
    for number in range(5):
        once(number, lambda: NOTHING, 1.0)
    assert list(once._asked) == [0, 1]


def test_sources_ask_for_the_same_range_once_and_for_another_source_or_window_anew(stage: Stage) -> None:
    server, once = stage.server(replying(200, GOOD)), Once()
    first, second = (stage.source(server.url, once=once) for _ in range(2))
    assert first.range("up", WINDOW) is first.range("up", WINDOW)
    assert len(server.seen) == 1
    first.range("up + 0", WINDOW)
    second.range("up", WINDOW)
    assert len(server.seen) == 3


# A server that is down


def drawn(least: float, most: float) -> float:
    """The longest pause that may be drawn."""
    assert least == 0.0
    return most


def test_pauses_double_up_to_a_bound_and_an_answer_ends_them() -> None:
    time = Time()
    backoff, pauses = BackOff(time, drawn), list[float]()
    for _ in range(7):
        for _ in range(2):
            backoff.heard(DOWN, None)
        assert backoff.suspects
        backoff.down()
        assert backoff.paused() is DOWN
        assert not backoff.suspects
        until = backoff._until
        pauses.append(until - time.now)
        time.now = until
        assert backoff.paused() is None
    assert pauses == [1.0, 2.0, 4.0, 8.0, LONGEST, LONGEST, LONGEST]
    backoff.heard(NOTHING, None)
    assert not backoff.suspects


def test_a_pause_is_drawn_from_all_of_its_length() -> None:
    drawn_from: list[tuple[float, float]] = []
    backoff = BackOff(Time(), lambda *between: drawn_from.append(between) or 0.0)  # type: ignore[func-returns-value]
    backoff.down()
    assert drawn_from == [(0.0, 1.0)]


@pytest.mark.parametrize(("asked_for", "pause"), [(None, 1.0), (7.0, 8.0), (3600.0, LONGEST_ASKED_FOR + 1.0)])
def test_a_server_that_asks_for_fewer_queries_is_left_alone_as_long_as_it_wants(
    asked_for: float | None, pause: float
) -> None:
    time = Time()
    backoff = BackOff(time, drawn)
    backoff.heard(Failed(Reason.RATE_LIMITED, "too many", retryable=True), asked_for)
    assert backoff._until - time.now == pause
    assert backoff.paused() is not None


def test_a_server_that_answers_nothing_is_asked_thrice_and_then_left_alone(stage: Stage) -> None:
    server = stage.server(replying(500, b"oops"))
    source = stage.source(server.url)
    source._backoff._uniform = lambda *_: 60.0
    first = [source.range(f"up + {number}", WINDOW) for number in range(50)]
    assert len(server.seen) == 3, "two queries, and the simplest there is"
    assert server.seen[2].params["query"] == "vector(1)"
    assert len({each.message for each in first if isinstance(each, Failed)}) == 1
    assert_failed(first[-1], Reason.SERVER_ERROR, "HTTP 500")
    assert [outcome for _, outcome, _ in stage.told][3:] == ["BackingOff"] * 48
    assert_failed(source.instant("up", AT), Reason.SERVER_ERROR, "HTTP 500")


def test_queries_that_fail_on_a_server_that_answers_others_keep_nobody_waiting(stage: Stage) -> None:
    def serve(handler: Handler) -> None:
        query = handler.server.seen[-1].params["query"]
        if query == "vector(1)":
            handler.json(200, success("vector", []))
        else:
            handler.json(*((500, {}) if "bad" in query else (200, GOOD)))

    source = stage.source(stage.server(serve).url)
    results = [source.range(query, WINDOW) for query in ("bad1", "bad2", "bad3", "up", "bad4", "bad5", "up + 0")]
    assert [isinstance(each, Samples) for each in results] == [False, False, False, True, False, False, True]


def test_a_429_says_when_to_come_again(stage: Stage) -> None:
    server = stage.server(replying(429, b"", Retry_After="7"))
    source = stage.source(server.url)
    source._backoff._uniform = lambda *_: 0.0
    clock: Any = lambda: now  # noqa: E731
    now, source._backoff._clock = 0.0, clock
    source.range("up", WINDOW)
    for now, asked in ((6.9, 1), (7.1, 2)):  # noqa: B007 - read by the clock
        assert_failed(source.range("up", WINDOW), Reason.RATE_LIMITED, "lower spec.queriesPerSecond")
        assert len(server.seen) == asked

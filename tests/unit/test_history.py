"""What was recorded, laid on a grid and asked as a server is."""

import math
from datetime import timedelta

import pytest

from driftreview.api.reasons import Reason
from driftreview.domain.history import History, Recorded, coarsest, span
from driftreview.domain.samples import NoData, QueryResult, Samples, TooMany, Window, no_data_in
from driftreview.domain.scraping import UP
from tests.builders import HOUR, MINUTE, T0, recorded

SECOND = timedelta(seconds=1)
STEP = 30 * SECOND


def asked(*series: Recorded, points: int, step: timedelta = STEP) -> QueryResult:
    history = History.of({"a": series}, step)
    return history.answer("a", Window(T0, T0 + points * step, step))


def values(*samples: tuple[float, float], points: int = 4) -> list[float | None]:
    """What the points after T0 see of samples at so many seconds after it."""
    answer = asked(recorded([(T0 + seconds * SECOND, value) for seconds, value in samples]), points=points)
    assert isinstance(answer, Samples)
    return list(answer.series[0].values)


def test_a_sample_counts_at_the_point_at_or_after_it() -> None:
    assert values((30, 1.0), (59, 2.0), (61, 3.0)) == [1.0, 2.0, 3.0, None]


def test_a_sample_at_the_start_of_a_window_is_not_in_it() -> None:
    assert values((0, 1.0), (30, 2.0)) == [2.0, None, None, None]


def test_the_latest_of_several_samples_counts() -> None:
    assert values((31, 1.0), (45, 2.0), (60, 3.0)) == [None, 3.0, None, None]


def test_nothing_is_carried_over_a_gap() -> None:
    assert values((30, 1.0), (120, 2.0)) == [1.0, None, None, 2.0]


def test_a_latest_sample_that_is_nan_is_none() -> None:
    answer = asked(recorded([(T0 + 10 * SECOND, 1.0), (T0 + 20 * SECOND, math.nan), (T0 + MINUTE, 1.0)]), points=2)
    assert isinstance(answer, Samples)
    assert (list(answer.series[0].values), answer.series[0].nan) == ([None, 1.0], 1)


def test_infinite_samples_are_counted_and_none() -> None:
    answer = asked(recorded([(T0 + STEP, math.inf), (T0 + 2 * STEP, -math.inf), (T0 + 3 * STEP, 1.0)]), points=3)
    assert isinstance(answer, Samples)
    assert (list(answer.series[0].values), answer.series[0].infinite) == ([None, None, 1.0], 2)


@pytest.mark.parametrize(
    ("value", "reason"), [(math.nan, Reason.ONLY_NAN), (math.inf, Reason.ONLY_INFINITE), (None, Reason.EMPTY)]
)
def test_a_window_without_a_finite_sample_has_no_data(value: float | None, reason: Reason) -> None:
    inside = [] if value is None else [(T0 + STEP, value)]
    answer = asked(recorded([*inside, (T0 + 5 * STEP, 1.0)]), points=2)
    assert isinstance(answer, NoData)
    assert answer.reason == reason


def test_a_signal_that_was_never_recorded_has_no_data() -> None:
    answer = History.of({"a": (recorded([(T0, 1.0)]),), "b": ()}, STEP).answer("b", Window(T0, T0 + STEP, STEP))
    assert isinstance(answer, NoData)


def test_a_series_is_only_in_windows_in_which_it_has_samples() -> None:
    early, late = recorded([(T0 + STEP, 1.0)], pod="a"), recorded([(T0 + 3 * STEP, 1.0)], pod="b")
    answer = asked(early, late, points=2)
    assert isinstance(answer, Samples)
    assert [each.labels for each in answer.series] == [{"pod": "a"}]


def test_more_series_than_may_be_judged_are_named() -> None:
    answer = asked(*(recorded([(T0 + STEP, 1.0)], pod=f"{index:02}") for index in range(21)), points=1)
    assert isinstance(answer, TooMany)
    assert len(answer.labels) == 21


@pytest.mark.parametrize("start", [-3, -1, 5, 90])
def test_a_window_may_reach_beyond_the_data(start: int) -> None:
    history = History.of({"a": (recorded([(T0 + index * STEP, float(index)) for index in range(1, 8)]),)}, STEP)
    answer = history.answer("a", Window(T0 + start * STEP, T0 + (start + 4) * STEP, STEP))
    expected = [float(index) if 1 <= index < 8 else None for index in range(start + 1, start + 5)]
    found = list(answer.series[0].values) if isinstance(answer, Samples) else [None] * 4
    assert found == expected


def test_the_grid_is_that_of_whole_steps_since_1970() -> None:
    window = History.of({"a": (recorded([(T0 + 7 * SECOND, 1.0), (T0 + 95 * SECOND, 1.0)]),)}, STEP).window
    assert (window.start, window.end) == (T0, T0 + 4 * STEP)
    only = History.of({"a": (recorded([(T0, 1.0)]),)}, STEP).window
    assert (only.start, only.end) == (T0 - STEP, T0)


def test_the_span_is_that_of_all_series() -> None:
    series = recorded([(T0, 1.0)]), recorded([]), recorded([(T0 + MINUTE, 1.0)])
    assert span({"a": series[:1], "b": series[1:]}) == (T0, T0 + MINUTE)
    with pytest.raises(ValueError, match="empty"):
        span({"a": (), "b": (recorded([]),)})


def test_the_resolution_is_that_of_the_coarsest_series_but_not_below_half_a_minute() -> None:
    fine = recorded([(T0 + index * SECOND, 1.0) for index in range(5)])
    coarse = recorded([(T0 + index * MINUTE, 1.0) for index in (0, 1, 2, 3, 60)])
    assert coarsest({"a": (fine,)})[0] == STEP
    assert coarsest({"a": (fine,), "b": (recorded([]), coarse)}) == (MINUTE, "b")


def test_before_the_data_nothing_is_known_of_the_source() -> None:
    moments = [(T0 + index * MINUTE, 1.0) for index in range(1, 61)]
    history = History.of({"latency": (recorded(moments),), UP: (recorded(moments),)}, MINUTE)
    whole = history.scraping(Window(T0, T0 + HOUR, MINUTE))
    assert whole is not None
    assert whole.alive == bytes([1] * 60)
    early = history.scraping(Window(T0 - HOUR, T0 + HOUR, MINUTE))
    assert early is not None
    assert early.alive is None
    assert early.problem is not None
    assert early.problem.message == "the data begin at 2026-07-31T12:01:00Z"


def test_a_window_without_data_is_said_in_utc_as_everywhere() -> None:
    said = no_data_in(Window(T0, T0 + HOUR, MINUTE), 0, 0)
    assert "at any of the 60 points after 2026-07-31T12:00:00Z up to 2026-07-31T13:00:00Z" in said.message

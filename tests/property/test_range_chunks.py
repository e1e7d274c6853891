"""A long range is asked for in pieces; together they must be the range, point by point."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from driftreview.adapters.answers import Joiner, chunks, server_seconds
from driftreview.adapters.replies import Answer
from driftreview.domain.samples import NoData, Samples, Window

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - naive bounds are wanted
STEPS = st.integers(10, 10**10).map(lambda milliseconds: timedelta(milliseconds=milliseconds))
WINDOWS = st.builds(
    lambda start, step, points: Window(start, start + step * points, step),
    MOMENTS,
    STEPS,
    st.integers(1, 400),
)
LIMITS = st.integers(1, 500)


def grid(window: Window) -> list[datetime]:
    return [window.start + window.step * (number + 1) for number in range(window.points)]


def served(window: Window, values: dict[datetime, float]) -> Answer:
    """What a server answers that keeps times in whole milliseconds and prints them as decimals."""
    samples = [[float(server_seconds(at)), repr(values[at])] for at in grid(window) if at in values]
    return Answer("matrix", [{"metric": {"pod": "a"}, "values": samples}] if samples else [])


@given(WINDOWS, LIMITS)
def test_pieces_are_the_grid_without_gap_or_repetition(window: Window, limit: int) -> None:
    pieces = chunks(window, limit)
    assert [at for piece in pieces for at in grid(piece)] == grid(window)


@given(WINDOWS, LIMITS)
def test_no_piece_is_over_the_limit_and_only_the_last_is_under_it(window: Window, limit: int) -> None:
    *full, last = [piece.points for piece in chunks(window, limit)]
    assert all(points == limit for points in full)
    assert 1 <= last <= limit


@given(WINDOWS, LIMITS)
def test_pieces_keep_the_step_and_adjoin(window: Window, limit: int) -> None:
    pieces = chunks(window, limit)
    assert {piece.step for piece in pieces} == {window.step}
    assert [piece.start for piece in pieces] == [window.start, *(piece.end for piece in pieces[:-1])]
    assert pieces[-1].end == window.end


@given(WINDOWS, LIMITS, st.data())
def test_joined_answers_put_every_sample_at_its_place(window: Window, limit: int, data: st.DataObject) -> None:
    present = data.draw(st.sets(st.integers(0, window.points - 1)))
    points = grid(window)
    values = {points[index]: float(index) for index in present}
    joiner = Joiner(window)
    for piece in chunks(window, limit):
        joiner.add(piece, served(piece, values))
    joined = joiner.result()
    if not present:
        assert isinstance(joined, NoData)
        return
    assert isinstance(joined, Samples)
    (series,) = joined.series
    assert series.values == tuple(float(index) if index in present else None for index in range(window.points))

"""The part of a row of counts that says most: found, at its end, and in words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.domain.bouts import Bout, Course
from driftreview.domain.measured import Grid

GRID = Grid(1 / 6)
ROWS = st.lists(st.integers(0, 9) | st.just(float("nan")), min_size=1, max_size=40)


def course(row: list[float], usual: float, sign: int = 1) -> Course:
    events = np.array(row, float)
    return Course.of(events, np.where(np.isfinite(events), usual, np.nan), sign)


def told(row: list[float], usual: float, sign: int = 1) -> str:
    found = course(row, usual, sign)
    bout = found.worst()
    return "" if bout is None else found.told(bout, "", GRID)


@given(row=ROWS, usual=st.floats(0.1, 5), sign=st.sampled_from([1, -1]))
def test_no_other_part_says_more(row: list[float], usual: float, sign: int) -> None:
    found = course(row, usual, sign)
    best = found.worst()
    gains = [
        part.gain
        for first in range(len(row))
        for after in range(first + 1, len(row) + 1)
        if (part := Course.of(np.array(row, float), np.full(len(row), usual), sign)._bout(first, after))
    ]
    assert (best.gain if best else 0.0) == pytest.approx(max(gains), abs=1e-9)


@pytest.mark.parametrize("blocks", [150, 288, 1000, 4032])
def test_long_rows_lose_no_block(blocks: int) -> None:
    row = [1.0] * blocks
    row[77:98] = [9.0] * 21
    bout = course(row, 1.0).worst()
    assert bout is not None
    assert (bout.first, bout.after, bout.events) == (77, 98, 189)


def test_nothing_unusual_says_nothing() -> None:
    assert course([1.0] * 20, 1.0).worst() is None
    assert course([0.0] * 20, 0.0, -1).worst() is None
    assert course([float("nan")] * 20, 1.0).worst() is None
    assert course([0.0] * 20, 1.0).at_the_end() is None


@pytest.mark.parametrize(
    ("row", "usual", "sign", "said"),
    [
        ([1] * 20 + [30] * 4 + [1] * 20, 1, 1, "120 of them from T0+3h20m to T0+4h, over since"),
        ([1] * 20 + [30] * 4, 1, 1, "120 of them since T0+3h20m, still"),
        ([30] * 20 + [0] * 6 + [30] * 10, 30, -1, "0 against 180 expected from T0+3h20m to T0+4h20m, over since"),
        ([30] * 20 + [0] * 6, 30, -1, "0 against 180 expected since T0+3h20m, still"),
        ([0] * 20 + [1] + [0] * 3, 0, 1, "1 of them from T0+3h20m to T0+3h30m"),
        ([1] * 9 + [40] + [1] * 30 + [40] + [1] * 9, 1, 1,
         "40 of them from T0+1h30m to T0+1h40m, over since, one of 2 as bad"),
    ],
)  # fmt: skip
def test_in_words(row: list[float], usual: float, sign: int, said: str) -> None:
    assert told(row, usual, sign) == said


@pytest.mark.parametrize(
    ("late", "first"),
    [([], None), ([20] * 3, 40), ([20] * 12 + [1] * 12, None), ([20] * 3 + [12], 40), ([20] * 3 + [0], None)],
)
def test_what_was_under_way_at_the_end(late: list[float], first: int | None) -> None:
    bout = course([1.0] * 40 + late, 1.0).at_the_end()
    assert (bout and bout.first) == first


def test_independent_counts_end_in_nothing() -> None:
    rng = np.random.default_rng(1)
    found = [course(list(rng.poisson(2, 252)), 2.0).at_the_end() for _ in range(400)]
    assert sum(each is not None for each in found) <= 400 * 0.05


def test_a_part_of_a_row_that_is_as_bad_throughout_does_not_stand_out() -> None:
    rng = np.random.default_rng(2)
    found = [course(list(rng.poisson(4, 100)), 2.0) for _ in range(100)]
    bouts = [(each, each.worst()) for each in found]
    assert sum(isinstance(bout, Bout) and each.stands_out(bout) for each, bout in bouts) <= 5

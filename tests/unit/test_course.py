"""How windows went, coarsely: points and halves as one would reckon them series by series."""

import math
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.domain.course import courses_of, stride_of

BLOCKS = st.floats(-1e3, 1e3) | st.just(math.nan)


def mean(values: list[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return fmean(known) if known else math.nan


@given(st.integers(2, 300).flatmap(lambda count: st.lists(BLOCKS, min_size=count, max_size=count)))
def test_a_point_is_the_mean_of_its_blocks_and_the_rise_that_of_the_later_half(blocks: list[float]) -> None:
    course = courses_of(np.array([blocks, [-each for each in blocks]]))
    stride = stride_of(len(blocks))
    points = [mean(blocks[first : first + stride]) for first in range(0, len(blocks), stride)]
    half = len(points) // 2
    assert len(points) <= 48
    for nth, sign in ((0, 1), (1, -1)):
        found = course.of(nth, sign)
        assert found.points.tolist() == pytest.approx(points, nan_ok=True)
        assert found.rise == pytest.approx(mean(points[half:]) - mean(points[:half]), nan_ok=True, abs=1e-9)

import math
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.domain.blocks import block_medians, decode, encode, longest_run, runs
from driftreview.domain.samples import Series

STEP = timedelta(minutes=1)


def of(*values: float | None) -> Series:
    return Series({}, values)


def test_a_block_is_the_median_of_the_samples_that_are_there() -> None:
    medians = block_medians(of(1, 2, 90, None, 5, 7, None, None, None), STEP, 3 * STEP)
    assert medians == (2, 6, None)


def test_a_spike_of_one_scrape_leaves_no_trace() -> None:
    values = [10.0] * 60
    values[17] = 1e6
    assert set(block_medians(of(*values), STEP, 10 * STEP)) == {10.0}


def test_the_last_block_may_be_shorter() -> None:
    assert block_medians(of(1, 1, 1, 4), STEP, 3 * STEP) == (1, 4)


def test_values_whose_mean_is_too_large_for_a_float_are_no_infinity() -> None:
    most = 1.7e308
    assert block_medians(of(most, most), STEP, 2 * STEP) == (most,)
    assert decode(encode(block_medians(of(most, most), STEP, 2 * STEP))) == (most,)


@pytest.mark.parametrize("text", ["1.7e308 1.7e308", "1.7e308 - 1.7e308 -1", "-1.7e308 -1.7e308"])
def test_finite_numbers_are_read_however_large_their_sum(text: str) -> None:
    assert encode(decode(text)) == text.replace("e308", "e+308")


@pytest.mark.parametrize("token", ["nan", "inf", "-inf", "1e999", "x", "None", "true", '"1"', "[1]", "1]", "5-", "--"])
def test_evidence_that_is_no_finite_number_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="not finite"):
        decode(f"1 {token} 2")
    with pytest.raises(ValueError, match="not finite"):
        decode(f"1 - {token} -inf 2")


@pytest.mark.parametrize("text", ["1,2", "1 null", "null", "1, 2"])
def test_what_only_json_would_read_as_blocks_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not finite|no block"):
        decode(text)


@pytest.mark.parametrize("text", ["", "-", "- -", "-0 - -0", "1 -1 1e-05 -1e-05 -"])
def test_gaps_and_signs_are_read_as_written(text: str) -> None:
    assert encode(decode(text)) == text


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), max_size=40))
def test_every_number_is_the_float_nearest_to_what_is_written(values: list[float | None]) -> None:
    tokens = encode(values).split()
    if all(token == "-" or math.isfinite(float(token)) for token in tokens):  # nine digits round some up to infinity
        assert list(decode(" ".join(tokens))) == [None if token == "-" else float(token) for token in tokens]


@given(st.lists(st.integers(0, 2)))
def test_what_stands_in_a_row_is_all_there_is_in_order(values: list[int]) -> None:
    found = runs(values)
    assert [value for value, count in found for _ in range(count)] == values
    assert all(one != other for (one, _), (other, _) in pairwise(found))
    ones = [count for value, count in found if value == 1]
    assert longest_run(value == 1 for value in values) == max(ones, default=0)

"""Tails against scipy and statsmodels' definitions, and budgets."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from driftreview.domain.tails import beta_cdf, f_sf, holm, student_quantile, student_sf

FREEDOMS = st.floats(1, 5000)


@given(st.floats(-60, 60), FREEDOMS)
def test_the_tail_of_students_t_is_scipys(t: float, freedom: float) -> None:
    assert student_sf(t, freedom) == pytest.approx(stats.t.sf(t, freedom), rel=1e-8, abs=1e-300)


@given(st.floats(0, 1e3), FREEDOMS, FREEDOMS)
def test_the_tail_of_a_ratio_of_variances_is_scipys(ratio: float, above: float, below: float) -> None:
    assert f_sf(ratio, above, below) == pytest.approx(stats.f.sf(ratio, above, below), rel=1e-7, abs=1e-12)


@given(st.floats(-30, 30))
def test_with_infinite_freedom_it_is_the_normal_tail(t: float) -> None:
    assert student_sf(t, math.inf) == pytest.approx(stats.norm.sf(t), rel=1e-12)


@pytest.mark.parametrize(("t", "tail"), [(math.inf, 0.0), (-math.inf, 1.0), (0.0, 0.5)])
def test_the_ends_and_the_middle(t: float, tail: float) -> None:
    assert student_sf(t, 3) == tail


@given(st.floats(1e-6, 0.49), FREEDOMS)
def test_the_quantile_is_where_the_tail_is(tail: float, freedom: float) -> None:
    assert student_quantile(tail, freedom) == pytest.approx(stats.t.isf(tail, freedom), rel=1e-7, abs=1e-9)


@given(st.floats(0, 1), st.floats(1e-12, 1e5), st.floats(1e-12, 1e5))
def test_the_beta_distribution_is_a_probability(x: float, a: float, b: float) -> None:
    below, above = beta_cdf(x, 1 - x, a, b), beta_cdf(1 - x, x, b, a)
    assert 0 <= below <= 1
    assert 0 <= above <= 1


def test_what_rounding_leaves_of_a_beta_distribution_is_no_share() -> None:
    x, a, b = 5.40295104690492e-06, 8.127102065402781e-12, 84878.67501164116
    assert (beta_cdf(x, 1 - x, a, b), beta_cdf(1 - x, x, b, a)) == (1, 0)


def naive(tails: list[float], budget: float) -> list[bool]:
    """Claim i holds if every claim with a smaller or equal tail passes its step (adjusted tails)."""
    order = sorted(tails)
    adjusted = [max((len(tails) - k) * each for k, each in enumerate(order[: rank + 1])) for rank in range(len(order))]
    return [adjusted[order.index(each)] <= budget for each in tails]


TAILS = st.lists(st.floats(0, 1) | st.floats(0, 0.06), min_size=1, max_size=8)


def holding(tails: list[float]) -> list[bool]:
    return [tail <= most for tail, most in zip(tails, holm(tails, 0.05), strict=True)]


@given(TAILS)
def test_holm_is_its_definition_by_adjusted_tails(tails: list[float]) -> None:
    assert holding(tails) == naive(tails, 0.05)


@given(TAILS, st.data())
def test_what_is_allowed_of_a_claim_does_not_depend_on_its_own_tail(tails: list[float], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(tails) - 1))
    most = holm(tails, 0.05)[index]
    assert 0.05 / len(tails) <= most <= 0.05
    for tail in (most * 0.999, most * 1.001, data.draw(st.floats(0, 1))):
        others = [*tails[:index], tail, *tails[index + 1 :]]
        assert holm(others, 0.05)[index] == most
        assert holding(others)[index] is (tail <= most)


@given(TAILS, st.lists(st.floats(0, 1), max_size=5))
def test_further_claims_never_make_one_hold(tails: list[float], more: list[float]) -> None:
    alone, among = holding(tails), holding([*tails, *more])
    assert all(a or not b for a, b in zip(alone, among, strict=False))


@pytest.mark.parametrize(
    ("tails", "shares"),
    [([0.5] * 4, [4] * 4), ([0.0, 0.5, 0.5], [3, 2, 2]), ([0.0, 0.5, 0.0], [2, 1, 2]), ([0.0] * 3, [1] * 3), ([], [])],
)
def test_what_holds_leaves_its_share_to_the_others(tails: list[float], shares: list[int]) -> None:
    assert holm(tails, 0.05) == [0.05 / share for share in shares]


@pytest.mark.parametrize("tail", [1e-12, 1e-18, 1e-22])
@pytest.mark.parametrize("freedom", [2.5, 10.0, 1000.0, math.inf])
def test_a_quantile_of_next_to_nothing(tail: float, freedom: float) -> None:
    """One minus it is one."""
    assert student_quantile(tail, freedom) == pytest.approx(stats.t.isf(tail, freedom), rel=1e-7)

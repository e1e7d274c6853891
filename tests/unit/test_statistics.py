"""The median of anything that fits into floats."""

from fractions import Fraction

import pytest

from driftreview.domain.statistics import mean, middle


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1.0, 2.0], 1.5), ([1.7e308, 1.6e308], 1.6e308), ([-1.7e308, -1.6e308], -1.7e308), ([1.7e308] * 4, 1.7e308)],
)
def test_the_middle_of_huge_values_is_one_of_them(values: list[float], expected: float) -> None:
    assert middle(values) == expected


@pytest.mark.parametrize(
    "values", [[1.7e308] * 3, [5e-324, 5e-324], [-1.7976931348623157e308] * 7, [0.0, 0.0], [1, 2, 4]]
)
def test_a_mean_is_between_its_values(values: list[float]) -> None:
    assert min(values) <= mean(values) <= max(values)
    assert mean(values) == pytest.approx(sum(Fraction(value) for value in values) / len(values))

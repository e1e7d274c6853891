"""The median of anything that fits into floats."""

import pytest

from driftreview.domain.statistics import middle


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1.0, 2.0], 1.5), ([1.7e308, 1.6e308], 1.6e308), ([-1.7e308, -1.6e308], -1.7e308), ([1.7e308] * 4, 1.7e308)],
)
def test_the_middle_of_huge_values_is_one_of_them(values: list[float], expected: float) -> None:
    assert middle(values) == expected

"""Median and mean, of numbers however large or small."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median, median_low


def middle(values: Sequence[float]) -> float:
    """The median; of two middle values whose sum is too large for a float, the lower one.

    Raises:
        ValueError: there are no values.
    """
    centre = median(values)
    return centre if math.isfinite(centre) else median_low(values)


def mean(values: Sequence[float]) -> float:
    """The mean: no sum of it is too large for a float.

    Raises:
        ValueError: there are no values.
    """
    largest = max(abs(value) for value in values)
    return largest * (math.fsum(value / largest for value in values) / len(values)) if largest else 0.0

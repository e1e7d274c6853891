"""Medians, the memory of noise, and growth. Standard library only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median, median_low
from typing import Final

_LONGEST_MEMORY: Final = 0.97
_MOST_POINTS: Final = 300
"""Theil-Sen looks at every pair of points: 300 make 44 850."""


@dataclass(frozen=True)
class Slope:
    """Growth per unit of x, with its interval."""

    estimate: float
    low: float
    high: float


def middle(values: Sequence[float]) -> float:
    """The median; of two middle values whose sum is too large for a float, the lower one.

    Raises:
        ValueError: there are no values.
    """
    centre = median(values)
    return centre if math.isfinite(centre) else median_low(values)


def memory(values: Sequence[float]) -> float:
    """Factor by which autocorrelation shrinks the number of points: (1 + r) / (1 - r), r at lag one.

    r is corrected for its bias in short series (Marriott and Pope 1954: about (1 + 4r)/n) and never below zero.
    """
    count = len(values)
    largest = max(abs(value) for value in values)
    if largest == 0 or not math.isfinite(largest):
        return 1.0
    scaled = [value / largest for value in values]  # r has no unit, and squares of large values are too large
    mean = math.fsum(scaled) / count
    centred = [value - mean for value in scaled]
    power = math.fsum(value * value for value in centred)
    if power <= 0:
        return 1.0
    r = math.fsum(a * b for a, b in pairwise(centred)) / power
    r = min(max(r + (1 + 4 * r) / count, 0.0), _LONGEST_MEMORY)
    return (1 + r) / (1 - r)


def growth(values: Sequence[float | None], hours_per_point: float, z: float) -> Slope | None:
    """Theil-Sen slope per hour with an interval corrected for autocorrelation; None where too little is known.

    Sen 1968 with Kendall's variance, times the memory of the residuals. `z` is the normal quantile of each side.
    """
    stride = max(1, -(-len(values) // _MOST_POINTS))
    points = [
        (index * hours_per_point, middle(present))
        for index in range(0, len(values), stride)
        if (present := [value for value in values[index : index + stride] if value is not None])
    ]
    count = len(points)
    slopes = sorted(
        (late - early) / (after - before)
        for first, (before, early) in enumerate(points)
        for after, late in points[first + 1 :]
    )
    if not slopes:
        return None
    estimate = median(slopes)
    residuals = [value - estimate * hour for hour, value in points]
    spread = z * math.sqrt(memory(residuals) * count * (count - 1) * (2 * count + 5) / 18)
    low = math.floor((len(slopes) - spread) / 2) - 1  # ranks count from one, indices from zero
    high = math.ceil((len(slopes) + spread) / 2)
    if low < 0 or high >= len(slopes) or not all(math.isfinite(each) for each in (estimate, slopes[low], slopes[high])):
        return None
    return Slope(estimate, slopes[low], slopes[high])

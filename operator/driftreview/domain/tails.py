"""Tail probabilities and budgets for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Final

_SMALLEST: Final = 1e-300
_MOST_TERMS: Final = 500
_PRECISION: Final = 1e-15
_CLOSE: Final = 1e-7
"""Relative step of Newton's method after which the next would be within the precision."""


def student_sf(t: float, freedom: float) -> float:
    """Probability that Student's t with `freedom` degrees of freedom is above `t`; the normal one for infinite ones."""
    if math.isinf(freedom):
        return 0.5 * math.erfc(t / math.sqrt(2))
    if math.isinf(t):
        return 0.0 if t > 0 else 1.0
    square = t * t
    total = freedom + square
    tail = 0.5 * _incomplete_beta(freedom / total, square / total, freedom / 2, 0.5)
    return tail if t > 0 else 1 - tail


def f_sf(ratio: float, above: float, below: float) -> float:
    """Probability that a ratio of two variances is above `ratio`, from their degrees of freedom."""
    if math.isinf(ratio):
        return 0.0
    total = below + above * ratio
    return _incomplete_beta(below / total, above * ratio / total, below / 2, above / 2)


def student_quantile(tail: float, freedom: float) -> float:
    """The t above which there is `tail` (below one half) of the probability.

    Newton's method from the normal quantile, which is less: as the tail is convex, no step goes too far.
    """
    t = NormalDist().inv_cdf(1 - tail)
    if math.isinf(freedom):
        return t
    log_height = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - 0.5 * math.log(freedom * math.pi)
    for _ in range(_MOST_TERMS):
        density = math.exp(log_height - (freedom + 1) / 2 * math.log1p(t * t / freedom))
        step = (student_sf(t, freedom) - tail) / density
        t += step
        if step <= _CLOSE * t:
            break
    return t


def holm(tails: Sequence[float], budget: float, claims: int | None = None) -> list[bool]:
    """Which of several claims hold so that a wrong one is among them with at most `budget` probability (Holm 1979).

    `claims` counts further ones, that are judged elsewhere, along.
    """
    number = len(tails) if claims is None else claims
    holds = [False] * len(tails)
    for rank, index in enumerate(sorted(range(len(tails)), key=lambda each: tails[each])):
        if tails[index] > budget / (number - rank):
            break
        holds[index] = True
    return holds


def _incomplete_beta(x: float, rest: float, a: float, b: float) -> float:
    """The regularised incomplete beta function at x = 1 - rest, by its continued fraction (Lentz)."""
    if x <= 0 or rest <= 0:
        return float(rest <= 0)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(rest, x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(rest))
    c, d = 1.0, 1 / _nonzero(1 - (a + b) * x / (a + 1))
    result = d
    for m in range(1, _MOST_TERMS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _nonzero(1 + term * d)
            c = _nonzero(1 + term / c)
            result *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return front * result / a


def _nonzero(value: float) -> float:
    return value if abs(value) > _SMALLEST else _SMALLEST

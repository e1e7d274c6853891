"""Tail probabilities and budgets for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
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
    tail = 0.5 * beta_cdf(freedom / total, square / total, freedom / 2, 0.5)
    return tail if t > 0 else 1 - tail


def f_sf(ratio: float, above: float, below: float) -> float:
    """Probability that a ratio of two variances is above `ratio`, from their degrees of freedom."""
    if math.isinf(ratio):
        return 0.0
    total = below + above * ratio
    return beta_cdf(below / total, above * ratio / total, below / 2, above / 2)


@lru_cache(maxsize=4096)
def student_quantile(tail: float, freedom: float) -> float:
    """The t above which there is `tail` (below one half) of the probability.

    Newton's method from the normal quantile, which is less: as the tail is convex, no step goes too far.
    """
    t = -NormalDist().inv_cdf(tail)  # not of 1 - tail, which is 1 for a small one
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


def poisson_sf(count: int, mean: float) -> float:
    """Probability of more events than `count`, of which the mean is less than `count`."""
    term = _poisson(count + 1, mean)
    total = 0.0
    for number in range(count + 2, count + 2 + _MOST_TERMS):
        total += term
        if term <= _PRECISION * total:
            break
        term *= mean / number
    return total


def scan_sf(count: int, mean: float, windows: float) -> float:
    """Probability that a window which slides over events ever holds more than `count` of them (Alm 1983).

    `mean` is how many it holds on average, `windows` how many of its lengths it slides over.
    """
    more = count + 1
    if mean >= more:
        return 1.0
    rate = (more - mean) / more * mean * _poisson(count, mean) * max(windows - 1, 0.0)
    return 1 - (1 - poisson_sf(count, mean)) * math.exp(-rate)


def holm(tails: Sequence[float], budget: float) -> list[float]:
    """Up to which tail each of several claims holds, the others being what they are (Holm 1979).

    Of all claims whose tail is no larger than that, a wrong one is among those that hold with at most `budget`
    probability. The more of the others hold, the larger is what is left: a claim that holds needs no share any more.
    """
    count, order = len(tails), sorted(range(len(tails)), key=lambda each: tails[each])
    ordered = [tails[index] for index in order]
    # Without one of those before it, a claim stands one step earlier: where would the others then stop?
    stops, stop = [count] * count, count
    for rank in reversed(range(count)):
        stops[rank] = stop
        if ordered[rank] > budget / (count - rank + 1):
            stop = rank
    holding = next((rank for rank, tail in enumerate(ordered) if tail > budget / (count - rank)), count)
    allowed = [0.0] * count
    for rank, index in enumerate(order):
        others = stops[rank] - 1 if rank < holding else holding
        allowed[index] = budget / (count - others)
    return allowed


def beta_cdf(x: float, rest: float, a: float, b: float) -> float:
    """Probability that a beta variable is below x = 1 - rest, by the continued fraction (Lentz)."""
    if x <= 0 or rest <= 0:
        return float(rest <= 0)
    if x > (a + 1) / (a + b + 2):
        return 1 - _below(rest, x, b, a)
    return _below(x, rest, a, b)


def _below(x: float, rest: float, a: float, b: float) -> float:
    """`beta_cdf` where x is not above the mean: there the fraction converges.

    The gamma functions of large numbers leave a residue of some 1e-10, which must not make it more than all.
    """
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(rest))
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or _SMALLEST)
    result = d
    for m in range(1, _MOST_TERMS):
        twice = a + 2 * m
        for term in (m * (b - m) * x / ((twice - 1) * twice), -(a + m) * (a + b + m) * x / (twice * (twice + 1))):
            d = 1 / (1 + term * d or _SMALLEST)
            c = 1 + term / c or _SMALLEST
            result *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return min(front * result / a, 1.0)


def _poisson(count: int, mean: float) -> float:
    if not mean:
        return float(count == 0)
    return math.exp(count * math.log(mean) - mean - math.lgamma(count + 1))

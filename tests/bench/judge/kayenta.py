"""Kayenta's judge, from its published behaviour: judge's specification, section 1.

Mann-Whitney with a confidence interval of the location shift x - y, x being the canary: normal approximation,
mid-ranks, continuity correction of a half, the tie-corrected deviation computed anew at every trial shift. The ends of
the interval and the Hodges-Lehmann estimate are roots, sought between the smallest and the largest difference by
Brent's method with an absolute tolerance. A metric is High when the lower end is above a quarter of the estimate and
the ratio of the means is not below the allowed increase.

The rank sum at a trial shift comes from binary searches of the sorted canary in the sorted baseline, not from all
pairs; and roots are sought only where the interval may be above zero at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from tests.bench.judge.peers import Peer, Review
from tests.bench.judge.process import Bools, Floats

CONFIDENCE: Final = 0.98
QUANTILE: Final = float(norm.isf((1 - CONFIDENCE) / 2))
TOLERANCE: Final = 0.25
"""Of the estimate: what the lower end must be above."""
ROOT_TOLERANCE: Final = 1e-4
"""In the metric's unit: what makes the judge depend on the unit."""
ITERATIONS: Final = 1000
NOISE: Final = 1e-5
"""Of the value: what is added where both sides are constant. Kayenta's is another at every run, ours is not."""
STOP_SCORE: Final = 75.0
PASS_SCORE: Final = 95.0
LAST: Final = 100
"""Samples of each side in the variant that looks at the last only."""


@dataclass(frozen=True, eq=False)
class Pair:
    """Canary and baseline of one metric, each (samples,) and sorted."""

    x: Floats
    y: Floats

    @cached_property
    def _distinct(self) -> tuple[Floats, Floats]:
        values, counts = np.unique(self.x, return_counts=True)
        return values, counts.astype(float)

    @cached_property
    def _ties(self) -> float:
        counts = np.concatenate([self._distinct[1], np.unique(self.y, return_counts=True)[1].astype(float)])
        return float((counts**3 - counts).sum())

    def deviation(self, shift: float) -> float:
        """Standardised rank sum of x - shift: falls from positive to negative as the shift grows.

        Raises:
            ValueError: all observations are tied.
        """
        values, mine = self._distinct
        moved = values - shift
        below, up_to = np.searchsorted(self.y, moved, "left"), np.searchsorted(self.y, moved, "right")
        m, n = len(self.x), len(self.y)
        apart = float(mine @ (below + up_to)) / 2 - m * n / 2
        theirs = (up_to - below).astype(float)
        across = float(((mine + theirs) ** 3 - mine**3 - theirs**3).sum())  # of two ties, one
        ties = self._ties + across
        variance = m * n / 12 * (m + n + 1 - ties / ((m + n) * (m + n - 1)))
        if variance <= 0:
            raise ValueError(f"all of {m} and {n} observations are tied at a shift of {shift:g}: two values are needed")
        return (apart - 0.5 * float(np.sign(apart))) / math.sqrt(variance)

    def shift(self, quantile: float) -> float:
        """Where the deviation is that quantile; an end of the range of differences where it is so nowhere."""
        least, most = float(self.x[0] - self.y[-1]), float(self.x[-1] - self.y[0])
        if self.deviation(least) <= quantile:
            return least
        if self.deviation(most) >= quantile:
            return most
        return float(
            brentq(lambda trial: self.deviation(trial) - quantile, least, most, xtol=ROOT_TOLERANCE, maxiter=ITERATIONS)
        )

    def interval(self) -> tuple[float, float, float]:
        """Lower end, estimate and upper end of the shift, in the metric's unit."""
        return self.shift(QUANTILE), self.shift(0.0), self.shift(-QUANTILE)

    @cached_property
    def is_above(self) -> bool:
        """Whether the lower end is above a quarter of the estimate."""
        if self.x[0] < self.y[-1] and self.deviation(-ROOT_TOLERANCE) < QUANTILE:
            return False  # the lower end is negative, however the root is rounded
        return self.shift(QUANTILE) > TOLERANCE * abs(self.shift(0.0))


def is_above(canary: Floats, baseline: Floats) -> bool:
    """Whether the shift is High before the size of the effect is looked at; both (samples,), the baseline sorted."""
    x, y = np.sort(canary), baseline
    if x[0] == x[-1] and y[0] == y[-1]:
        if x[0] == y[0]:
            return False
        chance = np.random.default_rng(0)
        x, y = (np.sort(side + NOISE * abs(side[0]) * chance.standard_normal(len(side))) for side in (x, y))
    return not np.array_equal(x, y) and Pair(x, y).is_above


@lru_cache(maxsize=1)
def _sorted_baseline(review: Review) -> Floats:
    return np.sort(review.baseline, axis=1)


@lru_cache(maxsize=8)
def _above(review: Review, look: int) -> Bools:
    pairs = zip(review.canary(look), _sorted_baseline(review), strict=True)
    return np.array([is_above(canary, baseline) for canary, baseline in pairs])


def high(review: Review, look: int, allowed_increase: float = 1.0) -> Bools:
    """Which signals are High over the window since T0; a ratio with a mean of zero counts as allowed to be."""
    mine, theirs = review.canary(look).mean(1), review.baseline.mean(1)
    defined = (mine != 0) & (theirs != 0)
    ratio = np.divide(mine, theirs, out=np.full(len(mine), np.inf), where=defined)
    return np.asarray(_above(review, look) & (ratio >= allowed_increase))


def high_by_five(review: Review, look: int) -> Bools:
    """`high`, with an allowed increase of 1.05."""
    return high(review, look, 1.05)


def high_of_last(review: Review, look: int) -> Bools:
    """`high`, of the last hundred samples of each side."""
    canary, baseline = review.canary(look)[:, -LAST:], review.baseline[:, -LAST:]
    return high(Review(np.concatenate([baseline, canary], axis=1), baseline.shape[1], review.hour), canary.shape[1])


KAYENTA: Final = {
    "Kay. any": Peer(high),
    "Kay. score": Peer(high, STOP_SCORE, PASS_SCORE),
    "Kay. ES1.05": Peer(high_by_five),
    "Kay. n=100": Peer(high_of_last),
}

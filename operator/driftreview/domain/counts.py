"""Two counts of events and how their rates compare, exactly where events are independent.

Given the sum of both counts, the split between window and baseline is binomial (Przyborowski and Wilenski 1940),
whatever the common rate. Its tail probability is that of a beta variable, and so also defined for counts that are no
integers; it is as well the probability that a gamma variable for one rate is below one for the other (Cox 1953), and in
this form also says whether rates differ by more than a number: a gamma variable of that mean and variance is taken.

Events that come in bursts, or more often for some hours, are worth fewer; how many, the baseline tells (`dispersion`).
What it tells of a single burst says nothing against events that keep coming one by one: those are counted by the hours
that have any as well (`one_an_hour`), which no burst can fill.

And nothing that a single block of the window holds counts for more than the fullest block of the baseline, were that as
full as the window is on the whole (by its median): one burst is no new rate. A variance of the window's own would serve
as well, but then more events in a full block would be less evidence than fewer.

What comes at the same hours every day (`usual`) is compared with the same hours, and is none of the noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final

import numpy as np

from driftreview.domain.dispersion import ONE_BY_ONE, Dispersions, mean_of, seen_of
from driftreview.domain.finding import FEWEST_BLOCKS
from driftreview.domain.noise import Floats
from driftreview.domain.tails import beta_cdf
from driftreview.domain.usual import usual_of

_MOST: Final = 1e5
"""Events of either side that count as such; the beta function is exact that far, and no margin needs more."""
_LEAST: Final = 1e-6
"""Of events in a span: less is none, as is a number below zero."""
COUNTABLE: Final = 1e12
"""Events in a span at most: more are no count."""
_BY_CHANCE: Final = 2.0
"""Standard deviations."""
_NO_MEAN: Final = 1e-12
_DOUBLINGS: Final = 60
_MOST_STEPS: Final = 60
_CLOSE: Final = 1e-9


@dataclass(frozen=True)
class Counts:
    """Events in the window and in the baseline."""

    now: float
    capped: float
    """In the window, what makes a burst of a block left out."""
    before: float
    exposure: float
    """Of the baseline, in windows."""
    dispersions: Dispersions = ONE_BY_ONE
    """How many events are worth one, as far as that is known."""
    varying: float = 1.0
    """How many are by the variance of the baseline's counts alone, whatever slower may be possible."""
    least: float = math.inf
    """Events in a window as empty as the emptiest stretch of the baseline, of the window's length or a quarter of the
    baseline's; and as few by chance, where nobody can tell whether that stretch comes again daily."""
    most: float = 0.0
    """The same of the fullest."""
    is_daily: bool = False
    """Whether the baseline is the same hours of the days before."""
    is_weekly: bool = False
    """Whether of the weeks before."""

    @staticmethod
    def of(now: Floats, before: Floats, gap: int, hours_per_block: float) -> Counts:
        """Count.

        Args:
            now: events in each block of the window, as of `events_in`.
            before: the same of the baseline.
            gap: blocks between them.
            hours_per_block: of either.
        """
        usual = usual_of(now, before, gap, hours_per_block)
        after, earlier = now[np.isfinite(now)], before[np.isfinite(before)]
        middle = float(np.median(after))
        expected = usual.expected / len(after)
        risen = max(1.0, middle / expected) if expected > 0 else 1.0
        fullest = max(1.0, middle, risen * float(earlier.max()))
        capped = float(np.minimum(after, fullest).sum())
        seen = seen_of(usual.calm, usual.waves, hours_per_block)
        floor = max(1.0, max(capped, float(earlier.sum())) / _MOST, seen.in_batches(len(after)))
        dispersions = seen.dispersions(usual.weights, floor)
        least, most = _extremes(usual.calm, len(now), usual.expected)
        again = 0.0 if usual.is_told else _BY_CHANCE * math.sqrt(most * mean_of(dispersions))
        return Counts(
            now=float(after.sum()),
            capped=capped,
            before=usual.expected * usual.exposure,
            exposure=usual.exposure,
            dispersions=dispersions,
            varying=floor,
            least=least - again,
            most=most + again,
            is_daily=usual.is_daily,
            is_weekly=usual.is_weekly,
        )

    @property
    def as_seen(self) -> Counts:
        """The same with bursts counted in full, and so many events worth one as the baseline's counts vary by."""
        return replace(self, capped=self.now, dispersions=((1.0, max(self.varying, self.now / _MOST)),))

    @property
    def dispersion(self) -> float:
        """How many events are worth one, on average over what is likely."""
        return mean_of(self.dispersions)

    @property
    def expected(self) -> float:
        """Events in the window at the baseline's rate."""
        return self.before / self.exposure

    def more_than(self, factor: float, extra: float) -> float:
        """Probability of as many events or more, were there no more than `factor` times the expected and `extra`."""
        return min(sum(share * self._more_than(factor, extra, worth) for share, worth in self.dispersions), 1.0)

    def _more_than(self, factor: float, extra: float, worth: float) -> float:
        mean, rate, shape = self._bound(self.before + worth, factor, extra, worth)
        if mean <= 0:
            return 0.0
        now = self.capped / worth
        return beta_cdf(1 / (1 + rate), rate / (1 + rate), now, shape) if now > 0 else 1.0

    def fewer_than(self, factor: float, extra: float) -> float:
        """Probability of as few events or fewer, were there no fewer than `factor` times the expected and `extra`."""
        return min(sum(share * self._fewer_than(factor, extra, worth) for share, worth in self.dispersions), 1.0)

    def _fewer_than(self, factor: float, extra: float, worth: float) -> float:
        worth = max(worth, self.now / _MOST)
        mean, rate, shape = self._bound(self.before, factor, extra, worth)
        if mean <= 0:
            return 1.0
        return beta_cdf(rate / (1 + rate), 1 / (1 + rate), shape, self.now / worth + 1)

    def least_factor(self, tail: float) -> float:
        """The times as many as expected of which `more_than` is this probability."""
        return (
            0.0
            if self.capped == 0
            else _where(lambda factor: _deviation(self.more_than(factor, 0.0)) - _deviation(tail))
        )

    def most_factor(self, tail: float) -> float:
        """The times as many as expected of which `fewer_than` is this probability; needs events in the baseline."""
        return _where(lambda factor: _deviation(tail) - _deviation(self.fewer_than(factor, 0.0)))

    def least_extra(self, tail: float) -> float:
        """The number above the expected of which `more_than` is this probability."""
        lowest = -self.expected
        if self.capped == 0:
            return lowest
        return lowest + _where(lambda more: _deviation(self.more_than(1.0, lowest + more)) - _deviation(tail))

    def most_extra(self, tail: float) -> float:
        """The number above the expected of which `fewer_than` is this probability."""
        lowest = -self.expected
        return lowest + _where(lambda more: _deviation(tail) - _deviation(self.fewer_than(1.0, lowest + more)))

    def _bound(self, before: float, factor: float, extra: float, worth: float) -> tuple[float, float, float]:
        """Mean, rate and shape of a gamma variable for what is in the window by what the baseline had; none: 0.

        Of events of which so many are worth one.
        """
        events = before / worth
        mean = factor * events / self.exposure + extra / worth
        if mean < _NO_MEAN:
            return 0.0, 0.0, 0.0
        variance = max((factor / self.exposure) ** 2 * events, mean * mean / _MOST)
        return mean, mean / variance, mean * mean / variance


def events_in(blocks: Sequence[float | None], spans: float) -> Floats:
    """Events in each block, from its mean number in a span and how many spans it has; NaN where there is no block."""
    means = np.array(blocks, dtype=float)
    return spans * np.where(means < _LEAST, 0.0, np.minimum(means, COUNTABLE))


def one_an_hour(events: Floats) -> Floats:
    """The same events with no FEWEST_BLOCKS blocks, an hour of ten minutes each, counting for more than one in all.

    Where the rate rises by no more than a factor or a number, so do the hours that have any by no more than that.
    """
    hours = np.arange(len(events)) // FEWEST_BLOCKS
    found: Floats = events / np.maximum(np.bincount(hours, np.nan_to_num(events)), 1.0)[hours]
    return found


def _extremes(calm: Floats, longest: int, expected: float) -> tuple[float, float]:
    """Events in a window at the rate of the emptiest and of the fullest stretch of the baseline."""
    length = max(1, min(longest, len(calm) // 4))
    present = np.isfinite(calm)
    kernel = np.ones(length)
    sums, number = (np.convolve(each, kernel, "valid") for each in (np.where(present, calm, 0.0), present))
    rates = sums[number > 0] / number[number > 0]
    mean = float(np.nanmean(calm))
    low, high = (max(expected + longest * (float(each) - mean), 0.0) for each in (rates.min(), rates.max()))
    return low, high


def _deviation(probability: float) -> float:
    """The standard normal deviate below which there is this probability: on it tails are nearly straight lines."""
    return NormalDist().inv_cdf(min(max(probability, 1e-300), 1 - 1e-16))


def _where(rising: Callable[[float], float]) -> float:
    """The number at which a function crosses zero on its way up, zero if it does so before; by Illinois' method."""
    low, high = 0.0, 1.0
    below, above = rising(low), rising(high)
    if below >= 0:
        return 0.0
    for _ in range(_DOUBLINGS):
        if above >= 0:
            break
        low, below, high = high, above, 2 * high
        above = rising(high)
    at, before = high, 0.0
    for _ in range(_MOST_STEPS):
        at = high - above * (high - low) / (above - below)
        found = rising(at)
        if abs(found) <= _CLOSE:
            break
        is_same_side = found * before > 0
        if found > 0:
            high, above, below = at, found, below / 2 if is_same_side else below
        else:
            low, below, above = at, found, above / 2 if is_same_side else above
        before = found
    return at

"""How many events are worth one: how unlike independent events those of a baseline come, and how well that is known.

Bursts show in the variance over the mean of counts, in batches up to the length of the window. A rate that wanders
shows in the noise of the counts (`noise`), whichever is more.

How much a wandering rate adds to the variance over the mean is in proportion to the rate itself (Cox 1955): rate times
squared coefficient of variation times memory. So few events are nearly worth one each, whatever their rate does, and
cannot tell what it does either. Of a shape of noise follows by how much the rate would have to wander; before anything
is seen it is the less likely the more that is beyond the rate itself. Without this a single event would be taken for
0.54 of one, as the shapes' own likelihood has nothing to go by.

What remains open is not averaged away: there is a probability of every dispersion, and every tail is the mean of theirs
(`counts`). A slow wave that a day of baseline leaves possible, if unlikely, then forbids to be sure of little, but not
to be sure of much.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

import numpy as np

from driftreview.domain.noise import Floats, Noise, Ordinates, learn, overlaps_of, remembered

Dispersions: TypeAlias = tuple[tuple[float, float], ...]
"""How likely each is, 1 in all, and how many events are worth one by it."""
ONE_BY_ONE: Final[Dispersions] = ((1.0, 1.0),)
"""Of independent events."""
_BATCHES: Final = (1, 2, 3, 6, 12, 18, 36, 72, 144)
"""Lengths of batches, in blocks."""
_FEWEST_BATCHES: Final = 6
_UNLIKELY: Final = 1e-3
"""Probability of a dispersion below which it is left out: a tenth of what any tail is held against."""


@dataclass(frozen=True)
class Seen:
    """How unlike independent events a baseline's are, without what comes daily."""

    mean: float
    """Of a block."""
    noise: Noise | None
    """None where there are no events."""
    batches: tuple[tuple[int, float], ...]
    """Lengths of batches, in blocks, and the variance of events in one over their mean."""

    def in_batches(self, longest: int) -> float:
        """The largest variance over the mean in batches of up to so many blocks."""
        return max((found for length, found in self.batches if length <= longest), default=0.0)

    def dispersions(self, weights: Floats, floor: float) -> Dispersions:
        """Variance of the difference of both rates over what it would be of independent events.

        Args:
            weights: (blocks,), by which the difference is a sum of blocks.
            floor: less is not taken, 1 or more; what is alike within a factor of two is taken together.
        """
        if self.noise is None:
            return ((1.0, floor),)
        independent = self.mean * float(weights @ weights)
        worths = np.maximum(self.noise.of_shapes(overlaps_of(weights[None]))[0].ravel() / independent, floor)
        shares, doublings = self.noise.weights[0].ravel(), np.log2(worths / floor).astype(int)
        likely = np.bincount(doublings, shares)
        means = np.bincount(doublings, shares * worths) / np.where(likely > 0, likely, 1.0)
        kept = np.flatnonzero(likely >= _UNLIKELY)
        return tuple(zip((likely[kept] / likely[kept].sum()).tolist(), means[kept].tolist(), strict=True))


def mean_of(dispersions: Dispersions) -> float:
    """Over how likely they are."""
    return sum(share * worth for share, worth in dispersions)


def seen_of(calm: Floats, waves: Floats, hours_per_block: float) -> Seen:
    """Of a baseline: the same for a window and each of its last stretches, and so kept between them.

    Args:
        calm: (blocks,), its events without what comes daily, NaN where there is no block.
        waves: frequencies, in cycles per block, of waves that were taken out of it.
        hours_per_block: of it.
    """
    return _seen(calm.tobytes(), waves.tobytes(), hours_per_block)


@lru_cache(maxsize=2)
def _seen(blocks: bytes, waves: bytes, hours_per_block: float) -> Seen:
    calm, fitted = np.frombuffer(blocks), np.frombuffer(waves)
    mean = float(np.nanmean(calm))
    noise = None
    if mean > 0:
        ordinates = Ordinates.of((calm - mean)[None], fitted, np.ones((1, len(fitted)), bool))
        # Of the shape's variance that part is the rate's which following blocks remember: what they do not is chance.
        wandering = remembered() * (float(np.nanstd(calm)) / mean) ** 2
        noise = learn([ordinates], hours_per_block, prior=-np.log1p(wandering))
    return Seen(mean, noise, tuple(_batches(calm[np.isfinite(calm)])))


def _batches(events: Floats) -> Iterator[tuple[int, float]]:
    for length in _BATCHES:
        number = len(events) // length
        if number < _FEWEST_BATCHES:
            break
        sums = events[len(events) - number * length :].reshape(number, length).sum(-1)
        mean = float(sums.mean())
        yield length, float(sums.var(ddof=1)) / mean if mean > 0 else 0.0

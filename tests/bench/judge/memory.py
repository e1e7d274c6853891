"""Rules for memory that grows, side by side: table D of the judge's specification, section 3.5.

The first four are what people write; they look at everything since T0. The next two leave out the first hour and take
Theil and Sen's slope with an interval widened for autocorrelation (section 2.5); so does the last, which is the
product's own judge. A rule takes the memory of some
programs around T0 and a look, and says which fail. The limit is 20 MB per hour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, TypeAlias

import numpy as np
from scipy.stats import norm, t

from driftreview.api.signal import Signal
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.finding import FEWEST_BLOCKS, Side
from driftreview.domain.measured import Case, Grid
from driftreview.domain.together import judge_together
from tests.bench.judge.process import BLOCK, DAY, HOUR, LOOKS, Bools, Floats, block_medians

LIMIT: Final = 20.0
"""MB per hour, like every slope here."""
ALPHA: Final = 0.05
WARM_UP: Final = HOUR // BLOCK
"""In blocks, like the next three."""
BLOCKS_AN_HOUR: Final = HOUR // BLOCK
FEW: Final = 36
"""With fewer after T0, their memory is taken from the baseline alone."""
MANY: Final = 144
"""With fewer, from whichever of both has more."""
LARGEST_MEMORY: Final = 0.97
SIGNAL: Final = Signal.model_validate({"name": "a", "query": "a", "kind": "Growth", "limits": {"perHour": "20"}})
GRID: Final = Grid(1 / BLOCKS_AN_HOUR, WARM_UP)
LINE: Final = 2
"""Parameters of a straight line."""


@dataclass(frozen=True, eq=False)
class Programs:
    """Memory in MB each minute, from a day before T0: (programs, 4320)."""

    samples: Floats

    def canary(self, look: int) -> Floats:
        """Since T0, up to a look in minutes: (programs, look)."""
        return self.samples[:, DAY : DAY + look]

    def medians(self, look: int) -> Floats:
        """Of blocks since T0: (programs, look / 10)."""
        return self._medians[:, MANY : MANY + look // BLOCK]

    @property
    def medians_before(self) -> Floats:
        """Of blocks before T0: (programs, 144)."""
        return self._medians[:, :MANY]

    @cached_property
    def _medians(self) -> Floats:
        return block_medians(self.samples)

    @cached_property
    def memory_before(self) -> Floats:
        """`memory` of the baseline's blocks: (programs,)."""
        return memory(self.medians_before)


Rule: TypeAlias = Callable[[Programs, int], Bools]


@dataclass(frozen=True)
class Slopes:
    """Theil and Sen's, with one-sided bounds: arrays of (programs,)."""

    estimate: Floats
    low: Floats
    """At a quarter of 5%, one for each look."""
    high: Floats
    """At 5%."""


def _line(values: Floats) -> tuple[Floats, Floats]:
    """Slope per sample of a least squares line, and the residuals; values (programs, samples)."""
    at = np.arange(values.shape[1]) - (values.shape[1] - 1) / 2
    slope = values @ at / (at @ at)
    return slope, values - values.mean(1, keepdims=True) - slope[:, None] * at


def memory(values: Floats) -> Floats:
    """How many blocks are worth one, from the residuals of a line, as an AR(1) corrected for bias: (programs,)."""
    _, residuals = _line(values)
    count = values.shape[1]
    r = (residuals[:, 1:] * residuals[:, :-1]).sum(1) / (residuals**2).sum(1)
    r = np.clip(r + (LINE + (LINE + 2) * r) / count, 0, LARGEST_MEMORY)
    return np.asarray((1 + r) / (1 - r))


def pairwise(values: Floats) -> Floats:
    """Slopes per hour between every two blocks, sorted: (programs, blocks) gives (programs, pairs)."""
    first, second = np.triu_indices(values.shape[1], 1)
    return np.sort((values[:, second] - values[:, first]) / ((second - first) / BLOCKS_AN_HOUR), axis=1)


def _kendall_variance(blocks: int) -> float:
    return blocks * (blocks - 1) * (2 * blocks + 5) / 18


def _at(slopes: Floats, rank: Floats, beyond: float) -> Floats:
    inside = (rank >= 0) & (rank < slopes.shape[1])
    picked = np.take_along_axis(slopes, np.where(inside, rank, 0).astype(int)[:, None], axis=1)[:, 0]
    return np.where(inside, picked, beyond)


@lru_cache(maxsize=len(LOOKS))
def sen(programs: Programs, look: int) -> Slopes | None:
    """Slopes after the warm-up; None where there are no two blocks."""
    values = programs.medians(look)[:, WARM_UP:]
    blocks = values.shape[1]
    if blocks <= LINE:
        return None
    tau = programs.memory_before
    if blocks >= FEW:
        own = memory(values)
        tau = np.maximum(tau, own) if blocks < MANY else own
    slopes = pairwise(values)
    freedom = np.maximum(blocks / tau - 2, 1)

    def spread(alpha: float) -> Floats:
        return np.asarray(t.isf(alpha, freedom) * np.sqrt(tau * _kendall_variance(blocks)))

    pairs = slopes.shape[1]
    low = np.floor((pairs - spread(ALPHA / len(LOOKS))) / 2) - 1  # ranks count from one, indices from zero
    high = np.ceil((pairs + spread(ALPHA)) / 2)
    return Slopes(np.median(slopes, axis=1), _at(slopes, low, -np.inf), _at(slopes, high, np.inf))


def two_point(programs: Programs, look: int) -> Bools:
    """The last sample less the last before T0, over the time since."""
    risen = programs.canary(look)[:, -1] - programs.samples[:, DAY - 1]
    return np.asarray(risen / (look / HOUR) > LIMIT)


def last_hour(programs: Programs, look: int) -> Bools:
    """Prometheus' `deriv` over an hour: a least squares line through its samples."""
    return np.asarray(HOUR * _line(programs.canary(look)[:, -HOUR:])[0] > LIMIT)


def least_squares(programs: Programs, look: int) -> Bools:
    """A line through all samples since T0."""
    return np.asarray(HOUR * _line(programs.canary(look))[0] > LIMIT)


def mann_kendall(programs: Programs, look: int) -> Bools:
    """Mann-Kendall at 5%, one-sided, on block medians as if they were independent, and Sen's slope above the limit."""
    slopes = pairwise(programs.medians(look))
    score = np.sign(slopes).sum(1)
    z = (score - np.sign(score)) / np.sqrt(_kendall_variance(look // BLOCK))
    return np.asarray((norm.sf(z) < ALPHA) & (np.median(slopes, axis=1) > LIMIT))


def suspect(programs: Programs, look: int) -> Bools:
    """Growing for sure, and estimated above the limit."""
    found = sen(programs, look)
    return _none(programs) if found is None else (found.low > 0) & (found.estimate > LIMIT)


def confirmed(programs: Programs, look: int) -> Bools:
    """Growing for sure by more than the limit."""
    found = sen(programs, look)
    return _none(programs) if found is None else found.low > LIMIT


def stable(programs: Programs, look: int) -> Bools:
    """Not a failure: growing for sure by less than the limit."""
    found = sen(programs, look)
    return _none(programs) if found is None else found.high < LIMIT


@lru_cache(maxsize=len(LOOKS))
def verdicts(programs: Programs, look: int) -> tuple[SignalVerdict | None, ...]:
    """The product's own, after the warm-up; None where that leaves too few blocks."""
    before, now = programs.medians_before, programs.medians(look)[:, WARM_UP:]
    if now.shape[1] < FEWEST_BLOCKS:
        return (None,) * len(now)
    cases = [Case.of(SIGNAL, Side(tuple(old)), Side(tuple(new))) for old, new in zip(before, now, strict=True)]
    return tuple(judge_together([case], GRID, ALPHA / len(LOOKS))[0].verdict for case in cases)


def ours(programs: Programs, look: int) -> Bools:
    """Degraded."""
    return np.array([each is SignalVerdict.DEGRADED for each in verdicts(programs, look)])


def ours_stable(programs: Programs, look: int) -> Bools:
    """Stable or Acceptable."""
    good = (SignalVerdict.STABLE, SignalVerdict.ACCEPTABLE)
    return np.array([each in good for each in verdicts(programs, look)])


def _none(programs: Programs) -> Bools:
    return np.zeros(len(programs.samples), bool)


RULES: Final[dict[str, Rule]] = {
    "two-point": two_point,
    "deriv 1h": last_hour,
    "OLS": least_squares,
    "MK + Sen": mann_kendall,
    "suspect": suspect,
    "confirmed": confirmed,
    "ours": ours,
}


def failed(rule: Rule, programs: Programs, looks: Sequence[int] = LOOKS) -> Bools:
    """By each look, for good: (programs, looks)."""
    return np.logical_or.accumulate(np.stack([rule(programs, look) for look in looks], axis=1), axis=1)

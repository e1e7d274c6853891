"""What baselines did to themselves, and how much can be known of their noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from driftreview.domain.calm import calmed
from driftreview.domain.finding import FEWEST_BLOCKS
from driftreview.domain.noise import Bools, Floats
from driftreview.domain.regression import Baseline, fit
from driftreview.domain.structure import structure_of


@dataclass(frozen=True)
class Itself:
    """What baselines did to themselves. One of each for every series."""

    residuals: Floats
    """Without what repeats and what is followed."""
    shifted: Floats
    """Size of the change of level: what goes up comes down."""
    freedom: Floats

    @cached_property
    def of_the_fewest(self) -> tuple[Floats, Floats]:
        """The same of stretches of as few blocks as are judged at least."""
        return self.extremes(FEWEST_BLOCKS)

    def extremes(self, length: int) -> tuple[Floats, Floats]:
        """The largest rise and the largest fall, below zero, of a stretch of so many blocks, or the change of level."""
        highest, lowest = extremes_of(self.residuals, length)
        return np.maximum(highest, self.shifted), np.minimum(lowest, -self.shifted)


@lru_cache(maxsize=4)
def itself_of(baseline: Baseline) -> Itself:
    """The same at every look, and so kept between them. What incidents did is in it as it was."""
    raw = baseline.panel
    panel = calmed(raw)
    structure = structure_of(panel)
    residuals = structure.left
    freedom = freedom_of(residuals)
    if structure.unexplained is not structure.design:
        residuals = fit(structure.unexplained.until(panel.before), panel.values, panel.before).residuals
    residuals = residuals + (raw.values - panel.values)
    shifted = np.array([abs(shift.size) if shift else 0.0 for shift in structure.shifts])
    return Itself(residuals, shifted, freedom)


def freedom_of(residuals: Floats) -> Floats:
    """Degrees of freedom of a variance by Satterthwaite, from the kurtosis and memory of the squared residuals."""
    present = np.isfinite(residuals)
    number = np.maximum(present.sum(-1), 1)
    filled = np.where(present, residuals, 0.0)
    squares = filled * filled
    power = squares.sum(-1) / number
    safe = np.where(power > 0, power, 1.0)
    kurtosis = (squares * squares).sum(-1) / number / safe**2
    count = residuals.shape[-1]
    spectrum = np.fft.rfft(filled, 2 * count, axis=-1)
    overlaps = np.fft.irfft(np.abs(spectrum) ** 2, 2 * count, axis=-1)[:, 1 : max(2, count // 6)]
    squared = (overlaps / (number * safe)[:, None]) ** 2 - 1 / number[:, None]
    memory = 1 + 2 * np.maximum(squared, 0.0).sum(-1)
    return np.where(power > 0, 2 * number / (memory * np.maximum(kurtosis - 1, 1e-3)), np.inf)


def extremes_of(residuals: Floats, length: int) -> tuple[Floats, Floats]:
    """What the baseline did to itself: the largest and least difference of a stretch to the rest."""
    present = np.isfinite(residuals)
    if present.all():
        present = present[:1]
    (inside, total), (number, every) = (_moving(each, length) for each in (np.where(present, residuals, 0.0), present))
    sizes = number * (every - number)
    differences = inside * every - total * number  # of both means, times both sizes
    np.divide(differences, sizes, out=differences, where=sizes > 0)
    return differences.max(-1), differences.min(-1)


def _moving(values: Floats | Bools, length: int) -> tuple[Floats, Floats]:
    """Sums of every stretch of so many blocks, and of all blocks."""
    sums = np.zeros((len(values), values.shape[-1] + 1))
    np.cumsum(values, axis=-1, out=sums[:, 1:])
    return sums[:, length:] - sums[:, :-length], sums[:, -1:]

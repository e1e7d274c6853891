"""Where a level changes: of one change, at any of some places, how much less it leaves of each series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftreview.domain.noise import Floats, learn
from driftreview.domain.regression import RESOLUTION, Design, Panel, without_gaps


@dataclass(frozen=True)
class Shift:
    """A change of level within the baseline of a series."""

    block: int
    """The first after it."""
    size: float
    """In the units of the panel."""


@dataclass(frozen=True)
class Tried:
    """A change of level at the best place, for each series of a panel."""

    squares: Floats
    """(2, series): sums of squares that are left without it, and with it."""
    shifts: list[Shift]
    left: Floats
    """What is left with it: (series, blocks)."""


def columns(shifts: Sequence[Shift | None], count: int) -> Floats:
    """One for each series from its change of level on."""
    return np.stack([np.arange(count) >= (shift.block if shift else np.inf) for shift in shifts]).astype(float)


def variance_of(base: Design, residuals: Floats, panel: Panel) -> Floats:
    """What noise that lasts as long as the baseline has of variance."""
    noise = learn([base.ordinates(residuals)], panel.hours_per_block, panel.is_counted)
    return np.maximum(noise.spectrum(np.array([0.5 / panel.before]))[:, 0], RESOLUTION**2)


def tried_at(base: Design, values: Floats, places: NDArray[np.int_], *, with_waves: bool) -> Tried:
    """Fit one change of level to each series, at the best of these places, beside level and waves."""
    count = values.shape[-1]
    found = Tried(np.zeros((2, len(values))), [Shift(0, 0.0)] * len(values), np.full_like(values, np.nan))
    filled = without_gaps(values)
    for group in base.groups(values, count):
        changes = (np.arange(count)[:, None] >= places) * group.present[:, None].astype(float)
        regressors = np.hstack([group.level, group.waves]) if with_waves else group.level
        without, least, shifts = _best(filled[group.series], regressors, changes, places)
        found.squares[:, group.series] = [(each**2).sum(-1) for each in (without, least)]
        found.left[group.series] = np.where(group.present, least, np.nan)
        for series, shift in zip(group.series, shifts, strict=True):
            found.shifts[series] = shift
    return found


def _best(
    values: Floats, regressors: Floats, changes: Floats, places: NDArray[np.int_]
) -> tuple[Floats, Floats, list[Shift]]:
    """What regressors leave, what they leave with the best change, and that change."""
    solver = np.linalg.pinv(regressors)
    left = values - values @ solver.T @ regressors.T
    across = changes - regressors @ (solver @ changes)
    power = (across**2).sum(0)
    products = left @ across
    best = np.divide(products**2, power, out=np.zeros_like(products), where=power > RESOLUTION).argmax(-1)
    sizes = products[np.arange(len(values)), best] / np.maximum(power[best], RESOLUTION)
    return (
        left,
        left - sizes[:, None] * across[:, best].T,
        [Shift(int(places[at]), float(size)) for at, size in zip(best, sizes, strict=True)],
    )

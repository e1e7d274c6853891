"""What is fitted to blocks: a level, what repeats daily and weekly, a covariate, and a step at T0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftreview.domain.noise import Bools, Floats, Ordinates, learn
from driftreview.domain.tails import f_sf

RESOLUTION: Final = 1e-8
"""Evidence has nine digits: smaller differences, of logarithms or as a share of the largest value, are none."""
DAY: Final = 24.0
"""Hours."""
_FEWEST_DAYS: Final = ((1, 1.0), (3, 3.0))
"""Harmonics of the day that are fitted, and how many days of baseline they need."""
_WEEK: Final = 7
_WEEKLY: Final = 6
"""Harmonics of the week: with the seventh, the day's first, they tell the days of the week apart."""
_FEWEST_WEEKS: Final = 2
"""Of baseline, before a week is fitted: what comes once may be slow noise as well."""
_SURELY_WEEKLY: Final = 0.01
"""Probability at most of fitting a week to a series that has none."""


@dataclass(frozen=True)
class Panel:
    """Series side by side on one grid of blocks."""

    values: Floats
    """(series, before + after), NaN where there is no block."""
    before: int
    """Blocks before T0."""
    gap: int
    """Blocks between the baseline and T0 that belong to neither."""
    hours_per_block: float
    covariates: Floats | None = None
    """(series, before + after): what else a series follows, zero where it is as in the baseline's mean."""

    @property
    def after(self) -> int:
        """Blocks since T0."""
        return int(self.values.shape[-1]) - self.before

    @property
    def positions(self) -> Floats:
        """Of the blocks, counted from T0."""
        return np.concatenate([np.arange(-self.before, 0) - self.gap, np.arange(self.after)])


@dataclass(frozen=True)
class Design:
    """Regressors of all series, in groups, one row for each block."""

    weekly: Floats
    """Only for the series that have a week."""
    daily: Floats
    step: Floats
    """(blocks, 1); (blocks, 0) where there is no baseline, or nothing but it."""
    frequencies: Floats
    """Of the weekly harmonics, then the daily ones, in cycles per block."""
    has_week: Bools
    """(series,)."""
    covariates: Floats | None
    """(series, blocks)."""

    def of(self, series: int, *, with_waves: bool) -> Floats:
        """The regressors of a series, or all but the waves; the step comes last."""
        parts = [np.ones((len(self.step), 1))]
        if self.covariates is not None:
            parts.append(self.covariates[series][:, None])
        if with_waves:
            parts += [self.weekly, self.daily] if self.has_week[series] else [self.daily]
        return np.concatenate([*parts, self.step], axis=1)

    def until(self, block: int) -> Design:
        """The same of the first blocks, without the step."""
        covariates = None if self.covariates is None else self.covariates[:, :block]
        return replace(
            self,
            weekly=self.weekly[:block],
            daily=self.daily[:block],
            step=self.step[:block, :0],
            covariates=covariates,
        )

    def ordinates(self, residuals: Floats) -> Ordinates:
        """The periodogram of what is left; at the frequencies that were fitted nothing of the noise is."""
        number = len(self.frequencies) - self.daily.shape[1] // 2
        is_fitted = np.concatenate(
            [
                np.repeat(self.has_week[:, None], number, axis=1),
                np.ones((len(self.has_week), len(self.frequencies) - number), bool),
            ],
            axis=1,
        )
        return Ordinates.of(residuals, self.frequencies, is_fitted)


@dataclass(frozen=True)
class Fit:
    """Least squares, one row or number for each series."""

    last: Floats
    """The last coefficient."""
    weights: Floats
    """Of the blocks in the last coefficient."""
    residuals: Floats
    """NaN where there is no block; zero throughout where they are below the resolution of evidence."""


def design_of(panel: Panel) -> Design:
    """What is fitted to a panel."""
    per_day = DAY / panel.hours_per_block
    days = panel.before / per_day
    at = panel.positions + 0.5
    daily = [
        harmonic / per_day
        for harmonic in range(1, 1 + max((n for n, fewest in _FEWEST_DAYS if days >= fewest), default=0))
    ]
    weekly = [harmonic / per_day / _WEEK for harmonic in range(1, 1 + _WEEKLY)] if days >= _FEWEST_WEEKS * _WEEK else []
    step = (at > 0).astype(float)[:, None][:, : int(panel.before > 0)]
    nothing = np.zeros(len(panel.values), bool)
    design = Design(_waves(at, weekly), _waves(at, daily), step, np.array([*weekly, *daily]), nothing, panel.covariates)
    return replace(design, has_week=_has_week(design, panel)) if weekly else design


def _waves(at: Floats, frequencies: Sequence[float]) -> Floats:
    waves = [wave(2 * np.pi * at * each) for each in frequencies for wave in (np.sin, np.cos)]
    return np.stack(waves, axis=1) if waves else np.zeros((len(at), 0))


def _has_week(design: Design, panel: Panel) -> Bools:
    """Which series' baselines have surely a week: more at its frequencies than at those between them."""
    base = design.until(panel.before)
    left = fit(base, panel.values[:, : panel.before], panel.before).residuals
    whole, between = base.ordinates(left), replace(base, has_week=~base.has_week).ordinates(left)
    noise = learn([between], panel.hours_per_block)
    low = whole.is_known & (whole.frequencies < design.frequencies[_WEEKLY - 1] + 1 / panel.before)
    expected = noise.spectrum(whole.frequencies)
    size = np.divide(whole.power, expected, out=np.zeros_like(whole.power), where=low & (expected > 0))
    beside = low & between.is_known
    weekly = low & ~between.is_known
    above, below = (2 * each.sum(-1) for each in (weekly, beside))
    ratios = _mean(size, weekly) / np.maximum(_mean(size, beside), 1.0)
    return np.array(
        [
            f_sf(float(ratio), float(many), float(others)) < _SURELY_WEEKLY
            for ratio, many, others in zip(ratios, above, below, strict=True)
        ]
    )


def _mean(values: Floats, of: Bools) -> Floats:
    found: Floats = np.where(of, values, 0.0).sum(-1) / np.maximum(of.sum(-1), 1)
    return found


def fit(design: Design, values: Floats, before: int) -> Fit:
    """Fit all series with the same gaps and covariate at once.

    A baseline with less than half its blocks tells nothing of a day.
    """
    last, weights, residuals = np.zeros(len(values)), np.zeros(values.shape), np.full(values.shape, np.nan)
    are_present = np.isfinite(values)
    told_apart = [are_present, design.has_week[:, None]]
    if design.covariates is not None:
        told_apart.append(design.covariates)
    for series in alike(np.hstack(told_apart)):
        present = are_present[series[0]]
        is_thin = 2 * present[:before].sum() < before
        regressors = design.of(series[0], with_waves=not is_thin)[present]
        solver = np.linalg.pinv(regressors)
        found = values[np.ix_(series, present)]
        coefficients = found @ solver.T
        left = found - coefficients @ regressors.T
        left[np.abs(left).max(-1, initial=0.0) < RESOLUTION] = 0.0
        last[series] = coefficients[:, -1]
        weights[np.ix_(series, present)] = solver[-1]
        residuals[np.ix_(series, present)] = left
    return Fit(last, weights, residuals)


def alike(rows: NDArray[Any]) -> list[list[int]]:
    """Which rows hold the same bytes."""
    found: dict[bytes, list[int]] = {}
    for index, row in enumerate(rows):
        found.setdefault(row.tobytes(), []).append(index)
    return list(found.values())

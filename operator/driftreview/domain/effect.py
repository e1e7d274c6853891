"""How much a series changed at T0, and how well that is known.

One regression for each series: a level, what repeats daily, and a step at T0. The error of the step comes
from the long-run variance of the noise (`noise`), its degrees of freedom also from how unlike a normal distribution the
baseline is: of few and long bursts little can be known, however many blocks they fill.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftreview.domain.noise import Floats, Noise, Ordinates, learn

RESOLUTION: Final = 1e-8
"""Evidence has nine digits: smaller differences, of logarithms or as a share of the largest value, are none."""
DAY: Final = 24.0
"""Hours."""
_LONG_AFTER: Final = 36
"""Blocks after T0 from which on their noise counts as well."""
_MOST_OF_IT: Final = 2 / 3
"""Of the variance since T0, what a single step must explain to be taken for one: slow noise looks like less."""
_FEWEST_PERIODS: Final = ((1, 1.0), (3, 3.0))
"""Harmonics of the day that are fitted, and how many days of baseline they need."""


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
class Effects:
    """One of each for every series, in the units of the panel."""

    step: Floats
    error: Floats
    """Standard error of the step."""
    level: Floats
    """Mean since T0."""
    level_error: Floats
    freedom: Floats
    """Degrees of freedom of both errors."""
    highest: Floats
    """The largest rise of a stretch of the baseline, as long as the look or a quarter of the baseline, over its
    rest."""
    lowest: Floats
    """The same of a fall, below zero."""


@dataclass(frozen=True)
class _Design:
    """What is fitted: a level, the day's harmonics, and the step last."""

    regressors: Floats
    """(blocks, regressors)."""
    daily: tuple[float, ...]
    """Frequencies of the harmonics, in cycles per block; each has two regressors, after the level's."""
    covariates: Floats | None = None
    """(series, blocks)."""

    def of(self, series: int, *, with_a_day: bool) -> Floats:
        """The regressors of a series, or all but the harmonics; its covariate comes first."""
        shared = self.regressors
        if not with_a_day:
            shared = np.delete(shared, np.arange(1, 1 + 2 * len(self.daily)), axis=1)
        return shared if self.covariates is None else np.column_stack([self.covariates[series], shared])


@dataclass(frozen=True)
class _Fit:
    """Least squares, one row or number for each series."""

    last: Floats
    """The last coefficient."""
    weights: Floats
    """Of the blocks in the last coefficient."""
    residuals: Floats
    """NaN where there is no block; zero throughout where they are below the resolution of evidence."""


def estimate(panel: Panel) -> Effects:
    """Estimate level and step of each series. Without a baseline the step is zero and nothing is known of it."""
    design = _design(panel)
    fit = _fit(design, panel.values, panel.before)
    after = panel.values[:, panel.before :]
    present = np.isfinite(after)
    means = np.concatenate([np.zeros((len(after), panel.before)), present / present.sum(-1, keepdims=True)], axis=-1)
    noise = _noise(panel, fit.residuals, design.daily)
    error, level_error = (np.sqrt(noise.variance(_overlaps(panel, each))) for each in (fit.weights, means))
    level = np.nanmean(after, axis=-1)
    if not panel.before:
        nothing = np.zeros(len(level))
        return Effects(nothing, np.full(len(level), np.inf), level, level_error, noise.freedom, nothing, nothing)
    base = _fit(_baseline_of(design, panel), panel.values[:, : panel.before], panel.before).residuals
    freedom = np.maximum(np.minimum(noise.freedom, _freedom(base)), 1.0)
    return Effects(fit.last, error, level, level_error, freedom, *_extremes(base, min(panel.after, panel.before // 4)))


def foresee(panel: Panel, after: int) -> tuple[Floats, Floats]:
    """Standard error of the step after so many blocks, and its degrees of freedom, by the noise of a baseline alone."""
    whole = replace(panel, values=_longer(panel.values, after))
    if panel.covariates is not None:
        whole = replace(whole, covariates=_longer(panel.covariates, after))
    design = _design(whole)
    base = _fit(_baseline_of(design, panel), panel.values, panel.before).residuals
    noise = learn([Ordinates.of(base, design.daily)], panel.hours_per_block)
    error = np.sqrt(noise.variance(_overlaps(whole, _fit(design, whole.values, panel.before).weights)))
    return error, np.maximum(np.minimum(noise.freedom, _freedom(base)), 1.0)


def _longer(values: Floats, by: int) -> Floats:
    return np.concatenate([values, np.zeros((len(values), by))], axis=-1)


def fresh_step(panel: Panel, seen: int) -> Floats:
    """Step of the blocks since T0 without the first `seen` of them; zero where there are none."""
    values = panel.values.copy()
    values[:, panel.before : panel.before + seen] = np.nan
    return _fit(_design(panel), values, panel.before).last


def _design(panel: Panel) -> _Design:
    per_day = DAY / panel.hours_per_block
    days = panel.before / per_day
    number = max((harmonics for harmonics, fewest in _FEWEST_PERIODS if days >= fewest), default=0)
    at = panel.positions + 0.5
    angles = [2 * np.pi * at * harmonic / per_day for harmonic in range(1, number + 1)]
    repeating = [wave(angle) for angle in angles for wave in (np.sin, np.cos)]
    step = [(at > 0).astype(float)] if panel.before else []
    regressors = np.stack([np.ones(len(at)), *repeating, *step], axis=1)
    return _Design(regressors, tuple(each / per_day for each in range(1, number + 1)), panel.covariates)


def _baseline_of(design: _Design, panel: Panel) -> _Design:
    covariates = None if design.covariates is None else design.covariates[:, : panel.before]
    return _Design(design.regressors[: panel.before, :-1], design.daily, covariates)


def _fit(design: _Design, values: Floats, before: int) -> _Fit:
    """Fit all series with the same gaps and covariate at once.

    A baseline with less than half its blocks tells nothing of a day.
    """
    last, weights, residuals = np.zeros(len(values)), np.zeros(values.shape), np.full(values.shape, np.nan)
    are_present = np.isfinite(values)
    for series in _alike(are_present if design.covariates is None else np.hstack([are_present, design.covariates])):
        present = are_present[series[0]]
        is_thin = 2 * present[:before].sum() < before
        regressors = design.of(series[0], with_a_day=not is_thin)[present]
        solver = np.linalg.pinv(regressors)
        found = values[np.ix_(series, present)]
        coefficients = found @ solver.T
        left = found - coefficients @ regressors.T
        left[np.abs(left).max(-1, initial=0.0) < RESOLUTION] = 0.0
        last[series] = coefficients[:, -1]
        weights[np.ix_(series, present)] = solver[-1]
        residuals[np.ix_(series, present)] = left
    return _Fit(last, weights, residuals)


def _alike(rows: NDArray[Any]) -> list[list[int]]:
    """Which rows hold the same bytes."""
    found: dict[bytes, list[int]] = {}
    for index, row in enumerate(rows):
        found.setdefault(row.tobytes(), []).append(index)
    return list(found.values())


def _without_change(values: Floats) -> Floats:
    """What is left of each series since T0 without a straight line, or without one step if that explains most of it.

    What grows since T0, or gets worse hours after it, is no noise.
    """
    present = np.isfinite(values)
    number, filled = present.sum(-1, keepdims=True), np.where(present, values, 0.0)
    before, early = np.cumsum(present, axis=-1), np.cumsum(filled, axis=-1)
    total = early[:, -1:] / np.maximum(number, 1)
    spread = np.where(present, filled - total, 0.0)
    power = (spread**2).sum(-1, keepdims=True)
    shift, behind = np.cumsum(spread, axis=-1), number - before
    explained = np.where((before > 1) & (behind > 1), shift**2 * number / np.maximum(before * behind, 1), 0.0)
    at = explained.argmax(-1)
    left = _without_trend(values)
    best, trendless = explained.max(-1), np.nansum(left**2, axis=-1)
    for index in np.flatnonzero((best > _MOST_OF_IT * power[:, 0]) & (power[:, 0] - best < trendless)):
        for part in (slice(None, at[index] + 1), slice(at[index] + 1, None)):
            left[index, part] = values[index, part] - np.nanmean(values[index, part])
    return left


def _without_trend(values: Floats) -> Floats:
    """What is left of each series without a straight line, as large as the noise."""
    count = values.shape[-1]
    line = _Design(np.stack([np.ones(count), np.arange(count) / count], axis=1), ())
    present = np.isfinite(values).sum(-1, keepdims=True)
    left: Floats = _fit(line, values, 0).residuals * np.sqrt((present - 1) / np.maximum(present - 2, 1))
    return left


def _noise(panel: Panel, residuals: Floats, daily: tuple[float, ...]) -> Noise:
    since = Ordinates.of(_without_change(residuals[:, panel.before :]))
    stretches = [Ordinates.of(residuals[:, : panel.before], daily)] if panel.before else []
    if panel.after >= _LONG_AFTER or not panel.before:
        stretches.append(since)
    return learn(stretches, panel.hours_per_block).widened(since)


def _overlaps(panel: Panel, weights: Floats) -> Floats:
    """Autocorrelations of weights, (series, lags), lags above zero counted twice."""
    count = panel.before + panel.gap + panel.after
    found = np.zeros((len(weights), count))
    for series in _alike(weights):
        spread = np.zeros(count)
        spread[(panel.positions + panel.before + panel.gap).astype(int)] = weights[series[0]]
        found[series] = np.fft.irfft(np.abs(np.fft.rfft(spread, 2 * count)) ** 2, 2 * count)[:count]
    found[:, 1:] *= 2
    return found


def _freedom(residuals: Floats) -> Floats:
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


def _extremes(residuals: Floats, length: int) -> tuple[Floats, Floats]:
    """What the baseline did to itself: the largest and least difference of a stretch to the rest."""
    present = np.isfinite(residuals)
    start = np.zeros((len(residuals), 1))
    sums = np.concatenate([start, np.cumsum(np.where(present, residuals, 0.0), axis=-1)], axis=-1)
    counts = np.concatenate([start, np.cumsum(present, axis=-1)], axis=-1)
    inside, number = sums[:, length:] - sums[:, :-length], counts[:, length:] - counts[:, :-length]
    rest, others = sums[:, -1:] - inside, counts[:, -1:] - number
    differences = np.where(
        (number > 0) & (others > 0), inside / np.maximum(number, 1) - rest / np.maximum(others, 1), 0.0
    )
    return differences.max(-1), differences.min(-1)

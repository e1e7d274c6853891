"""Least squares on blocks: a level, what repeats daily and weekly, what a series follows, and a step at T0."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftreview.domain.noise import Bools, Floats, Ordinates

RESOLUTION: Final = 1e-8
"""Evidence has nine digits: smaller differences, of logarithms or as a share of the largest value, are none."""


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
    shadows: tuple[int, ...] = ()
    """Series that must not change what is found of the others."""

    @property
    def is_counted(self) -> Bools:
        """(series,)."""
        return ~np.isin(np.arange(len(self.values)), self.shadows)

    @cached_property
    def baseline(self) -> Baseline:
        """What it has before T0."""
        beside = b"" if self.covariates is None else self.covariates[:, : self.before].tobytes()
        values = self.values[:, : self.before].tobytes()
        return Baseline(values, beside, len(self.values), self.gap, self.hours_per_block, self.shadows)

    @property
    def after(self) -> int:
        """Blocks since T0."""
        return int(self.values.shape[-1]) - self.before

    @property
    def positions(self) -> Floats:
        """Of the blocks, counted from T0."""
        return np.concatenate([np.arange(-self.before, 0) - self.gap, np.arange(self.after)])


@dataclass(frozen=True)
class Baseline:
    """Series before T0, as what the same is known of at every look."""

    values: bytes
    covariates: bytes
    """None where it is empty."""
    series: int
    gap: int
    hours_per_block: float
    shadows: tuple[int, ...]

    @property
    def panel(self) -> Panel:
        """The same with nothing since T0."""
        values = np.frombuffer(self.values).reshape(self.series, -1)
        beside = np.frombuffer(self.covariates).reshape(self.series, -1) if self.covariates else None
        return Panel(values, values.shape[-1], self.gap, self.hours_per_block, beside, self.shadows)


@dataclass(frozen=True)
class Group:
    """Series with the same regressors and the same gaps."""

    series: list[int]
    present: Bools
    """(blocks,)."""
    level: Floats
    """Regressors, (blocks, any): all but waves and the step. A block that is not there has a row of zeros, so that it
    adds nothing to any sum; leaving it out would copy all the others of every series."""
    waves: Floats
    step: Floats
    before: int | None = None
    """Blocks before T0, where those alone tell everything but the step; None where all blocks do."""

    @property
    def regressors(self) -> Floats:
        """All of them, the step last."""
        return np.concatenate([self.level, self.waves, self.step], axis=1)

    @property
    def solver(self) -> Floats:
        """What each block adds to each coefficient, (regressors, blocks); what is rounded of a missing one is none."""
        regressors = self.regressors
        if self.before is None:
            return np.where(self.present, np.linalg.pinv(regressors), 0.0)
        solver = np.zeros(regressors.T.shape)
        solver[:-1, : self.before] = np.linalg.pinv(regressors[: self.before, :-1])
        mean = self.step[:, 0] / max(self.step.sum(), 1.0)
        solver[-1] = mean - mean @ regressors[:, :-1] @ solver[:-1]
        return np.where(self.present, solver, 0.0)


@dataclass(frozen=True)
class Design:
    """What is fitted to each series. Blocks are rows."""

    weekly: Floats
    daily: Floats
    step: Floats
    """(blocks, 1); (blocks, 0) where there is no baseline, or nothing but it."""
    frequencies: Floats
    """Of the weekly harmonics, then the daily ones, in cycles per block."""
    has_week: Bools
    """(series,): to which series the weekly harmonics are fitted."""
    has_day: Bools
    covariates: Floats | None = None
    """(series, blocks): zero for the series that have none, as in `shifts`."""
    shifts: Floats | None = None
    """(series, blocks): one from a change of level in the baseline on."""
    late: Floats | None = None
    """The same of what was under way when the baseline ended, as long as it is held to go on."""
    apart: Bools | None = None
    """(series,): in which no block since T0 tells what repeats. None for none."""

    def until(self, block: int) -> Design:
        """The same of the first blocks, without the step."""
        return replace(
            self,
            weekly=self.weekly[:block],
            daily=self.daily[:block],
            step=self.step[:block, :0],
            covariates=None if self.covariates is None else self.covariates[:, :block],
            shifts=None if self.shifts is None else self.shifts[:, :block],
            late=None if self.late is None else self.late[:, :block],
            apart=None,
        )

    def of(self, series: NDArray[np.int_]) -> Design:
        """The same of some of the series."""
        own = (self.covariates, self.shifts, self.late)
        covariates, shifts, late = (None if each is None else each[series] for each in own)
        has_week, has_day = self.has_week[series], self.has_day[series]
        found = replace(self, has_week=has_week, has_day=has_day, covariates=covariates, shifts=shifts, late=late)
        return found if self.apart is None else replace(found, apart=self.apart[series])

    def groups(self, values: Floats, before: int) -> Iterator[Group]:
        """The series, those together that can be fitted at once.

        A baseline with less than half its blocks tells nothing of a day.
        """
        are_present = np.isfinite(values)
        every = (self.covariates, self.shifts, self.late, self._followed_since(are_present))
        own = [each for each in every if each is not None]
        apart = np.zeros(len(values), bool) if self.apart is None else self.apart
        kinds = np.stack([self.has_week, self.has_day, apart], axis=1)
        for series in alike(np.hstack([are_present, kinds, *own])):
            first, present = series[0], are_present[series[0]]
            level = np.stack([np.ones(len(present)), *(each[first] for each in own)], axis=1)
            waves = [self.weekly] * bool(self.has_week[first]) + [self.daily] * bool(self.has_day[first])
            if not waves or 2 * present[:before].sum() < before:
                waves = [np.zeros((len(present), 0))]
            is_there = present[:, None]
            of_the_baseline = before if apart[first] and present[:before].any() else None
            step = self.step * is_there
            yield Group(series, present, level * is_there, np.hstack(waves) * is_there, step, of_the_baseline)

    def _followed_since(self, are_present: Bools) -> Floats | None:
        """What is followed, since T0 and around its mean there: how it is followed is learnt of the baseline alone."""
        if self.covariates is None or not self.step.size:
            return None
        is_after = are_present & (self.step[:, 0] > 0)
        total = np.where(is_after, self.covariates, 0.0).sum(-1, keepdims=True)
        number = np.maximum(is_after.sum(-1, keepdims=True), 1)
        found: Floats = np.where(is_after, self.covariates - total / number, 0.0)
        return found

    def ordinates(self, residuals: Floats) -> Ordinates:
        """The periodogram of what is left; at the frequencies that were fitted nothing of the noise is."""
        days = self.daily.shape[1] // 2
        weeks = len(self.frequencies) - days
        is_fitted = [
            np.repeat(has[:, None], many, axis=1) for has, many in ((self.has_week, weeks), (self.has_day, days))
        ]
        return Ordinates.of(residuals, self.frequencies, np.concatenate(is_fitted, axis=1))


@dataclass(frozen=True)
class Fit:
    """Least squares, one row or number for each series."""

    last: Floats
    """The last coefficient."""
    weights: Floats
    """Of the blocks in the last coefficient."""
    residuals: Floats
    """NaN where there is no block; zero throughout where they are below the resolution of evidence."""


def fit(design: Design, values: Floats, before: int) -> Fit:
    """Fit all series, (series, blocks)."""
    last, weights, residuals = np.zeros(len(values)), np.zeros(values.shape), np.full(values.shape, np.nan)
    filled = without_gaps(values)
    for group in design.groups(values, before):
        regressors, solver = group.regressors, group.solver
        chosen = filled[group.series]
        coefficients = chosen @ solver.T
        left = chosen - coefficients @ regressors.T
        left[np.abs(left).max(-1, initial=0.0) < RESOLUTION] = 0.0
        left[:, ~group.present] = np.nan
        last[group.series] = coefficients[:, -1]
        weights[group.series] = solver[-1]
        residuals[group.series] = left
    return Fit(last, weights, residuals)


def step_of(design: Design, values: Floats, before: int) -> tuple[Floats, Floats]:
    """The last coefficient of each series, and the weights of the blocks in it, without what is left."""
    last, weights = np.zeros(len(values)), np.zeros(values.shape)
    filled = without_gaps(values)
    for group in design.groups(values, before):
        solver = group.solver[-1]
        last[group.series] = filled[group.series] @ solver
        weights[group.series] = solver
    return last, weights


def without_gaps(values: Floats) -> Floats:
    """The same with zero for what is NaN."""
    return np.where(np.isfinite(values), values, 0.0)


def alike(rows: NDArray[Any]) -> list[list[int]]:
    """Which rows hold the same bytes; those of most panels all do, which is quicker told of all at once."""
    if len(rows) and (rows == rows[0]).all():
        return [list(range(len(rows)))]
    found: dict[bytes, list[int]] = {}
    for index, row in enumerate(rows):
        found.setdefault(row.tobytes(), []).append(index)
    return list(found.values())

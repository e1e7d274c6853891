"""How much a series changed at T0, and how well that is known.

One regression for each series: a level, what repeats daily, and a step at T0. The error of the step comes
from the long-run variance of the noise (`noise`), its degrees of freedom also from how unlike a normal distribution the
baseline is: of few and long bursts little can be known, however many blocks they fill.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from driftreview.domain.baseline import freedom_of, itself_of
from driftreview.domain.finding import FEWEST_BLOCKS
from driftreview.domain.noise import Bools, Floats, Noise, Ordinates, learn
from driftreview.domain.outlying import Outlying, bounded
from driftreview.domain.overlaps import overlaps, overlaps_after
from driftreview.domain.recent import Recent, recent_of
from driftreview.domain.regression import RESOLUTION, Design, Panel, fit, step_of
from driftreview.domain.structure import WEEK, after_a_weekend, structure_of

_LONG_AFTER: Final = 36
"""Blocks after T0 from which on their noise counts as well."""
_MOST_OF_IT: Final = 2 / 3
"""Of the variance since T0, what a single step must explain to be taken for one: slow noise looks like less."""


@dataclass(frozen=True)
class Effects:
    """One of each for every series, in the units of the panel."""

    step: Floats
    error: Floats
    """Standard error of the step."""
    level: Floats
    """Mean since T0."""
    level_error: Floats
    block_error: Floats
    """Standard deviation of one block's noise."""
    freedom: Floats
    """Degrees of freedom of both errors."""
    highest: Floats
    """The largest rise of a stretch of the baseline, as long as the look or a quarter of the baseline, over its
    rest; or its change of level, whichever is larger."""
    lowest: Floats
    """The same of a fall, below zero."""
    fresh: Floats
    """The step of what the look before did not have."""
    fresh_error: Floats
    ending: Floats
    """The step of the last blocks, as many as are judged at least."""
    ending_error: Floats
    highest_ending: Floats
    """As `highest`, of stretches as long as the last blocks."""
    lowest_ending: Floats
    late: Floats
    """A change of level at the baseline's end, zero where there is none: nobody can tell how it goes on."""
    is_surely_late: Bools
    early: Floats
    """The same in its first days, as after a weekend."""
    is_own: Bools
    """Whether the noise is that since T0: it is surely larger than the baseline's."""
    since: Floats
    """(series, after): the blocks since T0 without what repeats and what is followed, NaN where there is none."""
    recent: Recent
    outlying: tuple[Outlying | None, ...]


def estimate(panel: Panel, seen: int = 0) -> Effects:
    """Estimate level and step of each series. Without a baseline the step is zero and nothing is known of it.

    `seen` is how many blocks since T0 the look before had.
    """
    panel, outlying = bounded(panel)
    structure = structure_of(panel)
    design = structure.design
    whole = fit(design, panel.values, panel.before)
    step, weights = _by_week(design, panel, panel.values, (whole.last, whole.weights))
    after = panel.values[:, panel.before :]
    present = np.isfinite(after)
    noise = _noise(panel, whole.residuals, design)
    means = present / present.sum(-1, keepdims=True)
    error = np.sqrt(noise.variance(overlaps(panel, weights)))
    level_error = np.sqrt(noise.variance(overlaps_after(means)))
    block_error = np.sqrt(noise.variance(np.ones((1, 1))))
    level = np.nanmean(after, axis=-1)
    since = whole.residuals[:, panel.before :] + level[:, None]
    recent = recent_of(panel, noise, since, _expected(panel, weights, means))
    if not panel.before:
        nothing, unknown = np.zeros(len(level)), np.full(len(level), np.inf)
        return Effects(
            step=nothing,
            error=unknown,
            level=level,
            level_error=level_error,
            block_error=block_error,
            freedom=noise.freedom,
            highest=nothing,
            lowest=nothing,
            fresh=nothing,
            fresh_error=unknown,
            ending=nothing,
            ending_error=unknown,
            highest_ending=nothing,
            lowest_ending=nothing,
            late=nothing,
            is_surely_late=np.zeros(len(level), bool),
            early=nothing,
            is_own=noise.is_own,
            since=since,
            recent=recent,
            outlying=outlying,
        )
    itself = itself_of(panel.baseline)
    freedom = np.maximum(np.minimum(noise.freedom, itself.freedom), 1.0)
    highest, lowest = itself.extremes(min(panel.after, panel.before // 4))
    fresh, fresh_error = _part(design, panel, noise, seen) if seen else (step, error)
    ending, ending_error = step, error
    if panel.after > FEWEST_BLOCKS:
        ending, ending_error = _part(design, panel, noise, panel.after - FEWEST_BLOCKS)
    highest_ending, lowest_ending = itself.of_the_fewest
    return Effects(
        step=step,
        error=error,
        level=level,
        level_error=level_error,
        block_error=block_error,
        freedom=freedom,
        highest=highest,
        lowest=lowest,
        fresh=fresh,
        fresh_error=fresh_error,
        ending=ending,
        ending_error=ending_error,
        highest_ending=highest_ending,
        lowest_ending=lowest_ending,
        late=structure.late,
        is_surely_late=structure.is_surely_late,
        early=np.array([after_a_weekend(shift, panel) for shift in structure.shifts]),
        is_own=noise.is_own,
        since=since,
        recent=recent,
        outlying=outlying,
    )


def _part(design: Design, panel: Panel, noise: Noise, without: int) -> tuple[Floats, Floats]:
    """Step of the blocks since T0 without the first ones, and its error."""
    values = panel.values.copy()
    values[:, panel.before : panel.before + without] = np.nan
    last, weights = _step(design, panel, values)
    return last, np.sqrt(noise.variance(overlaps(panel, weights)))


def foresee(panel: Panel, after: int) -> tuple[Floats, Floats]:
    """Standard error of the step after so many blocks, and its degrees of freedom, by the noise of a baseline alone."""
    whole = replace(panel, values=_longer(panel.values, after))
    if panel.covariates is not None:
        whole = replace(whole, covariates=_longer(panel.covariates, after))
    design = structure_of(whole).design
    base = fit(design.until(panel.before), panel.values, panel.before).residuals
    noise = learn([design.ordinates(base)], panel.hours_per_block, panel.is_counted)
    error = np.sqrt(noise.variance(overlaps(whole, _step(design, whole, whole.values)[1])))
    return error, np.maximum(np.minimum(noise.freedom, freedom_of(base)), 1.0)


def _step(design: Design, panel: Panel, values: Floats) -> tuple[Floats, Floats]:
    """Of each series, and the weights of the blocks in it."""
    return _by_week(design, panel, values, step_of(design, values, panel.before))


def _by_week(design: Design, panel: Panel, values: Floats, found: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Steps and weights; those of series with a week are held against the same hours of the weeks before.

    However many waves are fitted, they round off the edge between a week and its end, and T0 may be on it.
    """
    if not design.has_week.any():
        return found
    (plain, fitted), (last, weights) = found, _against_the_same_hours(panel, values)
    is_weekly = design.has_week & weights.any(-1)  # else the baseline knows nothing of these hours
    return np.where(is_weekly, last, plain), np.where(is_weekly[:, None], weights, fitted)


def _against_the_same_hours(panel: Panel, values: Floats) -> tuple[Floats, Floats]:
    """Mean difference to the blocks whole weeks before, and the weights of the blocks in it."""
    week = round(WEEK / panel.hours_per_block)
    first = panel.before + panel.gap - week * np.arange(panel.gap // week + 1, (panel.before + panel.gap) // week + 1)
    places = first[:, None] + np.arange(panel.after)
    are_there = (places >= 0) & (places < panel.before)
    earlier = np.where(are_there, values[:, np.where(are_there, places, 0)], np.nan)
    known = np.isfinite(earlier)
    count = known.sum(1)
    after = values[:, panel.before :]
    both = np.isfinite(after) & (count > 0)
    number = np.maximum(both.sum(-1, keepdims=True), 1)
    usual = np.where(known, earlier, 0.0).sum(1) / np.maximum(count, 1)
    weights = np.zeros_like(values)
    weights[:, panel.before :] = both / number
    for week_before, is_there in enumerate(are_there):
        share = known[:, week_before] * both / np.maximum(count, 1) / number
        weights[:, places[week_before, is_there]] -= share[:, is_there]
    return np.where(both, after - usual, 0.0).sum(-1) / number[:, 0], weights


def _longer(values: Floats, by: int) -> Floats:
    return np.concatenate([values, np.zeros((len(values), by))], axis=-1)


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
    present = np.isfinite(values)
    number = np.maximum(present.sum(-1, keepdims=True), 1)
    at = np.where(present, np.arange(values.shape[-1]), 0.0)
    at = np.where(present, at - at.sum(-1, keepdims=True) / number, 0.0)
    centred = np.where(present, values, 0.0)
    centred = np.where(present, centred - centred.sum(-1, keepdims=True) / number, 0.0)
    slope = (at * centred).sum(-1, keepdims=True) / np.maximum((at * at).sum(-1, keepdims=True), 1.0)
    left = centred - slope * at
    left[np.abs(left).max(-1, initial=0.0) < RESOLUTION] = 0.0
    return np.where(present, left * np.sqrt((number - 1) / np.maximum(number - 2, 1)), np.nan)


def _noise(panel: Panel, residuals: Floats, design: Design) -> Noise:
    since = Ordinates.of(_without_change(residuals[:, panel.before :]))
    stretches = [design.ordinates(residuals[:, : panel.before])] if panel.before else []
    if panel.after >= _LONG_AFTER or not panel.before:
        stretches.append(since)
    return learn(stretches, panel.hours_per_block, panel.is_counted).widened(since)


def _expected(panel: Panel, weights: Floats, means: Floats) -> Floats:
    """The weights of the blocks in what is expected of the mean, negative: the step's without those of the mean."""
    found = weights.copy()
    found[:, panel.before :] -= means
    return found

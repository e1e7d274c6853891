"""How much a series changed at T0, and how well that is known.

One regression for each series: a level, what repeats daily, and a step at T0. The error of the step comes
from the long-run variance of the noise (`noise`), its degrees of freedom also from how unlike a normal distribution the
baseline is: of few and long bursts little can be known, however many blocks they fill.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from driftreview.domain.baseline import freedom_of, itself_of
from driftreview.domain.calm import Incident, calm_of, calmed
from driftreview.domain.changes import columns
from driftreview.domain.course import Courses, courses_of
from driftreview.domain.finding import FEWEST_BLOCKS
from driftreview.domain.noise import Bools, Floats, Noise, Ordinates, learn
from driftreview.domain.outlying import Outlying, bounded
from driftreview.domain.overlaps import overlaps, overlaps_after
from driftreview.domain.recent import Recent, recent_of
from driftreview.domain.regression import Design, Panel, fit, step_of
from driftreview.domain.structure import Structure, after_a_weekend, structure_of
from driftreview.domain.trendless import without_change
from driftreview.domain.weeks import by_week

_LONG_AFTER: Final = 36
"""Blocks after T0 from which on their noise counts as well."""
_Steps: TypeAlias = tuple[Floats, Floats]
"""Of each series, and the weights of its blocks in it."""


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
    late: Late
    early: Floats
    """A change of level in the baseline's first days, as after a weekend; zero where there is none."""
    is_own: Bools
    """Whether the noise is that since T0: it is surely larger than the baseline's."""
    since: Floats
    """(series, after): the blocks since T0 without what repeats and what is followed, NaN where there is none."""
    courses: Courses
    past: Floats
    """(series, before): the same of the baseline, around what it leads to expect."""
    shifted: Floats
    """Size of a change of level in the baseline."""
    incidents: tuple[tuple[Incident, ...], ...]
    """Of each baseline."""
    recent: Recent
    outlying: tuple[Outlying | None, ...]


@dataclass(frozen=True)
class Late:
    """What was under way when the baseline ended: nobody can tell how it goes on. One of each for every series."""

    size: Floats
    """Zero where there was nothing; both steps are then the step."""
    blocks: NDArray[np.int_]
    """From its beginning to the baseline's end."""
    is_sure: Bools
    newer: Floats
    """The step, did it go on."""
    newer_error: Floats
    older: Floats
    """The step, did it end with the baseline."""
    older_error: Floats


def estimate(panel: Panel, seen: int = 0) -> Effects:
    """Estimate level and step of each series. Without a baseline the step is zero and nothing is known of it.

    `seen` is how many blocks since T0 the look before had.
    """
    raw, outlying = bounded(panel)
    panel = calmed(raw)
    structure = structure_of(panel)
    fitted = _fitted(structure, panel)
    noise = _noise(panel, fitted.residuals, structure.design)
    if panel.before and noise.is_own.any():
        structure = replace(structure, design=replace(structure.design, apart=noise.is_own))
        fitted = _fitted(structure, panel)
    design, (step, weights) = structure.design, fitted.step
    after = panel.values[:, panel.before :]
    present = np.isfinite(after)
    means = present / present.sum(-1, keepdims=True)
    error = np.sqrt(noise.variance(overlaps(panel, weights)))
    level_error = np.sqrt(noise.variance(overlaps_after(means)))
    block_error = np.sqrt(noise.variance(np.ones((1, 1))))
    level = np.nanmean(after, axis=-1)
    since = fitted.residuals[:, panel.before :] + level[:, None]
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
            late=_late(structure, panel, noise, [(nothing, weights)] * 2, unknown),
            early=nothing,
            is_own=noise.is_own,
            since=since,
            courses=courses_of(since),
            past=panel.values[:, :0],
            shifted=nothing,
            incidents=((),) * len(level),
            recent=recent,
            outlying=outlying,
        )
    itself = itself_of(raw.baseline)
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
        late=_late(structure, panel, noise, fitted.either, error),
        early=np.array([after_a_weekend(shift, panel) for shift in structure.shifts]),
        is_own=noise.is_own,
        since=since,
        courses=courses_of(since),
        past=itself.residuals,
        shifted=itself.shifted,
        incidents=calm_of(raw.baseline).incidents,
        recent=recent,
        outlying=outlying,
    )


@dataclass(frozen=True)
class _Fitted:
    """A panel, fitted."""

    residuals: Floats
    step: _Steps
    either: list[_Steps]


def _fitted(structure: Structure, panel: Panel) -> _Fitted:
    """Fit it. What least squares leave tells which windows are surely noisier than their baselines.

    Fitted together with its baseline, such a window bends the waves: two bad hours of six are then said to come every
    day, and nothing is expected of a series that never was nothing. So of those the baseline alone tells what repeats
    (`Design.apart`).
    """
    whole = fit(structure.design, panel.values, panel.before)
    step = by_week(structure.design, panel, panel.values, (whole.last, whole.weights))
    either = _either(structure, panel, whole.residuals, step)
    return _Fitted(whole.residuals, step, either)


def _either(structure: Structure, panel: Panel, left: Floats, plain: _Steps) -> list[_Steps]:
    """Steps, did what was under way go on, and did it end; the plain one of the series in which nothing was.

    Of those in which something was, it overwrites what is left with what is if it goes on.
    """
    series = np.flatnonzero([each is not None for each in structure.late])
    if not series.size:
        return [plain, plain]
    design, values = structure.design.of(series), panel.values[series]
    lasting = columns([structure.late[index] for index in series], values.shape[-1])
    ending = np.where(np.arange(values.shape[-1]) < panel.before, lasting, 0.0)
    newer = fit(replace(design, late=lasting), values, panel.before)
    left[series] = newer.residuals
    found = []
    for chosen in ((newer.last, newer.weights), step_of(replace(design, late=ending), values, panel.before)):
        step, weights = (each.copy() for each in plain)
        step[series], weights[series] = chosen
        found.append((step, weights))
    return found


def _late(structure: Structure, panel: Panel, noise: Noise, either: list[_Steps], error: Floats) -> Late:
    """What was under way, with the steps of `_either` and their errors; `error` is that of the plain one."""
    errors = [error, error]
    if any(structure.late):
        errors = [np.sqrt(noise.variance(overlaps(panel, weights))) for _, weights in either]
    (newer, _), (older, _) = either
    return Late(
        size=np.array([each.size if each else 0.0 for each in structure.late]),
        blocks=np.array([panel.before - each.block if each else 0 for each in structure.late]),
        is_sure=structure.is_surely_late,
        newer=newer,
        newer_error=errors[0],
        older=older,
        older_error=errors[1],
    )


def _part(design: Design, panel: Panel, noise: Noise, without: int) -> tuple[Floats, Floats]:
    """Step of the blocks since T0 without the first ones, and its error."""
    values = panel.values.copy()
    values[:, panel.before : panel.before + without] = np.nan
    last, weights = _step(design, panel, values)
    return last, np.sqrt(noise.variance(overlaps(panel, weights)))


def foresee(panel: Panel, after: int) -> tuple[Floats, Floats]:
    """Standard error of the step after so many blocks, and its degrees of freedom, by the noise of a baseline alone."""
    panel = calmed(panel)
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
    return by_week(design, panel, values, step_of(design, values, panel.before))


def _longer(values: Floats, by: int) -> Floats:
    return np.concatenate([values, np.zeros((len(values), by))], axis=-1)


def _noise(panel: Panel, residuals: Floats, design: Design) -> Noise:
    since = Ordinates.of(without_change(residuals[:, panel.before :]))
    stretches = [design.ordinates(residuals[:, : panel.before])] if panel.before else []
    if panel.after >= _LONG_AFTER or not panel.before:
        stretches.append(since)
    return learn(stretches, panel.hours_per_block, panel.is_counted).widened(since)


def _expected(panel: Panel, weights: Floats, means: Floats) -> Floats:
    """The weights of the blocks in what is expected of the mean, negative: the step's without those of the mean."""
    found = weights.copy()
    found[:, panel.before :] -= means
    return found

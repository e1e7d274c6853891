"""How the series of a look are measured: laid on one grid, each on its scale, and estimated together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from driftreview.api.signal import Mode, Worse
from driftreview.domain.effect import Effects, estimate
from driftreview.domain.finding import place
from driftreview.domain.margins import alert_of
from driftreview.domain.measured import Case, Grid, Measured
from driftreview.domain.noise import Floats
from driftreview.domain.past import Past, late_of
from driftreview.domain.regression import RESOLUTION, Panel
from driftreview.domain.scale import Scale, compared


def measure(cases: Sequence[Case], grid: Grid) -> list[Measured]:
    """Measure all series of a look. Noise is learnt from all that have a baseline, and from all that have none."""
    found: dict[int, Measured] = {}
    for has_baseline in (True, False):
        chosen = {index: case for index, case in enumerate(cases) if (case.before is not None) is has_baseline}
        if chosen:
            panel, scales = panel_of(list(chosen.values()), grid)
            effects = estimate(panel, grid.seen)
            for nth, (index, case) in enumerate(chosen.items()):
                found[index] = _one(case, scales[nth], effects, nth, grid)
    return [found[index] for index in range(len(cases))]


def panel_of(cases: Sequence[Case], grid: Grid) -> tuple[Panel, list[Scale]]:
    """All series on the grid, each on its scale. Where a covariate has no block, its series has none either."""
    before = max((len(case.before.blocks) for case in cases if case.before), default=0)
    after = max(len(case.now.blocks) for case in cases)
    values = np.full((len(cases), before + after), np.nan)
    covariates = np.zeros_like(values) if any(case.covariate for case in cases) else None
    for row, case in zip(values, cases, strict=True):
        place(row, before, case.before, case.now)
    scales = _scales(cases, values, before)
    values = compared(values, scales)
    for index, case in enumerate(cases):
        if covariates is not None and case.covariate:
            covariates[index] = case.covariate.row(before, values.shape[-1])
            values[index, np.isnan(covariates[index])] = np.nan
            np.nan_to_num(covariates[index], copy=False)
    shadows = tuple(index for index, case in enumerate(cases) if case.signal.mode is Mode.SHADOW)
    return Panel(values, before, grid.gap, grid.hours_per_block, covariates, shadows), scales


def _scales(cases: Sequence[Case], values: Floats, before: int) -> list[Scale]:
    """The scale of each series, so far with up as worse; NaN is no value."""
    usual = np.fmin.reduce(values[:, :before], axis=-1, initial=np.inf).tolist()
    least, largest = np.fmin.reduce(values, axis=-1).tolist(), np.fmax.reduce(np.abs(values), axis=-1).tolist()
    found = []
    for nth, case in enumerate(cases):
        is_difference = case.beside is not None and not case.beside.is_ratio
        is_share = case.signal.margin is not None and case.signal.margin.relative is not None
        alert = alert_of(case.signal)
        known = usual[nth] if alert is None else min(usual[nth], alert)
        if case.signal.worse is Worse.HIGHER or known == math.inf:
            known = min(least[nth], known)  # else a first block at zero would make little of near-outages
        is_log = is_share and not is_difference and known > 0
        found.append(Scale.of_logarithms(known) if is_log else Scale(log=False, unit=largest[nth] or 1.0))
    return found


def _one(case: Case, scale: Scale, effects: Effects, nth: int, grid: Grid) -> Measured:
    """A series with up as worse; the side that it went to on the whole, where either is."""
    if case.signal.worse is not Worse.EITHER:
        return _sided(case, scale, effects, nth, grid, is_up=case.signal.worse is Worse.HIGHER)
    up, down = (_sided(case, scale, effects, nth, grid, is_up=is_up) for is_up in (True, False))
    return replace(up, mirrored=down) if up.step >= 0 else replace(down, mirrored=up)


def _sided(case: Case, scale: Scale, effects: Effects, nth: int, grid: Grid, *, is_up: bool) -> Measured:
    sign = 1 if is_up else -1
    scale, late = replace(scale, sign=sign), late_of(effects, nth, sign, grid.hours_per_block)
    level = sign * float(effects.level[nth])
    step, newer, older = (
        _expectable(case, scale, level, each) for each in (sign * float(effects.step[nth]), late.newer, late.older)
    )
    return Measured(
        case=case,
        scale=scale,
        level=level,
        level_error=max(float(effects.level_error[nth]), RESOLUTION / 100),
        block_error=float(effects.block_error[nth]),
        step=step,
        error=max(float(effects.error[nth]), RESOLUTION / 100),
        freedom=float(effects.freedom[nth]),
        unlike=float(effects.highest[nth] if is_up else -effects.lowest[nth]),
        fresh=sign * float(effects.fresh[nth]),
        fresh_error=max(float(effects.fresh_error[nth]), RESOLUTION / 100),
        ending=sign * float(effects.ending[nth]),
        ending_error=max(float(effects.ending_error[nth]), RESOLUTION / 100),
        unlike_ending=float(effects.highest_ending[nth] if is_up else -effects.lowest_ending[nth]),
        late=replace(late, newer=newer, older=older),
        early=sign * float(effects.early[nth]),
        is_own=bool(effects.is_own[nth]),
        since=sign * effects.since[nth],
        course=effects.courses.of(nth, sign),
        recent=effects.recent.of(nth, sign),
        past=Past(sign * effects.past[nth], float(effects.shifted[nth]), effects.incidents[nth]),
        outlying=effects.outlying[nth],
    )


def _expectable(case: Case, scale: Scale, level: float, step: float) -> float:
    """A step, where nothing below zero is expected of what never was: a wave that the window has bent may get there."""
    if scale.log or case.before is None or scale.sign * (level - step) >= 0:
        return step
    return level if min(*case.before.present, *case.now.present) >= 0 else step

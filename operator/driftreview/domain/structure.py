"""What a baseline shows by itself: a day, days of the week, a change of level. From that follows what is fitted.

A day of history cannot tell a daily wave from a change of level in the middle of it: taken for a wave, the change comes
back the next day, and every release would be worse or better for it. All series of a review are asked together which
of both it is; where they cannot tell, both are fitted, and the error says how little is known then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np

from driftreview.domain.changes import Shift, columns, tried_at, variance_of
from driftreview.domain.noise import Bools, Floats, learn
from driftreview.domain.regression import Baseline, Design, Panel, fit
from driftreview.domain.tails import f_sf
from driftreview.domain.underway import under_way

DAY: Final = 24.0
"""Hours."""
_FEWEST_DAYS: Final = ((1, 1.0), (3, 3.0))
"""Harmonics of the day that are fitted, and how many days of baseline they need."""
_REPEATED: Final = 3.0
"""Days from which on a daily wave is told from a change of level."""
WEEK: Final = 7 * DAY
_WEEKLY: Final = 6
"""Harmonics of the week: with the seventh, the day's first, they tell the days of the week apart."""
_FEWEST_WEEKS: Final = 2
"""Of baseline, before a week is fitted: what comes once may be slow noise as well."""
_SURELY_WEEKLY: Final = 0.01
"""Probability at most of fitting a week to a series that has none."""
LOOKED_INTO: Final = 72
"""Blocks of baseline from which on a change of level is looked for."""
_PLACES: Final = 150
"""At most, that are tried for it."""
_MARGINAL: Final = 0.1
"""Of the baseline, at either end: what changed there is too short to be a level of its own."""
_LONGER_THAN_A_WEEKEND: Final = 3.0
"""Days that a change must have lasted in a longer baseline: before two weeks nobody can tell it from a weekend."""
_SURELY_CHANGED: Final = 20.0
"""Gain of fitting it, in variances: what noise reaches in at most 1% of the series, whatever its memory."""
_SURELY_EITHER: Final = 6.0
"""Difference of squares, in variances, from which on one of two explanations is preferred: odds of twenty to one."""


@dataclass(frozen=True)
class Structure:
    """What is fitted, and what was found for it."""

    design: Design
    shifts: tuple[Shift | None, ...]
    """Of each series."""
    late: tuple[Shift | None, ...]
    """What was under way at the very end of each."""
    is_surely_late: Bools
    left: Floats
    """(series, before): what the design leaves of the baseline alone."""
    unexplained: Design
    """For what the baseline did to itself: without changes of level, and without the waves they may be taken for."""


@dataclass(frozen=True)
class _Learnt:
    """What is learnt of baselines alone, which every look at them shares. One of each for every series."""

    has_week: Bools
    has_day: Bools
    is_wave_sure: Bools
    """Whether its daily wave is surely none of its changes of level."""
    shifts: tuple[Shift | None, ...]
    late: tuple[Shift | None, ...]
    is_surely_late: Bools
    left: Floats


def structure_of(panel: Panel) -> Structure:
    """What is fitted to a panel."""
    found = _learnt(panel.baseline)
    design = replace(_plain(panel), has_week=found.has_week)
    late = found.late, found.is_surely_late
    if not any(found.shifts):
        return Structure(design, found.shifts, *late, found.left, design)
    unexplained = replace(design, has_day=found.is_wave_sure)
    design = replace(design, has_day=found.has_day, shifts=columns(found.shifts, panel.values.shape[-1]))
    return Structure(design, found.shifts, *late, found.left, unexplained)


def _plain(panel: Panel) -> Design:
    """A day, as far as there are days enough, and no week yet."""
    per_day = DAY / panel.hours_per_block
    days = panel.before / per_day
    at = panel.positions + 0.5
    number = max((harmonics for harmonics, fewest in _FEWEST_DAYS if days >= fewest), default=0)
    daily = [harmonic / per_day for harmonic in range(1, 1 + number)]
    is_long = days >= _FEWEST_WEEKS * WEEK / DAY
    weekly = [harmonic * panel.hours_per_block / WEEK for harmonic in range(1, 1 + _WEEKLY)] if is_long else []
    every = np.ones(len(panel.values), bool)
    return Design(
        weekly=_waves(at, weekly),
        daily=_waves(at, daily),
        step=(at > 0).astype(float)[:, None][:, : int(panel.before > 0)],
        frequencies=np.array([*weekly, *daily]),
        has_week=~every,
        has_day=every if daily else ~every,
        covariates=panel.covariates,
    )


@lru_cache(maxsize=8)
def _learnt(baseline: Baseline) -> _Learnt:
    panel, number = baseline.panel, baseline.series
    design = _plain(panel)
    if design.weekly.size:
        design = replace(design, has_week=_has_week(design, panel))
    every = design.has_day
    if panel.before < LOOKED_INTO:
        left = fit(design.until(panel.before), panel.values, panel.before).residuals
        return _Learnt(design.has_week, every, every, (None,) * number, (None,) * number, np.zeros(number, bool), left)
    days = panel.before * panel.hours_per_block / DAY
    shifts, has_day = _shifts(design, panel, is_told_apart=days >= _REPEATED or not every.any())
    found = replace(design, has_day=has_day, shifts=columns(shifts, panel.before)) if any(shifts) else design
    left = fit(found.until(panel.before), panel.values, panel.before).residuals
    late = under_way(found, panel, left, _last_place(panel), _PLACES, _SURELY_CHANGED)
    is_wave_sure = every if days >= _REPEATED else every & [shift is None for shift in shifts]
    return _Learnt(design.has_week, found.has_day, is_wave_sure, shifts, *late, left)


def _waves(at: Floats, frequencies: Sequence[float]) -> Floats:
    waves = [wave(2 * np.pi * at * each) for each in frequencies for wave in (np.sin, np.cos)]
    return np.stack(waves, axis=1) if waves else np.zeros((len(at), 0))


def _has_week(design: Design, panel: Panel) -> Bools:
    """Which series' baselines have surely a week: more at its frequencies than at those between them."""
    base = design.until(panel.before)
    left = fit(base, panel.values[:, : panel.before], panel.before).residuals
    whole, between = base.ordinates(left), replace(base, has_week=~base.has_week).ordinates(left)
    noise = learn([between], panel.hours_per_block, panel.is_counted)
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


def _shifts(design: Design, panel: Panel, *, is_told_apart: bool) -> tuple[tuple[Shift | None, ...], Bools]:
    """Changes of level, and to which series a daily wave is fitted."""
    base, values, count = design.until(panel.before), panel.values[:, : panel.before], panel.before
    places = np.arange(int(_MARGINAL * count), _last_place(panel), -(-count // _PLACES))
    tried = tried_at(base, values, places, with_waves=True)
    variance = variance_of(base, tried.left, panel)
    waved, left = tried.squares / variance
    is_sure = waved - left > _SURELY_CHANGED
    if is_told_apart:
        chosen = [shift if is_one else None for is_one, shift in zip(is_sure, tried.shifts, strict=True)]
        return tuple(chosen), base.has_day
    alone = tried_at(base, values, places, with_waves=False)
    plain, changed = alone.squares / variance
    is_structured = plain - np.minimum(waved, changed) > _SURELY_CHANGED
    for_wave = changed - waved
    # Who surely prefers one of both has it; the others are asked together, none of them with more than one voice.
    together = float(np.clip(for_wave, -_SURELY_EITHER, _SURELY_EITHER)[is_structured & panel.is_counted].sum())
    preferred = np.where(np.abs(for_wave) > _SURELY_EITHER, for_wave, together)
    is_wave, is_change = preferred > _SURELY_EITHER, preferred < -_SURELY_EITHER
    chosen = [
        (alone if only else tried).shifts[index] if structured and (sure or not wave) else None
        for index, (structured, wave, only, sure) in enumerate(
            zip(is_structured, is_wave, is_change, is_sure, strict=True)
        )
    ]
    return tuple(chosen), base.has_day & ~(is_structured & is_change)


def _last_place(panel: Panel) -> int:
    """From this block on a change is too short to be a level of its own."""
    return panel.before - max(int(_MARGINAL * panel.before), _a_weekend(panel))


def _a_weekend(panel: Panel) -> int:
    """Blocks that a weekend may take of a baseline that is long enough to have one; else none."""
    lasting = round(_LONGER_THAN_A_WEEKEND * DAY / panel.hours_per_block)
    return lasting if panel.before > 2 * lasting else 0


def after_a_weekend(shift: Shift | None, panel: Panel) -> float:
    """Size of a change, if what precedes it may have been a weekend, and no weeks tell; else zero."""
    is_told = panel.before * panel.hours_per_block >= _FEWEST_WEEKS * WEEK
    return shift.size if shift and shift.block < _a_weekend(panel) and not is_told else 0.0

"""Incidents of a baseline: short stretches that are far off, too few to be how the series is.

Least squares would give one of them as much of the noise as a week of all else. Their influence on level and noise is
bounded: a block counts no further than an outlier must be off at least. What they say all the same, that this can
happen without any release, is asked of them as they were (`baseline`, `past`). What happens a third time is a habit,
and stays noise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import Final

import numpy as np

from driftreview.api.values import format_duration
from driftreview.domain.finding import FEWEST_BLOCKS
from driftreview.domain.noise import Bools, Floats, medians, usual_of
from driftreview.domain.regression import RESOLUTION, Baseline, Design, Panel, fit
from driftreview.domain.structure import LOOKED_INTO, structure_of

FAR: Final = 6.0
"""Robust standard deviations from which on a block is far off."""
_HABIT: Final = 3
"""Stretches from which on they are how the series is."""
_LONGEST: Final = 4
"""Parts of the baseline of which an incident may take one: what is longer is a level."""
FEW: Final = 0.05
"""Of the blocks, at most: more of them are no outliers but how the series is."""
_TRUSTED: Final = 2.0
"""Robust standard deviations up to which blocks tell what is to be expected, so that no incident bends it."""
_ROUNDS: Final = 7
"""Of fitting it again."""
_FOR_ALL: Final = 2
"""Of these; the others are for what may be far off, which most series have nothing of."""
_MAY_BE_FAR: Final = 4.0
"""Robust standard deviations, where what is fitted is still bent by an incident, towards it."""


@dataclass(frozen=True)
class Incident:
    """A stretch of a baseline that is far off."""

    first: int
    """Block."""
    after: int
    """The first block after it."""
    blocks: int
    """That are far off."""
    farthest: float
    """How far off it was at most, in the units of the panel."""

    def when(self, blocks: int, block: timedelta) -> str:
        """How long it was and when, in a baseline of so many blocks."""
        lasted, begun = (self.after - self.first) * block, (blocks - self.first) * block
        return f"for {format_duration(lasted)} {format_duration(begun)} before its end"


@dataclass(frozen=True)
class Calm:
    """Baselines with the influence of their incidents bounded."""

    values: Floats
    """(series, before)."""
    incidents: tuple[tuple[Incident, ...], ...]
    """Of each series."""


def calmed(panel: Panel) -> Panel:
    """A panel with its baseline as of `calm_of`."""
    if not panel.before:
        return panel
    baseline = panel.baseline
    calm = calm_of(baseline)
    if not any(calm.incidents):
        return panel
    values = calm.values
    return replace(panel, values=np.concatenate([values, panel.values[:, panel.before :]], axis=-1))


@lru_cache(maxsize=4)
def calm_of(baseline: Baseline) -> Calm:
    """The same at every look, and so kept between them."""
    panel = baseline.panel
    quiet = Calm(panel.values, ((),) * baseline.series)
    if panel.before < LOOKED_INTO:
        return quiet
    off = unbent(structure_of(panel).design.until(panel.before), panel.values)
    bound = np.maximum(FAR * usual_of(off), RESOLUTION)
    far = np.abs(off) > bound
    if not far.any():
        return quiet
    found = [_incidents(*each) for each in zip(off, far, strict=True)]
    within = _within(found, panel.before)
    is_rare = within.mean(-1, keepdims=True) <= FEW
    beyond = np.where(far & within & is_rare, off - np.clip(off, -bound, bound), 0.0)
    return Calm(panel.values - beyond, tuple(map(tuple, found)))


def unbent(design: Design, values: Floats) -> Floats:
    """How far off every block of a baseline is, (series, blocks), what is fitted being bent by no outlier."""
    off = _centred(fit(design, values, values.shape[-1]).residuals)
    series = np.arange(len(values))
    for done in range(_ROUNDS):
        usual = usual_of(off[series])
        if done >= _FOR_ALL:
            may_be_far = np.fmax.reduce(np.abs(off[series]), axis=-1) > _MAY_BE_FAR * usual[:, 0]
            series, usual = series[may_be_far], usual[may_be_far]
        if not series.size:
            break
        chosen, far = values[series], off[series]
        tame = chosen - far + np.clip(far, -_TRUSTED * usual, _TRUSTED * usual)
        off[series] = _centred(chosen - tame + fit(design.of(series), tame, values.shape[-1]).residuals)
    return off


def _centred(left: Floats) -> Floats:
    return left - medians(left)


def _incidents(off: Floats, far: Bools) -> list[Incident]:
    """Of one series; what reaches its end is none, as it may go on."""
    at = np.flatnonzero(far)
    stretches = [each for each in np.split(at, np.flatnonzero(np.diff(at) > FEWEST_BLOCKS) + 1) if each.size]
    if len(stretches) >= _HABIT:
        return []
    return [
        Incident(int(each[0]), int(each[-1]) + 1, len(each), max(off[each].tolist(), key=abs))
        for each in stretches
        if each[-1] + 1 - each[0] <= len(off) // _LONGEST and each[-1] < len(off) - FEWEST_BLOCKS
    ]


def _within(incidents: list[list[Incident]], blocks: int) -> Bools:
    """Which blocks of each series are of an incident."""
    found = np.zeros((len(incidents), blocks), bool)
    for row, each in zip(found, incidents, strict=True):
        for one in each:
            row[one.first : one.after] = True
    return found

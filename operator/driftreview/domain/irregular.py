"""What is odd about a baseline, and what that costs: changes of level, outliers, gaps.

Nothing of it is taken out: what happened before T0 can happen after it, and without outliers the judge would be surer
than it has reason to be. Only the influence of incidents is bounded (`incidents`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from driftreview.domain.blocks import longest_run
from driftreview.domain.calm import FAR, FEW, Incident, calm_of, calmed, unbent
from driftreview.domain.changes import Shift
from driftreview.domain.effect import foresee
from driftreview.domain.noise import NORMAL, Bools, Floats
from driftreview.domain.regression import RESOLUTION, Design, Panel, fit
from driftreview.domain.structure import structure_of


@dataclass(frozen=True)
class Irregularity:
    """Of one series' baseline."""

    shift: Shift | None
    trend: float
    """How much it rises from end to end, where a straight line explains more than the shift; else zero."""
    outliers: int
    """Blocks."""
    farthest: float
    """The outlier that is farthest off, from what was to be expected, in the units of the panel."""
    incidents: tuple[Incident, ...]
    """Of which these outliers are; none where they are how the series is."""
    late: Shift | None
    """What was under way when it ended."""
    gap: int
    """Blocks without samples, the most in a row."""
    wider: float
    """How many times as wide the interval is at the last look, because of the shift and the outliers."""


def irregularities(panel: Panel, after: int) -> list[Irregularity]:
    """Of every series of a panel of baselines; `after` is how many blocks the last look will have."""
    incidents, structure = calm_of(panel.baseline).incidents, structure_of(calmed(panel))
    design = structure.design.until(panel.before)
    left = unbent(design, panel.values)
    is_outlier = np.stack([_outliers(row, each) for row, each in zip(left, incidents, strict=True)])
    alone = panel.values - (0.0 if structure.design.shifts is None else _changes(structure.shifts, panel))
    alone[is_outlier] = np.nan
    as_it_is, without = (foresee(each, after)[0] for each in (panel, replace(panel, values=alone)))
    return [
        Irregularity(
            shift=structure.shifts[index],
            trend=_trend(_of_one(design, index), panel.values[index], shift)
            if (shift := structure.shifts[index])
            else 0.0,
            outliers=int(is_outlier[index].sum()),
            farthest=max(row[is_outlier[index]].tolist(), key=abs, default=0.0),
            incidents=incidents[index],
            late=structure.late[index],
            gap=longest_run(~np.isfinite(row)),
            wider=float(as_it_is[index] / without[index]) if without[index] > 0 else 1.0,
        )
        for index, row in enumerate(left)
    ]


def _of_one(design: Design, index: int) -> Design:
    """What is fitted to one series, but for its change of level."""
    one = slice(index, index + 1)
    beside = None if design.covariates is None else design.covariates[one]
    return replace(design, has_week=design.has_week[one], has_day=design.has_day[one], covariates=beside, shifts=None)


def _trend(design: Design, row: Floats, shift: Shift) -> float:
    """How much a series rises from end to end by a straight line, if that explains more than a change of level."""
    at, is_there = np.arange(len(row)), np.isfinite(row)
    line, step = (
        _alone(design, np.where(is_there, each, np.nan)) for each in (at / len(row), 1.0 * (at >= shift.block))
    )
    left = _alone(design, row)
    rise, change = (float(left @ each) / max(float(each @ each), RESOLUTION) for each in (line, step))
    return rise if rise * float(left @ line) > change * float(left @ step) else 0.0


def _alone(design: Design, row: Floats) -> Floats:
    """What a row has that the rest of the design does not explain; zero where there is no block."""
    found: Floats = np.nan_to_num(fit(design, row[None], len(row)).residuals[0])
    return found


def _outliers(row: Floats, incidents: tuple[Incident, ...]) -> Bools:
    there = row[np.isfinite(row)]
    size = np.abs(np.nan_to_num(row) - np.median(there))
    usual = NORMAL * float(np.median(np.abs(there - np.median(there))))
    far = np.isfinite(row) & (size > max(FAR * usual, RESOLUTION))
    for each in incidents:
        far[each.first : each.after] = True
    return far if incidents or 0 < far.mean() <= FEW else np.zeros_like(far)


def _changes(shifts: tuple[Shift | None, ...], panel: Panel) -> Floats:
    at = np.arange(panel.values.shape[-1])
    return np.stack([(at >= each.block) * each.size if each else np.zeros(len(at)) for each in shifts])

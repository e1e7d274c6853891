"""What is odd about a baseline, and what that costs: changes of level, outliers, gaps.

Nothing of it is taken out: what happened before T0 can happen after it, and without outliers the judge would be surer
than it has reason to be. Only the influence of incidents is bounded (`incidents`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from driftreview.domain.changes import Shift
from driftreview.domain.effect import foresee
from driftreview.domain.incidents import FAR, FEW, Incident, calm_of, calmed
from driftreview.domain.noise import NORMAL, Bools, Floats
from driftreview.domain.regression import RESOLUTION, Panel, fit
from driftreview.domain.structure import structure_of


@dataclass(frozen=True)
class Irregularity:
    """Of one series' baseline."""

    shift: Shift | None
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
    calm = calmed(panel)
    incidents, structure = calm_of(panel.baseline).incidents, structure_of(calm)
    left = fit(structure.design.until(panel.before), calm.values, panel.before).residuals + panel.values - calm.values
    is_outlier = np.stack([_outliers(row, each) for row, each in zip(left, incidents, strict=True)])
    alone = panel.values - (0.0 if structure.design.shifts is None else _changes(structure.shifts, panel))
    alone[is_outlier] = np.nan
    as_it_is, without = (foresee(each, after)[0] for each in (panel, replace(panel, values=alone)))
    return [
        Irregularity(
            shift=structure.shifts[index],
            outliers=int(is_outlier[index].sum()),
            farthest=max(row[is_outlier[index]].tolist(), key=abs, default=0.0),
            incidents=incidents[index],
            late=structure.late[index],
            gap=_longest(~np.isfinite(row)),
            wider=float(as_it_is[index] / without[index]) if without[index] > 0 else 1.0,
        )
        for index, row in enumerate(left)
    ]


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


def _longest(row: Bools) -> int:
    """The most true values in a row."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))

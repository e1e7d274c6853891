"""How the weights of a panel's blocks overlap: rows that are the same are worked out once."""

from __future__ import annotations

import numpy as np

from driftreview.domain.noise import Floats, overlaps_of
from driftreview.domain.regression import Panel, alike


def overlaps(panel: Panel, weights: Floats) -> Floats:
    """`overlaps_of` the weights of a panel's blocks, (series, blocks); there are none in its gap."""
    same, rows = _distinct(weights)
    gap = np.zeros((len(rows), panel.gap))
    return _of_each(same, overlaps_of(np.concatenate([rows[:, : panel.before], gap, rows[:, panel.before :]], axis=-1)))


def overlaps_after(weights: Floats) -> Floats:
    """`overlaps_of` the weights of the blocks since T0 alone, (series, after)."""
    same, rows = _distinct(weights)
    return _of_each(same, overlaps_of(rows))


def _distinct(rows: Floats) -> tuple[list[list[int]], Floats]:
    """Which rows are the same, and one of each."""
    same = alike(rows)
    return same, rows[[each[0] for each in same]]


def _of_each(same: list[list[int]], rows: Floats) -> Floats:
    """A row for every series; a single one if it is that of all."""
    if len(same) == 1:
        return rows
    found = np.empty((sum(map(len, same)), rows.shape[-1]))
    for series, row in zip(same, rows, strict=True):
        found[series] = row
    return found

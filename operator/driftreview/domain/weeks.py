"""Steps of series that have a week: held against the same hours of the weeks before."""

from __future__ import annotations

import numpy as np

from driftreview.domain.noise import Floats
from driftreview.domain.regression import Design, Panel
from driftreview.domain.structure import WEEK


def by_week(design: Design, panel: Panel, values: Floats, found: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
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

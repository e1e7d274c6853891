"""What is noise of a window, and what is a change since T0: a straight line, or one step, is no noise."""

from __future__ import annotations

from typing import Final

import numpy as np

from driftreview.domain.noise import Floats
from driftreview.domain.regression import RESOLUTION

_MOST_OF_IT: Final = 2 / 3
"""Of the variance since T0, what a single step must explain to be taken for one: slow noise looks like less."""


def without_change(values: Floats) -> Floats:
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

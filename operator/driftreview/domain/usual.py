"""How many events a window is used to have: at the rate of its baseline, or of the same hours of the days before.

A nightly job, or errors that follow the traffic of the day, are no news. Whether there is such a rhythm, two days and
more of baseline tell: whether hours of the day differ from each other by more than the days do within an hour, by an
analysis of variance with days and hours as its factors (Fisher 1925). A single burst is in no two days and makes none.
Of a single day no more can be told than whether it goes up and down in a wave.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from driftreview.domain.noise import Floats
from driftreview.domain.tails import f_sf

_HOURS: Final = 24
_FEWEST_DAYS: Final = 2
"""Of baseline, to tell a rhythm."""
_SURELY_DAILY: Final = 0.001
"""Probability at most of finding a rhythm where there is none."""
_SURELY_WAVING: Final = 0.01
"""The same of a wave over one day."""


@dataclass(frozen=True)
class Usual:
    """What a window is compared with."""

    expected: float
    """Events in the window."""
    exposure: float
    """Windows that the expected number was counted in: its variance is that of independent events over these."""
    calm: Floats
    """(before,): the baseline without what comes daily, its mean as it was; NaN where there is no block."""
    weights: Floats
    """(before, gap and window,): the difference of both rates as a weighted sum of blocks."""
    waves: Floats
    """Frequencies, in cycles per block, of waves that were taken out of the baseline."""
    is_told: bool
    """Whether it could be told if there is a rhythm."""
    is_daily: bool
    """Whether there is one."""


def usual_of(now: Floats, before: Floats, gap: int, hours_per_block: float) -> Usual:
    """Of a window.

    Args:
        now: events in each of its blocks, NaN where there is none.
        before: the same of the baseline, which has events or blocks without any.
        gap: blocks between them.
        hours_per_block: of either.
    """
    is_now, is_before = np.isfinite(now), np.isfinite(before)
    here = is_now / is_now.sum()
    per_day = round(_HOURS / hours_per_block)
    of_day = np.arange(-gap - len(before), len(now)) % per_day
    then, there = of_day[: len(before)], of_day[gap + len(before) :]
    known = np.bincount(then[is_before], minlength=per_day)
    needed = np.bincount(there[is_now], minlength=per_day)
    if per_day <= len(before) < _FEWEST_DAYS * per_day and 2 * is_before.sum() >= len(before):
        waving = _waving(now, before, gap, per_day)
        if waving is not None:
            return waving
    hourly = _hourly(before, per_day)
    is_told = hourly is not None and bool((known[needed > 0] >= _FEWEST_DAYS).all())
    if hourly is None or not is_told or not _is_rhythm(hourly, per_day // _HOURS):
        mean = float(before[is_before].mean())
        weights = np.concatenate([is_before / -is_before.sum(), np.zeros(gap), here])
        return Usual(
            expected=mean * float(is_now.sum()),
            exposure=float(is_before.sum() / is_now.sum()),
            calm=before,
            weights=weights,
            waves=np.zeros(0),
            is_told=is_told,
            is_daily=False,
        )
    mean = float(before[is_before].mean())
    profile = np.bincount(then[is_before], before[is_before], per_day) / np.maximum(known, 1)
    share = needed / np.maximum(known, 1)
    expected, variance = float(needed @ profile), float((needed * share) @ profile)
    calm = (before - profile[then]) * np.sqrt(known / np.maximum(known - 1, 1))[then] + mean
    return Usual(
        expected=expected,
        exposure=expected / variance if variance > 0 else float(known[needed > 0].sum() / is_now.sum()),
        calm=calm,
        weights=np.concatenate([-(is_before * share[then]) / is_now.sum(), np.zeros(gap), here]),
        waves=np.zeros(0),
        is_told=True,
        is_daily=True,
    )


def _waving(now: Floats, before: Floats, gap: int, per_day: int) -> Usual | None:
    """Of a baseline of one day that goes up and down: that may be what comes daily, or noise that is slow."""
    at = 2 * np.pi * np.arange(-len(before), gap + len(now)) / per_day
    is_now, is_before = np.isfinite(now), np.isfinite(before)
    wave = np.stack([np.ones(len(at)), np.sin(at), np.cos(at)], axis=1)
    of_day, of_now, row = wave[: len(before)][is_before], wave[gap + len(before) :][is_now], before[is_before]
    solver = np.linalg.pinv(of_day)
    fitted, mean, number = of_day @ (solver @ row), float(row.mean()), len(of_now)
    left, freedom = row - fitted, len(row) - wave.shape[1]
    noise = max(float(left @ left) / freedom, mean)
    gained = float((fitted - mean) @ (fitted - mean)) / (wave.shape[1] - 1)
    if noise <= 0 or f_sf(gained / noise, wave.shape[1] - 1, freedom) > _SURELY_WAVING:
        return None
    share = of_now.sum(0) @ solver
    expected, variance = max(float(share @ row), 0.0), float((share * share) @ np.maximum(fitted, 0.0))
    calm, weights = np.full(len(before), np.nan), np.zeros(len(at))
    calm[is_before] = left + mean
    weights[: len(before)][is_before] = -share / number
    weights[gap + len(before) :] = is_now / number
    return Usual(
        expected=expected,
        exposure=expected / variance if min(variance, expected) > 0 else len(row) / number,
        calm=calm,
        weights=weights,
        waves=np.array([1 / per_day]),
        is_told=False,
        is_daily=False,
    )


def _hourly(before: Floats, per_day: int) -> Floats | None:
    """Mean of a block in each hour of whole days, (days, hours); None without two days of something in every hour."""
    days = len(before) // per_day
    if days < _FEWEST_DAYS or per_day % _HOURS:
        return None
    blocks = before[len(before) - days * per_day :].reshape(days, _HOURS, -1)
    present = np.isfinite(blocks)
    if not present.any(-1).all():
        return None
    found: Floats = np.where(present, blocks, 0.0).sum(-1) / present.sum(-1)
    return found


def _is_rhythm(hourly: Floats, blocks: int) -> bool:
    """Whether the hours of the day, of so many blocks, surely differ: by more than independent events would, too."""
    days = len(hourly)
    of_hours, of_days, mean = hourly.mean(0), hourly.mean(1, keepdims=True), float(hourly.mean())
    between = days * float(((of_hours - mean) ** 2).mean()) * _HOURS / (_HOURS - 1)
    freedom = (_HOURS - 1) * (days - 1)
    left = max(float(((hourly - of_hours - of_days + mean) ** 2).sum()) / freedom, mean / blocks)
    return left > 0 and f_sf(between / left, _HOURS - 1, freedom) < _SURELY_DAILY

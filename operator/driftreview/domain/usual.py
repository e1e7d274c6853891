"""How many events a window is used to have: at the rate of its baseline, or of the same hours of the days before.

A nightly job, or errors that follow the traffic of the day, are no news. Whether there is such a rhythm, two days and
more of baseline tell: whether hours of the day differ from each other by more than the days do within an hour, by an
analysis of variance with days and hours as its factors (Fisher 1925). A single burst is in no two days and makes none.
Of a single day no more can be told than whether it goes up and down in a wave. That days of the week differ, two weeks
tell in the same way, with weeks and days as its factors; one week cannot be told from slow noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftreview.domain.noise import Bools, Floats
from driftreview.domain.tails import f_sf

_HOURS: Final = 24
_FEWEST: Final = 2
"""Days, or weeks, of baseline, to tell a rhythm."""
_WEEK: Final = 7
"""Days."""
_SURELY: Final = 0.001
"""Probability at most of finding a rhythm where there is none."""
_SURELY_WAVING: Final = 0.01
"""The same of a wave over one day."""


@dataclass(frozen=True)
class Usual:
    """What a window is compared with."""

    expected: float
    """Events in the window."""
    blocks: Floats
    """(now,): events expected in each block of the window, NaN where there is none."""
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
    is_weekly: bool = False
    """Whether it is one of the week."""


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
    at = np.arange(-gap - len(before), len(now))
    is_weekly = _is_weekly(before, per_day) and _is_known(at % (_WEEK * per_day), is_before, is_now)
    period = per_day * (_WEEK if is_weekly else 1)
    then, there = (at % period)[: len(before)], (at % period)[gap + len(before) :]
    known = np.bincount(then[is_before], minlength=period)
    needed = np.bincount(there[is_now], minlength=period)
    if per_day <= len(before) < _FEWEST * per_day and 2 * is_before.sum() >= len(before):
        waving = _waving(now, before, gap, per_day)
        if waving is not None:
            return waving
    hourly = _hourly(before, per_day)
    is_told = hourly is not None and _is_known(at % period, is_before, is_now)
    if hourly is None or not is_told or not (is_weekly or _is_rhythm(hourly, per_day // _HOURS)):
        mean = float(before[is_before].mean())
        weights = np.concatenate([is_before / -is_before.sum(), np.zeros(gap), here])
        return Usual(
            expected=mean * float(is_now.sum()),
            blocks=np.where(is_now, mean, np.nan),
            exposure=float(is_before.sum() / is_now.sum()),
            calm=before,
            weights=weights,
            waves=np.zeros(0),
            is_told=is_told,
            is_daily=False,
        )
    mean = float(before[is_before].mean())
    profile = np.bincount(then[is_before], before[is_before], period) / np.maximum(known, 1)
    share = needed / np.maximum(known, 1)
    expected, variance = float(needed @ profile), float((needed * share) @ profile)
    calm = (before - profile[then]) * np.sqrt(known / np.maximum(known - 1, 1))[then] + mean
    return Usual(
        expected=expected,
        blocks=np.where(is_now, profile[there], np.nan),
        exposure=expected / variance if variance > 0 else float(known[needed > 0].sum() / is_now.sum()),
        calm=calm,
        weights=np.concatenate([-(is_before * share[then]) / is_now.sum(), np.zeros(gap), here]),
        waves=np.zeros(0),
        is_told=True,
        is_daily=True,
        is_weekly=is_weekly,
    )


def _is_known(slots: NDArray[np.int_], is_before: Bools, is_now: Bools) -> bool:
    """Whether the baseline has every slot of the day, or of the week, that the window needs, twice and more."""
    known = np.bincount(slots[: len(is_before)][is_before], minlength=int(slots.max()) + 1)
    return bool((known[slots[len(slots) - len(is_now) :][is_now]] >= _FEWEST).all())


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
        blocks=np.where(is_now, np.maximum(wave[gap + len(before) :] @ (solver @ row), 0.0), np.nan),
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
    if days < _FEWEST or per_day % _HOURS:
        return None
    blocks = before[len(before) - days * per_day :].reshape(days, _HOURS, -1)
    present = np.isfinite(blocks)
    if not present.any(-1).all():
        return None
    found: Floats = np.where(present, blocks, 0.0).sum(-1) / present.sum(-1)
    return found


def _is_weekly(before: Floats, per_day: int) -> bool:
    """Whether the days of the week surely differ, by whole weeks with something in every hour."""
    weeks = len(before) // (_WEEK * per_day)
    if weeks < _FEWEST:
        return False
    hourly = _hourly(before[len(before) - weeks * _WEEK * per_day :], per_day)
    return hourly is not None and _is_rhythm(hourly.mean(1).reshape(weeks, _WEEK), per_day)


def _is_rhythm(means: Floats, blocks: int) -> bool:
    """Whether columns (hours of the day, days of the week), of so many blocks in each row, surely differ.

    By more than independent events would, too.
    """
    rows, columns = means.shape
    of_columns, of_rows, mean = means.mean(0), means.mean(1, keepdims=True), float(means.mean())
    between = rows * float(((of_columns - mean) ** 2).mean()) * columns / (columns - 1)
    freedom = (columns - 1) * (rows - 1)
    left = max(float(((means - of_columns - of_rows + mean) ** 2).sum()) / freedom, mean / blocks)
    return left > 0 and f_sf(between / left, columns - 1, freedom) < _SURELY

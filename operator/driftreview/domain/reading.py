"""How a verdict on a level is to be read: what would change it, how likely chance is, what it rests on, a forecast."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import timedelta
from statistics import fmean
from typing import Final

import numpy as np

from driftreview.api.reasons import SignalVerdict
from driftreview.domain.display import quantity, small_percent
from driftreview.domain.family import Bound, Sure
from driftreview.domain.measured import AFFIRMED, Grid, Measured, compared_in
from driftreview.domain.noise import Floats
from driftreview.domain.regression import RESOLUTION
from driftreview.domain.slopes import slopes

_POINTS: Final = 48
"""At most, that a trend is told from: a coarse look at the window, and a quick one."""
_SLACK: Final = 2.0
"""How much steeper than from one half of the window to the other a trend may be: most series need no closer look."""
_OPEN: Final = (SignalVerdict.STABLE, SignalVerdict.ACCEPTABLE, SignalVerdict.INCONCLUSIVE, SignalVerdict.SUSPECT)


def against_baseline(each: Measured, verdict: SignalVerdict, sure: Sure, grid: Grid) -> Iterator[str]:
    """The parts of the sentence on a series and its margin that come after interval and margin."""
    if each.margin is None or each.case.signal.margin is None:
        return
    shown = compared_in(each.case.signal.margin)
    noise = each.reach(AFFIRMED) * each.error
    ends = (_good_up_to(each, each.margin), _degraded_from(each, each.margin, sure), noise)
    good, bad, alone = (shown(each.expected, each.at(step), each.case.signal.unit) for step in ends)
    if verdict is SignalVerdict.DEGRADED and Bound.MARGIN not in sure.beyond:
        since = shown(each.expected, each.at(each.fresh), each.case.signal.unit)
        yield f"Suspect at the look before too, and {since} since then"
        return
    if noise > each.margin + RESOLUTION:
        is_open = verdict is SignalVerdict.INCONCLUSIVE and each.step + noise > each.margin + RESOLUTION
        ways_out = _ways_out(each, grid) if is_open else ""
        yield f"the noise alone ({alone.lstrip('+-')}) is too much to call even no change good{ways_out}"
    yield f"good up to {good}, Degraded from {bad}"
    chance = each.worse_than(each.margin) if each.step > each.margin + RESOLUTION else None
    yield from _ground(each, verdict, chance, sure.allowed, grid)


def _good_up_to(each: Measured, margin: float) -> float:
    """The largest step that would be good, by every level of the baseline that may be the right one."""
    reach = each.reach(AFFIRMED)
    levels = [(each.step, each.error), (each.step + each.early, each.error), *(each.late.steps * each.late.is_sure)]
    return min(margin - reach * error - (worse - each.step) for worse, error in levels)


def _degraded_from(each: Measured, margin: float, sure: Sure) -> float:
    """The least that would be, by every level that was under way, and unlike the baseline."""
    reach = each.reach(sure.allowed)
    surely = max(margin + reach * error + each.step - worse for worse, error in each.late.steps)
    return surely if surely > each.unlike + margin / 2 else max(surely, each.least_unlike)


def against_alert(each: Measured, verdict: SignalVerdict, sure: Sure, grid: Grid) -> Iterator[str]:
    """The same of its alert limit."""
    if each.alert is None:
        return
    ends = (
        each.alert - each.reach(AFFIRMED) * each.level_error,
        each.alert + each.reach(sure.allowed) * each.level_error,
    )
    good, bad = (quantity(each.scale.back(end), each.case.signal.unit) for end in ends)
    yield f"good up to {good}, Degraded from {bad}"
    chance = each.higher_than(each.alert) if each.level > each.alert + RESOLUTION else None
    yield from _ground(each, verdict, chance, sure.allowed, grid)


def _ways_out(each: Measured, grid: Grid) -> str:
    """What makes noise smaller, or let through: a longer baseline does not, where an incident is what made it large."""
    block, blocks = timedelta(hours=grid.hours_per_block), len(each.past.blocks)
    when = " and ".join(incident.when(blocks, block) for incident in each.past.incidents)
    baseline = f"a baseline without what was far off {when}" if when else "a longer baseline"
    ways = ["a wider margin", "a later look", baseline, *([] if each.case.covariate else ["a covariate"])]
    return f": {', '.join(ways[:-1])} or {ways[-1]} would help"


def _ground(each: Measured, verdict: SignalVerdict, chance: float | None, allowed: float, grid: Grid) -> Iterator[str]:
    if chance is not None:
        yield f"by chance {small_percent(chance)}, allowed {small_percent(allowed)}"
    if worth := _worth(each):
        there, all_of_them = len(each.case.now.present), len(each.case.now.blocks)
        yield f"{there}{f' of {all_of_them}' if there < all_of_them else ''} blocks worth {worth:.0f}"
    if verdict in _OPEN and (said := forecast(each, grid)):
        yield said


def _worth(each: Measured) -> float:
    """How many independent blocks would tell the level of the window as well as its blocks do; 0 without any noise.

    Of the same noise: what grows or jumps in the window spreads its values, and makes them worth no more.
    """
    if each.block_error <= RESOLUTION:
        return 0.0
    return min(max((each.block_error / each.level_error) ** 2, 1.0), len(each.case.now.present))


def _means(blocks: Floats, stride: int) -> list[float | None]:
    """Of every so many blocks; None where there are none."""
    known, first = np.isfinite(blocks), np.arange(0, len(blocks), stride)
    counts, sums = (np.add.reduceat(each, first).tolist() for each in (known.astype(int), np.where(known, blocks, 0.0)))
    return [total / count if count else None for total, count in zip(sums, counts, strict=True)]


def _mean(points: Sequence[float | None]) -> float:
    known = [point for point in points if point is not None]
    return fmean(known) if known else math.nan


def forecast(each: Measured, grid: Grid) -> str:
    """When a series that surely gets worse (5%) goes beyond its limit or margin, and that before the window closes."""
    bound = each.alert if each.alert is not None else each.margin and each.level - each.step + each.margin
    left = grid.closes - grid.since - len(each.since) * grid.hours_per_block
    if bound is None or left <= 0 or each.level > bound:
        return ""
    stride = -(-len(each.since) // _POINTS)
    points = _means(each.since, stride)
    early, late = (_mean(part) for part in (points[: len(points) // 2], points[len(points) // 2 :]))
    halves = len(each.since) * grid.hours_per_block / 2
    if each.level + _SLACK * (late - early) * (left / halves + 1) < bound:
        return ""
    trend = slopes(points, (), stride * grid.hours_per_block)
    ends = trend.interval(AFFIRMED) if trend else None
    if trend is None or ends is None or ends[0] <= 0:
        return ""
    hours = grid.since + trend.reaches(bound)
    if not grid.since + len(each.since) * grid.hours_per_block < hours <= grid.closes:
        return ""
    return f"by its trend {quantity(each.scale.back(bound), each.case.signal.unit)} at T0+{hours:.0f}h"

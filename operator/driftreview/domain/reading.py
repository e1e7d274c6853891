"""How a verdict on a level is to be read: what would change it, how likely chance is, what it rests on, a forecast."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import numpy as np

from driftreview.api.values import format_duration
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.course import stride_of
from driftreview.domain.display import by_chance, quantity
from driftreview.domain.family import Bound, Sure
from driftreview.domain.finding import FEWEST_BLOCKS, GOOD, Finding
from driftreview.domain.margins import compared_in
from driftreview.domain.measured import AFFIRMED, Grid, Measured
from driftreview.domain.regression import RESOLUTION
from driftreview.domain.slopes import may_rise, slopes
from driftreview.domain.statistics import mean
from driftreview.domain.stretch import Excess, worst

_SLACK: Final = 2.0
"""How much steeper than from one half of the window to the other a trend may be: most series need no closer look."""
_NEVER: Final = 100.0
"""Times the larger of margin and what is expected: what must be as far off to be told is as good as never told."""
_UNDECIDED: Final = (SignalVerdict.INCONCLUSIVE, SignalVerdict.SUSPECT)
_OPEN: Final = (SignalVerdict.STABLE, SignalVerdict.ACCEPTABLE, SignalVerdict.INCONCLUSIVE, SignalVerdict.SUSPECT)


def against_baseline(each: Measured, finding: Finding, sure: Sure, grid: Grid) -> Iterator[str]:
    """The parts of the sentence on a series and its margin that come after interval and margin."""
    if each.margin is None or each.case.signal.margin is None:
        return
    verdict, stretch = finding.verdict, worst(each)
    if stretch is not None and (part := stretch.told(each.case.signal.unit, grid)) not in finding.message:
        before = compared_in(each.case.signal.margin)(each.expected, each.at(each.unlike_ending), each.case.signal.unit)
        usual = format_duration(timedelta(hours=FEWEST_BLOCKS * grid.hours_per_block))
        yield f"at worst {part}, in {usual} of the baseline {before} at most"
    shown = compared_in(each.case.signal.margin)
    if (stretch is not None or each.outlying) and (plain := _plain_mean(each)) is not None:
        delta = shown(each.expected, plain, each.case.signal.unit)
        if delta != finding.delta and "count in full" not in finding.message:
            yield f"its plain mean is {quantity(plain, each.case.signal.unit)}, {delta}"
    allowed = sure.allowed[Bound.MARGIN]
    noise = each.reach(AFFIRMED) * each.error
    good, bad = _good_up_to(each, each.margin), _degraded_from(each, each.margin, allowed)
    if verdict is SignalVerdict.DEGRADED and Bound.MARGIN not in sure.beyond:
        since = shown(each.expected, each.at(each.fresh), each.case.signal.unit)
        yield f"surely worse at the look before too, and {since} since then"
        return
    is_of_two_things = stretch is not None and stretch.is_rare  # so that no noise or chance is what it is
    if noise > each.margin + RESOLUTION and verdict in _UNDECIDED and not is_of_two_things:
        is_open = verdict is SignalVerdict.INCONCLUSIVE and each.step + noise > each.margin + RESOLUTION
        ways_out = _ways_out(each, grid) if is_open else ""
        alone = shown(each.expected, each.at(noise), each.case.signal.unit).lstrip("+-")
        yield f"the noise alone ({alone}) is too much to call even no change good{ways_out}"
    if verdict in GOOD:
        good = max(good, each.step)  # within the resolution of evidence
    told = [
        f"{what} {shown(each.expected, each.at(step), each.case.signal.unit)}"
        for what, step in (("good up to", good), ("Degraded from", bad))
        if _is_conceivable(each, each.margin, step)
    ]
    if told:
        yield ", ".join(told)
    is_of_one = verdict is not SignalVerdict.INCONCLUSIVE or not is_of_two_things
    is_by_chance = each.step > each.margin + RESOLUTION and is_of_one
    chance = each.worse_than(each.margin) if is_by_chance else None
    yield from _ground(each, verdict, chance, allowed, grid)


def _plain_mean(each: Measured) -> float | None:
    """The mean of its blocks in the signal's unit, in which each counts as it is, without what repeats; None if none.

    What it is judged by is the mean of logarithms where a margin is a share, in which an outage counts for far more
    than it is, and one in which an outlier counts for less.
    """
    blocks = Excess.of(each).there.tolist()
    return mean([each.at(block) for block in blocks]) if blocks else None


def _good_up_to(each: Measured, margin: float) -> float:
    """The largest step that would be good, by every level of the baseline that may be the right one."""
    reach = each.reach(AFFIRMED)
    levels = [(each.step, each.error), (each.step + each.early, each.error)]
    levels += each.late.steps if each.late.is_sure else ()
    return min(margin - reach * error - (worse - each.step) for worse, error in levels)


def _degraded_from(each: Measured, margin: float, allowed: float) -> float:
    """The least that would be, by every level that was under way, and unlike the baseline."""
    reach = each.reach(allowed / each.sides)
    surely = max(margin + reach * error + each.step - worse for worse, error in each.late.steps)
    return surely if surely > each.unlike + margin / 2 else max(surely, each.least_unlike)


def against_alert(each: Measured, verdict: SignalVerdict, sure: Sure, grid: Grid) -> Iterator[str]:
    """The same of its alert limit."""
    if each.alert is None:
        return
    allowed = sure.allowed[Bound.ALERT]
    reach = each.reach(allowed)
    ends = (
        each.alert - each.reach(AFFIRMED) * each.level_error,
        max(bound + reach * error for bound, error in each.bounds),
    )
    good, bad = (quantity(each.scale.back(end), each.case.signal.unit) for end in ends)
    yield f"good up to {good}, Degraded from {bad}"
    is_beyond_all = each.level > max(bound for bound, _ in each.bounds) + RESOLUTION
    chance = each.beyond_alert if is_beyond_all else None
    yield from _ground(each, verdict, chance, allowed, grid)


def _is_conceivable(each: Measured, margin: float, step: float) -> bool:
    """Whether such a step says anything: there are floats for it, and it is not as good as never reached.

    What never was below zero will not be, and nothing is a hundred times as far off as what is compared.
    """
    value, sides = each.at(step), [side for side in (each.case.before, each.case.now) if side is not None]
    if abs(value) >= sys.float_info.max or (value < 0 and all(min(side.present) >= 0 for side in sides)):
        return False
    if each.scale.log:
        return abs(step) <= margin + math.log(_NEVER)
    return abs(step) <= _NEVER * max(margin, abs(each.expected) / each.scale.unit)


def _ways_out(each: Measured, grid: Grid) -> str:
    """What makes noise smaller, or let through: a longer baseline does not, where an incident is what made it large."""
    if each.is_own:
        return ": it is noisier than its baseline, and only a wider margin or a later look would help"
    block, blocks = timedelta(hours=grid.hours_per_block), len(each.past.blocks)
    when = " and ".join(incident.when(blocks, block) for incident in each.past.incidents)
    baseline = f"a baseline without what was far off {when}" if when else "a longer baseline"
    ways = ["a wider margin", "a later look", baseline, *([] if each.case.covariate else ["a covariate"])]
    return f": {', '.join(ways[:-1])} or {ways[-1]} would help"


def _ground(each: Measured, verdict: SignalVerdict, chance: float | None, allowed: float, grid: Grid) -> Iterator[str]:
    if chance is not None:
        yield by_chance(chance, allowed)
    if worth := _worth(each):
        there, all_of_them = len(each.case.now.present), len(each.case.now.blocks)
        yield f"{there}{f' of {all_of_them}' if there < all_of_them else ''} blocks worth {worth:.0f}"
    if off := each.outlying:
        whole, part = (
            quantity(each.scale.back(each.scale.sign * value), each.case.signal.unit)
            for value in (off.found, off.counted)
        )
        at = format_duration(timedelta(hours=grid.since + off.block * grid.hours_per_block))
        yield f"its block at T0+{at}, {whole}, counts as {part}"
    if verdict in _OPEN and (said := forecast(each, grid)):
        yield said


def _worth(each: Measured) -> float:
    """How many independent blocks would tell the level of the window as well as its blocks do; 0 without any noise.

    Of the same noise: what grows or jumps in the window spreads its values, and makes them worth no more.
    """
    if each.block_error <= RESOLUTION:
        return 0.0
    return min(max((each.block_error / each.level_error) ** 2, 1.0), len(each.case.now.present))


def forecast(each: Measured, grid: Grid) -> str:
    """When a series that surely gets worse (5%) goes beyond its limit or margin, and that before the window closes.

    As surely as the noise of window and baseline lets be told: what a fitted day leaves of a morning is no trend.
    """
    bound = each.alert if each.alert is not None else each.margin and each.level - each.step + each.margin
    left = grid.closes - grid.since - len(each.since) * grid.hours_per_block
    if bound is None or left <= 0 or each.level > bound:
        return ""
    halves = len(each.since) * grid.hours_per_block / 2
    if each.level + _SLACK * each.course.rise * (left / halves + 1) < bound:
        return ""
    points = each.course.points
    known = int(np.isfinite(points).sum())
    remembered = known / min(_worth(each) or known, known)
    if not may_rise(points, AFFIRMED, remembered):
        return ""
    trend = slopes(points.tolist(), (), stride_of(len(each.since)) * grid.hours_per_block, remembered=remembered)
    ends = trend.interval(AFFIRMED) if trend else None
    if trend is None or ends is None or ends[0] <= 0:
        return ""
    hours = grid.since + trend.reaches(bound)
    if not grid.since + len(each.since) * grid.hours_per_block < hours <= grid.closes:
        return ""
    return f"by its trend {quantity(each.scale.back(bound), each.case.signal.unit)} at T0+{hours:.0f}h"

"""Why a level that its mean calls good is not: it got worse at the end, a part is far worse, or its baseline moved.

A mean over 48 hours forgives eight bad ones at their end, and a mean of logarithms an outage; and what began badly, and
is good by now, need not be rolled back at once. These doubts only ever hold a verdict back: they make nothing Degraded
and nothing good.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Final

import numpy as np

from driftreview.api.reasons import Reason
from driftreview.api.values import format_duration
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.display import quantity
from driftreview.domain.family import Sure
from driftreview.domain.finding import FEWEST_BLOCKS, GOOD
from driftreview.domain.margins import compared_in
from driftreview.domain.measured import AFFIRMED, Grid, Measured
from driftreview.domain.noise import Floats
from driftreview.domain.recent import FEWEST_AT_LAST
from driftreview.domain.regression import RESOLUTION
from driftreview.domain.stretch import Excess
from driftreview.domain.tails import student_sf

Doubt = tuple[SignalVerdict, Reason | None, str]
"""What is said instead, and why."""
_SURELY_BETTER: Final = 0.01
"""Probability at most of taking a steady window for one that is getting better."""
_IN_ITS_LAST: Final = "in its last block: it may have healed"
_MAY_BE_WORSE: Final = (*GOOD, SignalVerdict.INCONCLUSIVE)
"""What is less than Suspect."""


def about_baseline(each: Measured, verdict: SignalVerdict, sure: Sure, grid: Grid) -> Doubt | None:
    """Of a verdict on a series and its margin."""
    if each.margin is None or each.case.signal.margin is None:
        return None
    shown = compared_in(each.case.signal.margin)
    expected = each.level - each.step + each.above
    is_within = each.recent.level - expected <= each.margin / 2
    error = math.hypot(each.recent.step_error, each.above_error)
    if verdict is SignalVerdict.DEGRADED and (is_within or _healed(each, expected + each.margin, error)):
        last = shown(each.expected, each.scale.back(each.recent.level), each.case.signal.unit)
        return SignalVerdict.SUSPECT, None, f"but {last} {_in_the_last_third(each)}"
    if verdict is SignalVerdict.DEGRADED and (now := _back(each, Excess.of(each), each.margin / 2)) is not None:
        return SignalVerdict.SUSPECT, None, f"but {shown(each.expected, now, each.case.signal.unit)} {_IN_ITS_LAST}"
    if verdict not in _MAY_BE_WORSE:
        return None
    for side in _sides(each):
        if (said := _of_the_end(side, verdict, sure, grid)) is not None:
            return SignalVerdict.SUSPECT, None, said
    if verdict in GOOD:
        return _of_good(each, grid)
    if each.late.size:
        return SignalVerdict.INCONCLUSIVE, Reason.UNRESOLVED, _moved_late(each)
    return None


def _of_good(each: Measured, grid: Grid) -> Doubt | None:
    """Why what is good on the whole may not be."""
    said = next(filter(None, map(_of_its_baseline, _sides(each))), "") or each.case.standing
    said = said or next(filter(None, (_of_a_part(side, grid) for side in _sides(each))), "")
    return (SignalVerdict.INCONCLUSIVE, Reason.UNRESOLVED, said) if said else None


def _of_its_baseline(each: Measured) -> str:
    """That it is open which level to compare with, and matters."""
    margin, reach = each.margin or 0.0, each.reach(AFFIRMED)
    if each.late.is_sure and any(step + reach * error > margin for step, error in each.late.steps):
        return _moved_late(each)
    if each.early and each.step + each.early + reach * each.error > margin:
        return _moved(each, each.early, "after its first days, which may have been a weekend as this window may be")
    return ""


def _of_a_part(each: Measured, grid: Grid) -> str:
    """That a part is so bad that only logarithms let it pass."""
    margin, signal = each.margin or 0.0, each.case.signal
    excess = _excess(each, max(margin / 2, margin + RESOLUTION - each.step))
    if signal.margin is None or not excess:
        return ""
    worse = compared_in(signal.margin)(each.expected, each.at(each.step + excess), signal.unit)
    said = f"but {worse} where its worst blocks count in full: a part is far worse"
    return f"{said}, {Excess.of(each).worst_from(0).told(signal.unit, grid)}"


def _moved(each: Measured, by: float, when: str) -> str:
    direction = "rose" if by * each.scale.sign > 0 else "fell"
    return f"its baseline {direction} {when}, so that it is open which level to compare with"


def _moved_late(each: Measured) -> str:
    """The same of what was under way when it ended, and what the window is by either level."""
    newer, older = (
        compared_in(each.case.signal.margin)(each.scale.back(each.level - step), each.current, each.case.signal.unit)
        for step, _ in each.late.steps
        if each.case.signal.margin
    )
    last = format_duration(timedelta(hours=each.late.hours))
    levels = f"{newer} against its last {last}, {older} against what was before"
    return f"{_moved(each, each.late.size, 'shortly before its end')}: {levels}"


def _healed(each: Measured, bound: float, error: float) -> bool:
    """Whether the last third is surely better than what precedes it, and no longer surely beyond a bound.

    The mean is then of two different things, and that it is bad says little of how it goes on.
    """
    recent = each.recent
    is_mending = student_sf(recent.drop / recent.drop_error, each.freedom) < _SURELY_BETTER
    return is_mending and student_sf((recent.level - bound) / error, each.freedom) >= AFFIRMED


def _back(each: Measured, excess: Excess, tolerated: float) -> float | None:
    """The last block, in the signal's unit, if it is good again and that may be all that an hour can show; else None.

    The last third of an hour is two blocks: of what got better between them a mean tells nothing.
    """
    is_short = each.recent.blocks <= FEWEST_AT_LAST
    return float(excess.row[np.isfinite(excess.row)][-1]) if is_short and excess.back_for(tolerated) else None


def _in_the_last_third(each: Measured) -> str:
    return f"in its last {each.recent.blocks} blocks: it may have healed"


def _sides(each: Measured) -> tuple[Measured, ...]:
    """To which a series may be worse: on the whole it is on one of them, and at its end perhaps on the other."""
    return (each,) if each.mirrored is None else (each, each.mirrored)


def _of_the_end(each: Measured, verdict: SignalVerdict, sure: Sure, grid: Grid) -> str | None:
    """That a series is worse of late, or was and nobody knows that it is over; None if neither.

    The worst part of it is told, unless it is one of many as bad: then it is noise, and what is worse is the mean.
    """
    margin, unit, excess = each.case.signal.margin, each.case.signal.unit, Excess.of(each)
    if margin is None:
        return None
    if (worse := _at_last(each, verdict, sure, grid)) is not None:
        step, first, when = worse
        delta, part = compared_in(margin)(each.expected, each.at(step), unit), excess.worst_from(first)
        said = part.told(unit, grid) if part.is_rare else f"{quantity(each.at(step), unit)} on average"
        return f"but {delta} {when}: {said}"
    last = excess.bad_at_last(each.past.blocks, (each.margin or 0.0) + each.above)
    return None if last is None else f"but {last.told(unit, grid)}"


def _at_last(each: Measured, verdict: SignalVerdict, sure: Sure, grid: Grid) -> tuple[float, int, str] | None:
    """By how much a series is surely worse of late than each level of its baseline tolerates, and from which block.

    A window that is good as a whole must have got worse besides: one that is steadily worse by most of its margin goes
    beyond it by noise, for an hour, time and again.
    """
    most, first = (each.margin or 0.0) + each.above, max(len(each.since) - FEWEST_BLOCKS, 0)
    for step, error, unlike, block, when in (
        (each.ending, each.ending_error, each.unlike_ending, first, f"in its last {FEWEST_BLOCKS} blocks"),
        (each.fresh, each.fresh_error, each.unlike, grid.seen, "since the look before"),
    ):
        is_worse = step > max(most, unlike) + RESOLUTION
        is_sure = each.by_chance(step - each.above, math.hypot(error, each.above_error)) < sure.share
        if is_worse and is_sure and (verdict not in GOOD or _has_got_worse(each, step, error, block)):
            return step, block, when
    return None


def _has_got_worse(each: Measured, step: float, error: float, block: int) -> bool:
    """Whether the blocks from one on are likely (5%) worse than the median of those before it.

    The median is not moved by what began hours before.
    """
    earlier = each.since[:block][np.isfinite(each.since[:block])]
    before = float(np.median(earlier)) - (each.level - each.step) if earlier.size else 0.0
    return each.by_chance(step - before, error) < AFFIRMED


def about_alert(each: Measured, verdict: SignalVerdict, grid: Grid) -> Doubt | None:
    """Of a verdict on a series and its alert limit."""
    if each.alert is None:
        return None
    if verdict is SignalVerdict.DEGRADED and _healed(each, each.alert, each.recent.level_error):
        last = quantity(each.scale.back(each.recent.level), each.case.signal.unit)
        return SignalVerdict.SUSPECT, None, f"but {last} {_in_the_last_third(each)}"
    row = each.case.now.row
    excess = Excess(each.scale.sign * each.scale.of(row) - each.alert, row, 0.0)
    if verdict is SignalVerdict.DEGRADED and (now := _back(each, excess, 0.0)) is not None:
        return SignalVerdict.SUSPECT, None, f"but {quantity(now, each.case.signal.unit)} {_IN_ITS_LAST}"
    if verdict not in _MAY_BE_WORSE:
        return None
    if (said := _beyond_its_alert(each, each.alert, excess, grid)) is not None:
        return SignalVerdict.SUSPECT, None, said
    if verdict in GOOD and each.case.standing:
        return SignalVerdict.INCONCLUSIVE, Reason.UNRESOLVED, each.case.standing
    return None


def _beyond_its_alert(each: Measured, alert: float, excess: Excess, grid: Grid) -> str | None:
    """That a part is beyond a limit, so far that the whole is, or still; None if none is."""
    unit, off = each.case.signal.unit, excess.blocks
    there = np.flatnonzero(np.isfinite(off))
    for part, where in (
        (there, "where its worst blocks count in full"),
        (there[-FEWEST_BLOCKS:], "in its last blocks"),
    ):
        level = alert + _in_full(off[part], is_log=each.scale.log) if part.size else alert
        if level > alert + RESOLUTION:
            told = excess.worst_from(int(part[0])).told(unit, grid)
            return f"but {quantity(each.scale.back(level), unit)} {where}: {told}"
    before = each.scale.of_all(each.case.before) - alert if each.case.before else off[:0]
    last = excess.bad_at_last(before)
    return None if last is None else f"but {last.told(unit, grid)}"


def _excess(each: Measured, what_matters: float) -> float:
    """By how much worse than in the baseline the mean is in which bad blocks count in full.

    Not by their logarithms, and also the one that is far off. Zero where that is not more than what matters. In a
    baseline it is never below zero, so that most windows tell it without one.
    """
    found = each.scale.sign * each.outlying.cut if each.outlying else 0.0
    if each.scale.log and each.case.before is not None:
        if found + _by_the_worst_at_most(each) <= what_matters:
            return 0.0
        found += _by_the_worst(each.scale.of_all(each.case.now))
        if found > what_matters:
            found -= _by_the_worst(each.scale.of_all(each.case.before))
    return found if found > what_matters else 0.0


def _by_the_worst_at_most(each: Measured) -> float:
    """What `_by_the_worst` of a window cannot be more than, by Hoeffding's lemma: the range tells it quickly."""
    present = each.case.now.present
    spread = each.scale.to(max(present)) - each.scale.to(min(present))
    return spread * spread / 8


def _by_the_worst(logarithms: Floats) -> float:
    """By how much worse a mean is in which bad blocks count in full."""
    return _in_full(logarithms, is_log=True) - float(logarithms.mean())


def _in_full(levels: Floats, *, is_log: bool) -> float:
    """The mean in which bad blocks count in full: the plain one of values, or the harmonic one where down is worse."""
    if not is_log:
        return float(levels.mean())
    worst = float(levels.max())
    return worst + math.log(float(np.exp(levels - worst).mean()))

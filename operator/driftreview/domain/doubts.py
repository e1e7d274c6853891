"""Why a level that its mean calls good is not: it got worse at the end, a part is far worse, or its baseline moved.

A mean over 48 hours forgives eight bad ones at their end, and a mean of logarithms an outage; and what began badly, and
is good by now, need not be rolled back at once. These doubts only ever hold a verdict back: they make nothing Degraded
and nothing good.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from typing import Final

import numpy as np

from driftreview.api.reasons import Reason, SignalVerdict
from driftreview.api.signal import Worse
from driftreview.api.values import format_duration
from driftreview.domain.display import quantity
from driftreview.domain.family import Sure
from driftreview.domain.finding import FEWEST_BLOCKS
from driftreview.domain.measured import AFFIRMED, Measured, compared_in
from driftreview.domain.noise import Floats
from driftreview.domain.regression import RESOLUTION

Doubt = tuple[SignalVerdict, Reason | None, str]
"""What is said instead, and why."""
_AT_LAST: Final = 1 / 3
"""Of the window: what is worse on the whole, and good by then, is not what is decided on."""
_BY_ACCIDENT: Final = 2
"""Blocks running that may have one value in a series that varies."""
_GOOD: Final = (SignalVerdict.STABLE, SignalVerdict.ACCEPTABLE, SignalVerdict.IMPROVED)
_MAY_BE_WORSE: Final = (*_GOOD, SignalVerdict.INCONCLUSIVE)
"""What is less than Suspect."""


def about_baseline(each: Measured, verdict: SignalVerdict, sure: Sure) -> Doubt | None:
    """Of a verdict on a series and its margin."""
    if each.margin is None or each.case.signal.margin is None:
        return None
    shown = compared_in(each.case.signal.margin)
    if verdict is SignalVerdict.DEGRADED and (healed := _healed(each, each.margin)):
        count, step = healed
        last = shown(each.expected, each.at(step), each.case.signal.unit)
        return SignalVerdict.SUSPECT, None, f"but {last} in its last {count} blocks: it may have healed"
    if verdict not in _MAY_BE_WORSE:
        return None
    worse_at_last = _at_last(each, each.margin, sure)
    if worse_at_last is not None:
        step, when = worse_at_last
        said = f"but {shown(each.expected, each.at(step), each.case.signal.unit)} {when}"
        return SignalVerdict.SUSPECT, None, said
    if verdict in _GOOD:
        return _of_good(each, each.margin)
    if each.late.size:
        return SignalVerdict.INCONCLUSIVE, Reason.UNRESOLVED, _moved_late(each)
    return None


def _of_good(each: Measured, margin: float) -> Doubt | None:
    """Why what is good on the whole may not be."""
    reach, said = each.reach(AFFIRMED) * each.error, ""
    if each.late.is_sure and any(_at_most(each, *level) > margin for level in each.late.steps):
        said = _moved_late(each)
    elif each.early and each.step + each.early + reach > margin:
        said = _moved(each, each.early, "after its first days, which may have been a weekend as this window may be")
    elif stuck := _stuck(each):
        said = f"but its last {stuck} blocks are all the same, as none were in the baseline: is it still measured?"
    elif (excess := _excess(each, max(margin / 2, margin + RESOLUTION - each.step))) and each.case.signal.margin:
        worse = compared_in(each.case.signal.margin)(each.expected, each.at(each.step + excess), each.case.signal.unit)
        said = f"but {worse} where its worst blocks count in full: a part is far worse"
    return (SignalVerdict.INCONCLUSIVE, Reason.UNRESOLVED, said) if said else None


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


def _at_most(each: Measured, step: float, error: float) -> float:
    """How much worse it may be."""
    worse = abs(step) if each.case.signal.worse is Worse.EITHER else step
    return worse + each.reach(AFFIRMED) * error


def _healed(each: Measured, margin: float) -> tuple[int, float] | None:
    """Of what is worse on the whole the last blocks, and their step, if that is well within the margin again."""
    blocks = each.since[np.isfinite(each.since)]
    count = max(2, round(len(blocks) * _AT_LAST))
    step = float(blocks[-count:].mean()) - (each.level - each.step)
    return (count, step) if step <= margin / 2 else None


def _stuck(each: Measured) -> int:
    """How many blocks at the end are all the same, where that is odd: what varies does not stand still."""
    now, before = each.case.now.present, each.case.before
    if before is None or _standing(now[-FEWEST_BLOCKS:]) < FEWEST_BLOCKS or _standing(before.present) > _BY_ACCIDENT:
        return 0
    return _standing(now[::-1], at_first=True)


def _standing(values: Sequence[float], *, at_first: bool = False) -> int:
    """The longest run of one value; or that of the first."""
    runs = (sum(1 for _ in run) for _, run in groupby(values))
    return next(runs, 0) if at_first else max(runs, default=0)


def _at_last(each: Measured, margin: float, sure: Sure) -> tuple[float, str] | None:
    """By how much a series is surely worse of late than every level of its baseline, and since when."""
    for step, error, unlike, when in (
        (each.ending, each.ending_error, each.unlike_ending, f"in its last {FEWEST_BLOCKS} blocks"),
        (each.fresh, each.fresh_error, each.unlike, "since the look before"),
    ):
        is_worse = step > max(margin + each.above, unlike) + RESOLUTION
        if is_worse and each.by_chance(step - each.above, math.hypot(error, each.above_error)) < sure.allowed:
            return step, when
    return None


def about_alert(each: Measured, verdict: SignalVerdict) -> Doubt | None:
    """Of a verdict on a series and its alert limit."""
    if each.alert is None or verdict not in _MAY_BE_WORSE:
        return None
    levels = each.scale.of_all(each.case.now)
    for part, where in (
        (levels, "where its worst blocks count in full"),
        (levels[-FEWEST_BLOCKS:], "in its last blocks"),
    ):
        level = _in_full(part, is_log=each.scale.log)
        if level > each.alert + RESOLUTION:
            return SignalVerdict.SUSPECT, None, f"but {quantity(each.scale.back(level), each.case.signal.unit)} {where}"
    return None


def _excess(each: Measured, what_matters: float) -> float:
    """By how much worse than in the baseline the mean is in which bad blocks count in full, not by their logarithms.

    Zero where that is not more than what matters. In a baseline it is never below zero, so that most windows tell it
    without one.
    """
    if not each.scale.log or each.case.before is None:
        return 0.0
    found = _by_the_worst(each.scale.of_all(each.case.now))
    if found > what_matters:
        found -= _by_the_worst(each.scale.of_all(each.case.before))
    return found if found > what_matters else 0.0


def _by_the_worst(logarithms: Floats) -> float:
    """By how much worse a mean is in which bad blocks count in full."""
    return _in_full(logarithms, is_log=True) - float(logarithms.mean())


def _in_full(levels: Floats, *, is_log: bool) -> float:
    """The mean in which bad blocks count in full: the plain one of values, or the harmonic one where down is worse."""
    if not is_log:
        return float(levels.mean())
    worst = float(levels.max())
    return worst + math.log(float(np.exp(levels - worst).mean()))

"""A signal against its control: what traffic and the time of day do to both is no change of the signal.

The quotient of the two (their difference where the baseline or the control touches zero) is judged like any level, in
the signal's own unit: it is multiplied by the control's mean of this window. What the baseline leads to expect is then
what the signal would be beside the control as it is now.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from driftreview.api.signal import Signal
from driftreview.domain.covariate import Covariate
from driftreview.domain.finding import Side
from driftreview.domain.measured import Beside, Case
from driftreview.domain.scale import Scale
from driftreview.domain.statistics import mean

_Pair = tuple[float, float]


def cases_of(signal: Signal, baseline: Side | str, now: Side, covariate: Covariate | None = None) -> tuple[Case, ...]:
    """What there is to claim of a series; `baseline` is a text where there is none.

    With a control, limits are about the series itself and margins about both: one case for each.
    """
    whole = Case.of(signal, baseline, now, covariate)
    if signal.control is None or signal.margin is None:
        return (whole,)
    before, after, beside = beside_control(whole.before, whole.now)
    compared = replace(
        whole, signal=signal.model_copy(update={"limits": None}), before=before, now=after, beside=beside
    )
    if signal.limits is None or signal.limits.alert is None:
        return (compared,)
    alone = Case(
        signal.model_copy(update={"margin": None}), whole.before, now, standing=whole.standing, ended=whole.ended
    )
    return (alone, compared)


def beside_control(before: Side | None, now: Side) -> tuple[Side | None, Side, Beside]:
    """Both sides as the signal would be beside the control of `now`, and what that control is.

    Where there is nothing since T0 yet, the baseline's control takes its place. A signal that falls to zero after T0 is
    none of its control's, and no reason to compare otherwise.
    """
    sides = [side for side in (before, now) if side is not None]
    earlier = [pair for pair in _pairs(before) if pair] if before else []
    beside = [pair[1] for pair in _pairs(now) if pair] if now.blocks else [pair[1] for pair in earlier]
    is_ratio = min([*(min(pair) for pair in earlier), *beside], default=1.0) > 0
    level = mean([math.log(value) for value in beside] if is_ratio else beside) if beside else 0.0
    made = [
        replace(side, blocks=tuple(_as_now(pair, level, is_ratio=is_ratio) for pair in _pairs(side))) for side in sides
    ]
    return (made[0] if before else None), made[-1], Beside(Scale(log=is_ratio).back(level), is_ratio)


def _pairs(side: Side) -> list[_Pair | None]:
    control: Sequence[float | None] = side.control if side.control is not None else (None,) * len(side.blocks)
    both = zip(side.blocks, control, strict=True)
    return [None if own is None or other is None else (own, other) for own, other in both]


def _as_now(pair: _Pair | None, level: float, *, is_ratio: bool) -> float | None:
    if pair is None:
        return None
    own, other = pair
    if not is_ratio:
        return Scale(log=False).back(own - other + level)
    size = Scale(log=True).back(math.log(abs(own)) - math.log(other) + level) if own else 0.0
    return math.copysign(size, own)

"""How the kinds are judged that no chance is reckoned with, and what any baseline must be good for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from driftreview.api.reasons import Reason
from driftreview.api.signal import Kind, Signal, Worse
from driftreview.api.spells import Spells
from driftreview.api.values import format_duration, parse_duration, parse_quantity
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.before import GOING_BACK, like_before, no_worse, of_the_others, older
from driftreview.domain.display import quantity
from driftreview.domain.finding import FEWEST_BLOCKS, Finding, Side, too_fine
from driftreview.domain.observed import Observed
from driftreview.domain.spells import when
from driftreview.domain.statistics import middle

_BURST: Final = 0.1
"""Of a window, at most: what is so for more of it is no burst, but how the window is (as in `past`)."""


def record(signal: Signal, now: Side) -> Finding:
    """Kind Info: write down the level."""
    if not now.present:
        return Finding(SignalVerdict.RECORDED, Reason.EMPTY, "no samples")
    shown = quantity(middle(now.present), signal.unit)
    return Finding(SignalVerdict.RECORDED, None, shown, current=shown)


def is_compared(signal: Signal) -> bool:
    """Whether a Level or Events signal needs a baseline; else its alert limit alone counts."""
    return signal.margin is not None or (signal.limits is not None and signal.limits.baseline is not None)


def too_few(side: Side, where: str) -> Finding | None:
    """That a side has too few blocks to be judged."""
    count = len(side.present)
    if count >= FEWEST_BLOCKS:
        return None
    message = f"{where} has {count} blocks of samples, {FEWEST_BLOCKS} are needed"
    return Finding(SignalVerdict.INCONCLUSIVE, Reason.TOO_FEW_BLOCKS, message)


def unsound(signal: Signal, baseline: Side | str) -> Finding | None:
    """Why nothing can be held against a baseline; `baseline` is a text where there is none."""
    if isinstance(baseline, str):
        return Finding(SignalVerdict.INCONCLUSIVE, Reason.BASELINE_MISSING, baseline)
    if finding := too_few(baseline, "the baseline"):
        return finding
    if not is_over(signal, baseline) or signal.limits is None or signal.limits.baseline is None:
        return None
    old, limit = (
        quantity(value, signal.unit) for value in (middle(baseline.present), parse_quantity(signal.limits.baseline))
    )
    message = f"the baseline itself, {old}, is beyond its limit {limit}: it proves nothing"
    return Finding(SignalVerdict.INCONCLUSIVE, Reason.BASELINE_OVER_LIMIT, message, baseline=old)


def is_over(signal: Signal, side: Side) -> bool:
    """Whether a series is beyond what a baseline may be; of fewer blocks than are judged that is not said."""
    if signal.limits is None or signal.limits.baseline is None or len(side.present) < FEWEST_BLOCKS:
        return False
    return sign_of(signal) * (middle(side.present) - parse_quantity(signal.limits.baseline)) > 0


def judge_limit(signal: Signal, now: Side, before: Side | None = None, current: Observed | None = None) -> Finding:
    """Kind Limit: never over the limit for longer than `for`.

    What is over it as the window ends may go on for longer than that, and is not good yet.

    Args:
        signal: whose limit it is.
        now: the window's samples.
        before: the baseline's; None where there are none.
        current: the window.
    """
    allowed = parse_duration(signal.for_ or "0s")
    limit = quantity(parse_quantity(_alert(signal)), signal.unit)
    worst = quantity(now.worst, signal.unit) if now.worst is not None else ""
    bound = f"limit {limit}" + (f" for {format_duration(allowed)}" if allowed else "")
    if now.longest_over is None:
        return Finding(SignalVerdict.STABLE, None, f"worst {worst}, {bound}", current=worst)
    lasted = format_duration(now.longest_over) if now.longest_over else "one sample"
    if now.longest_over < allowed and now.is_thin:
        parts = [f"with {now.coverage:.0%} of the samples nobody can tell how long", too_fine(now, before)]
        why = "; ".join(part for part in parts if part)
        message = f"worst {worst}, beyond the limit for {lasted} or longer, {bound}: {why}"
        return Finding(SignalVerdict.MISSING, Reason.LOW_COVERAGE, message, current=worst)
    opens = _opens(now, current)
    message = f"worst {worst}, beyond the limit for {lasted}{when(now.over, opens)}, {bound}"
    if now.longest_over < allowed:
        found = Finding(SignalVerdict.ACCEPTABLE, None, message, current=worst)
        why = "" if current is None else _under_way(now, before, current) or _time_and_again(now, before, current)
        return replace(found, verdict=SignalVerdict.SUSPECT, message=f"{message}; {why}") if why else found
    found = Finding(SignalVerdict.DEGRADED, None, message, current=worst)
    return found if before is None or current is None else _beside_before(found, now, before, current)


def _under_way(now: Side, before: Side | None, current: Observed) -> str:
    """That a limit is being broken as the window ends, as the baseline never did; empty where it is not."""
    signal, lasted = current.signal, now.longest_over
    if now.over is None or not now.over.still or lasted is None:
        return ""
    if before is not None and _is_as_far(signal, now, before) and _is_as_long(lasted, now, before, current):
        return ""
    return f"it is not over, and Degraded once it lasts {format_duration(parse_duration(signal.for_ or '0s'))}"


def _time_and_again(now: Side, before: Side | None, current: Observed) -> str:
    """That it is beyond its limit for more of the time than a burst is, and than in the baseline; empty if it is not.

    How long it may be so at a time is declared, how often is not: that only a baseline tells.
    """
    allowed = parse_duration(current.signal.for_ or "0s")
    if now.over is None or before is None or parse_duration(now.over.total) < allowed:
        return ""
    share, usual = (_share_beyond(side, _step(now, current)) for side in (now, before))
    if share <= _BURST or no_worse(share, usual):
        return ""
    return f"that is {share:.0%} of all samples, in the baseline {usual:.0%}"


def _share_beyond(side: Side, step: timedelta) -> float:
    """How many of all samples are beyond the limit: of each spell one more than steps that it lasts."""
    if side.over is None:
        return 0.0
    return (parse_duration(side.over.total) / step + side.over.number) / max(side.expected, 1)


def _beside_before(found: Finding, now: Side, before: Side, current: Observed) -> Finding:
    """A broken limit as it counts beside a baseline that broke it as far: what is no worse is not of the release.

    A stretch that was on when the baseline ended is older than the release, however long it goes on; once it has been
    over for longer than it was seen, the window shows a release that keeps its limit.
    """
    signal, opens = current.signal, _opens(now, current)
    if not _is_as_far(signal, now, before) or now.longest_over is None or before.longest_over is None:
        return found
    since, lasted = older(now.over, before.over, opens), now.longest_over
    if since and now.over:
        others = of_the_others(now.over)
        if others is None or others < parse_duration(signal.for_ or "0s"):
            if _is_over_for_longer(now.over, current):
                return replace(found, verdict=SignalVerdict.ACCEPTABLE, message=f"{found.message}; {since}")
            return replace(found, verdict=SignalVerdict.SUSPECT, message=f"{found.message}; {since}: {GOING_BACK}")
        lasted = others
    usual = beyond_limit(signal, before)
    return like_before(found, usual) if usual and _is_as_long(lasted, now, before, current) else found


def _step(now: Side, current: Observed) -> timedelta:
    return current.length / max(now.expected, 1)


def _opens(now: Side, current: Observed | None) -> datetime | None:
    """The first sample of a window."""
    return None if current is None or current.start is None else current.start + _step(now, current)


def _is_over_for_longer(spells: Spells, current: Observed) -> bool:
    """Whether it has been over for longer than the window had some of it."""
    if current.start is None or current.end is None or spells.still:
        return False
    return current.end - spells.last > spells.last - current.start


def _is_as_long(lasted: timedelta, now: Side, before: Side, current: Observed) -> bool:
    """Whether a limit is broken no longer than before; samples tell either to within a step at each end."""
    if before.longest_over is None:
        return False
    return no_worse(lasted, _as_much_time(now, before) * (before.longest_over + 2 * _step(now, current)))


def _as_much_time(now: Side, before: Side) -> float:
    """How many times as long a window is as its baseline, which had less time for its worst; 1 where it is shorter."""
    return max(now.expected / max(before.expected, 1), 1.0)


def beyond_limit(signal: Signal, side: Side) -> str:
    """By how much and for how long a series broke its limit, in words; empty where it did not."""
    if side.longest_over is None or side.worst is None or side.longest_over < parse_duration(signal.for_ or "0s"):
        return ""
    lasted = format_duration(side.longest_over) if side.longest_over else "one sample"
    return f"worst {quantity(side.worst, signal.unit)}, beyond the limit for {lasted}"


def _is_as_far(signal: Signal, now: Side, before: Side) -> bool:
    """Whether the worst sample is beyond a limit no farther than before."""
    if now.worst is None or before.worst is None:
        return False
    sign, limit = sign_of(signal), parse_quantity(_alert(signal))
    usual = sign * (before.worst - limit)
    return usual > 0 and no_worse(sign * (now.worst - limit), _as_much_time(now, before) * usual)


def sign_of(signal: Signal) -> int:
    """1 where higher is worse, -1 where lower is."""
    return -1 if signal.worse is Worse.LOWER else 1


def at_worst(signal: Signal, sides: Iterable[Side]) -> str:
    """What a Limit is judged by, its worst value, to follow what it usually is; empty of other kinds."""
    values = [sign_of(signal) * side.worst for side in sides if side.worst is not None]
    if signal.kind is not Kind.LIMIT or not values:
        return ""
    return f", at worst {quantity(sign_of(signal) * max(values), signal.unit)}"


def _alert(signal: Signal) -> str:
    if signal.limits is None or signal.limits.alert is None:
        raise ValueError(f"signal {signal.name} has no limits.alert; the CRD's rules refuse that")
    return signal.limits.alert

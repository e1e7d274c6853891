"""When something was so: since when at its longest, how long in all, and whether it still was at the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from driftreview.api.base import format_time
from driftreview.api.spells import Spells
from driftreview.api.values import exact_duration, format_duration, parse_duration
from driftreview.domain.blocks import runs
from driftreview.domain.samples import Window


def spells_of(flags: Sequence[bool | None], window: Window, *, of_samples: bool) -> Spells | None:
    """Find them; None where it was never so.

    Args:
        flags: whether it was so at each step, None where that is not known: that ends a spell, but does not mend.
        window: whose steps they are.
        of_samples: whether a spell lasts from its first to its last sample, a single one zero; else from the step
            before it, as of what is missing.
    """
    found, first = [], 0
    for flag, count in runs(flags):
        if flag:
            found.append((count, first))
        first += count
    if not found:
        return None
    longest, start = max(found, key=lambda spell: spell[0])  # the first of as long ones
    count, late = found[-1]
    begin = int(of_samples)
    return Spells(
        since=window.start + window.step * (start + begin),
        until=window.start + window.step * (start + longest),
        number=len(found),
        total=exact_duration(window.step * sum(each - begin for each, _ in found)),
        last=window.start + window.step * (late + count),
        still=False not in flags[late:],
    )


def spells_beyond(values: Sequence[float | None], limit: float, sign: int, window: Window) -> Spells | None:
    """When samples were beyond a limit, as Prometheus counts `for`: a single one lasts zero, a missing one ends it.

    `sign` is 1 when higher is worse, -1 when lower is.
    """
    beyond = [None if value is None else sign * (value - limit) > 0 for value in values]
    return spells_of(beyond, window, of_samples=True)


def when(spells: Spells | None, opens: datetime | None = None) -> str:
    """The same in words, to follow how long the longest was; empty where evidence does not say it.

    Args:
        spells: when it was.
        opens: the first moment of which the window could tell: what was so then may have begun before.
    """
    if spells is None:
        return ""
    is_older = opens is not None and spells.since <= opens
    first, until = format_time(spells.since) + " or before" * is_older, format_time(spells.until)
    several = ""
    if spells.number > 1:
        total = parse_duration(spells.total)
        lasted = f"{format_duration(total)} in all, " if total else ""
        several = f", {lasted}{spells.number} times"
    if spells.still and spells.last == spells.until:
        return f", since {first}{several}, still"
    at = f"at {first}" if spells.since == spells.until else f"from {first} to {until}"
    if spells.still:
        return f", {at}{several}, and still"
    return f", {at}{several}, over since{f' {format_time(spells.last)}' if spells.last != spells.until else ''}"

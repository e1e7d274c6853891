"""What a level was at when its baseline ended: what was beyond its alert limit by then, no release brought there.

A limit is broken by the level of a whole stretch, so it is asked of stretches: of the last blocks, as few as are judged
at least, and of twice as many, and so on up to all of them. Medians tell it, so that no single block does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from driftreview.api.values import format_duration
from driftreview.domain.before import BEYOND_AS_BEFORE, earlier
from driftreview.domain.display import quantity
from driftreview.domain.finding import FEWEST_BLOCKS, Side
from driftreview.domain.statistics import middle


@dataclass(frozen=True)
class Ended:
    """The end of a baseline."""

    blocks: int
    """How many, to its very end."""
    level: float
    """Their median, in the signal's unit."""

    def said(self, unit: str, block: timedelta) -> str:
        """It in words."""
        return f"{quantity(self.level, unit)} in its last {format_duration(self.blocks * block)}"


def ends_beyond(baseline: Side | None, alert: float, sign: int) -> tuple[Ended, ...]:
    """Every end of a baseline that was beyond an alert limit; none of a baseline of the release itself.

    `sign` is 1 where higher is worse, -1 where lower is.
    """
    side = earlier(baseline)
    if side is None or len(side.present) < FEWEST_BLOCKS or all(sign * (each - alert) <= 0 for each in side.present):
        return ()
    counts = [FEWEST_BLOCKS]
    while counts[-1] < len(side.present):
        counts.append(min(2 * counts[-1], len(side.present)))
    ends = (Ended(count, middle(side.present[-count:])) for count in counts)
    return tuple(end for end in ends if sign * (end.level - alert) > 0)


def farthest(ends: Sequence[Ended], sign: int) -> Ended | None:
    """Of some ends the worst, of as bad ones the longest; None where there is none."""
    return max(ends, key=lambda end: (sign * end.level, end.blocks), default=None)


def excused_up_to(alert: float, end: float) -> float:
    """Up to which level going back would mend nothing, limit and end being given as they are compared."""
    return alert + BEYOND_AS_BEFORE * (end - alert)

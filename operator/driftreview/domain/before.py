"""What the baseline did as well: it ended in silence, or broke the same rule as badly. Going back mends neither."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from driftreview.api.base import format_time
from driftreview.api.reasons import Reason
from driftreview.api.spells import Spells
from driftreview.api.values import parse_duration
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.finding import Finding, Side
from driftreview.domain.observed import Observed

BEYOND_AS_BEFORE: Final = 1.5
"""Times as far beyond a rule as the baseline was: what is farther is clearly worse."""
GOING_BACK: Final = "going back would mend nothing"
"""What is older than the release is not of it."""
_Size = TypeVar("_Size", float, timedelta)


def no_worse(now: _Size, before: _Size) -> bool:
    """Whether something is beyond a rule by no more than half as much again as the baseline was; both above zero."""
    return now <= BEYOND_AS_BEFORE * before


def earlier(baseline: Side | None) -> Side | None:
    """A baseline, if it shows what was before the release."""
    return None if baseline is None or baseline.is_own else baseline


def like_before(finding: Finding, said: str) -> Finding:
    """What breaks a rule as its baseline did: nobody knows that it is of the release, and it is not good."""
    return replace(finding, verdict=SignalVerdict.SUSPECT, message=f"{finding.message}; as the baseline did: {said}")


def silent_since(baseline: Observed | None, key: str = "") -> datetime | None:
    """Since when a series had been silent when its baseline ended; None where it was not, or nobody knows.

    For kind Presence a silence is one of `for` or longer, or longer than any before it in the baseline; for others a
    block without samples; one that could be the source's own is none.
    """
    side = earlier(baseline.sides.get(key)) if baseline else None
    if baseline is None or baseline.end is None or side is None or not (side.samples and side.blocks):
        return None
    if side.gaps is not None:
        last, known = (parse_duration(each) for each in (side.gaps.last, side.gaps.last_scraped))
        is_silent = known >= parse_duration(baseline.signal.for_ or "0s") or ends_in(side.gaps.silent_scraped)
        return baseline.end - last if known and is_silent else None
    empty = _empty(side, reversed(range(len(side.blocks))))
    steps = empty * side.expected / len(side.blocks)
    if not empty or (baseline.source is not None and baseline.source.silent >= steps):
        return None
    return baseline.end - baseline.length * (empty / len(side.blocks))


def excused(finding: Finding, since: datetime | None) -> Finding:
    """A missing series as it counts if it was silent before T0 already."""
    if since is None or finding.verdict is not SignalVerdict.MISSING:
        return finding
    why = f"it was silent before T0 already, since {format_time(since)}: {GOING_BACK}"
    return replace(finding, reason=Reason.SILENT_BEFORE, message=f"{finding.message}; {why}")


def ends_in(spells: Spells | None) -> bool:
    """Whether a baseline ended in the longest spell that it had: what ends it by chance is no longer than others."""
    return spells is not None and spells.still and spells.until == spells.last


def older(now: Spells | None, baseline: Spells | None, opens: datetime | None) -> str:
    """That the longest spell of a window is one that was on when its baseline ended, in words; empty where it is not.

    Args:
        now: those of the window.
        baseline: those of the baseline.
        opens: the first moment of which the window could tell.
    """
    if now is None or baseline is None or opens is None or not baseline.still or now.since > opens:
        return ""
    since = f", since {format_time(baseline.since)}" if baseline.until == baseline.last else ""
    return f"it was so before T0 already{since}"


def of_the_others(spells: Spells) -> timedelta | None:
    """How long one of the spells beside the longest was at least; None where there is no other."""
    rest = parse_duration(spells.total) - (spells.until - spells.since)
    return rest / (spells.number - 1) if spells.number > 1 else None


def begins_empty(side: Side) -> bool:
    """Whether a window begins without samples, as a silence from before goes on."""
    return bool(_empty(side, range(len(side.blocks))))


def _empty(side: Side, order: Iterable[int]) -> int:
    """How many blocks in a row have no samples, from the first in this order."""
    count = 0
    for index in order:
        if side.blocks[index] is not None or index in side.idle:
            break
        count += 1
    return count

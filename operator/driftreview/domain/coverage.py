"""Whether enough of a window is covered to judge a series by, and what is missing if not."""

from __future__ import annotations

import math
from typing import Final

from driftreview.api.driftsnapshot import Problem
from driftreview.api.reasons import Reason, SignalVerdict
from driftreview.api.signal import Signal
from driftreview.api.values import parse_percent, parse_quantity
from driftreview.domain.blocks import runs
from driftreview.domain.display import quantity
from driftreview.domain.finding import FEWEST_BLOCKS, TOO_FINE, Finding, Side
from driftreview.domain.scraping import Scraped

_OF_ITS_TRAFFIC: Final = 0.5
"""Share of the blocks with traffic that the baseline leads to expect, and that a window needs."""


def uncovered(signal: Signal, side: Side, source: Scraped | None) -> Finding | None:
    """That too little of a window is covered by samples, and whose gap that is.

    Args:
        signal: whose samples they are.
        side: what there is.
        source: what is known of the source's own gaps.
    """
    least = parse_percent(signal.min_coverage)
    if side.coverage >= least and side.present_samples:
        return None
    whose = "of the control " if side.lacks_control else ""
    needed = (
        f"{side.present_samples} of {side.expected} samples {whose}({side.coverage:.0%}) are there, "
        f"{signal.min_coverage} are needed"
    )
    reason = whose_gap(signal, side.present_samples, side.expected, source) or Reason.LOW_COVERAGE
    told = f"; {source.sentence}" if source is not None else ""
    too_fine = f": {TOO_FINE}" if reason is not Reason.SOURCE_GAP and side.is_thin else ""
    return Finding(SignalVerdict.MISSING, reason, f"{needed}{told}{too_fine}")


def broken_off(side: Side, source: Scraped | None) -> Finding | None:
    """That the last blocks of a window have no samples, however few they are of all: it may be gone by now."""
    there = [index for index, value in enumerate(side.blocks) if value is not None or index in side.idle]
    missing = len(side.blocks) - 1 - there[-1] if there else 0
    if missing <= FEWEST_BLOCKS // 2:
        return None
    steps = missing * side.expected / len(side.blocks)
    reason = Reason.LOW_COVERAGE
    if source is not None:
        reason = Reason.SOURCE_GAP if source.silent >= steps / 2 else Reason.TARGET_GAP
    whose = " of the control" if side.lacks_control else ""
    return Finding(
        SignalVerdict.MISSING, reason, f"the last {missing} of {len(side.blocks)} blocks have no samples{whose}"
    )


def whose_gap(signal: Signal, present: int, expected: int, source: Scraped | None) -> Reason | None:
    """Whose gap it is that samples are missing; None where that is not known.

    The source's, if the samples would have been enough with those of the steps at which it was silent.
    """
    if source is None:
        return None
    enough = present + source.silent >= parse_percent(signal.min_coverage) * expected
    if source.silent and enough:
        return Reason.SOURCE_GAP
    return Reason.TARGET_GAP if present else Reason.NEVER_SCRAPED


def unanswered(signal: Signal, problem: Problem, source: Scraped | None) -> Finding:
    """What is said of a signal without a single sample."""
    if problem.reason is not Reason.EMPTY or source is None:
        return Finding(SignalVerdict.MISSING, problem.reason, problem.message)
    reason = whose_gap(signal, 0, source.points, source) or problem.reason
    said = source.sentence if reason is Reason.SOURCE_GAP else f"{problem.message}; {source.sentence}"
    return Finding(SignalVerdict.MISSING, reason, said)


def without_traffic(signal: Signal, side: Side, baseline: Side | str = "") -> Finding | None:
    """That too few blocks of a quotient had traffic: fewer than are judged, or than half of what the baseline had.

    What stopped being used right after T0 must not pass by its first hour, nor what is not used any more by its last:
    no longer at a stretch than in the baseline.
    """
    if signal.per is None or not side.idle:
        return None
    busy = len(side.present)
    usual = len(baseline.present) / len(baseline.blocks) if isinstance(baseline, Side) and baseline.blocks else 0.0
    needed = max(FEWEST_BLOCKS, math.ceil(_OF_ITS_TRAFFIC * usual * len(side.blocks)))
    longest = max(_idle_stretches(baseline), default=0) if isinstance(baseline, Side) else 0
    latest = _idle_stretches(side)[-1] if len(side.blocks) - 1 in side.idle else 0
    least = f" of {quantity(parse_quantity(signal.min_traffic), '')} or more" if signal.min_traffic else ""
    if busy < needed:
        said = f"{busy} of {len(side.blocks)} blocks had traffic{least}, {needed} are needed"
    elif latest > max(longest, FEWEST_BLOCKS // 2):
        said = (
            f"the last {latest} of {len(side.blocks)} blocks had no traffic{least}, in the baseline {longest} at most"
        )
    else:
        return None
    return Finding(SignalVerdict.MISSING, Reason.NO_TRAFFIC, said)


def _idle_stretches(side: Side) -> list[int]:
    """How many blocks each lasted, in order."""
    return [count for is_idle, count in runs(index in side.idle for index in range(len(side.blocks))) if is_idle]

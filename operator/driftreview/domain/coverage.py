"""Whether enough of a window is covered to judge a series by, and what is missing if not."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftreview.api.base import format_time
from driftreview.api.driftsnapshot import Problem
from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal
from driftreview.api.values import parse_percent, parse_quantity
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.display import quantity
from driftreview.domain.finding import FEWEST_BLOCKS, Finding, Side, too_fine
from driftreview.domain.scraping import Scraped

ABSENT: Final = (Reason.EMPTY, Reason.ONLY_NAN, Reason.ONLY_INFINITE)
"""What the source says of a query that it answered, but with no sample."""
_OF_THE_END: Final = 2 / 3
"""Share of the last blocks' samples that is needed where the series was heard again before the end: four of six."""
_OF_ITS_TRAFFIC: Final = 0.5
"""Share of the blocks with traffic that the baseline leads to expect, and that a window needs."""


def uncovered(
    signal: Signal, side: Side, source: Scraped | None, usual: Side | None = None, since: datetime | None = None
) -> Finding | None:
    """That too little of a window is covered by samples, and whose gap that is.

    Args:
        signal: whose samples they are.
        side: what there is.
        source: what is known of the source's own gaps.
        usual: the series in the baseline, where this is a later window.
        since: when the last sample was, where that is known.
    """
    least = parse_percent(signal.min_coverage)
    if side.coverage >= least and side.present_samples:
        return None
    whose = "of the control " if side.lacks_control else ""
    needed = (
        f"{side.present_samples} of {side.expected} samples {whose}({side.coverage:.0%}) are there, "
        f"{signal.min_coverage} are needed"
    )
    if since is not None and side.blocks and not _is_there(side, len(side.blocks) - 1):
        needed += f", none since {format_time(since)}"
    reason = whose_gap(signal, side.present_samples, side.expected, source) or Reason.LOW_COVERAGE
    if reason is Reason.SOURCE_GAP and source is not None:
        return Finding(SignalVerdict.MISSING, reason, f"{needed}; {source.sentence}")
    empty = next((at for at in range(len(side.blocks)) if _is_there(side, at)), 0)
    late = f", none in the first {empty} of {len(side.blocks)} blocks" if empty else ""
    told = f"; {source.beside}" if source is not None else ""
    why = too_fine(side, usual)
    return Finding(SignalVerdict.MISSING, reason, f"{needed}{late}{told}{why and f': {why}'}")


def broken_off(signal: Signal, side: Side, source: Scraped | None, since: datetime | None = None) -> Finding | None:
    """That the last blocks of a window are not covered: what is decided on may be gone by now.

    They are judged by themselves, and are few: what a window can spare may be all of them. So the very end is covered
    as the window must be. A gap from which the series came back is one like any other of the window; it only must leave
    enough of the last blocks to look at. Where evidence does not say how it ended, it may be gone.

    Args:
        signal: whose samples they are.
        side: what there is.
        source: what is known of the source's own gaps.
        since: when the last sample was, where that is known.
    """
    present, expected = side.ending
    least = parse_percent(signal.min_coverage)
    is_back = side.silent is not None and side.silent + least * expected <= expected
    if present >= (min(least, _OF_THE_END) if is_back else least) * expected:
        return None
    reason, told = Reason.LOW_COVERAGE, ""
    if source is not None:
        is_of_source = source.silent and present + source.silent >= least * expected
        reason = Reason.SOURCE_GAP if is_of_source else Reason.TARGET_GAP
        told = f"; {source.sentence if is_of_source else source.beside}"
    there = [at for at in range(len(side.blocks)) if _is_there(side, at)]
    missing = len(side.blocks) - 1 - there[-1] if there else len(side.blocks)
    whose = " of the control" if side.lacks_control else ""
    if missing:
        last = f"the last {missing} of {len(side.blocks)} blocks have" if missing > 1 else "the last block has"
        said = f"{last} no samples{whose}"
    elif is_back or not side.silent:
        said = f"{present} of {expected} samples{whose} are there in the last {FEWEST_BLOCKS} blocks"
    else:
        said = f"none of the last {side.silent} samples{whose} is there"
    when = f", since {format_time(since)}" if since is not None else ""
    needed = "two thirds" if is_back and least > _OF_THE_END else signal.min_coverage
    return Finding(SignalVerdict.MISSING, reason, f"{said}{when}, {needed} of the end are needed{told}")


def _is_there(side: Side, block: int) -> bool:
    return side.blocks[block] is not None or block in side.idle


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


def without_traffic(signal: Signal, side: Side, baseline: Side | None) -> Finding | None:
    """That too few blocks of a quotient had traffic: fewer than are judged, or than half of what the baseline had.

    What stopped being used right after T0 must not pass by its first hour, nor what is hardly used by now by its last:
    none of its last stretches may have so few.

    Args:
        signal: whose quotient it is.
        side: a window's blocks.
        baseline: what they are held against; None where nothing is known of how it is used.
    """
    if signal.per is None or not side.idle:
        return None
    busy = len(side.present)
    usual = len(baseline.present) / len(baseline.blocks) if baseline is not None and baseline.blocks else 0.0
    needed = max(FEWEST_BLOCKS, math.ceil(_OF_ITS_TRAFFIC * usual * len(side.blocks)))
    least = f" of {quantity(parse_quantity(signal.min_traffic), '')} or more" if signal.min_traffic else ""
    if busy < needed:
        said = f"{busy} of {len(side.blocks)} blocks had traffic{least}, {needed} are needed"
    elif quiet := _quiet(side, baseline, parse_percent(signal.min_coverage)):
        idle, length, most = quiet
        said = f"{idle} of the last {length} blocks had no traffic{least}, in the baseline {most} of as many at most"
    else:
        return None
    return Finding(SignalVerdict.MISSING, Reason.NO_TRAFFIC, said)


def _quiet(side: Side, baseline: Side | None, least: float) -> tuple[int, int, int] | None:
    """Of the last stretches with too many blocks without traffic the quietest; None where none has too many.

    A block without samples is none of them: it is a gap.

    Returns:
        How many it has, of how many, and how many a stretch of the baseline had at most.
    """
    late, old = _is_idle(side)[::-1].cumsum(), np.concatenate([[0], np.cumsum(_is_idle(baseline))])
    found: list[tuple[int, int, int]] = []
    for length in range(FEWEST_BLOCKS, len(late) + 1):
        known, idle = min(length, len(old) - 1), int(late[length - 1])
        most = -(-int((old[known:] - old[: len(old) - known]).max()) * length // known) if known else 0
        share = least if length == FEWEST_BLOCKS and baseline is not None else _OF_ITS_TRAFFIC
        if idle > length - math.ceil(share * (length - most)):
            found.append((idle, length, most))
    return max(found, key=lambda each: (each[0] / each[1], each[1]), default=None)


def _is_idle(side: Side | None) -> NDArray[np.int_]:
    return np.array([index in side.idle for index in range(len(side.blocks))] if side is not None else [], dtype=int)

"""Whether enough of a window is covered to judge a series by, and what is missing if not."""

from __future__ import annotations

import math
from typing import Final

from driftreview.api.reasons import Reason, SignalVerdict
from driftreview.api.signal import Signal
from driftreview.api.values import parse_percent, parse_quantity
from driftreview.domain.display import quantity
from driftreview.domain.finding import FEWEST_BLOCKS, Finding, Side

_OF_ITS_TRAFFIC: Final = 0.5
"""Share of the blocks with traffic that the baseline leads to expect, and that a window needs."""


def uncovered(signal: Signal, side: Side) -> Finding | None:
    """That too little of a window is covered by samples."""
    if side.coverage >= parse_percent(signal.min_coverage) and side.present_samples:
        return None
    whose = "of the control " if side.lacks_control else ""
    needed = (
        f"{side.present_samples} of {side.expected} samples {whose}({side.coverage:.0%}) are there, "
        f"{signal.min_coverage} are needed"
    )
    return Finding(SignalVerdict.MISSING, Reason.LOW_COVERAGE, needed)


def without_traffic(signal: Signal, side: Side, baseline: Side | str = "") -> Finding | None:
    """That too few blocks of a quotient had traffic: fewer than are judged, or than half of what the baseline had.

    What stopped being used right after T0 must not pass by its first hour.
    """
    if signal.per is None or not side.idle:
        return None
    busy = len(side.present)
    usual = len(baseline.present) / len(baseline.blocks) if isinstance(baseline, Side) and baseline.blocks else 0.0
    needed = max(FEWEST_BLOCKS, math.ceil(_OF_ITS_TRAFFIC * usual * len(side.blocks)))
    if busy >= needed:
        return None
    least = f" of {quantity(parse_quantity(signal.min_traffic), '')} or more" if signal.min_traffic else ""
    message = f"{busy} of {len(side.blocks)} blocks had traffic{least}, {needed} are needed"
    return Finding(SignalVerdict.MISSING, Reason.NO_TRAFFIC, message)

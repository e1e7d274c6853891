"""What stands still though it never did: a number that does not change any more is none that is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from driftreview.api.signal import Kind, Signal, Worse
from driftreview.domain.blocks import runs
from driftreview.domain.covariate import Covariate
from driftreview.domain.finding import FEWEST_BLOCKS, Side

_MUCH_LONGER: Final = 2
"""Times as long as the baseline ever had one value: by accident whole numbers have it for a while."""
_Blocks: TypeAlias = Sequence[float | None]


def standing_of(signal: Signal, before: Side, now: Side, covariate: Covariate | None) -> str:
    """Which of the things a verdict rests on stands still, in words; empty where none does.

    What stood still in the baseline as well may go on with it, and so may a count of what had better not happen that is
    none.

    Args:
        signal: what is judged.
        before: the baseline as it was frozen, not yet laid beside anything.
        now: the window likewise.
        covariate: what the series follows, if anything.
    """
    is_none_fine = signal.kind is Kind.EVENTS and signal.worse is Worse.HIGHER
    rests_on: list[tuple[str, _Blocks | None, _Blocks | None]] = [
        ("its last {} blocks", before.blocks, now.blocks),
        ("the last {} blocks of its control", before.control, now.control),
        ("the last {} blocks of what it is counted per", before.per, now.per),
    ]
    if covariate is not None:
        name = f"the last {{}} blocks of its covariate {covariate.signal.name}"
        rests_on.append((name, covariate.before.blocks, covariate.now.blocks))
    for what, old, new in rests_on:
        if stuck := _stuck(old or (), new or (), is_none_fine=is_none_fine):
            count, usual = stuck
            return f"but {what.format(count)} are all the same, {usual} at most in the baseline: is it still measured?"
    return ""


def _stuck(before: _Blocks, now: _Blocks, *, is_none_fine: bool) -> tuple[int, int] | None:
    """How many blocks at the end are all the same, where that is odd, and how many of the baseline at most."""
    last: float | None = None
    count = 0
    for value in reversed(now):
        if value is not None:
            if last is not None and value != last:
                break
            last, count = value, count + 1
    if count < FEWEST_BLOCKS or (is_none_fine and last == 0):
        return None  # as of most series: what the baseline did need not be looked at
    usual = max((running for _, running in runs(value for value in before if value is not None)), default=0)
    is_odd = 0 < usual < FEWEST_BLOCKS and count > _MUCH_LONGER * usual
    return (count, usual) if is_odd else None

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
    old, new = ([value for value in side if value is not None] for side in (before, now))
    if not old or not new or (is_none_fine and new[-1] == 0):
        return None
    count, usual = runs(new)[-1][1], max(running for _, running in runs(old))
    is_odd = usual < FEWEST_BLOCKS <= count and count > _MUCH_LONGER * usual
    return (count, usual) if is_odd else None

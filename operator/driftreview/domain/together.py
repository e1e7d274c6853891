"""All series of a look whose verdict is a matter of chance, judged together: they share one false-alarm budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from driftreview.api.signal import Kind
from driftreview.domain.counted import Events, count_events
from driftreview.domain.events import find_events
from driftreview.domain.family import Bound, hold
from driftreview.domain.finding import FEWEST_BLOCKS, Finding
from driftreview.domain.growth import Growth, find_growth, measure_growth
from driftreview.domain.levels import find_level, is_suspect
from driftreview.domain.measured import Case, Grid, Measured
from driftreview.domain.measuring import measure

_Measured: TypeAlias = Measured | Growth | Events


def judge_together(cases: Sequence[Case], grid: Grid, budget: float) -> list[Finding]:
    """Judge all series of a look.

    Args:
        cases: the series of Level, Growth and Events signals; those of Level signals have FEWEST_BLOCKS blocks or more
            on both sides.
        grid: how their blocks lie.
        budget: probability at most of calling any series of a healthy release Degraded at this look.

    Returns:
        A finding for each case.
    """
    measured = _measure(cases, grid)
    sure = hold([each.claims for each in measured], budget)
    is_open = any(
        isinstance(each, Measured) and is_suspect(each, holding) and Bound.MARGIN not in holding.beyond
        for each, holding in zip(measured, sure, strict=True)
    )
    before = _suspects_before(cases, grid, budget) if is_open else {}
    found: list[Finding] = []
    for index, (each, holding) in enumerate(zip(measured, sure, strict=True)):
        match each:
            case Measured():
                found.append(find_level(each, holding, grid, before.get(index)))
            case Growth():
                found.append(find_growth(each, holding))
            case Events():
                found.append(find_events(each, holding))
    return found


def _suspects_before(cases: Sequence[Case], grid: Grid, budget: float) -> dict[int, int]:
    """Which levels were suspect at the look before, and in which direction."""
    cut = {index: case.until(grid.seen) for index, case in enumerate(cases)}
    kept = {index: case for index, case in cut.items() if len(case.now.present) >= FEWEST_BLOCKS}
    measured = _measure(list(kept.values()), replace(grid, seen=0))
    sure = hold([each.claims for each in measured], budget)
    return {
        index: each.scale.sign
        for index, each, holding in zip(kept, measured, sure, strict=True)
        if isinstance(each, Measured) and is_suspect(each, holding)
    }


def _measure(cases: Sequence[Case], grid: Grid) -> list[_Measured]:
    levels = iter(measure([case for case in cases if case.signal.kind is Kind.LEVEL], grid))
    found: list[_Measured] = []
    for case in cases:
        match case.signal.kind:
            case Kind.GROWTH:
                found.append(measure_growth(case, grid))
            case Kind.EVENTS:
                found.append(count_events(case, grid))
            case _:
                found.append(next(levels))
    return found

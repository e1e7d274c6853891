"""What the last look will be able to tell, said when the baseline is frozen: nobody should learn it two days later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from driftreview.api.reasons import Reason, SignalVerdict
from driftreview.api.signal import Signal
from driftreview.domain.effect import foresee
from driftreview.domain.finding import Finding, Side
from driftreview.domain.levels import AFFIRMED
from driftreview.domain.measured import Case, Grid, Measured, compared_in, panel_of
from driftreview.domain.tails import student_quantile

_MISSED: Final = 0.2
"""How often a healthy release may come out undecided because of any of its series."""


def too_noisy(series: Sequence[tuple[Signal, Side]], grid: Grid, after: int) -> list[Finding | None]:
    """Say which series are so noisy that their margin could hardly ever be affirmed.

    Args:
        series: enforced Level signals with a margin, and their sound baselines.
        grid: how the blocks lie.
        after: how many blocks the last look will have.

    Returns:
        For each series None, or that it will be Inconclusive and which change it could affirm.
    """
    if not series:
        return []
    panel, scales = panel_of([Case(signal, side, Side(())) for signal, side in series], grid)
    errors, freedoms = foresee(panel, after)
    found: list[Finding | None] = []
    for index, (signal, side) in enumerate(series):
        level = float(np.nanmean(panel.values[index]))
        freedom = float(freedoms[index])
        reach = student_quantile(AFFIRMED, freedom) + student_quantile(_MISSED / len(series), freedom)
        least = reach * float(errors[index])
        seen = Measured(Case(signal, side, side), scales[index], level, 0.0, 0.0, 0.0, freedom, 0.0, 0.0)
        if signal.margin is None or seen.margin is None or least <= seen.margin:
            found.append(None)
            continue
        could = compared_in(signal.margin)(seen.expected, seen.scale.back(level + least), signal.unit)
        message = f"its noise lets a change of {could.lstrip('+')} be ruled out at the last look, no smaller one"
        found.append(Finding(SignalVerdict.INCONCLUSIVE, Reason.UNRESOLVED, message))
    return found

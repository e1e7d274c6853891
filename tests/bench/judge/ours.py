"""The product's own judge, on the blocks of simulated reviews."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from driftreview.api.reasons import SignalVerdict
from driftreview.api.signal import Signal
from driftreview.domain.finding import Side
from driftreview.domain.measured import Case, Grid
from driftreview.domain.together import judge_together
from tests.bench.judge.outcome import Outcome
from tests.bench.judge.process import Bools, Floats

BUDGET: Final = 0.05
SIGNAL: Final = Signal.model_validate({"name": "a", "query": "a", "margin": {"relative": "5%"}})
GOOD: Final = (SignalVerdict.STABLE, SignalVerdict.ACCEPTABLE, SignalVerdict.IMPROVED)


def judge(series: Floats, before: int, looks: Sequence[int]) -> Outcome:
    """A `Method`."""
    found = [[_look(review, before, *each, len(looks)) for each in pairwise((0, *looks))] for review in np.exp(series)]
    rolled: Bools = np.logical_or.accumulate([[SignalVerdict.DEGRADED in look for look in each] for each in found], 1)
    held = np.array([any(SignalVerdict.SUSPECT in look for look in each) for each in found])
    kept = np.array([all(verdict in GOOD for verdict in each[-1]) for each in found])
    return Outcome(rolled, held, kept & ~rolled[:, -1])


def _look(review: Floats, before: int, seen: int, look: int, looks: int) -> list[SignalVerdict]:
    cases = [
        Case.of(SIGNAL, Side(tuple(row[:before].tolist())), Side(tuple(row[before : before + look].tolist())))
        for row in review
    ]
    return [each.verdict for each in judge_together(cases, Grid(1 / 6, 0, seen), BUDGET / looks)]

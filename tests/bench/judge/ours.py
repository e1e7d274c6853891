"""The product's own judge, on the blocks of simulated reviews."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from driftreview.api.signal import Signal
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.covariate import Covariate
from driftreview.domain.finding import Side
from driftreview.domain.measured import Case, Grid
from driftreview.domain.together import judge_together
from tests.bench.judge.outcome import Outcome
from tests.bench.judge.process import Bools, Floats

BUDGET: Final = 0.05
SIGNAL: Final = Signal.model_validate({"name": "a", "query": "a", "margin": {"relative": "5%"}})
GOOD: Final = (SignalVerdict.STABLE, SignalVerdict.ACCEPTABLE, SignalVerdict.IMPROVED)


def judge(
    series: Floats,
    before: int,
    looks: Sequence[int],
    declared: Signal = SIGNAL,
    loads: Sequence[Floats | None] | None = None,
) -> Outcome:
    """A `Method`; for each review there may be the blocks of what all its signals follow."""
    found = [
        [_look(review, before, *each, len(looks), declared, load) for each in pairwise((0, *looks))]
        for review, load in zip(np.exp(series), loads or [None] * len(series), strict=True)
    ]
    rolled: Bools = np.logical_or.accumulate([[SignalVerdict.DEGRADED in look for look in each] for each in found], 1)
    held = np.array([any(SignalVerdict.SUSPECT in look for look in each) for each in found])
    kept = np.array([all(verdict in GOOD for verdict in each[-1]) for each in found])
    return Outcome(rolled, held, kept & ~rolled[:, -1])


def _look(
    review: Floats, before: int, seen: int, look: int, looks: int, declared: Signal, load: Floats | None
) -> list[SignalVerdict]:
    covariate = None if load is None else Covariate(SIGNAL, *_sides(load, before, look))
    cases = [Case.of(declared, *_sides(row, before, look), covariate) for row in review]
    return [each.verdict for each in judge_together(cases, Grid(1 / 6, 0, seen), BUDGET / looks)]


def _sides(row: Floats, before: int, look: int) -> tuple[Side, Side]:
    return Side(tuple(row[:before].tolist())), Side(tuple(row[before : before + look].tolist()))

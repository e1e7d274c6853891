"""How soon guards see what begins at T0 or a day later, and how often they see what is not there.

Run from the root of the repository::

    python -m tests.bench.judge.guards [--reviews N] [--jobs N] [--markdown] [WORD ...]

Each review has ten signals and a week of baseline; in those that are not healthy the first becomes worse. Guards look
every ten minutes between the four checkpoints, as the product's do. Beside that: the checkpoints alone, and the
asymptotic confidence sequence of the judge's specification, 2.1, over the mean since T0, with the budget of the guards.
It asks whether the mean is surely higher, and by the estimate by more than 5%; ours whether it surely is by more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import NormalDist
from typing import Final

import numpy as np

from driftreview.api.driftreview import DriftReviewSpec
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.finding import Side
from driftreview.domain.guarding import SHARE, guard_share
from driftreview.domain.measured import Case, Grid
from driftreview.domain.schedule import guard_window
from driftreview.domain.together import judge_together
from tests.bench.judge.ours import BUDGET, SIGNAL
from tests.bench.judge.process import BLOCK, DAY, HOUR, LOOKS, Floats, Scenario, block_medians, samples
from tests.bench.judge.runs import in_lots
from tests.bench.judge.show import Cells, options_of, shown

T0: Final = datetime(2026, 7, 31, tzinfo=UTC)
LENGTH: Final = timedelta(minutes=BLOCK)
AFTER: Final = LOOKS[-1] // BLOCK
SPEC: Final = DriftReviewSpec.model_validate(
    {"target": {"name": "a"}, "metrics": {"sourceRef": {"name": "a"}}, "signals": [SIGNAL], "guards": {}}
)
TUNED: Final = 6
"""Blocks for which the confidence sequence is the narrowest."""


@dataclass(frozen=True)
class Row:
    """Reviews of one kind."""

    scenario: Scenario
    shift: float = 0.0
    onset: int = 0
    """Minutes after T0 from which on the first signal is worse."""


def _healthy() -> list[Row]:
    kinds = [Scenario(f"healthy, phi {phi}", number, phi) for phi, number in ((0.0, 1), (0.5, 2), (0.9, 3))]
    more = [
        Scenario("healthy, spikes", 31, spikes=True),
        Scenario("healthy, daily rhythm", 32, diurnal=True),
        Scenario("healthy, slow drift", 33, slow=True),
    ]
    return [Row(each) for each in (*kinds, *more)]


def _worse() -> list[Row]:
    return [
        Row(Scenario(f"+{shift:.0%} since T0+{onset // HOUR}h, phi 0.9", 110 + int(100 * shift)), shift, onset)
        for onset in (0, DAY)
        for shift in (0.5, 0.25, 0.1)
    ]


ROWS: Final = (*_healthy(), *_worse())


@dataclass(frozen=True)
class Seen:
    """After how many minutes each review was found to be worse; infinite where it was not."""

    guarded: Floats
    checkpoints: Floats
    sequence: Floats


def run(row: Row, reviews: int, jobs: int = 1) -> Seen:
    """What is found in the first so many reviews."""
    lots = list(in_lots(partial(_lot, row), reviews, jobs, row.scenario.name))
    return Seen(*(np.concatenate(part) for part in zip(*lots, strict=True)))


def _lot(row: Row, reviews: range) -> tuple[Floats, Floats, Floats]:
    found = [_review(row, review) for review in reviews]
    guarded, checkpoints, sequence = (np.array(part, dtype=float) for part in zip(*found, strict=True))
    return guarded, checkpoints, sequence


def _review(row: Row, review: int) -> tuple[float, float, float]:
    values = samples(row.scenario, review)
    values[0, row.scenario.baseline + row.onset :] *= 1 + row.shift
    blocks = block_medians(values)[: 1 if row.shift else None]
    before = row.scenario.baseline // BLOCK
    share = len(blocks) / row.scenario.signals  # of the signals that are judged here
    guards = [_window(at) for at in range(1, AFTER + 1)]
    looks = [(0, at // BLOCK) for at in LOOKS]
    by_guards = _first(row, blocks, before, guards, share * BUDGET * guard_share(SPEC, LENGTH))
    by_looks = [_first(row, blocks, before, looks, share * part * BUDGET / len(LOOKS)) for part in (1 - SHARE, 1)]
    return (
        min(by_guards, by_looks[0]),
        by_looks[1],
        _by_sequence(row, np.log(blocks), before, BUDGET * SHARE / row.scenario.signals),
    )


def _window(at: int) -> tuple[int, int]:
    """First and last block of the guard after so many blocks."""
    window = guard_window(SPEC, T0, T0 + at * LENGTH, timedelta(minutes=1), LENGTH)
    if window is None:
        raise ValueError("a guard looks at something")
    return (window.start - T0) // LENGTH, (window.end - T0) // LENGTH


def _first(row: Row, blocks: Floats, before: int, looks: Sequence[tuple[int, int]], budget: float) -> float:
    """Minutes from when it became worse to the first look that is surely so."""
    old = [Side(tuple(each[:before].tolist())) for each in blocks]
    for start, end in looks:
        if end - start < TUNED or (row.shift and end * BLOCK <= row.onset):
            continue
        now = [Side(tuple(each[before + start : before + end].tolist())) for each in blocks]
        cases = [Case.of(SIGNAL, *each) for each in zip(old, now, strict=True)]
        found = judge_together(cases, Grid(1 / 6, start, since=start / 6, closes=48), budget)
        if any(each.verdict is SignalVerdict.DEGRADED for each in found):
            return float(end * BLOCK - row.onset)
    return math.inf


def _by_sequence(row: Row, logs: Floats, before: int, alpha: float) -> float:
    """The same by the confidence sequence; half of its error is for the baseline's mean."""
    old, now = logs[:, :before], logs[:, before:]
    noise = old - old.mean(axis=1, keepdims=True)
    memory = np.clip((noise[:, 1:] * noise[:, :-1]).mean(axis=1) / noise.var(axis=1), 0, 0.97)
    spread = np.sqrt(noise.var(axis=1) * (1 + memory) / (1 - memory))
    count = np.arange(1, now.shape[1] + 1)
    tuned = -2 * math.log(alpha)
    rate = (tuned + math.log(tuned) + 1) / TUNED
    grown = count * rate + 1
    wide = np.sqrt(2 * grown / (count**2 * rate) * np.log(1 + np.sqrt(grown) / alpha))
    reach = spread[:, None] * wide + (NormalDist().inv_cdf(1 - alpha / 2) * spread / math.sqrt(before))[:, None]
    steps = now.cumsum(axis=1) / count - old.mean(axis=1, keepdims=True)
    fires = ((steps > reach) & (steps > math.log(1.05))).any(axis=0)
    fires &= (count * BLOCK > row.onset) if row.shift else True
    return float(count[fires][0] * BLOCK - row.onset) if fires.any() else math.inf


def cells(row: Row, found: Seen) -> Cells:
    """Of healthy reviews how many were found to be worse, of the others after how many hours half and nine tenths."""
    columns = {"with guards": found.guarded, "without": found.checkpoints, "sequence since T0": found.sequence}
    return {"reviews": str(len(found.guarded))} | {name: _said(row, minutes) for name, minutes in columns.items()}


def _said(row: Row, minutes: Floats) -> str:
    if not row.shift:
        return f"{np.isfinite(minutes).sum()} of {len(minutes)}"
    half, most = (np.quantile(minutes, share, method="higher") / HOUR for share in (0.5, 0.9))
    return " / ".join(f"{hours:.1f} h" if math.isfinite(hours) else "never" for hours in (half, most))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, row by row as it comes."""
    options = options_of(__doc__, arguments)
    for row in ROWS:
        if not options.words or any(word in row.scenario.name for word in options.words):
            found = cells(row, run(row, options.reviews, options.jobs))
            print(shown([(row.scenario.name, found)], markdown=options.markdown), flush=True)


if __name__ == "__main__":
    main()

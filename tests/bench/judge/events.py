"""Kind Events, simulated: how often healthy counts are Degraded, and what a rate that rose shows by each look.

Run from the root of the repository::

    python -m tests.bench.judge.events [--reviews N] [--markdown] [WORD ...]

Counts of blocks of ten minutes are independent (Poisson), or come in bursts of a geometric number around five, or their
rate wanders, lognormal with a memory of hours, or it follows the time of day: in a wave, or by a job at T0 and on the
days before that lasts half an hour, at ten times the rate. Each look is one of four and has its whole share of the
budget, 1.25%. Words choose rows by their names.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import numpy as np

from driftreview.api.signal import Signal
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.finding import Side
from driftreview.domain.measured import Case, Grid
from driftreview.domain.together import judge_together
from tests.bench.judge.process import BLOCK, DAY, HOUR, LOOKS, SEED, WEEK, Floats, remembering
from tests.bench.judge.show import Cells, shown

SHARE: Final = 0.05 / len(LOOKS)
GRID: Final = Grid(BLOCK / HOUR, HOUR // BLOCK)
SPANS: Final = 2
"""Stretches of five minutes in a block."""
BURST: Final = 5
GOOD: Final = (SignalVerdict.STABLE, SignalVerdict.ACCEPTABLE, SignalVerdict.IMPROVED)

Make: TypeAlias = Callable[[np.random.Generator, float, range], Floats]
"""Counts of blocks, numbered from T0, at a rate per block."""


def poisson(rng: np.random.Generator, rate: float, blocks: range) -> Floats:
    """Independent events."""
    return rng.poisson(rate, len(blocks)).astype(float)


def bursts(rng: np.random.Generator, rate: float, blocks: range) -> Floats:
    """Independent bursts."""
    number = rng.poisson(rate / BURST, len(blocks))
    return np.array([rng.geometric(1 / BURST, each).sum() for each in number], dtype=float)


def wandering(rng: np.random.Generator, rate: float, blocks: range, *, hours: float, cv: float) -> Floats:
    """Events whose rate is lognormal and remembers itself for hours."""
    spread = float(np.sqrt(np.log1p(cv * cv)))
    z = remembering(rng.standard_normal(len(blocks)), float(np.exp(-BLOCK / HOUR / hours)))
    return rng.poisson(rate * np.exp(spread * z - spread**2 / 2)).astype(float)


def waving(rng: np.random.Generator, rate: float, blocks: range) -> Floats:
    """Independent events whose rate goes up and down by nine tenths every day."""
    return rng.poisson(rate * (1 + 0.9 * np.sin(2 * np.pi * np.array(blocks) / (DAY // BLOCK)))).astype(float)


def nightly(rng: np.random.Generator, rate: float, blocks: range) -> Floats:
    """Independent events with a job for half an hour every day."""
    is_job = np.array(blocks) % (DAY // BLOCK) < HOUR // BLOCK // 2
    return rng.poisson(np.where(is_job, 10 * rate, rate)).astype(float)


PROCESSES: Final[dict[str, Make]] = {
    "independent": poisson,
    "bursts of 5": bursts,
    "rate wanders 50% in 1 h": partial(wandering, hours=1.0, cv=0.5),
    "rate wanders 30% in 5 h": partial(wandering, hours=5.0, cv=0.3),
    "rate wanders 70% in 5 h": partial(wandering, hours=5.0, cv=0.7),
    "rate follows the day by 90%": waving,
    "nightly job at T0": nightly,
}


@dataclass(frozen=True)
class Row:
    """One process at one rate."""

    process: str
    per_hour: float
    baseline: int
    """In minutes."""
    number: int

    @property
    def name(self) -> str:
        """Of the row."""
        return f"{self.process}, {self.per_hour:g}/h, {self.baseline // DAY} d"

    def share(self, reviews: int, margin: str, times: float, look: int, *verdicts: SignalVerdict) -> str:
        """How many reviews of a rate that became so many times as high get one of these verdicts, in percent."""
        declared = _signal(margin)
        rate, make = self.per_hour * BLOCK / HOUR, PROCESSES[self.process]
        hits = 0
        for review in range(reviews):
            rng = np.random.default_rng([SEED, self.number, review, look])
            before = make(rng, rate, range(-GRID.gap - self.baseline // BLOCK, -GRID.gap))
            now = make(rng, times * rate, range(look // BLOCK))
            case = Case.of(declared, *(Side(tuple((side / SPANS).tolist())) for side in (before, now)))
            hits += judge_together([case], GRID, SHARE)[0].verdict in verdicts
        return f"{100 * hits / reviews:.1f}".removesuffix(".0")

    def cells(self, reviews: int) -> Cells:
        """Of the table."""
        degraded = SignalVerdict.DEGRADED

        def by_look(margin: str, times: float) -> str:
            return "/".join(self.share(reviews, margin, times, look, degraded) for look in LOOKS)

        return {
            "healthy, margin 0": by_look("0%", 1),
            "x2, margin 0": by_look("0%", 2),
            "x2, margin 50%": by_look("50%", 2),
            "x5, margin 50%": by_look("50%", 5),
            "healthy good at 48h, margin 50%": self.share(reviews, "50%", 1, LOOKS[-1], *GOOD),
        }


def _signal(margin: str) -> Signal:
    fields = {"name": "a", "query": "a", "kind": "Events", "margin": {"relative": margin}, "for": "5m"}
    return Signal.model_validate(fields)


def rows() -> Iterator[Row]:
    """Of the table."""
    number = 600
    for process in PROCESSES:
        for baseline in (DAY, WEEK):
            for per_hour in (0.1, 1, 10):
                yield Row(process, per_hour, baseline, number)
                number += 1


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reviews", type=int, default=100)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("words", nargs="*")
    options = parser.parse_args(arguments)
    chosen = [row for row in rows() if all(word in row.name for word in options.words)]
    print("Degraded at 1/6/24/48 h, each look by itself with its share of 1.25%, %\n")
    print(shown([(row.name, row.cells(options.reviews)) for row in chosen], markdown=options.markdown))


if __name__ == "__main__":
    main()

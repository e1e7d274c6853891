"""What real series do, but not the process behind tables A to C: weeks, load, heavy tails, restarts, changes of level.

Run from the root of the repository::

    python -m tests.bench.judge.harder [--reviews N] [--jobs N] [--markdown] [WORD ...]

Words choose rows by their names. Noise remembers itself from one minute to the next with 0.9; T0 lies at any time of a
week. Faults are in the first signal of ten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import numpy as np

from driftreview.api.signal import Signal, Worse
from tests.bench.judge import ours, plain
from tests.bench.judge.kayenta import KAYENTA
from tests.bench.judge.outcome import Outcome, joined
from tests.bench.judge.peers import Review
from tests.bench.judge.process import (
    BLOCK,
    DAY,
    HOUR,
    LOOKS,
    MEAN,
    SEED,
    WEEK,
    Floats,
    block_medians,
    lognormal,
    remembering,
)
from tests.bench.judge.runs import BLOCK_LOOKS, in_lots
from tests.bench.judge.show import Cells, at_last, by_look, options_of, outcome_cells, shown

SIGNALS: Final = 10
OURS: Final = "ours"
EITHER: Final = ours.SIGNAL.model_copy(update={"worse": Worse.EITHER})
BEHAVIOUR: Final = "Kay. any"


@dataclass(frozen=True)
class Drawn:
    """One review."""

    series: Floats
    """(signals, baseline + 2880), one sample a minute."""
    load: Floats | None = None
    """(baseline + 2880,): what all of them follow."""


@dataclass(frozen=True)
class Row:
    """Reviews of one kind."""

    name: str
    number: int
    """Second part of the seed."""
    draw: Callable[[np.random.Generator, Floats], Drawn]
    """From the minutes of the week, T0's offset included."""
    baseline: int = WEEK
    shift: float = 0.0
    signal: Signal = field(default=ours.SIGNAL)
    with_load: bool = False
    """Whether the load is given as covariate."""


def noise(rng: np.random.Generator, shape: tuple[int, ...], phi: float = 0.9) -> Floats:
    """AR(1) of variance one."""
    return remembering(rng.standard_normal(shape), phi)


def week(minutes: Floats, weekend: float, daily: float = 0.2) -> Floats:
    """Factor of the time of a week: a daily wave, and two days that are different."""
    day = 1 + daily * np.sin(2 * np.pi * minutes / DAY)
    return day * np.where(minutes % WEEK >= 5 * DAY, weekend, 1.0)


def weekly(weekend: float, rng: np.random.Generator, minutes: Floats) -> Drawn:
    """Traffic-shaped signals."""
    return Drawn(lognormal(noise(rng, (SIGNALS, len(minutes))), 0.05) * week(minutes, weekend))


def loaded(rng: np.random.Generator, minutes: Floats) -> Drawn:
    """Signals that follow the square root of a load, which has a week and wanders within hours."""
    wander = noise(rng, (len(minutes),), float(np.exp(-1 / (4 * HOUR))))
    load = MEAN * week(minutes, 0.6, 0.3) * np.exp(0.2 * wander)
    own = lognormal(noise(rng, (SIGNALS, len(minutes))), 0.05)
    return Drawn(own * np.sqrt(load / MEAN), load * np.exp(0.02 * rng.standard_normal(len(minutes))))


def heavy(rng: np.random.Generator, minutes: Floats) -> Drawn:
    """Tail quantiles: innovations of Student's t with three degrees of freedom."""
    innovations = rng.standard_t(3, (SIGNALS, len(minutes))) / np.sqrt(3)
    return Drawn(lognormal(remembering(innovations, 0.9), 0.1))


def restarting(rng: np.random.Generator, minutes: Floats) -> Drawn:
    """Rates of counters that lose up to five minutes at a restart, one in six hours."""
    x = lognormal(noise(rng, (SIGNALS, len(minutes))), 0.05)
    restarts = rng.random(x.shape) < 1 / (6 * HOUR)
    left = rng.uniform(0, 0.8, x.shape)
    for lag in range(5):
        x[:, lag:] *= np.where(restarts, left, 1.0)[:, : x.shape[1] - lag]
    return Drawn(x)


def calm(signals: int, common: float, rng: np.random.Generator, minutes: Floats) -> Drawn:
    """Signals of which a share of the variance is common to all."""
    shared = noise(rng, (len(minutes),))
    own = noise(rng, (signals, len(minutes)))
    return Drawn(lognormal(np.sqrt(common) * shared + np.sqrt(1 - common) * own, 0.1))


def changed(before: float, baseline: int, rng: np.random.Generator, minutes: Floats) -> Drawn:
    """Another level until some time in the baseline."""
    x = lognormal(noise(rng, (SIGNALS, len(minutes))), 0.1)
    x[:, : rng.integers(int(0.2 * baseline), int(0.9 * baseline))] *= before
    return Drawn(x)


def _rows() -> Iterator[Row]:
    for index, days in enumerate((3, 7, 14)):
        for nth, weekend in enumerate((0.8, 1.25)):
            row = Row(
                f"weekends {weekend - 1:+.0%}, {days} d", 1000 + 10 * index + nth, partial(weekly, weekend), days * DAY
            )
            yield row
            yield replace(row, name=f"{row.name}, +10%", shift=0.1)
    for index, days in enumerate((1, 7)):
        for with_load in (False, True):
            row = Row(f"load, {days} d, {'with' if with_load else 'no'} covariate", 1100 + index, loaded, days * DAY)
            row = replace(row, with_load=with_load)
            yield row
            yield replace(row, name=f"{row.name}, +10%", shift=0.1)
    for name, number, draw in (
        ("heavy tails", 1200, heavy),
        ("restarts", 1300, restarting),
        ("50 signals, half common", 1400, partial(calm, 50, 0.5)),
    ):
        yield Row(f"{name}, 7 d", number, draw)
        yield Row(f"{name}, 7 d, +10%", number, draw, shift=0.1)
    for shift in (0.0, 0.1, -0.1):
        yield Row(f"Either, 7 d, {shift:+.0%}", 1500, partial(calm, SIGNALS, 0.0), shift=shift, signal=EITHER)
    for index, (length, hours) in enumerate((("1 h", 1), ("6 h", 6), ("1 d", 24), ("7 d", 168))):
        yield Row(f"nothing at all, {length}", 1700 + index, partial(calm, SIGNALS, 0.0), hours * HOUR)
    for index, days in enumerate((1, 7)):
        for nth, before in enumerate((0.8, 1.25)):
            draw = partial(changed, before, days * DAY)
            row = Row(f"level before {before - 1:+.0%}, {days} d", 1600 + 10 * index + nth, draw, days * DAY)
            yield row
            yield replace(row, name=f"{row.name}, +10%", shift=0.1)


ROWS: Final = tuple(_rows())


def drawn(row: Row, review: int) -> Drawn:
    """One review of a row, with its fault."""
    rng = np.random.default_rng([SEED, row.number, review])
    minutes = np.arange(-row.baseline, LOOKS[-1], dtype=float)
    found = row.draw(rng, minutes + rng.uniform(0, WEEK) + 4 * WEEK)
    found.series[0] *= np.where(minutes >= 0, 1 + row.shift, 1.0)
    return found


def run(row: Row, reviews: int, jobs: int = 1) -> dict[str, Outcome]:
    """What is said of the first so many reviews."""
    lots = list(in_lots(partial(_lot, row), reviews, jobs, row.name))
    return {name: joined([lot[name] for lot in lots]) for name in lots[0]}


def _lot(row: Row, reviews: range) -> dict[str, Outcome]:
    found = [drawn(row, review) for review in reviews]
    blocks = np.stack([block_medians(np.log(each.series)) for each in found])
    loads = [None if each.load is None or not row.with_load else block_medians(each.load) for each in found]
    before = row.baseline // BLOCK
    rolled = np.stack(
        [KAYENTA[BEHAVIOUR].rolled_back(Review(each.series, row.baseline, HOUR), LOOKS) for each in found]
    )
    return {
        OURS: ours.judge(blocks, before, BLOCK_LOOKS, row.signal, loads),
        "plain": plain.judge(blocks, before, BLOCK_LOOKS),
        BEHAVIOUR: Outcome(rolled, np.zeros(len(found), bool), ~rolled[:, -1]),
    }


def cells(found: dict[str, Outcome], row: Row) -> Cells:
    """What others have no notion of stays empty."""
    others = row.signal is ours.SIGNAL and not row.with_load
    return outcome_cells(found[OURS], by_look, OURS) | {
        "plain rollback": at_last(found["plain"].rolled_back) if others else "",
        "plain promoted": at_last(found["plain"].promoted[:, None]) if others else "",
        f"{BEHAVIOUR} rollback": at_last(found[BEHAVIOUR].rolled_back) if others else "",
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    options = options_of(__doc__, arguments)
    chosen = [row for row in ROWS if not options.words or any(word in row.name for word in options.words)]
    rows = [(row.name, cells(run(row, options.reviews, options.jobs), row)) for row in chosen]
    print(shown(rows, markdown=options.markdown))


if __name__ == "__main__":
    main()

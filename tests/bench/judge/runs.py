"""Runs of the methods on simulated reviews, in lots, by one process or several."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Final, TypeVar

import numpy as np

from tests.bench.judge.memory import RULES, Programs, failed, ours_stable, stable
from tests.bench.judge.methods import CONCURRENT, METHODS, SAMPLED
from tests.bench.judge.outcome import Outcome, joined
from tests.bench.judge.peers import Review
from tests.bench.judge.process import (
    BLOCK,
    HOUR,
    LOOKS,
    Bools,
    Floats,
    block_medians,
    concurrent_samples,
    memory_samples,
    samples,
)
from tests.bench.judge.rows import OURS_STABLE, STABLE, MemoryRow, Row

LOT: Final = 25
"""Reviews worked on at once: what bounds memory, and how often progress is shown."""
BLOCK_LOOKS: Final = tuple(look // BLOCK for look in LOOKS)

Result = TypeVar("Result")


def run(row: Row, reviews: int, jobs: int = 1, *, sampled: bool = False) -> dict[str, Outcome]:
    """Outcome of every method, and of those on raw samples if asked for, on the first so many reviews of a row."""
    lots = list(in_lots(partial(_lot, row, sampled), reviews, jobs, row.scenario.name))
    return {name: joined([lot[name] for lot in lots]) for name in lots[0]}


def run_memory(row: MemoryRow, reviews: int, jobs: int = 1) -> dict[str, Bools]:
    """What every rule fails by each look, (programs, looks); and what is stable at the last, (programs, 1)."""
    lots = list(in_lots(partial(_memory_lot, row), reviews, jobs, row.scenario.name))
    return {name: np.concatenate([lot[name] for lot in lots]) for name in lots[0]}


def in_lots(work: Callable[[range], Result], reviews: int, jobs: int, name: str) -> Iterator[Result]:
    """Results of lots of reviews in order, with a line of progress if somebody looks on."""
    lots = [range(first, min(first + LOT, reviews)) for first in range(0, reviews, LOT)]
    if jobs == 1:
        yield from _watched(map(work, lots), lots, name)
    else:
        with ProcessPoolExecutor(jobs) as pool:
            yield from _watched(pool.map(work, lots), lots, name)


def _watched(results: Iterable[Result], lots: list[range], name: str) -> Iterator[Result]:
    for lot, result in zip(lots, results, strict=True):
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\033[K{name}: {lot.stop} of {lots[-1].stop}")
            sys.stderr.flush()
        yield result
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")


def _lot(row: Row, sampled: bool, reviews: range) -> dict[str, Outcome]:  # noqa: FBT001 - bound by `partial`
    scenario = row.scenario
    drawn = [_drawn(row, review) for review in reviews]
    blocks = np.stack([block_medians(np.log(each)) for each in drawn])
    methods = CONCURRENT if row.concurrent else METHODS
    found = {name: method(blocks, scenario.baseline // BLOCK, BLOCK_LOOKS) for name, method in methods.items()}
    if sampled:
        raw = [Review(each, scenario.baseline, HOUR) for each in drawn]
        for name, peer in SAMPLED.items():
            rolled = np.stack([peer.rolled_back(review, LOOKS) for review in raw])
            found[name] = Outcome(rolled, np.zeros(len(raw), bool), ~rolled[:, -1])
    return found


def _drawn(row: Row, review: int) -> Floats:
    if not row.concurrent:
        return samples(row.scenario, review)
    canary, stable_one = concurrent_samples(row.scenario, review)
    return canary / stable_one if row.difference else canary


def _memory_lot(row: MemoryRow, reviews: range) -> dict[str, Bools]:
    programs = Programs(np.stack([memory_samples(row.scenario, review) for review in reviews]))
    found = {name: failed(rule, programs) for name, rule in RULES.items()}
    last = LOOKS[-1]
    return found | {STABLE: stable(programs, last)[:, None], OURS_STABLE: ours_stable(programs, last)[:, None]}

"""Judges many T0s on all cores: each worker gets the history once, then one T0 after the other."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import datetime
from multiprocessing import get_context

from driftreview.domain.outcome import Outcome, outcome_of
from driftreview.domain.sweep import Study

_given: list[Study] = []
"""In a worker: what it judges."""


def judged(study: Study, t0s: Sequence[datetime], jobs: int, done: Callable[[], None]) -> list[tuple[Outcome, ...]]:
    """The outcomes of each T0, in order: without a fault, then with each.

    Args:
        study: what is judged.
        t0s: where.
        jobs: processes; with one, this one.
        done: called after each T0.
    """
    if jobs == 1 or len(t0s) == 1:
        found = []
        for t0 in t0s:
            found.append(_outcomes(study, t0))
            done()
        return found
    # Spawned, not forked: a fork copies the locks of whatever thread draws the progress bar.
    pool = ProcessPoolExecutor(min(jobs, len(t0s)), get_context("spawn"), initializer=_take, initargs=(study,))
    try:
        waiting = {pool.submit(_at, t0): index for index, t0 in enumerate(t0s)}
        ordered: dict[int, tuple[Outcome, ...]] = {}
        for future in as_completed(waiting):
            ordered[waiting[future]] = future.result()
            done()
    finally:
        pool.shutdown(cancel_futures=True)
    return [ordered[index] for index in range(len(t0s))]


def _take(study: Study) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all: who was started ends with who started it
    _given.append(study)


def _at(t0: datetime) -> tuple[Outcome, ...]:
    return _outcomes(_given[0], t0)


def _outcomes(study: Study, t0: datetime) -> tuple[Outcome, ...]:
    return tuple(outcome_of(each) for each in study.at(t0))

"""Captures the evidence of a look: every query asked over its window, each answer frozen at once, and all stored."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Final

from driftreview.adapters.metricsources import FoundSource
from driftreview.adapters.prometheus import BusyError
from driftreview.adapters.reviews import Reviews
from driftreview.adapters.workloads import Workloads
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec, Problem, RevisionEvidence, SignalEvidence
from driftreview.api.signal import Signal
from driftreview.domain import trouble
from driftreview.domain.companions import Companion
from driftreview.domain.evidence import T0, Look, Measurement, canonical, freeze, is_of, snapshot_name, take
from driftreview.domain.query import QueryProblem
from driftreview.domain.samples import Failed, QueryResult, Window
from driftreview.runtime.gather import SIMPLEST, Resolved, Room, Subject, TurnOverError, asked, resolved

MOST_BYTES: Final = 64 * 2**20
"""Of answers kept for looks that are not complete yet; beyond it, what was touched longest ago is asked again."""


class ForeignEvidenceError(Exception):
    """A snapshot of the expected name is not the one this review would have taken."""


@dataclass(frozen=True)
class Unanswered:
    """Every query was asked; some were not answered, which may be answered later."""

    failures: list[Failed]
    dead: bool
    """Whether the source answers nothing at all."""


@dataclass
class _Round:
    """What one look has found out so far. Answers stay; failures are asked again in the next round."""

    look: Look
    began: datetime
    room: Room
    answered: dict[str, SignalEvidence] = field(default_factory=dict)
    failed: dict[str, Measurement] = field(default_factory=dict)
    answered_before: int = 0
    """How many answers the rounds before this one gave."""
    size: int = 1000
    """About how many bytes it keeps."""

    def keep(self, signal: SignalEvidence) -> None:
        self.answered[signal.name] = signal
        self.size += len(canonical(signal.to_wire()))


class Capture:
    """Takes the looks of all reviews; threads may share it.

    What a look has found out is kept from one step to the next, in memory only: lost, it is asked again.
    """

    def __init__(self, reviews: Reviews, workloads: Workloads, clock: Callable[[], datetime]) -> None:
        """Store evidence here, and take pod templates from there."""
        self._reviews, self._workloads, self._clock = reviews, workloads, clock
        self._lock = threading.Lock()
        self._rounds: OrderedDict[str, _Round] = OrderedDict()

    def evidence(
        self,
        review: DriftReview,
        look: Look,
        found: FoundSource | Problem,
        until: float,
        *,
        history: bool,
    ) -> DriftSnapshotSpec | Unanswered:
        """The stored evidence of a look, or what is measured and stored now.

        Args:
            review: whose look it is; it has started.
            look: what is measured.
            found: the source, or why it cannot be asked.
            until: on the monotonic clock; after this no further query is begun, but one is asked in any case.
            history: ask about the time before the rollout.

        Raises:
            TurnOverError: the time was over; nothing is lost by it.
            BusyError: enough queries run at the source; nothing is lost by it.
            ForeignEvidenceError: something else is stored under the look's name.
            ClusterError: the API server could not be asked, or did not store it.
        """
        status = review.status
        if status.judged is None:
            raise ValueError("the plan asked for evidence before T0")
        name = snapshot_name(review.metadata.name, review.metadata.uid, look.checkpoint)
        subject = Subject(status.judged, status.previous, history=history)
        stored = self._reviews.snapshot(review.metadata.namespace, name)
        if stored is None:
            signals = [] if look.window is None else self._ask(review, subject, look, look.window, found, until)
            if not isinstance(signals, list):
                return signals
            judged = RevisionEvidence(**status.judged.model_dump())
            previous = None
            if look.checkpoint == T0 and status.previous is not None:
                previous = self._workloads.pin(review.metadata.namespace, status.previous)
            stored = self._reviews.store_snapshot(review, name, take(review, look, signals, judged, previous))
        self.forget(review.metadata.uid)
        sent = [asked(*each) for each in zip(review.spec.signals, resolved(review, subject), strict=True)]
        if not is_of(stored, review, look, status.judged.template_hash, sent):
            raise ForeignEvidenceError(name)
        return stored

    def forget(self, uid: str) -> None:
        """A look is complete, or its review is over."""
        with self._lock:
            self._rounds.pop(uid, None)

    def next_round(self, uid: str) -> None:
        """It is told what went unanswered: the next time that is asked again."""
        with self._lock:
            if this := self._rounds.get(uid):
                this.failed, this.answered_before, this.began = {}, len(this.answered), self._clock()

    def _answers(self, this: _Round, found: FoundSource | Problem) -> bool:
        """Whether a source that answered before, but no query of this round, answers the simplest question there is."""
        if not this.answered or isinstance(found, Problem):
            return False
        try:
            return not isinstance(found.source.instant(SIMPLEST, self._clock()), Failed)
        except BusyError:
            return False

    def _ask(
        self,
        review: DriftReview,
        subject: Subject,
        look: Look,
        window: Window,
        found: FoundSource | Problem,
        until: float,
    ) -> list[SignalEvidence] | Unanswered:
        """One round of queries, or as much of it as there is time for."""
        this = self._resumed(review, look)
        signals = zip(review.spec.signals, resolved(review, subject), strict=True)
        left = [each for each in signals if each[0].name not in this.answered.keys() | this.failed.keys()]
        for number, (signal, queries) in enumerate(left):
            if number and monotonic() >= until:
                done = len(this.answered) + len(this.failed)
                raise TurnOverError(look.checkpoint, done, len(review.spec.signals), this.began)
            measured = _measure(signal, queries, found, window, this.room)
            if measured.failure:
                this.failed[signal.name] = measured
            else:
                this.keep(freeze(measured, window, look.block))
        failures = [each.failure for each in this.failed.values() if each.failure]
        if failures:
            dead = len(this.answered) == this.answered_before and not self._answers(this, found)
            index = next((i for i, each in enumerate(review.status.checkpoints) if each.name == look.checkpoint), None)
            if not trouble.out_of_patience(review, index, self._clock(), dead=dead):
                return Unanswered(failures, dead)
        frozen = this.answered | {name: freeze(each, window, look.block) for name, each in this.failed.items()}
        return [frozen[signal.name] for signal in review.spec.signals]

    def _resumed(self, review: DriftReview, look: Look) -> _Round:
        with self._lock:
            this = self._rounds.pop(review.metadata.uid, None)
            if this is None or this.look != look:
                this = _Round(look, self._clock(), Room(self._clock))
            self._rounds[review.metadata.uid] = this
            size = sum(each.size for each in self._rounds.values())
            while size > MOST_BYTES and len(self._rounds) > 1:
                size -= self._rounds.popitem(last=False)[1].size
        return this


def _measure(
    signal: Signal, queries: Resolved, found: FoundSource | Problem, window: Window, room: Room
) -> Measurement:
    """Ask the queries of a signal over a window. What cannot be asked is a failure like any other, never a gap."""
    sent = asked(signal, queries)

    def ask(query: str, resolved_to: str | QueryProblem | None) -> QueryResult:
        if isinstance(found, Problem):
            return as_failure(found)
        if isinstance(resolved_to, QueryProblem):
            return Failed(resolved_to.reason, resolved_to.message, retryable=False)
        return room.ask(lambda: found.source.range(query, window))

    result = ask(sent.query, queries.query)
    if sent.companion is None:
        return Measurement(signal, sent.query, result)
    beside = result if isinstance(result, Failed) else ask(sent.companion, queries.companion)
    return Measurement(signal, sent.query, result, Companion(sent.companion, beside))


def as_failure(problem: Problem) -> Failed:
    """What keeps a source from being asked, as the answer to each query."""
    return Failed(problem.reason, problem.message, retryable=True)

"""Asks the queries of one signal, and the source about itself. What cannot be asked is a failure, never a gap."""

from __future__ import annotations

from driftreview.adapters.metricsources import FoundSource
from driftreview.api.driftsnapshot import Problem
from driftreview.api.signal import Kind, OnMissing, Signal
from driftreview.domain.companions import Companion
from driftreview.domain.evidence import Measurement
from driftreview.domain.query import QueryProblem
from driftreview.domain.samples import Failed, QueryResult, Window
from driftreview.domain.scraping import UP, Scraping
from driftreview.runtime.gather import Resolved, Room, asked


def scraping_of(found: FoundSource | Problem, window: Window, room: Room) -> Scraping:
    """Ask the source about itself. It is no signal: where it cannot be had, only those wait that cannot do without."""
    if isinstance(found, Problem):
        return Scraping.of(as_failure(found))
    return Scraping.of(room.ask(lambda: found.source.range(UP, window)))


def asked_of(signal: Signal, found: FoundSource | Problem, scraping: Scraping) -> FoundSource | Failed | Problem:
    """Whom to ask about a signal: nobody, while a silence of the source would count against the release."""
    counts = signal.kind is Kind.PRESENCE or signal.on_missing is OnMissing.FAIL
    return scraping.failure if counts and scraping.failure and not isinstance(found, Problem) else found


def measure(
    signal: Signal, queries: Resolved, found: FoundSource | Failed | Problem, window: Window, room: Room
) -> Measurement:
    """Ask the queries of a signal over a window. What cannot be asked is a failure like any other, never a gap."""
    sent = asked(signal, queries)

    def ask(query: str, resolved_to: str | QueryProblem | None) -> QueryResult:
        if isinstance(found, Problem):
            return as_failure(found)
        if isinstance(found, Failed):
            return found
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

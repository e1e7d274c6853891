"""A quick look at the history before T0: whether the margins of a review can be seen through its noise."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from time import monotonic

from driftreview.adapters.metricsources import FoundSource
from driftreview.api.driftreview import BaselineFrom, DriftReview
from driftreview.api.driftsnapshot import RevisionEvidence, SignalEvidence
from driftreview.api.signal import Kind, Signal
from driftreview.api.values import exact_duration
from driftreview.domain import schedule
from driftreview.domain.evidence import T0, Look, freeze, take
from driftreview.domain.foresight import foresight
from driftreview.domain.query import QueryProblem
from driftreview.domain.readings import Unknown
from driftreview.domain.samples import Window
from driftreview.domain.subject import Subject
from driftreview.domain.workload import TargetView
from driftreview.runtime.gather import Resolved, Room, TurnOverError, resolution, resolved
from driftreview.runtime.measuring import measure


def too_vague(
    review: DriftReview,
    target: TargetView,
    found: FoundSource,
    room: Room,
    now: datetime,
    until: float,
    frozen: dict[str, SignalEvidence],
) -> tuple[str, ...] | Unknown:
    """Which enforced levels are too noisy for their margin, as the baseline will say, by one answer for each block.

    Only of a baseline from history: what is measured after T0 is not there yet, and nothing is required of it.

    Args:
        review: whose levels.
        target: its target.
        found: the source.
        room: at the source.
        now: the time.
        until: on the monotonic clock; after this no further query is begun, but one is asked in any case.
        frozen: what was answered so far, by signal; more is added.

    Raises:
        TurnOverError: the time was over; nothing is lost by it.
        BusyError: enough queries run at the source.
    """
    spec, judged = review.spec, target.current
    if spec.baseline.from_ is not BaselineFrom.HISTORY or judged is None:
        return ()
    step = resolution(found.source)
    block = schedule.block_length(spec, step)
    ends = spec.window.t0 or target.rollout_started_at or now
    usual = schedule.baseline_window(spec, ends, ends, step)
    if usual is None:
        return Unknown("the history is shorter than a block")
    window = Window(usual.start, usual.end, block)
    subject = Subject(judged, target.previous, history=True)
    levels = [
        (signal, queries)
        for signal, queries in zip(spec.signals, resolved(review, subject), strict=True)
        if signal.kind is Kind.LEVEL or any(each.covariate == signal.name for each in spec.signals)
    ]
    for number, (signal, queries) in enumerate(each for each in levels if each[0].name not in frozen):
        if number and monotonic() >= until:
            raise TurnOverError("preflight", len(frozen), len(levels), now)
        measured = measure(signal, _by_block(queries, exact_duration(block), exact_duration(step)), found, window, room)
        if measured.failure is not None:
            return Unknown(f"signal {signal.name}: {measured.failure.message}")
        frozen[signal.name] = freeze(measured, window, block)
    look = Look(T0, window, block, found.label)
    ours = _only(review, [signal for signal, _ in levels])
    signals = [frozen[signal.name] for signal, _ in levels]
    evidence = take(ours, look, signals, RevisionEvidence(**judged.model_dump()))
    return tuple(foresight(ours.spec, evidence).vague)


def _only(review: DriftReview, signals: list[Signal]) -> DriftReview:
    """The review with the signals that were looked at."""
    return review.model_copy(update={"spec": review.spec.model_copy(update={"signals": signals})})


def _by_block(queries: Resolved, block: str, step: str) -> Resolved:
    """The same queries as the medians of blocks, made by the server: a signal's answer has one point for each."""

    def median(query: str | QueryProblem | None) -> str | QueryProblem | None:
        return f"quantile_over_time(0.5, ({query})[{block}:{step}])" if isinstance(query, str) else query

    whole = median(queries.query)
    return replace(queries, query=queries.query if whole is None else whole, companion=median(queries.companion))

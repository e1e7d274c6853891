"""What keeps a review from starting: the spec's own contradictions, then its queries, then what the source says."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Final

from driftreview.adapters.answers import Rows
from driftreview.adapters.metricsources import MetricSources
from driftreview.adapters.prometheus import InstantResult, PrometheusSource
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import Problem
from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal
from driftreview.api.values import parse_duration
from driftreview.domain.query import QueryProblem, check, resolve, stood_in_for
from driftreview.domain.samples import Failed, NoData
from driftreview.domain.shape import companion_shape_problem, shape_problem
from driftreview.domain.starting import companion_name, silence
from driftreview.domain.subject import Subject, fact_queries
from driftreview.domain.validate import contradictions, too_fine, too_large
from driftreview.domain.workload import TargetView
from driftreview.runtime.gather import Room, TurnOverError, resolved

_MOST_PROBED: Final = 1000
"""Reviews whose answers are kept; of more, the one longest untouched is asked anew."""


@dataclass(frozen=True)
class _Probed:
    """What one query said: how many series, that it is silent and why, or what is wrong with it."""

    series: int = 0
    silent: str | None = None
    problem: Problem | None = None


@dataclass(frozen=True)
class _Question:
    """One query of a review."""

    signal: Signal
    name: str
    field: str
    query: str | QueryProblem
    is_companion: bool = False


@dataclass
class _Probing:
    """How far the asking for one spec got."""

    key: tuple[int, list[Signal]]
    room: Room
    said: dict[str, _Probed] = field(default_factory=dict)


class Acceptance:
    """What keeps a review from starting; threads may share it.

    What queries said is kept from step to step until all were asked, in memory only: lost, they are asked again.
    """

    def __init__(self, sources: MetricSources, clock: Callable[[], datetime]) -> None:
        """Ask these sources."""
        self._sources, self._clock = sources, clock
        self._lock = threading.Lock()
        self._probing: OrderedDict[str, _Probing] = OrderedDict()

    def problems(
        self, review: DriftReview, target: TargetView | None, now: datetime, until: float
    ) -> tuple[Problem, ...]:
        """Everything that can be said before the source is asked; then what the source says to each query.

        Args:
            review: which review; it has not started.
            target: its target, if there is one.
            now: the time.
            until: on the monotonic clock; after this no further query is begun, but one is asked in any case.

        Returns:
            What keeps the review from starting; or, when nothing does, which signals are without data (SILENT).

        Raises:
            TurnOverError: the time was over; nothing is lost by it.
            BusyError: enough queries run at the source; nothing is lost by it.
        """
        found = self._sources.find(review)
        problems = [*contradictions(review.spec), *self._queries(review, target)]
        if isinstance(found, Problem):
            return (found, *problems)
        step = parse_duration(found.source.spec.resolution)
        problems += [*too_fine(review.spec, step), *too_large(review.spec, step, {})]
        if problems or target is None or target.current is None:
            return tuple(problems)
        return tuple(self._probe(review, Subject(target.current, target.previous), found.source, now, until))

    def silent(self, uid: str) -> tuple[str, ...]:
        """The signals whose query was answered with nothing to judge, as far as they were asked since it was stored."""
        with self._lock:
            this = self._probing.get(uid)
        return tuple(name for name, each in this.said.items() if each.silent) if this else ()

    def forget(self, uid: str) -> None:
        """What the queries said is stored with the review, or it is gone: the next time they are asked again."""
        with self._lock:
            self._probing.pop(uid, None)

    def _queries(self, review: DriftReview, target: TargetView | None) -> Iterator[Problem]:
        if target is None or target.current is None:
            return
        subject = Subject(target.current, target.previous)
        for question in _questions(review, subject):
            problem = question.query if isinstance(question.query, QueryProblem) else check(question.query)
            if problem is not None:
                yield Problem(reason=problem.reason, message=f"{question.field}: {problem.message}")
        variables = subject.variables(review)
        for field_, text in fact_queries(review.spec):
            sent = resolve(text, variables)
            problem = sent if isinstance(sent, QueryProblem) else check(sent)
            if problem is not None:
                yield Problem(reason=problem.reason, message=f"{field_}: {problem.message}")

    def _probe(
        self, review: DriftReview, subject: Subject, source: PrometheusSource, now: datetime, until: float
    ) -> Sequence[Problem]:
        """Ask every query once. No data is no problem yet: a release may have to warm up first."""
        this = self._resumed(review)
        probed = this.said
        every = list(_questions(review, subject))
        left = [each for each in every if each.name not in probed]
        for number, question in enumerate(left):
            if number and monotonic() >= until:
                raise TurnOverError("acceptance", len(probed), len(every), now)
            if isinstance(question.query, QueryProblem):
                continue
            answer = this.room.ask(partial(source.instant, question.query, _moment(review, now)))
            if isinstance(answer, Failed) and answer.reason not in (Reason.QUERY_INVALID, Reason.WRONG_RESULT_TYPE):
                ref = review.spec.metrics.source_ref
                message = f"spec.metrics.sourceRef: {ref.kind} {ref.name!r}: {answer.message}"
                wrong = [each.problem for each in probed.values() if each.problem is not None]
                return [*wrong, Problem(reason=Reason.SOURCE_UNAVAILABLE, message=message[:1024])]
            read = _read(question, answer)
            if isinstance(answer, Rows) and (behind := stood_in_for(question.query)):
                alone = this.room.ask(partial(source.instant, behind, _moment(review, now)))
                read = replace(read, silent=Reason.STAND_IN) if isinstance(alone, NoData) else read
            probed[question.name] = read
        series = {name: each.series for name, each in probed.items() if each.series}
        silent = {name: each.silent for name, each in probed.items() if each.silent}
        problems = [each.problem for each in probed.values() if each.problem is not None]
        problems = problems or [*too_large(review.spec, parse_duration(source.spec.resolution), series)]
        return problems or [*silence(review.spec, silent)]

    def _resumed(self, review: DriftReview) -> _Probing:
        uid, key = review.metadata.uid, (review.metadata.generation, review.spec.signals)
        with self._lock:
            this = self._probing.pop(uid, None)
            if this is None or this.key != key:
                this = _Probing(key, Room(self._clock))
            self._probing[uid] = this
            if len(self._probing) > _MOST_PROBED:
                self._probing.popitem(last=False)
        return this


def _read(question: _Question, answer: InstantResult) -> _Probed:
    field = question.field
    match answer:
        case Failed():
            return _Probed(problem=Problem(reason=Reason(answer.reason), message=f"{field}: {answer.message}"[:1024]))
        case NoData():
            return _Probed(silent=answer.reason)
    look = companion_shape_problem if question.is_companion else shape_problem
    shape = look(question.signal, [row.labels for row in answer.rows])
    if shape is None:
        return _Probed(len(answer.rows))
    return _Probed(len(answer.rows), problem=Problem(reason=shape.reason, message=f"{field}: {shape.message}"[:1024]))


def _questions(review: DriftReview, subject: Subject) -> Iterator[_Question]:
    """All queries of a review."""
    for index, (signal, found) in enumerate(zip(review.spec.signals, resolved(review, subject), strict=True)):
        where, whose = review.spec.place(index), f"(signal {signal.name})"
        yield _Question(signal, signal.name, f"{where}.query {whose}", found.query)
        if signal.companion is not None and found.companion is not None:
            field = signal.companion[0]
            yield _Question(
                signal, companion_name(signal), f"{where}.{field} {whose}", found.companion, is_companion=True
            )


def _moment(review: DriftReview, now: datetime) -> datetime:
    """When to ask: now, but in a review of the past when its first look ends, or what is gone by now seems missing."""
    t0 = review.spec.window.t0
    return now if t0 is None else min(now, t0 + parse_duration(review.spec.window.checkpoints[0]))

"""What keeps a review from starting: the spec's own contradictions, then its queries, then what the source says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from driftreview.adapters.metricsources import MetricSources
from driftreview.adapters.prometheus import PrometheusSource
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import Problem
from driftreview.api.reasons import Reason
from driftreview.api.values import parse_duration
from driftreview.domain.evidence import shape_problem
from driftreview.domain.query import QueryProblem, check, resolve
from driftreview.domain.samples import Failed, NoData
from driftreview.domain.starting import silence
from driftreview.domain.validate import contradictions, too_fine, too_large
from driftreview.domain.workload import TargetView
from driftreview.runtime.gather import Subject


@dataclass(frozen=True)
class Acceptance:
    """What keeps a review from starting."""

    sources: MetricSources

    def problems(self, review: DriftReview, target: TargetView | None, now: datetime) -> tuple[Problem, ...]:
        """Everything that can be said before the source is asked; then what the source says to each query.

        Returns:
            What keeps the review from starting; or, when nothing does, which signals are without data (SILENT).
        """
        found = self.sources.find(review)
        problems = [*contradictions(review.spec), *self._queries(review, target)]
        if isinstance(found, Problem):
            return (found, *problems)
        step = parse_duration(found.source.spec.resolution)
        problems += [*too_fine(review.spec, step), *too_large(review.spec, step, {})]
        if problems or target is None or target.current is None:
            return tuple(problems)
        return tuple(self._probe(review, Subject(target.current, target.previous), found.source, now))

    def _queries(self, review: DriftReview, target: TargetView | None) -> Iterator[Problem]:
        if target is None or target.current is None:
            return
        subject = Subject(target.current, target.previous)
        for index, signal in enumerate(review.spec.signals):
            query = resolve(signal.query, subject.variables(review))
            problem = query if isinstance(query, QueryProblem) else check(query)
            if problem is not None:
                message = f"spec.signals[{index}].query (signal {signal.name}): {problem.message}"
                yield Problem(reason=problem.reason, message=message)

    def _probe(
        self, review: DriftReview, subject: Subject, source: PrometheusSource, now: datetime
    ) -> Sequence[Problem]:
        """Ask every query once. No data is no problem yet: a release may have to warm up first."""
        problems: list[Problem] = []
        series: dict[str, int] = {}
        silent: dict[str, str] = {}
        for index, signal in enumerate(review.spec.signals):
            query = resolve(signal.query, subject.variables(review))
            if isinstance(query, QueryProblem):
                continue
            answer = source.instant(query, _moment(review, now))
            field = f"spec.signals[{index}].query (signal {signal.name})"
            match answer:
                case Failed(reason=Reason.QUERY_INVALID | Reason.WRONG_RESULT_TYPE):
                    problems.append(Problem(reason=Reason(answer.reason), message=f"{field}: {answer.message}"[:1024]))
                case Failed():
                    ref = review.spec.metrics.source_ref
                    message = f"spec.metrics.sourceRef: {ref.kind} {ref.name!r}: {answer.message}"
                    return [*problems, Problem(reason=Reason.SOURCE_UNAVAILABLE, message=message[:1024])]
                case NoData():
                    silent[signal.name] = answer.reason
                case _:
                    series[signal.name] = len(answer.rows)
                    shape = shape_problem(signal, [row.labels for row in answer.rows])
                    if shape is not None:
                        problems.append(Problem(reason=shape.reason, message=f"{field}: {shape.message}"[:1024]))
        problems = problems or [*too_large(review.spec, parse_duration(source.spec.resolution), series)]
        return problems or [*silence(review.spec, silent)]


def _moment(review: DriftReview, now: datetime) -> datetime:
    """When to ask: now, but in a review of the past when its first look ends, or what is gone by now seems missing."""
    t0 = review.spec.window.t0
    return now if t0 is None else min(now, t0 + parse_duration(review.spec.window.checkpoints[0]))

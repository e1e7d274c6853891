"""What keeps a review from starting: the spec's own contradictions, then its queries, then what the source says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from driftreview.adapters.metricsources import FoundSource, MetricSources
from driftreview.adapters.prometheus import PrometheusSource
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import Problem
from driftreview.api.reasons import ConditionType, Reason
from driftreview.api.values import parse_duration
from driftreview.domain import schedule
from driftreview.domain.evidence import BYTES_PER_BLOCK, MAX_BYTES, shape_problem
from driftreview.domain.query import QueryProblem, check, resolve
from driftreview.domain.samples import Failed, NoData
from driftreview.domain.status import condition
from driftreview.domain.validate import contradictions
from driftreview.domain.workload import TargetView
from driftreview.runtime.gather import Subject


def is_accepted(review: DriftReview) -> bool:
    """Whether this very spec was accepted already."""
    accepted = condition(review.status, ConditionType.ACCEPTED)
    return (
        accepted is not None
        and accepted.status == "True"
        and accepted.observed_generation == review.metadata.generation
    )


@dataclass(frozen=True)
class Acceptance:
    """What keeps a review from starting."""

    sources: MetricSources

    def problems(self, review: DriftReview, target: TargetView | None, now: datetime) -> tuple[Problem, ...]:
        """Everything that can be said before the source is asked; then what the source says to each query."""
        found = self.sources.find(review)
        problems = [*contradictions(review.spec), *self._queries(review, target)]
        if isinstance(found, Problem):
            return (found, *problems)
        problems += self._size(review, found)
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

    def _size(self, review: DriftReview, found: FoundSource) -> Iterator[Problem]:
        """Refuse early what could not be stored later."""
        step = parse_duration(found.source.spec.resolution)
        block = schedule.block_length(review.spec, step)
        longest = max(parse_duration(review.spec.baseline.length), parse_duration(review.spec.window.checkpoints[-1]))
        size = longest // block * BYTES_PER_BLOCK * len(review.spec.signals)
        if size > MAX_BYTES:
            message = (
                f"spec.signals: {len(review.spec.signals)} signals over {longest} in blocks of {block} make about "
                f"{size // 1000} kB of evidence, {MAX_BYTES // 1000} kB fit into a snapshot: use fewer signals, a "
                "shorter spec.baseline.length, or a later first checkpoint (blocks are a sixth of it, at most 10m)"
            )
            yield Problem(reason=Reason.INVALID_SPEC, message=message)
        shortest = parse_duration(review.spec.window.checkpoints[0])
        if shortest < step:
            message = f"spec.window.checkpoints[0]: {shortest} is shorter than the source's resolution, {step}"
            yield Problem(reason=Reason.INVALID_SPEC, message=message)

    def _probe(
        self, review: DriftReview, subject: Subject, source: PrometheusSource, now: datetime
    ) -> Iterator[Problem]:
        """Ask every query once. No data is no problem yet: a release may have to warm up first."""
        for index, signal in enumerate(review.spec.signals):
            query = resolve(signal.query, subject.variables(review))
            if isinstance(query, QueryProblem):
                continue
            answer = source.instant(query, now)
            field = f"spec.signals[{index}].query (signal {signal.name})"
            match answer:
                case Failed(reason=Reason.QUERY_INVALID | Reason.WRONG_RESULT_TYPE):
                    yield Problem(reason=Reason(answer.reason), message=f"{field}: {answer.message}"[:1024])
                case Failed():
                    ref = review.spec.metrics.source_ref
                    message = f"spec.metrics.sourceRef: {ref.kind} {ref.name!r}: {answer.message}"
                    yield Problem(reason=Reason.SOURCE_UNAVAILABLE, message=message[:1024])
                    return
                case NoData():
                    continue
                case _:
                    shape = shape_problem(signal, [row.labels for row in answer.rows])
                    if shape is not None:
                        yield Problem(reason=shape.reason, message=f"{field}: {shape.message}"[:1024])

"""Keeps the Ready condition of metric sources true: platform teams see a broken one before a review needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from driftreview.adapters.errors import ChangedError, NotFoundError
from driftreview.adapters.metricsources import MetricSources
from driftreview.adapters.prometheus import BusyError
from driftreview.api.base import Condition
from driftreview.api.driftsnapshot import Problem
from driftreview.api.metricsource import ClusterMetricSource, MetricSource, MetricSourceStatus
from driftreview.api.phases import ConditionType
from driftreview.api.reasons import Reason
from driftreview.domain.samples import Failed
from driftreview.domain.schedule import whole_seconds
from driftreview.domain.status import truth
from driftreview.runtime.gather import SIMPLEST

EVERY: Final = timedelta(seconds=60)
AGAIN: Final = timedelta(seconds=1)
"""After the source was edited or deleted meanwhile."""
SHARE: Final = 10
"""A slow source is asked so many times its own answering time later: it never takes more of a worker than that."""


@dataclass(frozen=True)
class SourceCheck:
    """Asks a source the simplest question there is."""

    sources: MetricSources
    clock: Callable[[], datetime]

    def run(self, raw: Mapping[str, Any]) -> datetime:
        """Ask, write the answer down if it is news, and say when to ask again."""
        model = ClusterMetricSource if raw["kind"] == ClusterMetricSource.__name__ else MetricSource
        source = model.model_validate(raw)
        now = self.clock()
        found = self.sources.connect(source)
        problem = found if isinstance(found, Problem) else None
        if not isinstance(found, Problem):
            try:
                answer = found.source.instant(SIMPLEST, now)
            except BusyError:
                return now + EVERY  # others are asking it: what they are told is in their reviews
            problem = (
                Problem(reason=Reason(answer.reason), message=answer.message) if isinstance(answer, Failed) else None
            )
        status = _status(source, problem, now)
        if status != source.status:
            try:
                self.sources.write_status(source, status)
            except (ChangedError, NotFoundError):
                return now + AGAIN
        return self.clock() + max(EVERY, SHARE * (self.clock() - now))


def _status(source: MetricSource | ClusterMetricSource, problem: Problem | None, now: datetime) -> MetricSourceStatus:
    answers = truth(holds=problem is None)
    old = next((each for each in source.status.conditions if each.type == ConditionType.READY), None)
    since = old.last_transition_time if old is not None and old.status == answers else whole_seconds(now)
    ready = Condition(
        type=ConditionType.READY,
        status=answers,
        reason=problem.reason if problem else Reason.AVAILABLE,
        message=problem.message if problem else "answers queries",
        last_transition_time=since,
        observed_generation=source.metadata.generation,
    )
    return MetricSourceStatus(observed_generation=source.metadata.generation, conditions=[ready])

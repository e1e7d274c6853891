"""Keeps the status of metric sources true: platform teams see a broken one before a review needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from weakref import WeakKeyDictionary

from driftreview.adapters.errors import ChangedError, NotFoundError
from driftreview.adapters.metricsources import FoundSource, MetricSources
from driftreview.adapters.prometheus import SIMPLEST, BusyError, PrometheusSource
from driftreview.adapters.serverinfo import told
from driftreview.api.driftsnapshot import Problem
from driftreview.api.metricsource import ClusterMetricSource, MetricSource, MetricSourceStatus
from driftreview.api.reasons import Reason
from driftreview.domain.samples import Failed
from driftreview.domain.sourcestatus import answered, introduced

EVERY: Final = timedelta(seconds=60)
INTRODUCED_EVERY: Final = timedelta(minutes=10)
"""How often a source is asked about itself; what it says seldom changes."""
AGAIN: Final = timedelta(seconds=1)
"""After the source was edited or deleted meanwhile."""
SHARE: Final = 10
"""A slow source is asked so many times its own answering time later: it never takes more of a worker than that."""


@dataclass(frozen=True)
class SourceCheck:
    """Asks a source the simplest question there is, and now and then about itself."""

    sources: MetricSources
    clock: Callable[[], datetime]
    _introduced: WeakKeyDictionary[PrometheusSource, datetime] = field(default_factory=WeakKeyDictionary)
    """When a source was last asked about itself; one that was edited is another."""

    def run(self, raw: Mapping[str, Any]) -> datetime:
        """Ask, write the answer down if it is news, and say when to ask again."""
        model = ClusterMetricSource if raw["kind"] == ClusterMetricSource.__name__ else MetricSource
        source = model.model_validate(raw)
        now = self.clock()
        found = self.sources.connect(source)
        try:
            status = self._status(source, found, now)
        except BusyError:
            return now + EVERY  # others are asking it: what they are told is in their reviews
        if status != source.status:
            try:
                self.sources.write_status(source, status)
            except (ChangedError, NotFoundError):
                return now + AGAIN
        return self.clock() + max(EVERY, SHARE * (self.clock() - now))

    def _status(
        self, source: MetricSource | ClusterMetricSource, found: FoundSource | Problem, now: datetime
    ) -> MetricSourceStatus:
        old, generation = source.status, source.metadata.generation
        if isinstance(found, Problem):
            return answered(old, generation, found, now)
        answer = found.source.instant(SIMPLEST, now)
        if isinstance(answer, Failed):
            return answered(old, generation, Problem(reason=Reason(answer.reason), message=answer.message), now)
        status = answered(old, generation, None, now)
        last = self._introduced.get(found.source)
        if last is not None and now < last + INTRODUCED_EVERY:
            return status
        said = told(found.source, self.clock)
        if isinstance(said, Failed):
            return status
        self._introduced[found.source] = now
        return introduced(status, said.version, said.retention, said.ahead, now)

"""Reads what preflight judges: the pods, and what the source says of itself. Kept for a while, and asked in turns."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any, Final

from driftreview.adapters.errors import NotFoundError, RefusedError
from driftreview.adapters.kubernetes import Cluster
from driftreview.adapters.metricsources import FoundSource, MetricSources
from driftreview.adapters.podlist import judged_pods
from driftreview.adapters.serverinfo import ahead, certainly, has_samples, keeps, loaded_rules, scraped
from driftreview.api.driftreview import BaselineFrom, DriftReview
from driftreview.api.driftsnapshot import Problem, SignalEvidence
from driftreview.api.preflight import PreflightCheck, PreflightFinding
from driftreview.api.signal import Signal
from driftreview.api.status import Revision
from driftreview.api.values import parse_duration
from driftreview.domain.action import FOLLOW, RESYNC
from driftreview.domain.alertrules import Rule
from driftreview.domain.kinds import pods_of
from driftreview.domain.members import every
from driftreview.domain.pods import Pod, PodsOf
from driftreview.domain.preflight import find, looked_at
from driftreview.domain.readings import Clocks, Readings, Retention, Unknown
from driftreview.domain.samples import Failed
from driftreview.domain.wayback import hindrances
from driftreview.domain.workload import TargetView
from driftreview.runtime.gather import Room, TurnOverError
from driftreview.runtime.quicklook import too_vague

_MOST_KEPT: Final = 1000
_FIRST: Final = timedelta(hours=1)
"""Of a baseline's window: so long a source must have been away for its beginning to count as not held."""
_QUICK_LOOK: Final = timedelta(minutes=10)
"""How long a quick look at the history holds: it asks for all of it, and that hardly changes."""


@dataclass
class _Reading:
    """How far the reading for one spec, with its sets, and one revision got."""

    key: tuple[int, str, list[Signal]]
    room: Room
    first: datetime
    read: dict[str, Any] = field(default_factory=dict)
    done_at: datetime | None = None
    history: dict[str, SignalEvidence] = field(default_factory=dict)
    """What a quick look at the history was answered so far."""
    looked_at: datetime | None = None
    """When the history was last looked at."""

    def holds(self, now: datetime) -> bool:
        """Whether what was read is still good: at first for a moment, later for a minute."""
        if self.done_at is None:
            return False
        return now - self.done_at < min(max((self.done_at - self.first) / 4, FOLLOW), RESYNC)


class PreflightReader:
    """Reads for the preflight of all reviews; threads may share it.

    What was read is kept in memory only: lost, it is read again.
    """

    def __init__(self, cluster: Cluster, sources: MetricSources, clock: Callable[[], datetime]) -> None:
        """Ask these."""
        self._cluster, self._sources, self._clock = cluster, sources, clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Reading] = OrderedDict()

    def findings(
        self, review: DriftReview, target: TargetView, silent: tuple[str, ...], now: datetime, until: float
    ) -> list[PreflightFinding]:
        """What is not in order now, or was a moment ago.

        Args:
            review: which review; it has not started and is accepted.
            target: its target.
            silent: signals without data.
            now: the time.
            until: on the monotonic clock; after this no further query is begun, but one is asked in any case.

        Raises:
            TurnOverError: the time was over; nothing is lost by it.
            BusyError: enough queries run at the source; nothing is lost by it.
            ClusterError: the API server did not answer.
        """
        if target.current is None:
            return []
        this = self._resumed(review, target.current, now)
        if not this.holds(now):
            self._read(this, review, target, target.current, until)
            this.done_at = now
        readings = Readings(
            taken_at=now,
            silent=silent,
            is_first=_is_first(review, target),
            previous=next((None for _, view in every(review, target) if view and view.previous is None), ""),
            hindrances=tuple(_hindrances(review, target)),
            **this.read,
        )
        return find(review.spec, readings)

    def forget(self, uid: str) -> None:
        """The review has started, or is gone."""
        with self._lock:
            self._kept.pop(uid, None)

    def _read(self, this: _Reading, review: DriftReview, target: TargetView, judged: Revision, until: float) -> None:
        """Read everything that the spec asks about and that was not read in this round."""
        if this.done_at is not None:
            still = this.looked_at is not None and self._clock() - this.looked_at < _QUICK_LOOK
            this.read = {name: value for name, value in this.read.items() if name == "vague" and still}
            this.done_at = None
        wanted = looked_at(review.spec.preflight)
        found = self._sources.find(review)
        parts: dict[str, Callable[[], Any]] = {}
        if (
            wanted & {PreflightCheck.CONTINUOUS_OPERATION, PreflightCheck.METRICS_SCRAPED}
            or review.spec.preflight.forbid
        ):
            parts["pods"] = partial(self._pods, review, pods_of(review.spec.target, target.uid, judged))
        if PreflightCheck.METRICS_SCRAPED in wanted:
            parts["scraped"] = partial(self._scraped, this, review, found)
        if PreflightCheck.RETENTION in wanted:
            parts["retention"] = partial(self._retention, this, review, target, found)
        if PreflightCheck.CLOCK_SKEW in wanted:
            parts["clocks"] = partial(self._clocks, this, found)
        if PreflightCheck.RESOLUTION in review.spec.preflight.require:
            parts["vague"] = partial(self._vague, this, review, target, found, until)
        if PreflightCheck.ALERT_RULES_LOADED in wanted and review.spec.alerts is not None:
            parts["rules"] = partial(self._rules, this, found)
        left = [name for name in parts if name not in this.read]
        for number, name in enumerate(left):
            if number and monotonic() >= until:
                raise TurnOverError("preflight", len(this.read), len(parts), this.first)
            this.read[name] = parts[name]()

    def _pods(self, review: DriftReview, judged: PodsOf) -> tuple[Pod, ...] | Unknown:
        try:
            return judged_pods(self._cluster, review.metadata.namespace, judged)
        except RefusedError as error:
            return Unknown(str(error))

    def _scraped(self, this: _Reading, review: DriftReview, found: FoundSource | Problem) -> dict[str, bool] | Unknown:
        pods = this.read["pods"]
        if isinstance(found, Problem) or isinstance(pods, Unknown):
            return Unknown(found.message if isinstance(found, Problem) else pods.message)
        return scraped(found.source, this.room.ask, pods, review.metadata.namespace, self._clock())

    def _retention(
        self, this: _Reading, review: DriftReview, target: TargetView, found: FoundSource | Problem
    ) -> Retention | Unknown:
        if isinstance(found, Problem):
            return Unknown(found.message)
        spec = review.spec
        needs = parse_duration(spec.window.checkpoints[-1]) + parse_duration(spec.window.settle)
        first, holds = None, True
        if spec.baseline.from_ is BaselineFrom.HISTORY:
            length = parse_duration(spec.baseline.length)
            ends = spec.window.t0 or target.rollout_started_at or self._clock()
            first = ends - length
            held = has_samples(found.source, this.room.ask, first, min(_FIRST, length))
            if isinstance(held, Unknown):
                return held
            holds = held
        return Retention(first, holds, needs, keeps(found.source, this.room.ask))

    def _clocks(self, this: _Reading, found: FoundSource | Problem) -> Clocks:
        server = self._api_server()
        if isinstance(found, Problem):
            return Clocks(Unknown(found.message), server)
        return Clocks(ahead(found.source, this.room.ask, self._clock), server)

    def _api_server(self) -> timedelta | Unknown:
        """By how much at least the API server's clock is ahead of ours."""
        before = self._clock()
        try:
            said = self._cluster.time()
        except (RefusedError, NotFoundError) as error:
            return Unknown(str(error))
        # It tells whole seconds: the rest of the second may be part of the way.
        since = before - timedelta(seconds=1)
        return Unknown("it does not say") if said is None else certainly(said, since, self._clock())

    def _rules(self, this: _Reading, found: FoundSource | Problem) -> tuple[Rule, ...] | Unknown:
        if isinstance(found, Problem):
            return Unknown(found.message)
        rules = this.room.ask(partial(loaded_rules, found.source))
        return Unknown(rules.message) if isinstance(rules, Failed) else rules

    def _vague(
        self, this: _Reading, review: DriftReview, target: TargetView, found: FoundSource | Problem, until: float
    ) -> tuple[str, ...] | Unknown:
        if isinstance(found, Problem):
            return Unknown(found.message)
        vague = too_vague(review, target, found, this.room, self._clock(), until, this.history)
        this.looked_at, this.history = self._clock(), {}
        return vague

    def _resumed(self, review: DriftReview, judged: Revision, now: datetime) -> _Reading:
        uid, key = review.metadata.uid, (review.metadata.generation, judged.uid, review.spec.signals)
        with self._lock:
            this = self._kept.pop(uid, None)
            if this is None or this.key != key:
                this = _Reading(key, Room(self._clock), now)
            self._kept[uid] = this
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return this


def _is_first(review: DriftReview, target: TargetView) -> bool:
    """Whether there is nothing that a History baseline could be of; a backdated T0 is taken for one with a past."""
    is_history = review.spec.baseline.from_ is BaselineFrom.HISTORY
    return target.is_first and is_history and not review.spec.window.backdated


def _hindrances(review: DriftReview, target: TargetView) -> Iterator[str]:
    """What keeps any of the workloads that ship together from being rolled back."""
    for one, view in every(review, target):
        whose = f"{one.spec.target}: " if review.spec.target.with_ else ""
        yield from (f"{whose}{each.message}" for each in (hindrances(view, view.check) if view else ()))

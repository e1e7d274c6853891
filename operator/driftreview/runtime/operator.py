"""The operator process: kopf watches, the loop works, the Lease guards, the web server tells."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from datetime import datetime
from time import monotonic
from typing import Any, Final

import kopf

from driftreview.adapters import clock
from driftreview.adapters.events import Events
from driftreview.adapters.kubernetes import APPROVALS, REVIEWS, Cluster, Kind
from driftreview.adapters.metricsources import MetricSources
from driftreview.adapters.reviews import Reviews
from driftreview.adapters.sources import Sources
from driftreview.adapters.stop import StopSwitch
from driftreview.api.base import GROUP, VERSION
from driftreview.domain.action import Role
from driftreview.runtime import logs
from driftreview.runtime.claims import Claims
from driftreview.runtime.composition import Known, reconciler
from driftreview.runtime.index import Indices
from driftreview.runtime.lease import Lease
from driftreview.runtime.listing import Listing
from driftreview.runtime.logs import LOGGER
from driftreview.runtime.loop import TICK, Key, Loop, alive, is_abandoned
from driftreview.runtime.narrating import SECONDS, Narrator
from driftreview.runtime.roles import concerns, lease_name, news, watched
from driftreview.runtime.rulings import Rulings
from driftreview.runtime.seen import Seen
from driftreview.runtime.settings import Settings, kopf_login, kopf_settings
from driftreview.runtime.sourcecheck import SourceCheck
from driftreview.runtime.stop import KEY as STOP
from driftreview.runtime.stop import StopWatch
from driftreview.runtime.stopping import cancel_again, stop_on_signals
from driftreview.runtime.telemetry import Telemetry
from driftreview.runtime.web import Web

_LOOP_STALLED_AFTER: Final = 60.0
_SOURCE_WORKERS: Final = 4
_KOPF_ENDS_AFTER: Final = 10.0
"""How long kopf gets for its watches to end."""


class Operator:
    """One operator process, from the first connection to the last."""

    def __init__(self, settings: Settings) -> None:
        """Connect nothing yet but the web server's port."""
        self._settings = settings
        self._telemetry = Telemetry()
        self._cluster = Cluster(settings.kubeconfig, connections=2 * settings.workers + _SOURCE_WORKERS)
        self._sources = Sources(on_query=self._queried)
        sources = MetricSources(self._cluster, self._sources, settings.namespace)
        self._stop = StopWatch(StopSwitch(self._cluster, settings.namespace), self._telemetry)
        self._rulings, self._indices = Rulings(), Indices()
        self._seen = Seen(None if settings.role is Role.ACTOR else self._telemetry.signals)  # which judges nothing
        self._claims = Claims(Reviews(self._cluster).read)
        self._narrator = Narrator(Events(self._cluster.hurried(SECONDS)), self._telemetry, settings.identity, clock.now)
        known = Known(self._rulings, self._indices, self._claims, self._narrator)
        self._reconciler = reconciler(settings, self._cluster, sources, known, self._stop, self._telemetry)
        self._source_check, self._listing = SourceCheck(sources, clock.now), Listing(self._cluster)
        self._reviews = Loop(
            "review", self._review, settings.workers, clock.now, self._telemetry,
            urgent=self._seen.is_acting, server=self._seen.source,
        )  # fmt: skip
        # Apart, so that slow sources do not keep the reviews from their turn.
        self._checks = Loop("source", self._check, _SOURCE_WORKERS, clock.now, self._telemetry)
        name, where = lease_name(settings.role), settings.namespace
        self._lease = Lease(self._cluster, name, where, settings.identity, settings.lease_seconds, clock.now)
        self._kinds = watched(settings.role, settings.watch_namespaces)
        self._web = Web(
            settings.listen_host, settings.listen_port, self._telemetry.registry,
            alive=self._not_alive, ready=self._not_ready,
        )  # fmt: skip
        self._telemetry.has_source = self._indices.has_source
        self._versions: dict[Key, str] = {}
        self._looping = self._lost = self._abandoned = False

    @property
    def abandoned(self) -> bool:
        """Whether threads still wait for an answer after the stop."""
        return self._abandoned

    def run(self) -> int:
        """Run until told to stop.

        Returns:
            The exit code: 0 after a stop, 1 when the Lease was lost.
        """
        self._telemetry.loop_age.set_function(lambda: monotonic() - self._turned_at)
        self._telemetry.phases, self._telemetry.last_safe_moments = self._seen.phases, self._seen.last_safe_moments
        self._telemetry.leader.set_function(lambda: float(self._lease.held.is_set()))
        self._web.start()
        self._narrator.start()
        LOGGER.info("listens on %s:%s", self._settings.listen_host, self._web.port)
        try:
            asyncio.run(self._main())
        finally:
            self._narrator.stop()
            self._lease.stop()
            if self._lease.held.is_set():
                self._lease.give_back()
            self._sources.close()
            self._web.stop()
        return 1 if self._lost else 0

    async def _main(self) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        waiting = loop.run_in_executor(None, self._lease.wait)
        namespaces = self._settings.watch_namespaces

        def give_up() -> None:
            self._lease.stop()
            self._listing.stop()

        def lost() -> None:
            self._lost = True
            self._listing.stop()
            loop.call_soon_threadsafe(stop.set)

        with stop_on_signals(loop, give_up):
            if not await waiting:
                return
            self._lease.keep(lost)
            if not await loop.run_in_executor(None, self._listing.read, self._kinds, namespaces, self._see_first):
                return
        await kopf.operator(
            registry=self._registry(stop),
            settings=kopf_settings(),
            clusterwide=not namespaces,
            namespaces=namespaces,
            standalone=True,
            stop_flag=stop,
        )

    def _registry(self, stopped: asyncio.Event) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        running: list[asyncio.Task[None]] = []

        kopf.on.login(registry=registry)(kopf_login(self._settings.kubeconfig))

        @kopf.on.startup(registry=registry)
        async def start(**_: Any) -> None:
            loop = asyncio.get_running_loop()
            self._stop.changed = lambda: loop.call_soon_threadsafe(self._reviews.wake_all)
            self._indices.start(each.plural for each in self._kinds)
            self._checks.wake(STOP)
            running.extend(asyncio.create_task(loop.run()) for loop in (self._reviews, self._checks))
            self._looping = True

        @kopf.on.cleanup(registry=registry)
        async def stop(**_: Any) -> None:
            if not all(await asyncio.gather(self._reviews.stop(), self._checks.stop())):
                self._abandoned = True
                LOGGER.warning("stops while steps wait for an answer; they are taken again by the next operator")
            await asyncio.gather(*running)
            stopped.set()  # after a signal kopf's own task still waits for it, and kopf 5 s for that task
            asyncio.get_running_loop().call_later(_KOPF_ENDS_AFTER, cancel_again)

        for kind in self._kinds:
            (self._watch_approvals if kind is APPROVALS else self._watch)(registry, kind)
        return registry

    def _see_first(self, kind: Kind, body: Mapping[str, Any]) -> None:
        """The same of what is there as the process starts."""
        self._see(kind, body)
        if kind is REVIEWS:
            self._narrator.catch_up(body)

    def _see(self, kind: Kind, body: Mapping[str, Any]) -> None:
        """Keep what steps need of an object as it is stored now."""
        if kind is REVIEWS:
            self._rulings.see(body)
            self._narrator.heard(body)
        if not concerns(self._settings.role, body):
            self._indices.forget(kind.plural, body)
            return
        if kind is REVIEWS:
            self._claims.see(body)
        self._indices.keep(kind.plural, body)
        if kind is APPROVALS:
            self._indices.bound(body["metadata"]["namespace"], body["spec"]["reviewRef"]["name"])

    def _watch_approvals(self, registry: kopf.OperatorRegistry, kind: Kind) -> None:
        """Keep what people did by the review it names, and wake that review."""

        @kopf.on.event(GROUP, VERSION, kind.plural, registry=registry)
        async def event(event: kopf.RawEvent, namespace: str | None, body: kopf.Body, **_: Any) -> None:
            key = (REVIEWS.plural, namespace or "", body["spec"]["reviewRef"]["name"])
            if event["type"] == "DELETED":
                self._indices.forget(kind.plural, body)
                return
            self._see(kind, body)
            # One of no review, or of one that is over, wakes nobody: its name would be kept for ever.
            if self._indices.has(key):
                self._reviews.wake(key)

    def _watch(self, registry: kopf.OperatorRegistry, kind: Kind) -> None:
        """Keep every object of a kind, and wake the loop when one changes."""
        plural = kind.plural

        @kopf.on.event(GROUP, VERSION, plural, registry=registry)
        async def event(event: kopf.RawEvent, namespace: str | None, name: str, body: kopf.Body, **_: Any) -> None:
            key = (plural, namespace or "", name)
            loop = self._reviews if kind is REVIEWS else self._checks
            for waits in self._claims.freed(body, deleted=event["type"] == "DELETED") if kind is REVIEWS else ():
                loop.wake((plural, namespace or "", waits))
            if event["type"] == "DELETED":
                self._indices.forget(plural, body)
                loop.forget(key)
                self._seen.forget(key)
                self._versions.pop(key, None)
                self._reconciler.forget(body["metadata"]["uid"])
                self._narrator.forget(body["metadata"]["uid"])
                if kind is REVIEWS:
                    self._rulings.forget(body)
                    self._claims.forget(body)
                else:
                    source = "/".join(part for part in (body["kind"], namespace, name) if part)
                    self._sources.forget(source)
                    self._telemetry.forget(source)
                return
            self._see(kind, body)
            # What we write into a status ourselves is no news: whoever could make us write would keep us busy.
            seen = news(self._settings.role, body)
            if self._versions.get(key) != seen:
                self._versions[key] = seen
                loop.wake(key)
            else:
                loop.progressed(key)
            if kind is REVIEWS:
                self._seen.see(key, body.get("status", {}))
                self._seen.see_source(key, body.get("spec", {}))

    def _review(self, key: Key) -> datetime | None:
        """One step of one review, in a thread."""
        raw = self._indices.found(key)
        if raw is None:
            return None
        try:
            return self._reconciler.run(raw)
        finally:
            if is_abandoned():  # it ran on after what is kept of its review was forgotten, and may have kept more
                self._reconciler.forget(raw["metadata"]["uid"])

    def _check(self, key: Key) -> datetime | None:
        """Ask one metric source whether it answers, or whether acts are stopped; in a thread."""
        if key == STOP:
            return self._stop.run(clock.now())
        raw = self._indices.found(key)
        return None if raw is None else self._source_check.run(raw)

    def _queried(self, source: str, outcome: str, seconds: float) -> None:
        """An answer came in, or did not: a sign of life of the step that asked, and counted."""
        alive()
        self._telemetry.query(source, outcome, seconds)

    @property
    def _turned_at(self) -> float:
        return min(self._reviews.turned_at, self._checks.turned_at)

    def _not_alive(self) -> str | None:
        age = monotonic() - self._turned_at
        if self._looping and age > _LOOP_STALLED_AFTER + TICK:
            return f"the loop has not turned for {age:.0f} s"
        seconds = self._settings.stall_seconds
        if stuck := self._reviews.stuck(seconds) or self._checks.stuck(seconds):
            return f"the step of {'/'.join(stuck)} has given no sign of life for {seconds} s"
        return None

    def _not_ready(self) -> str | None:
        if not self._lease.held.is_set():
            return "does not hold the lease"
        return None if self._looping else "has not started yet"


def run(settings: Settings) -> int:
    """Configure the logs and run an operator."""
    logs.configure(settings.log_format, settings.log_level)
    operator = Operator(settings)
    code = operator.run()
    if operator.abandoned:  # the interpreter would wait for its threads, up to the longest query's end
        logging.shutdown()
        os._exit(code)
    return code

"""The loop: level-based, one queue of due times, every object looked at when something changed or is due.

Nothing is kept here that could not be lost: what to do next follows from the stored objects alone.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Final, TypeAlias

from driftreview.adapters.errors import ChangedError, NotFoundError
from driftreview.runtime.logs import LOGGER
from driftreview.runtime.telemetry import Telemetry

Key: TypeAlias = tuple[str, str, str]
"""Plural, namespace and name of an object."""
_Lane: TypeAlias = tuple[str, str]
"""Namespace, and whom the steps wait for."""
Step: TypeAlias = Callable[[Key], datetime | None]
"""Looks at one object and says when to look again (None: when it changes). Runs in a thread."""

TICK: Final = 0.5
STOP_SECONDS: Final = 5.0
"""How long a stop waits for running steps: less than what a pod is given (30 s), and what a query may take (2 min)."""
LEAST_PAUSE: Final = timedelta(seconds=0.5)
"""Between two steps of an object that keeps changing."""
RESERVED: Final = 2
"""Workers kept for what is urgent, on top of the others."""
_FIRST_RETRY: Final = timedelta(seconds=1)
_LAST_RETRY: Final = timedelta(seconds=30)


@dataclass
class _Entry:
    due: datetime | None
    alive_at: float | None = None
    """When its running step last gave a sign of life; None while none runs."""
    urgent: bool = False
    """Whether the running step has one of the reserved workers."""
    abandoned: bool = False
    """Whether its object was deleted while the step ran."""
    woken: bool = False
    failures: int = 0
    ended: datetime | None = None
    """When its last step ended."""

    def may_start(self, now: datetime) -> bool:
        return self.alive_at is None and (self.ended is None or now >= self.ended + LEAST_PAUSE)


_CURRENT: Final[ContextVar[_Entry]] = ContextVar("step")


class AbandonedError(Exception):
    """The object of the running step was deleted: nobody waits for the rest of it."""


def alive() -> None:
    """Say from inside a step that it goes on, such as after each answer of a slow server.

    Raises:
        AbandonedError: there is no use in going on.
    """
    if entry := _CURRENT.get(None):
        entry.alive_at = monotonic()
        if entry.abandoned:
            raise AbandonedError


def is_abandoned() -> bool:
    """Whether the object of the running step was deleted since it began."""
    entry = _CURRENT.get(None)
    return entry is not None and entry.abandoned


class Loop:
    """Runs steps when they are due, a bounded number at once, never two of one object.

    Namespaces take turns: the next step is one of the namespace with the fewest running ones, and none has more than
    half of the workers. A namespace without a running step may go beyond them, up to twice as many in all: who waits
    for a slow server keeps nobody else waiting. What is urgent waits for nobody.

    Within a namespace those who ask the same server share a lane, and none has more than three quarters of what the
    namespace has.
    """

    def __init__(
        self,
        name: str,
        step: Step,
        workers: int,
        clock: Callable[[], datetime],
        telemetry: Telemetry,
        urgent: Callable[[Key], bool] = lambda _: False,
        server: Callable[[Key], str] = "/".join,
    ) -> None:
        """Nothing runs until `run`; `server` names whom an object's steps wait for."""
        self._step, self._workers, self._share = step, workers, max(1, workers // 2)
        self._lane_share = max(1, self._share - max(1, self._share // 4))
        self._clock, self._telemetry, self._urgent, self._server = clock, telemetry, urgent, server
        self._executor = ThreadPoolExecutor(2 * workers + RESERVED, thread_name_prefix=name)
        self._entries: dict[Key, _Entry] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wakeup = asyncio.Event()
        self._stopping = False
        self.turned_at = monotonic()

    def wake(self, key: Key) -> None:
        """Look at an object as soon as possible: it changed. Only from the event loop's thread."""
        entry = self._entries.setdefault(key, _Entry(None))
        now = self._clock()
        entry.due = now if entry.due is None else min(entry.due, now)
        entry.woken, entry.failures = True, 0
        self._wakeup.set()

    def wake_all(self) -> None:
        """Look at all that is still looked at: something changed for all. Only from the event loop's thread."""
        for key in [key for key, entry in self._entries.items() if entry.due is not None or entry.alive_at is not None]:
            self.wake(key)

    def progressed(self, key: Key) -> None:
        """Its steps get on: what lengthens the pauses is failing at one and the same step."""
        if entry := self._entries.get(key):
            entry.failures = 0

    def forget(self, key: Key) -> None:
        """An object is gone. A step of it that runs still counts until it has ended."""
        entry = self._entries.get(key)
        if entry is not None and entry.alive_at is not None:
            entry.abandoned, entry.woken = True, False
        elif entry is not None:
            del self._entries[key]

    def stuck(self, seconds: float) -> Key | None:
        """An object whose step has given no sign of life for longer than this."""
        now = monotonic()
        entries = self._entries.copy()  # at once: another thread asks, and the event loop goes on meanwhile
        running = [(key, entry.alive_at) for key, entry in entries.items()]
        return next((key for key, at in running if at is not None and now - at > seconds), None)

    async def run(self) -> None:
        """Go round until stopped."""
        while not self._stopping:
            self.turned_at = monotonic()
            for key, urgent in self._next(self._clock()):
                self._start(key, urgent=urgent)
            self._wakeup.clear()
            try:
                await asyncio.wait_for(self._wakeup.wait(), TICK)
            except TimeoutError:
                continue

    async def stop(self) -> bool:
        """Start nothing more; wait a while for what runs.

        Returns:
            Whether all has ended. A step that is abandoned loses nothing: what it stored is found again.
        """
        self._stopping = True
        self._wakeup.set()
        running: set[asyncio.Task[None]] = set()
        if self._tasks:
            _, running = await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
        for task in running:
            task.cancel()
        self._executor.shutdown(wait=False, cancel_futures=True)
        return not running

    def _next(self, now: datetime) -> Iterator[tuple[Key, bool]]:
        """What to start now, and whether with a reserved worker."""
        running = [(key, entry) for key, entry in self._entries.items() if entry.alive_at is not None]
        reserved = sum(entry.urgent for _, entry in running)
        busy = Counter(self._lane(key) for key, entry in running if not entry.urgent)
        by_namespace = Counter(lane[0] for lane in busy.elements())
        idle = ((key, entry.due) for key, entry in self._entries.items() if entry.may_start(now))
        waiting: defaultdict[_Lane, deque[tuple[datetime, Key]]] = defaultdict(deque)
        for due, key in sorted((due, key) for key, due in idle if due is not None and due <= now):
            if reserved < RESERVED and self._urgent(key):
                reserved += 1
                yield key, True
            else:
                waiting[self._lane(key)].append((due, key))
        while True:
            total = busy.total()
            share = self._share if total < self._workers else 1 if total < 2 * self._workers else 0
            open_to = [
                lane
                for lane, queue in waiting.items()
                if queue and by_namespace[lane[0]] < share and busy[lane] < self._lane_share
            ]
            if not open_to:
                break
            turn = min(open_to, key=lambda lane: (by_namespace[lane[0]], busy[lane], waiting[lane][0]))
            busy[turn] += 1
            by_namespace[turn[0]] += 1
            yield waiting[turn].popleft()[1], False

    def _lane(self, key: Key) -> _Lane:
        return key[1], self._server(key)

    def _start(self, key: Key, *, urgent: bool) -> None:
        entry = self._entries[key]
        entry.alive_at, entry.woken, entry.urgent = monotonic(), False, urgent
        task = asyncio.create_task(self._run_step(key, entry), name="/".join(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_step(self, key: Key, entry: _Entry) -> None:
        try:
            again = await asyncio.get_running_loop().run_in_executor(self._executor, self._in_thread, key, entry)
            entry.failures = 0
        except AbandonedError:
            again = None
        except asyncio.CancelledError:
            raise
        except (ChangedError, NotFoundError) as error:  # no fault: somebody edits or deletes faster than we look
            again = self._later(entry)
            LOGGER.debug("changed meanwhile, looked at again: %s", error, extra={"object": "/".join(key)})
        except BaseException as error:  # noqa: BLE001 - one object's trouble must never stop the others
            again = self._later(entry)
            self._telemetry.step_errors.labels(type(error).__name__).inc()
            LOGGER.warning(
                "step failed, tried again at %s: %s", again.isoformat(timespec="seconds"), error,
                extra={"object": "/".join(key)}, exc_info=entry.failures == 1,
            )  # fmt: skip
        entry.alive_at, entry.ended = None, self._clock()
        entry.due = min(entry.ended, again or entry.ended) if entry.woken else again
        if entry.abandoned and not entry.woken:
            del self._entries[key]
        entry.abandoned = False
        self._wakeup.set()

    def _later(self, entry: _Entry) -> datetime:
        """When to try again what failed: after a longer pause each time."""
        entry.failures += 1
        return self._clock() + min(_FIRST_RETRY * (1 << min(entry.failures - 1, 10)), _LAST_RETRY)

    def _in_thread(self, key: Key, entry: _Entry) -> datetime | None:
        _CURRENT.set(entry)
        alive()
        return self._step(key)

"""The loop: level-based, one queue of due times, every review looked at when something changed or is due.

Nothing is kept here that could not be lost: what to do next follows from the stored review alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Final, TypeAlias

from driftreview.runtime.logs import LOGGER
from driftreview.runtime.telemetry import Telemetry

Key: TypeAlias = tuple[str, str, str]
"""Plural, namespace and name of an object."""
Step: TypeAlias = Callable[[Key], datetime | None]
"""Looks at one object and says when to look again (None: when it changes). Runs in a thread."""

TICK: Final = 0.5
STOP_SECONDS: Final = 5.0
"""How long a stop waits for running steps: less than what a pod is given (30 s), and what a query may take (2 min)."""
_FIRST_RETRY: Final = timedelta(seconds=1)
_LAST_RETRY: Final = timedelta(seconds=30)


@dataclass
class _Entry:
    due: datetime | None
    running_since: float | None = None
    woken: bool = False
    failures: int = 0


class Loop:
    """Runs steps when they are due, a bounded number at once, never two of one review."""

    def __init__(
        self, step: Step, executor: Executor, workers: int, clock: Callable[[], datetime], telemetry: Telemetry
    ) -> None:
        """Nothing runs until `run`."""
        self._step, self._executor, self._workers = step, executor, workers
        self._clock, self._telemetry = clock, telemetry
        self._entries: dict[Key, _Entry] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wakeup = asyncio.Event()
        self._stopping = False
        self.turned_at = monotonic()

    def wake(self, key: Key) -> None:
        """Look at a review as soon as possible. Only from the event loop's thread.

        It changed, so earlier failures are over: what lengthens the pauses is failing at one and the same step.
        """
        entry = self._entries.setdefault(key, _Entry(None))
        entry.due, entry.woken, entry.failures = self._clock(), True, 0
        self._wakeup.set()

    def forget(self, key: Key) -> None:
        """A review is gone."""
        self._entries.pop(key, None)

    def stuck(self, seconds: float) -> Key | None:
        """A review whose step has run longer than this."""
        now = monotonic()
        running = [(key, entry.running_since) for key, entry in list(self._entries.items()) if entry.running_since]
        return next((key for key, since in running if since is not None and now - since > seconds), None)

    async def run(self) -> None:
        """Go round until stopped."""
        while not self._stopping:
            self.turned_at = monotonic()
            now = self._clock()
            due = [key for key, entry in self._entries.items() if self._is_due(entry, now)]
            due.sort(key=lambda key: self._entries[key].due or now)
            for key in due[: self._workers - len(self._tasks)]:
                self._start(key)
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
        if not self._tasks:
            return True
        _, running = await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
        for task in running:
            task.cancel()
        return not running

    @staticmethod
    def _is_due(entry: _Entry, now: datetime) -> bool:
        return entry.running_since is None and entry.due is not None and entry.due <= now

    def _start(self, key: Key) -> None:
        entry = self._entries[key]
        entry.running_since, entry.woken = monotonic(), False
        task = asyncio.create_task(self._run_step(key, entry), name="/".join(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_step(self, key: Key, entry: _Entry) -> None:
        try:
            again = await asyncio.get_running_loop().run_in_executor(self._executor, self._step, key)
            entry.failures = 0
        except Exception as error:  # noqa: BLE001 - one review's trouble must never stop the others
            entry.failures += 1
            again = self._clock() + min(_FIRST_RETRY * 2 ** min(entry.failures - 1, 10), _LAST_RETRY)
            self._telemetry.step_errors.labels(type(error).__name__).inc()
            LOGGER.warning(
                "step failed, tried again at %s: %s", again.isoformat(timespec="seconds"), error,
                extra={"review": f"{key[1]}/{key[2]}"}, exc_info=entry.failures == 1,
            )  # fmt: skip
        entry.running_since = None
        entry.due = self._clock() if entry.woken else again
        self._wakeup.set()

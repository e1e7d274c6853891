"""Leaves a server that is down alone for a while: each pause is drawn at random, so that not all come back at once.

Full jitter, as in https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Final

from driftreview.api.reasons import Reason
from driftreview.domain.samples import Failed

FIRST: Final = 1.0
LONGEST: Final = 15.0
"""Seconds: reviews ask again that often in any case."""
LONGEST_ASKED_FOR: Final = 60.0
"""Seconds that a server may ask for (429 with Retry-After)."""
SUSPECT: Final = 2
"""So many failures in a row may be the server's; fewer are those of a query."""

DOWN: Final = frozenset({Reason.UNREACHABLE, Reason.TIMEOUT, Reason.SERVER_ERROR, Reason.RATE_LIMITED})
"""Failures that may pass, of the server and not of what it was asked."""


class BackOff:
    """What the last answers of one server say of it; threads may share it."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, uniform: Callable[[float, float], float] = random.uniform
    ) -> None:
        """It is taken to be up."""
        self._clock, self._uniform = clock, uniform
        self._lock = threading.Lock()
        self._failures = self._pauses = 0
        self._until = 0.0
        self._last: Failed | None = None

    def paused(self) -> Failed | None:
        """While the server is left alone, its last failure, as the answer to every query."""
        with self._lock:
            return self._last if self._clock() < self._until else None

    @property
    def suspects(self) -> bool:
        """Whether so many queries failed in a row that the server may be down: something else must be asked to know."""
        with self._lock:
            return self._failures >= SUSPECT and self._clock() >= self._until

    def heard(self, result: object, retry_after: float | None) -> None:
        """Take note of how a query went.

        Args:
            result: its answer, or why there is none.
            retry_after: after how many seconds the server wants to be asked again, if it says so.
        """
        with self._lock:
            if not isinstance(result, Failed) or result.reason not in DOWN:
                self._failures = self._pauses = 0
                return
            self._failures += 1
            self._last = result
            if result.reason == Reason.RATE_LIMITED:
                self._pause(retry_after)

    def down(self) -> None:
        """It did not answer the simplest question either: leave it alone."""
        with self._lock:
            if self._clock() >= self._until:
                self._pause(None)

    def _pause(self, asked_for: float | None) -> None:
        longest = min(LONGEST, FIRST * 2.0 ** min(self._pauses, 10))
        self._pauses += 1
        least = min(asked_for or 0.0, LONGEST_ASKED_FOR)
        self._until = self._clock() + least + self._uniform(0.0, FIRST if least else longest)

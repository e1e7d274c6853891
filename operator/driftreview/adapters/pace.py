"""So many queries a second at most, in the order in which they come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pace:
    """A bucket that holds the tokens of one second and is filled evenly; threads may share it."""

    def __init__(
        self,
        per_second: int | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Without a number nobody waits."""
        self._interval = 1.0 / per_second if per_second else 0.0
        self._burst = per_second or 1
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._full_at = 0.0
        """When the bucket is full again, if nobody takes a token meanwhile."""

    def wait(self, most: float) -> bool:
        """Wait for one's turn, so many seconds at most; whether it came. Who would wait longer takes no token."""
        with self._lock:
            now = self._clock()
            full_at = max(self._full_at, now)
            pause = full_at - (self._burst - 1) * self._interval - now
            if pause > most:
                return False
            self._full_at = full_at + self._interval
        if pause > 0:
            self._sleep(pause)
        return True

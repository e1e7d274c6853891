"""A value that expires, such as a token: fetched by one thread while others wait, and anew shortly before its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from driftreview.adapters.replies import RefusalError

EARLY: Final = 60.0
"""So many seconds before its end a value is fetched anew, but not before four fifths of its time are over."""
PAUSE: Final = 5.0
"""Seconds after a failure in which nobody tries again: many threads wait for the same value."""
SETTLED: Final = 30.0
"""A value that was refused is fetched anew if it is older than this: a younger one would be refused as well."""

_T = TypeVar("_T")


class Renewed(Generic[_T]):
    """Keeps one value; threads may share it."""

    def __init__(
        self, fetch: Callable[[_T | None], tuple[_T, float]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take what fetches a value: it is given the last one, and says for how many seconds the new one is good."""
        self._fetch, self._clock = fetch, clock
        self._lock = threading.Lock()
        self._value: _T | None = None
        self._refusal: RefusalError | None = None
        self._fetched = self._renew_at = self._ends = self._again = 0.0

    @property
    def last(self) -> _T | None:
        """The value that was fetched last, if there is one."""
        return self._value

    def value(self) -> _T:
        """The value as it is good now.

        Raises:
            RefusalError: it could not be fetched.
        """
        with self._lock:
            now = self._clock()
            if self._value is not None and now < self._renew_at:
                return self._value
            if now >= self._again:
                try:
                    self._value, seconds = self._fetch(self._value)
                except RefusalError as refusal:
                    self._refusal, self._again = refusal, self._clock() + PAUSE
                else:
                    self._fetched, self._ends = now, now + seconds
                    self._renew_at = self._ends - min(EARLY, seconds / 5)
                    return self._value
            if self._value is not None and now < self._ends:  # what failed was to renew it early
                return self._value
            if self._refusal is None:
                raise AssertionError("a pause follows a refusal")
            raise RefusalError(self._refusal.reason, self._refusal.found, retryable=self._refusal.retryable)

    def refused(self) -> None:
        """Whoever is shown the value no longer takes it."""
        with self._lock:
            if self._clock() - self._fetched > SETTLED:
                self._renew_at = self._ends = self._clock()

"""What several ask at the same time is asked once: who comes while it is asked, or a second later, gets that answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

from driftreview.domain.samples import Failed, QueryResult, Samples

KEPT_SECONDS: Final = 1.0
MOST_BYTES: Final = 32 * 2**20
"""Of answers kept for that second, all sources together."""


@dataclass
class _Asked:
    done: threading.Event = field(default_factory=threading.Event)
    answer: QueryResult | None = None
    at: float = 0.0
    size: int = 0


class Once:
    """Answers of the last second, and questions under way; threads may share it."""

    def __init__(self, most_bytes: int = MOST_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing was asked yet."""
        self._most, self._clock = most_bytes, clock
        self._lock = threading.Lock()
        self._asked: dict[Hashable, _Asked] = {}

    def __call__(self, key: Hashable, ask: Callable[[], QueryResult], patience: float) -> QueryResult:
        """The answer to a question.

        Args:
            key: the question: two of the same key have the same answer.
            ask: asks it, in the thread of who comes first. If that ends without an answer, each of the others asks.
            patience: how many seconds the others wait for the first one before they ask as well.
        """
        with self._lock:
            self._forget_old()
            found = self._asked.get(key)
            mine = self._asked.setdefault(key, _Asked())
        if found is not None:
            found.done.wait(patience)
            return ask() if found.answer is None else found.answer
        try:
            mine.answer = ask()
        finally:
            self._keep(key, mine)
            mine.done.set()
        return mine.answer

    def _keep(self, key: Hashable, asked: _Asked) -> None:
        with self._lock:
            asked.at, asked.size = self._clock(), _size(asked.answer)
            kept = sum(each.size for each in self._asked.values())
            if asked.answer is None or isinstance(asked.answer, Failed) or kept > self._most:
                del self._asked[key]

    def _forget_old(self) -> None:
        now = self._clock()
        for key in [key for key, each in self._asked.items() if each.done.is_set() and now - each.at > KEPT_SECONDS]:
            del self._asked[key]


def _size(answer: QueryResult | None) -> int:
    """About how many bytes an answer takes."""
    series = answer.series if isinstance(answer, Samples) else ()
    return 1000 + sum(1000 + 8 * len(each.values) for each in series)

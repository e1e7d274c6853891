"""Which watched reviews of mode Enforce have not ended, by target: of those only one is under way at a time."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any, Final

from driftreview.adapters.errors import ChangedError
from driftreview.api.driftreview import DriftReview
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.precedence import Claim, claim, first
from driftreview.domain.rulings import named

_Target = tuple[str, str, str]
_LOCKS: Final = 64


class Claims:
    """Threads may share it.

    What was watched may be behind, and of what was deleted during a gap in the watch nothing is told: whoever is waited
    for is read anew.
    """

    def __init__(self, read: Callable[[str, str], Mapping[str, Any] | None]) -> None:
        """Nothing was seen yet. `read` reads a review by namespace and name; None if there is none."""
        self._read = read
        self._lock = threading.Lock()
        self._starting = [threading.Lock() for _ in range(_LOCKS)]
        self._by_target: defaultdict[_Target, dict[str, Claim]] = defaultdict(dict)
        self._named: dict[str, frozenset[_Target]] = {}
        """Which workloads each review was last seen to be about: before T0 that may change."""

    def see(self, raw: Mapping[str, Any]) -> None:
        """Take note of a review as it is stored now, or was when an event was sent: what has begun stays begun."""
        found, uid, targets = claim(raw), raw["metadata"]["uid"], frozenset(_targets(raw))
        with self._lock:
            for target in self._named.pop(uid, frozenset()) - targets:
                self._drop(target, uid)
            if found is not None:
                self._named[uid] = targets
            for target in targets:
                known = self._by_target[target].get(uid)
                if found is None:
                    self._drop(target, uid)
                elif known is None or (known.retaken, known.t0 is not None) <= (found.retaken, found.t0 is not None):
                    self._by_target[target][uid] = found

    def forget(self, raw: Mapping[str, Any]) -> None:
        """A review was deleted."""
        self._forget(raw, raw["metadata"]["uid"])

    def freed(self, raw: Mapping[str, Any], *, deleted: bool = False) -> list[str]:
        """Names of the reviews that may go on, now that this one is over or gone."""
        if claim(raw) is not None and not deleted:
            return []
        others = {each.uid: each for each in self._others(raw)}
        return [each.name for each in others.values() if each.t0 is None and each.uid != raw["metadata"]["uid"]]

    def first(self, raw: Mapping[str, Any], now: datetime) -> Claim | None:
        """Which review this one has to wait for before its T0, as it is now.

        Raises:
            ClusterError: that could not be read.
        """
        waited_for = self._first(raw, now)
        while waited_for is not None:
            fresh = self._read(raw["metadata"]["namespace"], waited_for.name)
            if fresh is not None and fresh["metadata"]["uid"] == waited_for.uid:
                self.see(fresh)
            else:
                self._forget(raw, waited_for.uid)
            known, waited_for = waited_for, self._first(raw, now)
            if waited_for is not None and waited_for.uid == known.uid:
                break
        return waited_for

    @contextmanager
    def begins(
        self, review: DriftReview, status: DriftReviewStatus, raw: Mapping[str, Any], now: datetime
    ) -> Iterator[None]:
        """While a status is written: of two reviews of a target that get their T0 at once, only one does.

        Raises:
            ChangedError: another one came first.
        """
        if status.t0 is None or review.status.t0 is not None:
            yield
            return
        with ExitStack() as held:
            # In one order, so that no two wait for each other.
            for index in sorted({hash(each) % _LOCKS for each in _targets(raw)}):
                held.enter_context(self._starting[index])
            if (other := self._first(raw, now)) is not None:
                raise ChangedError(f"review {other.name} of the same target came first")
            yield

    def _first(self, raw: Mapping[str, Any], now: datetime) -> Claim | None:
        own = claim(raw)
        return None if own is None else first(own, self._others(raw), now)

    def _others(self, raw: Mapping[str, Any]) -> list[Claim]:
        """The claims on any of a review's workloads."""
        with self._lock:
            return [each for target in _targets(raw) for each in self._by_target.get(target, {}).values()]

    def _forget(self, raw: Mapping[str, Any], uid: str) -> None:
        """A review holds none of these workloads any more."""
        with self._lock:
            for target in {*_targets(raw), *self._named.pop(uid, ())}:
                self._drop(target, uid)

    def _drop(self, target: _Target, uid: str) -> None:
        """With the lock held."""
        self._by_target[target].pop(uid, None)
        if not self._by_target[target]:
            del self._by_target[target]


def _targets(raw: Mapping[str, Any]) -> list[_Target]:
    return [(raw["metadata"]["namespace"], *name) for name in named(raw["spec"])]

"""What the watched reviews came to, by target: kept in memory, as long as the reviews are there."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from driftreview.api.target import Target, TargetKind
from driftreview.domain.rulings import Ruling, ruling


class Rulings:
    """Threads may share it."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._lock = threading.Lock()
        self._by_target: defaultdict[tuple[str, str, str], dict[str, Ruling]] = defaultdict(dict)

    def see(self, review: Mapping[str, Any]) -> None:
        """Take note of a review as it is stored now."""
        found = ruling(review)
        if found is not None:
            with self._lock:
                self._by_target[_target(review)][review["metadata"]["uid"]] = found

    def forget(self, review: Mapping[str, Any]) -> None:
        """A review was deleted, and with it what it came to."""
        with self._lock:
            rulings = self._by_target.get(_target(review), {})
            rulings.pop(review["metadata"]["uid"], None)
            if not rulings:
                self._by_target.pop(_target(review), None)

    def of(self, namespace: str, target: Target) -> tuple[Ruling, ...]:
        """What reviews of this target came to."""
        with self._lock:
            return tuple(self._by_target.get((namespace, target.kind, target.name), {}).values())


def _target(review: Mapping[str, Any]) -> tuple[str, str, str]:
    target = review["spec"]["target"]
    return review["metadata"]["namespace"], target.get("kind", TargetKind.DEPLOYMENT), target["name"]

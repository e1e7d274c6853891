"""What the watched reviews came to, by target: kept in memory, as long as the reviews are there."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from driftreview.api.target import WorkloadRef
from driftreview.domain.rulings import Ruling, named, rulings


class Rulings:
    """Threads may share it."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._lock = threading.Lock()
        self._by_target: defaultdict[tuple[str, str, str], dict[str, Ruling]] = defaultdict(dict)

    def see(self, review: Mapping[str, Any]) -> None:
        """Take note of a review as it is stored now."""
        for name, found in rulings(review).items():
            with self._lock:
                self._by_target[_key(review, name)][review["metadata"]["uid"]] = found

    def forget(self, review: Mapping[str, Any]) -> None:
        """A review was deleted, and with it what it came to."""
        for name in named(review["spec"]):
            key = _key(review, name)
            with self._lock:
                known = self._by_target.get(key, {})
                known.pop(review["metadata"]["uid"], None)
                if not known:
                    self._by_target.pop(key, None)

    def of(self, namespace: str, target: WorkloadRef) -> tuple[Ruling, ...]:
        """What reviews of this target came to."""
        with self._lock:
            return tuple(self._by_target.get((namespace, target.kind, target.name), {}).values())


def _key(review: Mapping[str, Any], name: tuple[str, str]) -> tuple[str, str, str]:
    return (review["metadata"]["namespace"], *name)

"""When it is tried whether another pod template is refused, and what is kept of that."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from driftreview.adapters.wayback import WayBack
from driftreview.adapters.workloads import Workload
from driftreview.api.driftreview import DriftReview
from driftreview.domain.blocking import Tried, blocks, due
from driftreview.runtime.logs import LOGGER

_FAILED: Final = "the operator failed to try it, see its log"


@dataclass(frozen=True)
class BlockReader:
    """Tries it for all reviews; threads may share it.

    What was found is kept in memory only: lost, it is tried again.
    """

    way_back: WayBack
    _kept: dict[str, Tried] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def seen(self, review: DriftReview, workload: Workload, now: datetime) -> Tried | None:
        """What the API server says, or said a moment ago; None where nothing is to be refused."""
        uid = review.metadata.uid
        if not blocks(review, now):
            self.forget(uid)
            return None
        with self._lock:
            last = self._kept.get(uid)
        if last is not None and not due(last, now):
            return last
        tried = replace(self._try(review, workload, now), often=1 if last is None else last.often + 1)
        with self._lock:
            self._kept[uid] = tried
        return tried

    def _try(self, review: DriftReview, workload: Workload, now: datetime) -> Tried:
        try:
            return self.way_back.try_another(workload, now)
        except Exception:  # noqa: BLE001 - whatever it is, no step waits for it
            LOGGER.exception("another pod template could not be tried", extra={"review": review.metadata.full_name})
            return Tried(now, None, _FAILED)

    def forget(self, uid: str) -> None:
        """A review is over or gone."""
        with self._lock:
            self._kept.pop(uid, None)

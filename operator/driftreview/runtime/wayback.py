"""When the way back of a review is looked at, and what is kept of that. It never keeps a step from being taken."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from driftreview.adapters.errors import ClusterError
from driftreview.adapters.wayback import WayBack
from driftreview.adapters.workloads import Workload
from driftreview.api.act import Do
from driftreview.api.driftreview import DriftReview
from driftreview.api.wayback import WayBackCheck
from driftreview.domain.revisions import template_hash
from driftreview.domain.schedule import whole_seconds
from driftreview.domain.wayback import checked, due
from driftreview.domain.ways import way_back, way_back_to
from driftreview.runtime.keeper import Keeper
from driftreview.runtime.logs import LOGGER

_FAILED: Final = "the operator failed to look at the way back, see its log"


@dataclass(frozen=True)
class WayBackReader:
    """Looks at the way back of all reviews; threads may share it.

    What was found stands in the status from T0 on. What was found since that was written is kept in memory only: lost,
    it is looked at again.
    """

    way_back: WayBack
    keeper: Keeper
    evidence: Callable[[DriftReview], Mapping[str, Any]]
    """The pinned pod template, from the evidence; empty if it cannot be had."""
    _kept: dict[tuple[str, str], WayBackCheck] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def seen(self, review: DriftReview, workload: Workload, now: datetime) -> Workload:
        """The target with what was found of its way back: now, if that is due, or else before."""
        last = self._last(review)
        if due(review, workload.view, last, now):
            last = self._look(review, workload, now)
            with self._lock:
                self._kept[_key(review)] = last
        return replace(workload, view=replace(workload.view, check=last))

    def forget(self, uid: str) -> None:
        """A review is over or gone."""
        with self._lock:
            for key in [each for each in self._kept if each[0] == uid]:
                del self._kept[key]

    def _last(self, review: DriftReview) -> WayBackCheck | None:
        stored = review.status.rollback.check if review.status.rollback else None
        with self._lock:
            kept = self._kept.get(_key(review))
        return max(filter(None, (stored, kept)), key=lambda each: each.at, default=None)

    def _look(self, review: DriftReview, workload: Workload, now: datetime) -> WayBackCheck:
        try:
            empties = way_back(review, workload.view) is Do.SCALE
            template = None if empties else self._template(review, workload)
            gathered = self.way_back.gather(review, workload, template, now)
            return checked(review, workload.view, gathered, now)
        except Exception:  # noqa: BLE001 - whatever it is, no rollback waits for it
            LOGGER.exception("the way back could not be looked at", extra={"review": review.metadata.full_name})
            view = workload.view
            return WayBackCheck(
                at=whole_seconds(now),
                generation=view.generation,
                held=view.held.reason if view.held else None,
                risks=[_FAILED],
                autoscaler_unknown=_FAILED,
            )

    def _template(self, review: DriftReview, workload: Workload) -> Mapping[str, Any]:
        """The previous pod template: of its ReplicaSet while that is as it was pinned, which is smaller than evidence.

        Empty if it cannot be had.
        """
        back = way_back_to(review, workload.view)
        try:
            found = (self.keeper.pin(review, back).template if back else {}) or self.evidence(review)
        except ClusterError:
            return {}
        return found if back is not None and found and template_hash(found) == back.template_hash else {}


def _key(review: DriftReview) -> tuple[str, str]:
    """Of several workloads that ship together each has a way back of its own."""
    return review.metadata.uid, str(review.spec.target)

"""Which of several reviews of one target goes first. Only those of mode Enforce exclude each other: both would act.

The one that has its T0 goes first until its rollback window closes; of the others the older one (by `window.t0`, where
that is given: one for next week holds up nobody), if it is accepted and waits for nobody to mend something. So no two
wait for each other, and none for one that can never start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from driftreview.api.base import format_time
from driftreview.api.phases import TERMINAL, ConditionType
from driftreview.api.policy import PolicyMode

UNSEEN: Final = timedelta(minutes=1)
"""How long a review that was not looked at yet is taken for one that will be accepted, from its creation."""


@dataclass(frozen=True)
class Claim:
    """A review of mode Enforce that has not ended, as far as others of its target must know it."""

    uid: str
    name: str
    created: datetime
    since: datetime
    """Its `window.t0`, or else its creation."""
    t0: datetime | None = None
    closes_at: datetime | None = None
    """When its rollback window closes, as things stand."""
    retaken: int = 0
    """How often its T0 was taken anew: in between it has none."""
    ready: bool = False
    """Whether it is accepted, is not suspended, and nothing has to be mended before its T0."""
    seen: bool = True
    """Whether it was looked at."""

    @property
    def rank(self) -> tuple[bool, bool, datetime, str]:
        """The lowest goes first."""
        return self.t0 is None, not self.retaken, self.since, self.name

    def excludes(self, now: datetime) -> bool:
        """Whether another one has to wait for it, if it comes first."""
        if self.t0 is not None:
            return self.closes_at is None or now <= self.closes_at
        return self.ready or (not self.seen and now < self.created + UNSEEN)

    def said(self, target: str) -> str:
        """Why somebody else waits for it, and until when."""
        if self.t0 is None:
            return (
                f"waits for review {self.name} of {target}, which is older and has not begun yet: it goes on when that "
                "one has ended, or is suspended or deleted"
            )
        until = f", at {format_time(self.closes_at)} at the latest" if self.closes_at else ""
        return (
            f"waits for review {self.name} of {target}, which has its T0 since {format_time(self.t0)}: it goes on when "
            f"that one has ended or is deleted{until}"
        )


def claim(raw: Mapping[str, Any]) -> Claim | None:
    """Read it from a stored review, also from one that this operator cannot read whole; None if it excludes nobody."""
    metadata, spec, status = raw["metadata"], raw["spec"], raw.get("status") or {}
    over = status.get("phase") in TERMINAL or "deletionTimestamp" in metadata
    if over or (spec.get("policy") or {}).get("mode", PolicyMode.ENFORCE) != PolicyMode.ENFORCE:
        return None
    conditions = {each["type"]: each["status"] for each in status.get("conditions") or ()}
    stuck = conditions.get(ConditionType.STALLED) == "True"
    return Claim(
        uid=metadata["uid"],
        name=metadata["name"],
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        since=datetime.fromisoformat((spec.get("window") or {}).get("t0") or metadata["creationTimestamp"]),
        t0=_time(status.get("t0")),
        closes_at=_time((status.get("rollback") or {}).get("closesAt")),
        retaken=status.get("retaken", 0),
        ready=conditions.get(ConditionType.ACCEPTED) == "True" and not stuck and not spec.get("suspend"),
        seen=bool(conditions),
    )


def first(own: Claim, others: Iterable[Claim], now: datetime) -> Claim | None:
    """The review that another one waits for, if it has to wait."""
    ahead = [each for each in others if each.uid != own.uid and each.rank < own.rank and each.excludes(now)]
    return min(ahead, key=lambda each: each.rank, default=None)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

"""The emergency stop: what is said of it on each review, and that no act begins while it is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from driftreview.api.phases import ConditionType
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.display import plain
from driftreview.domain.status import Stuck, Truth, condition, restated, with_condition, without_condition

NAME: Final = "driftreview-stop"
"""Name of the ConfigMap in the operator's own namespace that is the switch."""
_MOST_WORDS: Final = 256
_ENDS: Final = re.compile(rf"\(ConfigMap ([a-z0-9-]+)/{NAME}\); driftreview go -n \1 lets them go on\Z")
"""What is said last, behind the words of strangers."""


def switch(namespace: str) -> str:
    """The switch of the operator in a namespace, by kind and name."""
    return f"ConfigMap {namespace}/{NAME}"


def how_to_go_on(namespace: str) -> str:
    """The command that turns it."""
    return f"driftreview go -n {namespace}"


@dataclass(frozen=True)
class Stop:
    """No act may begin."""

    message: str
    """Since when, by whom and why; or why that cannot be known."""
    is_known: bool = True
    """False where the switch could not be read, which stops as well."""

    @classmethod
    def of(cls, namespace: str, since: str, by: str, reason: str) -> Stop:
        """As a person stopped it.

        Args:
            namespace: the operator's own.
            since: when it was made.
            by: who, as they say themselves; empty if they do not.
            reason: why, likewise.
        """
        who = f" by {plain(by, _MOST_WORDS)}" if by else ""
        why = f": {plain(reason, _MOST_WORDS)}" if reason else ""
        go = how_to_go_on(namespace)
        return cls(f"all acts were stopped at {since}{who}{why} ({switch(namespace)}); {go} lets them go on")

    @classmethod
    def unreadable(cls, namespace: str, why: str) -> Stop:
        """Nobody can tell whether acts are stopped."""
        return cls(
            f"no act is done, as {switch(namespace)} cannot be read: {plain(why, _MOST_WORDS)}; give that right", False
        )


def with_stop(status: DriftReviewStatus, stop: Stop | None, now: datetime) -> DriftReviewStatus:
    """Say on a review that goes on whether acts are stopped; there only while they are."""
    kind = ConditionType.ACTS_STOPPED
    if stop is None:
        if condition(status, kind) is None:
            return status
        return restated(status, without_condition(status, kind), now)
    holds: Truth = "True" if stop.is_known else "Unknown"
    reason = Reason.ACTS_STOPPED if stop.is_known else Reason.FORBIDDEN
    known = condition(status, kind)
    if known is not None and stop.is_known and known.message != stop.message:  # another one, since now
        status = without_condition(status, kind)
    told = with_condition(status, kind, holds, reason, stop.message, now)
    return restated(status, told, now)


def stopped(status: DriftReviewStatus) -> Stuck | None:
    """What keeps every act from beginning, if something does."""
    found = condition(status, ConditionType.ACTS_STOPPED)
    return Stuck(found.reason, found.message) if found is not None else None


def stopped_in(message: str) -> str:
    """In which namespace somebody turned the switch, of what is said of a stop; empty where nobody did."""
    found = _ENDS.search(message)
    return found[1] if found else ""

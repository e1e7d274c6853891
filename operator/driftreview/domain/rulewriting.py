"""When alert rules are to be written, and what is said of it: in one condition, which no decision heeds."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from driftreview.api.base import format_time
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import ConditionType
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.display import counted
from driftreview.domain.recommended import Recommended
from driftreview.domain.status import condition, with_condition

_SUFFIX: Final = "-rules"


def rules_name(review: str) -> str:
    """Name of the object that holds a review's alert rules."""
    return f"{review[: 253 - len(_SUFFIX)].rstrip('-.')}{_SUFFIX}"


def rules_owed(review: DriftReview) -> str | None:
    """Of which T0 rules are to be written; None where none are, or they were. A T0 that was taken anew is another."""
    status, alerts = review.status, review.spec.alerts
    if alerts is None or alerts.rules is None or status.baseline is None or status.t0 is None:
        return None
    about, said = f"T0 {format_time(status.t0)}", condition(status, ConditionType.ALERT_RULES_WRITTEN)
    return None if said is not None and said.status == "True" and said.message.startswith(f"{about}: ") else about


def rules_written(review: DriftReview, about: str, found: Recommended, where: str, now: datetime) -> DriftReviewStatus:
    """They are stored."""
    without = f" ({len(found.without)} without: driftreview rules {review.metadata.name})" if found.without else ""
    message = f"{about}: {counted(len(found.rules), 'rule', 'rules')}{without} in {where}"
    return with_condition(review.status, ConditionType.ALERT_RULES_WRITTEN, "True", Reason.WRITTEN, message, now)


def rules_refused(review: DriftReview, about: str, reason: Reason, why: str, now: datetime) -> DriftReviewStatus:
    """They could not be stored: said, and nothing else follows from it."""
    message = f"{about}: not written: {why}; `driftreview rules {review.metadata.name}` prints them"
    return with_condition(review.status, ConditionType.ALERT_RULES_WRITTEN, "False", reason, message, now)

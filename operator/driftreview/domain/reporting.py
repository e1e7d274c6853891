"""When the report is to be written, and what is said of it: in one condition, which no decision heeds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import ConditionType
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.report.material import stands_at
from driftreview.domain.status import condition, with_condition

_SUFFIX: Final = "-report"
_NOT_RUNNING: Final = frozenset({Reason.ROLLBACK_INCOMPLETE, Reason.SCALED_TO_ZERO})
"""Why what a rollback put back does not run, as StaysBack has it."""


def config_map_name(review: str) -> str:
    """Name of the ConfigMap that holds a review's report."""
    return f"{review[: 253 - len(_SUFFIX)].rstrip('-.')}{_SUFFIX}"


def report_due(status: DriftReviewStatus, now: datetime) -> DriftReviewStatus:
    """Say that there is something to report from now on: without this nothing is ever written."""
    message = "written as soon as nothing else is to be done"
    return with_condition(status, ConditionType.REPORT_WRITTEN, "False", Reason.REPORT_DUE, message, now)


def owed(review: DriftReview) -> str | None:
    """Which state a report is to be written of; None where it was, or where that was refused.

    What was refused is tried again at the next look, not before: somebody must mend it.
    """
    said = condition(review.status, ConditionType.REPORT_WRITTEN)
    about = _about(stands_at(review), review.status.to_wire())
    return None if said is None or said.message.startswith(f"{about}: ") else about


def is_owed(status: Mapping[str, Any]) -> bool:
    """The same of the raw status of a review that has ended."""
    conditions = status.get("conditions", [])
    said = next((each for each in conditions if each["type"] == ConditionType.REPORT_WRITTEN), None)
    about = _about(status["phase"], status)
    return said is not None and not said.get("message", "").startswith(f"{about}: ")


def _about(state: str, status: Mapping[str, Any]) -> str:
    """A state that a report is of; what people do is another one each time, and so is a T0 that they had taken anew.

    And so is, after a rollback, whether it helped, whether what was taken away runs again, and how many of several are
    not back.
    """
    acts, recovery = len(status.get("approvals", [])), status.get("recovery", {}).get("verdict")
    back = next((each for each in status.get("conditions", []) if each["type"] == ConditionType.STAYS_BACK), None)
    told = back is not None and (back["status"] == "False" or back["reason"] in _NOT_RUNNING)
    lasts = told or "endedAt" in status.get("aftermath", {})
    left = len(status.get("notBack", [])) if status.get("members") and "aftermath" in status else 0
    words = (
        f"{state} with {acts} act{'s' if acts > 1 else ''} of people" if acts else state,
        f"recovery {recovery}" if recovery else "",
        str(back["reason"]) if back is not None and lasts else "",
        f"{left} not back" if left else "",
    )
    return ", ".join(filter(None, words))


def report_written(review: DriftReview, about: str, files: Mapping[str, str], now: datetime) -> DriftReviewStatus:
    """The report is stored: of each file what `sha256sum` says, as whoever may edit ConfigMaps can replace it."""
    sums = ", ".join(f"{name} {sha256(text.encode()).hexdigest()}" for name, text in sorted(files.items()))
    message = f"{about}: in configmaps/{config_map_name(review.metadata.name)} (sha256: {sums})"
    return with_condition(review.status, ConditionType.REPORT_WRITTEN, "True", Reason.WRITTEN, message, now)


def report_refused(review: DriftReview, about: str, reason: Reason, why: str, now: datetime) -> DriftReviewStatus:
    """It could not be stored: said, and nothing else follows from it."""
    where = f"configmaps/{config_map_name(review.metadata.name)}"
    message = f"{about}: not in {where}: {why}; `driftreview report {review.metadata.name}` writes it"
    return with_condition(review.status, ConditionType.REPORT_WRITTEN, "False", reason, message, now)

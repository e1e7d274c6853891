"""The status of a metric source: whether it answers, what it is, whether its clock is ours."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from driftreview.api.base import Condition
from driftreview.api.driftsnapshot import Problem
from driftreview.api.metricsource import MetricSourceStatus
from driftreview.api.phases import ConditionType
from driftreview.api.reasons import Reason
from driftreview.domain.preflight import MOST_SKEW
from driftreview.domain.schedule import whole_seconds
from driftreview.domain.status import truth

STEADY: Final = 5
"""Seconds by which a clock may move before that is news."""
_SYNCHRONISE: Final = (
    "looks ask for times whose samples are missing, or that do not belong to them: "
    "synchronise the clocks (NTP) of the machines of operator and source"
)


def answered(old: MetricSourceStatus, generation: int, problem: Problem | None, now: datetime) -> MetricSourceStatus:
    """The status after a source was asked the simplest question; what it said of itself before stays."""
    ready = _condition(
        old, ConditionType.READY, holds=problem is None, reason=problem.reason if problem else Reason.AVAILABLE,
        message=problem.message if problem else "answers queries", generation=generation, now=now,
    )  # fmt: skip
    return _with(old.model_copy(update={"observed_generation": generation}), ready)


def introduced(
    old: MetricSourceStatus, version: str | None, retention: str | None, ahead: timedelta | None, now: datetime
) -> MetricSourceStatus:
    """The status after a source said what it is; `ahead` is by how much its clock is ahead of ours, None if unknown."""
    said = old.model_copy(update={"version": version, "retention": retention})
    if ahead is None:
        others = [each for each in said.conditions if each.type != ConditionType.CLOCK_IN_SYNC]
        return said.model_copy(update={"clock_skew_seconds": None, "conditions": others})
    skew = _steady(old.clock_skew_seconds, round(ahead.total_seconds()))
    holds = not _is_skewed(skew)
    way = "ahead of" if skew > 0 else "behind"
    message = "agrees with the operator's" if holds else f"is {abs(skew)} s {way} the operator's; {_SYNCHRONISE}"
    reason = Reason.IN_SYNC if holds else Reason.CLOCK_SKEW
    clock = _condition(
        old, ConditionType.CLOCK_IN_SYNC, holds=holds, reason=reason, message=f"the source's clock {message}",
        generation=old.observed_generation, now=now,
    )  # fmt: skip
    return _with(said.model_copy(update={"clock_skew_seconds": skew}), clock)


def _steady(old: int | None, new: int) -> int:
    """The old skew, as long as the new one says no more than that."""
    return new if old is None or abs(new - old) > STEADY or _is_skewed(new) != _is_skewed(old) else old


def _is_skewed(seconds: int) -> bool:
    return abs(seconds) > MOST_SKEW.total_seconds()


def _condition(
    old: MetricSourceStatus,
    kind: ConditionType,
    *,
    holds: bool,
    reason: Reason | str,
    message: str,
    generation: int | None,
    now: datetime,
) -> Condition:
    said = truth(holds=holds)
    before = next((each for each in old.conditions if each.type == kind), None)
    since = before.last_transition_time if before is not None and before.status == said else whole_seconds(now)
    return Condition(
        type=kind, status=said, reason=reason, message=message, last_transition_time=since,
        observed_generation=generation,
    )  # fmt: skip


def _with(status: MetricSourceStatus, new: Condition) -> MetricSourceStatus:
    others = [each for each in status.conditions if each.type != new.type]
    return status.model_copy(update={"conditions": sorted([*others, new], key=lambda each: each.type)})

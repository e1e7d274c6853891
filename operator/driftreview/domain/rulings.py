"""What other reviews of a target came to, as far as the next one must know it.

A rollback notes on the target what it took away. What was rejected and not rolled back (left to a person, advised, the
target paused, released over) is known from the reviews alone, while they are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from driftreview.api.phases import TERMINAL, ConditionType
from driftreview.api.status import DriftReviewStatus
from driftreview.api.verdicts import Recommendation
from driftreview.domain.status import condition
from driftreview.domain.workload import TargetView


@dataclass(frozen=True)
class Ruling:
    """What one review came to about one pod template."""

    template_hash: str
    rejected: bool
    """Or else approved."""
    at: datetime
    since: datetime
    """Where the baseline of that review ended: the template may have run from then on."""
    until: datetime | None
    """When it was seen to be gone, or was looked at no more; None while that is still to come."""


def ruling(review: Mapping[str, Any]) -> Ruling | None:
    """Read it from a stored review; None if it has not come to anything, or cannot be read."""
    if "decision" not in (review.get("status") or {}):
        return None
    try:
        status = DriftReviewStatus.model_validate(review["status"])
    except ValidationError:
        return None
    decision, judged, target = status.decision, status.judged, status.target
    if decision is None or judged is None or target is None or target.history_ends_at is None:
        return None
    if decision.recommendation is Recommendation.INCONCLUSIVE:
        return None
    ended = condition(status, ConditionType.RECONCILING) if status.phase in TERMINAL else None
    return Ruling(
        template_hash=judged.template_hash,
        rejected=decision.recommendation is Recommendation.REJECT,
        at=decision.at,
        since=target.history_ends_at,
        until=None if ended is None else ended.last_transition_time,
    )


def rejected(rulings: Iterable[Ruling]) -> frozenset[str]:
    """Hashes of the templates that were rejected and not approved later."""
    last: dict[str, Ruling] = {}
    for each in sorted(rulings, key=lambda each: (each.at, each.rejected)):
        last[each.template_hash] = each
    return frozenset(name for name, each in last.items() if each.rejected)


def remembered(target: TargetView, rulings: Iterable[Ruling]) -> TargetView:
    """The target with the times in which other, rejected templates ran before its present rollout began."""
    began = target.rollout_started_at
    if began is None:
        return target
    stretches = [
        (each.since, min(each.until or began, began))
        for each in rulings
        if each.rejected and each.template_hash != target.template_hash and each.since < began
    ]
    told = tuple(sorted(stretches))
    return replace(target, rejected_during=(*target.rejected_during, *told), ruled_during=told)

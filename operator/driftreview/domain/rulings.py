"""What other reviews of a target came to, as far as the next one must know it.

A rollback notes on the target what it took away. What was rejected and not rolled back (left to a person, advised, the
target paused, released over), or taken back by people, is known from the reviews alone, while they are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from driftreview.api.phases import TERMINAL, ConditionType
from driftreview.api.status import DriftReviewStatus
from driftreview.api.target import TargetKind
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
    taken_back: str = ""
    """The review's name, where people did the rollback that it decided."""
    uid: str = ""
    """The workload's."""


def rulings(review: Mapping[str, Any]) -> dict[tuple[str, str], Ruling]:
    """Read them from a stored review, by kind and name of the workload; none if it has not come to anything.

    Nor if it cannot be read.
    """
    if "decision" not in (review.get("status") or {}):
        return {}
    try:
        status = DriftReviewStatus.model_validate(review["status"])
    except ValidationError:
        return {}
    decision, by_people = status.decision, status.act is not None and status.act.by is not None
    if decision is None or (decision.recommendation is Recommendation.INCONCLUSIVE and not by_people):
        return {}
    ended = condition(status, ConditionType.RECONCILING) if status.phase in TERMINAL else None
    names = named(review["spec"])
    every = {names[0]: status} | {(each.kind, each.name): each for each in status.members}
    return {
        name: Ruling(
            template_hash=own.judged.template_hash,
            rejected=by_people or decision.recommendation is Recommendation.REJECT,
            at=decision.at,
            since=own.target.history_ends_at,
            until=None if ended is None else ended.last_transition_time,
            taken_back=review["metadata"]["name"] if by_people else "",
            uid=own.target.uid,
        )
        for name, own in every.items()
        if name in names and own.judged is not None and own.target is not None
    }


def named(spec: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Kind and name of each workload of a stored review, the target first."""
    target = spec["target"]
    every = [target, *(target.get("with") or ())]
    return [(each.get("kind", TargetKind.DEPLOYMENT), each["name"]) for each in every]


def rejected(rulings: Iterable[Ruling]) -> frozenset[str]:
    """Hashes of the templates that were rejected and not approved later."""
    last: dict[str, Ruling] = {}
    for each in sorted(rulings, key=lambda each: (each.at, each.rejected)):
        last[each.template_hash] = each
    return frozenset(name for name, each in last.items() if each.rejected)


def remembered(target: TargetView, rulings: Sequence[Ruling]) -> TargetView:
    """The target with what people took back of it, and the times in which other, rejected templates ran before."""
    found = [each for each in rulings if (each.uid, each.template_hash) == (target.uid, target.template_hash)]
    last = max(found, key=lambda each: each.at, default=None)
    if last is not None:
        target = replace(target, taken_back_after=last.taken_back)
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

"""Which acts of people are looked at where somebody creates more of them than a review can ever write down.

Who pours thousands on a review shall neither slow down its way back nor keep others from being heard: what is looked
at is bounded, a Reject comes before all else, and nobody's second act before another's first. The admission policies
prove who a person is; without them a crowd of made-up names is still no way past a Reject.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Final

from driftreview.api.approval import ApprovalType, DriftApproval

MOST_KEPT: Final = 400
"""Acts of one review that are kept in mind."""
HEARD: Final = MOST_KEPT // 2
"""Acts that stay when there are more: what is written down by then, and twice what there is room for."""
_TYPES: Final = (
    *(ApprovalType.REJECT, ApprovalType.REBASELINE, ApprovalType.EXTEND, ApprovalType.OVERRIDE),
    *(ApprovalType.APPROVE, ApprovalType.SIGN_OFF, ApprovalType.NOTE),
)
_NO_TIME: Final = datetime.max.replace(tzinfo=UTC)


def heard(acts: Iterable[DriftApproval], review: str, recorded: AbstractSet[str]) -> list[DriftApproval]:
    """Those that are looked at, the most urgent first.

    What is written down stays. Of the rest come acts on this very review before those on an earlier one of its name,
    each person's first Reject before all others, of each person the first of each type before the second, and what was
    done earlier.

    Args:
        acts: all that name it, each once.
        review: UID of the review; empty if there is none.
        recorded: UIDs of the acts that are written down.
    """
    given: Counter[tuple[str, str, ApprovalType]] = Counter()
    ranked = []
    for each in sorted(acts, key=_age):
        spec, uid = each.spec, each.metadata.uid
        whose = (spec.review_ref.uid, spec.by, spec.type)
        is_new, rejects = uid not in recorded, spec.type is ApprovalType.REJECT and not given[whose]
        rank = (is_new, spec.review_ref.uid != review, not rejects, given[whose], _TYPES.index(spec.type))
        ranked.append((rank, each))
        given[whose] += is_new
    ranked.sort(key=lambda each: each[0])  # of the same rank the earlier one stays the first
    return [each for _, each in ranked[:HEARD]]


def _age(act: DriftApproval) -> tuple[datetime, str]:
    return act.metadata.creation_timestamp or _NO_TIME, act.metadata.uid

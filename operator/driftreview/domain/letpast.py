"""How another revision came to run although its review has policy.onNewRevision: Block."""

from __future__ import annotations

from typing import Final

from driftreview.api.driftreview import DriftReview
from driftreview.api.policy import OnNewRevision
from driftreview.domain.marks import BREAK_GLASS
from driftreview.domain.workload import TargetView

_UNENFORCED: Final = (
    "; policy.onNewRevision Block was not enforced: see that charts/driftreview/block.yaml is applied (a suspended "
    "review blocks nothing, nor is what runs the previous images blocked)"
)


def let_past(review: DriftReview, target: TargetView) -> str:
    """What a sentence about a new revision ends in where it should have been blocked."""
    if review.spec.policy.on_new_revision is not OnNewRevision.BLOCK:
        return ""
    known = review.status.target.break_glass if review.status.target is not None else None
    if target.break_glass is None or target.break_glass == known:
        return _UNENFORCED
    return f"; policy.onNewRevision Block was overruled by the target's annotation {BREAK_GLASS} ({target.break_glass})"

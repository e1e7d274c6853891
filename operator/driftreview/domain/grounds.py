"""What an act rests on: whoever acts recomputes the hash of that evidence, and takes nobody's word for it."""

from __future__ import annotations

from driftreview.api.checkpoint import Checkpoint
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.conclusion import BY_INCONCLUSIVE, decided_by


def rests_on(status: DriftReviewStatus) -> Checkpoint | None:
    """The look that the decision follows from; None where people decided, or the end of the window."""
    decision, last = status.decision, len(status.checkpoints) - 1
    if decision is None:
        return None
    if decision.by == BY_INCONCLUSIVE:
        return status.checkpoints[last]
    looks = ((row, decided_by(row, last=index == last)) for index, row in enumerate(status.checkpoints))
    return next((row for row, found in looks if found is not None and found.by == decision.by), None)

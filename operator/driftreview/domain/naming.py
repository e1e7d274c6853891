"""Under which name a look's evidence is stored: always the same for one look of one T0, so it cannot be taken twice."""

from __future__ import annotations

from driftreview.api.driftreview import DriftReview
from driftreview.domain.evidence import snapshot_name


def stored_name(review: DriftReview, checkpoint: str) -> str:
    """Name of the snapshot of T0 or of a checkpoint. Where T0 was taken anew, what was stored before keeps its own."""
    again = f"-{review.status.retaken + 1}" if review.status.retaken else ""
    return snapshot_name(review.metadata.name, review.metadata.uid, f"{checkpoint}{again}")

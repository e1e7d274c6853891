"""Under which name a look's evidence is stored: always the same for one look of one T0, so it cannot be taken twice."""

from __future__ import annotations

from itertools import chain

from driftreview.api.driftreview import DriftReview
from driftreview.domain.approvals import added
from driftreview.domain.evidence import T0, snapshot_name


def stored_name(review: DriftReview, checkpoint: str) -> str:
    """Name of the snapshot of T0 or of a checkpoint. Where T0 was taken anew, what was stored before keeps its own."""
    return _name(review, checkpoint, review.status.retaken or 0)


def earlier_names(review: DriftReview) -> tuple[str, ...]:
    """Names of the T0s before the present one, oldest first; one that was never frozen is not stored under its own."""
    return tuple(_name(review, T0, times) for times in range(review.status.retaken or 0))


def replaced_looks(review: DriftReview) -> tuple[tuple[str, ...], ...]:
    """For each T0 before the present one, oldest first, its name and those of the looks that may have followed it.

    Those of a chain were judged, and count for nothing since.
    """
    times = range(review.status.retaken or 0)
    return tuple(tuple(_name(review, look, each) for look in look_names(review)) for each in times)


def replaced_names(review: DriftReview) -> frozenset[str]:
    """Names of all looks from before T0 was last taken."""
    return frozenset(chain.from_iterable(replaced_looks(review)))


def look_names(review: DriftReview) -> tuple[str, ...]:
    """T0 and all looks in their order, those that people added last: the last one decides."""
    declared, rows = [*review.spec.window.checkpoints, *added(review)], review.status.checkpoints
    for index, each in enumerate(rows):
        if each.guard:
            declared.insert(index, each.name)
    return T0, *declared


def evidence_names(review: DriftReview) -> tuple[str, ...]:
    """Names of all snapshots that a review may rest on, oldest first: every T0 there was, and what its status names."""
    status, recovery = review.status, review.status.recovery
    looks = [each.snapshot for each in status.checkpoints]
    refs = (status.baseline, *looks, recovery.snapshot if recovery is not None else None)
    return *earlier_names(review), *(each.name for each in refs if each is not None)


def _name(review: DriftReview, checkpoint: str, times: int) -> str:
    again = f"-{times + 1}" if times else ""
    return snapshot_name(review.metadata.name, review.metadata.uid, f"{checkpoint}{again}")

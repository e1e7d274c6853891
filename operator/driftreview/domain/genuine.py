"""Whether stored evidence is what a look would have frozen: after a crash it is found by its name alone."""

from __future__ import annotations

from collections.abc import Sequence

from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec, RevisionEvidence
from driftreview.api.status import Revision
from driftreview.api.values import parse_duration
from driftreview.domain.evidence import T0, Look, content_hash, is_intact, written
from driftreview.domain.pinnedmembers import frozen_members
from driftreview.domain.query import Asked
from driftreview.domain.signalsets import is_pinned


def is_of(spec: DriftSnapshotSpec, review: DriftReview, look: Look, judged: str, asked: Sequence[Asked]) -> bool:
    """Whether stored evidence is what this look of this review would have frozen, but for the samples themselves.

    After a crash a snapshot is found by its name; one that somebody else put there must not be judged. The hash proves
    no author: who may create snapshots can forge the samples, so only the operator's account should.
    """
    levels = [(look.window, look.block), *look.coarser]
    windows = [None if window is None else written(window, block) for window, block in levels]
    return (
        is_intact(spec, spec.hash)
        and spec.review_ref.uid == review.metadata.uid
        and (spec.checkpoint, spec.previous_hash) == (look.checkpoint, look.previous_hash)
        and spec.guard == (look.guard or None)
        and spec.window in windows
        and spec.judged.template_hash == judged
        and (look.checkpoint != T0 or is_pinned(review, spec))
        and _pins(spec.previous, review.status.previous if look.checkpoint == T0 else None)
        and (look.checkpoint != T0 or spec.members == frozen_members(review.status))
        and _asks(spec, review, asked)
    )


def _asks(spec: DriftSnapshotSpec, review: DriftReview, asked: Sequence[Asked]) -> bool:
    """Whether evidence answers the review's signals with its own queries, over all of the window."""
    if spec.window is None:
        return not spec.signals
    points = (spec.window.end - spec.window.start) // parse_duration(spec.window.step)
    expected = [(signal.name, signal.unit, each) for signal, each in zip(review.spec.signals, asked, strict=True)]
    whole = all(series.expected == points for each in spec.signals for series in each.series)
    return whole and expected == [
        (each.name, each.unit, Asked(each.query, each.control_query or each.per_query)) for each in spec.signals
    ]


def _pins(kept: RevisionEvidence | None, pinned: Revision | None) -> bool:
    """Whether evidence holds the pinned revision and no other: its template is what a rollback would put back."""
    if kept is None or pinned is None:
        return kept is None and pinned is None
    same = (kept.uid, kept.template_hash) == (pinned.uid, pinned.template_hash)
    return same and (not kept.template or content_hash(kept.template) == pinned.template_hash)

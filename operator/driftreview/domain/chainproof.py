"""Holds what a review keeps of a chain of revisions against the frozen T0s of these revisions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from driftreview.api.base import format_time
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec
from driftreview.domain.agreeing import revision_differences
from driftreview.domain.difference import NONE, Difference


def chain_differences(review: DriftReview, old: Sequence[DriftSnapshotSpec]) -> Iterator[Difference]:
    """Every place where a chain does not follow from the evidence.

    Args:
        review: with its status.
        old: the T0s before the present one; of a revision that was replaced before its T0 was frozen there is none.
    """
    status, chain = review.status, review.status.chain
    if chain is None:
        return
    if status.target is not None:
        kept = (
            ("targetUid", chain.target_uid, status.target.uid),
            ("historyEndsAt", format_time(chain.history_ends_at), format_time(status.target.history_ends_at)),
        )
        yield from (Difference(f"status.chain.{name}", *each) for name, *each in kept if each[0] != each[1])
    if status.previous is not None and status.previous != chain.previous:
        back = chain.previous.name if chain.previous is not None else NONE
        yield Difference("status.chain.previous", back, status.previous.name)
    frozen = [(each.judged.name, each.judged.template_hash) for each in old]
    without = [each for each in chain.revisions if (each.name, each.template_hash) not in frozen]
    if len(without) > (status.retaken or 0) - len(old):
        yield Difference("status.chain.revisions", without[0].name, "there is no frozen T0 of it")
    first = chain.revisions[0]
    at_first = next((each for each in old if each.judged.template_hash == first.template_hash), None)
    if at_first is not None and at_first is old[0]:
        pinned = at_first.previous if at_first.previous is not None and at_first.previous.template else None
        yield from revision_differences("status.chain.previous", chain.previous, pinned)

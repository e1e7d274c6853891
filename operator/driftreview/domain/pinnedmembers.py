"""What T0 freezes of the workloads that are reviewed with the target: which they are, and what each goes back to."""

from __future__ import annotations

from driftreview.api.driftsnapshot import MemberEvidence
from driftreview.api.status import DriftReviewStatus


def frozen_members(status: DriftReviewStatus) -> list[MemberEvidence] | None:
    """The workloads that are reviewed with the target, as T0 pinned them; None where there are none."""
    return [
        MemberEvidence(kind=each.kind, name=each.name, uid=each.target.uid, judged=each.judged, previous=each.previous)
        for each in status.members
        if each.target is not None and each.judged is not None
    ] or None

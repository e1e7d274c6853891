"""How long a rollout of a target takes, and so a rollback: from the one that was seen."""

from __future__ import annotations

from datetime import timedelta

from driftreview.domain.workload import TargetView


def rollout_took(target: TargetView) -> timedelta:
    """How long the target's last rollout took.

    It may have been paused meanwhile, or nobody knows when it began: it counts as no longer than it would have been
    given to make progress, once for each time that pods are replaced.
    """
    patience = timedelta(seconds=target.deadline_seconds)
    if target.rolled_out_at is None or target.rollout_started_at is None:
        return patience
    times = -(-max(target.replicas, 1) // target.pods_at_once)
    return min(max(target.rolled_out_at - target.rollout_started_at, timedelta(0)), patience * times)

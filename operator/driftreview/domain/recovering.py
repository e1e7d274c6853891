"""Holds what a status says of the time after a rollback against the frozen evidence of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from driftreview.api.aftermath import Recovery, RecoveryVerdict
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec
from driftreview.api.phases import ConditionType, Phase
from driftreview.api.values import parse_duration
from driftreview.domain import schedule
from driftreview.domain.agreeing import revision_differences, window_difference
from driftreview.domain.difference import NONE, Difference
from driftreview.domain.display import shorten
from driftreview.domain.recovery import condition_of, judged_recovery
from driftreview.domain.result import CheckpointResult
from driftreview.domain.rows import WORTH_SAYING
from driftreview.domain.status import MOST_SAID, condition, said
from driftreview.domain.ways import empties


def recovery_differences(
    review: DriftReview, evidence: DriftSnapshotSpec | None, result: CheckpointResult | None
) -> Iterator[Difference]:
    """Every place where what is said of the time after a rollback is not what follows.

    Args:
        review: with its status.
        evidence: of that time; None where it was not frozen.
        result: what is said of it when it is judged anew; None where it cannot be.
    """
    status = review.status
    recovery, act = status.recovery, status.act
    yield from _there(review)
    if recovery is None:
        return
    if act is None or act.completed_at is None or status.phase is not Phase.ROLLED_BACK:
        yield Difference("status.recovery", "there", "nothing was rolled back")
        return
    due = schedule.recovery_due(review.spec.window, act.completed_at)
    if recovery.due != due:
        yield Difference("status.recovery.due", said(recovery.due), said(due))
    if evidence is not None:
        yield from _of_the_time(review, evidence, due)
    yield from _verdict(review, recovery, due, result)


def _there(review: DriftReview) -> Iterator[Difference]:
    """Whether what is said after every rollback is there; who ended under an older operator has none of it."""
    status = review.status
    if status.aftermath is None:
        return
    wanted = parse_duration(review.spec.window.recovery) and status.phase is Phase.ROLLED_BACK
    kinds = [ConditionType.STAYS_BACK, *([ConditionType.RECOVERED] if wanted else [])]
    yield from (
        Difference(f"status.conditions[{each}]", NONE, "there") for each in kinds if not condition(status, each)
    )
    if wanted and status.baseline is not None and status.recovery is None and not empties(status.act):
        yield Difference("status.recovery", NONE, "there since the rollback")


def _verdict(
    review: DriftReview, recovery: Recovery, due: datetime, result: CheckpointResult | None
) -> Iterator[Difference]:
    """Whether it was judged when it could be, and only then."""
    if recovery.verdict is None or recovery.judged_at is None:
        if recovery != Recovery(due=recovery.due):
            yield Difference("status.recovery", "what was judged", "it was not judged")
        return
    if recovery.snapshot is None:
        if recovery.verdict is not RecoveryVerdict.UNKNOWN:
            yield Difference("status.recovery.verdict", recovery.verdict, "there is no evidence of it")
        return
    ready = due + parse_duration(review.spec.window.settle)
    if ready - recovery.judged_at > WORTH_SAYING:
        yield Difference("status.recovery.judgedAt", said(recovery.judged_at), f"not before {said(ready)}")
    if result is not None:
        yield from _judged(review, recovery, judged_recovery(recovery, result, recovery.judged_at))


def _of_the_time(review: DriftReview, evidence: DriftSnapshotSpec, due: datetime) -> Iterator[Difference]:
    """Whether the evidence is that of what was put back, over the time after it."""
    yield from revision_differences("status.previous", review.status.previous, evidence.judged)
    if (window := evidence.window) is not None:
        expected = schedule.recovery_window(review.spec, due, parse_duration(window.step), parse_duration(window.block))
        yield from window_difference("status.recovery.due: its window", expected, window)


def _judged(review: DriftReview, recovery: Recovery, again: Recovery) -> Iterator[Difference]:
    """Whether verdict, sentence and condition are what judging it anew gives."""
    found = condition(review.status, ConditionType.RECOVERED)
    path, (truth, reason) = f"status.conditions[{ConditionType.RECOVERED}]", condition_of(again)
    pairs = [
        ("status.recovery.verdict", recovery.verdict, again.verdict),
        ("status.recovery.message", recovery.message, again.message),
        (f"{path}.status", found and found.status, truth),
        (f"{path}.reason", found and found.reason, reason),
        (f"{path}.message", found and found.message, shorten(again.message or "", MOST_SAID)),
    ]
    yield from (Difference(where, str(old or NONE), str(new or NONE)) for where, old, new in pairs if old != new)
    if found is not None and recovery.judged_at is not None and truth != "Unknown":
        since = found.last_transition_time  # it was Unknown until it was judged
        if since != recovery.judged_at:
            yield Difference("status.recovery.judgedAt", said(recovery.judged_at), said(since))

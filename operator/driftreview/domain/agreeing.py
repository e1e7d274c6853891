"""Holds a status against itself: what stands in the frozen evidence as well, and what follows from the rest.

A value is compared where the operator always writes both; a review may have been exported between two steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec, EvidenceWindow, RevisionEvidence
from driftreview.api.phases import Phase
from driftreview.api.status import ActType, DriftReviewStatus, Revision
from driftreview.api.values import parse_duration
from driftreview.domain import schedule
from driftreview.domain.difference import NONE, Difference
from driftreview.domain.evidence import T0, canonical, written
from driftreview.domain.status import said

_OUTCOME = {ActType.PROMOTE: Phase.PROMOTED, ActType.ROLL_BACK: Phase.ROLLED_BACK}


def contradictions(review: DriftReview, looks: Sequence[DriftSnapshotSpec]) -> Iterator[Difference]:
    """Every place where a status contradicts itself or the frozen looks in what is no verdict of a look.

    Args:
        review: with its status.
        looks: the frozen looks since T0 was last taken, in their order.
    """
    yield from _rows(review)
    for each in looks:
        yield from _revision("status.judged", review.status.judged, each.judged)
        if each.checkpoint == T0:
            yield from _revision("status.previous", review.status.previous, each.previous)
        yield from _window(review, each)
    yield from _outcome(review.status)


def _rows(review: DriftReview) -> Iterator[Difference]:
    """Whether each declared look has its row, due when it is declared to be, and the verdict is the last one's."""
    status = review.status
    if status.t0 is None:
        return
    declared = review.spec.window.checkpoints
    for index, name in enumerate(declared):
        found = status.checkpoints[index].name if index < len(status.checkpoints) else NONE
        if found != name:
            yield Difference(f"status.checkpoints[{index}].name", found, name)
    for index, row in enumerate(status.checkpoints):
        due = status.t0 + parse_duration(row.name)
        if row.due != due:
            yield Difference(f"status.checkpoints[{index}].due", said(row.due), said(due))
    last = next((each.verdict for each in reversed(status.checkpoints) if each.verdict is not None), None)
    if status.verdict != last:
        yield Difference("status.verdict", status.verdict or NONE, last or NONE)
    if status.rollback is not None and len(status.checkpoints) == len(declared):
        closes, safe = (each(review.spec.window, status.t0) for each in (schedule.closes_at, schedule.last_safe_moment))
        if status.rollback.closes_at != closes:
            yield Difference("status.rollback.closesAt", said(status.rollback.closes_at), said(closes))
        if status.rollback.last_safe_moment != safe:
            yield Difference("status.rollback.lastSafeMoment", said(status.rollback.last_safe_moment), said(safe))


def _revision(path: str, stored: Revision | None, frozen: RevisionEvidence | None) -> Iterator[Difference]:
    """Whether a revision is the one that was frozen, field by field."""
    old = stored.to_wire() if stored is not None else {}
    new = Revision(**frozen.model_dump(exclude={"template"})).to_wire() if frozen is not None else {}
    for field in sorted(old.keys() | new.keys()):
        if old.get(field) != new.get(field):
            words = (canonical(each[field]).decode() if field in each else NONE for each in (old, new))
            yield Difference(f"{path}.{field}", *words)


def _window(review: DriftReview, look: DriftSnapshotSpec) -> Iterator[Difference]:
    """Whether a look was at the stretch of time that T0 and its due time say."""
    status, window = review.status, look.window
    row = next((each for each in status.checkpoints if each.name == look.checkpoint), None)
    if window is None or status.t0 is None or status.target is None:
        return
    step, block = parse_duration(window.step), parse_duration(window.block)
    if min(step, block) <= timedelta(0):
        return
    if look.checkpoint == T0:
        expected = schedule.baseline_window(review.spec, status.t0, status.target.history_ends_at, step, block)
    elif row is not None:
        expected = schedule.checkpoint_window(review.spec, status.t0, row.due, step, block)
    else:
        return
    due = None if expected is None else written(expected, block)
    if due != window:
        yield Difference(f"status.t0: the window of {look.checkpoint}", _stretch(due), _stretch(window))


def _stretch(window: EvidenceWindow | None) -> str:
    return NONE if window is None else f"{said(window.start)} to {said(window.end)}"


def _outcome(status: DriftReviewStatus) -> Iterator[Difference]:
    """Whether the phase is what the act and the decision came to."""
    act, phase = status.act, status.phase or Phase.PENDING
    if act is not None and status.decision is None:
        yield Difference("status.act", act.type, "nothing was decided")
    done = _OUTCOME[act.type] if act is not None and act.completed_at is not None else None
    if done is not None and phase is not done:
        yield Difference("status.phase", phase, done)
    if done is None and phase in _OUTCOME.values():
        yield Difference("status.phase", phase, "no such act was completed")
    if phase is Phase.DECIDED and (status.decision is None or act is not None):
        yield Difference("status.phase", phase, act.type if act is not None else "nothing was decided")

"""Holds a status against itself: what stands in the frozen evidence as well, and what follows from the rest.

A value is compared where the operator always writes both; a review may have been exported between two steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from driftreview.api.checkpoint import Checkpoint
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec, EvidenceWindow, RevisionEvidence
from driftreview.api.phases import Phase
from driftreview.api.preflight import PreflightCheck
from driftreview.api.status import DriftReviewStatus, Revision
from driftreview.api.values import parse_duration
from driftreview.domain import schedule
from driftreview.domain.approvals import added, extended
from driftreview.domain.difference import NONE, Difference
from driftreview.domain.evidence import T0, canonical, written
from driftreview.domain.limitsonly import limits_only
from driftreview.domain.naming import look_names, stored_name
from driftreview.domain.pinnedmembers import frozen_members
from driftreview.domain.rows import WORTH_SAYING
from driftreview.domain.samples import Window
from driftreview.domain.signalsets import as_at_t0
from driftreview.domain.status import said

_WITH_T0: Final = ("target", "judged", "rollback", "checkpoints")
"""What a status has from T0 on, and not before."""
_AFTER_T0: Final = ("previous", "baseline", "verdict", "decision", "act")
"""What it may have from then on."""
_ACTED: Final = frozenset({Phase.PROMOTED, Phase.ROLLED_BACK})
_BEFORE: Final = frozenset({Phase.PENDING, Phase.FAILED})
"""Phases without T0; in a chain a review may also end before its next one."""


def contradictions(review: DriftReview, looks: Sequence[DriftSnapshotSpec]) -> Iterator[Difference]:
    """Every place where a status contradicts itself or the frozen looks in what is no verdict of a look.

    Args:
        review: with its status.
        looks: the frozen looks since T0 was last taken, in their order.
    """
    yield from _stages(review.status)
    yield from _looks(review, looks)
    yield from _rows(review)
    for each in looks:
        yield from revision_differences("status.judged", review.status.judged, each.judged)
        if each.checkpoint == T0 and review.status.baseline is not None:
            kept = each.previous if each.previous is not None and each.previous.template else None
            yield from revision_differences("status.previous", review.status.previous, kept)
            yield from _preflight(review.status, each)
        if each.checkpoint == T0:
            yield from _members(review.status, each)
            yield from _limits_only(review, each)
        yield from _window(review, each)


def _members(status: DriftReviewStatus, at_t0: DriftSnapshotSpec) -> Iterator[Difference]:
    """Whether the workloads beside the target are those that were frozen."""
    old, new = (
        {f"{each.kind}/{each.name}": canonical(each.to_wire()).decode() for each in found or ()}
        for found in (frozen_members(status), at_t0.members)
    )
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield Difference(f"status.members[{name}]", old.get(name, NONE), new.get(name, NONE))


def _stages(status: DriftReviewStatus) -> Iterator[Difference]:
    """Whether nothing is there without what comes before it: T0, then its evidence."""
    begun, phase = status.t0 is not None, status.phase or Phase.PENDING
    for name in (*_WITH_T0, *_AFTER_T0):
        is_there = bool(getattr(status, name))
        if is_there and not begun:
            yield Difference(f"status.{name}", "there", "T0 was not taken")
        if begun and not is_there and name in _WITH_T0:
            yield Difference(f"status.{name}", NONE, "there since T0")
    before = _BEFORE if status.chain is None else _BEFORE | {Phase.SUPERSEDED}
    if phase is Phase.PENDING if begun else phase not in before:
        yield Difference("status.phase", phase, "T0 was taken" if begun else "T0 was not taken")
    wrong = Phase.WATCHING if status.baseline is None else Phase.BASELINING
    if phase is wrong:
        yield Difference("status.phase", phase, "T0 is not frozen" if status.baseline is None else "T0 is frozen")


def _looks(review: DriftReview, looks: Sequence[DriftSnapshotSpec]) -> Iterator[Difference]:
    """Whether one look was judged after the other, from T0 on, and each row is whole."""
    status, judged = review.status, 0
    for index, row in enumerate(status.checkpoints):
        path = f"status.checkpoints[{index}]"
        if row.verdict is None:
            if row != Checkpoint(name=row.name, due=row.due) or row.guard:
                yield Difference(path, "a row of what was judged", "it was not judged")
            continue
        judged += 1
        if judged <= index or status.baseline is None:
            yield Difference(f"{path}.verdict", row.verdict, "what comes before it is not there")
        for field, value in (("judgedAt", row.judged_at), ("snapshot", row.snapshot), ("message", row.message)):
            if value is None:
                yield Difference(f"{path}.{field}", NONE, "it was judged")
    known = 1 if status.baseline is None else 2 + judged  # the next one may be frozen, and not judged yet
    for name in look_names(review)[known:]:
        if any(each.checkpoint == name for each in looks):
            what = f"snapshots/{stored_name(review, name)}"
            yield Difference(what, "frozen", "the look before it was not judged")


def _rows(review: DriftReview) -> Iterator[Difference]:
    """Whether each declared look has its row, due when it is declared to be, and the verdict is the last one's."""
    status = review.status
    if status.t0 is None:
        return
    settle = parse_duration(review.spec.window.settle)
    places = [index for index, row in enumerate(status.checkpoints) if not row.guard]
    for number, name in enumerate(review.spec.window.checkpoints):
        index = places[number] if number < len(places) else len(status.checkpoints)
        found = status.checkpoints[index].name if number < len(places) else NONE
        if found != name:
            yield Difference(f"status.checkpoints[{index}].name", found, name)
    for index, row in enumerate(status.checkpoints):
        due = status.t0 + parse_duration(row.name)
        if row.due != due:
            yield Difference(f"status.checkpoints[{index}].due", said(row.due), said(due))
        if row.judged_at is not None and due + settle - row.judged_at > WORTH_SAYING:
            too_early = f"not before {said(due + settle)}"
            yield Difference(f"status.checkpoints[{index}].judgedAt", said(row.judged_at), too_early)
    last = next((each.verdict for each in reversed(status.checkpoints) if each.verdict is not None), None)
    if status.verdict != last:
        yield Difference("status.verdict", status.verdict or NONE, last or NONE)
    yield from _window_of(review, status.t0)


def _window_of(review: DriftReview, t0: datetime) -> Iterator[Difference]:
    """Whether the rollback window is the declared one, with what people added to it."""
    status, window = review.status, extended(review).spec.window
    as_declared = not added(review)
    if status.rollback is not None and (as_declared or status.phase in _ACTED):  # what was added may be said next
        closes, safe = schedule.closes_at(window, t0), schedule.last_safe_moment(window, t0, status)
        if status.rollback.closes_at != closes:
            yield Difference("status.rollback.closesAt", said(status.rollback.closes_at), said(closes))
        if status.rollback.last_safe_moment != safe:
            yield Difference("status.rollback.lastSafeMoment", said(status.rollback.last_safe_moment), said(safe))


def revision_differences(path: str, stored: Revision | None, frozen: RevisionEvidence | None) -> Iterator[Difference]:
    """Whether a revision is the one that was frozen, field by field."""
    old = stored.to_wire() if stored is not None else {}
    new = Revision(**frozen.model_dump(exclude={"template"})).to_wire() if frozen is not None else {}
    for field in sorted(old.keys() | new.keys()):
        if old.get(field) != new.get(field):
            words = (canonical(each[field]).decode() if field in each else NONE for each in (old, new))
            yield Difference(f"{path}.{field}", *words)


def _preflight(status: DriftReviewStatus, at_t0: DriftSnapshotSpec) -> Iterator[Difference]:
    """Whether what preflight found is what was frozen; how little the baseline can tell was only found out after it."""
    if at_t0.facts is None:
        return
    old, new = (
        [each for each in findings if each.name != PreflightCheck.RESOLUTION]
        for findings in (status.preflight, at_t0.facts.preflight)
    )
    for index in range(max(len(old), len(new))):
        stored, frozen = (
            canonical(each[index].to_wire()).decode() if index < len(each) else NONE for each in (old, new)
        )
        if stored != frozen:
            yield Difference(f"status.preflight[{index}]", stored, frozen)


def _limits_only(review: DriftReview, at_t0: DriftSnapshotSpec) -> Iterator[Difference]:
    """Whether the review is judged by limits only for what T0 shows; evidence of before that was known says nothing."""
    target = review.status.target
    is_first = target is not None and target.first_release is True
    expected = limits_only(as_at_t0(review, at_t0).spec, at_t0, is_first=is_first)
    if at_t0.limits_only != expected and (is_first or at_t0.limits_only is not None):
        where = f"snapshots/{stored_name(review, T0)}: spec.limitsOnly"
        yield Difference(where, at_t0.limits_only or NONE, expected or NONE)


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
    elif row is not None and row.guard:
        expected = schedule.guard_window(review.spec, status.t0, row.due, step, block) if review.spec.guards else None
    elif row is not None:
        expected = schedule.checkpoint_window(review.spec, status.t0, row.due, step, block)
    else:
        return
    yield from window_difference(f"status.t0: the window of {look.checkpoint}", expected, window)


def window_difference(path: str, expected: Window | None, found: EvidenceWindow) -> Iterator[Difference]:
    """Whether a frozen window is the one that was due."""
    due = None if expected is None else written(expected, parse_duration(found.block))
    if due != found:
        yield Difference(path, _stretch(due), _stretch(found))


def _stretch(window: EvidenceWindow | None) -> str:
    return NONE if window is None else f"{said(window.start)} to {said(window.end)}"

"""Small steps from one status to the next: conditions that keep their transition time, phases, sentences."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Final, Literal

from driftreview.api.act import ActType
from driftreview.api.aftermath import Aftermath
from driftreview.api.base import Condition, Model, format_time
from driftreview.api.checkpoint import Checkpoint
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import TERMINAL, ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus, NextCheckpoint
from driftreview.api.verdicts import CheckVerdict, SignalVerdict
from driftreview.domain.display import fitted, shorten
from driftreview.domain.schedule import whole_seconds

Truth = Literal["True", "False", "Unknown"]

MOST_BYTES: Final = 56 * 1024
"""Of the 64 KiB a status may have, what the checkpoints may fill it up to."""
_WORTH_KEEPING: Final = frozenset(
    {SignalVerdict.DEGRADED, SignalVerdict.SUSPECT, SignalVerdict.MISSING, SignalVerdict.INCONCLUSIVE}
)
MOST_SAID: Final = 1024
"""Characters of a condition's message."""
_KEPT: Final = (_WORTH_KEEPING, frozenset[SignalVerdict]())
"""Verdicts whose rows are kept, first and then."""
_CONDITIONS: Final = 16 * 1024
"""Bytes by which conditions and sentences may have been longer at an earlier look: each has at most 1024 characters."""
_NOT_YET: Final = "not promoted yet"
_OVER: Final = "the review has ended"
NOT_HELD_UP: Final = "nothing holds the review up"
_SUCCESS: Final = frozenset({Phase.PROMOTED})
_STALLED: Final = frozenset({Phase.FAILED})


def with_condition(
    status: DriftReviewStatus, kind: ConditionType, truth: Truth, reason: str, message: str, now: datetime
) -> DriftReviewStatus:
    """Set one condition; its transition time moves only when its truth changes."""
    old = condition(status, kind)
    since = old.last_transition_time if old is not None and old.status == truth else whole_seconds(now)
    new = Condition(
        type=kind, status=truth, reason=reason, message=shorten(message, MOST_SAID), last_transition_time=since
    )
    others = [each for each in status.conditions if each.type != kind]
    return status.model_copy(update={"conditions": sorted([*others, new], key=lambda each: each.type)})


def without_condition(status: DriftReviewStatus, kind: ConditionType) -> DriftReviewStatus:
    """Drop one condition, of those that are only there while there is something to say."""
    return status.model_copy(update={"conditions": [each for each in status.conditions if each.type != kind]})


def truth(*, holds: bool) -> Truth:
    """A condition's status."""
    return "True" if holds else "False"


def condition(status: DriftReviewStatus, kind: ConditionType) -> Condition | None:
    """One condition, if it was ever set."""
    return next((each for each in status.conditions if each.type == kind), None)


def held_up_by(status: DriftReviewStatus) -> str:
    """What somebody has not mended, in brackets behind a sentence; empty if there is nothing."""
    stalled = condition(status, ConditionType.STALLED)
    return f" ({stalled.message})" if stalled is not None and stalled.status == "True" else ""


@dataclass(frozen=True)
class Stuck:
    """What somebody must mend before the review can go on; it tries again by itself."""

    reason: str
    message: str


def moved(
    status: DriftReviewStatus,
    phase: Phase,
    reason: str,
    summary: str,
    now: datetime,
    stuck: Stuck | None = None,
    *,
    end: str = "",
) -> DriftReviewStatus:
    """Enter (or stay in) a phase, say why, and keep kstatus' conditions in step; each says what it is about.

    `end` is what the sentence ends in, however long it is.
    """
    final = phase in TERMINAL
    status = _without_passing(status) if final else status
    end = end or _stop_said(status)
    summary = fitted(summary.removesuffix(end), end, MOST_SAID)
    status = status.model_copy(update={"phase": phase, "summary": fitted(summary.removesuffix(end), end)})
    if final and status.rollback is not None:
        message = _OVER
        over = {"possible": False, "until": None, "left": None, "reason": Reason.ENDED, "message": message}
        ended = status.rollback.model_copy(update=over)
        status = status.model_copy(update={"rollback": ended})
        status = with_condition(status, ConditionType.ROLLBACK_POSSIBLE, "False", Reason.ENDED, message, now)
    stuck = stuck or (Stuck(reason, summary) if phase in _STALLED and not is_mended(status) else None)
    conditions: tuple[tuple[ConditionType, bool, str, str], ...] = (
        (ConditionType.READY, phase in _SUCCESS, reason, summary if final else _NOT_YET),
        (ConditionType.RECONCILING, not final, reason, _OVER if final else summary),
        (
            ConditionType.STALLED,
            stuck is not None,
            stuck.reason if stuck else reason,
            stuck.message if stuck else NOT_HELD_UP,
        ),
    )
    for kind, holds, why, message in conditions:
        status = with_condition(status, kind, truth(holds=holds), why, message, now)
    return status


def is_mended(status: DriftReviewStatus) -> bool:
    """Whether all that a rollback was to take back was seen to be back: of one that failed, by hand."""
    back = condition(status, ConditionType.STAYS_BACK)
    return back is not None and back.status == "True"


def failed(
    review: DriftReview, status: DriftReviewStatus, reason: str, message: str, now: datetime
) -> DriftReviewStatus:
    """The review fails: of a rollback that was begun it is looked at all the same what becomes of it."""
    act = status.act
    if act is not None and act.type is ActType.ROLL_BACK and act.applied_at is not None:
        status = status.model_copy(update={"aftermath": Aftermath()})
    return finished(review, moved(status, Phase.FAILED, reason, message, now))


def _without_passing(status: DriftReviewStatus) -> DriftReviewStatus:
    """Without what is said only of a review that goes on."""
    for kind in (ConditionType.ACTS_STOPPED, ConditionType.DECISION_DUE, ConditionType.NEW_REVISION_REFUSED):
        status = without_condition(status, kind)
    return status.model_copy(update={"freeze": None})


def _stop_said(status: DriftReviewStatus) -> str:
    """What every sentence about a review ends in while acts are stopped."""
    stop = condition(status, ConditionType.ACTS_STOPPED)
    return "" if stop is None else f"; no act is done since {said(stop.last_transition_time)} (condition {stop.type})"


def restated(before: DriftReviewStatus, after: DriftReviewStatus, now: datetime) -> DriftReviewStatus:
    """The same sentence anew, where whether acts are stopped has changed."""
    old, new = _stop_said(before), _stop_said(after)
    going, stalled = (condition(after, each) for each in (ConditionType.RECONCILING, ConditionType.STALLED))
    if old == new or going is None or after.phase is None:
        return after
    stuck = Stuck(stalled.reason, stalled.message) if stalled is not None and stalled.status == "True" else None
    return moved(after, after.phase, going.reason, going.message.removesuffix(old), now, stuck)


def finished(review: DriftReview, status: DriftReviewStatus) -> DriftReviewStatus:
    """Fill in what follows from the rest: progress, next checkpoint, observed generation."""
    planned = [each for each in status.checkpoints if not each.guard]
    judged = sum(1 for each in planned if each.verdict is not None)
    following = next((each for each in status.checkpoints if each.verdict is None), None)
    generation = review.metadata.generation
    return status.model_copy(
        update={
            "observed_generation": generation,
            "progress": f"{judged}/{max(len(planned), len(review.spec.window.checkpoints))}",
            "next_checkpoint": None
            if following is None or status.phase in TERMINAL or status.act is not None or review.spec.suspend
            else NextCheckpoint(name=following.name, due=following.due),
            "conditions": [each.model_copy(update={"observed_generation": generation}) for each in status.conditions],
        }
    )


def bounded(status: DriftReviewStatus) -> DriftReviewStatus:
    """Drop rows, of the oldest checkpoints and of what passed first, until the status has room; the newest one's last.

    The evidence still holds what a dropped row said; verdicts and sentences of checkpoints are never dropped.
    """
    rows = list(status.checkpoints)
    size = _size(status)
    judged = [index for index, row in enumerate(rows) if row.verdict is not None]
    older, newest = judged[:-1], judged[-1:]
    for which, kept in product((older, newest), _KEPT):
        for index in which:
            if size <= MOST_BYTES:
                break
            slim = _slimmed(rows[index], kept)
            size -= _size(rows[index]) - _size(slim)
            rows[index] = slim
    return status.model_copy(update={"checkpoints": rows})


def as_bounded(row: Checkpoint) -> tuple[Checkpoint, ...]:
    """A row whole, and as `bounded` may have left it."""
    return row, *(_slimmed(row, kept) for kept in _KEPT)


def has_room(status: DriftReviewStatus) -> bool:
    """Whether nothing of these rows can have been dropped for want of room, whatever was said beside them then."""
    return _size(status) <= MOST_BYTES - _CONDITIONS


def _slimmed(row: Checkpoint, kept: frozenset[SignalVerdict]) -> Checkpoint:
    signals, evidence = ([each for each in part if each.verdict in kept] for part in (row.signals, row.evidence))
    checks = [each for each in row.checks if each.verdict is not CheckVerdict.HELD and kept]
    counted = row.confounders and row.confounders.model_copy(update={"first": []})
    return row.model_copy(update={"signals": signals, "evidence": evidence, "checks": checks, "confounders": counted})


def _size(part: Model) -> int:
    return len(json.dumps(part.to_wire(), ensure_ascii=False, separators=(",", ":")).encode())


def said(moment: datetime) -> str:
    """A moment as sentences say it."""
    return format_time(moment)


_GOES_ON: Final = {
    Reason.SUSPENDED: "goes on after spec.suspend was taken back",
    Reason.SCALED_TO_ZERO: "goes on after the target was scaled up again",
    Reason.FORBIDDEN: "goes on after the API server had refused it",
    Reason.REFUSED: "goes on after the API server had refused it",
    Reason.INTERNAL_ERROR: "goes on after the operator had failed",
}


def resumed(status: DriftReviewStatus, now: datetime) -> DriftReviewStatus:
    """Say again how the review stands once what held it up is over."""
    reconciling = condition(status, ConditionType.RECONCILING)
    if reconciling is None or reconciling.reason not in _GOES_ON or status.phase is None:
        return status
    return moved(status, status.phase, Reason.BETWEEN_CHECKPOINTS, _GOES_ON[Reason(reconciling.reason)], now)

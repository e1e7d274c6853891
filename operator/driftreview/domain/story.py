"""The story of a review: what has happened in it so far, read off its status alone.

What the status does not keep is not told. So a happening that stands (a warning, a hindrance) leaves the story when it
is taken back, and what was judged before T0 was taken anew leaves it with that T0; nothing else ever does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final

from driftreview.api.act import Act, ActType
from driftreview.api.aftermath import RecoveryVerdict
from driftreview.api.approval import ApprovalRecord, ApprovalType
from driftreview.api.base import format_time
from driftreview.api.driftreview import DriftReview
from driftreview.api.happenings import Happened
from driftreview.api.phases import TERMINAL, ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.api.verdicts import Recommendation, Verdict
from driftreview.domain.countdown import WARNINGS
from driftreview.domain.status import condition, said
from driftreview.domain.steps import does, is_half_back
from driftreview.domain.wayback import MENDABLE

STANDING: Final = frozenset(
    {
        *(Happened.NOT_ACCEPTED, Happened.ACCEPTED, Happened.PREFLIGHT_BLOCKED, Happened.PREFLIGHT_PASSED),
        *(Happened.ROLLBACK_IMPOSSIBLE, Happened.ROLLBACK_POSSIBLE, Happened.DECIDED, Happened.HELD),
        *(
            Happened.GUARDS_BLIND,
            Happened.LAST_SAFE_MOMENT_NEAR,
            Happened.ACTS_STOPPED,
            Happened.NEW_REVISION_ALLOWED,
            Happened.STALLED,
        ),
    }
)
"""What leaves a story when it is so no more, and may come again any number of times; a decision, for another one."""
_HASH: Final = 8
_ORDER: Final = list(Happened)
_ENDS: Final = {
    Phase.PROMOTED: Happened.PROMOTED,
    Phase.ROLLED_BACK: Happened.ROLLED_BACK,
    Phase.DECIDED: Happened.ADVISED,
    Phase.INCONCLUSIVE: Happened.INCONCLUSIVE,
    Phase.SUPERSEDED: Happened.SUPERSEDED,
    Phase.FAILED: Happened.FAILED,
}
_RECOVERIES: Final = {
    RecoveryVerdict.RECOVERED: Happened.RECOVERED,
    RecoveryVerdict.NOT_RECOVERED: Happened.NOT_RECOVERED,
    RecoveryVerdict.UNKNOWN: Happened.RECOVERY_UNKNOWN,
}
_LOST: Final = MENDABLE | {Reason.NO_PREVIOUS_REVISION}
"""Why a rollback is not possible, where that is neither over nor left to what owns the target."""


class Severity(StrEnum):
    """Whether somebody should look."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True)
class Happening:
    """Something that happened in a review."""

    what: Happened
    at: datetime
    """When; of what stands, since when."""
    because: str
    """Why, in a word: a reason, a verdict or a type."""
    note: str
    """Why, in the sentence that the status has."""
    severity: Severity
    detail: str = ""
    """Which of several of that kind: the checkpoint, the reason, the person's act."""

    @property
    def id(self) -> str:
        """The same for the same happening, whoever reads the status and whenever; of one review no two have one."""
        return "/".join(filter(None, (format_time(self.at), self.what, self.detail)))

    @property
    def place(self) -> tuple[datetime, int, str]:
        """Where it stands in a story."""
        return self.at, _ORDER.index(self.what), self.detail


def story(review: DriftReview) -> tuple[Happening, ...]:
    """Everything that has happened in a review so far, as far as its status keeps it, in the order of time."""
    status = review.status
    found = [*_before_t0(status), *_looks(status), *_decided(status), *_aftermath(status)]
    if status.phase in TERMINAL:
        found += _end(status)
    else:
        found += _standing(status)
    return tuple(sorted(found, key=lambda each: each.place))


def _severity(*, bad: bool) -> Severity:
    return Severity.WARNING if bad else Severity.NORMAL


def _told(
    status: DriftReviewStatus, kind: ConditionType, truth: str, what: Happened, *, bad: bool, many: bool = False
) -> Iterator[Happening]:
    """What a condition says, if that is its status; `many` where its reason may change while it holds."""
    known = condition(status, kind)
    if known is not None and known.status == truth:
        since, detail = known.last_transition_time, known.reason if many else ""
        yield Happening(what, since, known.reason, known.message, _severity(bad=bad), detail)


def _before_t0(status: DriftReviewStatus) -> Iterator[Happening]:
    yield from _told(status, ConditionType.ACCEPTED, "True", Happened.ACCEPTED, bad=False)
    yield from _told(status, ConditionType.ACCEPTED, "False", Happened.NOT_ACCEPTED, bad=True, many=True)
    yield from _told(status, ConditionType.PREFLIGHT, "True", Happened.PREFLIGHT_PASSED, bad=False)
    yield from _told(status, ConditionType.PREFLIGHT, "False", Happened.PREFLIGHT_BLOCKED, bad=True, many=True)
    for each in status.chain.revisions if status.chain else ():
        note = f"{each.name} (T0 {said(each.t0)}) was followed by another revision, applied {each.followed_by}"
        yield Happening(Happened.CHAINED, each.until, Reason.NEW_REVISION, note, Severity.NORMAL)
    for record in status.approvals:
        yield _person(record)


def _person(record: ApprovalRecord) -> Happening:
    """What a person did, as the status remembers it."""
    item, length = f" {record.item}" if record.item else "", f" for {record.for_}" if record.for_ else ""
    why = f": {record.message}" if record.message else ""
    note = f"{record.type}{item}{length} by {record.by}{why}"
    note += f"; it does not count: {record.why}" if not record.counted else ""
    bad = record.counted and record.type in {ApprovalType.REJECT, ApprovalType.OVERRIDE}
    detail = sha256(record.uid.encode()).hexdigest()[:_HASH]
    return Happening(Happened.PERSON_ACTED, record.at, record.type, note, _severity(bad=bad), detail)


def _looks(status: DriftReviewStatus) -> Iterator[Happening]:
    yield from _told(status, ConditionType.BASELINE_CAPTURED, "True", Happened.BASELINE_CAPTURED, bad=False)
    for row in status.checkpoints:
        if row.verdict is not None and row.judged_at is not None:
            note = f"{row.verdict} at T0+{row.name}: {row.message}"
            severity = _severity(bad=row.verdict is not Verdict.PASS)
            yield Happening(Happened.CHECKPOINT_JUDGED, row.judged_at, row.verdict, note, severity, row.name)


def _decided(status: DriftReviewStatus) -> Iterator[Happening]:
    """The decision and the act that follows from it."""
    decision = status.decision
    if decision is not None:
        note = f"{decision.recommendation}: {decision.message}"
        severity = _severity(bad=decision.recommendation is not Recommendation.APPROVE)
        yield Happening(Happened.DECIDED, decision.at, decision.reason, note, severity)
        if status.act is not None:
            yield from _act(status.act, note)


def _act(act: Act, why: str) -> Iterator[Happening]:
    back = act.type is ActType.ROLL_BACK
    begun = Happened.ROLLBACK_BEGUN if back else Happened.PROMOTION_BEGUN
    yield Happening(begun, act.intent_at, act.type, why, _severity(bad=back))
    for number, each in enumerate(act.steps, 1):
        if each.completed_at is not None:
            note = f"step {number} of {len(act.steps)} is done: {each} {does(each)}"
            yield Happening(Happened.STEP_DONE, each.completed_at, each.do, note, Severity.NORMAL, str(number))


def _standing(status: DriftReviewStatus) -> Iterator[Happening]:
    """What is so of a review that goes on, until it is taken back."""
    yield from _held(status)
    yield from _way_back(status)
    yield from _last_safe_moment(status)
    yield from _told(status, ConditionType.GUARDED, "False", Happened.GUARDS_BLIND, bad=True, many=True)
    for truth in ("True", "Unknown"):
        yield from _told(status, ConditionType.ACTS_STOPPED, truth, Happened.ACTS_STOPPED, bad=True, many=True)
    yield from _told(
        status, ConditionType.NEW_REVISION_REFUSED, "False", Happened.NEW_REVISION_ALLOWED, bad=True, many=True
    )
    yield from _stalled(status)


def _stalled(status: DriftReviewStatus) -> Iterator[Happening]:
    """What somebody must mend, unless another happening says so."""
    refused, going, stalled = (
        condition(status, each) for each in (ConditionType.ACCEPTED, ConditionType.RECONCILING, ConditionType.STALLED)
    )
    told = {Reason.PREFLIGHT_BLOCKED.value}
    told |= {refused.reason} if refused is not None and refused.status == "False" else set()
    told |= {going.reason} if going is not None and status.phase is Phase.HOLDING else set()
    if stalled is not None and stalled.reason not in told:
        yield from _told(status, ConditionType.STALLED, "True", Happened.STALLED, bad=True, many=True)


def _held(status: DriftReviewStatus) -> Iterator[Happening]:
    """The phase Holding, since the look or the decision that led to it; the sentence says what comes and when."""
    going, decision = condition(status, ConditionType.RECONCILING), status.decision
    judged = [each.judged_at for each in status.checkpoints if each.judged_at is not None]
    since = decision.at if decision is not None else max(judged, default=None)
    if status.phase is Phase.HOLDING and going is not None and since is not None:
        yield Happening(Happened.HELD, since, going.reason, going.message, Severity.WARNING, going.reason)


def _way_back(status: DriftReviewStatus) -> Iterator[Happening]:
    known, captured = (
        condition(status, each) for each in (ConditionType.ROLLBACK_POSSIBLE, ConditionType.BASELINE_CAPTURED)
    )
    if known is None:
        return
    kind, since = ConditionType.ROLLBACK_POSSIBLE, known.last_transition_time
    if known.reason in _LOST:
        yield from _told(status, kind, "False", Happened.ROLLBACK_IMPOSSIBLE, bad=True, many=True)
    elif captured is not None and captured.status == "True" and since > captured.last_transition_time:
        yield from _told(status, kind, "True", Happened.ROLLBACK_POSSIBLE, bad=False)  # after it was not


def _last_safe_moment(status: DriftReviewStatus) -> Iterator[Happening]:
    """The warning that stands, since its own moment: the condition only keeps since when there is any."""
    due, rollback = condition(status, ConditionType.DECISION_DUE), status.rollback
    if due is None or rollback is None:
        return
    before = next((length for length, why in WARNINGS if why == due.reason), None)
    moment = rollback.last_safe_moment - before if before else rollback.last_safe_moment
    since, what = max(due.last_transition_time, moment), Happened.LAST_SAFE_MOMENT_NEAR
    yield Happening(what, since, due.reason, due.message, Severity.WARNING, due.reason)


def _end(status: DriftReviewStatus) -> Iterator[Happening]:
    """How it ended: what its conditions say of that."""
    ended, ready = condition(status, ConditionType.RECONCILING), condition(status, ConditionType.READY)
    if ended is None or ready is None or status.phase is None:
        return
    what = _ENDS[status.phase]
    left = status.phase is Phase.SUPERSEDED and (is_half_back(status.act) or bool(status.not_back))
    rejected = status.decision is not None and status.decision.recommendation is not Recommendation.APPROVE
    bad = left or what in {Happened.FAILED, Happened.INCONCLUSIVE} or (what is Happened.ADVISED and rejected)
    yield Happening(what, ended.last_transition_time, ready.reason, ready.message, _severity(bad=bad))


def _aftermath(status: DriftReviewStatus) -> Iterator[Happening]:
    """What followed a rollback."""
    recovery, after = status.recovery, status.aftermath
    if recovery is not None and recovery.verdict is not None and recovery.judged_at is not None:
        known, what = condition(status, ConditionType.RECOVERED), _RECOVERIES[recovery.verdict]
        severity = _severity(bad=what is Happened.NOT_RECOVERED)
        because = known.reason if known is not None else recovery.verdict
        yield Happening(what, recovery.judged_at, because, recovery.message or "", severity)
    back = condition(status, ConditionType.STAYS_BACK)
    if after is None or back is None:
        return
    if after.returned_at is not None:
        yield Happening(Happened.RETURNED, after.returned_at, back.reason, back.message, Severity.WARNING)
    if after.ended_at is not None:
        severity = _severity(bad=back.status == "False")
        yield Happening(Happened.WATCH_ENDED, after.ended_at, back.reason, back.message, severity)

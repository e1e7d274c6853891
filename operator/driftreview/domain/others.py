"""What others do to the target of a started review: another template, the previous one, no pods at all, another object.

None of it is fought. What ends a review says who did it, as far as field managers tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from driftreview.api.act import Act, ActType
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import Chain, DriftReviewStatus
from driftreview.api.verdicts import Recommendation
from driftreview.domain.chaining import chained, why_not_chained
from driftreview.domain.display import fitted
from driftreview.domain.follow import decided
from driftreview.domain.handover import is_handed_over
from driftreview.domain.letpast import let_past
from driftreview.domain.members import as_whole, beside, every
from driftreview.domain.running import Edit
from driftreview.domain.schedule import whole_seconds
from driftreview.domain.status import Stuck, condition, finished, moved, resumed, said
from driftreview.domain.steps import is_half_back, told_left, told_steps
from driftreview.domain.workload import TargetView

_SOMEBODY: Final = "somebody"


def ended_by_others(review: DriftReview, target: TargetView | None, now: datetime) -> DriftReviewStatus | None:
    """End a review whose object is not there any more, or runs neither the judged nor the template we put back.

    So it ends if that is true of one of several that ship together. In a chain it goes on instead with what runs.
    """
    whole = _Whole.of(review, target)
    ended = _ended(review, target, whole, now)
    if ended is not None or target is None:
        return ended
    for one, view in beside(review, target):
        # What people take back in Git goes back in any order: that is followed from the target on.
        if (found := _ended(one, view, whole, now)) is not None and not (
            is_handed_over(review) and _went_back(one, view)
        ):
            return as_whole(review.status, found)
    return None


@dataclass(frozen=True)
class _Whole:
    """What is true of all workloads, where one of them ends the review."""

    so_far: str
    """What an act had come to, as the end of a sentence."""
    left: list[str]
    """What still runs what is judged, by kind and name."""
    goes_back: bool
    """Whether it was rejected, or its rollback decided; what is left of one that was begun is told of its steps."""

    @classmethod
    def of(cls, review: DriftReview, target: TargetView | None) -> _Whole:
        act, decision = review.status.act, review.status.decision
        rejected = decision is not None and decision.recommendation is Recommendation.REJECT
        goes_back = rejected or (act is not None and act.type is ActType.ROLL_BACK)
        left = _not_back(review, target) if target is not None else []
        return cls(_so_far(act), left, goes_back and not is_half_back(act))


def _so_far(act: Act | None) -> str:
    """What an act had come to, as the end of a sentence."""
    began = act.applied_at if act is not None and act.type is ActType.ROLL_BACK else None
    when = f"; its rollback had begun at {said(began)}" if began is not None else ""
    left = "; take back by hand what is not: the report has the commands" if is_half_back(act) else ""
    return f"{when}{told_steps(act)}{left}"


def _went_back(review: DriftReview, target: TargetView | None) -> bool:
    previous = review.status.previous
    return target is not None and previous is not None and target.template_hash == previous.template_hash


def _not_back(review: DriftReview, target: TargetView) -> list[str]:
    """Which of the workloads still run what is judged, by kind and name."""
    return [str(one.spec.target) for one, view in every(review, target) if _is_left(one, view)]


def _is_left(review: DriftReview, target: TargetView | None) -> bool:
    """The same of one workload; a first release without pods is as far back as it can be."""
    judged, is_first = review.status.judged, review.status.previous is None
    if target is None or judged is None or (is_first and target.scalable and not target.replicas):
        return False
    return target.template_hash == judged.template_hash


def _ended(review: DriftReview, target: TargetView | None, whole: _Whole, now: datetime) -> DriftReviewStatus | None:
    """The same of one workload."""
    status = review.status
    name = str(review.spec.target)
    if status.t0 is None and status.chain is not None:
        return _ended_between(review, status.chain, name, target, now)
    if status.target is None or status.judged is None:
        return None
    if target is None or target.uid != status.target.uid:
        message = f"{name} {_replaced(status, target)}{whole.so_far}"
        return finished(review, moved(status, Phase.SUPERSEDED, Reason.TARGET_REPLACED, message, now))
    expected = {status.judged.template_hash}
    if status.act is not None and status.act.type is ActType.ROLL_BACK and status.previous is not None:
        expected.add(status.previous.template_hash)
    if target.template_hash in expected:
        return None
    went_back = _went_back(review, target)
    if went_back and not is_taken_back(status, target):
        reverted = status.model_copy(update={"not_back": whole.left})
        return finished(review, _reverted(reverted, name, target, whole.so_far, now))
    ends = why_not_chained(review)
    if ends == "" and not went_back:
        return chained(review, target, now)
    other = target.current.name if target.current else "another pod template"
    how = "rolled back by another review to" if went_back else "changed to"
    message = (
        f"{name} was {how} {other}{_by(target.edited)} during the review of {status.judged.name}: nothing more is "
        f"judged or done{whole.so_far}"
    )
    end = f"; the chain ends here: {ends}" if ends else let_past(review, target)
    if end and not went_back:
        message = fitted(message, end)
    if whole.goes_back:
        status = status.model_copy(update={"not_back": whole.left})
        message = fitted(message, told_left(whole.left))
    return finished(review, moved(status, Phase.SUPERSEDED, Reason.NEW_REVISION, message, now))


def _ended_between(
    review: DriftReview, chain: Chain, name: str, target: TargetView | None, now: datetime
) -> DriftReviewStatus | None:
    """End a review in a chain that waits for its next T0: its object is gone, or runs what it would go back to."""
    status, last = review.status, chain.revisions[-1].name
    if target is None or target.uid != chain.target_uid:
        message = f"{name} {_replaced(status, target)}"
        return finished(review, moved(status, Phase.SUPERSEDED, Reason.TARGET_REPLACED, message, now))
    if chain.previous is None or target.template_hash != chain.previous.template_hash:
        return None
    message = (
        f"{name} was taken back to {chain.previous.name}{_by(target.edited)} before what followed {last} had its T0: "
        "nothing more is judged or done"
    )
    return finished(review, moved(status, Phase.SUPERSEDED, Reason.REVERTED_BY_HAND, message, now))


def is_taken_back(status: DriftReviewStatus, target: TargetView) -> bool:
    """Whether a rollback of ours, this review's or another's, noted on the target that it took away what is judged.

    A review of what was taken away before does not start, so the note was not there at T0.
    """
    return status.judged is not None and status.judged.template_hash in target.taken_back


def scaled_to_zero(review: DriftReview, target: TargetView, now: datetime) -> DriftReviewStatus:
    """Say of an undecided review that there is nothing to measure while no pods are wanted, and that it goes on after.

    What is decided is told as ever: it is done whether there are pods or not.
    """
    status = review.status
    empty = [(one, view) for one, view in every(review, target) if view and view.scalable and not view.replicas]
    if not empty or status.decision is not None or status.phase is None:
        return resumed(status, now)
    review, target = empty[0]
    known = condition(status, ConditionType.STALLED)
    seen = known.last_transition_time if known is not None and known.reason == Reason.SCALED_TO_ZERO else now
    since = f" since {said(target.scaled.at)}" if target.scaled else f", first seen so at {said(whole_seconds(seen))}"
    name = str(review.spec.target)
    summary = (
        f"{name} is scaled to zero{since}: there is nothing to measure, and looks are Inconclusive, until it is "
        "scaled up again"
    )
    stuck = Stuck(Reason.SCALED_TO_ZERO, summary)
    return moved(status, status.phase, Reason.SCALED_TO_ZERO, summary, now, stuck)


def _replaced(status: DriftReviewStatus, target: TargetView | None) -> str:
    if target is None:
        return "was deleted during the review: what was judged is not there any more"
    same = status.judged is not None and target.template_hash == status.judged.template_hash
    what = "with the very same pod template" if same else "with another pod template"
    anew = "; to have it judged, apply a new review" if same else ""
    return (
        f"was deleted and created again{_by(target.edited)}, {what}, during the review: the object that was judged is "
        f"not there any more{anew}"
    )


def _reverted(
    status: DriftReviewStatus, name: str, target: TargetView, so_far: str, now: datetime
) -> DriftReviewStatus:
    """People took the release back themselves: that is their verdict, unless it was rejected already."""
    judged, decision = status.judged.name if status.judged else "", status.decision
    previous, by = status.previous.name if status.previous else "", _by(target.edited)
    message = f"{name} was taken back by hand from {judged} to {previous}{by}: {judged} counts as rejected{so_far}"
    message = fitted(message, told_left(status.not_back))
    if decision is None or decision.recommendation is not Recommendation.REJECT:
        who = target.edited.manager if target.edited else _SOMEBODY
        before = f"; before: {decision.recommendation}, {decision.message}" if decision else ""
        status = decided(status, Recommendation.REJECT, Reason.REVERTED_BY_HAND, f"{message}{before}", who, now)
    return moved(status, Phase.SUPERSEDED, Reason.REVERTED_BY_HAND, message, now)


def _by(edit: Edit | None) -> str:
    return f" by {edit}" if edit else ""

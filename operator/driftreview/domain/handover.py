"""What Git owns is not fought: a decided rollback of it is handed over to people, and followed once they did it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from driftreview.api.act import Act, ActType, Do
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import TERMINAL, ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.rollout import GitOps
from driftreview.api.status import DriftReviewStatus
from driftreview.domain import schedule
from driftreview.domain.conclusion import act_on
from driftreview.domain.display import shorten
from driftreview.domain.owner import Owner, Tool, who_applied
from driftreview.domain.status import condition, finished, moved, truth, with_condition
from driftreview.domain.ways import changed_by, intent, way_back
from driftreview.domain.workload import TargetView

_REASONS: Final = {Tool.ARGO_CD: Reason.ARGO_CD, Tool.FLUX: Reason.FLUX, Tool.HELM: Reason.HELM}
_THEN: Final = {
    GitOps.REPORT: "a decided rollback is handed over to people and not done by the operator",
    GitOps.OVERRIDE: "a decided rollback is done all the same, and may be undone by it",
    GitOps.PAUSE: "before a decided rollback it is told to leave the target alone",
}
_MANUAL: Final = (
    "; whether the Application syncs by itself does not show on the target: where it does not, Override is the answer"
)
_HELM: Final = (
    "a decided rollback is done, and nothing puts the release back until somebody runs Helm; take it back there too"
)


def with_owner(review: DriftReview, status: DriftReviewStatus, target: TargetView, now: datetime) -> DriftReviewStatus:
    """Say what else owns the target, how that is known, and what follows; of what nothing ever owned nothing."""
    owners = [each.owner for each in (target, *target.members) if each is not None and each.owner is not None]
    owner, kind = next((each for each in owners if each.reapplies), target.owner), ConditionType.OWNED_BY_GIT
    if owner is None:
        if condition(status, kind) is None:
            return status
        message = "no annotation, label or field manager of the target tells of Argo CD, Flux or Helm any more"
        return with_condition(status, kind, "False", Reason.NOT_OWNED, message, now)
    git_ops = review.spec.rollout.git_ops
    then = f"{_THEN[git_ops]} (spec.rollout.gitOps is {git_ops})" if owner.reapplies else _HELM
    then += _MANUAL if owner.tool is Tool.ARGO_CD and git_ops is GitOps.REPORT else ""
    message = f"{owner.said()} owns the target ({owner.told_by}): {then}{_doubt(owner)}"
    return with_condition(status, kind, truth(holds=owner.reapplies), _REASONS[owner.tool], message, now)


def handed_over(review: DriftReview, target: TargetView, closes: str) -> str:
    """Why a rollback is left to people, who must do what, and until when; empty where the operator does it."""
    owner = target.owner
    if owner is None or not owner.reapplies or review.spec.rollout.git_ops is not GitOps.REPORT:
        return ""
    how = "scale it to zero in Git" if way_back(review, target) is Do.SCALE else "revert in Git what it applied"
    return f"{owner.said()} owns the target ({owner.told_by}) and would undo it: {how} before {closes}{_doubt(owner)}"


def _doubt(owner: Owner) -> str:
    if owner.wrote or not owner.reapplies:
        return ""
    return (
        f"; no field manager of {owner.tool} wrote the pod template: if that was copied or planted, take it off the "
        "target"
    )


def taken_over(review: DriftReview, target: TargetView | None, now: datetime) -> DriftReviewStatus | None:
    """The status with the act of whoever took the release back after a rollback of it was handed over.

    From then on it is followed like a rollback of the operator's own. None where nothing of the kind happened.
    """
    status = review.status
    if target is None or status.target is None or not is_handed_over(review):
        return None
    if target.uid != status.target.uid or (done := _done(review, target)) is None:
        return None
    act = Act(
        type=ActType.ROLL_BACK,
        do=done,
        replicas=0 if done is Do.SCALE else None,
        target_uid=target.uid,
        generation=target.generation,
        intent_at=schedule.whole_seconds(now),
        steps=intent(review, ActType.ROLL_BACK, target)[2],
    )
    act = act.model_copy(update={"by": shorten(who_applied(changed_by(act, target), target.owner))})
    summary = f"rolled back {act.by}: followed until its pods run"
    status = moved(status.model_copy(update={"act": act}), Phase.ROLLING_BACK, Reason.ACTING, summary, now)
    return finished(review, status)


def _done(review: DriftReview, target: TargetView) -> Do | None:
    """How people took the release back; None if they did not yet."""
    judged, previous = review.status.judged, review.status.previous
    if previous is not None and target.template_hash == previous.template_hash:
        return Do.PUT_BACK
    emptied = judged is not None and target.template_hash == judged.template_hash and not target.replicas
    return Do.SCALE if emptied and way_back(review, target) is Do.SCALE else None


def is_handed_over(review: DriftReview) -> bool:
    """Whether a rollback was decided that people are to do, and nobody was seen to have begun it."""
    status = review.status
    owned = status.rollback is not None and status.rollback.reason is Reason.OWNED_BY_GIT
    return owned and status.act is None and status.phase not in TERMINAL and _was_handed_over(review, status)


def _was_handed_over(review: DriftReview, status: DriftReviewStatus) -> bool:
    """Whether a rollback was decided: by the policy for what was found, or at the last safe moment, held since."""
    stalled = condition(status, ConditionType.STALLED)
    holds = stalled is not None and (stalled.status, stalled.reason) == ("True", Reason.OWNED_BY_GIT)
    return status.decision is not None and (holds or act_on(review.spec.policy, status.decision) is ActType.ROLL_BACK)

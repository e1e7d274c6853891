"""Services that ship together: each workload of a group is looked at as if it were the target of the review alone.

So what is true of the target of a review (when it is rolled out, what it goes back to, what hinders that, who changed
it) is found out for each by the same functions. What is decided is decided once, for all.
"""

from __future__ import annotations

from collections.abc import Iterator

from driftreview.api.act import Act, ActType, Do, Step
from driftreview.api.driftreview import DriftReview
from driftreview.api.rollout import GitOps
from driftreview.api.status import DriftReviewStatus, Member
from driftreview.api.target import Target
from driftreview.domain.workload import TargetView


def members(review: DriftReview) -> list[Member]:
    """How the workloads beside the target stand, in the order of the spec; new ones as nothing is known of them."""
    known = {(each.kind, each.name): each for each in review.status.members}
    return [
        known.get((each.kind, each.name), Member(kind=each.kind, name=each.name)) for each in review.spec.target.with_
    ]


def alone(review: DriftReview, index: int) -> DriftReview:
    """The review as it would be of one of its workloads beside the target, which is its target then."""
    member, status = members(review)[index], review.status
    # What is said of all is said of no single one of them.
    rollback = status.rollback and status.rollback.model_copy(update={"check": member.check, "message": ""})
    own = status.model_copy(
        update={
            "target": member.target,
            "judged": member.judged,
            "previous": member.previous,
            "kept": member.kept,
            "rolled_out": member.rolled_out,
            "rollback": rollback,
            "act": status.act and _own_act(status.act, member),
            "members": [],
        }
    )
    target = Target(kind=member.kind, name=member.name)
    rollout = review.spec.rollout
    if rollout.git_ops is GitOps.PAUSE:  # only what owns the target is told to leave it alone
        rollout = rollout.model_copy(update={"git_ops": GitOps.OVERRIDE})
    spec = review.spec.model_copy(update={"target": target, "rollout": rollout})
    return review.model_copy(update={"spec": spec, "status": own})


def _own_act(act: Act, member: Member) -> Act:
    """The act as far as it is about this workload: its step, as if there were no other."""
    step = next((each for each in act.steps if _is_about(each, member)), None)
    done = {"do": step.do, "replicas": step.replicas, "applied_at": step.applied_at} if step else {"applied_at": None}
    uid = member.target.uid if member.target else ""
    return act.model_copy(update={**done, "target_uid": uid, "by": None, "pause": None, "steps": []})


def _is_about(step: Step, member: Member) -> bool:
    return (step.kind, step.name) == (member.kind, member.name) and step.do in (Do.APPROVE, Do.PUT_BACK, Do.SCALE)


def index_of(review: DriftReview, step: Step) -> int | None:
    """Which of the workloads beside the target a step is about; None if it is about none of them."""
    if step.namespace != review.metadata.namespace:
        return None
    return next((index for index, each in enumerate(members(review)) if _is_about(step, each)), None)


def joined(status: DriftReviewStatus, review: DriftReview, index: int, own: DriftReviewStatus) -> DriftReviewStatus:
    """The status with what is known of one workload beside the target.

    Args:
        status: of the whole.
        review: whose it is.
        index: of the workload.
        own: as it would be of that workload alone.
    """
    every = members(review.model_copy(update={"status": status}))
    every[index] = Member(
        kind=every[index].kind,
        name=every[index].name,
        target=own.target,
        judged=own.judged,
        previous=own.previous and own.previous.model_copy(update={"images": []}),
        kept=[each.model_copy(update={"images": []}) for each in own.kept],
        rolled_out=own.rolled_out,
        check=own.rollback.check if own.rollback else every[index].check,
    )
    return status.model_copy(update={"members": every})


def as_whole(status: DriftReviewStatus, own: DriftReviewStatus) -> DriftReviewStatus:
    """What a status of one workload alone says, as the status of the whole."""
    fields = ("target", "judged", "previous", "kept", "rolled_out", "act", "members")
    whole = {name: getattr(status, name) for name in fields}
    check = status.rollback.check if status.rollback else None
    rollback = own.rollback and own.rollback.model_copy(update={"check": check})
    return own.model_copy(update=whole | {"rollback": rollback})


def apart(review: DriftReview) -> list[DriftReview]:
    """All workloads of a review, the target first, each as the target of a review of its own."""
    rollback, together = review.status.rollback, len(review.spec.target.with_)
    if not together:
        return [review]
    own = {"rollback": rollback and rollback.model_copy(update={"message": ""})}
    first = review.model_copy(update={"status": review.status.model_copy(update=own)})
    return [first, *(alone(review, index) for index in range(together))]


def every(review: DriftReview, target: TargetView) -> Iterator[tuple[DriftReview, TargetView | None]]:
    """The same, each with what was found of it; None where it is not there."""
    found = target.members or (None,) * len(review.spec.target.with_)
    yield from zip(apart(review), (target, *found), strict=True)


def with_checks(review: DriftReview, target: TargetView) -> DriftReview:
    """The review with what the last look at the way back of each of its workloads found."""
    found = [view.check if view else None for view in target.members] or [None] * len(review.spec.target.with_)
    checked = [
        each.model_copy(update={"check": check or each.check})
        for each, check in zip(members(review), found, strict=True)
    ]
    return review.model_copy(update={"status": review.status.model_copy(update={"members": checked})})


def beside(review: DriftReview, target: TargetView) -> list[tuple[DriftReview, TargetView | None]]:
    """The same without the target: the workloads beside it."""
    return list(every(review, target))[1:]


def steps(review: DriftReview, act: ActType, ways: list[Do]) -> Iterator[Step]:
    """What an act does to the workloads beside the target, in their order: each approved, or taken back its own way."""
    for each, way in zip(review.spec.target.with_, ways, strict=True):
        do = Do.APPROVE if act is ActType.PROMOTE else way
        replicas = 0 if do is Do.SCALE else None
        yield Step(do=do, kind=each.kind, namespace=review.metadata.namespace, name=each.name, replicas=replicas)

"""By which way a release is taken back: its previous pod template, or no pods at all; and what follows a promotion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from driftreview.api.act import Act, ActType, Do, Step
from driftreview.api.driftreview import DriftReview
from driftreview.api.reasons import Reason
from driftreview.api.rollout import FirstRelease, RolloutType, Takes
from driftreview.api.status import DriftReviewStatus, Revision
from driftreview.api.target import TargetKind
from driftreview.api.wayback import WayBackCheck
from driftreview.domain.members import alone, every, steps
from driftreview.domain.running import Edit
from driftreview.domain.workload import Rollout, TargetView

NO_PODS: Final = "no pods"
LET_IT_LIST: Final = "let the operator list horizontalpodautoscalers in the namespace"
_GIVES: Final = {Takes.TEMPLATE: Do.GIVE_TEMPLATE, Takes.IMAGES: Do.GIVE_IMAGES}


def way_back(review: DriftReview, target: TargetView) -> Do | None:
    """How the target is rolled back: PutBack, or Scale, to no pods; None where there is nothing to go back to.

    A canary whose number of pods an autoscaler owns, or may own, is not scaled, where there is another way.
    """
    first = target.is_first if review.status.target is None else is_first_release(review.status)
    return _way(review, way_back_to(review, target), first=first, scales=may_scale(target.check))


def pinned_way_back(review: DriftReview) -> Do | None:
    """The same since T0, as the status alone has it."""
    status, check = review.status, review.status.rollback.check if review.status.rollback else None
    return _way(review, status.previous, first=is_first_release(status), scales=may_scale(check))


def _way(review: DriftReview, back: Revision | None, *, first: bool, scales: bool) -> Do | None:
    if back is not None and (review.spec.rollout.type is not RolloutType.CANARY or not scales):
        return Do.PUT_BACK
    return Do.SCALE if may_empty(review, first=first) else None


def may_empty(review: DriftReview, *, first: bool) -> bool:
    """Whether a rollback may take the pods away where there is no earlier revision."""
    rollout = review.spec.rollout
    return rollout.type is RolloutType.CANARY or (first and rollout.first_release is FirstRelease.SCALE_TO_ZERO)


def is_first_release(status: DriftReviewStatus) -> bool:
    """Whether nothing of the target ran before the judged revision, as was found at T0."""
    return status.target is not None and status.target.first_release is True


def way_back_to(review: DriftReview, target: TargetView) -> Revision | None:
    """What a rollback puts back: pinned at T0, and until then what would be."""
    return target.previous if review.status.t0 is None else review.status.previous


def may_scale(check: WayBackCheck | None) -> bool:
    """Whether nobody else says how many pods the target has, as the last look at the way back found out for certain."""
    return check is None or (check.autoscaler is None and check.autoscaler_unknown is None)


def unknown_resting(review: DriftReview, target: TargetView) -> str:
    """Why it is not known whether a promotion may scale the canary, and what to do; empty if it is, or if none does."""
    why = target.check.autoscaler_unknown if target.check else None
    if why is None or review.spec.rollout.stable is None:
        return ""
    return f"{not_scaled(why)}, which a promotion sets to the canary's resting size: {LET_IT_LIST}"


def not_scaled(why: str) -> str:
    """That somebody else may say how many pods there are."""
    return f"whether a HorizontalPodAutoscaler owns the number of pods is not known ({why})"


def intent(review: DriftReview, act: ActType, target: TargetView) -> tuple[Do, int | None, list[Step]]:
    """What exactly an act does: to the target, with how many pods where it is scaled; and to others after that."""
    ways = [view and way_back(one, view) for one, view in every(review, target)]
    of_members = list(steps(review, act, [each or Do.PUT_BACK for each in ways[1:]]))
    if act is ActType.PROMOTE:
        return Do.APPROVE, None, [*of_members, *_after_promotion(review, scales=may_scale(target.check))]
    return (Do.SCALE, 0, of_members) if ways[0] is Do.SCALE else (Do.PUT_BACK, None, of_members)


def is_asked_for(review: DriftReview, act: Act) -> bool:
    """Whether a stored intent is one that the spec leads to: whoever can write a status can write no workload by it."""
    bare = [_bare(each) for each in act.steps]
    together = len(review.spec.target.with_)
    of_members = list(steps(review, act.type, [each.do for each in bare[:together]])) if len(bare) >= together else None
    if of_members is None or bare[:together] != of_members:
        return False
    if act.type is ActType.PROMOTE:
        asked = [list(_after_promotion(review, scales=scales)) for scales in (True, False)]
        return (act.do, act.replicas) == (Do.APPROVE, None) and bare[together:] in asked
    found = [_is_way(review, act.do, act.replicas)]
    found += [_is_way(alone(review, index), each.do, each.replicas) for index, each in enumerate(of_members)]
    return all(found) and not bare[together:]


def _is_way(review: DriftReview, do: Do, replicas: int | None) -> bool:
    """Whether a workload may be taken back so."""
    if do is Do.PUT_BACK:
        return review.status.previous is not None and replicas is None
    return (do, replicas) == (Do.SCALE, 0) and may_empty(review, first=is_first_release(review.status))


def _bare(step: Step) -> Step:
    """A step as it was intended."""
    return step.model_copy(update={"uid": None, "applied_at": None, "completed_at": None})


def _after_promotion(review: DriftReview, *, scales: bool) -> Iterator[Step]:
    rollout, namespace = review.spec.rollout, review.metadata.namespace
    if rollout.stable is not None:
        stable = {"kind": TargetKind.DEPLOYMENT, "namespace": namespace, "name": rollout.stable.name}
        yield Step(do=_GIVES[rollout.stable.takes], **stable)
        if scales:
            own = {"kind": review.spec.target.kind, "namespace": namespace, "name": review.spec.target.name}
            yield Step(do=Do.SCALE, replicas=rollout.resting_size or 0, **own)
    for each in rollout.promote_to:
        yield Step(do=Do.GIVE_IMAGES, kind=each.kind, namespace=each.namespace or namespace, name=each.name)


def went_back_to(status: DriftReviewStatus) -> str:
    """What a rollback puts back, by name; of each of the workloads that ship together."""
    lead = NO_PODS if empties(status.act) else status.previous.name if status.previous else "the previous revision"
    return ", ".join([lead, *(each.previous.name if each.previous else NO_PODS for each in status.members)])


def judged_names(status: DriftReviewStatus) -> str:
    """What is judged, by name; of each of the workloads that ship together."""
    judged = [status.judged, *(each.judged for each in status.members)]
    return ", ".join(each.name for each in judged if each is not None) or "the judged revision"


def empties(act: Act | None) -> bool:
    """Whether a rollback takes the pods away, and leaves the pod template."""
    return act is not None and act.type is ActType.ROLL_BACK and act.do is Do.SCALE


def changed_by(act: Act | None, target: TargetView) -> Edit | None:
    """Who wrote last what a rollback changes: how many pods there are, or the pod template."""
    return target.scaled if empties(act) else target.edited


def resumes(review: DriftReview) -> bool:
    """Whether an act lets a paused rollout go on."""
    return review.spec.rollout.type is RolloutType.PAUSED


def is_back(status: DriftReviewStatus, target: TargetView) -> bool:
    """Whether what was judged does not run any more, as our rollback would have it."""
    if empties(status.act):
        return target.replicas == 0
    return status.judged is not None and target.template_hash != status.judged.template_hash


def is_done(status: DriftReviewStatus, target: TargetView) -> bool:
    """Whether the target is as the stored intent would have it."""
    if status.act is None or status.judged is None:
        return False
    if status.act.type is ActType.PROMOTE:
        return status.act.applied_at is not None or target.approved == status.judged.template_hash
    return is_back(status, target)


def as_reviewed(review: DriftReview, target: TargetView) -> TargetView:
    """The target as its review takes it: a rollout that was paused on the way to be reviewed is as far as it should be.

    When it finished, nothing tells. Once our act is done it has to go on.
    """
    if review.spec.rollout.type is not RolloutType.PAUSED or is_done(review.status, target):
        return target
    held, counts = target.held, target.counts
    if held is None or held.reason is not Reason.TARGET_PAUSED:
        return target
    rollout, told = Rollout.PROGRESSING, "its rollout is paused, and its controller has not seen the new spec yet"
    if counts is not None:
        told = f"its rollout is paused with {counts.updated} of {counts.wanted} pods updated"
        if counts.updated and counts.available >= counts.total:
            rollout = Rollout.COMPLETE
        else:
            told += f", and {counts.available} of {counts.total} pods are available"
    return replace(target, rollout=rollout, rollout_message=told, records_end=False, held=None)

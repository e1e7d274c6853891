"""Whether what runs is the release that a review is about, and when that was rolled out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import Problem
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus, RolledOut
from driftreview.api.values import parse_duration
from driftreview.domain.kinds import as_kubectl_says
from driftreview.domain.schedule import whole_seconds
from driftreview.domain.status import said
from driftreview.domain.workload import REJECTED, Rollout, TargetView


def rolled_out_at(status: DriftReviewStatus, target: TargetView, now: datetime) -> datetime | None:
    """When the target's rollout finished, or the earliest moment by which it surely had; None while it has not.

    Where nothing records that, whatever happens later looks like a later end: a pod that restarts, a node that joins.
    T0 would move on with each of them, so what counts is what was told when the rollout was first found finished.
    """
    if target.rollout is not Rollout.COMPLETE:
        return None
    if target.records_end:
        return target.rolled_out_at
    known, began = status.rolled_out, target.rollout_started_at
    if known is not None and known.template_hash == target.template_hash and (began is None or known.by >= began):
        return known.by
    return whole_seconds(min(target.rolled_out_at or now, now))


def noticed(status: DriftReviewStatus, target: TargetView, by: datetime) -> DriftReviewStatus:
    """Write down by when the rollout had finished, where nothing else keeps it."""
    known = None if target.records_end else RolledOut(template_hash=target.template_hash, by=by)
    return status.model_copy(update={"rolled_out": known})


def judged_as_rolled_out(target: TargetView, by: datetime, t0: datetime) -> datetime:
    """When the judged rollout finished: where that is not known exactly, not after the T0 that a person names."""
    began = by if target.records_end else target.rollout_started_at or by
    return max(began, min(by, t0))


def is_first_release(target: TargetView, by: datetime, t0: datetime) -> bool:
    """Whether nothing of the target ran before T0; before a backdated one something did, in another cluster."""
    return target.is_first and t0 >= whole_seconds(judged_as_rolled_out(target, by, t0))


def as_timed(review: DriftReview, target: TargetView, by: datetime) -> TargetView:
    """The target for whoever asks how long its rollout took: unknown where only a person says when it was over."""
    known = target.records_end or review.spec.window.t0 is None
    return replace(target, rolled_out_at=by if known else None)


def after_t0(review: DriftReview, target: TargetView, by: datetime) -> Problem | None:
    """A T0 from before the running revision was rolled out is about another revision."""
    t0, (at, how) = review.spec.window.t0, _surely(target, by)
    if t0 is None or review.spec.window.backdated or at <= t0 or target.current is None:
        return None
    message = (
        f"spec.window.t0: {said(t0)} is before {target.current.name} {how} rolling out at {said(at)}, so "
        "it is not about this revision; leave t0 out or take a later one (only in a restored cluster or on backfilled "
        "metrics: set spec.window.backdated)"
    )
    return Problem(reason=Reason.INVALID_SPEC, message=message)


def no_release(review: DriftReview, target: TargetView, by: datetime, t0: datetime) -> str | None:
    """Why what runs is not the release this review is about, if it is not.

    A review applied before its release must not approve what ran until then. Applied after it, it may be late, but not
    by more than the first look: who wants the past says so with `window.t0`. Where nothing records when a rollout
    finished, its beginning counts. What a rollback put back is no release, and without a pod there is nothing to see.
    """
    name = target.current.name if target.current else "what runs"
    if target.replicas == 0:
        return "it is scaled to zero" if target.scalable else "no node wants a pod of it"
    if target.rejected:
        allow = f"kubectl annotate {as_kubectl_says(review.spec.target)} {REJECTED}- -n {review.metadata.namespace}"
        return f"{name} was rolled back by a review; to have it reviewed all the same: {allow}"
    if target.taken_back_after:
        forget = f"kubectl delete driftreview {target.taken_back_after} -n {review.metadata.namespace}"
        return (
            f"{name} was taken back by people, as review {target.taken_back_after} had decided; to have it reviewed "
            f"all the same: {forget}"
        )
    window, retaken = review.spec.window, review.status.retaken is not None
    if window.t0 is not None and not retaken:
        return None
    if target.restored:
        return f"{name} was put back by a rollback and is no release"
    created, (at, how) = review.metadata.creation_timestamp, _surely(target, by)
    came = t0 if retaken else min(t0, at + parse_duration(window.warmup))
    if created is None or came + parse_duration(window.checkpoints[0]) >= created:
        return None
    return (
        f"{name} {how} rolling out at {said(at)}, too long before this review was created to be its release; to review "
        "it in retrospect, set spec.window.t0"
    )


def _surely(target: TargetView, by: datetime) -> tuple[datetime, str]:
    """The earliest moment at which the rollout can have finished, and what happened then."""
    if target.records_end or target.rollout_started_at is None:
        return by, "finished"
    return target.rollout_started_at, "began"

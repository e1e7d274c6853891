"""What is fixed at T0 of each workload of a review: which object, which revision, and which one to go back to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from driftreview.api.driftreview import BaselineFrom, DriftReview
from driftreview.api.status import DriftReviewStatus, TargetStatus
from driftreview.api.values import exact_duration, parse_duration
from driftreview.domain.keeping import keeping
from driftreview.domain.members import beside, every, joined
from driftreview.domain.pace import rollout_took
from driftreview.domain.released import as_timed, is_first_release, judged_as_rolled_out, noticed, rolled_out_at
from driftreview.domain.schedule import whole_seconds
from driftreview.domain.status import said
from driftreview.domain.workload import REJECTED_DURING, TargetView


@dataclass(frozen=True)
class Rolled:
    """A workload before T0, and by when its rollout had finished."""

    review: DriftReview
    """As it would be of this workload alone."""
    target: TargetView
    by: datetime


def rolled(
    review: DriftReview, target: TargetView, now: datetime
) -> tuple[list[Rolled], tuple[DriftReview, TargetView] | None]:
    """Each workload of a review that is rolled out, the target first; and the first one whose rollout goes on."""
    found: list[Rolled] = []
    for one, view in every(review, target):
        if view is None:
            continue
        by = rolled_out_at(one.status, view, now)
        if by is None or view.current is None:
            return found, (one, view)
        found.append(Rolled(one, view, by))
    return found, None


def all_noticed(review: DriftReview, workloads: Sequence[Rolled]) -> DriftReviewStatus:
    """Write down by when each rollout had finished, where nothing else keeps it."""
    first, *others = workloads
    status = noticed(review.status, first.target, first.by)
    for index, each in enumerate(others):
        status = joined(status, review, index, noticed(each.review.status, each.target, each.by))
    return status


def all_kept(review: DriftReview, status: DriftReviewStatus, target: TargetView | None) -> DriftReviewStatus:
    """Keep of each workload what ran before, where the cluster does not; from T0 on, all that is gone back to."""
    kept = keeping(status, target)
    if target is None:
        return kept
    for index, (one, view) in enumerate(beside(review.model_copy(update={"status": kept}), target)):
        own = keeping(one.status, view)
        if status.t0 is not None:
            own = own.model_copy(update={"kept": [own.previous] if own.previous is not None else []})
        kept = joined(kept, review, index, own)
    return kept


def fixed(
    review: DriftReview, status: DriftReviewStatus, workloads: Sequence[Rolled], t0: datetime
) -> tuple[DriftReviewStatus, str]:
    """The status with what is judged from T0 on; and what could have been taken for it and was not, and why."""
    before_warmup = t0 - parse_duration(review.spec.window.warmup)
    began = (each.target.rollout_started_at or before_warmup for each in workloads)
    ends, why = _history_end(review, workloads, min(before_warmup, *began))
    passed_over = [each.target.passed_over for each in workloads if each.target.previous is not None]
    if status.chain is not None:  # as the first one's, whatever was said of other releases since
        ends, why, passed_over = status.chain.history_ends_at, "", []
    first, *others = workloads
    status = status.model_copy(update=_fixed(first, t0, ends))
    for index, each in enumerate(others):
        own = each.review.status.model_copy(update=_fixed(each, t0, ends))
        status = joined(status, review, index, own)
    early = f"its history ends at {said(ends)}, before the time in which a rejected release ran: {why}"
    is_early = bool(why) and review.spec.baseline.from_ is BaselineFrom.HISTORY
    return status, "; ".join(each for each in (early if is_early else "", *passed_over) if each)


def _fixed(workload: Rolled, t0: datetime, history_ends_at: datetime) -> dict[str, object]:
    target, by = workload.target, workload.by
    return {
        "rolled_out": None,
        "target": TargetStatus(
            uid=target.uid,
            rolled_out_at=judged_as_rolled_out(target, by, t0),
            rollout_took=exact_duration(rollout_took(as_timed(workload.review, target, by))),
            first_release=is_first_release(target, by, t0) or None,
            history_ends_at=whole_seconds(history_ends_at),
            break_glass=target.break_glass,
        ),
        "judged": target.current,
        "previous": target.previous,
    }


def _history_end(review: DriftReview, workloads: Iterable[Rolled], undisturbed: datetime) -> tuple[datetime, str]:
    """Where its history ends: before the time in which a rejected release ran; and who says so, if that is earlier."""
    length, ends, why = parse_duration(review.spec.baseline.length), undisturbed, ""
    told = {stretch: each.target for each in workloads for stretch in each.target.rejected_during}
    for stretch in sorted(told, reverse=True):
        bad_from, bad_until = stretch
        if bad_from < ends and bad_until > ends - length:
            by_review = stretch in told[stretch].ruled_during
            blamed = "an earlier review" if by_review else f"the target's annotation {REJECTED_DURING}"
            ends, why = bad_from, f"{blamed} says so of {said(bad_from)} to {said(bad_until)}"
    return ends, why

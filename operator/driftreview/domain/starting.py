"""From an applied review to T0: is it accepted, is its release rolled out, and what counts from when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from driftreview.api.checkpoint import Checkpoint
from driftreview.api.driftreview import BaselineFrom, DriftReview, DriftReviewSpec
from driftreview.api.driftsnapshot import Problem
from driftreview.api.phases import ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal
from driftreview.api.status import DriftReviewStatus
from driftreview.api.values import parse_duration
from driftreview.domain import schedule
from driftreview.domain.action import RESYNC, Observed, Settle, brisk
from driftreview.domain.approvals import retaken_at
from driftreview.domain.chaining import told, with_chain
from driftreview.domain.decide import with_rollback
from driftreview.domain.display import some
from driftreview.domain.fixing import Rolled, all_noticed, fixed, rolled
from driftreview.domain.handover import with_owner
from driftreview.domain.kinds import blocked
from driftreview.domain.limitsonly import FIRST, foretold
from driftreview.domain.members import every
from driftreview.domain.preflight import blockers, was_blocked, with_preflight
from driftreview.domain.released import (
    after_t0,
    is_first_release,
    no_release,
)
from driftreview.domain.signalsets import NO_SETS, Sets, with_sets
from driftreview.domain.status import Stuck, condition, finished, moved, said, with_condition
from driftreview.domain.workload import Rollout, TargetView

SILENT: Final = {
    Reason.EMPTY: ("no data yet for", "check metric names and labels in"),
    Reason.ONLY_NAN: ("only NaN yet for", "as a quotient without traffic is, see"),
    Reason.ONLY_INFINITE: ("only infinite values yet for", "as a quotient by zero is, see"),
    Reason.STAND_IN: (
        "only the number behind `or vector` yet for",
        "nothing happened yet, or a name or label is misspelt in",
    ),
}
"""A query that returned nothing to judge: what it returned instead, and where to look. Before T0 that is no problem
yet, a release may have to warm up; but nobody should learn it only at T0."""
_MOST_NAMES: Final = 10
_MOST_FIELDS: Final = 3
_IN_ORDER: Final = "target, source and queries are in order"


def is_accepted(review: DriftReview, sets: Sets = NO_SETS) -> bool:
    """Whether this very spec, with these very sets, was accepted and its queries need not be asked again.

    While a query without data waits for T0 it is asked at every look, which is once a minute then (RESYNC): so the
    warning goes when the data comes. Not while the rollout goes on: looks come every few seconds then, perhaps for
    days, and what is not rolled out yet has no data to show.
    """
    accepted = condition(review.status, ConditionType.ACCEPTED)
    reconciling = condition(review.status, ConditionType.RECONCILING)
    if accepted is None or accepted.status != "True" or accepted.observed_generation != review.metadata.generation:
        return False
    if (review.status.signal_sets or []) != list(sets.used):
        return False
    waits = reconciling is not None and reconciling.reason == Reason.WAITING_FOR_ROLLOUT
    return accepted.reason == Reason.ACCEPTED or waits


def silence(spec: DriftReviewSpec, found: Mapping[str, str]) -> Iterator[Problem]:
    """Name the signals whose query returned nothing to judge.

    Args:
        spec: whose signals they are.
        found: by signal's name, or `companion_name` for its second query, the reason, one of SILENT.
    """
    fields: dict[str, str] = {}
    for index, signal in enumerate(spec.signals):
        fields[signal.name] = f"{spec.place(index)}.query"
        if signal.companion is not None:
            fields[companion_name(signal)] = f"{spec.place(index)}.{signal.companion[0]}"
    for reason, (what, where) in SILENT.items():
        names = [name for name in fields if found.get(name) == reason]
        if names:
            places = some([fields[name] for name in names], _MOST_FIELDS)
            yield Problem(reason=reason, message=f"{what}: {some(names, _MOST_NAMES)} ({where} {places})")


def companion_name(signal: Signal) -> str:
    """How a signal's second query is named."""
    return f"{signal.name} {signal.companion[0]}" if signal.companion else signal.name


def start(review: DriftReview, observed: Observed, now: datetime) -> Settle:
    """Accept the review, wait for the rollout, and fix T0 with everything that counts from it."""
    status, target = review.status, observed.target
    problems = [each for each in observed.problems if each.reason not in SILENT]
    missing = tuple(_missing(review, target))
    if missing or problems or target is None:
        refused = _refused(review, (*missing, *problems), now)
        return Settle(refused, brisk(refused, now))
    status = with_owner(review, _accepted(review, target, observed, now), target, now)
    if observed.preflight is not None:
        status = with_preflight(status, observed.preflight, now)
    if observed.first is not None:
        whose = " or what ships with it" if review.spec.target.with_ else ""
        summary = observed.first.said(f"{review.spec.target}{whose}")
        status = moved(status, Phase.PENDING, Reason.ANOTHER_REVIEW, summary, now)
        return Settle(finished(review, status), brisk(status, now, RESYNC))
    workloads, going_on = rolled(review, target, now)
    if going_on is not None:
        return _rolling(*going_on, status, now)
    status = all_noticed(review.model_copy(update={"status": status}), workloads)
    by = max(each.by for each in workloads)
    anew, ready = retaken_at(status), by + parse_duration(review.spec.window.warmup)
    t0 = schedule.whole_seconds(max(anew, ready) if anew else review.spec.window.t0 or ready)
    if (unfit := _unfit(review, status, workloads, t0, now)) is not None:
        return unfit
    if stopping := blockers(status):
        names = ", ".join(dict.fromkeys(each.name for each in stopping))
        summary = (
            f"preflight: {stopping[0].message} ({names}); it goes on by itself once that is mended{_remark(status)}"
        )
        stuck = Stuck(Reason.PREFLIGHT_BLOCKED, f"{stopping[0].name}: {stopping[0].message}")
        status = moved(status, Phase.PENDING, Reason.PREFLIGHT_BLOCKED, summary, now, stuck)
        return Settle(finished(review, status), brisk(status, now, RESYNC))
    if was_blocked(review.status) and review.spec.window.t0 is None:
        t0 = max(t0, schedule.whole_seconds(now))  # what was amiss until now is no part of what is judged
    is_first = is_first_release(target, workloads[0].by, t0)
    by_limits = _by_limits(with_sets(review, observed.sets).spec) if is_first else ""
    if now < t0:
        names = ", ".join(each.target.current.name for each in workloads if each.target.current)
        summary = f"waits for T0 of {names} at {said(t0)}{by_limits}{_remark(status)}"
        status = moved(status, Phase.PENDING, Reason.WAITING_FOR_T0, summary, now)
        return Settle(finished(review, status), min(t0, now + RESYNC))
    return Settle(_started(review, status, workloads, t0, now, by_limits), now)


def _unfit(
    review: DriftReview, status: DriftReviewStatus, workloads: Sequence[Rolled], t0: datetime, now: datetime
) -> Settle | None:
    """What runs of one of the workloads is not the release this review is about: say so, and wait for that."""
    wrong = [found for each in workloads if (found := after_t0(each.review, each.target, each.by))]
    if wrong and retaken_at(status) is None:
        refused = _refused(review, tuple(wrong), now)
        return Settle(refused, brisk(refused, now))
    for each in workloads:
        if waits := no_release(each.review, each.target, each.by, t0):
            summary = f"waits for a new rollout of {each.review.spec.target.name}: {waits}{_remark(status)}"
            was_bad = each.target.rejected or each.target.taken_back_after
            stuck = Stuck(Reason.WAITING_FOR_ROLLOUT, waits) if was_bad else None
            status = moved(status, Phase.PENDING, Reason.WAITING_FOR_ROLLOUT, summary, now, stuck)
            return Settle(finished(review, status), brisk(status, now))
    return None


def _rolling(review: DriftReview, target: TargetView, status: DriftReviewStatus, now: datetime) -> Settle:
    """The rollout of a workload goes on, or waits for somebody."""
    rolls = f"waits for {review.spec.target.name}: {target.rollout_message}{_ahead(status)}"
    stuck = Stuck(Reason.ROLLOUT_FAILED, rolls) if target.rollout is Rollout.FAILED else None
    if target.rollout is Rollout.PAUSED and target.held is not None:
        rolls = f"{rolls}: {target.held.remedy}"
        stuck = Stuck(target.held.reason, rolls)
    if target.blocked_by:
        rolls = f"{rolls}{blocked(review, target)}"
        stuck = Stuck(Reason.ROLLOUT_BLOCKED, rolls)
    summary = f"{rolls}{_remark(status)}"
    status = moved(status, Phase.PENDING, Reason.WAITING_FOR_ROLLOUT, summary, now, stuck)
    return Settle(finished(review, status), brisk(status, now))


def _accepted(review: DriftReview, target: TargetView, observed: Observed, now: datetime) -> DriftReviewStatus:
    """Say that the review is accepted, and what was without data; what was not asked again stays as it was said."""
    kind, silent = ConditionType.ACCEPTED, observed.problems
    if is_accepted(review, observed.sets):
        return review.status
    status = review.status.model_copy(update={"signal_sets": list(observed.sets.used) or None})
    if target.current is None:
        message = "its queries are asked when the target has a revision"
        return with_condition(status, kind, "Unknown", Reason.WAITING_FOR_ROLLOUT, message, now)
    if silent:
        message = "; ".join(each.message for each in silent)
        return with_condition(status, kind, "True", Reason.NO_DATA_YET, message, now)
    return with_condition(status, kind, "True", Reason.ACCEPTED, _IN_ORDER, now)


def _remark(status: DriftReviewStatus) -> str:
    """What a sentence about waiting ends in while something is without data."""
    accepted = condition(status, ConditionType.ACCEPTED)
    silent = accepted is not None and accepted.reason == Reason.NO_DATA_YET
    return f"; {accepted.message}" if accepted is not None and silent else ""


def _by_limits(spec: DriftReviewSpec) -> str:
    """What a sentence ends in where a release should be compared with what ran before it, and nothing did."""
    return f"; {foretold(spec, FIRST)}" if spec.baseline.from_ is BaselineFrom.HISTORY else ""


def _ahead(status: DriftReviewStatus) -> str:
    """What will keep the review from starting when the rollout is over: it may be why the rollout is not."""
    return "".join(f"; preflight: {each.message}" for each in blockers(status)[:1])


def _started(
    review: DriftReview,
    status: DriftReviewStatus,
    workloads: Sequence[Rolled],
    t0: datetime,
    now: datetime,
    by_limits: str,
) -> DriftReviewStatus:
    """Fix T0; `by_limits` is what is said if nothing ran before."""
    target, window = workloads[0].target, review.spec.window
    looks = [Checkpoint(name=due.name, due=due.at) for due in schedule.checkpoints(window, t0)]
    status, otherwise = fixed(review, status.model_copy(update={"t0": t0, "checkpoints": looks}), workloads, t0)
    status = with_rollback(review, status, target, now)
    status = with_chain(status, target, now)
    moved_back = f"; {follows}" if (follows := told(status, target)) else ""
    if otherwise:
        status = with_condition(status, ConditionType.BASELINE_CAPTURED, "False", Reason.CAPTURING, otherwise, now)
        moved_back = f"; {otherwise}"
    summary = f"T0 is {said(t0)}: freezing the baseline{by_limits}{moved_back}{_remark(status)}"
    if remark := _remark(status):  # from here on the evidence says what is missing
        message = f"{_IN_ORDER}; before T0: {remark.removeprefix('; ')}"
        status = with_condition(status, ConditionType.ACCEPTED, "True", Reason.ACCEPTED, message, now)
    return finished(review, moved(status, Phase.BASELINING, Reason.CAPTURING, summary, now))


def _missing(review: DriftReview, target: TargetView | None) -> Iterator[Problem]:
    """A problem for each workload that is not there."""
    found = every(review, target) if target is not None else [(review, None)]
    for index, (one, view) in enumerate(found):
        if view is None:
            field = f"spec.target.with[{index - 1}].name" if index else "spec.target.name"
            yield _no_target(one, field)


def _no_target(review: DriftReview, field: str) -> Problem:
    message = (
        f"{field}: there is no {review.spec.target.kind} {review.spec.target.name!r} in namespace "
        f"{review.metadata.namespace!r}; create it or correct the name"
    )
    return Problem(reason=Reason.TARGET_NOT_FOUND, message=message)


def _refused(review: DriftReview, problems: tuple[Problem, ...], now: datetime) -> DriftReviewStatus:
    first, *others = problems
    message = first.message + (f" (and {len(others)} more: {others[0].message})" if others else "")
    status = with_condition(review.status, ConditionType.ACCEPTED, "False", first.reason, message, now)
    stuck = Stuck(first.reason, message)
    return finished(review, moved(status, Phase.PENDING, first.reason, f"not accepted: {message}", now, stuck))

"""A review of the past: the same windows, the same evidence, the same judge and the same rules as in a cluster.

Only the samples come from a history instead of a server. Nothing is acted upon.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from driftreview.api.driftreview import BaselineFrom, DriftReview, DriftReviewSpec
from driftreview.api.driftsnapshot import DriftSnapshotSpec, RevisionEvidence, SignalEvidence
from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal
from driftreview.api.values import exact_duration, parse_duration
from driftreview.api.verdicts import Recommendation
from driftreview.domain import schedule
from driftreview.domain.coarser import Levels, first_look, fits, later_look
from driftreview.domain.companions import Companion
from driftreview.domain.conclusion import concluded
from driftreview.domain.evidence import Look, Measurement, freeze, take
from driftreview.domain.expected import measured_only
from driftreview.domain.history import History, recorded_as
from driftreview.domain.judge import judge_looks
from driftreview.domain.limitsonly import frozen_with
from driftreview.domain.result import CheckpointResult
from driftreview.domain.samples import Window
from driftreview.domain.status import said

_JUDGED: Final = RevisionEvidence(name="", uid="", template_hash="")
"""No cluster, no revision."""


Known: TypeAlias = tuple[str, str, str]
"""Checkpoint, length of its blocks, and signal."""


@dataclass(frozen=True)
class Past:
    """What a review is replayed on."""

    history: History
    queries: Mapping[str, str] = field(default_factory=dict)
    """As they were sent, by signal; those left out as the review has them."""
    source: str = ""
    """As evidence names it."""


@dataclass(frozen=True)
class ReplayedCheckpoint:
    """One checkpoint of a replay."""

    name: str
    due: datetime
    evidence: DriftSnapshotSpec | None = None
    result: CheckpointResult | None = None
    """None: the data end before its window."""


@dataclass(frozen=True)
class Replay:
    """What the review would have said and recommended."""

    t0: datetime
    baseline: DriftSnapshotSpec
    checkpoints: tuple[ReplayedCheckpoint, ...]
    recommendation: Recommendation
    reason: Reason
    message: str
    """Why, in one sentence."""
    decided_at: str | None
    """The checkpoint that decided; None if the data end before one did."""


def history_end(spec: DriftReviewSpec, t0: datetime) -> datetime:
    """Where the baseline ends if nothing is known of the rollout: the warm-up belongs to neither side."""
    return t0 - parse_duration(spec.window.warmup)


def windows(spec: DriftReviewSpec, t0: datetime, history_ends_at: datetime, step: timedelta) -> list[Window | None]:
    """What is looked at: for T0, then for every checkpoint; None where nothing is measured."""
    looks = [schedule.checkpoint_window(spec, t0, due.at, step) for due in schedule.checkpoints(spec.window, t0)]
    return [schedule.baseline_window(spec, t0, history_ends_at, step), *looks]


def release(spec: DriftReviewSpec, t0: datetime) -> datetime:
    """From when on something is compared with the baseline: T0, or the end of a Snapshot baseline."""
    length = parse_duration(spec.baseline.length)
    return t0 + length if spec.baseline.from_ is BaselineFrom.SNAPSHOT else t0


def replay(
    review: DriftReview,
    past: Past,
    t0: datetime,
    history_ends_at: datetime | None = None,
    known: Mapping[Known, SignalEvidence] | None = None,
) -> Replay:
    """Take every look of a review that the data reach to, and conclude.

    Args:
        review: which review; whether its own T0 is set does not matter.
        past: what is looked at.
        t0: its T0.
        history_ends_at: where a History baseline ends at the latest: the rollout's start. A warm-up before T0 at most.
        known: what need not be frozen again.
    """
    spec, step, known = review.spec, past.history.window.step, known or {}
    t0 = schedule.whole_seconds(t0)
    ends = history_end(spec, t0) if history_ends_at is None else min(history_ends_at, history_end(spec, t0))

    def look(asked: Look) -> DriftSnapshotSpec:
        if asked.window is None:
            return take(review, asked, [], _JUDGED)
        scraping = past.history.scraping(asked.window)
        signals = [
            known.get((asked.checkpoint, exact_duration(asked.block), each.name))
            or freeze(_measured(past, each, asked.window), asked.window, asked.block, scraping)
            for each in spec.signals
        ]
        evidence = take(review, asked, signals, _JUDGED, scraping=scraping)
        if not asked.coarser or fits(evidence, asked.stretch):
            return evidence
        levels = Levels(asked)
        for each in spec.signals:
            levels.keep(_measured(past, each, asked.window), scraping)
        return levels.taken(review, _JUDGED, scraping=scraping)

    first = look(first_look(spec, t0, schedule.whole_seconds(ends), step, past.source))
    before = baseline = frozen_with(measured_only(spec), first, is_first=False)  # no cluster tells what ran before
    taken: list[DriftSnapshotSpec | None] = []
    for due in schedule.checkpoints(spec.window, t0):
        asked = later_look(spec, baseline, t0, due, step, past.source, before.hash)
        if asked.window is not None and asked.window.end > past.history.window.end:
            taken.append(None)
        else:
            before = look(asked)
            taken.append(before)
    judged = judge_looks(measured_only(spec), baseline, [each for each in taken if each])
    found = [
        ReplayedCheckpoint(due.name, due.at, evidence, next(judged))
        if evidence
        else ReplayedCheckpoint(due.name, due.at)
        for due, evidence in zip(schedule.checkpoints(spec.window, t0), taken, strict=True)
    ]
    return _concluded(t0, baseline, found, past.history.window.end)


def frozen_but(replayed: Replay, signal: str) -> dict[Known, SignalEvidence]:
    """What a replay froze of all signals but one."""
    looks = [replayed.baseline, *(each.evidence for each in replayed.checkpoints if each.evidence)]
    return {
        (look.checkpoint, look.window.block, each.name): each
        for look in looks
        if look.window is not None
        for each in look.signals
        if each.name != signal and each.problem is None  # for want of room, it may be
    }


def _measured(past: Past, signal: Signal, window: Window) -> Measurement:
    """What was recorded of a signal."""
    asked = {
        field: (past.queries.get(name, signal.queries[field]), past.history.answer(name, window))
        for field, name in recorded_as(signal).items()
    }
    companion = Companion(*asked[signal.companion[0]]) if signal.companion else None
    return Measurement(signal, *asked["query"], companion)


def _concluded(
    t0: datetime, baseline: DriftSnapshotSpec, checkpoints: list[ReplayedCheckpoint], ends: datetime
) -> Replay:
    """As the operator does: the first that concludes anything decides."""
    for each in checkpoints:
        if each.result is None:
            message = (
                f"T0+{each.name} cannot be judged yet: it is due at {said(each.due)}, the data end at {said(ends)}"
            )
            reason = Reason.NOT_ENOUGH_EVIDENCE
            return Replay(t0, baseline, tuple(checkpoints), Recommendation.INCONCLUSIVE, reason, message, None)
        conclusion = concluded(each.result.verdict, last=each is checkpoints[-1])
        if conclusion is not None:
            why = f"T0+{each.name}: {each.result.message}"
            return Replay(t0, baseline, tuple(checkpoints), *conclusion, why, each.name)
    raise ValueError("a review has at least one checkpoint; its schema says so")

"""A review of the past: the same windows, the same evidence, the same judge and the same rules as in a cluster.

Only the samples come from a history instead of a server. Nothing is acted upon.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from driftreview.api.driftreview import BaselineFrom, DriftReview, DriftReviewSpec
from driftreview.api.driftsnapshot import DriftSnapshotSpec, RevisionEvidence, SignalEvidence
from driftreview.api.reasons import Reason, Recommendation
from driftreview.api.signal import Signal
from driftreview.api.values import parse_duration
from driftreview.domain import schedule
from driftreview.domain.companions import Companion
from driftreview.domain.conclusion import concluded
from driftreview.domain.evidence import T0, Look, Measurement, freeze, take
from driftreview.domain.expected import measured_only
from driftreview.domain.history import History, recorded_as
from driftreview.domain.judge import judge_looks
from driftreview.domain.result import CheckpointResult
from driftreview.domain.samples import Window
from driftreview.domain.scraping import Scraping
from driftreview.domain.status import said

_JUDGED: Final = RevisionEvidence(name="", uid="", template_hash="")
"""No cluster, no revision."""


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
    known: Mapping[tuple[str, str], SignalEvidence] | None = None,
) -> Replay:
    """Take every look of a review that the data reach to, and conclude.

    Args:
        review: which review; whether its own T0 is set does not matter.
        past: what is looked at.
        t0: its T0.
        history_ends_at: where a History baseline ends at the latest: the rollout's start. A warm-up before T0 at most.
        known: what need not be frozen again, by checkpoint and signal.
    """
    spec, step, known = review.spec, past.history.window.step, known or {}
    t0 = schedule.whole_seconds(t0)
    ends = history_end(spec, t0) if history_ends_at is None else min(history_ends_at, history_end(spec, t0))
    first, *others = windows(spec, t0, schedule.whole_seconds(ends), step)
    block = schedule.block_length(spec, step)

    def look(name: str, window: Window | None, previous_hash: str) -> DriftSnapshotSpec:
        scraping = past.history.scraping(window) if window is not None else None
        signals = [
            known.get((name, each.name)) or _frozen(past, each, window, block, scraping)
            for each in spec.signals
            if window is not None
        ]
        asked = Look(name, window, block, past.source, previous_hash)
        return take(review, asked, signals, _JUDGED, scraping=scraping)

    before = baseline = look(T0, first, "")
    taken: list[DriftSnapshotSpec | None] = []
    for due, window in zip(schedule.checkpoints(spec.window, t0), others, strict=True):
        if window is not None and window.end > past.history.window.end:
            taken.append(None)
        else:
            before = look(due.name, window, before.hash)
            taken.append(before)
    judged = judge_looks(measured_only(spec), baseline, [each for each in taken if each])
    found = [
        ReplayedCheckpoint(due.name, due.at, evidence, next(judged))
        if evidence
        else ReplayedCheckpoint(due.name, due.at)
        for due, evidence in zip(schedule.checkpoints(spec.window, t0), taken, strict=True)
    ]
    return _concluded(t0, baseline, found, past.history.window.end)


def frozen_but(replayed: Replay, signal: str) -> dict[tuple[str, str], SignalEvidence]:
    """What a replay froze of all signals but one, by checkpoint and signal."""
    looks = [replayed.baseline, *(each.evidence for each in replayed.checkpoints if each.evidence)]
    return {
        (look.checkpoint, each.name): each
        for look in looks
        for each in look.signals
        if each.name != signal and each.problem is None  # for want of room, it may be
    }


def _frozen(past: Past, signal: Signal, window: Window, block: timedelta, scraping: Scraping | None) -> SignalEvidence:
    """The evidence of a signal."""
    asked = {
        field: (past.queries.get(name, signal.queries[field]), past.history.answer(name, window))
        for field, name in recorded_as(signal).items()
    }
    companion = Companion(*asked[signal.companion[0]]) if signal.companion else None
    return freeze(Measurement(signal, *asked["query"], companion), window, block, scraping)


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

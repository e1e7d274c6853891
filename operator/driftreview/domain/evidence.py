"""Evidence: the frozen inputs of a verdict, their canonical bytes and hash, and the chain they form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np

from driftreview.api.base import Model
from driftreview.api.driftreview import DriftReview, DriftReviewSpec
from driftreview.api.driftsnapshot import (
    MAX_VALUES,
    DriftSnapshotSpec,
    EvidenceWindow,
    Problem,
    ReviewRef,
    RevisionEvidence,
    SeriesEvidence,
    SignalEvidence,
)
from driftreview.api.facts import Facts
from driftreview.api.reasons import Reason
from driftreview.api.signal import Kind, Signal, Worse
from driftreview.api.signalset import PinnedSet, SetSignal
from driftreview.api.spells import Spells
from driftreview.api.values import exact_duration, parse_quantity
from driftreview.domain.blocks import numbers
from driftreview.domain.companions import Companion, Written, companion_problem, written_blocks
from driftreview.domain.display import shorten
from driftreview.domain.firings import firings_of
from driftreview.domain.pinnedmembers import frozen_members
from driftreview.domain.samples import Failed, NoData, QueryResult, Samples, Series, TooMany, Window
from driftreview.domain.scraping import Scraping, gaps_of
from driftreview.domain.shape import MAX_MESSAGE, shape_problem
from driftreview.domain.spells import spells_beyond

T0: Final = "T0"
RECOVERY: Final = "Recovery"
"""The look at the time after a rollback."""
MAX_BYTES: Final = 1_000_000
"""Medians one snapshot may be expected to hold."""
MOST_STORED: Final = 1_400_000
"""Bytes of one snapshot as it is stored: etcd refuses objects over 1.5 MiB, and the API server adds field managers."""
LEAST_ROOM: Final = 400_000
"""Of these, what a pod template leaves to the medians, or it is left out: T0 without a baseline judges nothing."""
BYTES_PER_BLOCK: Final = 13
BYTES_PER_SERIES: Final = 150
"""Of its labels and counts."""
_ESCAPED: Final = (*"<>&", "\u2028", "\u2029")


@dataclass(frozen=True)
class Measurement:
    """One signal's query and what it answered."""

    signal: Signal
    query: str
    result: QueryResult
    companion: Companion | None = None
    """The second query of a signal that has a control or is counted per something."""

    @property
    def failure(self) -> Failed | None:
        """What may be answered later."""
        results = (self.result, self.companion.result if self.companion else None)
        return next((each for each in results if isinstance(each, Failed) and each.retryable), None)


@dataclass(frozen=True)
class Look:
    """One look at the release: what is measured, where, and after which other look."""

    checkpoint: str
    """T0 or the checkpoint's name."""
    window: Window | None
    """None where nothing is measured: a baseline from declared limits."""
    block: timedelta
    source: str
    """The metric source, as kind/name, address, and a digest of what headers and Secrets are sent."""
    previous_hash: str = ""
    """Hash of the snapshot before; empty at T0."""
    coarser: tuple[tuple[Window, timedelta], ...] = ()
    """Windows and longer blocks that may be taken instead, where it does not all fit."""
    stretch: float = 1.0
    """How many times as long the longest look of the review is, at least 1."""
    guard: bool = False
    """Whether the guards look, between the checkpoints."""
    firings: bool = False
    """Whether it is counted how often alert rules would have fired: of a baseline that some are made of."""


def canonical(value: Any) -> bytes:
    """The one way to write a value as JSON: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def content_hash(value: Any) -> str:
    """SHA-256 of a value's canonical JSON."""
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()


def seal(spec: DriftSnapshotSpec) -> DriftSnapshotSpec:
    """Fill in the hash of everything else."""
    return spec.model_copy(update={"hash": hash_of(spec)})


def hash_of(spec: DriftSnapshotSpec) -> str:
    """The hash a snapshot must carry."""
    return content_hash(spec.model_copy(update={"hash": ""}).to_wire())


def spec_hash(spec: DriftReviewSpec) -> str:
    """Hash of all of a spec that is fixed since T0 and not as by default: fields of newer CRDs leave it as it was."""
    return content_hash(spec.fixed().model_dump(mode="json", by_alias=True, exclude_defaults=True))


def set_signals(spec: DriftReviewSpec, ref: int) -> str:
    """The signals that a review has of one of its sets, in one way only: canonical JSON without defaults."""
    ours = [each for each in spec.signals if isinstance(each, SetSignal) and each.ref == ref]
    return canonical([each.model_dump(mode="json", by_alias=True, exclude_defaults=True) for each in ours]).decode()


def pinned(review: DriftReview) -> list[PinnedSet] | None:
    """The signal sets of a review with the signals it has of them, as T0 freezes them; None if it has no sets."""
    used = enumerate(review.status.signal_sets or [])
    return (
        None
        if review.status.signal_sets is None
        else [PinnedSet(**each.model_dump(), signals=set_signals(review.spec, ref)) for ref, each in used]
    )


def is_intact(spec: DriftSnapshotSpec, expected: str) -> bool:
    """Whether a stored snapshot is the one that was sealed."""
    return spec.hash == expected and hash_of(spec) == expected


def snapshot_name(review: str, uid: str, checkpoint: str) -> str:
    """Name of a snapshot: always the same for one look of one review, so that it cannot be taken twice."""
    return f"{review[:200].rstrip('-.')}-{uid[:8]}-{checkpoint.lower()}"


def take(
    review: DriftReview,
    look: Look,
    signals: Sequence[SignalEvidence],
    judged: RevisionEvidence,
    previous: RevisionEvidence | None = None,
    scraping: Scraping | None = None,
    facts: Facts | None = None,
) -> DriftSnapshotSpec:
    """Put frozen answers together. The same inputs give the same bytes, whenever and however often it runs.

    What one object of the API server cannot hold is left out, and each signal says so that loses its samples by it.
    First in line is what was asked, then the template to go back to if it leaves LEAST_ROOM, then the samples signal by
    signal.
    """
    window, block = look.window, look.block
    bare = [_too_large(each) for each in signals]
    spec = DriftSnapshotSpec(
        review_ref=ReviewRef(name=review.metadata.name, uid=review.metadata.uid),
        checkpoint=look.checkpoint,
        guard=look.guard or None,
        source=look.source,
        window=None if window is None else written(window, block),
        judged=judged,
        previous=previous,
        members=frozen_members(review.status) if look.checkpoint == T0 else None,
        signals=bare,
        signal_sets=pinned(review) if look.checkpoint == T0 else None,
        scraping=None if window is None or scraping is None else scraping.evidence(window, block),
        facts=facts,
        spec_hash=spec_hash(review.spec) if look.checkpoint == T0 else None,
        previous_hash=look.previous_hash,
        hash="",
    )
    room = MOST_STORED - stored_size(seal(spec))
    if room < LEAST_ROOM and previous is not None and previous.template:
        spec = spec.model_copy(update={"previous": previous.model_copy(update={"template": {}})})
        room = MOST_STORED - stored_size(seal(spec))
    fitting: list[SignalEvidence] = []
    for whole, without in zip(signals, bare, strict=True):
        more = max(0, stored_size(whole) - stored_size(without))
        fits = more <= room
        room -= more if fits else 0
        fitting.append(whole if fits else without)
    return seal(spec.model_copy(update={"signals": fitting}))


def written(window: Window, block: timedelta) -> EvidenceWindow:
    """A window as evidence writes it."""
    step = exact_duration(window.step)
    return EvidenceWindow(start=window.start, end=window.end, step=step, block=exact_duration(block))


def _too_large(signal: SignalEvidence) -> SignalEvidence:
    """What is left of a signal for whose samples there is no room; one that has none stays as it is."""
    if not signal.series:
        return signal
    size, room = stored_size(signal), f"a snapshot has room for {MOST_STORED} in all"
    message = f"its {size} bytes of evidence do not fit beside the others: {room}"
    problem = Problem(reason=Reason.ANSWER_TOO_LARGE, message=message)
    return signal.model_copy(update={"series": [], "problem": problem})


def stored_size(part: Model) -> int:
    """Bytes of a part of a snapshot as the API server stores it: of some characters it makes six bytes."""
    text = canonical(part.to_wire())
    return len(text) + sum(text.count(each.encode()) * (6 - len(each.encode())) for each in _ESCAPED)


def freeze(
    measurement: Measurement,
    window: Window,
    block: timedelta,
    scraping: Scraping | None = None,
    *,
    firings: bool = False,
) -> SignalEvidence:
    """Turn one answer into evidence: blocks of each series, or the reason why there are none.

    Kind Presence needs `scraping` to tell a silence of the target from one of the source. `firings`: count how often
    the alert rule of a limit would have fired.
    """
    signal, result, companion = measurement.signal, measurement.result, measurement.companion
    series: list[SeriesEvidence] = []
    match result:
        case Samples():
            problem = shape_problem(signal, [one.labels for one in result.series])
            problem = problem or companion_problem(signal, companion)
            if problem is None:
                ordered = sorted(result.series, key=lambda one: sorted(one.labels.items()))
                laid = [(one, written_blocks(signal, one, companion, window.step, block)) for one in ordered]
                problem = _too_long([written for _, written in laid], window, block)
                series = [
                    _freeze_series(signal, one, window, each, scraping).model_copy(
                        update={"firings": firings_of(signal, one, companion, window, scraping) if firings else None}
                    )
                    for one, each in ([] if problem else laid)
                ]
        case TooMany(labels):
            problem = shape_problem(signal, labels)
        case NoData() | Failed():
            problem = Problem(reason=Reason(result.reason), message=shorten(result.message, MAX_MESSAGE))
    beside = companion.query if companion else None
    return SignalEvidence(
        name=signal.name,
        query=measurement.query,
        control_query=beside if signal.control is not None else None,
        per_query=beside if signal.per is not None else None,
        unit=signal.unit,
        series=series,
        problem=problem,
    )


def _too_long(laid: Sequence[Written], window: Window, block: timedelta) -> Problem | None:
    if all(len(text) <= MAX_VALUES for each in laid for text in each.texts):
        return None
    blocks = -(-(window.end - window.start) // block)
    message = (
        f"{blocks} blocks of {exact_duration(block)} are too many for one series: they come of an early first look"
    )
    return Problem(reason=Reason.ANSWER_TOO_LARGE, message=message)


def _freeze_series(
    signal: Signal, series: Series, window: Window, laid: Written, scraping: Scraping | None
) -> SeriesEvidence:
    kept = {signal.each: series.labels[signal.each]} if signal.each else {}
    sign = -1 if signal.worse is Worse.LOWER else 1
    over: Spells | None = None
    if signal.kind is Kind.LIMIT and signal.limits is not None and signal.limits.alert is not None:
        over = spells_beyond(series.values, parse_quantity(signal.limits.alert), sign, window)
    present = numbers(series.values)
    present = sign * present[~np.isnan(present)]
    worst = sign * float(present.max()) if len(present) else None
    return SeriesEvidence(
        labels=kept,
        values=laid.values,
        samples=laid.samples,
        expected=window.points,
        ending=laid.ending,
        silent=laid.silent,
        longest_over=None if over is None else exact_duration(over.until - over.since),
        over=over,
        gaps=gaps_of(series, window, scraping) if signal.kind is Kind.PRESENCE else None,
        worst=None if worst is None or signal.per is not None else f"{worst:.9g}",
        control=laid.control,
        control_samples=laid.control_samples,
        per=laid.per,
    )

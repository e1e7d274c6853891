"""Evidence: the frozen inputs of a verdict, their canonical bytes and hash, and the chain they form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from driftreview.api.base import Model
from driftreview.api.driftreview import DriftReview
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
from driftreview.api.reasons import Reason
from driftreview.api.signal import Kind, Signal, Worse
from driftreview.api.status import Revision
from driftreview.api.values import parse_quantity
from driftreview.domain.blocks import block_means, block_medians, encode, longest_beyond
from driftreview.domain.display import shorten
from driftreview.domain.samples import Failed, NoData, QueryResult, Samples, Series, TooMany, Window

T0: Final = "T0"
MAX_SERIES: Final = 20
"""Series one signal may have: evidence must fit into one object of the API server."""
MAX_BYTES: Final = 1_000_000
"""Medians one snapshot may be expected to hold."""
MOST_STORED: Final = 1_400_000
"""Bytes of one snapshot as it is stored: etcd refuses objects over 1.5 MiB, and the API server adds field managers."""
LEAST_ROOM: Final = 400_000
"""Of these, what a pod template leaves to the medians, or it is left out: T0 without a baseline judges nothing."""
BYTES_PER_BLOCK: Final = 13
_MOST_BYTES_PER_BLOCK: Final = 17
"""A sign, nine digits and a point, an exponent of three digits, a space."""
_MAX_LABEL: Final = 256
"""Bytes of a label's value: names of pods have 253 at most."""
_ESCAPED: Final = (*"<>&", "\u2028", "\u2029")
_MAX_MESSAGE: Final = 1024


@dataclass(frozen=True)
class Measurement:
    """One signal's query and what it answered."""

    signal: Signal
    query: str
    result: QueryResult


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


def canonical(value: Any) -> bytes:
    """The one way to write a value as JSON: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def content_hash(value: Any) -> str:
    """SHA-256 of a value's canonical JSON."""
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()


def seconds(length: timedelta) -> str:
    """A length of time as evidence writes it."""
    return f"{length // timedelta(seconds=1)}s"


def seal(spec: DriftSnapshotSpec) -> DriftSnapshotSpec:
    """Fill in the hash of everything else."""
    return spec.model_copy(update={"hash": hash_of(spec)})


def hash_of(spec: DriftSnapshotSpec) -> str:
    """The hash a snapshot must carry."""
    return content_hash(spec.model_copy(update={"hash": ""}).to_wire())


def is_intact(spec: DriftSnapshotSpec, expected: str) -> bool:
    """Whether a stored snapshot is the one that was sealed."""
    return spec.hash == expected and hash_of(spec) == expected


def is_of(spec: DriftSnapshotSpec, review: DriftReview, look: Look, judged: str, queries: Sequence[str]) -> bool:
    """Whether stored evidence is what this look of this review would have frozen, but for the samples themselves.

    After a crash a snapshot is found by its name; one that somebody else put there must not be judged. The hash proves
    no author: who may create snapshots can forge the samples, so only the operator's account should.
    """
    window = None if spec.window is None else (spec.window.start, spec.window.end, spec.window.step, spec.window.block)
    expected = (
        None
        if look.window is None
        else (look.window.start, look.window.end, seconds(look.window.step), seconds(look.block))
    )
    return (
        is_intact(spec, spec.hash)
        and spec.review_ref.uid == review.metadata.uid
        and (spec.checkpoint, spec.previous_hash, window) == (look.checkpoint, look.previous_hash, expected)
        and spec.judged.template_hash == judged
        and _pins(spec.previous, review.status.previous if look.checkpoint == T0 else None)
        and _asks(spec, review, look, queries)
    )


def _asks(spec: DriftSnapshotSpec, review: DriftReview, look: Look, queries: Sequence[str]) -> bool:
    """Whether evidence answers the review's signals with its own queries, over all of the window."""
    if look.window is None:
        return not spec.signals
    points = look.window.points
    asked = [(signal.name, query, signal.unit) for signal, query in zip(review.spec.signals, queries, strict=True)]
    whole = all(series.expected == points for each in spec.signals for series in each.series)
    return whole and [(each.name, each.query, each.unit) for each in spec.signals] == asked


def _pins(kept: RevisionEvidence | None, pinned: Revision | None) -> bool:
    """Whether evidence holds the pinned revision and no other: its template is what a rollback would put back."""
    if kept is None or pinned is None:
        return kept is None and pinned is None
    same = (kept.uid, kept.template_hash) == (pinned.uid, pinned.template_hash)
    return same and (not kept.template or content_hash(kept.template) == pinned.template_hash)


def snapshot_name(review: str, uid: str, checkpoint: str) -> str:
    """Name of a snapshot: always the same for one look of one review, so that it cannot be taken twice."""
    return f"{review[:200].rstrip('-.')}-{uid[:8]}-{checkpoint.lower()}"


def take(
    review: DriftReview,
    look: Look,
    signals: Sequence[SignalEvidence],
    judged: RevisionEvidence,
    previous: RevisionEvidence | None = None,
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
        source=look.source,
        window=None
        if window is None
        else EvidenceWindow(start=window.start, end=window.end, step=seconds(window.step), block=seconds(block)),
        judged=judged,
        previous=previous,
        signals=bare,
        previous_hash=look.previous_hash,
        hash="",
    )
    room = MOST_STORED - _stored_size(seal(spec))
    if room < LEAST_ROOM and previous is not None and previous.template:
        spec = spec.model_copy(update={"previous": previous.model_copy(update={"template": {}})})
        room = MOST_STORED - _stored_size(seal(spec))
    fitting: list[SignalEvidence] = []
    for whole, without in zip(signals, bare, strict=True):
        more = max(0, _stored_size(whole) - _stored_size(without))
        fits = more <= room
        room -= more if fits else 0
        fitting.append(whole if fits else without)
    return seal(spec.model_copy(update={"signals": fitting}))


def _too_large(signal: SignalEvidence) -> SignalEvidence:
    """What is left of a signal for whose samples there is no room; one that has none stays as it is."""
    if not signal.series:
        return signal
    size = _stored_size(signal)
    message = f"its {size} bytes of evidence do not fit beside the others: a snapshot has room for {MOST_STORED} in all"
    problem = Problem(reason=Reason.ANSWER_TOO_LARGE, message=message)
    return signal.model_copy(update={"series": [], "problem": problem})


def _stored_size(part: Model) -> int:
    """Bytes of a part of a snapshot as the API server stores it: of some characters it makes six bytes."""
    text = canonical(part.to_wire())
    return len(text) + sum(text.count(each.encode()) * (6 - len(each.encode())) for each in _ESCAPED)


def freeze(measurement: Measurement, window: Window, block: timedelta) -> SignalEvidence:
    """Turn one answer into evidence: blocks per series, or the reason why there are none."""
    signal, result = measurement.signal, measurement.result
    series: list[SeriesEvidence] = []
    match result:
        case Samples():
            problem = shape_problem(signal, [one.labels for one in result.series])
            problem = problem or _too_long(signal, result, window, block)
            if problem is None:
                ordered = sorted(result.series, key=lambda one: sorted(one.labels.items()))
                series = [_freeze_series(signal, one, window, block) for one in ordered]
        case TooMany(labels):
            problem = shape_problem(signal, labels)
        case NoData() | Failed():
            problem = Problem(reason=Reason(result.reason), message=shorten(result.message, _MAX_MESSAGE))
    return SignalEvidence(name=signal.name, query=measurement.query, unit=signal.unit, series=series, problem=problem)


def _too_long(signal: Signal, result: Samples, window: Window, block: timedelta) -> Problem | None:
    blocks = -(-(window.end - window.start) // block)
    if blocks * _MOST_BYTES_PER_BLOCK <= MAX_VALUES:
        return None
    if all(len(encode(_blocks(signal, one, window, block))) <= MAX_VALUES for one in result.series):
        return None
    message = f"{blocks} blocks of {seconds(block)} are too many for one series: they come of an early first look"
    return Problem(reason=Reason.ANSWER_TOO_LARGE, message=message)


def shape_problem(signal: Signal, labels: Sequence[Mapping[str, str]]) -> Problem | None:
    """Say what is wrong with the series a query returned, if they are not what the signal declares."""
    count = len(labels)
    if signal.each is None:
        if count <= 1:
            return None
        message = (
            f"the query returned {count} series but a signal without `each` is one series: aggregate it, for example "
            f"sum(...), or set `each` to the label that tells them apart ({_differing(labels)})"
        )
        return Problem(reason=Reason.SEVERAL_SERIES, message=shorten(message, _MAX_MESSAGE))
    if count > MAX_SERIES:
        message = f"the query returned {count} series, more than {MAX_SERIES}: aggregate, or select with topk()"
        return Problem(reason=Reason.TOO_MANY_SERIES, message=message)
    names = [each.get(signal.each) for each in labels]
    if None in names or len(set(names)) < count:
        message = (
            f"`each` is {signal.each}, but the {count} series returned do not each have their own value of that label: "
            f"use max by ({signal.each}) (...) or the like"
        )
        return Problem(reason=Reason.EACH_LABEL_MISSING, message=message)
    if any(len((name or "").encode()) > _MAX_LABEL for name in names):
        message = (
            f"a value of the label {signal.each} is longer than {_MAX_LABEL} bytes: shorten it with label_replace()"
        )
        return Problem(reason=Reason.ANSWER_TOO_LARGE, message=message)
    return None


def _differing(labels: Sequence[Mapping[str, str]]) -> str:
    names = sorted({name for each in labels for name in each})
    differing = [name for name in names if len({each.get(name) for each in labels}) > 1]
    return ", ".join(differing[:5]) or "none"


def _blocks(signal: Signal, series: Series, window: Window, block: timedelta) -> tuple[float | None, ...]:
    kept = block_means if signal.kind is Kind.EVENTS else block_medians
    return kept(series, window.step, block)


def _freeze_series(signal: Signal, series: Series, window: Window, block: timedelta) -> SeriesEvidence:
    kept = {signal.each: series.labels[signal.each]} if signal.each else {}
    sign = -1 if signal.worse is Worse.LOWER else 1
    longest: timedelta | None = None
    if signal.kind is Kind.LIMIT and signal.limits is not None and signal.limits.alert is not None:
        longest = longest_beyond(series, parse_quantity(signal.limits.alert), sign, window.step)
    samples, worst = 0, None
    for value in series.values:
        if value is not None:
            samples += 1
            worst = value if worst is None or sign * value > sign * worst else worst
    return SeriesEvidence(
        labels=kept,
        values=encode(_blocks(signal, series, window, block)),
        samples=samples,
        expected=window.points,
        longest_over=None if longest is None else seconds(longest),
        worst=None if worst is None else f"{worst:.9g}",
    )

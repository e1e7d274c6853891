"""Holds what a review says of itself against its frozen evidence: hashes, chain, spec, and every verdict judged again.

What the operator does at each look, done anew: where the two differ, one of them was altered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from driftreview.api.base import Model
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshot
from driftreview.api.status import Checkpoint, SnapshotRef
from driftreview.domain.conclusion import concluded
from driftreview.domain.display import shorten
from driftreview.domain.evidence import T0, hash_of, snapshot_name, spec_hash
from driftreview.domain.judge import judge_looks
from driftreview.domain.result import CheckpointResult
from driftreview.domain.rows import check_rows, signal_rows

_NONE: Final = "nothing"
_CELLS: Final = ("verdict", "baseline", "current", "delta")


@dataclass(frozen=True)
class Difference:
    """One place where two accounts of a review differ."""

    path: str
    """Such as status.checkpoints[2].verdict, or snapshots/web-1a2b3c4d-t0."""
    stored: str
    """What stands there."""
    found: str
    """What the evidence says."""

    def __str__(self) -> str:
        """In a sentence."""
        return f"{self.path}: stored is {self.stored}, the evidence says {self.found}"


@dataclass(frozen=True)
class Looked:
    """One frozen look, and what is said of it when it is judged anew; T0 is not judged."""

    name: str
    evidence: DriftSnapshot
    result: CheckpointResult | None = None


def frozen(review: DriftReview, snapshots: Iterable[DriftSnapshot]) -> tuple[Looked, ...]:
    """The frozen looks of a review in the order of its checkpoints, T0 first, as they are: nothing is judged."""
    metadata, named = review.metadata, dict[str, DriftSnapshot]()
    for each in snapshots:
        name = each.spec.checkpoint
        if name not in named or each.metadata.name == snapshot_name(metadata.name, metadata.uid, name):
            named[name] = each
    order = (T0, *review.spec.window.checkpoints)
    return tuple(Looked(name, named[name]) for name in order if name in named)


def looked(review: DriftReview, snapshots: Iterable[DriftSnapshot]) -> tuple[Looked, ...]:
    """The same, each but T0 judged anew; without T0 nothing can be judged, and nothing is returned."""
    found = frozen(review, snapshots)
    if not found or found[0].name != T0:
        return ()
    first, *others = found
    results = judge_looks(review.spec, first.evidence.spec, [each.evidence.spec for each in others])
    return (first, *(replace(each, result=result) for each, result in zip(others, results, strict=True)))


def differences(review: DriftReview, looks: Sequence[Looked]) -> Iterator[Difference]:
    """Every place where a review and its evidence do not agree; first what the evidence is, then what it says."""
    if review.status.baseline is None:
        return
    yield from _chain(review, looks)
    yield from _spec(review, looks)
    found = {each.name: each for each in looks}
    for index, row in enumerate(review.status.checkpoints):
        look = found.get(row.name)
        if look is not None and look.result is not None and row.verdict is not None:
            yield from _row(f"status.checkpoints[{index}]", row, look.result)
    yield from _decision(review, looks)


def _chain(review: DriftReview, looks: Sequence[Looked]) -> Iterator[Difference]:
    """Whether the snapshots are those that the status names: unaltered, of this review, each linked to the last."""
    named = [("status.baseline", T0, review.status.baseline)]
    named += [
        (f"status.checkpoints[{index}].snapshot", row.name, row.snapshot)
        for index, row in enumerate(review.status.checkpoints)
        if row.verdict is not None
    ]
    found = {each.name: each.evidence for each in looks}
    before = ""
    for path, name, ref in named:
        stored = found.get(name)
        if stored is None:
            yield Difference(path, _name(ref), "there is no such snapshot")
            before = ref.hash if ref else ""
            continue
        where, spec = f"snapshots/{stored.metadata.name}", stored.spec
        checks = (
            (f"{where}: spec.hash", spec.hash, hash_of(spec)),
            (f"{where}: spec.reviewRef.uid", spec.review_ref.uid, review.metadata.uid),
            (f"{where}: spec.previousHash", spec.previous_hash or _NONE, before or _NONE),
            (f"{path}.hash", ref.hash if ref else _NONE, spec.hash),
            (f"{path}.name", ref.name if ref else _NONE, stored.metadata.name),
        )
        yield from (Difference(*each) for each in checks if each[1] != each[2])
        before = spec.hash


def _name(ref: SnapshotRef | None) -> str:
    return ref.name if ref else _NONE


def _spec(review: DriftReview, looks: Sequence[Looked]) -> Iterator[Difference]:
    """Whether the review is still the one that was started, where T0 says which that was."""
    at_t0 = looks[0].evidence.spec.spec_hash if looks and looks[0].name == T0 else None
    now = spec_hash(review.spec)
    if at_t0 is not None and at_t0 != now:
        yield Difference("spec", now, at_t0)


def _row(path: str, row: Checkpoint, result: CheckpointResult) -> Iterator[Difference]:
    """A row of the status, with what of it was kept for want of room."""
    stored, said = (row.verdict or _NONE, row.message or _NONE), (result.verdict, shorten(result.message))
    for field, old, new in zip(("verdict", "message"), stored, said, strict=True):
        if old != new:
            yield Difference(f"{path}.{field}", old, new)
    signals = {each.name: each for each in signal_rows(result)}
    for each in row.signals:
        yield from _cells(f"{path}.signals[{each.name}]", each, signals.get(each.name), _CELLS)
    checks = {each.name: each for each in check_rows(result)}
    for check in row.checks:
        yield from _cells(f"{path}.checks[{check.name}]", check, checks.get(check.name), ("verdict", "message"))


def _cells(path: str, stored: Model, found: Model | None, fields: Iterable[str]) -> Iterator[Difference]:
    if found is None:
        yield Difference(path, "a row", "there is no such row")
        return
    for field in fields:
        old, new = str(getattr(stored, field)), str(getattr(found, field))
        if old != new:
            yield Difference(f"{path}.{field}", old or _NONE, new or _NONE)


def _decision(review: DriftReview, looks: Sequence[Looked]) -> Iterator[Difference]:
    """Whether a decision that names a checkpoint is the one that this leads to."""
    decision, names = review.status.decision, review.spec.window.checkpoints
    for each in looks:
        conclusion = concluded(each.result.verdict, last=each.name == names[-1]) if each.result else None
        if conclusion is None or _unjudged(review, each.name):
            continue
        by = f"checkpoint {each.name}"
        if decision is None:
            yield Difference("status.decision", _NONE, f"{conclusion[0]} by {by}")
        elif decision.by.startswith("checkpoint ") and (decision.by, decision.recommendation) != (by, conclusion[0]):
            yield Difference(
                "status.decision", f"{decision.recommendation} by {decision.by}", f"{conclusion[0]} by {by}"
            )
        return


def _unjudged(review: DriftReview, name: str) -> bool:
    """Whether a look was frozen but not judged: the operator died between the two, and judges it next."""
    return all(row.name != name or row.verdict is None for row in review.status.checkpoints)

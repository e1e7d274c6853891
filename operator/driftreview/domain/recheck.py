"""Holds what a review says of itself against its frozen evidence: hashes, chain, spec, and every verdict judged again.

What the operator does at each look, done anew: where the two differ, one of them was altered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from driftreview.api.approval import DriftApproval
from driftreview.api.base import Model
from driftreview.api.checkpoint import Checkpoint, SnapshotRef
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshot
from driftreview.api.signalset import UsedSet
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.agreeing import contradictions
from driftreview.domain.approvals import added
from driftreview.domain.chainproof import chain_differences
from driftreview.domain.difference import NONE, Difference
from driftreview.domain.display import some
from driftreview.domain.ensued import ensued
from driftreview.domain.evidence import RECOVERY, T0, hash_of, spec_hash
from driftreview.domain.judge import judge_looks, judge_recovery
from driftreview.domain.naming import earlier_names, look_names, replaced_names, stored_name
from driftreview.domain.recorded import by_people
from driftreview.domain.recovering import recovery_differences
from driftreview.domain.result import CheckpointResult
from driftreview.domain.rows import judged_row
from driftreview.domain.signalsets import as_at_t0, is_pinned
from driftreview.domain.status import as_bounded, has_room

UNPROVED: Final = (
    "status.observedGeneration, and that of each condition",
    "status.rolledOut; status.target.rolledOutAt, rolloutTook and breakGlass; status.target.uid where nothing was done",
    "of status.members: rolledOut, kept, check; of their target all but uid",
    "status.act.generation, by and pause; of its steps uid, and appliedAt of one that did not come to its end",
    "of status.approvals: counted, why and revision; all of a record whose DriftApproval is not there",
    "the sentence of what people decided, and of a review that ended without an act",
    "status.conditions: Accepted, Preflight, MetricsAvailable, OwnedByGit, Approved, ActsStopped",
    "status.conditions: ReportWritten and AlertRulesWritten",
    "status.guardedUntil, and condition Guarded",
    "status.conditions: NewRevisionRefused and DecisionDue, until the end",
    "status.conditions: BaselineCaptured's message",
    "what was seen after a rollback: status.aftermath, StaysBack, notBack; why and when a recovery was not judged",
    "since when each condition holds, but for the end of a review whose act was carried out",
    "status.rollback.check, status.kept; of status.chain.revisions: t0, until and followedBy",
    "until the end: status.freeze, status.progress, status.nextCheckpoint, status.rollback.possible and left",
)
"""What a bundle cannot show: the operator's word, as `verify` and docs/report.md name it."""
_CELLS: Final = ("verdict", "baseline", "current", "delta")


@dataclass(frozen=True)
class Looked:
    """One frozen look, and what is said of it when it is judged anew; T0 is not judged."""

    name: str
    evidence: DriftSnapshot
    result: CheckpointResult | None = None

    @property
    def without_data(self) -> dict[str, str]:
        """Signals that had no data, or not enough to be judged, each with why."""
        unanswered = {each.name: each.problem.message for each in self.evidence.spec.signals if each.problem}
        judged = self.result.results if self.result else ()
        missing = [each for each in judged if each.finding.verdict is SignalVerdict.MISSING]
        return unanswered | {each.signal.name: each.finding.message for each in missing}


def frozen(review: DriftReview, snapshots: Iterable[DriftSnapshot]) -> tuple[Looked, ...]:
    """The frozen looks since T0 was last taken, T0 first, as they are: nothing is judged."""
    old, named = replaced_names(review), dict[str, DriftSnapshot]()
    for each in snapshots:
        name = each.spec.checkpoint
        if each.metadata.name not in old and (name not in named or each.metadata.name == stored_name(review, name)):
            named[name] = each
    return tuple(Looked(name, named[name]) for name in look_names(review) if name in named)


def frozen_recovery(review: DriftReview, snapshots: Iterable[DriftSnapshot]) -> Looked | None:
    """The frozen time after a rollback, as it is; None where it was not frozen."""
    name = stored_name(review, RECOVERY)
    found = next((each for each in snapshots if each.metadata.name == name), None)
    return None if found is None else Looked(RECOVERY, found)


def looked_after(review: DriftReview, looks: Sequence[Looked], snapshots: Iterable[DriftSnapshot]) -> Looked | None:
    """The same judged anew; as it is, where T0 is not there to judge it by."""
    after, t0 = frozen_recovery(review, snapshots), review.status.t0
    if after is None or not looks or looks[0].name != T0 or t0 is None:
        return after
    baseline, review = looks[0].evidence.spec, as_judged(review, looks)
    return replace(after, result=judge_recovery(review.spec, baseline, after.evidence.spec, t0))


def earlier(review: DriftReview, snapshots: Iterable[DriftSnapshot]) -> tuple[DriftSnapshot, ...]:
    """The T0s before the present one that its chain rests on, oldest first.

    One that was frozen and taken anew before the review knew of it is no part of the chain.
    """
    old, ref = earlier_names(review), review.status.earlier
    left = {each.metadata.name: each for each in snapshots if each.metadata.name in old}
    chain: list[DriftSnapshot] = []
    found = left.pop(ref.name, None) if ref is not None else None
    while found is not None:
        chain.append(found)
        before = found.spec.previous_hash
        name = next((name for name, each in left.items() if before and each.spec.hash == before), "")
        found = left.pop(name, None)
    return tuple(reversed(chain))


def looked(review: DriftReview, snapshots: Iterable[DriftSnapshot]) -> tuple[Looked, ...]:
    """The same as `frozen`, each but T0 judged anew; without T0 nothing can be judged, and nothing is returned."""
    found = frozen(review, snapshots)
    if not found or found[0].name != T0:
        return ()
    first, *others = found
    review = as_judged(review, found)
    evidence = [each.evidence.spec for each in others]
    results = judge_looks(review.spec, first.evidence.spec, evidence, added(review))
    return (first, *(replace(each, result=result) for each, result in zip(others, results, strict=True)))


def as_judged(review: DriftReview, looks: Sequence[Looked]) -> DriftReview:
    """The review with the signals of its sets as T0 froze them; as it is without T0."""
    return as_at_t0(review, looks[0].evidence.spec) if looks and looks[0].name == T0 else review


def differences(
    review: DriftReview,
    looks: Sequence[Looked],
    old: Sequence[DriftSnapshot],
    approvals: Sequence[DriftApproval],
    after: Looked | None,
) -> Iterator[Difference]:
    """Every place where a review and its evidence do not agree; first what the evidence is, then what it says.

    Args:
        review: with its status.
        looks: as `frozen` or `looked` finds them.
        old: as `earlier` finds them.
        approvals: what people did about this review.
        after: as `frozen_recovery` or `looked_after` finds it; None where there is nothing after a rollback.
    """
    yield from _chain(review, looks, old, after)
    yield from _spec(review, looks)
    compared = judged(review, looks)
    whole = [_anew(review, row, result) for _, row, result in compared]
    rows = {each.name: each for each in review.status.checkpoints} | {each.name: each for each in whole}
    full = has_room(review.status.model_copy(update={"checkpoints": list(rows.values())}))
    for (index, row, _), made in zip(compared, whole, strict=True):
        yield from _row(f"status.checkpoints[{index}]", row, made, full=full)
    yield from contradictions(review, [each.evidence.spec for each in looks])
    yield from chain_differences(review, [each.spec for each in old])
    yield from recovery_differences(review, after.evidence.spec if after else None, after.result if after else None)
    is_whole = len(compared) == sum(each.verdict is not None for each in review.status.checkpoints)
    yield from ensued(review, {row.name: result.verdict for _, row, result in compared} if is_whole else None)
    yield from by_people(review, approvals)


def judged(review: DriftReview, looks: Sequence[Looked]) -> list[tuple[int, Checkpoint, CheckpointResult]]:
    """Each row of the status that has a verdict, with its place, and what is said of its look when judged anew."""
    results = {each.name: each.result for each in looks}
    return [
        (index, row, result)
        for index, row in enumerate(review.status.checkpoints)
        if row.verdict is not None and (result := results.get(row.name)) is not None
    ]


def linked(
    review: DriftReview, looks: Sequence[Looked], old: Sequence[DriftSnapshot], after: Looked | None = None
) -> list[tuple[str, DriftSnapshot | None, SnapshotRef | None]]:
    """The links of the chain, oldest first: where the status names it, the snapshot, and how it is named there.

    A snapshot that the status does not name yet has neither a path nor a name there; one that it names may be missing.
    """
    status, found = review.status, {each.name: each.evidence for each in looks}
    chain = [("", each, None) for each in (old[:-1] if status.earlier is not None else old)]
    links: list[tuple[str, DriftSnapshot | None, SnapshotRef | None]] = [*chain]
    if status.earlier is not None:
        links.append(("status.earlier", old[-1] if old else None, status.earlier))
    paths: dict[str, tuple[str, SnapshotRef | None]] = {}
    if status.baseline is not None:
        paths[T0] = ("status.baseline", status.baseline)
    for index, row in enumerate(status.checkpoints):
        if row.verdict is not None:
            paths[row.name] = (f"status.checkpoints[{index}].snapshot", row.snapshot)
    for name in look_names(review):
        path, ref = paths.get(name, ("", None))
        # A look that was frozen and never judged is no part of the chain once another one follows in its place.
        if path or (name in found and after is None):
            links.append((path, found.get(name), ref))
    recovery = status.recovery.snapshot if status.recovery is not None else None
    if after is not None or recovery is not None:
        path = "status.recovery.snapshot" if recovery is not None else ""
        links.append((path, after.evidence if after else None, recovery))
    return links


def _chain(
    review: DriftReview, looks: Sequence[Looked], old: Sequence[DriftSnapshot], after: Looked | None
) -> Iterator[Difference]:
    """Whether the snapshots are those that the status names: unaltered, of this review, each linked to the last."""
    before = ""
    for path, stored, ref in linked(review, looks, old, after):
        if stored is None:
            yield Difference(path, ref.name if ref else NONE, "there is no such snapshot")
            before = ref.hash if ref else ""
            continue
        where, spec = f"snapshots/{stored.metadata.name}", stored.spec
        checks = [
            (f"{where}: spec.hash", spec.hash, hash_of(spec)),
            (f"{where}: spec.reviewRef.uid", spec.review_ref.uid, review.metadata.uid),
            (f"{where}: spec.previousHash", spec.previous_hash or NONE, before or NONE),
        ]
        if path:
            checks += [
                (f"{path}.hash", ref.hash if ref else NONE, spec.hash),
                (f"{path}.name", ref.name if ref else NONE, stored.metadata.name),
            ]
        yield from (Difference(*each) for each in checks if each[1] != each[2])
        before = spec.hash


def _spec(review: DriftReview, looks: Sequence[Looked]) -> Iterator[Difference]:
    """Whether the review is still the one that was started, where T0 says which that was."""
    if not looks or looks[0].name != T0:
        return
    at_t0, now = looks[0].evidence.spec, spec_hash(as_judged(review, looks).spec)
    if at_t0.spec_hash is not None and at_t0.spec_hash != now:
        yield Difference("spec", now, at_t0.spec_hash)
    if not is_pinned(review, at_t0):
        yield Difference("status.signalSets", _sets(review.status.signal_sets or []), _sets(at_t0.signal_sets or []))


def _sets(used: Sequence[UsedSet]) -> str:
    return ", ".join(f"{each.kind} {each.name} {each.signals_hash}" for each in used) or NONE


def _anew(review: DriftReview, row: Checkpoint, result: CheckpointResult) -> Checkpoint:
    """The whole row of a look as the operator writes it; nothing is dropped for want of room."""
    return judged_row(row, result, row.snapshot, review.spec.window.settle, row.judged_at or row.due)


def _row(path: str, row: Checkpoint, made: Checkpoint, *, full: bool) -> Iterator[Difference]:
    """A row of the status, with what of it was kept; `full`: there was room for all of it."""
    for field, name in (("verdict", "verdict"), ("message", "message"), ("late_by", "lateBy")):
        old, new = (getattr(each, field) for each in (row, made))
        if old != new:
            yield Difference(f"{path}.{name}", old or NONE, new or NONE)
    kept = (made,) if full else as_bounded(made)
    for part, fields in (("signals", _CELLS), ("evidence", _CELLS), ("checks", ("verdict", "message"))):
        rows = {each.name: each for each in getattr(made, part)}
        for each in getattr(row, part):
            yield from _cells(f"{path}.{part}[{each.name}]", each, rows.get(each.name), fields)
        names = [each.name for each in getattr(row, part)]
        if set(names) <= rows.keys() and names not in [[one.name for one in getattr(each, part)] for each in kept]:
            yield Difference(f"{path}.{part}", some(names) or NONE, some(list(rows)))
    if row.confounders not in [each.confounders for each in kept]:
        yield Difference(f"{path}.confounders", str(row.confounders or NONE), str(made.confounders or NONE))


def _cells(path: str, stored: Model, found: Model | None, fields: Iterable[str]) -> Iterator[Difference]:
    if found is None:
        yield Difference(path, "a row", "there is no such row")
        return
    for field in fields:
        old, new = str(getattr(stored, field)), str(getattr(found, field))
        if old != new:
            yield Difference(f"{path}.{field}", old or NONE, new or NONE)

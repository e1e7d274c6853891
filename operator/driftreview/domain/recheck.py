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
from driftreview.api.reasons import Reason, Recommendation, SignalVerdict
from driftreview.api.signalset import UsedSet
from driftreview.api.status import Decision
from driftreview.domain.agreeing import contradictions
from driftreview.domain.approvals import added
from driftreview.domain.conclusion import BY_PEOPLE, concluded
from driftreview.domain.difference import NONE, Difference
from driftreview.domain.display import shorten
from driftreview.domain.evidence import T0, hash_of, spec_hash
from driftreview.domain.judge import judge_looks
from driftreview.domain.naming import earlier_names, look_names, stored_name
from driftreview.domain.recorded import by_people
from driftreview.domain.result import CheckpointResult
from driftreview.domain.rows import check_rows, evidence_rows, signal_rows
from driftreview.domain.signalsets import as_at_t0, is_pinned

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
    old, named = earlier_names(review), dict[str, DriftSnapshot]()
    for each in snapshots:
        name = each.spec.checkpoint
        if each.metadata.name not in old and (name not in named or each.metadata.name == stored_name(review, name)):
            named[name] = each
    return tuple(Looked(name, named[name]) for name in look_names(review) if name in named)


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
    review: DriftReview, looks: Sequence[Looked], old: Sequence[DriftSnapshot], approvals: Sequence[DriftApproval]
) -> Iterator[Difference]:
    """Every place where a review and its evidence do not agree; first what the evidence is, then what it says.

    Args:
        review: with its status.
        looks: as `frozen` or `looked` finds them.
        old: as `earlier` finds them.
        approvals: what people did about this review.
    """
    yield from _chain(review, looks, old)
    if review.status.baseline is not None:
        yield from _spec(review, looks)
        yield from contradictions(review, [each.evidence.spec for each in looks])
        found = {each.name: each for each in looks}
        for index, row in enumerate(review.status.checkpoints):
            look = found.get(row.name)
            if look is not None and look.result is not None and row.verdict is not None:
                yield from _row(f"status.checkpoints[{index}]", row, look.result)
        yield from _decision(review, looks)
    yield from by_people(review, approvals)


def _chain(review: DriftReview, looks: Sequence[Looked], old: Sequence[DriftSnapshot]) -> Iterator[Difference]:
    """Whether the snapshots are those that the status names: unaltered, of this review, each linked to the last."""
    status, found = review.status, {each.name: each.evidence for each in looks}
    named: list[tuple[str, DriftSnapshot | None, SnapshotRef | None]] = [("", each, None) for each in old[:-1]]
    if status.earlier is not None:
        named.append(("status.earlier", old[-1] if old else None, status.earlier))
    if status.baseline is not None:
        named.append(("status.baseline", found.get(T0), status.baseline))
        named += [
            (f"status.checkpoints[{index}].snapshot", found.get(row.name), row.snapshot)
            for index, row in enumerate(status.checkpoints)
            if row.verdict is not None
        ]
    before = ""
    for path, stored, ref in named:
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


def _row(path: str, row: Checkpoint, result: CheckpointResult) -> Iterator[Difference]:
    """A row of the status, with what of it was kept for want of room."""
    stored, said = (row.verdict or NONE, row.message or NONE), (result.verdict, shorten(result.message))
    for field, old, new in zip(("verdict", "message"), stored, said, strict=True):
        if old != new:
            yield Difference(f"{path}.{field}", old, new)
    judged = (("signals", row.signals, signal_rows(result)), ("evidence", row.evidence, evidence_rows(result)))
    for field, kept, made in judged:
        rows = {each.name: each for each in made}
        for each in kept:
            yield from _cells(f"{path}.{field}[{each.name}]", each, rows.get(each.name), _CELLS)
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
            yield Difference(f"{path}.{field}", old or NONE, new or NONE)


def _decision(review: DriftReview, looks: Sequence[Looked]) -> Iterator[Difference]:
    """Whether the decision is the one that the looks lead to; people and the policy may decide otherwise."""
    decision, last = review.status.decision, look_names(review)[-1]
    for each in looks:
        conclusion = concluded(each.result.verdict, last=each.name == last) if each.result else None
        if conclusion is None or _unjudged(review, each.name):
            continue
        by = f"checkpoint {each.name}"
        if decision is None:
            yield Difference("status.decision", NONE, f"{conclusion[0]} by {by}")
        elif not _may_be(decision, conclusion[0], by):
            yield Difference(
                "status.decision", f"{decision.recommendation} by {decision.by}", f"{conclusion[0]} by {by}"
            )
        return


def _may_be(decision: Decision, what: Recommendation, by: str) -> bool:
    """Whether a decision is what a look concluded, or that of who may decide otherwise; no policy overrules a drift."""
    if decision.reason is Reason.POLICY:
        return decision.recommendation is Recommendation.INCONCLUSIVE and what is not Recommendation.REJECT
    return decision.reason in BY_PEOPLE or (decision.by, decision.recommendation) == (by, what)


def _unjudged(review: DriftReview, name: str) -> bool:
    """Whether a look was frozen but not judged: the operator died between the two, and judges it next."""
    return all(row.name != name or row.verdict is None for row in review.status.checkpoints)

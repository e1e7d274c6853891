"""Holds what is kept of a chain of revisions against the frozen T0s of these revisions, and the looks at them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from driftreview.api.base import format_time
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshot, DriftSnapshotSpec
from driftreview.domain.agreeing import revision_differences
from driftreview.domain.difference import NONE, Difference
from driftreview.domain.evidence import T0, hash_of
from driftreview.domain.naming import look_names, replaced_looks


def chain_differences(review: DriftReview, old: Sequence[DriftSnapshotSpec]) -> Iterator[Difference]:
    """Every place where a chain does not follow from the evidence.

    Args:
        review: with its status.
        old: the T0s before the present one; of a revision that was replaced before its T0 was frozen there is none.
    """
    status, chain = review.status, review.status.chain
    if chain is None:
        return
    if status.target is not None:
        kept = (
            ("targetUid", chain.target_uid, status.target.uid),
            ("historyEndsAt", format_time(chain.history_ends_at), format_time(status.target.history_ends_at)),
        )
        yield from (Difference(f"status.chain.{name}", *each) for name, *each in kept if each[0] != each[1])
    if status.previous is not None and status.previous != chain.previous:
        back = chain.previous.name if chain.previous is not None else NONE
        yield Difference("status.chain.previous", back, status.previous.name)
    frozen = [(each.judged.name, each.judged.template_hash) for each in old]
    without = [each for each in chain.revisions if (each.name, each.template_hash) not in frozen]
    if len(without) > (status.retaken or 0) - len(old):
        yield Difference("status.chain.revisions", without[0].name, "there is no frozen T0 of it")
    first = chain.revisions[0]
    at_first = next((each for each in old if each.judged.template_hash == first.template_hash), None)
    if at_first is not None and at_first is old[0]:
        pinned = at_first.previous if at_first.previous is not None and at_first.previous.template else None
        yield from revision_differences("status.chain.previous", chain.previous, pinned)


def replaced(review: DriftReview, snapshots: Iterable[DriftSnapshot]) -> tuple[Mapping[str, DriftSnapshot], ...]:
    """For each T0 before the present one what was frozen then, by the names of its looks and in their order."""
    found = {each.metadata.name: each for each in snapshots}
    looks = look_names(review)
    named = (zip(looks, names, strict=True) for names in replaced_looks(review))
    return tuple({look: found[name] for look, name in each if name in found} for each in named)


def replaced_differences(review: DriftReview, times: Iterable[Mapping[str, DriftSnapshot]]) -> Iterator[Difference]:
    """Every place where a look from before T0 was last taken is altered, or does not follow from its own T0.

    Nothing that is kept says which there were, nor what they came to. One may have been frozen and never judged: the
    next one is then linked to the look before it.
    """
    for looks in times:
        at_t0 = looks.get(T0)
        before: list[str] = [] if at_t0 is None else [at_t0.spec.hash]
        for name, each in looks.items():
            where, spec = f"snapshots/{each.metadata.name}", each.spec
            if at_t0 is None:
                yield Difference(where, f"a look at T0+{name}", "there is no T0 of it")
            elif name != T0:
                linked = spec.previous_hash if spec.previous_hash in before else before[-1]
                checks = (
                    ("hash", spec.hash, hash_of(spec)),
                    ("checkpoint", spec.checkpoint, name),
                    ("reviewRef.uid", spec.review_ref.uid, review.metadata.uid),
                    ("judged.name", spec.judged.name, at_t0.spec.judged.name),
                    ("previousHash", spec.previous_hash or NONE, linked),
                )
                yield from (
                    Difference(f"{where}: spec.{field}", *found) for field, *found in checks if found[0] != found[1]
                )
                before.append(spec.hash)

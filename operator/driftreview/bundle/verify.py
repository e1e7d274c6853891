"""Proves a bundle: hashes, signature, chain, and every verdict judged again from its frozen samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from driftreview import __version__
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshot
from driftreview.bundle.contents import MANIFEST, MOST_APPROVALS, REPORT, REVIEW, SIGNATURE, Bundle, read
from driftreview.bundle.errors import BundleError, readable
from driftreview.bundle.signing import is_signed
from driftreview.domain.chainproof import replaced, replaced_differences
from driftreview.domain.difference import Difference
from driftreview.domain.display import counted
from driftreview.domain.evidence import T0
from driftreview.domain.recheck import (
    UNPROVED,
    Looked,
    differences,
    earlier,
    frozen,
    frozen_recovery,
    judged,
    linked,
    looked,
    looked_after,
)
from driftreview.domain.recorded import remarks
from driftreview.domain.report.build import report
from driftreview.report.files import files


@dataclass(frozen=True)
class Proof:
    """What was proved."""

    bundle: Bundle
    chained: int
    """Snapshots whose own hash, link and, where the status names them, name were compared."""
    judged: int
    """Looks whose verdict, sentence and rows were compared with those of judging them again."""
    notes: list[str]
    """What was not, and why."""


def prove(packed: bytes, public_pem: bytes | None = None) -> Proof:
    """Prove a bundle.

    Args:
        packed: its bytes.
        public_pem: by which key it must be signed, if by any.

    Raises:
        BundleError: the first difference, with its path.
        SigningKeyError: that is no such key.
    """
    bundle = read(packed)
    notes = list(_signature(bundle, public_pem))
    snapshots = list(bundle.snapshots.values())
    old, plain = earlier(bundle.review, snapshots), frozen(bundle.review, snapshots)
    with readable():
        _agree(bundle, plain, old, frozen_recovery(bundle.review, snapshots))
        _same(bundle, replaced_differences(bundle.review, replaced(bundle.review, snapshots)))
        looks = looked(bundle.review, snapshots)
        after = looked_after(bundle.review, looks, snapshots)
        _agree(bundle, looks, old, after)
        links = [each for _, each, _ in linked(bundle.review, plain, old, after) if each is not None]
        notes += [*_unproved(bundle, links), *_report(bundle)]
        notes.append(f"the operator's word, not proved: {'; '.join(UNPROVED)}")
    recovered = after is not None and after.result is not None and _is_told(bundle.review)
    return Proof(bundle, len(links), len(judged(bundle.review, looks)) + recovered, notes)


def _is_told(review: DriftReview) -> bool:
    """Whether the status has what the time after a rollback was judged to be."""
    return review.status.recovery is not None and review.status.recovery.snapshot is not None


def _agree(bundle: Bundle, looks: Sequence[Looked], old: Sequence[DriftSnapshot], after: Looked | None) -> None:
    _same(bundle, differences(bundle.review, looks, old, list(bundle.approvals.values()), after))


def _same(bundle: Bundle, found: Iterator[Difference]) -> None:
    for each in found:
        raise BundleError(_placed(bundle, each.path), f"stored is {each.stored}, the evidence says {each.found}")


def _unproved(bundle: Bundle, links: Sequence[DriftSnapshot]) -> Iterator[str]:
    """What is there beside the chain, and acts of which there is only the record or only the object, or no room."""
    if bundle.manifest.left_off is not None:
        yield f"{bundle.manifest.left_off} more DriftApprovals were left off: a bundle has room for {MOST_APPROVALS}"
    times = replaced(bundle.review, bundle.snapshots.values())
    looks = [each for found in times for name, each in found.items() if name != T0]
    if looks:
        were = f"{counted(len(looks), 'look', 'looks')} from before T0 was last taken: unaltered, each linked to its T0"
        yield f"{were}; what they came to, and whether there were more, is kept nowhere"
    for file, snapshot in bundle.snapshots.items():
        if snapshot not in links and snapshot not in looks:
            yield f"{file} is no part of the chain: nothing rests on it"
    yield from remarks(bundle.review, list(bundle.approvals.values()))


def _placed(bundle: Bundle, path: str) -> str:
    """The path of a difference in the bundle."""
    named = [(file, f"snapshots/{each.metadata.name}") for file, each in bundle.snapshots.items()]
    named += [(file, f"approvals/{each.metadata.name}") for file, each in bundle.approvals.items()]
    for file, prefix in named:
        if path.startswith(f"{prefix}:"):
            return file + path.removeprefix(prefix)
    return f"{REVIEW}: {path}"


def _signature(bundle: Bundle, public_pem: bytes | None) -> Iterator[str]:
    if public_pem is None:
        state = "not signed" if bundle.signed is None else "signed, but no --public-key says by whom"
        yield f"{state}: who can write all of the bundle can forge it"
        return
    if bundle.signed is None:
        raise BundleError(SIGNATURE, "it is not there: the bundle is not signed")
    if not is_signed(bundle.files[MANIFEST], bundle.signed, public_pem):
        raise BundleError(SIGNATURE, "it is not of this manifest and that key")


def _report(bundle: Bundle) -> Iterator[str]:
    """What is beside the evidence must be the report that it gives; another version may write it otherwise."""
    made = report(bundle.review, bundle.snapshots.values(), bundle.approvals.values())
    given = {f"{REPORT}{name}": text.encode() for name, text in files(made).items()}
    evidence = {MANIFEST, SIGNATURE, REVIEW, *bundle.snapshots, *bundle.approvals}
    beside = {name: content for name, content in bundle.files.items() if name not in evidence}
    other = min((name for name in given | beside if given.get(name) != beside.get(name)), default=None)
    tool = bundle.manifest.tool
    if other is not None and tool == __version__:
        raise BundleError(other, "it is not the report that this evidence gives")
    if other is not None:
        yield (
            f"{other} is not proved, nor is the rest of the report: the manifest says that version {tool} wrote it, and"
            f" {__version__}, which this is, makes another one of this evidence; verify with version {tool}"
        )

"""Proves a bundle: hashes, signature, chain, and every verdict judged again from its frozen samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from driftreview import __version__
from driftreview.bundle.contents import MANIFEST, REPORT, REVIEW, SIGNATURE, Bundle, read
from driftreview.bundle.errors import BundleError
from driftreview.bundle.signing import is_signed
from driftreview.domain.recheck import differences, frozen, looked
from driftreview.domain.report.build import report
from driftreview.report.files import files


@dataclass(frozen=True)
class Proof:
    """What was proved."""

    bundle: Bundle
    judged: int
    """Looks that were judged again."""
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
    for each in differences(bundle.review, frozen(bundle.review, snapshots)):
        raise BundleError(_placed(bundle, each.path), f"stored is {each.stored}, the evidence says {each.found}")
    try:
        looks = looked(bundle.review, snapshots)
    except (ValueError, ArithmeticError, LookupError) as error:
        raise BundleError("snapshots", f"the evidence cannot be judged: {error}") from error
    for each in differences(bundle.review, looks):
        raise BundleError(_placed(bundle, each.path), f"stored is {each.stored}, the evidence says {each.found}")
    notes += _report(bundle)
    return Proof(bundle, sum(1 for each in looks if each.result is not None), notes)


def _placed(bundle: Bundle, path: str) -> str:
    """The path of a difference in the bundle."""
    for file, snapshot in bundle.snapshots.items():
        prefix = f"snapshots/{snapshot.metadata.name}"
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
    """The report must be the one that this evidence gives; another version may write it otherwise."""
    if bundle.manifest.tool != __version__:
        yield f"the report was not compared: it is of version {bundle.manifest.tool}, and this is {__version__}"
        return
    for name, text in files(report(bundle.review, bundle.snapshots.values())).items():
        if bundle.files.get(f"{REPORT}{name}") != text.encode():
            raise BundleError(f"{REPORT}{name}", "it is not the report that this evidence gives")

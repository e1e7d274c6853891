"""What a bundle holds: the review, its snapshots and approvals as the API server has them, the report, a manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any, Final, TypeVar

from pydantic import Field, ValidationError

from driftreview import __version__
from driftreview.api.approval import DriftApproval
from driftreview.api.base import Model
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshot
from driftreview.api.jsontext import read_json
from driftreview.bundle.archive import pack, unpack
from driftreview.bundle.errors import BundleError, readable
from driftreview.bundle.signing import signature
from driftreview.domain import podtemplate
from driftreview.domain.evidence import RECOVERY, canonical, snapshot_name
from driftreview.domain.naming import look_names, replaced_looks, stored_name
from driftreview.domain.report.build import report
from driftreview.report.files import files

Raw = Mapping[str, Any]
FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
REVIEW: Final = "review.json"
REPORT: Final = "report/"
SNAPSHOTS: Final = "snapshots/"
APPROVALS: Final = "approvals/"
MOST_APPROVALS: Final = 4000
"""DriftApprovals in one bundle, of 4,096 files in all: whoever may approve decides how many there are."""
_T = TypeVar("_T", bound=Model)


class Manifest(Model):
    """What else is in the bundle."""

    version: int
    """Of the format."""
    tool: str
    """Version of DriftReview that wrote it."""
    namespace: str
    name: str
    uid: str
    files: dict[str, str]
    """SHA-256 of each file."""
    left_off: Annotated[int, Field(ge=1)] | None = None
    """DriftApprovals that the review does not remember, and for which a bundle has no room."""


@dataclass(frozen=True)
class Bundle:
    """A bundle whose files are those of its manifest."""

    manifest: Manifest
    review: DriftReview
    snapshots: dict[str, DriftSnapshot]
    """By their file."""
    approvals: dict[str, DriftApproval]
    """By their file."""
    files: Mapping[str, bytes]

    @property
    def signed(self) -> bytes | None:
        """The manifest's signature."""
        return self.files.get(SIGNATURE)


def write(
    review: Raw, snapshots: Sequence[Raw], approvals: Sequence[Raw] = (), private_pem: bytes | None = None
) -> bytes:
    """Make the bundle of a review: the same bytes for the same objects, whenever and however often.

    Args:
        review: as the API server has it, as all objects.
        snapshots: its frozen looks.
        approvals: what people did about it.
        private_pem: what the manifest is signed with, if anything.

    Raises:
        SigningKeyError: it is no key to sign with.
        BundleError: the evidence cannot be read.
    """
    model = DriftReview.model_validate(review)
    looks = [DriftSnapshot.model_validate(each) for each in snapshots]
    found = {REVIEW: _written(review)}
    order = [
        *chain.from_iterable(replaced_looks(model)),
        *(stored_name(model, each) for each in (*look_names(model), RECOVERY)),
    ]
    own = len(snapshot_name(model.metadata.name, model.metadata.uid, ""))
    for raw, look in zip(snapshots, looks, strict=True):
        name, known = look.metadata.name, look.metadata.name in order
        place = f"{order.index(name):02}-{name[own:]}" if known else f"{len(order):02}-{look.spec.checkpoint.lower()}"
        found[f"{SNAPSHOTS}{place}.json"] = _written(raw)
    kept = _fitting(model, approvals)
    for number, raw in enumerate(sorted(kept, key=lambda each: str(each["metadata"]["name"]))):
        found[f"{APPROVALS}{number:04}.json"] = _written(raw)
    acts = [DriftApproval.model_validate(each) for each in kept]
    with readable():
        for name, text in files(report(model, looks, acts)).items():
            found[f"{REPORT}{name}"] = text.encode()
    manifest = Manifest(
        version=FORMAT,
        tool=__version__,
        namespace=model.metadata.namespace,
        name=model.metadata.name,
        uid=model.metadata.uid,
        left_off=len(approvals) - len(kept) or None,
        files={name: _digest(content) for name, content in found.items()},
    )
    said = _listed(manifest)
    proof = {} if private_pem is None else {SIGNATURE: signature(said, private_pem)}
    return pack(found | proof | {MANIFEST: said})


def in_clear(snapshots: Sequence[Raw]) -> list[str]:
    """What looks like a secret in the pod templates that snapshots keep for a rollback, whole and not masked."""
    looks = [DriftSnapshot.model_validate(each).spec for each in snapshots]
    found = [podtemplate.in_clear(each.previous.template) for each in looks if each.previous is not None]
    return list(dict.fromkeys(name for names in found for name in names))


def read(packed: bytes) -> Bundle:
    """Read a bundle whose files are all there and unchanged.

    Raises:
        BundleError: they are not.
    """
    found = unpack(packed)
    manifest = _model(found, MANIFEST, Manifest)
    if manifest.version != FORMAT:
        raise BundleError(MANIFEST, f"it is of format {manifest.version}, and this reads {FORMAT}: use that version")
    for name in sorted(manifest.files.keys() | found.keys() - {MANIFEST, SIGNATURE}):
        if name not in found:
            raise BundleError(name, "it is named in the manifest and not there")
        if name not in manifest.files:
            raise BundleError(name, "it is not named in the manifest")
        if _digest(found[name]) != manifest.files[name]:
            raise BundleError(name, f"its hash is {_digest(found[name])}, the manifest says {manifest.files[name]}")
    review = _model(found, REVIEW, DriftReview)
    metadata = review.metadata
    named = (metadata.namespace, metadata.name, metadata.uid)
    if (manifest.namespace, manifest.name, manifest.uid) != named or _listed(manifest) != found[MANIFEST]:
        raise BundleError(MANIFEST, f"it is not the one of {'/'.join(named)}")
    snapshots = {name: _model(found, name, DriftSnapshot) for name in sorted(found) if name.startswith(SNAPSHOTS)}
    approvals = {name: _model(found, name, DriftApproval) for name in sorted(found) if name.startswith(APPROVALS)}
    return Bundle(manifest, review, snapshots, approvals, found)


def _fitting(review: DriftReview, approvals: Sequence[Raw]) -> list[Raw]:
    """The acts that a bundle has room for: first what the review counts, then what it recorded, then the oldest."""
    records = {each.uid: each.counted for each in review.status.approvals}

    def rank(raw: Raw) -> tuple[int, str, str]:
        uid = raw["metadata"]["uid"]
        matters = 2 - records[uid] if uid in records else 3
        return matters, str(raw["metadata"].get("creationTimestamp", "")), uid

    return sorted(approvals, key=rank)[:MOST_APPROVALS]


def _written(raw: Raw) -> bytes:
    """An object without the names of who wrote which field."""
    metadata = {name: each for name, each in raw["metadata"].items() if name != "managedFields"}
    return canonical({**raw, "metadata": metadata}) + b"\n"


def _listed(manifest: Manifest) -> bytes:
    """The one way to write a manifest."""
    return json.dumps(manifest.to_wire(), indent=1, sort_keys=True).encode() + b"\n"


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _model(found: Mapping[str, bytes], name: str, model: type[_T]) -> _T:
    if name not in found:
        raise BundleError(name, "it is not there")
    try:
        return model.model_validate(read_json(found[name]))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BundleError(f"{name}: {field}", first["msg"]) from None
    except ValueError as error:
        raise BundleError(name, f"it is no JSON: {error}") from None

"""The revisions of a workload: which of them must be read to know what runs and what ran before.

A Deployment keeps them as ReplicaSets, a StatefulSet or DaemonSet as ControllerRevisions. A list tells only their
metadata, since each may have a megabyte. What else is needed of one is asked for by name, one after the other, until
there is an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from driftreview.api.driftsnapshot import RevisionEvidence
from driftreview.api.status import ContainerImage, Revision
from driftreview.domain.evidence import content_hash

Raw = Mapping[str, Any]

_BRIEF: Final = timedelta(minutes=10)
"""As long as the default warm-up: what a release does until then belongs to neither side of a comparison."""
MOST_READ: Final = 32
"""How many revisions are read to find one, newest first; workloads keep ten old ones unless told otherwise."""
HASH_LABEL: Final = "pod-template-hash"
_NUMBER: Final = "deployment.kubernetes.io/revision"


@dataclass(frozen=True)
class Listed:
    """What a list tells of a revision."""

    name: str
    uid: str
    version: str
    """Of what it holds: another one may have another template or number."""
    number: int
    """Which revision of the workload it is; one that is run again gets a new number."""
    born: datetime
    began: datetime | None = None
    """When it last became the workload's newest; None where it does not tell."""


@dataclass(frozen=True)
class Stored:
    """A ReplicaSet or ControllerRevision with its template."""

    revision: Revision
    template: Raw = field(repr=False)
    """Its pod template as the workload held it."""
    number: int = 0
    """Which revision of the workload it is, where only the whole object tells."""


@dataclass(frozen=True)
class Choice:
    """What runs and what to go back to, or what must be read before that can be told."""

    current: Listed | None = None
    previous: Listed | None = None
    missing: Listed | None = None
    passed_over: Listed | None = None
    """The newest that would have been gone back to, had nobody rejected it."""
    is_first: bool = False
    """What runs is the first revision there ever was."""


@dataclass(frozen=True)
class Marks:
    """What is known of the workload's templates, by their hashes."""

    running: str
    approved: str
    """What a review approved; empty if none did."""
    rejected: frozenset[str]
    """What reviews rejected."""


def is_owned(uid: str, metadata: Raw) -> bool:
    """Whether the workload with this UID controls an object."""
    return any(ref.get("controller") and ref.get("uid") == uid for ref in metadata.get("ownerReferences") or [])


def listed(uid: str, metadata: Raw) -> Listed | None:
    """A ReplicaSet of the Deployment with this UID, by its metadata; None if it is another's."""
    if not is_owned(uid, metadata):
        return None
    number = (metadata.get("annotations") or {}).get(_NUMBER, "")
    is_number = number.isascii() and number.isdigit() and len(number) < 20  # noqa: PLR2004 - an int64
    return Listed(
        name=metadata["name"],
        uid=metadata["uid"],
        version=str(metadata.get("generation", 0)),
        number=int(number) if is_number else 0,
        born=datetime.fromisoformat(metadata["creationTimestamp"]),
    )


def current(found: Sequence[Listed], known: Mapping[str, Revision], marks: Marks) -> Choice:
    """The revision that runs: most likely the one with the highest number.

    Args:
        found: all revisions of the workload.
        known: what was read of some, by UID.
        marks: what the workload says.
    """
    for each in _newest_first(found)[:MOST_READ]:
        if each.uid not in known:
            return Choice(missing=each)
        if known[each.uid].template_hash == marks.running:
            return Choice(each)
    return Choice()


def previous(runs: Listed, older: Sequence[Listed], known: Mapping[str, Revision], marks: Marks) -> Choice:
    """What to go back to: the revision that a review approved last, or else the newest that none rejected.

    One that was replaced within minutes is taken only where there is no other: it was a mistake, or nobody knows yet.

    Args:
        runs: the revision that runs.
        older: those that were there when it began to run.
        known: what was read of some, by UID.
        marks: what the workload says.
    """
    newest: Listed | None = None
    passed_over: Listed | None = None
    approved_ran_before = marks.approved not in ("", marks.running)
    for each in _brief_last(runs, [each for each in older if each.number < runs.number])[:MOST_READ]:
        if each.uid not in known:
            return Choice(runs, missing=each)
        template = known[each.uid].template_hash
        if template == marks.running:
            continue
        if template in marks.rejected:
            passed_over = passed_over or each
            continue
        if template == marks.approved:
            return Choice(runs, each, passed_over=passed_over)
        newest = newest or each
        if not approved_ran_before:
            break
    return Choice(runs, newest, passed_over=passed_over)


def _brief_last(runs: Listed, older: Sequence[Listed]) -> list[Listed]:
    """The newest first, but those that surely ran for minutes only come after all others.

    A successor that is older than what it follows was gone back to: how long that one ran is not known.
    """
    found = _newest_first(older)
    successors = [runs, *found]
    brief = {
        each.uid
        for each, successor in zip(found, successors, strict=False)
        if timedelta(0) <= _began(successor) - _began(each) < _BRIEF
    }
    return sorted(found, key=lambda each: each.uid in brief)


def _began(each: Listed) -> datetime:
    return each.born if each.began is None else each.began


def template_hash(template: Raw) -> str:
    """Hash of a pod template, without the label that each ReplicaSet adds to it."""
    return content_hash(without_hash_label(template))


def without_hash_label(template: Raw) -> dict[str, Any]:
    """A pod template as the workload holds it.

    API servers before Kubernetes 1.34 write `creationTimestamp: null` into it, later ones do not: an upgrade of the
    control plane is no new template.
    """
    metadata = {name: value for name, value in (template.get("metadata") or {}).items() if value is not None}
    labels = {name: value for name, value in (metadata.get("labels") or {}).items() if name != HASH_LABEL}
    return {**template, "metadata": {**metadata, "labels": labels}}


def replica_set(raw: Raw) -> Stored:
    """A ReplicaSet as it was read."""
    return stored(raw["metadata"], raw["spec"]["template"])


def stored(metadata: Raw, held: Raw, number: int = 0) -> Stored:
    """A revision as it was read.

    Args:
        metadata: of its object.
        held: the pod template in it.
        number: of the revision, where only the whole object tells.
    """
    template = without_hash_label(held)
    containers = template["spec"]["containers"]
    revision = Revision(
        name=metadata["name"],
        uid=metadata["uid"],
        template_hash=content_hash(template),
        images=[ContainerImage(container=each["name"], image=each.get("image", "")[:512]) for each in containers[:64]],
    )
    return Stored(revision, template, number)


def pin(pinned: Revision, found: Stored | None) -> RevisionEvidence:
    """A revision as evidence, with its whole template if that is still what is found."""
    same = found is not None and (found.revision.uid, found.revision.template_hash) == (
        pinned.uid,
        pinned.template_hash,
    )
    return RevisionEvidence(**pinned.model_dump(), template=found.template if found is not None and same else {})


def _newest_first(found: Sequence[Listed]) -> list[Listed]:
    """By number; of several with one number, which somebody else must have written, the oldest first."""
    return sorted(found, key=lambda each: (-each.number, each.born, each.name))

"""Deployments and their ReplicaSets as raw objects: what runs, what ran before, and the patches that change it.

Raw dicts on purpose: typed models drop fields they do not know, and a template that lost a field is another template.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from driftreview.api.driftsnapshot import RevisionEvidence
from driftreview.api.status import ContainerImage, Revision
from driftreview.domain.evidence import content_hash

Raw = Mapping[str, Any]

APPROVED: Final = "driftreview.dev/approved-revision"
"""Annotation on the target: hash of the pod template that a review approved."""
REJECTED: Final = "driftreview.dev/rejected-revision"
"""Annotation on the target: hash of the pod template that a review rolled back; it is never gone back to."""
REJECTED_DURING: Final = "driftreview.dev/rejected-during"
"""Annotation on the target: from when until when rejected templates ran; later baselines leave these times out."""
RESTORED: Final = "driftreview.dev/restored-revision"
"""Annotation on the target: hash of the pod template that a rollback put back; it is no release."""
TEMPLATES: Final = 3
"""Of a target's ReplicaSets, how many keep their pod templates: each may have a megabyte."""
_HASH_LABEL: Final = "pod-template-hash"
_NUMBER: Final = "deployment.kubernetes.io/revision"


class Rollout(StrEnum):
    """How far the current pod template is rolled out, as `kubectl rollout status` tells it."""

    COMPLETE = "Complete"
    PROGRESSING = "Progressing"
    FAILED = "Failed"
    PAUSED = "Paused"


@dataclass(frozen=True)
class ReplicaSet:
    """A ReplicaSet of the target, as much of it as a review needs."""

    revision: Revision
    number: int
    """Which revision of the Deployment it is; one that is run again gets a new number."""
    born: datetime | None
    template: Raw = field(default_factory=dict, repr=False)
    """Its pod template as the Deployment held it; empty where it is not needed."""


@dataclass(frozen=True)
class TargetView:
    """What a review needs to know of its target."""

    uid: str
    generation: int
    template_hash: str
    rollout: Rollout
    rollout_message: str
    rolled_out_at: datetime | None
    """When the current rollout finished; None while it has not."""
    rollout_started_at: datetime | None
    """When the current rollout began, as well as the object tells."""
    current: Revision | None
    previous: Revision | None
    approved: str
    """The template hash in the annotation that marks an approved revision."""
    replicas: int = 1
    """How many pods are wanted."""
    restored: bool = False
    """The current template was put back by a rollback of ours."""
    rejected: bool = False
    """The current template is the one that a rollback of ours took away last."""
    rejected_during: tuple[tuple[datetime, datetime], ...] = ()
    """When templates ran that rollbacks of ours took away."""
    deadline_seconds: int = 600
    """How long its rollouts may make no progress."""


def label_selector(deployment: Raw) -> str:
    """The Deployment's selector, as lists are asked with it."""
    selector = deployment["spec"]["selector"]
    terms = [f"{name}={value}" for name, value in sorted((selector.get("matchLabels") or {}).items())]
    for each in selector.get("matchExpressions") or []:
        key, values = each["key"], ",".join(each.get("values") or [])
        forms = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key}
        terms.append(forms.get(each["operator"], f"!{key}"))
    return ",".join(terms)


def owned(deployment: Raw, found: Iterable[Raw]) -> tuple[ReplicaSet, ...]:
    """The Deployment's own among the ReplicaSets that its selector selects.

    Only the few likeliest to be gone back to keep their templates; no more are held at once.
    """
    uid, annotations = deployment["metadata"]["uid"], deployment["metadata"].get("annotations") or {}
    approved, rejected = annotations.get(APPROVED), annotations.get(REJECTED)
    current = template_hash(deployment["spec"]["template"])

    def likelihood(each: ReplicaSet) -> tuple[bool, bool, bool, int]:
        known = each.revision.template_hash
        return known != current, known != rejected, known == approved, each.number

    whole, reduced = list[ReplicaSet](), list[ReplicaSet]()
    for raw in found:
        if any(ref.get("controller") and ref.get("uid") == uid for ref in raw["metadata"].get("ownerReferences") or []):
            whole.append(replica_set(raw))
        if len(whole) > TEMPLATES:
            least = min(whole, key=likelihood)
            whole.remove(least)
            reduced.append(replace(least, template={}))
    return tuple(sorted([*whole, *reduced], key=lambda each: each.revision.name))


def view(deployment: Raw, replica_sets: Sequence[ReplicaSet]) -> TargetView:
    """Look at a Deployment and its own ReplicaSets."""
    now_running = template_hash(deployment["spec"]["template"])
    current = next((each for each in replica_sets if each.revision.template_hash == now_running), None)
    rollout, message = rollout_status(deployment)
    metadata = deployment["metadata"]
    finished = _finished_at(deployment) if rollout is Rollout.COMPLETE else None
    annotations = metadata.get("annotations") or {}
    return TargetView(
        uid=metadata["uid"],
        generation=metadata["generation"],
        template_hash=now_running,
        rollout=rollout,
        rollout_message=message,
        rolled_out_at=finished,
        rollout_started_at=_started_at(deployment, current, finished),
        current=None if current is None else current.revision,
        previous=_previous(replica_sets, current, annotations),
        approved=annotations.get(APPROVED, ""),
        replicas=deployment["spec"].get("replicas", 1),
        restored=annotations.get(RESTORED) == now_running,
        rejected=annotations.get(REJECTED) == now_running,
        rejected_during=tuple(filter(None, map(_stretch, annotations.get(REJECTED_DURING, "").split(",")))),
        deadline_seconds=deployment["spec"].get("progressDeadlineSeconds") or 600,
    )


def rollout_status(deployment: Raw) -> tuple[Rollout, str]:
    """The state of the rollout and a sentence, by the rules of `kubectl rollout status`."""
    spec, status = deployment["spec"], deployment.get("status", {})
    wanted = spec.get("replicas", 1)
    updated, total, available = (status.get(key, 0) for key in ("updatedReplicas", "replicas", "availableReplicas"))
    progressing = _condition(deployment, "Progressing")
    if spec.get("paused"):
        return Rollout.PAUSED, "its rollout is paused"
    if deployment["metadata"]["generation"] > status.get("observedGeneration", 0):
        return Rollout.PROGRESSING, "its controller has not seen the new spec yet"
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return Rollout.FAILED, f"its rollout passed its progress deadline: {progressing.get('message', '')}"
    if updated < wanted:
        failure = _condition(deployment, "ReplicaFailure")
        why = f" ({failure.get('message', '')})" if failure.get("status") == "True" else ""
        return Rollout.PROGRESSING, f"{updated} of {wanted} pods are updated{why}"
    if total > updated:
        return Rollout.PROGRESSING, f"{total - updated} old pods are still there"
    if available < updated:
        return Rollout.PROGRESSING, f"{available} of {updated} updated pods are available"
    return Rollout.COMPLETE, f"{available} pods are updated and available"


def template_hash(template: Raw) -> str:
    """Hash of a pod template, without the label that each ReplicaSet adds to it."""
    return content_hash(without_hash_label(template))


def without_hash_label(template: Raw) -> dict[str, Any]:
    """A pod template as the Deployment holds it.

    API servers before Kubernetes 1.34 write `creationTimestamp: null` into it, later ones do not: an upgrade of the
    control plane is no new template.
    """
    metadata = {name: value for name, value in (template.get("metadata") or {}).items() if value is not None}
    labels = {name: value for name, value in (metadata.get("labels") or {}).items() if name != _HASH_LABEL}
    return {**template, "metadata": {**metadata, "labels": labels}}


def replica_set(raw: Raw) -> ReplicaSet:
    """A ReplicaSet with its template."""
    metadata, template = raw["metadata"], without_hash_label(raw["spec"]["template"])
    containers = template["spec"]["containers"]
    revision = Revision(
        name=metadata["name"],
        uid=metadata["uid"],
        template_hash=content_hash(template),
        images=[ContainerImage(container=each["name"], image=each.get("image", "")[:512]) for each in containers[:64]],
    )
    number = (metadata.get("annotations") or {}).get(_NUMBER, "")
    is_number = number.isascii() and number.isdigit() and len(number) < 20  # noqa: PLR2004 - an int64
    return ReplicaSet(revision, int(number) if is_number else 0, _time(metadata.get("creationTimestamp")), template)


def pin(pinned: Revision, replica_sets: Sequence[ReplicaSet], *, keep_template: bool) -> RevisionEvidence:
    """A revision as evidence; with its whole template where that is still to be had."""
    same = (each for each in replica_sets if each.revision.uid == pinned.uid)
    found = next((each for each in same if each.revision.template_hash == pinned.template_hash), None)
    kept = {} if found is None or not keep_template else found.template
    return RevisionEvidence(**pinned.model_dump(), template=kept)


def _previous(replica_sets: Sequence[ReplicaSet], current: ReplicaSet | None, annotations: Raw) -> Revision | None:
    """What to go back to: the revision that a review approved last, or else the newest that none rejected."""
    if current is None:
        return None
    newest_first = sorted(replica_sets, key=lambda each: each.number, reverse=True)
    older = [each.revision for each in newest_first if each.number < current.number]
    sound = [each for each in older if each.template_hash != annotations.get(REJECTED)]
    approved = next((each for each in sound if each.template_hash == annotations.get(APPROVED)), None)
    return approved or next(iter(sound), None)


def _condition(deployment: Raw, name: str) -> Raw:
    conditions = deployment.get("status", {}).get("conditions") or []
    return next((each for each in conditions if each.get("type") == name), {})


def _finished_at(deployment: Raw) -> datetime | None:
    """When the rollout finished: the Deployment controller sets this condition anew at the end of every rollout."""
    progressing = _condition(deployment, "Progressing")
    if progressing.get("reason") == "NewReplicaSetAvailable":
        return _time(progressing.get("lastUpdateTime"))
    # Without a progress deadline there is no such condition: availability is the next best.
    return _time(_condition(deployment, "Available").get("lastTransitionTime"))


def _started_at(deployment: Raw, current: ReplicaSet | None, finished: datetime | None) -> datetime | None:
    """When the current template was written: the later of its ReplicaSet's birth and the last edit of the template.

    A rollout to an older template reuses its ReplicaSet, whose birth was long ago; then the edit tells. An edit after
    the rollout finished was one of something else.
    """
    edits = [
        _time(entry.get("time"))
        for entry in deployment["metadata"].get("managedFields") or []
        if "f:template" in (entry.get("fieldsV1") or {}).get("f:spec", {}) and not entry.get("subresource")
    ]
    born = [current.born] if current else []
    known = [each for each in [*edits, *born] if each is not None and (finished is None or each <= finished)]
    return max(known, default=None)


def _stretch(text: str) -> tuple[datetime, datetime] | None:
    """A stretch of time as we write it; None if somebody wrote something else."""
    try:
        start, end = map(datetime.fromisoformat, text.split("/"))
    except ValueError:
        return None
    return (start, end) if start.tzinfo and end.tzinfo and start <= end else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

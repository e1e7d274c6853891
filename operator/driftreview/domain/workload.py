"""Deployments and their ReplicaSets as raw objects: what runs, what ran before, and the patches that change it.

Raw dicts on purpose: typed models drop fields they do not know, and a template that lost a field is another template.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from driftreview.api.status import Revision
from driftreview.domain.applied import applied_by
from driftreview.domain.display import short_hash
from driftreview.domain.revisions import Choice, Listed, Marks, Raw, current, previous, template_hash
from driftreview.domain.rolling import rolling

APPROVED: Final = "driftreview.dev/approved-revision"
"""Annotation on the target: hash of the pod template that a review approved."""
REJECTED: Final = "driftreview.dev/rejected-revision"
"""Annotation on the target: hash of the pod template that a review rolled back; it is never gone back to."""
REJECTED_DURING: Final = "driftreview.dev/rejected-during"
"""Annotation on the target: from when until when rejected templates ran; later baselines leave these times out."""
RESTORED: Final = "driftreview.dev/restored-revision"
"""Annotation on the target: hash of the pod template that a rollback put back; it is no release."""
LONGEST_BASELINE: Final = timedelta(days=28)
"""Nothing from before is compared with."""
_AVAILABLE: Final = "NewReplicaSetAvailable"
_CLOCKS: Final = timedelta(seconds=5)
"""How far the clocks of API servers, controllers and the operator may differ; stored times are cut to the second."""


class Rollout(StrEnum):
    """How far the current pod template is rolled out, as `kubectl rollout status` tells it."""

    COMPLETE = "Complete"
    PROGRESSING = "Progressing"
    FAILED = "Failed"
    PAUSED = "Paused"


@dataclass(frozen=True)
class Deployment:
    """What a Deployment tells; of its pod template, which may have a megabyte, only the hash is kept."""

    raw: Raw = field(repr=False)
    """Without its pod template and its field managers."""
    template_hash: str
    edits: tuple[datetime, ...]
    """When its pod template was edited, as well as its field managers tell: each only its last edit of anything."""
    applied_by: str = ""
    """Who edited it last and when, and which tool keeps it as it is in Git, as well as the object tells."""


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
    """The current template is one that a rollback of ours took away."""
    rejected_during: tuple[tuple[datetime, datetime], ...] = ()
    """When templates ran that rollbacks of ours took away."""
    ruled_during: tuple[tuple[datetime, datetime], ...] = ()
    """Those of them that earlier reviews tell; the others stand in an annotation."""
    passed_over: str = ""
    """Which revision is not gone back to since it was rejected, and who says so; empty where none would be newer."""
    deadline_seconds: int = 600
    """How long its rollouts may make no progress."""
    applied_by: str = ""
    """Who edited its pod template last, in words; empty where nothing tells."""
    pods_at_once: int = 1
    """How many pods its rollouts replace at a time."""


def label_selector(raw: Raw) -> str:
    """The Deployment's selector, as lists are asked with it."""
    selector = raw["spec"]["selector"]
    terms = [f"{name}={value}" for name, value in sorted((selector.get("matchLabels") or {}).items())]
    for each in selector.get("matchExpressions") or []:
        key, values = each["key"], ",".join(each.get("values") or [])
        forms = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key}
        terms.append(forms.get(each["operator"], f"!{key}"))
    return ",".join(terms)


def deployment(raw: Raw) -> Deployment:
    """Keep of a Deployment what a review needs."""
    metadata, spec = raw["metadata"], raw["spec"]
    edits = [
        entry.get("time")
        for entry in metadata.get("managedFields") or []
        if "f:template" in (entry.get("fieldsV1") or {}).get("f:spec", {}) and not entry.get("subresource")
    ]
    slim = {
        "metadata": {name: value for name, value in metadata.items() if name != "managedFields"},
        "spec": {name: value for name, value in spec.items() if name != "template"},
        "status": raw.get("status", {}),
    }
    times = tuple(map(datetime.fromisoformat, filter(None, edits)))
    return Deployment(slim, template_hash(spec["template"]), times, applied_by(metadata))


def choose(
    target: Deployment, found: Sequence[Listed], known: Mapping[str, Revision], rejected: AbstractSet[str] = frozenset()
) -> Choice:
    """What runs and what to go back to, or which ReplicaSet must be read before that can be told.

    Args:
        target: the Deployment.
        found: its own ReplicaSets.
        known: what was read of some of them, by UID.
        rejected: hashes of templates that are not gone back to, besides those that rollbacks noted.
    """
    annotations = target.raw["metadata"].get("annotations") or {}
    never = frozenset({*rejected, *rolled_back(annotations)})
    marks = Marks(target.template_hash, annotations.get(APPROVED, ""), never)
    runs = current(found, known, marks)
    if runs.current is None:
        return runs
    began_by = _began_by(target, runs.current)
    older = [each for each in found if began_by is None or each.born <= began_by]
    return previous(runs.current, older, known, marks)


def rolled_back(annotations: Mapping[str, str]) -> tuple[str, ...]:
    """Hashes of the templates that rollbacks took away, the last one at the end."""
    return tuple(filter(None, annotations.get(REJECTED, "").split(",")))


def view(target: Deployment, choice: Choice, known: Mapping[str, Revision]) -> TargetView:
    """Look at a Deployment and its own ReplicaSets."""
    raw, metadata = target.raw, target.raw["metadata"]
    rollout, message = rollout_status(raw)
    annotations = metadata.get("annotations") or {}
    finished = _finished_at(raw) if rollout is Rollout.COMPLETE else None
    runs, before = choice.current, choice.previous
    return TargetView(
        uid=metadata["uid"],
        generation=metadata["generation"],
        template_hash=target.template_hash,
        rollout=rollout,
        rollout_message=message,
        rolled_out_at=finished,
        rollout_started_at=_started_at(target, runs, finished),
        current=None if runs is None else known[runs.uid],
        previous=None if before is None else known[before.uid],
        approved=annotations.get(APPROVED, ""),
        replicas=raw["spec"].get("replicas", 1),
        restored=annotations.get(RESTORED) == target.template_hash,
        rejected=target.template_hash in rolled_back(annotations),
        rejected_during=tuple(_stretches(annotations.get(REJECTED_DURING, ""), _began_by(target, runs))),
        passed_over=_passed_over(choice.passed_over, known, annotations),
        deadline_seconds=raw["spec"].get("progressDeadlineSeconds") or 600,
        applied_by=target.applied_by,
        pods_at_once=rolling(raw).at_once,
    )


def _passed_over(each: Listed | None, known: Mapping[str, Revision], annotations: Mapping[str, str]) -> str:
    if each is None:
        return ""
    template = known[each.uid].template_hash
    # Whoever may write the Deployment may write this: a way back that it takes must be seen to be taken by it.
    by = (
        f"the target's annotation {REJECTED} names it"
        if template in rolled_back(annotations)
        else "a review rejected it"
    )
    return f"{each.name} is not gone back to: {by} ({short_hash(template)})"


def rollout_status(raw: Raw) -> tuple[Rollout, str]:
    """The state of the rollout and a sentence, by the rules of `kubectl rollout status`."""
    spec, status = raw["spec"], raw.get("status", {})
    wanted = spec.get("replicas", 1)
    updated, total, available = (status.get(key, 0) for key in ("updatedReplicas", "replicas", "availableReplicas"))
    progressing = _condition(raw, "Progressing")
    if spec.get("paused"):
        return Rollout.PAUSED, "its rollout is paused"
    if raw["metadata"]["generation"] > status.get("observedGeneration", 0):
        return Rollout.PROGRESSING, "its controller has not seen the new spec yet"
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return Rollout.FAILED, f"its rollout passed its progress deadline: {progressing.get('message', '')}"
    if updated < wanted:
        failure = _condition(raw, "ReplicaFailure")
        why = f" ({failure.get('message', '')})" if failure.get("status") == "True" else ""
        return Rollout.PROGRESSING, f"{updated} of {wanted} pods are updated{why}"
    if total > updated:
        return Rollout.PROGRESSING, f"{total - updated} old pods are still there"
    if available < updated:
        return Rollout.PROGRESSING, f"{available} of {updated} updated pods are available"
    return Rollout.COMPLETE, f"{available} pods are updated and available"


def _condition(raw: Raw, name: str) -> Raw:
    conditions = raw.get("status", {}).get("conditions") or []
    return next((each for each in conditions if each.get("type") == name), {})


def _finished_at(raw: Raw) -> datetime | None:
    """When the rollout finished: the Deployment controller sets this condition anew at the end of every rollout."""
    progressing = _condition(raw, "Progressing")
    if progressing.get("reason") == _AVAILABLE:
        return _time(progressing.get("lastUpdateTime"))
    # Without a progress deadline there is no such condition: availability is the next best.
    return _time(_condition(raw, "Available").get("lastTransitionTime"))


def _started_at(target: Deployment, runs: Listed | None, finished: datetime | None) -> datetime | None:
    """When the current template was written: the later of its ReplicaSet's birth and the last edit of the template.

    A rollout to an older template reuses its ReplicaSet, whose birth was long ago; then the edit tells. An edit after
    the rollout finished was one of something else.
    """
    born = [runs.born] if runs else []
    known = [each for each in [*target.edits, *born] if finished is None or each <= finished]
    return max(known, default=None)


def _began_by(target: Deployment, runs: Listed | None) -> datetime | None:
    """Until when the current rollout began at the latest; None if nothing tells.

    What somebody made after it never ran before it. Too late a time lets something in; too early a one would take from
    a review what it may go back to: an edit after the rollout finished hides when its manager edited the template.
    """
    progressing = _condition(target.raw, "Progressing")
    ended = rollout_status(target.raw)[0] is Rollout.COMPLETE and progressing.get("reason") == _AVAILABLE
    finished = _time(progressing.get("lastUpdateTime")) if ended else None
    last = max(target.edits, default=None)
    if finished is not None and (last is None or last > finished):
        last = finished
    if last is None:
        return None
    return max(last, runs.born if runs else last) + _CLOCKS


def _stretches(text: str, began_by: datetime | None) -> Iterator[tuple[datetime, datetime]]:
    """The stretches of time that an annotation holds, as far as they can be ours.

    What was rejected ended before the current rollout began; and no baseline reaches further back than the longest.
    """
    for each in text.split(","):
        found = _stretch(each)
        if found and began_by and found[1] <= began_by and found[0] >= began_by - LONGEST_BASELINE:
            yield found


def _stretch(text: str) -> tuple[datetime, datetime] | None:
    """A stretch of time as we write it; None if somebody wrote something else."""
    try:
        start, end = map(datetime.fromisoformat, text.split("/"))
    except ValueError:
        return None
    return (start, end) if start.tzinfo and end.tzinfo and start <= end else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

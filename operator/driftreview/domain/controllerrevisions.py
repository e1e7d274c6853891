"""ControllerRevisions: how StatefulSets and DaemonSets keep their pod templates.

A ControllerRevision holds a strategic merge patch that makes a pod template of the workload what it was:
`{"spec": {"template": {…, "$patch": "replace"}}}`. Since it replaces, what it holds is the whole template.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from driftreview.api.reasons import Reason
from driftreview.domain.revisions import Listed, Raw, Stored, is_owned, stored
from driftreview.domain.workload import Counts, Held, Rollout, Slim, lets_go

LABEL: Final = "controller-revision-hash"
"""On a pod: of which revision it is."""
ON_DELETE: Final = "OnDelete"
_DIRECTIVE: Final = "$patch"
_DEADLINE_SECONDS: Final = 600
"""How long a rollout may make no progress: as long as that of a Deployment that does not say."""


class Revised:
    """What the kinds share whose revisions are ControllerRevisions.

    Nothing in such a workload tells when its rollout finished. Its controller writes the status when that happens, and
    again when a pod restarts or a node joins: the last time it did is when the rollout finished at the latest.
    """

    revisions: Final = "ControllerRevision"
    records_end: Final = False

    def finished_at(self, target: Slim) -> datetime | None:
        """When its complete rollout finished at the latest."""
        return target.reported_at

    def finished_by(self, target: Slim) -> datetime | None:
        """The same."""
        return target.reported_at

    def deadline_seconds(self, raw: Raw) -> int:  # noqa: ARG002 - one protocol
        """No field says it."""
        return _DEADLINE_SECONDS

    def owner(self, target_uid: str, revision_uid: str) -> str:  # noqa: ARG002 - one protocol
        """A pod is owned by the workload itself."""
        return target_uid


def progress(raw: Raw, pods: Counts) -> tuple[Rollout, str]:
    """The state of a rollout that nothing holds, and a sentence."""
    if raw["metadata"]["generation"] > (raw.get("status") or {}).get("observedGeneration", 0):
        return Rollout.PROGRESSING, "its controller has not seen the new spec yet"
    if pods.updated < pods.wanted:
        return Rollout.PROGRESSING, f"{pods.updated} of {pods.wanted} pods are updated"
    if pods.total > pods.wanted:
        return Rollout.PROGRESSING, f"{pods.total - pods.wanted} old pods are still there"
    if pods.available < pods.wanted:
        return Rollout.PROGRESSING, f"{pods.available} of {pods.wanted} updated pods are available"
    return Rollout.COMPLETE, f"{pods.available} pods are updated and available"


def strategy(raw: Raw) -> Raw:
    """How a workload brings a new pod template to its pods."""
    found: Raw = raw["spec"].get("updateStrategy") or {}
    return found


def on_delete(raw: Raw, word: str) -> Held | None:
    """The update strategy by which people delete the pods."""
    if strategy(raw).get("type") != ON_DELETE:
        return None
    message = "updateStrategy is OnDelete, by which a pod takes a new pod template only when somebody deletes it"
    metadata = raw["metadata"]
    remedy = lets_go(Reason.UPDATE_ON_DELETE, f"{word}/{metadata['name']}", metadata["namespace"])
    return Held(Reason.UPDATE_ON_DELETE, message, remedy)


def listed(uid: str, metadata: Raw) -> Listed | None:
    """A ControllerRevision of the workload with this UID, by its metadata; None if it is another's.

    Its number stands beside the metadata: only `stored` tells it.
    """
    if not is_owned(uid, metadata):
        return None
    numbered = [
        datetime.fromisoformat(entry["time"])
        for entry in metadata.get("managedFields") or []
        if "f:revision" in (entry.get("fieldsV1") or {}) and entry.get("time")
    ]
    return Listed(
        name=metadata["name"],
        uid=metadata["uid"],
        version=metadata.get("resourceVersion", ""),
        number=0,
        born=datetime.fromisoformat(metadata["creationTimestamp"]),
        began=max(numbered, default=None),
    )


def controller_revision(raw: Raw) -> Stored | None:
    """A ControllerRevision as it was read; None if no pod template can be made of it.

    No workload's controller writes such a one, but whoever may create ControllerRevisions can.
    """
    held = _at(raw, "data", "spec", "template")
    containers = _at(held, "spec", "containers")
    if not isinstance(containers, list) or not containers:
        return None
    if not all(isinstance(each, dict) and isinstance(each.get("name"), str) for each in containers):
        return None
    template = {name: value for name, value in held.items() if name != _DIRECTIVE}
    return stored(raw["metadata"], template, raw.get("revision") or 0)


def _at(value: Any, *path: str) -> Any:
    """What stands at a path; None if nothing does."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value

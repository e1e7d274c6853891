"""Which pods serve after a rollback: those of what was put back, and those of what was taken away.

A rollout is complete when enough pods were available; one that crashes since, or one that was forgotten, is seen here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from driftreview.api.status import DriftReviewStatus, Revision
from driftreview.domain.display import printable, some
from driftreview.domain.pods import CRASH_LOOP, ended_of
from driftreview.domain.ways import empties
from driftreview.domain.workload import TargetView

Raw = Mapping[str, Any]

_STARTING: Final = frozenset({"", "ContainerCreating", "PodInitializing"})
"""Why a container waits that is only beginning."""
_PULLS: Final = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
_MOST_NAMED: Final = 3
_MOST: Final = 128
"""Characters of what somebody else wrote."""


@dataclass(frozen=True)
class ServingPod:
    """One pod, and what keeps it from serving."""

    name: str
    ready: bool
    trouble: str = ""
    """Empty where it is only starting."""


@dataclass(frozen=True)
class Serving:
    """The pods of a target after its rollback; those on their way out are none."""

    restored: tuple[ServingPod, ...] = ()
    rejected: tuple[ServingPod, ...] = ()
    unread: str = ""
    """Why they could not be read."""

    @property
    def is_right(self) -> bool:
        """Whether only what was put back serves. What could not be read keeps nothing back."""
        return bool(self.unread) or (not self.rejected and all(each.ready for each in self.restored))

    def said(self, status: DriftReviewStatus, target: TargetView) -> str:
        """How far it is, in words: how many pods of which revision come first, as the end may be cut.

        Args:
            status: of a review of the target alone.
            target: whose pods these are.
        """
        if self.unread:
            return f"{target.rollout_message}; its pods could not be read: {self.unread}"
        parts = []
        if not empties(status.act):
            ready, wanted = sum(each.ready for each in self.restored), max(target.replicas, len(self.restored))
            parts.append(f"{ready} of {wanted} pods of {_name(status.previous)} (restored) are ready")
        if self.rejected:
            names = some([each.name for each in self.rejected], _MOST_NAMED)
            parts.append(f"{len(self.rejected)} of {_name(status.judged)} (rejected) are still there: {names}")
        if troubles := [each.trouble for each in self.restored if each.trouble and not each.ready]:
            parts.append(some(troubles, _MOST_NAMED))
        return "; ".join([*parts, target.rollout_message])


def _name(revision: Revision | None) -> str:
    return revision.name if revision else "an unknown revision"


UNSEEN: Final = Serving(unread="they were not looked at")


def serving_pod(raw: Raw, owner: str) -> ServingPod | None:
    """Keep of a pod what is needed; None if another object than this one (a UID) owns it, or it is on its way out."""
    metadata, status = raw["metadata"], raw.get("status") or {}
    owners = [each.get("uid") for each in metadata.get("ownerReferences") or []]
    if owner not in owners or metadata.get("deletionTimestamp") or status.get("phase") in ("Succeeded", "Failed"):
        return None
    conditions = {each.get("type"): each for each in status.get("conditions") or []}
    ready = conditions.get("Ready", {}).get("status") == "True"
    found = next((f"pod {metadata['name']}: {each}" for each in _troubles(status, conditions)), "")
    return ServingPod(metadata["name"], ready, found)


def _troubles(status: Raw, conditions: Mapping[str, Raw]) -> Iterator[str]:
    for kind in ("initContainerStatuses", "containerStatuses"):
        for each in status.get(kind) or []:
            waiting = (each.get("state") or {}).get("waiting") or {}
            reason = waiting.get("reason") or ""
            if reason == CRASH_LOOP:
                yield _crashing(each)
            elif reason in _PULLS:
                yield f"container {each['name']} has no image: {reason} {printable(each.get('image') or '', _MOST)}"
            elif reason not in _STARTING:
                why = printable(waiting.get("message") or "", _MOST)
                yield f"container {each['name']} waits: {printable(reason, _MOST)}{why and f' ({why})'}"
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        yield f"has no node: {printable(scheduled.get('message') or scheduled.get('reason') or '', _MOST)}"


def _crashing(status: Raw) -> str:
    ended = ended_of((status.get("lastState") or {}).get("terminated"))
    why = "" if ended is None else f", {printable(ended.reason, _MOST) or 'exit'} {ended.exit_code}"
    return f"container {status['name']} keeps crashing ({CRASH_LOOP}{why}, {status.get('restartCount') or 0} restarts)"

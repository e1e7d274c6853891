"""Deployments: the rules of this kind of workload, whose revisions are ReplicaSets."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from driftreview.api.reasons import Reason
from driftreview.domain.query import pods_of_revision, pods_of_target
from driftreview.domain.revisions import HASH_LABEL, Raw
from driftreview.domain.rolling import Rolling, rolling
from driftreview.domain.workload import Counts, Held, Rollout, Slim, lets_go

_AVAILABLE: Final = "NewReplicaSetAvailable"


class Deployments:
    """A Deployment's controller says itself how far a rollout is, when it finished, and whether it failed."""

    word: Final = "deployment"
    revisions: Final = "ReplicaSet"
    same_names: Final = False
    scalable: Final = True
    records_end: Final = True

    def counts(self, raw: Raw) -> Counts:
        """How many pods it wants and has."""
        status = raw.get("status") or {}
        return Counts(
            wanted=raw["spec"].get("replicas", 1),
            total=status.get("replicas", 0),
            updated=status.get("updatedReplicas", 0),
            ready=status.get("readyReplicas", 0),
            available=status.get("availableReplicas", 0),
        )

    def rollout(self, raw: Raw) -> tuple[Rollout, str]:
        """The state of its rollout and a sentence."""
        pods, progressing = self.counts(raw), _condition(raw, "Progressing")
        if raw["spec"].get("paused"):
            return Rollout.PAUSED, "its rollout is paused"
        if raw["metadata"]["generation"] > (raw.get("status") or {}).get("observedGeneration", 0):
            return Rollout.PROGRESSING, "its controller has not seen the new spec yet"
        if progressing.get("reason") == "ProgressDeadlineExceeded":
            return Rollout.FAILED, f"its rollout passed its progress deadline: {progressing.get('message', '')}"
        if pods.updated < pods.wanted:
            failure = _condition(raw, "ReplicaFailure")
            why = f" ({failure.get('message', '')})" if failure.get("status") == "True" else ""
            return Rollout.PROGRESSING, f"{pods.updated} of {pods.wanted} pods are updated{why}"
        if pods.total > pods.updated:
            return Rollout.PROGRESSING, f"{pods.total - pods.updated} old pods are still there"
        if pods.available < pods.updated:
            return Rollout.PROGRESSING, f"{pods.available} of {pods.updated} updated pods are available"
        return Rollout.COMPLETE, f"{pods.available} pods are updated and available"

    def held(self, raw: Raw) -> Held | None:
        """A paused rollout."""
        if not raw["spec"].get("paused"):
            return None
        metadata = raw["metadata"]
        remedy = lets_go(Reason.TARGET_PAUSED, f"{self.word}/{metadata['name']}", metadata["namespace"])
        return Held(Reason.TARGET_PAUSED, "rollout is paused", remedy)

    def may_block(self, raw: Raw) -> bool:  # noqa: ARG002 - one protocol
        """Its controller replaces every pod of an older revision, ready or not."""
        return False

    def finished_at(self, target: Slim) -> datetime | None:
        """When its rollout finished; without a progress deadline availability is the next best."""
        return self.finished_by(target) or _time(_condition(target.raw, "Available").get("lastTransitionTime"))

    def finished_by(self, target: Slim) -> datetime | None:
        """The Deployment controller sets this condition anew at the end of every rollout."""
        progressing = _condition(target.raw, "Progressing")
        return _time(progressing.get("lastUpdateTime")) if progressing.get("reason") == _AVAILABLE else None

    def deadline_seconds(self, raw: Raw) -> int:
        """How long its rollouts may make no progress."""
        seconds: int = raw["spec"].get("progressDeadlineSeconds") or 600
        return seconds

    def pace(self, raw: Raw) -> Rolling:
        """By its surge and by how many may be missing."""
        return rolling(raw)

    def pods(self, target: str, revision: str = "") -> str:
        """A regular expression for its pods, or those of one ReplicaSet."""
        return pods_of_revision(revision) if revision else pods_of_target(target)

    def label(self, target: str, revision: str) -> tuple[str, str]:
        """What the name of a ReplicaSet adds to the Deployment's."""
        return HASH_LABEL, revision.removeprefix(f"{target}-")

    def owner(self, target_uid: str, revision_uid: str) -> str:  # noqa: ARG002 - one protocol
        """A pod is owned by its ReplicaSet."""
        return revision_uid


def _condition(raw: Raw, name: str) -> Raw:
    conditions = (raw.get("status") or {}).get("conditions") or []
    return next((each for each in conditions if each.get("type") == name), {})


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

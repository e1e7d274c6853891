"""StatefulSets: the rules of this kind of workload, whose revisions are ControllerRevisions."""

from __future__ import annotations

from typing import Final

from driftreview.api.reasons import Reason
from driftreview.domain.controllerrevisions import (
    LABEL,
    Revised,
    on_delete,
    progress,
    strategy,
)
from driftreview.domain.query import regex_literal
from driftreview.domain.revisions import Raw
from driftreview.domain.rolling import Rolling, number
from driftreview.domain.workload import Counts, Held, Rollout, lets_go


class StatefulSets(Revised):
    """Pods are replaced one after the other, from the highest ordinal down to the partition."""

    word: Final = "statefulset"
    same_names: Final = True
    scalable: Final = True

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
        """Stricter than kubectl: one that a partition ends is not complete, since old pods go on serving."""
        pods, held = self.counts(raw), self.held(raw)
        rollout, message = progress(raw, pods)
        if held is None or pods.updated >= pods.wanted or rollout is not Rollout.PROGRESSING:
            return rollout, message
        seen = raw["metadata"]["generation"] <= (raw.get("status") or {}).get("observedGeneration", 0)
        moves = held.reason is Reason.UPDATE_PARTITIONED and (
            pods.updated < pods.wanted - _kept(raw, pods) or pods.available < pods.wanted
        )
        return (Rollout.PAUSED, f"{message}; its {held.message}") if seen and not moves else (rollout, message)

    def held(self, raw: Raw) -> Held | None:
        """The strategy OnDelete, or a partition: also of a complete rollout, since the next one would be held."""
        pods = self.counts(raw)
        if (by_hand := on_delete(raw, self.word)) is not None or (kept := _kept(raw, pods)) == 0:
            return by_hand
        message = f"updateStrategy.rollingUpdate.partition is {_partition(raw)}, by which {kept} of {pods.wanted} pods "
        message += "keep the pod template that they have"
        metadata = raw["metadata"]
        remedy = lets_go(Reason.UPDATE_PARTITIONED, f"{self.word}/{metadata['name']}", metadata["namespace"])
        return Held(Reason.UPDATE_PARTITIONED, message, remedy)

    def may_block(self, raw: Raw) -> bool:
        """With OrderedReady its controller waits for every pod to be ready, also for one that it is to replace."""
        pods = self.counts(raw)
        in_order = raw["spec"].get("podManagementPolicy", "OrderedReady") == "OrderedReady"
        return in_order and on_delete(raw, self.word) is None and max(pods.updated, pods.ready) < pods.wanted

    def pace(self, raw: Raw) -> Rolling:
        """One after the other, unless it says how many may be missing."""
        declared = (strategy(raw).get("rollingUpdate") or {}).get("maxUnavailable") or 1
        return Rolling(surge=0, away=max(1, number(declared, self.counts(raw).wanted, up=False)))

    def pods(self, target: str, revision: str = "") -> str:  # noqa: ARG002 - one protocol
        """Pods have the same names in every revision."""
        return regex_literal(f"{target}-") + "[0-9]+"

    def label(self, target: str, revision: str) -> tuple[str, str]:  # noqa: ARG002 - one protocol
        """The whole name of the ControllerRevision."""
        return LABEL, revision


def _partition(raw: Raw) -> int:
    partition: int = (strategy(raw).get("rollingUpdate") or {}).get("partition") or 0
    return partition


def _kept(raw: Raw, pods: Counts) -> int:
    """How many pods the partition keeps from a new pod template."""
    return min(_partition(raw), pods.wanted)

"""DaemonSets: the rules of this kind of workload, whose revisions are ControllerRevisions."""

from __future__ import annotations

from typing import Final

from driftreview.domain.controllerrevisions import LABEL, Revised, on_delete, progress, strategy
from driftreview.domain.query import generated
from driftreview.domain.revisions import Raw
from driftreview.domain.rolling import number
from driftreview.domain.workload import Counts, Held, Rollout


class DaemonSets(Revised):
    """One pod for each node that wants one: how many that are changes with the nodes."""

    word: Final = "daemonset"
    same_names: Final = False
    scalable: Final = False

    def counts(self, raw: Raw) -> Counts:
        """How many pods it wants and has."""
        status = raw.get("status") or {}
        return Counts(
            wanted=status.get("desiredNumberScheduled", 0),
            total=status.get("currentNumberScheduled", 0),
            updated=status.get("updatedNumberScheduled", 0),
            ready=status.get("numberReady", 0),
            available=status.get("numberAvailable", 0),
        )

    def rollout(self, raw: Raw) -> tuple[Rollout, str]:
        """The state of its rollout and a sentence."""
        pods, held = self.counts(raw), self.held(raw)
        rollout, message = progress(raw, pods)
        seen = raw["metadata"]["generation"] <= (raw.get("status") or {}).get("observedGeneration", 0)
        if held is not None and seen and pods.updated < pods.wanted:
            return Rollout.PAUSED, f"{message}; its {held.message}"
        return rollout, message

    def held(self, raw: Raw) -> Held | None:
        """The strategy OnDelete: also of a complete rollout, since the next one would be held."""
        return on_delete(raw, self.word)

    def may_block(self, raw: Raw) -> bool:  # noqa: ARG002 - one protocol
        """Its controller replaces pods that are not ready first."""
        return False

    def pods_at_once(self, raw: Raw) -> int:
        """As many as may be missing, or as may surge."""
        declared = strategy(raw).get("rollingUpdate") or {}
        most = declared.get("maxUnavailable") or declared.get("maxSurge") or 1
        return max(1, number(most, self.counts(raw).wanted, up=True))

    def pods(self, target: str, revision: str = "") -> str:  # noqa: ARG002 - one protocol
        """The names of pods do not tell their revision."""
        return generated(target)

    def label(self, target: str, revision: str) -> tuple[str, str]:
        """What the name of the ControllerRevision adds to the DaemonSet's."""
        return LABEL, revision.removeprefix(f"{target}-")

"""Workloads under review: what all kinds have in common; what each kind's own module says is the protocol `Rules`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol

from driftreview.api.reasons import Reason
from driftreview.api.status import Revision
from driftreview.api.wayback import WayBackCheck
from driftreview.domain.owner import Owner
from driftreview.domain.revisions import Raw
from driftreview.domain.rolling import ONE_BY_ONE, Rolling
from driftreview.domain.running import Edit

APPROVED: Final = "driftreview.dev/approved-revision"
"""Annotation on the target: hash of the pod template that a review approved."""
REJECTED: Final = "driftreview.dev/rejected-revision"
"""Annotation on the target: hash of the pod template that a review rolled back; it is never gone back to."""
REJECTED_DURING: Final = "driftreview.dev/rejected-during"
"""Annotation on the target: from when until when rejected templates ran; later baselines leave these times out."""
TRIED: Final = "driftreview.dev/tried"
"""Label, in dry runs only: what makes another pod template of the one that runs."""
RESTORED: Final = "driftreview.dev/restored-revision"
"""Annotation on the target: hash of the pod template that a rollback put back; it is no release."""
LONGEST_BASELINE: Final = timedelta(days=28)
"""Nothing from before is compared with."""


class Rollout(StrEnum):
    """How far the current pod template is rolled out, as `kubectl rollout status` tells it."""

    COMPLETE = "Complete"
    PROGRESSING = "Progressing"
    FAILED = "Failed"
    PAUSED = "Paused"
    """It goes on only when a person does something: what, says `Held`."""


_STRATEGY: Final = """kubectl patch {} -p '{{"spec":{{"updateStrategy":%s}}}}'"""
HOLDING_BACK: Final[Mapping[Reason, str]] = MappingProxyType(
    {
        Reason.TARGET_PAUSED: "kubectl rollout resume {}",
        Reason.UPDATE_ON_DELETE: _STRATEGY % '{{"type":"RollingUpdate"}}',
        Reason.UPDATE_PARTITIONED: _STRATEGY % '{{"rollingUpdate":{{"partition":0}}}}',
    }
)
"""Why a target is held: all of it a person can undo, and a rollback is then done. Each with the command, and in it the
place of the workload."""


@dataclass(frozen=True)
class Held:
    """What keeps a pod template of the target from its pods until a person does something."""

    reason: Reason
    message: str
    """What it is, to be read behind "the target's"."""
    remedy: str
    """What to do about it."""


def lets_go(reason: Reason, workload: str, namespace: str) -> str:
    """The command that lets a pod template reach the pods again.

    Args:
        reason: what keeps it from them, one of HOLDING_BACK.
        workload: as kubectl names it, such as deployment/web.
        namespace: where it is.
    """
    return HOLDING_BACK[reason].format(f"{workload} -n {namespace}")


@dataclass(frozen=True)
class Counts:
    """How many pods a workload wants and has."""

    wanted: int
    total: int
    updated: int
    ready: int
    available: int


@dataclass(frozen=True)
class Slim:
    """What a workload tells; of its pod template, which may have a megabyte, only the hash is kept."""

    raw: Raw = field(repr=False)
    """Without its pod template and its field managers."""
    template_hash: str
    edits: tuple[datetime, ...]
    """When its pod template was edited, as well as its field managers tell: each only its last edit of anything."""
    reported_at: datetime | None = None
    """When its controller last said something new in its status."""
    edited: Edit | None = None
    """Who wrote its pod template last."""
    scaled: Edit | None = None
    """Who wrote how many pods are wanted."""
    owner: Owner | None = None
    """What else owns its spec: a GitOps tool, or Helm."""
    irreversible: str | None = None
    """Where it is marked as not to be rolled back, and why."""


class Rules(Protocol):
    """What is different from kind to kind of workload."""

    @property
    def word(self) -> str:
        """What kubectl calls it, before a slash and its name."""

    @property
    def revisions(self) -> str:
        """Kind of the objects that hold its revisions."""

    @property
    def same_names(self) -> bool:
        """Whether its pods have the same names in every revision."""

    @property
    def scalable(self) -> bool:
        """Whether people say how many pods it wants; or else the nodes do."""

    @property
    def records_end(self) -> bool:
        """Whether the workload tells when its rollout finished, or only when that was at the latest."""

    def counts(self, raw: Raw) -> Counts:
        """How many pods it wants and has."""

    def rollout(self, raw: Raw) -> tuple[Rollout, str]:
        """The state of its rollout and a sentence, by the rules of `kubectl rollout status`."""

    def held(self, raw: Raw) -> Held | None:
        """What keeps a pod template from its pods, now or after a rollback."""

    def may_block(self, raw: Raw) -> bool:
        """Whether a pod of an older revision that is not ready would keep its rollout from going on."""

    def finished_at(self, target: Slim) -> datetime | None:
        """When its complete rollout finished, as well as anything tells."""

    def finished_by(self, target: Slim) -> datetime | None:
        """Until when its complete rollout surely finished; None if nothing tells."""

    def deadline_seconds(self, raw: Raw) -> int:
        """How long its rollouts may make no progress."""

    def pace(self, raw: Raw) -> Rolling:
        """How many pods its rollouts add and take away at a time."""

    def pods(self, target: str, revision: str = "") -> str:
        """A regular expression for the names of its pods, if possible only of one revision's."""

    def label(self, target: str, revision: str) -> tuple[str, str]:
        """Name and value of the label by which the pods of a revision are told."""

    def owner(self, target_uid: str, revision_uid: str) -> str:
        """UID of what owns the pods of a revision."""


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
    is_first: bool = False
    """Nothing of it ran before the current revision, as far as its object tells."""
    replicas: int = 1
    """How many pods are wanted."""
    counts: Counts | None = None
    """How many pods it wants and has; None while its controller has not seen its spec."""
    restored: bool = False
    """The current template was put back by a rollback of ours."""
    rejected: bool = False
    """The current template is one that a rollback of ours took away."""
    taken_back_after: str = ""
    """The review of which people did the rollback that took the current template away; empty where they did none."""
    rejected_during: tuple[tuple[datetime, datetime], ...] = ()
    """When templates ran that rollbacks of ours took away."""
    ruled_during: tuple[tuple[datetime, datetime], ...] = ()
    """Those of them that earlier reviews tell; the others stand in an annotation."""
    passed_over: str = ""
    """Which revision is not gone back to since it was rejected, and who says so; empty where none would be newer."""
    deadline_seconds: int = 600
    """How long its rollouts may make no progress."""
    records_end: bool = True
    """Whether it tells when its rollout finished; or else only when that was at the latest."""
    held: Held | None = None
    """What keeps a pod template from its pods, now or after a rollback."""
    blocked_by: tuple[str, ...] = ()
    """Pods without which its rollout does not go on by itself: they are not ready and of an older revision."""
    scalable: bool = True
    """Whether people say how many pods are wanted; or else the nodes do."""
    pace: Rolling = ONE_BY_ONE
    """How many pods its rollouts add and take away at a time."""
    taken_back: tuple[str, ...] = ()
    """Hashes of the templates that rollbacks of ours took away."""
    edited: Edit | None = None
    """Who wrote its pod template last."""
    scaled: Edit | None = None
    """Who wrote how many pods are wanted."""
    owner: Owner | None = None
    """What else owns its spec: a GitOps tool, or Helm."""
    irreversible: str | None = None
    """Where it is marked as not to be rolled back, and why."""
    break_glass: str | None = None
    """Why somebody says to have released past a review that blocks."""
    keeps_history: bool = True
    """Whether the cluster keeps a revision when its rollout is over."""
    check: WayBackCheck | None = None
    """What was found when the way back was last looked at."""
    members: tuple[TargetView | None, ...] = ()
    """The workloads that are reviewed with it, in the order of the spec; None for one that is not there."""


def rolled_back(annotations: Mapping[str, str]) -> tuple[str, ...]:
    """Hashes of the templates that rollbacks took away, the last one at the end."""
    return tuple(filter(None, annotations.get(REJECTED, "").split(",")))

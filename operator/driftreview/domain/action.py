"""What a plan says to do next, and what it looks at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from driftreview.api.act import ActType, Pause
from driftreview.api.approval import DriftApproval
from driftreview.api.driftsnapshot import Problem
from driftreview.api.preflight import PreflightFinding
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.blocking import Tried
from driftreview.domain.giving import StepView
from driftreview.domain.precedence import Claim
from driftreview.domain.schedule import Due
from driftreview.domain.serving import UNSEEN, Serving
from driftreview.domain.signalsets import NO_SETS, Sets
from driftreview.domain.stop import Stop
from driftreview.domain.workload import TargetView

RESYNC: Final = timedelta(seconds=60)
"""How long at most nothing is looked at: a new revision or a deleted target is noticed by then."""


FOLLOW: Final = timedelta(seconds=2)
"""While our own act is carried out by the cluster, and at first while a rollout or somebody's mending is awaited."""

DEADLINE_SLACK: Final = timedelta(seconds=60)
"""What a rollout gets on top of its workload's progress deadline, or of twice as long as the last one took: Kubernetes
does not watch one that never moves."""

BRISK: Final = timedelta(seconds=10)
"""While what is awaited does not come."""


class Role(StrEnum):
    """What a process does for a review."""

    ALL = "all"
    """All of it."""
    JUDGE = "judge"
    """Everything up to the stored intent; it changes no workload."""
    ACTOR = "actor"
    """What is left from the stored intent on."""


@dataclass(frozen=True)
class Observed:
    """What was found outside the review itself."""

    target: TargetView | None
    """None: there is no such workload."""
    problems: tuple[Problem, ...] = ()
    """What keeps a review that has not started from being accepted; or, with a reason of `starting.SILENT`, what keeps
    it from nothing but should be known: a query that returned nothing to judge."""
    approvals: tuple[DriftApproval, ...] = ()
    """Every one that names the review, in any order."""
    preflight: tuple[PreflightFinding, ...] | None = None
    """What is not in order in a review that has not started; None if that was not looked at."""
    step: StepView | None = None
    """The workload of the promotion's next step; None where there is none."""
    serving: Serving = UNSEEN
    """The pods of a target whose rollback is under way."""
    sets: Sets = NO_SETS
    """What the signal sets of a review that has not started came to."""
    first: Claim | None = None
    """The review of the same target that one that has not started waits for."""
    stop: Stop | None = None
    """That no act may begin, if so."""
    tried: Tried | None = None
    """What the API server said to another pod template, where it is to be refused."""


@dataclass(frozen=True)
class Settle:
    """Write this status, if it differs from the stored one, and look again at `again` (None: never)."""

    status: DriftReviewStatus
    again: datetime | None


@dataclass(frozen=True)
class CaptureBaseline:
    """Gather and freeze the T0 evidence."""


@dataclass(frozen=True)
class CaptureCheckpoint:
    """Gather, freeze and judge one checkpoint."""

    index: int


@dataclass(frozen=True)
class CaptureGuard:
    """Look between the checkpoints; only what there is a drift in is frozen."""

    due: Due


@dataclass(frozen=True)
class CaptureRecovery:
    """Gather, freeze and judge the time after the rollback."""


@dataclass(frozen=True)
class PatchTarget:
    """Carry out the written intent on the target as it was observed."""

    act: ActType


@dataclass(frozen=True)
class TakeStep:
    """Do the step of the written intent that has this index, on its workload as it is read anew."""

    index: int


@dataclass(frozen=True)
class PauseOwner:
    """Tell what owns the target to leave it alone, as the written intent says."""

    pause: Pause


def brisk(status: DriftReviewStatus, now: datetime, most: timedelta = BRISK) -> datetime:
    """When to look again for what changes without our being told: a rollout, a mended source.

    After a quarter of the time for which no condition has changed; not before FOLLOW, not later than `most`.
    """
    changed = max((each.last_transition_time for each in status.conditions), default=now)
    return now + min(max((now - changed) / 4, FOLLOW), most)


Action: TypeAlias = (
    Settle | CaptureBaseline | CaptureCheckpoint | CaptureGuard | CaptureRecovery | PatchTarget | TakeStep | PauseOwner
)

"""Reads what tells whether a target could be rolled back. No read that fails, and none that is slow, is an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any, Final, TypeVar

from driftreview.adapters.errors import (
    ChangedError,
    ClusterError,
    ForbiddenError,
    NotFoundError,
    RefusedError,
    UnservedError,
)
from driftreview.adapters.gitops import GitOpsTools
from driftreview.adapters.histories import TARGETS
from driftreview.adapters.kubernetes import AUTOSCALERS, CONFIG_MAPS, SECRETS, Cluster, Kind
from driftreview.adapters.workloads import Workload
from driftreview.api.act import Pause, PausedKind
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import Problem
from driftreview.api.wayback import Hindrance, Rehearsal, RehearsalOutcome
from driftreview.domain.action import Role
from driftreview.domain.blocking import SAYS, Tried
from driftreview.domain.display import plain
from driftreview.domain.headroom import budget_of, quota_of
from driftreview.domain.patches import another_patch, note_patch, ran, rollback_patch
from driftreview.domain.pausing import LEFT_ALONE, hindrance, how_to_grant, not_there, pause_ahead
from driftreview.domain.running import autoscaler_of
from driftreview.domain.wayback import (
    CLAIM,
    CONFIG_MAP,
    MOST_NEEDS,
    PULL_SECRET,
    SECRET,
    SERVICE_ACCOUNT,
    Gathered,
    Need,
    Unread,
    needs,
)
from driftreview.domain.ways import resumes

SECONDS: Final = 5.0
"""After so many no further question is asked."""
_ANSWER_SECONDS: Final = 2.0
"""How long one answer is waited for: a rollback may be waiting behind it."""
QUOTAS: Final = Kind("/api/v1", "resourcequotas")
BUDGETS: Final = Kind("/apis/policy/v1", "poddisruptionbudgets")
_KINDS: Final = {
    SERVICE_ACCOUNT: Kind("/api/v1", "serviceaccounts"),
    CLAIM: Kind("/api/v1", "persistentvolumeclaims"),
    CONFIG_MAP: CONFIG_MAPS,
    SECRET: SECRETS,
    PULL_SECRET: SECRETS,
}
_MOST: Final = 50
"""Objects that are looked at of a list."""
_MESSAGE: Final = 200
_NO_DRY_RUN: Final = "does not support dry run"
"""What the API server says of an admission webhook that has side effects: that one is not asked, nor the rest."""
_BY_THE_ACTOR: Final = "the operator of role actor tries it before it acts"
_PAUSE: Final = "whether what owns the target can be told to leave it alone"
_BY_NOBODY: Final = "the operator of role judge may change no workload, not even without doing it"
_UNAUTHORIZED: Final = 401
_NO_RIGHT: Final = "the operator may not read it"
_CHANGED: Final = "it changed while that was tried"
_NO_TIME: Final = "the API server was slow"

_T = TypeVar("_T")


class WayBack:
    """Looks at the way back of targets; threads may share it."""

    def __init__(self, cluster: Cluster, role: Role = Role.ALL) -> None:
        """Ask this cluster, in a hurry; a judge may patch nothing, and so rehearse nothing."""
        self._cluster, self._rehearses = cluster.hurried(_ANSWER_SECONDS), role is not Role.JUDGE
        self._tools = GitOpsTools(self._cluster)

    def gather(
        self, review: DriftReview, workload: Workload, template: Mapping[str, Any] | None, now: datetime
    ) -> Gathered:
        """Rehearse the rollback with the pause before it, and read what the previous pods need.

        Args:
            review: whose way back it is.
            workload: the target as it was read.
            template: the previous pod template, empty if it could not be read; None if the pods are taken away.
            now: the time.
        """
        asked = _Questions(self._cluster, workload.raw["metadata"]["namespace"], monotonic() + SECONDS)
        gathered = self._gathered(review, workload, template, now, asked)
        not_paused = self._not_paused(review, workload, pause_ahead(review, workload.view, now), asked)
        return _with_scalers(replace(gathered, not_paused=not_paused), asked, workload)

    def _gathered(
        self,
        review: DriftReview,
        workload: Workload,
        template: Mapping[str, Any] | None,
        now: datetime,
        asked: _Questions,
    ) -> Gathered:
        if template is not None and not template:
            return Gathered(template)
        during = ran(workload.view, review.status.t0, now)
        patch = rollback_patch(workload.view, workload.raw, template, during, resumes=resumes(review))
        rehearsal = self._rehearsal(workload, patch)
        if template is None:
            return Gathered({}, rehearsal=rehearsal, empties=True)
        return Gathered(
            template,
            missing=tuple(each for each in needs(template)[:MOST_NEEDS] if asked.is_missing(each)),
            quotas=tuple(asked.all("ResourceQuotas", QUOTAS, quota_of)),
            budgets=tuple(asked.all("PodDisruptionBudgets", BUDGETS, budget_of)),
            rehearsal=rehearsal,
        )

    def _not_paused(
        self, review: DriftReview, workload: Workload, pause: Pause | Problem | None, asked: _Questions
    ) -> Hindrance | None:
        """Why the pause that the rollback would begin with would not be done; None if it would, or is not known."""
        if isinstance(pause, Problem):
            return hindrance(pause.message)
        if pause is None:
            return None
        if not self._rehearses:
            asked.unread.append(Unread(_PAUSE, _BY_THE_ACTOR))
            return None
        found: Hindrance | None = None

        def rehearse() -> None:
            nonlocal found
            try:
                self._rehearse_pause(review, workload, pause)
            except ForbiddenError as error:
                found = hindrance(_said(error), how_to_grant(pause))
            except (NotFoundError, UnservedError):
                found = hindrance(not_there(pause))
            except ChangedError:
                asked.unread.append(Unread(_PAUSE, _CHANGED))
            except RefusedError as error:
                if _outcome(error) is not RehearsalOutcome.REFUSED:
                    raise
                found = hindrance(_said(error))

        asked.ask(_PAUSE, rehearse)
        return found

    def _rehearse_pause(self, review: DriftReview, workload: Workload, pause: Pause) -> None:
        if pause.kind is not PausedKind.TARGET:
            self._tools.rehearse(review, pause)
            return
        patch = note_patch(workload.view, workload.raw, LEFT_ALONE)
        self._cluster.rehearse(TARGETS[workload.kind], pause.name, patch, pause.namespace)

    def try_another(self, workload: Workload, now: datetime) -> Tried:
        """Try to give the target another pod template, as any release does; nothing is changed."""
        if not self._rehearses:
            return Tried(now, None, _BY_NOBODY)
        metadata = workload.raw["metadata"]
        try:
            patch = another_patch(workload.view)
            self._cluster.rehearse(TARGETS[workload.kind], metadata["name"], patch, metadata["namespace"])
        except ClusterError as error:
            return Tried(now, True) if SAYS in str(error) else Tried(now, None, _said(error))
        return Tried(now, refused=False)

    def _rehearsal(self, workload: Workload, patch: Sequence[Mapping[str, Any]]) -> Rehearsal:
        metadata = workload.raw["metadata"]
        if not self._rehearses:
            return Rehearsal(outcome=RehearsalOutcome.UNKNOWN, message=_BY_THE_ACTOR)
        try:
            self._cluster.rehearse(TARGETS[workload.kind], metadata["name"], patch, metadata["namespace"])
        except ClusterError as error:
            return Rehearsal(outcome=_outcome(error), message=_said(error))
        return Rehearsal(outcome=RehearsalOutcome.ACCEPTED)


def _with_scalers(gathered: Gathered, asked: _Questions, workload: Workload) -> Gathered:
    """With the autoscalers of the target, which are asked for last, and with all that could not be read."""
    before, scale = len(asked.unread), partial(autoscaler_of, kind=workload.kind, name=workload.raw["metadata"]["name"])
    found = tuple(filter(None, asked.all("HorizontalPodAutoscalers", AUTOSCALERS, scale)))
    unknown = None if found else next((each.why for each in asked.unread[before:]), None)
    return replace(gathered, scalers=found, unknown_scalers=unknown, unread=tuple(asked.unread))


def _outcome(error: ClusterError) -> RehearsalOutcome:
    """What an error says of the real patch: only what would refuse that one as well is a refusal."""
    if isinstance(error, ForbiddenError):
        return RehearsalOutcome.FORBIDDEN
    if not isinstance(error, RefusedError) or error.status == _UNAUTHORIZED or _NO_DRY_RUN in str(error):
        return RehearsalOutcome.UNKNOWN
    return RehearsalOutcome.REFUSED


def _said(error: ClusterError) -> str:
    """What the API server said, without what it was asked."""
    text = str(error)
    if isinstance(error, RefusedError) and error.status:
        text = text.partition(f": {error.status} ")[2] or text
    return plain(text, _MESSAGE)


@dataclass
class _Questions:
    """The questions of one look, as long as there is time and somebody answers."""

    cluster: Cluster
    namespace: str
    until: float
    unread: list[Unread] = field(default_factory=list)
    silent: bool = False

    def is_missing(self, need: Need) -> bool:
        """Whether an object certainly is not there."""
        missing = False

        def look() -> None:
            nonlocal missing
            try:
                self.cluster.look_for(_KINDS[need.kind], need.name, self.namespace)
            except NotFoundError:
                missing = True

        self.ask(str(need), look)
        return missing

    def all(self, what: str, kind: Kind, reduce: Callable[[dict[str, Any]], _T]) -> list[_T]:
        """The first objects of a kind; none where they cannot be read."""
        found: list[_T] = []

        def read() -> None:
            for page in self.cluster.objects(kind, self.namespace, {}, reduce):
                found.extend(page)
                if len(found) >= _MOST:
                    self.unread.append(Unread(f"more than {len(found)} {what}", "only the first are read"))
                    return

        self.ask(what, read)
        return found[:_MOST]

    def ask(self, what: str, question: Callable[[], None]) -> None:
        """Ask, unless there is no time for it; what is not answered is not known."""
        if self.silent or monotonic() >= self.until:
            self.unread.append(Unread(what, _NO_TIME))
            return
        try:
            question()
        except ForbiddenError:
            self.unread.append(Unread(what, _NO_RIGHT))
        except ClusterError as error:
            self.silent = not isinstance(error, RefusedError)  # asked again, it would keep a rollback waiting
            self.unread.append(Unread(what, _NO_TIME if self.silent else _said(error)))

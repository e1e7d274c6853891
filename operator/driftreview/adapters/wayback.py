"""Reads what tells whether a target could be rolled back. No read that fails, and none that is slow, is an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any, Final, TypeVar

from driftreview.adapters.errors import ClusterError, ForbiddenError, NotFoundError, RefusedError
from driftreview.adapters.histories import TARGETS
from driftreview.adapters.kubernetes import AUTOSCALERS, CONFIG_MAPS, SECRETS, Cluster, Kind
from driftreview.adapters.workloads import Workload
from driftreview.api.wayback import Rehearsal, RehearsalOutcome
from driftreview.domain.action import Role
from driftreview.domain.blocking import SAYS, Tried
from driftreview.domain.display import plain
from driftreview.domain.headroom import budget_of, quota_of
from driftreview.domain.patches import another_patch, rollback_patch
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
_BY_NOBODY: Final = "the operator of role judge may change no workload, not even without doing it"
_UNAUTHORIZED: Final = 401
_NO_RIGHT: Final = "the operator may not read it"
_NO_TIME: Final = "the API server was slow"

_T = TypeVar("_T")


class WayBack:
    """Looks at the way back of targets; threads may share it."""

    def __init__(self, cluster: Cluster, role: Role = Role.ALL) -> None:
        """Ask this cluster, in a hurry; a judge may patch nothing, and so rehearse nothing."""
        self._cluster, self._rehearses = cluster.hurried(_ANSWER_SECONDS), role is not Role.JUDGE

    def gather(
        self,
        workload: Workload,
        template: Mapping[str, Any] | None,
        ran: tuple[datetime, datetime],
        *,
        resumes: bool = False,
    ) -> Gathered:
        """Rehearse the rollback, and read what the previous pods need.

        Args:
            workload: the target as it was read.
            template: the previous pod template, empty if it could not be read; None if the pods are taken away.
            ran: from when until when what runs now ran, as the patch of the rollback has it.
            resumes: whether a paused rollout goes on with it.
        """
        asked = _Questions(self._cluster, workload.raw["metadata"]["namespace"], monotonic() + SECONDS)
        if template is not None and not template:
            return _with_scalers(Gathered(template), asked, workload)
        patch = rollback_patch(workload.view, workload.raw, template, ran, resumes=resumes)
        rehearsal = self._rehearsal(workload, patch)
        if template is None:
            return _with_scalers(Gathered({}, rehearsal=rehearsal, empties=True), asked, workload)
        gathered = Gathered(
            template,
            missing=tuple(each for each in needs(template)[:MOST_NEEDS] if asked.is_missing(each)),
            quotas=tuple(asked.all("ResourceQuotas", QUOTAS, quota_of)),
            budgets=tuple(asked.all("PodDisruptionBudgets", BUDGETS, budget_of)),
            rehearsal=rehearsal,
        )
        return _with_scalers(gathered, asked, workload)

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

        self._ask(str(need), look)
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

        self._ask(what, read)
        return found[:_MOST]

    def _ask(self, what: str, question: Callable[[], None]) -> None:
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

"""Reads and changes the workloads under review. The one place that acts."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from driftreview.adapters.errors import ChangedError, ForbiddenError, NotFoundError
from driftreview.adapters.histories import HISTORIES, TARGETS, History
from driftreview.adapters.kubernetes import PODS, Cluster
from driftreview.adapters.serving import serving
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import RevisionEvidence
from driftreview.api.status import Revision
from driftreview.api.target import Target, TargetKind
from driftreview.domain.keeping import with_kept
from driftreview.domain.kinds import KINDS
from driftreview.domain.patches import approve_patch, note_patch, rollback_patch
from driftreview.domain.pausing import LEFT_ALONE
from driftreview.domain.pods import blocking
from driftreview.domain.revisions import MOST_READ, Listed, Stored, is_owned, pin
from driftreview.domain.serving import Serving
from driftreview.domain.viewing import choose, label_selector, slim, view
from driftreview.domain.workload import TargetView, rolled_back

_MOST_KEPT: Final = 2000
"""Revisions of which is kept what was read; of more, the one longest unused is read again."""
_MOST_BLOCKING: Final = 3
"""Pods named that keep a rollout from going on."""


@dataclass(frozen=True)
class Workload:
    """A target as it was read, and what it means."""

    kind: TargetKind
    raw: Mapping[str, Any]
    """Without its pod template."""
    view: TargetView


@dataclass(frozen=True)
class _Known:
    """What is kept of a revision that was read whole; no revision if it holds nothing to go back to."""

    revision: Revision | None
    number: int


class Workloads:
    """The workloads of a cluster; threads may share it.

    What was read of a revision holds until it is changed: it is kept, in memory only.
    """

    def __init__(self, cluster: Cluster, on_answer: Callable[[], None] = lambda: None) -> None:
        """Use this cluster; say after each answer that it goes on."""
        self._cluster, self._on_answer = cluster, on_answer
        self._lock = threading.Lock()
        self._revisions: OrderedDict[tuple[str, str], _Known] = OrderedDict()

    def read(
        self, namespace: str, of: Target, rejected: AbstractSet[str] = frozenset(), kept: Sequence[Revision] = ()
    ) -> Workload | None:
        """Read a workload and of its revisions what is needed; None if there is no such workload.

        `rejected` are hashes of templates that are not gone back to, `kept` what was kept of a target without history.

        Raises:
            OversizedError: it, or a revision that is needed, is larger than is read.
        """
        try:
            target = self._cluster.keep(TARGETS[of.kind], of.name, namespace, slim)
        except NotFoundError:
            return None
        self._on_answer()
        rules, history, selector = KINDS[of.kind], HISTORIES[of.kind], label_selector(target.raw)
        own = partial(history.listed, target.raw["metadata"]["uid"])
        found: list[Listed] = []
        for page in self._cluster.metadata(history.kind, namespace, selector, own):
            found += filter(None, page)
            self._on_answer()
        if not history.numbered:
            found = self._numbered(namespace, history, found)
        known = self._known(found)
        choice = choose(rules, target, found, known, rejected)
        while choice.missing is not None:
            missing = choice.missing
            read = self._revision(namespace, history, missing)
            if read.revision is None:
                found = [each for each in found if each is not missing]
            else:
                known[missing.uid] = read.revision
            choice = choose(rules, target, found, known, rejected)
        never = {*rejected, *rolled_back(target.raw["metadata"].get("annotations") or {})}
        seen = with_kept(view(rules, target, choice, known), kept, never)
        if choice.current is not None and rules.may_block(target.raw):
            label = rules.label(of.name, choice.current.name)
            blocked_by = self._blocking(namespace, selector, rules.owner(seen.uid, choice.current.uid), label)
            seen = replace(seen, blocked_by=blocked_by)
        return Workload(of.kind, target.raw, seen)

    def pin(self, namespace: str, kind: TargetKind, revision: Revision, owner: str | None = None) -> RevisionEvidence:
        """A revision as evidence, with its whole template if that is still to be had; of this owner, if it is given."""
        history = HISTORIES[kind]
        try:
            return self._cluster.keep(
                history.kind, revision.name, namespace, lambda raw: pin(revision, _of(owner, raw, history.read))
            )
        except NotFoundError:
            return pin(revision, None)

    def serving(self, review: DriftReview, workload: Workload) -> Serving:
        """The pods of a target whose rollback is under way.

        Raises:
            ClusterError: the API server did not answer.
        """
        return serving(self._cluster, review, workload.view)

    def _numbered(self, namespace: str, history: History, found: Sequence[Listed]) -> list[Listed]:
        """The revisions with their numbers, for which each is read whole once; without a template they are left out."""
        numbered: list[Listed] = []
        for each in sorted(found, key=lambda each: each.began or each.born, reverse=True)[:MOST_READ]:
            with self._lock:
                known = self._revisions.get((each.uid, each.version))
            known = known or self._revision(namespace, history, each)
            if known.revision is not None:
                numbered.append(replace(each, number=known.number))
        return numbered

    def _known(self, found: Sequence[Listed]) -> dict[str, Revision]:
        known: dict[str, Revision] = {}
        with self._lock:
            for each in found:
                kept = self._revisions.get((each.uid, each.version))
                if kept is not None and kept.revision is not None:
                    known[each.uid] = kept.revision
                    self._revisions.move_to_end((each.uid, each.version))
        return known

    def _revision(self, namespace: str, history: History, wanted: Listed) -> _Known:
        def keep(raw: Mapping[str, Any]) -> tuple[str, _Known]:
            read: Stored | None = history.read(raw)
            known = _Known(None, 0) if read is None else _Known(read.revision, read.number)
            return raw["metadata"]["uid"], known

        uid, known = self._cluster.keep(history.kind, wanted.name, namespace, keep)
        self._on_answer()
        if uid != wanted.uid:
            raise ChangedError(f"revision {wanted.name} was made anew while it was read")
        with self._lock:
            self._revisions[wanted.uid, wanted.version] = known
            if len(self._revisions) > _MOST_KEPT:
                self._revisions.popitem(last=False)
        return known

    def _blocking(self, namespace: str, selector: str, owner: str, label: tuple[str, str]) -> tuple[str, ...]:
        """Pods of other revisions that are not ready; none where pods may not be read."""
        name, value = label
        selectors = {"labelSelector": ",".join(filter(None, (selector, f"{name}!={value}")))}
        found: list[str] = []
        try:
            for page in self._cluster.objects(PODS, namespace, selectors, partial(blocking, owner=owner)):
                found += filter(None, page)
                self._on_answer()
        except ForbiddenError:
            return ()
        return tuple(sorted(found)[:_MOST_BLOCKING])

    def approve(self, workload: Workload, *, resumes: bool) -> None:
        """Mark the current pod template as approved, if the workload is still as it was read."""
        self._patch(workload, approve_patch(workload.view, workload.raw, resumes=resumes))

    def leave_alone(self, workload: Workload) -> None:
        """Note on the workload that Flux applies nothing to it, if it is still as it was read."""
        self._patch(workload, note_patch(workload.view, workload.raw, LEFT_ALONE))

    def roll_back(
        self, workload: Workload, template: Mapping[str, Any] | None, ran: tuple[datetime, datetime], *, resumes: bool
    ) -> None:
        """Put a pod template back, or take the pods away, if the workload is still as it was read.

        When the rejected template ran, is noted.
        """
        self._patch(workload, rollback_patch(workload.view, workload.raw, template, ran, resumes=resumes))

    def _patch(self, workload: Workload, patch: list[dict[str, Any]]) -> None:
        metadata = workload.raw["metadata"]
        self._cluster.patch(TARGETS[workload.kind], metadata["name"], patch, metadata["namespace"])


def _of(owner: str | None, raw: Mapping[str, Any], read: Callable[[Mapping[str, Any]], Stored | None]) -> Stored | None:
    """A revision that was read, if it is of this workload: a status may name whatever its writer likes."""
    return read(raw) if owner is None or is_owned(owner, raw["metadata"]) else None

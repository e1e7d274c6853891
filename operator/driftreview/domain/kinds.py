"""The kinds of workload that can be reviewed, each with its rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from driftreview.api.driftreview import DriftReview
from driftreview.api.status import Revision
from driftreview.api.target import TargetKind, WorkloadRef
from driftreview.domain.daemonsets import DaemonSets
from driftreview.domain.deployments import Deployments
from driftreview.domain.incidents import Subjects
from driftreview.domain.pods import PodsOf
from driftreview.domain.statefulsets import StatefulSets
from driftreview.domain.workload import Rules, TargetView

KINDS: Final[Mapping[TargetKind, Rules]] = MappingProxyType(
    {
        TargetKind.DEPLOYMENT: Deployments(),
        TargetKind.STATEFUL_SET: StatefulSets(),
        TargetKind.DAEMON_SET: DaemonSets(),
    }
)


def rules_of(review: DriftReview) -> Rules:
    """The rules of the kind that a review is about."""
    return KINDS[review.spec.target.kind]


def as_kubectl_says(target: WorkloadRef) -> str:
    """A target as commands name it."""
    return f"{KINDS[target.kind].word}/{target.name}"


def pods_of(target: WorkloadRef, target_uid: str, revision: Revision) -> PodsOf:
    """By what the pods of a revision are told."""
    rules = KINDS[target.kind]
    return PodsOf(rules.owner(target_uid, revision.uid), *rules.label(target.name, revision.name))


def pods_of_all(review: DriftReview, revisions: Sequence[str] = ()) -> str:
    """A regular expression for the names of the pods of all workloads that ship together.

    Args:
        review: which workloads.
        revisions: by name, of each the one whose pods are meant; any, where there are none.
    """
    target = review.spec.target
    every = [target, *target.with_]
    names = revisions or [""] * len(every)
    found = [KINDS[each.kind].pods(each.name, name) for each, name in zip(every, names, strict=True)]
    return found[0] if len(found) == 1 else f"(?:{'|'.join(found)})"


def subjects(judged: Iterable[tuple[WorkloadRef, Revision]]) -> Subjects:
    """Whose events are incidents of judged revisions: also those of their pods that are gone."""
    own: set[tuple[str, str]] = set()
    pods: list[str] = []
    for of, revision in judged:
        rules = KINDS[of.kind]
        own |= {(of.kind.value, of.name), (rules.revisions, revision.name)}
        pods.append(rules.pods(of.name, revision.name))
    return Subjects(frozenset(own), "|".join(pods))


def warnings_of(review: DriftReview) -> str:
    """The command that shows why pods are not there: what is not allowed to make them says so, not their owner."""
    return f"kubectl get events -n {review.metadata.namespace} --field-selector type=Warning"


def blocked(review: DriftReview, target: TargetView) -> str:
    """What only a person can do about pods that keep a rollout from going on; empty if there are none."""
    if not target.blocked_by:
        return ""
    names = " ".join(target.blocked_by)
    return (
        f"; with podManagementPolicy OrderedReady it waits until {names}, of an older revision, is "
        f"ready, and replaces no pod before: kubectl delete pod {names} -n {review.metadata.namespace}"
    )


def unblocks(review: DriftReview, message: str) -> str:
    """The command at the end of what `blocked` says; empty where it is another, as others may write a status."""
    target = review.spec.target
    names = "|".join(re.escape(each.name) for each in (target, *target.with_))
    found = re.search(rf"kubectl delete pod (?:(?:{names})-[0-9]+ )+-n {review.metadata.namespace}\Z", message)
    return found[0] if found else ""


def revision_hash(target: WorkloadRef, revision: str) -> str:
    """What the name of a revision adds to its workload's."""
    return revision.removeprefix(f"{target.name}-")

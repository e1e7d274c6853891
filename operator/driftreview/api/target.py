"""The workload under review, and those that are reviewed with it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import ConfigDict, Field

from driftreview.api.base import DnsName, Model, atomic, rules

MOST_WITH: Final = 4
"""Workloads that are reviewed with the target: five ship together at most."""


class TargetKind(StrEnum):
    """Kinds of workload that can be reviewed."""

    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    DAEMON_SET = "DaemonSet"


class WorkloadRef(Model):
    """A workload, by its kind and name."""

    kind: TargetKind = TargetKind.DEPLOYMENT
    """Its kind."""
    name: DnsName
    """Its name."""

    def __str__(self) -> str:
        """As sentences name it."""
        return f"{self.kind} {self.name}"


class Target(WorkloadRef):
    """The workload under review, in the review's namespace."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(self.with) || self.with.all(each, each.kind != self.kind || each.name != self.name)",
                "with names further workloads, not the target itself",
            ),
            (
                (
                    "!has(self.with) || self.with.all(one, self.with.exists_one(each,"
                    " each.kind == one.kind && each.name == one.name))"
                ),
                "with names each workload once",
            ),
        )
    )

    with_: Annotated[list[WorkloadRef], Field(alias="with", max_length=MOST_WITH, json_schema_extra=atomic())] = Field(
        default_factory=list
    )
    """Workloads of the same namespace that ship together with it: one T0, when all are rolled out, and one decision for
    all; rolled back and promoted after it, in this order."""


_ALONE: Final = "!has(self.target.with) || self.target.with.size() == 0"
TOGETHER: Final[tuple[tuple[str, str], ...]] = (
    (
        f"{_ALONE} || self.policy.onNewRevision == 'Supersede'",
        "target.with: services that ship together need policy.onNewRevision Supersede",
    ),
    (
        f"{_ALONE} || !has(self.rollout) || self.rollout.type == 'InPlace'",
        "target.with: services that ship together need rollout.type InPlace",
    ),
    (
        f"{_ALONE} || !has(self.rollout) || self.rollout.gitOps != 'Pause'",
        "target.with: rollout.gitOps Pause is for one workload: use Report or Override",
    ),
    (
        (
            f"{_ALONE} || !has(self.rollout) || !has(self.rollout.promoteTo)"
            " || self.rollout.promoteTo.all(to, self.target.with.all(each, each.kind != to.kind"
            " || each.name != to.name || has(to.__namespace__)))"
        ),
        "rollout.promoteTo: what is named in target.with is promoted already",
    ),
    (
        (
            f"{_ALONE} || !has(self.rollout) || self.rollout.firstRelease != 'ScaleToZero'"
            " || self.target.with.all(each, each.kind != 'DaemonSet')"
        ),
        "rollout.firstRelease ScaleToZero: a DaemonSet of target.with has no number of pods",
    ),
)
"""What a spec with further workloads must say: each a rule on it, and what is wrong where it does not hold."""

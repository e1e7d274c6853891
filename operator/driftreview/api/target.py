"""The workload under review."""

from __future__ import annotations

from enum import StrEnum

from driftreview.api.base import DnsName, Model


class TargetKind(StrEnum):
    """Kinds of workload that can be reviewed."""

    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    DAEMON_SET = "DaemonSet"


class Target(Model):
    """The workload under review, in the review's namespace."""

    kind: TargetKind = TargetKind.DEPLOYMENT
    """Its kind."""
    name: DnsName
    """Its name."""

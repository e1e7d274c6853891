"""How a decided rollback is carried out where something else owns the target."""

from __future__ import annotations

from enum import StrEnum

from driftreview.api.base import DnsName, Model


class GitOps(StrEnum):
    """What is done about a decided rollback of a target that Argo CD or Flux owns."""

    REPORT = "Report"
    OVERRIDE = "Override"
    PAUSE = "Pause"


class Rollout(Model):
    """How the release is taken back."""

    git_ops: GitOps = GitOps.REPORT
    """Argo CD or Flux owns the target: Report (the rollback is handed over to people, who revert in Git), Override (it
    is done all the same) or Pause (the tool is told to leave the target alone, then it is done)."""
    git_ops_namespace: DnsName = "argocd"
    """With Pause: the namespace of an Argo CD Application that the target names without one."""

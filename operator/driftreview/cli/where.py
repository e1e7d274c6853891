"""Which review of which cluster a command is about: its options, the same for every command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from driftreview.adapters.kubernetes import Cluster

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the DriftReview.")]
Namespace = Annotated[str | None, typer.Option("-n", "--namespace", help="Its namespace; that of the context.")]
Context = Annotated[str | None, typer.Option(help="Context of the kubeconfig; the current one.")]
Kubeconfig = Annotated[Path | None, typer.Option(help="Kubeconfig file; as kubectl finds it.")]


def no_such_review(namespace: str, name: str) -> str:
    """What is said of a review that is not there."""
    return f"there is no DriftReview {name} in namespace {namespace}; see kubectl get driftreviews -A"


def connected(namespace: str | None, context: str | None, kubeconfig: Path | None) -> tuple[Cluster, str]:
    """The cluster that is meant, and the namespace there.

    Raises:
        ClusterError: there is no way to it.
    """
    from driftreview.adapters.kubeconfig import own_kubeconfig, own_namespace  # noqa: PLC0415 - --help needs none of it
    from driftreview.adapters.kubernetes import Cluster  # noqa: PLC0415 - takes its time to import

    found = own_kubeconfig(kubeconfig)
    return Cluster(found, context=context), namespace or own_namespace(found, context)

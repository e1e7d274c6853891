"""Where a command line finds its cluster: as kubectl does."""

from __future__ import annotations

import os
from pathlib import Path

from kubernetes import config
from yaml import YAMLError

from driftreview.adapters.errors import ClusterError


def own_kubeconfig(named: Path | None) -> Path | None:
    """The kubeconfig that kubectl would use; None in a pod that has none."""
    default = Path(os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
    return named or (default if os.environ.get("KUBECONFIG") or default.exists() else None)


def own_namespace(kubeconfig: Path | None, context: str | None) -> str:
    """The namespace of the context.

    Raises:
        ClusterError: there is no such context.
    """
    if kubeconfig is None:
        return "default"
    try:
        contexts, current = config.list_kube_config_contexts(str(kubeconfig))  # type: ignore[no-untyped-call]
    except (config.ConfigException, OSError, YAMLError) as error:
        raise ClusterError(f"no way to the API server: kubeconfig {kubeconfig}: {error}") from error
    found = next((each for each in contexts if each["name"] == context), None) if context else current
    if found is None:
        raise ClusterError(f"kubeconfig {kubeconfig}: there is no context {context}; see kubectl config get-contexts")
    return str(found["context"].get("namespace") or "default")

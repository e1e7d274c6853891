"""Who wrote the pod template that a workload has now, as its field managers, labels and annotations tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from driftreview.domain.display import printable

_TOOLS: Final = (
    ("annotations", "argocd.argoproj.io/tracking-id", "Argo CD"),
    ("labels", "argocd.argoproj.io/instance", "Argo CD"),
    ("labels", "kustomize.toolkit.fluxcd.io/name", "Flux Kustomization"),
    ("labels", "helm.toolkit.fluxcd.io/name", "Flux HelmRelease"),
)
"""How a tool marks what it keeps as it is in Git, and what that tool is called."""
_MOST: Final = 128
"""Characters of a name that somebody else wrote."""


def applied_by(metadata: Mapping[str, Any]) -> str:
    """Who edited the pod template last and when, and which tool keeps it; empty where nothing tells.

    A field manager has one time for all that it manages: the last edit of anything.
    """
    return "".join([_last_editor(metadata), *_keepers(metadata)][:2]).removeprefix(", ")


def _last_editor(metadata: Mapping[str, Any]) -> str:
    edits = [
        (datetime.fromisoformat(entry["time"]), entry)
        for entry in metadata.get("managedFields") or []
        if "f:template" in (entry.get("fieldsV1") or {}).get("f:spec", {})
        and not entry.get("subresource")
        and entry.get("time")
    ]
    if not edits:
        return ""
    _, last = max(edits, key=lambda each: each[0])
    return f"field manager {printable(str(last.get('manager') or 'unnamed'), _MOST)} at {last['time']}"


def _keepers(metadata: Mapping[str, Any]) -> Iterator[str]:
    for where, name, tool in _TOOLS:
        if value := (metadata.get(where) or {}).get(name):
            yield f", kept by {tool} ({printable(str(value), _MOST)})"

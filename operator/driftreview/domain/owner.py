"""Who else writes a target: the tool that owns its spec, and who wrote its pod template last.

Labels, annotations and field managers are the word of whoever may write the target. So an owner says how it is known
and whether the tool's own field manager wrote the pod template: what keeps a rollback back must be seen to do so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from driftreview.api.base import format_time
from driftreview.domain.display import plain, shorten
from driftreview.domain.running import Edit

Raw = Mapping[str, Any]

MANAGER: Final = "driftreview"
"""The field manager of our own writes."""
TRACKING_ID: Final = "argocd.argoproj.io/tracking-id"
_ARGO_LABEL: Final = "argocd.argoproj.io/instance"
_INSTANCE: Final = "app.kubernetes.io/instance"
"""Argo CD's label of old, but every other chart sets it too: it counts only beside a field manager of Argo CD."""
_KUSTOMIZE: Final = "kustomize.toolkit.fluxcd.io"
_HELM_TOOLKIT: Final = "helm.toolkit.fluxcd.io"
_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
_RELEASE: Final = "meta.helm.sh/release"
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_APPLICATION: Final = re.compile(rf"(?:(?P<namespace>{_NAME.pattern})_)?(?P<name>{_NAME.pattern})")
"""How objects name an Application: outside of Argo CD's own namespace with its namespace before it."""
_LONGEST_MANAGER: Final = 64
_LONGEST_SAID: Final = 128


class Tool(StrEnum):
    """What applies manifests."""

    ARGO_CD = "Argo CD"
    FLUX = "Flux"
    HELM = "Helm"


class OwnerKind(StrEnum):
    """What of a tool an object belongs to."""

    APPLICATION = "Application"
    KUSTOMIZATION = "Kustomization"
    HELM_RELEASE = "HelmRelease"
    RELEASE = "release"


_TOOLS: Final = {
    OwnerKind.APPLICATION: Tool.ARGO_CD,
    OwnerKind.KUSTOMIZATION: Tool.FLUX,
    OwnerKind.HELM_RELEASE: Tool.FLUX,
    OwnerKind.RELEASE: Tool.HELM,
}
_MANAGERS: Final = {
    "argocd-controller": OwnerKind.APPLICATION,
    "argocd-application-controller": OwnerKind.APPLICATION,
    "kustomize-controller": OwnerKind.KUSTOMIZATION,
    "helm-controller": OwnerKind.HELM_RELEASE,
}
"""By which field managers the tools write; none of them lets people choose."""


@dataclass(frozen=True)
class Owner:
    """What owns a target's spec."""

    kind: OwnerKind
    name: str
    """Empty where only a field manager tells of it."""
    namespace: str
    """Empty where it is not told."""
    told_by: str
    """How it is known, such as `label argocd.argoproj.io/instance`."""
    wrote: bool
    """Whether a field manager of the tool wrote the target's pod template."""

    @property
    def tool(self) -> Tool:
        """Whose it is."""
        return _TOOLS[self.kind]

    @property
    def reapplies(self) -> bool:
        """Whether the tool puts back what others change; Helm does nothing until somebody runs it."""
        return self.tool is not Tool.HELM

    def said(self) -> str:
        """As sentences name it: Argo CD Application web, Flux Kustomization flux-system/apps."""
        path = shorten(f"{self.namespace}/{self.name}" if self.namespace else self.name, _LONGEST_SAID)
        return f"{self.tool} {self.kind} {path}" if path else f"{self.tool} {self.kind} of unknown name"


def _writers(raw: Raw) -> set[str]:
    """The field managers of a workload's pod template."""
    return {
        str(entry.get("manager", ""))
        for entry in raw["metadata"].get("managedFields") or []
        if "f:template" in (entry.get("fieldsV1") or {}).get("f:spec", {}) and not entry.get("subresource")
    }


def who_applied(edit: Edit | None, owner: Owner | None) -> str:
    """A sentence part about the last edit of a pod template: by field manager argocd-controller at ..., Argo CD's."""
    if edit is None:
        return "by whom its managed fields do not tell"
    when = f" at {format_time(edit.at)}"
    kind = _MANAGERS.get(edit.manager)
    whose = ", a rollback of a review" if edit.manager == MANAGER else ""
    if kind is not None:
        whose = f", which is {owner.said()}" if owner is not None and owner.kind is kind else f", {_TOOLS[kind]}'s"
    return f"by field manager {plain(edit.manager, _LONGEST_MANAGER)} ({plain(edit.operation, 16)}){when}{whose}"


def owner_of(raw: Raw) -> Owner | None:
    """What owns a workload's spec; of several that claim it one that reapplies, and of these one that wrote it."""
    wrote = {_MANAGERS[each]: each for each in sorted(_writers(raw)) if each in _MANAGERS}
    claims = [*_argo_cd(raw, wrote), *_flux(raw, wrote), *_unnamed(wrote), *_helm(raw)]
    return min(claims, key=lambda each: (not each.reapplies, not each.wrote), default=None)


def _argo_cd(raw: Raw, wrote: Mapping[OwnerKind, str]) -> Iterator[Owner]:
    kind, labels = OwnerKind.APPLICATION, raw["metadata"].get("labels") or {}
    names = [
        (_tracked(raw), f"annotation {TRACKING_ID}"),
        (labels.get(_ARGO_LABEL, ""), f"label {_ARGO_LABEL}"),
    ]
    if kind in wrote:
        names.append((labels.get(_INSTANCE, ""), f"label {_INSTANCE} and field manager {wrote[kind]}"))
    for text, told_by in names:
        if found := _APPLICATION.fullmatch(text):
            yield Owner(kind, found["name"], found["namespace"] or "", told_by, kind in wrote)


def _tracked(raw: Raw) -> str:
    """Which Application the tracking id names; none where it is of another object: copied, and Argo CD ignores it."""
    metadata = raw["metadata"]
    text = (metadata.get("annotations") or {}).get(TRACKING_ID, "")
    application, _, what = text.partition(":")
    group = str(raw.get("apiVersion", "")).rpartition("/")[0]
    own = f"{group}/{raw.get('kind', '')}:{metadata.get('namespace', '')}/{metadata['name']}"
    return application if what == own else ""


def _flux(raw: Raw, wrote: Mapping[OwnerKind, str]) -> Iterator[Owner]:
    labels = raw["metadata"].get("labels") or {}
    for kind, group in ((OwnerKind.KUSTOMIZATION, _KUSTOMIZE), (OwnerKind.HELM_RELEASE, _HELM_TOOLKIT)):
        name, namespace = labels.get(f"{group}/name", ""), labels.get(f"{group}/namespace", "")
        if _NAME.fullmatch(name) and _NAME.fullmatch(namespace):
            yield Owner(kind, name, namespace, f"labels {group}/name and /namespace", kind in wrote)


def _unnamed(wrote: Mapping[OwnerKind, str]) -> Iterator[Owner]:
    """By a field manager alone: Argo CD may track by a label of any name."""
    for kind, manager in wrote.items():
        yield Owner(kind, "", "", f"field manager {manager}", wrote=True)


def _helm(raw: Raw) -> Iterator[Owner]:
    labels, notes = raw["metadata"].get("labels") or {}, raw["metadata"].get("annotations") or {}
    name, namespace = notes.get(f"{_RELEASE}-name", ""), notes.get(f"{_RELEASE}-namespace", "")
    if labels.get(_MANAGED_BY) == "Helm" and _NAME.fullmatch(name) and _NAME.fullmatch(namespace):
        told_by = f"label {_MANAGED_BY} and annotations {_RELEASE}-name and -namespace"
        wrote = "helm" in _writers(raw)
        yield Owner(OwnerKind.RELEASE, name, namespace, told_by, wrote)

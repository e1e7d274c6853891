"""Pods as raw objects: what of them the judged revision's state is told by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

Raw = Mapping[str, Any]

_LONG: Final = 512
CRASH_LOOP: Final = "CrashLoopBackOff"
"""Why a container waits that ends again and again."""


@dataclass(frozen=True)
class Ended:
    """How a container last ended."""

    exit_code: int
    reason: str
    at: datetime | None


@dataclass(frozen=True)
class Container:
    """One container of a pod that is meant to run as long as the pod does."""

    name: str
    words: tuple[str, ...] = ()
    """Command and arguments, as far as the pod names them: an image may bring its own."""
    env: tuple[tuple[str, str | None], ...] = ()
    """Variables by name; None is a value from elsewhere."""
    restarts: int = 0
    ended: Ended | None = None
    """How it ended last; None if it never did."""
    waiting: str = ""
    """Why it does not run, such as CrashLoopBackOff."""
    digest: str = ""
    """What the node pulled for it; empty where it did not say so yet."""


@dataclass(frozen=True)
class Pod:
    """One pod."""

    name: str
    ip: str = ""
    restart_policy: str = "Always"
    containers: tuple[Container, ...] = ()
    node: str = ""
    """Empty while it has none."""


@dataclass(frozen=True)
class PodsOf:
    """By what the pods of a revision are told: their owner, and a label where that owns those of others as well."""

    owner: str
    """UID of the ReplicaSet, or of the StatefulSet or DaemonSet itself."""
    label: str
    value: str


def pod_of(raw: Raw, of: PodsOf) -> Pod | None:
    """Keep of a pod what is needed; None if it is of another revision, or on its way.

    A pod that is being deleted is not judged any more.
    """
    metadata, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    if not _is_owned(metadata, of.owner) or metadata.get("deletionTimestamp"):
        return None
    if (metadata.get("labels") or {}).get(of.label) != of.value:
        return None
    said = {
        each["name"]: each for kind in ("containerStatuses", "initContainerStatuses") for each in status.get(kind) or []
    }
    return Pod(
        metadata["name"],
        status.get("podIP") or "",
        spec.get("restartPolicy") or "Always",
        tuple(_container(each, said.get(each["name"], {})) for each in _lasting(spec)),
        spec.get("nodeName") or "",
    )


def blocking(raw: Raw, owner: str) -> str | None:
    """The name of a pod that its StatefulSet (a UID) waits for before it replaces any; None if it does not."""
    metadata, status = raw["metadata"], raw.get("status") or {}
    ready = any(each.get("type") == "Ready" and each.get("status") == "True" for each in status.get("conditions") or [])
    waits = _is_owned(metadata, owner) and not metadata.get("deletionTimestamp") and not ready
    return metadata["name"] if waits else None


def _is_owned(metadata: Raw, owner: str) -> bool:
    return owner in [each.get("uid") for each in metadata.get("ownerReferences") or []]


def _lasting(spec: Raw) -> Iterator[Raw]:
    """The containers that run as long as the pod does; of those that come first only sidecars do."""
    yield from spec.get("containers") or []
    yield from (each for each in spec.get("initContainers") or [] if each.get("restartPolicy") == "Always")


def _container(spec: Raw, status: Raw) -> Container:
    state = status.get("state") or {}
    ended = state.get("terminated") or (status.get("lastState") or {}).get("terminated")
    return Container(
        spec["name"],
        (*(spec.get("command") or ()), *(spec.get("args") or ())),
        tuple(
            (each["name"], None if "valueFrom" in each else each.get("value") or "") for each in spec.get("env") or []
        ),
        status.get("restartCount") or 0,
        ended_of(ended),
        (state.get("waiting") or {}).get("reason") or "",
        _digest(status.get("imageID") or ""),
    )


def _digest(image_id: str) -> str:
    """Some runtimes write `docker-pullable://` before it."""
    return (image_id.partition("://")[2] or image_id)[:_LONG]


def ended_of(raw: Raw | None) -> Ended | None:
    """How a container ended, of its `terminated` state; None if it has none."""
    if not raw:
        return None
    at = raw.get("finishedAt")
    return Ended(raw.get("exitCode") or 0, raw.get("reason") or "", datetime.fromisoformat(at) if at else None)

"""Inventory: what is kept of workloads and pods, how a service is, and what it uses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from driftreview.api.inventory import InventoryFact, ServiceFact, ServiceKind, ServiceStatus
from driftreview.api.target import TargetKind
from driftreview.domain.display import shorten
from driftreview.domain.kinds import KINDS
from driftreview.domain.pods import CRASH_LOOP, Ended, ended_of

Raw = Mapping[str, Any]

SECTION: Final = "inventory"
MOST_SERVICES: Final = 100
MOST_PODS: Final = 1000
RECENT: Final = timedelta(minutes=10)
"""How long ago a container ended that counts as restarting: longer than the longest pause between two starts."""
_OVER: Final = frozenset({"Succeeded", "Failed"})
"""Phases of pods that were replaced: their controller counts them no more."""
_OWNER: Final = {
    ServiceKind.DEPLOYMENT: "ReplicaSet",
    ServiceKind.STATEFUL_SET: "StatefulSet",
    ServiceKind.DAEMON_SET: "DaemonSet",
}
_IMAGES: Final = 4
_LONG: Final = 256


@dataclass(frozen=True)
class Workload:
    """What is kept of a workload."""

    kind: ServiceKind
    name: str
    desired: int
    ready: int
    selector: Raw = field(repr=False)
    """Of its pods."""
    images: tuple[str, ...]
    probed: bool
    """Whether a readiness probe tells when its pods are ready."""


@dataclass(frozen=True)
class Container:
    """What is kept of a container of a pod."""

    restarts: int
    waiting: str
    """Why it does not run; empty if it does."""
    ended: Ended | None
    """Its last end: now, or before it was started again."""
    ended_now: bool


@dataclass(frozen=True)
class Pod:
    """What is kept of a pod."""

    name: str
    owner: str
    """Kind of its controller."""
    labels: Mapping[str, str]
    containers: tuple[Container, ...]
    unscheduled: str
    """Why no node takes it; empty if one did."""


def workload(raw: Raw, kind: ServiceKind) -> Workload:
    """Keep of a workload what an inventory needs."""
    spec, status = raw["spec"], raw.get("status") or {}
    pods = (spec["template"].get("spec") or {}).get("containers") or []
    each_node = kind is ServiceKind.DAEMON_SET
    return Workload(
        kind=kind,
        name=raw["metadata"]["name"],
        desired=status.get("desiredNumberScheduled", 0) if each_node else spec.get("replicas", 1),
        ready=status.get("numberReady" if each_node else "readyReplicas", 0),
        selector=spec.get("selector") or {},
        images=tuple(str(each.get("image", ""))[:_LONG] for each in pods[:_IMAGES]),
        probed=any("readinessProbe" in each for each in pods),
    )


def pod(raw: Raw) -> Pod | None:
    """Keep of a pod what an inventory needs; None of one that is over or on its way out."""
    metadata, status = raw["metadata"], raw.get("status") or {}
    if metadata.get("deletionTimestamp") or status.get("phase") in _OVER:
        return None
    owner = next((each["kind"] for each in metadata.get("ownerReferences") or [] if each.get("controller")), "")
    init = [_container(each, init=True) for each in status.get("initContainerStatuses") or []]
    main = [_container(each, init=False) for each in status.get("containerStatuses") or []]
    refused = (
        str(each.get("reason") or "not scheduled")
        for each in status.get("conditions") or []
        if each.get("type") == "PodScheduled" and each.get("status") == "False"
    )
    return Pod(metadata["name"], owner, metadata.get("labels") or {}, (*init, *main), next(refused, ""))


def _container(raw: Raw, *, init: bool) -> Container:
    state, last = raw.get("state") or {}, (raw.get("lastState") or {}).get("terminated")
    now = state.get("terminated") if not init else None  # an init container is meant to end
    waiting = str((state.get("waiting") or {}).get("reason", ""))
    return Container(raw.get("restartCount", 0), waiting, ended_of(now or last), ended_now=bool(now))


def selects(selector: Raw, labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects labels, as Kubernetes does; an empty one of a workload selects none."""
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        return False
    if not (selector.get("matchLabels") or {}).items() <= labels.items():
        return False
    for each in selector.get("matchExpressions") or []:
        has, values = each["key"] in labels, each.get("values") or []
        among = labels.get(each["key"]) in values
        kinds = {"In": has and among, "NotIn": not has or not among, "Exists": has, "DoesNotExist": not has}
        if not kinds.get(each["operator"], False):
            return False
    return True


def service(of: Workload, pods: Sequence[Pod] | None, now: datetime, *, judged: bool) -> ServiceFact:
    """A workload as a service.

    Args:
        of: the workload.
        pods: its own; None where pods could not be read.
        now: the time.
        judged: whether it is the target of the review.
    """
    status, reason = _status(of, pods or (), now)
    return ServiceFact(
        kind=of.kind,
        name=of.name,
        judged=judged,
        status=status,
        reason=shorten(reason, _LONG),
        restarts=None if pods is None else sum(each.restarts for one in pods for each in one.containers),
        images=list(of.images),
        ready=of.ready,
        desired=of.desired,
    )


def _status(of: Workload, pods: Sequence[Pod], now: datetime) -> tuple[ServiceStatus, str]:
    if of.desired == 0:
        return ServiceStatus.STOPPED, ""
    restarting = next((why for one in pods for each in one.containers if (why := _restarting(each, now))), "")
    if restarting:
        return ServiceStatus.RESTARTING, restarting
    if of.ready < of.desired:
        waits = (each.waiting for one in pods for each in one.containers if each.waiting)
        why = next(waits, "") or next((one.unscheduled for one in pods if one.unscheduled), "")
        return ServiceStatus.PENDING, f"{of.ready} of {of.desired} pods are ready" + (f": {why}" if why else "")
    return (ServiceStatus.HEALTHY if of.probed else ServiceStatus.RUNNING), ""


def _restarting(container: Container, now: datetime) -> str:
    """Why a container is started again and again; empty if it is not."""
    ended, loops = container.ended, container.waiting == CRASH_LOOP
    lately = ended is not None and ended.at is not None and now - ended.at <= RECENT and container.restarts > 0
    if not (loops or container.ended_now or lately):
        return ""
    if ended is None:
        return container.waiting
    how = f" ({ended.reason})" if ended.reason not in {"", "Completed", "Error"} else ""
    said = "exits 0 and is restarted" if ended.exit_code == 0 else f"exit code {ended.exit_code}{how} and is restarted"
    return f"{CRASH_LOOP}: {said}" if loops else said


def owners(workloads: Sequence[Workload], pods: Iterable[Pod]) -> dict[str, Workload]:
    """Whose each pod is, by the pod's name."""
    found: dict[str, Workload] = {}
    for each in pods:
        whose = (of for of in workloads if _OWNER[of.kind] == each.owner and selects(of.selector, each.labels))
        if (of := next(whose, None)) is not None:
            found[each.name] = of
    return found


def usage(
    workloads: Sequence[Workload], known: Mapping[str, Workload], used: Iterable[tuple[str, float]]
) -> dict[tuple[ServiceKind, str], float]:
    """What each service used, by kind and name.

    Args:
        workloads: all of them.
        known: whose the pods are that were there when the API server was asked.
        used: name of a pod, and what it used at the moment that is judged. One that is gone since is told by its name.
    """
    patterns = [(re.compile(KINDS[TargetKind(each.kind)].pods(each.name)), each) for each in workloads]
    total: dict[tuple[ServiceKind, str], float] = {}
    for name, value in used:
        of = known.get(name) or next((each for pattern, each in patterns if pattern.fullmatch(name)), None)
        if of is not None:
            total[of.kind, of.name] = total.get((of.kind, of.name), 0.0) + value
    return total


def inventory_fact(
    services: Sequence[ServiceFact],
    cpu: Mapping[tuple[ServiceKind, str], float],
    memory: Mapping[tuple[ServiceKind, str], float],
    left_out: Sequence[str],
) -> InventoryFact:
    """Put services and what they used together."""
    rows = [each.model_copy(update=dict(_used((each.kind, each.name), cpu=cpu, memory=memory))) for each in services]
    return InventoryFact(
        services=rows,
        cpu=_amount(sum(cpu.values())) if cpu else None,
        memory=_amount(sum(memory.values())) if memory else None,
        left_out=shorten(", ".join(left_out), _LONG),
    )


def _used(key: tuple[ServiceKind, str], **parts: Mapping[tuple[ServiceKind, str], float]) -> Iterator[tuple[str, str]]:
    for name, part in parts.items():
        if key in part:
            yield name, _amount(part[key])


def _amount(value: float) -> str:
    return f"{value:.9g}"

"""Inventory: the services beside the release, what they use and how they are."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from driftreview.api.base import Model, atomic, list_map
from driftreview.api.configuration import Count, Name

Amount = Annotated[str, Field(max_length=40)]
"""A number as text, as all numbers of evidence are."""
FactQuery = Annotated[str, Field(min_length=1, max_length=4096)]


class WorkloadSelector(Model):
    """Labels a workload must carry, all of them."""

    match_labels: Annotated[dict[str, Annotated[str, Field(max_length=63)]], Field(max_length=16)] = Field(
        default_factory=dict
    )
    """Label and value; none selects all."""


class Inventory(Model):
    """Which services are recorded at each look. It judges nothing, and no review waits for it."""

    selector: WorkloadSelector = WorkloadSelector()
    """Deployments, StatefulSets and DaemonSets of the review's namespace by their own labels; by default all."""
    cpu: FactQuery = (
        'sum by (pod) (rate(container_cpu_usage_seconds_total{namespace="${namespace}",container!="",container!="POD"}'
        "[5m]))"
    )
    """PromQL for the cores that each pod uses, with the label `pod`."""
    memory: FactQuery = (
        'sum by (pod) (container_memory_working_set_bytes{namespace="${namespace}",container!="",container!="POD"})'
    )
    """PromQL for the bytes that each pod uses, with the label `pod`."""


class ServiceKind(StrEnum):
    """Kinds of workload in an inventory."""

    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    DAEMON_SET = "DaemonSet"


class ServiceStatus(StrEnum):
    """How a service is."""

    HEALTHY = "Healthy"
    """All of its pods are ready, and a readiness probe says so."""
    RUNNING = "Running"
    """All of its pods run; it has no readiness probe that could tell more."""
    RESTARTING = "Restarting"
    """A container of it ended within the last ten minutes and is started again."""
    PENDING = "Pending"
    """Fewer pods are ready than are wanted."""
    STOPPED = "Stopped"
    """No pod is wanted."""


class ServiceFact(Model):
    """A service as it was."""

    kind: ServiceKind
    """Kind of its workload."""
    name: Name
    """Its name."""
    judged: bool = False
    """Whether it is the target of the review."""
    status: ServiceStatus
    """How it was."""
    reason: Annotated[str, Field(max_length=256)] = ""
    """Why it was restarting or pending."""
    restarts: Count | None = None
    """Restarts of the containers of its pods; absent where pods could not be read."""
    images: Annotated[list[Annotated[str, Field(max_length=256)]], Field(max_length=4, json_schema_extra=atomic())] = (
        Field(default_factory=list)
    )
    """Images of its containers, the first four."""
    ready: Count = 0
    """Pods that were ready."""
    desired: Count
    """Pods that are wanted."""
    cpu: Amount | None = None
    """Cores its pods used; absent where that is not known."""
    memory: Amount | None = None
    """Bytes its pods used; absent where that is not known."""


class InventoryFact(Model):
    """The services at one look, and what they used at its end."""

    services: Annotated[list[ServiceFact], Field(max_length=100, json_schema_extra=list_map("kind", "name"))] = Field(
        default_factory=list
    )
    """By kind and name."""
    cpu: Amount | None = None
    """Cores that all of them used together."""
    memory: Amount | None = None
    """Bytes that all of them used together."""
    left_out: Annotated[str, Field(max_length=256)] = ""
    """What there was no room for."""

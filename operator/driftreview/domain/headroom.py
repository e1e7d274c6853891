"""Whether a rollout of a pod template has room: quotas, disruption budgets and autoscalers around it. Only risks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from driftreview.api.configuration import AutoscalerFact
from driftreview.api.values import parse_quantity
from driftreview.domain.display import counted, quantity
from driftreview.domain.inventory import selects
from driftreview.domain.rolling import Rolling

Raw = Mapping[str, Any]

_COMPUTE: Final = frozenset({"cpu", "memory", "ephemeral-storage"})
"""Resources whose requests a quota may also name without `requests.`."""
_NAME: Final = 100


@dataclass(frozen=True)
class Quota:
    """A ResourceQuota."""

    name: str
    hard: Mapping[str, str]
    used: Mapping[str, str]
    """Empty until its controller has counted."""
    scoped: bool
    """Whether it counts only some pods."""


@dataclass(frozen=True)
class Budget:
    """A PodDisruptionBudget."""

    name: str
    selector: Raw
    allowed: int
    """How many pods may be disrupted now."""


def quota_of(raw: Raw) -> Quota:
    """Keep of a ResourceQuota what tells its room."""
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    scoped = bool(spec.get("scopes") or spec.get("scopeSelector"))
    return Quota(raw["metadata"]["name"], status.get("hard") or {}, status.get("used") or {}, scoped)


def budget_of(raw: Raw) -> Budget:
    """Keep of a PodDisruptionBudget whom it protects, and how much."""
    selector = (raw.get("spec") or {}).get("selector") or {}
    return Budget(raw["metadata"]["name"], selector, int((raw.get("status") or {}).get("disruptionsAllowed", 0)))


def tight_quotas(quotas: Iterable[Quota], template: Raw, pace: Rolling) -> Iterator[str]:
    """Quotas without room for the pods that a rollout starts before it ends others, and those that do not say."""
    demand = {name: each * pace.surge for name, each in _demand(template).items()}
    for quota in quotas:
        if quota.scoped or not pace.surge:  # whom its scopes are about is for admission to say
            continue
        if quota.hard and not quota.used:
            yield f"ResourceQuota {quota.name[:_NAME]} does not say yet how much of it is used"
        for name, hard in sorted(quota.hard.items()):
            if name in demand and name in quota.used:
                free = max(parse_quantity(hard) - parse_quantity(quota.used[name]), 0.0)
                if demand[name] > free:
                    unit = "By" if name.endswith(("memory", "storage")) else ""
                    pods = counted(pace.surge, "pod that a rollback starts", "pods that a rollback starts")
                    yield (
                        f"ResourceQuota {quota.name[:_NAME]} has {quantity(free, unit)} of {name} left, and the {pods} "
                        f"beside those that run may need {quantity(demand[name], unit)}"
                    )


def _demand(template: Raw) -> dict[str, float]:
    """What one pod of a template takes of quotas, by the names that they have for it."""
    spec = template.get("spec") or {}
    demand: dict[str, float] = {"pods": 1.0, "count/pods": 1.0}
    for name, amount in _resources(spec, "requests", "limits").items():
        demand[f"requests.{name}"] = amount
        if name in _COMPUTE:
            demand[name] = amount
    demand |= {f"limits.{name}": amount for name, amount in _resources(spec, "limits").items()}
    return demand


def _resources(spec: Raw, *kinds: str) -> dict[str, float]:
    """The sum over the containers of a pod, or what its largest init container takes alone, if that is more."""
    together: dict[str, float] = {}
    for each in spec.get("containers") or []:
        for name, amount in _of_container(each, kinds).items():
            together[name] = together.get(name, 0.0) + amount
    for each in spec.get("initContainers") or []:
        for name, amount in _of_container(each, kinds).items():
            together[name] = max(together.get(name, 0.0), amount)
    return together


def _of_container(container: Raw, kinds: Sequence[str]) -> dict[str, float]:
    """A request that is left out is as large as the limit."""
    resources = container.get("resources") or {}
    found = {name: text for kind in reversed(kinds) for name, text in (resources.get(kind) or {}).items()}
    return {name: parse_quantity(str(text)) for name, text in found.items()}


def broken_budgets(budgets: Iterable[Budget], template: Raw, pace: Rolling) -> Iterator[str]:
    """Budgets that a rollout may break: it asks none."""
    labels = (template.get("metadata") or {}).get("labels") or {}
    for each in budgets:
        if pace.away > each.allowed and selects(each.selector, labels):
            pods = counted(pace.away, "pod", "pods")
            yield (
                f"PodDisruptionBudget {each.name[:_NAME]} allows {each.allowed} fewer now, and a rollback may take "
                f"{pods} away at once: rollouts ask no budget"
            )


def unfitting_scalers(scalers: Iterable[AutoscalerFact], replicas: int) -> Iterator[str]:
    """Autoscalers that want another number of pods than there are: a rollback would meet a scaling."""
    for each in scalers:
        if replicas and not each.least <= replicas <= each.most:
            yield (
                f"HorizontalPodAutoscaler {each.name[:_NAME]} wants {each.least} to {each.most} pods, and "
                f"{replicas} are wanted now: it may scale during a rollback"
            )

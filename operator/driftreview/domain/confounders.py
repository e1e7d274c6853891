"""Confounders: what else changed since T0. Each difference of facts that nobody declared an expectation about.

They explain, and never judge: a person who reads of a drift shall see what else may have caused it. The target's own
pod template is not compared: with another one, this review is superseded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from driftreview.api.configuration import ConfigurationFact, DeploymentFact, ReferenceFact
from driftreview.api.facts import Facts
from driftreview.api.inventory import InventoryFact
from driftreview.api.reasons import Reason
from driftreview.domain.display import short_hash

ABSENT: Final = "not there"


@dataclass(frozen=True)
class Confounder:
    """One difference."""

    what: str
    """Such as configmaps/settings or nodes."""
    before: str
    """At T0."""
    after: str
    """At the look."""
    at: datetime
    """When it changed, as the object says; where it does not, when the look found it."""
    is_dated: bool = True
    """Whether the object says when."""


@dataclass(frozen=True)
class _Known:
    """One thing as it was at one look."""

    value: str
    changed_at: datetime | None = None
    needs: tuple[str, ...] = ()
    """What must have been read to know it, as problems name it."""
    always: bool = False
    """Whether there always is one: a look that lacks it could not know it."""


_ABSENT: Final = _Known(ABSENT)


def confounders(at_t0: Facts | None, now: Facts | None) -> tuple[Confounder, ...]:
    """Every difference between the facts of T0 and those of a look, by name; what was not known at either is none."""
    if at_t0 is None or now is None:
        return ()
    before, after = dict(_everything(at_t0, now)), dict(_everything(now, at_t0))
    found = []
    for what in sorted(before.keys() | after.keys()):
        old, new = (side.get(what, _ABSENT) for side in (before, after))
        told, either = new.changed_at, old if new is _ABSENT else new
        if old.value == new.value or (either.always and _ABSENT in (old, new)) or _unread(either, at_t0, now):
            continue
        dated = told if told is not None and at_t0.taken_at < told <= now.taken_at else None
        found.append(Confounder(what, old.value, new.value, dated or now.taken_at, is_dated=dated is not None))
    return tuple(found)


def _unread(known: _Known, *looks: Facts) -> bool:
    """Whether it could not be read at one of the looks; what is known not to be there is known."""
    problems = (each for facts in looks for each in facts.problems)
    return any(each.about in known.needs and each.reason is not Reason.NOT_FOUND for each in problems)


def _everything(facts: Facts, other: Facts) -> Iterator[tuple[str, _Known]]:
    """What can be compared with the other facts, by name."""
    if facts.deployment is not None and other.deployment is not None:
        yield from _deployment(facts.deployment)
    if facts.configuration is not None and other.configuration is not None:
        yield from _configuration(facts.configuration)
    if facts.inventory is not None and other.inventory is not None:
        partly = bool(facts.inventory.left_out or other.inventory.left_out)
        yield from _inventory(facts.inventory, partly=partly)


def _deployment(fact: DeploymentFact) -> Iterator[tuple[str, _Known]]:
    yield "deployment/replicas", _Known(str(fact.desired), fact.scaled_at)
    yield "deployment/version", _Known(fact.version or ABSENT)
    for each in fact.images:
        if each.digests:
            yield f"deployment/image of {each.container}", _Known(", ".join(each.digests), always=True)


def _configuration(fact: ConfigurationFact) -> Iterator[tuple[str, _Known]]:
    for scaler in fact.autoscalers:
        said = f"{scaler.least} to {scaler.most} replicas by {', '.join(scaler.metrics) or 'no metric'}"
        needs = ("configuration/horizontalpodautoscalers",)
        yield f"horizontalpodautoscalers/{scaler.name}", _Known(said, scaler.changed_at, needs)
    yield from _references("configmaps", fact.config_maps)
    yield from _references("secrets", fact.secrets)
    if fact.kubernetes:
        yield "kubernetes", _Known(fact.kubernetes, None, ("configuration/kubernetes",), always=True)
    if fact.nodes:
        names = ", ".join(each.name for each in fact.nodes)
        yield "nodes", _Known(names, None, ("configuration/nodes",), always=True)
    for node in fact.nodes:
        if node.kubelet:
            what = f"kubelets/{node.name}"
            yield what, _Known(node.kubelet, None, (f"configuration/{what}", "configuration/kubelets"), always=True)


def _inventory(fact: InventoryFact, *, partly: bool) -> Iterator[tuple[str, _Known]]:
    """The services beside the release, but for what follows from their use; of a part of them none is missed."""
    for each in fact.services:
        if not each.judged:
            name, needs = f"services/{each.kind}/{each.name}", (f"inventory/{each.kind.lower()}s",)
            yield name, _Known(f"{each.desired} x {', '.join(each.images)}", None, needs, always=partly)
            yield f"{name} status", _Known(each.status, None, (*needs, "inventory/pods"), always=True)


def _references(kind: str, found: list[ReferenceFact]) -> Iterator[tuple[str, _Known]]:
    """Their hashes as people compare them."""
    for each in found:
        value = short_hash(each.hash) if each.hash else ABSENT
        yield f"{kind}/{each.name}", _Known(value, each.changed_at, (f"configuration/{kind}/{each.name}",))

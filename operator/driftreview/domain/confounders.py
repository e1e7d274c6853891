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
from driftreview.api.reasons import Reason

ABSENT: Final = "not there"
_NEVER_ABSENT: Final = ("deployment/image", "kubernetes", "nodes", "kubelets/")
"""What is always there: where a look lacks it, it could not be known then."""
_DIGITS: Final = 12


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


@dataclass(frozen=True)
class _Known:
    """One thing as it was at one look."""

    value: str
    changed_at: datetime | None = None


def confounders(at_t0: Facts | None, now: Facts | None) -> tuple[Confounder, ...]:
    """Every difference between the facts of T0 and those of a look, by name; what was not known at either is none."""
    if at_t0 is None or now is None:
        return ()
    before, after = dict(_everything(at_t0, now)), dict(_everything(now, at_t0))
    found = []
    for what in sorted(before.keys() | after.keys()):
        if any(_unknown(facts, what) for facts in (at_t0, now)):
            continue
        if what.startswith(_NEVER_ABSENT) and not (what in before and what in after):
            continue
        old, new = (side.get(what, _Known(ABSENT)) for side in (before, after))
        if old.value != new.value:
            told = new.changed_at
            at = told if told is not None and at_t0.taken_at < told <= now.taken_at else now.taken_at
            found.append(Confounder(what, old.value, new.value, at))
    return tuple(found)


def _unknown(facts: Facts, what: str) -> bool:
    """Whether it could not be read, alone or with all of its kind; what is known not to be there is known."""
    section = "deployment" if what.startswith("deployment/") else "configuration"
    abouts = {section, f"{section}/{what}", f"{section}/{what.partition('/')[0]}", what.rpartition("/")[0]}
    return any(each.about in abouts and each.reason is not Reason.NOT_FOUND for each in facts.problems)


def _everything(facts: Facts, other: Facts) -> Iterator[tuple[str, _Known]]:
    """What can be compared with the other facts, by name."""
    if facts.deployment is not None and other.deployment is not None:
        yield from _deployment(facts.deployment)
    if facts.configuration is not None and other.configuration is not None:
        yield from _configuration(facts.configuration)


def _deployment(fact: DeploymentFact) -> Iterator[tuple[str, _Known]]:
    yield "deployment/replicas", _Known(str(fact.desired), fact.scaled_at)
    yield "deployment/version", _Known(fact.version or ABSENT)
    for each in fact.images:
        if each.digests:
            yield f"deployment/image of {each.container}", _Known(", ".join(each.digests))


def _configuration(fact: ConfigurationFact) -> Iterator[tuple[str, _Known]]:
    for scaler in fact.autoscalers:
        said = f"{scaler.least} to {scaler.most} replicas by {', '.join(scaler.metrics) or 'no metric'}"
        yield f"horizontalpodautoscalers/{scaler.name}", _Known(said, scaler.changed_at)
    yield from _references("configmaps", fact.config_maps)
    yield from _references("secrets", fact.secrets)
    if fact.kubernetes:
        yield "kubernetes", _Known(fact.kubernetes)
    if fact.nodes:
        yield "nodes", _Known(", ".join(each.name for each in fact.nodes))
    for node in fact.nodes:
        if node.kubelet:
            yield f"kubelets/{node.name}", _Known(node.kubelet)


def _references(kind: str, found: list[ReferenceFact]) -> Iterator[tuple[str, _Known]]:
    """Their hashes as people compare them."""
    for each in found:
        value = each.hash.partition(":")[2][:_DIGITS] if each.hash else ABSENT
        yield f"{kind}/{each.name}", _Known(value, each.changed_at)

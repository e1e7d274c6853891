"""What of a release can be seen: which metrics appeared or vanished, and how rules fare."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final
from urllib.parse import quote, unquote

from driftreview.api.facts import Facts
from driftreview.api.observability import (
    LONGEST_NAMES,
    MOST_FAILING,
    MOST_NAMES,
    FailingRule,
    MetricNames,
    RulesFact,
)
from driftreview.domain.alertrules import FINE, Rule
from driftreview.domain.evidence import content_hash

SECTION: Final = "observability"
METRICS: Final = "metrics"
RULES: Final = "rules"
EXPOSED: Final = 'group by (__name__) ({namespace=~"${namespace}|",pod=~"${pods}"})'
"""Asks for the metrics of pods, by the label `pod`: one row for each name."""


@dataclass(frozen=True)
class Changes:
    """Metrics of the judged pods that appeared or vanished since T0."""

    appeared: tuple[str, ...]
    vanished: tuple[str, ...]


def metric_names(found: Iterable[str]) -> MetricNames:
    """The names of metrics as they are frozen; too many of them as a hash and a number."""
    names = sorted(set(found))
    packed = pack(names) if len(names) <= MOST_NAMES else ""
    fits = len(names) <= MOST_NAMES and len(packed) <= LONGEST_NAMES
    return MetricNames(hash=content_hash(names), count=len(names), names=packed if fits else None)


def pack(names: Sequence[str]) -> str:
    """Names in order as one text: of each only what the one before does not begin with."""
    parts: list[str] = []
    before = ""
    for name in names:
        written = quote(name, safe=":")
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, written, strict=False)))
        parts.append(f"{shared},{written[shared:]}")
        before = written
    return " ".join(parts)


def unpack(text: str) -> list[str]:
    """The names in a text that `pack` wrote."""
    names: list[str] = []
    before = ""
    for part in text.split():
        shared, _, rest = part.partition(",")
        before = before[: int(shared)] + rest
        names.append(unquote(before))
    return names


def changes(at_t0: Facts, now: Facts) -> Changes | str:
    """Which metrics of the judged pods appeared or vanished since T0; or why that cannot be told."""
    before, after = (each.observability.metrics if each.observability else None for each in (at_t0, now))
    if before is None or after is None:
        return f"the metrics of the judged pods are not known {'at T0' if before is None else 'now'}"
    if before.hash == after.hash:
        return Changes((), ())
    if before.names is None or after.names is None:
        return f"they changed, from {before.count} metrics to {after.count}, too many to be listed"
    old, new = unpack(before.names), unpack(after.names)
    return Changes(tuple(sorted(set(new) - set(old))), tuple(sorted(set(old) - set(new))))


def rules_fact(rules: Sequence[Rule]) -> RulesFact:
    """How rules fare, as it is frozen."""
    failing = [each for each in rules if each.health not in FINE]
    tried = [each.evaluated for each in rules if each.evaluated is not None]
    return RulesFact(
        count=len(rules),
        alerting=sum(each.is_alert for each in rules),
        failing=[
            FailingRule(
                group=each.group, name=each.name, health=each.health, error=each.error, evaluated=each.evaluated
            )
            for each in failing[:MOST_FAILING]
        ],
        oldest=min(tried, default=None),
    )

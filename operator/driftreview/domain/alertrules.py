"""Alert rules as a source has loaded them: which there are, how they fare, which signals nobody watches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import promql_parser

from driftreview.api.alerts import Alerts
from driftreview.api.signal import Signal
from driftreview.domain.display import plain, some
from driftreview.domain.query import expression

MOST_RULES: Final = 5000
"""Rules that are read of one source."""
FINE: Final = frozenset({"ok", "unknown"})
"""How a rule fares that nothing is wrong with; unknown is one that was not evaluated yet."""
_NAME: Final = re.compile(r"[a-zA-Z_:][\w:]*")


@dataclass(frozen=True)
class Rule:
    """A rule that the source evaluates."""

    name: str
    group: str
    query: str
    is_alert: bool
    health: str
    """ok, err, or unknown before its first evaluation."""
    error: str = ""
    evaluated: datetime | None = None
    """When last."""


def read_rules(data: Any, hide: Callable[[str], str] = str) -> tuple[Rule, ...] | None:
    """Read what `/api/v1/rules` says; None if it is nothing of the kind.

    Args:
        data: what it says.
        hide: replaces secrets in a text.
    """
    groups = data.get("groups") if isinstance(data, Mapping) else None
    if not isinstance(groups, list):
        return None
    found: list[Rule] = []
    for group in groups:
        rules = group.get("rules") if isinstance(group, Mapping) else None
        if not isinstance(rules, list) or not all(isinstance(each, Mapping) for each in rules):
            return None
        found += [_rule(each, hide(str(group.get("name", ""))), hide) for each in rules]
    return tuple(found[:MOST_RULES])


def _rule(raw: Mapping[str, Any], group: str, hide: Callable[[str], str]) -> Rule:
    try:
        evaluated = datetime.fromisoformat(str(raw.get("lastEvaluation")))
    except ValueError:
        evaluated = None
    # Never evaluated, it is said to have been in the year 1.
    known = evaluated is not None and evaluated.tzinfo is not None and evaluated.year > 1
    return Rule(
        name=plain(hide(str(raw.get("name", ""))), 200),
        group=plain(group, 200),
        query=str(raw.get("query", "")),
        is_alert=raw.get("type") == "alerting",
        health=plain(str(raw.get("health", "")), 20),
        error=plain(hide(str(raw.get("lastError") or "")[:4096]), 256),
        evaluated=evaluated if known else None,
    )


def metrics_of(query: str) -> frozenset[str]:
    """The metrics that a query names."""
    try:
        parts: list[Any] = [expression(query)]
    except ValueError:
        return frozenset()
    names: set[str] = set()
    while parts:
        part = parts.pop()
        if isinstance(part, promql_parser.VectorSelector) and part.name:
            names.add(part.name)
        for attribute in ("lhs", "rhs", "expr", "vector_selector", "param"):
            parts += [each] if (each := getattr(part, attribute, None)) is not None else []
        parts += getattr(part, "args", [])
    return frozenset(names)


def unwatched(signals: Iterable[Signal], rules: Iterable[Rule]) -> list[str]:
    """Signals with limits of whose metrics no alert rule speaks: what is beyond them later is told to nobody.

    By the name of the metric alone; a rule that speaks of a recorded one does not count.
    """
    spoken = {name for rule in rules if rule.is_alert for name in _NAME.findall(rule.query)}
    return [each.name for each in signals if each.limits is not None and not metrics_of(each.query) & spoken]


def amiss(alerts: Alerts, signals: Iterable[Signal], rules: Iterable[Rule]) -> Iterator[tuple[str, str, str]]:
    """What is not in order with the alert rules of a source: what is, what that does, what to do."""
    loaded = [each for each in rules if each.is_alert]
    if not loaded:
        yield (
            "no alert rule is loaded",
            "No alert can fire: their absence proves nothing.",
            "Load alert rules into the source, or drop spec.alerts.",
        )
        return
    if alerts.heartbeat is not None and alerts.heartbeat not in {each.name for each in loaded}:
        yield (
            f"there is no alert rule {alerts.heartbeat}, which spec.alerts.heartbeat names",
            "Whether alerts are evaluated at all cannot be told.",
            "Load a rule of that name that always fires (expr: vector(1)).",
        )
    failing = [each for each in loaded if each.health not in FINE]
    if failing:
        yield (
            f"alert rules fail: {some([f'{each.name} ({each.error or each.health})' for each in failing])}",
            "These alerts cannot fire.",
            "Mend their expressions.",
        )
    if nobody := unwatched(signals, loaded):
        yield (
            f"no alert rule speaks of the metrics of {some(nobody)}",
            "After the review nobody is told when these signals pass their limits.",
            "Write an alert rule for each.",
        )

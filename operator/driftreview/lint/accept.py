"""What the operator refuses before a review starts, as far as no cluster is needed: its own checks, as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from driftreview.api.driftreview import DriftReview
from driftreview.api.metricsource import ClusterMetricSource, MetricSource
from driftreview.api.target import TargetKind
from driftreview.domain.alerts import named
from driftreview.domain.kinds import KINDS
from driftreview.domain.query import QueryProblem, check, query_variables, resolve
from driftreview.domain.validate import contradictions, too_fine, too_large
from driftreview.lint.advice import Step
from driftreview.lint.finding import Finding, Severity, parsed
from driftreview.lint.objects import Parsed
from driftreview.lint.yamltree import Node

_LOCATED: Final = re.compile(r"(spec[\w.\[\]]*)(?: \(signal [-a-z0-9]+\))?: (.*)", re.DOTALL)
_MATCHERS: Final = ("spec", "alerts", "match")
_HASH: Final = "6d4b75cb6d"
"""Stands for the pod template hash that the cluster will give."""


def refusals(parsed_review: Parsed, review: DriftReview, step: Step, *, whole: bool) -> Iterator[Finding]:
    """Everything for which `Accepted` would be False, but for the queries.

    Args:
        parsed_review: where the review stands.
        review: the review.
        step: the resolution of its source.
        whole: the signals of all its sets are there.
    """
    spec = review.spec
    by_step = (*too_fine(spec, step.length), *too_large(spec, step.length, {}))
    problems = [(each, "") for each in contradictions(spec, whole=whole)] + [(each, step.assumed) for each in by_step]
    for problem, more in problems:
        found = _LOCATED.fullmatch(problem.message)
        path, message = found.groups() if found else ("spec", problem.message)
        yield parsed_review.finding(Severity.ERROR, problem.reason, parsed(path), message + more)


def refused_queries(parsed_review: Parsed) -> Iterator[Finding]:
    """Queries that cannot be asked, in a review with other errors too."""
    values = variables(parsed_review.node)
    signals = parsed_review.node.nearest(("spec", "signals"), exactly=True)
    count = len(signals.value) if signals and isinstance(signals.value, list) else 0
    places = [("spec", "signals", index, field) for index in range(count) for field in ("query", "control", "per")]
    for path in (*places, *_fact_queries(parsed_review.node)):
        text = parsed_review.node.get(*path)
        if isinstance(text, str) and path == _MATCHERS:
            text = named(text)
        if not isinstance(text, str) or not text:
            continue
        query = resolve(text, values)
        problem = query if isinstance(query, QueryProblem) else check(query)
        if problem is not None:
            yield parsed_review.finding(Severity.ERROR, problem.reason, path, problem.message)


def _fact_queries(review: Node) -> Iterator[tuple[str | int, ...]]:
    """Where queries stand that are not a signal's."""
    flags = review.nearest(("spec", "flags"), exactly=True)
    for index in range(len(flags.value) if flags and isinstance(flags.value, list) else 0):
        yield "spec", "flags", index, "from", "query"
    yield from (("spec", "inventory", "cpu"), ("spec", "inventory", "memory"), _MATCHERS)


def not_allowed(review: DriftReview, source: MetricSource | ClusterMetricSource) -> str:
    """Why the review may not use this source; empty where it may, or where only the cluster knows."""
    allowed = getattr(source.spec, "allowed_namespaces", None)
    namespace = review.metadata.namespace
    if allowed is None or allowed.selector is not None or not namespace or namespace in allowed.names:
        return ""
    return (
        f"found namespace '{namespace}', which ClusterMetricSource '{source.metadata.name}' does not serve; "
        "add it to its spec.allowedNamespaces, or use a MetricSource"
    )


def variables(review: Node) -> dict[str, str]:
    """Values for a query's variables: the review's own, and some that look like those the cluster will give."""
    target = str(review.get("spec", "target", "name") or "target")
    named = review.get("spec", "target", "kind")
    kind = TargetKind(named) if named in set(TargetKind) else TargetKind.DEPLOYMENT
    own = review.nearest(("spec", "variables"), exactly=True)
    given = own.value if own and isinstance(own.value, dict) else {}
    return query_variables(
        {name: str(value.plain()) for name, value in given.items()},
        namespace=str(review.get("metadata", "namespace") or "default"),
        target=target,
        pods=KINDS[kind].pods(target, f"{target}-{_HASH}"),
        revision_hash=_HASH,
        container="app",
    )

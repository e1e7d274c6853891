"""What the operator refuses before a review starts, as far as no cluster is needed: its own checks, as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import Problem
from driftreview.api.metricsource import ClusterMetricSource, MetricSource
from driftreview.api.reasons import Reason
from driftreview.domain.query import QueryProblem, check, pods_of_revision, resolve
from driftreview.domain.validate import contradictions, too_fine, too_large
from driftreview.lint.finding import Finding, Severity, parsed
from driftreview.lint.objects import Parsed

_LOCATED: Final = re.compile(r"(spec[\w.\[\]]*)(?: \(signal [-a-z0-9]+\))?: (.*)", re.DOTALL)
_HASH: Final = "6d4b75cb6d"
"""Stands for the pod template hash that the cluster will give."""


def refusals(parsed_review: Parsed, review: DriftReview, step: timedelta) -> Iterator[Finding]:
    """Everything for which `Accepted` would be False.

    Args:
        parsed_review: where the review stands.
        review: the review.
        step: the resolution of its source.
    """
    spec = review.spec
    for problem in (*contradictions(spec), *_queries(review), *too_fine(spec, step), *too_large(spec, step, {})):
        found = _LOCATED.fullmatch(problem.message)
        path, message = found.groups() if found else ("spec", problem.message)
        yield parsed_review.finding(Severity.ERROR, problem.reason, parsed(path), message)


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


def variables(review: DriftReview) -> dict[str, str]:
    """Values for a query's variables: the review's own, and some that look like those the cluster will give."""
    target = review.spec.target.name
    return review.spec.variables | {
        "namespace": review.metadata.namespace or "default",
        "target": target,
        "pods": pods_of_revision(f"{target}-{_HASH}"),
        "revisionHash": _HASH,
        "container": "app",
    }


def _queries(review: DriftReview) -> Iterator[Problem]:
    values = variables(review)
    for index, signal in enumerate(review.spec.signals):
        query = resolve(signal.query, values)
        problem = query if isinstance(query, QueryProblem) else check(query)
        if problem is not None:
            yield Problem(
                reason=Reason(problem.reason), message=f"spec.signals[{index}].query: {problem.message}"[:1024]
            )

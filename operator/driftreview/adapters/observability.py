"""Reads what of a release can be seen: the metrics of its pods, and the rules of the source."""

from __future__ import annotations

from collections.abc import Sequence

from driftreview.adapters.answers import Rows
from driftreview.adapters.factsource import FactSource
from driftreview.adapters.serverinfo import loaded_rules
from driftreview.api.observability import MetricNames, ObservabilityFact
from driftreview.domain.alertrules import Rule
from driftreview.domain.observability import EXPOSED, METRICS, RULES, SECTION, metric_names, rules_fact
from driftreview.domain.query import QueryProblem, resolve


def read_observability(source: FactSource, rules: Sequence[Rule] | None) -> ObservabilityFact:
    """What can be seen at a moment; the rules are those of now, None where they are not known or not asked for."""
    return ObservabilityFact(metrics=_metrics(source), rules=None if rules is None else rules_fact(rules))


def _metrics(source: FactSource) -> MetricNames | None:
    about = f"{SECTION}/{METRICS}"
    query = resolve(EXPOSED, source.variables)
    if isinstance(query, QueryProblem):
        source.reader.note(about, query.reason, query.message)
        return None
    answer = source.put(about, lambda server: server.instant(query, source.at))
    if answer is None:
        return None
    rows = answer.rows if isinstance(answer, Rows) else ()
    return metric_names(each.labels.get("__name__", "") for each in rows)


def read_alert_rules(source: FactSource) -> tuple[Rule, ...] | None:
    """The rules that a source has loaded now; None if it does not say, which is noted."""
    return source.put(f"{SECTION}/{RULES}", loaded_rules)

"""Reads what of a release can be seen: the metrics of its pods, and the rules of the source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from driftreview.adapters.answers import Rows
from driftreview.adapters.factreader import FactReader
from driftreview.adapters.prometheus import PrometheusSource
from driftreview.adapters.sourcereader import ask_source
from driftreview.api.observability import MetricNames, ObservabilityFact
from driftreview.domain.alertrules import Rule
from driftreview.domain.observability import EXPOSED, METRICS, SECTION, metric_names, rules_fact
from driftreview.domain.query import QueryProblem, resolve


def read_observability(
    reader: FactReader,
    source: PrometheusSource,
    variables: Mapping[str, str],
    rules: Sequence[Rule] | None,
    at: datetime,
) -> ObservabilityFact:
    """What can be seen at a moment; the rules are those of now, None where they are not known or not asked for."""
    return ObservabilityFact(
        metrics=_metrics(reader, source, variables, at), rules=None if rules is None else rules_fact(rules)
    )


def _metrics(
    reader: FactReader, source: PrometheusSource, variables: Mapping[str, str], at: datetime
) -> MetricNames | None:
    about = f"{SECTION}/{METRICS}"
    query = resolve(EXPOSED, variables)
    if isinstance(query, QueryProblem):
        reader.note(about, query.reason, query.message)
        return None
    answer = ask_source(reader, about, lambda: source.instant(query, at))
    if answer is None:
        return None
    rows = answer.rows if isinstance(answer, Rows) else ()
    return metric_names(each.labels.get("__name__", "") for each in rows)

"""How recommended alert rules look: a rules file of Prometheus, a PrometheusRule, and unit tests for promtool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import yaml

from driftreview.api.driftreview import DriftReview
from driftreview.domain.display import printable
from driftreview.domain.recommended import INTERVAL, Recommended, RecommendedRule, Unruled
from driftreview.domain.rulecases import Case, cases
from driftreview.domain.ruleexpr import promql_duration
from driftreview.domain.rulesamples import quoted

FILE: Final = "rules.yaml"
"""Name of the rules file, as its unit tests name it."""
WITHOUT: Final = "driftreview.dev/without-rule"
"""The annotation of a PrometheusRule that says what no rule is made of."""
_WIDE: Final = 10**6
"""Letters of a line, so that none is broken."""


def rules_file(review: DriftReview, found: Recommended) -> str:
    """A rules file, headed by what it is of and what has no rule."""
    name = printable(review.metadata.full_name, None)
    head = [f"Alert rules of review {name}, with the values of its T0 as numbers.", *map(_said, found.without)]
    return "".join(f"# {line}\n" for line in head) + _yaml(groups(review, found))


def groups(review: DriftReview, found: Recommended) -> dict[str, Any]:
    """The rules as Prometheus takes them."""
    group = {
        "name": f"driftreview-{review.metadata.namespace}-{review.metadata.name}",
        "interval": promql_duration(INTERVAL),
        "rules": [_rule(each) for each in found.rules],
    }
    return {"groups": [group] if found.rules else []}


def prometheus_rule(review: DriftReview, found: Recommended, name: str) -> dict[str, Any]:
    """The same as an object of the Prometheus Operator, with the review's labels: by these it is selected."""
    metadata: dict[str, Any] = {"name": name, "namespace": review.metadata.namespace}
    if review.metadata.labels:
        metadata["labels"] = dict(review.metadata.labels)
    if found.without:
        metadata["annotations"] = {WITHOUT: "; ".join(map(_said, found.without))}
    kind = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule"}
    return {**kind, "metadata": metadata, "spec": groups(review, found)}


def prometheus_rule_file(review: DriftReview, found: Recommended, name: str) -> str:
    """The same as a file for kubectl."""
    return _yaml(prometheus_rule(review, found, name))


def tests_file(review: DriftReview, found: Recommended) -> str:
    """Unit tests of the rules for `promtool test rules`, beside the rules file; headed by which rules have none."""
    made = [(each, cases(review, each)) for each in found.rules]
    head = [f"No test of {rule.name}: {why}" for rule, why in made if isinstance(why, str)]
    tests = [_test(case) for _, both in made if not isinstance(both, str) for case in both]
    document = {"rule_files": [FILE], "evaluation_interval": promql_duration(INTERVAL), "tests": tests}
    return "".join(f"# {line}\n" for line in head) + _yaml(document)


def _said(unruled: Unruled) -> str:
    return printable(f"No rule of {unruled.name}: {unruled.why}", None)


def _rule(rule: RecommendedRule) -> dict[str, Any]:
    hold = {"for": promql_duration(rule.hold)} if rule.hold else {}
    return {
        "alert": rule.name,
        "expr": rule.expr,
        **hold,
        "labels": dict(rule.labels),
        "annotations": dict(rule.annotations),
    }


def _test(case: Case) -> dict[str, Any]:
    name = case.rule.name
    looked = [(case.late, case.fires)]
    if case.rule.hold:
        looked.insert(0, (case.early, ()))
    return {
        "name": f"{name} {'fires' if case.fires else 'is silent'}",
        "interval": promql_duration(INTERVAL),
        "input_series": [{"series": series, "values": values} for series, values in case.series.items()],
        "promql_expr_test": [
            {
                "expr": f'ALERTS{{alertname="{name}",alertstate="firing"}}',
                "eval_time": promql_duration(at),
                "exp_samples": [{"labels": _alert(name, each), "value": 1} for each in fires],
            }
            for at, fires in looked
        ],
    }


def _alert(name: str, labels: Mapping[str, str]) -> str:
    """The series of a firing alert."""
    found = {"alertname": name, "alertstate": "firing", **labels}
    return f"ALERTS{{{','.join(f'{label}={quoted(value)}' for label, value in found.items())}}}"


def _yaml(document: Mapping[str, Any]) -> str:
    text: str = yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=_WIDE)
    return text

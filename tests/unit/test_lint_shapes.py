"""What a query returns surely not as it was meant is told by its shape; what may be meant is not."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from driftreview.lint.expressions import parts
from driftreview.lint.finding import Severity
from driftreview.lint.shapes import drops, never_silent
from tests.support.lintfiles import of, report, review
from tests.unit.test_docs import manifests

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "lint.md").read_text("utf-8")
CHECKS = ("never-silent", "each-dropped", "pod-dropped", "buckets", "only-negative")
HEARD = {"name": "h", "kind": "Presence", "for": "5m"}
LEVEL = {"name": "a", "margin": {"relative": "6%"}}
UP = 'up{job="shop"}'
STATE = 'max(payment_connected{namespace="staging"})'


@pytest.mark.parametrize(
    ("query", "why"),
    [
        (UP, "up has a sample of 0 where nothing is there"),
        (STATE, "payment_connected has a sample of 0"),
        (f"count({UP})", "up has a sample of 0"),
        (f"-(2 * {UP} + 1)", "up has a sample of 0"),
        (f"max_over_time({UP}[5m])", "up has a sample of 0"),
        (f"min_over_time({UP}[5m:1m])", ""),  # a subquery may hold a condition
        (f"label_replace({UP}, 'a', '$1', 'b', '(.*)')", "up has a sample of 0"),
        (f"{UP} and on () vector(1)", "up has a sample of 0"),
        (f"{STATE} > bool 0", "> bool makes a sample of 0 of what it should leave out"),
        ("max(x) == bool 1", "== bool makes"),
        ("vector(1)", "vector() of a number is always there"),
        ("vector(time())", "vector() of a number"),
        ("1", "a number is always there"),
        ("time()", "time() is always there"),
        (f"absent({UP})", "absent() has a sample exactly where there is none of what it is about"),
        (f"absent({UP} == 1)", "absent() has"),
        (f"absent(max({UP}) > 0)", "absent() has"),
        (f"absent_over_time({UP}[5m])", "absent_over_time() has"),
        ("count(x) or vector(0)", "vector() of a number"),
        ("(count(x > 0) or vector(0)) * 1", "vector() of a number"),
        ("sum(rate(heartbeats_total[5m]))", "rate() is 0 while nothing happens"),
    ],
)
def test_what_can_never_be_silent_says_why(query: str, why: str) -> None:
    (whole,) = [part.it for part in parts(query, {}) if not part.within]
    assert never_silent(whole)[: len(why) or None] == why
    told = of("never-silent", review(signals=[HEARD | {"query": query}]))
    assert [(each.severity, each.path) for each in told] == [(Severity.WARNING, "spec.signals[0].query")][: bool(why)]


@pytest.mark.parametrize(
    "query",
    [
        f"{STATE} == 1", f"{UP} == 1", f"count({UP} == 1) >= 3", f"(count({UP} == 1) or vector(0)) > 0",
        "max(last_order_timestamp_seconds)", "time() - max(last_order_timestamp_seconds)", "count(kube_pod_info)",
        "time() - max(last_order_timestamp_seconds) < 60", "sum(increase(orders_total[10m])) > 0",
        'absent(ALERTS{alertname="a"})', f"absent({UP} == 0)", f"absent({UP} > 0 < 5)", "absent(errors > 0)",
        f"vector(1) and on () ({UP} == 1)", f"vector(1) unless on () ({UP} == 0)", f"{UP} / {UP}", "vector(scalar(x))",
        "(max(x) > bool 0) == 1", "count_over_time(x[5m])", "sum(x) or sum(y)", f"{UP} * on (pod) x",
    ],
)  # fmt: skip
def test_what_may_fall_silent_is_not_told(query: str) -> None:
    assert of("never-silent", review(signals=[HEARD | {"query": query}])) == []


def test_only_presence_must_fall_silent() -> None:
    for declared in (LEVEL | {"query": UP}, {"name": "a", "query": UP, "kind": "Info"}):
        assert of("never-silent", review(signals=[declared])) == []


@pytest.mark.parametrize(
    ("query", "dropped"),
    [
        ("sum(x)", True), ("max by (pod) (x)", True), ("max without (zone) (x)", True), ("(sum(x)) > 5", True),
        ("2 * sum(x) / 3", True), ("sum(x) / sum(y)", True), ("sum(x) or vector(0)", True), ("round(sum(x))", True),
        ("histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))", True), ("sum(x) and on () y", True),
        ("-sum(x)", True), ('count_values("version", x)', True), ("topk(3, sum by (pod) (x))", True),
        ("x", False), ("sum by (zone) (x)", False), ("sum by (zone, pod) (x)", False), ("max without (pod) (x)", False),
        ("topk(3, x)", False), ('count_values("zone", x)', False), ("sum(x) / on () group_left(zone) y", False),
        ('label_replace(sum by (z) (x), "zone", "$1", "z", "(.*)")', False), ("sum by (zone) (x) or vector(0)", False),
        ("histogram_quantile(0.9, sum by (le, zone) (rate(x_bucket[5m])))", False), ("rate(x[5m])", False),
        ("sum by (zone) (x) / on () group_left() sum(y)", False), ("max_over_time(sum(x)[5m:1m])", False),
    ],
)  # fmt: skip
def test_a_label_that_an_aggregation_drops_is_none_to_tell_series_apart_by(query: str, dropped: bool) -> None:  # noqa: FBT001
    (whole,) = [part.it for part in parts(query, {}) if not part.within]
    assert drops(whole, "zone") is dropped
    told = of("each-dropped", review(signals=[LEVEL | {"query": query, "each": "zone"}]))
    assert [each.path for each in told] == ["spec.signals[0].each"][:dropped]
    assert of("each-dropped", review(signals=[LEVEL | {"query": query}])) == []


@pytest.mark.parametrize(
    ("inside", "lost"),
    [
        ("sum(rate(x_bucket[5m]))", True), ("sum by (zone) (rate(x_bucket[5m]))", True), ("avg(x_bucket)", True),
        ("sum without (le, pod) (rate(x_bucket[5m]))", True), ("sum by (le) (sum(rate(x_bucket[5m])))", True),
        ("sum by (le) (rate(x_bucket[5m]))", False), ("sum without (pod) (rate(x_bucket[5m]))", False),
        ("rate(x_bucket[5m])", False), ("sum(rate(x[5m]))", False),  # a native histogram
    ],
)  # fmt: skip
def test_buckets_are_added_up_by_how_far_they_reach(inside: str, lost: bool) -> None:  # noqa: FBT001
    told = of("buckets", review(signals=[LEVEL | {"query": f"max(histogram_quantile(0.99, {inside}))"}]))
    assert [each.path for each in told] == ["spec.signals[0].query"][:lost]
    assert of("buckets", review(signals=[LEVEL | {"query": "sum(rate(x_bucket[5m]))"}])) == []


@pytest.mark.parametrize(
    ("query", "per", "alone"),
    [
        ('rate(x{code!~"5.."}[5m])', "rate(x[5m])", True), ('x{code!="500"}', 'x{pod="a"}', True),
        ('x{code!~"5..",code!=""}', "x", False), ('x{code!~"5..|"}', "x", False), ('x{code!~"|5.."}', "x", False),
        ('x{code=~"[1-4].."}', "x", False), ('x{code!~"5..",code=~".+"}', "x", False), ('x{code!~"5.."}', "y", False),
        ('x{code!~"5.."}', 'x{code!=""}', False), ('x{pod!~"c.*"}', 'x{pod!~"c.*"}', False), ("x", "x", False),
        ("x", 'x{code!~"5.."}', True), ('{code!~"5.."}', '{__name__="x"}', False),
    ],
)  # fmt: skip
def test_a_part_is_told_from_the_whole_by_what_its_label_is(query: str, per: str, alone: bool) -> None:  # noqa: FBT001
    level = LEVEL | {"margin": {"absolute": "5m"}}
    told = of("only-negative", review(signals=[level | {"query": query, "per": per}]))
    assert [each.path for each in told] == [f"spec.signals[0].{'query' if 'code!' in query else 'per'}"][:alone]
    told = of("only-negative", review(signals=[level | {"query": f"sum({query}) / sum({per})"}]))
    assert [each.path for each in told] == ["spec.signals[0].query"][:alone]
    assert of("only-negative", review(signals=[level | {"query": query}])) == []


NUMBER = {"name": "tests", "worse": "Lower", "baseline": 38, "current": 38}
FILE = {"current": {"configMap": {"name": "tests", "key": "n"}, "format": "Number"}}
OPTIMIST = {"policy": {"onInconclusive": "Promote"}}


@pytest.mark.parametrize(
    ("rule", "spec", "path"),
    [
        ("margin-wide", {"signals": [LEVEL | {"query": "up", "margin": {"relative": "500%"}}]},
         "spec.signals[0].margin.relative"),
        ("margin-wide", {"signals": [LEVEL | {"query": "up", "margin": {"relative": "100%"}, "worse": "Lower"}]},
         "spec.signals[0].margin.relative"),
        ("margin-wide", {"signals": [LEVEL | {"query": "up", "margin": {"relative": "200%"}}]}, ""),
        ("margin-wide", {"signals": [LEVEL | {"query": "up", "per": "all", "margin": {"relative": "500%"}}]}, ""),
        ("margin-wide", {"signals": [LEVEL | {"query": "up", "margin": {"relative": "90%"}, "worse": "Lower"}]}, ""),
        ("margin-wide", {"signals": [HEARD | {"query": "increase(x[5m])", "kind": "Events",
                                              "margin": {"relative": "300%"}}]}, ""),  # one event more of very few
        ("budget-wide", {"policy": {"falseAlarmBudget": "50%"}}, "spec.policy.falseAlarmBudget"),
        ("budget-wide", {"policy": {"falseAlarmBudget": "20%"}}, ""),
        ("coverage-low", {"signals": [LEVEL | {"query": "up", "minCoverage": "1%"}]}, "spec.signals[0].minCoverage"),
        ("coverage-low", {"signals": [LEVEL | {"query": "up", "minCoverage": "10%"}]}, ""),
        ("promote-unseen", OPTIMIST | {"signals": [LEVEL | {"query": "up", "onMissing": "Ignore"}]},
         "spec.policy.onInconclusive"),
        ("promote-unseen", OPTIMIST | {"signals": [LEVEL | {"query": "up"}]}, ""),
        ("promote-unseen", OPTIMIST | {"signals": [LEVEL | {"query": "up", "onMissing": "Ignore", "mode": "Shadow"}]},
         ""),
        ("promote-unseen", {"signals": [LEVEL | {"query": "up", "onMissing": "Ignore"}]}, ""),
        ("promote-unseen", OPTIMIST | {"evidence": [NUMBER | {"onMissing": "Ignore"}]}, "spec.policy.onInconclusive"),
        ("worse-already", {"evidence": [NUMBER | {"current": 37}]}, "spec.evidence[0].current"),
        ("worse-already", {"evidence": [NUMBER | {"current": 37, "mode": "Shadow"}]}, ""),
        ("worse-already", {"evidence": [NUMBER | {"current": 37, "margin": {"relative": "5%"}}]}, ""),
        ("worse-already", {"evidence": [NUMBER | {"current": None, "onMissing": "Fail", "from": FILE}]}, ""),
    ],
    ids=str,
)  # fmt: skip
def test_what_lets_everything_pass_is_told(rule: str, spec: dict[str, Any], path: str) -> None:
    assert f"| `{rule}` |" in PAGE
    assert [each.path for each in of(rule, review(**spec))] == ([path] if path else [])


def test_each_check_is_on_the_page_and_none_is_found_in_the_examples() -> None:
    assert [rule for rule in CHECKS if f"| `{rule}` |" not in PAGE] == []
    texts = [path.read_text("utf-8") for path in (ROOT / "examples").rglob("*.yaml")]
    texts += [yaml.safe_dump_all(shown.values) for shown in manifests()]
    wide = ("margin-wide", "budget-wide", "coverage-low", "promote-unseen", "worse-already")
    assert [each.text for text in texts for each in report(text).findings if each.check in CHECKS + wide] == []


@pytest.mark.parametrize(
    ("inventory", "fields"),
    [
        ({"memory": "sum by (pods) (m)"}, ["memory"]),
        ({"cpu": "sum(c)", "memory": "max without (pod) (m)"}, ["cpu", "memory"]),
        ({"memory": "topk(5, sum by (pod) (m))", "cpu": "c"}, []),
        ({}, []),
    ],
)
def test_an_inventory_knows_its_pods_by_their_label(inventory: dict[str, str], fields: list[str]) -> None:
    told = of("pod-dropped", review(signals=[LEVEL | {"query": UP}], inventory=inventory))
    assert [(each.severity, each.path) for each in told] == [
        (Severity.WARNING, f"spec.inventory.{field}") for field in fields
    ]

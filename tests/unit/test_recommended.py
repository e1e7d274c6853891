"""Alert rules that a review recommends: what they ask, what they say, and of what there is none."""

from typing import Any

import promql_parser
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec, SeriesEvidence
from driftreview.api.signal import Signal
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.query import expression
from driftreview.domain.recommended import Recommended, RecommendedRule, recommended
from driftreview.domain.rulecases import cases
from driftreview.domain.ruletext import camel_names, literal
from driftreview.report import rulefiles
from driftreview.report.rulefiles import WITHOUT, prometheus_rule, rules_file
from tests.builders import (
    T0,
    around,
    events,
    evidence,
    growth,
    limit,
    presence,
    review,
    revision,
    series,
    signal,
    snapshot,
)

QUERY = 'sum(rate(x_total{namespace="${namespace}",pod=~"${pods}"}[5m]))'


def started(*signals: Signal, **spec: Any) -> DriftReview:
    status = DriftReviewStatus(judged=revision("6d4b75cb6d"), t0=T0)
    return review(status, signals=list(signals), **spec)


def flat(level: float, **fields: Any) -> SeriesEvidence:
    return series([level] * 144, **fields)


def made(declared: Signal, *at_t0: SeriesEvidence, **spec: Any) -> Recommended:
    return recommended(started(declared, **spec), snapshot(evidence(declared.name, *at_t0)))


def only(declared: Signal, *at_t0: SeriesEvidence) -> RecommendedRule:
    found = made(declared, *at_t0)
    assert not found.without
    (rule,) = found.rules
    return rule


def test_a_limit_of_a_level_is_beyond_it_for_five_minutes() -> None:
    rule = only(signal(query=QUERY, limits={"alert": "150m"}), flat(0.1))
    assert rule.expr.startswith("(sum(rate(x_total")
    assert rule.expr.endswith(") > 0.15")
    assert (rule.name, f"{rule.hold}", rule.labels["severity"]) == ("LatencyOverLimit", "0:05:00", "P2")
    assert rule.annotations["summary"] == "latency of web: over its limit of 150 ms for 5m"


def test_a_rule_is_about_every_pod_the_target_will_have_and_not_those_of_the_judged_revision() -> None:
    rule = only(signal(query=QUERY, limits={"alert": "1"}), flat(0.1))
    assert 'pod=~"web-[4-9bcdf]{1,10}-[a-z0-9]{5}"' in rule.expr
    assert "6d4b75cb6d" not in rule.expr


def test_a_query_of_one_revision_has_no_rule() -> None:
    found = made(signal(query='up{hash="${revisionHash}"}', limits={"alert": "1"}), flat(0.1))
    assert not found.rules
    assert "${revisionHash}, which the next release changes" in found.without[0].why


@pytest.mark.parametrize(
    ("margin", "worse", "end"),
    [
        ({"relative": "5%"}, "Higher", "> 105.0"),
        ({"relative": "5%", "absolute": "20"}, "Higher", "> 120.0"),
        ({"relative": "5%"}, "Lower", "< 95.0"),
    ],
)
def test_a_level_is_held_against_the_number_that_it_was_at_t0(margin: Any, worse: str, end: str) -> None:
    rule = only(signal(margin=margin, worse=worse), flat(100.0))
    assert rule.expr == f"quantile_over_time(0.5, (up)[1h:1m]) {end}"
    assert rule.name == "LatencyWorseThanT0"
    assert "At T0 (2026-07-31T12:00:00Z) it was 100 s, the median of the baseline." in rule.annotations["description"]


def test_either_direction_is_how_far_it_is_from_t0() -> None:
    rule = only(signal(worse="Either"), flat(100.0))
    assert rule.expr == "abs(quantile_over_time(0.5, (up)[1h:1m]) - 100.0) > 5.0"


def test_the_number_has_every_digit_that_was_frozen() -> None:
    rule = only(signal(), flat(0.123456789))
    assert rule.bound == float(rule.expr.rpartition(" ")[2]) == 0.123456789 + 0.05 * 0.123456789


def test_each_series_is_held_against_its_own_number_and_no_label_becomes_promql() -> None:
    hostile = 'a"} or vector(1) #\n$1\\'
    declared = signal(query="max by (symbol) (x)", each="symbol")
    rule = only(declared, flat(1.0, labels={"symbol": "b"}), flat(100.0, labels={"symbol": hostile}))
    parsed = expression(rule.expr)
    assert isinstance(parsed, promql_parser.BinaryExpr)
    assert f"{parsed.modifier}".startswith("on (symbol)")
    assert rule.expr.count("label_replace(vector(") == 2
    assert 'vector(1.05), "symbol", "b", "", ""' in rule.expr
    assert "$$1" in rule.expr, "a group of the match, otherwise"


@given(st.lists(st.text(max_size=20), unique=True, min_size=1, max_size=6))
def test_whatever_a_label_holds_it_stays_a_label(keys: list[str]) -> None:
    declared = signal(query="max by (symbol) (x)", each="symbol")
    found = made(declared, *(flat(1.0, labels={"symbol": key}) for key in keys))
    (rule,) = found.rules
    assert isinstance(expression(rule.expr), promql_parser.BinaryExpr)
    assert rule.expr.startswith("quantile_over_time(0.5, (max by (symbol) (x))[1h:1m]) > on (symbol) (label_replace(")
    assert len(rule.usual) == len(keys)


def test_what_is_compared_with_is_named_as_it_is() -> None:
    assert "than before the release" in only(signal(), flat(1.0)).when
    (after,) = made(signal(), flat(1.0), baseline={"from": "Snapshot", "length": "30m"}).rules
    assert after.when == "higher than at T0 by more than 5% for 15m"


def test_a_quotient_has_no_value_without_traffic() -> None:
    declared = signal(query="x", per="y", minTraffic="10m", limits={"alert": "1"})
    assert only(declared, flat(0.1)).expr == "((x) / on () ((y) >= 0.01)) > 1.0"
    each = signal(query="max by (s) (x)", per="sum(y)", each="s", limits={"alert": "1"})
    assert "/ on () group_left () ((sum(y)) > 0.0)" in made(each).rules[0].expr
    own = signal(query="max by (s) (x)", per="sum by (s) (y)", each="s", limits={"alert": "1"})
    assert "/ on (s) ((sum by (s) (y)) > 0.0)" in made(own).rules[0].expr


def test_growth_is_a_slope_over_two_hours_that_lasts_for_one() -> None:
    rule = only(growth("20", query="x"), flat(100.0))
    assert rule.expr == "deriv((x)[2h:1m]) * 3600 > 20.0"
    assert (rule.name, f"{rule.hold}") == ("MemoryGrows", "1:00:00")
    shrinking = only(growth("20", query="x", worse="Lower"), flat(100.0))
    assert shrinking.expr.endswith("< -20.0")


def test_a_single_count_beyond_its_limit_is_an_alert() -> None:
    rule = only(events(query="increase(x[5m])", limits={"alert": "5"}), flat(0.2))
    assert (rule.expr, f"{rule.hold}") == ("(increase(x[5m])) > 5.0", "0:00:00")
    assert rule.annotations["summary"] == "reconnects of web: over its limit of 5 in 5m"


@pytest.mark.parametrize(("rate", "span"), [(0.0, "6h"), (0.01, "6h"), (0.2, "24h")])
def test_more_events_than_at_t0_are_counted_for_as_long_as_chance_needs(rate: float, span: str) -> None:
    rule = only(events({"absolute": "200m"}, query="increase(x[5m])"), flat(rate))
    assert rule.expr == f"avg_over_time((increase(x[5m]))[{span}:5m]) > {rate + 0.2!r}"


def test_so_few_more_events_that_chance_makes_them_too_have_no_rule() -> None:
    found = made(events({"absolute": "1m"}, query="increase(x[5m])"), flat(1.0))
    assert not found.rules
    assert "within a day so few events more may be chance" in found.without[0].why


def test_absence_is_told_of_a_series_and_with_each_of_those_of_t0() -> None:
    assert only(presence("5m", query="x"), flat(1.0)).expr == "absent((x))"
    rule = only(presence("5m", query="x", each="s"), flat(1.0, labels={"s": "b"}), flat(1.0, labels={"s": "a"}))
    assert rule.expr == (
        '(label_replace(vector(1.0), "s", "a", "", "") or label_replace(vector(1.0), "s", "b", "", ""))'
        " unless on (s) (x)"
    )
    assert not made(presence("5m", query="x", each="s")).rules


def test_what_no_metric_says_has_no_rule_and_that_is_said() -> None:
    tests = {"name": "unit-tests", "baseline": "562", "current": "562", "worse": "Lower", "margin": {"relative": "0%"}}
    found = made(signal(limits={"alert": "1"}), flat(0.1), evidence=[tests])
    assert [(each.name, each.why) for each in found.without] == [
        ("unit-tests", "a number from elsewhere (spec.evidence): no metric says it")
    ]
    text = rules_file(started(signal()), found)
    assert "# No rule of unit-tests: a number from elsewhere (spec.evidence): no metric says it\n" in text
    assert "unit-tests" in prometheus_rule(started(signal()), found, "x")["metadata"]["annotations"][WITHOUT]


def test_info_has_no_rule_and_shadow_never_more_than_p3() -> None:
    assert not made(signal(kind="Info"), flat(0.1)).rules
    assert only(signal(mode="Shadow", severity="Critical"), flat(0.1)).labels["severity"] == "P3"
    assert only(signal(severity="Critical"), flat(0.1)).labels["severity"] == "P1"


def without_t0(**fields: Any) -> DriftSnapshotSpec:
    return snapshot(evidence("latency", flat(100.0)), **fields)


def test_without_a_sound_t0_only_limits_have_rules() -> None:
    declared = started(signal(margin={"relative": "5%"}, limits={"alert": "1", "baseline": "10"}))
    for at_t0, why in (
        (without_t0(limits_only="nothing ran before"), "judged by limits only"),
        (without_t0(), "beyond its limit"),
        (snapshot(window=None), "nothing was measured at T0"),
    ):
        found = recommended(declared, at_t0)
        assert [each.name for each in found.rules] == ["LatencyOverLimit"]
        assert why in found.without[0].why


def test_names_are_unique_where_camel_case_is_not() -> None:
    assert camel_names(["order-latency-p99"]) == {"order-latency-p99": "OrderLatencyP99"}
    names = camel_names(["a-1", "a1", "b"])
    assert names == {"a-1": "A_1", "a1": "A1", "b": "B"}


@given(st.lists(st.from_regex(r"[a-z0-9]([-a-z0-9]{0,4}[a-z0-9])?", fullmatch=True), unique=True, max_size=8))
def test_no_two_signals_have_one_name(names: list[str]) -> None:
    found = camel_names(names)
    assert len(set(found.values())) == len(names)


def test_what_people_wrote_is_no_template() -> None:
    rule = only(signal(limits={"alert": "1"}, runbook="see {{ $labels.x }}", unit="{{x}}"), flat(0.1))
    assert rule.annotations["runbook"] == 'see {{ "{{" }} $labels.x }}'
    assert literal("{{x}}") in rule.annotations["description"]


def test_a_link_is_a_runbook_url() -> None:
    rule = only(signal(limits={"alert": "1"}, runbook="https://runbooks.example.org/x"), flat(0.1))
    assert rule.annotations["runbook_url"] == "https://runbooks.example.org/x"


def test_a_label_that_tells_series_apart_is_not_overwritten() -> None:
    rule = only(signal(query="x", each="namespace", limits={"alert": "1"}), flat(0.1, labels={"namespace": "a"}))
    assert "namespace" not in rule.labels


def test_the_object_has_the_labels_of_the_review_by_which_it_is_selected() -> None:
    declared = started(signal(limits={"alert": "1"}))
    labelled = declared.model_copy(
        update={"metadata": declared.metadata.model_copy(update={"labels": {"release": "x"}})}
    )
    found = recommended(labelled, snapshot(evidence("latency", flat(0.1))))
    body = prometheus_rule(labelled, found, "release-rules")
    assert body["metadata"] == {"name": "release-rules", "namespace": "shop", "labels": {"release": "x"}}
    assert yaml.safe_load(rules_file(labelled, found)) == body["spec"]


def test_a_query_of_no_known_shape_has_a_rule_and_no_test() -> None:
    declared = started(signal(query="label_join(x, 'a', '')", limits={"alert": "1"}))
    found = recommended(declared, snapshot(evidence("latency", flat(0.1))))
    assert cases(declared, found.rules[0]) == "series for label_join() are not made"
    assert rulefiles.tests_file(declared, found).startswith(
        "# No test of LatencyOverLimit: series for label_join() are not made\n"
    )


def test_a_scalar_has_no_rule_instead_of_one_that_prometheus_refuses() -> None:
    found = made(signal(query="scalar(x)", limits={"alert": "1"}), flat(0.1))
    assert not found.rules
    assert "is not PromQL" in found.without[0].why


def test_the_limit_kind_has_the_patience_that_is_declared() -> None:
    rule = only(limit("60", query="x", **{"for": "90s"}), flat(1.0))
    assert f"{rule.hold}" == "0:01:30"
    assert "for: 1m30s" in rules_file(started(signal()), made(limit("60", query="x", **{"for": "90s"}), flat(1.0)))


def test_noise_around_t0_makes_the_number_its_median() -> None:
    values = around(100.0, 144)
    rule = only(signal(), series(values))
    assert 99 < rule.usual[0].value < 101

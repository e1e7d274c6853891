"""Fields that contradict the query beside them are told; what is only unusual is not."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from driftreview.lint.finding import Severity
from tests.support.lintfiles import HEAD, SIGNALS, errors, lines, of, report, review
from tests.unit.test_docs import manifests

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "lint.md").read_text("utf-8")
CHECKS = ("each-pod", "counter", "events-rate", "events-range", "control-judged", "covariate-circle", "milli-bytes")
LEVEL = {"name": "a", "query": "up", "margin": {"relative": "5%"}}
GROWTH = {"name": "g", "query": "up", "kind": "Growth", "limits": {"perHour": 1}}
HEARD = {"name": "h", "query": "up", "kind": "Presence", "for": "5m"}
EVENTS = {
    "name": "e", "query": "sum(increase(x_total[10m])) or vector(0)", "kind": "Events", "for": "10m",
    "margin": {"relative": "50%"},
}  # fmt: skip
MINE = 'x{pod=~"${pods}"}'


@pytest.mark.parametrize(
    ("rule", "signals", "path", "says"),
    [
        ("each-pod", [LEVEL | {"each": "pod"}], "spec.signals[0].each", "which is Missing, and the new ones have no"),
        ("each-pod", [GROWTH | {"each": "pod_name"}], "spec.signals[0].each", "found pod_name, which names pods"),
        ("each-pod", [HEARD | {"each": "pod"}], "spec.signals[0].each", "would be rolled back for it"),
        ("each-pod", [LEVEL | {"each": "instance", "query": MINE}], "spec.signals[0].each", "found instance, which"),
        ("each-pod", [EVENTS | {"each": "hostname", "query": f"increase({MINE}[10m])"}], "spec.signals[0].each", ""),
        ("counter", [LEVEL | {"query": "sum(x_total)"}], "spec.signals[0].query", "write rate(x_total[5m])"),
        ("counter", [LEVEL | {"query": "a_total / b_total"}], "spec.signals[0].query", "the counter b_total as it is"),
        ("counter", [LEVEL | {"query": "rate(a_total[5m])", "per": "b_total"}], "spec.signals[0].per", "b_total"),
        ("counter", [GROWTH | {"query": "max(x_total) > 0"}], "spec.signals[0].query", "only ever grows"),
        ("counter", [LEVEL | {"query": "max_over_time(x_total[5m])"}], "spec.signals[0].query", "only ever grows"),
        ("counter", [EVENTS | {"query": "sum(x_total)"}], "spec.signals[0].query", "write increase(x_total[10m])"),
        ("events-rate", [EVENTS | {"query": "sum(rate(x_total[10m])) or vector(0)"}],
         "spec.signals[0].query", "found rate(), which is events a second, expected the events in the last 10m"),
        ("events-range", [EVENTS | {"for": "20m"}], "spec.signals[0].for", "seem to be 0.5 times as many events"),
        ("events-range", [EVENTS | {"query": "changes(x[1h:1m])"}], "spec.signals[0].for", "happened in the last 1h"),
        ("control-judged", [LEVEL | {"control": MINE}], "spec.signals[0].control", "asks about ${pods}"),
        ("control-judged", [LEVEL | {"control": 'x{hash="${revisionHash}"}'}], "spec.signals[0].control", "Hash}"),
        ("covariate-circle", [LEVEL | {"covariate": "b"}, LEVEL | {"name": "b", "query": "x", "covariate": "a"}],
         "spec.signals[1].covariate", "b and a are each other's"),
        ("milli-bytes", [GROWTH | {"unit": "By", "limits": {"perHour": "20m"}}],
         "spec.signals[0].limits.perHour", "m is a thousandth: 0.02 B; a million is M, 20Mi are 20 MiB"),
        ("milli-bytes", [LEVEL | {"unit": "bytes", "margin": {"absolute": "5m"}}],
         "spec.signals[0].margin.absolute", "found 5m"),
    ],
    ids=str,
)  # fmt: skip
def test_a_slip_is_told(rule: str, signals: list[dict[str, Any]], path: str, says: str) -> None:
    assert f"| `{rule}` |" in PAGE
    text = review(signals=signals)
    assert [(each.severity, each.path) for each in of(rule, text) if says in each.message] == [(Severity.WARNING, path)]
    assert errors(text) == []


@pytest.mark.parametrize(
    "spec",
    [
        {"signals": [LEVEL | {"each": "symbol", "query": MINE}]},
        {"signals": [LEVEL | {"each": "instance", "query": "node_load1"}]},  # nodes outlive a release
        {"signals": [{"name": "i", "query": MINE, "kind": "Info", "each": "pod"}]},
        {"signals": [LEVEL | {"each": "pod"}], "baseline": {"from": "Snapshot", "length": "30m"}},  # the same pods
        {"signals": [LEVEL | {"query": "sum(rate(x_total[5m])) / sum(increase(y_total[5m:1m]))"}]},
        {"signals": [LEVEL | {"query": "max(x_total - x_total offset 1h)"}]},
        {"signals": [LEVEL | {"query": "x and on (pod) x_total > 5"}]},
        {"signals": [LEVEL | {"query": "count(x_total)"}]},
        {"signals": [LEVEL | {"query": "job:x_total"}]},
        {"signals": [{"name": "l", "query": "x_total", "kind": "Limit", "for": "5m", "limits": {"alert": 1}}]},
        {"signals": [EVENTS]},
        {"signals": [EVENTS | {"query": "600 * sum(rate(x_total[5m]))"}]},
        {"signals": [EVENTS | {"query": "2 * sum(increase(x_total[5m]))"}]},
        {"signals": [EVENTS | {"query": "count_over_time((rate(x_total[5m]) > 0)[10m:1m])"}]},
        {"signals": [EVENTS | {"query": "sum(increase(x_total[10m])) + sum(changes(y[10m]))"}]},
        {"signals": [LEVEL | {"control": 'x{pod=~"shop-stable-.*"}', "query": MINE}]},
        {"signals": [LEVEL | {"control": 'x{hash!="${revisionHash}"}'}]},
        {"signals": [LEVEL | {"covariate": "b"}, LEVEL | {"name": "b", "query": "x"}]},
        {"signals": [LEVEL | {"unit": "s", "margin": {"absolute": "5m"}}]},
        {"signals": [LEVEL | {"unit": "By", "margin": {"absolute": "5M"}}]},
    ],
    ids=str,
)
def test_what_is_only_unusual_is_not_told(spec: dict[str, Any]) -> None:
    assert [each.text for rule in CHECKS for each in of(rule, review(**spec))] == []


def test_a_silence_of_each_pod_is_an_error_where_it_would_surely_roll_back() -> None:
    (found,) = of("each-pod", review(signals=[HEARD | {"each": "pod", "query": MINE}]))
    assert found.severity is Severity.ERROR


def test_the_pods_of_a_stateful_set_keep_their_names_and_those_of_a_daemon_set_do_not() -> None:
    signals = [HEARD | {"each": "pod", "query": MINE}, LEVEL | {"each": "pod"}]
    assert of("each-pod", review(signals=signals, target={"kind": "StatefulSet", "name": "web"})) == []
    assert len(of("each-pod", review(signals=signals, target={"kind": "DaemonSet", "name": "web"}))) == 2


def test_no_slip_is_in_the_examples_and_in_what_the_documentation_shows() -> None:
    texts = [path.read_text("utf-8") for path in (ROOT / "examples").rglob("*.yaml")]
    texts += [yaml.safe_dump_all(shown.values) for shown in manifests()]
    assert len(texts) > 10
    told = [each.text for text in texts for each in report(text).findings if each.check in CHECKS]
    assert told == []


def test_the_query_to_ask_by_hand_is_whole_and_can_be_asked() -> None:
    behind = 'sum(rate(http_requests_total{pod=~"${pods}",code=~"5..",handler="/a/long/path/of/some/kind"}[5m]))'
    text = review(target={"name": "shop"}, signals=[LEVEL | {"query": f"{behind} or vector(0)"}])
    (found,) = of("stand-in", text)
    assert found.message.endswith(f": {behind.replace('${pods}', 'shop-[4-9bcdf]{1,10}-[a-z0-9]{5}')}")
    many = "sum(a{b=~" + '"' + "x" * 2000 + '"})'
    (found,) = of("stand-in", review(signals=[LEVEL | {"query": f"{many} or vector(0)"}]))
    assert found.message.endswith("…")
    assert len(found.message) < 1_300


def test_a_name_where_an_object_is_expected_is_written_as_one() -> None:
    text = HEAD.replace("target: {name: shop}", "target: checkout") + SIGNALS
    assert lines(text) == ["5:11 error spec.target: found 'checkout', expected an object; write {name: checkout}"]


BESIDE = LEVEL | {"control": "x"}
CANARY = {"type": "Canary", "stable": {"name": "stable"}}


@pytest.mark.parametrize(
    ("spec", "is_noted"),
    [
        ({}, True),
        ({"rollout": {}}, False),
        ({"signals": [BESIDE | {"limits": {"alert": 1}}]}, False),
        ({"signals": [BESIDE | {"limits": {"baseline": 1}}]}, True),
        ({"signals": [LEVEL]}, False),
        ({"signals": [HEARD, BESIDE | {"mode": "Shadow"}]}, False),
        ({"baseline": {"from": "Snapshot", "length": "20m"}}, False),
    ],
    ids=str,
)
def test_a_signal_of_a_canary_that_has_a_control_alone_is_noted(spec: dict[str, Any], *, is_noted: bool) -> None:
    found = of("control-alone", review(**{"signals": [BESIDE], "rollout": CANARY} | spec))
    assert [(each.severity, each.path) for each in found] == [(Severity.NOTE, "spec.signals[0].control")] * is_noted
    assert all("found a control and no limits.alert: " in each.message for each in found)
    assert "`control-alone`" in PAGE

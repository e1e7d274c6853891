"""Signal sets in files, as lint and replay see them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from driftreview.cli.reviewfile import ReviewFileError, read_review
from driftreview.lint.check import lint
from driftreview.lint.finding import Severity

KIND = {"apiVersion": "driftreview.dev/v1alpha1"}
SOURCE = KIND | {"kind": "MetricSource", "metadata": {"name": "prometheus"}, "spec": {"url": "http://prometheus:9090"}}
RATE = 'sum(rate(x_seconds_sum{job="${job}",pod=~"${pods}"}[5m]))'


def a_set(*signals: dict[str, Any], kind: str = "SignalSet", name: str = "http", **fields: Any) -> dict[str, Any]:
    variables = fields.pop("variables", [{"name": "job", "default": "web"}])
    declared = list(signals) or [{"name": "rate", "query": RATE, "margin": {"relative": "10%"}}]
    return KIND | {
        "kind": kind,
        "metadata": {"name": name} | fields,
        "spec": {"variables": variables, "signals": declared},
    }


def a_review(*refs: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return KIND | {
        "kind": "DriftReview",
        "metadata": {"name": "shop", "namespace": "shop"},
        "spec": {"target": {"name": "shop"}, "metrics": {"sourceRef": {"name": "prometheus"}},
                 "signalSetRefs": [{"name": "http"} | each for each in refs]} | spec,
    }  # fmt: skip


def said(*documents: dict[str, Any]) -> list[tuple[str, str, str]]:
    text = yaml.safe_dump_all([*documents, SOURCE]).encode()
    return [(each.severity, each.check, each.text) for each in lint([("all.yaml", text)]).findings]


def test_a_review_with_a_set_in_the_same_files_has_nothing_to_be_said_of_it() -> None:
    assert said(a_review({}), a_set()) == []
    assert said(a_review({}), a_set(namespace="shop")) == []
    assert said(a_review({"kind": "ClusterSignalSet"}), a_set(kind="ClusterSignalSet")) == []


@pytest.mark.parametrize(
    ("other", "whose", "there"),
    [
        (a_set(name="grpc"), "", ""),
        (a_set(namespace="other"), " of namespace 'shop'", "SignalSet of namespace 'other'"),
        (a_set(kind="ClusterSignalSet"), " of namespace 'shop'", "ClusterSignalSet"),
    ],
)
def test_of_a_set_that_is_not_there_it_is_said_what_is_not_known(other: dict[str, Any], whose: str, there: str) -> None:
    own = {"name": "own", "query": "own", "margin": {"relative": "10%"}, "covariate": "rate"}
    assert said(a_review({}, signals=[own]), other) == [
        (
            Severity.NOTE,
            "set-elsewhere",
            (
                f"spec.signalSetRefs[0]: SignalSet 'http'{whose} is not in these files, or not without errors"
                f"{there and f'; by that name there is {there}'}: name its file too; until then its signals are not "
                "linted, nor whether all names differ"
            ),
        )
    ]


@pytest.mark.parametrize(
    ("review", "signal_set", "check", "text"),
    [
        (a_review({"variables": {"jbo": "a"}}), a_set(), "VariableUnknown",
         "spec.signalSetRefs[0].variables.jbo: SignalSet 'http' has no such variable; did you mean job?"),
        (a_review({}, signals=[{"name": "rate", "query": "own", "limits": {"alert": 1}}]), a_set(), "InvalidSpec",
         ("spec.signalSetRefs[0]: SignalSet 'http': spec.signals[0] is named rate, and so is spec.signals[0]: give the "
         "set a prefix")),
        (a_review({"variables": {"job": "["}}), a_set({"name": "rate", "query": "x[${job}]", "limits": {"alert": 1}}),
         "QueryInvalid", "spec.signalSetRefs[0]: SignalSet 'http': spec.signals[0].query (signal rate): ${job} "),
        (a_review({}), a_set({"name": "rate", "query": RATE, "margin": {"relative": "0%"}}), "margin-zero",
         "spec.signalSetRefs[0]: SignalSet 'http': spec.signals[0].margin (signal rate): found a margin of zero"),
        (a_review({}), a_set({"name": "rate", "query": RATE, "margin": {"relative": "5%"}, "mode": "Shadow"}),
         "InvalidSpec", "spec.signalSetRefs: of all signals, those of the sets included, at least one must"),
    ],
)  # fmt: skip
def test_what_is_wrong_where_it_is_used_is_said_there(
    review: dict[str, Any], signal_set: dict[str, Any], check: str, text: str
) -> None:
    found = [each for each in said(review, signal_set) if "signalSetRefs" in each[2]]
    assert [each[1] for each in found] == [check]
    assert found[0][2].startswith(text)


@pytest.mark.parametrize(
    ("query", "variables", "check", "path"),
    [
        ('x{a="${jbo}"}', [{"name": "job", "default": "a"}], "VariableUnknown", "spec.signals[0].query"),
        ("sum(x", [], "QueryInvalid", "spec.signals[0].query"),
        ("x + ${job}", [{"name": "job", "default": "a b"}], "QueryInvalid", "spec.signals[0].query"),
        ("x", [{"name": "job", "default": "a"}], "unused-variable", "spec.variables[0]"),
        ("x_total", [], "counter", "spec.signals[0].query"),
    ],
)
def test_what_is_wrong_with_a_set_is_said_whoever_uses_it(
    query: str, variables: list[dict[str, str]], check: str, path: str
) -> None:
    found = a_set({"name": "rate", "query": query, "margin": {"relative": "10%"}}, variables=variables)
    assert (check, path) in [(each[1], each[2].split(":")[0].split(" ")[0]) for each in said(found)]


def test_a_query_that_needs_a_value_of_the_review_is_left_to_it() -> None:
    found = a_set({"name": "rate", "query": "x[${range}]", "limits": {"alert": 1}}, variables=[{"name": "range"}])
    assert said(found) == []


def files(tmp_path: Path, *documents: dict[str, Any]) -> list[Path]:
    paths = [tmp_path / f"{number}.yaml" for number, _ in enumerate(documents)]
    for path, document in zip(paths, documents, strict=True):
        path.write_text(yaml.safe_dump(document), "utf-8")
    return paths


def test_replay_has_its_sets_from_its_files_in_any_order(tmp_path: Path) -> None:
    paths = files(tmp_path, a_review({"prefix": "web"}), a_set())
    for given in (paths, paths[::-1]):
        review = read_review(given, None)
        assert [(each.name, each.query) for each in review.spec.signals] == [
            ("web-rate", RATE.replace("${job}", "web"))
        ]


def test_replay_refuses_what_it_cannot_know(tmp_path: Path) -> None:
    path, other = files(tmp_path, a_review({}), a_set(name="grpc"))
    with pytest.raises(ReviewFileError) as refused:
        read_review([path, other], None)
    (message,) = refused.value.args
    assert message.startswith(f"{path}: spec.signalSetRefs[0]: SignalSet 'http' is not in these files")
    assert message.endswith("name its file too")

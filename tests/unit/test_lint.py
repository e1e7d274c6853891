"""What lint finds in files: where it stands, what is said of it, and what is passed over."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from driftreview.api.driftreview import DriftReview, DriftReviewSpec
from driftreview.api.status import ContainerImage, Revision
from driftreview.domain.subject import Subject
from driftreview.lint.accept import variables
from driftreview.lint.finding import MOST_FINDINGS, Severity
from driftreview.lint.objects import read
from tests.integration.crd_samples import MINIMAL_REVIEW, MINIMAL_SOURCE, SNAPSHOT, made
from tests.support.lintfiles import HEAD, SIGNALS, SOURCE, errors, lines, of, report, review
from tests.unit.test_docs import ROOT, manifests


def test_nothing_is_said_of_a_sound_review_but_that_its_source_is_elsewhere() -> None:
    (said,) = lines(HEAD + SIGNALS, notes=True)
    assert said.startswith("6:13 note spec.metrics.sourceRef: MetricSource 'prometheus' is not in these files")
    assert said.endswith("its spec.resolution is assumed to be 30s; name its file too, to lint with its own")
    assert lines(HEAD + SIGNALS + SOURCE, notes=True) == []


def test_of_a_source_of_another_namespace_both_are_named() -> None:
    own = HEAD.replace("{name: shop}", "{name: shop, namespace: shop}", 1)
    other = SOURCE.replace("{name: prometheus}", "{name: prometheus, namespace: lab}")
    (said,) = lines(own + SIGNALS + other, notes=True)
    assert "MetricSource 'prometheus' of namespace 'shop' is not in these files, or not without errors; by that" in said
    assert "by that name there is MetricSource of namespace 'lab': its spec.resolution is assumed to be 30s" in said
    (said,) = lines(HEAD + SIGNALS + SOURCE.replace("kind: Metric", "kind: ClusterMetric"), notes=True)
    assert "by that name there is ClusterMetricSource: its" in said


LINT_PAGE = (ROOT / "docs" / "lint.md").read_text("utf-8")
NAMED = "metadata: {name: shop}"
KINDS = (
    "one of DriftReview, DriftSnapshot, DriftApproval, MetricSource, ClusterMetricSource, SignalSet or "
    "ClusterSignalSet; did you mean DriftReview?"
)
NAMES = [field.alias or "" for field in DriftReviewSpec.model_fields.values()]
FIELDS = f"one of {', '.join(NAMES[:-1])} or {NAMES[-1]}; drop it"
JUDGED = "found 'Levl', expected one of Level, Growth, Events, Limit, Presence or Info; did you mean Level?"
A_NAME = "must be a Kubernetes name: lower-case letters, digits, '-' and '.', with a letter or digit at both ends"
A_DURATION = "must be a duration such as 90s, 10m, 1h30m, 48h or 7d: whole numbers, and days stand alone"
KNOWN = "driftreview.dev/v1alpha1"
NO_SIGNAL = (
    "at least one signal, here or in a set of signalSetRefs, must have mode Enforce and a kind other than Info, or "
    "nothing could ever fail; with policy.mode Advise or Observe evidence of mode Enforce is enough"
)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (KNOWN, "driftreview.dev/v1",
         f"1:13 error apiVersion: found 'driftreview.dev/v1', expected {KNOWN}; did you mean {KNOWN}?"),
        (KNOWN, "drifreview.dev/v1alpha1",
         f"1:13 error apiVersion: found 'drifreview.dev/v1alpha1', expected {KNOWN}; did you mean {KNOWN}?"),
        (f"apiVersion: {KNOWN}\n", "", f"1:1 error apiVersion: is missing, expected {KNOWN}"),
        ("DriftReview", "DriftReveiw", f"2:7 error kind: found 'DriftReveiw', expected {KINDS}"),
        (NAMED, "metadata: {lables: {a: b}, name: shop}",
         "3:12 error metadata.lables: found an unknown field; did you mean labels?"),
        (NAMED, "metadata: {labels: {a: 5}, name: shop}",
         "3:24 error metadata.labels.a: found 5 (a number), expected a string; put it in quotes"),
        (NAMED, "metadata: {}", "3:1 error metadata.name: is missing; set it: its name"),
        (NAMED, "metadata: {name: Shop}", f"3:18 error metadata.name: {A_NAME}"),
        ("spec:", "status: {phase: Promoted}\nspec:",
         "4:1 warning status: found a status, which only the operator writes: what a file says is dropped; remove it"),
        ("alert", "alart",
         "8:38 error spec.signals[0].limits.alart (signal up): found an unknown field; did you mean alert?"),
        ("  signals", "  windwo: {}\n  signals", "7:3 error spec.windwo: found an unknown field; did you mean window?"),
        ("  signals", "  zzz: {}\n  signals", f"7:3 error spec.zzz: found an unknown field, expected {FIELDS}"),
        ("  signals", "  context: {revision: 123e4}\n  signals",
         "7:23 error spec.context.revision: found 1230000 (a number), expected a string; put it in quotes"),
        ("  signals", "  suspend: 'true'\n  signals",
         "7:12 error spec.suspend: found 'true', expected true or false"),
        ("  signals", "  window: [1h]\n  signals", "7:3 error spec.window: found a list, expected an object"),
        ("  signals", "  window:\n    checkpoints:\n      - 1h\n      -\n  signals",
         f"10:8 error spec.window.checkpoints[1]: found nothing, expected a string; it {A_DURATION}"),
        ("  signals", "  window: {settle: 0.1}\n  signals",
         f"7:20 error spec.window.settle: found 0.1 (a number), expected a string; it {A_DURATION}"),
        (SIGNALS, "", f"4:1 error spec: {NO_SIGNAL}"),
        (SIGNALS, "  signals:\n", f"4:1 error spec: {NO_SIGNAL}"),
        ("query: up", "query: up, kind: Levl", f"8:35 error spec.signals[0].kind (signal up): {JUDGED}"),
    ],
)  # fmt: skip
def test_what_the_api_server_would_refuse_is_told_with_place_and_fix(old: str, new: str, said: str) -> None:
    assert lines((HEAD + SIGNALS).replace(old, new)) == [said]


def test_a_time_that_only_the_api_server_can_read_is_told() -> None:
    (found,) = errors(review(window={"t0": "2026-01-05T10:00:00,5Z"}))
    assert (found.check, found.path) == ("schema-format", "spec.window.t0")


def test_null_is_as_good_as_absent() -> None:
    assert lines(HEAD + SIGNALS + "  window:\n  baseline: {from: ~}\n  context: {owner: }\n") == []


def test_queries_are_looked_at_beside_other_errors_too() -> None:
    text = HEAD.replace("target:", "tagret:") + "  variables: [x]\n" + SIGNALS.replace("query: up", "query: 'sum(up'")
    assert [each.path for each in errors(text)] == [
        "spec.target", "spec.tagret", "spec.variables", "spec.signals[0].query"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "rule", "path", "says"),
    [
        ({"signals": [{"name": "a", "query": 'up{pod="${pods}"}', "limits": {"alert": 1}}]},
         "QueryInvalid", "spec.signals[0].query", 'write pod=~"${pods}"'),
        ({"signals": [{"name": "a", "query": "up{pod=~${pods}}", "limits": {"alert": 1}}]},
         "QueryInvalid", "spec.signals[0].query", "stands outside of quotes"),
        ({"signals": [{"name": "a", "query": "up${tagret}", "limits": {"alert": 1}}]},
         "VariableUnknown", "spec.signals[0].query", "did you mean ${target}?"),
        ({"signals": [{"name": "a", "query": "sum(up", "limits": {"alert": 1}}]},
         "QueryInvalid", "spec.signals[0].query", "is not PromQL"),
        ({"signals": [{"name": "a", "query": "up", "margin": {"relative": "5%"}, "control": "sum(up"}]},
         "QueryInvalid", "spec.signals[0].control", "is not PromQL"),
        ({"signals": [{"name": "a", "query": "up", "margin": {"relative": "5%"}, "per": "up${tagret}"}]},
         "VariableUnknown", "spec.signals[0].per", "did you mean ${target}?"),
        ({"signals": [{"name": "a", "query": "up", "margin": {"relative": "5%"}, "covariate": "order"},
                      {"name": "orders", "query": "up", "kind": "Info"}]},
         "InvalidSpec", "spec.signals[0].covariate", "another signal of the review; did you mean orders?"),
        ({"flags": [{"name": "a", "from": {"query": "sum(up"}}]},
         "QueryInvalid", "spec.flags[0].from.query", "is not PromQL"),
        ({"inventory": {"memory": "sum(up"}}, "QueryInvalid", "spec.inventory.memory", "is not PromQL"),
        ({"alerts": {"match": '{a="b"'}}, "QueryInvalid", "spec.alerts.match", "is not PromQL"),
        ({"alerts": {"match": '{a!="${typo}"}'}}, "VariableUnknown", "spec.alerts.match", "${typo} is not defined"),
        ({"alerts": {"match": "up"}}, "QueryInvalid", "spec.alerts.match", "must be label matchers alone"),
        ({"flags": [{"name": "a", "expect": "Value", "value": "on", "from": {"query": "up"}}]},
         "InvalidSpec", "spec.flags[0].value", "a query answers with a number"),
        ({"signals": [{"name": "a", "query": "up[5m]", "limits": {"alert": 1}}]},
         "QueryInvalid", "spec.signals[0].query", "is a range vector"),
        ({"signals": [{"name": "a", "query": "up", "limits": {"alert": 1, "baseline": 2}}]},
         "InvalidSpec", "spec.signals[0].limits", "limits.baseline must not lie beyond limits.alert"),
        ({"window": {"checkpoints": ["2m"]}},
         "InvalidSpec", "spec.window.checkpoints[0]", "2m must be at least 3m, 6 times the source's resolution, 30s;"),
        ({"window": {"checkpoints": ["1h", "9000d"], "rollback": "9000d"}},
         "InvalidSpec", "spec.window.checkpoints[1]", "700000 can be asked for"),
        ({"window": {"checkpoints": ["1h", "300d"], "rollback": "300d"}, "baseline": {"length": "1h"}},
         "InvalidSpec", "spec.window.checkpoints[1]", "kB can be stored"),
    ],
    ids=str,
)  # fmt: skip
def test_what_the_operator_would_refuse_is_told(spec: dict[str, Any], rule: str, path: str, says: str) -> None:
    found = errors(review(**spec))
    assert [(each.check, each.path) for each in found if says in each.message] == [(rule, path)], found


def test_the_resolution_is_that_of_the_source_in_the_files() -> None:
    short = HEAD + "  window: {checkpoints: [5m, 1h]}\n  baseline: {length: 1d}\n" + SIGNALS
    assert lines(short) == []
    said = "7:26 error spec.window.checkpoints[0]: 5m must be at least 6m, 6 times the source's resolution, 1m"
    assert lines(short, SOURCE) == [said]
    elsewhere = SOURCE.replace("{name: prometheus}", "{name: prometheus, namespace: other}")
    assert lines(short, elsewhere) == [said]
    assert lines(short.replace(NAMED, "metadata: {name: shop, namespace: mine}"), elsewhere) == []
    assumed = "6 times the source's resolution, 30s; the resolution is assumed: name the source's file too"
    assert lines(short.replace("5m", "2m")) == [
        f"7:26 error spec.window.checkpoints[0]: 2m must be at least 3m, {assumed}"
    ]


def test_a_shared_source_that_does_not_serve_the_namespace_is_an_error() -> None:
    spec = MINIMAL_SOURCE | {"allowedNamespaces": {"names": ["team-a"]}}
    source = yaml.safe_dump(made("ClusterMetricSource", spec, "prometheus"))
    text = HEAD.replace("{sourceRef: {", "{sourceRef: {kind: ClusterMetricSource, ") + SIGNALS
    assert lines(text, source) == []
    assert lines(text.replace(NAMED, "metadata: {name: shop, namespace: team-a}"), source) == []
    (said,) = lines(text.replace(NAMED, "metadata: {name: shop, namespace: b}"), source)
    assert said.startswith("6:13 error spec.metrics.sourceRef: found namespace 'b', which ClusterMetricSource 'prom")
    assert said.endswith("does not serve; add it to its spec.allowedNamespaces, or use a MetricSource")


MAXIMUM = {"name": "l", "query": "up", "kind": "Limit", "limits": {"alert": 1}}
LEAK = {"name": "g", "query": "up", "kind": "Growth", "limits": {"perHour": 1}}
LEVEL = {"name": "a", "query": "up", "margin": {"relative": "5%"}}
WIDE = LEVEL | {"margin": {"relative": "6%"}}


@pytest.mark.parametrize(
    ("rule", "spec", "path", "says"),
    [
        ("growth-early", {"signals": [LEVEL, LEAK]},
         "spec.signals[1]", "found a first checkpoint that sees 1h"),
        ("growth-early", {"window": {"checkpoints": ["2h"]}, "signals": [LEVEL, LEAK]},
         "spec.signals[1]", "sees 2h: too short to tell growth from noise, unless each block tells nothing"),
        ("limit-at-once", {"signals": [MAXIMUM]},
         "spec.signals[0].for", "found no `for`, expected more than one step of the source (30s, assumed)"),
        ("limit-at-once", {"signals": [MAXIMUM | {"for": "30s"}]},
         "spec.signals[0].for", "found 30s, expected more than one step"),
        ("stand-in", {"signals": [LEVEL | {"query": "sum(rate(errors[5m])) or vector(0)"}]},
         "spec.signals[0].query", "a misspelt label would look like that number"),
        ("stand-in", {"signals": [LEVEL | {"per": "sum(rate(requests[5m])) or vector(1)"}]},
         "spec.signals[0].per", "a misspelt label would look like that number"),
        ("short-baseline", {"baseline": {"length": "23h"}, "signals": [LEVEL]},
         "spec.baseline.length", "found 23h, expected 24h or more"),
        ("short-baseline", {"baseline": {"length": "6h"}, "signals": [LEVEL]},
         "spec.baseline.length", "is 5% or less (a 5%): a shorter baseline does not know its own level that well"),
        ("short-baseline", {"baseline": {"length": "6h"}, "signals": [LEVEL]},
         "spec.baseline.length", "; set 24h, better 7d, or a wider margin"),
        ("short-baseline", {"baseline": {"length": "6h"}, "signals": [LEVEL]},
         "spec.baseline.length", "promoted with a baseline of 6h, half with one of 24h, nearly all with one of 7d)"),
        ("short-baseline", {"baseline": {"length": "23h"}, "signals": [WIDE]},
         "spec.baseline.length", "found 23h, expected 24h or more where there are margins: a shorter baseline has not"),
        ("short-baseline", {"baseline": {"from": "Snapshot", "length": "30m"}, "signals": [LEVEL]},
         "spec.baseline.length", "; set from: History with length: 7d, or a wider margin"),
        ("short-baseline", {"baseline": {"from": "Snapshot", "length": "30m"}, "signals": [WIDE]},
         "spec.baseline.length", "found 30m, expected 2h or more"),
        ("no-weekend", {"baseline": {"length": "24h"}, "signals": [LEVEL]},
         "spec.baseline.length", "found 24h, expected 7d: less has not seen both a weekend and days of work"),
        ("no-time-to-approve", {"policy": {"approval": {"type": "Manual"}}},
         "spec.window.rollback", "found 13m between the last checkpoint's verdict and the last safe moment"),
        ("no-time-to-approve", {"checklist": [{"name": "a"}]},
         "spec.window.rollback", "raise window.rollback, or have them approve and sign off before"),
        ("no-time-to-act", {"window": {"checkpoints": ["1h"], "rollback": "1h", "grace": "0s", "settle": "0s"}},
         "spec.window.rollback", "no time to act on it; raise window.rollback or window.grace"),
        ("same-query", {"signals": [LEVEL, LEVEL | {"name": "b", "query": " up\n"}]},
         "spec.signals[1].query", "asks the same as signal a"),
        ("margin-zero", {"signals": [LEVEL | {"margin": {"relative": "0%", "absolute": "0"}}]},
         "spec.signals[0].margin", "found a margin of zero"),
        ("unused-variable", {"variables": {"rat": "5m"}, "signals": [LEVEL | {"query": "rate(up[${rat}]) + ${rat}"}]},
         "", ""),
        ("unused-variable", {"variables": {"rate": "5m"}, "signals": [LEVEL | {"query": 'up{a="$${rate}"}'}]},
         "spec.variables.rate", "is used in no query"),
    ],
    ids=str,
)  # fmt: skip
def test_what_the_documentation_warns_of_is_told(rule: str, spec: dict[str, Any], path: str, says: str) -> None:
    assert f"| `{rule}` |" in LINT_PAGE
    text = review(**spec)
    assert [(each.severity, each.path) for each in of(rule, text) if says in each.message] == (
        [(Severity.WARNING, path)] if path else []
    )
    assert errors(text) == []


QUIET = {"freezes": [{"name": "quiet", "start": "2026-12-18T18:00", "duration": "17d"}]}
MANUAL = {"approval": {"type": "Manual"}}
BACK = {"onWindowEnd": "Rollback"}


@pytest.mark.parametrize(
    ("spec", "rules"),
    [
        ({"policy": BACK | MANUAL}, ["rolled-back-unapproved"]),
        ({"policy": BACK, "checklist": [{"name": "a"}]}, ["rolled-back-unapproved"]),
        ({"policy": BACK | QUIET}, ["kept-by-a-freeze"]),
        ({"policy": BACK | MANUAL | QUIET}, ["rolled-back-unapproved", "kept-by-a-freeze"]),
        ({"policy": BACK}, []),
        ({"policy": BACK, "checklist": [{"name": "a", "required": False}]}, []),
        ({"policy": MANUAL | QUIET}, []),
        ({"policy": MANUAL | QUIET | {"onWindowEnd": "Promote"}}, []),
        ({"policy": BACK | MANUAL | QUIET | {"mode": "Advise"}}, []),
    ],
    ids=str,
)
def test_what_becomes_of_a_release_that_passed_is_noted_where_the_window_ends_with_a_rollback(
    spec: dict[str, Any], rules: list[str]
) -> None:
    text = review(window={"rollback": "51h"}, **spec)
    noted = [each for rule in ("rolled-back-unapproved", "kept-by-a-freeze") for each in of(rule, text)]
    assert [(each.check, each.severity, each.path) for each in noted] == [
        (rule, Severity.NOTE, "spec.policy.onWindowEnd") for rule in rules
    ]
    assert all(f"`{rule}`" in LINT_PAGE for rule in rules)
    assert errors(text) == []


@pytest.mark.parametrize(
    ("rule", "spec"),
    [
        ("growth-early", {"window": {"checkpoints": ["3h"]},
                          "signals": [LEVEL, LEAK]}),
        ("limit-at-once", {"signals": [MAXIMUM | {"for": "1m"}]}),
        ("stand-in", {"signals": [LEVEL | {"query": "sum(rate(errors[5m])) or sum(other)"}]}),
        ("short-baseline", {"baseline": {"length": "24h"}, "signals": [LEVEL]}),
        ("short-baseline", {"baseline": {"length": "1h"}}),  # a limit needs no baseline
        ("short-baseline", {"baseline": {"from": "Snapshot", "length": "2h"}, "window": {"checkpoints": ["6h"]},
                            "signals": [WIDE, LEVEL | {"name": "b", "mode": "Shadow"}]}),
        ("short-baseline", {"baseline": {"from": "Declared", "length": "2h"},
                            "signals": [{"name": "a", "query": "up", "limits": {"alert": "1"}}]}),
        ("no-weekend", {"baseline": {"length": "7d"}, "signals": [LEVEL]}),
        ("no-weekend", {"baseline": {"length": "24h"}, "signals": [LEVEL | {"control": "other"}]}),
        ("no-weekend", {"baseline": {"length": "24h"}, "signals": [LEVEL | {"mode": "Shadow"}]}),
        ("no-time-to-act", {}),
        ("no-time-to-approve", {}),
        ("no-time-to-approve", {"checklist": [{"name": "a", "required": False}]}),
        ("no-time-to-approve", {"policy": {"approval": {"type": "Manual"}}, "window": {"rollback": "51h"}}),
        ("no-time-to-approve", {"policy": {"approval": {"type": "Manual"}, "mode": "Advise"}}),
        ("no-time-to-approve", {"checklist": [{"name": "a"}], "policy": {"mode": "Observe"}}),
        ("same-query", {"signals": [LEVEL, MAXIMUM]}),
        ("same-query", {"signals": [LEVEL, LEVEL | {"name": "b", "control": "up"}]}),
        ("unused-variable", {"variables": {"rate": "5m"}, "signals": [LEVEL | {"control": "rate(up[${rate}])"}]}),
        ("margin-zero", {"signals": [LEVEL | {"margin": {"relative": "0%", "absolute": "1m"}}]}),
        ("unused-variable", {"variables": {"rate": "5m"}, "signals": [LEVEL | {"query": "rate(up[${rate}])"}]}),
        ("unused-variable", {"variables": {"rate": "5m"}, "signals": [LEVEL],
                             "flags": [{"name": "a", "from": {"query": "rate(up[${rate}])"}}]}),
        ("unused-variable", {"variables": {"team": "a"}, "signals": [LEVEL], "alerts": {"match": '{team="${team}"}'}}),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_as_the_documentation_advises_is_not_warned_of(rule: str, spec: dict[str, Any]) -> None:
    assert of(rule, review(**spec)) == []


def test_a_range_shorter_than_two_steps_is_told_where_the_resolution_is_known() -> None:
    text = HEAD + SIGNALS.replace("query: up", "query: 'max(rate(up[1m]))'")
    assert of("short-range", text) == []
    (found,) = of("short-range", text, SOURCE)
    assert "found a range of 1m at a resolution of 1m" in found.message
    assert of("short-range", text.replace("[1m]", "[2m]"), SOURCE) == []


def test_an_object_that_is_there_twice_is_told() -> None:
    (found,) = of("object-twice", HEAD + SIGNALS, "---\n" + HEAD + SIGNALS)
    assert (found.file, found.place.line, found.severity) == ("1.yaml", 4, Severity.WARNING)
    assert found.message == "is in 0.yaml, line 1 too; the later one overwrites it: rename or drop one"


def test_other_documents_are_passed_over_and_counted() -> None:
    foreign = (
        "kind: MetricSource\napiVersion: example.com/v1\n---\nkind: ConfigMap\napiVersion: v1\n---\n[1]\n---\ntext\n"
    )
    told = report(foreign, HEAD + SIGNALS + SOURCE)
    assert (told.files, told.objects, told.passed_over, told.findings) == (2, 2, 4, ())


def test_evidence_is_not_linted_but_named() -> None:
    told = report(yaml.safe_dump(made("DriftSnapshot", SNAPSHOT | {"unknown": 1})))
    assert [(each.severity, each.check) for each in told.findings] == [(Severity.NOTE, "evidence")]


def test_members_of_a_list_are_linted_where_they_stand() -> None:
    text = (
        "apiVersion: v1\nkind: List\nitems:\n- "
        + HEAD.replace("\n", "\n  ")
        + "  signals: 5\n- {kind: Secret, apiVersion: v1}\n"
    )
    assert lines(text) == ["10:14 error spec.signals: found 5 (a number), expected a list"]
    assert report(text).passed_over == 1


def test_findings_are_in_the_order_of_files_and_lines() -> None:
    other = HEAD.replace(NAMED, "metadata: {name: other}")
    told = report(HEAD + "  x: 1\n" + SIGNALS + "  a: 1\n", "spec: [\n", other)
    assert [(each.file, each.place.line) for each in told.findings] == [
        ("0.yaml", 7), ("0.yaml", 10), ("1.yaml", 2), ("2.yaml", 4)
    ]  # fmt: skip


@pytest.mark.parametrize("is_merged", [False, True])
def test_of_more_unknown_fields_than_are_shown_the_first_are_and_all_are_counted(
    monkeypatch: pytest.MonkeyPatch, *, is_merged: bool
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("driftreview.lint.schema.near", lambda name, _known: asked.append(name) or "; did you mean x?")
    fields = [f"field{n}: 1" for n in range(MOST_FINDINGS + 300)]
    merged = f"  <<: {{{', '.join(fields[300:])}}}\n" if is_merged else ""
    written = "".join(f"  {each}\n" for each in (fields[:300] if is_merged else fields))
    told = report(HEAD + merged + written + SIGNALS)
    *shown, last = told.findings
    unknown = [each for each in shown if each.check == "schema-unknown-field"]
    assert len(shown) == len(unknown) == MOST_FINDINGS
    assert [each.path for each in shown] == [
        f"spec.field{n}" for n in (range(300, 300 + MOST_FINDINGS) if is_merged else range(MOST_FINDINGS))
    ]
    assert all(each.message.endswith("; did you mean x?") for each in shown)
    assert last.message.startswith("and 300 more (300 errors), which are not shown")
    assert told.count(Severity.ERROR) == MOST_FINDINGS + 300
    assert len(asked) == MOST_FINDINGS


def test_nothing_of_a_file_commands_the_terminal() -> None:
    text = HEAD + SIGNALS + '  "\\e[31mred": {}\n  variables: {a: {"\\e]0;x": 1}}\n  window: {rollback: "\\e[2J\\n"}\n'
    told = " ".join(each.text for each in report(text).findings)
    assert "red" in told
    assert told.isprintable()


def test_the_variables_are_those_of_the_operator() -> None:
    written = made("DriftReview", MINIMAL_REVIEW | {"variables": {"own": "x"}})
    document = DriftReview.model_validate(written)
    (found,) = read(yaml.safe_dump(written).encode()).objects
    revision = Revision(
        name="app-1", uid="1", template_hash="sha256:0", images=[ContainerImage(container="a", image="b")]
    )
    assert variables(found.node).keys() == Subject(revision, None).variables(document).keys()


def test_no_error_is_in_what_the_documentation_shows() -> None:
    pages: dict[str, list[Any]] = {}
    for shown in manifests():
        (document,) = shown.values
        pages.setdefault(shown.id.rpartition("-")[0].rpartition("-")[0], []).append(document)
    assert len(pages) > 3
    for page, documents in pages.items():
        text = yaml.safe_dump_all(documents).replace("$PROMETHEUS_URL", "http://prometheus:9090")  # set by a shell
        assert errors(text) == [], page


def test_the_page_about_lint_shows_what_lint_says() -> None:
    (written,) = re.findall(r"^```yml\n(.*?)^```$", LINT_PAGE, re.MULTILINE | re.DOTALL)
    (shown,) = re.findall(r"^\$ driftreview lint -f review.yaml\n(.*?)^```$", LINT_PAGE, re.MULTILINE | re.DOTALL)
    *findings, _ = shown.splitlines()
    told = [f"review.yaml:{line.replace(' error', ': error:', 1)}" for line in lines(written)]
    assert findings == told


@pytest.mark.parametrize("folder", sorted(path for path in (ROOT / "examples").iterdir()), ids=lambda path: path.name)
def test_no_error_is_in_the_examples(folder: Path) -> None:
    told = report(*(path.read_bytes() for path in sorted(folder.rglob("*.yaml"))))
    assert [each.text for each in told.findings if each.severity is Severity.ERROR] == []
    assert told.objects

"""Whatever the API server refuses, lint finds before, at the same field and with our rule's message; nothing else.

The cases are those of the integration tests, where the real API server is asked.
"""

import re
from typing import Any

import pytest
import yaml

from driftreview.api.base import VALIDATIONS
from driftreview.lint.check import lint
from driftreview.lint.finding import Finding, Severity
from tests.crd_walk import nodes, spelled
from tests.integration.crd_bounds import Bound, bounds
from tests.integration.crd_refusals import REFUSALS, Refusal
from tests.integration.crd_samples import ODD, SPECS, Raw, made, merged

LINTED = {kind: specs for kind, specs in SPECS.items() if kind != "DriftSnapshot"}
OURS = {
    r"must be of type integer,string": "expected an integer or a string",
    r"must be of type (string|object)": r"expected (a string|an object)",
    r"must be of type date-time": "expected a time with seconds and a zone",
    r"Required value": "is missing; set it",
    r"Duplicate value": "a second time",
    r"supported values: .*": "expected (one of )?",
    r"should match '\^\[0-9\]\{4\}-.*": "expected a time with seconds and a zone",
    r"should match.*": "must be a number such as 60",
    r"may not be more than (\d+)": r"expected \d+ at most",
    r"must have at most (\d+) item": r"expected \d+ at most",
    r"should be less than or equal to (\d+)": r"expected \d+ at most",
    r"(should be )?greater than or equal to -?\d+": r"expected -?\d+ or more",
    r"less than or equal to \d+": r"expected \d+ at most",
    r"should (have )?(be )?at least 1 .*": "expected 1 or more",
}
"""The API server's own words, which name no fix, and what lint says instead."""


def linted(document: Raw) -> list[Finding]:
    return list(lint([("review.yaml", yaml.safe_dump(document, sort_keys=False).encode())]).findings)


def errors(document: Raw) -> list[Finding]:
    return [finding for finding in linted(document) if finding.severity is Severity.ERROR]


def words(message: str) -> re.Pattern[str]:
    for server, ours in OURS.items():
        if re.fullmatch(server, message):
            return re.compile(ours)
    return re.compile(re.escape(message))


@pytest.mark.parametrize(("kind", "spec"), [(kind, spec) for kind, specs in LINTED.items() for spec in specs])
def test_no_error_is_found_in_what_is_accepted(kind: str, spec: Raw) -> None:
    assert errors(made(kind, spec)) == []


@pytest.mark.parametrize("patch", ODD, ids=str)
def test_no_error_is_found_in_what_looks_odd_but_is_right(patch: dict[str, Any]) -> None:
    found = errors(made("DriftReview", merged(SPECS["DriftReview"][0], patch)))
    assert [each for each in found if each.check not in {"InvalidSpec", "QueryInvalid"}] == []


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.id)
def test_what_the_api_server_refuses_is_found(case: Refusal) -> None:
    found = errors(made(case.kind, merged(SPECS[case.kind][0], case.patch)))
    wanted = words(case.message)
    assert any(each.path == case.path and wanted.search(each.message) for each in found), found


@pytest.mark.parametrize("bound", [bound for bound in bounds() if bound.kind in LINTED], ids=str)
def test_every_bound_that_is_broken_is_found(bound: Bound) -> None:
    found = errors(made(bound.kind, bound.broken_spec()))
    wanted = words(bound.message)
    assert any(each.path == bound.path and wanted.search(each.message) for each in found), found


def test_only_rules_about_a_change_are_left_to_the_server() -> None:
    left = {
        spelled(node.path)
        for kind in LINTED
        for node in nodes(kind)
        if any("oldSelf" in rule["rule"] for rule in node.schema.get(VALIDATIONS, []))
    }
    parts = ("act", "act.pause", "approvals[]", "checkpoints[]", "recovery")
    assert left == {"<nil>", "spec", "status", *(f"status.{each}" for each in parts)}

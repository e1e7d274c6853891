"""Numbers from files in ConfigMaps, on a real API server: read, frozen, judged, and acted upon."""

from typing import Any

import pytest

from driftreview.domain.elsewhere import Content
from driftreview.domain.evidence import is_intact
from tests.support.stage import Stage, ago, wire

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("operator")]
FILE = {"configMap": {"name": "tests", "key": "junit.xml"}, "format": "JUnit"}
BEFORE = '<testsuite time="0.28">' + '<testcase classname="m" name="a" time="0.01"/>' * 38 + "</testsuite>"


def store(stage: Stage, **data: str) -> None:
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "tests"}, "data": data}
    stage.api.create(document, stage.namespace)


def declared(measure: str = "tests", **fields: Any) -> dict[str, Any]:
    file = FILE | {"measure": measure}
    given = {"name": measure, "worse": "Lower", "unit": "tests", "from": {"current": file}}
    return given | fields


def test_what_a_file_says_is_frozen_and_counts_with_the_signals(stage: Stage) -> None:
    stage.release("1", "2")
    store(stage, **{"junit.xml": BEFORE, "runtime": "0.31\n"})
    slower = {
        "name": "other-runtime",
        "unit": "s",
        "baseline": "0.30",
        "margin": {"relative": "10%"},
        "from": {"current": {"configMap": {"name": "tests", "key": "runtime"}, "format": "Number"}},
    }
    stage.review(evidence=[declared(), slower])
    status = stage.ended()
    assert status["phase"] == "Promoted"
    assert [(each["name"], each["verdict"], each["delta"]) for each in status["checkpoints"][-1]["evidence"]] == [
        ("tests", "Stable", "0%"),
        ("other-runtime", "Acceptable", "+3%"),
    ]
    first, *_, last = (each.spec for each in stage.snapshots())
    assert first.facts is not None
    assert last.facts is not None
    (at_t0,), (tests, runtime) = first.facts.evidence, last.facts.evidence
    assert (at_t0, at_t0.hash, at_t0.value) == (tests, Content(BEFORE.encode()).hash, "38")
    assert at_t0.suite is not None
    assert (at_t0.suite.runtime, len(at_t0.suite.slowest), runtime.value) == ("0.28", 5, "0.31")
    assert is_intact(last, last.hash)


def test_fewer_tests_than_declared_are_a_drift_that_is_rolled_back(stage: Stage) -> None:
    stage.release("1", "2")
    store(stage, **{"junit.xml": BEFORE})
    stage.review(evidence=[declared(baseline=52)])
    status = stage.ended()
    assert (status["phase"], status["decision"]["recommendation"]) == ("RolledBack", "REJECT")
    assert "evidence/tests is Degraded: 38 tests against 52 tests (-27%)" in status["decision"]["message"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (None, "there is no configmaps/tests"),
        ({"other": ""}, "configmaps/tests has no key junit.xml"),
        ({"junit.xml": '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'}, "document type"),
    ],
)
def test_a_number_that_cannot_be_had_is_inconclusive(stage: Stage, data: dict[str, str] | None, why: str) -> None:
    stage.release("1", "2")
    if data is not None:
        store(stage, **data)
    stage.review(window={"t0": wire(ago(minutes=30))}, evidence=[declared()], policy={"onWindowEnd": "Notify"})
    status = stage.until(lambda found: found.get("verdict"), "a look")
    assert status["verdict"] == "Inconclusive"
    assert why in status["checkpoints"][0]["message"]

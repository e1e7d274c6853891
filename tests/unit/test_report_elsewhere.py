"""Numbers from elsewhere in the report: rows beside those of signals, where they come from, and what proves them."""

from datetime import timedelta
from typing import Any

import pytest

from driftreview.domain.recheck import differences, earlier, looked
from driftreview.domain.report.build import report
from driftreview.domain.report.model import Report, Sentences, Table
from tests.builders import MINUTE
from tests.reportdata import NUMBERS, STATES, after, taken
from tests.unit.test_report import blocks, rows, said

BY_HAND = {
    "characterization-tests": ["38 tests", "52 tests", "+37%", "Improved"],
    "characterization-runtime": ["280 ms", "300 ms", "+7%", "Acceptable"],
    "unit-tests": ["562 tests", "562 tests", "0%", "Stable"],
    "unit-runtime": ["2.8 s", "2.65 s", "-5%", "Improved"],
    "success-rate": ["100%", "100%", "0%", "Stable"],
}
"""The table "Code-Level Metrics" of the completion review."""


@pytest.fixture(scope="module")
def made() -> Report:
    return report(*taken(STATES["numbers"]()))


def table(made: Report, title: str) -> Table:
    (found,) = (each for each in blocks(made) if isinstance(each, Table) and each.title == title)
    return found


@pytest.mark.parametrize("name", BY_HAND)
def test_the_code_level_table_of_the_completion_review_comes_out(made: Report, name: str) -> None:
    shown = (each.cells for each in table(made, "T0+4h: Code").rows)
    assert {cells[0].text: [cell.text for cell in cells[1:]] for cells in shown}[name] == BY_HAND[name]


def test_they_stand_in_one_table_with_the_signals_of_their_section(made: Report) -> None:
    (table,) = (
        each for each in blocks(made, "drift") if isinstance(each, Table) and each.title == "T0+4h: Performance"
    )
    assert [(row.cells[0].text, row.cells[-1].text) for row in table.rows] == [
        ("latency", "Stable"), ("order-overhead", "Degraded (Shadow)"),
    ]  # fmt: skip


def test_each_says_where_it_comes_from_and_what_is_tolerated(made: Report) -> None:
    found = {each[0]: each[1:] for each in rows(made, "baseline")}
    assert found["characterization-tests"] == [
        "38 tests", "declared: pytest tests/characterization at 88d7df9", "nothing worse is tolerated",
    ]  # fmt: skip
    assert found["unit-runtime"] == ["2.8 s", "declared", "margin 10%"]
    value, source, _ = found["unit-tests"]
    assert (value, source.rpartition(",")[0]) == ("562 tests", "configmaps/tests, key unit.xml (JUnit tests")
    assert found["coverage"] == [
        "-", "configmaps/coverage, key c.json (JSON /a)", "there is no number at T0: there is no configmaps/coverage",
    ]  # fmt: skip
    (sentence,) = (each for each in said(made, "drift", "T0+4h") if each.startswith("evidence/unit-runtime"))
    assert "(-5%), margin 10%; now from configmaps/tests, key unit.xml (JUnit runtime, " in sentence


def test_what_does_not_pass_is_a_risk_and_what_cannot_be_known_a_limitation(made: Report) -> None:
    assert said(made, "outlook", "Risks") == [
        "evidence/order-overhead is Degraded at T0+4h (not counted)",
        "evidence/coverage is Missing at T0+4h (not counted)",
    ]
    (limitation,) = (each for each in rows(made, "limitations") if each[0].startswith("evidence/"))
    assert limitation[1:3] == ["Note", "not counted as long as it has no data (onMissing: Ignore)"]


def test_the_appendix_has_each_file_once_with_its_slowest_tests(made: Report) -> None:
    named = "configmaps/tests, key unit.xml at"
    titles = [block.title for block in blocks(made, "tests") if isinstance(block, Table)]
    assert [each.partition(":")[0] for each in titles] == [f"{named} T0+4h", f"{named} T0"]
    found = table(made, "configmaps/tests, key unit.xml at T0+4h: 562 tests, 0 failed, 0 skipped, 2.65 s")
    *slowest, average = [[cell.text for cell in row.cells] for row in found.rows]
    assert (len(slowest), slowest[0][1]) == (5, "6 ms")
    assert average == ["the whole run divided by the 562 that ran", "4.72 ms"]


def worse(**fields: Any) -> list[dict[str, Any]]:
    return [NUMBERS[1] | {"current": "0.40"} | fields]


def test_one_that_drifts_is_the_evidence_of_the_recommendation() -> None:
    made = report(*taken(after(timedelta(hours=2), evidence=worse())))
    (block,) = blocks(made, "recommendation")
    assert isinstance(block, Sentences)
    assert block.items[0].text.startswith("REJECT by the evidence: T0+1h is Drift: evidence/characterization-runtime")
    assert {each.check for each in block.items[0].evidence} == {"evidence/characterization-runtime"}


def test_a_row_that_was_altered_afterwards_is_found() -> None:
    review, snapshots, approvals = taken(after(65 * MINUTE, evidence=worse(mode="Shadow")))
    row = review.status.checkpoints[0]
    (number,) = row.evidence
    forged = row.model_copy(update={"evidence": [number.model_copy(update={"verdict": "Stable"})]})
    status = review.status.model_copy(update={"checkpoints": [forged, *review.status.checkpoints[1:]]})
    lied = review.model_copy(update={"status": status})
    told = differences(lied, looked(lied, snapshots), earlier(lied, snapshots), approvals, None)
    assert [each.path for each in told] == ["status.checkpoints[0].evidence[characterization-runtime].verdict"]


def test_a_baseline_that_is_not_there_is_told_at_t0() -> None:
    declared = [each for each in NUMBERS if each["name"] == "coverage"]
    status = after(MINUTE, evidence=declared).stored().status
    assert "but not as expected: evidence/coverage: nothing of the cluster was recorded at T0" in (status.summary or "")

"""The table of what is done and when: the page is what the code does, and the code does what was promised."""

import pytest

from tests.decisiontable import DONE, EMPTIED, PAGE, TABLES, Case, Table, lived, section

PROMOTED, ROLLED_BACK = DONE.values()
NOTHING = "nothing"
ENDS = {PROMOTED: "Promoted", ROLLED_BACK: "RolledBack", EMPTIED: "RolledBack"}


def promised(title: str, case: Case) -> str:
    """What the product promises of a row, in words of its own: from the decision to the act."""
    late = case["time"] != "when it is decided"
    at_the_end = {"Notify": NOTHING, "Promote": PROMOTED, "Rollback": ROLLED_BACK}[case["policy.onWindowEnd"]]
    if case["policy.mode"] != "Enforce":
        return NOTHING
    match title:
        case "APPROVE":
            wanted = PROMOTED if case["of people"] == "has all it needs" else at_the_end if late else NOTHING
            if (
                case["promotions"] == "frozen"
            ):  # it delays promotions, and nobody takes back what only waits for its end
                lacks = case["of people"] == "lacks an approval"
                wanted = at_the_end if lacks and late and at_the_end == ROLLED_BACK else NOTHING
        case "REJECT":
            overruled = late and at_the_end == ROLLED_BACK
            wanted = ROLLED_BACK if case["policy.onDrift"] == "Rollback" or overruled else NOTHING
        case "INCONCLUSIVE":
            by_policy = {"Hold": at_the_end if late else NOTHING, "Promote": PROMOTED, "Rollback": ROLLED_BACK}
            wanted = by_policy[case["policy.onInconclusive"]]
        case _:
            wanted = at_the_end if late else NOTHING
    return NOTHING if wanted == ROLLED_BACK and case.get("way back", "open") != "open" else wanted


BY_THE_POLICY = ("APPROVE", "REJECT", "INCONCLUSIVE", "Not judged")


@pytest.mark.parametrize("table", TABLES, ids=lambda each: each.title)
def test_a_table_is_what_the_code_does_and_what_was_promised(table: Table) -> None:
    for case in table.cases():
        outcome = lived(table, case)
        end = next((phase for done, phase in ENDS.items() if outcome.done.startswith(done)), None)
        if end == "RolledBack" and case.get("the third of five") == "does not come back":
            assert outcome.done.count("previous pod template") == 2, "the rest is left"
            end = "Failed"
        assert outcome.phase == end if end else outcome.phase not in ENDS.values()
        if table.title in BY_THE_POLICY:
            assert outcome.done == promised(table.title, case), case
        if case.get("acts") == "stopped":
            assert outcome.done == NOTHING, case
    assert section(table) in PAGE.read_text("utf-8"), "python -m tests.decisiontable, and read the difference"


def test_the_page_has_no_other_tables() -> None:
    titles = [line.removeprefix("## ") for line in PAGE.read_text("utf-8").splitlines() if line.startswith("## ")]
    assert titles == [each.title for each in TABLES]

"""The table of what is done and when: the page is what the code does, and the code does what was promised."""

import pytest

from tests.decisiontable import DONE, PAGE, TABLES, Case, Table, lived, rendered

PROMOTED, ROLLED_BACK = DONE.values()
NOTHING = "nothing"


def test_the_page_is_what_the_code_does() -> None:
    assert PAGE.read_text("utf-8") == rendered(), "python -m tests.decisiontable, and read the difference"


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


@pytest.mark.parametrize("table", [each for each in TABLES if each.title in BY_THE_POLICY], ids=lambda each: each.title)
def test_each_row_is_as_promised(table: Table) -> None:
    for case in table.cases():
        assert lived(table, case).done == promised(table.title, case), case


@pytest.mark.parametrize("table", TABLES, ids=lambda each: each.title)
def test_what_has_ended_without_an_act_has_done_nothing_and_what_was_done_is_its_end(table: Table) -> None:
    ends = {PROMOTED: "Promoted", ROLLED_BACK: "RolledBack"}
    for case in table.cases():
        outcome = lived(table, case)
        assert outcome.phase == ends.get(outcome.done, outcome.phase)
        assert (outcome.phase in ends.values()) is (outcome.done != NOTHING)


def test_while_acts_are_stopped_nothing_is_done() -> None:
    (table,) = (each for each in TABLES if "acts" in each.dimensions)
    for case in table.cases():
        assert case["acts"] == "lifted" or lived(table, case).done == NOTHING, case

"""Each thing is told in a report once, by one measure, and not only if it was so at the last look."""

from datetime import timedelta
from typing import Any

import pytest

from driftreview.api.facts import ContractFact, FactProblem, Facts
from driftreview.api.inventory import InventoryFact
from driftreview.api.reasons import Reason
from driftreview.domain.report.build import report
from driftreview.domain.report.model import Report, Section, Sentences, Timeline
from driftreview.report.markdown import markdown, text
from driftreview.report.page import page
from tests import factdata
from tests.builders import HOUR, MINUTE, T0, events, limit, signal
from tests.reportdata import BOT_SIGNALS, after, does, life, passes, taken
from tests.simulator import Simulator
from tests.unit.test_report import blocks, rows, said


def facts(hours: float = 0, schema: str = "a", ledgers: int = 1, **fields: Any) -> Facts:
    """What a look finds: a contract by the digit of its hash, and a service beside by its number of pods."""
    found = factdata.at_t0()
    beside = found.inventory or InventoryFact()
    own, other, *rest = beside.services
    scaled = other.model_copy(update={"desired": ledgers, "ready": ledgers})
    given: dict[str, Any] = {
        "taken_at": T0 + hours * HOUR,
        "contracts": [ContractFact(name="event-store", hash=f"sha256:{schema * 64}")] if schema else [],
        "inventory": beside.model_copy(update={"services": [own, scaled, *rest]}),
    }
    return found.model_copy(update=given | fields)


def reviewed(looks: dict[str, Facts], length: timedelta, **spec: Any) -> Simulator:
    simulator = life(signals=BOT_SIGNALS, **factdata.DECLARED | spec)
    simulator.facts = lambda name: looks[name]
    return passes(simulator, 12 * MINUTE + length)


def of(simulator: Simulator) -> Report:
    return report(*taken(simulator))


def section(found: Report, wanted: str) -> Section:
    return next(each for each in found.sections if each.id == wanted)


class TestWhatWasPutBack:
    """A check that did not hold at a look is told at the end, though it holds again."""

    @pytest.fixture
    def found(self) -> Report:
        looks = {"T0": facts(), "1h": facts(1, "b"), "2h": facts(2)}
        return of(reviewed(looks, 125 * MINUTE))

    def test_its_row_says_at_which_looks(self, found: Report) -> None:
        (row,) = rows(found, "integration")
        assert row[-2] == "Held"
        assert row[-1].startswith("as at T0; Broken at T0+1h: it has changed since T0 (aaaaaaaaaaaa at T0, bbbb")

    def test_it_is_a_risk_with_the_look_as_its_evidence(self, found: Report) -> None:
        sentences = (each for block in blocks(found, "outlook") if isinstance(block, Sentences) for each in block.items)
        (risk,) = (each for each in sentences if each.text.startswith("contracts/event-store"))
        assert risk.text.startswith("contracts/event-store was Broken at T0+1h: ")
        assert risk.text.endswith("; at the last look it held")
        assert [each.look for each in risk.evidence] == ["2h", "1h", "T0"]

    def test_it_is_no_positive_indicator(self, found: Report) -> None:
        assert not any("contracts/event-store" in each for each in said(found, "observations"))

    def test_looks_with_the_same_reason_are_told_together(self) -> None:
        looks = {"T0": facts(), "1h": facts(1, "b"), "2h": facts(2, "b"), "4h": facts(4)}
        (row,) = rows(of(reviewed(looks, 5 * HOUR, window={"checkpoints": ["1h", "2h", "4h"], "rollback": "6h"})),
                      "integration")  # fmt: skip
        assert "Broken at T0+1h, T0+2h: it has changed" in row[-1]

    def test_a_reason_that_still_holds_is_not_said_twice(self) -> None:
        looks = {"T0": facts(), "1h": facts(1, "b"), "2h": facts(2, "b")}
        (row,) = rows(of(reviewed(looks, 125 * MINUTE)), "integration")
        assert row[-1].endswith("who relies on it must agree; Broken at T0+1h")

    def test_what_was_unknown_is_told_as_well(self) -> None:
        problem = FactProblem(about="contracts/event-store", reason=Reason.FORBIDDEN, message="it may not")
        looks = {"T0": facts(), "1h": facts(1, "", problems=[problem]), "2h": facts(2)}
        (row,) = rows(of(reviewed(looks, 125 * MINUTE)), "integration")
        assert row[-1] == "as at T0; Unknown at T0+1h: it could not be read now: it may not"


class TestAChange:
    """It stands once, with its own time or the first look that saw it."""

    def changes(self, *looks: Facts) -> list[list[str]]:
        found = of(reviewed(dict(zip(("T0", "1h", "2h"), looks, strict=True)), 125 * MINUTE))
        tables = [
            each for each in section(found, "configuration").blocks if "Changed between" in getattr(each, "title", "")
        ]
        return [[" ".join(cell.text for cell in row.cells) for row in each.rows if "services" in row.cells[0].text]
                for each in tables]  # fmt: skip

    def test_it_has_the_first_look_that_saw_it(self) -> None:
        name = facts().inventory.services[1].name  # type: ignore[union-attr]
        (only,) = self.changes(facts(), facts(1, ledgers=2), facts(2, ledgers=2))
        assert [each.rpartition(" by ")[2] for each in only if each.startswith(f"services/Deployment/{name} ")] == [
            "T0+1h"
        ]

    def test_what_came_later_stands_beside_it(self) -> None:
        last, first = self.changes(facts(), facts(1, ledgers=2), facts(2, ledgers=3))
        assert [each[-8:] for each in last if " x " in each] == ["by T0+2h"]
        assert [each[-8:] for each in first if " x " in each] == ["by T0+1h"]

    def test_what_was_put_back_stays_told(self) -> None:
        (only,) = self.changes(facts(), facts(1, ledgers=2), facts(2))
        assert [each[-8:] for each in only if " x " in each] == ["by T0+1h"]


class TestTheTimeline:
    """Nothing is to come once the review has ended."""

    def test_looks_that_were_not_judged_say_so(self) -> None:
        simulator = after(65 * MINUTE)
        does(simulator, "Reject", message="customers cannot pay")
        found = of(passes(simulator, 10 * MINUTE))
        (line,) = (each for each in blocks(found, "context") if isinstance(each, Timeline))
        assert [line.told(each) for each in line.moments] == ["Pass", *["not judged"] * (len(line.moments) - 1)]
        assert "to come" not in markdown(found)
        assert "to come" not in page(found)
        assert f"{line.moments[-1].name} not judged" in page(found)

    def test_before_its_end_they_are_to_come(self) -> None:
        found = of(after(65 * MINUTE))
        assert "to come" in markdown(found)
        assert "to come" in page(found)

    def test_head_and_state_agree_before_t0(self) -> None:
        review, snapshots, acts = taken(after(-12 * MINUTE))
        begun = review.model_copy(update={"status": review.status.model_copy(update={"phase": "Baselining"})})
        assert report(begun, snapshots, acts).about == "Baselining"


class TestNumbers:
    """Of one thing they are the same everywhere, and unlike things are not held against each other."""

    @pytest.fixture
    def found(self) -> Report:
        signals = [
            limit("500m", name="backlog", unit="s"),
            signal("memory", kind="Growth", unit="By", limits={"perHour": "20M"}),
        ]
        return of(life_of(signals))

    def test_limits_are_written_as_values_are(self, found: Report) -> None:
        notes = {row[0]: row[-1] for row in rows(found, "baseline")}
        assert notes["backlog"].startswith("limit 500 ms")
        assert notes["memory"].startswith("limit 19.1 MiB/h")

    def test_a_limit_shows_the_worst_of_both_sides(self, found: Report) -> None:
        (row,) = (each for each in rows(found, "drift") if each[0] == "backlog")
        shown = next(each for each in markdown(found).split("\n") if each.startswith("- backlog: baseline"))
        assert row[1].startswith("at worst ")
        assert f"baseline {row[1]}, since T0 {row[2]}," in shown
        (t0,) = (each for each in rows(found, "baseline") if each[0] == "backlog")
        assert t0[1].endswith(f", {row[1]}")

    def test_a_count_of_events_says_of_how_long_it_is(self) -> None:
        found = of(life_of([events()]))
        (t0,), (row,) = (rows(found, each) for each in ("baseline", "drift"))
        assert t0[1].endswith(" in 5m")
        assert [each.partition(" in ")[2] for each in row[1:3]] == ["1h", "1h"]

    def test_growth_is_not_held_against_a_size(self, found: Report) -> None:
        shown = next(each for each in markdown(found).split("\n") if each.startswith("- memory: baseline"))
        assert "/h" not in shown


def life_of(signals: list[Any]) -> Simulator:
    return passes(life(signals=signals), 12 * MINUTE + 65 * MINUTE)


@pytest.mark.parametrize(("mode", "asked"), [("Observe", False), ("Advise", True), ("Enforce", True)])
def test_sign_offs_are_asked_for_where_somebody_promotes_by_them(mode: str, asked: bool) -> None:  # noqa: FBT001
    found = of(after(65 * MINUTE, policy={"mode": mode}, checklist=[{"name": "backup"}]))
    assert f"- Policy: {mode}: " in markdown(found)
    words = [each for name in ("approvals", "outlook") for each in said(found, name)]
    assert any(each.startswith("Sign off backup") for each in words) is asked
    assert any("sign-offs are kept" in each for each in words) is not asked
    assert any("lacks the sign-off" in each for each in words) is asked


@pytest.mark.parametrize(
    ("about", "reason", "fix"),
    [
        ("flags/streaming", Reason.FORBIDDEN, "grant the right to read it"),
        ("flags/streaming", Reason.NOT_FOUND, "create what is named, or no longer declare it"),
        ("flags/streaming", Reason.EMPTY, "let the query return a number"),
        ("evidence/tests", Reason.EMPTY, "let the file hold a number"),
        ("inventory/cpu", Reason.EMPTY, "let the query return a series for each pod, with the label pod"),
        ("flags/streaming", Reason.TIMEOUT, "ask less with the query, or let the metric source answer sooner"),
        ("flags/streaming", Reason.REFUSED, "mend what the message names"),
    ],
)
def test_a_limitation_has_the_fix_of_its_reason(about: str, reason: Reason, fix: str) -> None:
    problem = FactProblem(about=about, reason=reason, message="no")
    looks = {"T0": facts(), "1h": facts(1, problems=[problem])}
    found = of(reviewed(looks, 65 * MINUTE))
    assert [row[-1] for row in rows(found, "limitations") if row[0] == f"{about}: no"] == [fix]


@pytest.mark.parametrize(
    ("about", "declared"),
    [
        ("flags/streaming", {"flags": [{"name": "streaming", "from": {"query": "up"}}]}),
        ("contracts/store", {"contracts": [{"name": "store", "from": {"service": "store"}}]}),
        ("alerts/new", {"alerts": {}}),
    ],
)
@pytest.mark.parametrize("mode", ["Enforce", "Shadow"])
def test_what_is_in_shadow_is_a_note_that_never_counts(about: str, declared: dict[str, Any], mode: str) -> None:
    ((section, value),) = declared.items()
    own = {section: value | {"mode": mode} if isinstance(value, dict) else [value[0] | {"mode": mode}]}
    problem = FactProblem(about=about, reason=Reason.FORBIDDEN, message="no")
    looks = {"T0": facts(), "1h": facts(1, problems=[problem])}
    limits = rows(of(reviewed(looks, 65 * MINUTE, **own)), "limitations")
    (row,) = (each for each in limits if each[0] == f"{about}: no")
    counted = ["Warning", "unknown, which never passes"]
    assert row[1:3] == (counted if mode == "Enforce" else ["Note", "not counted in any case"])


@pytest.mark.parametrize(
    ("fields", "severity"), [({}, "Warning"), ({"mode": "Shadow"}, "Note"), ({"onMissing": "Ignore"}, "Note")]
)
def test_a_signal_without_data_is_a_note_where_it_keeps_nothing_from_passing(
    fields: dict[str, Any], severity: str
) -> None:
    simulator = life(signals=[signal(**fields)])
    simulator.metrics.mode = "empty"
    (row,) = (each for each in rows(of(passes(simulator, 80 * MINUTE)), "limitations") if "has no data" in each[0])
    assert row[1] == severity


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("see https://a.example/x_y?z=1&w=*, now", "see `https://a.example/x_y?z=1&w=*`, now"),
        ("(http://a.example)", "(`http://a.example`)"),
        ("xhttps://a.example", "xhttps\\://a.example"),
        ("https://a.example/`b`", "https\\://a.example/\\`b\\`"),
        ("https://a.example|b", "https\\://a.example\\|b"),
    ],
)
def test_an_address_stays_one_when_it_is_copied(value: str, shown: str) -> None:
    assert text(value) == shown


def test_one_look_is_one() -> None:
    assert "1 look was judged again from the frozen samples" in markdown(of(after(65 * MINUTE)))

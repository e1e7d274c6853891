"""What the head of a report says of where the review stands, and what the recommendation rests on."""

from datetime import timedelta
from typing import Any

import pytest

from driftreview.api.facts import ContractFact, Facts
from driftreview.domain.report.build import report
from driftreview.domain.report.model import Report, Sentences, Tone
from driftreview.report.markdown import markdown
from driftreview.report.page import page
from tests.builders import MINUTE, T0, signal
from tests.reportdata import LATE, STATES, does, life, passes, taken
from tests.simulator import Simulator
from tests.unit.test_report import blocks

CONTRACT = {"name": "memory", "from": {"configMap": {"name": "schema"}}}
NUMBER = {"name": "runtime", "unit": "s", "margin": {"relative": "10%"}, "baseline": "2.8", "current": "2.9"}
PEOPLE = {"window": LATE, "policy": {"approval": {"type": "Manual", "approvals": 1}}}


def of(simulator: Simulator) -> Report:
    return report(*taken(simulator))


def stands(found: Report) -> list[tuple[str, str, Tone]]:
    return [(each.label, each.text, each.tone) for each in found.head]


def contracts(name: str) -> Facts:
    schema = "a" if name == "T0" else "b"
    return Facts(taken_at=T0, contracts=[ContractFact(name="memory", hash=f"sha256:{schema * 64}")])


def broken(length: timedelta, **spec: Any) -> Simulator:
    """A contract changed since T0, and everything that was measured is well."""
    simulator = life(contracts=[CONTRACT], evidence=[NUMBER], signals=[signal("memory")], **spec)
    simulator.facts = contracts
    return passes(simulator, 12 * MINUTE + length)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("pending", [("Recommendation", "none yet", Tone.PLAIN)]),
        ("t0", [("Recommendation", "none yet", Tone.PLAIN)]),
        ("watching", [("Recommendation", "none yet", Tone.PLAIN), ("T0+1h", "Pass", Tone.GOOD)]),
        ("holding", [("Recommendation", "REJECT", Tone.BAD)]),
        ("promoted", [("Recommendation", "APPROVE", Tone.GOOD)]),
        ("waits-for-people", [("Recommendation", "APPROVE", Tone.GOOD)]),
        ("rejected", [("Decided", "REJECT by jane", Tone.BAD), ("Evidence", "undecided", Tone.PLAIN),
                      ("T0+1h", "Pass", Tone.GOOD)]),
    ],
)  # fmt: skip
def test_the_head_has_the_recommendation_and_before_one_the_last_verdict(
    state: str, told: list[tuple[str, str, Tone]]
) -> None:
    assert stands(of(STATES[state]())) == told


class TestADecisionOfPeople:
    """It is told beside what the evidence says, which it need not follow."""

    @pytest.fixture
    def found(self) -> Report:
        simulator = broken(245 * MINUTE, **PEOPLE)
        assert stands(of(simulator)) == [("Recommendation", "INCONCLUSIVE", Tone.OPEN)]
        does(simulator, "Approve", message="known and wanted")
        return of(passes(simulator, MINUTE))

    def test_both_stand_in_the_head(self, found: Report) -> None:
        assert stands(found) == [("Decided", "APPROVE by jane", Tone.GOOD), ("Evidence", "INCONCLUSIVE", Tone.OPEN)]
        assert "Decided: **APPROVE by jane**. Evidence: **INCONCLUSIVE**\n" in markdown(found)
        assert 'Evidence <strong class="open">INCONCLUSIVE</strong>' in page(found)

    def test_what_is_broken_proves_it_and_no_signal_of_which_the_name_is_a_part(self, found: Report) -> None:
        (block,) = blocks(found, "recommendation")
        assert isinstance(block, Sentences)
        evidence, decided = block.items
        assert evidence.text.startswith("INCONCLUSIVE by the evidence: T0+4h is Hold: contracts/memory is Broken")
        assert [each.check for each in evidence.evidence][:2] == ["contracts/memory", "contracts/memory"]
        assert "memory" not in {each.signal for each in evidence.evidence}
        assert decided.text.startswith("Decided APPROVE")

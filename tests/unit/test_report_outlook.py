"""What a report says of what lies ahead: looks, the end of the window, what can be mended; and of a T0 in the past."""

from datetime import timedelta
from typing import Any

import pytest

from driftreview.api.facts import ContractFact, Facts, FlagFact
from driftreview.api.phases import Phase
from driftreview.api.status import Member
from driftreview.api.target import TargetKind
from driftreview.api.wayback import Rehearsal, RehearsalOutcome, WayBackCheck
from driftreview.domain.report.build import report
from driftreview.domain.report.model import Entries, Report, Table, Timeline
from tests.builders import HOUR, MINUTE, T0
from tests.reportdata import LATE, after, does, life, passes, taken
from tests.simulator import Simulator
from tests.unit.test_report import blocks, said

APPROVE = "driftreview approve release -n shop -m REASON"
LATER = f"where it is wanted so, approve it once the last look leaves it to people: {APPROVE}"
NOW = f"where it is wanted so, approve it: {APPROVE}"


def made(simulator: Simulator) -> Report:
    return report(*taken(simulator))


def timeline(found: Report) -> list[str]:
    (line,) = (each for each in blocks(found, "context") if isinstance(each, Timeline))
    return [line.told(each) for each in line.moments]


@pytest.mark.parametrize(
    ("shift_at", "role"),
    [(90 * MINUTE, "the last look; it is decided already"), (None, "the last look, which decides")],
)
def test_the_last_look_decides_what_is_not_decided_yet(shift_at: timedelta | None, role: str) -> None:
    steps = said(made(after(125 * MINUTE, shift_at, policy={"onDrift": "Hold"})), "outlook", "Next")
    assert f"T0+4h checkpoint: 2026-07-31T16:00:00Z, {role}" in steps


class TestBroken:
    """A contract and a flag that are not as they should be."""

    def mended(self, length: timedelta, since: str, **policy: str) -> list[str]:
        declared: dict[str, Any] = {
            "contracts": [{"name": "store", "from": {"configMap": {"name": "schema"}}}],
            "flags": [{"name": "mode", "expect": "Present", "from": {"env": {}}}],
        }
        simulator = life(window=LATE, policy=policy, **declared)
        looks = ("T0", "1h", "2h", "4h")

        def facts(name: str) -> Facts:
            amiss = looks.index(name) >= looks.index(since)
            changed = "b" if amiss and name != "T0" else "a"
            return Facts(
                taken_at=T0,
                contracts=[ContractFact(name="store", hash=f"sha256:{changed * 64}")],
                flags=[FlagFact(name="mode", present=not amiss, source="plain value")],
            )

        simulator.facts = facts
        passes(simulator, 12 * MINUTE + length)
        return said(made(simulator), "outlook", "Mitigations")

    def test_before_the_first_look_a_flag_is_put_right(self) -> None:
        assert self.mended(5 * MINUTE, "T0") == [f"flags/mode: make it as expected before T0+1h; {LATER}"]

    def test_between_looks_it_is_put_back_or_left_to_people(self) -> None:
        found = self.mended(65 * MINUTE, "1h")
        assert found[:2] == [
            f"contracts/store: put it back before T0+2h; {LATER}",
            f"flags/mode: make it as expected before T0+2h; {LATER}",
        ]
        assert (
            self.mended(65 * MINUTE, "1h", onInconclusive="Rollback")[0] == "contracts/store: put it back before T0+2h"
        )
        assert self.mended(65 * MINUTE, "1h", mode="Advise")[0] == "contracts/store: put it back before T0+2h"

    def test_after_the_last_one_only_a_person_helps(self) -> None:
        assert self.mended(245 * MINUTE, "4h")[0] == f"contracts/store: {NOW}"

    def test_what_is_over_is_not_mended(self) -> None:
        assert self.mended(12 * HOUR, "4h") == []


class TestLooks:
    def test_one_that_settles_is_due_and_none_that_was_left_out(self) -> None:
        simulator = after(HOUR + MINUTE)
        does(simulator, "Note", message="looks well")
        assert timeline(made(simulator)) == ["due, not judged yet", "to come", "to come"]

    def test_what_is_being_done_leaves_out_the_others(self) -> None:
        simulator = after(65 * MINUTE)
        does(simulator, "Reject")
        assert simulator.phase == Phase.ROLLING_BACK
        assert timeline(made(simulator)) == ["Pass", "not judged", "not judged"]


class TestBackdated:
    def entry(self, found: Report) -> str:
        rows = [row for block in blocks(found, "context") if isinstance(block, Entries) for row in block.rows]
        return next(row.cells[1].text for row in rows if row.cells[0].text == "T0 (UTC)")

    @pytest.mark.parametrize("backdated", [True, False])
    def test_a_t0_from_before_the_deployment_is_said_to_be(self, *, backdated: bool) -> None:
        given = {"window": {"t0": (T0 - 2 * HOUR).isoformat(), "backdated": True}} if backdated else {}
        found = made(after(5 * MINUTE, **given))
        tables = [block for block in blocks(found, "limitations") if isinstance(block, Table)]
        limits = [row.cells[0].text for table in tables for row in table.rows if "backdated" in row.cells[0].text]
        assert self.entry(found) == (
            "2026-07-31T10:00:00Z, backdated to 1h50m before the deployment" if backdated else "2026-07-31T12:00:00Z"
        )
        assert limits == (
            ["T0 is backdated: it lies 1h50m before the judged revision was rolled out"] if backdated else []
        )


class TestTheWayBack:
    """What was found when it was last looked whether it could be rolled back."""

    def made(self, **fields: Any) -> Report:
        review, snapshots, approvals = taken(after(65 * MINUTE))
        assert review.status.rollback is not None
        check = WayBackCheck(at=T0 + HOUR, generation=7, **fields)
        rollback = review.status.rollback.model_copy(update={"check": check})
        told = review.model_copy(update={"status": review.status.model_copy(update={"rollback": rollback})})
        return report(told, snapshots, approvals)

    def test_its_risks_are_outstanding(self) -> None:
        risks = said(self.made(risks=["ResourceQuota small has 0 of pods left"]), "outlook", "Risks")
        assert "in a rollback: ResourceQuota small has 0 of pods left" in risks

    def test_and_those_of_what_ships_with_the_target(self) -> None:
        review, snapshots, approvals = taken(after(65 * MINUTE))
        check = WayBackCheck(at=T0 + HOUR, generation=7, risks=["ResourceQuota small has 0 of pods left"])
        member = Member(kind=TargetKind.STATEFUL_SET, name="cart", check=check)
        status = review.status.model_copy(update={"members": [member]})
        risks = said(report(review.model_copy(update={"status": status}), snapshots, approvals), "outlook", "Risks")
        assert "in a rollback of StatefulSet cart: ResourceQuota small has 0 of pods left" in risks

    def test_its_rehearsal_stands_in_the_context(self) -> None:
        found = self.made(rehearsal=Rehearsal(outcome=RehearsalOutcome.REFUSED, message="a policy says no"))
        (entries,) = (each for each in blocks(found, "context") if isinstance(each, Entries))
        told = {row.cells[0].text: row.cells[1].text for row in entries.rows}
        assert told["Rollback, tried"] == (
            "rehearsed at 2026-07-31T13:00:00Z: the API server would refuse it (a policy says no)"
        )

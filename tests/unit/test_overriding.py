"""Approvals that expire, freezes that promotions wait for, and who may promote all the same."""

from datetime import timedelta
from typing import Any

import pytest

from driftreview.api.act import ActType
from driftreview.api.phases import Phase
from driftreview.domain.report.build import report
from driftreview.domain.stop import Stop
from tests.builders import HOUR, MINUTE, T0, approval
from tests.reportdata import taken
from tests.simulator import Simulator, play
from tests.unit.test_approvals import BAD, CHECKLIST, GOOD, TWO, approved, begun, does, judged, records
from tests.unit.test_report import said

EARLY = (T0 + 5 * MINUTE, 1.5)
HELD = {"onDrift": "Hold"}
ENDS = "the review ends, nothing is done and nobody is told"
EXPIRING = {"approval": {"type": "Manual", "approvals": 2, "expiresAfter": "5h"}}


def frozen(start: str = "2026-07-31T15:00", end: str = "2026-07-31T18:00", **fields: Any) -> dict[str, Any]:
    """By default from the third to the sixth hour after T0; the last look is at the fourth, the end at 8h15m."""
    return {"freezes": [{"name": "quiet", "reason": "fewer people", "start": start, "end": end} | fields]}


FOR_LONG = frozen(end="2026-08-02T00:00")


def steered(simulator: Any, **policy: Any) -> None:
    """Somebody edits what may be edited."""
    spec = simulator.review.spec
    changed = type(spec.policy).model_validate(spec.policy.model_dump(by_alias=True) | policy)
    simulator.review = simulator.review.model_copy(update={"spec": spec.model_copy(update={"policy": changed})})
    simulator.run()


def sentences(simulator: Simulator, section: str, title: str = "") -> list[str]:
    """What a report says in a section."""
    return said(report(*taken(simulator)), section, title)


class TestExpiry:
    def test_what_is_too_old_counts_no_more_stays_recorded_and_may_be_given_again(self) -> None:
        simulator = judged(policy=EXPIRING)
        does(simulator, "Approve", "jane")
        assert approved(simulator)[1].startswith("a promotion has 1 of 2 approvals (jane)")
        simulator.pass_time(3 * HOUR)
        does(simulator, "Approve", "joe")
        assert simulator.phase == Phase.PROMOTED

    def test_it_expires_to_the_second_and_says_so(self) -> None:
        simulator = begun(policy=EXPIRING)
        does(simulator, "Approve", "jane")
        simulator.pass_time(5 * HOUR - timedelta(seconds=1))
        assert simulator.phase == Phase.HOLDING
        assert records(simulator) == [("Approve", "jane", True, "")]
        simulator.pass_time(timedelta(seconds=1))
        does(simulator, "Approve", "joe")
        why = (
            "it expired at 2026-07-31T17:00:00Z (policy.approval.expiresAfter is 5h): who still approves does so again"
        )
        assert records(simulator)[0] == ("Approve", "jane", False, why)
        lacks = "has 1 of 2 approvals (joe); 1 approval expired (jane): who still approves does so again"
        assert lacks in approved(simulator)[1]
        assert lacks in simulator.status["summary"]
        does(simulator, "Approve", "jane")
        assert (simulator.phase, approved(simulator)[0]) == (Phase.PROMOTED, "True")
        assert "expired" not in approved(simulator)[1]

    def test_what_counted_when_the_promotion_was_decided_counted(self) -> None:
        simulator = begun(policy={"approval": EXPIRING["approval"] | {"approvals": 1}})
        does(simulator, "Approve")
        simulator.pass_time(12 * HOUR)
        assert (simulator.phase, records(simulator)) == (Phase.PROMOTED, [("Approve", "jane", True, "")])

    def test_the_rule_may_be_set_while_it_waits(self) -> None:
        simulator = begun(policy=TWO)
        does(simulator, "Approve")
        simulator.pass_time(HOUR)
        assert records(simulator)[0][2]
        steered(simulator, approval=TWO["approval"] | {"expiresAfter": "30m"})
        assert not records(simulator)[0][2]

    def test_a_sign_off_does_not_expire(self) -> None:
        simulator = begun(policy=EXPIRING, checklist=CHECKLIST)
        does(simulator, "SignOff", item="backup")
        simulator.pass_time(6 * HOUR)
        assert records(simulator)[0][2]

    def test_one_that_answered_a_drift_answered_it_for_good(self) -> None:
        policy = HELD | {"approval": {"expiresAfter": "10m"}} | frozen()
        simulator = judged(BAD, policy=policy)
        does(simulator, "Approve")
        assert (simulator.phase, simulator.status["decision"]["reason"]) == (Phase.HOLDING, "Approved")
        simulator.pass_time(3 * HOUR)
        assert (simulator.phase, simulator.status["decision"]["by"]) == (Phase.PROMOTED, "jane")


class TestFreeze:
    def test_a_decided_promotion_waits_for_its_end_and_goes_on_by_itself(self) -> None:
        simulator = judged(policy=frozen())
        simulator.sleepy = False
        assert (simulator.phase, simulator.acts) == (Phase.HOLDING, [])
        until = "2026-07-31T18:00:00Z"
        assert simulator.status["summary"].endswith(
            f"; promotions are frozen until {until} by quiet (fewer people); it is done then"
        )
        assert simulator.status["freeze"] == {"closed": True, "reason": "quiet (fewer people)", "nextOpen": until}
        simulator.now = T0 + 6 * HOUR - 30 * timedelta(seconds=1)
        simulator.run()
        assert simulator.again == T0 + 6 * HOUR, "not a minute later"
        simulator.pass_time(timedelta(seconds=30))
        assert (simulator.phase, simulator.acts) == (Phase.PROMOTED, [ActType.PROMOTE])
        assert "freeze" not in simulator.status, "it is over"

    def test_a_freeze_that_is_to_come_is_told_and_keeps_nothing_back(self) -> None:
        simulator = begun(policy=frozen("2026-07-31T18:00", "2026-07-31T19:00"))
        assert simulator.status["freeze"] == {"closed": False, "reason": "", "nextClose": "2026-07-31T18:00:00Z"}
        simulator.pass_time(4 * HOUR + 5 * MINUTE)
        assert simulator.phase == Phase.PROMOTED

    def test_people_are_asked_first(self) -> None:
        simulator = judged(policy=frozen() | {"approval": {"type": "Manual"}})
        assert "the promotion has 0 of 1 approvals" in simulator.status["summary"]
        does(simulator, "Approve")
        assert "promotions are frozen until" in simulator.status["summary"]
        simulator.pass_time(2 * HOUR)
        assert simulator.phase == Phase.PROMOTED

    @pytest.mark.parametrize(
        ("on_end", "then"),
        [
            ("Notify", ""),
            ("Rollback", ", but it passed, and only promotions are frozen then"),
            ("Promote", ", and promotions are frozen then"),
        ],
    )  # fmt: skip
    def test_where_the_last_safe_moment_comes_first_nothing_is_promoted_and_nothing_that_passed_is_taken_back(
        self, on_end: str, then: str
    ) -> None:
        simulator = judged(policy=FOR_LONG | {"onWindowEnd": on_end})
        frozen_until = "promotions are frozen until 2026-08-02T00:00:00Z by quiet (fewer people)"
        first = "at 2026-07-31T20:15:00Z, which comes first, "
        assert simulator.status["summary"].endswith(
            f"; {frozen_until}; {first}{ENDS} (policy.onWindowEnd is {on_end}{then})"
        )
        simulator.pass_time(6 * HOUR)
        assert (simulator.phase, simulator.acts) == (Phase.DECIDED, [])
        assert frozen_until in simulator.status["summary"]

    def test_what_is_undecided_is_not_promoted_in_a_freeze_either(self) -> None:
        for policy in ({"onInconclusive": "Promote"}, {"onWindowEnd": "Promote"}):
            simulator = begun(policy=FOR_LONG | policy)
            simulator.metrics.mode = "empty"
            simulator.pass_time(12 * HOUR)
            assert (simulator.phase, simulator.acts) == (Phase.INCONCLUSIVE, [])

    def test_it_may_be_lifted_and_added_while_the_review_goes_on(self) -> None:
        simulator = judged(policy=FOR_LONG)
        steered(simulator, freezes=[])
        assert simulator.phase == Phase.PROMOTED
        simulator = begun()
        steered(simulator, **FOR_LONG)
        simulator.pass_time(4 * HOUR + 5 * MINUTE)
        assert simulator.phase == Phase.HOLDING
        steered(simulator, freezes=[{"name": "x", "start": "2026-02-30T00:00", "duration": "1h"}])
        assert simulator.phase == Phase.HOLDING
        assert "frozen by spec.policy.freezes[0].start: freeze x: '2026-02-30T00:00'" in simulator.status["summary"]

    @pytest.mark.parametrize("suspended", [False, True])
    def test_one_that_begins_between_the_intent_and_the_act_is_kept(self, suspended: bool) -> None:  # noqa: FBT001
        simulator = begun(policy=frozen("2026-07-31T17:00", "2026-07-31T18:00"))
        simulator.pass_time(4 * HOUR)
        simulator.refuses = True
        simulator.pass_time(3 * MINUTE)
        assert (simulator.phase, simulator.acts) == (Phase.PROMOTING, [])
        simulator.suspend(suspended=suspended)
        simulator.pass_time(HOUR)
        simulator.suspend(suspended=False)
        simulator.refuses = False
        simulator.run()
        assert (simulator.phase, simulator.acts) == (Phase.PROMOTING, [])
        assert "promotions are frozen by quiet (fewer people)" in simulator.status["summary"]
        simulator.pass_time(HOUR)
        assert (simulator.phase, simulator.acts) == (Phase.PROMOTED, [ActType.PROMOTE])

    def test_and_what_it_keeps_back_for_too_long_has_failed(self) -> None:
        simulator = begun(policy=frozen("2026-07-31T17:00", "2026-08-02T18:00"))
        simulator.pass_time(4 * HOUR)
        simulator.refuses = True
        simulator.pass_time(HOUR)
        simulator.refuses = False
        simulator.pass_time(5 * HOUR)
        assert (simulator.phase, simulator.acts) == (Phase.FAILED, [])
        assert (
            "was not done before the window closed at 2026-07-31T20:30:00Z: promotions are frozen"
            in (simulator.status["summary"])
        )

    def test_a_rollback_waits_for_none(self) -> None:
        alone, in_a_freeze = judged(BAD), judged(BAD, policy=frozen("2026-07-01T00:00", "2026-08-30T00:00"))
        assert in_a_freeze.phase == Phase.ROLLED_BACK
        assert in_a_freeze.status["act"] == alone.status["act"]
        rejected = begun(policy=frozen("2026-07-01T00:00", "2026-08-30T00:00"))
        does(rejected, "Reject")
        assert rejected.acts == [ActType.ROLL_BACK]


class TestOverride:
    @pytest.mark.parametrize(
        ("shifts", "spec"),
        [
            (GOOD, {"policy": TWO}),
            (GOOD, {"policy": FOR_LONG}),
            (GOOD, {"policy": TWO | FOR_LONG}),
            (GOOD, {"checklist": CHECKLIST}),
            (BAD, {"policy": HELD}),
            (BAD, {"policy": HELD | TWO | FOR_LONG}),
        ],
    )
    def test_one_person_promotes_what_waits_for_people_or_a_freeze(self, shifts: Any, spec: dict[str, Any]) -> None:
        simulator = judged(shifts, **spec)
        assert (simulator.phase, simulator.acts) == (Phase.HOLDING, [])
        before = simulator.status["decision"]
        does(simulator, "Override", "ann")
        assert (simulator.phase, simulator.acts) == (Phase.PROMOTED, [ActType.PROMOTE])
        decision = simulator.status["decision"]
        assert (decision["recommendation"], decision["reason"], decision["by"]) == ("APPROVE", "Overridden", "ann")
        was = f"{before['recommendation']}, {before['message']}"
        assert decision["message"] == f"overridden by ann: ann says so; before: {was}"
        ready = next(each for each in simulator.status["conditions"] if each["type"] == "Ready")
        assert (ready["status"], ready["reason"]) == ("True", "Overridden")
        assert "is approved: overridden by ann: ann says so" in ready["message"]

    @pytest.mark.parametrize("stopped", [True, False])
    def test_the_report_says_that_nothing_more_of_people_is_waited_for(self, *, stopped: bool) -> None:
        simulator = judged(policy=TWO, checklist=CHECKLIST)
        missing = "2 of 2 approvals are missing"
        assert missing in sentences(simulator, "outlook", "Risks")
        simulator.stop = Stop("all acts were stopped") if stopped else None
        does(simulator, "Override", "ann")
        assert simulator.phase == (Phase.HOLDING if stopped else Phase.PROMOTED)
        risks = sentences(simulator, "outlook", "Risks")
        assert not any("missing" in each or "signed off" in each for each in risks)
        steps = sentences(simulator, "outlook", "Next")
        assert not any(
            "approve" in each or each.startswith("Sign off") for each in steps if not each.startswith("None")
        )
        (told,) = (each for each in sentences(simulator, "approvals") if each.startswith("A promotion"))
        assert told.startswith("A promotion has 0 of 2 approvals and lacks the sign-off of ")
        assert told.endswith("; overridden by ann at 2026-07-31T16:05:00Z, it waits for nobody")

    def test_what_was_left_to_people_as_undecided_too(self) -> None:
        simulator = begun(policy=TWO)
        simulator.metrics.mode = "empty"
        simulator.pass_time(4 * HOUR + 5 * MINUTE)
        assert simulator.status["decision"]["recommendation"] == "INCONCLUSIVE"
        does(simulator, "Override")
        assert simulator.phase == Phase.PROMOTED

    def test_after_an_approval_that_waits_for_a_freeze(self) -> None:
        simulator = judged(BAD, policy=HELD | FOR_LONG)
        does(simulator, "Approve", "joe")
        assert simulator.status["decision"]["reason"] == "Approved"
        does(simulator, "Override", "ann")
        assert (simulator.phase, simulator.status["decision"]["by"]) == (Phase.PROMOTED, "ann")

    def test_it_skips_no_look(self) -> None:
        simulator = begun(policy=TWO)
        does(simulator, "Override")
        why = "nothing is decided yet, and an Override skips no look: give it after the decision"
        assert records(simulator) == [("Override", "jane", False, why)]
        simulator.pass_time(4 * HOUR + 5 * MINUTE)
        assert simulator.phase == Phase.HOLDING, "and does nothing later"

    @pytest.mark.parametrize("mode", ["Advise", "Observe"])
    def test_who_promotes_nothing_cannot_be_overridden(self, mode: str) -> None:
        simulator = begun((EARLY,), policy={"mode": mode})
        simulator.pass_time(HOUR + 5 * MINUTE)
        assert simulator.status["decision"]["recommendation"] == "REJECT"
        does(simulator, "Override")
        assert records(simulator)[0][3] == f"policy.mode is {mode}: the operator promotes nothing"
        assert simulator.acts == []

    def test_a_reject_wins_whichever_is_seen_first(self) -> None:
        simulator = judged(policy=FOR_LONG)
        simulator.pass_time(MINUTE)
        simulator.approvals = [approval(kind, "jane", simulator.now) for kind in ("Override", "Reject")]
        simulator.run()
        assert simulator.acts == [ActType.ROLL_BACK]
        assert ("Override", "jane", False, "jane rejected it") in records(simulator)

    def test_what_people_approved_and_waits_is_still_rejected(self) -> None:
        simulator = judged(BAD, policy=HELD | FOR_LONG)
        does(simulator, "Approve", "joe")
        does(simulator, "Reject", "ann")
        assert (simulator.acts, simulator.status["decision"]["by"]) == ([ActType.ROLL_BACK], "ann")

    def test_a_way_back_is_neither_stopped_nor_undone(self) -> None:
        simulator = begun(BAD)
        assert simulator.target is not None
        simulator.target.paused = True
        simulator.pass_time(4 * HOUR)
        assert (simulator.phase, simulator.status["decision"]["recommendation"]) == (Phase.HOLDING, "REJECT")
        does(simulator, "Override")
        assert records(simulator)[0][3] == "REJECT by checkpoint 2h is carried out already, and is not overridden"
        simulator.target.paused = False
        simulator.pass_time(HOUR)
        assert (simulator.phase, simulator.acts) == (Phase.ROLLED_BACK, [ActType.ROLL_BACK])

    def test_nor_that_of_the_policy_at_the_last_safe_moment(self) -> None:
        simulator = judged(policy={"approval": {"type": "Manual"}, "onWindowEnd": "Rollback"})
        assert simulator.target is not None
        simulator.target.paused = True
        simulator.pass_time(4 * HOUR + 12 * MINUTE)
        assert simulator.status["decision"]["by"] == "policy.onWindowEnd"
        does(simulator, "Override")
        assert "INCONCLUSIVE by policy.onWindowEnd is carried out already" in records(simulator)[0][3]
        simulator.target.paused = False
        simulator.pass_time(5 * MINUTE)
        assert simulator.acts == [ActType.ROLL_BACK]

    def test_nor_a_drift_that_was_left_to_people_until_then(self) -> None:
        simulator = judged(BAD, policy=HELD | {"onWindowEnd": "Rollback"})
        assert simulator.target is not None
        simulator.target.paused = True
        simulator.pass_time(4 * HOUR + 12 * MINUTE)
        does(simulator, "Override")
        assert records(simulator)[0][3] == (
            "the last safe moment was at 2026-07-31T20:15:00Z: policy.onWindowEnd has ruled"
        )

    def test_two_at_once_are_one(self) -> None:
        simulator = judged(policy=FOR_LONG)
        simulator.approvals = [approval("Override", by, simulator.now) for by in ("ann", "joe")]
        simulator.run()
        assert [each[:3] for each in records(simulator)] == [("Override", "ann", True), ("Override", "joe", False)]
        assert records(simulator)[1][3] == "ann overrode it before"

    @pytest.mark.parametrize("fuse", range(1, 8))
    def test_killed_anywhere_it_comes_to_the_same(self, fuse: int) -> None:
        def script(simulator: Any) -> None:
            simulator.pass_time(4 * HOUR + 5 * MINUTE)
            does(simulator, "Override")
            simulator.pass_time(MINUTE)

        def make() -> Any:
            return begun(policy=TWO | FOR_LONG)

        whole, killed = play(make, script), play(make, script, fuse)
        assert killed.phase == whole.phase == Phase.PROMOTED
        assert killed.acts.count(ActType.PROMOTE) == 1

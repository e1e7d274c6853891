"""What people may do about a review, what follows from it, and what never does."""

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from driftreview.api.act import ActType
from driftreview.api.phases import Phase
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.approvals import MOST_EXTENDED, MOST_RETAKEN, extended
from driftreview.domain.room import ROOM, ROOM_FOR_OTHERS
from driftreview.domain.schedule import look_share
from tests.builders import HOUR, MINUTE, T0, approval, review, signal
from tests.simulator import Deployment, Metrics, Simulator, play

SECOND = timedelta(seconds=1)
GOOD, BAD = (), ((T0 + 90 * MINUTE, 1.5),)
LATE = {"checkpoints": ["1h", "2h", "4h"], "rollback": "8h"}
"""People have hours between the last look and the last safe moment."""
TWO = {"approval": {"type": "Manual", "approvals": 2}}
NOT_MINE = {"approval": {"type": "Manual", "approvals": 1, "notByAuthor": True}}
CHECKLIST = [{"name": "backup"}, {"name": "nice-to-have", "required": False}]


def begun(shifts: Any = GOOD, **spec: Any) -> Simulator:
    """A review at T0."""
    simulator = Simulator(
        review(signals=[signal(), signal("second")], window=LATE, **spec), metrics=Metrics(list(shifts)), sleepy=True
    )
    simulator.run()
    return simulator


def judged(shifts: Any = GOOD, **spec: Any) -> Simulator:
    """A review after its last look."""
    simulator = begun(shifts, **spec)
    simulator.pass_time(4 * HOUR + 5 * MINUTE)
    return simulator


def does(simulator: Simulator, kind: str, by: str = "jane", **fields: Any) -> None:
    """A person does something now, and the operator sees it."""
    simulator.approvals.append(approval(kind, by, simulator.now, **fields))
    simulator.run()


def records(simulator: Simulator) -> list[tuple[str, str, bool, str]]:
    return [(each["type"], each["by"], each["counted"], each.get("why", "")) for each in simulator.status["approvals"]]


def approved(simulator: Simulator) -> tuple[str, str]:
    condition = next(each for each in simulator.status["conditions"] if each["type"] == "Approved")
    return condition["status"], condition["message"]


class TestReject:
    def test_it_rolls_back_at_once_whatever_was_measured(self) -> None:
        simulator = begun()
        simulator.pass_time(70 * MINUTE)
        does(simulator, "Reject")
        assert simulator.phase == Phase.ROLLING_BACK
        simulator.pass_time(10 * MINUTE)
        assert (simulator.phase, simulator.acts) == (Phase.ROLLED_BACK, [ActType.ROLL_BACK])
        decision = simulator.status["decision"]
        assert (decision["recommendation"], decision["reason"], decision["by"]) == ("REJECT", "Rejected", "jane")
        assert decision["message"] == "rejected by jane: jane says so"

    @pytest.mark.parametrize("policy", [{"onDrift": "Hold"}, TWO, {"onInconclusive": "Promote"}])
    def test_no_policy_holds_it_up(self, policy: dict[str, Any]) -> None:
        simulator = begun(policy=policy, checklist=CHECKLIST)
        does(simulator, "Reject")
        simulator.pass_time(10 * MINUTE)
        assert simulator.phase == Phase.ROLLED_BACK
        assert "nobody answered" not in simulator.status["summary"]

    def test_it_wins_over_approvals_that_are_seen_with_it(self) -> None:
        simulator = judged(policy={"approval": {"type": "Manual"}})
        assert simulator.phase == Phase.HOLDING
        simulator.approvals.append(approval("Approve", "joe", simulator.now))
        simulator.now += MINUTE
        does(simulator, "Reject")
        simulator.pass_time(10 * MINUTE)
        assert simulator.phase == Phase.ROLLED_BACK

    def test_before_there_is_evidence_the_template_comes_from_the_cluster(self) -> None:
        simulator = begun(baseline={"from": "Snapshot", "length": "30m"})
        assert "baseline" not in simulator.status
        does(simulator, "Reject")
        simulator.pass_time(10 * MINUTE)
        assert simulator.phase == Phase.ROLLED_BACK
        assert simulator.snapshots == {}

    def test_it_takes_back_what_waits_for_approvals(self) -> None:
        simulator = judged(policy=TWO)
        does(simulator, "Reject")
        simulator.pass_time(10 * MINUTE)
        assert simulator.phase == Phase.ROLLED_BACK
        assert "before: APPROVE, T0+4h" in simulator.status["decision"]["message"]

    def test_who_only_advises_is_told_and_nothing_is_done(self) -> None:
        simulator = begun(policy={"mode": "Advise"})
        does(simulator, "Reject")
        simulator.pass_time(5 * HOUR)
        assert (simulator.phase, simulator.acts) == (Phase.DECIDED, [])
        assert simulator.status["decision"]["by"] == "jane"

    def test_without_a_way_back_that_is_said(self) -> None:
        simulator = begun()
        simulator.status.pop("previous")
        does(simulator, "Reject")
        assert simulator.phase == Phase.FAILED
        assert "it cannot be rolled back: no earlier revision was kept" in simulator.status["summary"]

    def test_a_paused_target_is_waited_for(self) -> None:
        simulator = begun()
        assert simulator.target is not None
        simulator.target.paused = True
        does(simulator, "Reject")
        assert (simulator.phase, simulator.acts) == (Phase.HOLDING, [])
        simulator.target.paused = False
        simulator.pass_time(10 * MINUTE)
        assert simulator.phase == Phase.ROLLED_BACK

    def test_before_t0_and_after_the_promotion_was_decided_it_is_only_written_down(self) -> None:
        simulator = Simulator(review(), now=T0 - 5 * MINUTE)
        does(simulator, "Reject")
        assert records(simulator) == [("Reject", "jane", False, "no revision was judged yet: give it again after T0")]
        simulator = judged(policy=TWO)
        for name in ("joe", "ann"):
            simulator.approvals.append(approval("Approve", name, simulator.now))
        simulator.fuse = 4
        simulator.now += SECOND
        simulator.run()
        assert simulator.phase == Phase.PROMOTED


class TestApprove:
    def test_without_a_rule_nobody_has_to(self) -> None:
        simulator = judged()
        assert simulator.phase == Phase.PROMOTED
        assert not any(each["type"] == "Approved" for each in simulator.status["conditions"])

    def test_it_does_not_end_a_review_early(self) -> None:
        simulator = begun(policy=TWO)
        does(simulator, "Approve")
        does(simulator, "Approve", "joe")
        assert (simulator.phase, simulator.acts) == (Phase.WATCHING, [])
        counts = "an approval from before the decision counts where the evidence leads to a promotion"
        again = "what is left to people (policy.onInconclusive Hold) needs a new one"
        assert approved(simulator) == ("True", f"a promotion has 2 of 2 approvals (jane, joe); {counts}; {again}")
        simulator.pass_time(4 * HOUR + 5 * MINUTE)
        assert simulator.phase == Phase.PROMOTED
        assert simulator.status["decision"]["by"] == "checkpoint 4h"
        assert approved(simulator) == ("True", "a promotion has 2 of 2 approvals (jane, joe)")

    def test_a_promotion_waits_for_so_many_people_and_says_whom_it_has(self) -> None:
        simulator = judged(policy=TWO)
        end = "waits for a person until 2026-07-31T20:15:00Z, then the review ends, nothing is done and nobody is told"
        end += " (policy.onWindowEnd is Notify)"
        assert simulator.phase == Phase.HOLDING
        assert simulator.status["summary"].endswith(f"; the promotion has 0 of 2 approvals; {end}")
        does(simulator, "Approve")
        assert simulator.status["summary"].endswith(f"; the promotion has 1 of 2 approvals (jane); {end}")
        assert approved(simulator) == (
            "False", "a promotion has 1 of 2 approvals (jane); waited for until 2026-07-31T20:15:00Z"
        )  # fmt: skip
        simulator.now += SECOND
        does(simulator, "Approve")
        assert records(simulator)[1] == ("Approve", "jane", False, "jane approved it before")
        assert simulator.phase == Phase.HOLDING
        does(simulator, "Approve", "joe")
        assert (simulator.phase, simulator.acts) == (Phase.PROMOTED, [ActType.PROMOTE])

    def test_the_author_may_not_count(self) -> None:
        simulator = judged(policy=NOT_MINE, author="jane")
        does(simulator, "Approve")
        assert records(simulator)[0][2:] == (
            False, "the author of the review does not count (policy.approval.notByAuthor)"
        )  # fmt: skip
        assert "has 0 of 1 approvals, not by the author jane" in simulator.status["summary"]
        does(simulator, "Approve", "joe")
        assert simulator.phase == Phase.PROMOTED

    def test_the_rule_may_change_while_it_waits(self) -> None:
        simulator = judged(policy=NOT_MINE, author="jane")
        does(simulator, "Approve")
        policy = simulator.review.spec.policy
        rule = policy.approval.model_copy(update={"not_by_author": False})
        spec = simulator.review.spec.model_copy(update={"policy": policy.model_copy(update={"approval": rule})})
        simulator.review = simulator.review.model_copy(update={"spec": spec})
        simulator.run()
        assert simulator.phase == Phase.PROMOTED

    def test_a_rule_that_was_taken_back_leaves_no_condition(self) -> None:
        simulator = begun(policy=TWO)
        assert approved(simulator)[0] == "False"
        policy = simulator.review.spec.policy.model_copy(update={"approval": review().spec.policy.approval})
        spec = simulator.review.spec.model_copy(update={"policy": policy})
        simulator.review = simulator.review.model_copy(update={"spec": spec})
        simulator.run()
        assert not any(each["type"] == "Approved" for each in simulator.status["conditions"])

    @pytest.mark.parametrize(
        ("on_end", "phase", "acts"),
        [
            ("Notify", Phase.DECIDED, []),
            ("Promote", Phase.PROMOTED, [ActType.PROMOTE]),
            ("Rollback", Phase.ROLLED_BACK, [ActType.ROLL_BACK]),
        ],
    )
    def test_at_the_last_safe_moment_the_policy_rules(self, on_end: str, phase: Phase, acts: list[ActType]) -> None:
        simulator = judged(policy=TWO | {"onWindowEnd": on_end})
        does(simulator, "Approve")
        simulator.pass_time(5 * HOUR)
        assert (simulator.phase, simulator.acts) == (phase, acts)
        assert "the promotion has 1 of 2 approvals (jane)" in simulator.status["summary"]
        assert simulator.status["decision"]["recommendation"] == ("APPROVE" if on_end == "Notify" else "INCONCLUSIVE")

    def test_a_policy_that_promotes_what_is_undecided_waits_too(self) -> None:
        simulator = begun(policy=TWO | {"onInconclusive": "Promote"})
        simulator.metrics.mode = "empty"
        simulator.pass_time(5 * HOUR)
        assert simulator.phase == Phase.HOLDING
        does(simulator, "Approve")
        does(simulator, "Approve", "joe")
        assert simulator.phase == Phase.PROMOTED
        assert simulator.status["decision"]["by"] == "policy.onInconclusive"

    @pytest.mark.parametrize("policy", [{}, {"onWindowEnd": "Rollback"}])
    def test_a_drift_is_rolled_back_however_many_approved(self, policy: dict[str, Any]) -> None:
        simulator = begun(BAD, policy=TWO | policy)
        for name in ("ann", "joe", "jane"):
            does(simulator, "Approve", name)
        simulator.pass_time(5 * HOUR)
        assert (simulator.phase, simulator.acts) == (Phase.ROLLED_BACK, [ActType.ROLL_BACK])

    def test_who_only_advises_promotes_nothing(self) -> None:
        simulator = begun(policy={"mode": "Advise"})
        does(simulator, "Approve")
        assert records(simulator) == [
            ("Approve", "jane", False, "policy.mode is Advise: the operator promotes nothing")
        ]

    @pytest.mark.parametrize(
        ("mode", "checklist", "says"),
        [
            ("Enforce", CHECKLIST, "has 0 of 2 approvals and lacks the sign-off of backup; waited for until "),
            ("Advise", CHECKLIST, "lacks the sign-off of backup"),
            ("Advise", [], None),
            ("Observe", CHECKLIST, None),
        ],
    )
    def test_who_promotes_nothing_waits_for_nobody(self, mode: str, checklist: Any, says: str | None) -> None:
        simulator = begun(policy=TWO | {"mode": mode}, checklist=checklist)
        found = [each["message"] for each in simulator.status["conditions"] if each["type"] == "Approved"]
        assert [each.removesuffix("2026-07-31T20:15:00Z") for each in found] == (
            [f"a promotion {says}"] if says else []
        )


class TestAnswers:
    """A decision that is left to people."""

    @pytest.mark.parametrize(("shifts", "mode"), [(BAD, "up"), (GOOD, "empty")])
    def test_an_approval_promotes_it_and_is_named(self, shifts: Any, mode: str) -> None:
        simulator = begun(shifts, policy={"onDrift": "Hold"})
        simulator.metrics.mode = mode
        simulator.pass_time(4 * HOUR + 5 * MINUTE)
        assert simulator.phase == Phase.HOLDING
        was = simulator.status["decision"]["recommendation"]
        does(simulator, "Approve", message="known, and wanted")
        assert (simulator.phase, simulator.acts) == (Phase.PROMOTED, [ActType.PROMOTE])
        decision = simulator.status["decision"]
        assert (decision["recommendation"], decision["reason"], decision["by"]) == ("APPROVE", "Approved", "jane")
        assert decision["message"].startswith(f"approved by jane (jane: known, and wanted); before: {was}, T0+")

    def test_one_from_before_the_decision_does_not_answer_it(self) -> None:
        simulator = begun(BAD, policy={"onDrift": "Hold"})
        does(simulator, "Approve")
        simulator.pass_time(5 * HOUR)
        assert simulator.phase == Phase.HOLDING
        assert "given before the decision of 2026-07-31T14:" in records(simulator)[0][3]
        early = "1 approval was given before the decision (jane): who still approves does so again"
        assert simulator.status["summary"].endswith(f"to promote it, it has 0 of 1 approvals; {early}")
        does(simulator, "Approve")
        assert simulator.phase == Phase.PROMOTED

    def test_who_approves_again_and_who_never_counted_are_not_asked_again(self) -> None:
        simulator = begun(BAD, policy=TWO | {"onDrift": "Hold"} | {"approval": TWO["approval"] | {"notByAuthor": True}},
                          author="joe")  # fmt: skip
        for name in ("jane", "joe", "ann", "ann"):
            does(simulator, "Approve", name)
        simulator.pass_time(5 * HOUR)
        said = "has 0 of 2 approvals, not by the author joe; 2 approvals were given before the decision (ann, jane): "
        assert said in simulator.status["summary"]
        assert said in approved(simulator)[1]
        does(simulator, "Approve", "ann")
        assert "1 of 2 approvals (ann), not by the author joe; 1 approval was" in simulator.status["summary"]

    def test_it_takes_as_many_as_the_rule_says_and_the_sign_offs(self) -> None:
        simulator = judged(BAD, policy=TWO | {"onDrift": "Hold"}, checklist=CHECKLIST)
        does(simulator, "Approve")
        assert "it has 1 of 2 approvals (jane) and lacks the sign-off of backup" in simulator.status["summary"]
        does(simulator, "Approve", "joe")
        assert simulator.phase == Phase.HOLDING
        does(simulator, "SignOff", "ann", item="backup")
        assert simulator.phase == Phase.PROMOTED
        assert simulator.status["decision"]["by"] == "jane, joe"

    def test_a_reject_confirms_a_drift_that_was_left_to_people(self) -> None:
        simulator = judged(BAD, policy={"onDrift": "Hold", "onWindowEnd": "Rollback"})
        does(simulator, "Reject")
        simulator.pass_time(10 * MINUTE)
        assert simulator.phase == Phase.ROLLED_BACK
        assert "nobody answered" not in simulator.status["summary"]


class TestSignOff:
    def test_a_required_item_holds_a_promotion_until_it_is_signed_off(self) -> None:
        simulator = judged(checklist=CHECKLIST)
        assert simulator.phase == Phase.HOLDING
        assert "; the promotion lacks the sign-off of backup; " in simulator.status["summary"]
        does(simulator, "SignOff", item="nice-to-have")
        does(simulator, "SignOff", item="bakcup")
        assert records(simulator)[0][3] == "the review has no such checklist item; it has backup, nice-to-have"
        assert simulator.phase == Phase.HOLDING
        does(simulator, "SignOff", item="backup")
        assert simulator.phase == Phase.PROMOTED
        assert approved(simulator)[0] == "True"

    def test_a_rollback_waits_for_none(self) -> None:
        simulator = judged(BAD, checklist=CHECKLIST)
        assert simulator.phase == Phase.ROLLED_BACK

    def test_a_second_one_is_none(self) -> None:
        simulator = begun(checklist=CHECKLIST)
        does(simulator, "SignOff", item="backup")
        does(simulator, "SignOff", "joe", item="backup")
        assert [each[2] for each in records(simulator)] == [True, False]


class TestExtend:
    def test_it_adds_a_look_at_the_new_end_and_moves_none(self) -> None:
        simulator = begun()
        dues = [each["due"] for each in simulator.status["checkpoints"]]
        does(simulator, "Extend", **{"for": "90m"})
        rows = simulator.status["checkpoints"]
        assert [each["name"] for each in rows] == ["1h", "2h", "4h", "570m"]
        assert [each["due"] for each in rows[:3]] == dues
        assert rows[3]["due"] == "2026-07-31T21:30:00Z"
        assert simulator.status["rollback"]["closesAt"] == "2026-07-31T22:00:00Z"
        assert simulator.status["rollback"]["lastSafeMoment"] == "2026-07-31T21:45:00Z"
        simulator.pass_time(5 * HOUR)
        assert (simulator.phase, simulator.status["progress"]) == (Phase.WATCHING, "3/4")
        simulator.pass_time(5 * HOUR)
        assert simulator.phase == Phase.PROMOTED
        assert simulator.status["decision"]["by"] == "checkpoint 570m"

    def test_what_drifts_in_the_added_time_is_rolled_back(self) -> None:
        simulator = begun([(T0 + 5 * HOUR, 1.5)])
        does(simulator, "Extend", **{"for": "2h"})
        simulator.pass_time(11 * HOUR)
        assert simulator.phase == Phase.ROLLED_BACK

    def test_several_add_up(self) -> None:
        simulator = begun()
        does(simulator, "Extend", **{"for": "2h"})
        does(simulator, "Extend", "joe", **{"for": "1h"})
        assert [each["name"] for each in simulator.status["checkpoints"][3:]] == ["10h", "11h"]

    def test_it_is_bounded(self) -> None:
        simulator = begun()
        for number in range(MOST_EXTENDED + 1):
            does(simulator, "Extend", uid=f"e{number}", **{"for": "1h"})
        assert [each[2] for each in records(simulator)] == [True] * MOST_EXTENDED + [False]
        simulator = begun()
        simulator.review = extended(simulator.review)
        window = simulator.review.spec.window.model_copy(update={"rollback": "89d"})
        simulator.review = simulator.review.model_copy(
            update={"spec": simulator.review.spec.model_copy(update={"window": window})}
        )
        does(simulator, "Extend", **{"for": "2d"})
        assert records(simulator)[0][3] == "a rollback window is extended to 90d at most"

    def test_not_when_it_is_decided(self) -> None:
        simulator = judged(policy=TWO)
        does(simulator, "Extend", **{"for": "1h"})
        assert records(simulator)[0][3].startswith("the review was decided at 2026-07-31T16:0")
        assert len(simulator.status["checkpoints"]) == 3

    def test_nor_when_the_window_has_closed(self) -> None:
        simulator = begun()
        simulator.metrics.mode = "gone"
        simulator.now = T0 + 9 * HOUR
        does(simulator, "Extend", **{"for": "1h"})
        assert records(simulator)[0][3] == "the rollback window has closed"

    @pytest.mark.parametrize("declared", [1, 4])
    def test_the_looks_share_one_budget_and_none_is_judged_otherwise_by_a_later_extension(self, declared: int) -> None:
        for added in range(MOST_EXTENDED + 1):
            shares = [look_share(index, declared, added) for index in range(declared + added)]
            assert sum(shares) == pytest.approx(1)
            more = [look_share(index, declared, added + 1) for index in range(declared + added - 1)]
            assert more == shares[:-1], "only the last one, which would have decided, can still change"


class TestRebaseline:
    def test_t0_is_taken_anew_for_what_runs_now_and_the_old_evidence_stays_in_the_chain(self) -> None:
        simulator = begun()
        simulator.pass_time(30 * MINUTE)
        before = simulator.status["baseline"]
        does(simulator, "Rebaseline")
        status = simulator.status
        assert (simulator.phase, status["t0"], status["retaken"]) == (Phase.WATCHING, "2026-07-31T12:30:00Z", 1)
        assert status["checkpoints"][0]["due"] == "2026-07-31T13:30:00Z"
        assert status["earlier"] == before
        again = simulator.snapshots[status["baseline"]["name"]]
        assert (again["previousHash"], again["checkpoint"]) == (before["hash"], "T0")
        assert status["baseline"]["name"] == f"{before['name']}-2"
        assert simulator.snapshots[before["name"]]["hash"] == before["hash"]
        simulator.pass_time(5 * HOUR)
        assert simulator.phase == Phase.PROMOTED
        assert sorted(simulator.snapshots) == sorted(
            [before["name"], *(f"release-review-u-{each}-2" for each in ("t0", "1h", "2h", "4h"))]
        )

    def test_another_revision_may_run(self) -> None:
        simulator = begun()
        assert simulator.target is not None
        simulator.suspend(suspended=True)
        simulator.target.roll_out("newer", simulator.now)
        simulator.pass_time(5 * MINUTE)
        assert "another pod template runs than the judged one" in simulator.status["summary"]
        simulator.approvals.append(approval("Rebaseline", at=simulator.now))
        simulator.run()
        assert "approvals" not in simulator.status or not simulator.status["approvals"]
        simulator.suspend(suspended=False)
        simulator.pass_time(20 * MINUTE)
        assert (simulator.phase, simulator.status["judged"]["name"]) == (Phase.WATCHING, "web-newer")
        simulator.pass_time(5 * HOUR)
        assert simulator.phase == Phase.PROMOTED

    def test_without_it_another_revision_ends_a_suspended_review_when_it_goes_on(self) -> None:
        simulator = begun()
        assert simulator.target is not None
        simulator.suspend(suspended=True)
        simulator.target.roll_out("newer", simulator.now)
        simulator.run()
        simulator.suspend(suspended=False)
        simulator.run()
        assert simulator.phase == Phase.SUPERSEDED

    def test_not_after_the_first_look_was_judged(self) -> None:
        simulator = begun()
        simulator.pass_time(65 * MINUTE)
        does(simulator, "Rebaseline")
        why = "the first look was judged, and T0 stays: delete this review and apply a new one"
        assert records(simulator) == [("Rebaseline", "jane", False, why)]
        assert simulator.status["t0"] == "2026-07-31T12:00:00Z"

    def test_it_is_bounded_and_of_two_at_once_one_counts(self) -> None:
        simulator = begun()
        for number in range(MOST_RETAKEN + 1):
            simulator.now += MINUTE
            simulator.approvals.append(approval("Rebaseline", "joe", simulator.now, uid=f"j{number}"))
            does(simulator, "Rebaseline", uid=f"r{number}")
        assert simulator.status["retaken"] == MOST_RETAKEN
        assert sum(each[2] for each in records(simulator)) == MOST_RETAKEN

    def test_what_was_approved_of_another_revision_does_not_count_any_more(self) -> None:
        simulator = begun(policy={"approval": {"type": "Manual"}}, checklist=CHECKLIST)
        assert simulator.target is not None
        does(simulator, "Approve")
        does(simulator, "SignOff", item="backup")
        does(simulator, "Extend", **{"for": "1h"})
        simulator.target.roll_out("newer", simulator.now)
        does(simulator, "Rebaseline")
        simulator.pass_time(20 * MINUTE)
        found = {kind: (counts, why) for kind, _, counts, why in records(simulator)}
        assert found["Approve"] == found["SignOff"] == (False, "it is about web-new, which is not judged any more")
        assert found["Extend"] == (False, "T0 was taken anew after it")
        assert found["Rebaseline"] == (True, "")
        assert len(simulator.status["checkpoints"]) == 3

    def test_a_reject_is_stronger(self) -> None:
        simulator = begun()
        simulator.approvals.append(approval("Rebaseline", at=simulator.now - MINUTE))
        does(simulator, "Reject", "joe")
        simulator.pass_time(10 * MINUTE)
        assert simulator.phase == Phase.ROLLED_BACK
        assert records(simulator)[0][3] == "joe rejected it"


class TestRecords:
    def test_a_note_is_kept_and_nothing_follows(self) -> None:
        simulator = begun()
        does(simulator, "Note", message="an \x1b[31m incident\n at noon " + "x" * 500)
        (kept,) = simulator.status["approvals"]
        assert (kept["type"], kept["counted"]) == ("Note", True)
        assert kept["message"].startswith(r"an \x1b[31m incident\n at noon xxx")
        assert len(kept["message"]) <= 128
        simulator.pass_time(5 * HOUR)
        assert simulator.phase == Phase.PROMOTED

    def test_an_approval_after_the_decision_of_a_person_counts_for_nothing(self) -> None:
        simulator = begun(policy={"mode": "Advise"})
        does(simulator, "Reject")
        simulator.pass_time(MINUTE)
        does(simulator, "Approve", "joe")
        (_, _, first, _), (_, _, second, why) = records(simulator)
        assert (first, second) == (True, False)
        assert why.startswith("it was given after the decision of ")

    def test_what_is_deleted_stays_recorded_and_counted(self) -> None:
        simulator = begun(policy={"approval": {"type": "Manual"}})
        does(simulator, "Approve")
        simulator.approvals.clear()
        simulator.pass_time(5 * HOUR)
        assert simulator.phase == Phase.PROMOTED
        assert records(simulator) == [("Approve", "jane", True, "")]

    @pytest.mark.parametrize("kind", ["Approve", "Reject", "Note", "Rebaseline"])
    def test_one_for_an_earlier_review_of_the_name_does_not_count(self, kind: str) -> None:
        simulator = begun(policy={"approval": {"type": "Manual"}})
        does(simulator, kind, review_uid="another")
        assert [each[2:] for each in records(simulator)] == [(False, "it is for an earlier review of this name")]
        simulator.pass_time(5 * HOUR)
        assert (simulator.phase, simulator.acts) == (Phase.HOLDING, [])

    def test_while_it_is_suspended_they_wait(self) -> None:
        simulator = begun()
        simulator.suspend(suspended=True)
        does(simulator, "Reject")
        assert (simulator.phase, simulator.acts) == (Phase.WATCHING, [])
        simulator.suspend(suspended=False)
        simulator.pass_time(10 * MINUTE)
        assert simulator.phase == Phase.ROLLED_BACK

    def test_who_writes_thousands_of_them_fills_no_status_and_hinders_nobody(self) -> None:
        simulator = begun(policy={"approval": {"type": "Manual"}})
        for number in range(300):
            simulator.approvals.append(approval("Note", "x" * 253, simulator.now, uid=f"n{number}"))
            simulator.approvals.append(approval("Approve", f"{number}" * 60, simulator.now, uid=f"a{number}"))
        simulator.run()
        size = sum(len(str(each)) for each in simulator.status["approvals"])
        assert size < 1.2 * (ROOM + ROOM_FOR_OTHERS)
        does(simulator, "Reject")
        simulator.pass_time(10 * MINUTE)
        assert simulator.phase == Phase.ROLLED_BACK

    @pytest.mark.parametrize(
        ("kind", "fields"), [("Approve", {}), ("SignOff", {"item": "backup"}), ("SignOff", {"item": "x"})]
    )
    @pytest.mark.parametrize("at_once", [True, False])
    def test_who_gives_the_same_again_and_again_freezes_no_review(
        self, kind: str, fields: dict[str, str], *, at_once: bool
    ) -> None:
        simulator = begun(BAD, checklist=CHECKLIST)
        for number in range(150):
            simulator.approvals.append(approval(kind, "ci", simulator.now, uid=f"u{number}", **fields))
            if not at_once and number % 15 == 0:
                simulator.run()
        simulator.run()
        assert sum(each["counted"] for each in simulator.status["approvals"]) == (fields != {"item": "x"})
        assert sum(len(str(each)) for each in simulator.status["approvals"][1:]) < 1.2 * ROOM_FOR_OTHERS
        rejected = copy.deepcopy(simulator)
        simulator.pass_time(5 * HOUR)
        assert simulator.acts == [ActType.ROLL_BACK], "a drift is seen and rolled back all the same"
        does(rejected, "Reject")
        assert (rejected.phase, rejected.status["decision"]["by"]) == (Phase.ROLLING_BACK, "jane")

    def test_who_approves_again_has_room_although_many_approved_before(self) -> None:
        simulator = judged(BAD, policy={"onDrift": "Hold"})
        early = [approval("Approve", f"user{each}", T0 + MINUTE, uid=f"{each:036}") for each in range(80)]
        late = begun(BAD, policy={"onDrift": "Hold"})
        late.approvals = early
        late.pass_time(4 * HOUR + 5 * MINUTE)
        assert {each["counted"] for each in late.status["approvals"]} == {False}
        assert (simulator.phase, late.phase) == (Phase.HOLDING, Phase.HOLDING)
        late.now += MINUTE
        does(late, "Approve", "jane")
        late.pass_time(10 * MINUTE)
        assert late.phase == Phase.PROMOTED

    def test_what_is_over_is_over(self) -> None:
        simulator = judged()
        before = dict(simulator.status)
        does(simulator, "Reject")
        assert simulator.status == before


LIVES: dict[str, tuple[Callable[[], Simulator], list[tuple[timedelta, str, str]], Phase]] = {
    "rejected": (begun, [(70 * MINUTE, "Reject", "jane")], Phase.ROLLED_BACK),
    "approved by two": (
        lambda: begun(policy=TWO),
        [(10 * MINUTE, "Approve", "jane"), (5 * HOUR, "Approve", "joe")],
        Phase.PROMOTED,
    ),
    "a drift approved": (
        lambda: begun(BAD, policy={"onDrift": "Hold"}),
        [(5 * HOUR, "Approve", "jane")],
        Phase.PROMOTED,
    ),
    "taken anew": (begun, [(20 * MINUTE, "Rebaseline", "jane")], Phase.PROMOTED),
    "extended": (begun, [(20 * MINUTE, "Extend", "jane")], Phase.PROMOTED),
}


@pytest.mark.parametrize("life", LIVES)
def test_killed_anywhere_it_comes_to_the_same_end(life: str) -> None:
    make, acts, phase = LIVES[life]

    def script(simulator: Simulator) -> None:
        for after, kind, by in acts:
            simulator.pass_time(T0 + after - simulator.now)
            does(simulator, kind, by, **({"for": "1h"} if kind == "Extend" else {}))
        simulator.pass_time(12 * HOUR)

    whole = play(make, script, sleepy=True)
    assert whole.phase == phase
    assert isinstance(DriftReviewStatus.model_validate(whole.status), DriftReviewStatus)
    for fuse in range(1, whole.writes + 1):
        killed = play(make, script, fuse, sleepy=True)
        assert killed.status == whole.status, f"killed at write {fuse}"
        assert (killed.acts, killed.evidence()) == (whole.acts, whole.evidence()), f"killed at write {fuse}"


def test_a_target_made_anew_may_be_the_one_that_runs_now() -> None:
    simulator = begun()
    simulator.approvals.append(approval("Rebaseline", at=simulator.now))
    simulator.target = Deployment(uid="another", began=simulator.now)
    simulator.pass_time(20 * MINUTE)
    assert (simulator.phase, simulator.status["target"]["uid"]) == (Phase.WATCHING, "another")

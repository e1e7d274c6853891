"""Whole lives of reviews, and that a crash anywhere in them changes nothing."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from driftreview.api.act import ActType
from driftreview.api.phases import Phase
from driftreview.domain.action import BRISK
from tests.builders import HOUR, MINUTE, T0, review, signal
from tests.simulator import Deployment, Metrics, Script, Simulator, play, same_target

SECOND = timedelta(seconds=1)


def release(shift_at: timedelta | None = None, factor: float = 1.5, **spec: object) -> Callable[[], Simulator]:
    shifts = [] if shift_at is None else [(T0 + shift_at, factor)]
    return lambda: Simulator(review(signals=[signal(), signal("second")], **spec), metrics=Metrics(list(shifts)))


def wait(*lengths: timedelta) -> Script:
    def script(simulator: Simulator) -> None:
        for length in lengths:
            simulator.pass_time(length)

    return script


def outage_at_the_second_look(simulator: Simulator) -> None:
    simulator.pass_time(HOUR + 5 * MINUTE)
    simulator.metrics.mode = "down"
    simulator.pass_time(90 * MINUTE)
    simulator.metrics.mode = "up"
    simulator.pass_time(4 * HOUR)


def outage_between_the_looks(simulator: Simulator) -> None:
    simulator.pass_time(HOUR + 5 * MINUTE)
    simulator.metrics.mode = "down"
    simulator.pass_time(80 * MINUTE)
    simulator.metrics.mode = "up"
    simulator.pass_time(3 * HOUR)


def asleep_until_the_end(simulator: Simulator) -> None:
    simulator.now = T0 + 4 * HOUR + 10 * MINUTE
    simulator.run()
    simulator.pass_time(2 * HOUR)


def refused_for_a_while(simulator: Simulator) -> None:
    simulator.refuses = True
    simulator.pass_time(HOUR + 3 * MINUTE)
    simulator.refuses = False
    simulator.pass_time(4 * HOUR)


def paused_for_a_while(simulator: Simulator) -> None:
    simulator.pass_time(MINUTE)
    assert simulator.target is not None
    simulator.target.paused = True
    simulator.pass_time(80 * MINUTE)  # over the look that finds the drift
    simulator.target.paused = False
    simulator.pass_time(4 * HOUR)


def suspended_for_a_while(simulator: Simulator) -> None:
    simulator.pass_time(90 * MINUTE)
    simulator.suspend(suspended=True)
    simulator.pass_time(100 * MINUTE)
    simulator.suspend(suspended=False)
    simulator.pass_time(3 * HOUR)


SNAPSHOT = {"baseline": {"from": "Snapshot", "length": "2h"}, "window": {"checkpoints": ["4h", "6h"], "rollback": "6h"}}
GUARDED = {"guards": {"every": "20m"}, "window": {"checkpoints": ["1h", "4h"], "rollback": "4h"}}
LIVES: dict[str, tuple[Callable[[], Simulator], Script, Phase, list[ActType]]] = {
    "good": (release(), wait(5 * HOUR), Phase.PROMOTED, [ActType.PROMOTE]),
    "bad": (release(90 * MINUTE), wait(5 * HOUR), Phase.ROLLED_BACK, [ActType.ROLL_BACK]),
    "bad at once": (release(-10 * MINUTE), wait(5 * HOUR), Phase.ROLLED_BACK, [ActType.ROLL_BACK]),
    "drift since T0": (
        release(3 * HOUR, **SNAPSHOT),  # Inconclusive at the first look, half of which is as before
        wait(7 * HOUR),
        Phase.ROLLED_BACK,
        [ActType.ROLL_BACK],
    ),
    "guarded and good": (release(**GUARDED), wait(5 * HOUR), Phase.PROMOTED, [ActType.PROMOTE]),
    "guarded and bad": (release(80 * MINUTE, **GUARDED), wait(5 * HOUR), Phase.ROLLED_BACK, [ActType.ROLL_BACK]),
    "guarded and held": (
        release(80 * MINUTE, **GUARDED, policy={"onDrift": "Hold"}),
        wait(5 * HOUR),
        Phase.DECIDED,
        [],
    ),
    "guarded through an outage": (
        release(80 * MINUTE, **GUARDED),
        outage_between_the_looks,
        Phase.ROLLED_BACK,
        [ActType.ROLL_BACK],
    ),
    "an outage": (release(), outage_at_the_second_look, Phase.PROMOTED, [ActType.PROMOTE]),
    "asleep": (release(), asleep_until_the_end, Phase.PROMOTED, [ActType.PROMOTE]),
    "asleep and bad": (release(90 * MINUTE), asleep_until_the_end, Phase.ROLLED_BACK, [ActType.ROLL_BACK]),
    "refused": (release(-10 * MINUTE), refused_for_a_while, Phase.ROLLED_BACK, [ActType.ROLL_BACK]),
    "paused": (release(-10 * MINUTE), paused_for_a_while, Phase.ROLLED_BACK, [ActType.ROLL_BACK]),
    "suspended": (release(), suspended_for_a_while, Phase.PROMOTED, [ActType.PROMOTE]),
    "advised": (release(90 * MINUTE, policy={"mode": "Advise"}), wait(5 * HOUR), Phase.DECIDED, []),
    "held": (release(90 * MINUTE, policy={"onDrift": "Hold"}), wait(5 * HOUR), Phase.DECIDED, []),
    "held and rejected is never promoted": (
        release(90 * MINUTE, policy={"onDrift": "Hold", "onWindowEnd": "Promote"}),
        wait(5 * HOUR),
        Phase.DECIDED,
        [],
    ),
    "held until the window's end": (
        release(90 * MINUTE, policy={"onDrift": "Hold", "onWindowEnd": "Rollback"}),
        wait(6 * HOUR),
        Phase.ROLLED_BACK,
        [ActType.ROLL_BACK],
    ),
}


@pytest.mark.parametrize("life", LIVES)
def test_a_review_ends_as_it_should(life: str) -> None:
    make, script, phase, acts = LIVES[life]
    ended = play(make, script)
    assert ended.phase == phase
    assert ended.acts == acts
    assert ended.again is None


@pytest.mark.parametrize("life", LIVES)
def test_killed_anywhere_it_comes_to_the_same_end_and_the_same_evidence(life: str) -> None:
    make, script, _, acts = LIVES[life]
    whole = play(make, script, sleepy=True)
    for fuse in range(1, whole.writes + 1):
        killed = play(make, script, fuse, sleepy=True)
        assert killed.evidence() == whole.evidence(), f"killed at write {fuse}"
        assert killed.status == whole.status, f"killed at write {fuse}"
        assert killed.acts == acts, f"killed at write {fuse}"
        assert same_target(killed, whole)


def test_a_late_look_judges_its_own_window_and_says_how_late_it_is() -> None:
    on_time, late = play(release(), wait(5 * HOUR)), play(release(), asleep_until_the_end)
    assert late.evidence() == on_time.evidence()
    rows = late.status["checkpoints"]
    assert [row.get("lateBy") for row in rows] == ["3h8m", "2h8m", "8m"]
    assert [row.get("lateBy") for row in on_time.status["checkpoints"]] == [None] * 3


def test_what_happens_after_the_due_time_is_not_in_the_look() -> None:
    make = release(HOUR, 5)
    late = play(make, lambda simulator: (setattr(simulator, "now", T0 + 65 * MINUTE), simulator.run())[1])
    assert late.status["checkpoints"][0]["verdict"] == "Pass"


def test_two_operators_at_once_store_the_same_evidence() -> None:
    # Both measured, the second finds the first one's snapshot by its name and takes that.
    simulator = release()()
    simulator.pass_time(MINUTE)
    first = dict(simulator.snapshots)
    simulator.status.pop("baseline")
    simulator.status["phase"] = "Baselining"
    simulator.metrics.shifts.append((T0 - 10 * HOUR, 7))
    simulator.run()
    assert simulator.snapshots == first


class TestTheWayBack:
    def test_it_is_open_until_the_window_closes(self) -> None:
        simulator = release()()
        simulator.run()
        rollback = simulator.status["rollback"]
        assert rollback["possible"] is True
        assert rollback["closesAt"] == "2026-07-31T16:30:00Z"
        assert rollback["lastSafeMoment"] == "2026-07-31T16:15:00Z"

    def test_a_drift_found_too_late_is_not_acted_upon(self) -> None:
        simulator = release(90 * MINUTE)()
        simulator.run()
        simulator.now = T0 + 6 * HOUR
        simulator.run()
        assert simulator.phase == Phase.FAILED
        assert "cannot be rolled back: the rollback window closed" in simulator.status["summary"]
        assert simulator.acts == []

    def test_a_pass_found_late_is_still_a_pass(self) -> None:
        simulator = release()()
        simulator.now = T0 + 30 * HOUR
        simulator.run()
        assert simulator.phase == Phase.PROMOTED

    def test_without_a_revision_before_it_there_is_none(self) -> None:
        simulator = release(-10 * MINUTE)()
        simulator.target = Deployment(before="")
        simulator.pass_time(2 * HOUR)
        assert simulator.phase == Phase.FAILED
        assert "no earlier revision was kept" in simulator.status["summary"]

    def test_an_intent_not_carried_out_in_time_is_given_up(self) -> None:
        simulator = release(-10 * MINUTE)()
        simulator.refuses = True
        simulator.pass_time(2 * HOUR)
        simulator.now = T0 + 5 * HOUR
        simulator.run()
        assert simulator.phase == Phase.FAILED
        assert simulator.acts == []

    def test_a_paused_target_is_rolled_back_when_it_is_resumed_also_after_the_last_safe_moment(self) -> None:
        simulator = release(-10 * MINUTE)()
        simulator.pass_time(MINUTE)
        assert simulator.target is not None
        simulator.target.paused = True
        simulator.pass_time(4 * HOUR + 20 * MINUTE)
        assert simulator.phase == Phase.HOLDING
        stalled = next(each for each in simulator.status["conditions"] if each["type"] == "Stalled")
        assert (stalled["status"], stalled["reason"]) == ("True", "TargetPaused")
        resume = "; before 2026-07-31T16:30:00Z: kubectl rollout resume deployment/web -n shop"
        assert stalled["message"] == f"the target's rollout is paused{resume}"
        assert simulator.again is not None
        assert simulator.again - simulator.now <= BRISK
        simulator.target.paused = False
        simulator.pass_time(9 * MINUTE)
        assert simulator.phase == Phase.ROLLED_BACK

    def test_a_target_paused_to_the_end_was_not_rolled_back(self) -> None:
        simulator = release(-10 * MINUTE)()
        simulator.pass_time(MINUTE)
        assert simulator.target is not None
        simulator.target.paused = True
        simulator.pass_time(5 * HOUR)
        assert simulator.phase == Phase.FAILED
        assert simulator.acts == []

    def test_pods_that_do_not_come_back_are_a_failure(self) -> None:
        simulator = release(-10 * MINUTE)()
        simulator.pass_time(HOUR)
        assert simulator.target is not None
        simulator.target.fails = True
        simulator.pass_time(HOUR)
        assert simulator.phase == Phase.FAILED
        events = "kubectl get events -n shop --field-selector type=Warning"
        assert f"mend what keeps the pods from running ({events})" in simulator.status["summary"]

    def test_what_was_rolled_back_and_comes_again_is_told_not_fought(self) -> None:
        simulator = release(-10 * MINUTE)()
        simulator.pass_time(HOUR)
        for _ in range(20):
            if simulator.phase == Phase.ROLLING_BACK and simulator.status["act"].get("appliedAt"):
                break
            simulator.pass_time(30 * SECOND)
        assert simulator.target is not None
        simulator.target.roll_out("new", simulator.now)
        simulator.pass_time(HOUR)
        assert simulator.phase == Phase.FAILED
        assert "was undone by somebody else" in simulator.status["summary"]
        assert simulator.acts == [ActType.ROLL_BACK]


class TestUndecided:
    """At the last look and at the last safe moment the policy rules, and says so."""

    @pytest.mark.parametrize(
        ("policy", "phase", "reason"),
        [
            ({}, Phase.INCONCLUSIVE, "NotEnoughEvidence"),
            ({"onInconclusive": "Promote"}, Phase.PROMOTED, "Policy"),
            ({"onInconclusive": "Rollback"}, Phase.ROLLED_BACK, "Policy"),
            ({"onWindowEnd": "Promote"}, Phase.PROMOTED, "Policy"),
            ({"onWindowEnd": "Rollback"}, Phase.ROLLED_BACK, "Policy"),
            ({"mode": "Observe", "onInconclusive": "Promote"}, Phase.DECIDED, "Advised"),
        ],
    )
    def test_a_review_without_data_ends_as_the_policy_says(
        self, policy: dict[str, str], phase: Phase, reason: str
    ) -> None:
        simulator = release(policy=policy)()
        simulator.metrics.mode = "empty"
        simulator.pass_time(5 * HOUR)
        assert simulator.phase == phase
        ready = next(each for each in simulator.status["conditions"] if each["type"] == "Ready")
        assert ready["reason"] == reason
        assert {row["verdict"] for row in simulator.status["checkpoints"]} == {"Inconclusive"}

    def test_a_dead_source_is_waited_for_and_then_told(self) -> None:
        simulator = release()()
        simulator.pass_time(MINUTE)
        simulator.metrics.mode = "down"
        simulator.pass_time(90 * MINUTE)
        assert simulator.status["checkpoints"][0].get("verdict") is None
        available = next(each for each in simulator.status["conditions"] if each["type"] == "MetricsAvailable")
        assert (available["status"], available["reason"]) == ("False", "Unreachable")
        assert available["message"] == "2 of 2 queries went unanswered: connection refused"
        simulator.pass_time(4 * HOUR)
        assert simulator.phase == Phase.INCONCLUSIVE

    def test_a_few_unanswered_queries_hold_the_others_up_for_a_while_only(self) -> None:
        simulator = release()()
        simulator.pass_time(MINUTE)
        simulator.metrics.mode = "partial"
        simulator.pass_time(HOUR + 4 * MINUTE)
        assert simulator.status["checkpoints"][0].get("verdict") is None
        simulator.pass_time(10 * MINUTE)
        row = simulator.status["checkpoints"][0]
        assert row["verdict"] == "Inconclusive"
        assert [each["verdict"] for each in row["signals"]] == ["Missing", "Stable"]

    def test_what_can_never_be_answered_is_not_waited_for(self) -> None:
        simulator = release()()
        simulator.metrics.mode = "refused"
        simulator.pass_time(HOUR + 3 * MINUTE)
        assert simulator.status["checkpoints"][0]["verdict"] == "Inconclusive"

    def test_a_baseline_that_cannot_be_had_ends_the_review_with_its_window(self) -> None:
        simulator = release()()
        simulator.metrics.mode = "gone"
        simulator.pass_time(6 * HOUR)
        assert simulator.phase == Phase.INCONCLUSIVE
        assert simulator.snapshots == {}

    def test_a_paused_target_at_the_last_safe_moment_is_waited_for_in_peace(self) -> None:
        simulator = release(policy={"onWindowEnd": "Rollback"})()
        simulator.metrics.mode = "empty"
        simulator.pass_time(4 * HOUR + 10 * MINUTE)
        assert simulator.target is not None
        simulator.target.paused = True
        simulator.pass_time(6 * MINUTE)
        held = dict(simulator.status)
        writes = simulator.writes
        simulator.pass_time(5 * MINUTE)
        assert simulator.status == held
        assert simulator.writes == writes
        simulator.target.paused = False
        simulator.pass_time(8 * MINUTE)
        assert simulator.phase == Phase.ROLLED_BACK
        assert simulator.status["decision"]["message"].count("undecided at the last safe moment") == 1


class TestTheOperatorItselfFails:
    """A fault of its own is no verdict: the review ends with its window, as one without data does."""

    @pytest.mark.parametrize(
        ("policy", "phase", "acts"),
        [
            ({}, Phase.INCONCLUSIVE, []),
            ({"onWindowEnd": "Promote"}, Phase.PROMOTED, [ActType.PROMOTE]),
            ({"onWindowEnd": "Rollback"}, Phase.ROLLED_BACK, [ActType.ROLL_BACK]),
            ({"onInconclusive": "Promote"}, Phase.INCONCLUSIVE, []),
            ({"mode": "Advise", "onWindowEnd": "Rollback"}, Phase.INCONCLUSIVE, []),
        ],
    )
    def test_at_looks_only_the_policy_rules_at_the_last_safe_moment(
        self, policy: dict[str, str], phase: Phase, acts: list[ActType]
    ) -> None:
        simulator = release(policy=policy)()
        simulator.pass_time(MINUTE)
        simulator.metrics.mode = "broken"
        simulator.pass_time(4 * HOUR + 13 * MINUTE)
        assert simulator.phase == Phase.WATCHING
        assert all(row.get("verdict") is None for row in simulator.status["checkpoints"])
        simulator.pass_time(8 * MINUTE)
        assert (simulator.phase, simulator.acts) == (phase, acts)
        assert "(the operator failed (Fault; see its log for shop/release))" in simulator.status["summary"]

    def test_a_promotion_that_passed_its_looks_until_then_is_none(self) -> None:
        simulator = release()()
        simulator.pass_time(2 * HOUR + 5 * MINUTE)
        assert simulator.status["checkpoints"][0]["verdict"] == "Pass"
        simulator.metrics.mode = "broken"
        simulator.pass_time(3 * HOUR)
        assert (simulator.phase, simulator.acts) == (Phase.INCONCLUSIVE, [])

    def test_at_everything_it_ends_undecided_as_the_window_closes(self) -> None:
        simulator = release(policy={"onWindowEnd": "Promote"})()
        simulator.pass_time(MINUTE)
        simulator.unreadable = True
        simulator.pass_time(4 * HOUR + 28 * MINUTE)
        assert simulator.phase == Phase.WATCHING
        simulator.pass_time(2 * MINUTE)
        assert (simulator.phase, simulator.acts, simulator.again) == (Phase.INCONCLUSIVE, [], None)
        assert simulator.status["summary"] == (
            "undecided when the rollback window closed, and nothing more is done: the operator failed (Fault; see its "
            "log for shop/release); decide by hand"
        )

    def test_at_a_decided_rollback_it_ends_failed(self) -> None:
        simulator = release(90 * MINUTE)()
        simulator.refuses = True
        simulator.pass_time(3 * HOUR)
        assert simulator.phase == Phase.ROLLING_BACK
        simulator.unreadable = True
        simulator.pass_time(3 * HOUR)
        assert (simulator.phase, simulator.acts) == (Phase.FAILED, [])
        assert simulator.status["summary"].startswith(
            "the decision was not carried out when the rollback window closed"
        )

    @pytest.mark.parametrize("on_window_end", ["Rollback", "Promote"])
    def test_without_a_baseline_the_policy_does_not_rule_and_that_is_said(self, on_window_end: str) -> None:
        simulator = release(policy={"onWindowEnd": on_window_end})()
        simulator.metrics.mode = "broken"
        simulator.pass_time(5 * HOUR)
        assert (simulator.phase, simulator.acts) == (Phase.INCONCLUSIVE, [])
        why = "; there is no baseline, and policy.onWindowEnd does not rule without evidence; "
        assert why in simulator.status["summary"]

    def test_of_times_long_past_it_gets_ten_minutes_to_mend_it(self) -> None:
        simulator = release()()
        simulator.pass_time(MINUTE)
        simulator.metrics.mode = "broken"
        simulator.now += 99 * HOUR
        simulator.pass_time(9 * MINUTE)
        assert simulator.phase == Phase.WATCHING
        simulator.metrics.mode = "up"
        simulator.pass_time(MINUTE)
        assert simulator.phase == Phase.PROMOTED


class TestSuspend:
    def test_due_times_do_not_move(self) -> None:
        simulator = release()()
        simulator.run()
        due = [row["due"] for row in simulator.status["checkpoints"]]
        simulator.suspend(suspended=True)
        simulator.pass_time(3 * HOUR)
        assert simulator.phase == Phase.WATCHING
        simulator.suspend(suspended=False)
        simulator.run()
        assert [row["due"] for row in simulator.status["checkpoints"]] == due
        assert simulator.status["checkpoints"][0]["lateBy"] == "1h58m"

    def test_an_intent_that_was_refused_can_be_stopped_by_a_person(self) -> None:
        simulator = release(-10 * MINUTE)()
        simulator.refuses = True
        simulator.pass_time(HOUR + 3 * MINUTE)
        assert simulator.phase == Phase.ROLLING_BACK
        simulator.suspend(suspended=True)
        simulator.refuses = False
        simulator.pass_time(HOUR)
        assert simulator.acts == []
        assert simulator.status["summary"].startswith(
            "suspended by spec.suspend: the decided rollback is done when that is taken back, not after "
            "2026-07-31T16:30:00Z; REJECT: T0+1h: "
        )
        assert "nextCheckpoint" not in simulator.status
        simulator.suspend(suspended=False)
        simulator.pass_time(HOUR)
        assert simulator.phase == Phase.ROLLED_BACK

    def test_a_decided_rollback_that_was_suspended_too_long_is_told_as_not_done(self) -> None:
        simulator = release(-10 * MINUTE)()
        simulator.refuses = True
        simulator.pass_time(HOUR + 3 * MINUTE)
        simulator.suspend(suspended=True)
        simulator.pass_time(4 * HOUR)
        assert simulator.status["summary"].startswith(
            "suspended by spec.suspend: the decided rollback was not done before the window closed at "
            "2026-07-31T16:30:00Z; REJECT: "
        )
        assert simulator.status["rollback"]["possible"] is False

    def test_it_says_that_it_goes_on(self) -> None:
        simulator = release()()
        simulator.pass_time(MINUTE)
        simulator.suspend(suspended=True)
        simulator.pass_time(MINUTE)
        assert simulator.status["summary"] == (
            "suspended by spec.suspend: nothing is judged or done; due times do not move"
        )
        assert "nextCheckpoint" not in simulator.status
        simulator.suspend(suspended=False)
        simulator.pass_time(MINUTE)
        assert simulator.status["summary"].startswith("goes on")


class TestTheTarget:
    @pytest.mark.parametrize("after", [MINUTE, 90 * MINUTE])
    def test_a_new_revision_ends_the_review_and_nothing_is_done_to_it(self, after: timedelta) -> None:
        simulator = release()()
        simulator.pass_time(after)
        assert simulator.target is not None
        simulator.target.roll_out("newer", simulator.now)
        simulator.pass_time(5 * HOUR)
        assert simulator.phase == Phase.SUPERSEDED
        assert "was changed to web-newer during the review of web-new" in simulator.status["summary"]
        assert simulator.acts == []

    def test_a_rollback_by_hand_ends_the_review(self) -> None:
        simulator = release(-10 * MINUTE)()
        simulator.pass_time(MINUTE)
        assert simulator.target is not None
        simulator.target.roll_out("old", simulator.now)
        simulator.pass_time(5 * HOUR)
        assert simulator.phase == Phase.SUPERSEDED

    @pytest.mark.parametrize(("again", "says"), [(True, "deleted and created again"), (False, "was deleted during")])
    def test_a_deleted_target_ends_the_review(self, says: str, *, again: bool) -> None:
        simulator = release()()
        simulator.pass_time(MINUTE)
        simulator.target = Deployment(uid="another") if again else None
        simulator.pass_time(MINUTE)
        assert simulator.phase == Phase.SUPERSEDED
        assert says in simulator.status["summary"]

    def test_scaling_is_no_new_revision(self) -> None:
        simulator = release()()
        simulator.pass_time(90 * MINUTE)
        assert simulator.target is not None
        simulator.target.generation += 5
        simulator.pass_time(5 * HOUR)
        assert simulator.phase == Phase.PROMOTED

    def test_a_new_revision_between_intent_and_act_is_left_alone(self) -> None:
        simulator = release(-10 * MINUTE)()
        simulator.refuses = True
        simulator.pass_time(HOUR + 3 * MINUTE)
        assert simulator.target is not None
        simulator.target.roll_out("newer", simulator.now)
        simulator.refuses = False
        simulator.pass_time(HOUR)
        assert simulator.phase == Phase.SUPERSEDED
        assert simulator.acts == []

"""After a rollback: what is looked at until the window closes, what is said of it, and that nothing is ever done."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from driftreview.api.act import ActType
from driftreview.api.phases import TERMINAL, Phase
from driftreview.api.reasons import Reason
from driftreview.domain import aftermath
from driftreview.domain.action import CaptureRecovery, Observed, Settle
from driftreview.domain.owner import Owner, OwnerKind
from driftreview.domain.plan import plan
from driftreview.domain.report.build import report
from driftreview.domain.running import Edit
from driftreview.domain.status import NOT_HELD_UP
from driftreview.domain.trouble import PATIENCE
from driftreview.domain.workload import Counts, Rollout
from driftreview.report.markdown import markdown
from tests.builders import HOUR, MINUTE, T0, review, signal, target
from tests.reportdata import taken
from tests.simulator import Deployment, Metrics, Simulator
from tests.unit.test_handover import unproved
from tests.unit.test_report import said as told

SECOND = timedelta(seconds=1)
PARTLY = "web-old runs, but not all of its pods: slow"
NOT_YET = "Deployment web asks for web-old again, but not all of its pods run: slow"
CLOSES = T0 + 4 * HOUR + 30 * MINUTE


def rolled_back(good_again: bool = True, **spec: Any) -> Simulator:  # noqa: FBT001, FBT002
    """Bad from the rollout on, and rolled back soon after the first look; good again once that is done, or not."""
    shifts = [(T0 - 10 * MINUTE, 1.5), *([(T0 + 66 * MINUTE, 1.0)] if good_again else [])]
    simulator = Simulator(review(signals=[signal()], **spec), metrics=Metrics(shifts))
    simulator.pass_time(HOUR + 10 * MINUTE)
    assert simulator.phase == Phase.ROLLED_BACK
    return simulator


def said(simulator: Simulator, kind: str) -> tuple[str, str, str]:
    found = next(each for each in simulator.status["conditions"] if each["type"] == kind)
    return found["status"], found["reason"], found["message"]


def window(**fields: str) -> dict[str, Any]:
    return {"window": {"checkpoints": ["1h", "2h", "4h"], "rollback": "4h"} | fields}


class TestWhetherItHelped:
    def test_it_is_unknown_until_it_is_due_and_says_when_that_is(self) -> None:
        simulator = rolled_back()
        due = simulator.status["recovery"]["due"]
        assert due == "2026-07-31T14:15:00Z"  # an hour and another warm-up after the rollback
        assert said(simulator, "Recovered")[:2] == ("Unknown", "RecoveryDue")
        assert simulator.status["summary"].endswith(f"; whether that helped is judged after {due}")

    @pytest.mark.parametrize(
        ("good", "verdict", "truth"), [(True, "Recovered", "True"), (False, "NotRecovered", "False")]
    )
    def test_what_is_as_it_was_has_recovered_and_what_is_still_bad_has_not(
        self, *, good: bool, verdict: str, truth: str
    ) -> None:
        simulator = rolled_back(good)
        before = simulator.status["summary"]
        simulator.pass_time(2 * HOUR)
        recovery = simulator.status["recovery"]
        assert (recovery["verdict"], said(simulator, "Recovered")[:2]) == (verdict, (truth, verdict))
        assert recovery["snapshot"]["name"] in simulator.snapshots
        assert simulator.phase == Phase.ROLLED_BACK
        assert before.partition("; whether")[0] in simulator.status["summary"]
        assert recovery["message"][:40] in simulator.status["summary"]
        assert simulator.acts == [ActType.ROLL_BACK]

    def test_without_data_it_is_unknown_and_never_recovered(self) -> None:
        simulator = rolled_back()
        simulator.metrics.mode = "empty"
        simulator.pass_time(2 * HOUR)
        assert simulator.status["recovery"]["verdict"] == "Unknown"
        assert said(simulator, "Recovered")[:2] == ("Unknown", "NotEnoughEvidence")
        assert "latency is Missing" in said(simulator, "Recovered")[2]

    def test_too_few_blocks_are_no_recovery_either(self) -> None:
        simulator = rolled_back(**window(recovery="20m"))
        simulator.pass_time(2 * HOUR)
        assert simulator.status["recovery"]["verdict"] == "Unknown"

    def test_it_is_not_looked_at_where_nobody_wants_to_know(self) -> None:
        simulator = rolled_back(**window(recovery="0s"))
        simulator.pass_time(2 * HOUR)
        assert "recovery" not in simulator.status
        assert "Recovered" not in [each["type"] for each in simulator.status["conditions"]]
        assert said(simulator, "StaysBack")[0] == "True"

    def test_a_source_that_is_down_is_waited_for(self) -> None:
        simulator = rolled_back()
        simulator.metrics.mode = "down"
        simulator.pass_time(2 * HOUR)
        assert "verdict" not in simulator.status["recovery"]
        assert said(simulator, "Recovered")[:2] == ("Unknown", "Unreachable")
        simulator.metrics.mode = "up"
        simulator.pass_time(2 * MINUTE)
        assert simulator.status["recovery"]["verdict"] == "Recovered"
        assert said(simulator, "MetricsAvailable")[0] == "True"

    def test_but_not_beyond_the_window(self) -> None:
        simulator = rolled_back()
        simulator.metrics.mode = "down"
        simulator.pass_time(4 * HOUR)
        assert simulator.status["recovery"]["verdict"] == "Unknown"
        assert aftermath.is_over(simulator.stored().status)

    def test_it_is_judged_late_by_its_own_window(self) -> None:
        simulator = rolled_back()
        simulator.now = CLOSES + 5 * HOUR
        simulator.run()
        assert simulator.status["recovery"]["verdict"] == "Recovered"
        assert simulator.again is None

    def test_it_outlasts_a_window_that_closes_before_it_is_due(self) -> None:
        simulator = Simulator(review(signals=[signal()], policy={"onDrift": "Hold", "onWindowEnd": "Rollback"}))
        simulator.metrics.shifts = [(T0 - 10 * MINUTE, 1.5), (T0 + 4 * HOUR + 10 * MINUTE, 1.0)]
        simulator.pass_time(4 * HOUR + 20 * MINUTE)
        assert simulator.phase == Phase.ROLLED_BACK
        simulator.pass_time(30 * MINUTE)
        assert not aftermath.is_over(simulator.stored().status)
        simulator.pass_time(HOUR)
        assert simulator.status["recovery"]["verdict"] == "Recovered"
        assert simulator.again is None

    def test_suspended_it_is_judged_when_that_is_taken_back(self) -> None:
        simulator = rolled_back()
        simulator.suspend(suspended=True)
        simulator.pass_time(2 * HOUR)
        assert said(simulator, "Recovered")[:2] == ("Unknown", "Suspended")
        simulator.suspend(suspended=False)
        simulator.pass_time(MINUTE)
        assert simulator.status["recovery"]["verdict"] == "Recovered"

    def test_suspended_to_the_end_it_is_unknown(self) -> None:
        simulator = rolled_back()
        simulator.suspend(suspended=True)
        simulator.pass_time(4 * HOUR)
        assert (simulator.status["recovery"]["verdict"], said(simulator, "Recovered")[1]) == ("Unknown", "Suspended")
        assert simulator.again is None

    def test_without_a_baseline_there_is_nothing_to_hold_it_against(self) -> None:
        before = rolled_back().stored()
        status = before.status.model_copy(update={"baseline": None, "recovery": None, "aftermath": None})
        ended = aftermath.begun(before, status, target("old"), T0 + 2 * HOUR)
        assert ended.recovery is None
        found = next(each for each in ended.conditions if each.type == "Recovered")
        assert (found.status, found.reason) == ("Unknown", Reason.BASELINE_MISSING)

    @pytest.mark.parametrize(("late", "verdict"), [(timedelta(0), None), (5 * HOUR, "Unknown")])
    def test_refused_evidence_is_tried_again_and_given_up_in_the_end(
        self, late: timedelta, verdict: str | None
    ) -> None:
        subject = rolled_back().stored()
        after = aftermath.unjudged(subject, Reason.FORBIDDEN, "no right", T0 + 3 * HOUR + late)
        assert after.recovery is not None
        assert after.recovery.verdict == verdict
        assert next(each for each in after.conditions if each.type == "Recovered").reason == Reason.FORBIDDEN

    def test_altered_evidence_is_given_up_at_once(self) -> None:
        subject = rolled_back().stored()
        after = aftermath.unjudgeable(subject, Reason.EVIDENCE_ALTERED, "T0 is gone", T0 + 3 * HOUR)
        assert after.recovery is not None
        assert (after.recovery.verdict, after.recovery.message) == ("Unknown", "T0 is gone")
        assert after.phase is Phase.ROLLED_BACK


class TestWhetherItStays:
    def test_it_stays_until_the_window_closes_and_then_nobody_looks_any_more(self) -> None:
        simulator = rolled_back()
        assert said(simulator, "StaysBack") == ("True", "StaysBack", "web-old runs")
        simulator.pass_time(CLOSES - simulator.now - SECOND)
        assert simulator.again is not None
        assert simulator.again - simulator.now <= aftermath.LOOK
        simulator.pass_time(MINUTE)
        assert said(simulator, "StaysBack")[:2] == ("True", "WindowClosed")
        assert simulator.again is None

    def test_what_returns_is_told_within_a_minute_and_nothing_is_done(self) -> None:
        simulator = rolled_back()
        assert simulator.target is not None
        at = simulator.now
        simulator.target.roll_out("new", at)
        simulator.pass_time(MINUTE)
        truth, reason, message = said(simulator, "StaysBack")
        assert (truth, reason) == ("False", "Returned")
        assert message.startswith("web-new was rolled back and is there again, first seen at 2026-07-31T13:1")
        assert message.endswith("(Git, a pipeline), or apply the pod template of web-old again")
        assert "; but web-new runs again, see StaysBack" in simulator.status["summary"]
        simulator.pass_time(5 * HOUR)
        assert simulator.acts == [ActType.ROLL_BACK]
        assert simulator.phase == Phase.ROLLED_BACK
        assert said(simulator, "StaysBack")[:2] == ("False", "Returned")
        assert said(simulator, "StaysBack")[2].endswith("looked at no more")

    @pytest.mark.parametrize(
        ("counts", "truth", "words"),
        [
            (Counts(5, 5, 5, 4, 4), "True", f"{PARTLY}; 5 of 5 pods are of it, 4 of all 5 are ready"),
            (
                Counts(5, 5, 2, 4, 4),
                "True",
                f"{PARTLY}; 2 of 5 pods are of it, another revision still has 3, 4 of all 5",
            ),
            (None, "True", PARTLY),
            (Counts(2, 2, 2, 0, 0), "Unknown", f"{NOT_YET}; 2 of 2 pods are of it, 0 of all 2 are ready"),
            (Counts(2, 0, 0, 0, 0), "Unknown", f"{NOT_YET}; 0 of 2 pods are of it"),
        ],
    )
    def test_what_ran_once_and_is_replaced_runs_as_long_as_a_pod_of_it_is_surely_ready(
        self, counts: Counts | None, truth: str, words: str
    ) -> None:
        view = target("old", rollout=Rollout.PROGRESSING, rollout_message="slow", counts=counts, replicas=5)
        subject = rolled_back()
        settled = plan(subject.stored(), Observed(view), subject.now)
        assert isinstance(settled, Settle)
        found = next(each for each in settled.status.conditions if each.type == "StaysBack")
        assert (found.status, found.message.startswith(words)) == (truth, True)

    def test_scaled_to_zero_nothing_runs_and_the_time_after_it_is_not_judged(self) -> None:
        simulator = rolled_back(good_again=False)
        assert simulator.target is not None
        simulator.target.replicas = 0
        simulator.pass_time(MINUTE)
        why = "Deployment web asks for web-old again, but is scaled to zero: no pod of it runs"
        assert said(simulator, "StaysBack") == ("Unknown", "ScaledToZero", why)
        assert said(simulator, "Recovered")[1] == "RecoveryDue", "it may be scaled up before the time that is judged"
        simulator.pass_time(2 * HOUR)
        assert said(simulator, "Recovered") == (
            "Unknown",
            "ScaledToZero",
            "Deployment web is scaled to zero: there is nothing to measure",
        )
        assert "recovery" in simulator.status
        assert "snapshot" not in simulator.status["recovery"]
        assert "; whether that helped is not known: Deployment web is scaled to zero" in simulator.status["summary"]

    @pytest.mark.parametrize(("minutes", "verdict"), [(-1, "Unknown"), (1, "Recovered")])
    def test_scaled_to_zero_after_the_time_that_is_judged_it_is_judged(self, minutes: int, verdict: str) -> None:
        simulator = rolled_back()
        due = simulator.stored().status.recovery
        assert due is not None
        assert simulator.target is not None
        simulator.pass_time(due.due - simulator.now - 2 * MINUTE)
        simulator.target.replicas, simulator.target.scaled = 0, Edit("jane", due.due + minutes * MINUTE)
        simulator.now = due.due + 10 * MINUTE
        simulator.run()
        assert simulator.status["recovery"]["verdict"] == verdict

    def test_scaled_up_before_the_time_that_is_judged_it_is_judged(self) -> None:
        simulator = rolled_back()
        assert simulator.target is not None
        simulator.target.replicas = 0
        simulator.pass_time(2 * MINUTE)
        simulator.target.replicas = 1
        simulator.pass_time(2 * HOUR)
        assert (simulator.status["recovery"]["verdict"], said(simulator, "StaysBack")[0]) == ("Recovered", "True")

    def test_who_applied_it_is_named(self) -> None:
        simulator = rolled_back()
        owner = Owner(OwnerKind.APPLICATION, "web", "", "label argocd.argoproj.io/instance", wrote=False)
        view = replace(target("new"), edited=Edit("pipeline", T0 + 2 * HOUR), owner=owner)
        settled = plan(simulator.stored(), Observed(view), simulator.now)
        assert isinstance(settled, Settle)
        found = next(each for each in settled.status.conditions if each.type == "StaysBack")
        by = "by field manager pipeline (Update) at 2026-07-31T14:00:00Z, kept by Argo CD Application web;"
        assert f", applied {by}" in found.message
        assert aftermath.has_returned(simulator.stored().status, settled.status)
        unread = aftermath.unseen(
            simulator.stored().model_copy(update={"status": settled.status}),
            Reason.FORBIDDEN,
            "no right",
            T0 + 2 * HOUR,
        )
        assert not aftermath.has_returned(unread, settled.status), "it was known before the target could not be read"
        assert not aftermath.has_returned(settled.status, settled.status)

    def test_a_recovery_that_was_still_to_be_judged_is_unknown_then(self) -> None:
        simulator = rolled_back()
        assert simulator.target is not None
        simulator.target.roll_out("new", simulator.now)
        simulator.pass_time(MINUTE)
        assert simulator.status["recovery"]["verdict"] == "Unknown"
        assert said(simulator, "Recovered")[1] == "Returned"

    def test_one_that_was_judged_stays_judged(self) -> None:
        simulator = rolled_back()
        simulator.pass_time(2 * HOUR)
        judged = simulator.status["recovery"]
        assert simulator.target is not None
        simulator.target.roll_out("new", simulator.now)
        simulator.pass_time(HOUR)
        assert simulator.status["recovery"] == judged
        assert said(simulator, "Recovered")[0] == "True"

    def test_what_goes_away_again_is_back_and_when_it_first_returned_is_kept(self) -> None:
        simulator = rolled_back()
        assert simulator.target is not None
        for version in ("new", "old", "new", "old"):
            simulator.target.roll_out(version, simulator.now)
            simulator.pass_time(10 * MINUTE)
        first = simulator.status["aftermath"]["returnedAt"]
        assert first < "2026-07-31T13:12:00Z"
        truth, reason, message = said(simulator, "StaysBack")
        assert (truth, reason) == ("True", "StaysBack")
        assert message == f"web-old runs; web-new was seen to run again from {first} on, and is gone"

    def test_a_third_revision_ends_it(self) -> None:
        simulator = rolled_back()
        assert simulator.target is not None
        simulator.target.roll_out("newer", simulator.now)
        simulator.pass_time(MINUTE)
        assert said(simulator, "StaysBack") == (
            "Unknown",
            "NewRevision",
            "Deployment web was changed to web-newer: whether the rejected revision returns is looked at no more",
        )
        assert simulator.status["recovery"]["verdict"] == "Unknown"
        assert simulator.again is None

    @pytest.mark.parametrize("again", [False, True])
    def test_a_target_that_is_gone_ends_it(self, *, again: bool) -> None:
        simulator = rolled_back()
        simulator.target = Deployment(uid="another") if again else None
        simulator.pass_time(MINUTE)
        assert said(simulator, "StaysBack")[:2] == ("Unknown", "TargetReplaced")
        assert ("created again" in said(simulator, "StaysBack")[2]) is again
        assert simulator.again is None

    def test_an_undone_rollback_that_failed_is_looked_at_as_well(self) -> None:
        simulator = Simulator(review(signals=[signal()]), metrics=Metrics([(T0 - 10 * MINUTE, 1.5)]))
        simulator.pass_time(HOUR)
        while not simulator.status.get("act", {}).get("appliedAt"):
            simulator.pass_time(10 * SECOND)
        assert simulator.target is not None
        simulator.target.roll_out("new", simulator.now)
        simulator.pass_time(MINUTE)
        assert (simulator.phase, said(simulator, "StaysBack")[:2]) == (Phase.FAILED, ("False", "Returned"))
        assert simulator.status["summary"].endswith("; find what applied it and decide by hand"), "which is all of it"
        assert "recovery" not in simulator.status
        simulator.target.roll_out("old", simulator.now)
        simulator.pass_time(MINUTE)
        assert said(simulator, "StaysBack")[:2] == ("Unknown", "RollbackIncomplete")
        assert said(simulator, "StaysBack")[2] == (
            "Deployment web asks for web-old again, but not all of its pods run: its rollout is Progressing; 1 of 1 "
            "pods are of it, another revision still has 1, 1 of all 2 are ready; web-new was seen to run again from "
            f"{simulator.status['aftermath']['returnedAt']} on, and is gone"
        )
        simulator.pass_time(3 * MINUTE)
        assert (simulator.phase, said(simulator, "StaysBack")[0]) == (Phase.FAILED, "True")
        assert "decide by hand; since then: web-old runs; web-new was seen to run" in simulator.status["summary"]
        simulator.pass_time(5 * HOUR)
        assert simulator.again is None

    def test_a_target_that_cannot_be_looked_at_is_said_and_tried_again(self) -> None:
        simulator = rolled_back()
        simulator.unreadable = True
        simulator.pass_time(MINUTE)
        truth, reason, message = said(simulator, "StaysBack")
        assert (truth, reason) == ("Unknown", "InternalError")
        assert "see its log for shop/release" in message
        simulator.unreadable = False
        simulator.pass_time(MINUTE)
        assert said(simulator, "StaysBack")[0] == "True"

    def test_but_not_for_ever(self) -> None:
        simulator = rolled_back()
        simulator.unreadable = True
        simulator.pass_time(CLOSES - simulator.now + PATIENCE)
        assert simulator.again is None
        assert aftermath.is_over(simulator.stored().status)
        assert said(simulator, "StaysBack")[0] == "Unknown"
        assert simulator.status["recovery"]["verdict"] == "Unknown"


class TestAfterItFailed:
    """The previous pod template was put back, and its pods did not come."""

    def half(self) -> Simulator:
        simulator = Simulator(review(signals=[signal()]), metrics=Metrics([(T0 - 10 * MINUTE, 1.5)]))
        simulator.pass_time(HOUR)
        while not simulator.status.get("act", {}).get("appliedAt"):
            simulator.pass_time(10 * SECOND)
        assert simulator.target is not None
        simulator.target.began = T0 + 90 * HOUR  # its controller is away
        simulator.pass_time(15 * MINUTE)
        assert (simulator.phase, said(simulator, "StaysBack")[1]) == (Phase.FAILED, "RollbackIncomplete")
        return simulator

    def mended(self) -> Simulator:
        simulator = self.half()
        assert simulator.target is not None
        simulator.target.began = simulator.now - HOUR
        simulator.pass_time(MINUTE)
        return simulator

    def test_why_is_told_as_it_was_seen_then_and_once(self) -> None:
        simulator = self.half()
        why = simulator.status["summary"]
        put_back = simulator.status["act"]["appliedAt"]
        assert why.startswith(
            f"the template of web-old was put back at {put_back}, but its pods were not all there after"
        )
        assert "since then" not in why
        assert said(simulator, "Stalled") == ("True", "RollbackIncomplete", why)
        assert said(simulator, "Ready")[2] == why

    def test_what_was_mended_by_hand_is_told_behind_it_and_nothing_is_stalled_any_more(self) -> None:
        why = said(self.half(), "Ready")[2]
        simulator = self.mended()
        assert said(simulator, "StaysBack") == ("True", "StaysBack", "web-old runs")
        assert said(simulator, "Ready")[2] == f"{why}; since then: web-old runs"
        assert simulator.status["summary"].endswith("; since then: web-old runs")
        assert len(simulator.status["summary"]) <= 512
        assert said(simulator, "Stalled") == ("False", "RollbackIncomplete", NOT_HELD_UP)
        assert unproved(simulator) == []
        made = report(*taken(simulator))
        assert "; since then: web-old runs" in markdown(made)
        assert not any("Decide by hand" in each for each in told(made, "outlook"))

    @pytest.mark.parametrize(("ready", "truth"), [(4, "True"), (0, "Unknown")])
    def test_a_pod_that_is_replaced_after_that_is_no_new_failure(self, ready: int, truth: str) -> None:
        simulator, counts = self.mended(), Counts(5, 5, 5, ready, ready)
        view = target("old", rollout=Rollout.PROGRESSING, rollout_message="slow", counts=counts, replicas=5)
        settled = plan(simulator.stored(), Observed(view), simulator.now)
        assert isinstance(settled, Settle)
        found = {each.type: each.status for each in settled.status.conditions}
        assert (found["StaysBack"], found["Stalled"]) == (truth, "False" if truth == "True" else "True")

    def test_and_when_it_is_so_no_more_that_is_told_instead(self) -> None:
        why = said(self.half(), "Ready")[2]
        simulator = self.mended()
        assert simulator.target is not None
        simulator.target.roll_out("new", simulator.now)
        simulator.pass_time(MINUTE)
        assert said(simulator, "Ready")[2] == f"{why}; but web-new runs again, see StaysBack"
        assert said(simulator, "Stalled")[0] == "True"
        assert unproved(simulator) == []

    def test_another_revision_is_told_as_well(self) -> None:
        simulator = self.half()
        assert simulator.target is not None
        simulator.target.roll_out("newer", simulator.now)
        simulator.pass_time(MINUTE)
        assert simulator.status["summary"].endswith(
            "; since then: Deployment web was changed to web-newer: whether the rejected revision returns is looked at "
            "no more"
        )
        assert simulator.again is None
        assert unproved(simulator) == []

    def test_to_the_end_of_the_window_it_stays_told(self) -> None:
        simulator = self.mended()
        simulator.pass_time(5 * HOUR)
        assert simulator.status["summary"].endswith(
            "; since then: web-old runs; the window closed at 2026-07-31T16:30:00Z: looked at no more"
        )
        assert unproved(simulator) == []

    @pytest.mark.parametrize("kind", ["StaysBack", "Ready", "Stalled"])
    def test_none_of_it_can_be_altered_alone(self, kind: str) -> None:
        simulator = self.mended()
        found = next(each for each in simulator.status["conditions"] if each["type"] == kind)
        found["message"] = "nothing is amiss"
        assert unproved(simulator) != []


def test_of_what_was_scaled_to_zero_meanwhile_the_first_why_after_the_rollback_says_so() -> None:
    simulator = Simulator(review(signals=[signal()]), metrics=Metrics([(T0 - 10 * MINUTE, 1.5)]))
    simulator.pass_time(HOUR)
    while "act" not in simulator.status:
        simulator.pass_time(SECOND)
    assert simulator.target is not None
    simulator.target.replicas = 0
    while simulator.phase != Phase.ROLLED_BACK:
        simulator.pass_time(SECOND)
    assert simulator.now - T0 < HOUR + 10 * MINUTE
    why = "; Deployment web asks for web-old again, but is scaled to zero: no pod of it runs; whether that helped is"
    assert why in simulator.status["summary"]
    assert unproved(simulator) == []


class TestWhatIsOver:
    def test_a_review_that_rolled_nothing_back_is_over_with_its_end(self) -> None:
        simulator = Simulator(review(signals=[signal()]))
        simulator.pass_time(5 * HOUR)
        assert simulator.phase == Phase.PROMOTED
        assert aftermath.is_over(simulator.stored().status)
        assert aftermath.is_over_raw(simulator.status)
        assert plan(simulator.stored(), Observed(target()), T0 + 6 * HOUR) == Settle(simulator.stored().status, None)

    @pytest.mark.parametrize(
        ("status", "over"),
        [
            ({}, False),
            ({"phase": "Watching"}, False),
            ({"phase": "RolledBack"}, True),  # by an operator that looked at nothing afterwards
            ({"phase": "RolledBack", "aftermath": {}}, False),
            ({"phase": "Failed", "aftermath": {"returnedAt": "2026-07-31T14:00:00Z"}}, False),
            ({"phase": "RolledBack", "aftermath": {"endedAt": "2026-07-31T14:00:00Z"}}, True),
        ],
    )
    def test_it_is_read_off_the_stored_status(self, status: dict[str, Any], *, over: bool) -> None:
        assert aftermath.is_over_raw(status) is over

    def test_no_action_after_the_end_changes_the_target(self) -> None:
        simulator = rolled_back()
        seen = set()
        for version in ("old", "new", "newer", ""):
            for minutes in range(0, 300, 7):
                view = target(version) if version else None
                action = plan(simulator.stored(), Observed(view), simulator.now + minutes * MINUTE)
                seen.add(type(action))
                if isinstance(action, Settle):
                    assert action.status.phase in TERMINAL
                    assert action.status.act == simulator.stored().status.act
        assert seen == {Settle, CaptureRecovery}

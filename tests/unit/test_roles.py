"""What is left to whom where judging and acting are two processes."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from driftreview.api.act import Act, ActType, Do, Step
from driftreview.api.phases import TERMINAL, ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import Decision, DriftReviewStatus
from driftreview.api.verdicts import Recommendation, Verdict
from driftreview.domain.acting import ACTOR_SLACK
from driftreview.domain.action import Action, Observed, PatchTarget, Role, Settle
from driftreview.domain.grounds import rests_on
from driftreview.domain.plan import plan
from driftreview.domain.status import Stuck, condition, moved
from driftreview.runtime.roles import concerns, lease_name, news, watched
from tests.builders import HOUR, MINUTE, T0, review, signal, target
from tests.simulator import Metrics, Simulator
from tests.unit.test_promoting import LIFE, WINDOW, promoted

INTENT = T0 + HOUR + 2 * MINUTE


def decided(**spec: Any) -> Simulator:
    """A drift was found at the first look, and the rollback is the intent; the API server refuses it for now."""
    simulator = Simulator(review(**spec), metrics=Metrics([(T0, 1.5)]), refuses=True)
    simulator.pass_time(INTENT - T0)
    assert simulator.phase == Phase.ROLLING_BACK
    return simulator


def intended(**fields: Any) -> DriftReviewStatus:
    """Its status, before anybody tried to act."""
    status = DriftReviewStatus.model_validate(decided().status)
    assert status.act is not None
    quiet = [each for each in status.conditions if each.type != ConditionType.STALLED]
    return status.model_copy(update={"act": status.act.model_copy(update=fields), "conditions": quiet})


def step(status: DriftReviewStatus, role: Role, now: datetime = INTENT, **spec: Any) -> Action:
    return plan(review(status, **spec), Observed(target()), now, role)


class TestAJudge:
    def test_it_leaves_the_act_to_the_actor(self) -> None:
        assert step(intended(), Role.JUDGE) == Settle(intended(), INTENT + MINUTE)
        assert step(intended(), Role.ALL) == PatchTarget(ActType.ROLL_BACK)

    def test_if_nobody_begins_it_that_is_said(self) -> None:
        found = step(intended(), Role.JUDGE, INTENT + ACTOR_SLACK)
        assert isinstance(found, Settle)
        stalled = condition(found.status, ConditionType.STALLED)
        assert stalled is not None
        assert (found.status.phase, stalled.status, stalled.reason) == (Phase.ROLLING_BACK, "True", Reason.NO_ACTOR)
        assert "does the operator of role actor run" in stalled.message
        again = step(found.status, Role.JUDGE, INTENT + 2 * ACTOR_SLACK)
        assert isinstance(again, Settle)
        assert again.status == found.status, "once"

    def test_an_actor_that_says_what_it_waits_for_is_not_interrupted(self) -> None:
        status = DriftReviewStatus.model_validate(decided().status)
        stalled = condition(status, ConditionType.STALLED)
        assert stalled is not None
        assert stalled.status == "True"
        assert step(status, Role.JUDGE, INTENT + HOUR) == Settle(status, INTENT + HOUR + MINUTE)

    @pytest.mark.parametrize("said", [True, False])
    def test_what_nobody_begins_ends_after_the_window(self, *, said: bool) -> None:
        status = DriftReviewStatus.model_validate(decided().status) if said else intended()
        found = step(status, Role.JUDGE, T0 + 4 * HOUR + 30 * MINUTE + ACTOR_SLACK + timedelta(seconds=1))
        assert isinstance(found, Settle)
        assert (found.status.phase, found.again) == (Phase.FAILED, None)
        assert found.status.summary is not None
        assert found.status.summary == (
            "decided at 2026-07-31T13:02:00Z, but nobody has begun to carry it out before 2026-07-31T16:30:00Z; "
            "decide by hand"
        )

    def test_what_was_begun_is_the_actors_to_end(self) -> None:
        status = intended(applied_at=INTENT)
        assert step(status, Role.JUDGE, T0 + 9 * HOUR) == Settle(status, T0 + 9 * HOUR + MINUTE)

    @pytest.mark.parametrize(("done", "missed"), [(0, False), (1, True), (2, False)])
    def test_of_services_that_ship_together_it_is_told_which_nobody_takes_back(
        self, done: int, *, missed: bool
    ) -> None:
        def back(index: int) -> Step:
            moment = INTENT + MINUTE if index < done else None
            put_back = {"do": Do.PUT_BACK, "kind": "Deployment", "namespace": "shop", "name": f"web-{index}"}
            return Step.model_validate(put_back | {"applied_at": moment, "completed_at": moment})

        status = intended(applied_at=INTENT, steps=[back(0), back(1)])
        found = step(status, Role.JUDGE, INTENT + 10 * MINUTE)
        assert isinstance(found, Settle)
        stalled = condition(found.status, ConditionType.STALLED)
        assert (stalled is not None and stalled.reason == Reason.NO_ACTOR) is missed
        if stalled is not None:
            assert stalled.message.startswith(
                "step 2 of 2, Deployment shop/web-1, is next since 2026-07-31T13:03:00Z, but"
            )
        assert missed is (found.status != status), "before the first one the target's own rollout is followed"

    def test_while_it_is_suspended_nobody_is_missed(self) -> None:
        found = step(intended(), Role.JUDGE, INTENT + HOUR, suspend=True)
        assert isinstance(found, Settle)
        stalled = condition(found.status, ConditionType.STALLED)
        assert stalled is None or stalled.status == "False"


class TestAJudgeOfAPromotion:
    """The actor may die between any two of its steps."""

    def between(self, begun: int, **fields: Any) -> DriftReviewStatus:
        """So many steps were done, and the next one is as these fields have it."""
        subject = promoted()
        subject.pass_time(LIFE + 15 * MINUTE)
        status = subject.stored().status
        assert status.act is not None
        assert status.phase == Phase.PROMOTED
        undone = {"uid": None, "applied_at": None, "completed_at": None}
        steps = [
            each.model_copy(update=(undone | fields if index == begun else undone) if index >= begun else {})
            for index, each in enumerate(status.act.steps)
        ]
        act = status.act.model_copy(update={"steps": steps, "completed_at": None})
        rollback = status.rollback and status.rollback.model_copy(update={"reason": Reason.POSSIBLE})
        return moved(
            status.model_copy(update={"act": act, "phase": Phase.PROMOTING, "rollback": rollback}),
            *(Phase.PROMOTING, Reason.ACTING, "promoting", self.since(act, begun)),
        )

    def since(self, act: Act, index: int) -> datetime:
        found = act.steps[index - 1].completed_at if index else act.applied_at
        assert found is not None
        return found

    def judged(self, status: DriftReviewStatus, later: timedelta, begun: int, **policy: Any) -> DriftReviewStatus:
        assert status.act is not None
        subject = promoted(**policy).review.model_copy(update={"status": status})
        now = self.since(status.act, begun) + later
        found = plan(subject, Observed(target()), now, Role.JUDGE)
        assert isinstance(found, Settle)
        return found.status

    @pytest.mark.parametrize(
        ("begun", "what"),
        [
            (0, "step 1 of 3, Deployment shop/stable, is next since "),
            (1, "step 2 of 3, Deployment shop/web, is next since "),
            (2, "step 3 of 3, Deployment shop/worker, is next since "),
        ],
    )
    def test_a_step_that_nobody_begins_is_told_after_a_minute(self, begun: int, what: str) -> None:
        status = self.between(begun)
        second = timedelta(seconds=1)
        assert condition(self.judged(status, ACTOR_SLACK - second, begun), "Stalled") == condition(status, "Stalled")
        found = self.judged(status, ACTOR_SLACK, begun)
        stalled = condition(found, "Stalled")
        assert stalled is not None
        assert (found.phase, stalled.status, stalled.reason) == (Phase.PROMOTING, "True", Reason.NO_ACTOR)
        assert stalled.message.startswith(what)
        assert stalled.message.endswith(
            "but nobody has begun to carry it out: does the operator of role actor run, and watch here?"
        )
        assert self.judged(found, 2 * ACTOR_SLACK, begun) == found, "once"

    def test_one_that_was_begun_is_the_actors_to_end(self) -> None:
        status = self.between(1, applied_at=T0 + 2 * HOUR)
        assert self.judged(status, HOUR, 1) == status

    def test_after_the_last_one_it_is_the_actors_to_end(self) -> None:
        status = self.between(3)
        assert self.judged(status, HOUR, 3) == status

    def test_an_actor_that_says_what_holds_a_step_up_is_not_interrupted(self) -> None:
        status = self.between(1)
        assert status.act is not None
        stuck = Stuck(Reason.STEP_WAITS, "there is no such workload")
        now = self.since(status.act, 1)
        status = moved(status, Phase.PROMOTING, Reason.STEP_WAITS, "promoting", now, stuck)
        assert self.judged(status, 10 * MINUTE, 1) == status

    def test_in_a_freeze_and_right_after_it_nobody_is_missed(self) -> None:
        status = self.between(1)
        assert status.act is not None
        since = self.since(status.act, 1)
        for begun, of in ((1, status), (0, status.model_copy(update={"act": self.not_begun(status.act)}))):
            start = since if begun else of.act.intent_at if of.act else since
            ends = start + 5 * MINUTE
            freeze = {"name": "fair", "start": start.isoformat()[:19], "end": ends.isoformat()[:19]}
            for later, missed in ((4, False), (5, False), (7, True)):
                subject = promoted(freezes=[freeze]).review.model_copy(update={"status": of})
                found = plan(subject, Observed(target()), start + later * MINUTE, Role.JUDGE)
                assert isinstance(found, Settle)
                stalled = condition(found.status, "Stalled")
                assert (stalled is not None and stalled.reason == Reason.NO_ACTOR) is missed, (begun, later)

    def test_an_actor_that_died_in_a_freeze_is_missed_after_it(self) -> None:
        status = self.between(1)
        assert status.act is not None
        stuck = Stuck(Reason.FROZEN, "promotions are frozen by fair")
        status = moved(status, Phase.PROMOTING, Reason.FROZEN, "promoting", self.since(status.act, 1), stuck)
        stalled = condition(self.judged(status, 10 * MINUTE, 1), "Stalled")
        assert stalled is not None
        assert stalled.reason == Reason.NO_ACTOR

    def test_while_a_rollout_that_was_paused_goes_on_nobody_is_missed(self) -> None:
        status = self.between(0)
        assert status.act is not None
        paused = {"type": "Paused", "promoteTo": [{"name": "worker"}]}
        subject = review(status, signals=[signal()], rollout=paused, window=WINDOW)
        found = plan(subject, Observed(target()), self.since(status.act, 0) + 10 * MINUTE, Role.JUDGE)
        assert isinstance(found, Settle)
        assert found.status == status

    def not_begun(self, act: Act) -> Act:
        steps = [each.model_copy(update={"uid": None, "applied_at": None, "completed_at": None}) for each in act.steps]
        return act.model_copy(update={"steps": steps, "applied_at": None})

    def test_what_nobody_begins_ends_when_no_step_is_waited_for_any_more(self) -> None:
        status = self.between(1)
        assert status.rollback is not None
        assert status.act is not None
        left = status.rollback.closes_at + ACTOR_SLACK - self.since(status.act, 1)
        assert self.judged(status, left, 1).phase == Phase.PROMOTING
        found = self.judged(status, left + timedelta(seconds=1), 1)
        assert found.phase == Phase.FAILED
        assert found.summary is not None
        assert "but nobody has begun to carry it out before 2026-07-31T13:30:00Z" in found.summary
        assert found.summary.endswith(
            "; given to Deployment shop/stable, not given to Deployment shop/worker; decide by hand"
        )


class TestAnActor:
    def test_it_does_what_was_decided_as_one_that_does_all(self) -> None:
        assert step(intended(), Role.ACTOR) == PatchTarget(ActType.ROLL_BACK)

    def test_it_does_nothing_before(self) -> None:
        simulator = Simulator(review())
        simulator.pass_time(2 * HOUR)
        status = DriftReviewStatus.model_validate(simulator.status)
        assert step(status, Role.ACTOR, T0 + 5 * HOUR) == Settle(status, None)
        assert step(DriftReviewStatus(), Role.ACTOR) == Settle(DriftReviewStatus(), None)

    @pytest.mark.parametrize("phase", sorted(TERMINAL))
    def test_nor_after_the_end(self, phase: Phase) -> None:
        status = intended().model_copy(update={"phase": phase})
        assert step(status, Role.ACTOR) == Settle(status, None)


class TestTheLookThatAnActRestsOn:
    def lived(self, shifts: list[tuple[datetime, float]], mode: str = "up", **policy: str) -> DriftReviewStatus:
        simulator = Simulator(review(policy=policy), metrics=Metrics(shifts, mode=mode))
        simulator.pass_time(5 * HOUR)
        return DriftReviewStatus.model_validate(simulator.status)

    def test_it_is_the_one_that_found_the_drift(self) -> None:
        found = rests_on(self.lived([(T0 + HOUR, 1.5)]))
        assert found is not None
        assert (found.name, found.verdict) == ("2h", Verdict.DRIFT)

    def test_or_the_last(self) -> None:
        found = rests_on(self.lived([]))
        assert found is not None
        assert found.name == "4h"

    def test_also_where_the_policy_rules_on_what_it_left_open(self) -> None:
        found = rests_on(self.lived([], mode="empty", onInconclusive="Rollback"))
        assert found is not None
        assert (found.name, found.verdict) == ("4h", Verdict.INCONCLUSIVE)

    def test_what_people_decide_or_the_end_of_the_window_rests_on_none(self) -> None:
        assert rests_on(self.lived([], mode="empty", onWindowEnd="Rollback")) is None
        people = Decision(
            recommendation=Recommendation.REJECT, reason=Reason.REJECTED, message="no", by="jane", at=INTENT
        )
        assert rests_on(intended().model_copy(update={"decision": people})) is None
        assert rests_on(DriftReviewStatus()) is None


class TestProcesses:
    def test_a_judge_and_an_actor_run_beside_each_other_and_no_two_of_one_kind(self) -> None:
        assert lease_name(Role.JUDGE) == lease_name(Role.ALL) != lease_name(Role.ACTOR)

    def test_an_actor_watches_reviews_and_nothing_else(self) -> None:
        assert [each.plural for each in watched(Role.ACTOR, ())] == ["driftreviews"]
        assert watched(Role.JUDGE, ()) == watched(Role.ALL, ())
        assert all(each.namespaced for each in watched(Role.ALL, ("shop",)))

    def test_it_keeps_those_with_an_intent_in_mind(self) -> None:
        act = {"status": {"act": {}}}
        assert concerns(Role.ACTOR, act)
        assert not concerns(Role.ACTOR, {"status": {}})
        assert concerns(Role.JUDGE, {})

    def test_what_the_other_process_writes_is_news_and_what_it_writes_itself_is_none(self) -> None:
        metadata = {"uid": "a", "generation": 1}
        before, after = ({"metadata": metadata, "status": each} for each in ({"phase": "Watching"}, {"act": {}}))
        assert news(Role.ALL, before) == news(Role.ALL, after)
        assert news(Role.JUDGE, before) != news(Role.JUDGE, after)

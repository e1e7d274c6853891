"""What follows an approval: one workload after another, each only when the pods of the one before it run."""

from datetime import timedelta
from typing import Any, ClassVar

import pytest

from driftreview.api.act import ActType, Do, Step
from driftreview.api.approval import ApprovalType
from driftreview.api.phases import Phase
from driftreview.api.reasons import Reason
from driftreview.api.target import TargetKind
from driftreview.api.wayback import WayBackCheck
from driftreview.domain.action import Settle
from driftreview.domain.approvals import stops_promotion
from driftreview.domain.running import Edit
from driftreview.domain.status import condition
from driftreview.domain.stepping import held_up
from driftreview.domain.steps import next_step
from driftreview.domain.stop import Stop
from tests import builders
from tests.builders import HOUR, MINUTE, T0, approval, review, signal
from tests.simulator import Deployment, Metrics, Recipient, Simulator

CANARY: dict[str, Any] = {"type": "Canary", "stable": {"name": "stable"}, "promoteTo": [{"name": "worker"}]}
GIVE, SCALE, WORKER = (
    "GiveTemplate Deployment shop/stable",
    "Scale Deployment shop/web",
    "GiveImages Deployment shop/worker",
)
WINDOW = {"checkpoints": ["1h"], "rollback": "1h"}
LIFE = HOUR + 3 * MINUTE


def promoted(rollout: dict[str, Any] = CANARY, target: Deployment | None = None, **policy: Any) -> Simulator:
    """A good release right after its last look."""
    subject = Simulator(review(signals=[signal()], rollout=rollout, policy=policy, window=WINDOW))
    subject.target = target or Deployment()
    return subject


def taken(subject: Simulator) -> list[str]:
    return [f"{each.do} {each}" for each in subject.taken]


def summary(subject: Simulator) -> str:
    told = subject.stored().status.summary
    assert told is not None
    return told


class TestAnUnknownAutoscaler:
    def subject(self, rollout: dict[str, Any] = CANARY) -> Simulator:
        unknown = WayBackCheck(at=T0, generation=7, autoscaler_unknown="the operator may not read it")
        return promoted(rollout, Deployment(check=unknown))

    def test_holds_the_promotion_of_a_canary_before_anything_is_done_until_it_is_known(self) -> None:
        subject = self.subject()
        subject.pass_time(LIFE + 5 * MINUTE)
        status = subject.stored().status
        stalled = condition(status, "Stalled")
        assert stalled is not None
        assert (status.phase, status.act, subject.acts) == (Phase.HOLDING, None, [])
        assert (stalled.status, stalled.reason) == ("True", Reason.SCALING_UNKNOWN)
        assert stalled.message.startswith("whether a HorizontalPodAutoscaler owns the number of pods is not known (the")
        assert "; the promotion is done when that is known, not after 2026-07-31T13:30:00Z" in summary(subject)
        assert subject.target is not None
        subject.target.check = WayBackCheck(at=subject.now, generation=7)
        subject.pass_time(10 * MINUTE)
        assert (subject.phase, taken(subject)) == (Phase.PROMOTED, [GIVE, SCALE, WORKER])

    def test_holds_it_no_longer_than_the_window(self) -> None:
        subject = self.subject()
        subject.pass_time(2 * HOUR)
        assert (subject.phase, subject.acts) == (Phase.FAILED, [])
        assert "the promotion was not done before the window closed at 2026-07-31T13:30:00Z (whether" in summary(
            subject
        )

    def test_holds_nothing_where_nothing_is_scaled(self) -> None:
        subject = self.subject({"promoteTo": [{"name": "worker"}]})
        subject.pass_time(LIFE + 10 * MINUTE)
        assert (subject.phase, taken(subject)) == (Phase.PROMOTED, [WORKER])

    def test_of_a_canary_that_drifts_the_previous_template_is_put_back_at_once(self) -> None:
        subject = self.subject()
        subject.metrics = Metrics([(T0 - 10 * MINUTE, 1.5)])
        subject.pass_time(LIFE)
        act = subject.stored().status.act
        assert act is not None
        assert (act.type, act.do, subject.acts) == (ActType.ROLL_BACK, Do.PUT_BACK, [ActType.ROLL_BACK])
        assert subject.target is not None
        assert subject.target.version == "old"


class TestSteps:
    def test_are_done_one_after_another_each_when_the_pods_of_the_one_before_it_run(self) -> None:
        subject = promoted()
        subject.pass_time(LIFE)
        assert (subject.phase, taken(subject)) == (Phase.PROMOTING, [GIVE])
        assert "promoting, step 1 of 3: Deployment shop/stable: its rollout is Progressing" in summary(subject)
        subject.pass_time(4 * MINUTE)
        assert taken(subject) == [GIVE, SCALE]
        subject.pass_time(8 * MINUTE)
        assert (subject.phase, taken(subject)) == (Phase.PROMOTED, [GIVE, SCALE, WORKER])
        assert "is approved; given to Deployment shop/stable, Deployment shop/worker: T0+1h" in summary(subject)

    def test_are_written_with_the_intent_and_ticked_off(self) -> None:
        subject = promoted()
        subject.pass_time(LIFE + 15 * MINUTE)
        act = subject.stored().status.act
        assert act is not None
        moments = [act.intent_at, act.applied_at, *(m for s in act.steps for m in (s.applied_at, s.completed_at))]
        known = [each for each in [*moments, act.completed_at] if each is not None]
        assert len(known) == 9
        assert known == sorted(known)
        assert {each.uid for each in act.steps} == {"recipient-uid"}

    def test_that_are_found_done_are_not_done_again(self) -> None:
        subject = promoted()
        subject.recipients[GIVE] = Recipient(began=T0)
        subject.pass_time(LIFE + 10 * MINUTE)
        assert (subject.phase, taken(subject)) == (Phase.PROMOTED, [SCALE, WORKER])

    def test_without_any_a_promotion_ends_at_once(self) -> None:
        subject = promoted({})
        subject.pass_time(LIFE)
        assert (subject.phase, taken(subject)) == (Phase.PROMOTED, [])

    def test_a_rollback_has_none(self) -> None:
        subject = promoted()
        subject.metrics = Metrics([(T0 - 10 * MINUTE, 1.5)])
        subject.pass_time(LIFE)
        assert (subject.phase, taken(subject)) == (Phase.ROLLED_BACK, [])
        assert next_step(subject.stored().status.act) is None
        assert subject.target is not None
        assert (subject.target.replicas, subject.target.version) == (0, "new")
        assert "rolled back to no pods" in summary(subject)


class TestAStepThatFails:
    @pytest.mark.parametrize("never", [False, True])
    def test_ends_the_promotion_and_the_rest_is_not_begun(self, never: bool) -> None:  # noqa: FBT001
        subject = promoted()
        subject.recipients[GIVE] = Recipient(fails=True, takes=timedelta(days=1) if never else MINUTE)
        subject.pass_time(LIFE + 20 * MINUTE)
        stored = subject.stored().status
        stalled = condition(stored, "Stalled")
        assert (stored.phase, taken(subject)) == (Phase.FAILED, [GIVE])
        assert stalled is not None
        assert stalled.reason == Reason.PROMOTION_INCOMPLETE
        assert stalled.message.startswith("web-new is approved, but the promotion came only so far until 2026-07-31T")
        assert "Z: Deployment shop/stable: its pods were not all there after " in stalled.message
        assert stalled.message.endswith(
            "; changed, but not all of its pods run: Deployment shop/stable, not given to Deployment shop/worker; "
            "finish it or take it back by hand"
        )

    def test_is_not_done_again_where_somebody_took_it_back(self) -> None:
        subject = promoted()
        subject.pass_time(LIFE)
        subject.recipients[GIVE].began = None
        subject.pass_time(MINUTE)
        assert (subject.phase, taken(subject)) == (Phase.FAILED, [GIVE])
        assert "somebody changed it again" in summary(subject)

    def test_is_not_done_again_where_an_admission_webhook_made_something_else_of_it(self) -> None:
        subject = promoted()
        subject.recipients[GIVE] = Recipient(altered=True)
        subject.pass_time(LIFE + MINUTE)
        assert (subject.phase, taken(subject)) == (Phase.FAILED, [GIVE])
        assert "or an admission webhook made something else of it" in summary(subject)


class TestAStepThatWaits:
    def test_for_a_look_at_what_was_given_already_is_no_failure(self) -> None:
        subject = promoted()
        subject.pass_time(LIFE)
        subject.recipients[GIVE].unread, subject.recipients[GIVE].hindrance = True, "the operator may not read it"
        subject.pass_time(10 * MINUTE)
        stalled = condition(subject.stored().status, "Stalled")
        assert stalled is not None
        assert (subject.phase, stalled.reason) == (Phase.PROMOTING, Reason.STEP_WAITS)
        subject.recipients[GIVE].unread, subject.recipients[GIVE].hindrance = False, ""
        subject.pass_time(10 * MINUTE)
        assert (subject.phase, taken(subject)) == (Phase.PROMOTED, [GIVE, SCALE, WORKER])

    def test_says_why_and_goes_on_by_itself(self) -> None:
        subject = promoted()
        subject.recipients[WORKER] = Recipient(hindrance="there is no Deployment shop/worker")
        subject.pass_time(LIFE + 8 * MINUTE)
        stalled = condition(subject.stored().status, "Stalled")
        assert stalled is not None
        assert (stalled.status, stalled.reason) == ("True", Reason.STEP_WAITS)
        assert "is given the images of the release as soon as it can be: there is no Deployment" in stalled.message
        assert stalled.message.endswith("; not after 2026-07-31T13:30:00Z")
        subject.recipients[WORKER].hindrance = ""
        subject.pass_time(5 * MINUTE)
        assert (subject.phase, taken(subject)) == (Phase.PROMOTED, [GIVE, SCALE, WORKER])

    def test_is_given_up_after_the_window(self) -> None:
        subject = promoted()
        subject.recipients[WORKER] = Recipient(hindrance="the operator may not read it")
        subject.pass_time(LIFE + HOUR)
        assert (subject.phase, taken(subject)) == (Phase.FAILED, [GIVE, SCALE])
        assert "the operator may not read it; given to Deployment shop/stable, not given to" in summary(subject)

    def test_waits_for_the_end_of_the_emergency_stop(self) -> None:
        subject = promoted()
        subject.pass_time(LIFE)
        subject.stop = Stop("all acts were stopped")
        subject.pass_time(8 * MINUTE)
        assert taken(subject) == [GIVE]
        assert "all acts were stopped" in summary(subject)
        subject.stop = None
        subject.pass_time(8 * MINUTE)
        assert subject.phase == Phase.PROMOTED

    def test_waits_for_the_end_of_a_freeze_unless_it_was_overridden(self) -> None:
        ends = {"name": "fair", "start": "2026-07-31T13:05", "end": "2026-07-31T13:20"}
        subject = promoted(freezes=[ends])
        subject.pass_time(LIFE + 12 * MINUTE)
        assert taken(subject) == [GIVE]
        assert "promotions are frozen by fair" in summary(subject)
        subject.approvals.append(approval("Override", at=subject.now))
        subject.pass_time(12 * MINUTE)
        assert subject.phase == Phase.PROMOTED

    def test_while_the_review_is_suspended(self) -> None:
        subject = promoted()
        subject.pass_time(LIFE)
        subject.suspend(suspended=True)
        subject.pass_time(8 * MINUTE)
        assert taken(subject) == [GIVE]
        subject.suspend(suspended=False)
        subject.pass_time(8 * MINUTE)
        assert subject.phase == Phase.PROMOTED

    def test_is_not_begun_after_a_reject_and_what_was_begun_is_followed(self) -> None:
        subject = promoted()
        subject.pass_time(LIFE)
        subject.approvals.append(approval("Reject", at=subject.now, message="errors in checkout"))
        subject.pass_time(MINUTE)
        assert subject.phase == Phase.PROMOTING
        (record,) = subject.stored().status.approvals
        assert record.why.endswith("; no further workload is given the release")
        subject.pass_time(3 * MINUTE)
        assert (subject.phase, taken(subject)) == (Phase.FAILED, [GIVE])
        assert "rejected by jane: errors in checkout; given to Deployment shop/stable, not given to" in summary(subject)

    def test_of_a_review_without_an_act_there_is_none(self) -> None:
        settled = held_up(review(), 0, Reason.STEP_WAITS, "why", T0)
        assert isinstance(settled, Settle)
        assert settled.status == review().status


class TestAPausedRollout:
    PAUSED: ClassVar = {"type": "Paused"}

    LIFE = LIFE + 10 * MINUTE
    """Nothing tells since when it is paused: T0 is a warmup after it was first seen so."""

    def target(self) -> Deployment:
        return Deployment(paused=True, partly=True)

    def test_is_judged_as_it_stands_and_resumed_by_the_promotion(self) -> None:
        subject = promoted(self.PAUSED, self.target())
        subject.pass_time(self.LIFE)
        assert subject.acts == [ActType.PROMOTE]
        assert "the rollout of web-new goes on: its rollout is Progressing" in summary(subject)
        subject.pass_time(4 * MINUTE)
        assert subject.phase == Phase.PROMOTED

    def test_is_taken_back_with_the_previous_template(self) -> None:
        subject = promoted(self.PAUSED, self.target())
        subject.metrics = Metrics([(T0 - 10 * MINUTE, 1.5)])
        subject.pass_time(2 * HOUR)
        assert subject.target is not None
        assert (subject.phase, subject.target.version, subject.target.paused) == (Phase.ROLLED_BACK, "old", False)

    def test_that_does_not_finish_after_it_was_resumed_ends_the_review(self) -> None:
        subject = promoted(self.PAUSED | {"promoteTo": [{"name": "worker"}]}, self.target())
        assert subject.target is not None
        subject.target.fails = True
        subject.pass_time(LIFE + 20 * MINUTE)
        assert (subject.phase, taken(subject)) == (Phase.FAILED, [])
        assert "is approved and its rollout was resumed, but its pods were not all there after" in summary(subject)
        assert "not given to Deployment shop/worker" in summary(subject)

    def test_is_finished_before_anything_else_is_given_the_release(self) -> None:
        subject = promoted(self.PAUSED | {"promoteTo": [{"name": "worker"}]}, self.target())
        subject.pass_time(self.LIFE)
        assert taken(subject) == []
        subject.pass_time(10 * MINUTE)
        assert (subject.phase, taken(subject)) == (Phase.PROMOTED, [WORKER])

    def test_that_is_scaled_while_the_next_one_waits_has_not_been_late(self) -> None:
        subject = promoted(self.PAUSED | {"promoteTo": [{"name": "worker"}]}, self.target())
        subject.recipients[WORKER] = Recipient(hindrance="the operator may not read it")
        subject.pass_time(self.LIFE + 12 * MINUTE)
        assert subject.target is not None
        subject.target.began, subject.target.scaled = subject.now, Edit("autoscaler", subject.now)
        subject.pass_time(MINUTE)
        assert (subject.phase, taken(subject)) == (Phase.PROMOTING, [])
        subject.recipients[WORKER].hindrance = ""
        subject.pass_time(10 * MINUTE)
        assert (subject.phase, taken(subject)) == (Phase.PROMOTED, [WORKER])


class TestAFirstRelease:
    def drifted(self, rollout: dict[str, Any]) -> Simulator:
        """Nothing ran before it, and its first look finds it beyond its limit."""
        spec = {"signals": [builders.limit("120")], "rollout": rollout, "window": WINDOW}
        subject = Simulator(review(**spec), target=Deployment(before="", is_first=True), metrics=Metrics([(T0, 1.5)]))
        subject.pass_time(LIFE + 8 * MINUTE)
        return subject

    def test_is_scaled_to_zero_where_that_is_asked_for(self) -> None:
        subject = self.drifted({"firstRelease": "ScaleToZero"})
        assert subject.target is not None
        assert (subject.phase, subject.target.replicas) == (Phase.ROLLED_BACK, 0)

    def test_is_left_to_people_otherwise(self) -> None:
        subject = self.drifted({})
        assert (subject.phase, subject.acts) == (Phase.FAILED, [])
        assert "it cannot be rolled back: no earlier revision was kept at T0" in summary(subject)


def test_who_scales_a_canary_up_again_after_its_rollback_is_told() -> None:
    subject = promoted()
    subject.metrics = Metrics([(T0 - 10 * MINUTE, 1.5)])
    subject.pass_time(LIFE)
    recovered, stays = (condition(subject.stored().status, each) for each in ("Recovered", "StaysBack"))
    assert recovered is not None
    assert (recovered.status, recovered.reason) == ("Unknown", Reason.SCALED_TO_ZERO)
    assert stays is not None
    assert (stays.status, stays.message) == ("True", "Deployment web has no pods")
    assert subject.target is not None
    subject.target.replicas = 3
    subject.pass_time(MINUTE)
    again = condition(subject.stored().status, "StaysBack")
    assert again is not None
    assert again.status == "False"


@pytest.mark.parametrize(
    ("act", "given", "stops"),
    [
        (ActType.PROMOTE, ApprovalType.REJECT, True),
        (ActType.PROMOTE, ApprovalType.APPROVE, False),
        (ActType.ROLL_BACK, ApprovalType.REJECT, False),
        (None, ApprovalType.REJECT, False),
    ],
)
def test_only_a_reject_stops_what_is_left_of_a_promotion(act: ActType | None, given: ApprovalType, stops: bool) -> None:  # noqa: FBT001
    step = Step(do=Do.GIVE_IMAGES, kind=TargetKind.DEPLOYMENT, namespace="shop", name="worker")
    assert stops_promotion(builders.intent(act, steps=[step]) if act else None, given) is stops
    done = step.model_copy(update={"applied_at": T0, "completed_at": T0})
    assert not stops_promotion(builders.intent(act, steps=[done]) if act else None, given)

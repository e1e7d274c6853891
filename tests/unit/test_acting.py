"""Between the stored intent and the verified outcome: never on a forged intent, and never without an end."""

from datetime import timedelta

import pytest

from driftreview.api.act import ActType
from driftreview.api.approval import ApprovalRecord
from driftreview.api.checkpoint import Checkpoint
from driftreview.api.phases import Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import Decision, DriftReviewStatus
from driftreview.api.verdicts import Recommendation
from driftreview.domain.action import Action, Observed, PatchTarget, Settle
from driftreview.domain.conclusion import BY_WINDOW_END
from driftreview.domain.plan import plan
from tests.builders import HOUR, MINUTE, T0, drifted, intent, review, signal, target
from tests.simulator import Metrics, Simulator

ASKED = Decision(
    recommendation=Recommendation.REJECT, reason=Reason.SIGNAL_DEGRADED, message="why", by="checkpoint 1h", at=T0 + HOUR
)

FORGED = "was not written by the operator"


def intended(act: ActType, decision: Decision | None = ASKED, uid: str = "target-uid") -> DriftReviewStatus:
    begun = plan(review(), Observed(target()), T0)
    assert isinstance(begun, Settle)
    written = intent(act, T0 + HOUR, target_uid=uid)
    return drifted(begun.status).model_copy(update={"act": written, "decision": decision, "phase": Phase.ROLLING_BACK})


def looks_to_come() -> list[Checkpoint]:
    """The looks of a review that were not taken yet."""
    begun = plan(review(), Observed(target()), T0)
    assert isinstance(begun, Settle)
    return begun.status.checkpoints


def recorded(given: str) -> ApprovalRecord:
    """What a person gave, as a review remembers it."""
    return ApprovalRecord(
        type=given, by="jane", at=T0 + MINUTE, name="one", uid="u1", revision="web-new", message="why", counted=True
    )


def next_step(status: DriftReviewStatus, mode: str = "Enforce") -> Action:
    return plan(review(status, policy={"mode": mode}), Observed(target()), T0 + HOUR)


class TestAForgedIntent:
    """Who can write a status but no Deployment must not have the operator write it for him."""

    def test_a_sound_one_is_carried_out(self) -> None:
        assert next_step(intended(ActType.ROLL_BACK)) == PatchTarget(ActType.ROLL_BACK)

    @pytest.mark.parametrize("mode", ["Advise", "Observe"])
    def test_it_is_not_carried_out_where_nobody_asked_the_operator_to_act(self, mode: str) -> None:
        assert FORGED in self.refused(next_step(intended(ActType.ROLL_BACK), mode))

    def test_it_is_not_carried_out_without_a_decision(self) -> None:
        assert FORGED in self.refused(next_step(intended(ActType.ROLL_BACK, None)))

    @pytest.mark.parametrize(
        ("act", "recommendation"),
        [(ActType.PROMOTE, Recommendation.REJECT), (ActType.ROLL_BACK, Recommendation.APPROVE)],
    )
    def test_it_is_not_carried_out_against_the_decision(self, act: ActType, recommendation: Recommendation) -> None:
        assert FORGED in self.refused(
            next_step(intended(act, ASKED.model_copy(update={"recommendation": recommendation})))
        )

    def test_it_is_not_carried_out_on_another_object(self) -> None:
        assert FORGED in self.refused(next_step(intended(ActType.ROLL_BACK, uid="another")))

    def test_it_is_not_carried_out_where_no_look_decided_so(self) -> None:
        status = intended(ActType.ROLL_BACK)
        assert "nothing of what checkpoint 1h is said to have decided by" in self.refused(
            next_step(status.model_copy(update={"checkpoints": looks_to_come()}))
        )

    @pytest.mark.parametrize(
        ("reason", "given"),
        [(Reason.REJECTED, "Reject"), (Reason.OVERRIDDEN, "Override"), (Reason.APPROVED, "Approve")],
    )
    def test_of_people_it_is_carried_out_only_where_their_act_is_written_down_and_counts(
        self, reason: Reason, given: str
    ) -> None:
        does, what = ActType.PROMOTE, Recommendation.APPROVE
        if given == "Reject":
            does, what = ActType.ROLL_BACK, Recommendation.REJECT
        said = ASKED.model_copy(update={"recommendation": what, "reason": reason, "by": "jane"})
        status = intended(does, said)
        assert FORGED in self.refused(next_step(status))
        record = recorded(given)
        void = record.model_copy(update={"counted": False, "why": "it is for an earlier review of this name"})
        assert FORGED in self.refused(next_step(status.model_copy(update={"approvals": [void]})))
        assert next_step(status.model_copy(update={"approvals": [record]})) == PatchTarget(does)

    def test_at_the_end_of_the_window_the_policy_decides_without_a_look(self) -> None:
        by = ASKED.model_copy(
            update={"recommendation": Recommendation.INCONCLUSIVE, "reason": Reason.POLICY, "by": BY_WINDOW_END}
        )
        unjudged = intended(ActType.ROLL_BACK, by).model_copy(update={"checkpoints": looks_to_come()})
        assert next_step(unjudged) == PatchTarget(ActType.ROLL_BACK)

    def refused(self, action: Action) -> str:
        """How a review ended that refuses its act."""
        assert isinstance(action, Settle)
        assert action.again is None
        assert action.status.phase is Phase.FAILED
        assert action.status.summary is not None
        return action.status.summary


class TestARollback:
    def at_its_intent(self) -> Simulator:
        """A drift was found at the first look; the rollback is refused for now."""
        simulator = Simulator(review(signals=[signal()]), metrics=Metrics([(T0 - 10 * MINUTE, 1.5)]))
        simulator.refuses = True
        simulator.pass_time(HOUR + 3 * MINUTE)
        assert simulator.phase == Phase.ROLLING_BACK
        simulator.refuses = False
        return simulator

    def under_way(self) -> Simulator:
        """The previous template is back, its pods are not yet."""
        simulator = self.at_its_intent()
        simulator.pass_time(MINUTE)
        assert simulator.acts == [ActType.ROLL_BACK]
        assert simulator.phase == Phase.ROLLING_BACK
        return simulator

    def stalled(self, simulator: Simulator) -> tuple[str, str]:
        found = next(each for each in simulator.status["conditions"] if each["type"] == "Stalled")
        return found["status"], found["reason"]

    def test_of_a_target_paused_meanwhile_waits_until_it_is_resumed(self) -> None:
        simulator = self.at_its_intent()
        assert simulator.target is not None
        simulator.target.paused = True
        simulator.pass_time(10 * MINUTE)
        assert simulator.acts == []
        assert self.stalled(simulator) == ("True", "TargetPaused")
        assert "kubectl rollout resume deployment/web -n shop" in simulator.status["summary"]
        simulator.target.paused = False
        simulator.pass_time(10 * MINUTE)
        assert simulator.phase == Phase.ROLLED_BACK

    def test_of_a_target_paused_half_way_says_so_and_goes_on(self) -> None:
        simulator = self.under_way()
        assert simulator.target is not None
        simulator.target.paused = True
        simulator.pass_time(HOUR)
        assert self.stalled(simulator) == ("True", "TargetPaused")
        assert "to web-old begun, but not finished" in simulator.status["summary"]
        simulator.target.paused = False
        simulator.pass_time(MINUTE)
        assert simulator.phase == Phase.ROLLED_BACK
        assert self.stalled(simulator)[0] == "False"

    def test_that_never_moves_ends_with_the_deadline_of_its_target_and_some(self) -> None:
        simulator = self.under_way()
        assert simulator.target is not None
        simulator.target.began = T0 + 90 * HOUR  # its controller is away
        simulator.pass_time(9 * MINUTE)
        assert simulator.phase == Phase.ROLLING_BACK
        simulator.pass_time(3 * MINUTE)
        assert simulator.phase == Phase.FAILED
        summary = simulator.status["summary"]
        put_back = simulator.status["act"]["appliedAt"]
        told = f"the template of web-old was put back at {put_back}, but its pods were not all there after 11m"
        assert summary.startswith(told)
        assert "; seen then: " in summary
        assert summary.endswith("or roll out by hand what is known to be good")

    def test_that_was_refused_to_the_end_says_what_stood_in_its_way(self) -> None:
        simulator = self.at_its_intent()
        simulator.refuses = True
        simulator.pass_time(MINUTE)
        simulator.suspend(suspended=True)  # nobody tries in the meantime
        simulator.pass_time(MINUTE)
        simulator.now = T0 + 5 * HOUR
        simulator.suspend(suspended=False)
        simulator.run()
        assert simulator.phase == Phase.FAILED
        assert "was not done before the window closed" in simulator.status["summary"]

    def test_waits_for_its_pods_and_then_says_when_it_was_done(self) -> None:
        simulator = self.under_way()
        simulator.pass_time(10 * MINUTE)
        act = simulator.status["act"]
        assert act["intentAt"] < act["appliedAt"] < act["completedAt"]
        assert simulator.status["summary"].startswith("rolled back to web-old: T0+1h: latency is Degraded")


def test_a_promotion_writes_the_approval_and_sees_it() -> None:
    simulator = Simulator(review(signals=[signal()]))
    simulator.pass_time(4 * HOUR + 3 * MINUTE)
    assert simulator.target is not None
    assert simulator.target.approved == target().template_hash
    assert simulator.phase == Phase.PROMOTED
    assert simulator.status["act"]["completedAt"] == "2026-07-31T16:02:00Z"


def test_what_was_approved_before_is_not_approved_again() -> None:
    simulator = Simulator(review(signals=[signal()]))
    assert simulator.target is not None
    simulator.target.approved = target().template_hash
    simulator.pass_time(5 * HOUR)
    assert simulator.phase == Phase.PROMOTED
    assert simulator.acts == []


def test_a_target_that_is_not_seen_while_acting_ends_the_review() -> None:
    gone = plan(review(intended(ActType.ROLL_BACK)), Observed(None), T0 + HOUR + timedelta(seconds=2))
    assert isinstance(gone, Settle)
    assert gone.status.phase is Phase.SUPERSEDED

"""What others do to the target of a started review: told with who did it, and never fought."""

import json
from datetime import timedelta
from typing import Any

import pytest

from driftreview.api.act import ActType
from driftreview.api.base import format_time
from driftreview.api.configuration import DeploymentFact
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec
from driftreview.api.facts import Facts
from driftreview.api.phases import Phase
from driftreview.api.reasons import Reason
from driftreview.api.signal import OnMissing
from driftreview.api.status import Decision, DriftReviewStatus
from driftreview.api.target import TargetKind
from driftreview.api.verdicts import Recommendation, SignalVerdict, Verdict
from driftreview.domain.action import Observed, PatchTarget, Settle
from driftreview.domain.emptied import emptied, of_nothing
from driftreview.domain.finding import Finding
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.marks import BREAK_GLASS, break_glass
from driftreview.domain.plan import plan
from driftreview.domain.recheck import differences, earlier, looked
from driftreview.domain.rulings import rulings
from driftreview.domain.running import Edit, last_edit, scaled_at
from driftreview.domain.workload import TargetView
from tests.builders import (
    HOUR,
    MINUTE,
    T0,
    around,
    drifted,
    evidence,
    intent,
    presence,
    review,
    revision,
    series,
    signal,
    snapshot,
    spec,
    target,
)
from tests.reportdata import taken
from tests.simulator import Simulator
from tests.unit.test_life_of_a_review import release

JANE = Edit("kubectl-rollout", T0 + MINUTE)
NOW = T0 + 5 * MINUTE


def begun(decision: Decision | None = None, act: ActType | None = None) -> DriftReview:
    settled = plan(review(), Observed(target()), T0)
    assert isinstance(settled, Settle)
    written = None if act is None else intent(act, T0 + MINUTE)
    status = settled.status if decision is None else drifted(settled.status)
    return review(status.model_copy(update={"decision": decision, "act": written}))


def after(subject: DriftReview, view: TargetView | None) -> DriftReviewStatus:
    settled = plan(
        subject, Observed(view), max(NOW, (subject.status.t0 or T0) + 40 * MINUTE) if subject.status.baseline else NOW
    )
    assert isinstance(settled, Settle)
    return DriftReviewStatus.model_validate(settled.status.to_wire())


def said(status: DriftReviewStatus, kind: str) -> tuple[str, str]:
    found = next(each for each in status.conditions if each.type == kind)
    return found.status, found.reason


def concluded(what: Recommendation) -> Decision:
    reason = {Recommendation.APPROVE: Reason.SIGNALS_PASSED, Recommendation.REJECT: Reason.SIGNAL_DEGRADED}
    given = reason.get(what, Reason.NOT_ENOUGH_EVIDENCE)
    return Decision(recommendation=what, reason=given, message="why", by="checkpoint 1h", at=T0 + MINUTE)


class TestTakenBack:
    def test_by_hand_is_a_verdict_of_people(self) -> None:
        status = after(begun(), target("old", edited=JANE))
        assert (status.phase, said(status, "Reconciling")) == (Phase.SUPERSEDED, ("False", Reason.REVERTED_BY_HAND))
        message = (
            "Deployment web was taken back by hand from web-new to web-old by kubectl-rollout at 2026-07-31T12:01:00Z: "
            "web-new counts as rejected"
        )
        assert status.summary == message
        assert status.decision == Decision(
            recommendation=Recommendation.REJECT,
            reason=Reason.REVERTED_BY_HAND,
            message=message,
            by="kubectl-rollout",
            at=NOW,
        )

    def test_where_no_manager_tells_it_was_somebody(self) -> None:
        status = after(begun(), target("old"))
        assert status.decision is not None
        assert status.decision.by == "somebody"
        assert (
            status.summary
            == "Deployment web was taken back by hand from web-new to web-old: web-new counts as rejected"
        )

    @pytest.mark.parametrize("what", [Recommendation.APPROVE, Recommendation.INCONCLUSIVE])
    def test_it_overrules_what_was_decided_and_tells_that(self, what: Recommendation) -> None:
        status = after(begun(concluded(what)), target("old", edited=JANE))
        assert status.decision is not None
        assert (status.decision.recommendation, status.decision.reason) == (
            Recommendation.REJECT,
            Reason.REVERTED_BY_HAND,
        )
        assert status.decision.message.endswith(f"; before: {what}, why")

    def test_what_was_rejected_already_stays_decided_as_it_was(self) -> None:
        decision = concluded(Recommendation.REJECT)
        status = after(begun(decision), target("old", edited=JANE))
        assert (status.decision, said(status, "Reconciling")[1]) == (decision, Reason.REVERTED_BY_HAND)

    def test_by_another_review_is_no_verdict_of_people(self) -> None:
        status = after(begun(), target("old", edited=JANE, taken_back=(revision("new").template_hash,)))
        assert (status.phase, said(status, "Reconciling")[1]) == (Phase.SUPERSEDED, Reason.NEW_REVISION)
        assert status.decision is None
        assert status.summary is not None
        assert status.summary.startswith(
            "Deployment web was rolled back by another review to web-old by kubectl-rollout"
        )

    def test_to_what_was_never_pinned_is_another_revision(self) -> None:
        status = after(begun(), target("older", edited=JANE))
        assert (said(status, "Reconciling")[1], status.decision) == (Reason.NEW_REVISION, None)
        assert status.summary == (
            "Deployment web was changed to web-older by kubectl-rollout at 2026-07-31T12:01:00Z during the review of "
            "web-new: nothing more is judged or done"
        )

    def test_a_promotion_on_its_way_is_not_done(self) -> None:
        status = after(begun(concluded(Recommendation.APPROVE), ActType.PROMOTE), target("old", edited=JANE))
        assert (status.phase, said(status, "Reconciling")[1]) == (Phase.SUPERSEDED, Reason.REVERTED_BY_HAND)

    def test_our_own_rollback_that_somebody_was_quicker_with_is_found_done(self) -> None:
        subject = begun(concluded(Recommendation.REJECT), ActType.ROLL_BACK)
        status = after(subject, target("old", edited=JANE))
        assert status.phase is Phase.ROLLED_BACK
        assert status.act is not None
        assert status.act.by == "by field manager kubectl-rollout (Update) at 2026-07-31T12:01:00Z"
        assert status.summary == f"rolled back to web-old {status.act.by}: why"
        ours = after(subject, target("old", edited=JANE, taken_back=(revision("new").template_hash,)))
        assert ours.act is not None
        assert (ours.act.by, ours.summary) == (None, "rolled back to web-old: why")

    def test_a_rollback_is_still_to_be_done_while_the_judged_template_runs(self) -> None:
        subject = begun(concluded(Recommendation.REJECT), ActType.ROLL_BACK)
        assert plan(subject, Observed(target()), NOW) == PatchTarget(ActType.ROLL_BACK)


class TestBlock:
    """With policy.onNewRevision: Block another revision should not have come to run."""

    ENDS = (
        "Deployment web was changed to web-newer by kubectl-rollout at 2026-07-31T12:01:00Z during the review of "
        "web-new: nothing more is judged or done"
    )

    def ended(self, view: TargetView, at_t0: str | None = None, policy: str = "Block") -> DriftReviewStatus:
        blocking = {"onNewRevision": policy}
        settled = plan(review(policy=blocking), Observed(target(break_glass=at_t0)), T0)
        assert isinstance(settled, Settle)
        return after(review(settled.status, policy=blocking), view)

    def test_that_nothing_enforced_it_is_said_with_what_to_look_at(self) -> None:
        status = self.ended(target("newer", edited=JANE))
        assert (status.phase, said(status, "Reconciling")[1]) == (Phase.SUPERSEDED, Reason.NEW_REVISION)
        assert status.decision is None
        assert status.summary == (
            f"{self.ENDS}; policy.onNewRevision Block was not enforced: see that charts/driftreview/block.yaml is "
            "applied (a suspended review blocks nothing, nor is what runs the previous images blocked)"
        )

    def test_who_broke_the_glass_is_quoted(self) -> None:
        status = self.ended(target("newer", edited=JANE, break_glass="INC-7: it burns"))
        assert status.summary == (
            f"{self.ENDS}; policy.onNewRevision Block was overruled by the target's annotation "
            "driftreview.dev/break-glass (INC-7: it burns)"
        )

    def test_what_was_written_there_before_t0_is_about_an_earlier_release(self) -> None:
        status = self.ended(target("newer", edited=JANE, break_glass="INC-7"), at_t0="INC-7")
        assert status.target is not None
        assert status.target.break_glass == "INC-7"
        assert "was not enforced" in (status.summary or "")
        again = self.ended(target("newer", edited=JANE, break_glass="INC-8"), at_t0="INC-7")
        assert (again.summary or "").endswith("(INC-8)")

    def test_there_is_room_for_it_however_long_the_names_are(self) -> None:
        named = revision("newer").model_copy(update={"name": "n" * 253})
        status = self.ended(target("newer", current=named, edited=Edit("m" * 128, NOW), break_glass="b" * 120))
        assert (status.summary or "").endswith(f"({'b' * 120})")
        assert len(status.summary or "") <= 512

    @pytest.mark.parametrize(
        ("annotations", "reason"),
        [
            (None, None),
            ({}, None),
            ({BREAK_GLASS: " \n"}, None),
            ({BREAK_GLASS: " INC-7\x1b "}, "INC-7\\x1b"),
            ({BREAK_GLASS: "\x1b" * 9000}, "\\x1b" * 29 + "\\x1…"),
        ],
    )
    def test_what_people_write_is_bounded_and_obeyed_by_no_terminal(
        self, annotations: dict[str, str] | None, reason: str | None
    ) -> None:
        assert break_glass({"annotations": annotations}) == reason

    def test_nothing_is_said_of_it_where_it_blocks_nothing(self) -> None:
        status = self.ended(target("newer", edited=JANE, break_glass="INC-7"), policy="Supersede")
        assert status.summary == self.ENDS
        for view in (target("old", edited=JANE), target("old", taken_back=(revision("new").template_hash,))):
            assert "Block" not in (self.ended(view).summary or "")


class TestAWholeLife:
    def reverted(self, **made: Any) -> Simulator:
        simulator = release(**made)()
        simulator.pass_time(90 * MINUTE)
        assert simulator.target is not None
        simulator.target.roll_out("old", simulator.now)
        simulator.pass_time(5 * MINUTE)
        return simulator

    def test_later_reviews_know_it_as_a_rejection(self) -> None:
        simulator = self.reverted()
        stored = {"spec": {"target": {"name": "web"}}, "status": simulator.status}
        found = rulings(stored)[TargetKind.DEPLOYMENT, "web"]
        assert (found.rejected, found.template_hash) == (True, revision("new").template_hash)
        assert simulator.acts == []

    @pytest.mark.parametrize("approval", [{}, {"type": "Manual", "approvals": 1}])
    def test_it_is_verified(self, approval: dict[str, Any]) -> None:
        simulator = release(policy={"approval": approval})()
        simulator.pass_time(5 * HOUR if approval else 90 * MINUTE)
        if simulator.phase == Phase.HOLDING or not approval:
            assert simulator.target is not None
            simulator.target.roll_out("old", simulator.now)
            simulator.pass_time(5 * MINUTE)
        subject, snapshots, _ = taken(simulator)
        assert list(differences(subject, looked(subject, snapshots), earlier(subject, snapshots), (), None)) == []

    @pytest.mark.parametrize(
        ("part", "field", "value", "path"),
        [
            ("decision", "recommendation", "APPROVE", "status.decision"),
            ("act", "completedAt", "2026-07-31T13:31:00Z", "status.act.completedAt"),
            ("act", "targetUid", "another", "status.act.targetUid"),
        ],
    )
    def test_what_does_not_follow_from_it_is_found(self, part: str, field: str, value: str, path: str) -> None:
        simulator = self.reverted()
        intent = {
            "type": "Promote",
            "do": "Approve",
            "targetUid": "target-uid",
            "generation": 7,
            "intentAt": "2026-07-31T13:30:00Z",
        }
        simulator.status["act"] = intent if part == "act" else None
        simulator.status = json.loads(json.dumps({k: v for k, v in simulator.status.items() if v is not None}))
        subject, snapshots, _ = taken(simulator)
        assert list(differences(subject, looked(subject, snapshots), earlier(subject, snapshots), (), None)) == []
        simulator.status[part][field] = value
        subject, snapshots, _ = taken(simulator)
        found = differences(subject, looked(subject, snapshots), earlier(subject, snapshots), (), None)
        assert path in {each.path for each in found}


class TestReplaced:
    def test_deleted(self) -> None:
        status = after(begun(), None)
        assert said(status, "Reconciling")[1] == Reason.TARGET_REPLACED
        assert status.summary == "Deployment web was deleted during the review: what was judged is not there any more"

    def test_made_anew_with_the_very_same_template(self) -> None:
        status = after(begun(), target(uid="another", edited=Edit("kubectl-create", T0 + MINUTE)))
        assert status.summary == (
            "Deployment web was deleted and created again by kubectl-create at 2026-07-31T12:01:00Z, with the "
            "very same pod template, during the review: the object that was judged is not there any more; to have it "
            "judged, apply a new review"
        )

    def test_made_anew_with_the_previous_template_is_no_verdict_of_people(self) -> None:
        status = after(begun(), target("old", uid="another"))
        assert (said(status, "Reconciling")[1], status.decision) == (Reason.TARGET_REPLACED, None)
        assert status.summary is not None
        assert ", with another pod template, during" in status.summary


class TestScaledToZero:
    def test_where_a_field_manager_tells_it_is_said_since_when(self) -> None:
        simulator = release()()
        simulator.pass_time(30 * MINUTE)
        status = after(simulator.stored(), target(replicas=0, scaled=Edit("kubectl-edit", T0 + MINUTE)))
        assert (status.summary or "").startswith(
            "Deployment web is scaled to zero since 2026-07-31T12:01:00Z: there is"
        )

    def watching(self, simulator: Simulator) -> DriftReviewStatus:
        return simulator.stored().status

    def test_of_a_review_under_way_summary_and_condition_say_it_and_it_goes_on_afterwards(self) -> None:
        simulator = release()()
        simulator.pass_time(30 * MINUTE)
        assert simulator.target is not None
        simulator.target.replicas = 0
        simulator.pass_time(2 * MINUTE)
        status = self.watching(simulator)
        assert said(status, "Stalled") == ("True", Reason.SCALED_TO_ZERO)
        assert said(status, "Reconciling") == ("True", Reason.SCALED_TO_ZERO)
        since = next(each for each in status.conditions if each.type == "Stalled").last_transition_time
        assert timedelta(0) <= since - (T0 + 30 * MINUTE) <= MINUTE, "`kubectl scale` to 0 leaves no trace of when"
        assert status.summary == (
            f"Deployment web is scaled to zero, first seen so at {format_time(since)}: there is nothing to measure, "
            "and looks are Inconclusive, until it is scaled up again"
        )
        writes = simulator.writes
        simulator.pass_time(20 * MINUTE)
        assert simulator.writes == writes, "what has not changed is not written again"
        simulator.target.replicas = 1
        simulator.pass_time(2 * MINUTE)
        status = self.watching(simulator)
        assert (said(status, "Stalled")[0], status.summary) == ("False", "goes on after the target was scaled up again")
        simulator.pass_time(5 * HOUR)
        assert simulator.phase == Phase.PROMOTED

    def test_a_decision_is_told_as_ever(self) -> None:
        simulator = release(-10 * MINUTE, policy={"onDrift": "Hold"})()
        simulator.pass_time(HOUR + 5 * MINUTE)
        assert simulator.target is not None
        simulator.target.replicas = 0
        simulator.pass_time(5 * MINUTE)
        assert said(self.watching(simulator), "Stalled")[0] == "False"
        assert (self.watching(simulator).summary or "").startswith("REJECT: ")

    def test_a_rollback_is_decided_and_done_without_pods(self) -> None:
        simulator = release(-10 * MINUTE)()
        simulator.pass_time(30 * MINUTE)
        assert simulator.target is not None
        simulator.target.replicas = 0
        simulator.pass_time(HOUR)
        assert simulator.phase == Phase.ROLLED_BACK


def look(desired: int = 0, scaled: timedelta | None = HOUR, *signals: Any, **fields: Any) -> DriftSnapshotSpec:
    fact = DeploymentFact(generation=7, desired=desired, scaled_at=None if scaled is None else T0 + scaled)
    facts = Facts(taken_at=T0 + 24 * HOUR, deployment=fact)
    return snapshot(*signals, **{"checkpoint": "24h", "facts": facts} | fields)


class TestALookAtNothing:
    def test_since_when_there_are_no_pods(self) -> None:
        assert emptied(look()) == "scaled to zero since 2026-07-31T13:00:00Z"
        assert emptied(look(scaled=None)) == "scaled to zero"

    def test_with_pods_or_scaled_after_the_window_or_unknown_there_is_something(self) -> None:
        assert [emptied(each) for each in (look(1), look(scaled=24 * HOUR), snapshot())] == ["", "", ""]
        assert emptied(look(window=None)) == ""
        assert emptied(snapshot(facts=Facts(taken_at=T0))) == ""

    @pytest.mark.parametrize("verdict", sorted(set(SignalVerdict) - {SignalVerdict.RECORDED}))
    @pytest.mark.parametrize("on_missing", OnMissing)
    def test_no_signal_is_good_or_bad(self, verdict: SignalVerdict, on_missing: OnMissing) -> None:
        found = of_nothing(Finding(verdict, None, "so it is", "1", "2", "3"), "scaled to zero")
        assert (found.counted(on_missing), found.reason) == (SignalVerdict.INCONCLUSIVE, Reason.SCALED_TO_ZERO)
        assert found.message == f"the target is scaled to zero: there is nothing to measure ({verdict}: so it is)"
        assert (found.baseline, found.current, found.delta) == ("1", "2", "3")

    def test_what_is_only_recorded_stays_so(self) -> None:
        recorded = Finding(SignalVerdict.RECORDED, None, "100")
        assert of_nothing(recorded, "scaled to zero") == recorded

    def test_the_look_is_inconclusive_whatever_it_would_have_been(self) -> None:
        declared = spec([signal("good"), signal("bad"), signal("gone", onMissing="Fail"), presence()], ("24h",))
        baseline = snapshot(
            *(evidence(name, series(around(100, 144))) for name in ("good", "bad", "gone", "heartbeat"))
        )
        now = [evidence("good", series(around(100, 144, seed=2))), evidence("bad", series(around(200, 144)))]
        now += [evidence(name, problem=Reason.EMPTY) for name in ("gone", "heartbeat")]
        judged = judge_checkpoint(declared, baseline, look(1, HOUR, *now))
        assert judged.verdict is Verdict.DRIFT
        result = judge_checkpoint(declared, baseline, look(0, HOUR, *now))
        assert result.verdict is Verdict.INCONCLUSIVE
        assert {each.finding.verdict for each in result.results} == {SignalVerdict.INCONCLUSIVE}
        assert "is scaled to zero since 2026-07-31T13:00:00Z: there is nothing to measure (Stable:" in result.message


class TestWhoEdited:
    def entry(self, manager: str, minute: int, part: str = "template", **fields: Any) -> dict[str, Any]:
        at = f"2026-07-31T12:{minute:02}:00Z"
        return {"manager": manager, "time": at, "fieldsV1": {"f:spec": {f"f:{part}": {}}}, **fields}

    def test_the_last_of_those_who_own_the_part(self) -> None:
        entries = [
            self.entry("helm", 1),
            self.entry("kubectl-edit", 3),
            self.entry("kubectl", 4, "replicas", subresource="scale"),
            self.entry("kube-controller-manager", 9, subresource="status"),
            {"manager": "argocd", "time": "2026-07-31T12:08:00Z", "fieldsV1": {"f:metadata": {}}},
        ]
        metadata = {"managedFields": entries}
        assert last_edit(metadata, "template") == Edit("kubectl-edit", T0 + 3 * MINUTE)
        assert last_edit(metadata, "replicas") == Edit("kubectl", T0 + 4 * MINUTE)
        assert scaled_at(metadata) == T0 + 4 * MINUTE

    @pytest.mark.parametrize(
        "entries", [None, [], [{"manager": "helm"}], [{"fieldsV1": {"f:spec": {"f:template": {}}}}]]
    )
    def test_where_nothing_tells_nobody_did(self, entries: Any) -> None:
        assert last_edit({"managedFields": entries}, "template") is None
        assert scaled_at({"managedFields": entries}) is None

    def test_a_name_is_bounded_and_on_one_line(self) -> None:
        found = last_edit({"managedFields": [self.entry("a\nb" + "x" * 500, 1)]}, "template")
        assert found is not None
        assert found.manager.startswith("a\\nbx")
        assert len(found.manager) < 140
        unnamed = last_edit({"managedFields": [self.entry("", 1)]}, "template")
        assert str(unnamed) == "an unnamed manager at 2026-07-31T12:01:00Z"

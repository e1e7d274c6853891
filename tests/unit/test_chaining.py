"""A review that goes on with the next revision: what begins anew, what stays, and where it ends."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from driftreview.api.act import Act, ActType, Do
from driftreview.api.approval import ApprovalType
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import TERMINAL, ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import Chain, Decision, DriftReviewStatus
from driftreview.api.verdicts import Recommendation
from driftreview.domain.action import Observed, Settle
from driftreview.domain.approvals import as_recorded
from driftreview.domain.chaining import as_chained, retaken_for, why_not_chained
from driftreview.domain.plan import plan
from driftreview.domain.recheck import differences, earlier, looked, looked_after
from driftreview.domain.report.build import report
from driftreview.domain.report.model import Entries, Sentences
from driftreview.domain.running import Edit
from driftreview.domain.status import condition
from tests.builders import HOUR, MINUTE, T0, approval, revision, target
from tests.builders import review as review_of
from tests.reportdata import taken
from tests.simulator import Deployment, Metrics, Simulator

CHAIN = {"onNewRevision": "Chain"}
JANE = Edit("kubectl-set", T0 + 90 * MINUTE)


def life(length: timedelta = 90 * MINUTE, shifts: list[tuple[Any, float]] | None = None, **spec: Any) -> Simulator:
    """A review that chains, so long after its T0."""
    given = {"policy": CHAIN | spec.pop("policy", {}), "baseline": {"length": "6h"}} | spec
    simulator = Simulator(review_of(**given), now=T0, metrics=Metrics(shifts or []))
    simulator.pass_time(length)
    return simulator


def releases(simulator: Simulator, *versions: str, wait: timedelta = 20 * MINUTE) -> Simulator:
    for version in versions:
        assert simulator.target is not None
        simulator.target.roll_out(version, simulator.now)
        simulator.target.edited = JANE
        simulator.pass_time(wait)
    return simulator


def status_of(simulator: Simulator) -> DriftReviewStatus:
    return DriftReviewStatus.model_validate(simulator.status)


def chain_of(simulator: Simulator) -> Chain:
    chain = status_of(simulator).chain
    assert chain is not None
    return chain


def said(simulator: Simulator) -> str:
    found = condition(status_of(simulator), ConditionType.BASELINE_CAPTURED)
    return found.message if found is not None else ""


def proved(simulator: Simulator) -> list[str]:
    subject, snapshots, _ = taken(simulator)
    looks = looked(subject, snapshots)
    after = looked_after(subject, looks, snapshots)
    acts = tuple(simulator.approvals)
    return [each.path for each in differences(subject, looks, earlier(subject, snapshots), acts, after)]


class TestGoingOn:
    def test_t0_looks_and_window_begin_anew_and_the_comparison_and_the_way_back_stay(self) -> None:
        simulator = life()
        first = status_of(simulator)
        status = status_of(releases(simulator, "newer"))
        assert (status.phase, status.retaken) == (Phase.WATCHING, 1)
        assert (first.t0, first.target, first.judged) != (None, None, None)
        assert status.t0 is not None
        assert first.t0 is not None
        assert first.target is not None
        assert status.target is not None
        assert status.t0 > first.t0
        assert status.judged == revision("newer")
        assert status.previous == first.previous == revision("old")
        assert status.target.history_ends_at == first.target.history_ends_at
        assert [each.due - status.t0 for each in status.checkpoints] == [HOUR, 2 * HOUR, 4 * HOUR]
        assert all(each.verdict is None for each in status.checkpoints)
        assert status.rollback is not None
        assert status.rollback.closes_at == status.t0 + 4 * HOUR + 30 * MINUTE
        assert status.earlier == first.baseline
        assert proved(simulator) == []

    def test_it_is_told_which_were_before_since_when_and_by_whom_the_next_one_was_applied(self) -> None:
        simulator = releases(life(), "newer", "newest")
        one, two = chain_of(simulator).revisions
        assert (one.name, two.name) == ("web-new", "web-newer")
        assert one.t0 == T0
        assert one.until <= two.t0 < two.until
        by = "by field manager kubectl-set (Update) at 2026-07-31T13:30:00Z"
        assert (one.followed_by, two.followed_by) == (by, by)
        assert (
            f"web-newest was applied {by}, in place of web-newer (T0 2026-07-31T13:43:00Z), web-new (T0 "
            "2026-07-31T12:00:00Z); as before it is compared with what ran until 2026-07-31T11:47:00Z and goes back to "
            "web-old (policy.onNewRevision is Chain)" in said(simulator)
        )

    def test_a_little_worse_each_time_is_found_out(self) -> None:
        simulator = life(shifts=[(T0 - 20 * MINUTE, 1.03)])
        for version, factor in (("newer", 1.06), ("newest", 1.09)):
            simulator.metrics.shifts.append((simulator.now, factor))
            releases(simulator, version)
        simulator.pass_time(6 * HOUR)
        assert simulator.phase == Phase.ROLLED_BACK
        assert simulator.target is not None
        assert simulator.target.version == "old"
        assert proved(simulator) == []

    def test_the_way_back_is_carried_on_where_the_cluster_has_forgotten_it(self) -> None:
        simulator = life(shifts=[(T0 + 2 * HOUR, 1.5)])
        assert simulator.target is not None
        simulator.target.forgotten = True
        releases(simulator, "newer")
        simulator.pass_time(6 * HOUR)
        assert (simulator.phase, simulator.target.version) == (Phase.ROLLED_BACK, "old")

    def test_where_nothing_ran_before_the_first_nothing_ever_did(self) -> None:
        simulator = Simulator(
            review_of(policy=CHAIN), now=T0, target=Deployment(before="", is_first=True), metrics=Metrics()
        )
        simulator.pass_time(90 * MINUTE)
        status = status_of(releases(simulator, "newer"))
        assert status.target is not None
        assert (status.target.first_release, status.previous) == (True, None)
        assert "can go back to nothing" in said(simulator)

    def test_one_that_comes_before_the_next_t0_takes_its_place(self) -> None:
        simulator = releases(releases(life(), "newer", wait=2 * MINUTE), "newest")
        assert [each.name for each in chain_of(simulator).revisions] == ["web-new"]
        assert status_of(simulator).judged == revision("newest")

    def test_one_that_was_judged_before_may_come_back(self) -> None:
        simulator = releases(life(), "newer", "new")
        assert [each.name for each in chain_of(simulator).revisions] == ["web-new", "web-newer"]
        assert status_of(simulator).judged == revision("new")
        assert proved(simulator) == []

    @pytest.mark.parametrize("suspended", [MINUTE, 3 * HOUR])
    def test_while_suspended_nothing_that_may_wait_is_done(self, suspended: timedelta) -> None:
        simulator = life(30 * MINUTE)
        simulator.suspend(suspended=True)
        releases(simulator, "newer", wait=suspended)
        assert simulator.status.get("chain") is None
        simulator.suspend(suspended=False)
        simulator.pass_time(20 * MINUTE)
        assert status_of(simulator).judged == revision("newer")
        assert len(chain_of(simulator).revisions) == 1


class TestPeople:
    def test_what_was_given_for_an_earlier_revision_counts_no_more_also_when_that_comes_back(self) -> None:
        simulator = life(policy={"approval": {"type": "Manual", "approvals": 1}})
        simulator.approvals += [
            approval("Approve", at=simulator.now),
            approval("Extend", at=simulator.now, **{"for": "1h"}),
        ]
        simulator.pass_time(MINUTE)
        assert all(each.counted for each in status_of(simulator).approvals)
        releases(simulator, "newer", "new")
        simulator.pass_time(MINUTE)
        for each in status_of(simulator).approvals:
            assert not each.counted
        simulator.pass_time(6 * HOUR)
        assert simulator.acts == []

    def test_who_waits_for_approvals_waits_for_new_ones(self) -> None:
        policy = {"approval": {"type": "Manual", "approvals": 1}, "onInconclusive": "Hold"}
        simulator = life(5 * HOUR - 50 * MINUTE, policy=policy)
        assert status_of(simulator).decision is not None
        status = status_of(releases(simulator, "newer"))
        assert (status.decision, status.act, status.judged) == (None, None, revision("newer"))
        assert condition(status, ConditionType.APPROVED) is not None


class TestTheEnd:
    def test_after_four_it_ends_and_says_so(self) -> None:
        simulator = releases(life(), "newer", "newest", "newer", "newest")
        assert status_of(simulator).retaken == 4
        releases(simulator, "newer")
        assert simulator.phase == Phase.SUPERSEDED
        assert simulator.status["summary"].endswith(
            "; the chain ends here: T0 was taken anew 4 times, and is no more often"
        )
        assert proved(simulator) == []

    def test_what_ran_before_the_first_is_taken_back_by_hand(self) -> None:
        simulator = releases(life(), "newer", "old")
        assert (simulator.phase, simulator.acts) == (Phase.SUPERSEDED, [])
        decision = status_of(simulator).decision
        assert decision is not None
        assert (decision.recommendation, decision.reason) == (Recommendation.REJECT, Reason.REVERTED_BY_HAND)

    def test_also_while_the_next_t0_is_awaited_and_then_nothing_was_judged(self) -> None:
        simulator = releases(releases(life(), "newer", wait=2 * MINUTE), "old")
        status = status_of(simulator)
        assert (status.phase, status.decision) == (Phase.SUPERSEDED, None)
        assert status.summary == (
            "Deployment web was taken back to web-old by kubectl-set at 2026-07-31T13:30:00Z before what followed "
            "web-new had its T0: nothing more is judged or done"
        )
        assert proved(simulator) == []

    @pytest.mark.parametrize("again", [True, False])
    def test_the_object_has_to_stay_the_same(self, again: bool) -> None:  # noqa: FBT001
        simulator = releases(life(), "newer", wait=2 * MINUTE)
        simulator.target = Deployment(uid="another", began=simulator.now) if again else None
        simulator.pass_time(2 * MINUTE)
        status = status_of(simulator)
        assert (status.phase, (condition(status, ConditionType.RECONCILING) or status).reason) == (  # type: ignore[union-attr]
            Phase.SUPERSEDED,
            Reason.TARGET_REPLACED,
        )

    def begun(self, **fields: Any) -> DriftReview:
        settled = plan(review_of(policy=CHAIN), Observed(target()), T0)
        assert isinstance(settled, Settle)
        return review_of(settled.status.model_copy(update=fields), policy=CHAIN)

    def decided(self, what: Recommendation) -> Decision:
        return Decision(recommendation=what, reason=Reason.SIGNAL_DEGRADED, message="why", by="checkpoint 1h", at=T0)

    def test_what_was_rejected_or_begun_is_not_chained_away_from(self) -> None:
        act = Act(type=ActType.PROMOTE, do=Do.APPROVE, target_uid="target-uid", generation=7, intent_at=T0)
        for fields, why in (
            ({"act": act}, "its Promote has begun"),
            ({"decision": self.decided(Recommendation.REJECT)}, "checkpoint 1h rejected it"),
        ):
            subject = self.begun(**fields)
            assert why_not_chained(subject) == why
            settled = plan(subject, Observed(target("newer", edited=JANE)), T0 + MINUTE)
            assert isinstance(settled, Settle)
            assert settled.status.phase is Phase.SUPERSEDED
            assert settled.again is None
            assert (settled.status.summary or "").endswith(f"; the chain ends here: {why}")

    @pytest.mark.parametrize("kind", [ApprovalType.REJECT, ApprovalType.OVERRIDE])
    def test_nor_from_what_people_decided(self, kind: ApprovalType) -> None:
        record = as_recorded(approval(kind.value), T0, "web-new")
        assert why_not_chained(self.begun(approvals=[record])) == f"there is a {kind} of jane"

    def test_an_approve_that_waits_is(self) -> None:
        assert why_not_chained(self.begun(decision=self.decided(Recommendation.APPROVE))) == ""

    def test_a_review_of_another_policy_has_no_chain(self) -> None:
        assert why_not_chained(review_of()) is None

    def test_what_another_review_took_away_is_no_next_revision(self) -> None:
        taken_away = target("old", taken_back=(revision("new").template_hash,))
        settled = plan(self.begun(), Observed(taken_away), T0 + MINUTE)
        assert isinstance(settled, Settle)
        assert settled.status.phase in TERMINAL
        assert "rolled back by another review" in (settled.status.summary or "")


class TestTold:
    def test_the_target_of_a_chain_has_the_first_way_back(self) -> None:
        status = status_of(releases(life(), "newer"))
        seen = as_chained(status, target("newer", previous=revision("new"), is_first=True))
        assert (seen.previous, seen.is_first) == (revision("old"), False)
        assert as_chained(DriftReviewStatus(), target()) == target()

    def test_why_t0_was_taken_anew(self) -> None:
        simulator = life(10 * MINUTE)
        assert retaken_for(status_of(simulator)) == ""
        simulator.approvals.append(approval("Rebaseline", at=simulator.now))
        simulator.pass_time(10 * MINUTE)
        assert retaken_for(status_of(simulator)) == "by people"
        releases(simulator, "newer")
        assert retaken_for(status_of(simulator)) == "by people and for another revision"
        assert retaken_for(status_of(releases(life(), "newer"))) == "for another revision"
        assert proved(simulator) == []

    def test_the_report_has_them(self) -> None:
        made = report(*taken(releases(life(), "newer")))
        rows = [
            [cell.text for cell in row.cells]
            for section in made.sections
            for block in section.blocks
            if isinstance(block, Entries)
            for row in block.rows
        ]
        (link,) = [text for label, text in rows if label == "Before it in the chain"]
        assert link == (
            "web-new, T0 2026-07-31T12:00:00Z, until 2026-07-31T13:30:00Z; the next was applied by field manager "
            "kubectl-set (Update) at 2026-07-31T13:30:00Z"
        )
        (t0,) = [text for label, text in rows if label == "T0 (UTC)"]
        assert t0.endswith(", taken anew for another revision")
        told = [
            item.text
            for section in made.sections
            for block in section.blocks
            if isinstance(block, Sentences)
            for item in block.items
        ]
        assert any(each.startswith("T0 was taken anew for another revision (1 of at most 4 times)") for each in told)


class TestVerify:
    @pytest.mark.parametrize(
        ("alter", "path"),
        [
            (lambda chain: chain | {"targetUid": "other"}, "status.chain.targetUid"),
            (lambda chain: chain | {"historyEndsAt": "2026-07-31T11:00:00Z"}, "status.chain.historyEndsAt"),
            (lambda chain: chain | {"previous": revision("newest").to_wire()}, "status.chain.previous"),
            (lambda chain: chain | {"revisions": [chain["revisions"][0] | {"name": "x"}]}, "status.chain.revisions"),
            (lambda chain: chain | {"revisions": chain["revisions"] * 2}, "status.retaken"),
        ],
    )
    def test_what_does_not_follow_from_the_evidence_is_found(
        self, alter: Callable[[dict[str, Any]], dict[str, Any]], path: str
    ) -> None:
        simulator = releases(life(), "newer")
        assert proved(simulator) == []
        simulator.status["chain"] = alter(simulator.status["chain"])
        assert path in proved(simulator)

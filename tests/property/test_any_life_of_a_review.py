"""Whatever happens to a review, in any order: the simulator checks every write and every act against the promises.

Time jumps, metrics fail and shift, the target is scaled, paused, released again, deleted; the API server refuses; the
operator is killed in the middle of anything. In the end all is well again, and the review must end by itself.
"""

from datetime import timedelta
from typing import Any

from hypothesis import Phase as SearchPhase
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from driftreview.api.act import ActType
from driftreview.api.driftreview import BaselineFrom
from driftreview.api.phases import TERMINAL, Phase
from driftreview.api.policy import OnDrift, OnInconclusive, OnWindowEnd, PolicyMode
from driftreview.api.reasons import Reason
from driftreview.api.rollout import GitOps
from driftreview.api.status import DriftReviewStatus
from driftreview.api.verdicts import Verdict
from driftreview.domain.owner import Owner
from driftreview.domain.recheck import differences, earlier, looked, looked_after
from tests.builders import HOUR, MINUTE, T0, approval, review, signal
from tests.reportdata import taken
from tests.simulator import Deployment, Metrics, Simulator
from tests.unit.test_handover import ARGO, HELM, KUSTOMIZATION, UNNAMED

RULES = st.sampled_from([{}, {}, {"type": "Manual", "approvals": 1}, {"type": "Manual", "approvals": 2}])
PEOPLE = st.sampled_from(["ann", "joe", "jane"])
OWNERS = st.sampled_from([None, ARGO, KUSTOMIZATION, HELM, UNNAMED])
LENGTHS = st.sampled_from([timedelta(seconds=5), MINUTE, 7 * MINUTE, 33 * MINUTE, 70 * MINUTE, 3 * HOUR])


class LifeOfAReview(RuleBasedStateMachine):
    simulator: Simulator
    judged_at: dict[str, str]

    @initialize(
        mode=st.sampled_from([PolicyMode.ENFORCE, PolicyMode.ENFORCE, PolicyMode.ENFORCE, *PolicyMode]),
        on_drift=st.sampled_from(OnDrift),
        on_inconclusive=st.sampled_from(OnInconclusive),
        on_window_end=st.sampled_from(OnWindowEnd),
        origin=st.sampled_from(BaselineFrom),
        before=st.sampled_from(["old", "old", "old", ""]),
        shift=st.sampled_from([1.0, 1.0, 1.5]),
        starts=st.sampled_from([-20, -5, 0, 0, 0, 100]),
        on_missing=st.sampled_from(["Hold", "Hold", "Fail", "Ignore"]),
        rule_of_approval=RULES,
        checklist=st.sampled_from([[], [], [{"name": "backup"}]]),
        git_ops=st.sampled_from(GitOps),
        guards=st.sampled_from([None, {}, {"every": "20m"}]),
        chains=st.booleans(),
    )
    def begin(  # noqa: PLR0917 - what hypothesis draws
        self,
        mode: PolicyMode,
        on_drift: OnDrift,
        on_inconclusive: OnInconclusive,
        on_window_end: OnWindowEnd,
        origin: BaselineFrom,
        before: str,
        shift: float,
        starts: int,
        on_missing: str,
        rule_of_approval: dict[str, Any],
        checklist: list[dict[str, str]],
        git_ops: GitOps,
        guards: dict[str, str] | None,
        *,
        chains: bool,
    ) -> None:
        limits = {"alert": "130"}
        signals = [
            signal(margin={"relative": "5%"}, limits=limits, onMissing=on_missing),
            signal("limit", limits=limits),
        ]
        policy = {
            "mode": mode,
            "onDrift": on_drift,
            "onInconclusive": on_inconclusive,
            "onWindowEnd": on_window_end,
            "approval": rule_of_approval,
            "onNewRevision": "Chain" if chains and origin is not BaselineFrom.SNAPSHOT else "Supersede",
        }
        baseline = {"from": origin, "length": "30m" if origin is BaselineFrom.SNAPSHOT else "6h"}
        rollout = {"gitOps": git_ops}
        self.simulator = Simulator(
            review(
                signals=signals, policy=policy, baseline=baseline, checklist=checklist, rollout=rollout, guards=guards
            ),
            now=T0 + starts * MINUTE,
            target=Deployment(before=before),
            metrics=Metrics([(T0 - 20 * MINUTE, shift)]),
            sleepy=True,
        )
        self.simulator.run()

    @rule(length=LENGTHS)
    def time_passes(self, length: timedelta) -> None:
        self.simulator.pass_time(length)

    @rule(length=LENGTHS)
    def the_operator_is_away(self, length: timedelta) -> None:
        self.simulator.now += length
        self.simulator.run()

    @rule(fuse=st.integers(1, 12), length=LENGTHS)
    def the_operator_is_killed(self, fuse: int, length: timedelta) -> None:
        self.simulator.fuse = fuse
        self.simulator.pass_time(length)
        self.simulator.fuse = None

    @rule(mode=st.sampled_from(["up", "up", "down", "partial", "refused", "empty", "gone", "broken"]))
    def the_source_is(self, mode: str) -> None:
        self.simulator.metrics.mode = mode

    @rule(factor=st.sampled_from([0.9, 1.0, 1.04, 1.1, 1.5]))
    def the_metrics_shift(self, factor: float) -> None:
        self.simulator.metrics.shifts.append((self.simulator.now, factor))

    @rule()
    def the_operator_starts_or_stops_to_fail_at_the_target(self) -> None:
        self.simulator.unreadable = not self.simulator.unreadable
        self.simulator.run()

    @rule()
    def a_person_suspends_or_resumes(self) -> None:
        self.simulator.suspend(suspended=not self.simulator.review.spec.suspend)
        self.simulator.run()

    @rule(kind=st.sampled_from(["Approve", "Approve", "Approve", "SignOff", "Note"]), by=PEOPLE, seen=st.booleans())
    def a_person_consents(self, kind: str, by: str, *, seen: bool) -> None:
        self.act_of(kind, by, seen=seen, **({"item": "backup"} if kind == "SignOff" else {}))

    @rule(kind=st.sampled_from(["Reject", "Rebaseline", "Extend"]), by=PEOPLE, chance=st.integers(0, 3))
    def a_person_interferes(self, kind: str, by: str, chance: int) -> None:
        if chance == 0:
            self.act_of(kind, by, seen=True, **({"for": "1h"} if kind == "Extend" else {}))

    def act_of(self, kind: str, by: str, *, seen: bool, **fields: str) -> None:
        uid = f"{len(self.simulator.approvals)}-{kind}"
        self.simulator.approvals.append(approval(kind, by, self.simulator.now.replace(microsecond=0), uid, **fields))
        if seen:
            self.simulator.run()

    @precondition(lambda self: self.simulator.target is not None)
    @rule(owner=OWNERS, unpausable=st.sampled_from(["", "", "403"]))
    def something_claims_the_target_or_lets_it_go(self, owner: Owner | None, unpausable: str) -> None:
        assert self.simulator.target is not None
        self.simulator.target.owner, self.simulator.unpausable = owner, unpausable
        self.simulator.run()

    @precondition(lambda self: self.simulator.target is not None)
    @rule(what=st.sampled_from(["scale", "scale", "pause", "pause", "refuse", "fail", "disapprove"]))
    def something_happens_to_the_target(self, what: str) -> None:
        target = self.simulator.target
        assert target is not None
        match what:
            case "scale":
                target.generation += 1
            case "pause":
                target.paused = not target.paused
            case "refuse":
                self.simulator.refuses = not self.simulator.refuses
            case "fail":
                target.fails = not target.fails
            case "disapprove":
                target.approved = ""
        self.simulator.run()

    @precondition(lambda self: self.simulator.target is not None)
    @rule(version=st.sampled_from(["newer", "new", "old"]), seen=st.booleans())
    def somebody_releases(self, version: str, *, seen: bool) -> None:
        target = self.simulator.target
        assert target is not None
        if version != target.version:
            target.roll_out(version, self.simulator.now)
        if seen:
            self.simulator.run()

    @rule(again=st.booleans(), chance=st.integers(0, 4))
    def somebody_deletes_the_target(self, chance: int, *, again: bool) -> None:
        if chance == 0:
            self.simulator.target = Deployment(uid="another", began=self.simulator.now) if again else None
            self.simulator.run()

    @invariant()
    def each_act_is_done_once_at_most(self) -> None:
        assert len(self.simulator.acts) <= 1

    @invariant()
    def the_phase_agrees_with_what_was_done(self) -> None:
        status = DriftReviewStatus.model_validate(self.simulator.status)
        verdicts = {each.verdict for each in status.checkpoints}
        match status.phase:
            case Phase.ROLLED_BACK:
                assert self.simulator.acts in ([ActType.ROLL_BACK], [])  # or somebody else was quicker
                assert status.act is not None
            case Phase.PROMOTED:
                assert Verdict.DRIFT not in verdicts or (status.decision and status.decision.reason is Reason.APPROVED)
                assert status.act is not None
                assert status.act.completed_at is not None
            case Phase.INCONCLUSIVE | Phase.DECIDED | Phase.SUPERSEDED if status.act is None:
                assert self.simulator.acts == []

    @invariant()
    def evidence_forms_a_chain(self) -> None:
        status = DriftReviewStatus.model_validate(self.simulator.status)
        before = status.baseline.hash if status.baseline else ""
        if status.baseline is not None:
            at_t0 = self.simulator.snapshots[status.baseline.name]
            assert at_t0.get("previousHash", "") == (status.earlier.hash if status.earlier else "")
        for row in status.checkpoints:
            if row.snapshot is None:
                break
            stored = self.simulator.snapshots[row.snapshot.name]
            assert (stored["previousHash"], stored["hash"]) == (before, row.snapshot.hash)
            before = row.snapshot.hash

    def verify_finds_nothing_that_was_altered(self) -> None:
        review, snapshots, _ = taken(self.simulator)
        looks = looked(review, snapshots)
        after = looked_after(review, looks, snapshots)
        found = list(differences(review, looks, earlier(review, snapshots), (), after))
        assert found == []

    def teardown(self) -> None:
        simulator = self.simulator
        self.verify_finds_nothing_that_was_altered()  # whatever it was amidst; each step would take too long
        simulator.unpausable = ""
        simulator.metrics.mode, simulator.refuses, simulator.unreadable = "up", False, False
        if simulator.review.spec.suspend:
            simulator.suspend(suspended=False)
        if simulator.target is not None:
            simulator.target.paused = simulator.target.fails = False
        simulator.pass_time(HOUR)
        simulator.pass_time(14 * HOUR)
        status = DriftReviewStatus.model_validate(simulator.status)
        if status.t0 is not None:
            assert status.phase in TERMINAL, f"did not end: {status.summary}"
            assert simulator.again is None
        self.verify_finds_nothing_that_was_altered()
        self.each_act_is_done_once_at_most()
        self.the_phase_agrees_with_what_was_done()


TestLifeOfAReview = LifeOfAReview.TestCase
TestLifeOfAReview.settings = settings(
    max_examples=150,
    stateful_step_count=25,
    deadline=None,
    phases=[
        SearchPhase.explicit,
        SearchPhase.reuse,
        SearchPhase.generate,
        SearchPhase.shrink,
    ],  # to explain a failure takes minutes
)

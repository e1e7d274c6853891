"""A target that Git owns: handed over, overridden or paused first; and whoever reverts it is followed to the end."""

from typing import Any

import pytest

from driftreview.api.act import ActType, Do
from driftreview.api.base import Condition, format_time
from driftreview.api.phases import Phase
from driftreview.api.reasons import Reason
from driftreview.api.wayback import WayBackCheck
from driftreview.domain.action import Observed, Role, Settle
from driftreview.domain.owner import Owner, OwnerKind
from driftreview.domain.pausing import SETTLES, hindrance
from driftreview.domain.plan import plan
from driftreview.domain.recheck import differences, looked, looked_after
from driftreview.domain.running import Edit
from tests.builders import HOUR, MINUTE, T0, review, signal, target
from tests.reportdata import taken
from tests.simulator import Metrics, Simulator

ARGO = Owner(OwnerKind.APPLICATION, "web", "", "annotation argocd.argoproj.io/tracking-id", wrote=True)
PLANTED = Owner(OwnerKind.APPLICATION, "web", "", "annotation argocd.argoproj.io/tracking-id", wrote=False)
UNNAMED = Owner(OwnerKind.APPLICATION, "", "", "field manager argocd-controller", wrote=True)
KUSTOMIZATION = Owner(OwnerKind.KUSTOMIZATION, "apps", "flux-system", "labels", wrote=True)
HELM_RELEASE = Owner(OwnerKind.HELM_RELEASE, "web", "flux-system", "labels", wrote=True)
HELM = Owner(OwnerKind.RELEASE, "web", "shop", "label app.kubernetes.io/managed-by", wrote=True)
BY_ARGO = Edit("argocd-controller", T0 + 90 * MINUTE, "Apply")


def bad(owner: Owner | None = ARGO, git_ops: str = "Report", **policy: Any) -> Simulator:
    """A release that is found to be worse at its first look."""
    spec: dict[str, Any] = {"signals": [signal()], "rollout": {"gitOps": git_ops}}
    if policy:
        spec["policy"] = policy
    simulator = Simulator(review(**spec), metrics=Metrics([(T0 - 10 * MINUTE, 1.5)]))
    assert simulator.target is not None
    simulator.target.owner = owner
    return simulator


def decided(simulator: Simulator) -> Simulator:
    simulator.pass_time(HOUR + 5 * MINUTE)
    return simulator


def condition(simulator: Simulator, kind: str = "OwnedByGit") -> Condition:
    return next(each for each in simulator.stored().status.conditions if each.type == kind)


def revert(simulator: Simulator, version: str = "old") -> None:
    """Somebody puts a template back, by Argo CD."""
    assert simulator.target is not None
    simulator.target.roll_out(version, simulator.now)
    simulator.target.edited = BY_ARGO


def unproved(simulator: Simulator) -> list[str]:
    """Where status and evidence disagree, as `verify` finds it."""
    found, snapshots, _ = taken(simulator)
    looks = looked(found, snapshots)
    return [each.path for each in differences(found, looks, (), (), looked_after(found, looks, snapshots))]


class TestWhatIsSaid:
    def test_before_t0_what_owns_the_target_is_said_while_the_spec_may_still_change(self) -> None:
        action = plan(review(), Observed(target(owner=ARGO)), T0 - MINUTE)
        assert isinstance(action, Settle)
        said = next(each for each in action.status.conditions if each.type == "OwnedByGit")
        assert (action.status.phase, said.status, said.reason) == (Phase.PENDING, "True", Reason.ARGO_CD)
        assert said.message == (
            "Argo CD Application web owns the target (annotation argocd.argoproj.io/tracking-id): a decided rollback "
            "is handed over to people and not done by the operator (spec.rollout.gitOps is Report); whether the "
            "Application syncs by itself does not show on the target: where it does not, Override is the answer"
        )

    @pytest.mark.parametrize(
        ("git_ops", "then"),
        [
            ("Override", "a decided rollback is done all the same, and may be undone by it"),
            ("Pause", "before a decided rollback it is told to leave the target alone"),
        ],
    )
    def test_what_follows_is_said(self, git_ops: str, then: str) -> None:
        simulator = bad(git_ops=git_ops)
        simulator.run()
        assert condition(simulator).message.endswith(f"{then} (spec.rollout.gitOps is {git_ops})")

    def test_of_what_nothing_owns_nothing_is_said(self) -> None:
        simulator = bad(None)
        simulator.run()
        assert all(each.type != "OwnedByGit" for each in simulator.stored().status.conditions)

    def test_that_it_is_owned_no_more_is(self) -> None:
        simulator = bad()
        simulator.run()
        assert simulator.target is not None
        simulator.target.owner = None
        simulator.pass_time(2 * MINUTE)
        assert (condition(simulator).status, condition(simulator).reason) == ("False", Reason.NOT_OWNED)

    def test_a_claim_that_no_field_manager_confirms_is_doubted_where_it_is_read(self) -> None:
        simulator = decided(bad(PLANTED))
        doubt = (
            "; no field manager of Argo CD wrote the pod template: if that was copied or planted, take it off the "
            "target"
        )
        assert condition(simulator).message.endswith(doubt)
        assert condition(simulator, "Stalled").message.endswith(doubt)

    def test_flux_is_named_as_such(self) -> None:
        simulator = bad(KUSTOMIZATION)
        simulator.run()
        assert condition(simulator).reason == Reason.FLUX
        assert condition(simulator).message.startswith("Flux Kustomization flux-system/apps owns the target (labels)")


class TestReport:
    def test_a_decided_rollback_is_handed_over_and_nothing_is_patched(self) -> None:
        simulator = decided(bad())
        status = simulator.stored().status
        assert (simulator.acts, status.act, status.phase) == ([], None, Phase.HOLDING)
        stalled = condition(simulator, "Stalled")
        assert (stalled.status, stalled.reason) == ("True", Reason.OWNED_BY_GIT)
        assert status.rollback is not None
        assert (status.rollback.possible, status.rollback.reason) == (False, Reason.OWNED_BY_GIT)
        assert status.summary is not None
        assert status.summary.startswith(
            "Argo CD Application web owns the target (annotation argocd.argoproj.io/tracking-id) and would undo it: "
            "revert in Git what it applied before 2026-07-31T16:30:00Z; decided: REJECT: T0+1h: latency is Degraded"
        )
        assert unproved(simulator) == []

    def test_once_somebody_put_it_back_that_is_followed_and_said_to_be_theirs(self) -> None:
        simulator = decided(bad())
        revert(simulator)
        simulator.pass_time(MINUTE)
        assert (simulator.phase, simulator.acts) == (Phase.ROLLING_BACK, [])
        assert unproved(simulator) == []
        simulator.pass_time(10 * MINUTE)
        assert (simulator.phase, simulator.acts) == (Phase.ROLLED_BACK, [])
        by = "by field manager argocd-controller (Apply) at 2026-07-31T13:30:00Z, which is Argo CD Application web"
        assert simulator.status["act"]["by"] == by
        assert simulator.status["summary"].startswith(f"rolled back to web-old {by}: T0+1h: latency is Degraded")
        assert unproved(simulator) == []

    @pytest.mark.parametrize("fuse", range(1, 4))
    def test_killed_while_it_is_followed_it_comes_to_the_same(self, fuse: int) -> None:
        simulator = decided(bad())
        revert(simulator)
        simulator.fuse = fuse
        simulator.pass_time(15 * MINUTE)
        assert (simulator.phase, simulator.acts) == (Phase.ROLLED_BACK, [])

    def test_a_canary_that_is_scaled_to_zero_there_is_taken_back(self) -> None:
        spec: dict[str, Any] = {"signals": [signal()], "rollout": {"type": "Canary", "stable": {"name": "web-stable"}}}
        simulator = Simulator(review(**spec), metrics=Metrics([(T0 - 10 * MINUTE, 1.5)]))
        assert simulator.target is not None
        simulator.target.owner = ARGO
        decided(simulator)
        assert "scale it to zero in Git before" in simulator.status["summary"]
        simulator.target.replicas = 0
        simulator.pass_time(5 * MINUTE)
        assert (simulator.phase, simulator.acts) == (Phase.ROLLED_BACK, [])
        act = simulator.stored().status.act
        assert act is not None
        assert (act.do, act.replicas) == (Do.SCALE, 0)
        assert unproved(simulator) == []

    def test_it_is_followed_also_while_suspended(self) -> None:
        simulator = decided(bad())
        simulator.suspend(suspended=True)
        simulator.run()
        revert(simulator)
        simulator.pass_time(10 * MINUTE)
        assert simulator.phase == Phase.ROLLED_BACK

    def test_another_template_than_the_previous_one_is_a_new_revision(self) -> None:
        simulator = decided(bad())
        revert(simulator, "newer")
        simulator.pass_time(2 * MINUTE)
        assert (simulator.phase, simulator.status.get("act")) == (Phase.SUPERSEDED, None)

    def test_before_a_rollback_is_decided_going_back_is_none_of_ours(self) -> None:
        simulator = bad()
        simulator.pass_time(30 * MINUTE)
        revert(simulator)
        simulator.pass_time(2 * MINUTE)
        assert simulator.phase == Phase.SUPERSEDED

    def test_nor_where_it_was_left_to_people_anyway(self) -> None:
        simulator = decided(bad(onDrift="Hold"))
        revert(simulator)
        simulator.pass_time(2 * MINUTE)
        assert simulator.phase == Phase.SUPERSEDED

    @pytest.mark.parametrize("policy", [{"onDrift": "Hold"}, {"onInconclusive": "Hold"}])
    def test_one_that_is_decided_at_the_last_safe_moment_is_handed_over_as_well(self, policy: Any) -> None:
        simulator = bad(**policy, onWindowEnd="Rollback")
        if "onInconclusive" in policy:
            simulator.metrics.mode = "empty"
        simulator.pass_time(4 * HOUR + 20 * MINUTE)
        assert condition(simulator, "Stalled").reason == Reason.OWNED_BY_GIT
        revert(simulator)
        simulator.pass_time(10 * MINUTE)
        assert (simulator.phase, simulator.acts) == (Phase.ROLLED_BACK, [])
        assert unproved(simulator) == []

    def test_at_the_end_of_the_window_it_has_failed_and_says_for_what(self) -> None:
        simulator = decided(bad())
        simulator.pass_time(5 * HOUR)
        assert (simulator.phase, simulator.acts, simulator.again) == (Phase.FAILED, [], None)
        assert (
            "the rollback window closed at 2026-07-31T16:30:00Z (Argo CD Application web" in simulator.status["summary"]
        )

    def test_once_the_claim_is_taken_off_the_target_the_rollback_is_done(self) -> None:
        simulator = decided(bad(PLANTED))
        assert simulator.target is not None
        simulator.target.owner = None
        simulator.pass_time(10 * MINUTE)
        assert (simulator.phase, simulator.acts) == (Phase.ROLLED_BACK, [ActType.ROLL_BACK])

    def test_one_that_is_claimed_after_the_intent_waits_as_well(self) -> None:
        simulator = bad(None)
        simulator.refuses = True
        decided(simulator)
        assert simulator.phase == Phase.ROLLING_BACK
        simulator.refuses = False
        assert simulator.target is not None
        simulator.target.owner = PLANTED
        simulator.pass_time(5 * MINUTE)
        assert (simulator.phase, simulator.acts) == (Phase.ROLLING_BACK, [])
        assert condition(simulator, "Stalled").reason == Reason.OWNED_BY_GIT
        assert unproved(simulator) == []

    def test_a_promotion_is_done_as_ever(self) -> None:
        simulator = bad()
        simulator.metrics = Metrics()
        simulator.pass_time(5 * HOUR)
        assert (simulator.phase, simulator.acts) == (Phase.PROMOTED, [ActType.PROMOTE])


class TestOthers:
    @pytest.mark.parametrize(("owner", "git_ops"), [(ARGO, "Override"), (HELM_RELEASE, "Override"), (HELM, "Report")])
    def test_an_override_and_what_helm_owns_are_rolled_back_at_once(self, owner: Owner, git_ops: str) -> None:
        simulator = bad(owner, git_ops)
        simulator.pass_time(HOUR + 10 * MINUTE)
        assert (simulator.phase, simulator.acts) == (Phase.ROLLED_BACK, [ActType.ROLL_BACK])
        assert "by" not in simulator.status["act"]

    def test_of_helm_it_is_said_that_the_release_must_be_taken_back_there_too(self) -> None:
        simulator = decided(bad(HELM))
        assert (condition(simulator).status, condition(simulator).reason) == ("False", Reason.HELM)
        assert condition(simulator).message.endswith("until somebody runs Helm; take it back there too")

    def test_who_undid_a_rollback_is_named(self) -> None:
        simulator = bad(git_ops="Override")
        simulator.pass_time(HOUR + 3 * MINUTE)
        assert simulator.acts == [ActType.ROLL_BACK]
        revert(simulator, "new")
        simulator.pass_time(MINUTE)
        assert simulator.phase == Phase.FAILED
        assert "it ran again, applied by field manager argocd-controller (Apply)" in simulator.status["summary"]


class TestPause:
    def test_the_intent_the_pause_and_then_the_rollback(self) -> None:
        simulator = bad(git_ops="Pause")
        simulator.pass_time(HOUR + 10 * MINUTE)
        assert (simulator.phase, simulator.acts) == (Phase.ROLLED_BACK, [ActType.ROLL_BACK])
        act = simulator.stored().status.act
        assert act is not None
        assert act.pause is not None
        assert (act.pause.kind, act.pause.namespace, act.pause.name) == ("Application", "argocd", "web")
        assert simulator.paused is not None
        assert simulator.target is not None
        assert simulator.target.began >= simulator.paused + SETTLES
        assert act.pause.done_at is not None
        assert simulator.status["summary"].startswith("rolled back to web-old: T0+1h: latency")
        assert simulator.status["summary"].endswith(
            f"; what owns it was paused at {format_time(act.pause.done_at)}: to take that back, run: kubectl annotate "
            "applications.argoproj.io web -n argocd argocd.argoproj.io/skip-reconcile-"
        )
        assert unproved(simulator) == []

    def test_the_command_is_never_cut_whatever_became_of_the_rollback(self) -> None:
        simulator = bad(git_ops="Pause")
        simulator.pass_time(HOUR + 10 * MINUTE)
        assert simulator.target is not None
        simulator.target.replicas = 0
        simulator.pass_time(3 * HOUR)
        told = simulator.status["summary"]
        assert "; Deployment web asks for web-old again, but is scaled to zero: no pod of it runs; whether" in told
        assert told.endswith(
            "run: kubectl annotate applications.argoproj.io web -n argocd argocd.argoproj.io/skip-reconcile-"
        )
        assert unproved(simulator) == []

    @pytest.mark.parametrize("fuse", range(1, 14))
    def test_killed_anywhere_it_pauses_and_acts_once(self, fuse: int) -> None:
        simulator = bad(git_ops="Pause")
        simulator.pass_time(58 * MINUTE)
        simulator.fuse = fuse
        simulator.pass_time(30 * MINUTE)
        assert (simulator.phase, simulator.acts) == (Phase.ROLLED_BACK, [ActType.ROLL_BACK])

    def test_without_the_pause_nothing_is_patched_until_it_can_be_had(self) -> None:
        simulator = bad(git_ops="Pause")
        simulator.unpausable = "PATCH applications: 403"
        decided(simulator)
        assert (simulator.phase, simulator.acts) == (Phase.ROLLING_BACK, [])
        stalled = condition(simulator, "Stalled")
        assert (stalled.status, stalled.reason) == ("True", Reason.NOT_PAUSED)
        assert stalled.message == "what owns the target cannot be told to leave it alone: PATCH applications: 403"
        assert simulator.status["summary"].endswith("tried again until 2026-07-31T16:30:00Z")
        assert unproved(simulator) == []
        simulator.unpausable = ""
        simulator.pass_time(10 * MINUTE)
        assert (simulator.phase, simulator.acts) == (Phase.ROLLED_BACK, [ActType.ROLL_BACK])

    def test_what_cannot_be_paused_to_the_end_was_not_rolled_back(self) -> None:
        simulator = bad(git_ops="Pause")
        simulator.unpausable = "PATCH applications: 403"
        simulator.pass_time(6 * HOUR)
        assert (simulator.phase, simulator.acts) == (Phase.FAILED, [])
        assert "(what owns the target cannot be told to leave it alone: PATCH" in simulator.status["summary"]

    def test_what_was_put_back_before_a_pause_was_seen_is_not_said_to_stay_paused(self) -> None:
        simulator = bad(git_ops="Pause")
        simulator.unpausable = "PATCH applications: no answer"
        decided(simulator)
        revert(simulator)
        simulator.pass_time(10 * MINUTE)
        assert (simulator.phase, simulator.acts) == (Phase.ROLLED_BACK, [])
        intent = simulator.status["act"]["pause"]["intentAt"]
        assert simulator.status["summary"].endswith(
            f"; what owns it was to be paused at {intent}, and was not seen to be: to take that "
            "back, run: kubectl annotate applications.argoproj.io web -n argocd "
            "argocd.argoproj.io/skip-reconcile-"
        )

    def test_what_is_known_to_be_refused_is_never_begun_and_the_rollback_waits_for_it(self) -> None:
        simulator = bad(git_ops="Pause")
        assert simulator.target is not None
        simulator.target.check = WayBackCheck(at=T0, generation=7, hindrances=[hindrance("cannot patch")])
        simulator.pass_time(30 * MINUTE)
        known = condition(simulator, "RollbackPossible")
        assert (known.status, known.reason) == ("False", Reason.NOT_PAUSED)
        assert known.message == "what owns the target cannot be told to leave it alone: cannot patch"
        assert simulator.status["summary"].endswith(f"; a drift could not be rolled back now: {known.message}")
        simulator.pass_time(40 * MINUTE)
        stalled = condition(simulator, "Stalled")
        assert (simulator.phase, stalled.status, stalled.reason) == (Phase.HOLDING, "True", Reason.NOT_PAUSED)
        assert "act" not in simulator.status, "of a pause that was never begun nothing is told"
        assert unproved(simulator) == []
        simulator.target.check = WayBackCheck(at=simulator.now, generation=7)
        simulator.pass_time(10 * MINUTE)
        assert (simulator.phase, simulator.acts) == (Phase.ROLLED_BACK, [ActType.ROLL_BACK])

    def test_an_actor_that_is_to_begin_it_waits_for_it_as_well(self) -> None:
        simulator = bad(git_ops="Pause")
        simulator.unpausable = "not yet"
        decided(simulator)
        subject, refused = simulator.stored(), WayBackCheck(at=T0, generation=7, hindrances=[hindrance("cannot patch")])
        assert subject.status.act is not None
        begun = subject.status.act.model_copy(update={"pause": None})
        subject = subject.model_copy(update={"status": subject.status.model_copy(update={"act": begun})})
        action = plan(subject, Observed(target(owner=ARGO, check=refused)), simulator.now, Role.ACTOR)
        assert isinstance(action, Settle)
        assert action.status.act == begun, "no intent to pause is written"
        assert action.status.rollback is not None
        assert (action.status.phase, action.status.rollback.reason) == (Phase.ROLLING_BACK, Reason.NOT_PAUSED)

    def test_of_an_owner_without_a_name_nothing_can_be_paused(self) -> None:
        simulator = decided(bad(UNNAMED, "Pause"))
        assert (simulator.acts, condition(simulator, "Stalled").reason) == ([], Reason.NOT_PAUSED)
        assert "give the target its tracking annotation or labels" in simulator.status["summary"]

    @pytest.mark.parametrize(
        ("owner", "paused"),
        [
            (KUSTOMIZATION, ("Target", "shop", "web")),
            (HELM_RELEASE, ("HelmRelease", "flux-system", "web")),
            (Owner(OwnerKind.APPLICATION, "web", "team-a", "annotation", wrote=True), ("Application", "team-a", "web")),
        ],
    )
    def test_each_tool_is_told_in_its_own_way(self, owner: Owner, paused: tuple[str, str, str]) -> None:
        simulator = decided(bad(owner, "Pause"))
        pause = simulator.status["act"]["pause"]
        assert (pause["kind"], pause["namespace"], pause["name"]) == paused

    def test_what_nobody_owns_any_more_is_rolled_back_without_it(self) -> None:
        simulator = bad(git_ops="Pause")
        simulator.unpausable = "403"
        decided(simulator)
        assert simulator.target is not None
        simulator.target.owner = None
        simulator.pass_time(10 * MINUTE)
        assert simulator.phase == Phase.ROLLED_BACK

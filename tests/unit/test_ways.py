"""By which way a release is taken back, and what a promotion does besides: as the spec says, and nothing else."""

from dataclasses import replace
from typing import Any, ClassVar

import pytest

from driftreview.api.act import Act, ActType, Do
from driftreview.api.driftreview import DriftReview
from driftreview.api.wayback import WayBackCheck
from driftreview.domain.action import Observed, Settle
from driftreview.domain.plan import plan
from driftreview.domain.running import Edit
from driftreview.domain.steps import told_steps
from driftreview.domain.ways import (
    as_reviewed,
    changed_by,
    intent,
    is_asked_for,
    is_back,
    may_scale,
    pinned_way_back,
    unknown_resting,
    way_back,
)
from driftreview.domain.workload import Counts, Rollout, TargetView
from tests import builders
from tests.builders import HOUR, T0, review, target

CANARY = {"type": "Canary", "stable": {"name": "web-stable"}}
PROD = {"kind": "StatefulSet", "namespace": "prod", "name": "web"}
SCALED = WayBackCheck(at=T0, generation=7, autoscaler="web-hpa")
CHECKED = WayBackCheck(at=T0, generation=7)
UNKNOWN = WayBackCheck(at=T0, generation=7, autoscaler_unknown="the operator may not read it")
FIRST: dict[str, Any] = {"previous": None, "is_first": True}


def started(view: TargetView | None = None, **rollout: Any) -> DriftReview:
    settled = plan(review(rollout=rollout), Observed(view or target()), T0)
    assert isinstance(settled, Settle)
    assert settled.status.t0 is not None
    return review(settled.status, rollout=rollout)


def steps(subject: DriftReview, view: TargetView | None = None) -> list[str]:
    found = intent(subject, ActType.PROMOTE, view or target())[2]
    return [f"{each.do} {each}{'' if each.replicas is None else f' {each.replicas}'}" for each in found]


class TestWhoChangedIt:
    SCALED, WROTE = Edit("kubectl", T0), Edit("argocd-controller", T0)

    @pytest.mark.parametrize(("do", "who"), [(Do.SCALE, SCALED), (Do.PUT_BACK, WROTE)])
    def test_is_who_wrote_what_the_rollback_changes(self, do: Do, who: Edit) -> None:
        act = builders.intent(ActType.ROLL_BACK).model_copy(update={"do": do})
        assert changed_by(act, target(scaled=self.SCALED, edited=self.WROTE)) == who


class TestTheWayBack:
    def test_is_the_previous_template_where_there_is_one(self) -> None:
        assert way_back(started(), target()) is Do.PUT_BACK
        assert way_back(started(type="Paused"), target()) is Do.PUT_BACK
        assert way_back(started(firstRelease="ScaleToZero"), target()) is Do.PUT_BACK

    def test_of_a_first_release_is_none_or_no_pods(self) -> None:
        view = target(**FIRST)
        assert way_back(started(view), view) is None
        assert way_back(started(view, firstRelease="ScaleToZero"), view) is Do.SCALE

    def test_is_none_where_only_the_history_was_lost(self) -> None:
        view = target(previous=None)
        assert way_back(started(view, firstRelease="ScaleToZero"), view) is None

    def test_of_a_canary_is_no_pods_unless_an_autoscaler_owns_them_and_there_is_another(self) -> None:
        first, scaled = target(**FIRST), target(check=SCALED)
        assert way_back(started(**CANARY), target()) is Do.SCALE
        assert way_back(started(first, **CANARY), first) is Do.SCALE
        assert way_back(started(**CANARY), scaled) is Do.PUT_BACK
        assert way_back(started(first, **CANARY), replace(first, check=SCALED)) is Do.SCALE

    def test_of_a_canary_is_no_pods_where_certainly_no_autoscaler_owns_them_or_there_is_no_other(self) -> None:
        first = target(**FIRST)
        assert way_back(started(**CANARY), target(check=UNKNOWN)) is Do.PUT_BACK
        assert way_back(started(**CANARY), target(check=CHECKED)) is Do.SCALE
        assert way_back(started(first, **CANARY), replace(first, check=UNKNOWN)) is Do.SCALE
        assert way_back(started(), target(check=UNKNOWN)) is Do.PUT_BACK
        assert pinned_way_back(started(target(check=UNKNOWN), **CANARY)) is Do.PUT_BACK
        assert pinned_way_back(started(target(check=CHECKED), **CANARY)) is Do.SCALE

    def test_before_t0_is_that_of_what_runs(self) -> None:
        before = review(rollout={"firstRelease": "ScaleToZero"})
        assert way_back(before, target()) is Do.PUT_BACK
        assert way_back(before, target(**FIRST)) is Do.SCALE
        assert way_back(before, target(previous=None)) is None

    def test_says_how_many_pods_are_left(self) -> None:
        assert intent(started(**CANARY), ActType.ROLL_BACK, target()) == (Do.SCALE, 0, [])
        assert intent(started(), ActType.ROLL_BACK, target()) == (Do.PUT_BACK, None, [])


class TestAPromotion:
    def test_of_what_runs_in_place_does_nothing_else(self) -> None:
        assert intent(started(), ActType.PROMOTE, target()) == (Do.APPROVE, None, [])

    def test_of_a_canary_gives_the_stable_one_its_template_and_lets_it_rest_then(self) -> None:
        assert steps(started(**CANARY)) == ["GiveTemplate Deployment shop/web-stable", "Scale Deployment shop/web 0"]
        only = CANARY | {"stable": {"name": "web-stable", "takes": "Images"}, "restingSize": 2}
        assert steps(started(**only)) == ["GiveImages Deployment shop/web-stable", "Scale Deployment shop/web 2"]

    def test_leaves_a_number_of_pods_alone_that_an_autoscaler_owns(self) -> None:
        assert [may_scale(each) for each in (None, CHECKED, SCALED, UNKNOWN)] == [True, True, False, False]
        assert steps(started(**CANARY), target(check=SCALED)) == ["GiveTemplate Deployment shop/web-stable"]

    def test_that_would_scale_says_why_it_may_not_be_known_whether_it_may_and_what_to_do(self) -> None:
        unknown = target(check=UNKNOWN)
        assert unknown_resting(started(**CANARY), unknown) == (
            "whether a HorizontalPodAutoscaler owns the number of pods is not known (the operator may not read it), "
            "which a promotion sets to the canary's resting size: let the operator list horizontalpodautoscalers in "
            "the namespace"
        )
        for subject, view in (
            (started(), unknown),
            *((started(**CANARY), target(check=each)) for each in (None, CHECKED, SCALED)),
        ):
            assert unknown_resting(subject, view) == ""

    def test_goes_on_to_further_workloads_in_their_order(self) -> None:
        further = [PROD, {"name": "worker"}]
        expected = ["GiveImages StatefulSet prod/web", "GiveImages Deployment shop/worker"]
        assert steps(started(promoteTo=further)) == expected
        assert steps(started(**CANARY, promoteTo=further))[2:] == expected

    def test_says_what_it_was_given_to(self) -> None:
        written = intent(started(**CANARY, promoteTo=[PROD]), ActType.PROMOTE, target())[2]
        done = [each.model_copy(update={"completed_at": T0}) for each in written[:2]] + written[2:]
        act = builders.intent(ActType.PROMOTE, steps=done)
        assert told_steps(act) == "; given to Deployment shop/web-stable, not given to StatefulSet prod/web"
        assert told_steps(builders.intent(ActType.PROMOTE)) == told_steps(None) == ""


class TestAForgedAct:
    """Who can write a status but no workload must not have the operator write it for him."""

    def asked(self, subject: DriftReview, act: ActType, **forged: Any) -> bool:
        do, replicas, written = intent(subject, act, target())
        genuine = Act(type=act, do=do, replicas=replicas, target_uid="u", generation=7, intent_at=T0, steps=written)
        assert is_asked_for(subject, genuine)
        return is_asked_for(subject, genuine.model_copy(update=forged))

    @pytest.mark.parametrize("change", ["namespace", "name", "kind", "do", "replicas"])
    def test_names_no_other_workload_and_does_nothing_else_to_it(self, change: str) -> None:
        subject = started(**CANARY, promoteTo=[PROD])
        other = {"namespace": "kube-system", "name": "x", "kind": "DaemonSet", "do": Do.GIVE_IMAGES, "replicas": 99}
        genuine = intent(subject, ActType.PROMOTE, target())[2]
        for index, each in enumerate(genuine):
            if getattr(each, change) != other[change]:
                forged = each.model_copy(update={change: other[change]})
                assert not self.asked(subject, ActType.PROMOTE, steps=[*genuine[:index], forged, *genuine[index + 1 :]])

    def test_has_no_step_more_less_twice_or_in_another_order(self) -> None:
        subject = started(promoteTo=[PROD, {"name": "worker"}])
        first, second = intent(subject, ActType.PROMOTE, target())[2]
        for forged in ([], [first], [second, first], [first, first, second]):
            assert not self.asked(subject, ActType.PROMOTE, steps=forged)

    def test_may_be_as_far_as_it_got(self) -> None:
        subject = started(promoteTo=[PROD])
        done = {"uid": "1", "applied_at": T0, "completed_at": T0 + HOUR}
        (step,) = intent(subject, ActType.PROMOTE, target())[2]
        assert self.asked(subject, ActType.PROMOTE, steps=[step.model_copy(update=done)])

    def test_may_leave_the_size_of_a_canary_alone(self) -> None:
        subject = started(**CANARY)
        assert self.asked(subject, ActType.PROMOTE, steps=intent(subject, ActType.PROMOTE, target())[2][:1])

    @pytest.mark.parametrize("forged", [{"do": Do.SCALE, "replicas": 0}, {"do": Do.APPROVE}, {"replicas": 0}])
    def test_takes_no_pods_away_where_nobody_asked_for_it(self, forged: dict[str, Any]) -> None:
        assert not self.asked(started(), ActType.ROLL_BACK, **forged)
        assert not self.asked(started(), ActType.PROMOTE, **forged | {"replicas": 0})

    def test_leaves_no_other_number_of_pods_and_has_no_steps_on_the_way_back(self) -> None:
        canary, step = started(**CANARY), intent(started(promoteTo=[PROD]), ActType.PROMOTE, target())[2]
        assert not self.asked(canary, ActType.ROLL_BACK, replicas=50)
        assert not self.asked(canary, ActType.ROLL_BACK, steps=step)
        assert self.asked(canary, ActType.ROLL_BACK, do=Do.PUT_BACK, replicas=None)


class TestAPausedRollout:
    PAUSED: ClassVar[dict[str, Any]] = {
        "rollout": Rollout.PAUSED,
        "counts": Counts(wanted=4, total=5, updated=1, ready=5, available=5),
    }

    def test_is_as_far_as_it_should_be_once_its_new_pods_are_there(self) -> None:
        seen = as_reviewed(review(rollout={"type": "Paused"}), target(**self.PAUSED))
        assert (seen.rollout, seen.held, seen.records_end) == (Rollout.COMPLETE, None, False)
        assert seen.rollout_message == "its rollout is paused with 1 of 4 pods updated"

    @pytest.mark.parametrize(
        ("counts", "told"),
        [
            (Counts(4, 4, 0, 4, 4), "0 of 4 pods updated, and 4 of 4 pods are available"),
            (Counts(4, 5, 1, 4, 4), "1 of 4 pods updated, and 4 of 5 pods are available"),
        ],
    )
    def test_goes_on_until_then(self, counts: Counts, told: str) -> None:
        seen = as_reviewed(review(rollout={"type": "Paused"}), target(**self.PAUSED | {"counts": counts}))
        assert (seen.rollout, seen.held) == (Rollout.PROGRESSING, None)
        assert seen.rollout_message.endswith(told)

    def test_is_not_known_before_its_controller_saw_it_and_hinders_nothing(self) -> None:
        seen = as_reviewed(review(rollout={"type": "Paused"}), target(**self.PAUSED | {"counts": None}))
        assert (seen.rollout, seen.held) == (Rollout.PROGRESSING, None)
        assert seen.rollout_message.endswith("its controller has not seen the new spec yet")

    def test_is_held_in_a_review_of_any_other_type(self) -> None:
        view = target(**self.PAUSED)
        assert as_reviewed(review(), view) is view

    def test_that_is_not_paused_is_one_as_any(self) -> None:
        assert as_reviewed(review(rollout={"type": "Paused"}), target()) == target()

    def test_has_to_go_on_once_the_act_is_done(self) -> None:
        subject = started(type="Paused")
        act = builders.intent(ActType.ROLL_BACK)
        subject = review(subject.status.model_copy(update={"act": act}), rollout={"type": "Paused"})
        before, after = target(**self.PAUSED), target("old", **self.PAUSED)
        assert not is_back(subject.status, before)
        assert as_reviewed(subject, before).held is None
        assert as_reviewed(subject, after).held is not None

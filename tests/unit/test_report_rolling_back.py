"""Next Steps while a rollback is under way: what keeps its pods, how to see it, and until when they are waited for."""

from datetime import timedelta

import pytest

from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.action import Observed, Settle
from driftreview.domain.kinds import blocked, unblocks
from driftreview.domain.plan import plan
from driftreview.domain.report import held
from driftreview.domain.report.build import report
from driftreview.domain.report.material import Material
from driftreview.domain.report.model import Sentence, Tone
from driftreview.domain.serving import Serving, ServingPod
from driftreview.domain.status import Stuck, moved
from driftreview.domain.workload import Rollout, TargetView
from tests.builders import HOUR, MINUTE, PAUSED, T0, review, signal, target
from tests.reportdata import taken
from tests.simulator import ROLLOUT, Metrics, Simulator
from tests.unit.test_members import group, member
from tests.unit.test_report import said

EVENTS = "kubectl get events -n shop --field-selector type=Warning"
NO_IMAGE = ServingPod(
    "web-c", ready=False, trouble="pod web-c: container app has no image: ImagePullBackOff registry/web:old"
)


def drifted(**spec: object) -> Simulator:
    """A review whose first look leads to a rollback."""
    return Simulator(review(signals=[signal()], **spec), metrics=Metrics([(T0 - 10 * MINUTE, 1.5)]))


def under_way(**spec: object) -> Simulator:
    """Its template is back, and its pods are not."""
    simulator = drifted(**spec)
    simulator.pass_time(HOUR)
    while not simulator.status.get("act", {}).get("appliedAt"):
        simulator.pass_time(MINUTE / 6)
    return simulator


def seen(simulator: Simulator, view: TargetView, found: Serving, later: timedelta = MINUTE) -> DriftReview:
    """The same after one step more."""
    action = plan(simulator.stored(), Observed(view, serving=found), simulator.now + later)
    assert isinstance(action, Settle)
    return simulator.stored().model_copy(update={"status": action.status})


def steps(subject: DriftReview) -> list[Sentence]:
    return list(held.steps(Material.of(subject, [])))


class TestItsPods:
    def test_what_keeps_them_is_named_with_the_command_that_shows_it_and_until_when(self) -> None:
        view = target("old", rollout=Rollout.PROGRESSING, rollout_message="0 of 1 pods are updated")
        subject = seen(under_way(), view, Serving((NO_IMAGE,)))
        assert subject.status.phase is Phase.ROLLING_BACK
        (only,) = steps(subject)
        assert (only.command, only.tone) == (EVENTS, Tone.OPEN)
        assert only.text == (
            "See what keeps its pods, if they do not come by themselves: rolling back to web-old: 0 of 1 pods of "
            "web-old (restored) are ready; pod web-c: container app has no image: ImagePullBackOff registry/web:old; "
            "0 of 1 pods are updated; waited for until 2026-07-31T13:13:00Z at the latest"
        )

    def test_it_ends_when_it_said(self) -> None:
        view = target("old", rollout=Rollout.PROGRESSING)
        until = T0 + HOUR + 13 * MINUTE
        for later, phase in ((0, Phase.ROLLING_BACK), (1, Phase.FAILED)):
            simulator = under_way()
            wait = until - simulator.now + timedelta(seconds=later)
            assert seen(simulator, view, Serving((NO_IMAGE,)), wait).status.phase is phase

    def test_until_when_is_told_however_long_the_rest_is(self) -> None:
        view = target("old", rollout=Rollout.PROGRESSING, rollout_message="a quota, " * 200)
        subject = seen(under_way(), view, Serving((NO_IMAGE,)))
        assert subject.status.summary is not None
        assert subject.status.summary.endswith("…; waited for until 2026-07-31T13:13:00Z at the latest")

    def test_it_stands_first_in_the_report_and_is_gone_with_the_end(self) -> None:
        simulator = under_way()
        simulator.pass_time(MINUTE)
        first, *others = said(report(*taken(simulator)), "outlook", "Next")
        assert first.startswith("See what keeps its pods, if they do not come by themselves: rolling back to web-old: ")
        assert first.endswith(f": {EVENTS}")
        assert others[0].startswith("Mend what drifted")
        simulator.pass_time(2 * ROLLOUT)
        assert simulator.phase == Phase.ROLLED_BACK
        assert steps(simulator.stored()) == []

    def test_before_the_template_is_back_there_are_none_to_wait_for(self) -> None:
        simulator = drifted()
        simulator.refuses = True
        simulator.pass_time(HOUR + 3 * MINUTE)
        (only,) = steps(simulator.stored())
        assert only.text.startswith("Mend what holds the review up: RollBack was refused by the API server")
        assert only.command == ""

    def test_those_of_what_ships_with_the_target_too(self) -> None:
        subject = group(bad=True)
        subject.pass_time(HOUR)
        member(subject, 0).takes = HOUR
        while not subject.taken:
            subject.pass_time(MINUTE)
        subject.pass_time(MINUTE)
        (only,) = steps(subject.stored())
        assert (
            ": rolling back, step 1 of 2: Deployment shop/api: 0 of 1 pods of web-old (restored) are ready; "
            in only.text
        )
        assert "; waited for until " in only.text
        assert only.command == EVENTS


class TestMended:
    """What only a person can do about it is told instead."""

    BLOCKED = target("old", rollout=Rollout.PROGRESSING, rollout_message="0 of 3", blocked_by=("web-1", "web-2"))

    def test_pods_that_block_it_are_deleted(self) -> None:
        simulator = under_way(target={"kind": "StatefulSet", "name": "web"})
        (only,) = steps(seen(simulator, self.BLOCKED, Serving((NO_IMAGE,)), 2 * MINUTE))
        assert only.command == "kubectl delete pod web-1 web-2 -n shop"
        assert only.text.startswith("Mend what holds the review up: rolling back to web-old: 0 of 1 pods of web-old")
        assert only.text.endswith(
            "at the latest; with podManagementPolicy OrderedReady it waits until web-1 web-2, of an older revision, is "
            "ready, and replaces no pod before"
        )

    def test_a_rollout_that_is_paused_half_way_is_resumed(self) -> None:
        view = target("old", rollout=Rollout.PAUSED, held=PAUSED)
        (only,) = steps(seen(under_way(), view, Serving()))
        assert only.command == PAUSED.remedy
        assert only.text.startswith("Mend what holds the review up: rollback to web-old begun, but not finished: ")
        assert only.text.endswith("the target's rollout is paused; before 2026-07-31T16:30:00Z")

    @pytest.mark.parametrize(
        "message",
        [
            "kubectl delete pod db-1 -n shop",
            "kubectl delete pod web-1 -n kube-system",
            "kubectl delete pod web-1 --all -n shop",
            "kubectl delete pod web-1 -n shop; reboot",
            "kubectl delete pod web-1 -n shop\n",
            "kubectl delete pod webx1-1 -n shop",
        ],
    )
    def test_a_command_of_strangers_is_none(self, message: str) -> None:
        assert unblocks(review(), message) == ""
        stuck = Stuck(Reason.ROLLOUT_BLOCKED, f"it waits: {message}")
        (only,) = steps(review(moved(DriftReviewStatus(), Phase.ROLLING_BACK, stuck.reason, "s", T0, stuck)))
        assert only.command == ""

    def test_what_is_said_of_blocking_pods_has_its_command(self) -> None:
        assert unblocks(review(), blocked(review(), self.BLOCKED)) == "kubectl delete pod web-1 web-2 -n shop"
        together = review(target={"name": "shop", "with": [{"kind": "StatefulSet", "name": "web"}]})
        assert unblocks(together, blocked(together, self.BLOCKED)) == "kubectl delete pod web-1 web-2 -n shop"

    def test_a_hindrance_that_does_not_end_in_its_command_is_told_as_it_is(self) -> None:
        message = "the target's rollout is paused: kubectl rollout resume deployment/other -n shop"
        status = moved(DriftReviewStatus(), Phase.HOLDING, "Holding", "s", T0, Stuck(Reason.TARGET_PAUSED, message))
        (only,) = steps(review(status))
        assert (only.text, only.command) == (f"Mend what holds the review up: {message}", "")
        assert ConditionType.STALLED in only.evidence[0].field

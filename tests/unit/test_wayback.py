"""What hinders a rollback, what is only a risk in one, when that is looked at, and what becomes of a decided one."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from driftreview.api.act import ActType
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import Decision, DriftReviewStatus
from driftreview.api.verdicts import Recommendation
from driftreview.api.wayback import MOST_RISKS, Hindrance, Rehearsal, RehearsalOutcome, WayBackCheck
from driftreview.domain.action import Observed, PatchTarget, Settle
from driftreview.domain.headroom import Budget
from driftreview.domain.marks import IRREVERSIBLE, irreversible
from driftreview.domain.pausing import hindrance
from driftreview.domain.plan import plan
from driftreview.domain.status import condition, moved
from driftreview.domain.wayback import (
    HINDERED,
    MENDABLE,
    NOTE,
    PAUSE,
    WAITED_FOR,
    Gathered,
    Need,
    Unread,
    checked,
    due,
    hindrances,
    needs,
    rehearsed,
    turned,
    with_note,
)
from driftreview.domain.workload import Rollout, TargetView
from tests.builders import HOUR, MINUTE, PAUSED, T0, drifted, intent, review, target, template

SECOND = timedelta(seconds=1)
OLD = template("old")
REFUSED = Hindrance(reason=Reason.ROLLBACK_REFUSED, message="the API server would refuse the rollback: no")


def check(at: datetime = T0, *found: Hindrance, generation: int = 7, **fields: Any) -> WayBackCheck:
    return WayBackCheck(at=at, generation=generation, hindrances=list(found), **fields)


def started(view: TargetView | None = None, at: datetime = T0, **spec: Any) -> DriftReview:
    """A review at its T0."""
    begun = plan(review(**spec), Observed(view or target()), at)
    assert isinstance(begun, Settle)
    assert begun.status.t0 == T0
    return review(begun.status, **spec)


def found(gathered: Gathered, mode: str = "Enforce") -> WayBackCheck:
    return checked(started(policy={"mode": mode}), target(), gathered, T0)


def test_what_holds_the_target_is_kept_as_long_as_it_was_so_when_it_was_looked() -> None:
    for view, held in ((target(), None), (target(held=PAUSED), Reason.TARGET_PAUSED)):
        assert checked(started(), view, Gathered(OLD), T0).held is held
    ended = moved(
        started(target(held=PAUSED, check=check(held=Reason.TARGET_PAUSED))).status, Phase.FAILED, "x", "s", T0
    )
    assert ended.rollback is not None
    assert ended.rollback.check is not None
    assert (ended.rollback.reason, ended.rollback.check.held) == (Reason.ENDED, Reason.TARGET_PAUSED)


def rehearsal(outcome: str, message: str = "no") -> Gathered:
    return Gathered(OLD, rehearsal=Rehearsal(outcome=RehearsalOutcome(outcome), message=message))


CANARY = {"type": "Canary", "stable": {"name": "stable"}}
NO_RIGHT = "the operator may not read it"


class TestWhoSaysHowManyPods:
    """Not known whether an autoscaler does is not the same as none."""

    def seen(self, empties: bool, view: TargetView, **rollout: Any) -> WayBackCheck:  # noqa: FBT001
        gathered = Gathered({} if empties else OLD, unknown_scalers=NO_RIGHT, empties=empties)
        return checked(started(view, rollout=rollout), view, gathered, T0)

    @pytest.mark.parametrize("empties", [True, False])
    def test_of_a_canary_that_is_kept_and_hinders_nothing_where_there_is_an_earlier_revision(
        self, *, empties: bool
    ) -> None:
        found = self.seen(empties, target(), **CANARY)
        assert (found.autoscaler_unknown, found.hindrances) == (NO_RIGHT, [])

    @pytest.mark.parametrize("rollout", [CANARY, {"firstRelease": "ScaleToZero"}])
    def test_a_first_release_is_not_scaled_to_zero_before_that_is_known(self, rollout: dict[str, Any]) -> None:
        first = target(previous=None, is_first=True)
        (hindrance,) = self.seen(True, first, **rollout).hindrances
        assert hindrance.reason is Reason.SCALING_UNKNOWN
        assert hindrance.reason in MENDABLE
        assert hindrance.message == (
            "whether a HorizontalPodAutoscaler owns the number of pods is not known (the operator may not read it), "
            "and there is no earlier revision to go back to: let the operator list horizontalpodautoscalers in the "
            "namespace, or scale it by hand"
        )

    def test_where_nobody_sets_it_nobody_asks(self) -> None:
        assert self.seen(False, target()).autoscaler_unknown is None

    def test_it_is_looked_at_again_soon_and_at_once_where_something_waits_for_it(self) -> None:
        unknown = check(autoscaler_unknown=NO_RIGHT)
        subject = started(rollout=CANARY)
        assert not due(subject, target(), unknown, T0 + HINDERED - SECOND)
        assert due(subject, target(), unknown, T0 + HINDERED)
        decision = Decision(
            recommendation=Recommendation.APPROVE, reason=Reason.SIGNALS_PASSED, message="why", by="checkpoint", at=T0
        )
        subject = review(subject.status.model_copy(update={"decision": decision}), rollout=CANARY)
        assert due(subject, target(), unknown, T0 + WAITED_FOR)


class TestNeeds:
    def of(self, **spec: Any) -> list[str]:
        return [str(each) for each in needs({"spec": spec})]

    def test_a_plain_template_needs_nothing(self) -> None:
        assert needs(OLD) == []
        assert needs({}) == []

    def test_the_account_the_claims_and_the_secrets_that_images_are_pulled_with(self) -> None:
        volumes = [{"name": "a", "persistentVolumeClaim": {"claimName": "data"}}, {"name": "b", "emptyDir": {}}]
        assert self.of(serviceAccountName="bot", volumes=volumes, imagePullSecrets=[{"name": "registry"}, {}]) == [
            "ServiceAccount bot",
            "PersistentVolumeClaim data",
            "pull Secret registry",
        ]

    @pytest.mark.parametrize(
        "part",
        [
            {"containers": [{"env": [{"valueFrom": {"configMapKeyRef": {"name": "a", "key": "k"}}}]}]},
            {"initContainers": [{"envFrom": [{"configMapRef": {"name": "a"}}]}]},
            {"volumes": [{"configMap": {"name": "a"}}]},
            {"volumes": [{"projected": {"sources": [{"configMap": {"name": "a"}}]}}]},
        ],
    )
    def test_config_maps_wherever_they_are_named_and_once(self, part: dict[str, Any]) -> None:
        assert self.of(**part) == ["ConfigMap a"]

    @pytest.mark.parametrize(
        "part",
        [
            {"containers": [{"envFrom": [{"secretRef": {"name": "a", "optional": True}}]}]},
            {"containers": [{"env": [{"valueFrom": {"configMapKeyRef": {"name": "a", "optional": True}}}]}]},
            {"volumes": [{"secret": {"secretName": "a", "optional": True}}]},
        ],
    )
    def test_not_what_may_be_missing(self, part: dict[str, Any]) -> None:
        assert self.of(**part) == []

    def test_one_that_is_optional_here_and_not_there_is_needed(self) -> None:
        named = [{"secretRef": {"name": "a", "optional": True}}, {"secretRef": {"name": "a"}}]
        assert self.of(containers=[{"envFrom": named}]) == ["Secret a"]


class TestWhatALookFinds:
    def test_nothing_amiss(self) -> None:
        assert found(rehearsal("Accepted")) == check(
            rehearsal=Rehearsal(outcome=RehearsalOutcome.ACCEPTED, message="no")
        )

    def test_what_is_certainly_not_there_hinders_and_is_named(self) -> None:
        missing = (Need("ConfigMap", "settings"), Need("Secret", "broker"))
        (only,) = found(Gathered(OLD, missing)).hindrances
        assert only.reason is Reason.DEPENDENCY_MISSING
        assert only.message == (
            "ConfigMap settings, Secret broker, without which no pod of web-old starts, are not there: "
            "create what is missing"
        )

    def test_a_missing_secret_to_pull_with_is_a_risk_as_the_images_may_be_had_without_it(self) -> None:
        result = found(Gathered(OLD, (Need("pull Secret", "registry"),)))
        assert result.hindrances == []
        assert "no Secret registry to pull images with" in result.risks[0]

    def test_a_long_list_of_what_is_missing_is_shortened_and_says_what_to_do(self) -> None:
        missing = tuple(Need("ConfigMap", f"{number}{'x' * 252}") for number in range(60))
        (only,) = found(Gathered(OLD, missing)).hindrances
        assert len(only.message) <= 512
        assert only.message.endswith("create what is missing")

    @pytest.mark.parametrize("mode", ["Enforce", "Advise", "Observe"])
    def test_a_refused_rehearsal_hinders_whoever_would_act(self, mode: str) -> None:
        assert [each.reason for each in found(rehearsal("Refused"), mode).hindrances] == [Reason.ROLLBACK_REFUSED]

    def test_a_forbidden_one_hinders_where_the_operator_would_act(self) -> None:
        (only,) = found(rehearsal("Forbidden", "cannot patch")).hindrances
        assert (only.reason, only.message) == (
            Reason.ROLLBACK_FORBIDDEN,
            "the API server forbids the rollback: cannot patch",
        )

    @pytest.mark.parametrize("mode", ["Advise", "Observe"])
    def test_and_is_a_risk_where_a_person_would(self, mode: str) -> None:
        result = found(rehearsal("Forbidden", "cannot patch"), mode)
        assert (result.hindrances, result.risks) == ([], ["the rollback may not be rehearsed: cannot patch"])

    def test_one_that_could_not_be_done_is_a_risk(self) -> None:
        result = found(rehearsal("Unknown", "timed out"))
        assert (result.hindrances, result.risks) == ([], ["the rollback could not be rehearsed: timed out"])

    def test_a_pause_that_would_not_be_done_hinders(self) -> None:
        assert found(Gathered(OLD, not_paused=hindrance("no"))).hindrances == [hindrance("no")]

    def test_what_could_not_be_read_is_a_risk_said_once_for_each_reason(self) -> None:
        unread = (Unread("Secret a", "no right"), Unread("ResourceQuotas", "slow"), Unread("Secret b", "no right"))
        result = found(Gathered(OLD, unread=unread))
        assert result.hindrances == []
        assert result.risks == ["not known (no right): Secret a, Secret b", "not known (slow): ResourceQuotas"]

    def test_without_the_template_it_is_said_that_nothing_is_known(self) -> None:
        result = found(Gathered({}))
        assert "could not be read" in result.risks[0]
        assert (result.hindrances, result.rehearsal) == ([], None)

    def test_of_many_risks_the_first_are_kept_and_the_rest_counted(self) -> None:
        budgets = tuple(Budget(f"b{number}", {"matchLabels": {"app": "web"}}, 0) for number in range(30))
        result = found(Gathered(OLD, budgets=budgets))
        assert len(result.risks) == MOST_RISKS
        assert result.risks[-1] == "and 21 more"

    def test_what_others_wrote_cannot_make_a_status_that_is_refused(self) -> None:
        long = "\x1b[31m" * 5_000
        result = found(
            Gathered(
                OLD,
                (Need("ConfigMap", long),),
                (Unread(long, long),),
                rehearsal=Rehearsal(outcome=RehearsalOutcome.REFUSED, message="x" * 256),
            )
        )
        assert WayBackCheck.model_validate(result.to_wire()) == result
        assert "\x1b" not in str(result.to_wire())


class TestHindrances:
    def test_none(self) -> None:
        assert hindrances(target(), None) == []

    def test_what_the_target_says_comes_first(self) -> None:
        view = target(rollout=Rollout.PAUSED, irreversible="the target has the annotation x (y)")
        result = hindrances(view, check(T0, REFUSED), T0 + HOUR)
        assert [each.reason for each in result] == [
            Reason.TARGET_PAUSED,
            Reason.IRREVERSIBLE,
            Reason.ROLLBACK_REFUSED,
        ]
        assert "take it off before 2026-07-31T13:00:00Z" in result[1].message

    def test_each_can_be_mended(self) -> None:
        assert {each.reason for each in hindrances(target(rollout=Rollout.PAUSED), None)} <= MENDABLE


class TestTheMark:
    def deployment(self, **annotations: Any) -> dict[str, Any]:
        return {"metadata": {"annotations": annotations}, "spec": {"template": {"metadata": {}}}}

    def test_on_the_target_with_its_reason(self) -> None:
        assert irreversible(self.deployment(**{IRREVERSIBLE: "drops a column"})) == (
            f"the target has the annotation {IRREVERSIBLE} (drops a column)"
        )

    def test_on_the_pod_template(self) -> None:
        raw = self.deployment()
        raw["spec"]["template"]["metadata"] = {"annotations": {IRREVERSIBLE: " "}}
        assert irreversible(raw) == f"its pod template has the annotation {IRREVERSIBLE} (no reason is given)"

    def test_a_long_or_hostile_reason_is_cut(self) -> None:
        said = irreversible(self.deployment(**{IRREVERSIBLE: "\n\x1b" * 10_000}))
        assert said is not None
        assert len(said) < 250
        assert said.isprintable()

    @pytest.mark.parametrize("metadata", [{}, {"annotations": None}, {"annotations": {"other": "x"}}])
    def test_without_it(self, metadata: dict[str, Any]) -> None:
        assert irreversible({"metadata": metadata, "spec": {"template": {}}}) is None


class TestWhenToLook:
    def test_before_t0_and_at_t0_and_then_every_ten_minutes(self) -> None:
        assert due(review(), target(), None, T0 - MINUTE)
        assert due(started(), target(), check(T0 - SECOND), T0)
        assert not due(started(), target(), check(T0), T0 + PAUSE - SECOND)
        assert due(started(), target(), check(T0), T0 + PAUSE)

    def test_every_minute_while_something_hinders(self) -> None:
        assert not due(started(), target(), check(T0, REFUSED), T0 + HINDERED - SECOND)
        assert due(started(), target(), check(T0, REFUSED), T0 + HINDERED)

    def test_after_seconds_while_a_decided_rollback_waits_for_it(self) -> None:
        subject = started()
        subject = review(subject.status.model_copy(update={"decision": DECISION}))
        assert not due(subject, target(), check(T0 + HOUR, REFUSED), T0 + HOUR + WAITED_FOR - SECOND)
        assert due(subject, target(), check(T0 + HOUR, REFUSED), T0 + HOUR + WAITED_FOR)

    def test_when_a_look_is_due_and_only_once_for_it(self) -> None:
        ready = started().status.checkpoints[0].due + 2 * MINUTE
        assert due(started(), target(), check(ready - SECOND), ready)
        assert not due(started(), target(), check(ready), ready + SECOND)

    def test_when_the_target_changed(self) -> None:
        assert due(started(), target(generation=8), check(), T0 + SECOND)

    def test_before_the_act(self) -> None:
        subject = intended()
        assert due(subject, target(), check(T0 + HOUR - SECOND), T0 + HOUR)
        assert not due(subject, target(), check(T0 + HOUR), T0 + HOUR)

    @pytest.mark.parametrize(
        "subject",
        [
            pytest.param(lambda: review(started().status, suspend=True), id="suspended"),
            pytest.param(lambda: started(target(previous=None)), id="nothing to go back to"),
        ],
    )
    def test_not_where_nothing_can_follow(self, subject: Any) -> None:
        assert not due(subject(), target(), None, T0 + HOUR)

    def test_not_after_the_window_closed(self) -> None:
        assert not due(started(), target(), None, T0 + 72 * HOUR)

    def test_not_once_the_rollback_was_done(self) -> None:
        assert not due(intended(), target("old"), None, T0 + HOUR)

    def test_not_for_a_promotion(self) -> None:
        assert not due(intended(ActType.PROMOTE), target(), None, T0 + HOUR)


DECISION = Decision(
    recommendation=Recommendation.REJECT, reason=Reason.SIGNAL_DEGRADED, message="why", by="checkpoint 1h", at=T0 + HOUR
)


def intended(act: ActType = ActType.ROLL_BACK) -> DriftReview:
    written = intent(act, T0 + HOUR)
    phase = Phase.ROLLING_BACK
    status = drifted(started().status)
    return review(status.model_copy(update={"act": written, "decision": DECISION, "phase": phase}))


def told(status: DriftReviewStatus) -> tuple[str, str]:
    said = condition(status, ConditionType.ROLLBACK_POSSIBLE)
    assert said is not None
    return said.status, said.reason


def stepped(subject: DriftReview, view: TargetView, now: datetime) -> DriftReviewStatus:
    action = plan(subject, Observed(view), now)
    assert isinstance(action, Settle)
    return action.status


class TestWhatBecomesOfAReview:
    def with_baseline(self) -> DriftReview:
        ref = {"name": "release-t0", "hash": "sha256:" + "0" * 64}
        wire = started().status.to_wire() | {"baseline": ref}
        status = moved(
            DriftReviewStatus.model_validate(wire),
            Phase.WATCHING,
            Reason.BETWEEN_CHECKPOINTS,
            "first look at 13:00",
            T0,
        )
        return review(status)

    def test_a_hindrance_makes_the_condition_false_and_is_said_in_the_summary(self) -> None:
        status = stepped(self.with_baseline(), target(check=check(T0, REFUSED)), T0 + MINUTE)
        assert told(status) == ("False", "RollbackRefused")
        assert status.rollback is not None
        assert (status.rollback.possible, status.rollback.until) == (False, None)
        assert status.summary == f"first look at 13:00{NOTE}{REFUSED.message}"
        going = condition(status, ConditionType.RECONCILING)
        assert going is not None
        assert going.message == status.summary

    def test_the_same_again_is_the_same_status(self) -> None:
        status = stepped(self.with_baseline(), target(check=check(T0, REFUSED)), T0 + MINUTE)
        assert stepped(review(status), target(check=check(T0, REFUSED)), T0 + 2 * MINUTE) == status

    def test_what_was_found_stands_in_the_status_until_the_next_look(self) -> None:
        status = stepped(self.with_baseline(), target(check=check(T0, REFUSED)), T0 + MINUTE)
        assert told(stepped(review(status), target(), T0 + 2 * MINUTE)) == ("False", "RollbackRefused")

    def test_mended_it_is_possible_again_and_the_summary_as_before(self) -> None:
        status = stepped(self.with_baseline(), target(check=check(T0, REFUSED)), T0 + MINUTE)
        status = stepped(review(status), target(check=check(T0 + MINUTE)), T0 + 2 * MINUTE)
        assert told(status) == ("True", "Possible")
        assert status.summary == "first look at 13:00"

    def test_several_are_all_said(self) -> None:
        view = target(irreversible="it has the annotation", check=check(T0, REFUSED))
        status = stepped(self.with_baseline(), view, T0 + MINUTE)
        assert told(status)[1] == "Irreversible"
        assert status.rollback is not None
        assert "; and the API server would refuse" in status.rollback.message

    def test_a_rollback_that_was_begun_as_intent_waits_and_then_is_done(self) -> None:
        status = stepped(intended(), target(check=check(T0 + HOUR, REFUSED)), T0 + HOUR)
        assert status.phase is Phase.ROLLING_BACK
        stalled = condition(status, ConditionType.STALLED)
        assert stalled is not None
        assert (stalled.status, stalled.reason) == ("True", "RollbackRefused")
        mended = plan(review(status), Observed(target(check=check(T0 + HOUR + MINUTE))), T0 + HOUR + MINUTE)
        assert mended == PatchTarget(ActType.ROLL_BACK)

    @pytest.mark.parametrize("reason", sorted(MENDABLE))
    def test_a_decided_rollback_waits_for_whatever_hinders_it_and_then_is_intended(self, reason: Reason) -> None:
        subject = review(self.with_baseline().status.model_copy(update={"decision": DECISION}))
        hindered = target(check=check(T0, Hindrance(reason=reason, message="mend it")))
        status = stepped(subject, hindered, T0 + HOUR)
        stalled = condition(status, ConditionType.STALLED)
        assert stalled is not None
        assert (status.phase, status.act, stalled.status, stalled.reason) == (Phase.HOLDING, None, "True", reason)
        status = stepped(review(status), target(check=check(T0 + HOUR)), T0 + HOUR + MINUTE)
        assert (status.phase, status.act is not None and status.act.type) == (Phase.ROLLING_BACK, ActType.ROLL_BACK)

    def test_it_ends_when_the_window_closes_and_says_what_held_it_up(self) -> None:
        status = stepped(intended(), target(check=check(T0 + HOUR, REFUSED)), T0 + HOUR)
        status = stepped(review(status), target(), T0 + 72 * HOUR)
        assert status.phase is Phase.FAILED
        assert "(rollback decided, but not begun: the API server would refuse" in (status.summary or "")

    def test_what_is_only_a_risk_keeps_no_rollback_back(self) -> None:
        view = target(check=check(T0 + HOUR, risks=["not known (slow): everything"]))
        assert plan(intended(), Observed(view), T0 + HOUR) == PatchTarget(ActType.ROLL_BACK)


class TestNote:
    def test_nothing_is_noted_once_it_was_decided_or_the_window_closed(self) -> None:
        noted = stepped(TestWhatBecomesOfAReview().with_baseline(), target(check=check(T0, REFUSED)), T0 + MINUTE)
        decided = noted.model_copy(update={"decision": DECISION})
        assert with_note(decided, T0 + MINUTE).summary == "first look at 13:00"
        bare = TestWhatBecomesOfAReview().with_baseline().status
        assert with_note(bare, T0 + 72 * HOUR) == bare

    def test_nothing_is_noted_before_t0(self) -> None:
        assert with_note(DriftReviewStatus(), T0) == DriftReviewStatus()


class TestTurned:
    def states(self) -> tuple[DriftReviewStatus, DriftReviewStatus]:
        """One in which a rollback is possible, and one in which it is hindered."""
        return started().status, stepped(intended(), target(check=check(T0, REFUSED)), T0 + HOUR)

    def test_it_is_told_both_ways_and_once(self) -> None:
        good, bad = self.states()
        turn = turned(good, bad)
        assert turn is not None
        assert (turn.status, turn.reason) == ("False", "RollbackRefused")
        back = turned(bad, good)
        assert back is not None
        assert back.status == "True"
        assert turned(good, good) is None
        assert turned(bad, bad) is None

    def test_a_start_is_told_only_where_something_hinders(self) -> None:
        good, bad = self.states()
        assert turned(DriftReviewStatus(), good) is None
        assert turned(DriftReviewStatus(), bad) is not None

    @pytest.mark.parametrize("view", [target(previous=None)])
    def test_what_nobody_can_mend_is_no_turn(self, view: TargetView) -> None:
        assert turned(DriftReviewStatus(), started(view).status) is None


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("Accepted", "rehearsed at 2026-07-31T12:00:00Z: the API server would do it"),
        ("Refused", "rehearsed at 2026-07-31T12:00:00Z: the API server would refuse it (no)"),
        ("Forbidden", "rehearsed at 2026-07-31T12:00:00Z: the API server forbids it (no)"),
        ("Unknown", "rehearsed at 2026-07-31T12:00:00Z: it could not be found out (no)"),
    ],
)
def test_a_rehearsal_is_told_as_what_it_came_to(outcome: str, said: str) -> None:
    message = "" if outcome == "Accepted" else "no"
    done = Rehearsal(outcome=RehearsalOutcome(outcome), message=message)
    assert rehearsed(check(rehearsal=done)) == said
    assert rehearsed(check()).startswith("not rehearsed at 2026-07-31T12:00:00Z")


def test_preflight_and_status_tell_the_same() -> None:
    view = replace(target(), irreversible="it is marked")
    (only,) = hindrances(view, None)
    assert only.message == "it is marked: take it off, as soon as the previous pods can run again"

"""When a release was rolled out of a workload that does not say so: T0 is never too early, and never moves on."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.act import ActType
from driftreview.api.driftreview import DriftReview
from driftreview.api.phases import Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import Decision, DriftReviewStatus, RolledOut
from driftreview.domain.action import Observed, PatchTarget, Settle
from driftreview.domain.plan import plan
from driftreview.domain.preflight import find
from driftreview.domain.readings import Readings
from driftreview.domain.released import judged_as_rolled_out, rolled_out_at
from driftreview.domain.trouble import way_back_gone
from driftreview.domain.wayback import hindrances
from driftreview.domain.workload import Held, Rollout, TargetView
from tests.builders import HOUR, MINUTE, T0, drifted, intent, review, revision, target

SILENT_END = {"records_end": False, "rollout_started_at": T0 - 20 * MINUTE, "rolled_out_at": T0 - 10 * MINUTE}
"""Of a workload that says by when its rollout had finished."""
HELD = Held(Reason.UPDATE_ON_DELETE, "updateStrategy is OnDelete", "kubectl patch statefulset/web")


def status(subject: DriftReview, view: TargetView, now: datetime) -> DriftReviewStatus:
    action = plan(subject, Observed(view), now)
    assert isinstance(action, Settle)
    DriftReviewStatus.model_validate(action.status.to_wire())
    return action.status


def of(kind: str = "StatefulSet", **spec: object) -> DriftReview:
    return review(target={"kind": kind, "name": "web"}, **spec)


class TestWhenItFinished:
    def test_it_is_what_was_told_when_it_was_first_found_finished(self) -> None:
        first = status(of(), target(**SILENT_END), T0 - 5 * MINUTE)
        assert first.rolled_out == RolledOut(template_hash=target().template_hash, by=T0 - 10 * MINUTE)
        assert first.summary == "waits for T0 of web-new at 2026-07-31T12:00:00Z"
        restarted = target(**SILENT_END | {"rolled_out_at": T0 - MINUTE})
        begun = status(of().model_copy(update={"status": first}), restarted, T0)
        assert begun.t0 == T0, "a pod that restarts, or a node that joins, does not move T0 on"
        assert begun.target is not None
        assert begun.target.rolled_out_at == T0 - 10 * MINUTE
        assert begun.rolled_out is None, "it stands in status.target now"

    def test_of_another_template_or_another_rollout_of_the_same_it_is_told_anew(self) -> None:
        known = DriftReviewStatus(rolled_out=RolledOut(template_hash=target().template_hash, by=T0 - HOUR))
        assert rolled_out_at(known, target(**SILENT_END), T0) == T0 - 10 * MINUTE, "it began after that"
        other = known.model_copy(update={"rolled_out": RolledOut(template_hash=target("old").template_hash, by=T0)})
        assert rolled_out_at(other, target(**SILENT_END), T0) == T0 - 10 * MINUTE

    def test_where_nothing_tells_it_is_when_it_was_found_finished(self) -> None:
        silent = target(**SILENT_END | {"rolled_out_at": None})
        assert rolled_out_at(DriftReviewStatus(), silent, T0 - 3 * MINUTE) == T0 - 3 * MINUTE

    def test_while_it_goes_on_it_has_not_and_a_deployment_says_it_itself(self) -> None:
        rolling = target(rollout=Rollout.PROGRESSING, **SILENT_END)
        assert rolled_out_at(DriftReviewStatus(), rolling, T0) is None
        known = DriftReviewStatus(rolled_out=RolledOut(template_hash=target().template_hash, by=T0))
        assert rolled_out_at(known, target(), T0) == T0 - 10 * MINUTE
        assert status(review(), target(), T0 - MINUTE).rolled_out is None

    @given(st.lists(st.tuples(st.integers(1, 600), st.integers(0, 600)), min_size=1, max_size=8))
    def test_t0_never_comes_before_the_end_and_never_moves_on(self, looks: list[tuple[int, int]]) -> None:
        subject, now = of(window={"warmup": "10m"}), T0
        ended = T0 - 10 * MINUTE
        for pause, flapped in looks:
            now += timedelta(seconds=pause)
            reported = max(ended, now - timedelta(seconds=flapped))
            found = status(subject, target(**SILENT_END | {"rolled_out_at": reported}), now)
            subject = subject.model_copy(update={"status": found})
            if found.t0 is not None:
                break
        first = T0 + timedelta(seconds=looks[0][0])
        if found.t0 is None:
            assert found.rolled_out is not None
            assert ended <= found.rolled_out.by <= first
        else:
            assert ended + 10 * MINUTE <= found.t0 <= first + 10 * MINUTE


class TestHowLongItTook:
    def test_a_rollout_that_was_seen_tells_it_and_a_t0_that_a_person_names_does_not(self) -> None:
        """Whatever happened since would count as a slow rollout, and leave no time to decide."""
        seen, late = target(**SILENT_END), target(**SILENT_END | {"rolled_out_at": T0 + 20 * HOUR, "replicas": 200})
        took = [
            status(of(window={} if t0 is None else {"t0": t0}), view, T0 + 24 * HOUR).target
            for view, t0 in ((seen, None), (late, "2026-07-31T12:00:00Z"))
        ]
        assert [each and each.rollout_took for each in took] == ["600s", "600s"]
        deployed = status(review(window={"t0": "2026-07-31T12:00:00Z"}), target(), T0).target
        assert deployed is not None
        assert deployed.rollout_took == "120s"


class TestWhichReleaseItIs:
    def test_one_that_began_too_long_before_the_review_is_not_its_release(self) -> None:
        """An old release whose pod restarted a minute ago must not look like a new one."""
        old = target(**SILENT_END | {"rollout_started_at": T0 - 30 * HOUR})
        created = of().metadata.model_copy(update={"creation_timestamp": T0})
        subject = of().model_copy(update={"metadata": created})
        waits = status(subject, old, T0)
        assert (waits.phase, waits.t0) == (Phase.PENDING, None)
        assert waits.summary is not None
        assert "web-new began rolling out at 2026-07-30T06:00:00Z, too long before this review" in waits.summary

    def test_a_t0_before_it_began_is_about_another_revision_and_after_it_a_person_knows_better(self) -> None:
        late = target(**SILENT_END | {"rolled_out_at": T0 + HOUR})
        named = of(window={"t0": "2026-07-31T12:00:00Z"})
        begun = status(named, late, T0 + 2 * HOUR)
        assert begun.t0 == T0
        assert begun.target is not None
        assert begun.target.rolled_out_at == T0
        refused = status(named, target(**SILENT_END | {"rollout_started_at": T0 + MINUTE}), T0 + HOUR)
        accepted = next(each for each in refused.conditions if each.type == "Accepted")
        assert (accepted.status, accepted.reason) == ("False", Reason.INVALID_SPEC)
        assert "is before web-new began rolling out at 2026-07-31T12:01:00Z" in accepted.message

    @pytest.mark.parametrize(
        ("by", "t0", "expected"),
        [(10, 20, 10), (20, 10, 10), (20, -10, 0)],
        ids=["in time", "a person says it was before", "backdated to before it began"],
    )
    def test_what_is_written_down_lies_between_its_beginning_and_t0(self, by: int, t0: int, expected: int) -> None:
        view = target(records_end=False, rollout_started_at=T0)
        assert judged_as_rolled_out(view, T0 + by * MINUTE, T0 + t0 * MINUTE) == T0 + expected * MINUTE
        assert judged_as_rolled_out(target(), T0 + by * MINUTE, T0) == T0 + by * MINUTE

    def test_where_the_nodes_say_how_many_pods_there_are_none_is_nobodys_scaling(self) -> None:
        nowhere = target(replicas=0, scalable=False, **SILENT_END)
        assert (
            status(of("DaemonSet"), nowhere, T0).summary == "waits for a new rollout of web: no node wants a pod of it"
        )

    def test_the_command_names_the_kind(self) -> None:
        waits = status(of(), target(rejected=True), T0)
        assert waits.summary is not None
        assert "kubectl annotate statefulset/web driftreview.dev/rejected-revision- -n shop" in waits.summary


def rolling_back(view: TargetView, seconds: int) -> DriftReviewStatus:
    """How a rollback stands that was begun so many seconds ago."""
    begun = status(of(), target(), T0)
    act = intent(at=T0, applied_at=T0)
    decision = Decision(
        recommendation="REJECT", reason=Reason.SIGNAL_DEGRADED, message="why", by="checkpoint 1h", at=T0
    )
    intended = drifted(begun).model_copy(update={"act": act, "decision": decision, "phase": Phase.ROLLING_BACK})
    return status(of().model_copy(update={"status": intended}), view, T0 + timedelta(seconds=seconds))


class TestHeld:
    """What keeps a pod template from the pods would make of a rollback one of the template alone."""

    def test_it_cannot_be_rolled_back_while_that_is_so(self) -> None:
        found = status(of(), target(held=HELD), T0)
        assert found.rollback is not None
        assert (found.rollback.possible, found.rollback.reason) == (False, Reason.UPDATE_ON_DELETE)
        assert found.rollback.message == (
            "the target's updateStrategy is OnDelete; before "
            f"{found.rollback.closes_at:%Y-%m-%dT%H:%M:%SZ}: kubectl patch statefulset/web"
        )

    def test_a_decided_rollback_is_not_begun_and_is_as_soon_as_it_can(self) -> None:
        begun = status(of(), target(), T0)
        act = intent(at=T0)
        decision = Decision(
            recommendation="REJECT", reason=Reason.SIGNAL_DEGRADED, message="why", by="checkpoint 1h", at=T0
        )
        subject = of().model_copy(
            update={"status": drifted(begun).model_copy(update={"act": act, "decision": decision})}
        )
        held = status(subject, target(held=HELD), T0 + MINUTE)
        assert held.summary is not None
        why = "rollback decided, but not begun: the target's updateStrategy is OnDelete; before "
        assert held.summary.startswith(why)
        assert next(each.reason for each in held.conditions if each.type == "Stalled") == Reason.UPDATE_ON_DELETE
        assert plan(subject, Observed(target()), T0 + MINUTE) == PatchTarget(ActType.ROLL_BACK)

    def test_one_that_is_held_half_way_says_so(self) -> None:
        half = target("old", rollout=Rollout.PAUSED, held=HELD)
        found = rolling_back(half, 30)
        assert found.summary is not None
        assert "begun, but not finished: the target's updateStrategy is OnDelete" in found.summary

    def test_it_is_found_before_t0(self) -> None:
        required = review(preflight={"require": ["RollbackPossible"]}).spec
        (only,) = hindrances(target(held=HELD), None)
        (finding,) = find(required, Readings(taken_at=T0, hindrances=(only.message,)))
        what = "the target's updateStrategy is OnDelete: kubectl patch statefulset/web"
        assert (finding.name, finding.message) == ("RollbackPossible", what)


class TestBlocked:
    """A StatefulSet waits for a pod that it is to replace, and for ever."""

    BLOCKED = target(
        "old", rollout=Rollout.PROGRESSING, rollout_message="2 of 3 pods are updated", blocked_by=("web-1",)
    )

    @pytest.mark.parametrize(("seconds", "stalled"), [(30, "False"), (61, "True")])
    def test_the_pod_is_named_and_after_a_minute_the_rollback_is_stalled(self, seconds: int, stalled: str) -> None:
        found = rolling_back(self.BLOCKED, seconds)
        assert found.summary is not None
        assert found.summary.endswith("replaces no pod before: kubectl delete pod web-1 -n shop")
        condition = next(each for each in found.conditions if each.type == "Stalled")
        assert condition.status == stalled

    def test_in_the_end_it_is_said_as_well(self) -> None:
        found = rolling_back(self.BLOCKED, 3600)
        assert found.phase is Phase.FAILED
        assert found.summary is not None
        assert "with podManagementPolicy OrderedReady" in found.summary

    def test_before_t0_it_is_stalled_at_once(self) -> None:
        rolling = target(rollout=Rollout.PROGRESSING, rolled_out_at=None, blocked_by=("web-1", "web-2"))
        found = status(of(), rolling, T0)
        condition = next(each for each in found.conditions if each.type == "Stalled")
        assert (condition.status, condition.reason) == ("True", Reason.ROLLOUT_BLOCKED)
        assert "kubectl delete pod web-1 web-2 -n shop" in condition.message


def test_what_is_gone_is_named_by_its_kind() -> None:
    lost = of().model_copy(update={"status": DriftReviewStatus(previous=revision("old"), t0=T0)})
    assert "ControllerRevision web-old is gone" in (way_back_gone(lost, T0).summary or "")

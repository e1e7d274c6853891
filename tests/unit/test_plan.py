"""The beginning of a review: accepted, waits for its rollout, and fixes T0 once. Lives are in test_life_of_a_review."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from driftreview.api.base import Metadata
from driftreview.api.checkpoint import Checkpoint, SnapshotRef
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import Problem
from driftreview.api.phases import TERMINAL, Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import Decision, DriftReviewStatus
from driftreview.api.verdicts import Recommendation
from driftreview.domain.action import Action, CaptureBaseline, CaptureCheckpoint, Observed, Settle
from driftreview.domain.decide import baseline_captured, with_rollback
from driftreview.domain.foresight import Foresight
from driftreview.domain.plan import plan
from driftreview.domain.workload import Rollout, TargetView
from tests.builders import HOUR, MINUTE, T0, drifted, intent, limit, review, signal, snapshot, target

NOWHERE = Problem(reason=Reason.SOURCE_NOT_FOUND, message="there is no such source")


def step(
    subject: DriftReview, now: datetime = T0, view: TargetView | None = None, problems: tuple[Problem, ...] = ()
) -> Settle:
    action = plan(subject, Observed(view, problems), now)
    assert isinstance(action, Settle)
    DriftReviewStatus.model_validate(action.status.to_wire())
    return action


def said(status: DriftReviewStatus, kind: str) -> tuple[str, str, str]:
    found = next(each for each in status.conditions if each.type == kind)
    return found.status, found.reason, found.message


def started(now: datetime = T0, **spec: Any) -> DriftReview:
    subject = review(**spec)
    return subject.model_copy(update={"status": step(subject, now, target()).status})


class TestAcceptance:
    def test_without_a_target_it_says_what_to_do_and_looks_again_soon(self) -> None:
        settled = step(review())
        truth, reason, message = said(settled.status, "Accepted")
        assert (truth, reason) == ("False", Reason.TARGET_NOT_FOUND)
        assert message == (
            "spec.target.name: there is no Deployment 'web' in namespace 'shop'; create it or correct the name"
        )
        assert settled.again == T0 + timedelta(seconds=2)

    @pytest.mark.parametrize(("waited", "pause"), [(0, 2), (8, 2), (20, 5), (40, 10), (86_400, 10)])
    def test_the_longer_nothing_changes_the_less_often_it_looks(self, waited: int, pause: int) -> None:
        now = T0 + timedelta(seconds=waited)
        assert step(review(step(review()).status), now).again == now + timedelta(seconds=pause)

    def test_a_problem_is_said_and_the_others_counted(self) -> None:
        settled = step(review(), T0, target(), (NOWHERE, NOWHERE, NOWHERE))
        assert settled.status.phase is Phase.PENDING
        assert said(settled.status, "Stalled")[0] == "True"
        assert settled.status.summary == ("not accepted: there is no such source (and 2 more: there is no such source)")

    def test_a_long_problem_still_makes_a_status(self) -> None:
        long = Problem(reason=Reason.QUERY_INVALID, message="x" * 1024)
        status = step(review(), T0, target(), (long, long)).status
        assert DriftReviewStatus.model_validate(status.to_wire()) == status

    def test_the_same_problem_again_is_the_same_status(self) -> None:
        once = step(review(), T0, target(), (NOWHERE,)).status
        subject = review().model_copy(update={"status": once})
        assert step(subject, T0 + HOUR, target(), (NOWHERE,)).status == once

    def test_a_mended_problem_is_forgotten(self) -> None:
        once = step(review(), T0, target(), (NOWHERE,)).status
        status = step(review().model_copy(update={"status": once}), T0, target()).status
        assert said(status, "Accepted")[0] == "True"
        assert said(status, "Stalled")[0] == "False"


class TestWaiting:
    @pytest.mark.parametrize(
        ("rollout", "hint", "stalled"),
        [
            (Rollout.PROGRESSING, "", "False"),
            (Rollout.PAUSED, ": kubectl rollout resume deployment/web -n shop", "True"),
            (Rollout.FAILED, "", "True"),
        ],
    )
    def test_t0_waits_for_a_finished_rollout(self, rollout: Rollout, hint: str, stalled: str) -> None:
        unfinished = target(rollout=rollout, rolled_out_at=None, rollout_message="1 of 3 pods are updated")
        settled = step(review(), T0, unfinished)
        assert settled.status.t0 is None
        assert settled.status.summary == f"waits for web: 1 of 3 pods are updated{hint}"
        assert said(settled.status, "Stalled")[0] == stalled

    @pytest.mark.parametrize("missing", [{"current": None}, {"rolled_out_at": None}])
    def test_t0_waits_until_it_is_known_what_runs_since_when(self, missing: dict[str, Any]) -> None:
        assert step(review(), T0, target(**missing)).status.t0 is None

    def test_t0_is_when_the_rollout_finished_plus_the_warmup(self) -> None:
        assert started().status.t0 == T0

    def test_it_waits_for_t0(self) -> None:
        settled = step(review(), T0 - 30 * timedelta(seconds=1), target())
        assert settled.status.summary == "waits for T0 of web-new at 2026-07-31T12:00:00Z"
        assert settled.again == T0

    def test_a_release_before_the_review_is_not_its_release(self) -> None:
        created = Metadata(name="release", namespace="shop", uid="u", creation_timestamp=T0 + 2 * HOUR)
        late = review().model_copy(update={"metadata": created})
        settled = step(late, T0 + 2 * HOUR, target())
        assert settled.status.t0 is None
        assert settled.status.summary is not None
        assert settled.status.summary.startswith(
            "waits for a new rollout of web: web-new finished rolling out at 2026-07-31T11:50"
        )
        in_retrospect = review(window={"t0": "2026-07-31T12:00:00Z"}).model_copy(update={"metadata": created})
        assert step(in_retrospect, T0 + 2 * HOUR, target()).status.t0 == T0

    def test_a_review_applied_a_little_late_is_about_its_release(self) -> None:
        created = Metadata(name="release", namespace="shop", uid="u", creation_timestamp=T0 + HOUR)
        assert step(review().model_copy(update={"metadata": created}), T0 + HOUR, target()).status.t0 == T0


class TestT0:
    def test_everything_that_counts_is_fixed_at_once(self) -> None:
        status = started().status
        assert status.phase is Phase.BASELINING
        assert [(each.name, each.due) for each in status.checkpoints] == [
            ("1h", T0 + HOUR),
            ("2h", T0 + 2 * HOUR),
            ("4h", T0 + 4 * HOUR),
        ]
        assert status.judged is not None
        assert status.previous is not None
        assert (status.judged.name, status.previous.name) == ("web-new", "web-old")
        assert status.target is not None
        assert status.target.uid == "target-uid"
        assert status.rollback is not None
        assert status.rollback.message == "to web-old until 2026-07-31T16:30:00Z"

    @pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=7, microseconds=5), 3 * HOUR])
    def test_it_does_not_depend_on_when_the_operator_looks(self, late: timedelta) -> None:
        status = started(T0 + late).status
        assert (status.t0, status.checkpoints) == (T0, started().status.checkpoints)

    def test_fractions_of_a_second_are_cut(self) -> None:
        odd = target(rolled_out_at=T0 - 10 * MINUTE + timedelta(microseconds=700_000))
        assert step(review(), T0 + MINUTE, odd).status.t0 == T0

    @pytest.mark.parametrize(
        ("began", "expected"),
        [
            (T0 - 30 * MINUTE, T0 - 30 * MINUTE),
            (None, T0 - 10 * MINUTE),
            (T0 - MINUTE, T0 - 10 * MINUTE),  # the baseline ends before the warmup, come what may
        ],
    )
    def test_the_baseline_ends_where_the_rollout_began(self, began: datetime | None, expected: datetime) -> None:
        status = step(review(), T0, target(rollout_started_at=began)).status
        assert status.target is not None
        assert status.target.history_ends_at == expected

    @pytest.mark.parametrize(
        ("during", "expected"),
        [
            ((T0 - 9 * HOUR, T0 - 8 * HOUR), T0 - 9 * HOUR),
            ((T0 - 30 * HOUR, T0 - 20 * HOUR), T0 - 30 * HOUR),
            ((T0 - 30 * HOUR, T0 - 25 * HOUR), T0 - 30 * MINUTE),  # longer ago than a day's baseline reaches
            ((T0 - 10 * MINUTE, T0), T0 - 30 * MINUTE),
        ],
    )
    def test_the_baseline_leaves_out_a_release_that_was_rolled_back(
        self, during: tuple[datetime, datetime], expected: datetime
    ) -> None:
        seen = target(rollout_started_at=T0 - 30 * MINUTE, rejected_during=(during,))
        status = step(review(), T0, seen).status
        assert status.target is not None
        assert status.target.history_ends_at == expected

    def test_the_baseline_leaves_out_all_releases_that_were_rolled_back(self) -> None:
        first, second = (T0 - 40 * HOUR, T0 - 30 * HOUR), (T0 - 9 * HOUR, T0 - 8 * HOUR)
        seen = target(rollout_started_at=T0 - 30 * MINUTE, rejected_during=(first, second))
        status = step(review(), T0, seen).status
        assert status.target is not None
        assert status.target.history_ends_at == first[0]

    def test_that_the_baseline_was_moved_is_said_and_why(self) -> None:
        seen = target(rollout_started_at=T0 - 30 * MINUTE, rejected_during=((T0 - 9 * HOUR, T0 - 8 * HOUR),))
        status = step(review(), T0, seen).status
        why = "its history ends at 2026-07-31T03:00:00Z, before the time in which a rejected release ran"
        why += ": the target's annotation driftreview.dev/rejected-during says so of 2026-07-31T03:00:00Z"
        why += " to 2026-07-31T04:00:00Z"
        assert status.summary == f"T0 is 2026-07-31T12:00:00Z: freezing the baseline; {why}"
        assert said(status, "BaselineCaptured") == ("False", Reason.CAPTURING, why)
        ref = SnapshotRef(name="t0", hash=snapshot().hash)
        frozen = baseline_captured(review(status), snapshot(), ref, Foresight(), T0)
        assert said(frozen, "BaselineCaptured") == ("True", Reason.CAPTURED, f"frozen in DriftSnapshot t0; {why}")

    @pytest.mark.parametrize(
        ("baseline", "ended"), [("Snapshot", T0 - 8 * HOUR), ("Declared", T0 - 8 * HOUR), ("History", T0 - 40 * HOUR)]
    )
    def test_a_baseline_that_was_not_moved_says_nothing_of_it(self, baseline: str, ended: datetime) -> None:
        seen = target(rollout_started_at=T0 - 30 * MINUTE, rejected_during=((T0 - 41 * HOUR, ended),))
        signals = [limit()] if baseline == "Declared" else [signal()]
        subject = review(
            signals=signals, baseline={"from": baseline, "length": "1d" if baseline == "History" else "10m"}
        )
        status = step(subject, T0, seen).status
        assert status.summary == "T0 is 2026-07-31T12:00:00Z: freezing the baseline"
        assert all(each.type != "BaselineCaptured" for each in status.conditions)

    def test_what_took_the_way_back_is_said_as_long_as_there_is_none(self) -> None:
        taken = "web-1 is not gone back to: the target's annotation driftreview.dev/rejected-revision names it"
        status = step(review(), T0, target(previous=None, passed_over=taken)).status
        frozen = baseline_captured(review(status), snapshot(), SnapshotRef(name="t0", hash="h"), Foresight(), T0)
        later = with_rollback(review(frozen), frozen, target(previous=None), T0 + HOUR)
        for each in (status, frozen, later):
            assert each.rollback is not None
            assert each.rollback.message.endswith(f"than one that was rejected: {taken}")
        assert taken in frozen.summary

    def test_what_another_way_back_was_taken_for_is_said_too(self) -> None:
        taken = "web-2 is not gone back to: the target's annotation driftreview.dev/rejected-revision names it"
        seen = target(passed_over=taken)
        status = step(review(), T0, seen).status
        frozen = baseline_captured(review(status), snapshot(), SnapshotRef(name="t0", hash="h"), Foresight(), T0)
        assert status.summary == f"T0 is 2026-07-31T12:00:00Z: freezing the baseline; {taken}"
        assert taken in said(frozen, "BaselineCaptured")[2]

    def test_without_an_earlier_revision_it_says_that_there_is_no_way_back(self) -> None:
        status = step(review(), T0, target(previous=None)).status
        assert said(status, "RollbackPossible")[:2] == ("False", Reason.NO_PREVIOUS_REVISION)


class TestNextStep:
    def act(self, now: datetime, judged: int = 0, **spec: Any) -> Action:
        subject = started(**spec)
        rows = [
            each.model_copy(update={"verdict": "Pass"}) if index < judged else each
            for index, each in enumerate(subject.status.checkpoints)
        ]
        baseline = None if judged < 0 else {"name": "release-t0", "hash": "sha256:0"}
        status = DriftReviewStatus.model_validate(
            subject.status.model_dump() | {"checkpoints": rows, "baseline": baseline}
        )
        return plan(subject.model_copy(update={"status": status}), Observed(target()), now)

    def test_the_baseline_comes_first(self) -> None:
        assert self.act(T0, -1) == CaptureBaseline()
        assert self.act(T0 + 9 * HOUR, -1) == CaptureBaseline()

    def test_a_snapshot_baseline_waits_for_its_length(self) -> None:
        snapshot = {"from": "Snapshot", "length": "30m"}
        waiting = self.act(T0 + 31 * MINUTE, -1, baseline=snapshot)
        assert isinstance(waiting, Settle)
        assert self.act(T0 + 32 * MINUTE, -1, baseline=snapshot) == CaptureBaseline()

    @pytest.mark.parametrize(("judged", "hours"), [(0, 1), (1, 2), (2, 4)])
    def test_a_look_is_taken_when_its_samples_have_settled(self, judged: int, hours: int) -> None:
        ready = T0 + hours * HOUR + 2 * MINUTE
        assert self.act(ready, judged) == CaptureCheckpoint(judged)
        waiting = self.act(ready - timedelta(seconds=20), judged)
        assert isinstance(waiting, Settle)
        assert waiting.again == ready

    def test_looks_are_taken_in_order_however_late(self) -> None:
        assert self.act(T0 + 90 * HOUR, 1) == CaptureCheckpoint(1)

    def test_it_looks_around_every_minute(self) -> None:
        waiting = self.act(T0 + 10 * MINUTE)
        assert isinstance(waiting, Settle)
        assert waiting.again == T0 + 11 * MINUTE


@pytest.mark.parametrize("phase", sorted(TERMINAL))
@pytest.mark.parametrize("view", [None, target(), target("newer"), target(uid="another")])
@pytest.mark.parametrize("suspend", [True, False])
def test_what_has_ended_stays_as_it_is(phase: Phase, view: TargetView | None, *, suspend: bool) -> None:
    status = DriftReviewStatus(phase=phase, t0=T0, checkpoints=[Checkpoint(name="1h", due=T0 + HOUR)])
    settled = plan(review(status, suspend=suspend), Observed(view), T0 + 99 * HOUR)
    assert settled == Settle(status, None)


def test_the_same_inputs_give_the_same_step() -> None:
    subject = started()
    assert plan(subject, Observed(target()), T0 + HOUR) == plan(subject, Observed(target()), T0 + HOUR)


@pytest.mark.parametrize(("version", "phase"), [("old", Phase.ROLLED_BACK), ("new", Phase.ROLLING_BACK)])
def test_suspending_holds_up_an_act_but_not_the_end_of_one_that_was_carried_out(version: str, phase: Phase) -> None:
    subject = started()
    act = intent(at=T0 + HOUR)
    decision = Decision(
        recommendation=Recommendation.REJECT, reason=Reason.SIGNAL_DEGRADED, message="worse", by="checkpoint 1h", at=T0
    )
    update = {"act": act, "decision": decision, "phase": Phase.ROLLING_BACK}
    status = drifted(subject.status).model_copy(update=update)
    seen = target(version, taken_back=(target().template_hash,))
    action = plan(review(status, suspend=True), Observed(seen), T0 + HOUR)
    assert isinstance(action, Settle)
    assert action.status.phase is phase
    assert action.status.summary.startswith("suspended" if version == "new" else "rolled back to web-old: worse")

"""When the operator itself is kept from its work, that is said, and the review goes on by itself afterwards."""

from datetime import timedelta

import pytest

from driftreview.api.act import ActType
from driftreview.api.base import format_time
from driftreview.api.checkpoint import SnapshotRef
from driftreview.api.phases import ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.domain import trouble
from driftreview.domain.action import Observed, Settle
from driftreview.domain.plan import plan
from driftreview.domain.samples import Failed
from driftreview.domain.status import condition
from tests.builders import HOUR, MINUTE, T0, intent, review, signal, target

DOWN = Failed(Reason.UNREACHABLE, "connection refused", retryable=True)
TWO = {"signals": [signal(), signal("second")]}


def started() -> DriftReviewStatus:
    action = plan(review(), Observed(target()), T0)
    assert isinstance(action, Settle)
    return action.status


def truth(status: DriftReviewStatus, kind: ConditionType) -> tuple[str, str] | None:
    found = condition(status, kind)
    return None if found is None else (found.status, found.reason)


class TestRefused:
    def test_before_it_starts_a_review_is_not_accepted_for_it(self) -> None:
        status = trouble.refused(review(), Reason.FORBIDDEN, "deployments is forbidden", T0)
        assert status.phase is Phase.PENDING
        assert truth(status, ConditionType.ACCEPTED) == ("False", Reason.FORBIDDEN)
        assert truth(status, ConditionType.STALLED) == ("True", Reason.FORBIDDEN)
        assert status.summary == "not accepted: the API server refuses it: deployments is forbidden"

    def test_too_large_a_target_is_not_refused_by_the_api_server(self) -> None:
        status = trouble.refused(review(), Reason.TARGET_TOO_LARGE, "web has 1600000 bytes", T0)
        assert status.summary == "not accepted: web has 1600000 bytes"

    def test_a_started_one_stays_where_it_is_and_goes_on_when_the_right_is_there(self) -> None:
        stuck = trouble.refused(review(started()), Reason.FORBIDDEN, "secrets is forbidden", T0)
        assert (stuck.phase, stuck.t0) == (Phase.BASELINING, T0)
        assert truth(stuck, ConditionType.ACCEPTED) == ("True", Reason.ACCEPTED)
        frozen = SnapshotRef(name="release-t0", hash="sha256:0")
        action = plan(review(stuck.model_copy(update={"baseline": frozen})), Observed(target()), T0 + MINUTE)
        assert isinstance(action, Settle)
        assert action.status.summary == "goes on after the API server had refused it"
        assert truth(action.status, ConditionType.STALLED) == ("False", Reason.BETWEEN_CHECKPOINTS)

    def test_the_same_trouble_again_is_the_same_status(self) -> None:
        once = trouble.refused(review(started()), Reason.REFUSED, "too large", T0)
        assert trouble.refused(review(once), Reason.REFUSED, "too large", T0 + HOUR) == once

    @pytest.mark.parametrize(("since", "until"), [(0, 4 * 60 + 30), (99 * 60, 99 * 60 + 10)])
    def test_it_is_waited_for_until_the_window_closes_and_at_least_ten_minutes(self, since: int, until: int) -> None:
        stuck = review(trouble.refused(review(started()), Reason.REFUSED, "too large", T0 + since * MINUTE))
        early = trouble.refused(stuck, Reason.REFUSED, "too large", T0 + until * MINUTE - timedelta(seconds=1))
        assert early.phase is Phase.BASELINING
        ended = trouble.refused(stuck, Reason.REFUSED, "too large", T0 + until * MINUTE)
        assert (ended.phase, truth(ended, ConditionType.READY)) == (Phase.FAILED, ("False", Reason.REFUSED))
        assert ended.summary.endswith("before the rollback window closed: the API server refuses it: too large")


class TestUnexpected:
    """A fault of the operator's own is on the review, not only in the log."""

    def test_it_is_said_where_the_review_is_and_over_once_it_goes_on(self) -> None:
        failed = trouble.unexpected(review(started()), "KeyError", T0)
        assert (failed.phase, truth(failed, ConditionType.STALLED)) == (
            Phase.BASELINING,
            ("True", Reason.INTERNAL_ERROR),
        )
        assert failed.summary.startswith("cannot go on: the operator failed (KeyError; see its log for ")
        assert trouble.unexpected(review(failed), "KeyError", T0 + HOUR) == failed
        frozen = SnapshotRef(name="release-t0", hash="sha256:0")
        action = plan(review(failed.model_copy(update={"baseline": frozen})), Observed(target()), T0 + MINUTE)
        assert isinstance(action, Settle)
        assert action.status.summary == "goes on after the operator had failed"

    @pytest.mark.parametrize("later", [0, 9999])
    def test_before_t0_it_stays_pending(self, later: int) -> None:
        assert trouble.unexpected(review(), "KeyError", T0 + later * HOUR).phase is Phase.PENDING

    @pytest.mark.parametrize(("since", "until"), [(0, 4 * 60 + 30), (99 * 60, 99 * 60 + 10)])
    def test_it_is_tried_again_until_the_window_closes_and_at_least_ten_minutes(self, since: int, until: int) -> None:
        failed = review(trouble.unexpected(review(started()), "KeyError", T0 + since * MINUTE))
        early = trouble.unexpected(failed, "KeyError", T0 + until * MINUTE - timedelta(seconds=1))
        assert early.phase is Phase.BASELINING
        ended = trouble.unexpected(failed, "KeyError", T0 + until * MINUTE)
        assert (ended.phase, truth(ended, ConditionType.READY)) == (
            Phase.INCONCLUSIVE,
            ("False", Reason.INTERNAL_ERROR),
        )
        assert truth(ended, ConditionType.STALLED) == ("False", Reason.INTERNAL_ERROR)
        assert ended.summary.endswith(
            "the operator failed (KeyError; see its log for shop/release); there is no baseline, and "
            "policy.onWindowEnd does not rule without evidence; decide by hand"
        )


class TestSlowness:
    def test_how_far_the_asking_got_is_said_where_the_review_is(self) -> None:
        for status, phase in ((DriftReviewStatus(), Phase.PENDING), (started(), Phase.BASELINING)):
            said = trouble.slow(review(status), "T0: 3 of 8 queries were asked so far", T0)
            assert said.phase is phase
            assert said.summary == "asks the metric source, which is slow; T0: 3 of 8 queries were asked so far"
            assert truth(said, ConditionType.RECONCILING) == ("True", Reason.ASKING)
            assert truth(said, ConditionType.STALLED) == ("False", Reason.ASKING)

    def test_of_guards_nothing_is_said_as_nothing_waits_for_them(self) -> None:
        frozen = started().model_copy(update={"baseline": SnapshotRef(name="release-t0", hash="sha256:0")})
        assert trouble.slow(review(frozen), "10m: 3 of 8 queries were asked so far", T0 + 12 * MINUTE) == frozen
        assert trouble.slow(review(frozen), "1h: 3 of 8 queries were asked so far", T0 + HOUR) != frozen

    @pytest.mark.parametrize("reason", [Reason.SOURCE_CHANGED, Reason.SOURCE_NOT_FOUND, Reason.SECRET_NOT_FOUND])
    def test_where_nothing_could_be_asked_nothing_is_called_unanswered(self, reason: Reason) -> None:
        status = trouble.metrics_failed(
            review(started()), [Failed(reason, "there is no source", retryable=True)], T0, dead=True
        )
        assert status.summary.startswith(f"waits for the metric source since {format_time(T0)}: there is no source; ")


class TestPatience:
    """How long unanswered queries are asked again before what there is gets frozen."""

    def failing(self, since: timedelta) -> DriftReviewStatus:
        return trouble.metrics_failed(review(started(), **TWO), [DOWN], T0 + since, dead=False)

    @pytest.mark.parametrize(("waited", "over"), [(9, False), (10, True)])
    def test_a_few_hold_the_others_up_for_ten_minutes(self, waited: int, *, over: bool) -> None:
        subject = review(self.failing(HOUR), **TWO)
        assert trouble.out_of_patience(subject, "1h", T0 + HOUR + waited * MINUTE, dead=False) is over

    @pytest.mark.parametrize(
        ("look", "until"),
        [
            ("1h", 2 * HOUR),
            ("2h", 4 * HOUR),
            ("4h", 4 * HOUR + 15 * MINUTE),
            ("T0", 4 * HOUR + 15 * MINUTE),
            ("Recovery", 4 * HOUR + 30 * MINUTE),
        ],
    )
    def test_a_dead_source_is_waited_for_until_the_next_look_or_the_last_safe_moment(
        self, look: str, until: timedelta
    ) -> None:
        subject = review(self.failing(HOUR), **TWO)
        assert not trouble.out_of_patience(subject, look, T0 + until - timedelta(seconds=1), dead=True)
        assert trouble.out_of_patience(subject, look, T0 + until, dead=True)

    def test_times_long_past_are_waited_for_from_the_first_failure(self) -> None:
        subject = review(self.failing(99 * HOUR), **TWO)
        assert not trouble.out_of_patience(subject, "1h", T0 + 99 * HOUR + 9 * MINUTE, dead=True)
        assert trouble.out_of_patience(subject, "1h", T0 + 99 * HOUR + 10 * MINUTE, dead=True)

    def test_the_first_failure_is_always_asked_again(self) -> None:
        assert not trouble.out_of_patience(review(started(), **TWO), "1h", T0 + 999 * HOUR, dead=False)


class TestRefusedActs:
    def intended(self, act: ActType) -> DriftReviewStatus:
        written = intent(act, T0 + HOUR)
        return started().model_copy(update={"act": written, "phase": Phase.ROLLING_BACK})

    @pytest.mark.parametrize("act", ActType)
    def test_it_is_tried_again_until_the_window_closes(self, act: ActType) -> None:
        status, again = trouble.act_refused(review(self.intended(act)), "denied", T0 + 4 * HOUR)
        assert again
        assert status.phase is Phase.ROLLING_BACK
        assert truth(status, ConditionType.STALLED) == ("True", Reason.ACT_REFUSED)
        assert status.summary == (
            f"{act} was refused by the API server: denied; it is tried again until 2026-07-31T16:30:00Z"
        )
        status, again = trouble.act_refused(review(self.intended(act)), "denied", T0 + 4 * HOUR + 30 * MINUTE)
        assert not again
        assert status.phase is Phase.FAILED
        assert status.summary == f"{act} was refused by the API server: denied"

    def test_a_long_refusal_still_makes_a_status(self) -> None:
        status, _ = trouble.act_refused(review(self.intended(ActType.PROMOTE)), "x" * 50_000, T0 + HOUR)
        assert DriftReviewStatus.model_validate(status.to_wire()) == status


def test_altered_evidence_ends_a_review() -> None:
    status = trouble.evidence_altered(review(started()), "release-t0", T0)
    assert status.phase is Phase.FAILED
    assert truth(status, ConditionType.READY) == ("False", Reason.EVIDENCE_ALTERED)
    assert status.rollback is not None
    assert not status.rollback.possible

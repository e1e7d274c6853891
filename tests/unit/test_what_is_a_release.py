"""T0 waits for a release: not for what ran before, was put back, is scaled away or is not what T0 is about."""

import pytest

from driftreview.api.phases import Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.action import Observed, Settle
from driftreview.domain.plan import plan
from driftreview.domain.workload import TargetView
from tests.builders import HOUR, MINUTE, T0, review, target


def status(view: TargetView, **window: object) -> DriftReviewStatus:
    subject = review(window={"checkpoints": ["1h", "4h"], "rollback": "4h"} | window)
    action = plan(subject, Observed(view), T0 + HOUR)
    assert isinstance(action, Settle)
    DriftReviewStatus.model_validate(action.status.to_wire())
    return action.status


def test_a_finished_rollout_is_one() -> None:
    assert status(target()).t0 == T0


@pytest.mark.parametrize(
    ("view", "says"),
    [
        (target(replicas=0), "waits for a new rollout of web: it is scaled to zero"),
        (target(restored=True), "waits for a new rollout of web: web-new was put back by a rollback and is no release"),
    ],
)
def test_what_is_none_is_waited_past(view: TargetView, says: str) -> None:
    waiting = status(view)
    assert (waiting.t0, waiting.phase, waiting.summary) == (None, Phase.PENDING, says)


def test_what_a_rollback_put_back_may_still_be_reviewed_by_name_of_its_time() -> None:
    assert status(target(restored=True), t0="2026-07-31T12:00:00Z").t0 == T0


def test_a_t0_before_the_rollout_is_about_another_revision() -> None:
    late = target(rolled_out_at=T0 + 5 * MINUTE)
    refused = status(late, t0="2026-07-31T12:00:00Z")
    assert refused.t0 is None
    accepted = next(each for each in refused.conditions if each.type == "Accepted")
    assert (accepted.status, accepted.reason) == ("False", Reason.INVALID_SPEC)
    assert "is before web-new finished rolling out at 2026-07-31T12:05:00Z" in accepted.message


def test_unless_the_metrics_are_said_to_be_older_than_the_cluster() -> None:
    late = target(rolled_out_at=T0 + 5 * MINUTE)
    assert status(late, t0="2026-07-31T12:00:00Z", backdated=True).t0 == T0


@pytest.mark.parametrize(("minutes", "begins"), [(0, True), (-1, True), (1, False)])
def test_a_t0_from_the_end_of_the_rollout_on_is_about_it(minutes: int, *, begins: bool) -> None:
    done = target(rolled_out_at=T0 + minutes * MINUTE)
    assert (status(done, t0="2026-07-31T12:00:00Z").t0 is not None) is begins


def test_a_t0_to_come_is_waited_for() -> None:
    waiting = status(target(), t0="2026-07-31T15:00:00Z")
    assert waiting.t0 is None
    assert waiting.summary == "waits for T0 of web-new at 2026-07-31T15:00:00Z"


@pytest.mark.parametrize("t0", [None, "2026-07-31T12:00:00Z"])
def test_what_a_review_rolled_back_is_not_reviewed_again_before_a_person_says_so(t0: str | None) -> None:
    waiting = status(target(rejected=True), **({} if t0 is None else {"t0": t0}))
    assert (waiting.phase, waiting.t0) == (Phase.PENDING, None)
    allow = "kubectl annotate deployment/web driftreview.dev/rejected-revision- -n shop"
    why = f"web-new was rolled back by a review; to have it reviewed all the same: {allow}"
    assert waiting.summary is not None
    assert why in waiting.summary
    stalled = next(each for each in waiting.conditions if each.type == "Stalled")
    assert (stalled.status, stalled.message) == ("True", why)


@pytest.mark.parametrize("t0", [None, "2026-07-31T12:00:00Z"])
def test_nor_what_people_took_back_for_one_before_that_is_deleted(t0: str | None) -> None:
    waiting = status(target(taken_back_after="release"), **({} if t0 is None else {"t0": t0}))
    assert (waiting.phase, waiting.t0) == (Phase.PENDING, None)
    stalled = next(each for each in waiting.conditions if each.type == "Stalled")
    why = (
        "web-new was taken back by people, as review release had decided; to have it reviewed all the same: "
        "kubectl delete driftreview release -n shop"
    )
    assert (stalled.status, stalled.message) == ("True", why)

"""How long a rollback will take, from the rollout that was seen; and what that leaves to decide in."""

from datetime import timedelta
from typing import Any

import pytest

from driftreview.api.act import ActType
from driftreview.api.phases import Phase
from driftreview.api.status import DriftReviewStatus
from driftreview.domain import schedule
from driftreview.domain.pace import rollout_took
from driftreview.domain.rolling import Rolling, rolling
from tests.builders import HOUR, MINUTE, T0, review, target
from tests.simulator import Deployment, Metrics, Simulator

SECOND = timedelta(seconds=1)


def deployment(replicas: int = 4, **strategy: Any) -> dict[str, Any]:
    return {"spec": {"replicas": replicas, "strategy": strategy}}


class TestRolling:
    """As the Deployment controller computes it: surge is rounded up, what may be away is rounded down."""

    @pytest.mark.parametrize(
        ("raw", "expected"),
        [
            ({"spec": {}}, Rolling(1, 0)),
            (deployment(), Rolling(1, 1)),
            (deployment(10), Rolling(3, 2)),
            (deployment(type="Recreate"), Rolling(0, 4)),
            (
                deployment(type="RollingUpdate", rollingUpdate={"maxSurge": "0%", "maxUnavailable": "10%"}),
                Rolling(0, 1),
            ),
            (deployment(rollingUpdate={"maxSurge": 2, "maxUnavailable": "50%"}), Rolling(2, 2)),
            (deployment(0), Rolling(0, 1)),
        ],
    )
    def test_percentages_and_numbers_are_read(self, raw: dict[str, Any], expected: Rolling) -> None:
        assert rolling(raw) == expected

    def test_something_is_always_replaced(self) -> None:
        assert rolling(deployment(0, type="Recreate")).at_once == 1


class TestRolloutTook:
    def test_it_is_what_was_seen(self) -> None:
        assert rollout_took(target()) == 2 * MINUTE

    def test_who_does_not_know_takes_the_progress_deadline(self) -> None:
        assert rollout_took(target(rollout_started_at=None)) == 10 * MINUTE
        assert rollout_took(target(rolled_out_at=None, deadline_seconds=60)) == MINUTE

    def test_a_rollout_that_was_paused_for_hours_does_not_count_as_slow(self) -> None:
        began = T0 - 9 * HOUR
        assert rollout_took(target(rollout_started_at=began)) == 10 * MINUTE
        assert rollout_took(target(rollout_started_at=began, replicas=40, pace=Rolling(1, 3))) == 100 * MINUTE

    def test_clocks_that_disagree_make_it_no_shorter_than_nothing(self) -> None:
        assert rollout_took(target(rollout_started_at=T0)) == timedelta(0)


def slow(takes: timedelta, **spec: Any) -> Simulator:
    deployed = Deployment(began=T0 - takes - 10 * MINUTE, takes=takes, replicas=12)
    return Simulator(review(**spec), T0, deployed, Metrics(mode="empty"))


class TestTheLastSafeMoment:
    @pytest.mark.parametrize(("takes", "before_closing"), [(3 * MINUTE, 15), (20 * MINUTE, 27.5)])
    def test_what_a_rollback_takes_is_kept_with_a_quarter_of_the_grace(
        self, takes: timedelta, before_closing: float
    ) -> None:
        simulator = slow(takes)
        simulator.pass_time(MINUTE)
        assert simulator.status["target"]["rolloutTook"] == f"{takes // SECOND}s"
        status = DriftReviewStatus.model_validate(simulator.status)
        assert status.rollback is not None
        assert status.rollback.last_safe_moment == T0 + 4 * HOUR + 30 * MINUTE - before_closing * MINUTE

    def test_it_is_never_before_t0(self) -> None:
        window = review(window={"checkpoints": ["10m"], "rollback": "10m", "grace": "4m"}).spec.window
        simulator = slow(2 * HOUR)
        simulator.pass_time(MINUTE)
        status = DriftReviewStatus.model_validate(simulator.status)
        assert schedule.last_safe_moment(window, T0, status) == T0

    @pytest.mark.parametrize(
        ("policy", "phase", "acts"),
        [
            ({"onWindowEnd": "Rollback"}, Phase.ROLLED_BACK, [ActType.ROLL_BACK]),
            ({"onWindowEnd": "Promote"}, Phase.PROMOTED, [ActType.PROMOTE]),
        ],
    )
    def test_where_a_rollback_takes_longer_than_is_left_after_the_last_look_the_policy_acts_before_it(
        self, policy: dict[str, str], phase: Phase, acts: list[ActType]
    ) -> None:
        simulator = slow(HOUR, policy=policy)
        simulator.pass_time(3 * HOUR + 20 * MINUTE)
        assert simulator.phase == Phase.WATCHING
        simulator.pass_time(5 * MINUTE)
        assert simulator.acts == acts
        assert [each.get("verdict") for each in simulator.status["checkpoints"]] == [
            "Inconclusive",
            "Inconclusive",
            None,
        ]
        simulator.pass_time(2 * HOUR)
        assert simulator.phase == phase

    def test_who_is_only_told_has_that_look_judged(self) -> None:
        simulator = slow(HOUR)
        simulator.pass_time(4 * HOUR + 10 * MINUTE)
        assert simulator.phase == Phase.INCONCLUSIVE
        assert simulator.acts == []
        assert all(each["verdict"] == "Inconclusive" for each in simulator.status["checkpoints"])

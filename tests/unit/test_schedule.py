"""Time is absolute: everything counts from T0, nothing from now."""

from datetime import datetime, timedelta

import pytest

from driftreview.api.driftreview import DriftReviewSpec
from driftreview.api.status import DriftReviewStatus
from driftreview.api.window import Window
from driftreview.domain import schedule
from tests.builders import HOUR, MINUTE, T0, review


def spec(**fields: object) -> DriftReviewSpec:
    return review(**fields).spec


def window(**fields: object) -> Window:
    return Window.model_validate(fields)


def test_due_times_are_offsets_from_t0() -> None:
    due = schedule.checkpoints(window(), T0)
    assert [(each.name, each.at - T0) for each in due] == [
        ("1h", HOUR),
        ("6h", 6 * HOUR),
        ("24h", 24 * HOUR),
        ("48h", 48 * HOUR),
    ]


def test_the_window_closes_after_its_grace_and_half_of_that_is_kept_for_acting() -> None:
    declared = window(rollback="48h", grace="30m")
    assert schedule.closes_at(declared, T0) == T0 + 48 * HOUR + 30 * MINUTE
    assert schedule.last_safe_moment(declared, T0, DriftReviewStatus()) == T0 + 48 * HOUR + 15 * MINUTE


def test_times_are_cut_to_whole_seconds() -> None:
    assert schedule.whole_seconds(T0 + timedelta(seconds=1, microseconds=999_999)) == T0 + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("first", "step", "expected"),
    [
        ("1h", 60, 600),
        ("24h", 60, 600),
        ("30m", 60, 300),
        ("10m", 60, 60),  # a sixth of it is 100 s: one step
        ("1m", 60, 60),
        ("1h", 7, 595),
        ("1h", 1200, 1200),
    ],
)
def test_a_block_is_ten_minutes_or_a_sixth_of_the_first_look(first: str, step: int, expected: int) -> None:
    declared = spec(window={"checkpoints": [first]})
    assert schedule.block_length(declared, timedelta(seconds=step)) == timedelta(seconds=expected)


def test_a_snapshot_baseline_has_six_blocks_too() -> None:
    declared = spec(window={"checkpoints": ["6h"]}, baseline={"from": "Snapshot", "length": "30m"})
    assert schedule.block_length(declared, MINUTE) == 5 * MINUTE


class TestBaselineWindow:
    started = T0 - 12 * MINUTE

    def of(self, **baseline: str) -> tuple[datetime, datetime] | None:
        found = schedule.baseline_window(spec(baseline=baseline), T0, self.started, MINUTE)
        return None if found is None else (found.start, found.end)

    def test_history_ends_where_the_rollout_began(self) -> None:
        assert self.of(length="7d") == (self.started - timedelta(days=7), self.started)

    def test_history_shorter_than_a_block_is_none(self) -> None:
        assert self.of(length="5m") is None

    def test_a_snapshot_begins_at_t0(self) -> None:
        assert self.of(**{"from": "Snapshot", "length": "1h"}) == (T0, T0 + HOUR)

    def test_declared_limits_need_no_measurement(self) -> None:
        assert self.of(**{"from": "Declared"}) is None


class TestCheckpointWindow:
    def test_it_is_everything_since_t0(self) -> None:
        found = schedule.checkpoint_window(spec(), T0, T0 + 6 * HOUR, MINUTE)
        assert found is not None
        assert (found.start, found.end, found.step) == (T0, T0 + 6 * HOUR, MINUTE)

    def test_after_a_snapshot_it_begins_at_its_end(self) -> None:
        declared = spec(baseline={"from": "Snapshot", "length": "30m"})
        found = schedule.checkpoint_window(declared, T0, T0 + HOUR, MINUTE)
        assert found is not None
        assert (found.start, found.end) == (T0 + 30 * MINUTE, T0 + HOUR)

    def test_whole_blocks_are_counted_back_from_the_due_time(self) -> None:
        declared = spec(window={"checkpoints": ["1h", "65m"]})
        found = schedule.checkpoint_window(declared, T0, T0 + 65 * MINUTE, MINUTE)
        assert found is not None
        assert (found.start, found.end) == (T0 + 5 * MINUTE, T0 + 65 * MINUTE)

    def test_nothing_is_left_of_a_window_that_the_snapshot_fills(self) -> None:
        declared = spec(baseline={"from": "Snapshot", "length": "1h"})
        assert schedule.checkpoint_window(declared, T0, T0 + HOUR, MINUTE) is None

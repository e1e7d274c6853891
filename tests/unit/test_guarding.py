"""Guards: when they look, at which time, with which share of the false-alarm budget, and what comes of it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from driftreview.api.checkpoint import Checkpoint, SnapshotRef
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshotSpec, EvidenceWindow, SignalEvidence
from driftreview.api.phases import ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.signal import Mode, OnMissing, Signal
from driftreview.api.status import Decision, DriftReviewStatus
from driftreview.api.values import exact_duration, parse_duration
from driftreview.api.verdicts import Recommendation, SignalVerdict, Verdict
from driftreview.domain import decide, guarding, schedule
from driftreview.domain import judge as judging
from driftreview.domain.approvals import added, extended
from driftreview.domain.evidence import T0 as AT_T0
from driftreview.domain.guarding import finds_drift, next_guard
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.naming import look_names
from driftreview.domain.result import CheckpointResult
from driftreview.domain.samples import Failed, Window
from driftreview.domain.schedule import Due
from driftreview.domain.status import condition
from tests.builders import BLOCK, HOUR, MINUTE, T0, around, evidence, limit, review, series, signal, snapshot, target

WINDOW = {"checkpoints": ["1h", "6h", "48h"], "rollback": "48h", "settle": "2m"}
REF = SnapshotRef(name="release-review-u-t0", hash="sha256:0")
BEFORE = evidence("latency", series(around(100, 144)))


def guarded(judged: int = 1, **fields: Any) -> DriftReview:
    """A review since T0, some of whose checkpoints are judged."""
    spec = {"guards": {}, "window": WINDOW} | fields.pop("spec", {})
    declared = review(**spec).spec.window.checkpoints
    rows = [Checkpoint(name=name, due=T0 + parse_duration(name)) for name in declared]
    passed = {"verdict": Verdict.PASS, "message": "all pass", "snapshot": REF}
    rows[:judged] = [each.model_copy(update={**passed, "judged_at": each.due}) for each in rows[:judged]]
    known = {"phase": Phase.WATCHING, "t0": T0, "baseline": REF, "checkpoints": rows}
    seen = target(rolled_out_at=T0)
    subject = {"judged": seen.current, "previous": seen.previous}
    return review(DriftReviewStatus.model_validate(known | subject | fields), **spec)


def found(review: DriftReview, now: datetime) -> tuple[str, timedelta] | None:
    due = next_guard(review, now)
    return None if due is None else (due.name, due.at - T0)


class TestWhenTheyLook:
    def test_on_a_grid_since_t0_that_nothing_moves(self) -> None:
        review = guarded(judged=0)
        assert found(review, T0 + MINUTE) == ("10m", 10 * MINUTE)
        assert found(guarded(judged=0, guarded_until=T0 + 10 * MINUTE), T0 + 13 * MINUTE) == ("20m", 20 * MINUTE)

    def test_what_a_checkpoint_has_looked_at_needs_no_guard(self) -> None:
        assert found(guarded(judged=1), T0 + 63 * MINUTE) == ("1h10m", 70 * MINUTE)

    def test_the_checkpoint_comes_first(self) -> None:
        assert next_guard(guarded(judged=0, guarded_until=T0 + 50 * MINUTE), T0 + 55 * MINUTE) is None

    def test_one_that_is_late_leaves_nothing_out(self) -> None:
        """After three hours away: half an hour at a time, as the shortest window may be no longer than that."""
        now, until, looks = T0 + 4 * HOUR + 12 * MINUTE, T0 + HOUR, []
        while (due := next_guard(guarded(guarded_until=until), now)) is not None and due.at + 2 * MINUTE <= now:
            window = schedule.guard_window(review(guards={}, window=WINDOW).spec, T0, due.at, MINUTE, BLOCK)
            assert window is not None
            assert window.start <= until < due.at
            until = due.at
            looks.append(due.name)
        assert looks == ["1h30m", "2h", "2h30m", "3h", "3h30m", "4h", "4h10m"]

    def test_one_that_waits_for_its_samples_is_not_late(self) -> None:
        due = next_guard(guarded(guarded_until=T0 + 2 * HOUR), T0 + 2 * HOUR + 11 * MINUTE)
        assert due == Due("2h10m", T0 + 130 * MINUTE, guard=True)

    def test_after_a_snapshot_baseline(self) -> None:
        spec = {"baseline": {"from": "Snapshot", "length": "1h"}, "window": WINDOW | {"checkpoints": ["2h", "48h"]}}
        assert found(guarded(judged=0, spec=spec), T0 + 62 * MINUTE) == ("1h10m", 70 * MINUTE)

    @pytest.mark.parametrize(
        "status",
        [
            {"baseline": None},
            {"t0": None},
            {
                "decision": Decision(
                    recommendation=Recommendation.REJECT, reason=Reason.REJECTED, message="no", by="ann", at=T0
                )
            },
            {"checkpoints": [Checkpoint(name="1h10m", due=T0, guard=True, verdict=Verdict.DRIFT)]},
        ],
    )
    def test_never_before_t0_nor_once_there_is_a_drift(self, status: dict[str, Any]) -> None:
        assert next_guard(guarded(**status), T0 + 2 * HOUR) is None

    def test_only_where_they_are_asked_for(self) -> None:
        assert next_guard(guarded(spec={"guards": None}), T0 + 2 * HOUR) is None


class TestWhatTheyLookAt:
    def of(self, minutes: int, block: timedelta = BLOCK, **fields: Any) -> tuple[timedelta, timedelta] | None:
        spec = review(**{"guards": {}, "window": WINDOW} | fields).spec
        window = schedule.guard_window(spec, T0, T0 + minutes * MINUTE, MINUTE, block)
        return None if window is None else (window.start - T0, window.end - window.start)

    @pytest.mark.parametrize(
        ("minutes", "hours"), [(610, 1), (620, 1), (630, 3), (640, 1), (650, 1), (660, 6), (670, 1), (690, 3), (720, 6)]
    )
    def test_the_last_hour_at_every_third_three_at_every_sixth_six(self, minutes: int, hours: int) -> None:
        assert self.of(minutes) == (minutes * MINUTE - hours * HOUR, hours * HOUR)

    def test_nothing_before_t0(self) -> None:
        assert self.of(120) == (timedelta(0), 2 * HOUR)
        assert self.of(20) == (timedelta(0), 20 * MINUTE)

    def test_all_since_the_guard_before_however_short_the_blocks(self) -> None:
        assert self.of(610, MINUTE) == (600 * MINUTE, 10 * MINUTE)

    def test_a_part_of_a_block_where_there_is_no_more(self) -> None:
        assert self.of(10, HOUR) == (timedelta(0), 10 * MINUTE)


class TestTheirBudget:
    @pytest.mark.parametrize("every", ["1m", "7m", "10m", "1h"])
    @pytest.mark.parametrize("rollback", ["48h", "2d", "50h"])
    def test_all_looks_together_have_all_of_it_at_most(self, every: str, rollback: str) -> None:
        spec = review(guards={"every": every}, window=WINDOW | {"rollback": rollback}).spec
        step, guards, number = parse_duration(every), 0.0, 1
        while number * step <= 3 * parse_duration(rollback):
            assert guarding.guard_share(spec, number * step) > 0, "a budget of nothing has no quantile"
            guards += guarding.guard_share(spec, number * step)
            number += 1
        assert 0.95 * guarding.SHARE < guards <= guarding.SHARE
        looks = sum(schedule.look_share(index, 3, 0) for index in range(3)) * guarding.checkpoints_share(spec)
        assert guards + looks <= 1 + 1e-12

    def test_the_longest_extension_leaves_some_to_the_last_guard(self) -> None:
        spec = review(guards={}, window=WINDOW | {"checkpoints": ["1h"], "rollback": "1h"}).spec
        assert 0 < guarding.guard_share(spec, timedelta(days=90)) < 1e-12

    def test_without_them_the_checkpoints_have_all_of_it(self) -> None:
        assert guarding.checkpoints_share(review().spec) == 1

    def test_a_look_is_judged_with_its_share(self, monkeypatch: pytest.MonkeyPatch) -> None:
        budgets: list[float] = []
        real = judging.judge_together
        monkeypatch.setattr(
            judging, "judge_together", lambda *given: budgets.append(given[2]) or real(*given), raising=True
        )
        for guards, name, guard in [({}, "1h", None), ({}, "1h10m", True), (None, "1h", None)]:
            spec = review(guards=guards, window=WINDOW).spec
            judge_checkpoint(spec, snapshot(BEFORE), look(around(100, 6, seed=2), name, guard=guard))
        assert budgets == pytest.approx([0.05 * 0.8 / 3, 0.05 * 0.2 * 0.9 / 288, 0.05 / 3])


def look(values: list[float | None], name: str = "3h10m", *, guard: bool | None = True) -> DriftSnapshotSpec:
    """A look at the hour before it is due."""
    return of(evidence("latency", series(values)), name, guard=guard)


def of(signals: SignalEvidence, name: str = "3h10m", *, guard: bool | None = True) -> DriftSnapshotSpec:
    end, blocks = T0 + parse_duration(name), len(signals.series[0].values.split()) if signals.series else 6
    window = EvidenceWindow(start=end - blocks * BLOCK, end=end, step="60s", block=exact_duration(BLOCK))
    return snapshot(signals, checkpoint=name, window=window, guard=guard)


def judged(evidence: DriftSnapshotSpec, declared: Signal | None = None) -> CheckpointResult:
    spec = review(guards={}, window=WINDOW, signals=[declared or signal()]).spec
    return judge_checkpoint(spec, snapshot(BEFORE), evidence)


class TestWhatCounts:
    def test_a_level_half_as_high_again_within_an_hour(self) -> None:
        assert finds_drift(judged(look(around(150, 6, seed=3))))

    def test_not_what_is_as_before(self) -> None:
        assert not finds_drift(judged(look(around(100, 6, seed=3))))

    def test_not_what_is_only_in_shadow(self) -> None:
        assert not finds_drift(judged(look(around(150, 6, seed=3)), signal(mode=Mode.SHADOW)))

    def test_not_what_is_missing_whatever_that_counts_as(self) -> None:
        result = judged(of(evidence("latency", problem=Reason.EMPTY)), signal(onMissing=OnMissing.FAIL))
        assert result.verdict is Verdict.DRIFT
        assert not finds_drift(result)

    def test_a_limit_that_was_broken_for_as_long_as_it_may_not_be(self) -> None:
        broken = series(around(100, 6)).model_copy(update={"longest_over": "5m", "worst": "70"})
        result = judged(of(evidence("latency", broken)), limit("60", name="latency", **{"for": "1m"}))
        assert finds_drift(result)
        assert result.results[0].finding.verdict is SignalVerdict.DEGRADED


class TestWhatBecomesOfIt:
    due = Due("3h10m", T0 + 190 * MINUTE, guard=True)
    now = T0 + 193 * MINUTE

    def drifted(self, **policy: str) -> DriftReviewStatus:
        review = guarded(spec={"policy": policy})
        result = judged(look(around(150, 6, seed=3)))
        ref = SnapshotRef(name="release-review-u-3h10m", hash="sha256:1")
        return decide.guard_found(review, self.due, result, ref, target(rolled_out_at=T0), self.now)

    def test_it_is_a_look_of_its_own_before_those_to_come(self) -> None:
        status = self.drifted()
        assert [(each.name, each.guard, each.verdict) for each in status.checkpoints] == [
            ("1h", None, Verdict.PASS),
            ("3h10m", True, Verdict.DRIFT),
            ("6h", None, None),
            ("48h", None, None),
        ]
        assert status.progress == "1/3"
        assert status.guarded_until == self.due.at

    def test_the_release_is_taken_back_as_after_a_checkpoint(self) -> None:
        status = self.drifted()
        assert status.decision is not None
        assert (status.decision.recommendation, status.decision.by) == (Recommendation.REJECT, "guard 3h10m")
        assert status.decision.message.startswith("T0+3h10m: latency is Degraded: ")
        assert status.act is not None

    def test_or_what_else_the_policy_says(self) -> None:
        status = self.drifted(onDrift="Hold")
        assert status.act is None
        assert status.phase is Phase.HOLDING

    def test_the_looks_of_the_review_are_in_their_order_and_none_was_added_by_people(self) -> None:
        after = guarded().model_copy(update={"status": self.drifted()})
        assert look_names(after) == (AT_T0, "1h", "3h10m", "6h", "48h")
        assert added(after) == ()
        assert extended(after) is after

    def test_nothing_is_written_down_of_one_that_finds_nothing_but_up_to_when_it_looked(self) -> None:
        review = guarded()
        status = guarding.looked(review, self.due, self.now)
        assert status.guarded_until == self.due.at
        assert status.checkpoints == review.status.checkpoints
        said = condition(status, ConditionType.GUARDED)
        assert said is not None
        assert (said.status, said.reason, said.message) == ("True", Reason.GUARDING, "every 10m since T0")

    def test_one_that_was_not_answered_is_told_and_asks_again(self) -> None:
        failure = Failed(Reason.UNREACHABLE, "connection refused", retryable=True)
        review = guarded(guarded_until=T0 + 3 * HOUR)
        status = guarding.unanswered(review, self.due, failure, self.now)
        assert status.guarded_until == T0 + 3 * HOUR
        said = condition(status, ConditionType.GUARDED)
        assert said is not None
        assert (said.status, said.reason) == ("False", Reason.UNREACHABLE)
        assert said.message == "blind since 2026-07-31T15:00:00Z: connection refused"


def test_a_window_that_no_guard_has_is_refused() -> None:
    with pytest.raises(ValueError, match="no guards"):
        schedule.guard_window(review().spec, T0, T0 + HOUR, MINUTE, BLOCK)
    assert isinstance(schedule.guard_window(review(guards={}).spec, T0, T0 + HOUR, MINUTE, BLOCK), Window)

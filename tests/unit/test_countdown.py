"""How long is left to decide, and who is warned of it, when."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.act import ActType
from driftreview.api.phases import TERMINAL, ConditionType, Phase
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.countdown import WARNINGS, needs_people, time_left
from driftreview.domain.status import condition
from driftreview.domain.stop import Stop
from tests.builders import HOUR, MINUTE, T0, approval, review
from tests.simulator import Metrics, Simulator

SECOND = timedelta(seconds=1)
WINDOW = {"checkpoints": ["1h", "24h"], "rollback": "24h"}
SAFE = T0 + 24 * HOUR + 15 * MINUTE
QUIET = {"name": "quiet", "start": "2026-07-01T00:00:00"}
BUSY = {"name": "busy", "start": "2026-08-01T12:05:00"}
MANUAL = {"approval": {"type": "Manual"}}


class TestTimeLeft:
    @pytest.mark.parametrize(
        ("left", "expected"),
        [
            (48 * HOUR, "48h"),
            (48 * HOUR - SECOND, "47h"),
            (HOUR, "1h"),
            (HOUR - SECOND, "55m"),
            (5 * MINUTE, "5m"),
            (5 * MINUTE - SECOND, "<5m"),
            (SECOND, "<5m"),
            (0 * SECOND, "0m"),
            (-HOUR, "0m"),
        ],
    )
    def test_it_is_told_in_few_steps(self, left: timedelta, expected: str) -> None:
        assert time_left(T0 + left, T0) == expected

    @given(st.integers(5 * 60, 30 * 86_400))
    def test_never_more_is_told_than_there_is(self, seconds: int) -> None:
        text = time_left(T0 + seconds * SECOND, T0)
        told = int(text[:-1]) * {"h": HOUR, "m": MINUTE}[text[-1]]
        assert told <= seconds * SECOND < told + HOUR

    def test_a_review_writes_it_rarely(self) -> None:
        steps = {time_left(T0 + 48 * HOUR, T0 + minute * MINUTE) for minute in range(48 * 60 + 1)}
        assert len(steps) == 48 + 11 + 2


def at(moment: datetime, mode: str = "up", **spec: Any) -> Simulator:
    simulator = Simulator(review(**{"window": WINDOW} | spec), metrics=Metrics(mode=mode), sleepy=True)
    simulator.pass_time(moment - T0)
    return simulator


def begun(act: ActType, stop: Stop | None = None, by: str = "", **policy: Any) -> Simulator:
    """A review with the intent to act, which the API server refuses for a while; and then something else may.

    It is the last look that leads to it, or `by` an Override of somebody.
    """
    shifts = [] if act is ActType.PROMOTE else [(T0 + 2 * HOUR, 2.0)]
    simulator = Simulator(review(window=WINDOW, policy=policy), metrics=Metrics(shifts))
    simulator.pass_time(24 * HOUR)
    simulator.refuses = True
    simulator.pass_time(4 * MINUTE)
    simulator.approvals += [approval("Override", by, simulator.now)] if by else []
    simulator.pass_time(SAFE - 9 * MINUTE - simulator.now)
    assert (simulator.status["act"]["type"], simulator.acts) == (act, [])
    simulator.stop, simulator.refuses = stop, False
    simulator.pass_time(MINUTE)
    return simulator


def warned(simulator: Simulator) -> tuple[str, str] | None:
    found = condition(DriftReviewStatus.model_validate(simulator.status), ConditionType.DECISION_DUE)
    return None if found is None else (found.reason, found.message)


class TestWarnings:
    def test_a_review_that_will_decide_by_itself_warns_nobody(self) -> None:
        assert warned(at(SAFE - 14 * MINUTE)) is None

    @pytest.mark.parametrize(
        ("before", "reason"),
        [
            (4 * HOUR + MINUTE, None),
            (4 * HOUR, Reason.FOUR_HOURS_LEFT),
            (HOUR + MINUTE, Reason.FOUR_HOURS_LEFT),
            (HOUR, Reason.ONE_HOUR_LEFT),
            (15 * MINUTE, Reason.FIFTEEN_MINUTES_LEFT),
            (MINUTE, Reason.FIFTEEN_MINUTES_LEFT),
        ],
    )
    def test_who_is_needed_is_warned_four_hours_one_and_a_quarter_before(
        self, before: timedelta, reason: Reason | None
    ) -> None:
        found = warned(at(SAFE - before, policy=MANUAL))
        assert found == (
            reason
            and (
                reason,
                (
                    "a promotion has 0 of 1 approvals; the last safe moment is 2026-08-01T12:15:00Z: the review ends,"
                    " nothing is done and nobody is told (policy.onWindowEnd is Notify)"
                ),
            )
        )

    def test_it_is_taken_back_when_nothing_is_needed_any_more(self) -> None:
        simulator = at(SAFE - 2 * HOUR, policy=MANUAL)
        assert warned(simulator) is not None
        simulator.approvals.append(approval("Approve", at=simulator.now))
        simulator.pass_time(MINUTE)
        assert warned(simulator) is None

    @pytest.mark.parametrize(
        ("mode", "spec", "what"),
        [
            ("up", {"suspend": True}, "it is suspended by spec.suspend"),
            ("empty", {}, "Inconclusive at T0+1h: latency is Missing"),
            ("down", {}, "1 of 1 queries went unanswered: connection refused"),
            ("up", {"checklist": [{"name": "backup"}]}, "a promotion lacks the sign-off of backup"),
        ],
    )
    def test_what_is_needed_is_said(self, mode: str, spec: dict[str, Any], what: str) -> None:
        simulator = at(T0 + MINUTE)
        simulator.metrics.mode = mode
        simulator.review = review(window=WINDOW, **spec)
        simulator.now += 20 * HOUR  # a source is asked again every few seconds
        simulator.pass_time(30 * MINUTE)
        found = warned(simulator)
        assert found is not None
        assert what in found[1]

    @pytest.mark.parametrize(
        ("freeze", "until"),
        [
            ({"end": "2026-08-01T12:14:59"}, None),
            ({"end": "2026-08-01T12:15:00"}, "until 2026-08-01T12:15:00Z "),
            ({"duration": "60d", "recurrence": "FREQ=MONTHLY"}, ""),
        ],
    )
    def test_a_freeze_that_lasts_until_then_keeps_a_promotion_back_and_that_needs_people(
        self, freeze: dict[str, str], until: str | None
    ) -> None:
        simulator = at(SAFE - HOUR, policy={"freezes": [QUIET | freeze]})
        found = warned(simulator)
        if until is None:
            assert found is None
            return
        assert found is not None
        assert (found[0], found[1].partition(";")[0]) == (
            Reason.ONE_HOUR_LEFT,
            f"promotions are frozen {until}by quiet",
        )
        simulator.pass_time(50 * MINUTE)
        assert simulator.phase == Phase.HOLDING
        assert warned(simulator) is not None, "the last look passed, and it is still frozen"

    @pytest.mark.parametrize("mode", ["Advise", "Observe"])
    def test_a_freeze_keeps_nothing_back_where_nothing_is_promoted(self, mode: str) -> None:
        freezes = [QUIET | {"duration": "60d"}]
        assert warned(at(SAFE - HOUR, policy={"mode": mode, "freezes": freezes})) is None

    def test_a_freeze_that_is_ended_and_an_override_take_the_warning_back(self) -> None:
        freezes = [QUIET | {"duration": "60d"}]
        for mend in ("freezes", "override"):
            simulator = at(SAFE - 10 * MINUTE, policy={"freezes": freezes})
            assert warned(simulator) is not None
            if mend == "freezes":
                simulator.review = review(window=WINDOW)
            else:
                simulator.approvals.append(approval("Override", at=simulator.now))
            simulator.pass_time(MINUTE)
            assert (simulator.phase, warned(simulator)) == (Phase.PROMOTED, None)

    @pytest.mark.parametrize("ends", ["2026-08-01T12:20:00", "2026-08-02T00:00:00"])
    def test_a_promotion_that_a_freeze_keeps_back_after_its_intent_needs_people_until_the_window_closes(
        self, ends: str
    ) -> None:
        simulator = begun(ActType.PROMOTE, freezes=[BUSY | {"end": ends}])
        found = warned(simulator)
        assert simulator.acts == []
        message = (
            f"promotions are frozen until {ends}Z by busy; the last safe moment is 2026-08-01T12:15:00Z: what is "
            "decided and not done by 2026-08-01T12:30:00Z is left to people"
        )
        assert found == (Reason.FIFTEEN_MINUTES_LEFT, message)
        simulator.pass_time(9 * MINUTE)
        assert warned(simulator) == (Reason.TOO_LATE, message)
        simulator.pass_time(30 * MINUTE)
        assert simulator.phase == (Phase.PROMOTED if ends.endswith("12:20:00") else Phase.FAILED)
        assert warned(simulator) is None

    def test_one_whose_freeze_ends_in_time_needs_nobody_nor_does_an_override(self) -> None:
        simulator = begun(ActType.PROMOTE, freezes=[BUSY | {"end": "2026-08-01T12:14:59"}])
        assert (simulator.phase, simulator.acts, warned(simulator)) == (Phase.PROMOTING, [], None)
        simulator = begun(ActType.PROMOTE, by="jane", freezes=[QUIET | {"duration": "60d"}])
        assert (simulator.phase, simulator.acts) == (Phase.PROMOTED, [ActType.PROMOTE])

    @pytest.mark.parametrize("act", list(ActType))
    def test_an_act_that_is_held_up_after_its_intent_needs_people(self, act: ActType) -> None:
        simulator = begun(act, Stop("all acts were stopped by jane"))
        found = warned(simulator)
        assert found is not None
        assert found[1].startswith("all acts were stopped by jane")
        assert found[1].endswith(": what is decided and not done by 2026-08-01T12:30:00Z is left to people")
        simulator.stop = None
        simulator.pass_time(MINUTE)
        assert (len(simulator.acts), warned(simulator)) == (1, None)

    def test_a_rollback_that_was_begun_waits_for_no_freeze(self) -> None:
        simulator = begun(ActType.ROLL_BACK, freezes=[BUSY | {"duration": "60d"}])
        assert (simulator.acts, warned(simulator)) == ([ActType.ROLL_BACK], None)

    def test_a_look_that_nobody_got_to_judge_is_named(self) -> None:
        simulator = at(T0 + MINUTE)
        status = DriftReviewStatus.model_validate(simulator.status)
        late = needs_people(simulator.review, status, T0 + HOUR + 5 * MINUTE)
        assert late == "T0+1h was due at 2026-07-31T13:00:00Z and could not be judged yet"
        assert not needs_people(simulator.review, status, T0 + HOUR + 3 * MINUTE)

    def test_a_drift_that_was_left_to_people_warns_and_one_that_is_rolled_back_does_not(self) -> None:
        for policy, expected in (({"onDrift": "Hold"}, True), ({}, False)):
            simulator = Simulator(review(window=WINDOW, policy=policy), metrics=Metrics([(T0, 2.0)]), sleepy=True)
            simulator.pass_time(22 * HOUR)
            found = warned(simulator)
            assert (found is not None and "REJECT is left to a person" in found[1]) is expected

    def test_who_only_observes_needs_nobody(self) -> None:
        assert warned(at(SAFE - HOUR, mode="empty", policy={"mode": "Observe"})) is None

    def test_a_short_review_does_not_begin_with_a_warning(self) -> None:
        short = {"checkpoints": ["1h"], "rollback": "1h"}
        assert warned(at(T0 + 30 * MINUTE, window=short, policy=MANUAL)) is None
        assert warned(at(T0 + HOUR, window=short, policy=MANUAL)) is not None

    def test_nothing_of_it_is_left_at_the_end(self) -> None:
        simulator = at(SAFE + MINUTE, policy=MANUAL)
        assert simulator.phase in TERMINAL
        assert warned(simulator) is None
        assert "left" not in simulator.status["rollback"]

    def test_the_last_warning_is_looked_for_first(self) -> None:
        assert [each for each, _ in WARNINGS] == sorted(each for each, _ in WARNINGS)

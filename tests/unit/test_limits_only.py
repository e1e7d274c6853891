"""Judged by limits only: what makes a review so, what counts then, and that it is said and frozen."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.alerts import AlertFact, Alerts, AlertsFact
from driftreview.api.driftreview import DriftReviewSpec
from driftreview.api.driftsnapshot import MAX_LIMITS_ONLY, DriftSnapshotSpec, EvidenceWindow, SignalEvidence
from driftreview.api.facts import Facts
from driftreview.api.phases import ConditionType
from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal
from driftreview.api.spells import Spells
from driftreview.api.values import exact_duration
from driftreview.api.verdicts import Recommendation, SignalVerdict, Verdict
from driftreview.bundle.contents import write
from driftreview.bundle.errors import BundleError
from driftreview.bundle.verify import prove
from driftreview.domain.evidence import is_intact, seal
from driftreview.domain.foresight import Foresight, foresight
from driftreview.domain.history import History
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.limitsonly import FIRST, comes_to_nothing, frozen_with, has_limit, limits_only
from driftreview.domain.replay import Past, replay
from driftreview.domain.report.build import report
from driftreview.domain.result import CheckpointResult
from driftreview.domain.status import condition
from tests.builders import (
    HOUR,
    MINUTE,
    T0,
    around,
    events,
    evidence,
    growth,
    limit,
    presence,
    recorded,
    review,
    series,
    signal,
    snapshot,
)
from tests.reportdata import LIMITED, first_release, passes, released_ill, taken
from tests.simulator import STEP, Deployment, Metrics, Simulator
from tests.support.bundles import objects

V = SignalVerdict
DAY = 144
Blocks = Sequence[float | None]
LIMITS = {"baseline": "100", "alert": "150"}
BOTH = signal(unit="ms", margin={"relative": "5%"}, limits=LIMITS)
BASELINE_ONLY = signal(unit="ms", margin={"relative": "5%"}, limits={"baseline": "100"})
UNLIMITED = signal("lag")


def at_t0(*signals: SignalEvidence, **fields: Any) -> DriftSnapshotSpec:
    """A day that ended at T0."""
    window = EvidenceWindow(start=T0 - 24 * HOUR, end=T0, step="60s", block="600s")
    return snapshot(*signals, window=window, **fields)


def of(declared: Signal, blocks: Blocks, **fields: Any) -> DriftSnapshotSpec:
    return at_t0(evidence(declared.name, series(blocks, **fields)))


def why(declared: Signal, blocks: Blocks, **fields: Any) -> str | None:
    return limits_only(review(signals=[declared]).spec, of(declared, blocks, **fields), is_first=False)


def going(*, still: bool, minutes: int, last: timedelta = timedelta(0)) -> dict[str, Any]:
    """What a Limit's evidence says of a stretch that ended so long before T0."""
    since, until = T0 - last - minutes * MINUTE, T0 - last
    lasted = exact_duration(minutes * MINUTE)
    spells = Spells(since=since, until=until, number=1, total=lasted, last=T0 if last and still else until, still=still)
    return {"over": spells, "longest_over": lasted, "worst": "500"}


class TestWhy:
    def test_a_healthy_release_is_compared(self) -> None:
        assert why(BOTH, around(90, DAY)) is None

    def test_a_first_release_has_nothing_to_be_compared_with(self) -> None:
        declared = review(signals=[BOTH]).spec
        assert limits_only(declared, of(BOTH, around(90, DAY)), is_first=True) == FIRST

    @pytest.mark.parametrize("baseline", [{"from": "Snapshot", "length": "30m"}, {"from": "Declared"}])
    @pytest.mark.parametrize("is_first", [True, False])
    def test_what_is_compared_with_nothing_from_before_it_does_not_heed_that(
        self, baseline: dict[str, str], *, is_first: bool
    ) -> None:
        declared = review(signals=[BOTH], baseline=baseline).spec
        assert limits_only(declared, of(BOTH, around(200, DAY)), is_first=is_first) is None

    def test_a_baseline_beyond_its_own_limit_is_named_with_both(self) -> None:
        found = why(BOTH, [120.0] * DAY)
        assert found == (
            "something was amiss already when it was released: latency (120 ms is beyond limits.baseline 100 ms)"
        )

    @pytest.mark.parametrize(
        ("declared", "blocks"),
        [
            (signal(limits={"alert": "150"}), [90.0] * (DAY - 6) + [160.0] * 6),
            (signal(limits={"alert": "50"}, worse="Lower"), [90.0] * (DAY - 6) + [40.0] * 6),
            (events(limits={"alert": "5"}), [0.0] * (DAY - 12) + [6.0] * 12),
            (growth(limits={"perHour": "20", "alert": "150"}), [90.0] * (DAY - 6) + [160.0] * 6),
        ],
    )
    def test_what_ended_beyond_its_alert_limit_was_ill_and_what_had_recovered_was_not(
        self, declared: Signal, blocks: Blocks
    ) -> None:
        found = why(declared, blocks)
        assert found is not None
        assert f"{declared.name} (" in found
        assert " at its end, limit " in found
        assert why(declared, blocks[::-1]) is None  # it was so a day before
        assert why(declared, [*blocks[1:], blocks[0]]) is not None  # one block is no end

    @pytest.mark.parametrize(
        ("fields", "is_ill"),
        [
            (going(still=True, minutes=20), True),
            (going(still=False, minutes=20, last=5 * HOUR), False),
            (going(still=True, minutes=1), False),  # shorter than is allowed
            (going(still=True, minutes=20, last=5 * HOUR), False),  # what goes on is another, and shorter
        ],
    )
    def test_a_limit_that_is_being_broken_at_t0(self, fields: dict[str, Any], *, is_ill: bool) -> None:
        found = why(limit("60", **{"for": "5m"}), around(50, DAY), **fields)
        assert (found is not None) is is_ill
        assert found is None or "age (worst 500 s, beyond the limit for 20m)" in found

    @pytest.mark.parametrize("fields", [{"mode": "Shadow"}, {"kind": "Info", "limits": None, "margin": None}])
    def test_what_does_not_count_makes_nothing_of_it(self, fields: dict[str, Any]) -> None:
        declared = signal(**{"limits": LIMITS, "margin": {"relative": "5%"}} | fields)
        assert why(declared, [200.0] * DAY) is None

    def test_what_had_fallen_silent_by_t0_was_not_seen_to_be_ill(self) -> None:
        ill = [200.0] * (DAY - 1)
        assert why(signal(limits={"alert": "150"}), [*ill, None]) is None
        assert why(presence(), [1.0] * (DAY - 1) + [None]) is None

    def test_of_several_series_the_first_is_named(self) -> None:
        declared = signal(each="symbol", limits={"alert": "150"})
        sides = {"a": 90.0, "b": 200.0, "c": 300.0}
        found = limits_only(
            review(signals=[declared]).spec,
            at_t0(evidence("latency", *(series([v] * DAY, labels={"symbol": k}) for k, v in sides.items()))),
            is_first=False,
        )
        assert found is not None
        assert found.endswith("latency (symbol b: 200 s at its end, limit 150 s)")

    def test_however_much_was_amiss_it_has_room(self) -> None:
        all_ill = [signal(f"s{'x' * 50}{number}", limits={"alert": "150"}) for number in range(50)]
        found = limits_only(
            review(signals=all_ill).spec,
            at_t0(*(evidence(each.name, series([200.0] * DAY)) for each in all_ill)),
            is_first=False,
        )
        assert found is not None
        assert len(found) == MAX_LIMITS_ONLY


def alert(since: timedelta = -HOUR, seconds: int = 3600, severity: str = "critical", **fields: Any) -> AlertFact:
    """One that fires since an hour before T0, at T0."""
    given = {"name": "Down", "severity": severity, "since": T0 + since, "until": T0, "seconds": seconds}
    return AlertFact(**given | {"firing": True} | fields)


def facts(*fired: AlertFact) -> Facts:
    return Facts(taken_at=T0, alerts=AlertsFact(since=T0 - 24 * HOUR, until=T0, fired=list(fired)))


class TestAlerts:
    WATCHED = review(signals=[BOTH], alerts={}).spec

    def why(self, *fired: AlertFact, spec: DriftReviewSpec = WATCHED) -> str | None:
        frozen = at_t0(evidence("latency", series([90.0] * DAY)), facts=facts(*fired))
        return limits_only(spec, frozen, is_first=False)

    def test_a_grave_one_that_fires_since_before_the_rollout(self) -> None:
        for severity in ("critical", "page"):
            found = self.why(alert(severity=severity))
            assert found is not None
            assert found.endswith(f": the alert Down ({severity}) fires since 2026-07-31T11:00:00Z")

    @pytest.mark.parametrize(
        "fired",
        [
            alert(severity="warning"),
            alert(since=timedelta(0), seconds=0),  # the rollout itself may have set it off
            alert(firing=False),
            alert(since=-20 * HOUR, seconds=3600),  # it came and went: whether it was on then is not known
        ],
    )
    def test_no_other(self, fired: AlertFact) -> None:
        assert self.why(fired) is None

    @pytest.mark.parametrize("alerts", [None, Alerts.model_validate({"mode": "Shadow"})])
    def test_where_they_count(self, alerts: Alerts | None) -> None:
        assert self.why(alert(), spec=self.WATCHED.model_copy(update={"alerts": alerts})) is None

    @pytest.mark.parametrize(
        ("now", "verdict"),
        [
            ([alert()], Verdict.HOLD),
            ([alert(firing=False)], Verdict.PASS),
            ([], Verdict.PASS),
            ([alert(), alert(name="Other")], Verdict.HOLD),
        ],
    )
    def test_while_it_goes_on_nothing_passes_and_then_limits_decide(
        self, now: list[AlertFact], verdict: Verdict
    ) -> None:
        frozen = frozen_with(
            self.WATCHED,
            at_t0(evidence("latency", series([90.0] * DAY)), facts=facts(alert())),
            is_first=False,
        )
        look = snapshot(evidence("latency", series(around(90, 24))), checkpoint="1h", hours=4, facts=facts(*now))
        found = judge_checkpoint(self.WATCHED, frozen, look)
        assert found.verdict is verdict
        if len(now) == 1 and now[0].firing:
            assert "alerts/new is Broken: the alert Down (critical) fires since 2026-07-31T11:00:00Z, " in found.message
        without = seal(frozen.model_copy(update={"limits_only": None}))
        if len(now) < 2:
            assert judge_checkpoint(self.WATCHED, without, look).verdict is Verdict.PASS


class TestFrozen:
    def test_it_is_part_of_the_hash(self) -> None:
        frozen = frozen_with(review(signals=[BOTH]).spec, of(BOTH, [120.0] * DAY), is_first=False)
        assert is_intact(frozen, frozen.hash)
        assert not is_intact(frozen.model_copy(update={"limits_only": None}), frozen.hash)

    def test_what_is_compared_is_frozen_as_ever(self) -> None:
        before = of(BOTH, around(90, DAY))
        assert frozen_with(review(signals=[BOTH]).spec, before, is_first=False) is before

    def test_taken_twice_it_is_the_same(self) -> None:
        spec = review(signals=[BOTH]).spec
        once = frozen_with(spec, of(BOTH, [120.0] * DAY), is_first=False)
        assert frozen_with(spec, once, is_first=False) == once


def judged(
    declared: Sequence[Signal], before: Sequence[SignalEvidence], now: Sequence[SignalEvidence], *, first: bool = True
) -> CheckpointResult:
    """One look at signals, by limits only."""
    spec = review(signals=list(declared)).spec
    frozen = frozen_with(spec, at_t0(*before), is_first=first)
    assert frozen.limits_only is not None
    return judge_checkpoint(spec, frozen, snapshot(*now, checkpoint="4h", hours=4))


def one(declared: Signal, before: Blocks, now: Blocks, *, first: bool = False) -> CheckpointResult:
    name = declared.name
    return judged([declared], [evidence(name, series(before))], [evidence(name, series(now))], first=first)


NOTHING = [evidence("latency", problem=Reason.EMPTY), evidence("lag", problem=Reason.EMPTY)]


class TestAFirstRelease:
    def test_that_keeps_its_limits_passes_and_says_by_what(self) -> None:
        found = judged([BOTH], NOTHING, [evidence("latency", series(around(120, 24)))])
        assert (found.verdict, found.results[0].finding.verdict) == (Verdict.PASS, V.STABLE)
        assert found.message.startswith("by limits only: all enforced signals (1) pass; ")
        assert found.message.endswith(f"; {FIRST}")

    def test_that_breaks_one_drifts(self) -> None:
        found = judged([BOTH], NOTHING, [evidence("latency", series(around(200, 24)))])
        assert found.verdict is Verdict.DRIFT
        assert found.message.startswith("by limits only: latency is Degraded: 200 ms is beyond the alert limit 150 ms")

    def test_what_was_there_before_it_is_nothing_to_be_compared_with(self) -> None:
        """Its own service did not run; whoever had these samples, a margin says nothing."""
        found = one(
            signal(margin={"relative": "5%"}, limits={"alert": "150"}), [50.0] * DAY, around(100, 24), first=True
        )
        assert found.verdict is Verdict.PASS

    def test_a_signal_without_a_limit_is_recorded_and_does_not_count(self) -> None:
        both = [evidence("latency", series(around(100, 24))), evidence("lag", series(around(900, 24)))]
        found = judged([BOTH, UNLIMITED], NOTHING, both)
        lag = found.results[1]
        assert (lag.finding.verdict, lag.counts_as, lag.is_ignored(lag.finding)) == (V.RECORDED, None, False)
        assert lag.finding.message.endswith(" s; recorded only, as it has no limit to be judged by")
        assert found.verdict is Verdict.PASS
        assert "1 of 2 enforced signals pass, 1 without a limit is recorded" in found.message

    def test_nothing_that_counts_is_no_pass(self) -> None:
        found = judged([UNLIMITED], NOTHING, [evidence("lag", series(around(100, 24)))])
        assert found.verdict is Verdict.INCONCLUSIVE
        assert found.message == (
            f"by limits only: no enforced signal could be judged, 1 without a limit is recorded; {FIRST}"
        )

    def test_what_has_no_data_is_missing_as_ever(self) -> None:
        for declared, verdict in ((UNLIMITED, Verdict.INCONCLUSIVE), (signal("lag", onMissing="Fail"), Verdict.DRIFT)):
            gone = evidence("lag", problem=Reason.NEVER_SCRAPED)
            found = judged([BOTH, declared], NOTHING, [evidence("latency", series(around(100, 24))), gone])
            assert (found.results[1].finding.verdict, found.verdict) == (V.MISSING, verdict)

    def test_a_covariate_is_left_aside(self) -> None:
        declared = signal(margin={"relative": "5%"}, limits={"alert": "150"}, covariate="lag")
        found = judged([declared, UNLIMITED], NOTHING, [evidence("latency", series(around(100, 24))), NOTHING[1]])
        assert found.results[0].finding.verdict is V.STABLE

    @pytest.mark.parametrize(("slope", "verdict"), [(1.0, Verdict.PASS), (60.0, Verdict.DRIFT)])
    def test_growth_is_held_against_its_rate(self, slope: float, verdict: Verdict) -> None:
        grows = [100 + slope * index / 6 + noise for index, noise in enumerate(v or 0 for v in around(1, 72))]
        spec = review(signals=[growth()]).spec
        frozen = frozen_with(spec, at_t0(evidence("memory", problem=Reason.EMPTY)), is_first=True)
        look = snapshot(evidence("memory", series(grows)), checkpoint="4h", hours=12)
        assert judge_checkpoint(spec, frozen, look).verdict is verdict

    @pytest.mark.parametrize(("worst", "verdict"), [(4.0, Verdict.PASS), (9.0, Verdict.DRIFT)])
    def test_events_are_held_against_their_limit_alone(self, worst: float, verdict: Verdict) -> None:
        declared = events({"relative": "50%"}, limits={"alert": "5"})
        found = one(declared, [0.0] * DAY, [worst] + [0.0] * 23, first=True)
        assert found.verdict is verdict

    def test_an_info_signal_stays_one(self) -> None:
        info = signal("load", kind="Info")
        looks = [evidence("latency", series(around(100, 24))), evidence("load", series([1.0] * 24))]
        found = judged([BOTH, info], NOTHING, looks)
        assert "recorded" not in found.message
        assert found.results[1].finding.message == "1 s"


class TestReleasedIll:
    def test_what_is_still_beyond_limits_baseline_holds_and_is_never_degraded(self) -> None:
        for declared, now in ((BOTH, 120.0), (BASELINE_ONLY, 120.0), (BASELINE_ONLY, 900.0)):
            found = one(declared, [120.0] * DAY, around(now, 24))
            assert (found.verdict, found.results[0].finding.verdict) == (Verdict.HOLD, V.SUSPECT)
            assert "ms is beyond limits.baseline 100 ms, as its baseline was: 120 ms" in found.message

    def test_what_came_back_is_judged_by_its_alert_limit(self) -> None:
        found = one(BOTH, [120.0] * DAY, around(90, 24))
        assert (found.verdict, found.results[0].finding.verdict) == (Verdict.PASS, V.STABLE)

    def test_what_came_back_and_has_no_other_limit_is_recorded(self) -> None:
        found = one(BASELINE_ONLY, [120.0] * DAY, around(90, 24))
        assert (found.verdict, found.results[0].finding.verdict) == (Verdict.INCONCLUSIVE, V.RECORDED)
        assert found.results[0].finding.message == (
            "within limits.baseline again, unlike its baseline: 120 ms; it has no limit to pass by"
        )

    def test_a_limit_that_it_broke_itself_still_counts(self) -> None:
        assert one(BOTH, [120.0] * DAY, around(200, 24)).verdict is Verdict.DRIFT

    def test_a_limit_that_was_broken_no_less_before_is_not_laid_to_it(self) -> None:
        declared = signal(margin={"relative": "5%"}, limits={"alert": "150"})
        before = [90.0] * (DAY - 12) + [200.0] * 12
        assert one(declared, before, around(200, 24)).verdict is Verdict.HOLD
        assert one(declared, before, around(100, 24)).verdict is Verdict.PASS
        assert one(declared, before, around(300, 24)).verdict is Verdict.DRIFT  # clearly farther

    def test_the_others_are_not_compared_either(self) -> None:
        """The incident may have driven traffic away: how they were then says nothing."""
        other = signal("lag", margin={"relative": "5%"}, limits={"alert": "150"})
        before = [evidence("latency", series([120.0] * DAY)), evidence("lag", series(around(50, DAY)))]
        now = [evidence("latency", series(around(90, 24))), evidence("lag", series(around(100, 24)))]
        found = judged([BOTH, other], before, now, first=False)
        assert [each.finding.verdict for each in found.results] == [V.STABLE, V.STABLE]

    @given(level=st.floats(1, 1000), alert_at=st.floats(0.2, 0.99), seed=st.integers(1, 50))
    def test_a_release_that_changes_nothing_is_neither_rolled_back_nor_promoted(
        self, level: float, alert_at: float, seed: int
    ) -> None:
        limits = {"alert": f"{alert_at * level:.6f}", "baseline": f"{alert_at * level:.6f}"}
        declared = signal(margin={"relative": "5%"}, limits=limits)
        found = one(declared, around(level, DAY, seed, 0.001), around(level, 24, seed + 100, 0.001))
        assert found.verdict is Verdict.HOLD

    @given(before=st.floats(101, 1000), now=st.floats(1, 1000), margin=st.sampled_from(["0%", "5%", "900%"]))
    def test_no_margin_makes_a_difference(self, before: float, now: float, margin: str) -> None:
        found = [
            one(signal(margin={"relative": each}, limits=LIMITS), [before] * DAY, around(now, 24, 1, 0.001))
            for each in (margin, "50%")
        ]
        assert found[0].verdict is found[1].verdict
        assert found[0].message == found[1].message

    def test_evidence_from_before_this_was_known_is_judged_as_it_was(self) -> None:
        spec = review(signals=[BOTH]).spec
        look = snapshot(evidence("latency", series(around(90, 24))), checkpoint="4h", hours=4)
        found = judge_checkpoint(spec, of(BOTH, [120.0] * DAY), look)
        assert found.results[0].finding.reason is Reason.BASELINE_OVER_LIMIT
        assert "by limits only" not in found.message


class TestForetold:
    @pytest.mark.parametrize(
        ("signals", "has"),
        [
            ([UNLIMITED], False),
            ([BASELINE_ONLY], False),
            ([events()], False),
            ([BOTH, UNLIMITED], True),
            ([growth()], True),
            ([limit()], True),
            ([presence()], True),
            ([UNLIMITED, limit(mode="Shadow")], False),
        ],
    )
    def test_whether_it_can_come_to_anything(self, signals: list[Signal], *, has: bool) -> None:
        found = comes_to_nothing(review(signals=signals).spec)
        assert (found == "") is has
        assert any(has_limit(each) and each.mode == "Enforce" for each in signals) is has
        if found:
            assert f"give limits.alert to one of {signals[0].name}, or add a signal of kind Limit" in found

    def test_numbers_from_elsewhere_count_as_well(self) -> None:
        number = {"name": "tests", "baseline": "5", "current": "5"}
        assert comes_to_nothing(review(signals=[UNLIMITED], evidence=[number]).spec) == ""

    def test_a_first_release_is_told_so_before_its_baseline_is_frozen_and_after(self) -> None:
        simulator = Simulator(
            review(signals=[UNLIMITED]), now=T0 - 5 * MINUTE, target=Deployment(before="", is_first=True)
        )
        expected = f"judged by limits only: {FIRST}; no enforced signal has a limit"
        simulator.run()
        assert f"waits for T0 of web-new at 2026-07-31T12:00:00Z; {expected}" in simulator.status["summary"]
        passes(simulator, 6 * MINUTE)
        assert simulator.status["target"]["firstRelease"] is True
        assert f"baseline frozen, but {expected}" in simulator.status["summary"]
        captured = condition(simulator.stored().status, ConditionType.BASELINE_CAPTURED)
        assert captured is not None
        assert expected in captured.message
        passes(simulator, 6 * HOUR)
        assert [each["verdict"] for each in simulator.status["checkpoints"]] == ["Inconclusive"] * 3
        assert simulator.acts == []

    def test_of_a_second_release_nothing_is_said(self) -> None:
        simulator = Simulator(review(signals=[UNLIMITED]))
        simulator.run()
        assert "firstRelease" not in simulator.status["target"]
        assert "limits only" not in str(simulator.status)

    def test_before_a_backdated_t0_something_ran(self) -> None:
        window = {"t0": T0 - HOUR, "backdated": True, "checkpoints": ["1h", "2h"], "rollback": "24h"}
        simulator = Simulator(
            review(signals=[BOTH], window=window), target=Deployment(before="", is_first=True), now=T0 + 5 * HOUR
        )
        simulator.run()
        assert simulator.status["t0"] is not None
        assert "firstRelease" not in simulator.status["target"]

    def test_what_nothing_is_compared_with_is_neither_useless_nor_noisy(self) -> None:
        spec = review(signals=[BOTH, UNLIMITED]).spec
        before = at_t0(evidence("latency", series([120.0] * DAY)), evidence("lag", series(around(100, DAY, share=0.6))))
        found = foresight(spec, frozen_with(spec, before, is_first=False))
        assert (found.useless, found.vague) == ([], [])
        assert foresight(spec, before).useless != []
        assert found.measured == foresight(spec, before).measured
        assert isinstance(found, Foresight)


class TestLives:
    def test_a_first_release_that_is_well_is_promoted(self) -> None:
        simulator = first_release()
        assert simulator.phase == "Promoted"
        assert "by limits only: 1 of 2 enforced signals pass" in simulator.status["decision"]["message"]

    def test_one_whose_limit_breaks_is_rejected_and_there_is_nothing_to_go_back_to(self) -> None:
        simulator = first_release(shift_at=-5 * MINUTE)
        decision = simulator.status["decision"]
        assert decision["recommendation"] == Recommendation.REJECT
        assert decision["message"].startswith("T0+1h: by limits only: latency is Degraded: ")
        assert simulator.acts == []
        assert "it cannot be rolled back: no earlier revision was kept" in simulator.status["summary"]

    def test_released_ill_it_is_neither_rolled_back_nor_promoted_until_it_is_well(self) -> None:
        simulator = released_ill()
        assert (simulator.phase, simulator.acts) == ("Inconclusive", [])
        assert [each["verdict"] for each in simulator.status["checkpoints"]] == ["Hold"] * 3
        assert released_ill(-5 * MINUTE).phase == "Promoted"

    def test_a_replay_says_what_the_operator_said(self) -> None:
        simulator = released_ill()
        status = simulator.stored().status
        assert status.target is not None
        moments = [T0 - timedelta(days=2) + index * STEP for index in range(700)]
        metrics: Metrics = simulator.metrics
        track = recorded([(moment, metrics._at(moment)) for moment in moments])
        names = [each.name for each in simulator.review.spec.signals]
        past = Past(History.of(dict.fromkeys(names, (track,)), STEP))
        found = replay(simulator.review, past, T0, status.target.history_ends_at)
        assert found.baseline.limits_only == simulator.snapshots["release-review-u-t0"]["limitsOnly"]
        assert [(each.result.verdict, each.result.message) for each in found.checkpoints if each.result] == [
            (each.verdict, each.message) for each in status.checkpoints
        ]


class TestProved:
    @pytest.mark.parametrize("life", [first_release, released_ill])
    def test_a_bundle_is_proved(self, life: Any) -> None:
        proof = prove(write(*objects(life()), None))
        assert proof.judged == 3

    @pytest.mark.parametrize("said", [None, "the moon was full"])
    def test_another_reason_than_the_evidence_gives_is_found(self, said: str | None) -> None:
        simulator = first_release()
        name = next(each for each in simulator.snapshots if each.endswith("t0"))
        frozen = DriftSnapshotSpec.model_validate(simulator.snapshots[name])
        simulator.snapshots[name] = seal(frozen.model_copy(update={"limits_only": said})).to_wire()
        with pytest.raises(BundleError):
            prove(write(*objects(simulator), None))

    def test_the_report_says_it_in_its_head_and_among_its_limitations(self) -> None:
        made = report(*taken(first_release([UNLIMITED])))
        assert ("Judged", "by limits only") in [(each.label, each.text) for each in made.head]
        text = made.model_dump_json()
        assert f"judged by limits only: {FIRST}" in text
        assert "no enforced signal has a limit" in text
        plain = report(*taken(passes(Simulator(review(signals=LIMITED)), 6 * HOUR)))
        assert "limits only" not in plain.model_dump_json()

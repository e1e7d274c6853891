"""What counts of a replay, how often it came out how, and what that suggests."""

from datetime import timedelta

import pytest

from driftreview.api.act import ActType
from driftreview.api.driftreview import DriftReviewSpec
from driftreview.api.signal import Signal
from driftreview.api.verdicts import Recommendation, SignalVerdict, Verdict
from driftreview.domain.advice import advice, over_budget, undecided
from driftreview.domain.finding import Estimate, Finding, Measure
from driftreview.domain.outcome import Outcome, Rates, SignalOutcome, act, detected, outcome_of, recommended, worse_by
from driftreview.domain.replay import Replay, ReplayedCheckpoint
from driftreview.domain.result import CheckpointResult, SeriesResult, SignalResult
from tests.builders import HOUR, T0, events, growth, limit, review, signal, snapshot, spec

PASS, HOLD, DRIFT, OPEN = Verdict.PASS, Verdict.HOLD, Verdict.DRIFT, Verdict.INCONCLUSIVE


def share(estimate: float, reach: float = 0.01, measure: Measure = Measure.SHARE) -> Estimate:
    return Estimate(measure, estimate, estimate - reach, estimate + reach, 0.05, 1.0)


def judged_by(*signals: Signal, **policy: str) -> DriftReviewSpec:
    """Two checkpoints and this policy."""
    window = {"checkpoints": ["1h", "6h"], "rollback": "6h"}
    return review(signals=list(signals or [signal()]), window=window, policy=policy).spec


def result(declared: Signal, *series: tuple[SignalVerdict, Estimate | None]) -> SignalResult:
    findings = [Finding(verdict, None, "so", estimate=estimate) for verdict, estimate in series]
    rows = tuple(SeriesResult(str(index), finding) for index, finding in enumerate(findings))
    worst = [SignalVerdict.DEGRADED, SignalVerdict.MISSING, SignalVerdict.INCONCLUSIVE, SignalVerdict.STABLE]
    return SignalResult(declared, min(findings, key=lambda each: worst.index(each.verdict)), rows)


def replayed(*looks: CheckpointResult) -> Replay:
    found = tuple(ReplayedCheckpoint(f"{index}h", T0 + index * HOUR, None, look) for index, look in enumerate(looks))
    return Replay(T0, snapshot(), found, Recommendation.REJECT, None, "so", None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdicts", "recommendation"),
    [
        ((PASS, PASS), Recommendation.APPROVE),
        ((OPEN, HOLD, PASS)[1:], Recommendation.APPROVE),
        ((DRIFT, PASS), Recommendation.REJECT),
        ((PASS, DRIFT), Recommendation.REJECT),
        ((PASS, HOLD), Recommendation.INCONCLUSIVE),
        ((PASS,), Recommendation.INCONCLUSIVE),
        ((), Recommendation.INCONCLUSIVE),
    ],
)
def test_verdicts_recommend_what_the_operator_would(
    verdicts: tuple[Verdict, ...], recommendation: Recommendation
) -> None:
    assert recommended(verdicts, 2) is recommendation


def test_rates_count_each_t0_once_but_for_holds() -> None:
    lives = [(PASS, PASS), (HOLD, PASS), (HOLD, DRIFT), (PASS, OPEN), (PASS, HOLD)]
    for policy, rolled_back, promoted in (("Hold", 1, 2), ("Promote", 1, 4), ("Rollback", 3, 2)):
        for more in ({}, {"onDrift": "Hold"}, {"mode": "Observe"}):
            declared = judged_by(onInconclusive=policy, **more)
            expected = Rates(t0s=5, rolled_back=rolled_back, held=3, inconclusive=2, promoted=promoted)
            assert Rates.of(declared, lives) == expected


def test_nothing_is_done_where_the_data_end_before_a_decision() -> None:
    for policy in ("Hold", "Promote", "Rollback"):
        found = [act(judged_by(onInconclusive=policy), each) for each in ((), (PASS,), (DRIFT,))]
        assert found == [None, None, ActType.ROLL_BACK]


def test_a_signal_is_counted_as_if_it_were_alone() -> None:
    bad, good = signal("bad", mode="Shadow"), signal("good")
    degraded, stable = (SignalVerdict.DEGRADED, share(0.2)), (SignalVerdict.STABLE, share(0.0))
    looks = [CheckpointResult.of([result(bad, degraded), result(good, stable)])] * 2
    found = outcome_of(replayed(*looks))
    assert found.verdicts == (PASS, PASS)
    assert [each.verdicts for each in found.signals] == [(DRIFT, DRIFT), (PASS, PASS)]
    assert [each.others for each in found.signals] == [(PASS, PASS), (OPEN, OPEN)]
    assert [each.worst for each in found.signals] == [share(0.2), None]


def test_the_worst_series_of_all_looks_is_kept_and_at_the_last_the_widest() -> None:
    declared = signal(each="symbol")
    first = result(declared, (SignalVerdict.DEGRADED, share(0.3)), (SignalVerdict.STABLE, share(0.0)))
    last = result(declared, (SignalVerdict.DEGRADED, share(0.2)), (SignalVerdict.STABLE, share(0.1, 0.4)))
    (found,) = outcome_of(replayed(CheckpointResult.of([first]), CheckpointResult.of([last]))).signals
    assert (found.worst, found.affirmable) == (share(0.3), share(0.1, 0.4))


def test_what_has_a_series_without_an_estimate_could_not_be_affirmed() -> None:
    declared = signal(each="symbol")
    looks = CheckpointResult.of([result(declared, (SignalVerdict.STABLE, share(0.0)), (SignalVerdict.MISSING, None))])
    assert outcome_of(replayed(looks)).signals[0].affirmable is None


@pytest.mark.parametrize(
    ("worse", "by", "at_most"), [("Higher", 0.1, 0.11), ("Lower", -0.1, -0.09), ("Either", 0.1, 0.11)]
)
def test_how_much_worse_depends_on_the_direction(worse: str, by: float, at_most: float) -> None:
    declared = signal(worse=worse)
    assert worse_by(declared, share(0.1)) == pytest.approx(by)
    assert worse_by(declared, share(0.1), at_most=True) == pytest.approx(at_most)


def test_a_fall_is_worse_by_as_much_with_either() -> None:
    assert worse_by(signal(worse="Either"), share(-0.1), at_most=True) == pytest.approx(0.11)


def outcomes(*lives: SignalOutcome) -> list[Outcome]:
    """One T0 for each life of the only signal."""
    return [Outcome(T0 + timedelta(hours=index), each.verdicts, (each,)) for index, each in enumerate(lives)]


GOOD = SignalOutcome((PASS, PASS), affirmable=share(0.0))


def test_a_drift_is_found_from_its_checkpoint_on() -> None:
    found = outcomes(SignalOutcome((DRIFT, DRIFT)), SignalOutcome((PASS, DRIFT)), GOOD)
    assert [detected(found, index) for index in range(2)] == [1, 2]


def said(declared: Signal, *lives: SignalOutcome, days: int = 10) -> list[str]:
    return list(advice(spec([declared], ("1h", "6h")), outcomes(*lives), timedelta(days=days)))


def test_nothing_is_suggested_where_the_budget_is_met() -> None:
    assert said(signal(), *[GOOD] * 20) == []
    assert said(signal(), *[GOOD] * 19, SignalOutcome((PASS, DRIFT), share(0.2))) == []


def test_a_false_alarm_names_the_margin_that_would_have_tolerated_it() -> None:
    bad = SignalOutcome((PASS, DRIFT), share(0.1234))
    first, second = said(signal(), GOOD, bad, SignalOutcome((PASS, DRIFT), share(0.08)))
    assert first == (
        "latency: Degraded at 2 of 3 T0s, each time alone; it was worse by up to 12.4% by itself, "
        "which a margin of as much tolerates"
    )
    assert second == "baseline.length is 1d, the data have room for 7d: sweep again with that"


@pytest.mark.parametrize(
    ("declared", "worst", "way"),
    [
        (signal(), share(0.3, measure=Measure.VALUE), "it reached 300 ms by itself, beyond limits.alert 50 ms"),
        (
            growth(),
            share(30.0, measure=Measure.PER_HOUR),
            "it grew by up to 30 MB an hour by itself: limits.perHour must",
        ),
        (limit(), None, "Degraded at 1 of 2 T0s, each time alone"),
    ],
)
def test_a_false_alarm_of_another_kind_names_its_limit(declared: Signal, worst: Estimate | None, way: str) -> None:
    assert way in said(declared, GOOD, SignalOutcome((PASS, DRIFT), worst))[0]


def test_doubt_names_the_margin_that_four_of_five_t0s_would_have_affirmed() -> None:
    doubts = [SignalOutcome((PASS, OPEN), affirmable=share(0.05 + index / 100)) for index in range(10)]
    first, second = said(signal(), *doubts)
    assert first == (
        "latency: undecided at 10 of 10 T0s; at 80% of all T0s a margin of 13% would have been affirmed at the last "
        "look"
    )
    assert second.startswith("baseline.length is 1d")
    assert said(signal(), *doubts, days=3)[1] == (
        "baseline.length is 1d, which has not seen a whole week: with 7d a sweep needs 7d6h of data and more, here are "
        "3d"
    )


def test_it_is_said_what_shadow_would_leave_of_the_rollbacks_and_of_the_doubt() -> None:
    two = judged_by(signal("a"), signal("b"))

    def told(*lives: tuple[Verdict, Verdict]) -> list[str]:
        """One T0 for each pair of verdicts, of a and of b."""
        rank = [DRIFT, HOLD, OPEN, PASS]
        found = [
            Outcome(
                T0 + timedelta(hours=index),
                (PASS, min(a, b, key=rank.index)),
                (SignalOutcome((PASS, a), others=(PASS, b)), SignalOutcome((PASS, b), others=(PASS, a))),
            )
            for index, (a, b) in enumerate(lives)
        ]
        return [each for each in advice(two, found, timedelta(days=3)) if not each.startswith("baseline")]

    as_many = "mode: Shadow alone would leave as many"
    assert told((DRIFT, PASS), (DRIFT, DRIFT), (PASS, PASS)) == [
        "a: Degraded at 2 of 3 T0s, alone at 1 of them; with mode: Shadow 1 T0s instead of 2 would be rolled back",
        f"b: Degraded at 1 of 3 T0s, each time beside another signal; {as_many} rolled back",
    ]
    first, second = told((OPEN, PASS), (OPEN, OPEN), (OPEN, PASS))
    assert first.endswith("says why; with mode: Shadow 1 T0s instead of 3 would be undecided")
    assert second.endswith(f"says why; {as_many} undecided")


def test_what_the_policy_rolls_back_undecided_counts_against_its_budget() -> None:
    lives = [(PASS, OPEN)] + [(PASS, PASS)] * 9
    for policy, over, told in (("Hold", False, 0), ("Promote", False, 0), ("Rollback", True, 1)):
        declared = judged_by(onInconclusive=policy)
        assert over_budget(declared, Rates.of(declared, lives)) is over
        found = outcomes(*(SignalOutcome(each) for each in lives))
        said = [each for each in advice(declared, found, timedelta(days=3)) if "undecided at 1 of 10" in each]
        assert len(said) == told


def test_no_margin_is_named_where_too_many_t0s_had_nothing_to_affirm() -> None:
    doubts = [SignalOutcome((PASS, OPEN), affirmable=share(0.06) if index else None) for index in range(4)]
    assert said(signal(), *doubts)[0] == ("latency: undecided at 4 of 4 T0s; --t0 2026-07-31T12:00:00Z says why")


def test_doubt_about_rare_events_names_the_absolute_margin() -> None:
    def of(measure: Measure, upper: float, baseline: float) -> Estimate:
        return Estimate(measure, 0.0, -0.01, upper, 0.5, 0.0, baseline)

    shares = [SignalOutcome((PASS, OPEN), affirmable=of(Measure.SHARE, 4.0 + index, 0.02)) for index in range(10)]
    assert said(events(), *shares)[0] == (
        "reconnects: undecided at 10 of 10 T0s; at 80% of all T0s a margin.absolute of 0.22 (15.8 events in 6h) would "
        "have been affirmed"
    )
    numbers = [SignalOutcome((PASS, OPEN), affirmable=of(Measure.DIFFERENCE, 0.1, 0.0))] * 4
    assert "a margin.absolute of 0.1 (7.2 events in 6h) would" in said(events(), *numbers)[0]
    unknown = [SignalOutcome((PASS, OPEN))] * 4
    assert "want a margin.absolute above 0.0417 (3 events in 6h are let through" in said(events(), *unknown)[0]
    only_limit = events(margin=None, limits={"alert": "5"})
    assert "says why" in said(only_limit, *unknown)[0]


def test_nothing_is_suggested_for_what_is_only_recorded_or_tried_out() -> None:
    doubts = [SignalOutcome((OPEN, OPEN))] * 10
    for kept in (signal(kind="Info"), signal(mode="Shadow")):
        assert [each for each in said(kept, *doubts) if each.startswith("latency")] == []


def test_of_what_is_missing_it_is_said_why_and_no_margin_is_suggested() -> None:
    gone = SignalOutcome((PASS, OPEN), missing="there is no latency.csv in data")
    assert said(signal(), GOOD, gone, gone, SignalOutcome((PASS, OPEN), affirmable=share(0.06)))[0] == (
        "latency: undecided at 3 of 4 T0s, Missing at 2 of them; at 2026-07-31T13:00:00Z: there is no "
        "latency.csv in data"
    )
    lost = result(signal(), (SignalVerdict.MISSING, None))
    found = outcome_of(replayed(CheckpointResult.of([lost])))
    assert [each.missing for each in found.signals] == ["so"]


def test_the_budget_and_the_doubt_are_limits_that_may_be_reached() -> None:
    declared = spec([signal()], ("1h",))
    assert [over_budget(declared, Rates(100, each, 0, 0, 0)) for each in (5, 6)] == [False, True]
    assert [undecided(Rates(100, 0, 0, each, 0)) for each in (20, 21)] == [False, True]

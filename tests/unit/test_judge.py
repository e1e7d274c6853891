"""From evidence to verdicts: what counts, what stands for a signal, and that nothing missing passes."""

import math
import re
import time
from datetime import timedelta

import pytest

from driftreview.api.driftsnapshot import (
    DriftSnapshotSpec,
    EvidenceWindow,
    ScrapingEvidence,
    SeriesEvidence,
    SignalEvidence,
)
from driftreview.api.reasons import UNANSWERED, Reason
from driftreview.api.signal import Kind, Mode, OnMissing, Signal, Worse
from driftreview.api.verdicts import SignalVerdict, Verdict
from driftreview.domain import judge as judging
from driftreview.domain.finding import Estimate, Finding, Measure
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.result import CheckpointResult, combine
from tests.builders import HOUR, T0, around, evidence, growth, limit, series, signal, snapshot, spec

V = SignalVerdict
BEFORE = evidence("latency", series(around(100, 144)))
SAME = evidence("latency", series(around(100, 36, seed=2)))
WORSE = evidence("latency", series(around(150, 36, seed=2)))


def judge(signals: list[Signal], before: list[SignalEvidence], after: list[SignalEvidence]) -> CheckpointResult:
    return judge_checkpoint(spec(signals), snapshot(*before), snapshot(*after, checkpoint="6h", hours=6))


def found(declared: Signal, before: SignalEvidence | None, after: SignalEvidence) -> Finding:
    return judge([declared], [before] if before else [], [after]).results[0].finding


def by_symbol(**values: SeriesEvidence) -> SignalEvidence:
    named = [each.model_copy(update={"labels": {"symbol": symbol}}) for symbol, each in values.items()]
    return evidence("latency", *named)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], Verdict.INCONCLUSIVE),
        ([V.STABLE], Verdict.PASS),
        ([V.STABLE, V.ACCEPTABLE, V.IMPROVED], Verdict.PASS),
        ([V.STABLE, V.INCONCLUSIVE], Verdict.INCONCLUSIVE),
        ([V.STABLE, V.MISSING], Verdict.INCONCLUSIVE),
        ([V.SUSPECT, V.MISSING], Verdict.HOLD),
        ([V.SUSPECT, V.STABLE], Verdict.HOLD),
        ([V.DEGRADED, V.SUSPECT, V.MISSING, V.STABLE], Verdict.DRIFT),
    ],
)
def test_a_checkpoint_is_as_bad_as_its_worst_signal(verdicts: list[SignalVerdict], expected: Verdict) -> None:
    assert combine(verdicts) is expected


def test_all_is_well() -> None:
    result = judge([signal()], [BEFORE], [SAME])
    assert result.verdict is Verdict.PASS
    assert result.message.startswith("all enforced signals (1) pass; closest: latency is Stable: ")


class TestTheClosest:
    """Of what passes, the one that uses most of its margin or limit by the unfavourable end of its interval."""

    @staticmethod
    def of(declared: list[Signal], *levels: float) -> str:
        names = [each.name for each in declared]
        before = [evidence(name, series(around(100, 144))) for name in names]
        after = [evidence(name, series(around(level, 36, seed=2))) for name, level in zip(names, levels, strict=True)]
        return judge(declared, before, after).message

    @pytest.mark.parametrize(
        ("worse", "first", "second"),
        [("Higher", 100, 103), ("Lower", 103, 100), ("Either", 100, 98), ("Either", 100, 104)],
    )
    def test_it_is_not_the_first(self, worse: str, first: float, second: float) -> None:
        declared = [signal(name, worse=worse, margin={"relative": "10%"}) for name in ("a", "b")]
        assert "(2) pass; closest: b is " in self.of(declared, first, second)
        assert "(2) pass; closest: a is " in self.of(declared, second, first)

    def test_of_limits_it_is_the_share_of_the_limit(self) -> None:
        far, near = (signal(alert, limits={"alert": alert}) for alert in ("300", "110"))
        assert "; closest: 110 is " in self.of([far, near], 100, 100)
        low, lower = (signal(alert, limits={"alert": alert}, worse="Lower") for alert in ("90", "10"))
        assert "; closest: 90 is " in self.of([lower, low], 100, 100)

    def test_of_several_series_it_is_the_one_that_stands_for_the_signal(self) -> None:
        before = by_symbol(a=series(around(100, 144)), b=series(around(100, 144)))
        after = by_symbol(a=series(around(100, 36, seed=2)), b=series(around(103, 36, seed=2)))
        message = judge([signal(each="symbol", margin={"relative": "10%"})], [before], [after]).message
        assert re.search("; closest: latency is [A-Z][a-z]+: symbol b: ", message)

    def test_what_is_not_estimated_is_not_compared(self) -> None:
        age = evidence("age", series([5.0] * 36, worst="5"))
        assert judge([limit()], [age], [age]).message.startswith("all enforced signals (1) pass; age is Stable: ")

    def test_growth_uses_up_its_limit_and_a_margin_of_nothing_is_used_up_by_anything(self) -> None:
        def used(measure: Measure, upper: float, margin: float, worse: Worse = Worse.HIGHER) -> float:
            return Estimate(measure, upper - 1, upper - 2, upper, margin, 0.0).used(worse)

        assert used(Measure.PER_HOUR, 5, 20) == 0.25
        assert used(Measure.PER_HOUR, -3, -20, Worse.LOWER) == 0.25
        assert used(Measure.SHARE, 0.5, 0) == math.inf
        assert used(Measure.SHARE, 0, 0) == used(Measure.SHARE, -1, 0.05) == 0
        assert used(Measure.VALUE, 2, 0) == math.inf


def test_a_drift_says_why_and_what_to_do() -> None:
    result = judge([signal(runbook="check the broker"), signal("other")], [BEFORE], [WORSE])
    assert result.verdict is Verdict.DRIFT
    assert result.message.startswith("latency is Degraded (also Missing: other): ")
    assert result.message.endswith(" (check the broker)")


def test_others_as_bad_are_named() -> None:
    second = WORSE.model_copy(update={"name": "second"})
    result = judge(
        [signal(), signal("second")], [BEFORE, BEFORE.model_copy(update={"name": "second"})], [WORSE, second]
    )
    assert result.message.startswith("latency is Degraded (also Degraded: second): ")


class TestNothingPassesBySilence:
    @pytest.mark.parametrize(
        "reason",
        [
            Reason.EMPTY,
            Reason.ONLY_NAN,
            Reason.UNREACHABLE,
            Reason.TIMEOUT,
            Reason.PARTIAL_ANSWER,
            Reason.QUERY_INVALID,
        ],
    )
    def test_a_query_without_an_answer_is_inconclusive_with_its_reason(self, reason: Reason) -> None:
        result = judge([signal()], [BEFORE], [evidence("latency", problem=reason)])
        assert result.verdict is Verdict.INCONCLUSIVE
        assert result.results[0].finding.verdict is V.MISSING
        assert result.results[0].finding.reason is reason
        assert str(reason) in result.message

    def test_a_signal_the_evidence_does_not_mention_is_missing(self) -> None:
        assert judge([signal()], [BEFORE], []).results[0].finding.verdict is V.MISSING

    def test_values_of_no_window_are_no_evidence(self) -> None:
        after = snapshot(SAME, evidence("other", problem=Reason.EMPTY), checkpoint="6h", window=None)
        result = judge_checkpoint(spec([signal(), signal("other")]), snapshot(BEFORE), after)
        assert [each.finding.message for each in result.results] == [
            "there is no evidence of it in this window",
            "because of Empty",
        ]

    def test_an_answer_without_series_is_missing(self) -> None:
        assert judge([signal()], [BEFORE], [evidence("latency")]).results[0].finding.verdict is V.MISSING

    def test_a_window_that_is_not_covered_is_missing(self) -> None:
        thin = evidence("latency", series(around(100, 36), samples=323, expected=360))
        finding = judge([signal()], [BEFORE], [thin]).results[0].finding
        assert (finding.verdict, finding.reason) == (V.MISSING, Reason.LOW_COVERAGE)
        assert finding.message == "323 of 360 samples (90%) are there, 90% are needed"

    def test_a_window_covered_as_demanded_is_judged(self) -> None:
        enough = evidence("latency", series(around(100, 36), samples=324, expected=360))
        assert judge([signal()], [BEFORE], [enough]).verdict is Verdict.PASS

    def test_zero_of_zero_samples_are_no_cover(self) -> None:
        nothing = evidence("latency", series([], samples=0, expected=0))
        assert judge([signal()], [BEFORE], [nothing]).results[0].finding.verdict is V.MISSING

    @pytest.mark.parametrize(
        "before",
        [
            [],
            [evidence("latency", problem=Reason.UNREACHABLE)],
            [evidence("latency", series(around(100, 144), samples=1000))],
            [evidence("latency", series(around(100, 5)))],
        ],
        ids=["none", "unanswered", "thin", "short"],
    )
    def test_a_baseline_that_proves_nothing_is_inconclusive(self, before: list[SignalEvidence]) -> None:
        result = judge([signal()], before, [SAME])
        assert result.verdict is Verdict.INCONCLUSIVE
        assert result.results[0].finding.verdict is V.INCONCLUSIVE

    def test_a_baseline_is_not_asked_for_where_only_a_limit_is_declared(self) -> None:
        assert judge([signal(limits={"alert": "150"})], [], [SAME]).verdict is Verdict.PASS

    @pytest.mark.parametrize("make", [signal, growth, limit])
    def test_five_blocks_are_too_few_for_a_level_or_growth(self, make: type[Signal]) -> None:
        declared = make("latency") if make is signal else make(name="latency")
        result = judge([declared], [BEFORE], [evidence("latency", series(around(10, 5)))])
        assert (result.verdict is Verdict.PASS) is (make is limit)

    def test_nothing_that_counts_is_no_pass(self) -> None:
        result = judge([signal(mode=Mode.SHADOW)], [BEFORE], [SAME])
        assert result.verdict is Verdict.INCONCLUSIVE
        assert result.message == "no enforced signal could be judged"


class TestOnMissing:
    missing = evidence("latency", problem=Reason.EMPTY)

    def test_hold_is_inconclusive(self) -> None:
        assert judge([signal(onMissing=OnMissing.HOLD)], [BEFORE], [self.missing]).verdict is Verdict.INCONCLUSIVE

    def test_fail_counts_as_degraded_but_is_called_missing(self) -> None:
        result = judge([signal(onMissing=OnMissing.FAIL)], [BEFORE], [self.missing])
        assert result.verdict is Verdict.DRIFT
        assert result.results[0].finding.verdict is V.MISSING

    def test_fail_is_not_for_what_cannot_be_compared(self) -> None:
        # Too few blocks is not missing: a first look that is too early must not roll back.
        short = evidence("latency", series(around(100, 5)))
        assert judge([signal(onMissing=OnMissing.FAIL)], [BEFORE], [short]).verdict is Verdict.INCONCLUSIVE

    @pytest.mark.parametrize("reason", sorted(UNANSWERED))
    def test_fail_is_not_for_a_source_that_does_not_answer(self, reason: Reason) -> None:
        # A dead Prometheus says nothing about the release: it must not roll back.
        unanswered = evidence("latency", problem=reason)
        assert judge([signal(onMissing=OnMissing.FAIL)], [BEFORE], [unanswered]).verdict is Verdict.INCONCLUSIVE

    def test_ignore_leaves_the_verdict_to_the_others(self) -> None:
        signals = [signal(onMissing=OnMissing.IGNORE), signal("other")]
        other_before, other = (each.model_copy(update={"name": "other"}) for each in (BEFORE, SAME))
        result = judge(signals, [BEFORE, other_before], [self.missing, other])
        assert result.verdict is Verdict.PASS
        assert result.message.startswith("1 of 2 enforced signals pass, 1 without data is ignored; closest: other is ")
        assert [each.is_ignored(each.finding) for each in result.results] == [True, False]

    def test_ignoring_all_there_is_is_no_pass(self) -> None:
        result = judge([signal(onMissing=OnMissing.IGNORE)], [BEFORE], [self.missing])
        assert result.verdict is Verdict.INCONCLUSIVE
        assert result.message == "no enforced signal could be judged, 1 without data is ignored"

    def test_what_is_worse_is_said_beside_what_is_ignored(self) -> None:
        signals = [signal(onMissing=OnMissing.IGNORE), signal("other")]
        before, worse = (each.model_copy(update={"name": "other"}) for each in (BEFORE, WORSE))
        result = judge(signals, [BEFORE, before], [self.missing, worse])
        assert result.message.endswith("; 1 without data is ignored")


class TestWhatDoesNotCount:
    def test_a_shadow_signal_is_judged_and_shown_but_never_counts(self) -> None:
        shadow = signal("shadow", mode=Mode.SHADOW)
        result = judge([signal(), shadow], [BEFORE], [SAME, WORSE.model_copy(update={"name": "shadow"})])
        assert result.verdict is Verdict.PASS
        assert result.message.startswith("all enforced signals (1) pass")
        assert len(result.results) == 2

    def test_an_info_signal_is_recorded(self) -> None:
        info = signal("info", kind=Kind.INFO)
        result = judge([signal(), info], [BEFORE], [SAME, WORSE.model_copy(update={"name": "info"})])
        assert result.verdict is Verdict.PASS
        assert result.results[1].finding.verdict is V.RECORDED
        assert result.results[1].finding.current.endswith(" s")

    @pytest.mark.parametrize("after", [[], [evidence("info", series([None] * 36))]])
    def test_a_missing_info_signal_holds_nothing_up(self, after: list[SignalEvidence]) -> None:
        result = judge([signal(), signal("info", kind=Kind.INFO)], [BEFORE], [SAME, *after])
        assert result.verdict is Verdict.PASS


class TestEach:
    each = signal(each="symbol")
    before = by_symbol(btc=series(around(100, 144)), eth=series(around(10, 144)))

    def judged(self, after: SignalEvidence, **fields: object) -> CheckpointResult:
        return judge([signal(each="symbol", **fields)], [self.before], [after])

    def test_every_series_is_held_against_its_own_baseline(self) -> None:
        after = by_symbol(btc=series(around(100, 36)), eth=series(around(10, 36)))
        assert self.judged(after).verdict is Verdict.PASS

    def test_the_worst_series_stands_for_the_signal_and_is_named(self) -> None:
        result = self.judged(by_symbol(btc=series(around(100, 36)), eth=series(around(15, 36))))
        assert result.verdict is Verdict.DRIFT
        assert "symbol eth: " in result.message

    def test_a_series_that_vanished_is_missing(self) -> None:
        result = self.judged(by_symbol(btc=series(around(100, 36))))
        assert result.verdict is Verdict.INCONCLUSIVE
        assert result.results[0].finding.verdict is V.MISSING
        assert "symbol eth was there in the baseline and is not there any more" in result.message

    def test_a_new_series_has_nothing_to_be_held_against(self) -> None:
        after = by_symbol(btc=series(around(100, 36)), eth=series(around(10, 36)), sol=series(around(1, 36)))
        result = self.judged(after)
        assert result.verdict is Verdict.INCONCLUSIVE
        assert "symbol sol" in result.message

    def test_a_new_series_is_judged_by_a_limit(self) -> None:
        declared, sol = limit(name="latency", each="symbol"), by_symbol(sol=series(around(1, 36)))
        assert found(declared, self.before, sol).verdict is V.MISSING  # of the others; sol itself is within its limit
        assert found(declared, None, sol).verdict is V.STABLE

    def test_a_vanished_info_series_is_nobodys_loss(self) -> None:
        info = signal(kind=Kind.INFO, each="symbol")
        assert found(info, self.before, by_symbol(btc=series(around(100, 36)))).verdict is V.RECORDED

    def test_a_missing_series_that_fails_is_worse_than_a_suspect_one(self) -> None:
        suspect = series(around(105.5, 36))
        after = by_symbol(btc=suspect)
        assert self.judged(after).verdict is Verdict.HOLD
        assert self.judged(after, onMissing=OnMissing.FAIL).verdict is Verdict.DRIFT

    @pytest.mark.parametrize("policy", OnMissing)
    def test_a_series_that_was_not_scraped_hides_no_suspect_one(self, policy: OnMissing) -> None:
        gap = ScrapingEvidence(silent=300, stretches=1, silent_from=T0, silent_until=T0 + 5 * HOUR, throughout="1h")
        after = by_symbol(btc=series(around(105.5, 36)), eth=series([*[None] * 30, *around(10, 6)]))
        frozen = snapshot(self.before), snapshot(after, checkpoint="6h", hours=6, scraping=gap)
        result = judge_checkpoint(spec([signal(each="symbol", onMissing=policy)]), *frozen)
        assert (result.verdict, result.results[0].finding.verdict) == (Verdict.HOLD, V.SUSPECT)

    def test_a_degraded_series_is_named_before_one_that_is_missing(self) -> None:
        result = self.judged(by_symbol(btc=series(around(150, 36))), onMissing=OnMissing.FAIL)
        assert "symbol btc: " in result.message

    @pytest.mark.parametrize(("count", "verdict"), [(36, Verdict.PASS), (5, Verdict.INCONCLUSIVE)])
    def test_an_ignored_missing_series_hides_nothing_of_the_others(self, count: int, verdict: Verdict) -> None:
        after = by_symbol(btc=series(around(100, count)))
        assert self.judged(after, onMissing=OnMissing.IGNORE).verdict is verdict

    def test_a_thin_series_is_missing_by_itself(self) -> None:
        after = by_symbol(btc=series(around(100, 36)), eth=series(around(10, 36), samples=100))
        assert self.judged(after).results[0].finding.reason is Reason.LOW_COVERAGE


class TestPurity:
    signals = (signal(), growth(name="memory"), limit(name="age"), signal("shadow", mode=Mode.SHADOW))
    before = snapshot(BEFORE, evidence("memory", series(around(200, 144))))
    after = snapshot(
        SAME,
        evidence("memory", series(around(200, 36))),
        evidence("age", series(around(1, 36), longest_over="120s", worst="70")),
        checkpoint="6h",
        hours=6,
    )

    def test_the_same_evidence_gives_the_same_bytes(self) -> None:
        once, again = (repr(judge_checkpoint(spec(self.signals), self.before, self.after)) for _ in range(2))
        assert once == again

    def test_evidence_read_back_from_the_cluster_gives_the_same_bytes(self) -> None:
        back = [DriftSnapshotSpec.model_validate(each.to_wire()) for each in (self.before, self.after)]
        assert repr(judge_checkpoint(spec(self.signals), *back)) == repr(
            judge_checkpoint(spec(self.signals), self.before, self.after)
        )

    def test_the_order_of_signals_is_of_no_matter(self) -> None:
        forwards = judge_checkpoint(spec(self.signals), self.before, self.after)
        shuffled = self.after.model_copy(update={"signals": self.after.signals[::-1]})
        backwards = judge_checkpoint(spec(self.signals[::-1]), self.before, shuffled)
        assert backwards.verdict is forwards.verdict
        assert backwards.results == forwards.results[::-1]


def window(start: timedelta, length: timedelta, block: timedelta) -> EvidenceWindow:
    seconds = f"{block.total_seconds():g}s"
    return EvidenceWindow(start=T0 + start, end=T0 + start + length, step=seconds, block=seconds)


@pytest.mark.parametrize("block", [timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10)])
@pytest.mark.parametrize(("days", "gap"), [(2, 27.25), (2, 40.25), (7, 91.5), (14, 27.25), (14, 91.5), (14, 3.25)])
def test_a_long_gap_is_cut_by_whole_days_or_weeks(block: timedelta, days: int, gap: float) -> None:
    baseline = window(-timedelta(days=days + gap), timedelta(days=days), block)
    cut, period = judging._gap(baseline, T0, block) * block, timedelta(weeks=1 if days >= 14 else 1 / 7)
    longest = min(timedelta(days=28), max(timedelta(days=days), 4032 * block))
    assert cut == timedelta(days=gap) or longest - period < cut <= longest
    assert (timedelta(days=gap) - cut) % period == timedelta(0)


def test_a_baseline_of_hours_has_no_time_of_day_to_keep() -> None:
    second = timedelta(seconds=1)
    baseline = window(-timedelta(days=28.5, hours=4), timedelta(hours=4), second)
    assert judging._gap(baseline, T0, second) == 4 * 3600


def test_windows_that_touch_or_overlap_have_no_gap() -> None:
    for start in (-2, -1):
        baseline = window(timedelta(days=start), timedelta(days=2), timedelta(minutes=10))
        assert judging._gap(baseline, T0, timedelta(minutes=10)) == 0


def test_short_blocks_far_before_t0_are_judged_in_time_and_at_their_time_of_day() -> None:
    block, count = timedelta(seconds=10), 17_280  # two days
    shape = [10 * math.sin(2 * math.pi * number / 8640) for number in range(count)]
    blocks = [[value + wave for value, wave in zip(around(100, count, n), shape, strict=True)] for n in range(10)]
    baseline = window(-timedelta(days=29.75), timedelta(days=2), block)  # ends 27.75 days before T0
    since = window(timedelta(0), timedelta(hours=24), block)
    late = [
        value + 10 * math.sin(2 * math.pi * (number / 8640 + 0.75))
        for number, value in enumerate(around(100, 8640, 99))
    ]
    declared = [signal(f"s{n}", margin={"relative": "5%"}) for n in range(5)]
    before = [evidence(f"s{n}", series(blocks[n])) for n in range(5)]
    after = [evidence(f"s{n}", series(late)) for n in range(5)]
    began = time.monotonic()
    result = judge_checkpoint(
        spec(declared, ("24h",)),
        snapshot(*before, window=baseline),
        snapshot(*after, checkpoint="24h", window=since),
    )
    assert time.monotonic() - began < 8
    assert result.verdict is Verdict.PASS


class TestWeeksLongBefore:
    """A signal with a week, and a baseline of two of them that ended long before T0."""

    BLOCK = timedelta(minutes=10)

    def judged(self, gap: int, factor: float, missing: range = range(0)) -> Verdict:
        def weekly(count: int, first: int, seed: int) -> list[float | None]:
            waves = [100 + 20 * math.sin(2 * math.pi * (first + n) / 1008) for n in range(count)]
            return [wave * (value or 0) / 100 for wave, value in zip(waves, around(100, count, seed), strict=True)]

        length = timedelta(days=14)
        since = (14 + gap) * 144
        before = [None if n % 1008 in missing else value for n, value in enumerate(weekly(2016, 0, 1))]
        after = [value and value * factor for value in weekly(288, since, 2)]
        declared = [signal("latency", margin={"relative": "5%"}, minCoverage="50%")]
        return judge_checkpoint(
            spec(declared, ("48h",)),
            snapshot(
                evidence("latency", series(before)),
                window=window(-length - timedelta(days=gap), length, self.BLOCK),
            ),
            snapshot(
                evidence("latency", series(after)),
                checkpoint="48h",
                window=window(timedelta(0), timedelta(days=2), self.BLOCK),
            ),
        ).verdict

    @pytest.mark.parametrize("gap", [0, 3, 7, 10, 14, 20, 28, 35])
    def test_the_same_hours_are_found_and_a_drift_is_one(self, gap: int) -> None:
        assert self.judged(gap, 1.0) is Verdict.PASS
        assert self.judged(gap, 1.3) is Verdict.DRIFT

    def test_hours_that_the_baseline_lacks_do_not_make_no_change_of_a_drift(self) -> None:
        assert self.judged(0, 1.3, missing=range(288)) is not Verdict.PASS


class TestAddedLooks:
    """Looks that people added with an Extend."""

    def said(self, name: str, hours: float, added: list[str]) -> str:
        before, now = (around(level, count, seed) for level, count, seed in ((100, 144, 1), (110, int(6 * hours), 2)))
        look = snapshot(evidence("latency", series(now)), checkpoint=name, hours=hours)
        declared = spec([signal()], ["6h", "12h"])
        return repr(judge_checkpoint(declared, snapshot(evidence("latency", series(before))), look, added))

    def test_a_declared_look_but_the_last_is_judged_as_without_them(self) -> None:
        assert self.said("6h", 6, []) == self.said("6h", 6, ["24h"])

    def test_the_last_declared_look_shares_its_budget_once_with_all_that_follow(self) -> None:
        assert "allowed 2.50%" in self.said("12h", 12, [])
        assert "allowed 1.25%" in self.said("12h", 12, ["24h"])
        assert self.said("12h", 12, ["24h"]) == self.said("12h", 12, ["24h", "36h"])

    def test_an_added_look_is_judged(self) -> None:
        assert "Degraded" in self.said("24h", 24, ["24h"])

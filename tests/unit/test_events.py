"""Kind Events: a rate against the baseline's, a limit for any `for`, and the sentences."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from driftreview.api.reasons import Reason
from driftreview.api.signal import Kind, Signal
from driftreview.api.verdicts import SignalVerdict, Verdict
from driftreview.domain.counted import case_of
from driftreview.domain.evidence import Measurement, freeze
from driftreview.domain.finding import Estimate, Finding, Measure, Side
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.measured import Case, Grid
from driftreview.domain.samples import Window
from driftreview.domain.together import judge_together
from tests.builders import BLOCK, HOUR, MINUTE, T0, answer, events, evidence, judge_series, series, side, snapshot, spec

V = SignalVerdict
BUDGET = 0.0125
WEEK, DAY, LOOK = 1008, 144, 288
NONE = "nothing was measured"
MARGIN = {"relative": "50%"}


def row(total: float, blocks: int) -> list[float | None]:
    """That many events, evenly spread, as the mean of a query that counts in five minutes."""
    found = np.zeros(blocks)
    np.add.at(found, (np.arange(int(total)) * blocks / max(total, 1)).astype(int), 0.5)
    return list(found)


def found(
    declared: Signal, before: Sequence[float | None], now: Sequence[float | None], worst: float | None = None
) -> Finding:
    case = Case.of(declared, side(before), Side(tuple(now), worst=worst))
    return judge_together([case], Grid(1 / 6), BUDGET)[0]


def verdict(now: float, before: float, hours: int = 48, **fields: str) -> SignalVerdict:
    return found(events(**fields), row(before, WEEK), row(now, 6 * hours)).verdict


class TestAFewEvents:
    """Restarts, kills, errors that hardly ever happen: what somebody on call expects of them."""

    def at(self, before: int, now: int, hours: int, days: int = 1) -> SignalVerdict:
        return found(events(MARGIN), row(before, DAY * days), row(now, 6 * hours)).verdict

    @pytest.mark.parametrize("before", [0, 1, 2, 3])
    @pytest.mark.parametrize("days", [1, 7])
    def test_none_since_is_promoted(self, before: int, days: int) -> None:
        assert self.at(before, 0, 48, days) in (V.STABLE, V.IMPROVED)

    @pytest.mark.parametrize("before", [0, 1])
    @pytest.mark.parametrize("days", [1, 7])
    def test_one_every_two_hours_is_degraded(self, before: int, days: int) -> None:
        assert self.at(before, 24, 48, days) is V.DEGRADED

    @pytest.mark.parametrize(("before", "days", "hours"), [(0, 1, 24), (0, 7, 6), (1, 7, 24)])
    def test_and_the_sooner_the_more_is_known(self, before: int, days: int, hours: int) -> None:
        assert self.at(before, hours // 2, hours, days) is V.DEGRADED

    @pytest.mark.parametrize(("before", "now"), [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)])
    def test_what_two_days_cannot_tell_is_left_open(self, before: int, now: int) -> None:
        # Up to 3 more than expected would pass; but as few come of 3 too many as well, and not once in 20 only.
        assert self.at(before, now, 48) is V.INCONCLUSIVE

    @pytest.mark.parametrize(("before", "most"), [(0, 6), (1, 6), (2, 6)])
    def test_a_number_that_is_tolerated_lets_pass_what_it_covers(self, before: int, most: int) -> None:
        declared = events({"absolute": "0.02"})  # in five minutes: 11.5 in 48 hours
        verdicts = {found(declared, row(before, DAY), row(now, LOOK)).verdict for now in range(most)}
        assert verdicts <= {V.STABLE, V.ACCEPTABLE, V.IMPROVED}


class TestAgainstTheBaseline:
    @pytest.mark.parametrize(
        ("now", "expected"),
        [
            (400, V.DEGRADED),
            (230, V.SUSPECT),
            (205, V.INCONCLUSIVE),
            (170, V.ACCEPTABLE),
            (140, V.STABLE),
            (60, V.IMPROVED),
        ],
    )
    def test_one_forty_expected_and_half_more_tolerated(self, now: float, expected: SignalVerdict) -> None:
        assert verdict(now, 490) is expected

    def test_the_sentence_and_the_numbers(self) -> None:
        result = found(events(), row(490, WEEK), row(280, 288))
        assert result.message == (
            "280 in 48h against 140, +100% (between +76.2% and +127%), margin 50% (70 in 48h); "
            "by chance less than 0.01%, allowed 1.25%"
        )
        assert (result.baseline, result.current, result.delta) == ("140 in 48h", "280 in 48h", "+100%")
        assert result.estimate is not None
        assert (result.estimate.measure, result.estimate.estimate, result.estimate.margin) == (Measure.SHARE, 1, 0.5)
        assert result.estimate.current == pytest.approx(280 / 576)  # in five minutes, the signal's unit
        assert result.estimate.baseline == pytest.approx(140 / 576)
        assert 0.7 < result.estimate.lower < 1 < result.estimate.upper < 1.3

    @pytest.mark.parametrize(
        ("now", "blocks", "said"),
        [
            (230, 288, r"margin 50% \(70 in 48h\); by chance \d+\.\d%, allowed 1.25%"),
            (27, 36, r"margin 50% \(8.75 in 6h\): chance leaves it open; by chance \d\d\.\d%, allowed 1.25%"),
            (205, 288, r"margin 50% \(70 in 48h\): chance leaves it open"),
            (140, 288, r"margin 50% \(70 in 48h\)"),
        ],
    )
    def test_why_it_is_no_drift_is_said_as_of_a_level(self, now: float, blocks: int, said: str) -> None:
        assert re.fullmatch(rf".*, {said}", found(events(), row(490, WEEK), row(now, blocks)).message)

    def test_what_is_allowed_is_what_was_applied(self) -> None:
        bad = Case.of(events(), side(row(490, WEEK)), side(row(900, 288)))
        verdicts = set()
        for now in range(215, 300, 2):
            case = Case.of(events(), side(row(490, WEEK)), side(row(now, 288)))
            result = judge_together([case, bad, bad], Grid(1 / 6), BUDGET)[0]
            chance = re.search(r"by chance (?:less than )?([\d.]+)%, allowed 1.25%$", result.message)
            assert chance is not None
            verdicts.add(result.verdict)
            assert (float(chance[1]) < 1.25) is (result.verdict is V.DEGRADED)
        assert verdicts == {V.DEGRADED, V.SUSPECT}

    def test_an_absolute_margin_is_in_events_in_a_for(self) -> None:
        # 0.1 in 5m are 57.6 in 48h.
        declared = events({"absolute": "100m"})
        result = found(declared, row(490, WEEK), row(150, 288))
        assert result.message == "150 in 48h against 140, +10 (between -12.5 and +34.1), margin 0.1 in 5m (57.6 in 48h)"
        assert result.verdict is V.STABLE
        assert result.estimate is not None
        assert (result.estimate.measure, result.estimate.margin) == (Measure.DIFFERENCE, 0.1)
        assert found(declared, row(490, WEEK), row(185, 288)).verdict is V.INCONCLUSIVE
        assert found(declared, row(490, WEEK), row(260, 288)).verdict is V.DEGRADED

    def test_of_two_margins_the_larger_counts(self) -> None:
        both = events({"relative": "50%", "absolute": "1"})
        assert found(both, row(490, WEEK), row(400, 288)).verdict is V.ACCEPTABLE
        assert found(both, row(490, WEEK), row(900, 288)).verdict is V.DEGRADED
        assert "margin 50% or 1 in 5m (576 in 48h)" in found(both, row(490, WEEK), row(400, 288)).message
        rare = events({"relative": "50%", "absolute": "100m"})
        assert "margin 50% or 0.1 in 5m (70 in 48h)" in found(rare, row(490, WEEK), row(400, 288)).message

    def test_fewer_are_worse_of_what_should_happen(self) -> None:
        assert verdict(40, 490, worse="Lower") is V.DEGRADED
        assert verdict(280, 490, worse="Lower") is V.IMPROVED
        assert verdict(135, 490, worse="Lower") is V.STABLE
        assert verdict(0, 490, worse="Lower") is V.DEGRADED

    def test_either_is_both(self) -> None:
        assert [verdict(now, 490, worse="Either") for now in (20, 140, 400)] == [V.DEGRADED, V.STABLE, V.DEGRADED]

    @pytest.mark.parametrize(
        ("worse", "now", "tolerated"), [("Lower", 40, 140), ("Either", 20, 140), ("Either", 400, 210)]
    )
    def test_the_margin_in_force_is_that_of_the_direction_it_went(self, worse: str, now: float, tolerated: int) -> None:
        declared = events({"relative": "150%"}, worse=worse)  # fewer than none there cannot be
        assert f"margin 150% ({tolerated} in 48h)" in found(declared, row(490, WEEK), row(now, 288)).message

    def test_either_is_twice_the_claim(self) -> None:
        def smallest(**fields: str) -> float:
            low, high = 0.0, 1.0
            case = Case.of(events({"relative": "0%"}, **fields), side(row(490, WEEK)), side(row(180, 288)))
            for _ in range(40):
                middle = (low + high) / 2
                bad = judge_together([case], Grid(1 / 6), middle)[0].verdict is V.DEGRADED
                low, high = (low, middle) if bad else (middle, high)
            return high

        assert smallest(worse="Either") == pytest.approx(2 * smallest(), rel=1e-6)


class TestRareEvents:
    """Nothing happened in the seven days before."""

    @pytest.mark.parametrize("margin", [MARGIN, {"relative": "0%"}, {"absolute": "10m"}])
    def test_one_is_no_drift_and_ten_are(self, margin: dict[str, str]) -> None:
        declared = events(margin)
        assert found(declared, row(0, WEEK), row(1, 288)).verdict in {V.INCONCLUSIVE, V.STABLE}
        assert found(declared, row(0, WEEK), row(1, 6)).verdict is V.INCONCLUSIVE
        assert found(declared, row(0, WEEK), row(20, 288)).verdict is V.DEGRADED

    def test_ten_in_two_days_are_a_drift(self) -> None:
        result = found(events(), row(0, WEEK), row(10, 288))
        assert result.verdict is V.DEGRADED
        assert result.message == (
            "10 in 48h against 0, +10 (between +5.11 and +17), margin 50% (0 in 48h: less than 3 is no difference); "
            "10 of them from T0+0s to T0+43h20m; by chance less than 0.01%, allowed 1.25%"
        )
        assert result.estimate is not None
        assert result.estimate.measure is Measure.DIFFERENCE

    def test_where_fewer_than_three_are_expected_the_difference_is_in_events(self) -> None:
        few = found(events(), row(1, WEEK), row(0, 6))
        assert few.delta.startswith("-0.00")
        assert "%" not in few.message.partition(", margin")[0]
        assert few.estimate is not None
        assert few.estimate.measure is Measure.SHARE  # as the margin is
        enough = found(events(), row(21, WEEK), row(6, 288))
        assert ", +0.0% (between -60.5% and +126%), margin" in enough.message

    def test_two_in_an_hour_are_fewer_than_three(self) -> None:
        assert found(events(), row(0, WEEK), row(2, 6)).verdict is V.INCONCLUSIVE
        assert found(events(), row(0, WEEK), row(3, 6)).verdict is V.DEGRADED

    def test_none_is_fine_from_the_first_hour_on(self) -> None:
        for blocks in (6, 36, 288):
            assert found(events(), row(0, WEEK), row(0, blocks)).verdict is V.STABLE

    def test_a_single_burst_is_no_new_rate_but_news(self) -> None:
        burst: list[float | None] = [5.0, *([0.0] * 287)]
        result = found(events(), row(0, WEEK), burst)
        assert (result.verdict, result.reason) == (V.SUSPECT, None)
        assert "; but its baseline never had as many; 10 of them from T0+0s to T0+10m, over since" in result.message

    def test_none_and_none_in_numbers(self) -> None:
        estimate = found(events(), row(0, WEEK), row(0, 288)).estimate
        assert estimate is not None
        assert estimate == Estimate(Measure.DIFFERENCE, 0, 0, estimate.upper, 0, 0, 0)
        assert estimate.upper == pytest.approx(3 / 576, rel=0.01)


class TestLimit:
    declared = events(limits={"alert": "5"})

    def judged(self, worst: float, before: Side | str = NONE, declared: Signal = declared) -> Finding:
        case = Case.of(declared, before, Side(tuple(row(140, 288)), worst=worst))
        return judge_together([case], Grid(1 / 6), BUDGET)[0]

    def test_any_stretch_with_more_is_degraded(self) -> None:
        assert self.judged(6).verdict is V.DEGRADED
        assert self.judged(6).message == "6 in 5m is beyond the limit 5"
        assert self.judged(5).verdict is V.STABLE
        assert self.judged(5).message == "at worst 5 in 5m, limit 5"

    def test_it_is_said_how_often_a_healthy_process_would_break_it(self) -> None:
        # One in five minutes on average: more than five at some time of two days.
        result = self.judged(6, side(row(2016, WEEK)))
        assert result.message.endswith("(at the baseline's rate exceeded in up to 77% of such windows)")
        assert "exceeded" not in self.judged(6, side(row(100, WEEK))).message

    def test_it_needs_neither_a_baseline_nor_many_blocks(self) -> None:
        short = Case.of(self.declared, NONE, Side((0.5, 0.5), worst=6))
        assert judge_together([short], Grid(1 / 6), BUDGET)[0].verdict is V.DEGRADED

    def test_of_limit_and_margin_the_worse_counts(self) -> None:
        both = events(MARGIN, limits={"alert": "5"})
        assert self.judged(6, side(row(490, WEEK)), both).message.startswith("6 in 5m is beyond")
        assert self.judged(5, side(row(490, WEEK)), both).verdict is V.STABLE
        assert self.judged(5, side(row(490, WEEK)), both).message.startswith("140 in 48h")
        assert self.judged(5, side(row(200, WEEK)), both).message.startswith("140 in 48h")
        assert self.judged(6, NONE, both).verdict is V.DEGRADED
        assert self.judged(5, NONE, both).reason is Reason.BASELINE_MISSING

    @pytest.mark.parametrize("odd", [-1.0, 2e12])
    @pytest.mark.parametrize("where", ["before", "now"])
    def test_what_is_no_number_of_events_hides_nothing_beyond_it(self, odd: float, where: str) -> None:
        rows = {"before": row(490, WEEK), "now": row(140, 288)}
        rows[where][5] = odd
        case = case_of(events(MARGIN, limits={"alert": "5"}), side(rows["before"]), Side(tuple(rows["now"]), worst=6))
        assert judge_together([case], Grid(1 / 6), BUDGET)[0].verdict is V.DEGRADED
        within = replace(case, now=replace(case.now, worst=5))
        assert judge_together([within], Grid(1 / 6), BUDGET)[0].reason is Reason.NOT_COUNTABLE

    def test_fewer_than_there_must_be(self) -> None:
        heartbeats = events(limits={"alert": "3"}, worse="Lower")
        assert self.judged(2, declared=heartbeats).verdict is V.DEGRADED
        assert self.judged(3, declared=heartbeats).verdict is V.STABLE


class TestWhatIsMissing:
    def test_without_a_baseline_it_is_inconclusive(self) -> None:
        result = judge_series(events(), NONE, side(row(10, 36)))
        assert (result.verdict, result.reason) == (V.INCONCLUSIVE, Reason.BASELINE_MISSING)

    def test_five_blocks_are_too_few(self) -> None:
        for before, now in ((row(9, 5), row(9, 36)), (row(9, 36), row(9, 5))):
            assert found(events(), before, now).reason is Reason.TOO_FEW_BLOCKS

    def test_a_gap_is_no_quiet_time(self) -> None:
        whole, holed = row(100, WEEK), row(100, WEEK)
        holed[: WEEK // 2] = [None] * (WEEK // 2)
        expected = [found(events(), before, row(20, 288)).estimate for before in (whole, holed)]
        assert expected[0] is not None
        assert expected[1] is not None
        assert expected[1].baseline == pytest.approx(expected[0].baseline, rel=0.03)

    def test_a_query_without_an_answer_is_missing(self) -> None:
        declared = events()
        result = judge_checkpoint(
            spec([declared]),
            snapshot(evidence("reconnects", series(row(10, DAY)))),
            snapshot(evidence("reconnects", problem=Reason.EMPTY), checkpoint="6h", hours=6),
        )
        assert result.results[0].finding.verdict is V.MISSING
        assert result.verdict is Verdict.INCONCLUSIVE


class TestEvidence:
    """The query counts in five minutes, at every minute: each event is in five samples."""

    window = Window(T0, T0 + 2 * HOUR, MINUTE)

    def frozen(self, values: Sequence[float | None], kind: Kind = Kind.EVENTS) -> str:
        declared = events(limits={"alert": "5"}) if kind is Kind.EVENTS else events().model_copy(update={"kind": kind})
        return freeze(Measurement(declared, "up", answer(self.window, values)), self.window, BLOCK).series[0].values

    def test_blocks_are_means_and_lose_no_event(self) -> None:
        counted = [0.0] * 120
        for at in (7, 8, 58):  # the last one is in both of two blocks
            for minute in range(at, at + 5):
                counted[minute] += 1
        values = [float(each) for each in self.frozen(counted).split()]
        assert sum(values) * 2 == 3
        assert values[:2] == [0.5, 0.5]
        assert self.frozen(counted, Kind.LEVEL).split()[5:7] == ["0", "0"]

    def test_a_block_without_samples_is_none(self) -> None:
        assert self.frozen([*([None] * 10), *([1.0] * 110)]).startswith("- 1 ")

    def test_huge_counts_have_a_mean(self) -> None:
        assert self.frozen([1.7e308] * 120).split() == ["1.7e+308"] * 12

    def test_what_is_judged_is_the_worst_sample(self) -> None:
        declared = events(limits={"alert": "5"})
        counted = [*([0.0] * 100), 6.0, *([0.0] * 19)]
        frozen = freeze(Measurement(declared, "up", answer(self.window, counted)), self.window, BLOCK)
        now = snapshot(frozen, checkpoint="2h", hours=2)
        assert judge_checkpoint(spec([declared], ["2h"]), snapshot(), now).verdict is Verdict.DRIFT


class TestTheTimeOfDay:
    @staticmethod
    def job(days: int, rate: float, times: float = 1.0) -> tuple[list[float | None], list[float | None]]:
        """Means of a query that counts in five minutes: the days before T0, where a daily job begins, and six hours."""
        at = np.arange(-days * DAY, 36)
        rates = np.where(at % DAY < 6, 10 * rate, rate) * np.where(at >= 0, times, 1.0)
        counted = np.random.default_rng(days).poisson(rates) / 2
        return list(counted[: days * DAY]), list(counted[days * DAY :])

    @pytest.mark.parametrize("hours", [1, 6])
    def test_a_job_that_comes_daily_is_nothing_new(self, hours: int) -> None:
        before, now = self.job(7, 2.0)
        result = found(events(), before, now[: 6 * hours])
        assert result.verdict is V.STABLE
        assert " at these hours of the days before, " in result.message

    def test_one_that_got_worse_is_found(self) -> None:
        before, now = self.job(7, 2.0, times=3)
        assert found(events(), before, now[:6]).verdict is V.DEGRADED

    def test_a_single_day_leaves_open_whether_it_comes_daily(self) -> None:
        before, now = self.job(1, 2.0)
        result = found(events(), before, now[:6])
        assert result.verdict is V.INCONCLUSIVE
        before, now = self.job(1, 2.0, times=4)
        assert found(events(), before, now[:6]).verdict is V.DEGRADED


class TestTheWeek:
    def orders(self, days: int, times: float, seed: int = 1) -> tuple[list[float | None], list[float | None]]:
        """Half as many at weekends, and so many times as many since T0, a Saturday."""
        at = np.arange(days * DAY + 288)
        usual = 12 * np.where((at - days * DAY) // DAY % 7 < 2, 0.5, 1.0)
        found = np.random.default_rng(seed).poisson(usual * np.where(at < days * DAY, 1.0, times)).astype(float)
        return list(found[: days * DAY]), list(found[days * DAY :])

    declared = events({"relative": "25%"}, worse="Lower", **{"for": "10m"})

    @pytest.mark.parametrize(("times", "verdict"), [(1.0, V.STABLE), (0.5, V.DEGRADED)])
    def test_two_weeks_know_weekends(self, times: float, verdict: V) -> None:
        said = found(self.declared, *self.orders(14, times))
        assert said.verdict is verdict
        assert " at these hours of the weeks before, " in said.message

    def test_why_so_many_events_prove_so_little_is_said(self) -> None:
        said = found(self.declared, *self.orders(7, 0.62))
        assert said.verdict in {V.SUSPECT, V.INCONCLUSIVE}
        assert re.search(r"; its rate wanders, so that \d+ events tell as much as one", said.message)
        assert "wanders" not in found(self.declared, *self.orders(14, 0.5)).message


class TestTheEnd:
    """A count of two days forgives what happened, or did not, in its last hours."""

    @staticmethod
    def ending(
        times: float,
        hours: float,
        declared: Signal,
        per_block: float = 5.0,
        seed: int = 0,
        seen: int = 144,
        blocks: int = 288,
    ) -> Finding:
        rng = np.random.default_rng([7, seed])
        rate = np.full(blocks, per_block)
        rate[len(rate) - int(6 * hours) :] *= times
        before, now = (rng.poisson(each).astype(float) / 2 for each in (np.full(WEEK, per_block), rate))
        return judge_together([Case.of(declared, side(list(before)), side(list(now)))], Grid(1 / 6, 6, seen), BUDGET)[0]

    @pytest.mark.parametrize("hours", [1, 4, 8, 12])
    def test_orders_that_no_longer_come_are_suspect(self, hours: int) -> None:
        for seed in range(3):
            result = self.ending(0, hours, events({"relative": "30%"}, worse="Lower"), 25, seed)
            assert result.verdict is V.SUSPECT
            assert result.reason is None

    @pytest.mark.parametrize(("times", "hours"), [(5, 2), (3, 4), (2, 12), (10, 1)])
    def test_so_are_errors_that_have_become_more(self, times: float, hours: float) -> None:
        for worse in ("Higher", "Either"):
            assert self.ending(times, hours, events(worse=worse)).verdict is V.SUSPECT

    def test_the_sentence_says_how_many_and_since_when(self) -> None:
        message = self.ending(0, 1, events({"relative": "30%"}, worse="Lower"), 25).message
        assert "; but 0 in the last 1h against 1" in message
        assert message.endswith(" expected")

    def test_what_has_healed_is_good_again(self) -> None:
        rng = np.random.default_rng(3)
        before, now = (list(rng.poisson(5, count) / 2) for count in (WEEK, 288))
        now[100:112] = [12.5] * 12
        case = Case.of(events(), side(before), side(now))
        assert judge_together([case], Grid(1 / 6, 6, 144), BUDGET)[0].verdict in {V.STABLE, V.ACCEPTABLE}

    def test_rare_events_may_stay_away_for_an_hour(self) -> None:
        twice_a_day = row(14, WEEK)
        for declared in (events(worse="Lower"), events(worse="Either")):
            result = judge_series(declared, side(twice_a_day), side([*row(4, 252), *([0.0] * 36)]), BUDGET)
            assert "; but" not in result.message

    def test_what_the_baseline_had_for_as_long_is_nothing_new(self) -> None:
        rng = np.random.default_rng(4)
        before, now = (rng.poisson(5, count) / 2 for count in (WEEK, 288))
        before[500:512] *= 6
        now[-12:] *= 5
        case = Case.of(events(), side(list(before)), side(list(now)))
        assert "; but" not in judge_together([case], Grid(1 / 6, 6, 144), BUDGET)[0].message

    def test_a_job_at_the_end_of_every_day_is_none_either(self) -> None:
        rng = np.random.default_rng(5)
        rate = np.where(np.arange(WEEK + 288) % 144 >= 138, 50, 5)
        whole = rng.poisson(rate) / 2
        case = Case.of(events(), side(list(whole[:WEEK])), side(list(whole[WEEK:])))
        assert judge_together([case], Grid(1 / 6, 0, 144), BUDGET)[0].verdict is V.STABLE

    def test_an_end_with_gaps_has_six_blocks_with_samples(self) -> None:
        rng = np.random.default_rng(6)
        before, now = (list(rng.poisson(25, count) / 2) for count in (WEEK, 288))
        now[-9:] = [0.0, 0.0, None, 0.0, None, 0.0, 0.0, None, 0.0]
        case = Case.of(events({"relative": "30%"}, worse="Lower"), side(before), side(now))
        assert judge_together([case], Grid(1 / 6, 6, 144), BUDGET)[0].verdict is V.SUSPECT

    def test_a_healthy_release_is_seldom_doubted(self) -> None:
        for worse in ("Higher", "Lower"):
            held = sum("; but" in self.ending(1, 1, events(worse=worse), seed=seed).message for seed in range(60))
            assert held <= 1


@pytest.mark.parametrize("much", [1e3, 1e4, 1e6, 1e9])
def test_more_in_some_blocks_is_never_less_sure(much: float) -> None:
    rng = np.random.default_rng(1)
    before, now = (rng.poisson(5, count).astype(float) for count in (WEEK, 288))
    now[rng.random(288) < 0.3] = much
    assert judge_series(events(), side(list(before)), side(list(now)), BUDGET).verdict is V.DEGRADED

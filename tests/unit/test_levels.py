"""Kind Level: margins, alert limits, how sure is sure, suspect twice, and the sentences."""

import math
from statistics import fmean, geometric_mean

import pytest

from driftreview.api.reasons import Reason
from driftreview.api.signal import Mode, Signal
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.finding import Estimate, Finding, Measure, Side
from driftreview.domain.measured import Case, Grid
from driftreview.domain.measuring import measure
from driftreview.domain.together import judge_together
from tests.builders import around, judge_series, noise, side, signal

V = SignalVerdict
GRID = Grid(1 / 6)


def steady(value: float, count: int = 36) -> Side:
    return side([value] * count)


def exact(level: float, count: int, seed: int = 1, share: float = 0.02) -> list[float]:
    """Noise whose geometric mean is the level; less than a day of it, so that no daily wave is fitted."""
    drawn = noise(count, seed)
    return [level * math.exp(share * (each - fmean(drawn))) for each in drawn]


def level(declared: Signal, before: float, now: float) -> Finding:
    """Without noise, so that only the margins speak."""
    return judge_series(declared, steady(before), steady(now))


class TestMargins:
    @pytest.mark.parametrize(
        ("margin", "before", "now", "verdict"),
        [
            ({"relative": "5%"}, 100, 105, V.ACCEPTABLE),
            ({"relative": "5%"}, 100, 105.1, V.DEGRADED),
            ({"absolute": "2m"}, 0.005, 0.0069, V.ACCEPTABLE),
            ({"absolute": "2m"}, 0.005, 0.0071, V.DEGRADED),
            # The larger of the two: 5% of 5 ms is a quarter of a millisecond, and nobody is woken for that.
            ({"relative": "5%", "absolute": "2m"}, 0.005, 0.0069, V.ACCEPTABLE),
            ({"relative": "5%", "absolute": "2m"}, 0.100, 0.1049, V.ACCEPTABLE),
            ({"relative": "5%", "absolute": "2m"}, 0.100, 0.1051, V.DEGRADED),
            ({"relative": "5%"}, 100, 100, V.STABLE),
            ({"relative": "5%"}, 100, 97, V.STABLE),
            ({"relative": "5%"}, 100, 94, V.IMPROVED),
            # A share of nothing is nothing.
            ({"relative": "5%"}, 0, 0, V.STABLE),
            ({"relative": "5%"}, 0, 0.001, V.DEGRADED),
            ({"relative": "5%", "absolute": "1"}, 0, 0.9, V.ACCEPTABLE),
            # Of a negative baseline it is a share of its size.
            ({"relative": "5%"}, -100, -96, V.ACCEPTABLE),
            ({"relative": "5%"}, -100, -94, V.DEGRADED),
            ({"relative": "5%"}, -100, -106, V.IMPROVED),
            ({"relative": "0%"}, 100, 100, V.STABLE),
        ],
    )
    def test_worse_is_tolerated_up_to_the_margin(
        self, margin: dict[str, str], before: float, now: float, verdict: SignalVerdict
    ) -> None:
        assert level(signal(margin=margin), before, now).verdict is verdict

    @pytest.mark.parametrize(
        ("worse", "now", "verdict"),
        [
            ("Higher", 110, V.DEGRADED),
            ("Higher", 90, V.IMPROVED),
            ("Lower", 90, V.DEGRADED),
            ("Lower", 110, V.IMPROVED),
            ("Lower", 97, V.ACCEPTABLE),
            ("Either", 90, V.DEGRADED),
            ("Either", 110, V.DEGRADED),
            ("Either", 97, V.ACCEPTABLE),
            ("Either", 103, V.ACCEPTABLE),
        ],
    )
    def test_worse_has_a_direction(self, worse: str, now: float, verdict: SignalVerdict) -> None:
        assert level(signal(worse=worse), 100, now).verdict is verdict


class TestNoise:
    def test_worse_by_more_than_margin_and_noise_is_degraded(self) -> None:
        assert judge_series(signal(), side(around(100, 144)), side(around(115, 36, 2))).verdict is V.DEGRADED

    def test_surely_worse_and_by_estimate_more_than_the_margin_is_suspect(self) -> None:
        assert judge_series(signal(), side(exact(100, 140)), side(exact(105.5, 36, 2))).verdict is V.SUSPECT

    def test_an_estimate_over_the_margin_that_is_not_sure_is_inconclusive(self) -> None:
        found = judge_series(signal(), side(exact(100, 140, share=0.2)), side(exact(106, 36, 2, share=0.2)))
        assert (found.verdict, found.reason) == (V.INCONCLUSIVE, Reason.UNRESOLVED)

    def test_a_difference_inside_the_noise_is_stable(self) -> None:
        found = judge_series(signal(), side(around(100, 144, share=0.1)), side(around(102, 36, 2, share=0.1)))
        assert found.verdict is V.STABLE

    @pytest.mark.parametrize("share", [0.3, 0.5, 1.0])
    def test_noise_wider_than_the_margin_leaves_it_open_even_without_a_difference(self, share: float) -> None:
        noisy = side(around(100, 36, share=share))
        found = judge_series(signal(), noisy, noisy)
        assert (found.verdict, found.reason) == (V.INCONCLUSIVE, Reason.UNRESOLVED)
        assert ": the noise leaves it open; the noise alone (" in found.message

    def test_noise_that_reaches_over_the_alert_limit_leaves_it_open(self) -> None:
        declared = signal(margin=None, limits={"alert": "103"})
        noisy = side(around(100, 36, share=0.3))
        assert judge_series(declared, "none", noisy).verdict in {V.INCONCLUSIVE, V.SUSPECT}
        assert judge_series(declared, "none", steady(100)).verdict is V.STABLE

    def test_an_absolute_margin_is_held_against_a_difference_in_the_unit(self) -> None:
        found = level(signal(margin={"absolute": "1"}, unit="%"), 0.2, 0.3)
        said = "0.3% against 0.2%, +0.1 pp (between +0.1 pp and +0.1 pp), margin 1 pp; good up to"
        assert found.message.startswith(said)

    def test_a_limit_for_the_baseline_counts_without_a_margin_too(self) -> None:
        declared = signal(margin=None, limits={"baseline": "50", "alert": "150"})
        assert judge_series(declared, steady(60), steady(60)).reason is Reason.BASELINE_OVER_LIMIT
        assert judge_series(declared, steady(40), steady(60)).verdict is V.STABLE

    def test_the_sentence_tells_value_baseline_change_interval_and_margin(self) -> None:
        found = judge_series(signal(margin={"relative": "5%", "absolute": "2m"}), steady(0.0728), steady(0.073))
        said = "73 ms against 72.8 ms, +0.3% (between +0.3% and +0.3%), margin 5% or 2 ms"
        assert found.message == f"{said}; good up to +5.0%, Degraded from +5.0%"
        assert (found.baseline, found.current, found.delta) == ("72.8 ms", "73 ms", "+0.3%")

    def test_what_rounding_leaves_of_no_noise_is_told_as_none(self) -> None:
        declared = signal(margin={"absolute": "50m"}, unit="1/s")
        assert "(between +0/s and +0/s)" in judge_series(declared, steady(0), steady(0)).message

    def test_an_absolute_margin_alone_is_told_as_such(self) -> None:
        assert level(signal(margin={"absolute": "2m"}), 1, 1).message.endswith(
            "margin 2 ms; good up to +2 ms, Degraded from +2 ms"
        )

    @pytest.mark.parametrize("huge", [1e160, 1e300, 1.7e308])
    def test_huge_noise_is_not_taken_for_stability(self, huge: float) -> None:
        wild = side([huge * (-1) ** i for i in range(36)])
        assert judge_series(signal(), steady(1), wild).verdict is V.INCONCLUSIVE
        assert judge_series(signal(), wild, wild).verdict is V.INCONCLUSIVE

    def test_from_one_end_of_the_floats_to_the_other_is_worse(self) -> None:
        assert level(signal(), -1.7e308, 1.7e308).verdict is V.DEGRADED
        assert level(signal(), 1.7e308, -1.7e308).verdict is V.IMPROVED


class TestLimitsOfALevel:
    def test_a_baseline_over_its_own_limit_proves_nothing(self) -> None:
        found = level(signal(margin={"relative": "5%"}, limits={"baseline": "100m"}), 0.12, 0.12)
        assert (found.verdict, found.reason) == (V.INCONCLUSIVE, Reason.BASELINE_OVER_LIMIT)
        assert found.message == "the baseline itself, 120 ms, is beyond its limit 100 ms: it proves nothing"
        assert (found.baseline, found.current) == ("120 ms", "120 ms")

    def test_a_baseline_on_its_limit_will_do(self) -> None:
        assert level(signal(margin={"relative": "5%"}, limits={"baseline": "100m"}), 0.1, 0.1).verdict is V.STABLE

    def test_a_sick_baseline_of_a_signal_that_gets_worse_downwards(self) -> None:
        declared = signal(margin={"relative": "5%"}, limits={"baseline": "0.99"}, worse="Lower")
        assert level(declared, 0.98, 0.98).reason is Reason.BASELINE_OVER_LIMIT
        assert level(declared, 0.995, 0.995).verdict is V.STABLE

    def test_beyond_the_alert_limit_is_degraded_whatever_the_delta(self) -> None:
        declared = signal(margin={"relative": "50%"}, limits={"alert": "150m"})
        found = level(declared, 0.149, 0.151)
        assert found.verdict is V.DEGRADED
        assert found.message == (
            "151 ms is beyond the alert limit 150 ms; good up to 150 ms, Degraded from 150 ms; "
            "by chance less than 0.01%, allowed 2.50%"
        )

    def test_on_the_alert_limit_is_not_beyond_it(self) -> None:
        assert level(signal(limits={"alert": "150m"}), 0.1, 0.15).verdict is V.STABLE

    def test_beyond_the_alert_limit_within_the_noise_is_suspect(self) -> None:
        found = judge_series(signal(limits={"alert": "150"}), "none", side(around(151, 36, share=0.2)))
        assert found.verdict is V.SUSPECT

    def test_a_little_over_the_alert_limit_does_not_excuse_what_is_far_over_the_margin(self) -> None:
        declared = signal(margin={"relative": "5%"}, limits={"alert": "150"})
        now = side(around(151, 36, share=0.05))
        assert judge_series(signal(limits={"alert": "150"}), "none", now).verdict is V.SUSPECT
        assert judge_series(declared, side(around(100, 144)), now).verdict is V.DEGRADED

    def test_a_little_over_the_alert_limit_stays_suspect_without_a_baseline(self) -> None:
        declared = signal(margin={"relative": "5%"}, limits={"alert": "150"})
        assert judge_series(declared, "nothing was measured", side(around(151, 36, share=0.2))).verdict is V.SUSPECT

    def test_a_lower_alert_limit(self) -> None:
        declared = signal(limits={"alert": "0.99"}, worse="Lower")
        assert level(declared, 1, 0.98).verdict is V.DEGRADED
        assert level(declared, 1, 0.995).verdict is V.STABLE


class TestWhatIsShown:
    holes: tuple[float | None, ...] = tuple(None if i % 6 == 0 else each for i, each in enumerate(around(100, 36)))

    def test_the_current_value_is_the_geometric_mean_of_what_is_there(self) -> None:
        present = [value for value in self.holes if value is not None]
        found = judge_series(signal(), steady(100), side(self.holes))
        assert found.current.startswith(f"{geometric_mean(present):.3g} s (")

    def test_it_is_the_plain_mean_where_a_value_is_not_above_zero(self) -> None:
        assert judge_series(signal(), steady(0), side([1.0, 3.0] * 18)).current == "2 s (1-3 s)"
        assert judge_series(signal(), steady(1), side([1.0, 3.0] * 18)).current == "1.73 s (1-3 s)"

    def test_the_baseline_shown_is_what_it_leads_to_expect_at_this_time_of_day(self) -> None:
        wave = [100 + 50 * math.sin(2 * math.pi * (i + 0.5) / 144) - 0.001 for i in range(432)]
        found = judge_series(signal(unit=""), side([*wave[:100], -1e-3, *wave[101:], wave[0]]), side(wave[1:37]))
        expected = sum(wave[1:37]) / 36
        assert float(found.baseline.split()[0]) == pytest.approx(expected, abs=1)
        assert found.verdict in {V.STABLE, V.ACCEPTABLE}

    def test_the_interval_leaves_at_most_one_in_twenty_out_on_each_side(self) -> None:
        # Measured: 2 of 80 outside; half of it is 3.5% wide on average, where the noise, were it known to be white,
        # would make 3.1%.
        outside, widths = 0, []
        for seed in range(80):
            before, now = side(around(100, 140, 2 * seed, 0.1)), side(around(100, 36, 2 * seed + 1, 0.1))
            between = judge_series(signal(), before, now).message.split("(between ")[1].split(")")[0]
            low, high = (float(each.strip("%+")) for each in between.split(" and "))
            outside += not low <= 0 <= high
            widths.append((high - low) / 2)
        assert outside <= 10
        assert 3 <= fmean(widths) <= 4.5

    @pytest.mark.parametrize("worse", ["Higher", "Lower", "Either"])
    def test_the_interval_is_told_from_low_to_high_whatever_is_worse(self, worse: str) -> None:
        found = judge_series(signal(worse=worse), side(around(100, 144)), side(around(97, 36, 2)))
        low, high = (
            each.strip("()%,") for each in found.message.split("between ")[1].split(" margin")[0].split(" and ")
        )
        assert float(low) < float(found.delta.strip("%")) < float(high)


class TestNumbers:
    """What the sentence says, as numbers."""

    def test_a_margin_with_a_share_gives_shares(self) -> None:
        found = level(signal(margin={"relative": "5%", "absolute": "2"}), 100, 103).estimate
        assert found == Estimate(Measure.SHARE, 0.03, 0.03, 0.03, 0.05, 103, 100)

    def test_an_absolute_margin_gives_differences_in_the_unit(self) -> None:
        found = level(signal(margin={"absolute": "2m"}), 0.1, 0.101).estimate
        assert found == Estimate(Measure.DIFFERENCE, 0.001, 0.001, 0.001, 0.002, 0.101, 0.1)

    def test_of_nothing_there_is_no_share(self) -> None:
        found = level(signal(margin={"relative": "5%"}), 0, 0.001).estimate
        assert found == Estimate(Measure.DIFFERENCE, 0.001, 0.001, 0.001, 0.0, 0.001, 0)

    def test_a_limit_gives_values(self) -> None:
        found = level(signal(margin=None, limits={"alert": "150"}), 100, 103).estimate
        assert found == Estimate(Measure.VALUE, 103, 103, 103, 150, 103)

    @pytest.mark.parametrize("worse", ["Higher", "Lower", "Either"])
    def test_the_interval_holds_the_estimate_and_goes_up(self, worse: str) -> None:
        declared = signal(worse=worse)
        found = judge_series(declared, side(exact(100, 100)), side(exact(103, 36, 2))).estimate
        assert found is not None
        assert found.lower < found.estimate < found.upper
        assert found.estimate == pytest.approx(0.03)


class TestManySeries:
    """What is sure of a series depends on how many there are: Holm's budget."""

    border = Case(signal(margin={"relative": "0%"}), side(exact(100, 140)), side(exact(101.2, 36, 2)))
    quiet = Case(signal("quiet"), side(exact(100, 140, 3)), side(exact(100, 36, 4)))

    def verdicts(self, *cases: Case, budget: float = 0.05) -> list[SignalVerdict]:
        return [each.verdict for each in judge_together(cases, GRID, budget)]

    def shadow(self, case: Case) -> Case:
        return Case(case.signal.model_copy(update={"mode": Mode.SHADOW}), case.before, case.now)

    def smallest_budget(self, *cases: Case) -> float:
        """The budget from which on the first case is Degraded, by bisection."""
        low, high = 0.0, 1.0
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (low, middle) if self.verdicts(*cases, budget=middle)[0] is V.DEGRADED else (middle, high)
        return high

    def far(self, number: int) -> Case:
        declared = signal(f"s{number}", margin={"relative": "5000%"})
        return Case(declared, self.quiet.before, self.quiet.now)

    def test_enforced_series_share_the_budget_and_shadow_series_one_of_their_own(self) -> None:
        others = [Case(signal(f"s{number}"), steady(100), steady(100)) for number in range(4)]  # tell nothing of noise
        shadows = [self.shadow(each) for each in others]
        own = self.smallest_budget(self.border, *shadows)
        assert self.smallest_budget(self.border, *others) == pytest.approx(5 * own, rel=1e-6)
        assert self.smallest_budget(self.shadow(self.border), *shadows) == pytest.approx(5 * own, rel=1e-6)
        assert self.smallest_budget(self.shadow(self.border), *others) == pytest.approx(own, rel=1e-6)

    def test_a_shadow_series_changes_no_finding_of_the_others(self) -> None:
        alone = judge_together([self.border, self.far(1)], GRID, 0.05)
        beside = judge_together(
            [self.border, self.far(1), *(self.shadow(self.far(n)) for n in range(2, 9))], GRID, 0.05
        )
        assert beside[:2] == alone

    def test_what_is_surely_worse_already_leaves_its_share_to_the_others(self) -> None:
        bad = Case(signal("bad"), steady(100), steady(200))
        shares = [self.smallest_budget(self.border, *([bad] * number)) for number in (0, 3)]
        assert shares[1] == pytest.approx(shares[0], rel=0.5)

    def test_an_alert_limit_is_one_more_claim(self) -> None:
        both = Case(signal(margin={"relative": "0%"}, limits={"alert": "1000"}), self.border.before, self.border.now)
        assert self.smallest_budget(both) == pytest.approx(2 * self.smallest_budget(self.border), rel=1e-6)

    def test_either_direction_is_twice_the_claim(self) -> None:
        either = Case(signal(margin={"relative": "0%"}, worse="Either"), self.border.before, self.border.now)
        assert self.smallest_budget(either) == pytest.approx(2 * self.smallest_budget(self.border), rel=1e-6)

    def test_the_order_of_series_is_of_no_matter(self) -> None:
        cases = [self.border, self.quiet, self.shadow(self.border), *map(self.far, range(3))]
        assert judge_together(cases[::-1], GRID, 0.05) == judge_together(cases, GRID, 0.05)[::-1]

    def test_no_series_no_finding(self) -> None:
        assert judge_together([], GRID, 0.05) == []

    def test_series_with_and_without_a_baseline_side_by_side(self) -> None:
        alert = Case.of(signal("alert", limits={"alert": "90"}), "nothing was measured", self.quiet.now)
        assert self.verdicts(alert, self.quiet, alert) == [V.DEGRADED, V.STABLE, V.DEGRADED]


class TestUnlikeTheBaseline:
    def test_a_rise_that_the_baseline_made_by_itself_is_no_drift(self) -> None:
        # Of 140 blocks 35 are the longest stretch that is looked for; half of the margin is added to its 30%.
        restless = side([*exact(100, 53), *exact(130, 35, 2), *exact(100, 52, 3)])
        (measured,) = measure([Case(signal(), restless, side(exact(120, 35, 4)))], GRID)
        assert measured.unlike == pytest.approx(math.log(1.3), abs=0.01)
        for now, expected in ((120, False), (141, False), (145, True)):
            (measured,) = measure([Case(signal(), restless, side(exact(now, 35, 4)))], GRID)
            assert measured.is_unlike_the_baseline is expected

    def test_then_it_is_not_even_suspect(self) -> None:
        # Forty days ago there was an hour of incident: an hour just like it is Inconclusive, and a worse one is not.
        incident = side([*exact(100, 2000), *exact(130, 6, 2), *exact(100, 3000, 3)])
        assert judge_series(signal(), incident, side(exact(128, 6, 4))).verdict is V.INCONCLUSIVE
        assert judge_series(signal(), incident, side(exact(160, 6, 4))).verdict is V.DEGRADED


class TestSuspectTwice:
    """Six hours after one hour: 36 blocks, of which the look before had 6."""

    before = side(exact(100, 140))

    def judged(self, first: float, since: float, seen: int = 6, worse: str = "Higher") -> SignalVerdict:
        now = side([*exact(first, 6, 5), *exact(since, 30, 6)])
        case = Case(signal(worse=worse), self.before, now)
        return judge_together([case], Grid(1 / 6, seen=seen), 0.01)[0].verdict

    def test_once_is_suspect(self) -> None:
        assert self.judged(106, 105.8, seen=0) is V.SUSPECT

    def test_twice_is_degraded(self) -> None:
        assert self.judged(106.5, 105.7) is V.DEGRADED

    def test_after_a_look_that_was_not_it_is_only_suspect(self) -> None:
        assert self.judged(100, 107) is V.SUSPECT

    def test_in_the_other_direction_it_does_not_count(self) -> None:
        assert self.judged(94, 108.3, worse="Either") is not V.DEGRADED

    def test_one_that_has_got_better_since_is_not_degraded(self) -> None:
        assert self.judged(113, 104) in {V.SUSPECT, V.INCONCLUSIVE}

    def test_a_look_before_without_enough_blocks_was_none(self) -> None:
        assert self.judged(106, 105.8, seen=5) is V.SUSPECT

"""How one series is judged, kind by kind."""

import math
from datetime import timedelta
from statistics import median

import pytest

from driftreview.api.reasons import Reason, SignalVerdict
from driftreview.api.signal import Signal
from driftreview.domain.rules import Finding, Side, judge_growth, judge_level, judge_limit, record
from tests.builders import around, growth, limit, noise, signal

V = SignalVerdict
TEN_MINUTES = 1 / 6


def side(values: list[float | None], worst: float | None = None, over: timedelta | None = None) -> Side:
    return Side(tuple(values), over, worst)


def steady(value: float, count: int = 36) -> Side:
    return side([value] * count)


def level(declared: Signal, before: float, now: float) -> Finding:
    """Without noise, so that only the margins speak."""
    return judge_level(declared, steady(before), steady(now))


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
        assert judge_level(signal(), side(around(100, 144)), side(around(115, 36, 2))).verdict is V.DEGRADED

    def test_worse_by_more_than_the_margin_alone_is_suspect(self) -> None:
        found = judge_level(signal(), side(around(100, 144, share=0.2)), side(around(118, 36, 2, share=0.2)))
        assert found.verdict is V.SUSPECT

    def test_a_difference_inside_the_noise_is_stable(self) -> None:
        found = judge_level(signal(), side(around(100, 144, share=0.1)), side(around(102, 36, 2, share=0.1)))
        assert found.verdict is V.STABLE

    @pytest.mark.parametrize("share", [0.3, 0.5, 1.0])
    def test_noise_wider_than_the_margin_leaves_it_open_even_without_a_difference(self, share: float) -> None:
        noisy = side(around(100, 36, share=share))
        found = judge_level(signal(), noisy, noisy)
        assert (found.verdict, found.reason) == (V.INCONCLUSIVE, Reason.UNRESOLVED)
        assert found.message.endswith("the noise leaves it open")

    def test_noise_that_reaches_over_the_alert_limit_leaves_it_open(self) -> None:
        declared = signal(margin=None, limits={"alert": "103"})
        noisy = side(around(100, 36, share=0.3))
        assert judge_level(declared, "none", noisy).verdict in {V.INCONCLUSIVE, V.SUSPECT}
        assert judge_level(declared, "none", steady(100)).verdict is V.STABLE

    def test_an_absolute_margin_is_held_against_a_difference_in_the_unit(self) -> None:
        found = level(signal(margin={"absolute": "1"}, unit="%"), 0.2, 0.3)
        assert found.message == "0.3% against 0.2%, +0.1% (between +0.1% and +0.1%), margin 1%"

    def test_a_limit_for_the_baseline_counts_without_a_margin_too(self) -> None:
        declared = signal(margin=None, limits={"baseline": "50", "alert": "150"})
        assert judge_level(declared, steady(60), steady(60)).reason is Reason.BASELINE_OVER_LIMIT
        assert judge_level(declared, steady(40), steady(60)).verdict is V.STABLE

    def test_the_sentence_tells_value_baseline_change_interval_and_margin(self) -> None:
        found = judge_level(signal(margin={"relative": "5%", "absolute": "2m"}), steady(0.0728), steady(0.073))
        assert found.message == "73 ms against 72.8 ms, +0.3% (between +0.3% and +0.3%), margin 5% or 2 ms"
        assert (found.baseline, found.current, found.delta) == ("72.8 ms", "73 ms", "+0.3%")

    def test_an_absolute_margin_alone_is_told_as_such(self) -> None:
        assert level(signal(margin={"absolute": "2m"}), 1, 1).message.endswith("margin 2 ms")

    @pytest.mark.parametrize("huge", [1e160, 1e300, 1.7e308])
    def test_noise_too_large_to_compute_with_is_not_taken_for_stability(self, huge: float) -> None:
        wild = side([huge * (-1) ** i for i in range(36)])
        assert judge_level(signal(), steady(1), wild).verdict in {V.INCONCLUSIVE, V.STABLE}
        assert judge_level(signal(), steady(-1.7e308), steady(1.7e308)).verdict is V.INCONCLUSIVE
        assert (
            judge_level(signal(), steady(1), side([1.7e308 * (-1) ** i for i in range(36)])).verdict is V.INCONCLUSIVE
        )


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
        assert found.message == "151 ms is beyond the alert limit 150 ms"

    def test_on_the_alert_limit_is_not_beyond_it(self) -> None:
        assert level(signal(limits={"alert": "150m"}), 0.1, 0.15).verdict is V.STABLE

    def test_beyond_the_alert_limit_within_the_noise_is_suspect(self) -> None:
        found = judge_level(signal(limits={"alert": "150"}), "none", side(around(151, 36, share=0.2)))
        assert found.verdict is V.SUSPECT

    def test_a_little_over_the_alert_limit_does_not_excuse_what_is_far_over_the_margin(self) -> None:
        declared = signal(margin={"relative": "5%"}, limits={"alert": "150"})
        now = side(around(151, 36, share=0.05))
        assert judge_level(signal(limits={"alert": "150"}), "none", now).verdict is V.SUSPECT
        assert judge_level(declared, side(around(100, 144)), now).verdict is V.DEGRADED

    def test_a_little_over_the_alert_limit_stays_suspect_without_a_baseline(self) -> None:
        declared = signal(margin={"relative": "5%"}, limits={"alert": "150"})
        assert judge_level(declared, "nothing was measured", side(around(151, 36, share=0.2))).verdict is V.SUSPECT

    def test_a_lower_alert_limit(self) -> None:
        declared = signal(limits={"alert": "0.99"}, worse="Lower")
        assert level(declared, 1, 0.98).verdict is V.DEGRADED
        assert level(declared, 1, 0.995).verdict is V.STABLE


class TestGrowth:
    def grown(self, per_hour: float, declared: Signal, blocks: int = 36, spread: float = 4) -> Finding:
        values: list[float | None] = [
            200 + per_hour * i * TEN_MINUTES + spread * each for i, each in enumerate(noise(blocks, 3))
        ]
        return judge_growth(declared, side(values), TEN_MINUTES)

    @pytest.mark.parametrize(
        ("per_hour", "verdict"), [(40, V.DEGRADED), (10, V.ACCEPTABLE), (0, V.STABLE), (-40, V.STABLE)]
    )
    def test_growth_is_held_against_the_limit_per_hour(self, per_hour: float, verdict: SignalVerdict) -> None:
        assert self.grown(per_hour, growth("20")).verdict is verdict

    def test_over_the_limit_but_not_surely_is_suspect(self) -> None:
        assert self.grown(21, growth("20")).verdict is V.SUSPECT

    def test_what_the_noise_hides_is_inconclusive(self) -> None:
        found = self.grown(5, growth("20"), blocks=12, spread=30)
        assert (found.verdict, found.reason) == (V.INCONCLUSIVE, Reason.UNRESOLVED)

    def test_the_first_hour_is_too_short(self) -> None:
        found = self.grown(40, growth("20"), blocks=6)
        assert (found.verdict, found.reason) == (V.INCONCLUSIVE, Reason.UNRESOLVED)
        assert found.message == "6 blocks do not tell growth from noise yet, limit 20 MB/h"

    def test_shrinking_is_the_growth_of_what_gets_worse_downwards(self) -> None:
        declared = growth("20", worse="Lower")
        found = self.grown(-40, declared)
        assert found.verdict is V.DEGRADED
        assert found.current.startswith("-")
        assert self.grown(40, declared).verdict is V.STABLE

    def test_what_does_not_grow_at_all_is_within_a_limit_of_nothing(self) -> None:
        assert judge_growth(growth("0"), steady(200), TEN_MINUTES).verdict is V.STABLE

    def test_growth_on_the_limit_is_not_beyond_it(self) -> None:
        straight: list[float | None] = [float(i) for i in range(36)]
        assert judge_growth(growth("1"), side(straight), 1).verdict is V.ACCEPTABLE

    @pytest.mark.parametrize("values", [[], [None] * 36, [-1.7e308] * 18 + [1.7e308] * 18])
    def test_nothing_and_the_incomputable_are_inconclusive(self, values: list[float | None]) -> None:
        assert judge_growth(growth("20"), side(values), TEN_MINUTES).verdict is V.INCONCLUSIVE

    def test_a_sawtooth_of_a_garbage_collector_is_no_growth(self) -> None:
        values: list[float | None] = [200 + (i * 7) % 45 + each for i, each in enumerate(noise(144, 1))]
        assert judge_growth(growth("20"), side(values), TEN_MINUTES).verdict is V.STABLE


class TestLimit:
    @pytest.mark.parametrize(
        ("over", "allowed", "verdict"),
        [
            (None, None, V.STABLE),
            (timedelta(0), None, V.DEGRADED),  # one sample is one too many where no time is allowed
            (None, "1m", V.STABLE),
            (timedelta(seconds=0), "1m", V.ACCEPTABLE),
            (timedelta(seconds=59), "1m", V.ACCEPTABLE),
            (timedelta(seconds=60), "1m", V.DEGRADED),
            (timedelta(hours=1), "1m", V.DEGRADED),
        ],
    )
    def test_beyond_the_limit_is_allowed_for_less_than_its_time(
        self, over: timedelta | None, allowed: str | None, verdict: SignalVerdict
    ) -> None:
        declared = limit("60", **({"for": allowed} if allowed else {}))
        assert judge_limit(declared, Side((), over, 70)).verdict is verdict

    def test_the_sentence_tells_the_worst_and_how_long(self) -> None:
        found = judge_limit(limit("60", **{"for": "5m"}), Side((), timedelta(minutes=7), 81.23))
        assert found.message == "worst 81.2 s, beyond the limit for 7m, limit 60 s for 5m"

    def test_a_single_sample_is_called_one(self) -> None:
        assert "for one sample" in judge_limit(limit("60"), Side((), timedelta(0), 61)).message


class TestInfo:
    def test_it_records_the_level(self) -> None:
        found = record(signal(), steady(0.0728))
        assert (found.verdict, found.current, found.message) == (V.RECORDED, "72.8 ms", "72.8 ms")

    def test_it_records_that_there_is_none(self) -> None:
        assert record(signal(), side([None])).verdict is V.RECORDED


def test_the_estimate_is_the_median_of_what_is_there() -> None:
    values = around(100, 36)
    holes: list[float | None] = [None if i % 6 == 0 else value for i, value in enumerate(values)]
    present = [value for value in holes if value is not None]
    found = judge_level(signal(), steady(100), side(holes))
    assert found.current == f"{median(present):.3g} s"
    assert math.isfinite(median(present))

"""How one series is judged, of the kinds that look at nothing but itself."""

from datetime import timedelta

import pytest

from driftreview.api.reasons import Reason, SignalVerdict
from driftreview.api.signal import Signal
from driftreview.domain.finding import Finding, Side
from driftreview.domain.rules import judge_growth, judge_limit, record
from tests.builders import growth, limit, noise, side, signal

V = SignalVerdict
TEN_MINUTES = 1 / 6


def steady(value: float, count: int = 36) -> Side:
    return side([value] * count)


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

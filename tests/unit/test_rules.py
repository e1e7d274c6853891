"""How one series is judged, of the kinds that look at nothing but itself."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from driftreview.api.reasons import Reason
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.evidence import Measurement, freeze
from driftreview.domain.finding import Finding, Side
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.rules import judge_limit, record
from driftreview.domain.samples import Window
from tests.builders import MINUTE, T0, answer, limit, side, signal, snapshot, spec

V = SignalVerdict


def steady(value: float, count: int = 36) -> Side:
    return side([value] * count)


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

    def test_it_says_when_and_whether_it_is_over(self) -> None:
        declared, values = (
            limit("60", **{"for": "5m"}),
            [80.0 if 3 <= at < 12 or at == 20 else 50.0 for at in range(60)],
        )
        window = Window(T0, T0 + len(values) * MINUTE, MINUTE)
        for last, said in ((50.0, "over since 2026-07-31T12:21:00Z"), (70.0, "and still")):
            frozen = freeze(Measurement(declared, "up", answer(window, [*values[:-1], last])), window, 10 * MINUTE)
            found = judge_limit(declared, Side.of(frozen.series[0]))
            times = 2 if last < 60 else 3
            assert found.message == (
                "worst 80 s, beyond the limit for 8m, from 2026-07-31T12:04:00Z to 2026-07-31T12:12:00Z, 8m in all, "
                f"{times} times, {said}, limit 60 s for 5m"
            )

    def test_a_single_sample_is_called_one(self) -> None:
        assert "for one sample" in judge_limit(limit("60"), Side((), timedelta(0), 61)).message


class TestLimitOfThinSamples:
    """Of every third step, say: each gap ends a stretch, and how long it lasted nobody can tell."""

    def judged(self, values: Sequence[float | None], for_: str = "10m", coverage: str = "40%") -> Finding:
        declared = limit("60", **{"for": for_, "min_coverage": coverage})
        window = Window(T0, T0 + len(values) * MINUTE, MINUTE)
        frozen = freeze(Measurement(declared, "up", answer(window, values)), window, 10 * MINUTE)
        now = snapshot(frozen, checkpoint="1h", hours=1)
        (result,) = judge_checkpoint(spec([declared], ["1h"]), snapshot(), now).results
        return result.finding

    @pytest.mark.parametrize("step", [2, 3])
    def test_an_hour_beyond_the_limit_is_not_let_pass_as_one_sample(self, step: int) -> None:
        found = self.judged([80 if at % step == 0 else None for at in range(60)], coverage="30%")
        assert (found.verdict, found.reason) == (V.MISSING, Reason.LOW_COVERAGE)
        assert found.message == (
            f"worst 80 s, beyond the limit for one sample or longer, limit 60 s for 10m: with {1 / step:.0%} of the "
            "samples nobody can tell how long; spec.resolution of the source may be finer than its scrape interval"
        )

    def test_what_is_known_all_the_same_is_said(self) -> None:
        values = [80 if at % 3 != 2 or at in range(20, 33) else None for at in range(60)]
        assert self.judged(values).verdict is V.DEGRADED
        assert self.judged(values, "1m").verdict is V.DEGRADED
        assert self.judged([50 if at % 2 else None for at in range(60)]).verdict is V.STABLE

    def test_a_gap_of_half_an_hour_is_no_thinness(self) -> None:
        values = [80 if at == 5 else 50 if at < 25 or at > 55 else None for at in range(60)]
        assert self.judged(values).verdict is V.ACCEPTABLE


class TestInfo:
    def test_it_records_the_level(self) -> None:
        found = record(signal(), steady(0.0728))
        assert (found.verdict, found.current, found.message) == (V.RECORDED, "72.8 ms", "72.8 ms")

    def test_it_records_that_there_is_none(self) -> None:
        assert record(signal(), side([None])).verdict is V.RECORDED

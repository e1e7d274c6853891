"""How one series is judged, of the kinds that look at nothing but itself."""

from datetime import timedelta

import pytest

from driftreview.api.reasons import SignalVerdict
from driftreview.domain.finding import Side
from driftreview.domain.rules import judge_limit, record
from tests.builders import limit, side, signal

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

    def test_a_single_sample_is_called_one(self) -> None:
        assert "for one sample" in judge_limit(limit("60"), Side((), timedelta(0), 61)).message


class TestInfo:
    def test_it_records_the_level(self) -> None:
        found = record(signal(), steady(0.0728))
        assert (found.verdict, found.current, found.message) == (V.RECORDED, "72.8 ms", "72.8 ms")

    def test_it_records_that_there_is_none(self) -> None:
        assert record(signal(), side([None])).verdict is V.RECORDED

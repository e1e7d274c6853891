"""Evidence that no operator freezes: it is refused where it is read, or is said to be what it is."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from driftreview.api.driftsnapshot import SeriesEvidence
from driftreview.api.reasons import Reason
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.judge import judge_checkpoint
from driftreview.domain.observed import observed
from tests.builders import around, evidence, review, series, signal, snapshot


def test_two_series_of_one_name_are_no_data_and_the_last_one_does_not_win() -> None:
    sides = [around(level, count, seed=count) for level, count in ((100, 144), (100, 36), (900, 36))]
    before, good, bad = (series(each, labels={"symbol": "btc"}) for each in sides)
    spec = review(signals=[signal(each="symbol")]).spec
    first = snapshot(evidence("latency", before))
    for order in ((good, bad), (bad, good)):
        last = snapshot(evidence("latency", *order), checkpoint="1h", hours=6)
        (found,) = judge_checkpoint(spec, first, last).results
        assert (found.finding.verdict, found.finding.reason) == (SignalVerdict.MISSING, Reason.SEVERAL_SERIES)
        assert "more than one series was frozen for symbol btc" in found.finding.message


@given(*[st.integers(0, 10**9)] * 3)
def test_whatever_counts_a_series_has_it_was_last_heard_within_its_window(
    samples: int, expected: int, silent: int
) -> None:
    fields = {"values": "1", "samples": samples, "expected": expected, "silent": silent}
    if silent > expected:
        with pytest.raises(ValidationError, match="silent"):
            SeriesEvidence.model_validate(fields)
        return
    one = SeriesEvidence.model_validate(fields)
    found = observed([signal()], snapshot(evidence("latency", one), hours=6))["latency"]
    heard = found.last_heard(found.sides[""])
    assert found.end is not None
    assert heard is None or timedelta(0) <= found.end - heard <= timedelta(hours=6)


@pytest.mark.parametrize("longest", ["100000h", "-", "", "1h 2m"])
def test_a_length_that_is_none_is_refused(longest: str) -> None:
    with pytest.raises(ValidationError, match="must be a duration"):
        SeriesEvidence(values="1", samples=1, expected=1, longest_over=longest)

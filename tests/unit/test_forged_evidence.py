"""Evidence that somebody else wrote, or a spec that no API server saw: a verdict with a reason, or refused."""

import pytest
from pydantic import ValidationError

from driftreview.api.driftsnapshot import SeriesEvidence
from driftreview.api.reasons import Reason
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.finding import gravest
from driftreview.domain.judge import judge_checkpoint
from tests import builders


@pytest.mark.parametrize("worst", ["", "nan", "inf", "-inf", "1e999", "x", "1_0", " 1", "٣"])
def test_a_worst_sample_that_is_no_finite_number_is_refused(worst: str) -> None:
    with pytest.raises(ValidationError, match="must be a finite number"):
        SeriesEvidence(values="1", samples=1, expected=1, worst=worst)


@pytest.mark.parametrize("value", [0.0, -0.0, 1e6, -1.5e-7, 1.7976931348623157e308, 5e-324, 123456789.123])
def test_every_number_that_is_written_can_be_read(value: float) -> None:
    assert SeriesEvidence(values="1", samples=1, expected=1, worst=f"{value:.9g}").worst


def test_a_level_with_nothing_to_be_held_against_is_never_good() -> None:
    bare = builders.signal().model_copy(update={"margin": None})
    frozen = builders.evidence("latency", builders.series(builders.around(100, 144)))
    looks = [builders.snapshot(frozen, checkpoint=name) for name in ("T0", "6h")]
    (found,) = judge_checkpoint(builders.spec([bare]), *looks).results
    assert found.finding == gravest([])
    assert (found.finding.verdict, found.finding.reason) == (SignalVerdict.INCONCLUSIVE, Reason.UNRESOLVED)

"""The largest reviews there may be: what does not fit is coarsened with a note, and the status stays small."""

import json
from datetime import timedelta
from typing import Any

import pytest

from driftreview.api.base import Condition
from driftreview.api.checkpoint import Checkpoint, CheckStatus, SignalStatus
from driftreview.api.driftreview import DriftReview
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.api.values import parse_duration
from driftreview.api.verdicts import CheckVerdict, SignalVerdict, Verdict
from driftreview.domain.evidence import MOST_STORED, is_intact
from driftreview.domain.status import bounded
from lab.install import OperatorProcess
from tests.support.stage import Stage, ago, assert_chained, condition, steady, verdicts, wire

pytestmark = [pytest.mark.integration]
LIMIT = 64 * 1024
CHECKPOINTS = ["3m", "30m", "60m", "80m", "90m", "100m"]


def size(status: Any) -> int:
    return len(json.dumps(status, separators=(",", ":"), ensure_ascii=False).encode())


def of_twenty(name: str) -> dict[str, Any]:
    """A signal of twenty series."""
    one = 'label_replace(latency_ms{{replica="a"}},"pod","web-{:02}","","")'
    query = " or ".join(one.format(number) for number in range(20))
    return steady(name) | {"query": query, "each": "pod"}


def test_evidence_of_a_thousand_series_is_coarsened_and_judged_to_the_end(
    stage: Stage, operator: OperatorProcess
) -> None:
    assert operator.pid
    stage.release("1", "2")
    window = {"t0": wire(ago(minutes=110)), "checkpoints": CHECKPOINTS}
    declared = [of_twenty(f"a-signal-with-a-rather-long-name-{number:02}") for number in range(50)]
    stage.review(signals=declared, window=window, baseline={"length": "170m"})
    status = stage.ended(seconds=400)
    note = condition(status, "BaselineCaptured")["message"]
    assert " instead of 30s, as it would not have fitted into one object; 3m has fewer than 6 of them" in note
    assert (status["phase"], verdicts(status)) == ("Promoted", ["Inconclusive", *["Pass"] * 5])
    assert size(status) < LIMIT
    snapshots = stage.snapshots()
    assert_chained(snapshots)
    (block,) = {each.spec.window.block for each in snapshots if each.spec.window}
    assert parse_duration(block) > timedelta(seconds=30)
    for each in snapshots:
        assert is_intact(each.spec, each.spec.hash)
        assert size(each.spec.to_wire()) <= MOST_STORED
        assert {len(one.series) for one in each.spec.signals} == {20}


def full(verdict: SignalVerdict, check: CheckVerdict) -> Checkpoint:
    """A checkpoint with as many and as long rows as the schema allows."""
    return Checkpoint(
        name="1h",
        due=ago(minutes=30),
        judged_at=ago(minutes=30),
        verdict=Verdict.INCONCLUSIVE,
        message="m" * 512,
        signals=[
            SignalStatus(name=f"s{number:062}", verdict=verdict, baseline="µ" * 64, current="µ" * 64, delta="d" * 64)
            for number in range(50)
        ],
        evidence=[SignalStatus(name=f"e{number:062}", verdict=verdict, baseline="b" * 64) for number in range(20)],
        checks=[CheckStatus(name=f"c{number:079}", verdict=check, message="m" * 256) for number in range(100)],
    )


@pytest.mark.parametrize(
    ("verdict", "check"),
    [(SignalVerdict.STABLE, CheckVerdict.HELD), (SignalVerdict.DEGRADED, CheckVerdict.BROKEN)],
)
def test_a_status_with_everything_at_its_longest_is_bounded_and_stored(
    stage: Stage, verdict: SignalVerdict, check: CheckVerdict
) -> None:
    stage.source()
    stored = stage.review(source=False)
    rows = [full(verdict, check).model_copy(update={"name": name}) for name in CHECKPOINTS]
    conditions = [
        Condition(
            type=f"T{number}", status="True", reason=Reason.CAPTURED, message="m" * 1024, last_transition_time=ago()
        )
        for number in range(8)
    ]
    status = bounded(DriftReviewStatus(checkpoints=rows, conditions=conditions))
    assert size(DriftReviewStatus(checkpoints=rows, conditions=conditions).to_wire()) > 4 * LIMIT
    assert size(status.to_wire()) < LIMIT
    assert [each.message for each in status.checkpoints] == ["m" * 512] * 6
    patch = {"status": status.to_wire()}
    answer = stage.api.merge("DriftReview", stored["metadata"]["name"], stage.namespace, patch, sub="/status")
    kept = DriftReview.model_validate(answer).status  # whatever else an operator that runs has written into it
    assert (kept.checkpoints, kept.conditions) == (status.checkpoints, status.conditions)

"""The look at the time after a rollback, as the operator takes it: what stands in its way is told of it alone."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from driftreview.adapters.errors import ForbiddenError, RefusedError, UnavailableError, UnreadableError
from driftreview.api.driftsnapshot import DriftSnapshotSpec
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.domain.samples import Failed
from driftreview.runtime.capture import ForeignEvidenceError, Unanswered
from driftreview.runtime.gather import TurnOverError
from driftreview.runtime.recovery import RecoveryLook
from driftreview.runtime.telemetry import Telemetry
from tests.builders import HOUR, MINUTE, T0, signal
from tests.builders import review as declared
from tests.simulator import Metrics, Simulator


@pytest.fixture(scope="module")
def due() -> Simulator:
    """Rolled back, and the recovery is due."""
    simulator = Simulator(declared(signals=[signal()]), metrics=Metrics([(T0 - 10 * MINUTE, 1.5)]))
    simulator.pass_time(HOUR + 10 * MINUTE)
    simulator.now = T0 + 3 * HOUR
    return simulator


class Stand:
    """What the look is made with, of which one part fails."""

    def __init__(self, due: Simulator, evidence: Any = None, baseline: Any = None) -> None:
        self.due, self.evidence, self.baseline = due, evidence, baseline
        self.asked: list[Any] = []

    def look(self) -> DriftReviewStatus | Unanswered:
        def capture(review: Any, look: Any, *_: Any, **__: Any) -> Any:
            self.asked.append((review, look))
            if isinstance(self.evidence, Exception):
                raise self.evidence
            return self.evidence

        def frozen(_: Any) -> Any:
            if isinstance(self.baseline, Exception):
                raise self.baseline
            return self.baseline

        source = SimpleNamespace(label="prometheus", source=SimpleNamespace(spec=SimpleNamespace(resolution="5m")))
        made = RecoveryLook(
            cast(Any, SimpleNamespace(evidence=capture)),
            cast(Any, SimpleNamespace(find=lambda _: source)),
            cast(Any, SimpleNamespace(baseline=frozen)),
            Telemetry(),
            self.clock,
        )
        return made.look(self.due.stored(), 0.0)

    def clock(self) -> datetime:
        return self.due.now


def at_t0(due: Simulator) -> Any:
    ref = due.stored().status.baseline
    assert ref is not None
    return DriftSnapshotSpec.model_validate(due.snapshots[ref.name])


def told(status: DriftReviewStatus | Unanswered) -> tuple[str, str, str]:
    assert isinstance(status, DriftReviewStatus)
    truths = {each.type: each for each in status.conditions}
    assert truths["StaysBack"].status == "True", "the target is looked at all the same"
    return truths["Recovered"].status, truths["Recovered"].reason, truths["Recovered"].message


def test_it_asks_about_what_was_put_back_after_the_last_look(due: Simulator) -> None:
    unanswered = Unanswered([Failed(Reason.TIMEOUT, "slow", retryable=True)], dead=False)
    stand = Stand(due, unanswered, at_t0(due))
    assert stand.look() is unanswered
    ((asked, look),) = stand.asked
    status = due.stored().status
    assert asked.status.judged == status.previous
    assert look.checkpoint == "Recovery"
    assert status.checkpoints[0].snapshot is not None
    assert look.previous_hash == status.checkpoints[0].snapshot.hash
    assert status.recovery is not None
    assert look.window.end == status.recovery.due
    assert look.window.end - look.window.start == HOUR


@pytest.mark.parametrize(
    ("failure", "reason", "final"),
    [
        (ForbiddenError("no right to create driftsnapshots"), Reason.FORBIDDEN, False),
        (RefusedError("quota"), Reason.REFUSED, False),
        (ForeignEvidenceError("release-recovery"), Reason.EVIDENCE_ALTERED, True),
        (UnreadableError("release-recovery"), Reason.EVIDENCE_ALTERED, True),
        (ZeroDivisionError("a mistake of ours"), Reason.INTERNAL_ERROR, False),
    ],
)
def test_what_keeps_it_from_being_frozen_is_told(
    due: Simulator, failure: Exception, reason: Reason, *, final: bool
) -> None:
    status = Stand(due, failure, at_t0(due)).look()
    assert told(status)[:2] == ("Unknown", reason)
    assert isinstance(status, DriftReviewStatus)
    assert status.recovery is not None
    assert (status.recovery.verdict is not None) is final


def test_without_the_frozen_t0_it_is_given_up(due: Simulator) -> None:
    truth, reason, message = told(Stand(due).look())
    assert (truth, reason) == ("Unknown", Reason.EVIDENCE_ALTERED)
    assert message == (
        "DriftSnapshot release-review-u-t0 is gone or does not match its hash: no verdict can rest on it"
    )


@pytest.mark.parametrize("failure", [UnavailableError("no answer"), TurnOverError("Recovery", 1, 2, T0)])
def test_what_may_be_had_at_the_next_turn_is_left_to_it(due: Simulator, failure: Exception) -> None:
    with pytest.raises(type(failure)):
        Stand(due, failure, at_t0(due)).look()

"""Guards: looks between the checkpoints, at what must not wait for the next one.

They stand on a grid of their own, as many as fit into the rollback window, and each looks at the time before it: mostly
the last six blocks, at every third the last eighteen, at every sixth the last thirty-six. So what begins late is not
thinned by the good hours before it. They have a fixed share of the false-alarm budget together, an even one each: the
intervals of all of them hold at once, whatever the noise remembers. Only what is Degraded counts; nothing else that a
guard finds is written down.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from driftreview.api.checkpoint import Checkpoint, SnapshotRef
from driftreview.api.driftreview import DriftReview, DriftReviewSpec
from driftreview.api.phases import ConditionType
from driftreview.api.reasons import Reason
from driftreview.api.signal import Mode
from driftreview.api.status import DriftReviewStatus
from driftreview.api.values import parse_duration
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain import schedule
from driftreview.domain.result import CheckpointResult
from driftreview.domain.rows import judged_row
from driftreview.domain.samples import Failed
from driftreview.domain.schedule import Due
from driftreview.domain.status import bounded, finished, said, with_condition

SHARE: Final = 0.2
"""Of the false-alarm budget, what all guards have together."""
LATER: Final = 0.1
"""Of that, what is kept for guards after the declared window, which people may lengthen."""
_MOST_STRETCHES: Final = 40
"""Until the part is as small as nothing."""


def checkpoints_share(spec: DriftReviewSpec) -> float:
    """Of the false-alarm budget, what is left to the checkpoints."""
    return 1.0 if spec.guards is None else 1.0 - SHARE


def guard_share(spec: DriftReviewSpec, since: timedelta) -> float:
    """Which share of the false-alarm budget the guard has that looks so long after T0.

    Guards of the declared window share all of it evenly but what is kept for later. Of that, those of each further
    stretch as long as the window have half of what is left.

    Raises:
        ValueError: the review has no guards.
    """
    every, window = schedule.guarded_every(spec), parse_duration(spec.window.rollback)
    stretches = min(max(-(-since // window) - 1, 0), _MOST_STRETCHES)
    part = 1 - LATER if not stretches else LATER / 2**stretches
    return SHARE * part / -(-window // every)


def next_guard(review: DriftReview, now: datetime) -> Due | None:
    """The guard that looks next, or looked too late; None where the next checkpoint comes first, or nothing is guarded.

    One that is late looks at what it would have looked at. Of many that are late, only so many look that nothing is
    left out between them.
    """
    spec, status = review.spec, review.status
    following = next((each for each in status.checkpoints if each.verdict is None), None)
    if spec.guards is None or status.t0 is None or status.baseline is None or following is None:
        return None
    if status.decision is not None or any(each.guard for each in status.checkpoints):
        return None
    every, settle = schedule.guarded_every(spec), parse_duration(spec.window.settle)
    looked = [each.due for each in status.checkpoints if each.verdict is not None]
    until = max(schedule.looks_begin(spec, status.t0), status.guarded_until or status.t0, *looked)
    number, latest = (until - status.t0) // every + 1, (now - settle - status.t0) // every
    if latest > number:
        number = min(latest, number - 1 + max(schedule.shortest_guard(spec) // every, 1))
    due = Due(_spelled(number * every), status.t0 + number * every, guard=True)
    return due if due.at < following.due else None


def finds_drift(result: CheckpointResult) -> bool:
    """Whether an enforced signal is Degraded; what is only missing is left to the checkpoints."""
    return any(
        each.signal.mode is Mode.ENFORCE and each.finding.verdict is SignalVerdict.DEGRADED for each in result.results
    )


def looked(review: DriftReview, due: Due, now: datetime) -> DriftReviewStatus:
    """A guard looked and found no drift."""
    message = f"every {review.spec.guards.every} since T0" if review.spec.guards else ""
    status = review.status.model_copy(update={"guarded_until": due.at})
    return finished(review, with_condition(status, ConditionType.GUARDED, "True", Reason.GUARDING, message, now))


def unanswered(review: DriftReview, due: Due, failure: Failed, now: datetime) -> DriftReviewStatus:
    """The source did not answer a guard: what happens since then, nobody sees before it answers."""
    seen = review.status.guarded_until or review.status.t0 or due.at
    message = f"blind since {said(seen)}: {failure.message}"
    reason = Reason(failure.reason)
    return finished(review, with_condition(review.status, ConditionType.GUARDED, "False", reason, message, now))


def with_drift(
    review: DriftReview, due: Due, result: CheckpointResult, ref: SnapshotRef, now: datetime
) -> tuple[DriftReviewStatus, Checkpoint]:
    """A guard found a drift: the status with one more look, before those that are to come, and that look's row."""
    old = Checkpoint(name=due.name, due=due.at, guard=True)
    row = judged_row(old, result, ref, review.spec.window.settle, schedule.whole_seconds(now))
    rows = review.status.checkpoints
    ahead = next((index for index, each in enumerate(rows) if each.verdict is None), len(rows))
    found = {"checkpoints": [*rows[:ahead], row, *rows[ahead:]], "verdict": result.verdict, "guarded_until": due.at}
    return bounded(review.status.model_copy(update=found)), row


def _spelled(offset: timedelta) -> str:
    """An offset as looks are named: 10m, 3h10m, 26h."""
    hours, minutes = offset // timedelta(hours=1), offset % timedelta(hours=1) // timedelta(minutes=1)
    seconds = offset % timedelta(minutes=1) // timedelta(seconds=1)
    return "".join(f"{count}{unit}" for count, unit in ((hours, "h"), (minutes, "m"), (seconds, "s")) if count)

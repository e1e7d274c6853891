"""Many T0s on one history, each without a fault and with: what is judged, and how much that is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from driftreview.api.driftreview import DriftReview, DriftReviewSpec
from driftreview.domain.fault import Fault
from driftreview.domain.history import EPOCH, Recorded, Recording, laid, recorded_as
from driftreview.domain.replay import Past, Replay, frozen_but, history_end, release, replay, windows
from driftreview.domain.samples import Window


@dataclass(frozen=True)
class Study:
    """What is judged at each T0: the history as it was, then once more with each fault."""

    review: DriftReview
    past: Past
    recording: Recording
    """What the history was made of: at least all queries of the signals with a fault."""
    faults: tuple[Fault, ...] = ()

    def at(self, t0: datetime, history_ends_at: datetime | None = None) -> tuple[Replay, ...]:
        """Judge one T0: without a fault, then with each."""
        found = [replay(self.review, self.past, t0, history_ends_at)]
        for fault in self.faults:
            series = self._with(fault, release(self.review.spec, t0))
            history = self.past.history.with_tracks(fault.signal, laid(series, self.past.history.window))
            known = frozen_but(found[0], fault.signal)
            found.append(replay(self.review, replace(self.past, history=history), t0, history_ends_at, known))
        return tuple(found)

    def _with(self, fault: Fault, since: datetime) -> tuple[Recorded, ...]:
        """What was recorded of the fault's signal, and the fault in it."""
        signal = next(each for each in self.review.spec.signals if each.name == fault.signal)
        per = recorded_as(signal).get("per")
        beside = None if per is None else self.recording.get(per, ())
        return fault.put_into(self.recording[fault.signal], since, beside, signal.each or "")


def admissible(
    spec: DriftReviewSpec, whole: Window, every: timedelta, since: datetime | None = None, until: datetime | None = None
) -> list[datetime]:
    """T0s at whole multiples of `every` since 1970 whose baseline and last checkpoint lie within the data.

    Args:
        spec: of the review.
        whole: the grid of the data.
        every: distance of the T0s.
        since: no T0 before it.
        until: no T0 after it.
    """
    first, last = max(since or whole.start, whole.start), min(until or whole.end, whole.end)
    t0 = EPOCH - ((EPOCH - first) // every) * every
    found = []
    while t0 <= last:
        start, end = _looked_at(spec, t0, whole.step)
        if whole.start <= start and end <= whole.end:
            found.append(t0)
        t0 += every
    return found


def independent(spec: DriftReviewSpec, t0s: Sequence[datetime], step: timedelta) -> float:
    """How many T0s that share no data these are worth: the time they look at, in lengths of a review; at least 1."""
    start, end = _looked_at(spec, t0s[0], step)
    return max(1.0, (t0s[-1] - t0s[0] + (end - start)) / (end - start))


def _looked_at(spec: DriftReviewSpec, t0: datetime, step: timedelta) -> tuple[datetime, datetime]:
    """The first and the last moment that a review looks at."""
    looks = [each for each in windows(spec, t0, history_end(spec, t0), step) if each is not None]
    return min((each.start for each in looks), default=t0), max((each.end for each in looks), default=t0)

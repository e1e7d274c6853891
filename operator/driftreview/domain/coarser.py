"""Blocks that fit: where the evidence of a look is too large for one object, longer blocks of its samples are taken.

Each answer is frozen in every length of block with which all may still fit, while its samples are at hand. So nothing
is asked twice, no median is made of medians, and what is kept is bounded: a length with which it does not fit is
dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from driftreview.api.driftreview import DriftReview, DriftReviewSpec
from driftreview.api.driftsnapshot import DriftSnapshotSpec, RevisionEvidence, SignalEvidence
from driftreview.api.facts import Facts
from driftreview.api.reasons import Reason
from driftreview.api.values import format_duration, parse_duration
from driftreview.domain import schedule
from driftreview.domain.companions import Companion
from driftreview.domain.evidence import MOST_STORED, RECOVERY, T0, Look, Measurement, freeze, stored_size, take
from driftreview.domain.samples import QueryResult, Samples, Window
from driftreview.domain.schedule import Due
from driftreview.domain.scraping import Scraping

_LEAST_STRETCH: Final = 1.0


def first_look(
    spec: DriftReviewSpec, t0: datetime, history_ends_at: datetime, step: timedelta, source: str, before: str = ""
) -> Look:
    """T0's look, in the finest blocks and in those that may be taken instead.

    Args:
        spec: what is looked at.
        t0: when that is.
        history_ends_at: where a History baseline ends at the latest.
        step: distance of the samples.
        source: whom to ask, as evidence names it.
        before: hash of the evidence before: a T0 that was taken anew follows the one it replaces.
    """
    blocks = schedule.block_lengths(spec, step)
    found = [(schedule.baseline_window(spec, t0, history_ends_at, step, block), block) for block in blocks]
    (window, block), coarser = found[0], tuple((window, block) for window, block in found[1:] if window is not None)
    longest = schedule.looked_at(spec, spec.window.checkpoints[-1])
    stretch = _LEAST_STRETCH if window is None else max(_LEAST_STRETCH, longest / (window.end - window.start))
    return Look(T0, window, block, source, before, coarser, stretch, firings=bool(spec.alerts and spec.alerts.rules))


def later_look(
    spec: DriftReviewSpec,
    baseline: DriftSnapshotSpec,
    t0: datetime,
    due: Due,
    step: timedelta,
    source: str,
    before: str,
) -> Look:
    """A later look: in T0's blocks, or where nothing was measured at T0 in such as it needs itself.

    Args:
        spec: what is looked at.
        baseline: T0's evidence.
        t0: when that was.
        due: the checkpoint, a guard, or RECOVERY.
        step: distance of the samples.
        source: whom to ask, as evidence names it.
        before: hash of the evidence before.
    """
    is_fixed = baseline.window is not None
    blocks = (parse_duration(baseline.window.block),) if baseline.window else schedule.block_lengths(spec, step)
    found = [(_window(spec, t0, due, step, block), block) for block in blocks]
    fitting = [(window, block) for window, block in found if window is not None]
    (window, block), *coarser = fitting or found
    longer = () if is_fixed else tuple((w, b) for w, b in coarser if w)
    return Look(due.name, window, block, source, before, longer, guard=due.guard)


def _window(spec: DriftReviewSpec, t0: datetime, due: Due, step: timedelta, block: timedelta) -> Window | None:
    if due.name == RECOVERY:
        return schedule.recovery_window(spec, due.at, step, block)
    if due.guard:
        return schedule.guard_window(spec, t0, due.at, step, block)
    return schedule.checkpoint_window(spec, t0, due.at, step, block)


class Levels:
    """What a look has frozen so far, in each length of block with which it may still fit, the finest first."""

    def __init__(self, look: Look) -> None:
        """Begin without any answer."""
        self._looks = [look, *(replace(look, window=window, block=block, coarser=()) for window, block in look.coarser)]
        self._sizes = [0] * len(self._looks)
        self._answers: dict[str, list[SignalEvidence]] = {}

    @property
    def names(self) -> set[str]:
        """The signals that were kept."""
        return set(self._answers)

    @property
    def size(self) -> int:
        """About how many bytes are kept."""
        return sum(self._sizes)

    def keep(self, measurement: Measurement, scraping: Scraping | None = None) -> None:
        """Freeze one answer, and forget the blocks with which it all cannot fit any more."""
        laid = self.frozen(measurement, scraping)
        self._answers[measurement.signal.name] = laid
        self._sizes = [size + stored_size(each) for size, each in zip(self._sizes, laid, strict=True)]
        while len(self._looks) > 1 and self._sizes[0] > MOST_STORED:
            del self._looks[0], self._sizes[0]
            for answers in self._answers.values():
                del answers[0]

    def frozen(self, measurement: Measurement, scraping: Scraping | None = None) -> list[SignalEvidence]:
        """One answer in each length of block."""
        return [
            freeze(
                _measured_in(each.window, measurement),
                each.window,
                each.block,
                _known_in(each.window, scraping),
                firings=each.firings,
            )
            for each in self._looks
            if each.window is not None
        ]

    def taken(
        self,
        review: DriftReview,
        judged: RevisionEvidence,
        previous: RevisionEvidence | None = None,
        scraping: Scraping | None = None,
        facts: Facts | None = None,
        failed: Sequence[Measurement] = (),
    ) -> DriftSnapshotSpec:
        """Put all answers together in the finest blocks with which nothing is left out, here or at the longest look.

        Where no blocks are long enough, those that leave out least: the longest.

        Args:
            review: whose look it is.
            judged: the judged revision.
            previous: the one to go back to.
            scraping: what the source said of itself.
            facts: what the cluster said of itself.
            failed: what was never answered.
        """
        answers = self._answers | {each.signal.name: self.frozen(each) for each in failed}
        answered = [answers[each.name] for each in review.spec.signals if each.name in answers]
        for index, look in enumerate(self._looks):
            signals = [each[index] for each in answered]
            known = None if look.window is None else _known_in(look.window, scraping)
            evidence = take(review, look, signals, judged, previous, known, facts)
            at_all = (bool(each[-1].series) for each in answered)
            whole = all(bool(kept.series) or not any_ for kept, any_ in zip(evidence.signals, at_all, strict=True))
            if whole and _at_the_longest(evidence, look.stretch) <= MOST_STORED:
                break
        return evidence


def fits(evidence: DriftSnapshotSpec, stretch: float) -> bool:
    """Whether nothing was left out for want of room, nor will be at a look that is so many times as long."""
    too_large = any(each.problem and each.problem.reason is Reason.ANSWER_TOO_LARGE for each in evidence.signals)
    return not too_large and _at_the_longest(evidence, stretch) <= MOST_STORED


def coarsened(spec: DriftReviewSpec, evidence: DriftSnapshotSpec) -> str:
    """That T0's blocks are longer than they would have been, and what follows; empty where they are not."""
    if evidence.window is None:
        return ""
    step, block = (parse_duration(each) for each in (evidence.window.step, evidence.window.block))
    usual = schedule.block_length(spec, step)
    if block <= usual:
        return ""
    needed = schedule.BLOCKS_PER_LOOK * block
    early = [name for name in spec.window.checkpoints if schedule.looked_at(spec, name) < needed]
    follows = (
        f"; {', '.join(early)} {'has' if len(early) == 1 else 'have'} fewer than {schedule.BLOCKS_PER_LOOK} of them,"
        " so that Level, Growth and Events signals cannot be judged there"
        if early
        else ""
    )
    return (
        f"in blocks of {format_duration(block)} instead of {format_duration(usual)}, as it would not have fitted into"
        f" one object{follows}"
    )


def _at_the_longest(evidence: DriftSnapshotSpec, stretch: float) -> float:
    """About how many bytes the review's longest look will have, in the same blocks."""
    series = (one for each in evidence.signals for one in each.series)
    texts = sum(len(text) for one in series for text in (one.values, one.control, one.per) if text is not None)
    return stored_size(evidence) + texts * (stretch - 1)


def _measured_in(window: Window, measurement: Measurement) -> Measurement:
    """The same of the end of its window: longer blocks may leave out a little of its beginning."""
    beside = measurement.companion
    companion = Companion(beside.query, _result_in(window, beside.result)) if beside else None
    return replace(measurement, result=_result_in(window, measurement.result), companion=companion)


def _result_in(window: Window, result: QueryResult) -> QueryResult:
    if not isinstance(result, Samples) or result.window == window:
        return result
    return Samples(window, tuple(replace(each, values=each.values[-window.points :]) for each in result.series))


def _known_in(window: Window, scraping: Scraping | None) -> Scraping | None:
    if scraping is None or scraping.alive is None:
        return scraping
    return replace(scraping, alive=scraping.alive[-window.points :])

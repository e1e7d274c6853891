"""What counts of a replay, and how often it came out one way or the other at many T0s."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from driftreview.api.reasons import Recommendation, SignalVerdict, Verdict
from driftreview.api.signal import Mode, Signal, Worse
from driftreview.domain.conclusion import concluded
from driftreview.domain.finding import Estimate, Measure
from driftreview.domain.replay import Replay
from driftreview.domain.result import SeriesResult, SignalResult, combine

COMPARED: Final = (Measure.SHARE, Measure.DIFFERENCE)
"""Measures of a step against the baseline, which a margin tolerates."""


@dataclass(frozen=True)
class SignalOutcome:
    """What was said of one signal, from T0 to the last checkpoint."""

    verdicts: tuple[Verdict, ...]
    """Of each checkpoint, did this signal alone count."""
    worst: Estimate | None = None
    """The worst that was called Degraded, where that was by an estimate."""
    affirmable: Estimate | None = None
    """The one at the last checkpoint whose unfavourable end is worst; None if any series had none."""
    missing: str = ""
    """Why it was Missing at the last checkpoint, if it was."""


@dataclass(frozen=True)
class Outcome:
    """What was said and recommended of one T0."""

    t0: datetime
    recommendation: Recommendation
    verdicts: tuple[Verdict, ...]
    signals: tuple[SignalOutcome, ...]
    """In the order of the review."""


@dataclass(frozen=True)
class Rates:
    """Of so many T0s, how many came out how."""

    t0s: int
    rolled_back: int
    """Recommended to REJECT."""
    held: int
    """Hold at any checkpoint."""
    inconclusive: int
    """Undecided after the last checkpoint."""
    promoted: int
    """Recommended to APPROVE."""

    @staticmethod
    def of(lives: Sequence[Sequence[Verdict]], checkpoints: int) -> Rates:
        """Count the verdicts of each T0 over its checkpoints."""
        found = [recommended(each, checkpoints) for each in lives]
        return Rates(
            len(lives),
            found.count(Recommendation.REJECT),
            sum(Verdict.HOLD in each for each in lives),
            found.count(Recommendation.INCONCLUSIVE),
            found.count(Recommendation.APPROVE),
        )


def outcome_of(replayed: Replay) -> Outcome:
    """Keep what counts: of thousands of T0s, the evidence would not fit."""
    results = [each.result for each in replayed.checkpoints if each.result is not None]
    signals = tuple(_of_signal(looks) for looks in zip(*(each.results for each in results), strict=True))
    return Outcome(replayed.t0, replayed.recommendation, tuple(each.verdict for each in results), signals)


def recommended(verdicts: Iterable[Verdict], checkpoints: int) -> Recommendation:
    """What a review of so many checkpoints recommends after these verdicts."""
    for number, verdict in enumerate(verdicts, start=1):
        if conclusion := concluded(verdict, last=number == checkpoints):
            return conclusion[0]
    return Recommendation.INCONCLUSIVE


def detected(outcomes: Sequence[Outcome], checkpoint: int) -> int:
    """At how many T0s a drift was found by the checkpoint of that index."""
    return sum(Verdict.DRIFT in each.verdicts[: checkpoint + 1] for each in outcomes)


def worse_by(signal: Signal, found: Estimate, *, at_most: bool = False) -> float:
    """How much worse an estimate is; or how much it may be at most, by the unfavourable end of its interval."""
    low, high = (found.lower, found.upper) if at_most else (found.estimate, found.estimate)
    return {Worse.HIGHER: high, Worse.LOWER: -low, Worse.EITHER: max(high, -low)}[signal.worse]


def _of_signal(looks: Sequence[SignalResult]) -> SignalOutcome:
    signal = looks[-1].signal
    counted = [_enforced(each).counts_as for each in looks]
    degraded = [
        each.finding.estimate
        for look in looks
        for each in look.series
        if each.finding.verdict is SignalVerdict.DEGRADED and each.finding.estimate is not None
    ]
    return SignalOutcome(
        tuple(combine([] if each is None else [each]) for each in counted),
        max(degraded, key=lambda each: worse_by(signal, each), default=None),
        _affirmable(signal, looks[-1].series),
        looks[-1].finding.message if looks[-1].finding.verdict is SignalVerdict.MISSING else "",
    )


def _affirmable(signal: Signal, series: Sequence[SeriesResult]) -> Estimate | None:
    found = [each.finding.estimate for each in series]
    compared = [each for each in found if each is not None and each.measure in COMPARED]
    if len(compared) < len(found):
        return None
    return max(compared, key=lambda each: worse_by(signal, each, at_most=True), default=None)


def _enforced(result: SignalResult) -> SignalResult:
    """As if it counted, were it only tried out."""
    return replace(result, signal=result.signal.model_copy(update={"mode": Mode.ENFORCE}))

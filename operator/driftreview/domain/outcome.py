"""What counts of a replay, and how often it came out one way or the other at many T0s."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from driftreview.api.act import ActType
from driftreview.api.driftreview import DriftReviewSpec
from driftreview.api.policy import OnDrift, PolicyMode
from driftreview.api.signal import Mode, Signal, Worse
from driftreview.api.verdicts import Recommendation, SignalVerdict, Verdict
from driftreview.domain.conclusion import act_for, concluded
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
    others: tuple[Verdict, ...] = ()
    """Of each checkpoint, did all signals but this one count; their share of the budget is what it was with it."""


@dataclass(frozen=True)
class Outcome:
    """What was said and recommended of one T0."""

    t0: datetime
    verdicts: tuple[Verdict, ...]
    signals: tuple[SignalOutcome, ...]
    """In the order of the review."""


@dataclass(frozen=True)
class Rates:
    """Of so many T0s, how many came out how."""

    t0s: int
    rolled_back: int
    """As `act` says."""
    held: int
    """Hold at any checkpoint."""
    inconclusive: int
    """Undecided after the last checkpoint, whatever is done about it."""
    promoted: int
    """As `act` says."""

    @staticmethod
    def of(spec: DriftReviewSpec, lives: Sequence[Sequence[Verdict]]) -> Rates:
        """Count the verdicts of each T0 over its checkpoints."""
        count = len(spec.window.checkpoints)
        acts = [act(spec, each) for each in lives]
        return Rates(
            len(lives),
            acts.count(ActType.ROLL_BACK),
            sum(Verdict.HOLD in each for each in lives),
            sum(recommended(each, count) is Recommendation.INCONCLUSIVE for each in lives),
            acts.count(ActType.PROMOTE),
        )


def outcome_of(replayed: Replay) -> Outcome:
    """Keep what counts: of thousands of T0s, the evidence would not fit."""
    results = [each.result for each in replayed.checkpoints if each.result is not None]
    signals = tuple(
        _of_signal(looks, [_others(each.results, index) for each in results])
        for index, looks in enumerate(zip(*(each.results for each in results), strict=True))
    )
    return Outcome(replayed.t0, tuple(each.verdict for each in results), signals)


def recommended(verdicts: Iterable[Verdict], checkpoints: int) -> Recommendation:
    """What a review of so many checkpoints recommends after these verdicts."""
    for number, verdict in enumerate(verdicts, start=1):
        if conclusion := concluded(verdict, last=number == checkpoints):
            return conclusion[0]
    return Recommendation.INCONCLUSIVE


def act(spec: DriftReviewSpec, verdicts: Sequence[Verdict]) -> ActType | None:
    """What is done after these verdicts, were the operator to act on each recommendation that the policy leaves to it.

    A review is tried on history before it may act, so `policy.mode` and `policy.onDrift` are taken for Enforce and
    Rollback: what is left to a person would have been a false alarm all the same. `policy.onInconclusive` counts.
    """
    acting = {"mode": PolicyMode.ENFORCE, "on_drift": OnDrift.ROLLBACK}
    count, recommendation = len(spec.window.checkpoints), recommended(verdicts, len(spec.window.checkpoints))
    if recommendation is Recommendation.INCONCLUSIVE and len(verdicts) < count:
        return None  # the data end before anything is decided
    return act_for(spec.policy.model_copy(update=acting), recommendation)


def detected(outcomes: Sequence[Outcome], checkpoint: int) -> int:
    """At how many T0s a drift was found by the checkpoint of that index."""
    return sum(Verdict.DRIFT in each.verdicts[: checkpoint + 1] for each in outcomes)


def worse_by(signal: Signal, found: Estimate, *, at_most: bool = False) -> float:
    """How much worse an estimate is; or how much it may be at most, by the unfavourable end of its interval."""
    low, high = (found.lower, found.upper) if at_most else (found.estimate, found.estimate)
    return {Worse.HIGHER: high, Worse.LOWER: -low, Worse.EITHER: max(high, -low)}[signal.worse]


def _of_signal(looks: Sequence[SignalResult], others: Sequence[Verdict]) -> SignalOutcome:
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
        tuple(others),
    )


def _others(results: Sequence[SignalResult], index: int) -> Verdict:
    counted = [each.counts_as for place, each in enumerate(results) if place != index]
    return combine([each for each in counted if each is not None])


def _affirmable(signal: Signal, series: Sequence[SeriesResult]) -> Estimate | None:
    found = [each.finding.estimate for each in series]
    compared = [each for each in found if each is not None and each.measure in COMPARED]
    if len(compared) < len(found):
        return None
    return max(compared, key=lambda each: worse_by(signal, each, at_most=True), default=None)


def _enforced(result: SignalResult) -> SignalResult:
    """As if it counted, were it only tried out."""
    return replace(result, signal=result.signal.model_copy(update={"mode": Mode.ENFORCE}))

"""What the numbers of a sweep suggest where the budget is not met, or too little is decided."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from driftreview.api.base import format_time
from driftreview.api.driftreview import BaselineFrom, DriftReviewSpec
from driftreview.api.policy import OnInconclusive
from driftreview.api.signal import Kind, Mode, Signal
from driftreview.api.values import format_duration, parse_duration, parse_percent
from driftreview.api.verdicts import Recommendation, Verdict
from driftreview.domain.bursts import span_of
from driftreview.domain.counted import FEWEST
from driftreview.domain.display import number, quantity, shorten
from driftreview.domain.finding import Estimate, Measure
from driftreview.domain.outcome import Outcome, Rates, recommended, worse_by

MANY: Final = 0.2
"""A larger share of undecided T0s is worth a word, and what would have left no more of them undecided."""
LENGTHS: Final = ("1d", "7d", "14d", "28d")
"""Of a baseline, worth trying: a day, a week, and two, which show the days of the week."""
_WEEK: Final = timedelta(days=7)
_ROLLED_BACK: Final = "rolled back"
_UNDECIDED: Final = "undecided"
_LONGEST_REASON: Final = 200


def over_budget(spec: DriftReviewSpec, rates: Rates) -> bool:
    """Whether more was rolled back than the policy's budget for false alarms."""
    return rates.rolled_back > parse_percent(spec.policy.false_alarm_budget) * rates.t0s


def undecided(rates: Rates) -> bool:
    """Whether many came out undecided."""
    return rates.inconclusive > MANY * rates.t0s


def advice(spec: DriftReviewSpec, outcomes: Sequence[Outcome], data: timedelta) -> Iterator[str]:
    """Suggest what would have come out better at these very T0s, signal by signal.

    Args:
        spec: the review.
        outcomes: of every T0, without a fault.
        data: how long a time was recorded.
    """
    rates = Rates.of(spec, [each.verdicts for each in outcomes])
    enforced = [index for index, each in enumerate(spec.signals) if _counts(each)]
    if over_budget(spec, rates):
        for index in enforced:
            yield from _of_false_alarms(spec, outcomes, index)
    if _doubtful(spec, rates):
        for index in enforced:
            yield from _of_doubt(spec, outcomes, index)
    if over_budget(spec, rates) or undecided(rates):
        yield from _of_baseline(spec, data)


def _counts(signal: Signal) -> bool:
    return signal.mode is Mode.ENFORCE and signal.kind is not Kind.INFO


def _doubtful(spec: DriftReviewSpec, rates: Rates) -> bool:
    """Whether many came out undecided; where the policy rolls them back, more than its budget are many."""
    rolls_back = spec.policy.on_inconclusive is OnInconclusive.ROLLBACK
    let_pass = min(MANY, parse_percent(spec.policy.false_alarm_budget)) if rolls_back else MANY
    return rates.inconclusive > let_pass * rates.t0s


def _of_false_alarms(spec: DriftReviewSpec, outcomes: Sequence[Outcome], index: int) -> Iterator[str]:
    signal = spec.signals[index]
    drifts = [each for each in outcomes if Verdict.DRIFT in each.signals[index].verdicts]
    if not drifts:
        return
    sole = sum(Verdict.DRIFT not in each.signals[index].others for each in drifts)
    alone = f"alone at {sole} of them" if sole else "each time beside another signal"
    if sole == len(drifts):
        alone = "each time alone"
    worst = [each.signals[index].worst for each in drifts]
    known = [each for each in worst if each is not None]
    said = f"{signal.name}: Degraded at {len(drifts)} of {len(outcomes)} T0s, {alone}"
    largest = max(known, key=lambda each: worse_by(signal, each), default=None)
    way = _way_out(signal, largest) if largest is not None and len(known) == len(worst) else ""
    yield f"{said}{way}{_in_shadow(spec, outcomes, index, _ROLLED_BACK)}"


def _way_out(signal: Signal, largest: Estimate) -> str:
    shown = _shown(signal, largest.measure, worse_by(signal, largest))
    match largest.measure:
        case Measure.SHARE | Measure.DIFFERENCE:
            return f"; it was worse by up to {shown} by itself, which a margin of as much tolerates"
        case Measure.VALUE:
            limit = _shown(signal, largest.measure, largest.margin)
            reached = _shown(signal, largest.measure, largest.estimate)
            return f"; it reached {reached} by itself, beyond limits.alert {limit}"
        case Measure.PER_HOUR:
            return f"; it grew by up to {shown} an hour by itself: limits.perHour must be above that"


def _in_shadow(spec: DriftReviewSpec, outcomes: Sequence[Outcome], index: int, what: str) -> str:
    """How many T0s `mode: Shadow` would leave as they should not be; nothing where it would leave nothing to judge."""
    if not any(_counts(each) for place, each in enumerate(spec.signals) if place != index):
        return ""
    lives = [each.verdicts for each in outcomes], [each.signals[index].others for each in outcomes]
    rates = [Rates.of(spec, each) for each in lives]
    before, after = (each.rolled_back if what == _ROLLED_BACK else each.inconclusive for each in rates)
    if before == after:
        return f"; mode: Shadow alone would leave as many {what}"
    return f"; with mode: Shadow {after} T0s instead of {before} would be {what}"


def _of_doubt(spec: DriftReviewSpec, outcomes: Sequence[Outcome], index: int) -> Iterator[str]:
    signal, count, last = spec.signals[index], len(spec.window.checkpoints), spec.window.checkpoints[-1]
    lives = [each.signals[index].verdicts for each in outcomes]
    rates = Rates.of(spec, lives)
    if not _doubtful(spec, rates):
        return
    shadow = _in_shadow(spec, outcomes, index, _UNDECIDED)
    said = f"{signal.name}: undecided at {rates.inconclusive} of {len(outcomes)} T0s"
    open_at = [
        each
        for each, life in zip(outcomes, lives, strict=True)
        if recommended(life, count) is Recommendation.INCONCLUSIVE
    ]
    missing = [each for each in open_at if each.signals[index].missing]
    if 2 * len(missing) > len(open_at):
        first = missing[0]
        why = shorten(first.signals[index].missing, _LONGEST_REASON)
        yield f"{said}, Missing at {len(missing)} of them; at {format_time(first.t0)}: {why}"
        return
    if signal.kind is Kind.EVENTS and signal.margin is not None:
        yield f"{said}; {_of_rare(signal, outcomes, index, last)}{shadow}"
        return
    found = [each.signals[index].affirmable for each in outcomes]
    measures = {each.measure for each in found if each is not None}
    enough = _enough([math.inf if each is None else worse_by(signal, each, at_most=True) for each in found])
    if signal.kind is not Kind.LEVEL or len(measures) != 1 or not math.isfinite(enough):
        yield f"{said}; --t0 {format_time(open_at[0].t0)} says why{shadow}"
        return
    (measure,) = measures
    share = f"{1 - MANY:.0%}"
    yield (
        f"{said}; at {share} of all T0s a margin of {_shown(signal, measure, enough)} would have been affirmed at the "
        f"last look{shadow}"
    )


def _of_rare(signal: Signal, outcomes: Sequence[Outcome], index: int, last: str) -> str:
    """How many events more, in one `for`, most T0s would have affirmed at the last look; three in all pass."""
    spans = parse_duration(last) / span_of(signal)
    enough = max(_enough([_more_in_for(signal, each.signals[index].affirmable) for each in outcomes]), FEWEST / spans)
    if math.isfinite(enough):
        margin = _shown(signal, Measure.DIFFERENCE, enough)
        events = f"{number(enough * spans)} events in {last}"
        return f"at {1 - MANY:.0%} of all T0s a margin.absolute of {margin} ({events}) would have been affirmed"
    least = _shown(signal, Measure.DIFFERENCE, FEWEST / spans)
    return f"rare events want a margin.absolute above {least} ({FEWEST:g} events in {last} are let through anyway)"


def _more_in_for(signal: Signal, found: Estimate | None) -> float:
    """How many more of them, in one `for`, there may have been at most."""
    if found is None:
        return math.inf
    unit = found.baseline or 0.0 if found.measure is Measure.SHARE else 1.0
    return worse_by(signal, found, at_most=True) * unit


def _enough(ends: Sequence[float]) -> float:
    """What all but MANY do not exceed."""
    return sorted(ends)[max(math.ceil((1 - MANY) * len(ends)) - 1, 0)]


def _of_baseline(spec: DriftReviewSpec, data: timedelta) -> Iterator[str]:
    if spec.baseline.from_ is not BaselineFrom.HISTORY:
        return
    length = parse_duration(spec.baseline.length)
    others = parse_duration(spec.window.warmup) + parse_duration(spec.window.checkpoints[-1])
    longer = next((each for each in LENGTHS if length < parse_duration(each)), None)
    if longer is None:
        return
    needed = parse_duration(longer) + others
    if needed <= data:
        yield f"baseline.length is {spec.baseline.length}, the data have room for {longer}: sweep again with that"
    elif length < _WEEK:
        yield (
            f"baseline.length is {spec.baseline.length}, which has not seen a whole week: with {longer} a sweep needs "
            f"{format_duration(needed)} of data and more, here are {format_duration(data)}"
        )


def _shown(signal: Signal, measure: Measure, value: float) -> str:
    """A number, rounded up: a margin of what was read here must be enough."""
    size = 10.0 ** (2 - math.floor(math.log10(abs(value)))) if value else 1.0
    above = math.ceil(value * size) / size
    return f"{number(100 * above)}%" if measure is Measure.SHARE else quantity(above, signal.unit)

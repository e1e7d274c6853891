"""Judged by limits only: when there is nothing sound to compare a release with, and what then counts of its signals.

Nothing ran before it, or what ran was ill already when it was released. Either is told from the frozen T0 and frozen
with it; from then on margins are left aside for the whole review. A limit that was broken before T0 is excused as ever
(`before`, `ended`): the release is not rolled back for what it did not do. Nor is it promoted as if it were well: what
was beyond `limits.baseline` has to come back within it, and an alert from before it has to end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from driftreview.api.alerts import AlertFact
from driftreview.api.base import format_time
from driftreview.api.driftreview import BaselineFrom, DriftReviewSpec
from driftreview.api.driftsnapshot import MAX_LIMITS_ONLY, DriftSnapshotSpec
from driftreview.api.reasons import Reason
from driftreview.api.signal import Kind, Mode, Signal
from driftreview.api.values import parse_quantity
from driftreview.api.verdicts import CheckVerdict, SignalVerdict
from driftreview.domain import alerts
from driftreview.domain.before import ends_in, silent_since
from driftreview.domain.checks import CheckResult
from driftreview.domain.display import quantity, shorten, some
from driftreview.domain.ended import ends_beyond
from driftreview.domain.evidence import seal
from driftreview.domain.finding import FEWEST_BLOCKS, Finding, Side
from driftreview.domain.margins import alert_of
from driftreview.domain.measured import Case
from driftreview.domain.observed import Observed, about, observed
from driftreview.domain.rules import beyond_limit, is_over, record, sign_of
from driftreview.domain.statistics import middle

FIRST: Final = "nothing of the target ran before this release"
_ILL: Final = "something was amiss already when it was released"
_BY: Final = "by limits only"
_THROUGHOUT: Final = 0.9
"""Share of the time since it began that an alert must have fired, to be one and the same."""
_BY_THEMSELVES: Final = (Kind.LIMIT, Kind.PRESENCE)
"""Kinds that are judged without a baseline."""


def frozen_with(spec: DriftReviewSpec, at_t0: DriftSnapshotSpec, *, is_first: bool) -> DriftSnapshotSpec:
    """The T0 evidence with why the review is judged by limits only, if it is: sealed with it, so that it stays so."""
    why = limits_only(spec, at_t0, is_first=is_first)
    return at_t0 if why is None else seal(at_t0.model_copy(update={"limits_only": why}))


def limits_only(spec: DriftReviewSpec, at_t0: DriftSnapshotSpec, *, is_first: bool) -> str | None:
    """Why a review is judged by limits only, in a sentence; None if it is not.

    Only what a History baseline shows was there before the release.

    Args:
        spec: what is declared.
        at_t0: the T0 evidence.
        is_first: whether nothing of the target ran before the release.
    """
    if spec.baseline.from_ is not BaselineFrom.HISTORY or at_t0.window is None:
        return None
    if is_first:
        return FIRST
    ill = [*_ill_signals(observed(spec.signals, at_t0)), *map(_fires, _old_alerts(spec, at_t0))]
    return shorten(f"{_ILL}: {'; '.join(ill)}", MAX_LIMITS_ONLY) if ill else None


def _ill_signals(found: Mapping[str, Observed]) -> Iterator[str]:
    """Of each enforced signal that broke a limit of its own when its baseline ended the first series, and how."""
    for each in found.values():
        if each.signal.mode is Mode.ENFORCE:
            ill = ((key, _ill(each, key, side)) for key, side in each.sides.items())
            yield from [about(each.signal, key, how) for key, how in ill if how][:1]


def _ill(each: Observed, key: str, side: Side) -> str:
    """How a series is beyond a limit at T0, in words; of what had fallen silent by then nobody knows."""
    signal, alert, usable = each.signal, alert_of(each.signal), each.baseline(key)
    if silent_since(each, key) is not None:
        return ""
    if signal.kind is Kind.LIMIT:
        return beyond_limit(signal, side) if ends_in(side.over) else ""
    if isinstance(usable, Side) and is_over(signal, usable):
        return _beyond_baseline_limit(signal, usable)
    ends = () if alert is None else ends_beyond(side, alert, sign_of(signal))
    lately = next((end for end in ends if end.blocks == FEWEST_BLOCKS), None)
    if alert is None or lately is None:
        return ""
    return f"{quantity(lately.level, signal.unit)} at its end, limit {quantity(alert, signal.unit)}"


def _beyond_baseline_limit(signal: Signal, side: Side) -> str:
    limit = signal.limits.baseline if signal.limits and signal.limits.baseline else "0"
    level, most = (quantity(value, signal.unit) for value in (middle(side.present), parse_quantity(limit)))
    return f"{level} is beyond limits.baseline {most}"


def _old_alerts(spec: DriftReviewSpec, at_t0: DriftSnapshotSpec) -> list[AlertFact]:
    """Grave alerts that fired throughout from before the rollout until T0."""
    facts = at_t0.facts.alerts if at_t0.facts else None
    if spec.alerts is None or spec.alerts.mode is not Mode.ENFORCE or facts is None or at_t0.window is None:
        return []
    began = at_t0.window.end
    return [
        each
        for each in facts.fired
        if each.severity in alerts.GRAVE
        and each.firing
        and each.since < began
        and each.seconds >= _THROUGHOUT * (each.until - each.since).total_seconds()
    ]


def _fires(alert: AlertFact) -> str:
    return f"the alert {alert.name} ({alert.severity}) fires since {format_time(alert.since)}"


def has_limit(signal: Signal) -> bool:
    """Whether a signal can be judged without anything to compare it with."""
    limits = signal.limits
    return signal.kind in _BY_THEMSELVES or (limits is not None and (limits.alert or limits.per_hour) is not None)


def comes_to_nothing(spec: DriftReviewSpec) -> str:
    """That nothing that counts has a limit, and what to add; empty where something has."""
    counted = [each for each in spec.signals if each.mode is Mode.ENFORCE and each.kind is not Kind.INFO]
    numbers = any(each.mode is Mode.ENFORCE for each in spec.evidence)
    if numbers or any(has_limit(each) for each in counted):
        return ""
    return (
        "no enforced signal has a limit, so that every look will be Inconclusive: give limits.alert to one of "
        f"{some([each.name for each in counted])}, or add a signal of kind Limit or Presence; once T0 is taken, in a "
        "new review"
    )


def unjudged(spec: DriftReviewSpec) -> list[str]:
    """Where the enforced signals stand that have no limit: where limits alone count, nothing is said by them."""
    return [
        f"{spec.place(index)} ({each.name})"
        for index, each in enumerate(spec.signals)
        if each.mode is Mode.ENFORCE and each.kind is not Kind.INFO and not has_limit(each)
    ]


def foretold(spec: DriftReviewSpec, why: str) -> str:
    """That a review is judged by limits only, why, and that it can come to nothing if it can."""
    return "; ".join(each for each in (f"judged {_BY}: {why}", comes_to_nothing(spec)) if each)


def without_margins(spec: DriftReviewSpec, at_t0: DriftSnapshotSpec) -> DriftReviewSpec:
    """A spec as it is judged: without what compares, where limits alone count."""
    if at_t0.limits_only is None:
        return spec
    none = {"margin": None, "covariate": None}
    return spec.model_copy(update={"signals": [each.model_copy(update=none) for each in spec.signals]})


def by_limits(
    signal: Signal, baseline: Side | str, now: Side, found: Finding | tuple[Case, ...]
) -> Finding | tuple[Case, ...]:
    """What is found of a series, or still to be measured, as it counts where limits alone do.

    Args:
        signal: without what compares.
        baseline: of the series; a text where there is none.
        now: the window.
        found: what is found of it with nothing but limits declared.
    """
    was_over = isinstance(baseline, Side) and is_over(signal, baseline)
    if not has_limit(signal) and not was_over and signal.kind is not Kind.INFO:
        seen = record(signal, now)
        return replace(seen, message=f"{seen.message}; recorded only, as it has no limit to be judged by")
    return found if isinstance(found, Finding) else tuple(_uncompared(each, now) for each in found)


def _uncompared(case: Case, now: Side) -> Case:
    """A series that needs no baseline: but one that was beyond `limits.baseline` must come back within it."""
    if case.lacking is None or case.lacking.reason is not Reason.BASELINE_OVER_LIMIT:
        return replace(case, lacking=None)
    if is_over(case.signal, now):
        message = f"{_beyond_baseline_limit(case.signal, now)}, as its baseline was: {case.lacking.baseline}"
        return replace(case, lacking=replace(case.lacking, verdict=SignalVerdict.SUSPECT, message=message))
    if has_limit(case.signal):
        return replace(case, lacking=None)
    message = f"within limits.baseline again, unlike its baseline: {case.lacking.baseline}; it has no limit to pass by"
    return replace(case, lacking=replace(case.lacking, verdict=SignalVerdict.RECORDED, message=message))


def held_by_old_alerts(
    spec: DriftReviewSpec, at_t0: DriftSnapshotSpec, current: DriftSnapshotSpec, checks: Sequence[CheckResult]
) -> tuple[CheckResult, ...]:
    """The checks of a look: that no alert is new says nothing good while one from before the release goes on."""
    now = current.facts.alerts if current.facts else None
    firing = {each.name for each in now.fired if each.firing} if now else set()
    old = [each for each in _old_alerts(spec, at_t0) if each.name in firing] if at_t0.limits_only else []
    if not old:
        return tuple(checks)
    said = some([_fires(each) for each in old])
    return tuple(
        replace(each, verdict=CheckVerdict.BROKEN, message=f"{said}, before the release, and still; {each.message}")
        if (each.section, each.name, each.verdict) == (alerts.SECTION, alerts.NEW, CheckVerdict.HELD)
        else each
        for each in checks
    )


def said_of(why: str | None, message: str) -> str:
    """The sentence of a look, which begins with how it was judged where that is by limits only, and ends with why."""
    return message if why is None else f"{_BY}: {message}; {why}"

"""What is wrong with a spec that the schema and CEL cannot see: quantities, the source's resolution, sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

from driftreview.api.driftreview import BaselineFrom, DriftReviewSpec
from driftreview.api.driftsnapshot import MAX_VALUES, Problem
from driftreview.api.policy import PolicyMode
from driftreview.api.reasons import Reason
from driftreview.api.signal import Kind, Limits, Mode, Signal, Worse
from driftreview.api.values import format_duration, parse_duration, parse_quantity
from driftreview.domain import schedule
from driftreview.domain.alerts import contradictory_alerts
from driftreview.domain.display import near
from driftreview.domain.evidence import BYTES_PER_BLOCK, BYTES_PER_SERIES, MAX_BYTES
from driftreview.domain.flags import contradictory_flags
from driftreview.domain.freeze import unreadable_freezes
from driftreview.domain.rules import is_compared

MOST_SAMPLES: Final = 700_000
"""Of one series in one look: 7 days at one second, 28 days at four."""
LEAST_SILENCE: Final = 2
"""Steps of silence that a Presence signal must allow: that long a sample may be late, as after a restart."""
_COVARIATES: Final = frozenset({Kind.LEVEL, Kind.INFO})
_BLOCKS: Final = "a block is a sixth of the first checkpoint, at most 10m"
_LONGEST_BLOCKS: Final = "the longest of which six fit into the last checkpoint and into the baseline"


def contradictions(spec: DriftReviewSpec, *, whole: bool = True) -> Iterator[Problem]:
    """Say what in a spec could never work, or would silently be ignored.

    Args:
        spec: with the signals of its sets.
        whole: all of them are there; else what they could mend is not said.
    """
    yield from contradictory_flags(spec)
    yield from contradictory_alerts(spec)
    yield from unreadable_freezes(spec.policy.freezes)
    if spec.signal_set_refs:
        yield from _of_sets(spec, whole=whole)
    declared = spec.baseline.from_ is BaselineFrom.DECLARED
    for index, signal in enumerate(spec.signals):
        if (
            declared
            and signal.kind in {Kind.LEVEL, Kind.EVENTS}
            and (signal.margin or (signal.limits and signal.limits.baseline))
        ):
            text = (
                f"{spec.place(index)} (signal {signal.name}): with baseline.from: Declared nothing is measured at T0 "
                "that margin or limits.baseline could be held against; leave them out"
            )
            yield Problem(reason=Reason.INVALID_SPEC, message=text)
        for field, message in (
            *_of_signal(signal, signal.limits or Limits()),
            *_of_covariate(signal, spec.signals, whole=whole),
            *_of_companion(signal),
        ):
            text = f"{spec.place(index)}.{field} (signal {signal.name}): {message}"
            yield Problem(reason=Reason.INVALID_SPEC, message=text)


def _of_sets(spec: DriftReviewSpec, *, whole: bool) -> Iterator[Problem]:
    """What the API server says of a review's own signals, where some of them are in sets."""
    counts = any(signal.mode is Mode.ENFORCE and signal.kind is not Kind.INFO for signal in spec.signals)
    numbers = spec.policy.mode is not PolicyMode.ENFORCE and any(each.mode is Mode.ENFORCE for each in spec.evidence)
    if whole and not (counts or numbers):
        text = (
            "spec.signalSetRefs: of all signals, those of the sets included, at least one must have mode Enforce and a "
            "kind other than Info, or nothing could ever fail: add one"
        )
        yield Problem(reason=Reason.INVALID_SPEC, message=text)
    for index, signal in enumerate(spec.signals):
        without = signal.limits is None or signal.limits.alert is None
        if spec.baseline.from_ is BaselineFrom.DECLARED and signal.kind in {Kind.LEVEL, Kind.EVENTS} and without:
            text = (
                f"{spec.place(index)} (signal {signal.name}): with baseline.from: Declared there is nothing to compare "
                "with: every Level or Events signal needs limits.alert"
            )
            yield Problem(reason=Reason.INVALID_SPEC, message=text)


def _of_signal(signal: Signal, limits: Limits) -> Iterator[tuple[str, str]]:
    if signal.kind is Kind.INFO and (limits.alert is not None or limits.baseline is not None):
        yield "limits", "kind Info knows no limits.alert or limits.baseline; leave them out"
    if signal.kind in {Kind.GROWTH, Kind.EVENTS, Kind.LIMIT} and limits.baseline is not None:
        yield "limits.baseline", f"kind {signal.kind} has no limit for its baseline; leave it out"
    if limits.alert is not None and limits.baseline is not None:
        sign = -1 if signal.worse is Worse.LOWER else 1
        if sign * (parse_quantity(limits.baseline) - parse_quantity(limits.alert)) > 0:
            reach = f"a baseline may reach {limits.baseline} but beyond {limits.alert} is Degraded"
            yield "limits", f"{reach}: limits.baseline must not lie beyond limits.alert"


def _of_companion(signal: Signal) -> Iterator[tuple[str, str]]:
    for field, query in (("control", signal.control), ("per", signal.per)):
        if query is not None and " ".join(query.split()) == " ".join(signal.query.split()):
            yield field, "is the signal's own query, so that their quotient is always 1; ask about something else"


def _of_covariate(signal: Signal, signals: Sequence[Signal], *, whole: bool) -> Iterator[tuple[str, str]]:
    if signal.covariate is None:
        return
    other = next((each for each in signals if each.name == signal.covariate), None)
    if other is None and not whole:
        return
    if other is None or other is signal:
        names = [each.name for each in signals if each is not signal and each.kind in _COVARIATES]
        meant = near(signal.covariate, names) if other is None else ""
        yield "covariate", f"{signal.covariate} must be the name of another signal of the review{meant}"
    elif other.kind not in _COVARIATES:
        yield "covariate", f"{other.name} is of kind {other.kind}; a covariate must be of kind Level or Info"
    elif other.each not in {None, signal.each}:
        own = f"`each` is {signal.each}" if signal.each else "there is no `each`"
        yield "covariate", f"{other.name} has a series for each {other.each}, here {own}: aggregate it, or set the same"


def too_fine(spec: DriftReviewSpec, step: timedelta) -> Iterator[Problem]:
    """Say which stretch of time is too short for the source's resolution."""
    first, length = parse_duration(spec.window.checkpoints[0]), parse_duration(spec.baseline.length)
    resolution = f"the source's resolution, {format_duration(step)}"
    field, longest = _longest_look(spec)
    if longest // step > MOST_SAMPLES:
        message = (
            f"{field}: {format_duration(longest)} are {longest // step} samples for each series at {resolution}; "
            f"{MOST_SAMPLES} can be asked for: make it shorter, or use a source with a coarser resolution"
        )
        yield Problem(reason=Reason.INVALID_SPEC, message=message)
    for index, signal in enumerate(spec.signals):
        if signal.kind is Kind.EVENTS and parse_duration(signal.for_ or "0s") < step:
            message = (
                f"{spec.place(index)}.for (signal {signal.name}): {signal.for_} is shorter than {resolution}: "
                "events in between would not be counted; count over a longer `for`, in the query as well"
            )
            yield Problem(reason=Reason.INVALID_SPEC, message=message)
    least = schedule.BLOCKS_PER_LOOK * step
    in_blocks = any(
        signal.kind in {Kind.LEVEL, Kind.GROWTH} or (signal.kind is Kind.EVENTS and is_compared(signal))
        for signal in spec.signals
    )
    if first < (least if in_blocks else step):
        needed = (
            f"must be at least {format_duration(least)}, {schedule.BLOCKS_PER_LOOK} times"
            if in_blocks
            else "is shorter than"
        )
        message = f"spec.window.checkpoints[0]: {format_duration(first)} {needed} {resolution}"
        yield Problem(reason=Reason.INVALID_SPEC, message=message)
    for index, signal in enumerate(spec.signals):
        if signal.kind is Kind.PRESENCE and parse_duration(signal.for_ or "0s") < LEAST_SILENCE * step:
            silence = f"{format_duration(LEAST_SILENCE * step)}, {LEAST_SILENCE} times {resolution}"
            message = (
                f"{spec.place(index)}.for (signal {signal.name}): {signal.for_ or '0s'} must be at least {silence}: "
                "a late scrape is no silence"
            )
            yield Problem(reason=Reason.INVALID_SPEC, message=message)
    enough = schedule.BLOCKS_PER_LOOK * schedule.block_length(spec, step)
    compared = any(signal.kind in {Kind.LEVEL, Kind.EVENTS} and is_compared(signal) for signal in spec.signals)
    if spec.baseline.from_ is BaselineFrom.HISTORY and compared and length < enough:
        message = (
            f"spec.baseline.length: {format_duration(length)} must be at least {format_duration(enough)}, "
            f"{schedule.BLOCKS_PER_LOOK} blocks ({_BLOCKS})"
        )
        yield Problem(reason=Reason.INVALID_SPEC, message=message)
    if spec.baseline.from_ is BaselineFrom.SNAPSHOT and min(length, first - length) < least:
        message = (
            f"spec.baseline.length: with from: Snapshot the baseline ({format_duration(length)}) and what the first "
            f"checkpoint has after it ({format_duration(first - length)}) must each be {format_duration(least)}, "
            f"{schedule.BLOCKS_PER_LOOK} times {resolution}: raise spec.window.checkpoints[0] or the length"
        )
        yield Problem(reason=Reason.INVALID_SPEC, message=message)


def too_large(spec: DriftReviewSpec, step: timedelta, series: Mapping[str, int]) -> Iterator[Problem]:
    """Refuse early the evidence that could not be stored later.

    Args:
        spec: what is to be measured.
        step: the source's resolution.
        series: how many series each signal was seen to have, by its name; one where nothing was seen.
    """
    block = schedule.block_lengths(spec, step)[-1]
    field, longest = _longest_look(spec)
    size = longest // block * BYTES_PER_BLOCK
    span = f"{format_duration(longest)} in blocks of {format_duration(block)}"
    if size > MAX_VALUES:
        message = (
            f"{field}: {span} make about {size // 1000} kB for each series, {MAX_VALUES // 1000} kB can be stored: "
            f"make it shorter, or the last of spec.window.checkpoints later (such blocks are {_LONGEST_BLOCKS})"
        )
        yield Problem(reason=Reason.INVALID_SPEC, message=message)
        return
    each = {signal.name: 1 if signal.companion is None else 2 for signal in spec.signals}
    counts = {name: rows * max(1, series.get(name, 1)) for name, rows in each.items()}
    total = (size + BYTES_PER_SERIES) * sum(counts.values())
    if total > MAX_BYTES:
        most = max(counts, key=lambda name: counts[name])
        beside = ", those of control and per included," if any(rows > 1 for rows in each.values()) else ""
        fewer = f"fewer series ({most} has {counts[most]}), " if counts[most] > 1 else ""
        message = (
            f"spec.signals: {len(counts)} signals with {sum(counts.values())} series{beside} over {span} make about "
            f"{total // 1000} kB of evidence, {MAX_BYTES // 1000} kB can be stored: use fewer signals, {fewer}"
            f"or a shorter {field} (such blocks are {_LONGEST_BLOCKS})"
        )
        yield Problem(reason=Reason.INVALID_SPEC, message=message)


def _longest_look(spec: DriftReviewSpec) -> tuple[str, timedelta]:
    """The field that sets the longest window, and how long that is."""
    last, length = parse_duration(spec.window.checkpoints[-1]), parse_duration(spec.baseline.length)
    looks = {BaselineFrom.HISTORY: last, BaselineFrom.SNAPSHOT: last - length, BaselineFrom.DECLARED: last}
    look = looks[spec.baseline.from_]
    if spec.baseline.from_ is not BaselineFrom.DECLARED and length >= look:
        return "spec.baseline.length", length
    return f"spec.window.checkpoints[{len(spec.window.checkpoints) - 1}]", look

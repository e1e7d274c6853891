"""From the options of `driftreview replay` to what is printed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from driftreview.adapters.recording import RecordingError
from driftreview.api.base import format_time
from driftreview.api.driftreview import BaselineFrom, DriftReview
from driftreview.api.signal import Kind, Signal
from driftreview.api.values import format_duration
from driftreview.api.verdicts import Recommendation
from driftreview.cli import document, table
from driftreview.cli.printing import say, say_json, warn
from driftreview.cli.progress import progress
from driftreview.cli.readings import Given, Reading, read
from driftreview.cli.reviewfile import read_review
from driftreview.cli.usage import UsageError
from driftreview.cli.workers import judged
from driftreview.domain.advice import over_budget, undecided
from driftreview.domain.expected import measured_only
from driftreview.domain.fault import Change, Fault
from driftreview.domain.history import BYTES_PER_POINT, History, coarsest, oversized, recorded_as, span
from driftreview.domain.outcome import Outcome, Rates, outcome_of
from driftreview.domain.replay import Past, history_end, windows
from driftreview.domain.selector import matches
from driftreview.domain.sweep import Study, admissible
from driftreview.domain.validate import too_fine, too_large

EXIT: Final = {Recommendation.APPROVE: 0, Recommendation.REJECT: 10, Recommendation.INCONCLUSIVE: 11}
"""What the process ends with."""
MOST_JUDGED: Final = 20_000
"""T0s of a sweep, each without a fault and with: hours on two cores."""
_TRIED: Final = 1_000
"""T0s, to say where there are some."""
MOST_BYTES: Final = 2 * 2**30
"""Of the grids in all processes together, unless --jobs says how many there are."""
COPIES: Final = 3
"""Of a grid, in a process that it is handed over to: as it is sent, as it is read, and what comes of it."""


@dataclass(frozen=True)
class Request:
    """The options."""

    files: tuple[Path, ...]
    name: str | None
    given: Given
    t0: datetime | None
    history_ends_at: datetime | None
    sweep: timedelta | None
    since: datetime | None
    until: datetime | None
    faults: tuple[str, ...]
    resolution: timedelta | None
    jobs: int | None
    as_json: bool


def run(request: Request) -> int:
    """Judge, print, and say what to end with.

    Raises:
        UsageError: options that do not go together.
        ReviewFileError: the review cannot be read, or never be judged.
        RecordingError: the data cannot be read, or not be judged by this review.
    """
    review = read_review(request.files, request.name)
    t0 = _t0(request, review)
    t0s = (t0, t0) if t0 else (request.since, request.until)
    reading = read(review, request.given, t0s, request.history_ends_at, request.resolution)
    try:
        first, last = span(reading.recording)
    except ValueError:
        hint = "; check --var namespace=… and pods=…, and the time" if reading.queries else ""
        raise RecordingError(f"{reading.label}: holds no sample of any signal{hint}") from None
    warn(*reading.told(review))
    usual, widest = coarsest(reading.recording)
    step = request.resolution or usual
    problems = [*too_fine(review.spec, step), *too_large(review.spec, step, _counts(reading))]
    if problems:
        whence = [] if request.resolution or not widest else [_of_whence(reading, widest, step)]
        raise RecordingError(*(each.message for each in problems), *whence)
    if request.resolution and request.resolution < usual and widest:
        warn(
            f"{reading.label}: --resolution {format_duration(step)} is finer than the usual distance of the samples of "
            f"{widest}, {format_duration(usual)}: what lies between them counts as missing"
        )
    faults = tuple(_fault(text, review, reading) for text in request.faults)
    _refuse_too_many(reading, last - first, step)
    past = Past(History.of(reading.recording, step, reading.places), reading.queries, reading.label)
    names = {name for each in review.spec.signals for name in recorded_as(each).values() if _is_faulty(each, faults)}
    needed = {name: reading.recording.get(name, ()) for name in names}
    study = Study(review, past, needed, faults)
    if request.sweep is not None:
        return _sweep(study, request, request.sweep)
    if t0 is None or not first <= t0 <= last:
        said = f"--t0: {t0 and format_time(t0)} lies outside of the data: {format_time(first)} to {format_time(last)}"
        raise UsageError(said, *(_of_beginning(study, t0, None) if t0 and t0 < first else ()))
    warn(*_of_beginning(study, t0, request.history_ends_at))
    return _one(study, request, t0)


def _t0(request: Request, review: DriftReview) -> datetime | None:
    """The one T0; None for a sweep."""
    if request.sweep is None:
        if request.since or request.until:
            raise UsageError("--since and --until bound the T0s of --sweep; for one T0 use --t0")
        t0 = request.t0 or review.spec.window.t0
        if t0 is None:
            raise UsageError("say with --t0 when the release was, or with --sweep 6h to judge every T0 there is")
        _refuse_history_end(request, review, t0)
        return t0
    if request.t0 is not None or request.history_ends_at is not None:
        raise UsageError("--sweep chooses T0s by itself: leave out --t0 and --history-ends-at")
    if request.since and request.until and request.since > request.until:
        since, until = format_time(request.since), format_time(request.until)
        raise UsageError(f"--since {since} is later than --until {until}, and no T0 lies between: are they swapped?")
    return None


def _refuse_history_end(request: Request, review: DriftReview, t0: datetime) -> None:
    """A baseline that would reach into what is judged ends a warm-up before T0 all the same: said, not done quietly."""
    ends, latest = request.history_ends_at, history_end(review.spec, t0)
    if ends is None:
        return
    if review.spec.baseline.from_ is not BaselineFrom.HISTORY:
        raise UsageError(f"--history-ends-at is for baseline.from History, found {review.spec.baseline.from_}")
    if ends > latest:
        raise UsageError(
            f"--history-ends-at {format_time(ends)} is later than {format_time(latest)}, T0 {format_time(t0)} less the "
            f"warm-up of {review.spec.window.warmup}, where a baseline ends at the latest: say when the rollout began, "
            "or leave it out"
        )


def _refuse_bounds(request: Request, others: Sequence[datetime]) -> None:
    """Name --since and --until where they alone leave no T0."""
    bounds = (("--since", request.since), ("--until", request.until))
    given = " and ".join(f"{name} {format_time(each)}" for name, each in bounds if each is not None)
    if others and given:
        raise UsageError(
            f"{given} leave no T0: those with their whole baseline and last checkpoint in the data lie from "
            f"{format_time(others[0])} to {format_time(others[-1])}"
        )


def _of_beginning(study: Study, t0: datetime, history_ends_at: datetime | None) -> Iterator[str]:
    spec, whole = study.review.spec, study.past.history.window
    baseline, *_ = windows(spec, t0, history_ends_at or history_end(spec, t0), whole.step)
    if baseline is not None and baseline.start < whole.start:
        earliest = t0 + (whole.start - baseline.start)
        yield (
            f"the data begin at {format_time(whole.start + whole.step)}; the baseline of T0 {format_time(t0)} "
            f"needs them from {format_time(baseline.start)}, and what lacks of it is missing: use a T0 from "
            f"{format_time(earliest)} on, a shorter spec.baseline.length, or more data"
        )


def _one(study: Study, request: Request, t0: datetime) -> int:
    found, *faulty = study.at(t0, request.history_ends_at)
    outcomes = _by_fault(study, [tuple(outcome_of(each) for each in (found, *faulty))])
    said = document.of_replay(study.review, found, study.past.history.window.step, outcomes)
    if request.as_json:
        say_json(said)
    else:
        say(table.of_replay(study.review, found, said))
    return EXIT[found.recommendation]


def _sweep(study: Study, request: Request, every: timedelta) -> int:
    spec, whole = study.review.spec, study.past.history.window
    _refuse_too_many_t0s(study, request, every)
    t0s = admissible(spec, whole, every, request.since, request.until)
    if not t0s:
        times = max((whole.end - whole.start) // (_TRIED * every), 1)  # of seconds in years only some are tried
        _refuse_bounds(request, admissible(spec, whole, times * every))
        raise UsageError(
            f"--sweep: between {format_time(whole.start)} and {format_time(whole.end)} there is no T0 with its whole "
            f"baseline before it and its last checkpoint ({spec.window.checkpoints[-1]}) after it: use a shorter "
            "spec.baseline.length, fewer checkpoints, a shorter --sweep, or more data"
        )
    measured = study.review.model_copy(update={"spec": measured_only(spec, many=True)})
    with progress("judging", len(t0s)) as done:
        found = judged(replace(study, review=measured), t0s, request.jobs or _jobs(study), done)
    swept = document.Swept(every, whole, _by_fault(study, found))
    said = document.of_sweep(study.review, swept)
    if request.as_json:
        say_json(said)
    else:
        say(table.of_sweep(said))
    rates = Rates.of(spec, [each.verdicts for each in swept.healthy])
    if over_budget(spec, rates):
        return EXIT[Recommendation.REJECT]
    return EXIT[Recommendation.INCONCLUSIVE if undecided(rates) else Recommendation.APPROVE]


def _refuse_too_many_t0s(study: Study, request: Request, every: timedelta) -> None:
    whole, faults = study.past.history.window, len(study.faults)
    first, last = max(request.since or whole.start, whole.start), min(request.until or whole.end, whole.end)
    t0s = max((last - first) // every, 0)
    if t0s * (1 + faults) > MOST_JUDGED:
        each = f", each judged {1 + faults} times for --inject" if faults else ""
        raise UsageError(
            f"--sweep: from {format_time(first)} to {format_time(last)} there are up to {t0s} T0s, one every "
            f"{format_duration(every)}{each}; {MOST_JUDGED} judgements are done at most: use a longer --sweep, or "
            "bound the T0s with --since and --until"
        )


def _jobs(study: Study) -> int:
    """A process for each core, as far as their grids find room."""
    series = sum(len(each) for each in study.past.history.tracks.values())
    size = max(study.past.history.window.points * series * BYTES_PER_POINT * COPIES, 1)
    return max(1, min(os.cpu_count() or 1, MOST_BYTES // size))


def _by_fault(study: Study, found: Sequence[tuple[Outcome, ...]]) -> dict[str, list[Outcome]]:
    names = [document.NO_FAULT, *(each.text for each in study.faults)]
    return {name: [each[index] for each in found] for index, name in enumerate(names)}


def _is_faulty(signal: Signal, faults: Sequence[Fault]) -> bool:
    return any(each.signal == signal.name for each in faults)


def _fault(text: str, review: DriftReview, reading: Reading) -> Fault:
    try:
        fault = Fault.parse(text)
    except ValueError as error:
        raise UsageError(f"--inject: {error}") from None
    kinds = {each.name: each.kind for each in review.spec.signals}
    if fault.signal not in kinds:
        raise UsageError(f"--inject {text!r}: there is no signal {fault.signal}, but {', '.join(kinds)}")
    if kinds[fault.signal] is Kind.PRESENCE and fault.change is not Change.SILENT:
        raise UsageError(
            f"--inject {text!r}: {fault.signal} is of kind Presence, which is about samples being there and not about "
            f"their values: write '{fault.signal} silent' or '{fault.signal} silent after 6h'"
        )
    labels = [each.labels for each in reading.recording[fault.signal]]
    if not any(matches(fault.labels, each) for each in labels):
        raise UsageError(
            f"--inject {text!r}: none of the {len(labels)} recorded series of {fault.signal} is meant by it"
        )
    return fault


def _refuse_too_many(reading: Reading, length: timedelta, step: timedelta) -> None:
    if too_many := oversized(length, step, sum(_counts(reading).values())):
        raise RecordingError(
            f"{reading.label}: its samples lie {format_duration(length)} apart from first to last, which is "
            f"{too_many}: is a time wrong? Else take a coarser --resolution, or a part of the data"
        )


def _of_whence(reading: Reading, signal: str, step: timedelta) -> str:
    return (
        f"{reading.label}: the resolution, {format_duration(step)}, is the usual distance of the samples of {signal}, "
        "which are the coarsest: is a time wrong? Else say with --resolution which one is meant"
    )


def _counts(reading: Reading) -> dict[str, int]:
    return {name: len(series) for name, series in reading.recording.items()}

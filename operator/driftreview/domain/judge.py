"""The judge: from frozen evidence and the spec to a verdict per signal and one per checkpoint.

Pure: the same evidence and spec give the same answer, here and offline. Nothing missing ever passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from driftreview.api.driftreview import BaselineFrom, DriftReviewSpec
from driftreview.api.driftsnapshot import DriftSnapshotSpec, EvidenceWindow, Problem
from driftreview.api.reasons import Reason
from driftreview.api.signal import Kind, Signal
from driftreview.api.values import parse_duration, parse_percent
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.before import begins_empty, earlier, excused, silent_since
from driftreview.domain.confounders import confounders
from driftreview.domain.control import cases_of
from driftreview.domain.counted import case_of
from driftreview.domain.covariate import Covariate
from driftreview.domain.coverage import ABSENT, broken_off, unanswered, uncovered, without_traffic
from driftreview.domain.display import printable
from driftreview.domain.elsewhere import judge_evidence
from driftreview.domain.emptied import emptied, of_nothing
from driftreview.domain.expected import check_facts
from driftreview.domain.finding import Finding, Side, gravest
from driftreview.domain.guarding import checkpoints_share, guard_share
from driftreview.domain.incidents import ended
from driftreview.domain.limitsonly import by_limits, held_by_old_alerts, said_of, without_margins
from driftreview.domain.measured import Case, Grid
from driftreview.domain.observed import Observed, named, observed
from driftreview.domain.presence import judge_presence
from driftreview.domain.result import WORST_FIRST, CheckpointResult, SeriesResult, SignalResult
from driftreview.domain.rules import judge_limit, record, too_few
from driftreview.domain.schedule import look_share
from driftreview.domain.together import judge_together

_LONGEST_GAP: Final = timedelta(days=28)
_MOST_GAP: Final = 4032
"""Blocks of a gap that may be more than the baseline has: 28 days of ten minutes. It costs time as blocks do."""
_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(weeks=1)


def judge_checkpoint(
    spec: DriftReviewSpec, baseline: DriftSnapshotSpec, current: DriftSnapshotSpec, added: Sequence[str] = ()
) -> CheckpointResult:
    """Judge every declared signal; a signal that the evidence does not mention is Missing.

    Args:
        spec: what is declared.
        baseline: the T0 evidence.
        current: that of the checkpoint.
        added: names of the checkpoints that people added to the declared ones, in order.
    """
    return next(judge_looks(spec, baseline, [current], added))


def judge_looks(
    spec: DriftReviewSpec, baseline: DriftSnapshotSpec, looks: Iterable[DriftSnapshotSpec], added: Sequence[str] = ()
) -> Iterator[CheckpointResult]:
    """Judge several looks of a review as `judge_checkpoint` does each; the baseline is read once."""
    before, names = _before(spec, baseline), [*spec.window.checkpoints, *added]
    for current in looks:
        if current.guard:
            since = parse_duration(current.checkpoint)
            grid, share = _grid(spec, baseline, current, since), guard_share(spec, since)
        else:
            index = names.index(current.checkpoint) if current.checkpoint in names else 0
            passed = parse_duration(names[index - 1]) if index else None
            grid = _grid(spec, baseline, current, parse_duration(names[index]), passed)
            share = checkpoints_share(spec) * look_share(index, len(spec.window.checkpoints), len(added))
        result = CheckpointResult.of(
            _judge(spec, baseline, before, current, grid, share),
            held_by_old_alerts(spec, baseline, current, check_facts(spec, baseline.facts, current.facts)),
            confounders(baseline.facts, current.facts),
            judge_evidence(spec.evidence, baseline.facts, current.facts),
            ended(current.facts),
        )
        yield replace(result, message=said_of(baseline.limits_only, result.message))


def judge_recovery(
    spec: DriftReviewSpec, baseline: DriftSnapshotSpec, current: DriftSnapshotSpec, t0: datetime
) -> CheckpointResult:
    """Judge the time after a rollback as a look of its own: all signals, and nothing that is about the release.

    Nothing is decided by it, so that it takes no share of the false-alarm budget from the looks: it has the whole
    budget, as a review of a single look has.

    Args:
        spec: what is declared.
        baseline: the T0 evidence.
        current: that of the time after the rollback.
        t0: when T0 was.
    """
    window, grid = current.window, Grid(hours_per_block=0.0)
    if window is not None:
        block = parse_duration(window.block)
        since = (window.start - t0) / timedelta(hours=1)
        closes = max(parse_duration(spec.window.rollback) / timedelta(hours=1), (window.end - t0) / timedelta(hours=1))
        gap = _gap(baseline.window, window.start, block) if baseline.window else 0
        grid = Grid(hours_per_block=block / timedelta(hours=1), gap=gap, since=since, closes=closes)
    result = CheckpointResult.of(_judge(spec, baseline, _before(spec, baseline), current, grid, share=1.0))
    return replace(result, message=said_of(baseline.limits_only, result.message))


def _before(spec: DriftReviewSpec, baseline: DriftSnapshotSpec) -> Mapping[str, Observed]:
    return observed(spec.signals, baseline, is_own=spec.baseline.from_ is BaselineFrom.SNAPSHOT)


def _judge(
    spec: DriftReviewSpec,
    baseline: DriftSnapshotSpec,
    before: Mapping[str, Observed],
    current: DriftSnapshotSpec,
    grid: Grid,
    share: float,
) -> list[SignalResult]:
    """Judge every declared signal, with this share of the false-alarm budget for all of them."""
    after = observed(spec.signals, current, baseline)
    if current.window is None:
        after = {name: each for name, each in after.items() if each.problem}
    window = current.window
    partial = window is not None and window.end - window.start < parse_duration(window.block)
    found = [
        _series(signal, before, after, partial=partial, alone=baseline.limits_only is not None)
        for signal in without_margins(spec, baseline).signals
    ]
    cases = [case for series in found for _, each in series if isinstance(each, tuple) for case in each]
    budget = parse_percent(spec.policy.false_alarm_budget) * share
    together = iter(judge_together(cases, grid, budget))
    said = emptied(current)
    return [
        _result(
            signal,
            [
                (key, of_nothing(finding, said) if said else finding)
                for key, each in series
                for finding in [gravest(list(islice(together, len(each)))) if isinstance(each, tuple) else each]
            ],
            after.get(signal.name),
        )
        for signal, series in zip(spec.signals, found, strict=True)
    ]


def _grid(
    spec: DriftReviewSpec,
    baseline: DriftSnapshotSpec,
    current: DriftSnapshotSpec,
    since: timedelta,
    passed: timedelta | None = None,
) -> Grid:
    """How the blocks of both windows lie, and how many of them the look before had.

    Args:
        spec: what is declared.
        baseline: the T0 evidence.
        current: that of the look.
        since: T0 it is due.
        passed: so long after T0 the look before was due; None where it is the first one, or stands for itself.
    """
    if current.window is None:
        return Grid(hours_per_block=0.0)
    block = parse_duration(current.window.block)
    length = current.window.end - current.window.start
    seen = 0 if passed is None else max(length - (since - passed), timedelta(0)) // block
    started = max(since - length, timedelta(0))
    return Grid(
        hours_per_block=block / timedelta(hours=1),
        gap=_gap(baseline.window, current.window.start, block) if baseline.window else 0,
        seen=seen,
        since=started / timedelta(hours=1),
        closes=max(parse_duration(spec.window.rollback), since) / timedelta(hours=1),
    )


def _gap(baseline: EvidenceWindow, start: datetime, block: timedelta) -> int:
    """Blocks between a baseline and a window, the same at each look; of a long gap whole days or weeks are left out.

    So every block keeps its time of day, and of the week where the baseline has two of them to learn it from.
    """
    gap, length = max(start - baseline.end, timedelta(0)), baseline.end - baseline.start
    most = min(_LONGEST_GAP, max(length, _MOST_GAP * block))
    period = _WEEK if length >= 2 * _WEEK else _DAY
    if gap > most:
        gap -= min(-((most - gap) // period), gap // period) * period
    return min(gap, most) // block


def _series(
    signal: Signal, before: Mapping[str, Observed], after: Mapping[str, Observed], *, partial: bool, alone: bool
) -> list[tuple[str | None, Finding | tuple[Case, ...]]]:
    """What is found of each series by itself, or what is still to be measured; None is the signal as a whole.

    Of a part of a block, in a window that is shorter than one, events are not counted: it would pass for a whole one.
    Where limits count `alone`, the signal is one without what compares.
    """
    baseline, current = before.get(signal.name), after.get(signal.name)
    if current is None:
        return [(None, Finding(SignalVerdict.MISSING, Reason.EMPTY, "there is no evidence of it in this window"))]
    if signal.kind is Kind.PRESENCE:
        return [*judge_presence(signal, baseline, current)]
    if current.problem is not None:
        said = unanswered(signal, current.problem, current.source)
        return [(None, excused(said, _all_silent_since(baseline)) if current.problem.reason in ABSENT else said)]
    found: list[tuple[str | None, Finding | tuple[Case, ...]]] = []
    for key, side in current.sides.items():
        old = baseline.baseline(key) if baseline else "nothing was measured at T0"
        usual = baseline.sides.get(key) if baseline else None
        since = current.last_heard(side)
        thin = uncovered(signal, side, current.source, usual, since)
        lacking = (
            (excused(thin, silent_since(baseline, key)) if thin and begins_empty(side) else thin)
            or without_traffic(signal, side, old if isinstance(old, Side) else None)
            or broken_off(signal, side, current.source, since)
            or (too_few(side, "this window") if signal.kind is Kind.EVENTS and partial else None)
        )
        if lacking is None or signal.kind is Kind.INFO:
            covariate = Covariate.of(signal, key, before, after)
            limited = judge_limit(signal, side, earlier(usual), current) if signal.kind is Kind.LIMIT else None
            one = limited or _one(signal, old, side, covariate)
            found.append((key, by_limits(signal, old, side, one) if alone else one))
        else:
            is_gone = side.blocks[-1:] == (None,) and len(side.blocks) - 1 not in side.idle
            found.append((key, replace(lacking, since=current.last_heard(side) if is_gone else None)))
    gone = sorted(baseline.sides.keys() - current.sides.keys()) if baseline and signal.kind is not Kind.INFO else []
    silent = {key: begun for key in gone if (begun := silent_since(baseline, key))}
    absent = Finding(SignalVerdict.MISSING, Reason.EMPTY, "not one sample in this window")
    found += [(key, excused(absent, begun)) for key, begun in silent.items()]
    vanished = [key for key in gone if key not in silent]
    if vanished:
        names = ", ".join(printable(key) for key in vanished)
        message = f"{signal.each} {names} was there in the baseline and is not there any more"
        found.append((None, unanswered(signal, Problem(reason=Reason.EMPTY, message=message), current.source)))
    return found or [(None, Finding(SignalVerdict.MISSING, Reason.EMPTY, "the query returned no series"))]


def _all_silent_since(baseline: Observed | None) -> datetime | None:
    """Since when all series of a baseline had been silent when it ended; None where one was not."""
    found = [silent_since(baseline, key) for key in baseline.sides] if baseline else []
    known = [since for since in found if since is not None]
    return max(known) if known and len(known) == len(found) else None


def _one(
    signal: Signal, baseline: Side | str, now: Side, covariate: Covariate | str | Finding | None
) -> Finding | tuple[Case, ...]:
    match signal.kind:
        case Kind.LEVEL:
            if isinstance(covariate, Finding):
                return covariate
            if isinstance(covariate, str):
                baseline, covariate = covariate, None
            return too_few(now, "this window") or cases_of(signal, baseline, now, covariate)
        case Kind.GROWTH:
            return too_few(now, "this window") or (Case.of(signal, baseline, now),)
        case Kind.EVENTS:
            return (case_of(signal, baseline, now),)
    return record(signal, now)


def _result(signal: Signal, found: Sequence[tuple[str | None, Finding]], current: Observed | None) -> SignalResult:
    """Of all series the worst stands for the signal."""
    sides = current.sides if current else {}
    coverage: dict[str | None, float] = {key: side.coverage for key, side in sides.items()}
    series = tuple(SeriesResult(key, finding, coverage.get(key)) for key, finding in found)
    said = [finding if key is None else named(signal, key, finding) for key, finding in found]
    return SignalResult(signal, min(said, key=lambda finding: _rank(signal, finding)), series)


def _rank(signal: Signal, finding: Finding) -> tuple[int, bool, float]:
    """Worst first, as the signal counts: a missing series must not hide what its neighbours say.

    Of the same verdicts the one that uses most of its margin.
    """
    counted = finding.counted(signal.on_missing)
    rank = len(WORST_FIRST) if counted is None else WORST_FIRST.index(counted)
    used = finding.estimate.used(signal.worse) if finding.estimate else 0.0
    return rank, finding.verdict is SignalVerdict.MISSING, -used

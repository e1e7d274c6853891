"""The judge: from frozen evidence and the spec to a verdict per signal and one per checkpoint.

Pure: the same evidence and spec give the same answer, here and offline. Nothing missing ever passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from driftreview.api.driftreview import BaselineFrom, DriftReviewSpec
from driftreview.api.driftsnapshot import DriftSnapshotSpec, SeriesEvidence, SignalEvidence
from driftreview.api.reasons import UNANSWERED, Reason, SignalVerdict, Verdict
from driftreview.api.signal import Kind, Mode, OnMissing, Signal
from driftreview.api.values import parse_duration, parse_percent
from driftreview.domain.display import printable, quantity
from driftreview.domain.finding import Finding, Side
from driftreview.domain.foresight import too_noisy
from driftreview.domain.levels import judge_levels
from driftreview.domain.measured import Case, Grid
from driftreview.domain.rules import is_compared, judge_growth, judge_limit, record, too_few, unsound
from driftreview.domain.statistics import middle

WORST_FIRST: Final = (
    SignalVerdict.DEGRADED,
    SignalVerdict.SUSPECT,
    SignalVerdict.MISSING,
    SignalVerdict.INCONCLUSIVE,
    SignalVerdict.ACCEPTABLE,
    SignalVerdict.STABLE,
    SignalVerdict.IMPROVED,
    SignalVerdict.RECORDED,
)
_LONGEST_GAP: Final = timedelta(days=28)
_UNKNOWN: Final = (SignalVerdict.MISSING, SignalVerdict.INCONCLUSIVE)


@dataclass(frozen=True)
class SignalResult:
    """What is said of one signal at one checkpoint."""

    signal: Signal
    finding: Finding

    @property
    def counts_as(self) -> SignalVerdict | None:
        """The verdict as the checkpoint counts it; None where the signal does not count."""
        signal, verdict = self.signal, self.finding.verdict
        if signal.mode is Mode.SHADOW or signal.kind is Kind.INFO:
            return None
        unanswered = self.finding.reason in UNANSWERED
        if verdict is SignalVerdict.MISSING and signal.on_missing is OnMissing.FAIL and not unanswered:
            return SignalVerdict.DEGRADED
        if verdict is SignalVerdict.MISSING and signal.on_missing is OnMissing.IGNORE:
            return None
        return verdict

    @property
    def sentence(self) -> str:
        """Why, in one sentence."""
        return f"{self.signal.name} is {self.finding.verdict}: {self.finding.message}"


@dataclass(frozen=True)
class CheckpointResult:
    """What is said of one checkpoint."""

    verdict: Verdict
    results: tuple[SignalResult, ...]
    message: str


def judge_checkpoint(
    spec: DriftReviewSpec, baseline: DriftSnapshotSpec, current: DriftSnapshotSpec
) -> CheckpointResult:
    """Judge every declared signal; a signal that the evidence does not mention is Missing."""
    before = {evidence.name: evidence for evidence in baseline.signals}
    after = {each.name: each for each in current.signals if current.window or each.problem}
    grid = _grid(spec, baseline, current)
    found = [
        _series(signal, before.get(signal.name), after.get(signal.name), grid.hours_per_block)
        for signal in spec.signals
    ]
    cases = [each for series in found for _, each in series if isinstance(each, Case)]
    budget = parse_percent(spec.policy.false_alarm_budget) / len(spec.window.checkpoints)
    levels = iter(judge_levels(cases, grid, budget))
    judged = ([(key, next(levels) if isinstance(each, Case) else each) for key, each in series] for series in found)
    results = tuple(
        SignalResult(signal, _worst(signal, series)) for signal, series in zip(spec.signals, judged, strict=True)
    )
    counted = [(result.counts_as, result) for result in results if result.counts_as is not None]
    verdict = combine([each for each, _ in counted])
    deciding = min(counted, key=lambda pair: WORST_FIRST.index(pair[0]), default=None)
    return CheckpointResult(verdict, results, _sentence(verdict, [r for _, r in counted], deciding and deciding[1]))


def _grid(spec: DriftReviewSpec, baseline: DriftSnapshotSpec, current: DriftSnapshotSpec) -> Grid:
    """How the blocks of both windows lie, and how many of them the look before had."""
    if current.window is None:
        return Grid(hours_per_block=0.0)
    block = parse_duration(current.window.block)
    gap = max(current.window.start - baseline.window.end, timedelta(0)) // block if baseline.window else 0
    names = list(spec.window.checkpoints)
    index = names.index(current.checkpoint) if current.checkpoint in names else 0
    since = parse_duration(names[index]) - parse_duration(names[index - 1]) if index else timedelta.max
    seen = max(current.window.end - current.window.start - since, timedelta(0)) // block if index else 0
    return Grid(block / timedelta(hours=1), min(gap, _LONGEST_GAP // block), seen)


def unusable(signals: Sequence[Signal], baseline: DriftSnapshotSpec) -> Iterator[str]:
    """Say which signals could never be judged against this baseline, and why, as soon as it is frozen."""
    for signal, evidence in _measured(signals, baseline):
        if signal.kind is not Kind.LEVEL or not is_compared(signal) or evidence.problem is not None:
            continue
        for key in _by_key(signal, evidence):
            if finding := unsound(signal, _baseline_side(signal, evidence, key)):
                yield f"{signal.name} ({_named(signal, key, finding).message})"
                break


def noisy(spec: DriftReviewSpec, baseline: DriftSnapshotSpec) -> Iterator[str]:
    """Say which signals will hardly ever be decided at the last look, as soon as their baseline is frozen."""
    if baseline.window is None:
        return
    block = parse_duration(baseline.window.block)
    looked = parse_duration(spec.window.checkpoints[-1])
    if spec.baseline.from_ is BaselineFrom.SNAPSHOT:
        looked -= parse_duration(spec.baseline.length)
    series = [
        (signal, key, side)
        for signal, evidence in _measured(spec.signals, baseline)
        if signal.kind is Kind.LEVEL and signal.margin is not None and signal.mode is Mode.ENFORCE
        for key in (() if evidence.problem else _by_key(signal, evidence))
        if isinstance(side := _baseline_side(signal, evidence, key), Side) and unsound(signal, side) is None
    ]
    grid = Grid(block / timedelta(hours=1), parse_duration(spec.window.warmup) // block)
    found = too_noisy([(signal, side) for signal, _, side in series], grid, max(looked // block, 1))
    said = set[str]()
    for (signal, key, _), finding in zip(series, found, strict=True):
        if finding is not None and signal.name not in said:
            said.add(signal.name)
            yield f"{signal.name} ({_named(signal, key, finding).message})"


def values(signals: Sequence[Signal], evidence: DriftSnapshotSpec) -> Iterator[str]:
    """What each signal measured, with its unit: a wrong unit or query is seen at T0 and not at the first checkpoint."""
    for signal, measured in _measured(signals, evidence):
        sides = [Side.of(series) for series in measured.series]
        shown = sorted(middle(side.present) for side in sides if side.present)
        if shown:
            low, high = (quantity(each, signal.unit) for each in (shown[0], shown[-1]))
            yield f"{signal.name} {low}" + (f" to {high}" if high != low else "")


def _measured(signals: Sequence[Signal], frozen: DriftSnapshotSpec) -> Iterator[tuple[Signal, SignalEvidence]]:
    """Signals with what was measured of them; with declared baselines nothing is."""
    by_name = {each.name: each for each in frozen.signals}
    return ((signal, by_name[signal.name]) for signal in signals if signal.name in by_name)


def combine(verdicts: Sequence[SignalVerdict]) -> Verdict:
    """The checkpoint's verdict: the worst of its counted signals; nothing counted is Inconclusive, never Pass."""
    if SignalVerdict.DEGRADED in verdicts:
        return Verdict.DRIFT
    if SignalVerdict.SUSPECT in verdicts:
        return Verdict.HOLD
    if not verdicts or any(verdict in _UNKNOWN for verdict in verdicts):
        return Verdict.INCONCLUSIVE
    return Verdict.PASS


def _series(
    signal: Signal, baseline: SignalEvidence | None, current: SignalEvidence | None, hours_per_block: float
) -> list[tuple[str | None, Finding | Case]]:
    """What is found of each series by itself, or what is still to be measured; None is the signal as a whole."""
    if current is None:
        return [(None, Finding(SignalVerdict.MISSING, Reason.EMPTY, "there is no evidence of it in this window"))]
    if current.problem is not None:
        return [(None, Finding(SignalVerdict.MISSING, current.problem.reason, current.problem.message))]
    now = _by_key(signal, current)
    found: list[tuple[str | None, Finding | Case]] = [
        (key, _judge_series(signal, baseline, key, series, hours_per_block)) for key, series in now.items()
    ]
    vanished = sorted(_by_key(signal, baseline).keys() - now.keys()) if baseline else []
    if vanished and signal.kind is not Kind.INFO:
        names = ", ".join(printable(key) for key in vanished)
        message = f"{signal.each} {names} was there in the baseline and is not there any more"
        found.append((None, Finding(SignalVerdict.MISSING, Reason.EMPTY, message)))
    return found or [(None, Finding(SignalVerdict.MISSING, Reason.EMPTY, "the query returned no series"))]


def _worst(signal: Signal, found: Sequence[tuple[str | None, Finding]]) -> Finding:
    """The series that stands for the signal."""
    named = [finding if key is None else _named(signal, key, finding) for key, finding in found]
    return min(named, key=lambda finding: _rank(signal, finding))


def _rank(signal: Signal, finding: Finding) -> tuple[int, bool]:
    """Worst first, as the signal counts: a missing series must not hide what its neighbours say."""
    missing = finding.verdict is SignalVerdict.MISSING
    if missing and signal.on_missing is OnMissing.FAIL:
        return WORST_FIRST.index(SignalVerdict.DEGRADED), missing
    if missing and signal.on_missing is OnMissing.IGNORE:
        return len(WORST_FIRST), missing
    return WORST_FIRST.index(finding.verdict), missing


def _judge_series(
    signal: Signal, baseline: SignalEvidence | None, key: str, series: SeriesEvidence, hours_per_block: float
) -> Finding | Case:
    now = Side.of(series)
    if signal.kind is Kind.INFO:
        return record(signal, now)
    if finding := _uncovered(signal, series):
        return finding
    match signal.kind:
        case Kind.LEVEL:
            return _level(signal, _baseline_side(signal, baseline, key), now)
        case Kind.GROWTH:
            return judge_growth(signal, now, hours_per_block)
        case Kind.LIMIT:
            return judge_limit(signal, now)


def _level(signal: Signal, baseline: Side | str, now: Side) -> Finding | Case:
    """A level to be measured; without a sound baseline only against its alert limit."""
    return too_few(now, "this window") or Case.of(signal, baseline, now)


def _baseline_side(signal: Signal, baseline: SignalEvidence | None, key: str) -> Side | str:
    """The baseline of a series, or why there is none that could be used."""
    if baseline is None:
        return "nothing was measured at T0"
    if baseline.problem is not None:
        return f"at T0: {baseline.problem.message}"
    series = _by_key(signal, baseline).get(key)
    if series is None:
        return f"{signal.each} {printable(key)} was not there at T0"
    if finding := _uncovered(signal, series):
        return f"at T0: {finding.message}"
    return Side.of(series)


def _uncovered(signal: Signal, series: SeriesEvidence) -> Finding | None:
    covered = series.samples / series.expected if series.expected else 0.0
    if covered >= parse_percent(signal.min_coverage) and series.samples:
        return None
    message = (
        f"{series.samples} of {series.expected} samples ({covered:.0%}) are there, {signal.min_coverage} are needed"
    )
    return Finding(SignalVerdict.MISSING, Reason.LOW_COVERAGE, message)


def _by_key(signal: Signal, evidence: SignalEvidence) -> dict[str, SeriesEvidence]:
    return {series.labels.get(signal.each or "", ""): series for series in evidence.series}


def _named(signal: Signal, key: str, finding: Finding) -> Finding:
    return finding.about(f"{signal.each} {printable(key)}") if signal.each else finding


def _sentence(verdict: Verdict, counted: Sequence[SignalResult], deciding: SignalResult | None) -> str:
    if deciding is None:
        return "no enforced signal could be judged"
    if verdict is Verdict.PASS:
        worst = "" if deciding.finding.verdict is SignalVerdict.IMPROVED else f"; closest: {deciding.sentence}"
        return f"all enforced signals ({len(counted)}) pass{worst}"
    others = sum(1 for result in counted if result.counts_as is deciding.counts_as) - 1
    runbook = f" ({deciding.signal.runbook})" if deciding.signal.runbook and verdict is Verdict.DRIFT else ""
    more = f"; and {others} more" if others else ""
    return f"{deciding.sentence}{runbook}{more}"

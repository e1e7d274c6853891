"""What is said at a checkpoint: of each series, of each signal, and of the whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from driftreview.api.base import format_time
from driftreview.api.signal import Kind, Mode, Signal, Worse
from driftreview.api.verdicts import CheckVerdict, SignalVerdict, Verdict
from driftreview.domain.checks import CheckResult, deciding_check, with_checks
from driftreview.domain.confounders import Confounder
from driftreview.domain.display import some
from driftreview.domain.elsewhere import EvidenceResult
from driftreview.domain.finding import GOOD, Finding

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
_UNKNOWN: Final = (SignalVerdict.MISSING, SignalVerdict.INCONCLUSIVE)


@dataclass(frozen=True)
class SeriesResult:
    """What is said of one series of a signal."""

    key: str | None
    """The value of the label `each`, empty where the signal is one series; None is the signal as a whole."""
    finding: Finding
    coverage: float | None = None
    """Share of the window that is covered by samples; None where nothing was answered."""


@dataclass(frozen=True)
class SignalResult:
    """What is said of one signal at one checkpoint."""

    signal: Signal
    finding: Finding
    """Of the series that stands for it: its worst."""
    series: tuple[SeriesResult, ...] = ()

    @property
    def counts_as(self) -> SignalVerdict | None:
        """The verdict as the checkpoint counts it; None where the signal does not count."""
        return self.as_counted(self.finding)

    def as_counted(self, finding: Finding) -> SignalVerdict | None:
        """The verdict on one of its series as it would count, did that stand for the signal; None where none counts."""
        if not self._is_judged(finding):
            return None
        return finding.counted(self.signal.on_missing)

    def is_ignored(self, finding: Finding) -> bool:
        """Whether it would count, had `onMissing` not said otherwise."""
        return self._is_judged(finding) and self.as_counted(finding) is None

    @property
    def is_recorded(self) -> bool:
        """Whether it is only written down, though it is there to be judged."""
        return self._is_enforced and self.finding.verdict is SignalVerdict.RECORDED

    @property
    def _is_enforced(self) -> bool:
        return self.signal.mode is not Mode.SHADOW and self.signal.kind is not Kind.INFO

    def _is_judged(self, finding: Finding) -> bool:
        return self._is_enforced and finding.verdict is not SignalVerdict.RECORDED

    @property
    def name(self) -> str:
        """What sentences call it."""
        return self.signal.name

    @property
    def worse(self) -> Worse:
        """In which direction it gets worse."""
        return self.signal.worse

    @property
    def runbook(self) -> str:
        """What to do when it is degraded."""
        return self.signal.runbook

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
    checks: tuple[CheckResult, ...] = ()
    confounders: tuple[Confounder, ...] = ()
    """What else changed since T0; the verdict does not heed it."""
    evidence: tuple[EvidenceResult, ...] = ()
    """Of numbers from elsewhere, which count as signals do."""

    @staticmethod
    def of(
        results: Sequence[SignalResult],
        checks: Sequence[CheckResult] = (),
        confounders: Sequence[Confounder] = (),
        evidence: Sequence[EvidenceResult] = (),
        ended: str = "",
    ) -> CheckpointResult:
        """Put signals, numbers from elsewhere and checks together: the worst that counts decides.

        Containers that `ended` meanwhile decide nothing, and are told where something is amiss.
        """
        judged: tuple[SignalResult | EvidenceResult, ...] = (*results, *evidence)
        counted = [(result.counts_as, result) for result in judged if result.counts_as is not None]
        measured = combine([each for each, _ in counted])
        verdict = with_checks(measured, checks)
        aside = _Aside(
            sum(each.is_ignored(each.finding) for each in results) + sum(each.is_ignored for each in evidence),
            sum(each.is_recorded for each in results),
        )
        worst_first = [each for _, each in sorted(counted, key=lambda pair: WORST_FIRST.index(pair[0]))]
        first = deciding_check(verdict, checks) if verdict is not measured else None
        others = [each for each in checks if each.counts and each.is_amiss and each is not first]
        beside = [(str(each.verdict), f"{each.section}/{each.name}") for each in others]
        broken = [each.sentence for each in others if each.verdict is CheckVerdict.BROKEN]
        told = _sentence(measured, worst_first, aside, () if first else beside)
        told_of_checks = [f"{first.named}{_also(beside)}: {first.message}", *broken] if first else []
        parts = [*told_of_checks, told, *([] if first else broken)]
        if ended and verdict is not Verdict.PASS:
            # They are for a person to mend, and may be why nothing could be measured: then they come before that.
            at = len(told_of_checks) if measured is Verdict.INCONCLUSIVE else len(parts)
            parts.insert(at, f"containers ended meanwhile: {ended}")
        message = "; ".join(parts)
        return CheckpointResult(verdict, tuple(results), message, tuple(checks), tuple(confounders), tuple(evidence))


def combine(verdicts: Sequence[SignalVerdict]) -> Verdict:
    """The checkpoint's verdict: the worst of its counted signals; nothing counted is Inconclusive, never Pass."""
    if SignalVerdict.DEGRADED in verdicts:
        return Verdict.DRIFT
    if SignalVerdict.SUSPECT in verdicts:
        return Verdict.HOLD
    if not verdicts or any(verdict in _UNKNOWN for verdict in verdicts):
        return Verdict.INCONCLUSIVE
    return Verdict.PASS


@dataclass(frozen=True)
class _Aside:
    """How many signals and numbers of mode Enforce do not count."""

    ignored: int
    """For want of data."""
    recorded: int
    """For want of a limit, where limits alone count."""

    @property
    def said(self) -> str:
        """The same in words; empty where there is none."""
        told = ((self.ignored, "data", "ignored"), (self.recorded, "a limit", "recorded"))
        return ", ".join(
            f"{count} without {what} {'is' if count == 1 else 'are'} {become}" for count, what, become in told if count
        )


def _sentence(
    verdict: Verdict,
    counted: Sequence[SignalResult | EvidenceResult],
    aside: _Aside,
    beside: Iterable[tuple[str, str]],
) -> str:
    """What the verdict rests on; the names of all that does not pass come before the numbers of the worst.

    Args:
        verdict: of what counts.
        counted: that, the worst first.
        aside: how many more would have counted.
        beside: verdicts and names of checks that do not pass either.
    """
    without = aside.said
    if not counted:
        return f"no enforced signal could be judged{without and f', {without}'}{_also(beside)}"
    deciding, *others = counted
    what = f"enforced signals{' and numbers' if any(isinstance(each, EvidenceResult) for each in counted) else ''}"
    if verdict is Verdict.PASS:
        closest = _closest(counted, deciding)
        if without:
            return f"{len(counted)} of {len(counted) + aside.ignored + aside.recorded} {what} pass, {without}{closest}"
        return f"all {what} ({len(counted)}) pass{closest}"
    runbook = f" ({deciding.runbook})" if deciding.runbook and verdict is Verdict.DRIFT else ""
    told = f"{deciding.finding.message}{runbook}{without and f'; {without}'}"
    if others and all(each.finding.verdict is SignalVerdict.MISSING for each in counted):
        return f"all {what} ({len(counted)}) are Missing{_since(counted)}{_also(beside)}: {deciding.name}: {told}"
    amiss = [(str(each.finding.verdict), each.name) for each in others if each.finding.verdict not in GOOD]
    return f"{deciding.name} is {deciding.finding.verdict}{_also([*amiss, *beside])}: {told}"


def _also(others: Iterable[tuple[str, str]]) -> str:
    """What else does not pass, by verdict, in brackets behind what is told first; empty where nothing is."""
    named: dict[str, list[str]] = {}
    for verdict, name in others:
        named.setdefault(verdict, []).append(name)
    said = "; ".join(f"{verdict}: {some(names)}" for verdict, names in named.items())
    return f" (also {said})" if said else ""


def _since(missing: Sequence[SignalResult | EvidenceResult]) -> str:
    """Since when there was nothing of any of them; empty where that is not known of each."""
    since = [each.finding.since for each in missing if each.finding.since is not None]
    return f", since {format_time(max(since))}" if len(since) == len(missing) else ""


def _closest(counted: Sequence[SignalResult | EvidenceResult], deciding: SignalResult | EvidenceResult) -> str:
    """Of what passes the one whose interval reaches farthest towards its margin or limit, where any is known to."""
    known = [
        (found.used(result.worse), result)
        for result in counted
        if (found := result.finding.estimate) is not None and result.finding.verdict is not SignalVerdict.IMPROVED
    ]
    if known:
        return f"; closest: {max(known, key=lambda pair: pair[0])[1].sentence}"
    return "" if deciding.finding.verdict is SignalVerdict.IMPROVED else f"; {deciding.sentence}"

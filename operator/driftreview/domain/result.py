"""What is said at a checkpoint: of each series, of each signal, and of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from driftreview.api.reasons import SignalVerdict, Verdict
from driftreview.api.signal import Kind, Mode, Signal, Worse
from driftreview.domain.checks import CheckResult, deciding_check, with_checks
from driftreview.domain.confounders import Confounder
from driftreview.domain.display import some
from driftreview.domain.elsewhere import EvidenceResult
from driftreview.domain.finding import Finding

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
        if self.signal.mode is Mode.SHADOW or self.signal.kind is Kind.INFO:
            return None
        return finding.counted(self.signal.on_missing)

    def is_ignored(self, finding: Finding) -> bool:
        """Whether it would count, had `onMissing` not said otherwise."""
        is_counted = self.signal.mode is not Mode.SHADOW and self.signal.kind is not Kind.INFO
        return is_counted and self.as_counted(finding) is None

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
        deciding = min(counted, key=lambda pair: WORST_FIRST.index(pair[0]), default=None)
        ignored = sum(each.is_ignored(each.finding) for each in results) + sum(each.is_ignored for each in evidence)
        sentence = _sentence(measured, [result for _, result in counted], deciding and deciding[1], ignored)
        first = deciding_check(verdict, checks) if verdict is not measured else None
        others = [each.named for each in checks if each.counts and each.is_amiss and each is not first]
        also = f"also {some(others)}" if others else ""
        parts = (first.sentence, also, sentence) if first else (sentence, also)
        sentence = "; ".join(each for each in parts if each)
        if ended and verdict is not Verdict.PASS:
            sentence += f"; ended meanwhile: {ended}"
        return CheckpointResult(verdict, tuple(results), sentence, tuple(checks), tuple(confounders), tuple(evidence))


def combine(verdicts: Sequence[SignalVerdict]) -> Verdict:
    """The checkpoint's verdict: the worst of its counted signals; nothing counted is Inconclusive, never Pass."""
    if SignalVerdict.DEGRADED in verdicts:
        return Verdict.DRIFT
    if SignalVerdict.SUSPECT in verdicts:
        return Verdict.HOLD
    if not verdicts or any(verdict in _UNKNOWN for verdict in verdicts):
        return Verdict.INCONCLUSIVE
    return Verdict.PASS


def _sentence(
    verdict: Verdict,
    counted: Sequence[SignalResult | EvidenceResult],
    deciding: SignalResult | EvidenceResult | None,
    ignored: int,
) -> str:
    without = f"{ignored} without data {'is' if ignored == 1 else 'are'} ignored" if ignored else ""
    if deciding is None:
        return f"no enforced signal could be judged{without and f', {without}'}"
    if verdict is Verdict.PASS:
        closest = _closest(counted, deciding)
        what = f"enforced signals{' and numbers' if any(isinstance(each, EvidenceResult) for each in counted) else ''}"
        if ignored:
            return f"{len(counted)} of {len(counted) + ignored} {what} pass, {without}{closest}"
        return f"all {what} ({len(counted)}) pass{closest}"
    others = sum(1 for result in counted if result.counts_as is deciding.counts_as) - 1
    runbook = f" ({deciding.runbook})" if deciding.runbook and verdict is Verdict.DRIFT else ""
    more = f"; and {others} more" if others else ""
    return f"{deciding.sentence}{runbook}{more}{without and f'; {without}'}"


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

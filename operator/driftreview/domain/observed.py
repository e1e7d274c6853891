"""What a window's evidence says of each signal, read once: one side of a comparison for each of its series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from driftreview.api.driftsnapshot import DriftSnapshotSpec, Problem, SignalEvidence
from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.coverage import unanswered, uncovered, without_traffic
from driftreview.domain.display import printable, shorten
from driftreview.domain.finding import Finding, Side
from driftreview.domain.scraping import Scraped
from driftreview.domain.shape import MAX_MESSAGE


@dataclass(frozen=True)
class Observed:
    """One signal in one window."""

    signal: Signal
    sides: Mapping[str, Side]
    """By the value of the label `each`; by an empty text where there is one series."""
    problem: Problem | None = None
    """Why there are none."""
    source: Scraped | None = None
    """What is known of the source's own gaps."""
    unknown: str = ""
    """Why nothing is, if it was asked."""
    length: timedelta = timedelta(0)
    """Of the window."""
    end: datetime | None = None
    """Of the window."""

    @property
    def start(self) -> datetime | None:
        """Of the window."""
        return None if self.end is None else self.end - self.length

    def last_heard(self, side: Side) -> datetime | None:
        """When the last sample of a series was, if the window ended without it; None where that is not known."""
        if self.end is None or not side.samples or not side.silent:
            return None
        return self.end - self.length * (side.silent / side.expected)

    def series(self, key: str, what: str) -> Side | Finding:
        """The series that goes with one of another signal: of the same key, or the only one; or why there is none."""
        side = self.sides.get(key if self.signal.each else "")
        if self.problem is not None:
            return unanswered(self.signal, self.problem, self.source).about(what)
        if side is None:
            named_it = f"{self.signal.each} {printable(key)}" if self.signal.each else "it"
            return Finding(SignalVerdict.MISSING, Reason.EMPTY, f"{what}: {named_it} is not there")
        if finding := uncovered(self.signal, side, self.source, since=self.last_heard(side)):
            return finding.about(what)
        return side

    def baseline(self, key: str) -> Side | str:
        """The baseline of a series, where this is what was measured at T0; or why there is none that could be used."""
        if self.problem is not None:
            return f"at T0: {self.problem.message}"
        side = self.sides.get(key)
        if side is None:
            return f"{self.signal.each} {printable(key)} was not there at T0"
        thin = uncovered(self.signal, side, self.source, since=self.last_heard(side))
        if finding := thin or without_traffic(self.signal, side, side):
            return f"at T0: {finding.message}"
        return side


def observed(
    signals: Sequence[Signal],
    frozen: DriftSnapshotSpec,
    at_t0: DriftSnapshotSpec | None = None,
    *,
    is_own: bool = False,
) -> dict[str, Observed]:
    """Read the evidence of one window, by the signal's name; a signal it does not mention is left out.

    Args:
        signals: what is declared.
        frozen: the evidence.
        at_t0: that of T0, where this is a later window.
        is_own: whether it is a baseline of the release itself.
    """
    source = Scraped.of(frozen, Scraped.of(at_t0) if at_t0 else None)
    asked = frozen.scraping.problem if frozen.scraping else None
    unknown = asked.message if asked else ""
    declared = {signal.name: signal for signal in signals}
    return {
        each.name: Observed(
            declared[each.name],
            *_sides(declared[each.name], each, is_own=is_own),
            source,
            unknown,
            frozen.window.end - frozen.window.start if frozen.window else timedelta(0),
            frozen.window.end if frozen.window else None,
        )
        for each in frozen.signals
        if each.name in declared
    }


def _sides(signal: Signal, evidence: SignalEvidence, *, is_own: bool) -> tuple[dict[str, Side], Problem | None]:
    """The series by name; or what is wrong with them: two of one name are never frozen, and neither is to be judged."""
    sides: dict[str, Side] = {}
    for one in evidence.series:
        name = one.labels.get(signal.each or "", "")
        if name in sides:
            whose = f"{signal.each} {printable(name)}" if signal.each else "a signal without `each`"
            message = f"more than one series was frozen for {whose}"
            return {}, Problem(reason=Reason.SEVERAL_SERIES, message=shorten(message, MAX_MESSAGE))
        sides[name] = Side.of(one, is_own=is_own)
    return sides, evidence.problem


def about(signal: Signal, key: str, reason: str) -> str:
    """What is said of a series in a list of several signals."""
    return f"{signal.name} ({signal.each} {printable(key)}: {reason})" if signal.each else f"{signal.name} ({reason})"


def named(signal: Signal, key: str, finding: Finding) -> Finding:
    """A finding with the series it is about."""
    return finding.about(f"{signal.each} {printable(key)}") if signal.each else finding

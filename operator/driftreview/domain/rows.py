"""A checkpoint's results as the rows of its status."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from driftreview.api.checkpoint import Checkpoint, CheckStatus, Confounders, ConfounderStatus, SignalStatus, SnapshotRef
from driftreview.api.values import format_duration, parse_duration
from driftreview.api.verdicts import CheckVerdict
from driftreview.domain.display import shorten
from driftreview.domain.finding import Finding
from driftreview.domain.result import CheckpointResult

WORTH_SAYING: Final = timedelta(minutes=1)
"""Lateness below this is the loop's own."""
_CELL: Final = 64
_NAME: Final = 80
_WHY: Final = 256
_WHAT: Final = 128
_FIRST: Final = 5


def judged_row(
    old: Checkpoint, result: CheckpointResult, ref: SnapshotRef | None, settle: str, judged_at: datetime
) -> Checkpoint:
    """The row of a look, judged.

    Args:
        old: the row until then.
        result: what is said of it.
        ref: its evidence.
        settle: spec.window.settle.
        judged_at: in whole seconds.
    """
    late = judged_at - old.due - parse_duration(settle)
    return Checkpoint(
        name=old.name,
        guard=old.guard,
        due=old.due,
        judged_at=judged_at,
        late_by=format_duration(late) if late >= WORTH_SAYING else None,
        verdict=result.verdict,
        message=shorten(result.message),
        snapshot=ref,
        signals=signal_rows(result),
        evidence=evidence_rows(result),
        checks=check_rows(result),
        confounders=confounder_rows(result),
    )


def signal_rows(result: CheckpointResult) -> list[SignalStatus]:
    """One row per signal."""
    return [_row(each.signal.name, each.finding) for each in result.results]


def evidence_rows(result: CheckpointResult) -> list[SignalStatus]:
    """One row per number from elsewhere."""
    return [_row(each.evidence.name, each.finding) for each in result.evidence]


def _row(name: str, finding: Finding) -> SignalStatus:
    return SignalStatus(
        name=name,
        verdict=finding.verdict,
        baseline=finding.baseline[:_CELL],
        current=finding.current[:_CELL],
        delta=finding.delta[:_CELL],
    )


def check_rows(result: CheckpointResult) -> list[CheckStatus]:
    """One row per declared expectation; what held needs no sentence."""
    return [
        CheckStatus(
            name=f"{each.section}/{each.name}"[:_NAME],
            verdict=each.verdict,
            message="" if each.verdict is CheckVerdict.HELD else shorten(each.message, _WHY),
        )
        for each in result.checks
    ]


def confounder_rows(result: CheckpointResult) -> Confounders | None:
    """How much else changed since T0, and the first of it; None if nothing did."""
    if not result.confounders:
        return None
    first = {shorten(each.what, _WHAT): each for each in result.confounders[:_FIRST]}
    rows = [
        ConfounderStatus(what=what, before=shorten(each.before, _CELL), after=shorten(each.after, _CELL), at=each.at)
        for what, each in first.items()
    ]
    return Confounders(count=len(result.confounders), first=rows)

"""What is judged and what is said of it: one side of a comparison, and a finding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from driftreview.api.driftsnapshot import SeriesEvidence
from driftreview.api.reasons import Reason, SignalVerdict
from driftreview.api.values import parse_duration
from driftreview.domain.blocks import decode

FEWEST_BLOCKS: Final = 6
"""Of either side, before it is judged."""


@dataclass(frozen=True)
class Finding:
    """What is said of one series: a verdict, why, and the cells of its row."""

    verdict: SignalVerdict
    reason: Reason | None
    message: str
    baseline: str = ""
    current: str = ""
    delta: str = ""

    def about(self, series: str) -> Finding:
        """The same, said of a named series."""
        return replace(self, message=f"{series}: {self.message}")


@dataclass(frozen=True)
class Side:
    """One side of a comparison, as frozen."""

    blocks: tuple[float | None, ...]
    longest_over: timedelta | None = None
    worst: float | None = None

    @staticmethod
    def of(series: SeriesEvidence) -> Side:
        """Read it from evidence."""
        return Side(
            decode(series.values),
            None if series.longest_over is None else parse_duration(series.longest_over),
            None if series.worst is None else float(series.worst),
        )

    @property
    def present(self) -> list[float]:
        """The blocks that have samples."""
        return [value for value in self.blocks if value is not None]

"""What a query answered: samples, nothing, or a failure; never a number that stands for a missing one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias


@dataclass(frozen=True)
class Window:
    """A stretch of time on a regular grid: the first sample at `start + step`, the last at `end`.

    Half open on the left, so that adjoining windows share no sample. `end - start` is a multiple of `step`.
    """

    start: datetime
    end: datetime
    step: timedelta

    def __post_init__(self) -> None:
        """Refuse a window no grid fits.

        Raises:
            ValueError: it is empty, has no time zone, or its length is no multiple of its step.
        """
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window needs times with a time zone")
        if self.step <= timedelta(0) or self.end <= self.start or (self.end - self.start) % self.step:
            raise ValueError(f"no grid of {self.step} fits from {self.start} to {self.end}")

    @property
    def points(self) -> int:
        """Number of grid points."""
        return (self.end - self.start) // self.step


@dataclass(frozen=True)
class Series:
    """One time series on a window's grid.

    `values[i]` is the sample at `start + (i + 1) * step`, None where there is none. NaN counts as none (a quotient
    without traffic, a stale marker); `infinite` counts samples that were +Inf or -Inf, which are none as well.
    """

    labels: Mapping[str, str]
    values: tuple[float | None, ...]
    nan: int = 0
    infinite: int = 0


@dataclass(frozen=True)
class Samples:
    """The query answered with at least one finite sample."""

    window: Window
    series: tuple[Series, ...]


@dataclass(frozen=True)
class NoData:
    """The query is fine and the server answered, but there is no finite sample.

    `reason` is one of the NoData reasons in `driftreview.api.reasons` (Empty, OnlyNaN, OnlyInfinite).
    """

    reason: str
    message: str


@dataclass(frozen=True)
class Failed:
    """The server could not be asked, or its answer cannot be trusted.

    `retryable` is False when the same query can never succeed (a 400, a 422); `reason` is one of the Failed reasons
    in `driftreview.api.reasons`.
    """

    reason: str
    message: str
    retryable: bool


QueryResult: TypeAlias = Samples | NoData | Failed

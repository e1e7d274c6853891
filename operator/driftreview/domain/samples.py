"""What a query answered: samples, nothing, or a failure; never a number that stands for a missing one."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias, overload

from driftreview.api.base import format_time
from driftreview.api.reasons import Reason


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


class Values(Sequence[float | None]):
    """Samples, None where there is none, in 8 bytes each: a tuple of numbers takes four times as much."""

    def __init__(self, numbers: array[float]) -> None:
        """Read these, NaN for none; they must not change any more."""
        self.packed = numbers

    def __len__(self) -> int:
        return len(self.packed)

    def __iter__(self) -> Iterator[float | None]:
        return (None if math.isnan(number) else number for number in self.packed)

    @overload
    def __getitem__(self, index: int) -> float | None: ...
    @overload
    def __getitem__(self, index: slice) -> Values: ...
    def __getitem__(self, index: int | slice) -> float | Values | None:
        if isinstance(index, slice):
            return Values(self.packed[index])
        return None if math.isnan(number := self.packed[index]) else number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))


@dataclass(frozen=True)
class Series:
    """One time series on a window's grid.

    `values[i]` is the sample at `start + (i + 1) * step`, None where there is none. NaN counts as none (a quotient
    without traffic, a stale marker); `infinite` counts samples that were +Inf or -Inf, which are none as well.
    """

    labels: Mapping[str, str]
    values: Sequence[float | None]
    nan: int = 0
    infinite: int = 0


@dataclass(frozen=True)
class Samples:
    """The query answered with at least one finite sample."""

    window: Window
    series: tuple[Series, ...]


@dataclass(frozen=True)
class TooMany:
    """The query was answered with more series than may be judged: which, and none of their samples."""

    labels: tuple[Mapping[str, str], ...]


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


QueryResult: TypeAlias = Samples | TooMany | NoData | Failed


def no_data(where: str, nan: int, infinite: int) -> NoData:
    """The result of a query without one finite sample; the more frequent kind of non-number names the reason."""
    if not nan + infinite:
        mend = "check its metric names and labels (once they have been seen, `or vector(0)` says that none means zero)"
        return NoData(Reason.EMPTY, f"The query returned no series {where}; {mend}")
    kind = f"{nan} NaN and {infinite} infinite" if nan and infinite else f"{nan} NaN" if nan else f"{infinite} infinite"
    reason = Reason.ONLY_NAN if nan >= infinite else Reason.ONLY_INFINITE
    return NoData(
        reason, f"The query returned no finite value {where}, only {kind}; a quotient without traffic does so."
    )


def no_data_in(window: Window, nan: int, infinite: int) -> NoData:
    """The same of a query over a window."""
    first, last = format_time(window.start), format_time(window.end)
    return no_data(f"at any of the {window.points} points after {first} up to {last}", nan, infinite)

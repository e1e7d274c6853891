"""Samples from files, taken in one by one: what is no sample, or says two things of one moment, is refused by line."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

from driftreview.domain.display import printable, quoted
from driftreview.domain.history import EPOCH, Recorded

_END_SECONDS: Final = 4_102_444_800
"""The year 2100: larger numbers are milliseconds."""

MOST_SAMPLES: Final = 10_000_000
"""Of all files together: a month of a hundred series at 30 s; about a gigabyte while they are put in order."""
MOST_SERIES: Final = 1_000
"""Of one signal: pods come and go."""

_Key: TypeAlias = tuple[tuple[str, str], ...]


class RecordingError(Exception):
    """A recording cannot be read; says where, what was found, and what was expected."""


def read_time(text: str) -> int:
    """A time in RFC 3339 or in Unix seconds, as milliseconds since 1970.

    Raises:
        ValueError: it is neither.
    """
    try:
        seconds = _number(text)
    except ValueError:
        seconds = _of_rfc_3339(text)
    if not 0 <= seconds < _END_SECONDS:
        raise ValueError(
            f"{quoted(text)} lies outside of the years 1970 to 2099; Unix seconds are expected, not milliseconds"
        )
    return round(seconds * 1000)


def _of_rfc_3339(text: str) -> float:
    try:
        moment = datetime.fromisoformat(_plain(text))
    except ValueError:
        raise ValueError(
            f"{quoted(text)} is no time: write RFC 3339, such as 2026-01-31T12:00:00Z, or Unix seconds"
        ) from None
    if moment.tzinfo is None:
        raise ValueError(f"{quoted(text)} has no time zone; write for example {moment.isoformat()}Z")
    return (moment - EPOCH).total_seconds()


def read_value(text: str) -> float:
    """A number, NaN or an infinity.

    Raises:
        ValueError: it is none.
    """
    try:
        return _number(text)
    except ValueError:
        message = f"{quoted(text)} is no number; NaN and an empty value are no sample, anything else is refused"
        raise ValueError(message) from None


def _number(text: str) -> float:
    return float(_plain(text))


def _plain(text: str) -> str:
    """The text, if nothing in it is read by Python alone: "1_0" as ten, and digits of any script."""
    if "_" in text or not text.isascii():
        raise ValueError(text)
    return text


@dataclass
class _Column:
    times: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))
    lines: array[int] = field(default_factory=lambda: array("l"))

    def extend(self, other: _Column) -> None:
        self.times.extend(other.times)
        self.values.extend(other.values)
        self.lines.extend(other.lines)


@dataclass
class Room:
    """How many samples may still be taken in, of all files together."""

    most: int = MOST_SAMPLES
    taken: int = 0


@dataclass
class Recorder:
    """Takes in the samples of one signal from one file, in any order."""

    path: Path
    room: Room = field(default_factory=Room)
    _columns: dict[_Key, _Column] = field(default_factory=dict)

    def add(self, labels: Iterable[tuple[str, str]], when: int, value: float, line: int) -> None:
        """Take in a sample of a series, at so many milliseconds since 1970; a label without a value is none.

        Raises:
            RecordingError: it is one too many, or of one series too many.
        """
        key = tuple(labels)
        column = self._columns.get(key)
        if column is None:
            column = self._columns[key] = self._new(line)
        self.room.taken += 1
        if self.room.taken > self.room.most:
            raise RecordingError(
                f"{self.path}:{line}: with this there are more than {self.room.most} samples in all: leave out the "
                "time that is not looked at, or record fewer, such as one a minute"
            )
        column.times.append(when)
        column.values.append(value)
        column.lines.append(line)

    def _new(self, line: int) -> _Column:
        if len(self._columns) >= MOST_SERIES:
            raise RecordingError(
                f"{self.path}:{line}: with this there are more than {MOST_SERIES} series: a signal is one, or one for "
                "each value of the label `each`; aggregate in the query"
            )
        return _Column()

    def series(self) -> tuple[Recorded, ...]:
        """What was taken in, in order.

        Raises:
            RecordingError: two different values of one series at one time.
        """
        found: dict[_Key, _Column] = {}
        for key, column in self._columns.items():
            found.setdefault(tuple(sorted(pair for pair in key if pair[1])), _Column()).extend(column)
        return tuple(self._ordered(key, found[key]) for key in sorted(found))

    def _ordered(self, key: _Key, column: _Column) -> Recorded:
        times, values, lines = (np.array(each) for each in (column.times, column.values, column.lines))
        order = np.argsort(times, kind="stable")
        times, values, lines = times[order], values[order], lines[order]
        is_again = times[1:] == times[:-1]
        differs = is_again & (values[1:] != values[:-1]) & ~(np.isnan(values[1:]) & np.isnan(values[:-1]))
        if differs.any():
            first = int(np.flatnonzero(differs)[0])
            one, other = sorted((first, first + 1), key=lambda index: int(lines[index]))
            what = "".join(f" {printable(name)}={printable(text)}" for name, text in key)
            raise RecordingError(
                f"{self.path}:{lines[other]}: {_shown(values[other])} at a time at which line {lines[one]} says "
                f"{_shown(values[one])} of the same series{what}: leave one out, or add the label that tells them apart"
            )
        kept = np.append(True, ~is_again)
        return Recorded(dict(key), times[kept], values[kept])


def _shown(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{value:g}"

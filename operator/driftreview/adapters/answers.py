"""Answers of the query API -> samples on a window's grid, or rows at one moment. Pure.

Every sample is checked on its way in: a value that is no number, a time off the grid or a series that comes twice
refuses the whole answer. Nothing is repaired, nothing is left out in silence.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn

from driftreview.adapters.labels import Labels, read_labels
from driftreview.adapters.replies import Answer, RefusalError, extract, malformed, misaligned, too_large
from driftreview.api.base import format_time
from driftreview.api.reasons import Reason
from driftreview.domain import shape
from driftreview.domain.samples import NoData, Samples, Series, TooMany, Values, Window, no_data, no_data_in

MAX_SERIES: Final = 10_000
"""Most series of one answer."""
MAX_SAMPLES: Final = 5_000_000
"""Most grid points of one query over all its series: 40 MB."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# The server keeps times in whole milliseconds and prints them as decimal fractions.
_TOLERANCE_MICROSECONDS: Final = 1_500
_FARTHEST_SECONDS: Final = 1e11


@dataclass(frozen=True)
class Row:
    """One series at one moment; `value` is None where the sample is NaN or infinite."""

    labels: Mapping[str, str]
    value: float | None


@dataclass(frozen=True)
class Rows:
    """An instant query answered with at least one finite sample; `nan` and `infinite` count the others."""

    at: datetime
    rows: tuple[Row, ...]
    nan: int = 0
    infinite: int = 0


def chunks(window: Window, limit: int) -> list[Window]:
    """Cut a window into adjoining ones of at most `limit` points, in order.

    Args:
        window: what to cut.
        limit: most points of a piece, at least 1.
    """
    length = window.step * limit
    count = -(-window.points // limit)
    starts = (window.start + length * number for number in range(count))
    return [Window(start, min(start + length, window.end), window.step) for start in starts]


@dataclass
class _Column:
    """One series while its chunks come in."""

    values: array[float]
    """NaN where there is no finite sample."""
    nan: int = 0
    infinite: int = 0

    def put(self, index: int, value: float) -> None:
        if math.isnan(value):
            self.nan += 1
        elif math.isinf(value):
            self.infinite += 1
        else:
            self.values[index] = value

    def series(self, labels: Labels) -> Series:
        return Series(dict(labels), Values(self.values), self.nan, self.infinite)


@dataclass
class Joiner:
    """Lays the answers to a window's chunks on the window's grid; `hide` replaces secrets in labels."""

    window: Window
    hide: Callable[[str], str] = str
    _columns: dict[Labels, _Column] = field(default_factory=dict)

    def add(self, chunk: Window, answer: Answer) -> TooMany | None:
        """Take in the matrix that answers one chunk.

        Returns:
            None, or what series there are if they are more than may be judged: then their samples are not read.

        Raises:
            RefusalError: it is no matrix, or not one on the chunk's grid, or too large.
        """
        if answer.result_type != "matrix":
            raise RefusalError(
                Reason.WRONG_RESULT_TYPE,
                f"a range query was answered with {_named(answer.result_type)}, not a matrix; check spec.url",
                retryable=False,
            )
        offset = (chunk.start - self.window.start) // self.window.step
        found: dict[Labels, list[Any]] = {}
        for labels, entry in _series(answer.result, self.hide):
            if labels in found:
                raise _twice(labels)
            _refuse_histograms(entry, "histograms")
            samples = entry.get("values")
            if not isinstance(samples, list):
                raise malformed("a series without values")
            found[labels] = samples
        columns = self._columns.keys() | {labels for labels, samples in found.items() if samples}
        if len(columns) > shape.MAX_SERIES:
            return TooMany(tuple(dict(labels) for labels in sorted(columns)))
        self._make_room(columns)
        for labels, samples in found.items():
            if samples:
                _fill(self._columns[labels], chunk, offset, samples)
        return None

    def result(self) -> Samples | NoData:
        """What all chunks together say."""
        series = tuple(self._columns[labels].series(labels) for labels in sorted(self._columns))
        if any(not math.isnan(value) for column in self._columns.values() for value in column.values):
            return Samples(self.window, series)
        return no_data_in(self.window, sum(one.nan for one in series), sum(one.infinite for one in series))

    def _make_room(self, columns: Collection[Labels]) -> None:
        points = self.window.points
        if len(columns) * points > MAX_SAMPLES:
            raise too_large(f"{len(columns)} series of {points} points")
        for labels in columns:
            if labels not in self._columns:
                self._columns[labels] = _Column(array("d", [math.nan]) * points)


def rows(answer: Answer, at: datetime, hide: Callable[[str], str] = str) -> Rows | NoData:
    """The rows of the answer to an instant query; a scalar is one row without labels.

    Args:
        answer: what was answered.
        at: the moment that was asked for.
        hide: replaces secrets in labels.

    Raises:
        RefusalError: it is neither vector nor scalar, or malformed.
    """
    found: dict[Labels, float] = {}
    match answer.result_type:
        case "scalar":
            found[()] = _sample(answer.result)[1]
        case "vector":
            for labels, entry in _series(answer.result, hide):
                if labels in found:
                    raise _twice(labels)
                _refuse_histograms(entry, "histogram")
                found[labels] = _sample(entry.get("value"))[1]
        case other:
            _refuse_type(other)
    nan = sum(math.isnan(value) for value in found.values())
    infinite = sum(math.isinf(value) for value in found.values())
    if nan + infinite == len(found):
        return no_data(f"at {format_time(at)}", nan, infinite)
    ordered = sorted(found.items())
    return Rows(
        at, tuple(Row(dict(key), value if math.isfinite(value) else None) for key, value in ordered), nan, infinite
    )


def server_seconds(moment: datetime) -> str:
    """A moment in Unix seconds as sent to the server, cut to the milliseconds that it keeps."""
    seconds, rest = divmod(_microseconds(moment - _EPOCH) // 1_000, 1_000)
    return f"{seconds}.{rest:03d}"


def _microseconds(length: timedelta) -> int:
    return length // _MICROSECOND


def _fill(column: _Column, chunk: Window, offset: int, samples: list[Any]) -> None:
    start, step, points = _microseconds(chunk.start - _EPOCH), _microseconds(chunk.step), chunk.points
    last = -1
    for sample in samples:
        seconds, value = _sample(sample)
        steps, rest = divmod(round(seconds * 1_000_000) - start + step // 2, step)
        index = steps - 1
        if not 0 <= index < points or abs(rest - step // 2) > _TOLERANCE_MICROSECONDS:
            raise misaligned()
        if index <= last:
            raise malformed("samples of one series twice or out of order")
        last = index
        column.put(offset + index, value)


def _series(result: Any, hide: Callable[[str], str]) -> Iterator[tuple[Labels, dict[str, Any]]]:
    if not isinstance(result, list):
        raise malformed("result is no list")
    if len(result) > MAX_SERIES:
        raise too_large(f"{len(result)} series")
    metrics = [entry.get("metric") if isinstance(entry, dict) else None for entry in result]
    return zip(read_labels(metrics, hide), result, strict=True)


def _sample(sample: Any) -> tuple[float, float]:
    """(Unix seconds, value) of `[1435781430.781, "1"]`."""
    match sample:
        case [int() | float() as seconds, str(text)]:
            pass
        case _:
            raise malformed("a sample that is no pair of time and value")
    try:
        # Python reads "1_0" as a number, and digits of any script; no server writes one so.
        value = float(text) if "_" not in text and text.isascii() else None
    except ValueError:
        value = None
    if value is None or not abs(seconds) < _FARTHEST_SECONDS:
        raise malformed("a sample whose time or value is no number")
    return seconds, value


def _refuse_histograms(entry: dict[str, Any], name: str) -> None:
    if entry.get(name):
        raise RefusalError(
            Reason.WRONG_RESULT_TYPE,
            "the query returns native histograms, not numbers; "
            "wrap it in histogram_quantile(), histogram_avg() or histogram_count()",
            retryable=False,
        )


def _refuse_type(found: str) -> NoReturn:
    advice = {
        "matrix": "the query is a range vector; wrap it in rate() or avg_over_time()",
        "string": "the query is a string; a signal needs a number",
    }
    if found not in advice:
        raise malformed(_named(found))
    raise RefusalError(Reason.WRONG_RESULT_TYPE, advice[found], retryable=False)


def _named(result_type: str) -> str:
    return f"a {result_type}" if result_type else "an unknown result type"


def _twice(labels: Labels) -> RefusalError:
    names = extract(", ".join(name for name, _ in labels), str)
    return malformed(f"the same series twice (labels {names})" if names else "the same series without labels twice")

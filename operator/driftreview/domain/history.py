"""History without a server: what was recorded of each signal, laid on the grid that queries would be evaluated on.

At a grid point counts the latest sample that is less than one step old. So every sample counts once at most, and
none is carried over a gap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from driftreview.api.base import format_time
from driftreview.api.signal import Signal
from driftreview.api.values import format_duration
from driftreview.domain.noise import Floats
from driftreview.domain.place import Place
from driftreview.domain.samples import QueryResult, Samples, Series, TooMany, Window, no_data_in
from driftreview.domain.scraping import UP, Scraping
from driftreview.domain.shape import MAX_SERIES

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
"""As exactly as Prometheus keeps times."""
FINEST: Final = timedelta(seconds=30)
"""The resolution where none is given, unless the data are coarser: a MetricSource's own default."""

LONGEST: Final = 4_000_000
"""Points of one series: nearly four years at 30 s."""
MOST_POINTS: Final = 40_000_000
"""Of all series together: 360 MB in each process."""
BYTES_PER_POINT: Final = 9
"""Of a track."""


@dataclass(frozen=True)
class Recorded:
    """One series as it was recorded."""

    labels: Mapping[str, str]
    times: NDArray[np.int64]
    """Milliseconds since 1970, ascending."""
    values: Floats
    """One for each time; NaN and infinite ones as they came."""


Recording: TypeAlias = Mapping[str, tuple[Recorded, ...]]
"""Series by the name of their signal, of a second query by that of `recorded_as`, of the source itself by UP."""


def recorded_as(signal: Signal) -> dict[str, str]:
    """The name of what was recorded, by the field of the query: `latency`, and of its control `latency.control`."""
    return {field: signal.name if field == "query" else f"{signal.name}.{field}" for field in signal.queries}


@dataclass(frozen=True)
class Track:
    """One series on the grid of the whole history."""

    labels: Mapping[str, str]
    values: Floats
    """NaN where there is no sample, or one that is NaN."""
    present: NDArray[np.bool_]
    """Where there is a sample, of whatever value."""


@dataclass(frozen=True)
class History:
    """Everything recorded, on one grid."""

    window: Window
    tracks: Mapping[str, tuple[Track, ...]]
    """By the name of the signal; one that was never recorded has none."""
    places: Mapping[str, Place] = field(default_factory=dict)
    """By the same name, where samples were looked for that were not asked of a server."""

    @staticmethod
    def of(recording: Recording, step: timedelta, places: Mapping[str, Place] | None = None) -> History:
        """Lay it on the grid of whole steps since 1970.

        Raises:
            ValueError: there is no sample at all.
        """
        first, last = span(recording)
        start = EPOCH + ((first - EPOCH - MILLISECOND) // step) * step
        window = Window(start, EPOCH - ((EPOCH - last) // step) * step, step)
        return History(window, {name: laid(series, window) for name, series in recording.items()}, places or {})

    def with_tracks(self, signal: str, tracks: tuple[Track, ...]) -> History:
        """The same, but for one signal."""
        return replace(self, tracks={**self.tracks, signal: tracks})

    def scraping(self, window: Window) -> Scraping | None:
        """What is known of the source's own gaps in a window; None where nobody looked for it.

        Of the time before the data nothing is known, whatever they say of the rest.
        """
        if UP not in self.tracks:
            return None
        if window.start < self.window.start:
            return Scraping.unknown(f"the data begin at {format_time(self.window.start + self.window.step)}")
        place = self.places.get(UP)
        if place is not None and not self.tracks[UP]:
            return Scraping.unknown(place.missing if not place.there else f"{place.what} holds no sample")
        return Scraping.of(self.answer(UP, window))

    def answer(self, signal: str, window: Window) -> QueryResult:
        """What a server that holds this would answer over a window of the same grid, also one that reaches beyond."""
        cut = [
            _cut(track, (window.start - self.window.start) // window.step, window.points)
            for track in self.tracks.get(signal, ())
        ]
        found = [track for track in cut if track.present.any()]
        if len(found) > MAX_SERIES:
            return TooMany(tuple(track.labels for track in found))
        series = tuple(_series(track) for track in found)
        if not any(np.isfinite(track.values).any() for track in found):
            nan, infinite = sum(each.nan for each in series), sum(each.infinite for each in series)
            place = self.places.get(signal)
            return place.no_data_in(window, nan, infinite) if place else no_data_in(window, nan, infinite)
        return Samples(window, series)


def alive(series: Sequence[Recorded]) -> tuple[Recorded, ...]:
    """What was recorded of `up`, or counted of it, as one series: at these times the source had scraped something."""
    found = [each.times[np.isfinite(each.values)] for each in series]
    times = np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)
    return (Recorded({}, times, np.ones(len(times))),) if len(times) else ()


def span(recording: Recording) -> tuple[datetime, datetime]:
    """The times of the first and the last sample.

    The source itself counts at the end only: what it still scraped while a signal was silent is part of the data.

    Raises:
        ValueError: there is none of any signal.
    """
    filled = [each.times for name, series in recording.items() if name != UP for each in series if len(each.times)]
    first = min(int(times[0]) for times in filled)
    filled += [each.times for each in recording.get(UP, ())]
    last = max(int(times[-1]) for times in filled)
    return EPOCH + first * MILLISECOND, EPOCH + last * MILLISECOND


def oversized(length: timedelta, step: timedelta, series: int) -> str:
    """Why so much time of so many series is more than can be laid on a grid; empty if it is not."""
    points, at = length // step, format_duration(step)
    if points > LONGEST:
        return f"{points} points of each series at {at}; {LONGEST} can be judged"
    if points * series > MOST_POINTS:
        return f"{points * series} points of all {series} series together at {at}; {MOST_POINTS} can be judged"
    return ""


def coarsest(recording: Recording) -> tuple[timedelta, str]:
    """The usual distance of samples in the series where it is largest, at least FINEST; and of which signal that is."""
    found = (FINEST, "")
    for name, series in recording.items():
        for each in series if name != UP else ():
            if len(each.times) > 1:
                usual = timedelta(seconds=round(float(np.median(np.diff(each.times))) / 1000))
                found = max(found, (usual, name), key=lambda pair: pair[0])
    return found


def laid(series: Sequence[Recorded], window: Window) -> tuple[Track, ...]:
    """Put series on a grid; samples outside of the window are left out."""
    start, step = (window.start - EPOCH) // MILLISECOND, window.step // MILLISECOND
    tracks = []
    for each in series:
        place = (each.times - start - 1) // step
        inside = (place >= 0) & (place < window.points)
        values, present = np.full(window.points, np.nan), np.zeros(window.points, dtype=bool)
        latest = _latest(place[inside])
        values[place[inside][latest]] = each.values[inside][latest]
        present[place[inside]] = True
        tracks.append(Track(each.labels, values, present))
    return tuple(tracks)


def _latest(place: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of ascending places are not followed by the same one."""
    return np.append(place[1:] != place[:-1], [True] * min(len(place), 1))


def _cut(track: Track, first: int, points: int) -> Track:
    """A stretch of a track, with nothing where it reaches beyond."""
    inside = slice(max(first, 0), max(first + points, 0))
    values, present = track.values[inside], track.present[inside]
    before = min(max(-first, 0), points)
    around = (before, points - before - len(values))
    return Track(
        track.labels, np.pad(values, around, constant_values=np.nan), np.pad(present, around, constant_values=False)
    )


def _series(track: Track) -> Series:
    finite = np.isfinite(track.values)
    values: list[Any] = track.values.tolist()
    for index in np.flatnonzero(~finite):
        values[index] = None
    nan = int((track.present & np.isnan(track.values)).sum())
    return Series(track.labels, values, nan, int(np.isinf(track.values).sum()))

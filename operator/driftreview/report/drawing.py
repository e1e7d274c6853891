"""Where the lines of a plot and of a timeline go: paths and places in SVG's units, no markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from driftreview.domain.display import quantity
from driftreview.domain.report.model import TO_COME, Moment, Plot, Timeline, Tone

WIDTH: Final = 320
HEIGHT: Final = 72
_EDGE: Final = 4
LONG: Final = 900
"""Width of a timeline."""
_LETTER: Final = 7.5
_ROW: Final = 16


@dataclass(frozen=True)
class Drawn:
    """A plot: the baseline on the left of T0, what followed on its right."""

    baseline: str
    current: str
    border: float
    """Where T0 is."""
    band: tuple[float, float] | None
    """Top and height of what is tolerated."""
    top: str
    """The value at its upper edge."""
    bottom: str


def drawn(plot: Plot) -> Drawn:
    """Lay out one plot. Its values are finite; all of them and the ends of the band are inside."""
    values = [value for value in (*plot.baseline, *plot.current, plot.low, plot.high) if value is not None]
    least, most = min(values, default=0.0), max(values, default=0.0)
    space = (most - least) or abs(most) or 1.0
    whole = len(plot.baseline) + len(plot.current)
    share = min(max(len(plot.baseline) / whole, 0.3), 0.7) if plot.baseline and plot.current else 1.0
    border = WIDTH * (share if plot.baseline else 0.0)

    def height(value: float) -> float:
        at = 0.5 if most == least else (value - least) / space
        return HEIGHT - _EDGE - at * (HEIGHT - 2 * _EDGE)

    band: tuple[float, float] | None = None
    if plot.low is not None or plot.high is not None:
        top = _EDGE if plot.high is None else height(plot.high)
        foot = HEIGHT - _EDGE if plot.low is None else height(plot.low)
        band = round(top, 1), round(max(foot - top, 1.0), 1)
    return Drawn(
        baseline=_path([None if each is None else height(each) for each in plot.baseline], 0.0, border),
        current=_path([None if each is None else height(each) for each in plot.current], border, float(WIDTH)),
        border=round(border, 1),
        band=band,
        top=quantity(most, plot.unit),
        bottom=quantity(least, plot.unit),
    )


def _path(heights: Sequence[float | None], left: float, right: float) -> str:
    """A line through the points there are; a lone one becomes a dot."""
    parts, pen = [], False
    width = (right - left) / max(len(heights), 1)
    for index, at in enumerate(heights):
        if at is None:
            pen = False
            continue
        x = left + (index + 0.5) * width
        parts.append(f"{'L' if pen else 'M'}{x:.1f} {at:.1f}" + ("" if pen else "h.01"))
        pen = True
    return "".join(parts)


@dataclass(frozen=True)
class Mark:
    """A look on a timeline."""

    x: float
    label: str
    label_x: float
    label_y: float
    tone: Tone
    done: bool


@dataclass(frozen=True)
class Line:
    """A timeline: T0 on the left, the end of the rollback window on the right."""

    marks: list[Mark]
    height: int
    now: float
    """Where the report's moment is."""
    safe: float
    """Where the last safe moment is."""


def laid_out(timeline: Timeline) -> Line:
    """Lay out a timeline; labels that would overlap go below one another."""
    last = max(timeline.closes, timeline.as_of, *(each.at for each in timeline.moments))
    whole = max((last - timeline.start).total_seconds(), 1.0)

    def x(moment: datetime) -> float:
        return round(10 + min(max((moment - timeline.start).total_seconds() / whole, 0.0), 1.0) * (LONG - 20), 1)

    ends: list[float] = []
    marks = []
    for each in (Moment(name="T0", at=timeline.start, verdict="T0"), *timeline.moments):
        said = timeline.told(each)
        label = each.name if said in (each.name, TO_COME) else f"{each.name} {said}"
        length = len(label) * _LETTER
        left = min(max(x(each.at) - length / 2, 0.0), LONG - length)
        row = next((index for index, end in enumerate(ends) if end < left), len(ends))
        ends[row : row + 1] = [left + length + _LETTER]
        marks.append(Mark(x(each.at), label, round(left, 1), 48 + row * _ROW, each.tone, done=bool(each.verdict)))
    return Line(marks, 52 + len(ends) * _ROW, x(timeline.as_of), x(timeline.last_safe))

"""An OpenMetrics file with timestamps, as `promtool tsdb dump-openmetrics` writes it. No PromQL is evaluated on it.

Lines of other metrics are passed over, and none is kept: a parser of whole families holds one of two million samples in
a gigabyte before it hands it out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from driftreview.adapters.recording import Recorder, RecordingError, Room, read_time, read_value
from driftreview.adapters.textfiles import Lines
from driftreview.api.signal import Signal
from driftreview.domain.display import quoted
from driftreview.domain.history import Recording, alive, recorded_as
from driftreview.domain.place import Place
from driftreview.domain.scraping import UP
from driftreview.domain.selector import SELECTOR, matches, read_selector

_METRIC: Final = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_MAPPING: Final = re.compile(rf"(?P<signal>[-.a-z0-9]+)=(?P<metric>{_METRIC})(?P<selector>{SELECTOR})?")
_NAME: Final = re.compile(_METRIC)
_SAMPLE: Final = re.compile(
    rf"{_METRIC}(?P<labels>{SELECTOR})?[ \t]+(?P<value>\S+)(?:[ \t]+(?P<time>[^\s#]\S*))?(?:[ \t]+#[ \t].*)?\s*"
)
_HISTOGRAM: Final = re.compile(rf"{_METRIC}(?:{SELECTOR})?[ \t]+\{{count:")
_END: Final = "# EOF"


@dataclass(frozen=True)
class Selected:
    """The samples that are a signal's."""

    metric: str
    labels: Mapping[str, str]


def read_mapping(text: str) -> tuple[str, Selected]:
    """Read `signal=metric{label="value"}`.

    Raises:
        ValueError: it is none.
    """
    found = _MAPPING.fullmatch(text.strip())
    if found is None:
        raise ValueError(f'{quoted(text)} is no mapping: write signal=metric or signal=metric{{label="value"}}')
    return found["signal"], Selected(found["metric"], read_selector(found["selector"] or ""))


def read_openmetrics(
    path: Path, signals: Sequence[Signal], mapped: Mapping[str, Selected], room: Room | None = None
) -> Recording:
    """The recorded series of each signal: samples of the metric it is mapped to, else of the metric of its own name.

    In that name `_` stands for the `-` that no metric may have.

    Raises:
        RecordingError: the file cannot be read, or holds no sample of any signal, or too many; names the line where
            there is one.
    """
    wanted = _wanted(signals, mapped)
    room = room or Room()
    recorders = {name: _Beats(path, room) if name == UP else Recorder(path, room) for name in wanted}
    try:
        with path.open(encoding="utf-8") as file:
            _read(Lines(path, file), path, [(selected, recorders[name]) for name, selected in wanted.items()])
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path}: cannot be read as UTF-8 text: {error}") from None
    found = {name: recorder.series() for name, recorder in recorders.items()}
    if not any(series for name, series in found.items() if name != UP):
        metrics = ", ".join(sorted({each.metric for name, each in wanted.items() if name != UP}))
        raise RecordingError(f"{path}: holds no sample of {metrics}; say with --map signal=metric which are meant")
    return found | {UP: alive(found[UP])}


def places_of(
    path: Path, signals: Sequence[Signal], mapped: Mapping[str, Selected], found: Recording
) -> dict[str, Place]:
    """The metric that each is looked for as, and whether any sample of it was found."""
    wanted = _wanted(signals, mapped)
    return {name: Place(f"metric {each.metric}", str(path), bool(found[name])) for name, each in wanted.items()}


@dataclass
class _Beats(Recorder):
    """Takes in when the source had scraped anything: of thousands of targets one sample a second."""

    _seconds: set[int] = field(default_factory=set)

    def add(self, _labels: Iterable[tuple[str, str]], when: int, value: float, line: int) -> None:
        """Take in that there is a sample then, whatever it is of; NaN is how a series ends."""
        second = -(-when // 1000)
        if second not in self._seconds and not math.isnan(value):
            self._seconds.add(second)
            super().add((), when, 1.0, line)


def _wanted(signals: Sequence[Signal], mapped: Mapping[str, Selected]) -> dict[str, Selected]:
    names = [name for each in signals for name in recorded_as(each).values()]
    wanted = {name: mapped.get(name, Selected(re.sub("[-.]", "_", name), {})) for name in names}
    return {**wanted, UP: Selected("up", {})}


def _read(lines: Lines, path: Path, wanted: Sequence[tuple[Selected, Recorder]]) -> None:
    """Take in what is wanted, up to the end that the file says it has."""
    metrics = {selected.metric for selected, _ in wanted}
    ended = False
    for text in lines:
        lines.done()
        where = f"{path}:{lines.number}"
        if ended:
            raise RecordingError(f"{where}: is no OpenMetrics text: {quoted(text)} stands behind {_END}")
        ended = text.rstrip("\r\n") == _END
        name = _NAME.match(text)
        if name is None and not text.startswith(("#", "{")) and text.strip():
            raise RecordingError(f"{where}: is no OpenMetrics text: {quoted(text)} does not begin with a metric's name")
        if name is not None and name[0] in metrics:
            _take(text, where, [each for each in wanted if each[0].metric == name[0]], lines.number)
    if not ended:
        raise RecordingError(f"{path}:{lines.number}: is no OpenMetrics text: Missing {_END}; is the file whole?")


def _take(text: str, where: str, wanted: Sequence[tuple[Selected, Recorder]], line: int) -> None:
    """Take in a sample, for each that wants it."""
    what = f"{where}: {wanted[0][0].metric}"
    if _HISTOGRAM.match(text):
        raise RecordingError(f"{what} is a native histogram, not a number; record histogram_quantile() of it instead")
    found = _SAMPLE.fullmatch(text)
    if found is None:
        raise RecordingError(
            f'{where}: is no OpenMetrics text: found {quoted(text.strip())}, expected metric{{label="value"}} 1.5 '
            "1769860800"
        )
    if found["time"] is None:
        raise RecordingError(f"{what} has a sample without a time; write it behind the value, in Unix seconds")
    try:
        value = read_value(found["value"])
    except ValueError as error:
        raise RecordingError(f"{where}: is no OpenMetrics text: {error}") from None
    try:
        when = read_time(found["time"])
    except ValueError as error:
        raise RecordingError(f"{what}: time {error}") from None
    labels = read_selector(found["labels"] or "")
    for selected, recorder in wanted:
        if matches(selected.labels, labels):
            recorder.add(labels.items(), when, value, line)

"""An OpenMetrics file with timestamps, as `promtool tsdb dump-openmetrics` writes it. No PromQL is evaluated on it.

Lines of other metrics are passed over, and none is kept: a parser of whole families holds one of a million samples in
a gigabyte before it hands it out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from driftreview.adapters.recording import Recorder, RecordingError, Room, read_time, read_value
from driftreview.adapters.textfiles import Lines
from driftreview.api.signal import Signal
from driftreview.domain.display import quoted
from driftreview.domain.history import Recording, recorded_as
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
    names = [name for each in signals for name in recorded_as(each).values()]
    wanted = {name: mapped.get(name, Selected(re.sub("[-.]", "_", name), {})) for name in names}
    room = room or Room()
    recorders = {name: Recorder(path, room) for name in wanted}
    try:
        with path.open(encoding="utf-8") as file:
            _read(Lines(path, file), path, [(selected, recorders[name]) for name, selected in wanted.items()])
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path}: cannot be read as UTF-8 text: {error}") from None
    found = {name: recorder.series() for name, recorder in recorders.items()}
    if not any(found.values()):
        metrics = ", ".join(sorted({each.metric for each in wanted.values()}))
        raise RecordingError(f"{path}: holds no sample of {metrics}; say with --map signal=metric which are meant")
    return found


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

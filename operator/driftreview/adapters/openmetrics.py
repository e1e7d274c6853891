"""An OpenMetrics file with timestamps, as `promtool tsdb dump-openmetrics` writes it. No PromQL is evaluated on it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from prometheus_client.openmetrics.parser import text_fd_to_metric_families
from prometheus_client.samples import Sample

from driftreview.adapters.recording import Recorder, RecordingError, read_time
from driftreview.api.signal import Signal
from driftreview.domain.history import Recording, recorded_as
from driftreview.domain.selector import SELECTOR, matches, read_selector

_MAPPING: Final = re.compile(rf"(?P<signal>[-.a-z0-9]+)=(?P<metric>[a-zA-Z_:][a-zA-Z0-9_:]*)(?P<selector>{SELECTOR})?")


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
        raise ValueError(f'{text!r} is no mapping: write signal=metric or signal=metric{{label="value"}}')
    return found["signal"], Selected(found["metric"], read_selector(found["selector"] or ""))


def read_openmetrics(path: Path, signals: Sequence[Signal], mapped: Mapping[str, Selected]) -> Recording:
    """The recorded series of each signal: samples of the metric it is mapped to, else of the metric of its own name.

    In that name `_` stands for the `-` that no metric may have.

    Raises:
        RecordingError: the file cannot be read, or holds no sample of any signal; names the line where there is one.
    """
    names = [name for each in signals for name in recorded_as(each).values()]
    wanted = {name: mapped.get(name, Selected(re.sub("[-.]", "_", name), {})) for name in names}
    recorders = {name: Recorder(path) for name in wanted}
    counted = None
    try:
        with path.open(encoding="utf-8") as file:
            counted = _Counted(file)
            for family in text_fd_to_metric_families(counted):  # type: ignore[no-untyped-call] # ships no types here
                for sample in family.samples:
                    for name, selected in wanted.items():
                        if sample.name == selected.metric and matches(selected.labels, sample.labels):
                            _add(recorders[name], sample, counted.line)
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path}: cannot be read as UTF-8 text: {error}") from None
    except (ValueError, OverflowError, KeyError, IndexError, TypeError, AttributeError) as error:
        # The parser means ValueError, but not every line it did not foresee ends in one.
        line = counted.line if counted else 0
        raise RecordingError(f"{path}:{line}: is no OpenMetrics text: {str(error) or 'a name that is none'}") from None
    found = {name: recorder.series() for name, recorder in recorders.items()}
    if not any(found.values()):
        metrics = ", ".join(sorted({each.metric for each in wanted.values()}))
        raise RecordingError(f"{path}: holds no sample of {metrics}; say with --map signal=metric which are meant")
    return found


class _Counted:
    """Lines of a file, counted as they are read: the parser does not say where it is."""

    def __init__(self, file: TextIO) -> None:
        self.line = 0
        self._file = file

    def __iter__(self) -> Iterator[str]:
        for text in self._file:
            self.line += 1
            yield text


def _add(recorder: Recorder, sample: Sample, line: int) -> None:
    """Take in a sample; the parser hands it out when its metric has ended, so `line` is there or after."""
    what = f"{recorder.path}: up to line {line}: {sample.name}"
    if sample.native_histogram is not None:
        raise RecordingError(f"{what} is a native histogram, not a number; record histogram_quantile() of it instead")
    if sample.timestamp is None:
        raise RecordingError(f"{what} has a sample without a time; write it behind the value, in Unix seconds")
    try:
        when = read_time(f"{float(sample.timestamp)!r}")
    except (ValueError, OverflowError) as error:
        raise RecordingError(f"{what}: time {error}") from None
    recorder.add(sample.labels.items(), when, sample.value, line)

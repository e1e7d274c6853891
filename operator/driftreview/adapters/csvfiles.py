"""A folder of CSV files, one for each signal: `<signal>.csv` with the columns timestamp, value, and then labels."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from driftreview.adapters.recording import Recorder, RecordingError, read_time, read_value
from driftreview.api.signal import Signal
from driftreview.domain.display import printable, quoted
from driftreview.domain.history import Recorded, Recording, recorded_as

TIME: Final = "timestamp"
VALUE: Final = "value"
_NO_LABELS: Final = (TIME, VALUE)


def files_of(signal: Signal) -> dict[str, str]:
    """The file of each query of a signal, by how it is recorded: `<signal>.csv`, `<signal>.control.csv`."""
    return {name: f"{name}.csv" for name in recorded_as(signal).values()}


def read_folder(folder: Path, signals: Iterable[Signal]) -> Recording:
    """The recorded series of each signal; a signal without a file has none.

    Raises:
        RecordingError: there is no such folder, none of the files, or one cannot be read.
    """
    if not folder.is_dir():
        raise RecordingError(f"{folder}: there is no such folder; it must hold a <signal>.csv for each signal")
    paths = {name: folder / file for signal in signals for name, file in files_of(signal).items()}
    found = {name: path for name, path in paths.items() if path.is_file()}
    if not found:
        raise RecordingError(f"{folder}: holds none of {', '.join(path.name for path in paths.values())}")
    return {name: read_file(path) if name in found else () for name, path in paths.items()}


def read_file(path: Path) -> tuple[Recorded, ...]:
    """The series of one file.

    Raises:
        RecordingError: it is no such file; names the line.
    """
    recorder = Recorder(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            header = [name.strip() for name in next(rows, [])]
            _check(path, header)
            columns = _Columns(header)
            for row in rows:
                if any(row):
                    columns.add(recorder, row, rows.line_num)
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path}: cannot be read as UTF-8 text: {error}") from None
    except csv.Error as error:
        raise RecordingError(f"{path}:{rows.line_num}: is no CSV: {error}") from None
    return recorder.series()


def _check(path: Path, header: list[str]) -> None:
    wrong = [f"lacks {name}" for name in (TIME, VALUE) if name not in header]
    wrong += [f"has {quoted(name)} twice" for name in sorted(set(header)) if name and header.count(name) > 1]
    wrong += ["has an empty name"] if not all(header) else []
    if wrong:
        found = f"the header {quoted(','.join(header))} {' and '.join(wrong)}"
        raise RecordingError(f"{path}:1: {found}; expected timestamp,value and then the names of labels, if any")


@dataclass(frozen=True)
class _Columns:
    """Where what stands in a row."""

    header: list[str]

    def add(self, recorder: Recorder, row: list[str], line: int) -> None:
        """Take in the sample of a row, if there is one."""
        names = self.header
        if len(row) != len(names):
            found = f"{len(row)} cells, expected {len(names)} as in the header {printable(','.join(names))}"
            raise RecordingError(f"{recorder.path}:{line}: {found}")
        field = TIME
        try:
            when = read_time(row[names.index(TIME)].strip())
            field, text = VALUE, row[names.index(VALUE)].strip()
            if text:
                labels = zip(names, row, strict=True) if len(row) > len(_NO_LABELS) else ()
                recorder.add(
                    ((name, cell) for name, cell in labels if name not in _NO_LABELS), when, read_value(text), line
                )
        except ValueError as error:
            raise RecordingError(f"{recorder.path}:{line}: {field}: {error}") from None

"""A folder of CSV files, one for each signal: `<signal>.csv` with the columns timestamp, value, and then labels."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from driftreview.adapters.recording import Recorder, RecordingError, Room, read_time, read_value
from driftreview.adapters.textfiles import Lines
from driftreview.api.signal import Signal
from driftreview.domain.display import printable, quoted
from driftreview.domain.history import Recorded, Recording, alive, recorded_as
from driftreview.domain.place import Place
from driftreview.domain.scraping import UP

TIME: Final = "timestamp"
VALUE: Final = "value"
_NO_LABELS: Final = (TIME, VALUE)
_UP_FILE: Final = "up.csv"


def files_of(signals: Iterable[Signal]) -> dict[str, str]:
    """The file of each query, by how it is recorded: `<signal>.csv`, `<signal>.control.csv`; of the source `up.csv`.

    A signal that is itself called `up` has that file.
    """
    found = {name: f"{name}.csv" for signal in signals for name in recorded_as(signal).values()}
    return found if _UP_FILE in found.values() else {**found, UP: _UP_FILE}


def places_of(folder: Path, signals: Iterable[Signal]) -> dict[str, Place]:
    """Where each is looked for, and whether there is such a file."""
    return {name: Place(file, str(folder), (folder / file).is_file()) for name, file in files_of(signals).items()}


def read_folder(folder: Path, signals: Iterable[Signal], room: Room | None = None) -> Recording:
    """The recorded series of each signal; a signal without a file has none.

    Raises:
        RecordingError: there is no such folder, none of the files, or one cannot be read.
    """
    if not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir raises on some names before 3.13
        raise RecordingError(f"{folder}: there is no such folder; it must hold a <signal>.csv for each signal")
    paths = {name: folder / file for name, file in files_of(signals).items()}
    there = [name for name, path in paths.items() if _is_there(path, folder)]
    if not set(there) - {UP}:
        names = ", ".join(path.name for name, path in paths.items() if name != UP)
        raise RecordingError(f"{folder}: holds none of {names}")
    room = room or Room()
    found = {name: read_file(path, room) if name in there else () for name, path in paths.items()}
    return found | {name: alive(series) for name, series in found.items() if name == UP}


def _is_there(path: Path, folder: Path) -> bool:
    """Whether there is such a file.

    Raises:
        RecordingError: it leads out of the folder, whoever put it there, or is no file.
    """
    try:
        real = path.resolve()
        if not real.is_relative_to(folder.resolve()):
            raise RecordingError(
                f"{path}: leads to {real}, outside of {folder}: only files within it are read; copy it there"
            )
        if real.exists() and not real.is_file():
            raise RecordingError(f"{path}: is no file but a folder, a pipe or a device; expected a CSV file")
        return real.is_file()
    except (OSError, RuntimeError) as error:  # a link to itself, before Python 3.13
        raise RecordingError(f"{path}: cannot be read: {error}") from None


def read_file(path: Path, room: Room | None = None) -> tuple[Recorded, ...]:
    """The series of one file.

    Raises:
        RecordingError: it is no such file, or too large; names the line.
    """
    recorder = Recorder(path, room or Room())
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = Lines(path, file)
            rows = csv.reader(lines, strict=True)
            header = [name.strip() for name in next(rows, [])]
            _check(path, header)
            columns = _Columns(header)
            for row in rows:
                lines.done()
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

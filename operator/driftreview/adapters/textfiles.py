"""Text from files that may be hostile: it is read row by row, so that a large file costs time but no memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, TextIO

from driftreview.adapters.recording import RecordingError

LONGEST_ROW: Final = 64 * 1024
"""Characters of one row, be it over several lines."""


class Lines:
    """Lines of a file, counted as they are read."""

    def __init__(self, path: Path, file: TextIO) -> None:
        self.number = 0
        self._path, self._file = path, file
        self._held = 0

    def __iter__(self) -> Iterator[str]:
        """Hand out one line after the other.

        Raises:
            RecordingError: more than one row may have were handed out since the last one was `done`.
        """
        while text := self._file.readline(LONGEST_ROW + 1):
            self.number += 1
            self._held += len(text)
            if self._held > LONGEST_ROW:
                raise RecordingError(
                    f"{self._path}:{self.number}: a row of more than {LONGEST_ROW} characters: expected one sample in "
                    "each; is a quote left open, or is this another kind of file?"
                )
            yield text

    def done(self) -> None:
        """The row that was handed out is dealt with."""
        self._held = 0

"""What is found: where, how bad, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from driftreview.domain.display import printable

Path = tuple[str | int, ...]
MOST_BYTES: Final = 2 * 2**20
"""Of one file: an object of more than a few hundred kilobytes is refused by the API server."""
_LONGEST_SHOWN: Final = 64
_PART: Final = re.compile(r"\[([0-9]{1,9})]|([^.\[\]]+)")
_SIGNAL: Final = re.compile(r"^spec\.signals\[\d+]")


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "error"
    """The API server or the operator refuses it, or what is healthy would surely be rolled back."""
    WARNING = "warning"
    """It is accepted, and probably not what was meant."""
    NOTE = "note"
    """What was taken for granted."""


@dataclass(frozen=True, order=True)
class Place:
    """A place in a file; both count from 1."""

    line: int = 1
    column: int = 1


@dataclass(frozen=True)
class Finding:
    """One thing that was found."""

    place: Place
    severity: Severity
    check: str
    """Which check found it; the same word in every version."""
    message: str
    """What was found, what was expected, what to do."""
    path: str = ""
    """The field, as the API server writes it: spec.signals[2].margin."""
    signal: str = ""
    """Name of the signal it is about."""
    resource: str = ""
    """Kind and name of the object it is about."""
    file: str = ""
    """The file, as it was named."""

    @property
    def text(self) -> str:
        """Field, signal and message in one line, as a terminal may see them."""
        of = f" (signal {self.signal})" if self.signal and _SIGNAL.match(self.path) else ""
        return printable(f"{self.path}{of}: {self.message}" if self.path else self.message, None)


@dataclass(frozen=True)
class Report:
    """What lint says of some files."""

    findings: tuple[Finding, ...]
    """By file, line and column."""
    files: int
    objects: int
    """Of kinds that are linted."""
    passed_over: int
    """Documents of other kinds."""

    def count(self, severity: Severity) -> int:
        """How many findings are this bad."""
        return sum(finding.severity is severity for finding in self.findings)


def spelled(path: Path) -> str:
    """A path as the API server writes it."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def parsed(path: str) -> Path:
    """The path that is spelled like this; names of fields hold neither dots nor brackets."""
    return tuple(int(index) if index else name for index, name in _PART.findall(path))


def shown(value: object) -> str:
    """A value as a message quotes it: short, and with its kind where that is in question."""
    match value:
        case None:
            return "nothing"
        case bool():
            return f"{str(value).lower()} (a boolean)"
        case int() | float():
            return f"{short(str(value))} (a number)"
        case str():
            return f"'{short(value)}'"
        case dict():
            return "an object"
        case _:
            return "a list"


def short(text: str) -> str:
    """The beginning of a long text."""
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"

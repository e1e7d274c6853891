"""What is found: where, how bad, and what to do about it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple

from driftreview.domain.display import printable

Path = tuple[str | int, ...]
MOST_BYTES: Final = 2 * 2**20
"""Of one file: an object of more than a few hundred kilobytes is refused by the API server."""
MOST_FINDINGS: Final = 200
"""Of one file: aliases and merge keys make a hundred thousand of a few kilobytes."""
_LONGEST_SHOWN: Final = 64
_LONGEST_NAME: Final = 512
"""Of a field, a signal or an object: no real one has half of it, and every finding repeats them."""
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


class Place(NamedTuple):
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
    times: int = 1
    """How many findings it stands for: of those that are never shown only the number is kept."""

    @property
    def text(self) -> str:
        """Field, signal and message in one line, as a terminal may see them."""
        of = f" (signal {self.signal})" if self.signal and _SIGNAL.match(self.path) else ""
        return printable(f"{self.path}{of}: {self.message}" if self.path else self.message, None)


@dataclass(frozen=True)
class Report:
    """What lint says of some files."""

    findings: tuple[Finding, ...]
    """By file, line and column; MOST_FINDINGS of each file, and one that says of the others."""
    files: int
    objects: int
    """Of kinds that are linted."""
    passed_over: int
    """Documents of other kinds."""
    left_out: Mapping[Severity, int] = field(default_factory=dict)
    """How many findings more there are; `findings` says so after those of their file."""

    def count(self, severity: Severity) -> int:
        """How many findings are this bad."""
        shown = sum(finding.severity is severity for finding in self.findings)
        return shown + self.left_out.get(severity, 0)


def bounded(found: Iterable[Finding]) -> tuple[list[Finding], Mapping[Severity, int]]:
    """What is shown of so many findings, by file, line and column, and how many of which severity are left out.

    Of a file with more than MOST_FINDINGS the worst are shown, of these what is about the file and not about an object
    in it (that it was not read to its end), and then the first.
    """
    kept: list[Finding] = []
    left_out: Counter[Severity] = Counter()
    worst_first = list(Severity)
    for name, of_file in groupby(sorted(found, key=_order), attrgetter("file")):
        ranked = sorted(of_file, key=lambda finding: (worst_first.index(finding.severity), bool(finding.resource)))
        more = ranked[MOST_FINDINGS:]
        kept += map(_cut, sorted(ranked[:MOST_FINDINGS], key=_order))
        if more:
            counts = Counter[Severity]()
            for finding in more:
                counts[finding.severity] += finding.times
            what = ", ".join(
                f"{n} {severity}{'s' if n > 1 else ''}" for severity in worst_first if (n := counts[severity])
            )
            message = f"and {counts.total()} more ({what}), which are not shown: mend those above and lint again"
            kept.append(
                Finding(max(each.place for each in more), Severity.NOTE, "too-many-findings", message, file=name)
            )
            left_out += counts
    return kept, left_out


def _order(finding: Finding) -> tuple[str, Place, str, str]:
    return finding.file, finding.place, finding.path, finding.message


def _cut(finding: Finding) -> Finding:
    path, signal, resource = (short(name, _LONGEST_NAME) for name in (finding.path, finding.signal, finding.resource))
    return replace(finding, path=path, signal=signal, resource=resource)


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


def short(text: str, length: int = _LONGEST_SHOWN) -> str:
    """The beginning of a long text."""
    return text if len(text) <= length else f"{text[:length]}…"

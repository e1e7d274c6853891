"""How many values of a file are looked at, and what is said where it cannot be read on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import yaml
from yaml.error import Mark

from driftreview.lint.finding import Finding, Place, Severity

MOST_VALUES: Final = 100_000
"""Of one file, an alias counted as often as it is used: what takes lint some seconds."""
TOO_MANY: Final = "yaml-size"
"""The check that finds more of them."""


@dataclass(frozen=True)
class Unreadable(Exception):  # noqa: N818 - the file's fault, not ours
    """What is wrong with the YAML, and where."""

    place: Place
    check: str
    message: str

    def finding(self) -> Finding:
        """As a finding."""
        return Finding(self.place, Severity.ERROR, self.check, self.message)


@dataclass
class Budget:
    """How many values of a file may still be looked at."""

    left: int = MOST_VALUES

    def spend(self, count: int, at: Place) -> None:
        """Look at some.

        Raises:
            Unreadable: there are more than a file may hold.
        """
        self.left -= count
        if self.left < 0:
            message = (
                f"the file holds more than {MOST_VALUES} values up to here, each alias counted as often as it is used, "
                "and nothing after this is linted; write it without aliases, or split it"
            )
            raise Unreadable(at, TOO_MANY, message)


def begin(node: yaml.Node) -> Place:
    """Where a value begins; of an alias, where what it stands for does."""
    return place_of(node.start_mark)


def place_of(mark: Mark | None) -> Place:
    """Where a mark of libyaml is; the beginning of the file without one."""
    return Place() if mark is None else Place(mark.line + 1, mark.column + 1)

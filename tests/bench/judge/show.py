"""Tables of percentages as text, aligned or Markdown."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from tests.bench.judge.outcome import Outcome, percent
from tests.bench.judge.process import Bools

Cells: TypeAlias = dict[str, str]
"""By the name of the column."""
Table: TypeAlias = list[tuple[str, Cells]]
"""Rows with their names."""
ROLLED: Final = "rollback"
HELD: Final = "HOLD"
PROMOTED: Final = "promoted"


def share(of: Bools) -> str:
    """Of what is true, in percent; whole ones without decimals."""
    return f"{percent(of):.1f}".removesuffix(".0")


def by_look(of: Bools) -> str:
    """Of (reviews, looks): one share for each look."""
    return "/".join(share(column) for column in of.T)


def at_last(of: Bools) -> str:
    """Of (reviews, looks): the share at the last look."""
    return share(of[:, -1])


def outcome_cells(outcome: Outcome, rolled: Callable[[Bools], str], name: str) -> Cells:
    """Rolled back, held and promoted, in columns that begin with a name."""
    return {
        f"{name} {ROLLED}": rolled(outcome.rolled_back),
        f"{name} {HELD}": share(outcome.held),
        f"{name} {PROMOTED}": share(outcome.promoted),
    }


def beside(cells: Cells, published: Mapping[str, str]) -> Cells:
    """Published numbers in brackets after ours."""
    return {name: f"{cell} ({published[name]})" if name in published else cell for name, cell in cells.items()}


def shown(rows: Table, *, markdown: bool) -> str:
    """A table that has rows, all with the same columns."""
    names = list(rows[0][1])
    lines = [[name, *(cells[column] for column in names)] for name, cells in rows]
    return "\n".join((_marked_down if markdown else _aligned)(["", *names], lines))


def _aligned(header: Sequence[str], lines: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(header, *lines, strict=True)]
    for line in (header, *lines):
        first, *others = line
        yield "  ".join([first.ljust(widths[0]), *(c.rjust(w) for c, w in zip(others, widths[1:], strict=True))])


def _marked_down(header: Sequence[str], lines: Sequence[Sequence[str]]) -> Iterator[str]:
    for line in (header, ["---"] + ["---:"] * (len(header) - 1), *lines):
        yield f"| {' | '.join(line)} |"


def options_of(description: str | None, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of a table of simulated reviews."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reviews", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=1, help="processes; leave numpy one thread each")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("words", nargs="*")
    return parser.parse_args(arguments)

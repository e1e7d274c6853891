"""Tables A to D of the judge's specification, computed anew; what it publishes stands in brackets beside.

Run from the root of the repository::

    python -m tests.bench.judge.tables [--table A|B|C|D] [--reviews N | --full] [--jobs N] [--markdown] [WORD ...]

Words choose rows by their names. With the default of 100 reviews a share of 50% is known to within ten percent points.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from tests.bench.judge.memory import RULES
from tests.bench.judge.methods import METHODS, SAMPLED
from tests.bench.judge.outcome import Outcome
from tests.bench.judge.process import Bools
from tests.bench.judge.rows import OURS_STABLE, STABLE, TABLE_A, TABLE_B, TABLE_C, TABLE_D, MemoryRow, Row
from tests.bench.judge.runs import run, run_memory
from tests.bench.judge.show import Cells, at_last, beside, by_look, outcome_cells, shown

TITLES: Final = {
    "A": "false rollback over 48 h, nothing wrong, 4 looks, %",
    "B": "what the baseline decides, nothing wrong at phi 0.9 (but +10% where it says so), %",
    "C": "one signal of ten worse: rolled back by 1/6/24/48 h, ever held, promoted, %",
    "D": "memory, limit 20 MB/h: failed by 1/6/24/48 h, %",
}


def of_methods(found: dict[str, Outcome], rolled: Callable[[Bools], str]) -> Cells:
    """Three cells for each method."""
    return {column: cell for name in METHODS for column, cell in outcome_cells(found[name], rolled, name).items()}


def cells_a(row: Row, reviews: int, jobs: int) -> Cells:
    """Everybody's rollbacks."""
    found = run(row, reviews, jobs, sampled=True)
    return {name: at_last(found[name].rolled_back) for name in SAMPLED} | of_methods(found, at_last)


def cells_b(row: Row, reviews: int, jobs: int) -> Cells:
    """What the methods say at the end."""
    return of_methods(run(row, reviews, jobs), at_last)


def cells_c(row: Row, reviews: int, jobs: int) -> Cells:
    """What the methods say by each look."""
    return of_methods(run(row, reviews, jobs), by_look)


def cells_d(row: MemoryRow, reviews: int, jobs: int) -> Cells:
    """What the rules say by each look."""
    found = run_memory(row, reviews, jobs)
    return {name: by_look(found[name]) for name in (*RULES, STABLE, OURS_STABLE)}


def rows_of(letter: str, options: argparse.Namespace) -> Iterator[tuple[str, Cells]]:
    """Rows of one table that the words choose, computed one by one."""

    def chosen(row: Row | MemoryRow) -> bool:
        return not options.words or any(word in row.scenario.name for word in options.words)

    def how_many(row: Row | MemoryRow) -> int:
        return row.reviews if options.full else int(options.reviews)

    if letter == "D":
        for program in filter(chosen, TABLE_D):
            cells = cells_d(program, how_many(program), options.jobs)
            yield program.scenario.name, beside(cells, program.published)
    else:
        table, cells_of = {"A": (TABLE_A, cells_a), "B": (TABLE_B, cells_b), "C": (TABLE_C, cells_c)}[letter]
        for row in filter(chosen, table):
            cells = cells_of(row, how_many(row), options.jobs)
            yield row.scenario.name, beside(cells, row.published)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", choices=tuple(TITLES), action="append", help="all, if not given")
    parser.add_argument("--reviews", type=int, default=100)
    parser.add_argument("--full", action="store_true", help="as many reviews as the published numbers come from")
    parser.add_argument("--jobs", type=int, default=1, help="processes; leave numpy one thread each")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("words", nargs="*")
    options = parser.parse_args(arguments)
    for letter in options.table or TITLES:
        rows = list(rows_of(letter, options))
        if rows:
            print(f"{'### ' if options.markdown else ''}Table {letter}: {TITLES[letter]}\n")
            print(shown(rows, markdown=options.markdown), end="\n\n", flush=True)


if __name__ == "__main__":
    main()

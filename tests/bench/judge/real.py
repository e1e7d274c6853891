"""The methods on real series: nothing wrong, and faults put in after T0 of which the size is known.

Run from the root of the repository::

    python -m tests.bench.judge.real --data DIR [--markdown]

Each review has one signal. A method sees logs of block medians where all values of the window are positive, and a fault
multiplies the values after T0. Otherwise it sees the medians in units of the baseline's median absolute level, where a
margin of log 1.05 is 4.9% of that level, and a fault adds its share of the level. Rules on raw samples see the same
values, as they are.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from tests.bench.judge.methods import METHODS, SAMPLED
from tests.bench.judge.nab import BLOCK_SECONDS, Window, windows
from tests.bench.judge.outcome import Outcome
from tests.bench.judge.peers import Review
from tests.bench.judge.process import BLOCK, DAY, HOUR, LOOKS, WEEK, Floats
from tests.bench.judge.show import PROMOTED, Cells, at_last, by_look, outcome_cells, share, shown

BASELINES: Final = {"24 h": DAY, "7 d": WEEK}
NOTHING: Final = "A/A"
FAULTS: Final = {NOTHING: (0.0, 0.0), "+10%": (0.1, 0.0), "+25%": (0.25, 0.0), "+50%": (0.5, 0.0), "1%/h": (0.0, 0.01)}
"""Shift, and leak per hour: shares of the value."""


def with_fault(window: Window, shift: float, leak: float) -> Floats:
    """Values, larger after T0: (before + after,)."""
    after = np.arange(len(window.values)) >= window.before
    larger = np.where(after, (1 + shift) * (1 + leak * window.hours), 1.0)
    return window.values * larger if window.positive else window.values + window.level * (larger - 1)


def as_judged(window: Window, values: Floats) -> Floats:
    """Block medians on the scale that methods see: (blocks,)."""
    medians = np.median(values.reshape(-1, BLOCK_SECONDS // window.step), axis=1)
    return np.asarray(np.log(medians) if window.positive else medians / window.level)


def outcomes(chosen: Sequence[Window], baseline: int, fault: str) -> dict[str, Outcome]:
    """Of every method, and of every rule on raw samples, over windows with a baseline of so many minutes."""
    faulty = [with_fault(window, *FAULTS[fault]) for window in chosen]
    blocks = np.stack([as_judged(window, values) for window, values in zip(chosen, faulty, strict=True)])[:, None, :]
    looks = tuple(look // BLOCK for look in LOOKS)
    found = {name: method(blocks, baseline // BLOCK, looks) for name, method in METHODS.items()}
    raw = [Review(values[None, :], each.before, each.hour) for each, values in zip(chosen, faulty, strict=True)]
    for name, peer in SAMPLED.items():
        rolled = np.stack([peer.rolled_back(each, tuple(look * each.hour // HOUR for look in LOOKS)) for each in raw])
        found[name] = Outcome(rolled, np.zeros(len(raw), bool), ~rolled[:, -1])
    return found


def rows_of(chosen: Sequence[Window], baseline: int) -> list[tuple[str, Cells]]:
    """One row for each method: false rollbacks, then what was found of each fault by each look, and promoted anyway."""
    rows: dict[str, Cells] = {name: {} for name in (*METHODS, *SAMPLED)}
    for fault in FAULTS:
        for name, outcome in outcomes(chosen, baseline, fault).items():
            rows[name] |= (
                outcome_cells(outcome, at_last, fault)
                if fault == NOTHING
                else {fault: by_look(outcome.rolled_back), f"{fault} {PROMOTED}": share(outcome.promoted)}
            )
    return list(rows.items())


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one table for each length of the baseline."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds nab/index.json")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args(arguments)
    for name, baseline in BASELINES.items():
        chosen = list(windows(options.data, baseline))
        if chosen:
            series = len({window.name for window in chosen})
            said = f"{len(chosen)} reviews of {series} real series, baseline {name}, %"
            print(f"{'### ' if options.markdown else ''}{said}; faults: rolled back by 1/6/24/48 h, promoted\n")
            print(shown(rows_of(chosen, baseline), markdown=options.markdown), end="\n\n", flush=True)


if __name__ == "__main__":
    main()

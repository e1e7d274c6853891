"""Whether the false-alarm budget holds, however often is looked: healthy reviews, and no margin at all.

Run from the root of the repository::

    python -m tests.bench.judge.budget [--reviews N] [--jobs N] [--markdown] [WORD ...]

Without a margin whatever is surely worse is Degraded: only the budget keeps a healthy release from it. Each review
has six signals, a day or a week of baseline, and looks evenly spread over 48 hours (four: at 1, 6, 24 and 48).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Final

import numpy as np

from driftreview.api.signal import Margin
from tests.bench.judge import ours
from tests.bench.judge.outcome import Outcome, joined
from tests.bench.judge.process import SEED, remembering
from tests.bench.judge.runs import BLOCK_LOOKS, in_lots
from tests.bench.judge.show import Cells, at_last, by_look, options_of, share, shown

SIGNALS: Final = 6
DAY: Final = 144
AFTER: Final = BLOCK_LOOKS[-1]
SPREAD: Final = 0.05
STRICT: Final = ours.SIGNAL.model_copy(update={"margin": Margin(relative="0%")})


@dataclass(frozen=True)
class Row:
    """Healthy reviews of one kind."""

    looks: int
    days: int
    phi: float
    """Of one block to the next."""

    @property
    def name(self) -> str:
        """What is told apart."""
        return f"{self.looks} {'looks' if self.looks > 1 else 'look'}, {self.days} d, phi {self.phi}"


ROWS: Final = tuple(Row(*each) for each in product((1, 4, 16), (1, 7), (0.0, 0.5, 0.8)))


def run(row: Row, reviews: int, jobs: int = 1) -> Outcome:
    """What is said of the first so many reviews."""
    return joined(list(in_lots(partial(_lot, row), reviews, jobs, row.name)))


def _lot(row: Row, reviews: range) -> Outcome:
    shape = (SIGNALS, row.days * DAY + AFTER)
    seeds = (np.random.default_rng([SEED, row.days, int(10 * row.phi), review]) for review in reviews)
    series = np.stack([SPREAD * remembering(rng.standard_normal(shape), row.phi) for rng in seeds])
    looks = (
        BLOCK_LOOKS if row.looks == len(BLOCK_LOOKS) else [AFTER * at // row.looks for at in range(1, row.looks + 1)]
    )
    return ours.judge(series, row.days * DAY, looks, STRICT)


def cells(found: Outcome) -> Cells:
    """Rolled back, by each look where there are few, and ever held."""
    few = found.rolled_back.shape[1] <= len(BLOCK_LOOKS)
    return {
        "reviews": str(len(found.held)),
        "rolled back, %": at_last(found.rolled_back),
        "by each look": by_look(found.rolled_back) if few else "",
        "ever held, %": share(found.held),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    options = options_of(__doc__, arguments)
    chosen = [row for row in ROWS if not options.words or any(word in row.name for word in options.words)]
    rows = [(row.name, cells(run(row, options.reviews, options.jobs))) for row in chosen]
    print(shown(rows, markdown=options.markdown))


if __name__ == "__main__":
    main()

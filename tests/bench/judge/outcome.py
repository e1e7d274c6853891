"""What a method says of reviews, and what a method is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tests.bench.judge.process import Bools, Floats


@dataclass(frozen=True)
class Outcome:
    """Of some reviews."""

    rolled_back: Bools
    """By each look, for good: (reviews, looks)."""
    held: Bools
    """At any look: (reviews,)."""
    promoted: Bools
    """At the last look: (reviews,)."""


Method: TypeAlias = Callable[[Floats, int, Sequence[int]], Outcome]
"""From log block medians (reviews, signals, before + after), the blocks before T0, and the looks in blocks after T0."""


def joined(outcomes: Sequence[Outcome]) -> Outcome:
    """Those of several lots of reviews, as of one."""
    return Outcome(
        np.concatenate([each.rolled_back for each in outcomes]),
        np.concatenate([each.held for each in outcomes]),
        np.concatenate([each.promoted for each in outcomes]),
    )


def percent(of: Bools) -> float:
    """Share of what is true, in percent."""
    return 100 * float(of.mean())

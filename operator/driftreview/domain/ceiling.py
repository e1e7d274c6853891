"""Kind Growth: `limits.alert`, the level that a series must not reach, and when a window was beyond it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from driftreview.domain.before import no_worse
from driftreview.domain.blocks import longest_run
from driftreview.domain.display import quantity
from driftreview.domain.finding import FEWEST_BLOCKS
from driftreview.domain.lately import highest
from driftreview.domain.measured import Case, Grid
from driftreview.domain.noise import Floats
from driftreview.domain.stretch import Excess

_FEWEST: Final = FEWEST_BLOCKS
"""Blocks in a row beyond it that break the rule."""


@dataclass(frozen=True)
class Ceiling:
    """How far the blocks of a series are beyond the level that it must not reach, up being beyond."""

    case: Case
    grid: Grid
    alert: float
    """In the signal's unit."""
    now: Floats
    """NaN where there is no block."""
    before: Floats

    @property
    def is_reached(self) -> bool:
        """Whether the window ends beyond it: its last blocks all are."""
        latest = self._excess.there[-_FEWEST:]
        return len(latest) == _FEWEST and bool((latest > 0).all())

    @property
    def said_of_its_end(self) -> str:
        """Since when the window is beyond it; empty where it does not end beyond."""
        return f"it is beyond {self.shown} already: {self._told(self._last)}" if self.is_reached else ""

    @property
    def said_of_its_last_block(self) -> str:
        """What its last block is, where that is beyond as none of the baseline was: it may stay there; else empty."""
        is_bad = self._excess.bad_at_last(self.before, far=0.0) is not None
        return f"but {self._told(self._last)}, limit {self.shown}" if is_bad else ""

    @property
    def said_of_the_worst(self) -> str:
        """When it was beyond, and how far; empty where it never was, or where its end says it."""
        there = self._excess.there
        if not there.size or there.max() <= 0 or there[-1] > 0:
            return ""
        return f"it was beyond {self.shown}: {self._told(int(np.nanargmax(self.now)))}"

    @property
    def was_reached(self) -> bool:
        """Whether it broke the rule at any time, by more than the baseline did."""
        if longest_run((self.now > 0).tolist()) < _FEWEST:
            return False
        usual = highest(self.before)
        return not (usual > 0 and no_worse(highest(self.now), usual))

    @property
    def _excess(self) -> Excess:
        return Excess(self.now, self.case.now.row, 0.0)

    @property
    def _last(self) -> int:
        return int(np.flatnonzero(np.isfinite(self.now))[-1])

    @property
    def shown(self) -> str:
        """The level in words."""
        return quantity(self.alert, self.case.signal.unit)

    def _told(self, at: int) -> str:
        return self._excess.around(at, 0.0).told(self.case.signal.unit, self.grid)

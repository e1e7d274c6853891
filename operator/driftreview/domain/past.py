"""What the baseline of a series did by itself: what was under way at its end, and if it was ever as bad for as long.

A mean can be as bad because of ten terrible minutes. So a stretch of the baseline is held against the window as well
with no block of either counted further than what nine tenths of the window's blocks keep to: what is steady in the
window must have been as steady in the baseline, and what is a burst in the window is no more than one burst before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from driftreview.domain.baseline import extremes_of
from driftreview.domain.calm import Incident
from driftreview.domain.effect import Effects
from driftreview.domain.noise import Floats
from driftreview.domain.regression import RESOLUTION

_USUAL: Final = 0.9
"""Of the window's blocks: what more of them exceed is how the window is, and no burst."""
_HALVINGS: Final = 20


@dataclass(frozen=True)
class Late:
    """What was under way when the baseline ended, up being worse."""

    size: float
    """Zero where there was nothing."""
    hours: float
    """From its beginning to the baseline's end."""
    is_sure: bool
    newer: float
    """How much worse it is than the level of the baseline's end."""
    newer_error: float
    older: float
    """How much worse it is than what was before."""
    older_error: float

    @property
    def steps(self) -> tuple[tuple[float, float], ...]:
        """Either, with its error; a single one where nothing was under way, as both are the same then."""
        both = (self.newer, self.newer_error), (self.older, self.older_error)
        return both if self.size else both[:1]

    @property
    def least(self) -> float:
        """How much worse it is at least, by whichever level is right."""
        return min(self.newer, self.older)


@dataclass(frozen=True)
class Past:
    """The baseline of one series, up being worse."""

    blocks: Floats = field(compare=False)
    """Around what it leads to expect, NaN where there is none."""
    shifted: float
    """Size of a change of level in it."""
    incidents: tuple[Incident, ...]
    """Without any, what it did it does time and again, and a mean says enough of it."""

    def lasted_less(self, window: Floats, step: float, aside: float) -> bool:
        """Whether no stretch of it was as bad throughout as a window that is worse by a step.

        Args:
            window: its blocks around their mean, NaN where there is none.
            step: by how much the mean is worse than what is expected.
            aside: how much less still counts as much.
        """
        if not self.incidents:
            return False
        now = window[np.isfinite(window)] + step
        most = float(np.quantile(now, _USUAL, method="higher"))
        length = max(1, min(len(window), len(self.blocks) // 4))
        highest, _ = extremes_of(np.minimum(self.blocks, most)[None], length)
        return float(np.minimum(now, most).mean()) > max(float(highest[0]), self.shifted) + aside

    def least(self, window: Floats, most: float, aside: float) -> float:
        """The least step up to `most` of which `lasted_less` is true, or that."""
        if not self.incidents:
            return most
        low, high = 0.0, most
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            is_less = self.lasted_less(window, middle, aside)
            low, high = (low, middle) if is_less else (middle, high)
        return high


def late_of(effects: Effects, nth: int, sign: int, hours_per_block: float) -> Late:
    """Of one series; `sign` is -1 where lower is worse."""
    late = effects.late
    return Late(
        size=sign * float(late.size[nth]),
        hours=float(late.blocks[nth]) * hours_per_block,
        is_sure=bool(late.is_sure[nth]),
        newer=sign * float(late.newer[nth]),
        newer_error=max(float(late.newer_error[nth]), RESOLUTION / 100),
        older=sign * float(late.older[nth]),
        older_error=max(float(late.older_error[nth]), RESOLUTION / 100),
    )

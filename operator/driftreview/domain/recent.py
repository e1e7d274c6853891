"""What the end of a window is: whether what is bad on the whole has healed by then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftreview.domain.noise import Floats, Noise
from driftreview.domain.overlaps import overlaps, overlaps_after
from driftreview.domain.regression import RESOLUTION, Panel

_AT_LAST: Final = 1 / 3
"""Of the window: what is worse on the whole, and good by then, is not what is decided on."""
FEWEST_AT_LAST: Final = 2
"""Blocks."""


@dataclass(frozen=True)
class End:
    """The last third of the blocks of one series, up being worse."""

    blocks: int
    level: float
    level_error: float
    step_error: float
    drop: float
    """By how much it is better than what precedes it since T0."""
    drop_error: float


@dataclass(frozen=True)
class Recent:
    """The last third of the blocks since T0, those that are there. One of each for every series."""

    blocks: NDArray[np.int_]
    level: Floats
    level_error: Floats
    step_error: Floats
    """Infinite without a baseline."""
    drop: Floats
    """By how much it is below what precedes it since T0."""
    drop_error: Floats

    def of(self, nth: int, sign: int) -> End:
        """Of one series; `sign` is -1 where lower is worse."""
        return End(
            blocks=int(self.blocks[nth]),
            level=sign * float(self.level[nth]),
            level_error=max(float(self.level_error[nth]), RESOLUTION / 100),
            step_error=max(float(self.step_error[nth]), RESOLUTION / 100),
            drop=sign * float(self.drop[nth]),
            drop_error=max(float(self.drop_error[nth]), RESOLUTION / 100),
        )


def at_last(blocks: int) -> int:
    """How many of so many blocks are the last third."""
    return max(FEWEST_AT_LAST, round(blocks * _AT_LAST))


def recent_of(panel: Panel, noise: Noise, since: Floats, against: Floats) -> Recent:
    """What the last third is; `against` are the weights of the blocks in what is expected of the mean, negative."""
    present = np.isfinite(since)
    from_the_end = present[:, ::-1].cumsum(-1)[:, ::-1]
    blocks = np.maximum(FEWEST_AT_LAST, np.rint(present.sum(-1) * _AT_LAST)).astype(int)
    last = present & (from_the_end <= blocks[:, None])
    late, early = (part / np.maximum(part.sum(-1, keepdims=True), 1) for part in (last, present & ~last))
    filled = np.where(present, since, 0.0)
    level = (late * filled).sum(-1)

    def error(found: Floats) -> Floats:
        of_each: Floats = np.broadcast_to(np.sqrt(noise.variance(found)), len(since))
        return of_each

    mean = np.concatenate([np.zeros((len(since), panel.before)), late], axis=-1)
    return Recent(
        blocks=blocks,
        level=level,
        level_error=error(overlaps_after(late)),
        step_error=error(overlaps(panel, mean + against)) if panel.before else np.full(len(since), np.inf),
        drop=(early * filled).sum(-1) - level,
        drop_error=error(overlaps_after(early - late)),
    )

"""Guards: looks between the checkpoints, at what must not wait for the next one."""

from __future__ import annotations

from typing import Annotated, Final

from driftreview.api.base import Model
from driftreview.api.values import Duration, between

MOST_DRIFTS: Final = 1
"""Guards end with the first drift that they find."""


class Guards(Model):
    """How often the signals are looked at between the checkpoints; a drift found there counts as one at a checkpoint.

    Nothing is promoted by it, and what has no data is left to the checkpoints.
    """

    every: Annotated[Duration, between("1m", "1h")] = "10m"
    """From T0 on, once in so long."""

"""What a series is compared on: its logarithms, or its values; no logarithm is of less than a floor."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from driftreview.domain.finding import Side
from driftreview.domain.noise import Floats

_LARGEST: Final = sys.float_info.max
_OUTAGE: Final = 0.01
"""Of the least that is known: what falls below that is not there any more, however little is left of it."""
_SMALLEST: Final = math.ulp(0.0)


@dataclass(frozen=True)
class Scale:
    """What a series is compared on: its logarithms where every value is above zero, else its values. Up is worse."""

    log: bool
    sign: int = 1
    unit: float = 1.0
    floor: float = _SMALLEST
    """The least value that has a logarithm: what is below it counts as it."""

    @staticmethod
    def of_logarithms(least: float) -> Scale:
        """Logarithms of a series that this is the least of: an outage counts as a share of it."""
        return Scale(log=True, floor=max(_OUTAGE * least, _SMALLEST))

    def to(self, value: float) -> float:
        """A value as it is compared."""
        return self.sign * (math.log(max(value, self.floor)) if self.log else value / self.unit)

    def of(self, values: Floats) -> Floats:
        """Values as they are compared, up as up; NaN stays NaN."""
        compared: Floats = np.log(np.maximum(values, self.floor)) if self.log else values / self.unit
        return compared

    def of_all(self, side: Side) -> Floats:
        """All values of a side as they are compared."""
        return self.sign * self.of(side.row[np.isfinite(side.row)])

    def back(self, compared: float) -> float:
        """The value that is compared as this; the nearest float where it is too large or too small for one."""
        compared *= self.sign
        if not self.log:
            return max(-_LARGEST, min(compared * self.unit, _LARGEST))
        return _LARGEST if compared >= math.log(_LARGEST) else max(math.exp(compared), _SMALLEST)


def compared(rows: Floats, scales: Sequence[Scale]) -> Floats:
    """Every row on its own scale, as `Scale.of` has it, (series, blocks): one logarithm of all is quicker than many."""
    is_log = np.array([scale.log for scale in scales])
    floors, units = (np.array(each)[:, None] for each in ([s.floor for s in scales], [s.unit for s in scales]))
    found: Floats = rows / units
    found[is_log] = np.log(np.maximum(rows[is_log], floors[is_log]))
    return found

"""A covariate: another signal of the review that a level follows, such as latency the number of requests.

What it explains is not put down to the release. That is only right inside of what the baseline has seen: how a service
behaves at twice its highest load is in no baseline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from driftreview.api.reasons import Reason
from driftreview.api.signal import Signal
from driftreview.api.values import parse_percent
from driftreview.api.verdicts import SignalVerdict
from driftreview.domain.display import quantity
from driftreview.domain.finding import FEWEST_BLOCKS, Finding, Side, place
from driftreview.domain.observed import Observed
from driftreview.domain.rules import too_few
from driftreview.domain.statistics import middle

_Pair: TypeAlias = tuple[float, float]
_BEYOND: Final = 0.1
"""Of the baseline's range (without the few blocks that are farthest out), how much further the window may lie."""


@dataclass(frozen=True)
class Covariate:
    """What a series follows, on both sides of T0."""

    signal: Signal
    before: Side
    now: Side

    @staticmethod
    def of(
        signal: Signal, key: str, before: Mapping[str, Observed], after: Mapping[str, Observed] | None
    ) -> Covariate | str | Finding | None:
        """What a series follows.

        Args:
            signal: the signal that follows.
            key: its series.
            before: what was measured at T0.
            after: what was measured since; None where there is nothing yet.

        Returns:
            None where it follows nothing, a text where that was not measured at T0, a finding where it is not now.
        """
        if signal.covariate is None:
            return None
        what = f"its covariate {signal.covariate}"
        now = Side(()) if after is None else _series(signal.covariate, key, after, what)
        if isinstance(now, Finding):
            return now
        old = _series(signal.covariate, key, before, what)
        if isinstance(old, Finding):
            return f"at T0: {old.message}"
        return Covariate(before[signal.covariate].signal, old, now)

    def unfit(self) -> Finding | None:
        """Why nothing can be said of what follows it; before there is anything since T0, what the baseline lacks."""
        name, unit = self.signal.name, self.signal.unit
        if finding := too_few(self.before, f"{name} in the baseline"):
            return finding
        if not self.now.blocks:
            return None
        if finding := too_few(self.now, f"{name} in this window"):
            return finding
        ordered = sorted(self.before.present)
        low, high = ordered[FEWEST_BLOCKS - 1], ordered[-FEWEST_BLOCKS]
        now, room = middle(self.now.present), _BEYOND * (high / 2 - low / 2) * 2
        if low - room <= now <= high + room:
            return None
        seen = f"between {quantity(low, unit)} and {quantity(high, unit)}"
        message = f"{name} is {quantity(now, unit)} now and was {seen} in the baseline: nothing is known of that"
        return Finding(SignalVerdict.INCONCLUSIVE, Reason.BEYOND_BASELINE, message)

    def laid_beside(self, signal: Signal, baseline: Side, now: Side) -> tuple[Side, Side, Covariate] | Finding:
        """Both sides of a series with only those blocks that have this too, and this likewise; or why too few do."""
        old = _both(baseline.blocks[::-1], self.before.blocks[::-1])[::-1]
        new = _both(now.blocks, self.now.blocks)
        for side, pairs, where in ((baseline, old, "at T0: "), (now, new, "")):
            known, needed = len(pairs) - pairs.count(None), parse_percent(signal.min_coverage) * len(side.present)
            last = [pair for own, pair in zip(side.blocks, pairs, strict=True) if own is not None][-FEWEST_BLOCKS:]
            is_gone = not where and len(last) - last.count(None) < parse_percent(signal.min_coverage) * len(last)
            if pairs and (known < max(FEWEST_BLOCKS, needed) or is_gone):
                late = f", and {len(last) - last.count(None)} of the last {len(last)}" if is_gone else ""
                message = f"{where}{known} of {len(pairs)} blocks have its covariate {self.signal.name} as well{late}"
                if where:
                    return Finding(SignalVerdict.INCONCLUSIVE, Reason.BASELINE_MISSING, message)
                return Finding(SignalVerdict.MISSING, Reason.LOW_COVERAGE, message)
        (before, before_of), (after, after_of) = (
            [tuple(each and each[nth] for each in pairs) for nth in (0, 1)] for pairs in (old, new)
        )
        covariate = replace(self, before=Side(before_of), now=Side(after_of))
        return replace(baseline, blocks=before), replace(now, blocks=after), covariate

    def row(self, before: int, count: int) -> NDArray[np.float64]:
        """It on the grid: logarithms where all is above zero, less the baseline's mean; NaN where there is none."""
        values = np.full(count, np.nan)
        place(values, before, self.before, self.now)
        largest = float(np.nanmax(np.abs(values))) or 1.0
        values = np.log(values) if np.nanmin(values) > 0 else values / largest
        centred: NDArray[np.float64] = values - np.nanmean(values[:before])
        return centred


def _both(blocks: Sequence[float | None], others: Sequence[float | None]) -> list[_Pair | None]:
    """Block by block, where both are there."""
    both = zip_longest(blocks, others[: len(blocks)])
    return [None if own is None or other is None else (own, other) for own, other in both]


def _series(name: str, key: str, found: Mapping[str, Observed], what: str) -> Side | Finding:
    if name not in found:
        return Finding(SignalVerdict.MISSING, Reason.EMPTY, f"{what}: there is no evidence of it")
    return found[name].series(key, what)

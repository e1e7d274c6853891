"""Faults of known size, put into what was recorded: what would the review have seen of them?

Written `latency*1.10` (a tenth more), `latency+5m` (so much more, in the signal's unit), `memory leak 20Mi/h` (more and
more, from nothing at the beginning) or `heartbeat silent after 6h` (no sample from then on);
`latency{symbol="btc"}*1.10` is put into the series with that label only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import numpy as np

from driftreview.api.values import parse_duration, parse_quantity
from driftreview.domain.history import EPOCH, MILLISECOND, Recorded
from driftreview.domain.noise import Floats
from driftreview.domain.selector import SELECTOR, matches, read_selector

_HOUR: Final = 3_600_000
_FAULT: Final = re.compile(
    rf"\s*(?P<signal>[a-z0-9]([-a-z0-9]*[a-z0-9])?)\s*(?P<selector>{SELECTOR})?"
    r"(?:\s*(?P<sign>[*+])\s*(?P<amount>\S+)|\s+leak\s+(?P<rate>\S+)/h"
    r"|\s+(?P<silent>silent)(?:\s+after\s+(?P<after>\S+))?)\s*"
)


_PERCENT: Final = re.compile(r"([+-]?[0-9]{1,9}(?:[.][0-9]{1,9})?)%")
_BARE: Final = re.compile(r"(=\s*)([^\s\"'{},=]+)")
_LONGEST: Final = 200
"""Characters that are worth a guess."""


class Change(StrEnum):
    """What a fault does to a value."""

    TIMES = "Times"
    PLUS = "Plus"
    LEAK = "Leak"
    """Adds its amount for every hour since the beginning."""
    SILENT = "Silent"
    """There are no samples any more, its amount of hours after the beginning."""


@dataclass(frozen=True)
class Fault:
    """A fault of a known size."""

    text: str
    """As it was written."""
    signal: str
    labels: Mapping[str, str]
    """Of the series it is put into; empty for all of the signal."""
    change: Change
    amount: float

    @staticmethod
    def parse(text: str) -> Fault:
        """Read it.

        Raises:
            ValueError: it is none.
        """
        found = _FAULT.fullmatch(text)
        if found is None:
            if meant := _quoted(text):
                raise ValueError(f"{text!r}: a label's value stands in quotes: write {meant}")
            raise ValueError(
                f"{text!r} is no fault: write a signal's name and what happens to it, such as latency*1.10, "
                "latency+5m, memory leak 20Mi/h or heartbeat silent"
            )
        labels = read_selector(found["selector"] or "")
        if found["silent"]:
            hours = parse_duration(found["after"] or "0s") / timedelta(hours=1)
            return Fault(text.strip(), found["signal"], labels, Change.SILENT, hours)
        change = {"*": Change.TIMES, "+": Change.PLUS, None: Change.LEAK}[found["sign"]]
        if share := _PERCENT.fullmatch(found["amount"] or ""):
            factor = float(share[1]) / 100 + (change is Change.PLUS)
            raise ValueError(
                f"{text!r}: a share is a factor: write {found['signal']}{found['selector'] or ''}*{factor:g}"
            )
        amount = parse_quantity(found["amount"] or found["rate"])
        if change is Change.TIMES and amount < 0:
            raise ValueError(f"{text!r}: a factor must be zero or more")
        return Fault(text.strip(), found["signal"], labels, change, amount)

    def put_into(
        self, series: Iterable[Recorded], since: datetime, per: Sequence[Recorded] | None = None, each: str = ""
    ) -> tuple[Recorded, ...]:
        """The signal's series with the fault in every sample later than `since`, or without these.

        Args:
            series: what was recorded of its query.
            since: when the fault begins.
            per: of a signal that is counted per another, what was recorded of that: what is added to the quotient is
                as many times more in what is counted.
            each: the label by which the two belong together.
        """
        begins = (since - EPOCH) // MILLISECOND
        return tuple(
            self._changed(one, begins, 1.0 if per is None else _beside(one, per, each))
            if matches(self.labels, one.labels)
            else one
            for one in series
        )

    def _changed(self, series: Recorded, begins: int, unit: Floats | float) -> Recorded:
        if self.change is Change.SILENT:
            kept = series.times <= begins + self.amount * _HOUR
            return replace(series, times=series.times[kept], values=series.values[kept])
        if self.amount == (self.change is Change.TIMES):  # nothing is changed, not even the sign of a zero
            return series
        values, after = series.values.copy(), series.times > begins
        more = (np.zeros(len(values)) + self.amount * unit)[after]
        with np.errstate(over="ignore", invalid="ignore"):
            match self.change:
                case Change.TIMES:
                    values[after] *= self.amount
                case Change.PLUS:
                    values[after] += more
                case Change.LEAK:
                    values[after] += more * ((series.times[after] - begins) / _HOUR)
        return replace(series, values=values)


def _quoted(text: str) -> str:
    """The fault with the values of its labels in quotes, if that is all it lacks."""
    head, brace, rest = text[:_LONGEST].partition("{")
    meant = (head + brace + _BARE.sub(r'\1"\2"', rest)).strip()
    return f"'{meant}'" if brace and len(text) <= _LONGEST and _FAULT.fullmatch(meant) else ""


def _beside(one: Recorded, others: Sequence[Recorded], each: str) -> Floats:
    """At each sample of a series the latest of the one that belongs to it; zero where there is none yet."""
    found = {other.labels.get(each, ""): other for other in others}
    other = found.get(one.labels.get(each, ""), found.get(""))
    if other is None or not len(other.times):
        return np.zeros(len(one.times))
    at = np.searchsorted(other.times, one.times, side="right") - 1
    values = np.where(at >= 0, other.values[at], 0.0)
    return np.where(np.isfinite(values), values, 0.0)

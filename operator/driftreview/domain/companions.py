"""A signal's second query, its control or what it is counted per, laid beside its series block by block."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from driftreview.api.driftsnapshot import Problem
from driftreview.api.reasons import Reason
from driftreview.api.signal import Kind, Signal
from driftreview.api.values import parse_quantity
from driftreview.domain.blocks import block_means, block_medians, encode, numbers
from driftreview.domain.display import shorten
from driftreview.domain.finding import FEWEST_BLOCKS
from driftreview.domain.samples import Failed, NoData, QueryResult, Samples, Series, TooMany
from driftreview.domain.shape import MAX_MESSAGE, about_companion, companion_shape_problem
from driftreview.domain.statistics import mean


@dataclass(frozen=True)
class Companion:
    """A signal's second query and what it answered."""

    query: str
    result: QueryResult


@dataclass(frozen=True)
class Written:
    """The blocks of one series as evidence writes them."""

    values: str
    samples: int
    ending: int
    """Of these, in the last blocks that are judged by themselves; with a control the fewer of both."""
    silent: int
    """Steps after the last sample; with a control the more of both."""
    control: str | None = None
    control_samples: int | None = None
    per: str | None = None

    @property
    def texts(self) -> list[str]:
        """All that grow with the number of blocks."""
        return [each for each in (self.values, self.control, self.per) if each is not None]


def companion_problem(signal: Signal, companion: Companion | None) -> Problem | None:
    """Why a signal's second query, if it has one, says nothing that could stand beside its series."""
    if signal.companion is None:
        return None
    if companion is None:
        raise ValueError(f"signal {signal.name} has {signal.companion[0]}, which was not asked")
    match companion.result:
        case Samples(series=series):
            return companion_shape_problem(signal, [one.labels for one in series])
        case TooMany(labels):
            return companion_shape_problem(signal, labels)
        case NoData(reason, message) | Failed(reason, message):
            said = Problem(reason=Reason(reason), message=shorten(message, MAX_MESSAGE))
            return about_companion(signal, said)


def companion_of(signal: Signal, one: Series, companion: Companion | None) -> Series | None:
    """The series that stands beside this one: of the same value of `each`, or the only one there is."""
    if companion is None or not isinstance(companion.result, Samples):
        return None
    found = {each.labels.get(signal.each or "", ""): each for each in companion.result.series}
    return found.get(one.labels.get(signal.each or "", ""), found.get(""))


def written_blocks(
    signal: Signal, one: Series, companion: Companion | None, step: timedelta, block: timedelta
) -> Written:
    """The blocks of a series, and of what its second query says beside it, as evidence writes them."""
    beside = companion_of(signal, one, companion)
    if signal.per is not None:
        return written_per(one, beside, step, block, parse_quantity(signal.min_traffic or "0"))
    if signal.control is not None:
        return written_beside(one, beside, step, block)
    kept = block_means if signal.kind is Kind.EVENTS else block_medians
    return Written(
        encode(kept(one, step, block)), count(one.values), _ending(one.values, block // step), _silent(one.values)
    )


def written_beside(one: Series, control: Series | None, step: timedelta, block: timedelta) -> Written:
    """Medians of both; without a control all of its blocks are empty."""
    own = block_medians(one, step, block)
    beside = block_medians(control, step, block) if control else (None,) * len(own)
    size, other = block // step, control.values if control else ()
    ending = min(_ending(one.values, size), _ending(other, size))
    silent = max(_silent(one.values), _silent(other) if control else len(one.values))
    return Written(encode(own), count(one.values), ending, silent, encode(beside), count(other))


def written_per(one: Series, per: Series | None, step: timedelta, block: timedelta, least: float) -> Written:
    """Mean over mean of each block, over the moments at which both have a sample; none below the least traffic."""
    quotients: list[float | None] = []
    traffic: list[float | None] = []
    samples = []
    beside = per.values if per else (None,) * len(one.values)
    silent = _silent([None if None in pair else 0.0 for pair in zip(one.values, beside, strict=True)])
    for pairs in _pairs(one.values, beside, block // step):
        number = len(pairs)
        samples.append(number)
        own, of = (mean([pair[side] for pair in pairs]) if number else 0.0 for side in (0, 1))
        quotient = own / of if of > 0 and of >= least else math.nan
        traffic.append(of if number else None)
        quotients.append(quotient if math.isfinite(quotient) else None)
    return Written(encode(quotients), sum(samples), sum(samples[-FEWEST_BLOCKS:]), silent, per=encode(traffic))


def count(values: Sequence[float | None]) -> int:
    """How many of them are samples."""
    return int(np.count_nonzero(~np.isnan(numbers(values))))


def _ending(values: Sequence[float | None], size: int) -> int:
    return count(values[-FEWEST_BLOCKS * size :])


def _silent(values: Sequence[float | None]) -> int:
    return next((late for late, value in enumerate(reversed(values)) if value is not None), len(values))


def _pairs(
    left: Sequence[float | None], right: Sequence[float | None], size: int
) -> Iterator[list[tuple[float, float]]]:
    for first in range(0, len(left), size):
        both = zip(left[first : first + size], right[first : first + size], strict=True)
        yield [(one, other) for one, other in both if one is not None and other is not None]

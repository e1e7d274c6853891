"""Blocks: what is kept of a series. Medians of short stretches forget scrape noise and most short memory.

Of events it is means, which forget none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, FiniteFloat, TypeAdapter, ValidationError

from driftreview.domain.samples import Series, Values
from driftreview.domain.statistics import mean

_T = TypeVar("_T")
_Blocks: TypeAlias = tuple[float | None, ...]
_BLOCKS: Final[TypeAdapter[_Blocks]] = TypeAdapter(tuple[FiniteFloat | None, ...], config=ConfigDict(strict=True))


def numbers(values: Sequence[float | None]) -> NDArray[np.float64]:
    """Samples as an array, NaN for none; it must not be changed."""
    if isinstance(values, Values):
        return np.frombuffer(values.packed, dtype=np.float64)
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def block_medians(series: Series, step: timedelta, block: timedelta) -> tuple[float | None, ...]:
    """Medians of consecutive blocks; None for a block without samples.

    The last block may be shorter when the series is no whole number of blocks long.
    """
    size, row = block // step, numbers(series.values)
    padded = np.full(-(-len(row) // size) * size, np.nan)
    padded[: len(row)] = row
    ordered = np.sort(padded.reshape(-1, size), axis=1, kind="stable")  # NaN comes last
    present, each = np.count_nonzero(~np.isnan(ordered), axis=1), np.arange(len(ordered))
    low, high = ordered[each, np.maximum(present - 1, 0) // 2], ordered[each, np.minimum(present // 2, size - 1)]
    with np.errstate(over="ignore"):
        centre = (low + high) / 2
    found = np.where(np.isfinite(centre), centre, low)  # as `middle` does with numbers that are too large to add
    return tuple(float(value) if known else None for value, known in zip(found, present, strict=True))


def block_means(series: Series, step: timedelta, block: timedelta) -> tuple[float | None, ...]:
    """Means of consecutive blocks: the median of rare events would be none."""
    size = block // step
    found: list[float | None] = []
    for first in range(0, len(series.values), size):
        present = [value for value in series.values[first : first + size] if value is not None]
        found.append(mean(present) if present else None)
    return tuple(found)


def encode(blocks: Sequence[float | None]) -> str:
    """Write blocks as evidence: 9 significant digits each, `-` for none. The same bytes for the same values."""
    return " ".join("-" if value is None else f"{value:.9g}" for value in blocks)


def decode(text: str) -> tuple[float | None, ...]:
    """Read what `encode` wrote.

    Raises:
        ValueError: a token is no finite number.
    """
    # As JSON they take a fifth of the time of one number after the other. No number ends in `-`, and -0 is no integer.
    listed = f"{text} ".replace("- ", "null ").replace("-0 ", "-0.0 ")[:-1].replace(" ", ",")
    try:
        found = _BLOCKS.validate_json(f"[{listed}]")
    except ValidationError as error:
        raise ValueError("evidence holds a value that is not finite") from error
    if "," in text or "null" in text:
        raise ValueError("evidence holds what is no block")
    return found


def longest_run(flags: Iterable[bool]) -> int:
    """How often in a row a flag is set at most."""
    return max((count for flag, count in runs(flags) if flag), default=0)


def runs(values: Iterable[_T]) -> list[tuple[_T, int]]:
    """What stands in a row: each value and how often, in order."""
    return [(value, sum(1 for _ in run)) for value, run in groupby(values)]

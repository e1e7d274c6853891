"""Real series of services: what is in the folder of data, cut into windows around times at which nothing happened.

The folder holds `nab/index.json` and gzipped CSV files of `timestamp` (Unix seconds), `value`, `label`, made from the
Numenta Anomaly Benchmark; its README says how. No label is no promise that nothing changed.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.bench.judge.process import BLOCK, DAY, HOUR, LOOKS, Floats

APART: Final = 72 * 3600
"""Seconds between the T0s taken: the windows of a day before and two after then do not overlap."""
BLOCK_SECONDS: Final = 60 * BLOCK
AFTER_SECONDS: Final = 60 * LOOKS[-1]
SERVICE_GROUP: Final = "realAWSCloudwatch"
SERVICE_WORDS: Final = ("cpu", "latency")


@dataclass(frozen=True)
class Window:
    """A series around one T0."""

    name: str
    t0: int
    """Unix seconds."""
    values: Floats
    """Evenly spaced, from the beginning of the baseline to 48 hours after T0: (before + after,)."""
    before: int
    step: int
    """Seconds between values."""

    @property
    def hour(self) -> int:
        """Values in an hour."""
        return 60 * HOUR // self.step

    @property
    def positive(self) -> bool:
        """Whether it has a logarithm throughout."""
        return bool((self.values > 0).all())

    @property
    def level(self) -> float:
        """Median absolute value of the baseline, or the mean where that is zero."""
        size = np.abs(self.values[: self.before])
        return float(np.median(size) or size.mean())

    @property
    def hours(self) -> Floats:
        """Time of each value after T0, none before: (before + after,)."""
        return np.maximum((np.arange(len(self.values)) - self.before) / self.hour, 0)


def is_service(entry: dict[str, Any]) -> bool:
    """Whether a series is of a service: neither taxis, nor keys, nor temperatures."""
    return entry["group"] == SERVICE_GROUP or any(word in entry["name"] for word in SERVICE_WORDS)


def thinned(times: list[int]) -> list[int]:
    """Times not nearer to one another than `APART`, from the first on."""
    kept: list[int] = []
    for time in sorted(times):
        if not kept or time - kept[-1] >= APART:
            kept.append(time)
    return kept


def windows(folder: Path, baseline: int) -> Iterator[Window]:
    """Every window of service series with a baseline of so many minutes, unless that is nothing but zeros.

    Raises:
        ValueError: the step of a series does not divide a block.
    """
    index = json.loads((folder / "nab" / "index.json").read_text(encoding="utf-8"))
    for entry in filter(is_service, index["series"]):
        if BLOCK_SECONDS % entry["step_s"]:
            raise ValueError(
                f"{entry['name']}: step of {entry['step_s']} s, expected one that divides {BLOCK_SECONDS} s"
            )
        times, values = _read(folder / "nab" / entry["file"])
        for t0 in thinned(entry["t0" if baseline <= DAY else "t0_7d"]):
            window = _cut(entry, t0, baseline, times, values)
            if window.level:
                yield window


def _read(path: Path) -> tuple[Floats, Floats]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = [(float(row["timestamp"]), float(row["value"])) for row in csv.DictReader(file)]
    times, values = np.array(rows).T
    return times, values


def _cut(entry: dict[str, Any], t0: int, baseline: int, times: Floats, values: Floats) -> Window:
    """Samples that fall into one step are averaged, steps without any interpolated."""
    step = int(entry["step_s"])
    before, after = 60 * baseline // step, AFTER_SECONDS // step
    place = np.floor((times - t0) / step).astype(int) + before
    inside = (place >= 0) & (place < before + after) & np.isfinite(values)
    counts = np.bincount(place[inside], minlength=before + after)
    sums = np.bincount(place[inside], values[inside], minlength=before + after)
    known = np.flatnonzero(counts)
    filled = np.interp(np.arange(before + after), known, sums[known] / counts[known])
    return Window(entry["name"], t0, filled, before, step)

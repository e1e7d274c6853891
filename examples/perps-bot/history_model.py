"""What the pods of perps-bot would have shown: a model of its metrics over days, minute by minute.

The healthy levels, buckets and faults are the live service's own (perps_bot.py). Added is what days bring and minutes
do not: a mild daily season, and noise that remembers. A level is `base * season * exp(AR(1))`; orders are drawn one by
one around it, so histograms hold whole, cumulative counts of a real sample.
"""

import math
import random
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import NormalDist
from typing import Final

import perps_bot as bot

DAY: Final = 86400.0
CYCLE_SECONDS: Final = 60.0  # the interval of the reviews

SEASON: Final = 0.03  # half the swing of latency and CPU over a day
BUSIEST_HOUR: Final = 15.0  # UTC
LATENCY_CV: Final = 0.10  # of the level from minute to minute
LATENCY_PHI: Final = 0.5  # correlation of a minute's level with the one before
LAG_CV: Final = 0.08
CPU_SHARE: Final = 0.06  # of one core (review: 4.5 to 7.3%, under 15%)
CPU_CV: Final = 0.10
MEMORY_BYTES: Final = 200 * bot.MEGABYTE
MEMORY_CV: Final = 0.012
MEMORY_PHI: Final = 0.9
PAGE: Final = 4096

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Life:
    """One pod from its start to its end, in Unix seconds; `faults` begin at `fault_from`."""

    start: float
    end: float
    interval: float
    offset: float
    faults: frozenset[str] = frozenset()
    fault_from: float = math.inf
    fault_factor: float = 1.5
    leak: float = 40.0  # megabytes (10^6 bytes) per hour

    def times(self) -> list[float]:
        """When it is scraped: every interval, shifted by its own offset as Prometheus does."""
        count = max(0, math.ceil((self.end - self.start - self.offset) / self.interval))
        return [self.start + self.offset + i * self.interval for i in range(count)]

    def faulty(self, fault: str, when: float) -> bool:
        """Whether this fault shows at this time."""
        return fault in self.faults and when >= self.fault_from


@dataclass(frozen=True)
class Series:
    """One series: a family and its kind, a sample's name and labels, one value per scrape."""

    family: str
    kind: str
    name: str
    labels: Labels
    values: Sequence[float]


def gauge(name: str, values: Sequence[float], *labels: tuple[str, str]) -> Series:
    """Make a gauge of its values as they are."""
    return Series(name, "gauge", name, labels, values)


def counter(family: str, steps: Sequence[float], *labels: tuple[str, str]) -> Series:
    """Make a counter of its steps; the first is before the first scrape, where a counter begins at 0."""
    return Series(family, "counter", f"{family}_total", labels, _sums(steps))


def _sums(steps: Sequence[float]) -> list[float]:
    return list(accumulate([0, *steps[1:]]))


def noise(rng: random.Random, cv: float, phi: float) -> Iterator[float]:
    """Yield factors with mean 1 and this coefficient of variation, log-AR(1) with correlation `phi`."""
    state, fresh = rng.gauss(0, 1), math.sqrt(1 - phi * phi)
    while True:
        yield math.exp(cv * state - cv * cv / 2)
        state = phi * state + fresh * rng.gauss(0, 1)


def season(when: float) -> float:
    """Give the factor of the time of day, 1 on average."""
    return 1 + SEASON * math.cos(2 * math.pi * (when / DAY - BUSIEST_HOUR / 24))


def pod_series(life: Life, seed: str) -> Iterator[Series]:
    """Yield every series of one pod; counters are 0 at its first scrape."""
    times = life.times()
    step = life.interval / CYCLE_SECONDS
    yield from _orders(life, times, step, random.Random(f"{seed} orders"))
    yield from _streaming(life, times, random.Random(f"{seed} streaming"))
    yield from _events(life, times, step, random.Random(f"{seed} events"))
    yield from _process(life, times, step, random.Random(f"{seed} process"))


def _histogram(name: str, bounds: Sequence[float], rows: list[list[int]], sums: list[float]) -> Iterator[Series]:
    """Turn counts per scrape and bucket (the last is above every bound) into the cumulative series."""
    below = [list(accumulate(row)) for row in rows]
    for column, edge in enumerate([*map(str, bounds), "+Inf"]):
        values = _sums([row[column] for row in below])
        yield Series(name, "histogram", f"{name}_bucket", (("le", edge),), values)
    yield Series(name, "histogram", f"{name}_count", (), _sums([row[-1] for row in below]))
    yield Series(name, "histogram", f"{name}_sum", (), _sums(sums))


def _orders(life: Life, times: list[float], step: float, rng: random.Random) -> Iterator[Series]:
    levels = noise(rng, LATENCY_CV, LATENCY_PHI**step)
    placed = max(1, round(len(bot.SYMBOLS) * bot.ORDERS_PER_SYMBOL * step))
    rows: list[list[int]] = []
    sums, slowest, failed = [], [], []
    for when in times:
        level = bot.ORDER_SECONDS * season(when) * next(levels)
        level *= life.fault_factor if life.faulty("latency", when) else 1.0
        failure = bot.FAULTY_FAILURE_RATE if life.faulty("errors", when) else bot.FAILURE_RATE
        failures = sum(rng.random() < failure for _ in range(placed))
        spread, gauss = bot.ORDER_SIGMA, rng.gauss
        seconds = [level * math.exp(spread * gauss(0.0, 1.0)) for _ in range(placed - failures)]
        row = [0] * (len(bot.ORDER_BUCKETS) + 1)
        for value in seconds:
            row[bisect_left(bot.ORDER_BUCKETS, value)] += 1
        rows.append(row)
        sums.append(sum(seconds))
        slowest.append(max(seconds, default=0.0))  # orders of a cycle are placed together: it lasts as long as this
        failed.append(failures)
    yield from _histogram("order_latency_seconds", bot.ORDER_BUCKETS, rows, sums)
    yield counter("orders", [placed - failures for failures in failed], ("outcome", "filled"))
    yield counter("orders", failed, ("outcome", "failed"))
    yield gauge("cycle_seconds", slowest)


def _streaming(life: Life, times: list[float], rng: random.Random) -> Iterator[Series]:
    levels = noise(rng, LAG_CV, LATENCY_PHI ** (life.interval / CYCLE_SECONDS))
    shape = NormalDist(math.log(bot.LAG_SECONDS), bot.LAG_SIGMA)
    edges = [math.log(bound) for bound in bot.LAG_BUCKETS]
    rows: list[list[int]] = []
    sums = []
    for when in times:
        symbols = len(bot.SYMBOLS) - life.faulty("stale-marks", when)
        quotes = round(symbols * life.interval / bot.QUOTE_SECONDS)
        level, luck = next(levels), rng.random()
        # Hundreds of quotes a scrape: systematic sampling of the distribution, the draws' own noise would not show.
        below = [int(quotes * shape.cdf(edge - math.log(level)) + luck) for edge in edges]
        rows.append([high - low for low, high in zip([0, *below], [*below, quotes], strict=True)])
        sums.append(quotes * bot.LAG_SECONDS * level * math.exp(bot.LAG_SIGMA**2 / 2))
    yield from _histogram("streaming_lag_seconds", bot.LAG_BUCKETS, rows, sums)
    for symbol in bot.SYMBOLS:
        marks, mark = [], life.start
        for when in times:
            if not (symbol == bot.STALE_SYMBOL and life.faulty("stale-marks", when)):
                mark = round(when - bot.QUOTE_SECONDS * rng.random(), 3)
            marks.append(mark)
        yield gauge("mark_update_timestamp_seconds", marks, ("symbol", symbol))


def _events(life: Life, times: list[float], step: float, rng: random.Random) -> Iterator[Series]:
    polls = max(1, round(len(bot.SYMBOLS) * step))
    chances = round(life.interval / bot.RECONNECT_LOOP_SECONDS)
    reconnects, refusals = [], []
    for when in times:
        looping = life.faulty("reconnect-loop", when)
        reconnects.append(sum(looping or rng.random() < bot.RECONNECT_CHANCE for _ in range(chances)))
        refused = bot.FAULTY_RATE_LIMIT_RATE if life.faulty("rate-limit", when) else bot.RATE_LIMIT_RATE
        refusals.append(sum(rng.random() < refused for _ in range(polls)))
    yield counter("ws_reconnects", reconnects)
    yield counter("rate_limit_errors", refusals)


def _process(life: Life, times: list[float], step: float, rng: random.Random) -> Iterator[Series]:
    loads, wobbles = noise(rng, CPU_CV, LATENCY_PHI**step), noise(rng, MEMORY_CV, MEMORY_PHI**step)
    busy = [life.interval * CPU_SHARE * season(when) * next(loads) for when in times]
    resident = []
    for when in times:
        leaked = max(0.0, when - life.fault_from) / 3600 * life.leak * bot.MEGABYTE if "leak" in life.faults else 0.0
        resident.append(round((MEMORY_BYTES * next(wobbles) + leaked) / PAGE) * PAGE)
    yield counter("process_cpu_seconds", busy)
    yield gauge("process_resident_memory_bytes", resident)
    yield gauge("process_start_time_seconds", [life.start] * len(times))

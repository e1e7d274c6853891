"""Block medians of seven days: raw samples and Python, or computed by the server?

Run by hand: `python tests/bench/bench_block_medians.py` with `operator` and the root of the repository in PYTHONPATH.
It backfills a real Prometheus with a histogram of three pods (24 buckets, scraped every 60 s, one hour without
traffic each night, one outage of 25 minutes without scrapes) and asks both ways for the medians of ten-minute blocks.
"""

from __future__ import annotations

import bisect
import gzip
import itertools
import json
import math
import os
import random
import statistics
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from driftreview.adapters.answers import chunks, server_seconds
from driftreview.adapters.credentials import Credentials
from driftreview.adapters.prometheus import PrometheusSource
from driftreview.api.metricsource import MetricSourceSpec
from driftreview.domain.blocks import block_medians
from driftreview.domain.samples import Samples, Series, Window
from lab.prometheus import PrometheusServer

DAYS, SCRAPE, STEP, BLOCK = 7, 60, timedelta(seconds=30), timedelta(minutes=10)
QUERY = "histogram_quantile(0.99, sum by (le) (rate(order_latency_seconds_bucket[5m])))"
BY_SERVER = f"quantile_over_time(0.5, ({QUERY})[10m:30s])"
BOUNDS = [round(0.005 * 1.4**power, 5) for power in range(23)] + [math.inf]
PODS = ("a", "b", "c")
ROUNDS = 5
END = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
BEGIN = END - timedelta(days=DAYS)


def scrapes() -> Iterator[int]:
    """Unix times of the scrapes, from ten minutes before the window; an outage in the middle of it."""
    outage = (BEGIN + timedelta(days=3, hours=5)).timestamp()
    for at in range(int(BEGIN.timestamp()) - 600, int(END.timestamp()) + 1, SCRAPE):
        if not outage < at <= outage + 25 * 60:
            yield at


def write(path: Path) -> None:
    """Cumulative buckets of each pod as OpenMetrics; about 750 000 lines."""
    with path.open("w", encoding="utf-8") as file:
        file.write("# TYPE order_latency_seconds histogram\n")
        for number, pod in enumerate(PODS):
            chance = random.Random(number)  # noqa: S311 - noise of an example
            totals = [0] * len(BOUNDS)
            lines: list[list[str]] = [[] for _ in BOUNDS]
            for at in scrapes():
                orders = 0 if at % 86_400 < 3_600 else 20
                for _ in range(orders):
                    latency = chance.lognormvariate(math.log(0.05) + 0.2 * math.sin(at / 13_750), 0.6)
                    totals[bisect.bisect_left(BOUNDS, latency)] += 1
                for index, total in enumerate(itertools.accumulate(totals)):
                    bound = "+Inf" if math.isinf(BOUNDS[index]) else repr(BOUNDS[index])
                    labels = f'pod="{pod}",le="{bound}"'
                    lines[index].append(f"order_latency_seconds_bucket{{{labels}}} {total} {at}\n")
            for series in lines:
                file.writelines(series)
        file.write("# EOF\n")


@dataclass
class Cost:
    """Of one way, medians over the rounds; seconds and bytes."""

    wall: float
    client_cpu: float
    server_cpu: float
    plain: int
    packed: int
    peak_samples: int
    read_samples: int


def server_cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(server: PrometheusServer, query: str, window: Window, work: Callable[[], object]) -> Cost:
    pid = server.service.pid or 0
    rounds = []
    for _ in range(ROUNDS):
        began, client, served = time.perf_counter(), time.process_time(), server_cpu(pid)
        work()
        rounds.append((time.perf_counter() - began, time.process_time() - client, server_cpu(pid) - served))
    wall, client, served = (statistics.median(column) for column in zip(*rounds, strict=True))
    answers = [ask(server, query, chunk) for chunk in chunks(window, MetricSourceSpec(url=server.url).max_points)]
    samples = [answer["data"]["stats"]["samples"] for answer, _, _ in answers]
    return Cost(
        wall,
        client,
        served,
        sum(plain for _, plain, _ in answers),
        sum(packed for _, _, packed in answers),
        max(one["peakSamples"] for one in samples),
        sum(one["totalQueryableSamples"] for one in samples),
    )


def ask(server: PrometheusServer, query: str, chunk: Window) -> tuple[dict[str, Any], int, int]:
    """One answer with the server's statistics; its bytes, plain and packed."""
    params = {
        "query": query,
        "start": server_seconds(chunk.start + chunk.step),
        "end": server_seconds(chunk.end),
        "step": str(chunk.step.total_seconds()),
    }
    sizes = []
    for extra in ({}, {"stats": "all"}):
        address = f"{server.url}/api/v1/query_range?{urllib.parse.urlencode(params | extra)}"
        request = urllib.request.Request(address, headers={"Accept-Encoding": "gzip"})  # noqa: S310 - loopback
        with urllib.request.urlopen(request) as reply:  # noqa: S310 - loopback
            packed = reply.read()
        plain = gzip.decompress(packed) if reply.headers.get("Content-Encoding") == "gzip" else packed
        sizes.append((len(plain), len(packed)))
    answer: dict[str, Any] = json.loads(plain)
    return answer, *sizes[0]


def series_of(source: PrometheusSource, query: str, window: Window) -> Series:
    result = source.range(query, window)
    if not isinstance(result, Samples):
        sys.exit(str(result))
    return result.series[0]


def medians(source: PrometheusSource, window: Window) -> tuple[float | None, ...]:
    return block_medians(series_of(source, QUERY, window), STEP, BLOCK)


def main() -> None:
    """Measure and print."""
    raw, coarse = Window(BEGIN, END, STEP), Window(BEGIN, END, BLOCK)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, "history.om"))
        with PrometheusServer.start(Path(folder, "prometheus"), backfill=[Path(folder, "history.om")]) as server:
            source = PrometheusSource("bench", MetricSourceSpec(url=server.url, timeout="2m"), Credentials())
            costs = {
                "raw + Python": measure(server, QUERY, raw, lambda: medians(source, raw)),
                "by the server": measure(server, BY_SERVER, coarse, lambda: series_of(source, BY_SERVER, coarse)),
            }
            compare(series_of(source, QUERY, raw), series_of(source, BY_SERVER, coarse).values)
            source.close()
    table = [["", *costs]]
    for name in Cost.__dataclass_fields__:
        cells = (getattr(cost, name) for cost in costs.values())
        table.append([name, *(f"{cell:,.3f}" if isinstance(cell, float) else f"{cell:,}" for cell in cells)])
    say("")
    for row in table:
        say("".join(f"{cell:>16}" for cell in row))


def compare(raw: Series, theirs: tuple[float | None, ...]) -> None:
    """Say where the two ways give other numbers, apart for blocks with and without holes."""
    size = BLOCK // STEP
    counts = [
        sum(value is not None for value in raw.values[first : first + size])
        for first in range(0, len(raw.values), size)
    ]
    blocks = list(zip(block_medians(raw, STEP, BLOCK), theirs, counts, strict=True))
    full = [(mine, other) for mine, other, count in blocks if count == size and mine and other]
    worst = max((abs(mine - other) / mine for mine, other in full), default=0.0)
    say(f"{len(full)} of {len(blocks)} blocks are full; the largest relative difference in them is {worst:.3g}")
    holes = [block for block in blocks if block[2] < size]
    unlike = [block for block in holes if block[0] != block[1]]
    say(f"{len(holes)} blocks have holes ({sum(not count for *_, count in holes)} are empty), {len(unlike)} differ:")
    for mine, other, count in unlike[:8]:
        say(f"  {count:>2} of {size} samples: raw + Python {mine}, by the server {other}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()

"""A small perpetuals bot with mock orders: the application of the two hand-written drift reviews.

Every INTERVAL seconds it decides on ten symbols and places a ladder of mock orders; beside that it keeps marks fresh
from a mock stream. The exchange is a sleep drawn from a lognormal distribution; all that /metrics shows is measured.
Faults are chosen by the environment, so that a bad release differs from a good one by one line of its manifest.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import math
import os
import random
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import fmean
from typing import Final

import prometheus_client as prometheus

SYMBOLS: Final = ("BTC", "ETH", "SOL", "XRP", "LTC", "ADA", "DOGE", "BCH", "AVAX", "LINK")
FAULTS: Final = ("latency", "leak", "stale-marks", "reconnect-loop", "no-metrics", "errors", "rate-limit")

# Healthy levels. history_model.py imports them, so the written past and the live present agree.
ORDERS_PER_SYMBOL: Final = 6  # one ladder a cycle; 60 orders a cycle keep a five-minute p99 from being one order
ORDER_SECONDS: Final = 0.044  # median; with the spread below the p99 is 70 ms (review: under 100 ms)
ORDER_SIGMA: Final = 0.2  # of the logarithm
LAG_SECONDS: Final = 0.020  # median; with the spread below the p95 is 34 ms (review: under 50 ms)
LAG_SIGMA: Final = 0.33
FAILURE_RATE: Final = 0.002  # of orders
RATE_LIMIT_RATE: Final = 0.001  # of account polls, one per symbol and cycle
QUOTE_SECONDS: Final = 1.0  # between two quotes of a symbol

# What the faults make of them.
FAULTY_FAILURE_RATE: Final = 0.05
FAULTY_RATE_LIMIT_RATE: Final = 0.2
RECONNECT_LOOP_SECONDS: Final = 5.0  # 60 in five minutes; the review calls more than 5 a loop
RECONNECT_CHANCE: Final = 4 * RECONNECT_LOOP_SECONDS / 86400  # per look of a healthy one: 4 reconnects a day
STALE_SYMBOL: Final = "SOL"

# Edges every 5 to 10 ms where the review looks (60 to 150 ms, its two limits are edges), coarse elsewhere: a change
# of 5% must not drown in the interpolation inside a bucket.
ORDER_MS: Final = (10, 20, 30, *range(40, 100, 5), *range(100, 150, 10), 150, 175, 200, 300, 500, 1000)
ORDER_BUCKETS: Final = tuple(ms / 1000 for ms in ORDER_MS)
LAG_BUCKETS: Final = tuple(ms / 1000 for ms in (*range(5, 55, 5), 60, 75, 100, 150, 250, 500))
SHORT_WINDOW, LONG_WINDOW = 5, 20  # marks in the two moving averages
MEGABYTE: Final = 1_000_000


@dataclass(frozen=True)
class Settings:
    """How one process runs; times in seconds, memory in megabytes (10^6 bytes)."""

    interval: float
    host: str
    port: int
    profile: str
    version: str
    single_cycle: bool
    dry_run: bool
    fault: frozenset[str]
    fault_factor: float
    fault_leak: float
    fault_after: float
    working_set: float


def number(low: float, high: float = math.inf, kind: Callable[[str], float] = float) -> Callable[[str], float]:
    """Make a reader of finite numbers from `low` to `high`; argparse names the flag when it refuses."""

    def read(text: str) -> float:
        with contextlib.suppress(ValueError):
            if low <= (value := kind(text)) <= high and math.isfinite(value):
                return value
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low:g} to {high:g}")

    return read


def fault_names(text: str) -> frozenset[str]:
    """Read comma-separated faults; a typo must not look like a healthy release."""
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if unknown := sorted(names - set(FAULTS)):
        raise argparse.ArgumentTypeError(f"unknown fault {', '.join(unknown)}; known: {', '.join(FAULTS)}")
    return names


def switch(text: str) -> bool:
    """Read a yes or no; empty is no."""
    words = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}
    with contextlib.suppress(KeyError):
        return words[text.lower()]
    raise argparse.ArgumentTypeError(f"{text!r} is neither 1, true, yes nor 0, false, no")


def read_settings() -> Settings:
    """Read flags, then the environment, then defaults; anything unreadable ends the process with code 2."""
    options: list[tuple[str, str, str, Callable[[str], object], str]] = [
        ("--interval", "INTERVAL", "60", number(0.01), "seconds between cycles"),
        ("--host", "HOST", "", str, "the address to listen on; empty: every interface, as a pod must"),
        ("--port", "PORT", "9090", number(0, 65535, int), "of /metrics and /healthz; 0: the system's choice"),
        ("--profile", "PROFILE", "dev", str, "a name for bot_info"),
        ("--version", "VERSION", "dev", str, "a name for bot_info"),
        ("--single-cycle", "SINGLE_CYCLE", "no", switch, "exit after one cycle"),
        ("--dry-run", "DRY_RUN", "no", switch, "no orders, no streaming"),
        ("--fault", "FAULT", "", fault_names, "comma-separated: " + ", ".join(FAULTS)),
        ("--fault-factor", "FAULT_FACTOR", "1.5", number(0.01), "of latency"),
        ("--fault-leak", "FAULT_LEAK_MB_PER_HOUR", "40", number(0), "megabytes per hour"),
        ("--fault-after", "FAULT_AFTER", "0", number(0), "seconds of good health before the fault"),
        ("--working-set", "WORKING_SET_MB", "170", number(0), "megabytes held from the start"),
    ]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for flag, variable, default, read, meaning in options:
        # argparse reads a default that is a string with `type`: bad environment is refused like a bad flag.
        text, bare = os.environ.get(variable, default), {"nargs": "?", "const": "yes"} if read is switch else {}
        parser.add_argument(flag, **bare, type=read, default=text, metavar=variable, help=f"{meaning} [{variable}]")  # type: ignore[arg-type]
    return Settings(**vars(parser.parse_args()))


class Metrics:
    """Everything on /metrics, in a registry of its own so that importing this file has no effect."""

    def __init__(self, settings: Settings) -> None:
        prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = prometheus.CollectorRegistry()
        prometheus.ProcessCollector(registry=registry)
        counter = partial(prometheus.Counter, registry=registry)
        gauge = partial(prometheus.Gauge, registry=registry)
        histogram = partial(prometheus.Histogram, registry=registry)
        self.order_latency = histogram("order_latency_seconds", "Decision to placed order.", buckets=ORDER_BUCKETS)
        self.streaming_lag = histogram("streaming_lag_seconds", "Quote to updated mark.", buckets=LAG_BUCKETS)
        self.orders = counter("orders_total", "Orders by outcome.", ["outcome"])
        self.marks = gauge("mark_update_timestamp_seconds", "Last update of a mark.", ["symbol"])
        self.reconnects = counter("ws_reconnects_total", "Reconnects of the stream.")
        self.rate_limits = counter("rate_limit_errors_total", "Account polls answered 'too many'.")
        self.cycle = gauge("cycle_seconds", "Duration of the last cycle.")
        mode = ",".join(["dry-run"] * settings.dry_run + ["single-cycle"] * settings.single_cycle) or "continuous"
        info = gauge("bot_info", "What runs here.", ["version", "profile", "mode"])
        info.labels(settings.version, settings.profile, mode).set(1)
        for outcome in ("filled", "failed"):
            self.orders.labels(outcome)  # a rate needs the zero before the first failure


class Bot:
    """The loops of one process; `run` returns when it is stopped or its single cycle is over."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.stopping = asyncio.Event()
        self.started = time.monotonic()
        self.last_cycle: float | None = None
        self._noise = random.Random()
        self._windows = {symbol: deque([100.0] * LONG_WINDOW, LONG_WINDOW) for symbol in SYMBOLS}
        # Written, not just reserved: a page of zeros that nobody wrote is not resident.
        self._held = [b"\x01" * int(settings.working_set * MEGABYTE)]

    def faulty(self, fault: str) -> bool:
        """Whether this fault is chosen and its delay is over."""
        return fault in self.settings.fault and time.monotonic() - self.started >= self.settings.fault_after

    def healthy(self) -> bool:
        """Whether cycles end: one has, and the last is not older than three intervals and ten seconds."""
        age = math.inf if self.last_cycle is None else time.monotonic() - self.last_cycle
        return age < 3 * self.settings.interval + 10

    async def run(self) -> None:
        """Run cycles, and the stream and the faults beside them, until stopped."""
        loops = [self._leak()]
        if not self.settings.dry_run:
            loops += [self._connection(), *(self._stream(symbol) for symbol in SYMBOLS)]
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(loop) for loop in loops]
            due = time.monotonic()
            for cycle in itertools.count(1):
                await self._cycle(cycle)
                if self.settings.single_cycle:
                    break
                # A cycle that overran does not make the next ones hurry.
                due = max(due + self.settings.interval, time.monotonic())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.stopping.wait(), max(due - time.monotonic(), 0.001))
                    break  # reached only when stopped before the next cycle was due
            for task in beside:
                task.cancel()

    async def _cycle(self, cycle: int) -> None:
        begun = time.perf_counter()
        decisions = {symbol: self._decide(symbol) for symbol in SYMBOLS}
        filled = 0
        if not self.settings.dry_run:
            orders = (self._order() for _ in SYMBOLS for _ in range(ORDERS_PER_SYMBOL))
            filled = sum(await asyncio.gather(*orders))
            refused = FAULTY_RATE_LIMIT_RATE if self.faulty("rate-limit") else RATE_LIMIT_RATE
            self.metrics.rate_limits.inc(sum(self._noise.random() < refused for _ in SYMBOLS))
        self.metrics.cycle.set(seconds := time.perf_counter() - begun)
        self.last_cycle = time.monotonic()
        log("cycle", cycle=cycle, cycle_seconds=round(seconds, 6), orders_filled=filled, decisions=decisions)

    def _decide(self, symbol: str) -> str:
        window = self._windows[symbol]
        if self.settings.dry_run:
            return "hold"  # without a stream the marks stand still and the averages say nothing
        return "buy" if fmean(list(window)[-SHORT_WINDOW:]) > fmean(window) else "sell"

    async def _order(self) -> bool:
        begun = time.perf_counter()
        factor = self.settings.fault_factor if self.faulty("latency") else 1.0
        await asyncio.sleep(self._noise.lognormvariate(math.log(ORDER_SECONDS), ORDER_SIGMA) * factor)
        filled = self._noise.random() >= (FAULTY_FAILURE_RATE if self.faulty("errors") else FAILURE_RATE)
        self.metrics.orders.labels("filled" if filled else "failed").inc()
        if filled:
            self.metrics.order_latency.observe(time.perf_counter() - begun)
        return filled

    async def _stream(self, symbol: str) -> None:
        self.metrics.marks.labels(symbol).set_to_current_time()  # from the snapshot every stream begins with
        await asyncio.sleep(self._noise.uniform(0, QUOTE_SECONDS))  # symbols do not tick together
        while True:
            quoted = time.perf_counter()
            await asyncio.sleep(self._noise.lognormvariate(math.log(LAG_SECONDS), LAG_SIGMA))
            if not (symbol == STALE_SYMBOL and self.faulty("stale-marks")):
                self._windows[symbol].append(self._windows[symbol][-1] * self._noise.lognormvariate(0, 0.001))
                self.metrics.marks.labels(symbol).set_to_current_time()
                self.metrics.streaming_lag.observe(time.perf_counter() - quoted)
            await asyncio.sleep(quoted + QUOTE_SECONDS - time.perf_counter())

    async def _connection(self) -> None:
        while True:
            if self.faulty("reconnect-loop") or self._noise.random() < RECONNECT_CHANCE:
                self.metrics.reconnects.inc()
                log("ws_reconnect")
            await asyncio.sleep(RECONNECT_LOOP_SECONDS)

    async def _leak(self) -> None:
        leaked, begin = 0, self.started + self.settings.fault_after
        while True:
            await asyncio.sleep(0.2)
            if self.faulty("leak"):
                owed = int((time.monotonic() - begin) * self.settings.fault_leak * MEGABYTE / 3600)
                self._held.append(b"\x01" * (owed - leaked))
                leaked = owed


def serve(bot: Bot) -> ThreadingHTTPServer:
    """Serve /metrics and /healthz from a thread of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = 404, b"not found\n"
            if self.path == "/healthz":
                status, body = (200, b"ok\n") if bot.healthy() else (503, b"no cycle ended in time\n")
            elif self.path == "/metrics" and not bot.faulty("no-metrics"):
                status, body = 200, prometheus.generate_latest(bot.metrics.registry)
            self.send_response(status)
            self.send_header("Content-Type", prometheus.CONTENT_TYPE_LATEST)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay silent: a line per scrape says nothing."""

    server = ThreadingHTTPServer((bot.settings.host, bot.settings.port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def log(event: str, **fields: object) -> None:
    """Print one event as one JSON line; `ts` is Unix seconds."""
    print(json.dumps({"ts": round(time.time(), 3), "level": "info", "event": event, **fields}), flush=True)


async def trade(settings: Settings) -> None:
    """Run one bot with its server until SIGTERM or SIGINT, or to the end of its single cycle."""
    bot = Bot(settings, Metrics(settings))
    server = serve(bot)
    for ending in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(ending, bot.stopping.set)
    log("started", port=server.server_address[1], faults=sorted(settings.fault))
    await bot.run()
    log("stopped")


if __name__ == "__main__":
    chosen = read_settings()
    try:
        asyncio.run(trade(chosen))
    except OSError as error:
        sys.exit(f"perps_bot: port {chosen.port} of {chosen.host or 'any address'}: {error}")

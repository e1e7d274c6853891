"""Write days of perps-bot's history as OpenMetrics text, for `promtool tsdb create-blocks-from openmetrics`.

A release is a moment: the pods before it end, the pods after it begin with counters at zero. What the series look
like is history_model.py's matter; this file knows time, labels and text.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import perps_bot
from history_model import Life, Series, gauge, pod_series


@dataclass(frozen=True)
class History:
    """What to write: one workload of one namespace around one release.

    Times are aware datetimes, intervals and `fault_after` (counted from the release) seconds, `leak` megabytes
    (10^6 bytes) per hour. Pods are scraped every `interval`, each at an offset of its own.

    Raises:
        ValueError: times out of order or without a zone, no pods, an unknown fault, or a number out of range.
    """

    namespace: str
    start: datetime
    release: datetime
    end: datetime
    before_pods: Sequence[str]
    after_pods: Sequence[str]
    after_faults: frozenset[str] = frozenset()
    interval: float = 60.0
    seed: int = 0
    fault_factor: float = 1.5
    leak: float = 40.0
    fault_after: float = 0.0
    before_version: str = "88d7df9"
    after_version: str = "084055d"
    profile: str = "canary"

    def __post_init__(self) -> None:
        """Refuse what would make a silent hole in the data."""
        if any(moment.tzinfo is None for moment in (self.start, self.release, self.end)):
            raise ValueError("start, release and end need a time zone, such as 2025-10-04T22:18:00Z")
        if not self.start <= self.release <= self.end or self.start == self.end:
            raise ValueError(f"start {self.start}, release {self.release} and end {self.end} are not in order")
        pods = [*self.before_pods, *self.after_pods]
        if not pods or len(set(pods)) < len(pods):
            raise ValueError("name at least one pod, and none twice: a pod lives before or after the release")
        if unknown := sorted(self.after_faults - set(perps_bot.FAULTS)):
            raise ValueError(f"unknown fault {', '.join(unknown)}; known: {', '.join(perps_bot.FAULTS)}")
        numbers = {"interval": 6.0, "fault_factor": 0.01, "leak": 0.0, "fault_after": 0.0}
        for name, low in numbers.items():
            if not low <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} {getattr(self, name)} is not a number of {low:g} or more")

    def lives(self) -> Iterator[tuple[str, str, Life]]:
        """Yield name, version and life of every pod."""
        start, release, end = self.start.timestamp(), self.release.timestamp(), self.end.timestamp()
        for place, pod in enumerate(self.before_pods):
            offset = _offset(place, len(self.before_pods), self.interval)
            yield pod, self.before_version, Life(start, release, self.interval, offset)
        for place, pod in enumerate(self.after_pods):
            offset = _offset(place, len(self.after_pods), self.interval)
            fault = (self.after_faults, release + self.fault_after, self.fault_factor, self.leak)
            yield pod, self.after_version, Life(release, end, self.interval, offset, *fault)


def _offset(place: int, pods: int, interval: float) -> float:
    """Spread the scrapes of the pods over the interval; whole milliseconds, as Prometheus stores."""
    return round((place + 0.5) / pods * interval, 3)


def _lines(series: Series, target: Mapping[str, str], stamps: Sequence[str]) -> str:
    """Write as many samples as there are stamps; JSON and OpenMetrics escape strings alike."""
    labels = sorted([*series.labels, *target.items()])
    head = series.name + "{" + ",".join(f"{name}={json.dumps(text)}" for name, text in labels) + "}"
    return "".join(f"{head} {value} {stamp}\n" for value, stamp in zip(series.values, stamps, strict=False))


def write_history(history: History, output: Path) -> int:
    """Write the history to `output` and return its number of samples; the same seed gives the same bytes."""
    blocks: list[tuple[Series, str]] = []
    samples = 0
    for index, (pod, version, life) in enumerate(history.lives()):
        target = {
            "container": "bot",
            "instance": f"10.244.{index // 250}.{index % 250 + 2}:9090",
            "job": "perps-bot",
            "namespace": history.namespace,
            "pod": pod,
        }
        times = life.times()
        stamps = [f"{when:.3f}".rstrip("0").rstrip(".") for when in times]
        # A release whose /metrics answers 404 leaves nothing but up, and that at 0.
        dark = [life.faulty("no-metrics", when) for when in times]
        shown = dark.index(True) if True in dark else len(times)
        info = (("mode", "continuous"), ("profile", history.profile), ("version", version))
        own = [gauge("bot_info", [1] * len(times), *info), *pod_series(life, f"{history.seed} {pod}")]
        up = gauge("up", [0 if hidden else 1 for hidden in dark])
        for series, count in [*((each, shown) for each in own), (up, len(times))]:
            blocks.append((series, _lines(series, target, stamps[:count])))
            samples += count
    with output.open("w", encoding="utf-8") as file:
        # One family is one paragraph, whichever pods show it.
        blocks.sort(key=lambda block: block[0].family)
        for (family, kind), group in groupby(blocks, key=lambda block: (block[0].family, block[0].kind)):
            file.write(f"# TYPE {family} {kind}\n")
            file.writelines(text for _, text in group)
        file.write("# EOF\n")
    return samples


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def main() -> int:
    """Write one history as the command line says; bad input ends with code 2."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--namespace", required=True)
    add("--start", type=_moment, required=True, help="ISO 8601, UTC unless it says otherwise")
    add("--release", type=_moment, required=True, help="when the pods change")
    add("--end", type=_moment, required=True)
    add("--before-pods", type=_names, default=(), help="comma-separated")
    add("--after-pods", type=_names, default=(), help="comma-separated")
    add("--after-fault", dest="after_faults", type=_names, default=(), help=", ".join(perps_bot.FAULTS))
    add("--fault-after", type=float, default=History.fault_after, help="seconds from the release to the fault")
    add("--fault-factor", type=float, default=History.fault_factor, help="of the order latency")
    add("--leak", type=float, default=History.leak, help="megabytes per hour and pod")
    add("--interval", type=float, default=History.interval, help="seconds between scrapes")
    add("--seed", type=int, default=History.seed)
    add("--before-version", default=History.before_version)
    add("--after-version", default=History.after_version)
    add("--profile", default=History.profile)
    add("-o", "--output", type=Path, required=True)
    chosen = vars(parser.parse_args())
    output = chosen.pop("output")
    try:
        history = History(**{**chosen, "after_faults": frozenset(chosen["after_faults"])})
    except ValueError as error:
        parser.error(str(error))
    print(f"{write_history(history, output)} samples in {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How many HTTP queries reviews cost a source by their plan: `python tests/bench/bench_queries.py [REVIEWS] [SIGNALS]`.

Of REVIEWS (20) reviews of SIGNALS (10) signals with the default window and a baseline of seven days, all with one T0:
the queries of each look of one review; and of all of them a day, each alone and asked once, where their queries differ
(they name pods) and where they are the same (of the cluster, or of one namespace).
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from driftreview.adapters.answers import chunks
from driftreview.api.driftreview import DriftReviewSpec
from driftreview.api.metricsource import MetricSourceSpec
from driftreview.api.values import parse_duration
from driftreview.domain.samples import Window
from driftreview.domain.schedule import baseline_window, checkpoint_window, checkpoints
from driftreview.domain.scraping import UP
from driftreview.runtime.sourcecheck import EVERY, INTRODUCED_EVERY

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOURCE = MetricSourceSpec(url="http://prometheus:9090")
STEP = parse_duration(SOURCE.resolution)
Query = tuple[str, Window]


def review(signals: int) -> DriftReviewSpec:
    """A review with defaults for all but its signals."""
    named = [{"name": f"s{number}", "query": "up", "margin": {"relative": "10%"}} for number in range(signals)]
    return DriftReviewSpec.model_validate(
        {
            "target": {"name": "web"},
            "metrics": {"sourceRef": {"name": "prometheus"}},
            "signals": named,
            "baseline": {"from": "History", "length": "7d"},
        }
    )


def asked(spec: DriftReviewSpec, whose: str) -> dict[str, list[Query]]:
    """What is sent for each look: of every signal, and once of the source itself, in pieces."""
    looks = {"T0": baseline_window(spec, T0, T0, STEP)}
    looks |= {due.name: checkpoint_window(spec, T0, due.at, STEP) for due in checkpoints(spec.window, T0)}
    queries = [UP, *(f"{each.name} of {whose}" for each in spec.signals)]
    return {
        name: [(query, piece) for query in queries for piece in chunks(window, SOURCE.max_points)]
        for name, window in looks.items()
        if window is not None
    }


def main() -> None:
    """Print it."""
    given = [int(each) for each in sys.argv[1:]]
    reviews, signals = [*given, *(20, 10)[len(given) :]]
    spec = review(signals)
    one = asked(spec, "it")
    days = parse_duration(spec.window.checkpoints[-1]) / timedelta(days=1)
    print(f"one review of {signals} signals: " + ", ".join(f"{name} {len(sent)}" for name, sent in one.items()))
    total = sum(map(len, one.values()))
    print(f"  in all {total}, and {signals} before T0 to accept it: {(total + signals) / days:.0f} a day")
    for what, whose in (("their own queries", "{}"), ("the same queries", "all")):
        sent = [
            query for number in range(reviews) for look in asked(spec, whose.format(number)).values() for query in look
        ]
        print(
            f"{reviews} such reviews with one T0 and {what}: {len(sent) / days:.0f} a day, "
            f"asked once {len(set(sent)) / days:.0f}"
        )
    day = timedelta(days=1)
    print(f"whether the source answers: {day / EVERY:.0f} a day, and about itself {3 * (day / INTRODUCED_EVERY):.0f}")


if __name__ == "__main__":
    main()

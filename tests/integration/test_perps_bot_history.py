"""The example's history, loaded by a real promtool into a real Prometheus and asked the reviews' questions."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from lab.prometheus import PrometheusServer

pytestmark = pytest.mark.integration

EXAMPLE = Path(__file__).parents[2] / "examples" / "perps-bot"
HOURS = 12  # each side of the release
BY_LE = 'histogram_quantile({q}, sum by (le) (rate({name}_bucket{{namespace="{ns}",pod=~"{pods}"}}[5m])))'
# Halfway between the busiest hour of the day and the next, so that both sides have the same season.
RELEASE = (datetime.now(UTC) - timedelta(days=1)).replace(hour=3, minute=0, second=0, microsecond=0)

Ask = Callable[..., list[float]]


def write(directory: Path, namespace: str, *more: str) -> Path:
    output = directory / f"{namespace}.om"
    span = timedelta(hours=HOURS)
    times = (
        "--start",
        f"{RELEASE - span:%FT%TZ}",
        "--release",
        f"{RELEASE:%FT%TZ}",
        "--end",
        f"{RELEASE + span:%FT%TZ}",
    )
    pods = ("--before-pods", "old-1,old-2", "--after-pods", "new-1,new-2")
    subprocess.run(
        [
            sys.executable,
            str(EXAMPLE / "history.py"),
            "--namespace",
            namespace,
            *times,
            *pods,
            *more,
            "-o",
            str(output),
        ],
        check=True,
        timeout=120,
    )
    return output


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """One number per ten minutes of one side of the release, settled on both ends."""
    directory = tmp_path_factory.mktemp("history")
    faults = ("leak", "latency", "errors", "no-metrics", "reconnect-loop")
    files = [write(directory, "healthy"), *(write(directory, name, "--after-fault", name) for name in faults)]
    with PrometheusServer.start(directory / "prometheus", backfill=files) as server:

        def values(query: str, namespace: str, pods: str, **fields: str) -> list[float]:
            side = RELEASE - timedelta(hours=HOURS) if pods == "old-.*" else RELEASE
            text = query.format(ns=namespace, pods=pods, **fields)
            moments = (side + timedelta(minutes=minute) for minute in range(20, HOURS * 60, 10))
            answers = [server.query(text, time=moment.timestamp()) for moment in moments]
            assert all(len(answer) <= 1 for answer in answers)
            return [float(answer[0]["value"][1]) for answer in answers if answer]

        yield values


def p99(ask: Ask, namespace: str, pods: str) -> float:
    return median(ask(BY_LE, namespace, pods, q="0.99", name="order_latency_seconds"))


@pytest.mark.parametrize("pods", ["old-.*", "new-.*"])
def test_a_healthy_history_keeps_the_baselines_of_the_review(ask: Ask, pods: str) -> None:
    assert 0.065 < p99(ask, "healthy", pods) < 0.080
    assert 0.030 < median(ask(BY_LE, "healthy", pods, q="0.95", name="streaming_lag_seconds")) < 0.040
    resident = ask('sum(process_resident_memory_bytes{{namespace="{ns}",pod=~"{pods}"}})', "healthy", pods)
    assert 390e6 < median(resident) < 410e6
    busy = ask('max(rate(process_cpu_seconds_total{{namespace="{ns}",pod=~"{pods}"}}[5m]))', "healthy", pods)
    assert 0.04 < median(busy) < max(busy) < 0.15
    assert max(ask('sum(increase(ws_reconnects_total{{namespace="{ns}",pod=~"{pods}"}}[5m]))', "healthy", pods)) < 5


def test_a_healthy_release_changes_nothing(ask: Ask) -> None:
    assert p99(ask, "healthy", "new-.*") == pytest.approx(p99(ask, "healthy", "old-.*"), rel=0.03)


def test_slow_orders_are_half_again_as_slow(ask: Ask) -> None:
    assert p99(ask, "latency", "new-.*") / p99(ask, "latency", "old-.*") == pytest.approx(1.5, rel=0.05)


def test_a_leak_grows_by_forty_megabytes_an_hour_and_pod(ask: Ask) -> None:
    resident = ask('sum(process_resident_memory_bytes{{namespace="{ns}",pod=~"{pods}"}})', "leak", "new-.*")
    per_hour = [(later - sooner) * 6 for sooner, later in pairwise(resident)]
    assert sum(per_hour) / len(per_hour) == pytest.approx(2 * 40e6, rel=0.1)


def test_failing_orders_are_one_in_twenty(ask: Ask) -> None:
    ratio = (
        'sum(rate(orders_total{{outcome="failed",namespace="{ns}",pod=~"{pods}"}}[5m]))'
        ' / sum(rate(orders_total{{namespace="{ns}",pod=~"{pods}"}}[5m]))'
    )
    assert median(ask(ratio, "errors", "old-.*")) < 0.01
    assert median(ask(ratio, "errors", "new-.*")) == pytest.approx(0.05, rel=0.2)


def test_a_reconnect_loop_is_far_over_five_in_five_minutes(ask: Ask) -> None:
    loops = ask('max(increase(ws_reconnects_total{{namespace="{ns}",pod=~"{pods}"}}[5m]))', "reconnect-loop", "new-.*")
    assert median(loops) == pytest.approx(60, rel=0.1)


def test_a_release_without_metrics_is_down_and_otherwise_silent(ask: Ask) -> None:
    assert set(ask('max(up{{namespace="{ns}",pod=~"{pods}"}})', "no-metrics", "new-.*")) == {0.0}
    assert ask('sum(orders_total{{namespace="{ns}",pod=~"{pods}"}})', "no-metrics", "new-.*") == []

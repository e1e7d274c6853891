"""The adapter against a real VictoriaMetrics, where the program is there (`victoria-metrics` in PATH).

Built in two minutes on one core from its sources (app/victoria-metrics); the lab does not build it.
"""

from __future__ import annotations

import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from driftreview.adapters.answers import Rows
from driftreview.adapters.clock import now
from driftreview.adapters.credentials import Credentials
from driftreview.adapters.prometheus import PrometheusSource
from driftreview.adapters.serverinfo import Told, told
from driftreview.api.metricsource import MetricSourceSpec
from driftreview.domain.samples import NoData, Samples, Window
from lab.ports import free_port
from lab.web import is_healthy, wait_until

PROGRAM = shutil.which("victoria-metrics")
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(PROGRAM is None, reason="there is no program victoria-metrics in PATH"),
]
STEP = timedelta(seconds=30)
BEGIN = (datetime.now(UTC) - timedelta(hours=3)).replace(minute=0, second=0, microsecond=0)
WINDOW = Window(BEGIN, BEGIN + timedelta(hours=1), STEP)
HOLE = range(40, 60)
"""Grid points without a sample: ten minutes."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusSource]:
    port, data = free_port(), tmp_path_factory.mktemp("victoria")
    url = f"http://127.0.0.1:{port}"
    command = [str(PROGRAM), f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={data}", "-retentionPeriod=1y"]
    with (data / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            wait_until(lambda: is_healthy(f"{url}/health"), "VictoriaMetrics answers")
            lines = [
                f"it_level {number} {(BEGIN + STEP * (number + 1)).timestamp() * 1000:.0f}"
                for number in range(WINDOW.points)
                if number not in HOLE
            ]
            body = "\n".join([*lines, ""]).encode()
            urllib.request.urlopen(f"{url}/api/v1/import/prometheus", body).close()  # noqa: S310 - loopback
            urllib.request.urlopen(f"{url}/internal/force_flush").close()  # noqa: S310 - loopback
            source = PrometheusSource("victoria", MetricSourceSpec(url=url), Credentials())
            yield source
            source.close()
        finally:
            server.terminate()


def test_samples_come_on_the_grid_and_a_gap_stays_one(source: PrometheusSource) -> None:
    answer = source.range("it_level", WINDOW)
    assert isinstance(answer, Samples)
    (series,) = answer.series
    missing = [number for number, value in enumerate(series.values) if value is None]
    # A sample stands for two steps: of the ten minutes the first step, or two, are bridged.
    assert set(missing) <= set(HOLE)
    assert len(missing) >= len(HOLE) - 2
    assert all(value == number for number, value in enumerate(series.values) if number not in HOLE)


def test_pieces_join_to_the_same_answer(source: PrometheusSource) -> None:
    pieces = PrometheusSource("victoria", source.spec, Credentials(), points_per_query=17)
    assert pieces.range("it_level", WINDOW) == source.range("it_level", WINDOW)
    pieces.close()


def test_an_instant_is_answered_for_its_own_time_and_nothing_is_no_failure(source: PrometheusSource) -> None:
    answer = source.instant("it_level", BEGIN + STEP * 4)
    assert isinstance(answer, Rows)
    assert [row.value for row in answer.rows] == [3.0]
    assert isinstance(source.range("no_such_metric", WINDOW), NoData)


def test_it_says_what_it_is_and_not_how_long_it_keeps_samples(source: PrometheusSource) -> None:
    found = told(source, now)
    assert isinstance(found, Told)
    assert found.version
    assert found.retention is None
    assert found.ahead is not None
    assert abs(found.ahead) < timedelta(seconds=5)

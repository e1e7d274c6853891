"""The ready-made sets of examples/signals, on a real Prometheus with what the real exporters expose."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from driftreview.api.signal import Kind
from driftreview.cli.app import app
from driftreview.cli.reviewfile import read_review
from driftreview.domain.query import pods_of_target, resolve
from driftreview.domain.shape import companion_shape_problem, shape_problem
from driftreview.lint.check import lint
from lab.prometheus import PrometheusServer
from tests.support.exporters import STEP, write_exporters

pytestmark = pytest.mark.integration
FOLDER = Path(__file__).parents[2] / "examples" / "signals"
SETS = sorted(FOLDER.glob("*.yaml"))
END = int(time.time()) // STEP * STEP
HOUR = 3600
T0 = END - 7 * HOUR
VALUES = {"namespace": "shop", "target": "shop", "pods": pods_of_target("shop"), "revisionHash": "6d4b75cb6d",
          "container": "app"}  # fmt: skip
FAULTS = {
    "elasticsearch": "search-time*2",
    "go-runtime": "goroutines*2",
    "grpc-golden-signals": "latency-p99*1.5",
    "http-golden-signals": "success*0.9",
    "jvm": "heap-growth leak 60Mi/h",
    "perps-bot": "order-latency-p99*1.5",
    "postgres": "connections*2",
    "python": "memory*1.5",
    "rabbitmq": "ready*3",
    "redis": "hits*0.8",
    "websocket-streaming": "lag-p95*1.5",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    directory = tmp_path_factory.mktemp("exporters")
    file = write_exporters(directory / "exporters.om", END - 20 * HOUR, END)
    with PrometheusServer.start(directory / "prometheus", backfill=[file]) as server:
        yield server


def review_of(directory: Path, path: Path, **spec: Any) -> Path:
    """A review of nothing but this set."""
    name = yaml.safe_load(path.read_text("utf-8"))["metadata"]["name"]
    document = {
        "apiVersion": "driftreview.dev/v1alpha1",
        "kind": "DriftReview",
        "metadata": {"name": "shop", "namespace": "shop"},
        "spec": {
            "target": {"name": "shop"},
            "metrics": {"sourceRef": {"name": "prometheus"}},
            "signalSetRefs": [{"kind": "ClusterSignalSet", "name": name}],
        }
        | spec,
    }
    file = directory / "review.yaml"
    file.write_text(yaml.safe_dump(document), "utf-8")
    return file


def test_every_set_has_a_fault_to_find() -> None:
    assert [path.stem for path in SETS] == sorted(FAULTS)


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)
def test_lint_finds_nothing(path: Path, tmp_path: Path) -> None:
    source = {"apiVersion": "driftreview.dev/v1alpha1", "kind": "MetricSource", "metadata": {"name": "prometheus"},
              "spec": {"url": "http://prometheus:9090"}}  # fmt: skip
    review = review_of(tmp_path, path, window={"checkpoints": ["6h", "24h", "48h"]})
    texts = [review.read_bytes(), path.read_bytes(), yaml.safe_dump(source).encode()]
    told = lint([(str(number), text) for number, text in enumerate(texts)])
    assert [each.text for each in told.findings] == []
    assert told.objects == 3


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)
def test_every_query_is_answered_as_its_signal_wants_it(path: Path, tmp_path: Path, server: PrometheusServer) -> None:
    review = read_review([review_of(tmp_path, path), path], None)
    assert review.spec.signals
    for signal in review.spec.signals:
        for field, text in signal.queries.items():
            query = resolve(text, VALUES)
            assert isinstance(query, str), query
            rows = server.query(query, END - STEP)
            look = shape_problem if field == "query" else companion_shape_problem
            assert rows, (signal.name, query)
            assert look(signal, [row["metric"] for row in rows]) is None, signal.name
            assert all(row["value"][1] not in {"NaN", "+Inf", "-Inf"} for row in rows), (signal.name, rows)


def test_a_label_that_no_series_has_leaves_no_data_of_its_signal(tmp_path: Path, server: PrometheusServer) -> None:
    """With a matcher that says only what the label is not, the share of good answers would be 1 for ever."""
    path = FOLDER / "http-golden-signals.yaml"
    refs = [{"kind": "ClusterSignalSet", "name": path.stem, "variables": {"status": "status_code"}}]
    review = read_review([review_of(tmp_path, path, signalSetRefs=refs), path], None)
    (success,) = [each for each in review.spec.signals if each.name == "success"]
    query, per = (resolve(success.queries[field], VALUES) for field in ("query", "per"))
    assert isinstance(query, str)
    assert isinstance(per, str)
    assert server.query(query, END - STEP) == []
    assert len(server.query(per, END - STEP)) == 1


def replayed(path: Path, directory: Path, server: PrometheusServer, *more: str) -> Result:
    window = {"checkpoints": ["6h"], "rollback": "6h", "warmup": "10m", "settle": "1m"}
    review = review_of(directory, path, window=window, baseline={"length": "12h"})
    moment = datetime.fromtimestamp(T0, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    options = ["--prometheus", server.url, "--t0", moment, "--resolution", "1m"]
    return CliRunner().invoke(app, ["replay", "-f", str(review), "-f", str(path), *options, *more])


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)
def test_a_healthy_release_is_promoted_and_one_with_a_fault_is_not(
    path: Path, tmp_path: Path, server: PrometheusServer
) -> None:
    found = replayed(path, tmp_path, server, "--inject", FAULTS[path.stem], "-o", "json")
    assert found.exit_code == 0, found.output
    document = yaml.safe_load(found.stdout)
    assert document["recommendation"] == "APPROVE"
    (power,) = [each for each in document["power"] if each["fault"] != "none"]
    assert power["promoted"] == 0
    assert power["detected"][-1]["rate"] == 1
    judged = {row["name"] for row in document["checkpoints"][-1]["signals"]}
    review = read_review([tmp_path / "review.yaml", path], None)
    assert judged >= {each.name for each in review.spec.signals if each.kind is not Kind.INFO}
    assert timedelta(hours=6) <= timedelta(seconds=END - T0)

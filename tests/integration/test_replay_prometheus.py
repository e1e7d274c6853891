"""`driftreview replay --prometheus`: the example's review on the example's history, in a real Prometheus."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from driftreview.adapters.credentials import Credentials
from driftreview.adapters.prometheus import PrometheusSource
from driftreview.adapters.promhistory import ask
from driftreview.api.driftreview import DriftReview
from driftreview.api.metricsource import MetricSourceSpec
from driftreview.cli.app import app
from driftreview.domain.evidence import Measurement, freeze
from driftreview.domain.history import History
from driftreview.domain.query import resolve
from driftreview.domain.replay import Past, history_end, replay, windows
from driftreview.domain.samples import Window
from driftreview.domain.schedule import block_length
from lab.prometheus import PrometheusServer
from tests.integration.test_perps_bot_history import EXAMPLE, RELEASE, write

pytestmark = pytest.mark.integration

T0 = RELEASE + timedelta(minutes=20)
STEP = timedelta(minutes=1)

Replayed = Callable[..., Result]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    directory = tmp_path_factory.mktemp("replay")
    files = [write(directory, "healthy"), write(directory, "leak", "--after-fault", "leak")]
    with PrometheusServer.start(directory / "prometheus", backfill=files) as server:
        yield server


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's own, made to fit into half a day on each side."""
    document = yaml.safe_load((EXAMPLE / "driftreview.yaml").read_text("utf-8"))
    document["spec"]["window"] = {"checkpoints": ["1h", "6h", "11h"], "rollback": "11h", "t0": T0.isoformat()}
    document["spec"]["baseline"] = {"length": "11h"}
    path = tmp_path_factory.mktemp("review") / "review.yaml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    return path


@pytest.fixture
def replayed(server: PrometheusServer, review: Path) -> Replayed:
    def run(namespace: str, *arguments: str) -> Result:
        given = ["-f", str(review), "--prometheus", server.url, "--resolution", "1m", "--var", "pods=.*"]
        return CliRunner().invoke(app, ["replay", *given, "--var", f"namespace={namespace}", *arguments])

    return run


def rows(result: Result, checkpoint: int) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in json.loads(result.stdout)["checkpoints"][checkpoint]["signals"]}


def test_a_leaking_release_would_have_been_rolled_back(replayed: Replayed) -> None:
    result = replayed("leak", "-o", "json")
    assert result.exit_code == 10, result.output
    found = json.loads(result.stdout)
    assert (found["recommendation"], found["action"], found["decidedAt"]) == ("REJECT", "Rollback", "1h")
    memory = rows(result, 0)["memory"]
    assert (memory["verdict"], memory["measure"]) == ("Degraded", "Share")
    assert memory["baseline"] == pytest.approx(200e6, rel=0.05)
    assert memory["coverage"] == 1


def test_a_healthy_release_would_not(replayed: Replayed) -> None:
    result = replayed("healthy", "-o", "json")
    assert result.exit_code in (0, 11), result.output
    verdicts = {name: row["verdict"] for name, row in rows(result, 2).items()}
    assert set(verdicts) == {
        row["name"] for row in yaml.safe_load((EXAMPLE / "driftreview.yaml").read_text())["spec"]["signals"]
    }
    assert not {"Degraded", "Suspect", "Missing"} & set(verdicts.values())


def test_a_sweep_asks_between_two_t0s(replayed: Replayed) -> None:
    only = T0.replace(minute=0) + timedelta(hours=1)
    bounds = ("--since", f"{T0:%FT%TZ}", "--until", f"{only:%FT%TZ}")
    result = replayed("healthy", "--sweep", "1h", *bounds, "--jobs", "1", "-o", "json")
    assert result.exit_code in (0, 11), result.output
    found = json.loads(result.stdout)
    assert (found["t0s"], found["first"]) == (1, f"{only:%FT%TZ}")
    assert "--since and --until" in replayed("healthy", "--sweep", "1h").stderr


def test_a_namespace_without_data_is_an_error(replayed: Replayed) -> None:
    result = replayed("nowhere")
    assert result.exit_code == 1
    assert "holds no sample of any signal" in result.stderr


def test_one_long_answer_gives_the_bytes_that_asking_window_by_window_gives(
    server: PrometheusServer, review: Path
) -> None:
    read = DriftReview.model_validate(yaml.safe_load(review.read_text("utf-8")))
    given = read.spec.variables | {"namespace": "leak", "pods": "new-.*|old-.*"}
    queries = {each.name: str(resolve(each.query, given)) for each in read.spec.signals}
    looks = [each for each in windows(read.spec, T0, history_end(read.spec, T0), STEP) if each is not None]
    whole = Window(looks[0].start, looks[-1].end, STEP)
    past = Past(History.of(ask(server.url, queries, whole), STEP), queries)
    found = replay(read, past, T0)
    source = PrometheusSource("test", MetricSourceSpec(url=server.url), Credentials())
    for look, window in zip([found.baseline, *(each.evidence for each in found.checkpoints)], looks, strict=True):
        assert look is not None
        asked = [
            Measurement(each, queries[each.name], source.range(queries[each.name], window))
            for each in read.spec.signals
        ]
        assert look.signals == [freeze(each, window, block_length(read.spec, STEP)) for each in asked]
    source.close()

"""A review and its history as files, for `driftreview replay`; and what it printed of them when that was looked at.

`python -m tests.replaydata` writes the golden files anew.
"""

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from typer.testing import CliRunner, Result

from driftreview.cli.app import app
from tests.builders import noise

GOLDEN = Path(__file__).parent / "unit" / "golden"
T0 = datetime(2026, 3, 3, tzinfo=UTC)
FIRST = T0 - timedelta(hours=26)
STEP = timedelta(minutes=5)
POINTS = (26 + 30) * 12
HEAD = """\
apiVersion: driftreview.dev/v1alpha1
kind: DriftReview
metadata: {name: shop-v2, namespace: shop}
spec:
  target: {name: shop}
  metrics: {sourceRef: {name: prometheus}}
"""
REVIEW = (
    HEAD
    + """\
  window: {checkpoints: [1h, 6h, 24h]}
  baseline: {length: 1d}
  signals:
    - {name: latency-p99, query: latency, unit: s, margin: {relative: 5%}, limits: {alert: 150m}}
    - {name: memory-growth, query: memory, unit: By, kind: Growth, limits: {perHour: 20Mi}}
    - {name: mark-age, query: age, unit: s, kind: Limit, each: symbol, limits: {alert: 60}, for: 10m}
    - {name: errors, query: errors, unit: "%", margin: {absolute: "1"}, mode: Shadow}
    - {name: load, query: load, kind: Info}
"""
)
COMMANDS = {
    "replay.json": ("-o", "json", "--t0", "2026-03-03T00:00:00Z"),
    "replay.txt": ("--t0", "2026-03-03T00:00:00Z"),
    "faults.txt": (
        "--t0",
        "2026-03-03T00:00:00Z",
        "--inject",
        "latency-p99*1.2",
        "--inject",
        "memory-growth leak 50Mi/h",
    ),
    "sweep.json": ("-o", "json", "--sweep", "1h", "--jobs", "1", "--inject", 'mark-age{symbol="btc"}+100'),
    "sweep.txt": ("--sweep", "1h", "--jobs", "1", "--inject", 'mark-age{symbol="btc"}+100'),
}


def around(level: float, share: float, seed: int) -> list[float]:
    return [level * (1 + share * value) for value in noise(POINTS, seed, 0.5)]


def write(folder: Path) -> Path:
    """Write the review and its data into a folder; where the review is."""
    write_csv(folder / "latency-p99.csv", around(0.08, 0.02, 1))
    write_csv(folder / "memory-growth.csv", around(4e8, 0.005, 2))
    write_csv(folder / "errors.csv", around(0.5, 0.2, 3))
    write_csv(folder / "load.csv", around(100, 0.1, 4))
    marks = {"btc": around(5, 0.2, 5), "eth": around(7, 0.2, 6)}
    lines = [f"{time},{name},{value:.6g}" for name, values in marks.items() for time, value in rows(values)]
    (folder / "mark-age.csv").write_text("\n".join(["timestamp,symbol,value", *lines, ""]), "utf-8")
    review = folder / "review.yaml"
    review.write_text(REVIEW, "utf-8")
    return review


def rows(values: Sequence[float]) -> Iterator[tuple[int, float]]:
    return ((int((FIRST + index * STEP).timestamp()), value) for index, value in enumerate(values))


def write_csv(path: Path, values: Sequence[float]) -> None:
    lines = [f"{time},{value:.6g}" for time, value in rows(values)]
    path.write_text("\n".join(["timestamp,value", *lines, ""]), "utf-8")


def run(review: Path, *arguments: str) -> Result:
    """Run the command on a review and the data beside it."""
    return CliRunner().invoke(app, ["replay", "-f", str(review), "--data", str(review.parent), *arguments])


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        review = write(Path(folder))
        for name, arguments in COMMANDS.items():
            result = run(review, *arguments)
            if result.exception and not isinstance(result.exception, SystemExit):
                raise result.exception
            (GOLDEN / name).write_text(result.stdout, "utf-8")
            sys.stdout.write(f"{name}: exit {result.exit_code}\n{result.stderr}")


if __name__ == "__main__":
    main()

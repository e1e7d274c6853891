"""What many reviews due at once cost the next one of their namespace: `python tests/bench/bench_crowd.py [COUNT]`.

COUNT (150) reviews of 50 signals and, two seconds after them, one of a single signal, all of one namespace and source.
Prints how long the small one takes from its creation to its end alone and behind the others, how many of those had
ended by then, and how long all of them take.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lab import Lab, PrometheusServer
from lab.install import OperatorProcess, install, operator_kubeconfig
from tests.support.cluster import Api
from tests.support.stage import Stage, steady, write_history

NAMESPACE = "bench"
SIGNALS = 50
OBSERVE = {"mode": "Observe"}


def many() -> list[dict[str, object]]:
    """Signals that differ in their queries: the same one would be asked once."""
    signals = [steady(f"latency-{number}") for number in range(SIGNALS)]
    return [each | {"query": f"{each['query']} + {number} * 0"} for number, each in enumerate(signals)]


def ended(stage: Stage) -> int:
    """How many of the large ones have ended."""
    found = stage.api.ask("GET", f"/apis/driftreview.dev/v1alpha1/namespaces/{NAMESPACE}/driftreviews").document[
        "items"
    ]
    return sum(
        each.get("status", {}).get("phase") == "Decided" for each in found if "large" in each["metadata"]["name"]
    )


def small(stage: Stage, name: str) -> float:
    """Seconds from the creation of a small review to its end."""
    began = time.monotonic()
    stage.review(name, source=False, policy=OBSERVE)
    stage.ended(seconds=1800, name=name)
    return time.monotonic() - began


def main() -> None:
    """Run all of it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="driftreview-bench-") as folder:
        directory = Path(folder)
        history = write_history(directory / "history.om", now - timedelta(hours=5), now + timedelta(hours=3))
        with (
            Lab.start(directory / "lab") as lab,
            PrometheusServer.start(directory / "metrics", backfill=[history]) as metrics,
        ):
            install(lab.kubectl)
            api = Api.of(lab.kubeconfig)
            api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
            stage = Stage(api, NAMESPACE, metrics.url)
            operator = OperatorProcess(directory, operator_kubeconfig(lab.kubectl, directory / "operator.kubeconfig"))
            try:
                operator.start()
                stage.source()
                stage.release("1", "2")
                print(f"alone {small(stage, 'alone'):6.1f} s", flush=True)
                began = time.monotonic()
                for number in range(count):
                    stage.review(f"large-{number}", source=False, signals=many(), policy=OBSERVE)
                print(f"{count} created in {time.monotonic() - began:.1f} s", flush=True)
                time.sleep(2)
                took = small(stage, "small")
                print(f"behind {count} of {SIGNALS} signals {took:6.1f} s; {ended(stage)} had ended", flush=True)
                while ended(stage) < count:
                    time.sleep(1)
                print(f"all ended after {time.monotonic() - began:.1f} s", flush=True)
            finally:
                operator.close()


if __name__ == "__main__":
    main()

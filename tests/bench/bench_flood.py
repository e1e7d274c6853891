"""What thousands of DriftApprovals cost a review that they name: `python tests/bench/bench_flood.py [COUNT]`.

Prints how long a drift waits for its rollback without them, while they are created, when COUNT (20,000) are there, and
after a restart of the operator; and the operator's memory before and after.
"""

from __future__ import annotations

import re
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lab import Lab, PrometheusServer
from lab.install import OperatorProcess, install, operator_kubeconfig
from tests.support.cluster import MERGE_PATCH, Api, Raw, path
from tests.support.stage import Stage, ago, stepping, write_history

NAMESPACE = "bench"
WRITERS = 3


class Flood:
    """Creates Notes about a review as fast as the API server takes them."""

    def __init__(self, kubeconfig: Path, review: Raw) -> None:
        self._kubeconfig, self._about = kubeconfig, {key: review["metadata"][key] for key in ("name", "uid")}
        self._over, self.made = threading.Event(), 0
        self._writers = [threading.Thread(target=self._write) for _ in range(WRITERS)]
        for each in self._writers:
            each.start()

    def _write(self) -> None:
        api = Api.of(self._kubeconfig)
        while not self._over.is_set():
            spec = {"reviewRef": self._about, "by": "admin", "type": "Note", "message": "m" * 900}
            note = {"apiVersion": "driftreview.dev/v1alpha1", "kind": "DriftApproval", "spec": spec}
            api.create(note | {"metadata": {"name": f"note-{uuid.uuid4().hex}"}}, NAMESPACE)
            self.made += 1
        api.close()

    def reach(self, count: int) -> None:
        """Wait until there are so many."""
        while self.made < count:
            time.sleep(0.1)

    def stop(self) -> None:
        """End it."""
        self._over.set()
        for each in self._writers:
            each.join()


def resident(operator: OperatorProcess) -> float:
    """MiB that the operator holds."""
    text = urllib.request.urlopen(f"{operator.url}/metrics", timeout=30).read().decode()  # noqa: S310 - loopback
    found = re.search(r"^process_resident_memory_bytes (\S+)$", text, re.MULTILINE)
    return float(found[1]) / 2**20 if found else 0.0


def drifting(stage: Stage, name: str) -> Raw:
    """A release that is worse, and its review, which waits until it is told to go on."""
    stage.release(f"{name}-old", f"{name}-new")
    return stage.review(name, source=name == "without", signals=[stepping(ago(minutes=29))], suspend=True)


def seconds(stage: Stage, name: str, within: float = 600) -> float:
    """From its going on to the end of its rollback."""
    began = time.monotonic()
    where = path("DriftReview", NAMESPACE, name)
    stage.api.ask("PATCH", where, {"spec": {"suspend": False}}, MERGE_PATCH)
    stage.in_phase("RolledBack", seconds=within, name=name)
    return time.monotonic() - began


def measure(lab: Lab, stage: Stage, operator: OperatorProcess, count: int) -> None:
    """One release after the other is worse, and rolled back."""

    def say(what: str, took: float) -> None:
        print(f"{what:<20} {took:6.1f} s {resident(operator):6.0f} MiB", flush=True)

    def poured(name: str, until: int) -> Flood:
        flood = Flood(lab.kubeconfig, drifting(stage, name))
        flood.reach(until)
        return flood

    drifting(stage, "without")
    say("without them", seconds(stage, "without"))
    flood = poured("during", 600)
    say("while they come", seconds(stage, "during"))
    flood.stop()
    poured("after", count).stop()
    time.sleep(10)
    say(f"{count} are there", seconds(stage, "after"))
    poured("restarted", count).stop()
    operator.stop()
    began = time.monotonic()
    operator.start()
    seconds(stage, "restarted")
    say("after a restart", time.monotonic() - began)


def main() -> None:
    """Run all of it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
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
                measure(lab, stage, operator, count)
            finally:
                operator.close()


if __name__ == "__main__":
    main()

"""What an operator costs: `python tests/bench/bench_operator.py [COUNT ...]`.

Prints, for 0, 100 and 1,000 waiting reviews of the example's size on a real API server: resident memory and CPU of the
operator process; and, for one review judged from beginning to end, the queries and API calls of every checkpoint.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lab.install import OperatorProcess, create_namespace, install, operator_kubeconfig
from lab.perps import NEW, OLD, Past, deployment, metric_source, pods, review, roll_out, write_history
from lab.plane import Lab

NAMESPACE = "bench"
IDLE_SECONDS = 60


def metric(operator: OperatorProcess, name: str) -> float:
    """Sum of one of the operator's own metrics."""
    text = urllib.request.urlopen(f"{operator.url}/metrics", timeout=10).read().decode()  # noqa: S310 - loopback
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))


def calls(lab: Lab, since: int) -> tuple[Counter[str], int]:
    """The operator's API calls after a place in the audit log, by verb and resource."""
    counted: Counter[str] = Counter()
    with lab.audit_log.open("rb") as log:
        log.seek(since)
        for line in log:
            entry = json.loads(line)
            resource = entry.get("objectRef", {})
            ours = entry["user"].get("username", "").endswith(":driftreview")
            if ours and entry["verb"] != "watch" and resource.get("resource") != "leases":
                kind = "/".join(part for part in (resource.get("resource"), resource.get("subresource")) if part)
                counted[f"{entry['verb']} {kind}"] += 1
        return counted, log.tell()


def waiting(lab: Lab, first: int, count: int) -> None:
    """Add reviews that have their T0 and wait for the first checkpoint."""
    window = {"t0": datetime.now(UTC).replace(microsecond=0).isoformat()}
    documents = []
    for number in range(first, count):
        document = review(window=window, baseline={"from": "History", "length": "1h"})
        document["metadata"] = {"name": f"review-{number}"}
        documents.append(document)
    for start in range(0, len(documents), 100):
        batch = yaml.safe_dump_all(documents[start : start + 100])
        lab.kubectl("create", "-n", NAMESPACE, "-f", "-", input=batch)
    while True:
        phases = lab.kubectl("get", "driftreviews", "-n", NAMESPACE, "-o", "jsonpath={.items[*].status.phase}").split()
        if phases.count("Watching") >= count:
            return
        print(f"\r  {phases.count('Watching')} of {count} wait ", end="", flush=True)
        time.sleep(1)


def scale(lab: Lab, operator: OperatorProcess, counts: list[int]) -> None:
    """Memory and CPU with more and more waiting reviews."""
    print(f"{'waiting reviews':>16} {'RSS MiB':>9} {'CPU % of a core':>16} {'API calls/s':>12}")
    have = 0
    for count in counts:
        waiting(lab, have, count)
        have = count
        time.sleep(5)
        cpu, place = metric(operator, "process_cpu_seconds_total"), lab.audit_log.stat().st_size
        time.sleep(IDLE_SECONDS)
        busy = metric(operator, "process_cpu_seconds_total") - cpu
        made, _ = calls(lab, place)
        rss = metric(operator, "process_resident_memory_bytes") / 2**20
        print(f"\r{count:>16} {rss:>9.0f} {100 * busy / IDLE_SECONDS:>16.1f} {made.total() / IDLE_SECONDS:>12.1f}")


def one_review(lab: Lab, operator: OperatorProcess, release: datetime) -> None:
    """Queries and calls of one review with four checkpoints, from apply to promotion."""
    queries, place = metric(operator, "driftreview_query_seconds_count"), lab.audit_log.stat().st_size
    t0 = (release + timedelta(minutes=10)).isoformat()
    document = review(window={"t0": t0, "settle": "90s", "backdated": True})
    document["metadata"] = {"name": "one"}
    lab.kubectl("create", "-n", NAMESPACE, "-f", "-", input=yaml.safe_dump(document))
    while True:
        phase = lab.kubectl("get", "driftreview", "one", "-n", NAMESPACE, "-o", "jsonpath={.status.phase}")
        if phase in {"Promoted", "RolledBack", "Failed", "Inconclusive", "Holding"}:
            break
        time.sleep(0.5)
    asked = metric(operator, "driftreview_query_seconds_count") - queries
    made, _ = calls(lab, place)
    print(
        f"\none review of 9 signals, 4 checkpoints, ended {phase}: {asked:.0f} HTTP queries, {made.total()} API calls"
    )
    for name, count in made.most_common():
        print(f"  {count:>4}  {name}")
    sizes = lab.kubectl("get", "driftsnapshots", "-n", NAMESPACE, "-o", "json")
    for item in json.loads(sizes)["items"]:
        if item["spec"]["reviewRef"]["name"] == "one":
            print(f"  snapshot {item['spec']['checkpoint']:<4} {len(json.dumps(item['spec'])) / 1000:.1f} kB")
    status = json.loads(lab.kubectl("get", "driftreview", "one", "-n", NAMESPACE, "-o", "json"))["status"]
    print(f"  status {len(json.dumps(status)) / 1000:.1f} kB")


def main() -> None:
    """Run all of it."""
    counts = [int(each) for each in sys.argv[1:]] or [0, 100, 1000]
    now = datetime.now(UTC).replace(microsecond=0)
    release = now - timedelta(hours=48, minutes=12)
    with tempfile.TemporaryDirectory(prefix="driftreview-bench-") as folder:
        directory = Path(folder)
        with Lab.start(directory / "lab") as lab:
            install(lab.kubectl)
            create_namespace(lab.kubectl, NAMESPACE)
            roll_out(lab.kubectl, NAMESPACE, deployment(OLD, {}))
            before = pods(lab.kubectl, NAMESPACE, OLD)
            roll_out(lab.kubectl, NAMESPACE, deployment(NEW, {}))
            past = Past(NAMESPACE, release - timedelta(days=7), release, now, before, pods(lab.kubectl, NAMESPACE, NEW))
            assert lab.prometheus is not None
            lab.prometheus.add_blocks(write_history(past, directory / "history.om"))
            source = yaml.safe_dump(metric_source(lab.prometheus_url, "60s"))
            lab.kubectl("apply", "-n", NAMESPACE, "-f", "-", input=source)
            operator = OperatorProcess(directory, operator_kubeconfig(lab.kubectl, directory / "operator.kubeconfig"))
            try:
                operator.start()
                one_review(lab, operator, release)
                scale(lab, operator, counts)
            finally:
                operator.close()


if __name__ == "__main__":
    main()

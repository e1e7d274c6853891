"""What targets with large ReplicaSets cost: `python tests/bench/bench_large_targets.py [COUNT PARTS]`.

Prints how far the memory of a process rises at its peak (Linux: VmHWM) that reads sixteen targets at once, each with 22
ReplicaSets of 130,000 small parts (1.95 MB) or as many as are named, and how long it took, first and once more.
"""

from __future__ import annotations

import http.server
import json
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from driftreview.adapters.errors import ClusterError
from driftreview.adapters.kubernetes import Cluster
from driftreview.adapters.workloads import Workloads
from driftreview.api.target import Target

PARALLEL: Final = 16
ROUNDS: Final = 2
USER: Final = {"name": "u", "user": {"token": "t"}}
SMALL: Final = json.dumps({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "a"}]}}).encode()


def metadata(number: int) -> bytes:
    """Of one ReplicaSet; the last one runs."""
    owner = {"controller": True, "uid": "target"}
    return json.dumps({
        "name": f"web-{number}", "uid": str(number), "creationTimestamp": "2026-01-01T00:00:00Z",
        "annotations": {"deployment.kubernetes.io/revision": str(number)}, "ownerReferences": [owner],
    }).encode()  # fmt: skip


def whole(number: int, count: int, parts: int) -> bytes:
    """One ReplicaSet; the last one has the template that runs."""
    env = b",".join([b'{"name": "A"}'] * parts)
    large = b'{"spec":{"containers":[{"name":"a","image":"%d","env":[%s]}]}}' % (number, env)
    return b'{"metadata":%s,"spec":{"template":%s}}' % (metadata(number), SMALL if number == count else large)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as an API server does."""

    protocol_version = "HTTP/1.1"
    count, parts = 22, 0

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """A Deployment, its ReplicaSets or one of them."""
        path, _, query = self.path.partition("?")
        if "/deployments/" in path:
            body = b'{"metadata":{"uid":"target","generation":1,"name":"web"},"spec":{"template":%s,' % SMALL
            body += b'"selector":{"matchLabels":{"app":"web"}}}}'
        elif query:
            limit = int(re.findall(r"limit=(\d+)", query)[0])
            start = int((re.findall(r"continue=(\d+)", query) or ["0"])[0])
            page = range(start + 1, min(start + limit, self.count) + 1)
            only = "PartialObjectMetadataList" in self.headers["Accept"]
            items = [b'{"metadata":%s}' % metadata(n) if only else whole(n, self.count, self.parts) for n in page]
            more = b"" if page[-1] == self.count else b"%d" % page[-1]
            body = b'{"metadata":{"continue":"%s"},"items":[%s]}' % (more, b",".join(items))
        else:
            body = whole(int(path.rpartition("-")[2]), self.count, self.parts)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def memory(field: str) -> float:
    """Of this process, in MiB."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    return int(found[1]) / 1024 if found else 0.0


def read(workloads: Workloads) -> str:
    """What reading one target ends as."""
    try:
        found = workloads.read("shop", Target(name="web"))
    except ClusterError as error:
        return type(error).__name__
    return f"goes back to {found.view.previous.name}" if found and found.view.previous else "no way back"


def serve(count: int, parts: int) -> None:
    """Be the API server; print its port."""
    Handler.count, Handler.parts = count, parts
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


def main() -> None:
    """Start the server and read."""
    if sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]), int(sys.argv[3]))
    count, parts = sys.argv[1:] or ("22", "130000")
    with (
        subprocess.Popen(
            [sys.executable, __file__, "--serve", count, parts], stdout=subprocess.PIPE, text=True
        ) as server,
        tempfile.NamedTemporaryFile("w", suffix=".yaml") as file,
    ):
        port = server.stdout.readline().strip() if server.stdout else ""
        cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}
        context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
        json.dump({"current-context": "c", "clusters": [cluster], "contexts": [context], "users": [USER]}, file)
        file.flush()
        workloads, idle = Workloads(Cluster(Path(file.name), connections=2 * PARALLEL)), memory("VmRSS")
        print(
            f"{PARALLEL} targets at once, {count} ReplicaSets of {len(whole(1, 2, int(parts))):,} bytes; {idle:.0f} MiB"
        )
        with ThreadPoolExecutor(PARALLEL) as pool:
            for _ in range(ROUNDS):
                began = time.monotonic()
                ends = set(pool.map(read, [workloads] * PARALLEL))
                print(f"{memory('VmHWM') - idle:.0f} MiB at peak, {time.monotonic() - began:.1f} s: {', '.join(ends)}")
        server.terminate()


if __name__ == "__main__":
    main()

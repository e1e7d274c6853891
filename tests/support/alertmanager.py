"""A real Alertmanager on loopback, where one is installed: the lab builds none, its Go module lacks its web files."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.processes import Ports, Service, Supervisor
from lab.web import Client

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
"""Debian's name, or its own."""
MISSING = "no Alertmanager on PATH: apt-get install --no-install-recommends prometheus-alertmanager"


@contextmanager
def alertmanager(directory: Path) -> Iterator[Service]:
    """One that keeps what it is sent, and tells nobody."""
    directory.mkdir(parents=True)
    supervisor, config = Supervisor(directory), directory / "alertmanager.yml"
    config.write_text(json.dumps({"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}), "utf-8")

    def command(ports: Ports) -> list[str]:
        return [
            str(PROGRAM),
            f"--config.file={config}",
            f"--storage.path={directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{ports['http']}",
            "--cluster.listen-address=",
        ]

    url = "http://127.0.0.1:{http}/-/ready"
    service = Service(supervisor, "alertmanager", directory, ("http",), command, url)
    try:
        service.start()
        yield service
    finally:
        supervisor.close()


def received(service: Service) -> list[dict[str, Any]]:
    """The alerts that it holds."""
    _, text = Client(f"http://127.0.0.1:{service.port}").request("GET", "/api/v2/alerts")
    found: list[dict[str, Any]] = json.loads(text)
    return found

"""A real Prometheus: with a control plane as part of a lab, or alone."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from lab import binaries
from lab.binaries import Tool
from lab.errors import CommandFailed, LabError
from lab.processes import Ports, Service, Supervisor
from lab.web import Client

_RETENTION = "30d"


class PrometheusServer:
    """One Prometheus on loopback. Begin with :meth:`start`; ends with its ``with`` block or :meth:`close`.

    Attributes:
        url: for example ``http://127.0.0.1:12345``; the same after a restart.
        targets: folder of ``*.json`` files in file_sd format; what is written there is scraped within seconds.
        service: to stop, start again, freeze.
    """

    def __init__(
        self, directory: Path, supervisor: Supervisor, tools: dict[str, Tool], targets: Path, *, alone: bool
    ) -> None:
        """Prefer :meth:`start`; this one starts nothing."""
        self.directory = directory
        self.targets = targets
        self._tools = tools
        self._owned = supervisor if alone else None
        self.service = Service(
            supervisor,
            "prometheus",
            directory,
            ("http",),
            self._command,
            "http://127.0.0.1:{http}/-/ready",
        )

    @classmethod
    def start(  # noqa: PLR0913 - all but one are named and have a default
        cls,
        directory: Path,
        *,
        backfill: Sequence[Path] = (),
        scrape_interval: float = 1.0,
        targets: Path | None = None,
        rules: Sequence[Path] = (),
        alertmanagers: Sequence[str] = (),
        supervisor: Supervisor | None = None,
        tools: dict[str, Tool] | None = None,
    ) -> Self:
        """Start a Prometheus and wait until it answers.

        Args:
            directory: for configuration, data and log; made if missing.
            backfill: OpenMetrics files with timestamps (seconds) and a last line ``# EOF``, at most 30 days old.
            scrape_interval: seconds.
            rules: files of recording and alerting rules.
            alertmanagers: hosts and ports that its alerts are sent to.
            targets: folder of file_sd files; ``directory/targets`` when not given.
            supervisor: of the lab it belongs to; its own when not given.
            tools: programs found already.

        Raises:
            LabError: a program is missing, a backfill file is refused, or Prometheus does not start.
        """
        tools = tools or binaries.find(("prometheus", "promtool"))
        directory = directory.resolve()
        targets = (targets or directory / "targets").resolve()
        targets.mkdir(parents=True, exist_ok=True)
        server = cls(directory, supervisor or Supervisor(directory), tools, targets, alone=supervisor is None)
        try:
            server._write_config(scrape_interval, rules, alertmanagers)
            for file in backfill:
                server._create_blocks(file)
            server.service.start()
        except BaseException:
            server.close()
            raise
        return server

    @property
    def url(self) -> str:
        """Base URL, without a slash at the end."""
        return f"http://127.0.0.1:{self.service.port}"

    def add_blocks(self, *files: Path) -> None:
        """Backfill more OpenMetrics files; Prometheus is restarted for it.

        What was scraped before the newest backfilled sample is lost: Prometheus drops from its write-ahead log what
        is older than its newest block.
        """
        self.service.stop()
        try:
            for file in files:
                self._create_blocks(file)
        finally:
            self.service.start()

    def query(self, promql: str, time: float | None = None) -> list[dict[str, Any]]:
        """Instant query; the list of ``{"metric": ..., "value": [seconds, "text"]}``.

        Raises:
            LabError: Prometheus refused the query or is down.
        """
        parameters = {"query": promql} | ({} if time is None else {"time": str(time)})
        status, text = Client(self.url).request("GET", "/api/v1/query?" + urlencode(parameters))
        answer = json.loads(text) if text.startswith("{") else {}
        if answer.get("status") != "success":
            raise LabError(f"{self.url} answered {status} to {promql!r}: {text[:300]}")
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def close(self) -> None:
        """Stop it; data and log stay for a look."""
        if self._owned is not None:
            self._owned.close()
        else:
            self.service.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def _write_config(self, scrape_interval: float, rules: Sequence[Path], alertmanagers: Sequence[str]) -> None:
        interval = f"{round(scrape_interval * 1000)}ms"
        files = [str(self.targets / pattern) for pattern in ("*.json", "*.yml")]
        config = {
            "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
            "rule_files": [str(each) for each in rules],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}]},
            "scrape_configs": [{"job_name": "pods", "file_sd_configs": [{"files": files, "refresh_interval": "5s"}]}],
        }
        (self.directory / "prometheus.yml").write_text(json.dumps(config, indent=2), encoding="utf-8")

    def _command(self, ports: Ports) -> list[str]:
        return [
            str(self._tools["prometheus"].path),
            f"--config.file={self.directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._data}",
            f"--storage.tsdb.retention.time={_RETENTION}",
            f"--web.listen-address=127.0.0.1:{ports['http']}",
            "--web.enable-admin-api",
        ]

    def _create_blocks(self, file: Path) -> None:
        # promtool reads the whole file once per block: days of samples in blocks of two hours would take minutes.
        command = [str(self._tools["promtool"].path), "tsdb", "create-blocks-from", "--max-block-duration=7d"]
        done = subprocess.run(
            [*command, "openmetrics", str(file), str(self._data)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            output = (done.stdout + done.stderr).strip()
            raise CommandFailed(
                f'promtool refused {file}: {output[-600:]}\nIt wants OpenMetrics: lines `name{{label="x"}} value '
                "seconds`, each series in order of time, the last line `# EOF`.",
                done.returncode,
                output,
            )

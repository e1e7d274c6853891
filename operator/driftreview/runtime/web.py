"""/healthz, /readyz and /metrics, served from a thread of its own: it answers while the event loop is stuck."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from driftreview.runtime.logs import LOGGER

Check = Callable[[], str | None]
"""Says what is wrong, or None."""

_TEXT: Final = "text/plain; charset=utf-8"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - its signature
        """Who asks may hang up before the answer: that is no news."""
        level = logging.DEBUG if isinstance(sys.exc_info()[1], OSError) else logging.WARNING
        LOGGER.log(level, "a request from %s was not answered", client_address, exc_info=True)


class Web:
    """The operator's HTTP server."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry, *, alive: Check, ready: Check) -> None:
        """Bind, so that a taken port is an error at start."""

        class Handler(BaseHTTPRequestHandler):
            server_version = "driftreview"
            sys_version = ""
            timeout = 10

            def do_GET(self) -> None:
                match self.path.split("?", 1)[0]:
                    case "/healthz":
                        self._check(alive)
                    case "/readyz":
                        self._check(ready)
                    case "/metrics":
                        self._answer(200, CONTENT_TYPE_LATEST, generate_latest(registry))
                    case _:
                        self._answer(404, _TEXT, b"try /healthz, /readyz or /metrics\n")

            def _check(self, check: Check) -> None:
                problem = check()
                self._answer(503 if problem else 200, _TEXT, f"{problem or 'ok'}\n".encode())

            def _answer(self, status: int, content_type: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Probes are no news."""

        try:
            self._server = _Server((host, port), Handler)
        except OSError as error:
            free = "choose another with --listen-port (0 takes a free one)"
            raise OSError(f"cannot listen on {host}:{port}: {error.strerror}; {free}") from error
        self._thread = threading.Thread(target=self._server.serve_forever, name="web", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Serve."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()

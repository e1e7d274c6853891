"""The few HTTP calls the lab makes itself, and waiting for what they tell.

``http.client`` and not a library: no proxy settings of the user may come between the lab and 127.0.0.1.
"""

import http.client
import json
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from lab.errors import ProcessFailed

T = TypeVar("T")
NO_ANSWER = 0
_LONGEST_PAUSE = 0.25


@dataclass(frozen=True)
class Client:
    """Speaks to one server.

    Attributes:
        url: scheme, host and port.
        ca: file with the certificate that verifies an https server.
        token: bearer token.
    """

    url: str
    ca: Path | None = None
    token: str | None = None

    def request(self, method: str, path: str, body: Any = None, timeout: float = 5.0) -> tuple[int, str]:
        """Status and text; status ``NO_ANSWER`` when nobody answers (yet)."""
        parts = urlsplit(self.url)
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=self.ca)
            connection = http.client.HTTPSConnection(parts.netloc, timeout=timeout, context=context)
        else:
            connection = http.client.HTTPConnection(parts.netloc, timeout=timeout)
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        payload = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            payload = json.dumps(body)
        try:
            connection.request(method, path, payload, headers)
            response = connection.getresponse()
            return response.status, response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            return NO_ANSWER, ""
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """The JSON found at a path, or None as long as it is not there."""
        status, text = self.request("GET", path)
        return json.loads(text) if status == http.HTTPStatus.OK else None

    def ok(self, path: str) -> bool:
        """Whether the server answers 200."""
        return self.request("GET", path, timeout=2.0)[0] == http.HTTPStatus.OK


def is_healthy(url: str, ca: Path | None = None) -> bool:
    """Whether a health URL answers 200."""
    parts = urlsplit(url)
    return Client(f"{parts.scheme}://{parts.netloc}", ca).ok(parts.path)


def wait_until(condition: Callable[[], T | None], what: str, seconds: float = 30.0, every: float = 0.05) -> T:
    """Ask again and again until the answer is true, less often the longer it takes; returns it.

    Args:
        condition: asked; may raise to give up at once.
        what: completes "waited 30 s in vain until ..." for the error.
        seconds: how long to ask.
        every: the first pause between two questions, in seconds; they grow to a quarter of a second.

    Raises:
        ProcessFailed: time is up.
    """
    began = time.monotonic()
    while True:
        if answer := condition():
            return answer
        waited = time.monotonic() - began
        if waited >= seconds:
            raise ProcessFailed(f"waited {seconds:g} s in vain until {what}")
        time.sleep(max(every, min(waited / 20, _LONGEST_PAUSE)))

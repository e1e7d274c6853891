"""How a source is reached: whether anything can be sent at all, and its replies as they came."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from driftreview.adapters.credentials import Credentials
from driftreview.adapters.replies import RefusalError, Reply
from driftreview.adapters.trust import trust
from driftreview.api.metricsource import MetricSourceSpec
from driftreview.api.reasons import Reason


class Unread(requests.Response):
    """A reply as it came, whatever its status, in the shape from which the client takes `data.result`."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.status_code = requests.codes.ok
        self._content = b""
        self._reply = reply

    def json(self, **_: Any) -> Mapping[str, Mapping[str, Reply]]:
        """The whole reply where the client expects its result."""
        return {"data": {"result": self._reply}}


def unread(response: requests.Response, **_: Any) -> requests.Response:
    """Keep the reply from requests, which would follow its redirect, and from the client, which would parse it."""
    return Unread(Reply(response.status_code, response.content, response.headers.get("Location", "")))


def sendable(spec: MetricSourceSpec, credentials: Credentials) -> ssl.SSLContext | None:
    """Whom to trust over https, once it is sure that something can be sent at all.

    Raises:
        RefusalError: the address or the credentials can never be used.
    """
    if not host_of(spec.url):
        raise RefusalError(Reason.UNREACHABLE, "spec.url is no address; write for example http://prometheus:9090")
    if credentials.unsendable:
        raise RefusalError(
            Reason.UNAUTHORIZED,
            f"{credentials.unsendable}; mend its Secret",
        )
    return trust(spec.url, credentials.ca_pem)


def host_of(url: str) -> str:
    """Host and port of an address, without what else it may hold; empty if it has none."""
    try:
        parts = urlsplit(url)
        return parts.netloc.rpartition("@")[2] if parts.hostname and parts.port != 0 else ""
    except ValueError:
        return ""

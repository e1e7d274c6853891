"""How a source is reached: its session and client over our own transport, and its replies as they came."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from prometheus_api_client import PrometheusConnect

from driftreview import __version__
from driftreview.adapters.credentials import Credentials
from driftreview.adapters.proof import Proof
from driftreview.adapters.replies import RefusalError, Reply
from driftreview.adapters.transport import CONNECT_SECONDS, Transport
from driftreview.adapters.trust import is_of_this_machine, trust
from driftreview.api.metricsource import MetricSourceSpec
from driftreview.api.reasons import Reason
from driftreview.api.values import parse_duration


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
    headers = response.headers
    return Unread(
        Reply(response.status_code, response.content, headers.get("Location", ""), headers.get("Retry-After", ""))
    )


class Connection:
    """The session of one source, with its proof on each request; threads may share it."""

    def __init__(self, spec: MetricSourceSpec, credentials: Credentials, max_bytes: Callable[[str], int]) -> None:
        """Nothing is read or sent yet; `max_bytes` says how many bytes the answer of a path may have."""
        self._spec, self._credentials, self._max_bytes = spec, credentials, max_bytes
        self.proof = Proof(spec, credentials)
        self.session = requests.Session()
        self._opening = threading.Lock()
        self._client: PrometheusConnect | None = None
        self._unusable: RefusalError | None = None

    def client(self) -> PrometheusConnect:
        """The client, made when it is first needed: nobody but who asks this source waits while a bundle is read.

        Raises:
            RefusalError: the source can never be asked as it is.
        """
        with self._opening:
            if self._client is None and self._unusable is None:
                try:
                    self._client = self._new_client(sendable(self._spec, self._credentials))
                except RefusalError as refusal:
                    self._unusable = refusal
            if self._unusable is not None:
                raise RefusalError(
                    self._unusable.reason, self._unusable.found, retryable=self._unusable.retryable
                ) from None
            return self._client

    def get(self, path: str, params: Mapping[str, str]) -> Reply:
        """What another endpoint than the query API's answers; once there is a client."""
        url = f"{self._spec.url.rstrip('/')}/api/v1/{path}"
        reply: Reply = self.session.get(url, params=dict(params)).json()["data"]["result"]
        return reply

    def hide(self, text: str) -> str:
        """Replace every secret that is sent in a text that came from outside."""
        return self.proof.credentials.hide(text)

    def hide_in_label(self, text: str) -> str:
        """The same in a label's name or value."""
        return self.proof.credentials.hide_in_label(text)

    def close(self) -> None:
        """Close what is open."""
        self.session.close()

    def _new_client(self, context: ssl.SSLContext | None) -> PrometheusConnect:
        """The client over our own session and transport."""
        session, url, sent = self.session, self._spec.url.rstrip("/"), self._credentials
        session.headers.update({"Accept": "application/json", "User-Agent": f"driftreview/{__version__}"})
        session.headers.update({**sent.open_headers, **sent.headers})
        # Always set, also without credentials: requests would look for some in ~/.netrc.
        session.auth = self.proof
        # A proxy would lead to its own machine, and read what is sent to this one. Nothing else is taken from there.
        session.trust_env = not is_of_this_machine(url)
        session.hooks["response"].append(unread)
        seconds = parse_duration(self._spec.timeout).total_seconds()
        client = PrometheusConnect(url, session=session, timeout=(CONNECT_SECONDS, seconds))
        transport = Transport(
            seconds=seconds, connections=self._spec.max_concurrent, max_bytes=self._max_bytes, context=context
        )
        # The client mounts an adapter of its own on the address, with long retries; no request may reach another.
        for prefix in (url, "http://", "https://"):
            session.mount(prefix, transport)
        return client


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
    return trust(spec.url, credentials.ca_pem, credentials.client_cert)


def host_of(url: str) -> str:
    """Host and port of an address, without what else it may hold; empty if it has none."""
    try:
        parts = urlsplit(url)
        return parts.netloc.rpartition("@")[2] if parts.hostname and parts.port != 0 else ""
    except ValueError:
        return ""

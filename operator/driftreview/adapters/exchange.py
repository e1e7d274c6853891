"""One HTTP exchange beside the queries, for a token or keys: bounded in time and size as they are, never redirected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import requests

from driftreview.adapters.faults import CLIENT_ERRORS, refusal_of
from driftreview.adapters.replies import RefusalError, Reply
from driftreview.adapters.transport import Transport
from driftreview.adapters.trust import is_of_this_machine, trust

MOST_BYTES: Final = 64 * 1024


def exchange(
    url: str,
    *,
    seconds: float,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    ca_pem: str | None = None,
    through_proxies: bool = True,
) -> Reply:
    """Send a form, or ask without one, and read the reply.

    Args:
        url: where.
        seconds: how long all of it may take.
        form: what is sent by POST; without it, GET.
        headers: of the request.
        ca_pem: whom to trust over https; None for the system's authorities.
        through_proxies: whether the operator's proxy settings count.

    Raises:
        RefusalError: there is no reply.
    """
    with requests.Session() as session:
        # Always set: requests would look for credentials in ~/.netrc.
        session.auth = lambda request: request
        session.trust_env = through_proxies and not is_of_this_machine(url)
        transport = Transport(
            seconds=seconds, connections=1, max_bytes=lambda _: MOST_BYTES, context=trust(url, ca_pem)
        )
        for prefix in ("http://", "https://"):
            session.mount(prefix, transport)
        accept = {"Accept": "application/json"}
        method = "GET" if form is None else "POST"
        try:
            found = session.request(method, url, data=form, headers=accept | dict(headers or {}), allow_redirects=False)
        except CLIENT_ERRORS as error:
            raise refusal_of(error, seconds) from None
        return Reply(found.status_code, found.content)


def renamed(refusal: RefusalError, names: Mapping[str, str]) -> RefusalError:
    """The same refusal, about other fields than those of the source itself."""
    found = refusal.found
    for field, name in names.items():
        found = found.replace(field, name)
    return RefusalError(refusal.reason, found, retryable=refusal.retryable)

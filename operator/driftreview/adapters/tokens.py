"""OAuth2 client credentials (RFC 6749, section 4.4): a client's name and secret -> an access token."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

from driftreview.adapters.exchange import exchange, renamed
from driftreview.adapters.faults import CLIENT_CERT
from driftreview.adapters.replies import RefusalError, Reply, extract
from driftreview.api.jsontext import read_json
from driftreview.api.reasons import Reason
from driftreview.api.sourceauth import ClientSecretIn, OAuth2

ASSUMED: Final = 300.0
"""Seconds for which a token is good whose end is not said."""
LONGEST: Final = 86_400.0

_ERROR: Final = re.compile("[a-z_]{1,64}")
_FIELDS: Final = {
    CLIENT_CERT: "",
    "spec.url": "spec.auth.oauth2.tokenUrl",
    "spec.tls": "spec.auth.oauth2.tls",
    "simplify the query or raise spec.timeout": "see its log, or raise spec.timeout",
    "the query could not be sent": "the request could not be sent",
}
_CHECK: Final = "check spec.auth.oauth2 and the Secrets it names"


def fetch_token(
    auth: OAuth2, client: tuple[str, str], ca_pem: str | None, seconds: float, hide: Callable[[str], str]
) -> tuple[str, float]:
    """Ask for an access token.

    Args:
        auth: where, and what for.
        client: its name and secret.
        ca_pem: whom to trust over https; None for the system's authorities.
        seconds: how long it may take.
        hide: replaces secrets in a text.

    Returns:
        The token, and for how many seconds it is good.

    Raises:
        RefusalError: there is none.
    """
    host = urlsplit(auth.token_url).netloc
    try:
        reply = exchange(auth.token_url, seconds=seconds, ca_pem=ca_pem, **_request(auth, client))
        return _granted(reply, hide)
    except RefusalError as refusal:
        about = renamed(refusal, _FIELDS)
        found = f"no access token from {host}: {about.found}"
        raise RefusalError(about.reason, found, retryable=True) from None


def _request(auth: OAuth2, client: tuple[str, str]) -> dict[str, Any]:
    form = {"grant_type": "client_credentials"}
    if auth.scopes:
        form["scope"] = " ".join(auth.scopes)
    if auth.audience:
        form["audience"] = auth.audience
    if auth.client_secret_in is ClientSecretIn.BODY:
        return {"form": form | {"client_id": client[0], "client_secret": client[1]}}
    # Both are encoded as in a form before they are joined: RFC 6749, section 2.3.1.
    pair = ":".join(map(quote_plus, client)).encode()
    return {"form": form, "headers": {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}}


def _granted(reply: Reply, hide: Callable[[str], str]) -> tuple[str, float]:
    said = _json(reply.body)
    if reply.status != HTTPStatus.OK:
        raise _refused(reply.status, said, hide)
    token, kind = said.get("access_token"), said.get("token_type")
    if not isinstance(token, str) or not token or not isinstance(kind, str) or kind.lower() != "bearer":
        raise RefusalError(Reason.UNAUTHORIZED, f"HTTP 200, but the answer holds no bearer token; {_CHECK}")
    try:
        seconds = float(said.get("expires_in", ASSUMED))
    except (TypeError, ValueError):
        seconds = ASSUMED
    return token, ASSUMED if math.isnan(seconds) else min(max(seconds, 0.0), LONGEST)


def _refused(status: int, said: dict[str, Any], hide: Callable[[str], str]) -> RefusalError:
    """The refusal of a reply that is not 200. Only the words of RFC 6749, section 5.2, are quoted, no page."""
    error, text = said.get("error"), said.get("error_description")
    known = isinstance(error, str) and _ERROR.fullmatch(error)
    more = f": {extract(text, hide, 200)}" if known and isinstance(text, str) else ""
    words = f' ("{extract(error, hide)}{more}")' if known and isinstance(error, str) else ""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RefusalError(Reason.RATE_LIMITED, f"HTTP {status}: too many requests{words}; wait, or raise its limit")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return RefusalError(Reason.SERVER_ERROR, f"HTTP {status}: it failed{words}; see its log")
    return RefusalError(Reason.UNAUTHORIZED, f"HTTP {status}{words}; {_CHECK}")


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = read_json(body.decode())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

"""AWS Signature Version 4 of a GET request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

import requests

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_UNRESERVED: Final = "-_.~"
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_NO_BODY: Final = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Keys:
    """An access key; temporary ones have a session token. No secret shows in a repr."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


def sign(request: requests.PreparedRequest, keys: Keys, region: str, service: str, now: datetime) -> None:
    """Put a signature on a request without a body; its query is written the way AWS writes it."""
    parts = urlsplit(request.url or "")
    pairs = sorted((_encoded(name), _encoded(value)) for name, value in parse_qsl(parts.query, keep_blank_values=True))
    query = "&".join("=".join(pair) for pair in pairs)
    request.url = urlunsplit(parts._replace(query=query))
    moment = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    sent = {"host": parts.netloc.lower().removesuffix(_DEFAULT_PORTS[parts.scheme]), "x-amz-date": moment}
    if keys.session_token:
        sent["x-amz-security-token"] = keys.session_token
    names = ";".join(sent)
    lines = "".join(f"{name}:{value}\n" for name, value in sent.items())
    # What is encoded in the address is encoded once more: only S3 has it otherwise.
    path = quote(parts.path or "/", safe=f"/{_UNRESERVED}")
    canonical = f"GET\n{path}\n{query}\n{lines}\n{names}\n{_NO_BODY}"
    scope = "/".join((moment[:8], region, service, "aws4_request"))
    text = "\n".join((_ALGORITHM, moment, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = reduce(_hmac, scope.split("/"), f"AWS4{keys.secret_key}".encode())
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    request.headers.update({name.title(): value for name, value in sent.items()})
    request.headers["Authorization"] = (
        f"{_ALGORITHM} Credential={keys.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )


def _encoded(text: str) -> str:
    return quote(text, safe=_UNRESERVED)


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()

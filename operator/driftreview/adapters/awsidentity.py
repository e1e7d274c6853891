"""The operator's own AWS identity, as its surroundings give it: environment variables, IRSA, or EKS Pod Identity.

The role of the machine it runs on is not the operator's, so instance metadata is never asked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final

from driftreview.adapters import clock
from driftreview.adapters.exchange import exchange, renamed
from driftreview.adapters.faults import CLIENT_CERT
from driftreview.adapters.replies import RefusalError, Reply
from driftreview.adapters.sigv4 import Keys
from driftreview.api.jsontext import read_json
from driftreview.api.reasons import Reason

AGAIN: Final = 300.0
"""Seconds after which environment variables are read anew."""

_NAMES: Final = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
_FIELDS: Final = {
    CLIENT_CERT: "",
    "spec.url": "the operator's AWS_ variables",
    "spec.tls": "the authorities of the operator's system",
}
_NONE: Final = (
    "the operator has no AWS identity; give its ServiceAccount a role (IRSA or EKS Pod Identity), "
    "or name accessKey and secretKey in spec.auth.sigV4"
)


def fetch_keys(region: str, seconds: float, environ: Mapping[str, str] = os.environ) -> tuple[Keys, float]:
    """The keys that the surroundings give, in the order of the AWS SDKs, and for how many seconds they are good.

    Raises:
        RefusalError: there are none.
    """
    if "AWS_ACCESS_KEY_ID" in environ and "AWS_SECRET_ACCESS_KEY" in environ:
        session = environ.get("AWS_SESSION_TOKEN")
        return Keys(environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"], session), AGAIN
    try:
        if "AWS_WEB_IDENTITY_TOKEN_FILE" in environ and "AWS_ROLE_ARN" in environ:
            return _assumed_role(region, seconds, environ)
        if "AWS_CONTAINER_CREDENTIALS_FULL_URI" in environ:
            return _of_container(seconds, environ)
    except RefusalError as refusal:
        about = renamed(refusal, _FIELDS)
        raise RefusalError(about.reason, f"no AWS keys for the operator: {about.found}") from None
    raise RefusalError(Reason.UNAUTHORIZED, _NONE)


def _assumed_role(region: str, seconds: float, environ: Mapping[str, str]) -> tuple[Keys, float]:
    """IRSA: AssumeRoleWithWebIdentity with the token of the ServiceAccount."""
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    url = environ.get("AWS_ENDPOINT_URL_STS") or f"https://sts.{region}.{domain}/"
    form = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": environ["AWS_ROLE_ARN"],
        "RoleSessionName": environ.get("AWS_ROLE_SESSION_NAME", "driftreview"),
        "WebIdentityToken": _token(environ["AWS_WEB_IDENTITY_TOKEN_FILE"]),
    }
    reply = exchange(url, seconds=seconds, form=form, headers={"Accept": "application/xml"})
    text = _text(reply, "AWS STS")
    found = {name: match[1] for name in _NAMES if (match := re.search(f"<{name}>([^<]+)</{name}>", text))}
    return _keys(found, "AWS STS")


def _of_container(seconds: float, environ: Mapping[str, str]) -> tuple[Keys, float]:
    """EKS Pod Identity: the agent on the node answers."""
    token = environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    headers = {"Authorization": _token(token)} if token else {}
    url = environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
    reply = exchange(url, seconds=seconds, headers=headers, through_proxies=False)
    text = _text(reply, "the Pod Identity agent")
    try:
        said = read_json(text)
    except ValueError:
        said = None
    found = {str(name): str(value) for name, value in said.items()} if isinstance(said, dict) else {}
    session = {"SessionToken": found["Token"]} if "Token" in found else {}
    return _keys(found | session, "the Pod Identity agent")


def _token(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        raise RefusalError(Reason.UNAUTHORIZED, f"{path} cannot be read; mount the ServiceAccount's token") from None


def _text(reply: Reply, who: str) -> str:
    """The body of a successful reply; of another one nothing is quoted but its status and AWS' own error code."""
    text = reply.body.decode(errors="replace")
    if reply.status == HTTPStatus.OK:
        return text
    code = re.search("<Code>([A-Za-z.]{1,64})</Code>", text)
    said = f" ({code[1]})" if code else ""
    reason = Reason.SERVER_ERROR if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR else Reason.UNAUTHORIZED
    raise RefusalError(reason, f"{who} answered HTTP {reply.status}{said}; check the role and whom it trusts")


def _keys(found: Mapping[str, str], who: str) -> tuple[Keys, float]:
    try:
        ends = datetime.fromisoformat(found["Expiration"])
        keys = Keys(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
        return keys, max(0.0, (ends - clock.now()).total_seconds())
    except (KeyError, ValueError, TypeError):
        raise RefusalError(Reason.UNAUTHORIZED, f"{who} answered without keys; check the operator's role") from None

"""An HTTP reply -> the answer of a Prometheus query API in it, or why there is none. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from driftreview.api.reasons import Reason

SERVER_TEXT: Final = 300
"""Longest quotation of a server's own error text, in characters."""
PAGE_TEXT: Final = 120
"""Longest extract of a body that is no API answer, in characters."""

# A page is searched for secrets up to here; what is near the cut is not shown, as it may be part of one.
_SEARCHED: Final = 64 * 1024
_SHOWN: Final = 48 * 1024
_MARKUP: Final = re.compile(r"(?is)<(script|style)\b.*?(</\1\s*>|\Z)|<[^>]*(>|\Z)")
_ALIGNED: Final = (
    "the samples are at other times than asked for; a query frontend that aligns ranges to their step does so: "
    "use the address of the querier behind it in spec.url, or switch the alignment off"
)

_REFUSED: Final = "the credentials were refused{}; check spec.auth and the Secret it names"
_TOO_LONG: Final = "the query is too long for the server or a proxy before it{}; shorten it"
_BY_STATUS: Final = {
    401: (Reason.UNAUTHORIZED, _REFUSED),
    403: (Reason.UNAUTHORIZED, _REFUSED),
    407: (Reason.UNAUTHORIZED, "the proxy of the operator wants credentials{}; check HTTP_PROXY and HTTPS_PROXY"),
    408: (Reason.TIMEOUT, "the server gave up waiting{}; check the proxies before it"),
    414: (Reason.QUERY_INVALID, _TOO_LONG),
    429: (Reason.RATE_LIMITED, "too many queries{}; lower spec.maxConcurrent or raise the server's limit"),
    431: (Reason.QUERY_INVALID, _TOO_LONG),
}


class RefusalError(Exception):
    """The reply cannot be used; carries what `Failed` is made of, without the server's name."""

    def __init__(self, reason: Reason, found: str, *, retryable: bool = True) -> None:
        super().__init__(found)
        self.reason, self.found, self.retryable = reason, found, retryable


def malformed(found: str) -> RefusalError:
    """The refusal of an answer that looks like the API's but does not hold what the API promises."""
    return RefusalError(Reason.NOT_A_PROMETHEUS, f"the answer is not what the Prometheus query API returns: {found}")


def misaligned() -> RefusalError:
    """The refusal of samples off the grid."""
    return RefusalError(Reason.NOT_A_PROMETHEUS, _ALIGNED)


@dataclass(frozen=True)
class Answer:
    """`data` of a successful answer: `result_type` is matrix, vector, scalar or string; `result` is raw JSON."""

    result_type: str
    result: Any


@dataclass(frozen=True)
class Reply:
    """What came back over HTTP: `location` is the header of a redirect, `body` is whole or empty."""

    status: int
    body: bytes
    location: str = ""


@dataclass(frozen=True)
class _ApiError:
    kind: str
    text: str


def extract(text: str, hide: Callable[[str], str], limit: int) -> str:
    """A short, printable line of a text that came from outside, without markup and without secrets.

    Secrets are hidden before the text is cleaned and cut, so that no part of one is left.
    """
    text = hide(text) if len(text) <= _SEARCHED else hide(text[:_SEARCHED])[:_SHOWN]
    words = _MARKUP.sub(" ", text).split()
    line = "".join(char if char.isprintable() else " " for char in " ".join(words)).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def answer_of(reply: Reply, hide: Callable[[str], str]) -> Answer:
    """The answer in a reply.

    Args:
        reply: status and body.
        hide: replaces secrets in a text.

    Raises:
        RefusalError: the reply is no complete and successful answer of the query API.
    """
    if reply.status != HTTPStatus.OK:
        raise _refused(reply, hide)
    envelope = _json(reply.body)
    if not isinstance(envelope, dict):
        raise _no_api(reply, hide)
    error = _api_error(envelope)
    if error:
        raise RefusalError(Reason.SERVER_ERROR, f"HTTP 200 with an error in it{_said(error.text, hide)}")
    data = envelope.get("data")
    if envelope.get("status") != "success" or not isinstance(data, dict) or "result" not in data:
        raise _no_api(reply, hide)
    _refuse_partial(envelope, hide)
    return Answer(str(data.get("resultType")), data["result"])


def _refuse_partial(envelope: dict[str, Any], hide: Callable[[str], str]) -> None:
    """Refuse what the server itself calls incomplete; `infos` are hints about the query and pass."""
    warnings = envelope.get("warnings")
    if warnings:
        texts = warnings if isinstance(warnings, list) else [warnings]
        raise RefusalError(
            Reason.PARTIAL_ANSWER,
            f"the answer carries a warning, so it may be incomplete or wrong{_said('; '.join(map(str, texts)), hide)}; "
            "mend the query or the store it speaks of",
        )
    if envelope.get("isPartial"):  # how VictoriaMetrics says it
        raise RefusalError(
            Reason.PARTIAL_ANSWER, "the answer is marked isPartial: a storage node did not take part; check the cluster"
        )


def _refused(reply: Reply, hide: Callable[[str], str]) -> RefusalError:
    """The refusal of a reply that is not 200."""
    status, envelope = reply.status, _json(reply.body)
    error = _api_error(envelope) if isinstance(envelope, dict) else None
    said = _said(error.text if error else reply.body.decode("utf-8", "replace"), hide, api=error is not None)
    fixed = _BY_STATUS.get(status)
    if fixed:
        reason, found = fixed
        return RefusalError(reason, f"HTTP {status}: {found.format(said)}", retryable=reason != Reason.QUERY_INVALID)
    if status in range(300, 400):
        return RefusalError(Reason.NOT_A_PROMETHEUS, _redirect(reply, hide))
    if error and error.kind == "timeout":
        found = f"HTTP {status}: the query took too long{said}; simplify it or raise spec.timeout"
        return RefusalError(Reason.TIMEOUT, found)
    # Thanos reports a store that did not answer as a failed execution, which is no fault of the query.
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or (error and error.text.startswith("expanding series")):
        return RefusalError(Reason.SERVER_ERROR, f"HTTP {status}: the server failed{said}; see its log")
    if error and status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY):
        found = f"HTTP {status}: the query was refused{said}; mend the query"
        return RefusalError(Reason.QUERY_INVALID, found, retryable=False)
    found = f"HTTP {status} is no answer of a Prometheus query API{said}; check spec.url"
    return RefusalError(Reason.NOT_A_PROMETHEUS, found)


def _no_api(reply: Reply, hide: Callable[[str], str]) -> RefusalError:
    """The refusal of a 200 that is something else."""
    text = reply.body.decode("utf-8", "replace")
    kind = "empty" if not text.strip() else "HTML" if text.lstrip().startswith("<") else "no JSON of the query API"
    if kind == "no JSON of the query API" and text.lstrip().startswith('{"status":"success"'):
        kind = "cut off or no valid JSON"
    return RefusalError(
        Reason.NOT_A_PROMETHEUS,
        f"HTTP 200, but the answer is {kind}{_said(text, hide, api=False)}; "
        "check spec.url, and whether a login page stands before the server",
    )


def _redirect(reply: Reply, hide: Callable[[str], str]) -> str:
    """Say where a redirect leads, by host only: the rest of the address may hold tokens."""
    try:
        parts = urlsplit(reply.location)
        where = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}" if parts.hostname else ""
    except ValueError:
        where = ""
    place = extract(where, hide, PAGE_TEXT) or "another path"
    return (
        f"HTTP {reply.status} redirects to {place}, which is not followed, as credentials would go along; "
        "name the final address in spec.url, or if that is a login page, give credentials in spec.auth"
    )


def _said(text: str, hide: Callable[[str], str], *, api: bool = True) -> str:
    line = extract(text, hide, SERVER_TEXT if api else PAGE_TEXT)
    return f' ("{line}")' if line else ""


def _json(body: bytes) -> Any:
    """The body as JSON, or None."""
    try:
        return json.loads(body.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _api_error(envelope: dict[str, Any]) -> _ApiError | None:
    if envelope.get("status") != "error" or not isinstance(envelope.get("error"), str):
        return None
    return _ApiError(str(envelope.get("errorType")), envelope["error"])

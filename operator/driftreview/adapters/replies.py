"""An HTTP reply -> the answer of a Prometheus query API in it, or why there is none. Pure.

Of a body that is no answer of the API, no word is quoted: whoever chooses the address of a metric source could read
pages that way which only the operator can reach.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from driftreview.adapters.credentials import UNSURE
from driftreview.api.jsontext import read_json
from driftreview.api.reasons import Reason
from driftreview.domain.shape import MAX_SERIES

SERVER_TEXT: Final = 300
"""Longest quotation of a server's own error text, in characters."""
MAX_VALUES: Final = 1_000_000
"""Most JSON values of one answer, an object counted as three: 11,000 points of a signal's 20 series have 660,000."""

_NAME_TEXT: Final = 120
_WARNINGS: Final = 10
# A text is searched for secrets up to here; what is near the cut is not shown, as it may be part of one.
_SEARCHED: Final = 4096
_RESULT_TYPES: Final = ("matrix", "vector", "scalar", "string")
_ALIGNED: Final = (
    "the samples are at other times than asked for; a query frontend that aligns ranges to their step does so: "
    "use the address of the querier behind it in spec.url, or switch the alignment off"
)

_REFUSED: Final = "the credentials were refused{}; check spec.auth and the Secret it names"
_NO_TENANT: Final = b"no org id"
"""What Cortex and Mimir answer where the tenant's header is missing."""
_TENANT: Final = "the header X-Scope-OrgID in spec.headers"
_TOO_LONG: Final = "the query is too long for the server or a proxy before it{}; shorten it"
_NOT_SERVED: Final = {
    401: Reason.FORBIDDEN,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    405: Reason.NOT_FOUND,
    501: Reason.NOT_FOUND,
}
_BY_STATUS: Final = {
    401: (Reason.UNAUTHORIZED, _REFUSED),
    403: (Reason.UNAUTHORIZED, _REFUSED),
    407: (Reason.UNAUTHORIZED, "the proxy of the operator wants credentials{}; check HTTP_PROXY and HTTPS_PROXY"),
    408: (Reason.TIMEOUT, "the server gave up waiting{}; check the proxies before it"),
    414: (Reason.QUERY_INVALID, _TOO_LONG),
    429: (
        Reason.RATE_LIMITED,
        "too many queries{}; lower spec.queriesPerSecond and spec.maxConcurrent, or raise the server's limit",
    ),
    431: (Reason.QUERY_INVALID, _TOO_LONG),
}


class RefusalError(Exception):
    """The reply cannot be used; carries what `Failed` is made of, without the server's name."""

    def __init__(self, reason: Reason, found: str, *, retryable: bool = True, retry_after: float | None = None) -> None:
        super().__init__(found)
        self.reason, self.found, self.retryable, self.retry_after = reason, found, retryable, retry_after


def malformed(found: str) -> RefusalError:
    """The refusal of an answer that looks like the API's but does not hold what the API promises."""
    return RefusalError(Reason.NOT_A_PROMETHEUS, f"the answer is not what the Prometheus query API returns: {found}")


def too_large(found: str) -> RefusalError:
    """The refusal of an answer that has more of something than will be read."""
    mend = f"aggregate in the query with sum by (...): a signal may have at most {MAX_SERIES} series"
    return RefusalError(Reason.ANSWER_TOO_LARGE, f"the answer has {found}; {mend}", retryable=False)


def misaligned() -> RefusalError:
    """The refusal of samples off the grid."""
    return RefusalError(Reason.NOT_A_PROMETHEUS, _ALIGNED)


@dataclass(frozen=True)
class Answer:
    """`data` of a successful answer.

    `result_type` is matrix, vector, scalar or string, and empty where the server says something else; `result` is raw
    JSON.
    """

    result_type: str
    result: Any


@dataclass(frozen=True)
class Reply:
    """What came back over HTTP: `location` and `retry_after` are headers, `body` is whole or empty."""

    status: int
    body: bytes
    location: str = ""
    retry_after: str = ""


@dataclass(frozen=True)
class _ApiError:
    kind: str
    text: str


def extract(text: str, hide: Callable[[str], str], limit: int = _NAME_TEXT) -> str:
    """A short, printable line of a text that came from outside, without secrets.

    Secrets are hidden before the text is cleaned and cut, so that no part of one is left.
    """
    text = hide(text) if len(text) <= _SEARCHED else hide(text[:_SEARCHED])[:-UNSURE]
    line = "".join(char if char.isprintable() else " " for char in " ".join(text.split())).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def answer_of(reply: Reply, hide: Callable[[str], str]) -> Answer:
    """The answer in a reply.

    Args:
        reply: status and body.
        hide: replaces secrets in a text.

    Raises:
        RefusalError: the reply is no complete and successful answer of the query API.
    """
    data = data_of(reply, hide)
    if not isinstance(data, dict) or "result" not in data:
        raise _unlike(reply.body, {})
    kind = data.get("resultType")
    return Answer(kind if kind in _RESULT_TYPES else "", data["result"])


def data_of(reply: Reply, hide: Callable[[str], str]) -> Any:
    """`data` of a successful answer of any endpoint of the API, as `answer_of` reads that of a query.

    Raises:
        RefusalError: the reply is no complete and successful answer of the API.
    """
    if reply.status != HTTPStatus.OK:
        raise _refused(reply, hide)
    envelope = _json(reply.body)
    error = _api_error(envelope)
    if error:
        raise RefusalError(Reason.SERVER_ERROR, f"HTTP 200 with an error in it{_said(error.text, hide)}")
    if not isinstance(envelope, dict) or envelope.get("status") != "success" or "data" not in envelope:
        raise _unlike(reply.body, envelope)
    _refuse_partial(envelope, hide)
    return envelope["data"]


def optional_data_of(reply: Reply, hide: Callable[[str], str]) -> Any:
    """The same of an endpoint that not every server has, or lets everybody ask: that is no fault of the source.

    Raises:
        RefusalError: as `data_of`; with NotFound or Forbidden, which no later answer will mend.
    """
    if reply.status in _NOT_SERVED:
        raise RefusalError(_NOT_SERVED[reply.status], f"HTTP {reply.status}: it does not serve this", retryable=False)
    return data_of(reply, hide)


def _unlike(body: bytes, found: Any) -> RefusalError:
    return RefusalError(
        Reason.NOT_A_PROMETHEUS,
        f"HTTP 200, but the answer is {_kind(body, found)}; "
        "check spec.url, and whether a login page stands before the server",
    )


def _refuse_partial(envelope: dict[str, Any], hide: Callable[[str], str]) -> None:
    """Refuse what the server itself calls incomplete; `infos` are hints about the query and pass."""
    warnings = envelope.get("warnings")
    if warnings:
        found = warnings if isinstance(warnings, list) else [warnings]
        texts = "; ".join(text for text in found[:_WARNINGS] if isinstance(text, str))
        raise RefusalError(
            Reason.PARTIAL_ANSWER,
            f"the answer carries a warning, so it may be incomplete or wrong{_said(texts, hide)}; "
            "mend the query or the store it speaks of",
        )
    if envelope.get("isPartial"):  # how VictoriaMetrics says it
        raise RefusalError(
            Reason.PARTIAL_ANSWER, "the answer is marked isPartial: a storage node did not take part; check the cluster"
        )


def _refused(reply: Reply, hide: Callable[[str], str]) -> RefusalError:
    """The refusal of a reply that is not 200."""
    status, envelope = reply.status, _json(reply.body)
    error = _api_error(envelope)
    said = _said(error.text, hide) if error else ""
    if status == HTTPStatus.UNAUTHORIZED and reply.body.strip() == _NO_TENANT:
        return RefusalError(Reason.UNAUTHORIZED, f'HTTP {status} ("no org id"): name a tenant by {_TENANT}')
    fixed = _BY_STATUS.get(status)
    if fixed:
        reason, found = fixed
        later = float(reply.retry_after) if re.fullmatch("[0-9]{1,6}", reply.retry_after) else None
        retryable = reason != Reason.QUERY_INVALID
        return RefusalError(reason, f"HTTP {status}: {found.format(said)}", retryable=retryable, retry_after=later)
    if status in range(300, 400):
        return RefusalError(Reason.NOT_A_PROMETHEUS, _redirect(reply, hide))
    if error and error.kind == "timeout":
        found = f"HTTP {status}: the query took too long{said}; simplify it or raise spec.timeout"
        return RefusalError(Reason.TIMEOUT, found)
    # Thanos reports a store that did not answer as a failed execution, which is no fault of the query.
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or (error and error.text.startswith("expanding series")):
        who = "the server" if error else "the server, or a proxy before it,"
        return RefusalError(Reason.SERVER_ERROR, f"HTTP {status}: {who} failed{said}; see its log")
    if error and status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY):
        found = f"HTTP {status}: the query was refused{said}; mend the query"
        return RefusalError(Reason.QUERY_INVALID, found, retryable=False)
    # What an https port answers to plain HTTP.
    mend = (
        "check spec.url, also whether that port wants https" if status == HTTPStatus.BAD_REQUEST else "check spec.url"
    )
    kind = "" if error or not reply.body else f", but {_kind(reply.body, envelope)}"
    return RefusalError(
        Reason.NOT_A_PROMETHEUS, f"HTTP {status} is no answer of a Prometheus query API{said}{kind}; {mend}"
    )


def _kind(body: bytes, parsed: Any) -> str:
    """What a body is that is no answer of the query API."""
    start = body.lstrip()[:1]
    if not start:
        return "empty"
    if start == b"<":
        return "HTML"
    if parsed is not None:
        return "JSON of something else"
    if start in b"{[":
        return f"no valid JSON: it may be cut off, after {len(body)} bytes"
    return "no JSON"


def _redirect(reply: Reply, hide: Callable[[str], str]) -> str:
    """Say where a redirect leads, by host only: the rest of the address may hold tokens."""
    try:
        parts = urlsplit(reply.location)
        where = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}" if parts.hostname else ""
    except ValueError:
        where = ""
    place = extract(where, hide) or "another path"
    return (
        f"HTTP {reply.status} redirects to {place}, which is not followed, as credentials would go along; "
        "name the final address in spec.url, or if that is a login page, give credentials in spec.auth"
    )


def _said(text: str, hide: Callable[[str], str]) -> str:
    line = extract(text, hide, SERVER_TEXT)
    return f' ("{line}")' if line else ""


def most_values(body: bytes) -> int:
    """How many values a JSON text has at most, an object counted as three; known before one of them is made."""
    # All but the outermost follow a comma or an opening bracket, or belong to a key that does.
    return 1 + body.count(b",") + body.count(b"[") + 3 * body.count(b"{")


def _json(body: bytes) -> Any:
    """The body as JSON, or None.

    Raises:
        RefusalError: it would take too much memory: parsed, JSON takes up to 46 times its bytes.
    """
    if most_values(body) > MAX_VALUES:
        raise too_large("too many samples or labels")
    try:
        return read_json(body.decode())
    except ValueError:
        return None


def _api_error(envelope: Any) -> _ApiError | None:
    """The error in an envelope; others say `"status": "error"` too, but not with both of these texts."""
    if not isinstance(envelope, dict) or envelope.get("status") != "error":
        return None
    kind, text = envelope.get("errorType"), envelope.get("error")
    return _ApiError(kind, text) if isinstance(kind, str) and isinstance(text, str) else None

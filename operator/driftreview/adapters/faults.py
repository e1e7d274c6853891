"""What the HTTP client raised -> why a query failed, in words that hold nothing but what we put there."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from typing import Final, TypeVar

import requests
import urllib3.exceptions
from prometheus_api_client.exceptions import PrometheusApiClientException

from driftreview.adapters.replies import RefusalError, too_large
from driftreview.adapters.transport import TooLargeError
from driftreview.api.reasons import Reason

CLIENT_ERRORS: Final = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    PrometheusApiClientException,
    OSError,
    UnicodeError,
)
"""Everything that the client, its HTTP stack or the sockets below raise."""

CLIENT_CERT: Final = ", and spec.tls.clientCert if the server wants a certificate"

_Error = TypeVar("_Error", bound=BaseException)


def refusal_of(error: BaseException, seconds: float) -> RefusalError:
    """Why the client raised; its own text is never used, since it may hold addresses and header values.

    Args:
        error: one of CLIENT_ERRORS.
        seconds: how long the query was allowed to take.
    """
    too_much = _first(error, TooLargeError)
    if too_much:
        return too_large(f"more than {too_much.limit // 2**20} MiB")
    if _first(error, requests.exceptions.SSLError, ssl.SSLError, urllib3.exceptions.SSLError):
        return RefusalError(Reason.TLS_FAILED, _tls(error))
    if _first(error, requests.exceptions.ProxyError, urllib3.exceptions.ProxyError):
        found = "the proxy does not lead there; check HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the operator"
        return RefusalError(Reason.UNREACHABLE, found)
    if _first(error, urllib3.exceptions.NameResolutionError):
        return RefusalError(Reason.UNREACHABLE, "its name cannot be resolved; check spec.url and the cluster's DNS")
    if _first(error, requests.ConnectTimeout):
        found = "no connection in time; check spec.url, NetworkPolicies and whether the server runs"
        return RefusalError(Reason.UNREACHABLE, found)
    if _first(error, requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError, TimeoutError):
        found = f"no complete answer within {seconds:g} s; simplify the query or raise spec.timeout"
        return RefusalError(Reason.TIMEOUT, found)
    if _first(error, requests.exceptions.ContentDecodingError, urllib3.exceptions.DecodeError):
        return RefusalError(Reason.NOT_A_PROMETHEUS, "the compressed answer cannot be unpacked; check spec.url")
    return RefusalError(Reason.UNREACHABLE, _broken(error))


def _tls(error: BaseException) -> str:
    refused = _first(error, ssl.SSLCertVerificationError)
    if refused:
        return f"its certificate is not trusted ({refused.verify_message}); name its certificate authority in spec.tls"
    alert = _first(error, ssl.SSLError, having="reason")
    said = f" ({alert.reason.replace('_', ' ').lower()})" if alert and "ALERT" in alert.reason else ""
    return f"no TLS connection could be made{said}; check that spec.url names a port that speaks TLS{CLIENT_CERT}"


def _broken(error: BaseException) -> str:
    if _first(error, http.client.IncompleteRead, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off in the middle of the answer; check the server and the proxies before it"
    if _first(error, http.client.RemoteDisconnected):
        return "the connection was closed without an answer; check that spec.url names an HTTP port of the server"
    refused = _first(error, OSError, having="strerror")
    if refused:
        return f"no connection ({refused.strerror}); check spec.url and whether the server runs"
    return f"the query could not be sent ({type(error).__name__}); check spec.url"


def _first(error: BaseException, *kinds: type[_Error], having: str = "") -> _Error | None:
    return next((one for one in _chain(error) if isinstance(one, kinds) and (not having or getattr(one, having))), None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all that led to it: causes, contexts, and errors kept as arguments or as `reason`."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]

"""OAuth2 client credentials against a real token server: one token for many queries, renewed in time, never shown."""

from __future__ import annotations

import base64
import itertools
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

import pytest
import trustme

from driftreview.adapters import renewed
from driftreview.adapters.credentials import Credentials
from driftreview.adapters.prometheus import PrometheusSource
from driftreview.adapters.renewed import Renewed
from driftreview.adapters.replies import RefusalError
from driftreview.api.reasons import Reason
from driftreview.domain.samples import Samples
from tests.unit.test_prometheus_adapter_faults import (
    GOOD,
    WINDOW,
    Handler,
    Seen,
    Serve,
    Server,
    Stage,
    assert_failed,
    replying,
    served_by,
    stage,
)

__all__ = ["stage"]
CLIENT = ("drift:review", "s3cret/with+more=")


def tokens(**more: Any) -> Serve:
    """Gives a new token each time."""
    count = itertools.count(1)
    given = {"token_type": "Bearer", "expires_in": 3600} | more
    return lambda handler: handler.json(200, given | {"access_token": f"t0ken-number-{next(count)}"})


def authorised(stage: Stage, server: Server, endpoint: Server, **fields: Any) -> PrometheusSource:
    key = {"name": "client", "key": "secret"}
    oauth2 = {"tokenUrl": f"{endpoint.url}/token", "clientId": {"value": CLIENT[0]}, "clientSecret": key} | fields
    credentials = Credentials(client=CLIENT, token_ca_pem=fields.pop("ca_pem", None))
    spec = {"auth": {"oauth2": oauth2}, "allowInsecureAuth": True, "maxConcurrent": 8}
    return stage.source(server.url, credentials, spec=spec)


def form(seen: Seen) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(seen.body.decode()).items()}


def test_a_token_is_asked_for_as_the_rfc_says_and_sent(stage: Stage) -> None:
    server, endpoint = stage.server(replying(200, GOOD)), stage.server(tokens())
    source = authorised(stage, server, endpoint, scopes=["read", "metrics.query"], audience="https://mimir")
    assert isinstance(source.range("up", WINDOW), Samples)
    (asked,) = endpoint.seen
    assert form(asked) == {
        "grant_type": "client_credentials", "scope": "read metrics.query", "audience": "https://mimir",
    }  # fmt: skip
    pair = base64.b64decode(asked.headers["Authorization"].removeprefix("Basic ")).decode()
    assert pair == "drift%3Areview:s3cret%2Fwith%2Bmore%3D"
    assert server.seen[0].headers["Authorization"] == "Bearer t0ken-number-1"


def test_name_and_secret_stand_in_the_form_where_the_endpoint_wants_them_there(stage: Stage) -> None:
    server, endpoint = stage.server(replying(200, GOOD)), stage.server(tokens())
    source = authorised(stage, server, endpoint, clientSecretIn="Body")
    assert isinstance(source.range("up", WINDOW), Samples)
    assert "Authorization" not in endpoint.seen[0].headers
    assert form(endpoint.seen[0]) == {
        "grant_type": "client_credentials", "client_id": CLIENT[0], "client_secret": CLIENT[1],
    }  # fmt: skip


def test_many_threads_that_need_a_token_ask_for_one(stage: Stage) -> None:
    endpoint = stage.server(lambda handler: (handler.server.over.wait(0.2), tokens()(handler))[1])
    source = authorised(stage, stage.server(replying(200, GOOD)), endpoint)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda number: source.range(f"up + {number}", WINDOW), range(8)))
    assert all(isinstance(each, Samples) for each in results)
    assert len(endpoint.seen) == 1


def test_a_token_the_source_no_longer_takes_is_replaced_and_the_old_one_still_hidden(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def serve(handler: Handler) -> None:
        if handler.headers["Authorization"] == "Bearer t0ken-number-1":
            handler.json(401, {"status": "error", "errorType": "x", "error": "t0ken-number-1 was revoked"})
        else:
            handler.json(422, {"status": "error", "errorType": "x", "error": "t0ken-number-1 and t0ken-number-2"})

    monkeypatch.setattr(renewed, "SETTLED", 0.0)
    endpoint = stage.server(tokens())
    source = authorised(stage, stage.server(serve), endpoint)
    first, second = source.range("up", WINDOW), source.range("up", WINDOW)
    assert_failed(first, Reason.UNAUTHORIZED, "[hidden] was revoked")
    assert_failed(second, Reason.QUERY_INVALID, "[hidden] and [hidden]", retryable=False)
    assert len(endpoint.seen) == 2


@pytest.mark.parametrize(
    ("serve", "reason", "words"),
    [
        (
            replying(401, {"error": "invalid_client", "error_description": f"no client {CLIENT[1]}"}),
            Reason.UNAUTHORIZED,
            ('HTTP 401 ("invalid_client: no client [hidden]")', "check spec.auth.oauth2 and the Secrets it names"),
        ),
        (replying(400, {"error": "invalid_scope"}), Reason.UNAUTHORIZED, ('HTTP 400 ("invalid_scope")',)),
        (replying(400, {"error": "<b>what</b>", "error_description": "page"}), Reason.UNAUTHORIZED, ("HTTP 400; ",)),
        (replying(403, b"<html>intranet page</html>"), Reason.UNAUTHORIZED, ("HTTP 403; ",)),
        (replying(302, b"", Location="https://login"), Reason.UNAUTHORIZED, ("HTTP 302; ",)),
        (replying(429, b""), Reason.RATE_LIMITED, ("no access token from localhost:", "HTTP 429", "too many requests")),
        (replying(500, b"oops"), Reason.SERVER_ERROR, ("HTTP 500", "see its log")),
        (replying(200, b"<html>login</html>"), Reason.UNAUTHORIZED, ("holds no bearer token",)),
        (tokens(token_type="mac"), Reason.UNAUTHORIZED, ("holds no bearer token",)),
        (replying(200, {"token_type": "bearer", "access_token": "a\nb"}), Reason.UNAUTHORIZED, ("mend what gave it",)),
        (replying(200, b"x" * 100_000), Reason.ANSWER_TOO_LARGE, ("MiB",)),
    ],
)
def test_what_is_no_token_fails_every_query_with_what_the_endpoint_said(
    stage: Stage, serve: Serve, reason: Reason, words: tuple[str, ...]
) -> None:
    server, endpoint = stage.server(replying(200, GOOD)), stage.server(serve)
    result = authorised(stage, server, endpoint).range("up", WINDOW)
    assert_failed(result, reason, *words)
    assert "page" not in str(result)
    assert not server.seen, "nothing is sent without a token"


def test_an_endpoint_that_is_away_is_named_and_asked_once_by_many(stage: Stage) -> None:
    server, endpoint = stage.server(replying(200, GOOD)), stage.server(replying(200, b""))
    endpoint.shutdown()
    endpoint.server_close()
    source = authorised(stage, server, endpoint)
    for _ in range(3):
        result = source.range("up", WINDOW)
        assert_failed(result, Reason.UNREACHABLE, "no access token from localhost:", "check spec.auth.oauth2.tokenUrl")
    assert not server.seen


def test_an_endpoint_is_trusted_by_its_own_authority_alone(stage: Stage) -> None:
    authority = trustme.CA()
    pem = authority.cert_pem.bytes().decode()
    server, endpoint = stage.server(replying(200, GOOD)), stage.server(tokens(), served_by(authority))
    refused = authorised(stage, server, endpoint).range("up", WINDOW)
    assert_failed(refused, Reason.TLS_FAILED, "name its certificate authority in spec.auth.oauth2.tls")
    assert not endpoint.seen
    assert isinstance(authorised(stage, server, endpoint, ca_pem=pem).range("up", WINDOW), Samples)


def test_no_secret_shows_in_a_repr() -> None:
    shown = repr(Credentials(client=CLIENT, bearer="t0ken", former="t0ken-before", token_ca_pem="pem"))
    assert [word for word in (*CLIENT, "t0ken", "pem") if word in shown.removeprefix("Credentials")] == []


class Time:
    """A clock that stands until it is moved, and what is fetched by it."""

    def __init__(self, good_for: float = 100.0) -> None:
        self.now, self.good_for, self.fetched, self.fails = 1000.0, good_for, 0, False
        self.kept = Renewed(self._fetch, lambda: self.now)

    def _fetch(self, _: int | None) -> tuple[int, float]:
        self.fetched += 1
        if self.fails:
            raise RefusalError(Reason.UNAUTHORIZED, "no")
        return self.fetched, self.good_for

    def at(self, now: float) -> int:
        self.now = 1000.0 + now
        return self.kept.value()


@pytest.mark.parametrize(("good_for", "renewed_at"), [(100.0, 80.0), (3600.0, 3540.0)])
def test_a_value_is_renewed_shortly_before_its_end(good_for: float, renewed_at: float) -> None:
    time = Time(good_for)
    assert [time.at(0), time.at(renewed_at - 0.1), time.at(renewed_at)] == [1, 1, 2]


def test_while_it_cannot_be_renewed_it_is_used_to_its_end_and_then_no_more() -> None:
    time = Time()
    assert time.at(0) == 1
    time.fails = True
    assert [time.at(81), time.at(82), time.at(99)] == [1, 1, 1]
    assert time.fetched == 3, "after a failure nobody asks for five seconds"
    with pytest.raises(RefusalError):
        time.at(101)
    time.fails = False
    with pytest.raises(RefusalError):
        time.at(103)
    assert time.at(105) == 4


def test_a_value_that_is_refused_while_it_is_young_is_kept() -> None:
    time = Time()
    assert time.at(0) == 1
    time.kept.refused()
    assert time.at(1) == 1
    time.now += 30
    time.kept.refused()
    assert time.at(31) == 2


@pytest.mark.parametrize(
    ("said", "renewed_at"), [({}, 240.0), ({"expires_in": "100"}, 80.0), ({"expires_in": "nan"}, 240.0)]
)
def test_an_end_that_is_not_said_is_assumed(
    stage: Stage, said: dict[str, Any], renewed_at: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = json.dumps({"access_token": "t0ken", "token_type": "bearer"} | said).encode()
    endpoint = stage.server(replying(200, given))
    source = authorised(stage, stage.server(replying(200, GOOD)), endpoint)
    kept = source._connection.proof._renewed
    assert kept is not None
    now = [1000.0]
    monkeypatch.setattr(kept, "_clock", lambda: now[0])
    for at, count in ((0.0, 1), (renewed_at - 1, 1), (renewed_at, 2)):
        now[0] = 1000.0 + at
        assert isinstance(source.range("up", WINDOW), Samples)
        assert len(endpoint.seen) == count


def test_only_one_thread_fetches() -> None:
    entered, leave, count = threading.Event(), threading.Event(), itertools.count(1)

    def fetch(_: int | None) -> tuple[int, float]:
        entered.set()
        leave.wait(5)
        return next(count), 100.0

    kept: Renewed[int] = Renewed(fetch)
    value: Callable[[Any], int] = lambda _: kept.value()  # noqa: E731
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(value, range(4))
        assert entered.wait(5)
        leave.set()
        assert list(found) == [1] * 4

"""Signatures of AWS: held against AWS' own published example, and against a server that signs anew what it was sent."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
import requests

from driftreview.adapters.awsidentity import AGAIN, fetch_keys
from driftreview.adapters.credentials import Credentials
from driftreview.adapters.replies import RefusalError
from driftreview.adapters.sigv4 import Keys, sign
from driftreview.api.reasons import Reason
from driftreview.domain.samples import Samples
from tests.unit.test_prometheus_adapter_faults import (
    AT,
    GOOD,
    WINDOW,
    Handler,
    Stage,
    assert_failed,
    replying,
    stage,
    success,
)

__all__ = ["stage"]
KEYS = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
TEMPORARY = Keys("ASIAEXAMPLE", "s3cret/Key+0123456789", "t0ken/of+the=session")
STS = """<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
<AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>s3cret</SecretAccessKey><SessionToken>t0ken</SessionToken>
<Expiration>{}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"""


def signature(method: str, path: str, headers: dict[str, str], signed: str, scope: str, secret: str) -> str:
    """The signature of a request, made anew from what a server sees of it."""
    parts = urlsplit(path)
    pairs = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in parse_qsl(parts.query, True))
    query = "&".join(f"{name}={value}" for name, value in pairs)
    values = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    lines = [f"{name}:{values[name]}" for name in signed.split(";")]
    body = hashlib.sha256(b"").hexdigest()
    canonical = "\n".join([method, quote(parts.path, safe="/"), query, *lines, "", signed, body])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, f"AWS4-HMAC-SHA256\n{values['x-amz-date']}\n{scope}\n{digest}".encode(), "sha256").hex()


def test_the_example_that_aws_publishes_has_its_signature() -> None:
    """`get-vanilla-query-order-key-case` of the Signature Version 4 test suite."""
    url = "https://example.amazonaws.com/?Param2=value2&Param1=value1"
    request = requests.Request("GET", url).prepare()
    sign(request, KEYS, "us-east-1", "service", datetime(2015, 8, 30, 12, 36, tzinfo=UTC))
    said = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
    scope = "20150830/us-east-1/service/aws4_request"
    assert request.headers["Authorization"] == (
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders=host;x-amz-date, Signature={said}"
    )
    headers = {name: str(value) for name, value in request.headers.items()}
    assert signature("GET", "/?Param1=value1&Param2=value2", headers, "host;x-amz-date", scope, KEYS.secret_key) == said


class Verifier:
    """An AWS service: it signs anew what it was sent, and refuses what has another signature."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys

    def __call__(self, handler: Handler) -> None:
        head = re.fullmatch(
            "AWS4-HMAC-SHA256 Credential=([^/]+)/(.+), SignedHeaders=([a-z;-]+), Signature=([0-9a-f]{64})",
            handler.headers.get("Authorization", ""),
        )
        headers = dict(handler.headers.items())
        if head and head[1] == self.keys.access_key and headers.get("X-Amz-Security-Token") == self.keys.session_token:
            expected = signature("GET", handler.path, headers, head[3], head[2], self.keys.secret_key)
            sent = datetime.strptime(headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            if head[4] == expected and abs(datetime.now(UTC) - sent) < timedelta(minutes=5):
                instant = handler.path.partition("?")[0].endswith("/query")
                handler.json(200, success("vector", []) if instant else GOOD)
                return
        handler.json(403, {"message": "The request signature we calculated does not match"})


def spec(**fields: Any) -> dict[str, Any]:
    return {"auth": {"sigV4": {"region": "eu-central-1"} | fields}, "allowInsecureAuth": True}


QUERIES = [
    "up",
    'sum by (pod) (rate(http_requests_total{code=~"5..",path!~"/a+b|c d/é%"}[5m])) / 100 * 2 > bool 1',
    'a{b="~!@#$%^&*()_+`-={}|[]\\\\:\';<>?,./"}',
]


@pytest.mark.parametrize("keys", [KEYS, TEMPORARY])
def test_every_query_is_signed_so_that_the_service_takes_it(stage: Stage, keys: Keys) -> None:
    server = stage.server(Verifier(keys))
    source = stage.source(f"{server.url}/workspaces/ws-1 é%20x", Credentials(aws=keys), spec=spec())
    for query in QUERIES:
        assert isinstance(source.range(query, WINDOW), Samples), query
        assert "Empty" in str(source.instant(query, AT))
    assert [each.params["query"] for each in server.seen[::2]] == QUERIES, "it arrives as it was written"
    assert all("/aps/" in each.headers["Authorization"] for each in server.seen)


def test_other_keys_are_refused_in_words(stage: Stage) -> None:
    server = stage.server(Verifier(KEYS))
    result = stage.source(server.url, Credentials(aws=TEMPORARY), spec=spec()).range("up", WINDOW)
    assert_failed(result, Reason.UNAUTHORIZED, "check spec.auth and the Secret it names")


def test_what_a_server_echoes_of_keys_is_hidden_and_no_repr_shows_them(stage: Stage) -> None:
    def echo(handler: Handler) -> None:
        text = f"{handler.headers['X-Amz-Security-Token']} {TEMPORARY.secret_key}"
        handler.json(422, {"status": "error", "errorType": "x", "error": text})

    credentials = Credentials(aws=TEMPORARY)
    result = stage.source(stage.server(echo).url, credentials, spec=spec()).range("up", WINDOW)
    assert_failed(result, Reason.QUERY_INVALID, '"[hidden] [hidden]"', retryable=False)
    assert "s3cret" not in repr(credentials) + repr(TEMPORARY)
    assert "t0ken" not in repr(credentials) + repr(TEMPORARY)


def test_a_session_token_that_no_header_can_hold_is_refused_unsent(stage: Stage) -> None:
    server = stage.server(Verifier(KEYS))
    broken = Credentials(aws=Keys("AKID", "secret", "a\nb"))
    result = stage.source(server.url, broken, spec=spec()).range("up", WINDOW)
    assert_failed(result, Reason.UNAUTHORIZED, "the AWS session token", "mend its Secret")
    assert not server.seen


def refused(environ: dict[str, str]) -> RefusalError:
    with pytest.raises(RefusalError) as found:
        fetch_keys("eu-central-1", 2.0, environ)
    return found.value


def test_environment_variables_come_first() -> None:
    environ = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s3cret", "AWS_ROLE_ARN": "arn"}
    assert fetch_keys("eu-central-1", 2.0, environ) == (Keys("AKID", "s3cret"), AGAIN)
    with_session = environ | {"AWS_SESSION_TOKEN": "t0ken"}
    assert fetch_keys("eu-central-1", 2.0, with_session)[0].session_token == "t0ken"


def test_the_role_of_the_service_account_is_assumed_by_its_token(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("jwt.of.the.account\n")
    ends = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    server = stage.server(replying(200, STS.format(ends).encode()))
    environ = {
        "AWS_ROLE_ARN": "arn:aws:iam::1:role/x", "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
        "AWS_ENDPOINT_URL_STS": server.url,
    }  # fmt: skip
    keys, seconds = fetch_keys("eu-central-1", 2.0, environ)
    assert keys == Keys("ASIAEXAMPLE", "s3cret", "t0ken")
    assert 3500 < seconds <= 3600
    assert dict(parse_qsl(server.seen[0].body.decode())) == {
        "Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": "arn:aws:iam::1:role/x",
        "RoleSessionName": "driftreview", "WebIdentityToken": "jwt.of.the.account",
    }  # fmt: skip
    (tmp_path / "token").unlink()
    assert "mount the ServiceAccount's token" in refused(environ).found


def test_what_sts_refuses_is_said_by_its_code(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("jwt.of.the.account")
    body = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>jwt.of.the.account</Message></Error>"
    environ = {
        "AWS_ROLE_ARN": "arn", "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
        "AWS_ENDPOINT_URL_STS": stage.server(replying(403, body)).url,
    }  # fmt: skip
    refusal = refused(environ)
    assert refusal.found == (
        "no AWS keys for the operator: AWS STS answered HTTP 403 (AccessDenied); check the role and whom it trusts"
    )
    environ["AWS_ENDPOINT_URL_STS"] = stage.server(replying(200, b"<html>")).url
    assert "answered without keys" in refused(environ).found


def test_pod_identity_is_asked_with_its_token_and_through_no_proxy(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    (tmp_path / "token").write_text("p0d-token")
    ends = (datetime.now(UTC) + timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
    said = {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "s3cret", "Token": "t0ken", "Expiration": ends}
    server = stage.server(replying(200, said))
    environ = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{server.url}/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token"),
    }
    keys, seconds = fetch_keys("eu-central-1", 2.0, environ)
    assert keys == Keys("ASIAEXAMPLE", "s3cret", "t0ken")
    assert 21_000 < seconds <= 21_600
    assert server.seen[0].headers["Authorization"] == "p0d-token"


def test_an_operator_without_an_identity_says_how_to_give_it_one(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.delenv(name, raising=False)
    server = stage.server(Verifier(KEYS))
    result = stage.source(server.url, Credentials(), spec=spec()).range("up", WINDOW)
    assert_failed(result, Reason.UNAUTHORIZED, "the operator has no AWS identity", "IRSA or EKS Pod Identity")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS.secret_key)
    assert isinstance(stage.source(server.url, Credentials(), spec=spec()).range("up", WINDOW), Samples)

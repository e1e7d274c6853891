"""`driftreview replay --prometheus` against a server that demands credentials: sent from files, and never said."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from typer.testing import CliRunner, Result

from driftreview.cli.app import app
from tests.replaydata import REVIEW
from tests.unit.test_prometheus_adapter_faults import (
    Handler,
    Serve,
    Stage,
    error,
    served_by,
    stage,  # noqa: F401 - a fixture
    success,
)

TOKEN, PASSWORD = "t0ken-of-the-reader", "pa:ss-w0rd"
AT = ("--t0", "2026-03-03T00:00:00Z", "--resolution", "5m")
Replayed = Callable[..., Result]


def series(handler: Handler) -> dict[str, Any]:
    """One series of slightly moving values, at every point that is asked for."""
    params = handler.server.seen[-1].params
    first, last, step = (int(float(params[name])) for name in ("start", "end", "step"))
    values = [[time, f"{0.08 + time // step % 7 / 1e4}"] for time in range(first, last + 1, step)]
    return success("matrix", [{"metric": {"symbol": "btc"}, "values": values}])


def demanding(authorization: str) -> Serve:
    def serve(handler: Handler) -> None:
        if handler.headers.get("Authorization") == authorization:
            handler.json(200, series(handler))
        else:
            handler.json(401, error("unauthorized", f"not with {handler.headers.get('Authorization')}"))

    return serve


@pytest.fixture
def replayed(tmp_path: Path) -> Replayed:
    (tmp_path / "review.yaml").write_text(REVIEW.replace("length: 1d", "length: 6h"), "utf-8")

    def run(url: str, *arguments: str) -> Result:
        given = ["-f", str(tmp_path / "review.yaml"), "--prometheus", url, *AT]
        return CliRunner().invoke(app, ["replay", *given, *arguments])

    return run


def file_of(tmp_path: Path, text: str) -> str:
    path = tmp_path / "file"
    path.write_text(text, "utf-8")
    return str(path)


BASIC = f"Basic {base64.b64encode(f'reader:{PASSWORD}'.encode()).decode()}"
WAYS = {
    "--token-file": (f"{TOKEN}\n", f"Bearer {TOKEN}"),
    "--basic-auth-file": (f"reader:{PASSWORD}\r\n", BASIC),
}


@pytest.mark.parametrize("option", WAYS)
def test_credentials_of_a_file_are_sent_with_every_query(
    stage: Stage,  # noqa: F811
    replayed: Replayed,
    tmp_path: Path,
    option: str,
) -> None:
    text, authorization = WAYS[option]
    server = stage.server(demanding(authorization))
    result = replayed(server.url, option, file_of(tmp_path, text))
    assert result.exit_code in (0, 11), result.output
    assert {seen.headers["Authorization"] for seen in server.seen} == {authorization}
    assert {seen.params["query"] for seen in server.seen} >= {"latency", "age", "count(up)"}


@pytest.mark.parametrize("option", WAYS)
def test_no_proxy_sees_what_is_for_this_machine(
    stage: Stage,  # noqa: F811
    replayed: Replayed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    option: str,
) -> None:
    text, authorization = WAYS[option]
    server, proxy = stage.server(demanding(authorization)), stage.server(demanding(authorization))
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")
    result = replayed(f"http://127.0.0.1:{server.server_port}", option, file_of(tmp_path, text))
    assert result.exit_code in (0, 11), result.output
    assert server.seen
    assert proxy.seen == []


@pytest.mark.parametrize("option", [None, *WAYS])
def test_a_refusal_names_the_options_and_not_what_was_sent(
    stage: Stage,  # noqa: F811
    replayed: Replayed,
    tmp_path: Path,
    option: str | None,
) -> None:
    server = stage.server(demanding("Bearer another"))
    more = [] if option is None else [option, file_of(tmp_path, WAYS[option][0])]
    result = replayed(server.url, *more)
    assert result.exit_code == 1
    assert "the credentials were refused" in result.stderr
    assert "check --token-file or --basic-auth-file" in result.stderr
    assert not {TOKEN, PASSWORD, BASIC.split()[1]} & set(result.stderr.replace(";", " ").replace(":", " ").split())
    assert TOKEN not in result.output
    assert PASSWORD not in result.output


def test_an_own_certificate_authority_is_trusted_and_no_other(
    stage: Stage,  # noqa: F811
    replayed: Replayed,
    tmp_path: Path,
) -> None:
    authority = trustme.CA()
    server = stage.server(demanding(f"Bearer {TOKEN}"), served_by(authority))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    token = ("--token-file", file_of(tmp_path, TOKEN))
    assert replayed(server.url, *token, "--ca-file", str(tmp_path / "ca.pem")).exit_code in (0, 11)
    before = len(server.seen)
    result = replayed(server.url, *token)
    assert result.exit_code == 1
    assert "name its certificate authority in --ca-file" in result.stderr
    result = replayed(server.url, *token, "--ca-file", str(tmp_path / "file"))
    assert "what --ca-file names is no bundle of PEM certificates" in result.stderr
    assert TOKEN not in result.stderr
    assert len(server.seen) == before


@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        ("http://me:secret@127.0.0.1:9", (), "the address holds a user or a password"),
        ("http://127.0.0.1:9/api/v1", (), "must be the address before /api/v1"),
        ("prometheus:9090", (), "must be the address before /api/v1"),
        ("http://[::1", (), "must be the address before /api/v1"),
        ("http://prometheus.example:9090", ("--token-file",), "use https://, or a port-forward to 127.0.0.1"),
        ("http://10.0.0.1:9090", ("--basic-auth-file",), "--basic-auth-file: over http:// credentials can be read"),
        ("http://127.0.0.1:9", ("--ca-file",), "--ca-file is for an https:// address"),
        ("https://127.0.0.1:9", ("--token-file", "--basic-auth-file"), "a request proves who asks in one way"),
    ],
)
def test_what_would_give_credentials_away_or_do_nothing_is_refused(
    replayed: Replayed, tmp_path: Path, url: str, options: tuple[str, ...], said: str
) -> None:
    path = file_of(tmp_path, "a:secret")
    result = replayed(url, *(part for each in options for part in (each, path)))
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert "secret" not in result.output


@pytest.mark.parametrize(
    ("option", "content", "said"),
    [
        ("--token-file", b"", "is empty"),
        ("--token-file", b" \n", "is empty"),
        ("--token-file", b"one\ntwo", "the bearer token is empty or holds a character that no HTTP header can hold"),
        ("--token-file", b"\xff", "is no UTF-8 text"),
        ("--token-file", b"x" * 9000, "has more than 8192 characters"),
        ("--basic-auth-file", b"reader", "expected user:password on one line, found no colon"),
        ("--ca-file", b"x" * 300_000, "has more than 262144 characters"),
        ("--token-file", None, "cannot be read: No such file or directory; check the path"),
    ],
)
def test_a_file_that_holds_no_credentials_is_named_and_not_quoted(
    replayed: Replayed, tmp_path: Path, option: str, content: bytes | None, said: str
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    result = replayed("https://127.0.0.1:9", option, str(path))
    assert result.exit_code == 1, result.output
    assert result.stderr.startswith(f"driftreview replay: {option} {path}: {said}")


def test_credentials_are_for_a_prometheus(tmp_path: Path) -> None:
    review = file_of(tmp_path, REVIEW)
    given = ["replay", "-f", review, "--data", str(tmp_path), "--token-file", review, *AT]
    result = CliRunner().invoke(app, given)
    assert (result.exit_code, result.stderr) == (2, "driftreview replay: --token-file is for --prometheus\n")


def test_a_server_that_knows_nothing_of_itself_is_asked_all_the_same(stage: Stage, replayed: Replayed) -> None:  # noqa: F811
    def serve(handler: Handler) -> None:
        if handler.server.seen[-1].params["query"] == "count(up)":
            handler.json(422, error("execution", "not allowed"))
        else:
            handler.json(200, series(handler))

    assert replayed(stage.server(serve).url).exit_code in (0, 11)

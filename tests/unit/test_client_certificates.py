"""Mutual TLS against a server that demands a certificate: shown, kept out of files and messages, refused in words."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from driftreview.adapters.credentials import Credentials
from driftreview.api.reasons import Reason
from driftreview.domain.samples import Samples
from tests.unit.test_prometheus_adapter_faults import (
    GOOD,
    WINDOW,
    Server,
    Stage,
    assert_failed,
    replying,
    served_by,
    stage,
)

__all__ = ["stage"]


def pems(issued: trustme.LeafCert) -> tuple[str, str]:
    """Certificate with what is between it and the authority, and key."""
    chain = "".join(each.bytes().decode() for each in issued.cert_chain_pems)
    return chain, issued.private_key_pem.bytes().decode()


def demanding(stage: Stage, servers: trustme.CA, clients: trustme.CA) -> Server:
    """A server that wants a certificate of an authority."""
    context = served_by(servers)
    context.verify_mode = ssl.CERT_REQUIRED
    clients.configure_trust(context)
    return stage.server(replying(200, GOOD), context)


def showing(authority: trustme.CA, shown: tuple[str, str] | None) -> Credentials:
    return Credentials(ca_pem=authority.cert_pem.bytes().decode(), client_cert=shown)


def test_a_certificate_is_shown_beside_an_own_authority(stage: Stage) -> None:
    servers, clients = trustme.CA(), trustme.CA()
    server = demanding(stage, servers, clients)
    shown = pems(clients.issue_cert("driftreview.example"))
    assert isinstance(stage.source(server.url, showing(servers, shown)).range("up", WINDOW), Samples)


def test_a_chain_of_authorities_is_shown_whole(stage: Stage) -> None:
    servers, root = trustme.CA(), trustme.CA()
    server = demanding(stage, servers, root)
    shown = pems(root.create_child_ca().issue_cert("driftreview.example"))
    assert isinstance(stage.source(server.url, showing(servers, shown)).range("up", WINDOW), Samples)


def test_a_certificate_is_shown_where_the_system_is_trusted(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "system.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "system.pem"))
    server = demanding(stage, authority, authority)
    shown = pems(authority.issue_cert("driftreview.example"))
    assert isinstance(stage.source(server.url, Credentials(client_cert=shown)).range("up", WINDOW), Samples)


@pytest.mark.parametrize("other", [False, True])
def test_without_a_certificate_that_is_trusted_the_server_refuses_and_it_is_said_why(
    stage: Stage,
    other: bool,  # noqa: FBT001
) -> None:
    servers = trustme.CA()
    server = demanding(stage, servers, trustme.CA())
    shown = pems(trustme.CA().issue_cert("driftreview.example")) if other else None
    result = stage.source(server.url, showing(servers, shown)).range("up", WINDOW)
    assert_failed(result, Reason.TLS_FAILED, "spec.tls.clientCert")
    assert not server.seen


def test_what_is_no_certificate_with_its_own_open_key_is_refused_unsent(
    stage: Stage, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    authority = trustme.CA()
    server = demanding(stage, authority, authority)
    cert, key = pems(authority.issue_cert("driftreview.example"))
    _, foreign = pems(authority.issue_cert("other.example"))
    loaded = load_pem_private_key(key.encode(), None)
    locked = loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pass")).decode()
    for shown in ((cert, foreign), (cert, locked), (cert, ""), ("", key), (key, key), ("nonsense", "x" * 300_000)):
        result = stage.source(server.url, showing(authority, shown)).range("up", WINDOW)
        assert_failed(result, Reason.TLS_FAILED, "spec.tls.clientCert", "mend its Secret")
    assert not server.seen
    said = "".join(capfd.readouterr()) + caplog.text
    assert "PRIVATE KEY" not in said
    assert "pass phrase" not in said, "nobody is asked on the terminal"


def test_the_key_is_in_no_file_and_no_repr(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    shown = pems(authority.issue_cert("driftreview.example"))
    read: list[str] = []
    load = ssl.SSLContext.load_cert_chain

    def watch(self: ssl.SSLContext, certfile: str, *rest: object, **more: object) -> None:
        read.append(str(Path(certfile).readlink()))
        load(self, certfile, *rest, **more)  # type: ignore[arg-type]

    server = demanding(stage, authority, authority)
    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watch)
    credentials = showing(authority, shown)
    assert isinstance(stage.source(server.url, credentials).range("up", WINDOW), Samples)
    assert read == ["/memfd:client-cert (deleted)"]
    assert "PRIVATE" not in repr(credentials)

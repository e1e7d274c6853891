"""Whom to trust: over https the authorities that a metric source names, or the system's; over http this machine.

And what to show to a server that wants a certificate of ours.
"""

from __future__ import annotations

import contextlib
import os
import ssl
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from driftreview.adapters.replies import RefusalError
from driftreview.api.reasons import Reason

MAX_BUNDLE: Final = 256 * 1024
"""Longest bundle, in characters: all that browsers trust has 220 KiB. While one is read, no other thread runs."""


def trust(url: str, pem: str | None, client_cert: tuple[str, str] | None = None) -> ssl.SSLContext | None:
    """Read a bundle of PEM certificates.

    Args:
        url: where it is for.
        pem: the bundle; None for the system's.
        client_cert: certificate and key to show, as PEM.

    Returns:
        None where nothing is to be trusted: over plain http.

    Raises:
        RefusalError: it is no bundle, or too long; or the certificate and its key are none.
    """
    if pem is None and not url.lower().startswith("https:"):
        return None
    if pem is not None and len(pem) > MAX_BUNDLE:
        found = f"what spec.tls names has {len(pem)} characters, a bundle may have {MAX_BUNDLE}"
        raise RefusalError(Reason.TLS_FAILED, f"{found}; name only the certificate authority of the server")
    # An empty bundle would make Python trust the system's certificate authorities instead.
    if pem is None or "-----BEGIN" in pem:
        with contextlib.suppress(ssl.SSLError, ValueError):
            context = ssl.create_default_context(cadata=pem)
            if client_cert is not None:
                _show(context, *client_cert)
            return context
    raise RefusalError(
        Reason.TLS_FAILED,
        "what spec.tls names is no bundle of PEM certificates; it must begin with -----BEGIN CERTIFICATE-----",
    )


def _show(context: ssl.SSLContext, cert: str, key: str) -> None:
    """Have a certificate shown. Python reads it from files alone: this one is in memory, and nobody else's to open."""
    if max(len(cert), len(key)) <= MAX_BUNDLE and "-----BEGIN" in cert and "-----BEGIN" in key:
        with os.fdopen(os.memfd_create("client-cert"), "wb", buffering=0) as file:
            file.write(f"{key.strip()}\n{cert.strip()}\n".encode())
            with contextlib.suppress(ssl.SSLError, ValueError):
                # Of an encrypted key the terminal would be asked for the password.
                context.load_cert_chain(f"/proc/self/fd/{file.fileno()}", password="")
                return
    raise RefusalError(
        Reason.TLS_FAILED,
        "what spec.tls.clientCert names is no PEM certificate with its own unencrypted key; mend its Secret",
    )


def is_of_this_machine(url: str) -> bool:
    """Whether an address leads to the machine that asks: what is sent there, nobody reads on the way."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

"""Whom to trust: over https the authorities that a metric source names, or the system's; over http this machine."""

from __future__ import annotations

import contextlib
import ssl
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from driftreview.adapters.replies import RefusalError
from driftreview.api.reasons import Reason

MAX_BUNDLE: Final = 256 * 1024
"""Longest bundle, in characters: all that browsers trust has 220 KiB. While one is read, no other thread runs."""


def trust(url: str, pem: str | None) -> ssl.SSLContext | None:
    """Read a bundle of PEM certificates.

    Args:
        url: where it is for.
        pem: the bundle; None for the system's.

    Returns:
        None where nothing is to be trusted: over plain http.

    Raises:
        RefusalError: it is no bundle, or too long.
    """
    if pem is None and not url.lower().startswith("https:"):
        return None
    if pem is not None and len(pem) > MAX_BUNDLE:
        found = f"what spec.tls names has {len(pem)} characters, a bundle may have {MAX_BUNDLE}"
        raise RefusalError(Reason.TLS_FAILED, f"{found}; name only the certificate authority of the server")
    # An empty bundle would make Python trust the system's certificate authorities instead.
    if pem is None or "-----BEGIN" in pem:
        with contextlib.suppress(ssl.SSLError, ValueError):
            return ssl.create_default_context(cadata=pem)
    raise RefusalError(
        Reason.TLS_FAILED,
        "what spec.tls names is no bundle of PEM certificates; it must begin with -----BEGIN CERTIFICATE-----",
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

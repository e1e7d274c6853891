"""Signs a bundle's manifest, and checks that: Ed25519 (RFC 8032), keys as PEM."""

from __future__ import annotations

import base64
import binascii

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from driftreview.bundle.errors import SigningKeyError


def signature(manifest: bytes, private_pem: bytes) -> bytes:
    """Sign a manifest.

    Args:
        manifest: its bytes.
        private_pem: an Ed25519 private key without a passphrase, as `openssl genpkey -algorithm ed25519` writes it.

    Returns:
        The signature in Base64, with a newline.

    Raises:
        SigningKeyError: it is no such key. Nothing of it is said.
    """
    try:
        key = load_pem_private_key(private_pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SigningKeyError("it is no private key in PEM without a passphrase") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyError("it is no Ed25519 key: `openssl genpkey -algorithm ed25519` makes one")
    return base64.b64encode(key.sign(manifest)) + b"\n"


def is_signed(manifest: bytes, signed: bytes, public_pem: bytes) -> bool:
    """Whether a manifest was signed with the private key of this public one.

    Raises:
        SigningKeyError: it is no Ed25519 public key in PEM.
    """
    try:
        key = load_pem_public_key(public_pem)
    except (ValueError, UnsupportedAlgorithm):
        raise SigningKeyError("it is no public key in PEM: `openssl pkey -pubout` writes one") from None
    if not isinstance(key, Ed25519PublicKey):
        raise SigningKeyError("it is no Ed25519 key")
    try:
        key.verify(base64.b64decode(signed.strip(), validate=True), manifest)
    except (InvalidSignature, binascii.Error):
        return False
    return True

"""What can be wrong with a bundle, or with a key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class BundleError(Exception):
    """A bundle is not what an export writes, or not any more."""

    def __init__(self, path: str, message: str) -> None:
        """Say it of a file in the bundle; of the whole bundle where the path is empty."""
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path


class SigningKeyError(Exception):
    """A key is none that signs or verifies a bundle."""


@contextmanager
def readable() -> Iterator[None]:
    """Say of evidence that its hashes fit and its values make no sense that it cannot be read.

    Raises:
        BundleError: instead of whatever was raised for it.
    """
    try:
        yield
    except (ValueError, ArithmeticError, LookupError, RecursionError) as error:
        raise BundleError("snapshots", f"the evidence cannot be read: {error}") from error

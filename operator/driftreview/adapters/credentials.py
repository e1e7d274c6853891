"""What proves who we are to a metric source, and how it is kept out of every message."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final
from urllib.parse import quote, quote_plus

HIDDEN: Final = "[hidden]"
SHORTEST_SECRET: Final = 4
"""Shorter ones are not hidden: they are guessed as fast as read, and innocent words hold them."""

# What http.client can put on the wire in a header value, less the control characters a proxy may choke on.
_SENDABLE: Final = re.compile(r"[\x20-\x7e\x80-\xff]*")


@dataclass(frozen=True)
class Credentials:
    """Credentials of one metric source, resolved from its Secrets.

    Line ends around a value are dropped, as Prometheus does with its own token files: Secrets made from files end
    in one, and no header may hold one. `headers` come from Secrets; `open_headers` stand in the source's spec for
    all to read, are sent beside them and never hidden. Nothing here shows in a repr.
    """

    bearer: str | None = field(default=None, repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_pem: str | None = field(default=None, repr=False)
    open_headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Drop what an editor or `echo` left around the values."""
        if self.bearer is not None:
            object.__setattr__(self, "bearer", self.bearer.strip())
        if self.basic is not None:
            user, password = self.basic
            object.__setattr__(self, "basic", (user.strip("\r\n"), password.strip("\r\n")))
        object.__setattr__(self, "headers", {name: value.strip() for name, value in self.headers.items()})

    @property
    def authorization(self) -> str | None:
        """Value of the Authorization header, or None."""
        if self.bearer is not None:
            return f"Bearer {self.bearer}"
        if self.basic is not None:
            return f"Basic {base64.b64encode(':'.join(self.basic).encode()).decode()}"
        return None

    @property
    def unsendable(self) -> str | None:
        """Name of the first part that no HTTP header can hold, or None if all can be sent."""
        if self.bearer is not None and not (self.bearer and _SENDABLE.fullmatch(self.bearer)):
            return "the bearer token"
        headers = {**self.open_headers, **self.headers}
        broken = (name for name, value in headers.items() if not _SENDABLE.fullmatch(value))
        return next((f"the value of header {name}" for name in broken), None)

    def hide(self, text: str) -> str:
        """Replace every secret in a text that came from outside, also where it is escaped or encoded.

        A server or a proxy may echo the request in its errors. Our own words need no hiding: they are never made
        of secrets.
        """
        return self._in_texts(text)

    def hide_in_label(self, text: str) -> str:
        """Replace every secret in a label's name or value, but let the user name stand.

        It proves nothing, and teams name their jobs and pods as they name their users: evidence must tell these apart.
        """
        return self._in_labels(text)

    @cached_property
    def _in_texts(self) -> _Mask:
        return _Mask([*self._proofs(), *(self.basic or ())])

    @cached_property
    def _in_labels(self) -> _Mask:
        return _Mask(self._proofs())

    def _proofs(self) -> Iterator[str]:
        if self.bearer is not None:
            yield self.bearer
        if self.basic is not None:
            yield self.basic[1]
            yield (self.authorization or "").removeprefix("Basic ")
        yield from self.headers.values()


class _Mask:
    """Replaces secrets in texts."""

    def __init__(self, secrets: Iterable[str]) -> None:
        shapes = {shape for secret in secrets if len(secret) >= SHORTEST_SECRET for shape in _shapes(secret)}
        # The longest first: a secret may be the beginning of another one.
        ordered = sorted(shapes, key=lambda shape: (-len(shape), shape))
        self._pattern = re.compile("|".join(map(re.escape, ordered)), re.IGNORECASE)
        # The pattern would take seconds, with the interpreter locked, for as many labels as an answer may hold.
        self._folded = {shape.casefold() for shape in shapes}

    def __call__(self, text: str) -> str:
        folded = text.casefold()
        return self._pattern.sub(HIDDEN, text) if any(shape in folded for shape in self._folded) else text


def _shapes(secret: str) -> Iterator[str]:
    """The secret as it is and as pages, addresses and JSON write it."""
    yield secret
    yield html.escape(secret)
    yield quote(secret)
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield base64.b64encode(secret.encode()).decode()

"""What proves who we are to a metric source, and how it is kept out of every message."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final
from urllib.parse import quote, quote_plus

from driftreview.adapters.sigv4 import Keys

HIDDEN: Final = "[hidden]"
SHORTEST_SECRET: Final = 4
"""Shorter ones are not hidden: they are guessed as fast as read, and innocent words hold them."""
LONGEST_VALUE: Final = 8192
"""Characters of a header's value: servers refuse requests with longer headers."""
BETWEEN: Final = "\ud800"
"""Stands between texts that are searched together, and is never hidden: half a character, so in no secret."""
UNSURE: Final = 1024
"""So many characters at the end of a text that was cut and then searched may still hold part of a secret: of
_HEAD characters at most, as long as `[hidden]` instead of every two of them makes it."""

_HEAD: Final = UNSURE * 2 // len(HIDDEN)

# Within a longer text, such as a whole header, base64 writes a secret in one of three ways, by how many bytes stand
# before it; what it shares a character with is left out.
_UNSHARED: Final = (0, 2, 3)
_SHORTEST_INSIDE: Final = 7
_URL_SAFE: Final = str.maketrans("+/", "-_")

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
    client: tuple[str, str] | None = field(default=None, repr=False)
    former: str | None = field(default=None, repr=False)
    token_ca_pem: str | None = field(default=None, repr=False)
    client_cert: tuple[str, str] | None = field(default=None, repr=False)
    aws: Keys | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Drop what an editor or `echo` left around the values."""
        if self.bearer is not None:
            object.__setattr__(self, "bearer", self.bearer.strip())
        if self.basic is not None:
            user, password = self.basic
            object.__setattr__(self, "basic", (user.strip("\r\n"), password.strip("\r\n")))
        if self.client is not None:
            name, secret = self.client
            object.__setattr__(self, "client", (name.strip(), secret.strip("\r\n")))
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
        """The first part that cannot be sent, and why; None if all can be."""
        sent = {f"the value of header {name}": value for name, value in {**self.open_headers, **self.headers}.items()}
        if self.authorization is not None:
            sent |= {"the bearer token" if self.basic is None else "user name and password": self.authorization}
        if self.aws is not None:
            sent |= {"the AWS access key": self.aws.access_key, "the AWS session token": self.aws.session_token or " "}
        for what, value in sent.items():
            if value == "Bearer " or not _SENDABLE.fullmatch(value):
                return f"{what} is empty or holds a character that no HTTP header can hold"
            if len(value) > LONGEST_VALUE:
                return f"{what} is too long: {len(value)} characters, a header may have {LONGEST_VALUE}"
        return None

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
        yield from (each for each in (self.former, *(self.client or ())[1:]) if each)
        if self.aws is not None:
            yield from (each for each in (self.aws.secret_key, self.aws.session_token) if each)


class _Mask:
    """Replaces secrets in texts, whatever their case: in time that grows with the text, whatever they look like.

    A text that begins like a secret for _HEAD characters is taken for it, so no needle is longer than that.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        shapes = {shape.casefold() for secret in secrets if len(secret) >= SHORTEST_SECRET for shape in _shapes(secret)}
        self._lengths = {shape[:_HEAD]: len(shape) for shape in sorted(shapes, key=len)}

    def __call__(self, text: str) -> str:
        folded = text.casefold()
        found = sorted(span for head, length in self._lengths.items() for span in _spans(folded, head, length))
        if not found:
            return text
        origin = _origin(text, folded)
        shown, end = list[str](), 0
        for first, last in found:
            start = origin[first]
            if start >= end:
                shown += text[end:start], HIDDEN
            end = max(end, origin[last] + 1)
        return "".join((*shown, text[end:]))


def _spans(folded: str, head: str, length: int) -> Iterator[tuple[int, int]]:
    """First and last index of everything that begins like this."""
    start = folded.find(head)
    while start >= 0:
        between = folded.find(BETWEEN, start, start + length)
        end = min(start + length, len(folded)) if between < 0 else between
        yield start, end - 1
        start = folded.find(head, end)


def _origin(text: str, folded: str) -> Sequence[int]:
    """Which character of a text each character of the folded one comes from: folded, some become several."""
    if len(folded) == len(text):
        return range(len(text))
    return [index for index, char in enumerate(text) for _ in char.casefold()]


def _shapes(secret: str) -> Iterator[str]:
    """The secret as it is and as pages, addresses, JSON, base64 (also of more than the secret) and hex write it."""
    yield secret
    yield html.escape(secret)
    yield quote(secret)
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    for data in {secret.encode(), secret.encode("latin-1", "replace")}:  # as pages have it, and as headers send it
        yield data.hex()
        yield base64.b64encode(data).decode()
        for before in range(3):
            inside = base64.b64encode(bytes(before) + data)[_UNSHARED[before] : (before + len(data)) * 8 // 6].decode()
            if len(inside) >= _SHORTEST_INSIDE:
                yield inside
                yield inside.translate(_URL_SAFE)

"""What looks like a secret, and the hash that is kept in its place.

To take for a secret what is none costs a reader one value; the other way round costs a secret: what is doubtful is
masked.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from driftreview.domain.evidence import canonical

LONGEST_KEPT: Final = 512
"""Characters of a value that is kept; of a longer one only a hash is."""
_MOST_HASHED: Final = 16
"""Values of one look that are hashed; of more only that they are masked is said: each takes some 50 ms on purpose."""
_MOST_TELLING: Final = 256
"""Secrets that are looked for in other values."""
_LEAST_TELLING: Final = 6
"""Characters from which on a secret is looked for in other values too; of shorter ones everything would hold one."""
_COST: Final = 2**14
_BLOCK: Final = 8
"""RFC 7914: 16 MiB and some tens of milliseconds for each guess."""
_WORDS: Final = (
    r"pass|pwd|token|key|secret|credential|dsn|auth|private|cert|cookie|session|salt|signature|webhook|otp|pin\b|conn"
)
_NAME: Final = re.compile(_WORDS, re.IGNORECASE)
_VALUE: Final = re.compile(
    rf"://\S*@|[^\s:/@]+:[^\s@]+@|-----BEGIN|\beyJ[\w-]{{8,}}|\b(bearer|basic)\s+\S|({_WORDS})[\w.-]*[\"']?\s*[=:]\s*\S",
    re.IGNORECASE,
)
_PIECES: Final = (
    re.compile(r"://(?:[^\s:/@]*:)?([^\s@]+)@"),
    re.compile(rf"(?:{_WORDS})[\w.-]*[\"']?\s*[=:]\s*[\"']?([^\s\"';,&]+)", re.IGNORECASE),
    re.compile(r"\b(?:bearer|basic)\s+(\S+)", re.IGNORECASE),
)
"""What of a value that holds a secret is the secret itself."""
_FLAG: Final = re.compile(r"(-{0,2}[\w.-]+)=(.*)", re.DOTALL)


def names_secret(name: str) -> bool:
    """Whether a value of this name is one that nobody should read."""
    return _NAME.search(name) is not None


def holds_secret(value: str) -> bool:
    """Whether a value has a secret in it, whatever its name: a URL with a password, a key, `password=…`; or is long."""
    return len(value) > LONGEST_KEPT or _VALUE.search(value) is not None


def slow_hash(content: bytes, *salt: str) -> str:
    """A hash that tells a change and cannot be tried out quickly, as scrypt (RFC 7914) makes it.

    Args:
        content: what is hashed.
        salt: makes it another one elsewhere, so that equal contents do not show as such.
    """
    seasoned = hashlib.sha256(canonical(list(salt))).digest()
    return "scrypt:" + hashlib.scrypt(content, salt=seasoned, n=_COST, r=_BLOCK, p=1, dklen=32).hex()


def secret_hash(raw: Mapping[str, Any], review: str) -> str:
    """The hash of a Secret's whole data, for one review (by UID) only.

    Of single keys none is made: a key such as `enabled` has few values, and would be guessed.
    """
    return slow_hash(canonical(raw.get("data") or {}), review, str(raw["metadata"]["uid"]))


@dataclass
class Mask:
    """Masks what looks like a secret in one pod template, each with the salt of one review."""

    review: str
    """UID of the review."""
    hashed: dict[str, str] = field(default_factory=dict)
    """Hashes of what was masked so far."""
    _tell: list[str] = field(default_factory=list)

    def hash(self, value: str) -> str | None:
        """The hash of a masked value; None if there were too many."""
        if value not in self.hashed and len(self.hashed) < _MOST_HASHED:
            self.hashed[value] = slow_hash(value.encode(errors="surrogatepass"), self.review)
        return self.hashed.get(value)

    def learn(self, values: Iterable[str]) -> None:
        """Remember secrets, so that they are found again where nothing else gives them away."""
        for value in values:
            short = value[:LONGEST_KEPT]
            pieces = [short, *(piece for each in _PIECES for piece in each.findall(short))]
            self._tell += [each for each in pieces if len(each) >= _LEAST_TELLING]
        del self._tell[_MOST_TELLING:]

    def hides(self, name: str, value: str) -> bool:
        """Whether a named value must not be kept."""
        return names_secret(name) or holds_secret(value) or any(each in value for each in self._tell)

    def arguments(self, parts: Sequence[str]) -> list[str]:
        """Arguments of a program, with a hash for each that must not be kept."""
        return [f"{kept}{self._said(secret)}" if secret is not None else kept for kept, secret in self._split(parts)]

    def secrets_of(self, parts: Sequence[str]) -> list[str]:
        """What of the arguments of a program is masked."""
        return [secret for _, secret in self._split(parts) if secret is not None]

    def _split(self, parts: Sequence[str]) -> Iterator[tuple[str, str | None]]:
        """Of each argument what is kept of it, and what is masked."""
        before = ""
        for part in parts:
            written = _FLAG.fullmatch(part)
            if written and names_secret(written[1]) and len(written[1]) <= LONGEST_KEPT:
                yield f"{written[1]}=", written[2]
            elif self.hides("", part) or (before.startswith("-") and "=" not in before and names_secret(before)):
                yield "", part
            else:
                yield part, None
            before = part

    def _said(self, secret: str) -> str:
        return f"<{self.hash(secret) or 'masked'}>"

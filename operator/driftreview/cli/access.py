"""With what `driftreview replay --prometheus` proves who asks, and whom it trusts: from files, never from an option.

Who lists processes reads their options, and shells keep them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from driftreview.adapters.credentials import LONGEST_VALUE, Credentials
from driftreview.adapters.recording import RecordingError
from driftreview.adapters.trust import MAX_BUNDLE, is_of_this_machine
from driftreview.cli.usage import UsageError


@dataclass(frozen=True)
class Access:
    """The files that were named."""

    token_file: Path | None = None
    """Of a bearer token."""
    basic_auth_file: Path | None = None
    """Of user:password."""
    ca_file: Path | None = None
    """Of a PEM bundle."""

    @property
    def named(self) -> list[str]:
        """The options that were given."""
        given = {"--token-file": self.token_file, "--basic-auth-file": self.basic_auth_file, "--ca-file": self.ca_file}
        return [option for option, path in given.items() if path is not None]

    def credentials(self, url: str) -> Credentials:
        """What the files hold.

        Raises:
            UsageError: the address or the options are none that could be used.
            RecordingError: a file cannot be read, or does not hold what it should.
        """
        _check(url)
        proofs = [each for each in self.named if each != "--ca-file"]
        if len(proofs) > 1:
            raise UsageError(f"{' and '.join(proofs)}: a request proves who asks in one way; leave one out")
        if proofs and not _is_private(url):
            raise UsageError(
                f"{proofs[0]}: over http:// credentials can be read on the way: use https://, or a port-forward to "
                "127.0.0.1"
            )
        if self.ca_file and not url.lower().startswith("https:"):
            raise UsageError("--ca-file is for an https:// address: leave it out, or use https://")
        found = Credentials(
            bearer=_text("--token-file", self.token_file, LONGEST_VALUE),
            basic=_user("--basic-auth-file", self.basic_auth_file),
            ca_pem=_text("--ca-file", self.ca_file, MAX_BUNDLE),
        )
        if found.unsendable:
            raise RecordingError(f"{proofs[0]} {self.token_file or self.basic_auth_file}: {found.unsendable}")
        return found


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if "@" in url:
        raise UsageError(
            "--prometheus: the address holds a user or a password, which anyone who lists processes can read: put "
            "user:password into a file and name it with --basic-auth-file"
        )
    if not is_address or set(url) & set("?#") or "/api/v1" in url:
        raise UsageError(
            f"--prometheus {url!r}: must be the address before /api/v1, without a query, such as http://127.0.0.1:9090"
        )


def _is_private(url: str) -> bool:
    """Whether nobody reads on the way: over TLS, or on this machine."""
    return url.lower().startswith("https:") or is_of_this_machine(url)


def _text(option: str, path: Path | None, most: int) -> str | None:
    """The text of a file without the blanks around it; nothing of it is ever said."""
    if path is None:
        return None
    where = f"{option} {path}"
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(most + 1).strip()
    except OSError as error:
        raise RecordingError(f"{where}: cannot be read: {error.strerror}; check the path") from None
    except UnicodeDecodeError:
        raise RecordingError(f"{where}: is no UTF-8 text; is it the right file?") from None
    if not text:
        raise RecordingError(f"{where}: is empty")
    if len(text) > most:
        raise RecordingError(f"{where}: has more than {most} characters; is it the right file?")
    return text


def _user(option: str, path: Path | None) -> tuple[str, str] | None:
    text = _text(option, path, LONGEST_VALUE)
    if text is None:
        return None
    user, separator, password = text.partition(":")
    if not separator:
        raise RecordingError(f"{option} {path}: expected user:password on one line, found no colon")
    return user, password

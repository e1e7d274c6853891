"""Files in one .tar.gz whose bytes are always the same for the same files, and in which no byte can change unnoticed.

The digest of everything behind gzip's header stands in that header, as its comment (RFC 1952, FCOMMENT): a checksum of
the files alone would not see a changed byte that decompresses to the same. Any tar and gzip can unpack it.
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
import tarfile
import zlib
from collections.abc import Mapping
from typing import Final

from driftreview.bundle.errors import BundleError

MOST_PACKED: Final = 64 * 2**20
"""Bytes of a bundle that are read at all."""
MOST_BYTES: Final = 128 * 2**20
"""Bytes that it may unpack to: 17 snapshots of 1.5 MiB, and as much again for all else, four times over."""
MOST_FILES: Final = 4096
"""Snapshots are few; whoever may approve decides how many approvals there are."""
_HEAD: Final = b"\x1f\x8b\x08\x10\0\0\0\0\x02\xff"
"""Deflate, with a comment, no time, best compression, no system."""
_SAID: Final = b"driftreview bundle sha256:"
_DIGITS: Final = 64
_LENGTH: Final = len(_HEAD) + len(_SAID) + _DIGITS + 1
_TAIL: Final = 8
"""Bytes of gzip's own checksum and size."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)?")
_REGULAR: Final = (tarfile.REGTYPE, tarfile.AREGTYPE)
_FOREIGN: Final = "it is not what `driftreview export` writes, or was altered"


def pack(files: Mapping[str, bytes]) -> bytes:
    """Put files together, in the order of their names."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size = len(files[name])
            archive.addfile(entry, io.BytesIO(files[name]))
    content = plain.getvalue()
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    tail = struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)
    return _sealed(squeeze.compress(content) + squeeze.flush() + tail)


def _sealed(body: bytes) -> bytes:
    return _HEAD + _SAID + hashlib.sha256(body).hexdigest().encode() + b"\0" + body


def unpack(packed: bytes) -> dict[str, bytes]:
    """Take files apart again, in memory.

    Raises:
        BundleError: they were not put together by `pack`, a byte has changed, or they are too many or too large.
    """
    if len(packed) > MOST_PACKED:
        raise BundleError("", f"it has more than {MOST_PACKED} bytes; is it the right file?")
    if packed != _sealed(packed[_LENGTH:]):
        raise BundleError("", _FOREIGN)
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(_unsqueezed(packed[_LENGTH:])), mode="r:") as archive:
            for entry in archive:
                name = _checked(entry, found)  # before anything of it is opened: a link would be followed
                found[name] = _content(archive, entry)
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise BundleError("", f"{_FOREIGN}: {error}") from error
    return found


def _unsqueezed(body: bytes) -> bytes:
    try:
        stream = zlib.decompressobj(-zlib.MAX_WBITS)
        content = stream.decompress(body, MOST_BYTES + 1)
    except zlib.error as error:
        raise BundleError("", f"{_FOREIGN}: {error}") from error
    if len(content) > MOST_BYTES:
        raise BundleError("", f"it unpacks to more than {MOST_BYTES} bytes; is it the right file?")
    if not stream.eof or len(stream.unused_data) != _TAIL:
        raise BundleError("", _FOREIGN)
    return content


def _checked(entry: tarfile.TarInfo, found: Mapping[str, bytes]) -> str:
    """The name of an entry that is a plain file of a harmless name, once."""
    if entry.type not in _REGULAR or entry.pax_headers or not _NAME.fullmatch(entry.name) or entry.name in found:
        raise BundleError("", f"{_FOREIGN}: {entry.name[:100]!r} is no plain file of its own, harmless name")
    if len(found) >= MOST_FILES:
        raise BundleError("", f"it holds more than {MOST_FILES} files; is it the right file?")
    return entry.name


def _content(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(entry)
    content = file.read() if file is not None else b""
    if len(content) != entry.size:
        raise BundleError("", f"{_FOREIGN}: {entry.name} ends early")
    return content

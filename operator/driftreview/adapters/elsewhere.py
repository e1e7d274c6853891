"""Reads numbers from files in ConfigMaps."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from driftreview.adapters.factreader import FactReader
from driftreview.adapters.kubernetes import CONFIG_MAPS
from driftreview.api.elsewhere import Evidence, EvidenceFact, EvidenceFile
from driftreview.api.reasons import Reason
from driftreview.domain.elsewhere import SECTION, file_hash, file_of, read_file
from driftreview.domain.junit import UnreadableError


def read_evidence(reader: FactReader, declared: Sequence[Evidence], *, at_t0: bool) -> list[EvidenceFact]:
    """The numbers of all files that are read at a look.

    Args:
        reader: reads, and notes what cannot be had.
        declared: what the review declares.
        at_t0: whether this look is T0's.
    """
    files = [(each.name, file_of(each, at_t0=at_t0)) for each in declared]
    return [_read(reader, name, file) for name, file in files if file is not None]


def _read(reader: FactReader, name: str, file: EvidenceFile) -> EvidenceFact:
    about, place = f"{SECTION}/{name}", file.config_map
    noted = len(reader.problems)
    content = reader.read(about, CONFIG_MAPS, place.name, partial(_content, key=place.key))
    if content is None:
        if len(reader.problems) == noted:
            reader.note(about, Reason.NOT_FOUND, f"configmaps/{place.name} has no key {place.key}")
        return EvidenceFact(name=name)
    try:
        return read_file(name, file, content)
    except UnreadableError as error:
        reader.note(about, Reason.WRONG_RESULT_TYPE, f"configmaps/{place.name}, key {place.key}: {error}")
        return EvidenceFact(name=name, hash=file_hash(content))


def _content(raw: Mapping[str, Any], key: str) -> bytes | None:
    """The bytes of one key; None if there is none."""
    text, binary = (raw.get("data") or {}).get(key), (raw.get("binaryData") or {}).get(key)
    if isinstance(text, str):
        return text.encode(errors="replace")
    try:
        return b64decode(binary) if isinstance(binary, str) else None
    except binascii.Error:  # no API server stores such a thing
        return None

"""Reads numbers from files in ConfigMaps."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from driftreview.adapters.factreader import FactReader
from driftreview.adapters.kubernetes import CONFIG_MAPS
from driftreview.api.elsewhere import Evidence, EvidenceFact, EvidenceFile
from driftreview.api.reasons import Reason
from driftreview.domain.elsewhere import SECTION, Content, file_of, read_file
from driftreview.domain.junit import UnreadableError


def read_evidence(reader: FactReader, declared: Sequence[Evidence], *, at_t0: bool) -> list[EvidenceFact]:
    """The numbers of all files that are read at a look.

    Args:
        reader: reads, and notes what cannot be had.
        declared: what the review declares.
        at_t0: whether this look is T0's.
    """
    files = {each.name: file for each in declared if (file := file_of(each, at_t0=at_t0)) is not None}
    found: dict[str, EvidenceFact] = {}
    for place in dict.fromkeys(file.config_map.name for file in files.values()):
        found |= _read_map(reader, place, {name: file for name, file in files.items() if file.config_map.name == place})
    return [found[name] for name in files]


def _read_map(reader: FactReader, place: str, wanted: Mapping[str, EvidenceFile]) -> dict[str, EvidenceFact]:
    """All numbers of one ConfigMap, which is read once: they are of one version of it, and of a file parsed once."""
    first, *others = (_about(name) for name in wanted)
    keys = {file.config_map.key for file in wanted.values()}
    contents = reader.read(first, CONFIG_MAPS, place, partial(_contents, keys=keys))
    if contents is None:
        problem = reader.problems[-1]
        for about in others:
            reader.note(about, problem.reason, problem.message)
        return {name: EvidenceFact(name=name) for name in wanted}
    return {name: _read(reader, name, file, contents.get(file.config_map.key)) for name, file in wanted.items()}


def _read(reader: FactReader, name: str, file: EvidenceFile, content: Content | None) -> EvidenceFact:
    place = file.config_map
    if content is None:
        reader.note(_about(name), Reason.NOT_FOUND, f"configmaps/{place.name} has no key {place.key}")
        return EvidenceFact(name=name)
    try:
        return read_file(name, file, content)
    except UnreadableError as error:
        message = f"configmaps/{place.name}, key {place.key}: {error}"
        reader.note(_about(name), Reason.WRONG_RESULT_TYPE, message)
        return EvidenceFact(name=name, hash=content.hash)


def _about(name: str) -> str:
    return f"{SECTION}/{name}"


def _contents(raw: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Content]:
    """The files under those of these keys that it has."""
    found = {key: _content(raw, key) for key in keys}
    return {key: Content(content) for key, content in found.items() if content is not None}


def _content(raw: Mapping[str, Any], key: str) -> bytes | None:
    """The bytes of one key; None if there is none."""
    text, binary = (raw.get("data") or {}).get(key), (raw.get("binaryData") or {}).get(key)
    if isinstance(text, str):
        return text.encode(errors="replace")
    try:
        return b64decode(binary) if isinstance(binary, str) else None
    except binascii.Error:  # no API server stores such a thing
        return None

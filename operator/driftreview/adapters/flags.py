"""Reads flags as they stand."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from driftreview.adapters.factreader import FactReader
from driftreview.adapters.factsource import FactSource
from driftreview.adapters.kubernetes import CONFIG_MAPS, SECRETS
from driftreview.api.base import ConfigMapKey
from driftreview.api.flag import Flag, FlagFact
from driftreview.api.reasons import Reason
from driftreview.domain.flags import MOST_READ, SECTION, Place, flag_fact
from driftreview.domain.release import Release

Raw = Mapping[str, Any]


def read_flag(source: FactSource, flag: Flag, target: Release | None) -> FlagFact:
    """One flag as it stands now; from a query, at the moment that is judged.

    Args:
        source: whom to ask.
        flag: which.
        target: the release; None if it could not be had.
    """
    found: FlagFact | None = None
    if flag.from_.query is not None:
        found = _of_query(source, flag, flag.from_.query)
    elif flag.from_.config_map is not None:
        found = _of_config_map(source.reader, flag, flag.from_.config_map)
    elif target is not None and flag.from_.env is not None:
        found = _of_variable(source.reader, flag, target.places.get(flag.name))
    return found or FlagFact(name=flag.name)


def _of_query(source: FactSource, flag: Flag, query: str) -> FlagFact | None:
    answer = source.ask(_about(flag), query)
    if answer is None:
        return None
    values = [row.value for row in answer.rows]
    if len(values) != 1 or values[0] is None:
        message = f"the query returned {len(values)} series, and a flag is one: aggregate them"
        source.reader.note(_about(flag), Reason.SEVERAL_SERIES, message)
        return None
    return flag_fact(flag, present=values[0] != 0, value=f"{values[0]:.12g}", source="query")


def _of_config_map(reader: FactReader, flag: Flag, ref: ConfigMapKey) -> FlagFact | None:
    place = Place(f"configMap {ref.name}, key {ref.key}", "configMap", ref.name, ref.key, named=False)
    return _looked_up(reader, flag, place)


def _of_variable(reader: FactReader, flag: Flag, found: list[Place] | None) -> FlagFact | None:
    if found is None:
        reader.note(_about(flag), Reason.NOT_FOUND, "the target has no such container")
        return None
    for place in found:
        if not place.kind:
            return flag_fact(flag, present=True, value=place.value, source=place.source)
        fact = _looked_up(reader, flag, place)
        if fact is None or fact.present:
            return fact
    return flag_fact(flag, present=False, value=None, source=found[0].source if found else "no such variable")


def _looked_up(reader: FactReader, flag: Flag, place: Place) -> FlagFact | None:
    """A flag that stands in another object; None if that could not be read.

    What a Secret says is not looked at: of one that is named the key is there, or no pod would start; of one whose
    every key is a variable, the names of its keys are.
    """
    if place.kind == "secret" and place.named:
        return flag_fact(flag, present=True, value=None, source=place.source)
    noted = len(reader.problems)
    if place.kind == "secret":
        keys = reader.read(_about(flag), SECRETS, place.name, _keys)
        there, value = keys is not None and place.key in keys, None
    else:
        data = reader.read(_about(flag), CONFIG_MAPS, place.name, partial(_value, key=place.key))
        there, value = bool(data), data[0] if data else None
    if len(reader.problems) > noted:
        if not (place.optional and reader.problems[-1].reason is Reason.NOT_FOUND):
            return None
        reader.problems.pop()  # a pod does without it, and so does the flag
    return flag_fact(flag, present=there, value=value, source=place.source, key=place.key)


def _keys(raw: Raw) -> frozenset[str]:
    return frozenset(raw.get("data") or {})


def _value(raw: Raw, key: str) -> tuple[str | None, ...]:
    """The value of a key; empty without it, None for one that is no text."""
    if key in (raw.get("binaryData") or {}):
        return (None,)
    data = raw.get("data") or {}
    return (data[key][:MOST_READ],) if key in data else ()


def _about(flag: Flag) -> str:
    return f"{SECTION}/{flag.name}"

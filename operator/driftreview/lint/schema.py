"""Objects held against the schema of their CRD: everything for which the API server refuses one at apply."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from driftreview.api.base import TIME_PATTERN, VALIDATIONS
from driftreview.domain.display import near
from driftreview.lint.cel import broken
from driftreview.lint.finding import MOST_FINDINGS, Finding, Path, Place, Severity, short, shown, spelled
from driftreview.lint.yamltree import Node

_TIME: Final = re.compile(TIME_PATTERN.replace("$", r"\Z"))
_NAME: Final = re.compile(r"[A-Za-z][-.A-Za-z0-9]{0,62}")
_KINDS: Final = {
    "string": "a string", "integer": "an integer", "boolean": "true or false",
    "object": "an object", "array": "a list", "number": "a number",
}  # fmt: skip
_UNKNOWN: Final = "schema-unknown-field"
_BLOCKING: Final = frozenset([
    _UNKNOWN, *(f"schema-{what}" for what in ("type", "required", "enum", "format", "too-much"))
])  # fmt: skip
"""What keeps the rules of the objects around it from being evaluated: they would speak of what was only misspelt."""


def violations(schema: dict[str, Any], node: Node, path: Path) -> list[Finding]:
    """Everything in this value that breaks the schema or a rule in it.

    Args:
        schema: of a CRD, for this place.
        node: what stands there; not null.
        path: where that is in the object.
    """
    found = list(_here(schema, node, path))
    if not any(each.check in _BLOCKING for each in found):
        found += _inside(schema, node, path)
    if not any(each.check in _BLOCKING for each in found):
        found += _rules(schema, node, path, found)
    return found


def defaulted(schema: dict[str, Any], value: Any) -> Any:
    """A plain value as the API server stores it: with defaults, without what the schema does not know and nulls."""
    if isinstance(value, dict) and "properties" in schema:
        whole: dict[str, Any] = {}
        for name, inner in schema["properties"].items():
            part = value.get(name)
            if part is None and "default" in inner:
                part = deepcopy(inner["default"])
            if part is not None:
                whole[name] = defaulted(inner, part)
        return whole
    if isinstance(value, dict) and isinstance(schema.get("additionalProperties"), dict):
        inner = schema["additionalProperties"]
        return {name: defaulted(inner, part) for name, part in value.items() if part is not None}
    if isinstance(value, list) and "items" in schema:
        return [defaulted(schema["items"], part) for part in value]
    return value


def _here(schema: dict[str, Any], node: Node, path: Path) -> Iterator[Finding]:
    """What is wrong with the value itself, not with what it holds."""
    value = node.value
    expected = _expected(schema, value)
    if expected:
        fix = ""
        if expected == "a string" and not isinstance(value, dict | list):
            fix = f"; it {schema[VALIDATIONS][0]['message']}" if VALIDATIONS in schema else "; put it in quotes"
        elif expected == "an object" and schema.get("required") == ["name"] and _NAME.fullmatch(str(value)):
            fix = f"; write {{name: {value}}}"
        yield _error(node.at, "schema-type", path, f"found {shown(value)}, expected {expected}{fix}")
        return
    if "enum" in schema and value not in schema["enum"]:
        meant = near(str(value), schema["enum"])
        yield _error(node.at, "schema-enum", path, f"found {shown(value)}, expected {any_of(schema['enum'])}{meant}")
    if schema.get("format") == "date-time":
        if not _is_time(value):
            example = "2026-01-05T10:00:00Z or 2026-01-05T10:00:00.5+02:00"
            message = f"found {shown(value)}, expected a time with seconds and a zone, such as {example}"
            yield _error(node.at, "schema-format", path, message)
    elif "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"].replace("$", r"\Z"), value):
        rules = schema.get(VALIDATIONS)
        wanted = rules[0]["message"] if rules else f"expected text that matches {schema['pattern']}"
        yield _error(node.at, "schema-pattern", path, f"found {shown(value)}, {wanted}")
    yield from _bounds(schema, node, path)


def _bounds(schema: dict[str, Any], node: Node, path: Path) -> Iterator[Finding]:
    value = node.value
    if _is_number(value):
        size, unit, least, most = value, "", "minimum", "maximum"
    elif isinstance(value, str):
        size, unit, least, most = len(value), " characters", "minLength", "maxLength"
    elif isinstance(value, list):
        size, unit, least, most = len(value), " items", "minItems", "maxItems"
    elif isinstance(value, dict):
        filled = sum(inner.value is not None for inner in value.values())
        size, unit, least, most = filled, " entries", "minProperties", "maxProperties"
    else:
        return
    if size < schema.get(least, size):
        yield _error(node.at, "schema-too-little", path, f"found {size}{unit}, expected {schema[least]} or more")
    if size > schema.get(most, size):
        yield _error(node.at, "schema-too-much", path, f"found {size}{unit}, expected {schema[most]} at most")


def _inside(schema: dict[str, Any], node: Node, path: Path) -> Iterator[Finding]:
    """What is wrong with what the value holds."""
    if isinstance(node.value, dict):
        yield from _fields(schema, node, path)
    elif isinstance(node.value, list):
        for index, item in enumerate(node.value):
            yield from violations(schema.get("items", {}), item, (*path, index))
        yield from _doubles(schema, node, path)


def _fields(schema: dict[str, Any], node: Node, path: Path) -> Iterator[Finding]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    unknown: list[tuple[Place, str]] = []
    for name, inner in node.value.items():
        if name not in known and not isinstance(others, dict):
            unknown.append((node.keys[name], name))
        elif inner.value is not None:
            yield from violations(known.get(name, others), inner, (*path, name))
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        yield from _unknown(known, unknown, path)
    for name in schema.get("required", []):
        if name not in node.value or node.value[name].value is None:
            about = known.get(name, {}).get("description", "")
            message = f"is missing; set it{': ' + about[:1].lower() + about[1:].rstrip('.') if about else ''}"
            at = node.value[name].at if name in node.value else node.at
            yield _error(at, "schema-required", (*path, name), message)


def _unknown(known: dict[str, Any], found: list[tuple[Place, str]], path: Path) -> Iterator[Finding]:
    """Fields that the schema does not know; those behind the first are never shown, and only counted."""
    found.sort()
    for at, name in found[:MOST_FINDINGS]:
        meant = near(name, known)
        message = f"found an unknown field{meant or f', expected {any_of(known)}; drop it'}"
        yield _error(at, _UNKNOWN, (*path, name), message)
    if more := found[MOST_FINDINGS:]:
        at, name = more[-1]
        yield replace(_error(at, _UNKNOWN, (*path, name), "found an unknown field"), times=len(more))


def _doubles(schema: dict[str, Any], node: Node, path: Path) -> Iterator[Finding]:
    """Items of a list that is a map or a set to the API server, and holds the same one twice."""
    kind = schema.get("x-kubernetes-list-type")
    if kind not in {"map", "set"}:
        return
    names = schema.get("x-kubernetes-list-map-keys", [])
    seen: dict[Any, Place] = {}
    for index, item in enumerate(node.value):
        key = tuple(item.get(name) for name in names) if kind == "map" else item.value
        if isinstance(key, list | dict):
            continue
        if key in seen:
            what = (
                ", ".join(f"{name} '{short(str(part))}'" for name, part in zip(names, key, strict=False))
                if names
                else shown(key)
            )
            message = f"found {what} a second time (line {seen[key].line} has it too); rename or drop one"
            yield _error(item.at, "schema-duplicate", (*path, index), message)
        seen.setdefault(key, item.at)


def _rules(schema: dict[str, Any], node: Node, path: Path, found: list[Finding]) -> Iterator[Finding]:
    """What the CEL rules of this place say. A bare pattern says the same as the rules beside it, only worse."""
    if VALIDATIONS not in schema:
        return
    said = broken(schema, defaulted(schema, node.plain()))
    if said:
        found[:] = [each for each in found if (each.check, each.path) != ("schema-pattern", spelled(path))]
    for message in said:
        yield _error(node.at, "cel", path, message)


def _expected(schema: dict[str, Any], value: Any) -> str:
    """What is wanted instead, if the value is of a wrong type."""
    if schema.get("x-kubernetes-int-or-string"):
        right = isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
        return "" if right else "an integer or a string; a fraction is written in quotes"
    kind = schema.get("type", "")
    right = {
        "string": isinstance(value, str),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": _is_number(value),
        "boolean": isinstance(value, bool),
        "object": isinstance(value, dict),
        "array": isinstance(value, list),
    }.get(kind, True)
    return "" if right else _KINDS[kind]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_time(text: str) -> bool:
    try:
        return bool(_TIME.match(text) and datetime.fromisoformat(text[: len("2026-01-05T10:00:00")]))
    except ValueError:
        return False


def any_of(names: Any) -> str:
    """What is expected where there are several choices."""
    *most, last = [str(name) for name in names]
    return f"one of {', '.join(most)} or {last}" if most else last


def _error(at: Place, check: str, path: Path, message: str) -> Finding:
    return Finding(at, Severity.ERROR, check, message, spelled(path))

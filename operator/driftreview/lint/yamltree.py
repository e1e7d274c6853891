"""YAML as kubectl reads it, every value with its place; what it would refuse or silently drop is found.

PyYAML reads the text. What a plain word means is decided here, since PyYAML and kubectl differ in it (`1e3`, `1:30`,
`2026-01-05`), and so are merge keys and aliases, which are counted as often as they are used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml.error import Mark

from driftreview.lint.finding import MOST_BYTES, Finding, Path, Place, Severity, short

_MOST_VALUES: Final = 50_000
_TOO_MANY: Final = f"holds more than {_MOST_VALUES} values once aliases are followed; write it without them"
_DEEPEST: Final = 100
_PLAIN: Final = "plain"
_TEXT: Final = "tag:yaml.org,2002:str"
_READ: Final = {_PLAIN, *(f"tag:yaml.org,2002:{kind}" for kind in ("bool", "float", "int", "null"))}
"""Tags of scalars that may be something else than text."""
_MERGE: Final = "<<"
_WORDS: Final[dict[str, object]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **{each: True for word in ("y", "yes", "true", "on") for each in (word, word.title(), word.upper())},
    **{each: False for word in ("n", "no", "false", "off") for each in (word, word.title(), word.upper())},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_INTEGER: Final = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BASES: Final = {"x": 16, "o": 8, "b": 2}
_EXACT: Final = 2**53
"""JSON readers take a float for an integer up to here."""
_LARGEST: Final = 2**63
_LONGEST_NUMBER: Final = 300


@dataclass(frozen=True)
class Node:
    """One value: an object (name to node), a list of nodes, or a scalar; where it stands, and where its names do."""

    value: Any
    at: Place
    keys: dict[str, Place] = field(default_factory=dict)

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {name: node.plain() for name, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def get(self, *path: str | int) -> Any:
        """The plain value of a scalar at this path; None where there is none."""
        node = self.nearest(path, exactly=True)
        return None if node is None or isinstance(node.value, dict | list) else node.value

    def nearest(self, path: Path, *, exactly: bool = False) -> Node | None:
        """The node at this path, or the last one on the way to it."""
        node = self
        for part in path:
            inside = node.value
            if isinstance(inside, dict) and part in inside:
                node = inside[str(part)]
            elif isinstance(inside, list) and isinstance(part, int) and part < len(inside):
                node = inside[part]
            else:
                return None if exactly else node
        return node


@dataclass(frozen=True)
class Unreadable(Exception):  # noqa: N818 - the file's fault, not ours
    """What is wrong with the YAML, and where."""

    place: Place
    check: str
    message: str

    def finding(self) -> Finding:
        """As a finding."""
        return Finding(self.place, Severity.ERROR, self.check, self.message)


def documents(data: bytes) -> Iterator[yaml.Node]:
    """The documents of a file, those that hold anything.

    Raises:
        Unreadable: it is not UTF-8, not YAML, or larger or deeper than any object can be.
    """
    text = _decoded(data)
    if found := yaml.reader.Reader.NON_PRINTABLE.search(text):
        message = f"is not YAML: found the character U+{ord(found[0]):04X}; write it as an escape in double quotes"
        raise Unreadable(_at(text, found.start()), "yaml", message)
    try:
        loader = _Loader(text)
        while loader.check_node():
            if (node := loader.get_node()) is not None:
                yield node
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = ", ".join(part for part in (error.context, error.problem) if part)
        raise Unreadable(_place(mark), "yaml", f"is not YAML: {said}{_hint(text, mark)}") from None


def scalar(node: yaml.Node, name: str) -> str:
    """The text of a top field of a document, before it is known whose it is."""
    for key, value in node.value if isinstance(node, yaml.MappingNode) else []:
        if isinstance(key, yaml.ScalarNode) and key.value == name and isinstance(value, yaml.ScalarNode):
            return str(value.value)
    return ""


def members(document: yaml.Node) -> Iterator[yaml.Node]:
    """The document, or if it is a List what it lists, through all lists of lists.

    Raises:
        Unreadable: aliases make it endless or huge.
    """
    left = [document]
    for _ in range(_MOST_VALUES):
        if not left:
            return
        node = left.pop()
        listed = _items(node) if scalar(node, "kind").endswith("List") else []
        left += reversed(listed)
        if not listed:
            yield node
    raise Unreadable(_place(document.start_mark), "yaml-size", _TOO_MANY)


def _items(node: yaml.Node) -> list[yaml.Node]:
    for key, value in node.value if isinstance(node, yaml.MappingNode) else []:
        if isinstance(key, yaml.ScalarNode) and key.value == "items" and isinstance(value, yaml.SequenceNode):
            return list(value.value)
    return []


def tree(node: yaml.Node) -> tuple[Node, list[Finding]]:
    """The object of a document, with places, and what kubectl would drop of it.

    Raises:
        Unreadable: aliases make it endless or huge, or a key is no text.
    """
    builder = _Builder()
    return builder.build(node, _place(node.start_mark)), builder.findings


class _Loader(yaml.SafeLoader):
    """Composes nodes: plain scalars keep their text, and depth is limited."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.depth >= _DEEPEST:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(None, None, f"nested deeper than {_DEEPEST} levels", mark)
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _TEXT
        return str(super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]


@dataclass
class _Builder:
    """Turns nodes of YAML into ours."""

    findings: list[Finding] = field(default_factory=list)
    count: int = 0
    inside: set[int] = field(default_factory=set)
    """Collections that are being built: an alias to one of them would never end."""

    def build(self, node: yaml.Node, at: Place) -> Node:
        self.count += 1
        place = _place(node.start_mark)
        if self.count > _MOST_VALUES:
            raise Unreadable(at, "yaml-size", _TOO_MANY)
        if isinstance(node, yaml.ScalarNode):
            return Node(_scalar(node, place), place if node.value else at)
        if id(node) in self.inside:
            raise Unreadable(at, "yaml-alias", "is an alias to a value that holds it, which never ends; write it out")
        self.inside.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return Node([self.build(each, _place(each.start_mark)) for each in node.value], at)
            return self._object(node, at)
        finally:
            self.inside.discard(id(node))

    def _object(self, node: yaml.Node, at: Place) -> Node:
        values: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        merged: list[Node] = []
        for key, value in node.value:
            place = _place(key.start_mark)
            name = _key(key, place)
            if key.tag == _PLAIN and name == _MERGE:
                merged += self._merged(self.build(value, place))
                continue
            if name in keys:
                first = f"line {keys[name].line}"
                message = f"found '{short(name)}' again ({first} has it too), and kubectl keeps the last; drop one"
                self.findings.append(Finding(place, Severity.ERROR, "yaml-duplicate-key", message))
            keys[name] = place
            values[name] = self.build(value, place)
        for each in merged:
            values = each.value | values
            keys = each.keys | keys
        return Node(values, at, keys)

    def _merged(self, node: Node) -> list[Node]:
        nodes = node.value if isinstance(node.value, list) else [node]
        for each in nodes:
            if not isinstance(each.value, dict):
                raise Unreadable(each.at, "yaml", "is merged with <<, expected an object or a list of objects")
        return list(nodes)


def _decoded(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        message = f"has more than {MOST_BYTES} bytes; split the file"
        raise Unreadable(Place(), "file-size", message)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        place = Place(before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        message = f"is not UTF-8: found the byte 0x{data[error.start]:02x}; save the file as UTF-8"
        raise Unreadable(place, "encoding", message) from None


def _hint(text: str, mark: Mark | None) -> str:
    lines = text.splitlines()
    here = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    if "{{" in here:
        return "; this looks like a template: render it first, such as with helm template … | driftreview lint -f -"
    return "; indent with spaces" if "\t" in here else ""


def _at(text: str, position: int) -> Place:
    return Place(text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position))


def _place(mark: Mark | None) -> Place:
    return Place() if mark is None else Place(mark.line + 1, mark.column + 1)


def _key(key: yaml.Node, place: Place) -> str:
    value = _scalar(key, place) if isinstance(key, yaml.ScalarNode) else None
    if value is None:
        raise Unreadable(place, "yaml", "is a key, expected text; quote it")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _scalar(node: yaml.ScalarNode, place: Place) -> object:
    text = "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in node.value)
    value = _meaning(text) if node.tag in _READ else text
    if isinstance(value, float) and not math.isfinite(value):
        raise Unreadable(place, "yaml", f"found {text}, which is no JSON number; quote it if it is text")
    return value


def _meaning(text: str) -> object:
    """What a word without quotes is to kubectl."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _LONGEST_NUMBER:
        return text
    bare = text.replace("_", "") if text[:1] not in {"_", "."} else text
    if _INTEGER.fullmatch(bare):
        digits = bare.lstrip("+-").lower()
        base = _BASES.get(digits[1:2], 8 if digits.startswith("0") else 10)
        value = int(digits.removeprefix("0" + digits[1:2]) if digits[1:2] in _BASES else digits, base)
        value = -value if bare.startswith("-") else value
        return value if -_LARGEST <= value < _LARGEST else float(value)
    if _FLOAT.fullmatch(bare):
        number = float(bare)
        if not math.isfinite(number):
            return text
        return int(number) if number.is_integer() and abs(number) <= _EXACT else number
    return text

"""YAML as kubectl reads it, every value with its place; what it would refuse or silently drop is found.

libyaml reads the text; what kubectl reads with is a translation of it. What a plain word means is decided in
yamlwords.py, since PyYAML and kubectl differ in it (`1e3`, `1:30`, `2026-01-05`); merge keys and aliases are followed
here, and counted as often as they are used.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml.error import Mark

from driftreview.lint.budget import Budget, Unreadable, begin, place_of
from driftreview.lint.finding import MOST_BYTES, Finding, Path, Place, Severity, short
from driftreview.lint.yamlwords import meaning

_DEEPEST: Final = 100
_PLAIN: Final = "plain"
_TEXT: Final = "tag:yaml.org,2002:str"
_READ: Final = {_PLAIN, *(f"tag:yaml.org,2002:{kind}" for kind in ("bool", "float", "int", "null"))}
"""Tags of scalars that may be something else than text."""
_MERGE: Final = "<<"


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


def documents(data: bytes) -> Iterator[yaml.Node]:
    """The documents of a file, those that hold anything.

    Raises:
        Unreadable: it is not UTF-8, not YAML, larger or deeper than any object can be, or of too many values.
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
                loader.reached = begin(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = ", ".join(part for part in (error.context, error.problem) if part)
        raise Unreadable(place_of(mark), "yaml", f"is not YAML: {said}{_hint(text, mark)}") from None


def scalar(node: yaml.Node, name: str) -> str:
    """The text of a top field of a document, before it is known whose it is."""
    for key, value in node.value if isinstance(node, yaml.MappingNode) else []:
        if isinstance(key, yaml.ScalarNode) and key.value == name and isinstance(value, yaml.ScalarNode):
            return str(value.value)
    return ""


def members(document: yaml.Node, budget: Budget) -> Iterator[yaml.Node]:
    """The document, or if it is a List what it lists, through all lists of lists.

    Raises:
        Unreadable: aliases make it endless or huge.
    """
    left = [document]
    while left:
        node = left.pop()
        listed = _items(node) if scalar(node, "kind").endswith("List") else []
        budget.spend(1 + len(listed), begin(document))
        left += reversed(listed)
        if not listed:
            yield node


def pass_over(node: yaml.Node, budget: Budget) -> None:
    """Count the values in a document that nobody builds; `members` has counted itself.

    Raises:
        Unreadable: aliases make it endless or huge.
    """
    left = [node]
    while left:
        node = left.pop()
        if isinstance(node, yaml.CollectionNode):
            pairs = isinstance(node, yaml.MappingNode)
            inside = [value for _, value in node.value] if pairs else node.value
            budget.spend(len(inside), begin(node))
            left += reversed(inside)


def _items(node: yaml.Node) -> list[yaml.Node]:
    for key, value in node.value if isinstance(node, yaml.MappingNode) else []:
        if isinstance(key, yaml.ScalarNode) and key.value == "items" and isinstance(value, yaml.SequenceNode):
            nodes: list[yaml.Node] = value.value
            return nodes
    return []


def tree(node: yaml.Node, budget: Budget) -> tuple[Node, list[Finding]]:
    """The object of a document, with places, and what kubectl would drop of it.

    Raises:
        Unreadable: aliases make it endless or huge, or a key is no text.
    """
    builder = _Builder(budget)
    return builder.build(node, begin(node)), builder.findings


class _Loader(yaml.CSafeLoader):
    """Composes nodes: plain scalars keep their text, and depth is limited.

    PyYAML's own reader takes six times as long for a large file.
    """

    depth = 0

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.composed = Budget()
        """Over all documents, an alias counted once: what is beyond need not even be read."""
        self.reached = Place()

    def descend_resolver(self, current_node: yaml.Node | None, current_index: Any) -> None:
        self.depth += 1
        if self.depth > _DEEPEST and current_node is not None:
            message = f"nested deeper than {_DEEPEST} levels"
            raise yaml.MarkedYAMLError(None, None, message, current_node.start_mark)
        if isinstance(current_node, yaml.MappingNode) and current_index is None:
            return  # a key
        if isinstance(current_node, yaml.SequenceNode) and current_node.value:
            self.reached = begin(current_node.value[-1])
        elif isinstance(current_index, yaml.Node):
            self.reached = begin(current_index)
        self.composed.spend(1, self.reached)

    def ascend_resolver(self) -> None:
        self.depth -= 1

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _TEXT
        return str(super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]


@dataclass
class _Builder:
    """Turns nodes of YAML into ours."""

    budget: Budget
    findings: list[Finding] = field(default_factory=list)
    inside: set[int] = field(default_factory=set)
    """Collections that are being built: an alias to one of them would never end."""

    def build(self, node: yaml.Node, at: Place) -> Node:
        self.budget.spend(1, at)
        place = begin(node)
        if isinstance(node, yaml.ScalarNode):
            return Node(_scalar(node, place), place if node.value else at)
        if id(node) in self.inside:
            raise Unreadable(at, "yaml-alias", "is an alias to a value that holds it, which never ends; write it out")
        self.inside.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return Node([self.build(each, begin(each)) for each in node.value], at)
            return self._object(node, at)
        finally:
            self.inside.discard(id(node))

    def _object(self, node: yaml.Node, at: Place) -> Node:
        values: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        merged: list[Node] = []
        for key, value in node.value:
            place = begin(key)
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


def _key(key: yaml.Node, place: Place) -> str:
    value = _scalar(key, place) if isinstance(key, yaml.ScalarNode) else None
    if value is None:
        raise Unreadable(place, "yaml", "is a key, expected text; quote it")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _scalar(node: yaml.ScalarNode, place: Place) -> object:
    value = meaning(node.value) if node.tag in _READ else node.value
    if isinstance(value, float) and not math.isfinite(value):
        raise Unreadable(place, "yaml", f"found {node.value}, which is no JSON number; quote it if it is text")
    return value

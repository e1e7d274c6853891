"""For every bound in the schemas an object that breaks it, made from the samples."""

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from driftreview.api.base import TIME_PATTERN, VALIDATIONS
from tests.crd_walk import BY_KIND, Node, nodes, spelled
from tests.integration.crd_samples import SPECS, Raw

Place = tuple[str | int, ...]
BROKEN = r"self\.matches\(r'"
"""Rules that are nothing but a pattern begin like this."""


@dataclass(frozen=True)
class Bound:
    """One keyword of one place, and a sample in which it is broken there."""

    node: str
    keyword: str
    kind: str
    path: str
    message: str
    place: Place
    sample: int
    value: Any

    def __str__(self) -> str:
        return f"{self.node}-{self.keyword}"

    def broken_spec(self) -> Raw:
        """The sample's spec with the value put in, or taken out for None."""
        whole = {"spec": deepcopy(SPECS[self.kind][self.sample])}
        holder: Any = whole
        for part in self.place[:-1]:
            holder = holder[part]
        if self.value is None:
            del holder[self.place[-1]]
        else:
            holder[self.place[-1]] = self.value
        spec: Raw = whole["spec"]
        return spec


def bounds() -> Iterator[Bound]:
    """Every bound of every spec, as far as a sample has the place."""
    for kind in BY_KIND:
        for node in nodes(kind):
            if node.path[:1] == ("spec",):
                yield from _of_node(node)


def _of_node(node: Node) -> Iterator[Bound]:
    found = _find(node)
    if found is None:
        return
    sample, place, value = found
    for keyword, bound in node.schema.items():
        for broken, message in _BREAKERS.get(keyword, _none)(bound, value):
            yield Bound(str(node), keyword, node.kind, spelled(place), message, place, sample, broken)
    for name in node.schema.get("required", []):
        inside = (*place, name)
        yield Bound(str(node), f"required-{name}", node.kind, spelled(inside), "Required value", inside, sample, None)


def _find(node: Node) -> tuple[int, Place, Any] | None:
    for number, spec in enumerate(SPECS[node.kind]):
        found = _places({"spec": spec}, node.path)
        if found is not None:
            return number, *found
    return None


def _places(value: Any, path: tuple[str, ...]) -> tuple[Place, Any] | None:
    if not path:
        return (), value
    head, *rest = path
    choices: list[tuple[str | int, Any]] = []
    if head == "[]":
        choices = list(enumerate(value))
    elif head == "{}":
        choices = list(value.items())
    elif head in value:
        choices = [(head, value[head])]
    for key, inner in choices:
        if found := _places(inner, tuple(rest)):
            return (key, *found[0]), found[1]
    return None


Broken = Iterator[tuple[Any, str]]


def _none(_bound: Any, _value: Any) -> Broken:
    yield from ()


def _enum(bound: list[str], _value: Any) -> Broken:
    yield "Nonsense", f'supported values: "{bound[0]}"'


def _max_length(bound: int, _value: Any) -> Broken:
    yield "1" * (bound + 1), f"may not be more than {bound}"


def _min_length(_bound: int, _value: Any) -> Broken:
    yield "", "should be at least 1 chars long"


def _pattern(bound: str, _value: Any) -> Broken:
    if bound == TIME_PATTERN:
        yield "2026-01-05T10:00:00,5Z", f"should match '{bound}'"
    else:
        yield " a", "should match"


def _max_items(bound: int, value: list[Any]) -> Broken:
    yield value[:1] * (bound + 1), f"must have at most {bound} item"


def _min_items(_bound: int, _value: Any) -> Broken:
    yield [], "should have at least 1 items"


def _max_properties(bound: int, _value: Any) -> Broken:
    yield {f"a{n}": "b" for n in range(bound + 1)}, f"must have at most {bound} item"


def _min_properties(_bound: int, _value: Any) -> Broken:
    yield {}, "should have at least 1 properties"


def _minimum(bound: int, _value: Any) -> Broken:
    yield bound - 1, f"should be greater than or equal to {bound}"


def _maximum(bound: int, _value: Any) -> Broken:
    yield bound + 1, f"should be less than or equal to {bound}"


def _format(_bound: str, _value: Any) -> Broken:
    yield "yesterday", "must be of type date-time"


def _rules(bound: list[dict[str, str]], _value: Any) -> Broken:
    for rule in bound:
        if re.match(BROKEN, rule["rule"]):
            yield " \x1ba", rule["message"]


_BREAKERS: dict[str, Callable[[Any, Any], Broken]] = {
    "enum": _enum,
    "format": _format,
    "maxItems": _max_items,
    "maxLength": _max_length,
    "maxProperties": _max_properties,
    "maximum": _maximum,
    "minItems": _min_items,
    "minLength": _min_length,
    "minProperties": _min_properties,
    "minimum": _minimum,
    "pattern": _pattern,
    VALIDATIONS: _rules,
}

"""Walking through the schemas of the generated CRDs: what every test about them needs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from driftreview.api.base import VALIDATIONS
from driftreview.api.crd import RESOURCES, Resource, crd

BY_KIND: dict[str, Resource] = {resource.kind: resource for resource in RESOURCES}


@dataclass(frozen=True)
class Node:
    """One place in a schema: `spec.signals[].limits` is ("spec", "signals", "[]", "limits")."""

    kind: str
    path: tuple[str, ...]
    schema: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.kind}.{spelled(self.path)}"


def spelled(path: tuple[str | int, ...]) -> str:
    """A path as the API server writes it: `spec.signals[0].name`; the root is `<nil>`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else part if part == "[]" else f".{part}" for part in path)
    return text.removeprefix(".") or "<nil>"


def root(kind: str) -> dict[str, Any]:
    """The schema of a kind."""
    schema: dict[str, Any] = crd(BY_KIND[kind])["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def nodes(kind: str) -> Iterator[Node]:
    """Every place of a kind's schema, the root first; values of maps are `{}`."""
    yield from _nodes(Node(kind, (), root(kind)))


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for name, schema in node.schema.get("properties", {}).items():
        yield from _nodes(Node(node.kind, (*node.path, name), schema))
    for keyword, name in (("items", "[]"), ("additionalProperties", "{}")):
        if keyword in node.schema:
            yield from _nodes(Node(node.kind, (*node.path, name), node.schema[keyword]))


def all_nodes() -> Iterator[Node]:
    """Every place of every kind."""
    for kind in BY_KIND:
        yield from nodes(kind)


def rules() -> Iterator[tuple[str, str, str]]:
    """Every CEL rule: kind, path as the API server writes it (without indices), message."""
    for node in all_nodes():
        for rule in node.schema.get(VALIDATIONS, []):
            yield node.kind, spelled(node.path), rule["message"]

"""CustomResourceDefinitions from the models: `python -m driftreview.api.crd DIRECTORY`.

Pydantic's JSON schema is not what the API server takes: `convert` turns the one into the other and raises on what
it cannot express, so that nothing is lost in silence.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from driftreview.api.approval import DriftApproval
from driftreview.api.base import GROUP, VALIDATIONS, VERSION, Model
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshot
from driftreview.api.metricsource import ClusterMetricSource, MetricSource
from driftreview.api.signalset import ClusterSignalSet, SignalSet

_PLAIN: Final = (
    "type", "format", "description", "enum", "pattern", "default", "minimum", "maximum", "nullable",
    "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "required",
)  # fmt: skip
_DROPPED: Final = ("title", "examples", "$defs")


@dataclass(frozen=True)
class Column:
    """One column of `kubectl get`."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0
    """0: always shown; 1: with -o wide."""

    def to_wire(self) -> dict[str, Any]:
        """As the CRD writes it."""
        return {"name": self.name, "jsonPath": self.path, "type": self.type} | (
            {"priority": self.priority} if self.priority else {}
        )


_AGE: Final = Column("Age", ".metadata.creationTimestamp", "date")


@dataclass(frozen=True)
class Resource:
    """One kind: its model and how the API server presents it."""

    model: type[Model]
    plural: str
    short_names: tuple[str, ...]
    columns: tuple[Column, ...]
    scope: str = "Namespaced"
    status: bool = True
    categories: tuple[str, ...] = ("drift",)
    """For `kubectl get drift`. A category of a kind's own name would make `kubectl get driftreview NAME` an error."""

    @property
    def kind(self) -> str:
        """The kind's name."""
        return self.model.__name__


_READY: Final = Column("Ready", ".status.conditions[?(@.type=='Ready')].status")
_WHY: Final = Column("Why", ".status.conditions[?(@.type=='Ready')].message", priority=1)
_SOURCE_COLUMNS: Final = (
    Column("URL", ".spec.url"),
    _READY,
    Column("Version", ".status.version"),
    Column("Skew", ".status.clockSkewSeconds", "integer"),
    Column("Retention", ".status.retention", priority=1),
    _WHY,
    _AGE,
)
_SET_COLUMNS: Final = (_AGE, Column("About", ".spec.description", priority=1))

RESOURCES: Final = (
    Resource(
        DriftReview,
        "driftreviews",
        ("drv",),
        (
            Column("Target", ".spec.target.name"),
            Column("Revision", ".spec.context.revision"),
            Column("Phase", ".status.phase"),
            Column("Checkpoints", ".status.progress"),
            Column("Verdict", ".status.verdict"),
            Column("Recommendation", ".status.decision.recommendation"),
            Column("Next", ".status.nextCheckpoint.due"),
            Column("Left", ".status.rollback.left"),
            _AGE,
            Column("Rollback until", ".status.rollback.until", priority=1),
            Column("Why", ".status.summary", priority=1),
        ),
    ),
    Resource(
        DriftSnapshot,
        "driftsnapshots",
        ("dsnap",),
        (
            Column("Review", ".spec.reviewRef.name"),
            Column("Checkpoint", ".spec.checkpoint"),
            Column("Window end", ".spec.window.end"),
            Column("Hash", ".spec.hash", priority=1),
            _AGE,
        ),
        status=False,
    ),
    Resource(
        DriftApproval,
        "driftapprovals",
        ("dapp",),
        (
            Column("Review", ".spec.reviewRef.name"),
            Column("Type", ".spec.type"),
            Column("By", ".spec.by"),
            Column("Item", ".spec.item", priority=1),
            Column("Message", ".spec.message", priority=1),
            _AGE,
        ),
        status=False,
    ),
    Resource(MetricSource, "metricsources", ("msrc",), _SOURCE_COLUMNS),
    Resource(ClusterMetricSource, "clustermetricsources", ("cmsrc",), _SOURCE_COLUMNS, scope="Cluster"),
    Resource(SignalSet, "signalsets", ("sigset",), _SET_COLUMNS, status=False),
    Resource(ClusterSignalSet, "clustersignalsets", ("csigset",), _SET_COLUMNS, scope="Cluster", status=False),
)


_HEAD: Final = {
    "apiVersion": {"type": "string", "description": "Version of this representation of the object."},
    "kind": {"type": "string", "description": "Kind of the object."},
}


class UnsupportedSchemaError(TypeError):
    """The model uses something a CRD cannot express."""


def convert(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Turn a pydantic JSON schema into a structural one.

    References are put in place, `X | None` becomes an optional X without a default, a constant an enum of one.
    CEL rules beside a reference join those of what it points to.

    Raises:
        UnsupportedSchemaError: a keyword has no equivalent.
    """
    schema = dict(schema)
    if "$ref" in schema:
        target = definitions[schema.pop("$ref").rsplit("/", 1)[-1]]
        beside = {key: value for key, value in schema.items() if key != "default" or value is not None}
        return convert(_joined(target, beside), definitions)
    if "anyOf" in schema:
        branches = [branch for branch in schema.pop("anyOf") if branch.get("type") != "null"]
        if len(branches) != 1:
            raise UnsupportedSchemaError(f"a union of several types cannot be expressed: {branches}")
        schema.pop("default", None)
        return convert(_joined(branches[0], schema), definitions)
    return _convert_plain(schema, definitions)


def _joined(inner: dict[str, Any], outer: dict[str, Any]) -> dict[str, Any]:
    found = [*inner.get(VALIDATIONS, []), *outer.get(VALIDATIONS, [])]
    return inner | outer | ({VALIDATIONS: found} if found else {})


def _convert_plain(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            result[key] = {name: convert(sub, definitions) for name, sub in value.items()}
        elif key == "items" or (key == "additionalProperties" and isinstance(value, dict)):
            result[key] = convert(value, definitions)
        elif key == "const":
            result["enum"] = [value]
        elif key in _PLAIN or key.startswith("x-kubernetes-"):
            result[key] = _READERS[key](value) if key in _READERS else value
        elif key not in _DROPPED and not _implied(key, value, schema):
            raise UnsupportedSchemaError(f"{key}: {value!r} cannot be expressed in a CRD")
    if result.get("default") in ("", [], {}) and result.get("type") != "object":
        del result["default"]
    return result


def _implied(key: str, value: object, schema: dict[str, Any]) -> bool:
    """The API server refuses unknown fields by itself; where it shall keep them, another keyword says so already."""
    return key == "additionalProperties" and (
        value is False or schema.get("x-kubernetes-preserve-unknown-fields") is True
    )


def _without_absent(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_absent(part) for name, part in value.items() if part not in (None, "")}
    return value


def _one_line(text: str) -> str:
    return " ".join(text.split())


_READERS: Final[dict[str, Callable[[Any], Any]]] = {"default": _without_absent, "description": _one_line}


def crd(resource: Resource) -> dict[str, Any]:
    """The CustomResourceDefinition of one kind."""
    raw = resource.model.model_json_schema(by_alias=True, mode="validation")
    schema = convert(raw, raw.get("$defs", {}))
    properties = schema["properties"]
    properties["metadata"] = {"type": "object"}  # the API server lets nothing more be said here
    if resource.status:
        properties["status"].pop("default", None)
    version: dict[str, Any] = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {
            "openAPIV3Schema": {key: schema[key] for key in ("description", "type", "x-kubernetes-validations")
                                if key in schema}
            | {
                "required": ["spec"],
                "properties": _HEAD | properties,
            }
        },
        "additionalPrinterColumns": [column.to_wire() for column in resource.columns],
    }  # fmt: skip
    if resource.status:
        version["subresources"] = {"status": {}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": resource.scope,
            "names": {
                "kind": resource.kind,
                "listKind": f"{resource.kind}List",
                "plural": resource.plural,
                "singular": resource.kind.lower(),
                "shortNames": list(resource.short_names),
                "categories": list(resource.categories),
            },
            "versions": [version],
        },
    }


def render(resource: Resource) -> str:
    """The CRD as YAML, the same bytes for the same models."""
    head = "# Generated by `make crds` from operator/driftreview/api; edit the models, not this file.\n"
    text: str = yaml.safe_dump(crd(resource), sort_keys=False, width=120, allow_unicode=True)
    return head + text


def main(directory: str) -> None:
    """Write one file per kind."""
    for resource in RESOURCES:
        path = Path(directory) / f"{resource.plural}.yaml"
        path.write_text(render(resource), encoding="utf-8")
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "crds")

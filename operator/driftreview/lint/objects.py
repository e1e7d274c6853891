"""Our objects in a file: found among others, and read into their models where the API server would take them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from driftreview.api.approval import DriftApproval
from driftreview.api.base import API_VERSION, GROUP, DnsName
from driftreview.api.crd import RESOURCES, convert, crd
from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import DriftSnapshot
from driftreview.api.metricsource import ClusterMetricSource, MetricSource
from driftreview.api.signalset import ClusterSignalSet, SignalSet
from driftreview.domain.display import near, some
from driftreview.lint import schema as structural
from driftreview.lint.budget import TOO_MANY, Budget, Unreadable, begin
from driftreview.lint.finding import Finding, Path, Place, Severity, parsed, shown, spelled
from driftreview.lint.yamltree import Node, documents, members, pass_over, scalar, tree

Model = DriftReview | MetricSource | ClusterMetricSource | DriftApproval | SignalSet | ClusterSignalSet
_T = TypeVar("_T", bound=MetricSource | ClusterMetricSource | SignalSet | ClusterSignalSet)
_KINDS: Final = {resource.kind: resource for resource in RESOURCES}
_EVIDENCE: Final = DriftSnapshot.__name__
MOST_OBJECTS: Final = 500
"""Of ours in one file; one that uses every field takes lint 16 ms."""
_SIGNAL: Final = len(("spec", "signals"))
"""Where a path has the number of a signal."""
_TEXTS: Final = {"type": "object", "additionalProperties": {"type": "string"}}


@dataclass(frozen=True)
class Parsed:
    """One object."""

    node: Node
    model: Model | None
    """What it is read as; None if the API server would refuse it."""

    def finding(self, severity: Severity, check: str, path: Path, message: str) -> Finding:
        """A finding at one field, or where it would stand."""
        return named(
            Finding((self.node.nearest(path) or self.node).at, severity, check, message, spelled(path)), self.node
        )


@dataclass
class Contents:
    """What a file holds."""

    objects: list[Parsed] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    ours: int = 0
    """Objects of kinds that are linted."""
    others: int = 0
    """Documents that are passed over."""
    beyond: list[Place] = field(default_factory=list)
    """Where the objects are that are too many."""


def read(data: bytes) -> Contents:
    """Everything that a file holds, and what the API server would refuse of it."""
    contents, budget = Contents(), Budget()
    try:
        for document in documents(data):
            for member in members(document, budget):
                _read(member, contents, budget)
    except Unreadable as unreadable:
        contents.findings.append(unreadable.finding())
    if contents.beyond:
        message = (
            f"the file holds {contents.ours + len(contents.beyond)} objects of {GROUP}, {MOST_OBJECTS} at most: "
            "this one and those after it are not linted; split the file"
        )
        contents.findings.append(Finding(contents.beyond[0], Severity.ERROR, "too-many-objects", message))
    if not (contents.ours or contents.others or contents.findings):
        message = "holds no object; expected at least one document with apiVersion and kind"
        contents.findings.append(Unreadable(Place(), "empty", message).finding())
    return contents


def _read(document: yaml.Node, contents: Contents, budget: Budget) -> None:
    kind, version = scalar(document, "kind"), scalar(document, "apiVersion")
    if isinstance(document, yaml.ScalarNode) and not document.value:
        return
    if not _is_ours(kind, version):
        pass_over(document, budget)
        contents.others += 1
        return
    if contents.ours == MOST_OBJECTS and kind != _EVIDENCE:
        contents.beyond.append(begin(document))
        return
    try:
        node, findings = tree(document, budget)
    except Unreadable as unreadable:
        if unreadable.check == TOO_MANY:
            raise
        contents.ours += 1
        contents.findings.append(unreadable.finding())
        return
    misnamed = list(_misnamed(node, kind, version))
    if kind == _EVIDENCE and not misnamed:
        contents.others += 1
        message = "is evidence, which the operator writes and nobody applies: not linted"
        contents.findings.append(Finding(node.at, Severity.NOTE, "evidence", message, "kind"))
        return
    contents.ours += 1
    model: Model | None = None
    findings += misnamed or structural.violations(_schema(kind), node, ())
    if not findings:
        findings += _dropped(node)
        try:
            whole = structural.defaulted(_schema(kind), node.plain())
            model = _KINDS[kind].model.model_validate(whole)  # type: ignore[assignment] # no evidence comes here
        except ValidationError as error:
            findings += list(_unread(error, node))
    contents.objects.append(Parsed(node, model))
    contents.findings += [named(finding, node) for finding in findings]


def _is_ours(kind: str, version: str) -> bool:
    """Whether a document is meant to be one of ours, perhaps with a slip in its group or kind."""
    group = version.partition("/")[0]
    return group == GROUP or (kind in _KINDS and (not version or bool(near(group, [GROUP]))))


def _misnamed(node: Node, kind: str, version: str) -> Iterator[Finding]:
    for name, found, known in (("apiVersion", version, [API_VERSION]), ("kind", kind, list(_KINDS))):
        if found not in known:
            at = (node.nearest((name,)) or node).at
            what = f"found {shown(found)}" if name in node.keys else "is missing"
            message = f"{what}, expected {structural.any_of(known)}{near(found, known)}"
            yield Finding(at, Severity.ERROR, "unknown-kind", message, name)


@cache
def _schema(kind: str) -> dict[str, Any]:
    """The schema of an object of this kind: that of its CRD, with what the API server itself knows of metadata."""
    whole: dict[str, Any] = crd(_KINDS[kind])["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    name = convert(TypeAdapter(DnsName).json_schema(), {})
    anything = {"x-kubernetes-preserve-unknown-fields": True}
    others = (
        "generateName", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "selfLink",
        "deletionGracePeriodSeconds", "finalizers", "ownerReferences", "managedFields",
    )  # fmt: skip
    metadata = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": name | {"description": "Its name."}, "namespace": name, "labels": _TEXTS}
        | {"annotations": _TEXTS}
        | dict.fromkeys(others, anything),
    }
    properties = whole["properties"] | {"metadata": metadata, "status": anything}
    return whole | {"required": ["metadata", "spec"], "properties": properties}


def _dropped(node: Node) -> Iterator[Finding]:
    status = node.value.get("status")
    if status is not None and status.value:
        message = "found a status, which only the operator writes: what a file says is dropped; remove it"
        yield Finding(status.at, Severity.WARNING, "status", message, "status")


def _unread(error: ValidationError, node: Node) -> Iterator[Finding]:
    """What only the operator's own reading finds."""
    for each in error.errors():
        path = tuple(each["loc"])
        at = (node.nearest(path) or node).at
        yield Finding(at, Severity.ERROR, "model", each["msg"], spelled(path))


def named_in(known: Sequence[_T], wanted: type, name: str, namespace: str) -> _T | None:
    """The object that a review names; where one of the two says no namespace, they are taken to share one."""
    for each in known:
        near = _KINDS[wanted.__name__].scope == "Cluster" or not (each.metadata.namespace and namespace)
        if type(each) is wanted and each.metadata.name == name and (near or each.metadata.namespace == namespace):
            return each
    return None


def not_in_files(known: Sequence[_T], wanted: type, name: str, namespace: str) -> str:
    """That an object which a review names is not there; and which other ones of its name are."""
    others = [each for each in known if each.metadata.name == name]
    there = [f"{type(each).__name__}{_whose(type(each), each.metadata.namespace)}" for each in others]
    told = f"; by that name there is {some(there)}" if there else ""
    whose = _whose(wanted, namespace) if there else ""
    return f"{wanted.__name__} '{name}'{whose} is not in these files, or not without errors{told}"


def _whose(kind: type, namespace: str) -> str:
    is_in_one = namespace and _KINDS[kind.__name__].scope != "Cluster"
    return f" of namespace '{namespace}'" if is_in_one else ""


def named(finding: Finding, node: Node) -> Finding:
    """The finding, with the names of its object and of its signal."""
    path = parsed(finding.path)
    signal = node.get(*path[:3], "name") if path[:2] == ("spec", "signals") and len(path) > _SIGNAL else ""
    resource = "/".join(str(node.get(*part) or "") for part in (("kind",), ("metadata", "name")))
    return replace(finding, signal=str(signal or ""), resource=resource)

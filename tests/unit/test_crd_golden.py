from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import ConfigDict, Field

from driftreview.api.base import VALIDATIONS, DnsName, Model, Rule, list_map, rules
from driftreview.api.crd import RESOURCES, Resource, UnsupportedSchemaError, convert, crd, main, render
from driftreview.api.driftsnapshot import RevisionEvidence
from tests.crd_walk import BY_KIND, Node, all_nodes

CRDS = Path(__file__).parents[2] / "crds"
NODES = list(all_nodes())
NOT_OURS = ("metadata",)
UNBOUNDED = {
    ("apiVersion",): "the API server compares it",
    ("kind",): "the API server compares it",
}


def converted(model: type[Model]) -> dict[str, Any]:
    raw = model.model_json_schema(by_alias=True)
    return convert(raw, raw.get("$defs", {}))


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind)
def test_the_committed_crds_are_those_of_the_models(resource: Resource) -> None:
    committed = (CRDS / f"{resource.plural}.yaml").read_text(encoding="utf-8")
    assert committed == render(resource), "run `make crds` and commit what it writes"


def test_there_are_no_other_crds() -> None:
    assert {path.name for path in CRDS.iterdir()} == {f"{resource.plural}.yaml" for resource in RESOURCES}


def test_the_command_writes_the_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in CRDS.iterdir())
    assert "driftreviews.yaml" in capsys.readouterr().out


def those(wrong: Callable[[Node], object]) -> list[str]:
    return [str(node) for node in NODES if wrong(node)]


def test_nothing_of_pydantic_is_left() -> None:
    foreign = {"$ref", "$defs", "anyOf", "allOf", "oneOf", "const", "title", "examples"}
    assert those(lambda node: foreign & node.schema.keys()) == []
    assert those(lambda node: node.schema.get("default", 0) is None) == []
    assert those(lambda node: not {"type", "x-kubernetes-int-or-string"} & node.schema.keys()) == []


def test_every_field_is_described_in_a_sentence() -> None:
    fields = [node for node in NODES if node.path and node.path[-1] not in ("[]", "{}") and node.path != NOT_OURS]
    assert [str(node) for node in fields if not node.schema.get("description", "").endswith(".")] == []


def test_every_text_is_bounded() -> None:
    def unbounded(node: Node) -> bool:
        schema = node.schema
        bounded = {"maxLength", "enum"} & schema.keys() or schema.get("format") == "date-time"
        return schema.get("type") == "string" and not bounded and node.path not in UNBOUNDED

    assert those(unbounded) == []


def test_every_list_and_map_and_quantity_is_bounded() -> None:
    assert those(lambda node: node.schema.get("type") == "array" and "maxItems" not in node.schema) == []
    assert those(lambda node: "additionalProperties" in node.schema and "maxProperties" not in node.schema) == []
    bounds = {"maxLength", "minimum", "maximum"}  # of the text, of integers
    assert those(lambda node: "type" not in node.schema and not bounds <= node.schema.keys()) == []


def test_there_is_no_object_that_no_rule_can_see_into() -> None:
    inside = {"properties", "additionalProperties"}
    assert those(lambda node: "x-kubernetes-preserve-unknown-fields" in node.schema) == []
    objects = [node for node in NODES if node.schema.get("type") == "object" and node.path != NOT_OURS]
    assert [str(node) for node in objects if not inside & node.schema.keys()] == []


def test_every_list_says_how_it_is_merged() -> None:
    def wrong(node: Node) -> bool:
        keys = node.schema.get("x-kubernetes-list-map-keys", [])
        kind = node.schema.get("x-kubernetes-list-type")
        required = node.schema["items"].get("required", [])
        return kind not in {"atomic", "map", "set"} or bool(keys) != (kind == "map") or not {*keys} <= {*required}

    assert those(lambda node: node.schema.get("type") == "array" and wrong(node)) == []


def test_what_a_person_writes_is_never_refused_with_a_bare_expression() -> None:
    # Except a quantity and a time: their schemas' docstrings say why. What only the operator writes may have one.
    written = [
        node
        for node in NODES
        if node.path[:1] == ("spec",) and "type" in node.schema and node.schema.get("format") != "date-time"
    ]
    assert [str(node) for node in written if "pattern" in node.schema] == []


def test_every_rule_has_a_message_of_its_own() -> None:
    for node in NODES:
        messages = [rule["message"] for rule in node.schema.get(VALIDATIONS, [])]
        assert all(messages), str(node)
        assert len(messages) == len(set(messages)), f"{node}: which rule was broken cannot be told"


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind)
def test_how_each_kind_is_presented(resource: Resource) -> None:
    made = crd(resource)
    names, version = made["spec"]["names"], made["spec"]["versions"][0]
    assert names["shortNames"]
    assert names["categories"] == ["drift"]
    assert names["singular"] not in names["categories"], "`kubectl get driftreview NAME` would be an error"
    shown = [column["name"] for column in version["additionalPrinterColumns"] if not column.get("priority")]
    assert shown[-1] == "Age"
    assert ("subresources" in version) == (resource.model.model_fields.keys() >= {"status"})
    for column in version["additionalPrinterColumns"]:
        assert _leads_somewhere(resource.kind, column["jsonPath"]), column


def _leads_somewhere(kind: str, path: str) -> bool:
    if path.startswith((".metadata.", ".status.conditions[?")):
        return True
    wanted = tuple(path.strip(".").split("."))
    return any(node.path == wanted for node in NODES if node.kind == kind)


def test_short_names_are_told_apart() -> None:
    names = [name for resource in RESOURCES for name in (*resource.short_names, resource.plural)]
    assert len(names) == len(set(names))
    assert {name for resource in BY_KIND.values() for name in resource.short_names} == {
        "drv", "dsnap", "dapp", "msrc", "cmsrc", "sigset", "csigset"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "union of several types"),
        ({"type": "integer", "exclusiveMinimum": 0}, "exclusiveMinimum"),
        ({"type": "object", "additionalProperties": True}, "additionalProperties"),
        ({"type": "array", "prefixItems": []}, "prefixItems"),
        ({"type": "object", "properties": {"a": {"type": "object", "patternProperties": {}}}}, "patternProperties"),
        ({"oneOf": [], "discriminator": {}}, "oneOf"),
    ],
    ids=str,
)
def test_what_a_crd_cannot_express_is_an_error(schema: dict[str, Any], words: str) -> None:
    with pytest.raises(UnsupportedSchemaError, match=words):
        convert(schema, {})


def test_optional_means_absent_not_null() -> None:
    class Inner(Model):
        """Inner."""

        size: int = 1

    class Outer(Model):
        """Outer."""

        text: Annotated[str, Field(max_length=3)] | None = None
        """Some text,
        on two lines."""
        inner: Inner = Inner()
        other: Inner | None = None

    properties = converted(Outer)["properties"]
    assert properties["text"] == {"type": "string", "maxLength": 3, "description": "Some text, on two lines."}
    assert properties["inner"]["default"] == {"size": 1}
    assert "default" not in properties["other"]
    assert properties["other"]["properties"]["size"] == {"type": "integer", "default": 1}


def test_rules_add_up_however_they_are_given() -> None:
    class Inner(Model):
        """Inner."""

        model_config = ConfigDict(json_schema_extra=rules(("3", "three")))
        text: Annotated[str, Rule("1", "one"), Field(max_length=3), Rule("2", "two")]

    class Outer(Model):
        """Outer."""

        inner: Annotated[Inner, Rule("4", "four")]
        names: Annotated[list[DnsName], Field(json_schema_extra=list_map("name") | rules(("5", "five")))]

    properties = converted(Outer)["properties"]
    said = [rule["message"] for rule in properties["inner"][VALIDATIONS]]
    assert said == ["three", "four"]
    assert [rule["message"] for rule in properties["inner"]["properties"]["text"][VALIDATIONS]] == ["one", "two"]
    assert [rule["message"] for rule in properties["names"][VALIDATIONS]] == ["five"]


def test_what_was_found_is_put_before_the_message_and_the_message_is_escaped() -> None:
    message = """say "this", it's a \\ in ü"""
    assert Rule("1", message, "self").to_wire() == {
        "rule": "1",
        "message": message,
        "messageExpression": 'self + "say \\"this\\", it\'s a \\\\ in ü"',
    }
    assert Rule("1", message).to_wire() == {"rule": "1", "message": message}


def test_an_unknown_field_does_not_stop_an_older_operator() -> None:
    read = BY_KIND["MetricSource"].model.model_validate({"spec": {"url": "http://a", "new": 1}, "kind": "MetricSource"})
    assert read.to_wire()["spec"]["url"] == "http://a"


def test_a_pod_template_is_an_object_here_and_text_on_the_wire() -> None:
    pinned = RevisionEvidence(name="a", uid="1", template_hash="x", template={"b": 1, "a": "ü"})
    assert pinned.to_wire()["template"] == '{"a":"ü","b":1}'
    assert RevisionEvidence.model_validate(pinned.to_wire()) == pinned
    empty = RevisionEvidence(name="a", uid="1", template_hash="x")
    assert RevisionEvidence.model_validate(empty.to_wire()) == empty
    with pytest.raises(ValueError, match="template"):
        RevisionEvidence.model_validate(pinned.to_wire() | {"template": "{"})

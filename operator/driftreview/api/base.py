"""What every resource shares: the model base, CEL rules, metadata, conditions, references."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, core_schema

GROUP = "driftreview.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
VALIDATIONS: Final = "x-kubernetes-validations"


class Model(BaseModel):
    """Frozen, camelCase on the wire, described by its docstrings.

    Unknown fields are ignored when reading: the API server has already refused or pruned them, and a newer CRD
    must not crash an older operator.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )

    def to_wire(self) -> dict[str, Any]:
        """The JSON object as the API server wants it: camelCase, absent instead of null."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def rules(*parts: tuple[str, str] | tuple[str, str, str]) -> dict[str, Any]:
    """Schema extension for CEL rules of a model or a list, each with the parts of a `Rule`."""
    return {VALIDATIONS: [Rule(*part).to_wire() for part in parts]}


@dataclass(frozen=True)
class Rule:
    """One more CEL rule on an annotated value: it joins the rules of the type, where `rules` would replace them."""

    rule: str
    message: str
    """Names the fix; the API server puts the field's path before it."""
    found: str = ""
    """CEL for the text that is put before the message: what was found. The API server itself names no value; where it
    cannot evaluate this, or a line ends in it, it says the message alone."""

    def to_wire(self) -> dict[str, str]:
        """As the CRD writes it."""
        said = {"messageExpression": f"{self.found} + {cel_text(self.message)}"} if self.found else {}
        return {"rule": self.rule, "message": self.message} | said

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Add the rule."""
        made = handler(schema)
        return made | {VALIDATIONS: [*made.get(VALIDATIONS, []), self.to_wire()]}


def cel_text(text: str) -> str:
    """A text as a CEL literal: its escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)


_QUOTE: Final = cel_text("'")


@dataclass(frozen=True)
class Pattern:
    """A regular expression for a whole string, with a message.

    Not the schema's own `pattern`: the API server answers that with the bare expression, which helps nobody. Where a
    pattern is broken, rules that read the value are still run, so they have to let a malformed one pass (`unless`).
    """

    pattern: str
    message: str
    """Says what to write, with an example."""
    names_value: bool = False
    """Whether the API server says the value too: only of those that hold no secret, and are short."""

    @property
    def cel(self) -> str:
        """The expression as a CEL literal."""
        return f"r'{self.pattern}'"

    def unless(self, rule: str, *values: str) -> str:
        """The CEL rule, but true when one of the values breaks this pattern: that is said once, by its own rule."""
        matching = " && ".join(f"{value}.matches({self.cel})" for value in values)
        return f"!({matching}) || ({rule})"

    def check(self, text: str) -> str:
        """Return the text.

        Raises:
            ValueError: it does not match.
        """
        if not re.fullmatch(self.pattern, text):
            raise ValueError(f"{text!r} {self.message}")
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check when a model is read."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Add the rule."""
        found = f"{_QUOTE} + self + {_QUOTE} + ' '" if self.names_value else ""
        return Rule(f"self.matches({self.cel})", self.message, found).__get_pydantic_json_schema__(schema, handler)


def list_map(*keys: str) -> dict[str, Any]:
    """Schema extension for a list whose items are told apart by these keys; duplicates are refused at apply."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


def atomic() -> dict[str, Any]:
    """Schema extension for a list or object that is replaced whole."""
    return {"x-kubernetes-list-type": "atomic"}


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with whole seconds, as Kubernetes writes times.

    Raises:
        ValueError: the moment has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    whole = moment.astimezone(UTC).replace(microsecond=0, tzinfo=None)
    return f"{whole.isoformat()}Z"  # strftime does not pad years


def _in_utc(moment: datetime) -> datetime:
    """The same moment in UTC, where it has years of four digits as well."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{moment.isoformat()} is no time in UTC: its year is not between 0001 and 9999") from None


TIME_PATTERN: Final = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
"""What RFC 3339 allows and every reader reads: the API server's own format also takes a comma before the fraction, and
zones such as +24:00 and +10:60. A bare expression, with the poor message that comes of it, but still a better one than
that of the format: no rule can say it, since CEL sees the moment and not the text. Without the format a rule could; but
then the same moment in another zone would be another text, and a change of spec.window after T0."""
Time = Annotated[
    AwareDatetime,
    AfterValidator(_in_utc),
    PlainSerializer(format_time, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": TIME_PATTERN}),
]
SaneTime = Annotated[
    Time, Rule("self.getFullYear() >= 2000 && self.getFullYear() < 2100", "must be a time in the years 2000 to 2099")
]

DnsName = Annotated[
    str,
    Field(min_length=1, max_length=253),
    Pattern(
        "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
        "must be a Kubernetes name: lower-case letters, digits, '-' and '.', with a letter or digit at both ends",
    ),
]
Identifier = Annotated[
    str,
    Field(min_length=1, max_length=63),
    Pattern(
        "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        "must be lower-case letters, digits and '-', with a letter or digit at both ends",
    ),
]
ShortText = Annotated[str, Field(max_length=256)]
LongText = Annotated[str, Field(max_length=4096)]
SecretKey = Annotated[
    str,
    Field(min_length=1, max_length=253),
    Pattern("^[-._a-zA-Z0-9]+$", "must be a key of a Secret or ConfigMap: letters, digits, '-', '_' and '.'"),
]


class Metadata(Model):
    """The part of an object's metadata that we read."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: Time | None = None
    deletion_timestamp: Time | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """Namespace and name, as logs and messages say them."""
        return f"{self.namespace}/{self.name}"


class Condition(Model):
    """metav1.Condition."""

    type: Annotated[str, Field(max_length=316)]
    """What the condition is about, such as Accepted or Ready."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    reason: Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")]
    """One word for programs, see the table of reasons in the documentation."""
    message: Annotated[str, Field(max_length=32768)] = ""
    """One sentence for people: what was found, what was expected, what to do."""
    last_transition_time: Time
    """When the status last changed."""
    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The generation of the spec this was said of."""


Conditions = Annotated[list[Condition], Field(max_length=24, json_schema_extra=list_map("type"))]


class ConfigMapKey(Model):
    """A key of a ConfigMap of the review's namespace."""

    name: DnsName
    """Name of the ConfigMap."""
    key: SecretKey
    """The key."""

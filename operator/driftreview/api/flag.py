"""Flags: switches that a release must run with, or without."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from driftreview.api.base import ConfigMapKey, Identifier, Model, Pattern, rules
from driftreview.api.configuration import Line
from driftreview.api.signal import Mode

FlagName = Annotated[
    str,
    Field(min_length=1, max_length=63),
    Pattern("^[-._a-zA-Z0-9]+$", "must be letters, digits, '-', '_' and '.', such as USE_NEW_CLI"),
]


class Expect(StrEnum):
    """What is expected of a flag."""

    PRESENT = "Present"
    """It is there."""
    ABSENT = "Absent"
    """It is not there."""
    VALUE = "Value"
    """It is there and has the value."""


class FlagVariable(Model):
    """An environment variable of the judged pods; its name is the flag's."""

    container: Identifier | None = None
    """Of this container; by default of the first one."""


class FlagFrom(Model):
    """Where a flag stands. Exactly one of these."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "[has(self.env), has(self.configMap), has(self.query)].filter(x, x).size() == 1",
                "must name exactly one of env, configMap and query",
            )
        )
    )

    env: FlagVariable | None = None
    """In the environment, as the pod template writes it. A Secret's value is never compared."""
    config_map: ConfigMapKey | None = None
    """In a ConfigMap."""
    query: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """In a metric: PromQL of one series, asked for the moment of the look. Present is a value other than 0; no series
    is unknown, so write `or vector(0)` where a missing one means off."""


class Flag(Model):
    """A switch, and what is expected of it at T0 and at every look."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "(self.expect == 'Value') == has(self.value)",
                "expect: Value needs `value`, and nothing else has one: set both or neither",
            )
        )
    )

    name: FlagName
    """Its name; of an environment variable, that one's."""
    expect: Expect = Expect.PRESENT
    """Present, Absent, or Value."""
    value: Annotated[str, Field(max_length=512)] | None = None
    """The value it must have; from a query, a number such as 1 or 0.5."""
    from_: FlagFrom = Field(alias="from")
    """Where it stands."""
    mode: Mode = Mode.ENFORCE
    """Enforce (what is not as expected holds the review) or Shadow (it is only said)."""


class FlagFact(Model):
    """A flag as it stood."""

    name: FlagName
    """The flag."""
    present: bool | None = None
    """Whether it was there; absent where that is not known."""
    matches: bool | None = None
    """Whether its value was the declared one; absent where nothing is compared."""
    value: Line | None = None
    """Its value, where it is plain, or of a ConfigMap or query, and does not look like a secret."""
    source: Line = ""
    """Where it was found, or was looked for."""

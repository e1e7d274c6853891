"""SignalSet and ClusterSignalSet: signals that many reviews share, and how a review asks for them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from driftreview.api.base import (
    DnsName,
    Identifier,
    LongText,
    Metadata,
    Model,
    Pattern,
    Rule,
    ShortText,
    atomic,
    list_map,
    rules,
)
from driftreview.api.checkpoint import Hash
from driftreview.api.signal import Signal

MOST_SIGNALS: Final = 50
"""Of one set, and of one review with all of its sets."""
MOST_SETS: Final = 10
GIVEN: Final = ("namespace", "target", "pods", "revisionHash", "container")
"""Variables that every query knows."""
_IS_GIVEN: Final = f"in [{', '.join(repr(name) for name in GIVEN)}]"
_CHOOSE: Final = f"{', '.join(GIVEN[:-1])} and {GIVEN[-1]} are given by the review: choose another name"
_NAME: Final = "^[a-zA-Z][a-zA-Z0-9]{0,62}$"
_NAMED: Final = "must be letters and digits, starting with a letter"

Values = Annotated[
    dict[str, Annotated[str, Field(max_length=1024)]],
    Field(
        max_length=32,
        json_schema_extra=rules(
            (f"self.all(name, name.matches('{_NAME}'))", f"a variable's name {_NAMED}"),
            (f"!self.exists(name, name {_IS_GIVEN})", _CHOOSE),
        ),
    ),
]
"""Values of variables, by their names."""


class SignalSetKind(StrEnum):
    """Kinds of signal set."""

    NAMESPACED = "SignalSet"
    """Of the review's namespace."""
    CLUSTER = "ClusterSignalSet"
    """For all namespaces."""


class SignalSetRef(Model):
    """A signal set that a review uses."""

    kind: SignalSetKind = SignalSetKind.NAMESPACED
    """SignalSet (of this namespace) or ClusterSignalSet."""
    name: DnsName
    """Its name."""
    variables: Values = Field(default_factory=dict)
    """Values for the variables that the set declares, as they are: nothing is put into them."""
    prefix: Annotated[Identifier, Field(max_length=20)] | None = None
    """Put before the name of each of its signals, with a '-' between: to use a set twice, or beside one that has a
    signal of the same name."""


class Variable(Model):
    """A value that the queries of a set leave open."""

    name: Annotated[
        str,
        Field(max_length=63),
        Pattern(_NAME, _NAMED),
        Rule(f"!(self {_IS_GIVEN})", _CHOOSE),
    ]
    """Stands in queries as ${name}."""
    default: Annotated[str, Field(max_length=1024)] | None = None
    """Its value where a review gives none; without it every review has to give one."""
    description: ShortText = ""
    """What it is, for those who give it."""


class SignalSetSpec(Model):
    """Signals, and the variables in their queries."""

    description: LongText = ""
    """What the signals are for, and what must be measured for them."""
    variables: Annotated[list[Variable], Field(max_length=32, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """What reviews may or must say."""
    signals: Annotated[list[Signal], Field(min_length=1, max_length=MOST_SIGNALS, json_schema_extra=list_map("name"))]
    """As in a DriftReview. Their queries know what every query knows and the set's variables, not those of a review."""


class SignalSet(Model):
    """Signals for reviews of its namespace, which name it in spec.signalSetRefs. Read until T0, frozen there."""

    metadata: Metadata = Metadata()
    spec: SignalSetSpec
    """The signals."""


class ClusterSignalSet(Model):
    """Signals for reviews of every namespace, which name it in spec.signalSetRefs. Read until T0, frozen there."""

    metadata: Metadata = Metadata()
    spec: SignalSetSpec
    """The signals."""


class UsedSet(Model):
    """A signal set as a review uses it: read anew until T0, and as it was there from then on."""

    kind: SignalSetKind
    """Its kind."""
    name: Annotated[str, Field(max_length=253)]
    """Its name."""
    prefix: Annotated[str, Field(max_length=20)] | None = None
    """What was put before the names of its signals."""
    hash: Hash
    """SHA-256 of its spec."""
    signals_hash: Hash
    """SHA-256 of the signals that it gave, as the T0 snapshot holds them."""


class SetSignal(Signal):
    """A signal that a review has of a set. Where it stands there is never written: it is known from what it is in."""

    ref: Annotated[int, Field(exclude=True)]
    """Which of spec.signalSetRefs."""
    number: Annotated[int, Field(exclude=True)]
    """Which of the set's signals."""


UsedSets = Annotated[list[UsedSet], Field(max_length=MOST_SETS, json_schema_extra=atomic())]


class PinnedSet(UsedSet):
    """A signal set as it was at T0."""

    signals: Annotated[str, Field(max_length=1_000_000)]
    """The signals that it gave: its prefix and values put in, as canonical JSON without defaults."""

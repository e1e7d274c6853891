"""A signal: one query, how it is judged, and how much it counts."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from driftreview.api.base import Identifier, Model, Pattern, Rule, ShortText, rules
from driftreview.api.values import PERCENT, Amount, Duration, Percent, Quantity

Query = Annotated[str, Field(min_length=1, max_length=4096)]


class Worse(StrEnum):
    """In which direction a signal gets worse."""

    HIGHER = "Higher"
    LOWER = "Lower"
    EITHER = "Either"


class Kind(StrEnum):
    """How a signal is judged."""

    LEVEL = "Level"
    """Its level since T0 against the baseline's, and against limits."""
    GROWTH = "Growth"
    """How fast it grows, against a limit per hour."""
    EVENTS = "Events"
    """How often something rare happens, against the baseline's rate, and against a limit for any `for`."""
    LIMIT = "Limit"
    """Never over the alert limit for longer than `for`."""
    PRESENCE = "Presence"
    """Never without a sample for `for` or longer."""
    INFO = "Info"
    """Recorded, not judged."""


class Severity(StrEnum):
    """How bad a degraded signal is."""

    CRITICAL = "Critical"
    MAJOR = "Major"
    MINOR = "Minor"


class Mode(StrEnum):
    """Whether a signal counts."""

    ENFORCE = "Enforce"
    SHADOW = "Shadow"


class OnMissing(StrEnum):
    """What a signal without data means."""

    HOLD = "Hold"
    FAIL = "Fail"
    IGNORE = "Ignore"


class Margin(Model):
    """How much worse is tolerated: the larger of the two."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("has(self.relative) || has(self.absolute)", "set margin.relative, margin.absolute or both"),
        )
    )

    relative: Percent | None = None
    """As a share of the baseline, such as 5%."""
    absolute: Amount | None = None
    """In the signal's unit, such as 2m for two milliseconds of a signal in seconds; kind Events: events in a `for`."""


class Limits(Model):
    """Absolute limits, in the signal's unit."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.baseline) || has(self.alert) || has(self.perHour)",
                "set at least one of limits.baseline, limits.alert and limits.perHour",
            ),
        )
    )

    baseline: Quantity | None = None
    """The baseline must be on the good side of this: a sick T0 proves nothing. If it is not, the review is judged by
    limits only, with baseline.from: Snapshot the signal is Inconclusive."""
    alert: Quantity | None = None
    """On the bad side of this the signal is Degraded, whatever the delta. Kind Growth: the level it must not reach, and
    when it would is foretold. Kind Events: the most events that any `for` may hold."""
    per_hour: Quantity | None = None
    """Kind Growth: growth per hour beyond this is Degraded."""


_SHARE = "double(self.substring(0, self.size() - 1))"


class Signal(Model):
    """One query and how its answer is judged."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.kind != 'Level' || has(self.margin) || (has(self.limits) && has(self.limits.alert))",
                "a Level signal needs margin (how much worse than the baseline is tolerated) or limits.alert",
            ),
            (
                "self.kind != 'Growth' || (has(self.limits) && has(self.limits.perHour))",
                "a Growth signal needs limits.perHour, such as 20Mi",
            ),
            (
                "self.kind == 'Growth' || !has(self.limits) || !has(self.limits.perHour)",
                "limits.perHour is for kind: Growth; use limits.alert, or set kind: Growth",
            ),
            (
                "self.kind != 'Limit' || (has(self.limits) && has(self.limits.alert))",
                "a Limit signal needs limits.alert, the value it must not exceed for longer than `for`",
            ),
            (
                "self.kind != 'Events' || has(self.margin) || (has(self.limits) && has(self.limits.alert))",
                "an Events signal needs margin (how many more than at the baseline's rate) or limits.alert",
            ),
            (
                "self.kind != 'Events' || has(self.for)",
                "an Events signal needs `for`, the stretch of time the query counts in: 5m for increase(...[5m])",
            ),
            (
                "self.kind in ['Level', 'Events'] || !has(self.margin)",
                "margin is for kind: Level and Events; drop it, or set another kind",
            ),
            (
                "self.kind == 'Level' || !has(self.covariate)",
                "covariate is for kind: Level; drop it, or set kind: Level",
            ),
            (
                "!has(self.covariate) || has(self.margin)",
                "a covariate explains the difference to the baseline: set margin too, or drop it",
            ),
            (
                "self.kind in ['Limit', 'Events', 'Presence'] || !has(self.for)",
                "`for` is for kind: Limit, Events and Presence; drop it, or set another kind",
            ),
            (
                "self.kind != 'Presence' || has(self.for)",
                "a Presence signal needs `for`, how long it may be without a sample, such as 5m",
            ),
            (
                "self.kind != 'Presence' || !has(self.limits)",
                "a Presence signal has no limits, only `for`; drop limits, or write them into the query (x > 0)",
            ),
            ("self.kind == 'Level' || !has(self.control)", "control is for kind: Level; drop it, or set kind: Level"),
            ("self.kind == 'Level' || !has(self.per)", "per is for kind: Level; drop it, or set kind: Level"),
            (
                "!has(self.control) || has(self.margin)",
                "a control is what margin is measured against: set margin, or drop control (limits.alert needs none)",
            ),
            (
                "!has(self.control) || !has(self.per)",
                "control and per exclude each other: write the quotient into query and control, or drop one of the two",
            ),
            (
                "!has(self.minTraffic) || has(self.per)",
                "minTraffic is the least mean of `per`: set per, or drop minTraffic",
            ),
            (
                "self.worse != 'Either' || !has(self.limits)",
                "with worse: Either a limit has no side; choose Higher or Lower, or leave limits out",
            ),
        )
    )

    name: Identifier
    """Name of the signal, unique in the review."""
    query: Query
    """PromQL; may use ${namespace}, ${target}, ${pods}, ${revisionHash}, ${container} and spec.variables."""
    control: Query | None = None
    """Kind Level: the same of pods that the release does not touch; what changes for both is no drift."""
    per: Query | None = None
    """Kind Level: what the query is divided by, such as requests of which it counts the failed ones."""
    min_traffic: Amount | None = None
    """The least mean of `per`: a block with less has no traffic, and no value."""
    unit: Annotated[
        str, Field(max_length=32), Pattern("^[^\\x00-\\x1f\\x7f]*$", "must be printable text, such as s, By or %")
    ] = ""
    """Unit of the values, such as s, By or %."""
    kind: Kind = Kind.LEVEL
    """How it is judged."""
    worse: Worse = Worse.HIGHER
    """In which direction it gets worse."""
    margin: Margin | None = None
    """How much worse than the baseline is tolerated."""
    covariate: Identifier | None = None
    """Kind Level: another signal of this review, of kind Level or Info, that this one follows, such as the requests per
    second that a latency follows. What it explains is not put down to the release; the release must not change it."""
    limits: Limits | None = None
    """Absolute limits."""
    for_: Duration | None = Field(default=None, alias="for")
    """Kind Limit: how long the alert limit must be exceeded without a break. Kind Events: the stretch of time whose
    events the query counts, such as 5m for increase(...[5m]). Kind Presence: how long there must be no sample."""
    each: (
        Annotated[
            str,
            Field(max_length=128),
            Pattern("^[a-zA-Z_][a-zA-Z0-9_]*$", "must be a label's name: letters, digits and '_', such as symbol"),
        ]
        | None
    ) = None
    """Judge every series of this label by itself; without it, more than one series is an error."""
    severity: Severity = Severity.MAJOR
    """How bad it is when degraded."""
    mode: Mode = Mode.ENFORCE
    """Shadow: judged and shown, but never counted."""
    on_missing: OnMissing = OnMissing.HOLD
    """What it means when there is no data: Hold the promotion, Fail (counts as Degraded), or Ignore the signal."""
    min_coverage: Annotated[
        Percent,
        Rule(PERCENT.unless(f"{_SHARE} > 0.0 && {_SHARE} <= 100.0", "self"), "must be more than 0%, at most 100%"),
    ] = "90%"
    """Share of the window that must be covered by samples."""
    runbook: ShortText = ""
    """What to do when it is degraded."""
    section: Annotated[str, Field(max_length=64)] = ""
    """Where the report shows it."""

    @property
    def queries(self) -> dict[str, str]:
        """All of its queries, by the field that holds them."""
        found = {"query": self.query, "control": self.control, "per": self.per}
        return {field: query for field, query in found.items() if query is not None}

    @property
    def companion(self) -> tuple[str, str] | None:
        """The field that holds a second query, and that query."""
        return next(((field, query) for field, query in self.queries.items() if field != "query"), None)

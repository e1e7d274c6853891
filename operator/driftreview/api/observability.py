"""Observability: where a release is looked at, and what a look finds of its metrics and rules."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from driftreview.api.base import Model, Time, atomic, list_map, rules
from driftreview.api.checkpoint import Hash

MOST_NAMES: Final = 2000
LONGEST_NAMES: Final = 131_072
"""Characters of the names of one look, as they are packed."""
MOST_FAILING: Final = 50


class Dashboard(Model):
    """A page for people. It is listed, and never fetched."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    """What it shows."""
    url: Annotated[
        str,
        Field(
            max_length=1024,
            json_schema_extra=rules(
                (
                    "isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != ''",
                    "must be an http:// or https:// address such as https://grafana.example.org/d/shop",
                ),
                ("!self.contains('@')", "must hold no user or password: who may read the review reads it"),
            ),
        ),
    ]
    """Its address."""


class Observability(Model):
    """Where the release is looked at."""

    dashboards: Annotated[list[Dashboard], Field(max_length=20, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    """Pages for people, as links."""


class MetricNames(Model):
    """The names of the metrics that the judged pods had."""

    hash: Hash
    """SHA-256 of all names."""
    count: Annotated[int, Field(ge=0)]
    """How many."""
    names: Annotated[str, Field(max_length=LONGEST_NAMES)] | None = None
    """The names in order, separated by spaces, each as how many characters it shares with the one before, a comma and
    the rest; what is no letter, digit, '_' or ':' as in an address. Absent where there are too many."""


class FailingRule(Model):
    """A rule that the source could not evaluate."""

    group: Annotated[str, Field(max_length=200)]
    """Its group."""
    name: Annotated[str, Field(max_length=200)]
    """Its name."""
    health: Annotated[str, Field(max_length=20)]
    """How it fares, as the source says it."""
    error: Annotated[str, Field(max_length=256)] = ""
    """Why."""
    evaluated: Time | None = None
    """When it was last tried."""


class RulesFact(Model):
    """The rules that the source had loaded."""

    count: Annotated[int, Field(ge=0)]
    """All of them."""
    alerting: Annotated[int, Field(ge=0)]
    """Those that make alerts."""
    failing: Annotated[list[FailingRule], Field(max_length=MOST_FAILING, json_schema_extra=atomic())] = Field(
        default_factory=list
    )
    """Those that could not be evaluated."""
    oldest: Time | None = None
    """When the rule that waits longest was evaluated: long ago, the source has stopped."""


class ObservabilityFact(Model):
    """What of a release can be seen."""

    metrics: MetricNames | None = None
    """The metrics of the judged pods; absent where they are not known."""
    rules: RulesFact | None = None
    """The source's rules, where alerts or observability are declared; absent where they are not known."""

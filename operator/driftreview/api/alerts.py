"""Alerts: which of Prometheus' alerts concern a release, and what a look finds of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from driftreview.api.base import Identifier, Model, Time, atomic
from driftreview.api.signal import Mode

MOST_ALERTS: Final = 100


class AlertRules(StrEnum):
    """What is done about alert rules."""

    GENERATE = "Generate"


class Alerts(Model):
    """Which alerts concern the release."""

    match: Annotated[str, Field(min_length=1, max_length=1024)] = '{namespace="${namespace}"}'
    """Label matchers, as PromQL writes them, with the variables of queries."""
    heartbeat: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Name of an alert that always fires, such as Watchdog: while it does not, the absence of others proves nothing."""
    mode: Mode = Mode.ENFORCE
    """Enforce (a new alert of severity critical or page holds the review) or Shadow (it is only said)."""
    rules: AlertRules | None = None
    """Generate: once T0 is frozen, alert rules made of the signals are written, as a PrometheusRule where the cluster
    has that kind, else into a ConfigMap. Left out: none."""


class AlertFact(Model):
    """An alert that fired."""

    name: Annotated[str, Field(max_length=200)]
    """Its name."""
    severity: Annotated[str, Field(max_length=64)] = ""
    """Its label severity."""
    since: Time
    """When it first fired in this stretch of time."""
    until: Time
    """When it last fired in it."""
    seconds: Annotated[int, Field(ge=0)]
    """For how long it fired in it, as far as it was looked at."""
    firing: bool
    """Whether it fired at its end."""


class AlertsFact(Model):
    """The alerts of a stretch of time: at T0 as long as the baseline, at a look since T0."""

    since: Time
    """Its start."""
    until: Time
    """Its end."""
    fired: Annotated[list[AlertFact], Field(max_length=MOST_ALERTS, json_schema_extra=atomic())] = Field(
        default_factory=list
    )
    """What fired, the gravest first."""
    left_out: Annotated[int, Field(ge=0)] = 0
    """How many more there were."""
    heartbeat: bool | None = None
    """Whether the heartbeat fired at the end; absent where none is declared, or it is not known."""
    unwatched: Annotated[list[Identifier], Field(max_length=50, json_schema_extra=atomic())] | None = None
    """Signals with limits of whose metrics no alert rule speaks; absent where the rules are not known."""

"""What was read before T0, for preflight to judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from driftreview.domain.alertrules import Rule
from driftreview.domain.pods import Pod


@dataclass(frozen=True)
class Unknown:
    """What could not be found out, and why."""

    message: str


@dataclass(frozen=True)
class Retention:
    """What the source holds."""

    needs_from: datetime | None
    """Where the baseline's window begins; None where none is taken from history."""
    holds_first: bool
    """Whether it has something of the first part of that window."""
    needs: timedelta
    """How long it must keep a sample for the last look to see all of its window."""
    keeps: timedelta | Unknown | None
    """How long it keeps one; None is for ever, or by size alone."""


@dataclass(frozen=True)
class Clocks:
    """How far other clocks are ahead of ours, by at least so much; None where they did not say."""

    source: timedelta | Unknown
    api_server: timedelta | Unknown


@dataclass(frozen=True)
class Readings:
    """What was read before T0; None is what was not looked at."""

    taken_at: datetime
    pods: tuple[Pod, ...] | Unknown | None = None
    """The pods of the judged revision."""
    scraped: Mapping[str, bool] | Unknown | None = None
    """By judged pod that is a target of the source: whether one of its targets answers."""
    silent: tuple[str, ...] = ()
    """Signals without data."""
    vague: tuple[str, ...] | Unknown | None = None
    """Signals too noisy for their margin, and how."""
    retention: Retention | Unknown | None = None
    clocks: Clocks | None = None
    rules: tuple[Rule, ...] | Unknown | None = None
    """The rules that the source has loaded."""
    is_first: bool = False
    """Whether nothing of the target ran before, and a baseline would be History."""
    previous: str | None = ""
    """The revision to go back to; None if there is none."""
    hindrances: tuple[str, ...] = ()
    """What keeps a rollback to it from being done now."""

"""Preflight: what must be in order before T0, and what is said of what is not."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import ConfigDict, Field

from driftreview.api.base import Model, Pattern, ShortText, atomic, rules

MOST_FINDINGS: Final = 24
"""Findings that are kept; the last one says how many more there are."""


class PreflightCheck(StrEnum):
    """What is looked at before T0."""

    CONTINUOUS_OPERATION = "ContinuousOperation"
    """The containers of the judged pods go on: none exits 0 and is restarted, or keeps crashing."""
    METRICS_SCRAPED = "MetricsScraped"
    """The source scrapes the judged pods."""
    SIGNALS_PRESENT = "SignalsPresent"
    """Every enforced signal has data."""
    RESOLUTION = "Resolution"
    """The noise of the history lets the margins be seen; looked at before T0 only where it is required."""
    RETENTION = "Retention"
    """The source holds the baseline's window, and will hold the review's."""
    CLOCK_SKEW = "ClockSkew"
    """The clocks of the source, the API server and the operator agree."""
    ROLLBACK_POSSIBLE = "RollbackPossible"
    """There is a revision to go back to, and nothing hinders a rollback to it."""
    ALERT_RULES_LOADED = "AlertRulesLoaded"
    """Where alerts are declared: their rules and the heartbeat's are loaded and evaluated, and speak of the signals."""


class FindingSeverity(StrEnum):
    """What a finding does."""

    BLOCKER = "Blocker"
    """The review stays Pending until it is mended."""
    WARNING = "Warning"
    """The review starts; it is an outstanding risk."""


class Forbidden(Model):
    """An argument or a variable that no container of the judged pods may have. Exactly one of arg and env."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("has(self.arg) != has(self.env)", "must name exactly one of arg and env"),
            ("has(self.env) || !has(self.value)", "value is that of env: name the variable in env, or drop value"),
        )
    )

    arg: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """Words of a command line, such as --dry-run or --profile dev. --dry-run is also found as --dry-run=yes, not as
    --dry-run=false; --profile dev also as --profile=dev."""
    env: (
        Annotated[
            str,
            Field(min_length=1, max_length=128),
            Pattern("^[-._a-zA-Z][-._a-zA-Z0-9]*$", "must be the name of an environment variable, such as BROKER"),
        ]
        | None
    ) = None
    """Name of an environment variable."""
    value: Annotated[str, Field(max_length=256)] | None = None
    """Its value; by default no value is allowed."""
    impact: ShortText = ""
    """What it does to the review, for people."""
    fix: ShortText = ""
    """What to do about it, for people."""


_Checks = Annotated[list[PreflightCheck], Field(max_length=16, json_schema_extra={"x-kubernetes-list-type": "set"})]


class Preflight(Model):
    """What must be in order before T0."""

    forbid: Annotated[list[Forbidden], Field(max_length=16, json_schema_extra=atomic())] = Field(default_factory=list)
    """What the judged pods may not run with; each is a blocker."""
    require: _Checks = Field(default_factory=list)
    """Checks that are blockers: what they find, or cannot find out, keeps the review in Pending until it is mended."""
    warn_only: _Checks = Field(default=list(PreflightCheck))
    """Checks that only warn; one that is required as well is a blocker, one in neither list is not looked at."""


class PreflightFinding(Model):
    """Something that is not in order."""

    name: Annotated[str, Field(max_length=64)]
    """The check, or ForbiddenArgument, ForbiddenVariable or FirstRelease."""
    severity: FindingSeverity
    """Blocker or Warning."""
    message: Annotated[str, Field(max_length=512)]
    """What is."""
    impact: ShortText = ""
    """What that does to the review."""
    fix: ShortText = ""
    """What to do about it."""


Findings = Annotated[list[PreflightFinding], Field(max_length=MOST_FINDINGS, json_schema_extra=atomic())]

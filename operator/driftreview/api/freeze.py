"""Freezes: times in which nothing is promoted, once or by a rule of RFC 5545, in a time zone."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import ConfigDict, Field

from driftreview.api.base import Identifier, Model, Pattern, Time, rules
from driftreview.api.checkpoint import Sentence
from driftreview.api.values import Duration, between

LONGEST: Final = "90d"
"""Of one freeze: as long as people may extend a rollback window to."""
_NUMBERS: Final = "BYMONTH|BYMONTHDAY|BYYEARDAY|BYWEEKNO|BYSETPOS"
_PARTS: Final = (
    "(INTERVAL|COUNT)=[1-9][0-9]{0,3}",
    "UNTIL=20[0-9]{6}(T[0-9]{6}Z?)?",
    f"({_NUMBERS})=[-+]?[0-9]{{1,3}}(,[-+]?[0-9]{{1,3}})*",
    "BYDAY=([-+]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)(,([-+]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU))*",
    "WKST=(MO|TU|WE|TH|FR|SA|SU)",
)
RECURRENCE: Final = Pattern(
    f"^FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)(;({'|'.join(_PARTS)}))*$",
    (
        "must be a rule of RFC 5545 such as FREQ=WEEKLY;BYDAY=FR: FREQ first (DAILY, WEEKLY, MONTHLY or YEARLY), and no"
        " BYHOUR, BYMINUTE or BYSECOND, as start says at which time of the day"
    ),
    names_value=True,
)
LOCAL_TIME: Final = Pattern(
    "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$",
    "must be a local date and time such as 2026-12-18T18:00, without a zone: timeZone says which",
    names_value=True,
)
TIME_ZONE: Final = Pattern(
    "^(UTC|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z0-9_+-]+){1,2})$",
    "must be a name of the IANA time zone database such as Europe/Berlin, or UTC",
    names_value=True,
)
LocalTime = Annotated[str, Field(max_length=32), LOCAL_TIME]


class Freeze(Model):
    """A time in which nothing is promoted. It delays no rollback."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("has(self.end) != has(self.duration)", "a freeze has either end or duration: drop one, or add one"),
            ("!has(self.end) || self.end > self.start", "end must be after start"),
        )
    )

    name: Identifier
    """What it is called, such as year-end."""
    reason: Annotated[str, Field(max_length=256)] = ""
    """Why, for the people who wait."""
    time_zone: Annotated[str, Field(max_length=64), TIME_ZONE] = "UTC"
    """In which start, end and recurrence are read, such as Europe/Berlin."""
    start: LocalTime
    """When it first begins, by the clock there; with a recurrence, from when on it counts, and at which time of day."""
    end: LocalTime | None = None
    """When that ends, by the clock there; as long after start by the clock each time. At most 90d after it."""
    duration: Annotated[Duration, between("1m", LONGEST)] | None = None
    """Instead of end: how long it takes, whatever the clock there does meanwhile; 1m to 90d."""
    recurrence: Annotated[str, Field(max_length=256), RECURRENCE] | None = None
    """When it begins again: a rule of RFC 5545, such as FREQ=WEEKLY;BYDAY=FR. Once, if left out."""


class FreezeStatus(Model):
    """Whether promotions are frozen, and until when."""

    closed: bool
    """Whether nothing is promoted now."""
    reason: Sentence = ""
    """Why."""
    next_open: Time | None = None
    """While closed: when promotions go on; absent if not within a year."""
    next_close: Time | None = None
    """When the next freeze begins after that; absent if not within a year."""

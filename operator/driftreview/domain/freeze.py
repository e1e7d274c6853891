"""When promotions are frozen: freezes in their time zones, merged, around a moment. Rollbacks never ask for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.rrule import rrule, rrulestr

from driftreview.api.driftreview import DriftReview
from driftreview.api.driftsnapshot import Problem
from driftreview.api.freeze import LONGEST, Freeze, FreezeStatus
from driftreview.api.reasons import Reason
from driftreview.api.status import DriftReviewStatus
from driftreview.api.values import parse_duration
from driftreview.domain.display import plain, shorten, some
from driftreview.domain.status import said

AHEAD: Final = timedelta(days=366)
"""How far ahead the end of a freeze and the next one are looked for."""
_LATE: Final = 19 * 400
"""Years by which rules are read later. The calendar repeats every 400 years to the weekday, and dateutil looks for the
next time until the year 9999: a rule that never comes true costs the third of a second, and not ten."""
_MOST_REASON: Final = 128
_MOST_SENTENCE: Final = 512


@dataclass(frozen=True)
class Unreadable:
    """What is wrong with a freeze that the schema cannot see."""

    field: str
    message: str


@dataclass(frozen=True)
class Stretch:
    """One time in which a freeze holds; its end is not in it."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class _Read:
    zone: ZoneInfo
    start: datetime
    length: timedelta
    rule: rrule | None
    by_clock: bool
    """Whether the length is one of the clock there, which may be set meanwhile."""


def unreadable_freezes(freezes: Sequence[Freeze]) -> Iterator[Problem]:
    """Every freeze that could never hold, or is of no known time zone."""
    for index, freeze in enumerate(freezes):
        if isinstance(found := _read(freeze), Unreadable):
            text = f"spec.policy.freezes[{index}].{found.field}: freeze {freeze.name}: {found.message}"
            yield Problem(reason=Reason.INVALID_SPEC, message=text)


def with_freeze(review: DriftReview, status: DriftReviewStatus, now: datetime) -> DriftReviewStatus:
    """Say whether promotions are frozen, where the review has freezes."""
    return status.model_copy(update={"freeze": freeze_at(review, now) if review.spec.policy.freezes else None})


def is_frozen(review: DriftReview, now: datetime) -> bool:
    """Whether nothing is promoted at a moment."""
    return freeze_at(review, now).closed


def outlasts(freeze: FreezeStatus, moment: datetime) -> bool:
    """Whether promotions are frozen now, and without a break until a moment."""
    return freeze.closed and (freeze.next_open is None or freeze.next_open >= moment)


def frozen_until(freeze: FreezeStatus) -> str:
    """That promotions are frozen now, until when and by what."""
    until = f" until {said(freeze.next_open)}" if freeze.next_open else ""
    return f"promotions are frozen{until} by {freeze.reason}"


def freeze_at(review: DriftReview, now: datetime) -> FreezeStatus:
    """Whether promotions are frozen at a moment, and until when.

    A freeze that cannot be read (they may be changed while the review goes on, when nothing can refuse them any more)
    counts as one without an end: it costs a promotion some time, and a promotion that nobody wanted costs more.
    """
    freezes = review.spec.policy.freezes
    for problem in unreadable_freezes(freezes):
        return FreezeStatus(closed=True, reason=shorten(f"{problem.message}; mend or drop it", _MOST_SENTENCE))
    stretches = [(each, one) for each in freezes for one in _around(each, now.astimezone(UTC).date())]
    named = [_named(each) for each, one in stretches if one.start <= now < one.end]
    reach = now
    for one in sorted((one for _, one in stretches), key=lambda one: one.start):
        if one.start > reach:
            break
        reach = max(reach, one.end)
    ends = reach <= now + AHEAD
    begins = min((one.start for _, one in stretches if reach < one.start <= now + AHEAD), default=None)
    return FreezeStatus(
        closed=bool(named),
        reason=shorten(some(list(dict.fromkeys(named))), _MOST_SENTENCE),
        next_open=reach if named and ends else None,
        next_close=begins,
    )


def _named(freeze: Freeze) -> str:
    return f"{freeze.name} ({plain(freeze.reason, _MOST_REASON)})" if freeze.reason else freeze.name


@lru_cache(maxsize=256)
def _read(freeze: Freeze) -> _Read | Unreadable:
    try:
        zone = ZoneInfo(freeze.time_zone)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return Unreadable("timeZone", f"{freeze.time_zone!r} is no known time zone; write one such as Europe/Berlin")
    start, end = _local(freeze.start), _local(freeze.end or freeze.start)
    if start is None or end is None:
        field, text = ("end", freeze.end) if start is not None else ("start", freeze.start)
        return Unreadable(field, f"{text!r}: there is no such day")
    length = end - start if freeze.end is not None else parse_duration(freeze.duration or "0s")
    if not timedelta(0) < length <= parse_duration(LONGEST):
        return Unreadable("end", f"{freeze.end!r} must be after start ({freeze.start!r}), by at most {LONGEST}")
    if freeze.recurrence is None:
        return _Read(zone, start, length, None, by_clock=freeze.end is not None)
    rule = _rule(freeze.recurrence, start, zone)
    if isinstance(rule, str):
        return Unreadable("recurrence", f"{freeze.recurrence!r} {rule}")
    return _Read(zone, start, length, rule, by_clock=freeze.end is not None)


def _local(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _rule(text: str, start: datetime, zone: ZoneInfo) -> rrule | str:
    """The rule, read late; or what is wrong with it."""
    pairs = [part.split("=", 1) for part in text.split(";")]
    parts = dict(pairs)
    if len(parts) < len(pairs):
        return "names a part twice"
    if "COUNT" in parts and "UNTIL" in parts:
        return "has both COUNT and UNTIL: drop one"
    most = _most_weekdays(parts)
    if any(not 1 <= int(each) <= most for each in re.findall("[0-9]+", parts.get("BYDAY", ""))):
        return "numbers a weekday (as 1MO) beyond what there is: 1 to 5 of a month, 1 to 53 of a year, none of a week"
    if "UNTIL" in parts:
        until = _until(parts["UNTIL"], zone)
        if until is None:
            return "has no such day as UNTIL"
        parts["UNTIL"] = f"{_late(until):%Y%m%dT%H%M%S}"
    try:
        found = rrulestr(";".join(f"{name}={value}" for name, value in parts.items()), dtstart=_late(start))
        begins = next(iter(found), None)
    except (IndexError, ValueError) as error:
        return f"is no rule of RFC 5545: {error}"
    if not isinstance(found, rrule) or begins is None:
        return f"never begins after start, {start:%Y-%m-%dT%H:%M}"
    return found


def _most_weekdays(parts: Mapping[str, str]) -> int:
    """How many of one weekday there are where a rule may number them; beyond these dateutil falls over."""
    of_year = 5 if "BYMONTH" in parts else 53
    return {"MONTHLY": 5, "YEARLY": of_year}.get(parts["FREQ"], 0)


def _until(text: str, zone: ZoneInfo) -> datetime | None:
    """The last moment by the clock there: the whole of a day, or a moment there or (with Z) of UTC."""
    try:
        moment = datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError:
        return None
    if "T" not in text:
        return datetime.combine(moment, time.max).replace(microsecond=0)
    return moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None) if text.endswith("Z") else moment


def _late(moment: datetime) -> datetime:
    return moment.replace(year=moment.year + _LATE)


@lru_cache(maxsize=128)
def _around(freeze: Freeze, day: date) -> tuple[Stretch, ...]:
    """When a freeze holds that could be of interest on a day."""
    read = _read(freeze)
    if isinstance(read, Unreadable):
        return ()
    noon, beside = datetime.combine(day, time(12)), timedelta(days=2)
    first, last = noon - read.length - beside, noon + AHEAD + beside
    if read.rule is None:
        begins = [read.start]
    else:
        try:
            late = read.rule.between(_late(first), _late(last), inc=True)
        except (IndexError, ValueError):  # of dateutil, at one year of many: rather frozen than no step of the review
            return (Stretch(*(each.replace(tzinfo=UTC) for each in (first, last))),)
        begins = [each.replace(year=each.year - _LATE) for each in late]
    return tuple(_stretch(read, begin) for begin in begins)


def _stretch(read: _Read, begin: datetime) -> Stretch:
    """Where the clock leaves an hour out, or has one twice, a freeze holds from the earlier to the later reading."""
    start = min(_readings(begin, read.zone))
    return Stretch(start, max(_readings(begin + read.length, read.zone)) if read.by_clock else start + read.length)


def _readings(moment: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    for fold in (0, 1):
        yield moment.replace(tzinfo=zone, fold=fold).astimezone(UTC)

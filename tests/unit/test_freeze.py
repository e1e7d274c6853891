"""When promotions are frozen: by the clock of a place, by rules, and however they are written."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from driftreview.api.freeze import Freeze, FreezeStatus
from driftreview.domain.freeze import AHEAD, freeze_at, is_frozen, unreadable_freezes
from tests.builders import review

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)  # a Sunday
BERLIN = {"timeZone": "Europe/Berlin"}
WEEKEND = {"start": "2026-01-02T18:00", "end": "2026-01-05T08:00", "recurrence": "FREQ=WEEKLY;BYDAY=FR", **BERLIN}


def freeze(**fields: Any) -> dict[str, Any]:
    given = {"name": "year-end", "start": "2026-12-18T18:00", "end": "2027-01-04T08:00"} | fields
    return {name: value for name, value in given.items() if value is not None}


def at(now: datetime, *freezes: dict[str, Any]) -> FreezeStatus:
    return freeze_at(review(policy={"freezes": list(freezes)}), now)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def wrong(**fields: Any) -> str:
    found = list(unreadable_freezes([Freeze.model_validate(freeze(**fields))]))
    return "; ".join(each.message for each in found)


class TestOnce:
    def test_it_holds_from_its_start_and_not_at_its_end_any_more(self) -> None:
        start, end = utc(2026, 12, 18, 18), utc(2027, 1, 4, 8)
        assert at(NOW, freeze()) == FreezeStatus(closed=False, next_close=start)
        assert at(start, freeze(reason="nobody is here")) == FreezeStatus(
            closed=True, reason="year-end (nobody is here)", next_open=end
        )
        assert at(end - timedelta(seconds=1), freeze()).closed
        assert at(end, freeze()) == FreezeStatus(closed=False)

    def test_its_times_are_those_of_its_place(self) -> None:
        found = at(NOW, freeze(**BERLIN))
        assert found.next_close == utc(2026, 12, 18, 17)

    def test_a_duration_instead_of_an_end(self) -> None:
        found = at(utc(2026, 12, 19), freeze(end=None, duration="36h"))
        assert found.next_open == utc(2026, 12, 20, 6)

    def test_without_freezes_nothing_is_frozen(self) -> None:
        assert not is_frozen(review(), NOW)


class TestRules:
    def test_every_weekend_and_when_the_next_one_begins(self) -> None:
        found = at(NOW, freeze(**WEEKEND))
        assert (found.closed, found.next_open, found.next_close) == (True, utc(2026, 11, 23, 7), utc(2026, 11, 27, 17))

    def test_until_a_day_takes_all_of_it(self) -> None:
        rule = {"start": "2026-11-01T12:00", "end": "2026-11-01T13:00"}
        last = utc(2026, 11, 10, 12, 30)
        for until in ("20261110", "20261110T120000", "20261110T120000Z"):
            found = freeze(**rule, recurrence=f"FREQ=DAILY;UNTIL={until}")
            assert (at(last, found).closed, at(last + timedelta(days=1), found).closed) == (True, False)
        assert not at(last, freeze(**rule, recurrence="FREQ=DAILY;UNTIL=20261110T115959")).closed

    def test_an_end_of_utc_is_one_at_the_place_too(self) -> None:
        tokyo = {"start": "2026-11-01T12:00", "end": "2026-11-01T13:00", "timeZone": "Asia/Tokyo"}
        third = utc(2026, 11, 3, 3, 30)
        assert at(third, freeze(**tokyo, recurrence="FREQ=DAILY;UNTIL=20261103T030000Z")).closed
        assert not at(third, freeze(**tokyo, recurrence="FREQ=DAILY;UNTIL=20261103T025959Z")).closed

    def test_so_many_times(self) -> None:
        twice = freeze(start="2026-11-20T00:00", end="2026-11-21T00:00", recurrence="FREQ=WEEKLY;COUNT=2")
        assert at(utc(2026, 11, 27, 1), twice).closed
        assert not at(utc(2026, 12, 4, 1), twice).closed

    def test_the_rule_says_on_which_days_also_the_first_time(self) -> None:
        found = freeze(start="2026-11-02T18:00", end="2026-11-02T19:00", recurrence="FREQ=WEEKLY;BYDAY=FR")
        assert at(utc(2026, 11, 1), found).next_close == utc(2026, 11, 6, 18)

    def test_a_leap_day_that_is_years_ahead_is_not_looked_for(self) -> None:
        found = freeze(
            start="2024-02-29T00:00", end="2024-03-01T00:00", recurrence="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"
        )
        assert at(utc(2028, 2, 29, 12), found).closed
        assert at(NOW, found) == FreezeStatus(closed=False)

    def test_what_touches_is_one(self) -> None:
        first = freeze(name="a", start="2026-11-22T00:00", end="2026-11-22T12:00")
        second = freeze(name="b", start="2026-11-22T12:00", end="2026-11-23T00:00")
        third = freeze(name="c", start="2026-11-22T06:00", end="2026-11-22T09:00")
        found = at(NOW, first, second, third)
        assert (found.reason, found.next_open, found.next_close) == ("a, c", utc(2026, 11, 23), None)

    def test_one_that_never_ends_is_told_without_an_end(self) -> None:
        always = freeze(start="2026-01-01T00:00", end=None, duration="1d", recurrence="FREQ=DAILY")
        assert at(NOW, always) == FreezeStatus(closed=True, reason="year-end")

    def test_how_far_is_looked_ahead(self) -> None:
        day = NOW + AHEAD
        near, far = (f"{each:%Y-%m-%dT%H:%M}" for each in (day, day + timedelta(minutes=1)))
        assert at(NOW, freeze(start=near, end=None, duration="1h")).next_close == day
        assert at(NOW, freeze(start=far, end=None, duration="1h")).next_close is None


class TestClockChanges:
    """In Berlin 02:30 of 29 March 2026 is left out, and 02:30 of 25 October is there twice."""

    def test_every_day_at_six_is_at_six_all_year(self) -> None:
        daily = freeze(start="2026-01-01T18:00", end="2026-01-01T19:00", recurrence="FREQ=DAILY", **BERLIN)
        assert at(utc(2026, 3, 28, 17, 30), daily).closed
        assert at(utc(2026, 3, 29, 16, 30), daily).closed
        assert not at(utc(2026, 3, 29, 17, 30), daily).closed

    def test_an_end_is_by_the_clock_and_a_duration_is_not(self) -> None:
        start = {"start": "2026-03-28T18:00", **BERLIN}
        assert at(utc(2026, 3, 29), freeze(**start, end="2026-03-29T18:00")).next_open == utc(2026, 3, 29, 16)
        assert at(utc(2026, 3, 29), freeze(**start, end=None, duration="24h")).next_open == utc(2026, 3, 29, 17)

    def test_an_hour_that_is_there_twice_is_frozen_from_its_first_to_its_second_time(self) -> None:
        found = freeze(start="2026-10-25T02:00", end="2026-10-25T02:30", **BERLIN)
        assert at(utc(2026, 10, 25), found).next_open == utc(2026, 10, 25, 1, 30)
        assert not at(utc(2026, 10, 24, 23, 59), found).closed

    def test_an_hour_that_is_left_out_is_frozen_all_the_same(self) -> None:
        found = freeze(start="2026-03-29T02:30", end="2026-03-29T03:00", **BERLIN)
        assert at(utc(2026, 3, 29, 0, 45), found).closed


class TestWrong:
    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"timeZone": "Europe/Atlantis"}, ".timeZone: freeze year-end: 'Europe/Atlantis' is no known time zone"),
            ({"timeZone": "America/Argentina"}, "'America/Argentina' is no known time zone"),
            ({"start": "2026-02-30T00:00"}, ".start: freeze year-end: '2026-02-30T00:00': there is no such day"),
            ({"end": "2026-02-30T00:00"}, ".end: freeze year-end: '2026-02-30T00:00': there is no such day"),
            ({"end": "2026-12-18T18:00:00"}, "must be after start ('2026-12-18T18:00'), by at most 90d"),
            ({"end": "2027-06-18T18:00"}, "must be after start ('2026-12-18T18:00'), by at most 90d"),
            ({"recurrence": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"}, "never begins after start, 2026-12-18T18:00"),
            ({"recurrence": "FREQ=DAILY;UNTIL=20260101"}, "never begins after start"),
            ({"recurrence": "FREQ=DAILY;UNTIL=20260230"}, "has no such day as UNTIL"),
            ({"recurrence": "FREQ=DAILY;BYMONTH=1;BYMONTH=2"}, "names a part twice"),
            ({"recurrence": "FREQ=DAILY;COUNT=2;UNTIL=20300101"}, "has both COUNT and UNTIL"),
            ({"recurrence": "FREQ=WEEKLY;BYDAY=1MO"}, "numbers a weekday (as 1MO)"),
            ({"recurrence": "FREQ=MONTHLY;BYDAY=6MO"}, "1 to 5 of a month"),
            ({"recurrence": "FREQ=YEARLY;BYMONTH=12;BYDAY=MO,6MO"}, "1 to 5 of a month"),
            ({"recurrence": "FREQ=YEARLY;BYDAY=0MO"}, "numbers a weekday"),
            ({"recurrence": "FREQ=YEARLY;BYDAY=MO;BYSETPOS=999"}, "is no rule of RFC 5545: bysetpos must be"),
        ],
    )  # fmt: skip
    def test_it_is_said_where_and_what(self, fields: dict[str, str], says: str) -> None:
        found = wrong(**fields)
        assert found.startswith("spec.policy.freezes[0].")
        assert says in found

    @pytest.mark.parametrize(
        "rule",
        ["FREQ=HOURLY", "FREQ=MINUTELY", "FREQ=SECONDLY", "FREQ=DAILY;BYHOUR=1,2", "FREQ=DAILY;BYSECOND=1", "BYDAY=MO",
         "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;COUNT=99999", "RRULE:FREQ=DAILY", "FREQ=DAILY;BYEASTER=1", ""],
    )  # fmt: skip
    def test_more_than_one_a_day_is_no_rule_of_ours(self, rule: str) -> None:
        with pytest.raises(ValueError, match="must be a rule of RFC 5545"):
            Freeze.model_validate(freeze(recurrence=rule))

    @pytest.mark.parametrize("zone", ["../../etc/passwd", "localtime", "/etc/localtime", "europe/berlin", "Europe/"])
    def test_no_file_is_read_as_a_time_zone(self, zone: str) -> None:
        with pytest.raises(ValueError, match="must be a name of the IANA time zone database"):
            Freeze.model_validate(freeze(timeZone=zone))

    def test_what_cannot_be_read_any_more_lets_nothing_be_promoted(self) -> None:
        found = at(NOW, freeze(name="good"), freeze(timeZone="Europe/Atlantis"))
        assert (found.closed, found.next_open) == (True, None)
        assert found.reason.startswith("spec.policy.freezes[1].timeZone: freeze year-end: 'Europe/Atlantis'")
        assert found.reason.endswith("mend or drop it")


def test_reasons_of_many_and_hostile_freezes_stay_short_and_on_one_line() -> None:
    many = [
        freeze(name=f"freeze-{number}", start="2026-11-01T00:00", end="2026-12-01T00:00", reason="\n\x1b[31m" * 40)
        for number in range(20)
    ]
    found = at(NOW, *many)
    assert len(found.reason) <= 512
    assert found.reason.isprintable()

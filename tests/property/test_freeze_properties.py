"""Freezes: whatever is written into them, the times that are told are those at which promotions stop and go on."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from driftreview.api.freeze import RECURRENCE, Freeze
from driftreview.domain.freeze import AHEAD, freeze_at, unreadable_freezes
from tests.builders import review

SECOND = timedelta(seconds=1)
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"]
RULES = [None, "FREQ=DAILY", "FREQ=WEEKLY;BYDAY=FR", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=DAILY;INTERVAL=9;COUNT=40"]
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@st.composite
def freezes(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = []
    for number in range(draw(st.integers(1, 4))):
        start = draw(st.datetimes(datetime(2025, 6, 1), datetime(2027, 6, 1))).replace(microsecond=0)  # noqa: DTZ001
        length = timedelta(minutes=draw(st.integers(1, 20_000)))
        written: dict[str, Any] = {"name": f"f{number}", "start": start.isoformat()}
        by_clock = {"end": (start + length).isoformat()}
        written |= draw(st.sampled_from([by_clock, {"duration": f"{length // timedelta(minutes=1)}m"}]))
        rule = draw(st.sampled_from(RULES))
        written |= {"timeZone": draw(st.sampled_from(ZONES))} | ({} if rule is None else {"recurrence": rule})
        found.append(written)
    return found


@given(written=freezes(), now=MOMENTS)
@settings(deadline=None, max_examples=150)
def test_promotions_stop_and_go_on_when_it_is_said(written: list[dict[str, Any]], now: datetime) -> None:
    declared = review(policy={"freezes": written})
    found = freeze_at(declared, now)
    opens, closes = found.next_open, found.next_close
    assert found.closed or opens is None
    assert bool(found.reason) is found.closed
    if opens is not None:
        assert opens > now
        assert freeze_at(declared, opens - SECOND).closed
        assert not freeze_at(declared, opens).closed
    if closes is not None:
        assert now < closes <= now + AHEAD
        assert freeze_at(declared, closes).closed
        assert not freeze_at(declared, closes - SECOND / 1000).closed
        if not found.closed:
            between = now + (closes - now) / 2
            assert freeze_at(declared, between) == found, "nothing changes before"


@given(written=freezes(), now=MOMENTS, data=st.data())
@settings(deadline=None, max_examples=80)
def test_one_more_freeze_opens_nothing(written: list[dict[str, Any]], now: datetime, data: st.DataObject) -> None:
    fewer = [each for each in written if data.draw(st.booleans())]
    less, more = (freeze_at(review(policy={"freezes": each}), now) for each in (fewer, written))
    assert more.closed or not less.closed
    if less.closed and more.next_open is not None:
        assert less.next_open is not None
        assert less.next_open <= more.next_open


@given(rule=st.from_regex(RECURRENCE.pattern, fullmatch=True).filter(lambda rule: len(rule) <= 256), now=MOMENTS)
@settings(deadline=None, max_examples=60)
def test_whatever_rule_is_written_it_is_read_or_refused_in_bounded_time(rule: str, now: datetime) -> None:
    written = {"name": "x", "start": "2000-01-01T00:00", "duration": "1h", "recurrence": rule, "timeZone": "Asia/Tokyo"}
    declared = review(policy={"freezes": [written]})
    began = time.process_time()
    problems = list(unreadable_freezes([Freeze.model_validate(written)]))
    found = freeze_at(declared, now)
    assert time.process_time() - began < 5, "and not the minutes that it takes until the year 9999"
    assert not problems or found.closed
    assert all(each.message.startswith("spec.policy.freezes[0].recurrence: ") for each in problems)

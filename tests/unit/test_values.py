import re
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from driftreview.api.base import TIME_PATTERN, Time, format_time
from driftreview.api.values import (
    Amount,
    Duration,
    Percent,
    Quantity,
    between,
    exact_duration,
    format_duration,
    parse_duration,
    parse_percent,
    parse_quantity,
)

TIMES = TypeAdapter(Time)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0),
        ("90s", 90),
        ("10m", 600),
        ("1m30s", 90),
        ("1h", 3_600),
        ("1h30m", 5_400),
        ("1h30m15s", 5_415),
        ("1h15s", 3_615),
        ("48h", 172_800),
        ("2d", 172_800),
        ("90m", 5_400),
        ("007d", 604_800),
        ("9999d", 863_913_600),
    ],
)
def test_a_duration_is_read(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    ["", "48", "48x", "1d2h", "1.5h", "-1h", "+1h", "1h ", " 1h", "1h\n", "30m1h", "1H", "1w", "10000d", "h", "٣h"],
)
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="must be a duration such as 90s, 10m, 1h30m, 48h or 7d") as refused:
        parse_duration(text)
    assert repr(text) in str(refused.value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (30, "30s"), (86_400, "86400s"), (999_999, "999999s"), (1_000_000, "277h46m40s"), (1_209_600, "336h"),
     (2_419_260, "672h1m"), (1_008_005, "280h5s")],
)  # fmt: skip
def test_a_duration_is_written_to_the_second(seconds: int, text: str) -> None:
    assert exact_duration(timedelta(seconds=seconds)) == text
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.4, "0s"),
        (-0.4, "0s"),
        (35, "35s"),
        (60, "1m"),
        (61, "1m1s"),
        (3_599.6, "1h"),
        (3_600, "1h"),
        (15_000, "4h10m"),
        (15_030, "4h10m"),
        (172_800, "48h"),
        (259_199, "71h59m"),
        (259_200, "3d"),
        (264_000, "3d1h"),
        (-300, "-5m"),
        (-266_400, "-3d2h"),
    ],
)
def test_a_duration_is_written_for_people(seconds: float, text: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0.0),
        ("60", 60.0),
        ("+5", 5.0),
        ("-5", -5.0),
        ("0.15", 0.15),
        ("150m", 0.15),
        ("-1.5m", -0.0015),
        ("5u", 5e-6),
        ("5n", 5e-9),
        ("2k", 2e3),
        ("300M", 3e8),
        ("1G", 1e9),
        ("1T", 1e12),
        ("1P", 1e15),
        ("1E", 1e18),
        ("1E3", 1e3),
        ("1e3", 1e3),
        ("1e-3", 1e-3),
        ("1E+3", 1e3),
        ("1Ki", 1_024.0),
        ("20Mi", 20_971_520.0),
        ("0.5Gi", 536_870_912.0),
        ("1Ti", 2.0**40),
        ("1Pi", 2.0**50),
        ("1Ei", 2.0**60),
        ("999999999999999", 999_999_999_999_999.0),
    ],
)
def test_a_quantity_is_read(text: str, value: float) -> None:
    assert parse_quantity(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "sixty", "60s", "5%", "1,5", "1_000", ".5", "5.", "1 Mi", "20MB", "20mi", "1e", "e3", "0x10", "NaN", "inf",
     "1e100", "60\n", "--1", "1000000000000000", "0.0000000001"],
)  # fmt: skip
def test_what_is_no_quantity_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be a number such as 60, 0\.15, 150m") as refused:
        parse_quantity(text)
    assert repr(text) in str(refused.value)


@pytest.mark.parametrize(
    ("text", "share"),
    [("0%", 0.0), ("5%", 0.05), ("0.5%", 0.005), ("33.3333%", 0.333333), ("100%", 1.0), ("250%", 2.5)],
)
def test_a_percentage_is_read_as_a_fraction(text: str, share: float) -> None:
    assert parse_percent(text) == share


@pytest.mark.parametrize("text", ["", "5", "5 %", "-5%", "%", "5.%", ".5%", "1e1%", "10000%", "5%\n", "0.00001%"])
def test_what_is_no_percentage_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be a percentage such as 5% or 0\.5%") as refused:
        parse_percent(text)
    assert repr(text) in str(refused.value)


def test_a_field_keeps_the_text_as_it_was_written() -> None:
    assert TypeAdapter(Duration).validate_python("60m") == "60m"
    assert TypeAdapter(Quantity).validate_python("20Mi") == "20Mi"
    assert TypeAdapter(Percent).validate_python("5%") == "5%"


def test_a_quantity_may_be_an_integer_but_nothing_else() -> None:
    assert TypeAdapter(Quantity).validate_python(60) == "60"
    assert TypeAdapter(Quantity).validate_python(-60) == "-60"
    for wrong in (60.5, True, None, [60]):
        with pytest.raises(ValidationError):
            TypeAdapter(Quantity).validate_python(wrong)


@pytest.mark.parametrize("text", ["-1", "+1", "-0"])
def test_an_amount_has_no_sign(text: str) -> None:
    assert TypeAdapter(Quantity).validate_python(text) == text
    with pytest.raises(ValidationError, match="must have no sign"):
        TypeAdapter(Amount).validate_python(text)
    assert TypeAdapter(Amount).validate_python(0) == "0"


def test_the_bounds_of_a_duration_are_said_as_they_were_written() -> None:
    rule = between("1s", "2m", ": or so")
    assert rule.message == "must be between 1s and 2m: or so"
    assert ">= 1 &&" in rule.rule
    assert "<= 120" in rule.rule


@pytest.mark.parametrize("fraction", ["", ".5", ".123456789123456"])
@pytest.mark.parametrize("zone", ["Z", "+00:00", "-23:59", "+23:59"])
def test_a_time_that_the_api_server_takes_is_read(fraction: str, zone: str) -> None:
    text = f"2026-01-05T23:59:59{fraction}{zone}"
    assert re.fullmatch(TIME_PATTERN, text)
    read = TIMES.validate_python(text)
    assert (read.replace(microsecond=0), read.tzinfo) == (datetime.fromisoformat(text[:19] + zone), UTC)


def test_a_time_needs_a_zone_and_is_written_in_utc() -> None:
    moment = TypeAdapter(Time).validate_python("2026-01-05T10:00:00.9+02:00")
    assert format_time(moment) == "2026-01-05T08:00:00Z"
    with pytest.raises(ValidationError, match="timezone"):
        TypeAdapter(Time).validate_python("2026-01-05T10:00:00")
    with pytest.raises(ValueError, match="no time zone"):
        format_time(moment.replace(tzinfo=None))
    assert format_time(datetime(1, 2, 3, 4, 5, 6, 7, tzinfo=UTC)) == "0001-02-03T04:05:06Z", "years have four digits"


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+00:01"])
def test_a_time_without_a_year_in_utc_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="is no time in UTC: its year is not between 0001 and 9999"):
        TIMES.validate_json(f'"{text}"')


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("9999-12-31T23:59:59+01:00", "9999-12-31T22:59:59Z"),
        ("2026-07-31T12:00:00.5+02:00", "2026-07-31T10:00:00Z"),
    ],
)
def test_a_time_is_read_in_utc(text: str, read: str) -> None:
    assert format_time(TIMES.validate_json(f'"{text}"')) == read

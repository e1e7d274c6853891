from datetime import timedelta
from decimal import Decimal, localcontext

from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.values import exact_duration, format_duration, parse_duration, parse_percent, parse_quantity

# What people are shown drops seconds from one hour on and minutes from three days on; below that nothing is lost.
LOSSLESS = st.one_of(
    st.integers(0, 3_599).map(lambda seconds: timedelta(seconds=seconds)),
    st.integers(60, 72 * 60 - 1).map(lambda minutes: timedelta(minutes=minutes)),
    st.integers(3, 9_999).map(lambda days: timedelta(days=days)),
)
BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
DECIMAL = {"": 0, "n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


@given(st.integers(0, 99_999 * 3_600 + 3_599).map(lambda count: timedelta(seconds=count)))
def test_what_evidence_writes_is_read_back_to_the_second(length: timedelta) -> None:
    assert parse_duration(exact_duration(length)) == length


@given(LOSSLESS)
def test_a_length_of_time_survives_being_written_and_read(length: timedelta) -> None:
    assert parse_duration(format_duration(length)) == length


@given(st.integers(0, 10**8))
def test_what_is_written_is_off_by_less_than_the_smallest_unit_shown(seconds: int) -> None:
    text = format_duration(timedelta(seconds=seconds))
    days, _, rest = text.rpartition("d")
    shown = sum((parse_duration(part) for part in (f"{days}d" if days else "0s", rest or "0s")), timedelta())
    error = timedelta(seconds=seconds) - shown
    assert timedelta(0) <= error < timedelta(hours=1)


@given(st.integers(0, 99_999), st.integers(0, 99_999), st.integers(0, 999_999))
def test_a_duration_is_the_sum_of_its_parts(hours: int, minutes: int, seconds: int) -> None:
    expected = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    assert parse_duration(f"{hours}h{minutes}m{seconds}s") == expected


@given(
    st.sampled_from(["", "+", "-"]),
    st.integers(0, 10**15 - 1),
    st.none() | st.from_regex(r"[0-9]{1,9}", fullmatch=True),
    st.sampled_from([*BINARY, *DECIMAL]) | st.integers(-99, 99).map(lambda power: f"e{power}"),
)
def test_a_quantity_is_the_float_nearest_to_its_exact_value(
    sign: str, whole: int, fraction: str | None, suffix: str
) -> None:
    digits = str(whole) if fraction is None else f"{whole}.{fraction}"
    with localcontext() as context:
        context.prec = 200
        exact = Decimal(f"{sign}{digits}")
        if suffix in BINARY:
            exact *= 2 ** (10 * BINARY[suffix])
        else:
            exact = exact.scaleb(DECIMAL[suffix] if suffix in DECIMAL else int(suffix[1:]))
    assert parse_quantity(f"{sign}{digits}{suffix}") == float(exact)


@given(st.decimals(0, 9_999, places=4))
def test_a_percentage_is_a_hundredth(share: Decimal) -> None:
    assert parse_percent(f"{share:f}%") == float(share / 100)

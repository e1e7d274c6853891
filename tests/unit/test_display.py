import pytest

from driftreview.domain.display import by_chance, change, difference, number, printable, quantity, shorten


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1, "1"),
        (-1.5, "-1.5"),
        (0.072845, "0.0728"),
        (72.845, "72.8"),
        (999.4, "999"),
        (999.6, "1000"),
        (1234.5, "1234"),
        (100, "100"),
        (999_999.4, "999999"),
        (1e6, "1e+06"),
        (0.0001, "0.0001"),
        (0.00001234, "1.23e-05"),
        (1.7976931348623157e308, "1.8e+308"),
        (5e-324, "4.94e-324"),
    ],
)
def test_a_number_has_three_digits_and_an_exponent_only_where_it_must(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0728, "s", "72.8 ms"),
        (1.5, "s", "1.5 s"),
        (1 - 1e-12, "s", "1 s"),
        (0.0000021, "s", "2.1 µs"),
        (3e-10, "s", "0.0003 µs"),
        (0, "s", "0 s"),
        (-0.02, "s", "-20 ms"),
        (86_400, "s", "86400 s"),
        (512, "By", "512 B"),
        (20 * 1024**2, "By", "20 MiB"),
        (20e6, "By", "19.1 MiB"),
        (-(3 * 1024**3), "B", "-3 GiB"),
        (5 * 1024**5, "bytes", "5120 TiB"),
        (0, "By", "0 B"),
        (2.5, "%", "2.5%"),
        (7, "", "7"),
        (7, "req/s", "7 req/s"),
        (80, "1/s", "80/s"),
        (-1e-9, "req/s", "-1e-09 req/s"),
        (-2.62e-19, "", "0"),  # of a share that was never below zero
        (1e-13, "%", "0%"),
    ],
)
def test_a_quantity_is_shown_in_the_unit_people_say_it_in(value: float, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


@pytest.mark.parametrize(
    ("before", "after", "unit", "text"),
    [
        (100, 105, "s", "+5.0%"),
        (1, 2 - 1e-12, "s", "+100%"),
        (100, 99.2, "s", "-0.8%"),
        (100, 250, "s", "+150%"),
        (-100, -90, "", "+10.0%"),
        (-100, -110, "", "-10.0%"),
        (0, 0.002, "s", "+2 ms"),
        (0, -3, "", "-3"),
        (0, 0, "s", "+0 s"),
        (1e-13, 5, "", "+5"),  # so near to zero that a percentage of it says nothing
    ],
)
def test_a_change_is_a_share_of_the_baseline_or_stands_in_the_unit_where_that_is_zero(
    before: float, after: float, unit: str, text: str
) -> None:
    assert change(before, after, unit) == text


@pytest.mark.parametrize("after", [100, 99.99999, 100.00001, 99.96])
def test_no_change_has_one_sign(after: float) -> None:
    assert change(100, after, "s") == "+0.0%"


@pytest.mark.parametrize("after", [1e30, -1e30, 1e308])
def test_a_huge_change_still_fits_its_cell(after: float) -> None:
    text = change(1e-11, after, "s")
    assert len(text) <= 12
    assert text.endswith("%")


def test_a_sentence_is_cut_at_its_length_with_dots() -> None:
    assert shorten("x" * 512) == "x" * 512
    cut = shorten("x" * 513)
    assert len(cut) == 512
    assert cut.endswith("x…")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("BTC", "BTC"),
        ("µ-ж", "µ-ж"),
        ("a\nPromoted: all fine\x1b[31m", r"a\nPromoted: all fine\x1b[31m"),
        ("x" * 101, "x" * 100 + "…"),
    ],
)
def test_a_text_from_elsewhere_stays_on_one_line(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_text_can_be_shown_as_long_as_it_is() -> None:
    assert printable(f"\n{'x' * 1000}\ud800\U000e0001", None) == rf"\n{'x' * 1000}\ud800\U000e0001"


def test_what_rounding_leaves_of_a_percentage_point_is_none() -> None:
    assert change(0.0, -1.65e-10, "%") == change(0.0, 1.65e-10, "%") == "+0 pp"
    assert difference(1.0, 1.0 - 1e-11, "%") == "+0 pp"


def test_what_is_nearly_sure_to_come_of_chance_is_all_of_it() -> None:
    assert by_chance(0.9996, 0.0062) == "by chance 100%, allowed 0.62%"
    assert by_chance(0.9994, 0.0062) == "by chance 99.9%, allowed 0.62%"

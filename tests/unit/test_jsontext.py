"""JSON of strangers: read, or refused as a ValueError, whatever it is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.jsontext import read_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
)


@given(JSON)
def test_what_is_json_is_read(value: object) -> None:
    assert read_json(json.dumps(value)) == value


@given(st.text() | st.binary() | st.text(alphabet='[]{}":,1aN'))
def test_anything_else_is_a_value_error(text: str | bytes) -> None:
    try:
        read_json(text)
    except ValueError:
        return


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" * 300_000, "too deep"),
        ('{"a":' + "[" * 100_000 + "]" * 100_000 + "}", "too deep"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "'c' stands in one object more than once"),
        ("NaN", "NaN is no number in JSON"),
        ("-Infinity", "no number"),
        ("1" * 5000, "digits"),
        (b"\xff", "decode"),
    ],
)
def test_why_it_is_refused(text: str | bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_json(text)

"""JSON of strangers: read, or refused as a ValueError, whatever it is."""

import json
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.jsontext import read_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
)


def outcome(read: Callable[[str | bytes], object], text: str | bytes) -> object:
    """What is read, or why it cannot be."""
    try:
        return read(text)
    except (ValueError, RecursionError) as error:
        return error


@given(JSON)
def test_what_is_json_is_read(value: object) -> None:
    assert read_json(json.dumps(value)) == value


@given(st.text() | st.binary() | st.text(alphabet='[]{}":,1aN'))
def test_anything_else_is_a_value_error(text: str | bytes) -> None:
    found = outcome(read_json, text)
    plain = outcome(json.loads, text)
    if isinstance(plain, Exception):
        assert isinstance(found, ValueError)
    elif isinstance(found, ValueError):
        assert re.search("is no number in JSON|more than once", str(found))
    else:
        assert found == plain


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

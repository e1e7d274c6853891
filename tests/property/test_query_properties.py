"""No value can break out of the string it is put into."""

import re

import promql_parser
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from driftreview.api.reasons import Reason
from driftreview.domain.query import QueryProblem, check, regex_literal, resolve

# No surrogates: they are no text, and nothing that came over HTTP holds one.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NASTY = st.text(st.sampled_from("\"'`\\${}#\n\t ,=~()[]abn\x00"), max_size=20)
VALUES = TEXT | NASTY


@pytest.mark.parametrize("quote", ['"', "'", "`"])
@given(value=VALUES)
def test_a_value_is_the_label_value_and_nothing_more(quote: str, value: str) -> None:
    query = f"sum(rate(x{{a={quote}${{v}}{quote},b='1'}}[5m])) / 2"
    resolved = resolve(query, {"v": value})
    if isinstance(resolved, QueryProblem):
        assert quote == "`"
        assert "`" in value
        return
    assert check(resolved) is None
    if quote == "`":  # a raw string is taken as it is, by Prometheus; the parser we check with knows no raw strings
        assert resolved == query.replace("${v}", value)
        return
    harmless = resolve(query, {"v": "harmless"})
    assert isinstance(harmless, str)
    assert _shape(resolved) == _shape(harmless)
    assert _matchers(resolved) == {"a": value, "b": "1"}


@given(before=NASTY, value=VALUES, after=NASTY)
def test_whatever_else_stands_in_the_string(before: str, value: str, after: str) -> None:
    assume("$" not in before + after)
    written = [text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for text in (before, after)]
    resolved = resolve(f'x{{a="{written[0]}${{v}}{written[1]}"}}', {"v": value})
    assert isinstance(resolved, str)
    assert _matchers(resolved) == {"a": before + value + after}


@given(value=VALUES)
def test_outside_of_quotes_nothing_but_words_gets_in(value: str) -> None:
    resolved = resolve("sum(x_${v})", {"v": value})
    if isinstance(resolved, str):
        assert re.fullmatch(r"[A-Za-z0-9_:.]+", value)
    else:
        assert not re.fullmatch(r"[A-Za-z0-9_:.]+", value)


@given(query=VALUES, value=VALUES)
def test_any_text_is_resolved_or_refused_without_an_error(query: str, value: str) -> None:
    resolved = resolve(query, {"v": value})
    if isinstance(resolved, str) and "${" not in query and "#" not in query:
        assert resolved == query
    if isinstance(resolved, str):
        check(resolved)


@given(text=TEXT, other=TEXT)
def test_a_regex_literal_matches_exactly_its_text(text: str, other: str) -> None:
    pattern = re.compile(regex_literal(text), re.DOTALL)
    assert pattern.fullmatch(text)
    assert (pattern.fullmatch(other) is not None) == (text == other)


def _matchers(query: str) -> dict[str, str]:
    expression = promql_parser.parse(query)
    while not isinstance(expression, promql_parser.VectorSelector):
        for part in ("lhs", "expr", "args", "vector_selector"):
            if hasattr(expression, part):
                found = getattr(expression, part)
                expression = found[0] if isinstance(found, list) else found
                break
        else:
            raise AssertionError(expression)
    return {each.name: each.value for each in expression.matchers.matchers}


def _shape(query: str) -> str:
    """The expression as the parser prints it, without what stands in strings, and on one line: it breaks long ones."""
    printed = re.sub(r'"(\\.|[^"\\])*"', '""', promql_parser.parse(query).prettify(), flags=re.DOTALL)
    return "".join(printed.split())


@pytest.mark.parametrize(
    "query",
    [
        "rate(a[18446744073709551616])",
        "rate(a[584942417y])",
        "a offset 1000000000y",
        "a[1h:1000000000y]",
        "a[5m] @ 1e400",
    ],
)
def test_numbers_beyond_the_parsers_are_refused(query: str) -> None:
    """Some make it panic, which is no Exception in Python and would end the step for good."""
    problem = check(query)
    assert problem is not None
    assert problem.reason is Reason.QUERY_INVALID


NUMBERS = st.integers(0, 2**70).map(str) | st.floats(allow_nan=False).map(repr)
PROMQL = st.sampled_from(
    ["a", "rate(", "[", "]", ":", "offset ", "@ ", "y", "ms", "w", ")", "{", "}", "-", "+", "^", " "]
)


@given(st.lists(NUMBERS | PROMQL, max_size=12).map("".join))
def test_no_query_makes_the_check_raise(query: str) -> None:
    check(query)

"""Signal sets: what a review has of them depends on what they say alone, and values stay values."""

from hypothesis import assume, given
from hypothesis import strategies as st

from driftreview.api.signalset import SignalSetSpec
from driftreview.domain.query import QueryProblem, fill, resolve, used
from driftreview.domain.signalsets import resolved_sets
from tests.builders import review

NAMES = ("job", "path", "pods", "namespace")
PIECES = st.sampled_from(
    ["${job}", "${path}", "${pods}", "${namespace}", "$${job}", "$", "{", "}", '"', "'", "`", "\\", "#", "\n", "x", " "]
)
QUERIES = st.lists(PIECES, min_size=1, max_size=14).map("".join)
VALUES = st.text(st.sampled_from("ab$#{}\"'`\\\n. "), max_size=6)
GIVEN = st.dictionaries(st.sampled_from(NAMES[:2]), VALUES)


@given(QUERIES, GIVEN, st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES)))
def test_values_put_in_one_after_the_other_say_what_they_say_at_once(
    query: str, first: dict[str, str], others: dict[str, str]
) -> None:
    filled = fill(query, first)
    at_once = resolve(query, others | first)
    if isinstance(filled, QueryProblem):
        return  # refused is always safe
    later = resolve(filled, others)
    assume(not (isinstance(later, QueryProblem) and isinstance(at_once, QueryProblem)))
    assert later == at_once


@given(QUERIES, st.dictionaries(st.sampled_from(NAMES[:2]), st.text(st.sampled_from("ab.c"), min_size=1)))
def test_what_is_left_open_is_what_was_not_given(query: str, values: dict[str, str]) -> None:
    filled = fill(query, values)
    if not isinstance(filled, QueryProblem):
        assert used(filled) == [name for name in used(query) if name not in values]


@st.composite
def sets(draw: st.DrawFn) -> tuple[list[dict[str, str]], list[SignalSetSpec]]:
    count = draw(st.integers(1, 4))
    refs, found = [], []
    for number in range(count):
        names = draw(st.lists(st.sampled_from("abcde"), min_size=1, max_size=4, unique=True))
        signals = [{"name": name, "query": f'{name}{{x="${{v}}"}}', "limits": {"alert": 1}} for name in names]
        found.append(SignalSetSpec.model_validate({"signals": signals, "variables": [{"name": "v"}]}))
        refs.append({"name": f"set{number}", "prefix": f"p{number}", "variables": {"v": draw(VALUES)}})
    return refs, found


@given(sets(), st.randoms())
def test_the_order_of_refs_changes_the_order_of_signals_and_nothing_else(
    given_sets: tuple[list[dict[str, str]], list[SignalSetSpec]], random: st.DataObject
) -> None:
    refs, found = given_sets
    order = list(range(len(refs)))
    random.shuffle(order)  # type: ignore[attr-defined] # a Random
    one = resolved_sets(review(signalSetRefs=refs).spec, found)
    other = resolved_sets(review(signalSetRefs=[refs[i] for i in order]).spec, [found[i] for i in order])
    again = resolved_sets(review(signalSetRefs=refs).spec, found)
    assert one == again
    assert {each.name: each.to_wire() for each in one.signals} == {each.name: each.to_wire() for each in other.signals}
    assert sorted(each.signals_hash for each in one.used) == sorted(each.signals_hash for each in other.used)
    assert len(one.problems) == len(other.problems)

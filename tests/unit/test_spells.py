"""When something was so: the longest spell of it, all of them, and whether it still was at the end."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftreview.api.base import format_time
from driftreview.api.spells import Spells
from driftreview.api.values import parse_duration
from driftreview.domain.blocks import longest_run
from driftreview.domain.samples import Window
from driftreview.domain.spells import spells_of, when
from tests.builders import MINUTE, T0

MARKS = {"x": True, "-": False, "?": None}


def found(text: str, *, of_samples: bool = True) -> Spells | None:
    window = Window(T0, T0 + len(text) * MINUTE, MINUTE)
    return spells_of([MARKS[each] for each in text], window, of_samples=of_samples)


def at(minute: int) -> str:
    return format_time(T0 + minute * MINUTE)


@pytest.mark.parametrize(
    ("text", "lasted"),
    [("---", None), ("-x-", 0), ("xxx-xx", 2), ("x?xx", 1), ("??", None), ("--x", 0), ("xx-xxx", 2)],
)
def test_a_spell_lasts_from_its_first_to_its_last_sample(text: str, lasted: int | None) -> None:
    spells = found(text)
    assert (spells and spells.until - spells.since) == (None if lasted is None else lasted * MINUTE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("--xxx-", f", from {at(3)} to {at(5)}, over since"),
        ("--xxxx", f", since {at(3)}, still"),
        ("--xxx?", f", since {at(3)}, still"),  # nothing says that it is over
        ("--x---", f", at {at(3)}, over since"),
        ("-----x", f", since {at(6)}, still"),
        ("xxx-x-", f", from {at(1)} to {at(3)}, 2m in all, 2 times, over since {at(5)}"),
        ("xxx-xx", f", from {at(1)} to {at(3)}, 3m in all, 2 times, and still"),
        ("xx-xxx", f", since {at(4)}, 3m in all, 2 times, still"),
        ("x-x-x-", f", at {at(1)}, 3 times, over since {at(5)}"),
    ],
)
def test_the_words_say_since_when_how_long_in_all_and_whether_it_is_over(text: str, said: str) -> None:
    assert when(found(text)) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("--xxx-", f", from {at(2)} to {at(5)}, over since"),
        ("xx----", f", from {at(0)} to {at(2)}, over since"),
        ("---xxx", f", since {at(3)}, still"),
        ("xx-x-", f", from {at(0)} to {at(2)}, 3m in all, 2 times, over since {at(4)}"),
    ],
)
def test_what_is_missing_begins_at_the_last_step_before_it(text: str, said: str) -> None:
    assert when(found(text, of_samples=False)) == said


@pytest.mark.parametrize(
    ("text", "of_samples", "said"),
    [
        ("xx----", True, f", from {at(1)} or before to {at(2)}, over since"),
        ("x-----", True, f", at {at(1)} or before, over since"),
        ("xx-x", True, f", from {at(1)} or before to {at(2)}, 1m in all, 2 times, and still"),
        ("xx", False, f", since {at(0)} or before, still"),
        ("-xx-", True, f", from {at(2)} to {at(3)}, over since"),
    ],
)
def test_what_a_window_begins_with_may_have_begun_before(text: str, of_samples: bool, said: str) -> None:  # noqa: FBT001 - a case
    assert when(found(text, of_samples=of_samples), T0 + MINUTE * of_samples) == said


def test_of_evidence_that_does_not_know_nothing_is_said() -> None:
    assert when(None) == ""


@given(st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=60), st.booleans())
def test_spells_are_all_that_was_so(flags: list[bool | None], of_samples: bool) -> None:  # noqa: FBT001 - drawn
    window = Window(T0, T0 + len(flags) * MINUTE, MINUTE)
    spells = spells_of(flags, window, of_samples=of_samples)
    longest = longest_run(each is True for each in flags)
    if spells is None:
        assert not longest
        return
    assert (spells.until - spells.since) / MINUTE == longest - of_samples
    whole = parse_duration(spells.total) + of_samples * spells.number * MINUTE
    assert whole / MINUTE == flags.count(True)
    assert T0 <= spells.since <= spells.until <= spells.last <= window.end
    known = [each for each in flags if each is not None]
    assert spells.still is known[-1]


@given(st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=40), st.integers(0, 39))
def test_a_sample_that_is_lost_makes_no_spell_longer_and_none_over(flags: list[bool | None], lost: int) -> None:
    window = Window(T0, T0 + len(flags) * MINUTE, MINUTE)
    fewer = [None if index == lost else each for index, each in enumerate(flags)]
    whole, after = (spells_of(each, window, of_samples=True) for each in (flags, fewer))
    never = timedelta(-1)
    lasted = [never if each is None else each.until - each.since for each in (after, whole)]
    assert lasted[0] <= lasted[1]
    if after and whole and whole.still and fewer.count(True) == flags.count(True):
        assert after.still

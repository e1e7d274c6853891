"""Whatever a server answers: what it costs is known before it is parsed, and no secret comes back in a label."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from driftreview.adapters.answers import Joiner, Rows, rows
from driftreview.adapters.credentials import BETWEEN, LONGEST_VALUE, SHORTEST_SECRET, Credentials
from driftreview.adapters.replies import Answer, extract, most_values
from driftreview.domain.samples import Samples, Window

AT = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = Window(AT, AT + timedelta(seconds=30), timedelta(seconds=30))
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=40,
)
SECRETS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=SHORTEST_SECRET, max_size=20)
LABELS = st.dictionaries(TEXTS, TEXTS, max_size=4)


def weight(value: Any) -> int:
    match value:
        case list():
            return 1 + sum(map(weight, value))
        case dict():
            return 3 + sum(map(weight, value.values()))
        case _:
            return 1


@given(JSON, st.sampled_from([None, 1]), st.booleans())
def test_no_json_has_more_values_than_were_counted_before_it_was_parsed(
    value: Any,
    indent: int | None,
    ascii_only: bool,  # noqa: FBT001
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert weight(value) <= most_values(text.encode("utf-8"))


@given(SECRETS, SECRETS, SECRETS, LABELS, TEXTS, st.sampled_from([str, str.upper, str.lower]))
def test_no_label_holds_what_was_sent(
    bearer: str, password: str, key: str, labels: dict[str, str], around: str, change: Any
) -> None:
    secrets = Credentials(bearer=bearer, basic=("user", password), headers={"X-Key": key})
    sent = [change(text) for text in (bearer, password, key)]
    named = {f"{number}{around}{text}": f"{text}{around}" for number, text in enumerate(sent)}
    metric = labels | named | {"pod": around + "".join(sent)}
    entry = {"metric": metric, "value": [1, "1"], "values": [[WINDOW.end.timestamp(), "1"]]}
    assume(len({secrets.hide_in_label(name) for name in metric}) == len(metric))
    joiner = Joiner(WINDOW, secrets.hide_in_label)
    joiner.add(WINDOW, Answer("matrix", [entry]))
    ranged, instant = joiner.result(), rows(Answer("vector", [entry]), AT, secrets.hide_in_label)
    assert isinstance(ranged, Samples)
    assert isinstance(instant, Rows)
    assert ranged.series[0].labels == instant.rows[0].labels
    for name, value in instant.rows[0].labels.items():
        for text in (name.replace("[hidden]", "\n"), value.replace("[hidden]", "\n")):
            assert not any(secret.lower() in text.lower() for secret in (bearer, password, key))


# Few letters, so that secrets overlap, and those that one capital or small letter stands for two of.
FOLDED = "\u00df\ufb00\ufb03\u017f\u212a\u0130\u0131\u03a3\u03c2\u03c3\u0345\u0390\U00010400"
LETTERS = st.text(st.sampled_from("aAbsSkKi&</ \u00e9" + FOLDED) | st.characters(codec="utf-8"), max_size=30)


@given(
    st.lists(LETTERS.filter(lambda text: len(text.strip()) >= SHORTEST_SECRET), min_size=1, max_size=4),
    st.lists(LETTERS, min_size=1, max_size=5),
    st.sampled_from([str, str.upper, str.lower, str.casefold, str.swapcase]),
    st.data(),
)
def test_no_text_holds_a_secret_whatever_stands_around_it(
    secrets: list[str], around: list[str], change: Any, data: st.DataObject
) -> None:
    credentials = Credentials(headers={str(number): text for number, text in enumerate(secrets)})
    known = list(credentials.headers.values())
    parts = [part for text in around for part in (text, data.draw(st.sampled_from(known)))]
    for text in ("".join(parts), change("".join(parts))):
        # What is left are pieces of the text in its order: nothing else is told of it.
        rest, pieces = text, credentials.hide(text).split("[hidden]")
        assert rest.startswith(pieces[0])
        for piece in pieces:
            assert piece in rest
            rest = rest[rest.index(piece) + len(piece) :]
            assert not any(secret.casefold() in piece.casefold() for secret in known)
            assert not any(secret.lower() in piece.lower() for secret in known)


@given(st.lists(LETTERS, min_size=1, max_size=6), st.lists(SECRETS, min_size=1, max_size=3), st.data())
def test_texts_that_are_searched_together_stay_apart(texts: list[str], secrets: list[str], data: st.DataObject) -> None:
    credentials = Credentials(headers={str(number): text * 100 for number, text in enumerate(secrets)})
    cuts = data.draw(st.lists(st.integers(0, 2000), min_size=len(texts), max_size=len(texts)))
    texts = [text + (secrets[0] * 100)[:cut] for text, cut in zip(texts, cuts, strict=True)]
    together = credentials.hide_in_label(BETWEEN.join(texts)).split(BETWEEN)
    assert together == [credentials.hide_in_label(text) for text in texts]


@given(st.integers(0, 9000), st.integers(4, LONGEST_VALUE), st.sampled_from(["abxy", "a", "&/<é", "\U0001f600"]))
def test_no_part_of_a_secret_is_shown_where_a_text_is_cut(before: int, length: int, letters: str) -> None:
    secret = (letters * length)[:length]
    shown = extract("zz " * 50 + " " * before + secret * 3, Credentials(bearer=secret).hide, 300)
    assert not set(letters) & set(shown)


@given(SECRETS, LABELS)
def test_labels_without_a_secret_stay_as_they_are(secret: str, labels: dict[str, str]) -> None:
    assume(not any(secret.casefold() in text.casefold() for pair in labels.items() for text in pair))
    found = rows(
        Answer("vector", [{"metric": labels, "value": [1, "1"]}]), AT, Credentials(bearer=secret).hide_in_label
    )
    assert isinstance(found, Rows)
    assert found.rows[0].labels == labels

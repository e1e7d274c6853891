"""Whatever a server answers: what it costs is known before it is parsed, and no secret comes back in a label."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from driftreview.adapters.answers import Joiner, Rows, rows
from driftreview.adapters.credentials import SHORTEST_SECRET, Credentials
from driftreview.adapters.replies import Answer, most_values
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


@given(SECRETS, LABELS)
def test_labels_without_a_secret_stay_as_they_are(secret: str, labels: dict[str, str]) -> None:
    assume(not any(secret.casefold() in text.casefold() for pair in labels.items() for text in pair))
    found = rows(
        Answer("vector", [{"metric": labels, "value": [1, "1"]}]), AT, Credentials(bearer=secret).hide_in_label
    )
    assert isinstance(found, Rows)
    assert found.rows[0].labels == labels

"""YAML is read as kubectl reads it; what cannot be read is told with line and column, whatever it is."""

import re
import time
from textwrap import indent

import pytest

from driftreview.lint.budget import MOST_VALUES, Budget
from driftreview.lint.finding import Place
from driftreview.lint.objects import MOST_OBJECTS
from driftreview.lint.yamltree import documents, tree
from tests.support.lintfiles import HEAD, SIGNALS, lines, report

_EMPTY = "1:1 error holds no object; expected at least one document with apiVersion and kind"
_NO_TOKEN = "while scanning for the next token, found character that cannot start any token"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", _EMPTY),
        ("# nothing\n---\n", _EMPTY),
        (b"a: b\nc: \xff\n", "2:4 error is not UTF-8: found the byte 0xff; save the file as UTF-8"),
        ("a: b\nc: \a\n", "2:4 error is not YAML: found the character U+0007; write it as an escape in double quotes"),
        (
            "a: [b\n",
            "2:1 error is not YAML: while parsing a flow sequence, did not find expected ',' or ']'",
        ),
        ("a:\n\tb: c\n", f"2:1 error is not YAML: {_NO_TOKEN}; indent with spaces"),
        ("[" * 200, "1:100 error is not YAML: nested deeper than 100 levels"),
        ("a: *b\n", "1:4 error is not YAML: found undefined alias"),
        (b"a: " + b"x" * 2**21, "1:1 error has more than 2097152 bytes; split the file"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_read_is_told_with_its_place(text: str | bytes, line: str) -> None:
    assert lines(text) == [line]


def test_a_template_is_told_from_broken_yaml() -> None:
    for value in ("{{ .Values.suspend }}", "{{- if .Values.suspend }}"):
        (line,) = lines(f"{HEAD}{SIGNALS}  suspend: {value}\n")
        assert line.startswith("9:")
    assert "; this looks like a template: render it first, such as with helm template … | driftreview lint" in line


def test_what_comes_before_broken_yaml_is_linted() -> None:
    assert [line.split()[0] for line in lines(f"{HEAD}  x: 1\n{SIGNALS}---\na: [\n")] == ["7:3", "12:1"]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (
            "  suspend: true\n  suspend: false\n",
            "10:3 error found 'suspend' again (line 9 has it too), and kubectl keeps the last; drop one",
        ),
        (
            "  variables: &a {b: *a}\n",
            "9:18 error is an alias to a value that holds it, which never ends; write it out",
        ),
        ("  variables: {[a]: b}\n", "9:15 error is a key, expected text; quote it"),
        ("  variables: {~: b}\n", "9:15 error is a key, expected text; quote it"),
        ("  variables: {<<: b}\n", "9:19 error is merged with <<, expected an object or a list of objects"),
        ("  variables: {a: .nan}\n", "9:18 error found .nan, which is no JSON number; quote it if it is text"),
    ],
)
def test_yaml_that_is_no_json_is_told_with_its_place(more: str, line: str) -> None:
    assert lines(HEAD + SIGNALS + more) == [line]


def values(depth: int, name: str = "a") -> str:
    """Ten times as many values with every level, in one field of a spec."""
    above = (f"  {name}{n}: &{name}{n} [{', '.join([f'*{name}{n - 1}'] * 10)}]\n" for n in range(1, depth))
    return f"  {name}0: &{name}0 [x]\n{''.join(above)}"


def listed(item: str, times: int) -> str:
    """The same object in a List, by an alias."""
    return f"apiVersion: v1\nkind: List\nitems:\n- &o\n{indent(item, '  ')}" + "- *o\n" * (times - 1)


TOO_MANY = (
    "error the file holds more than 100000 values up to here, each alias counted as often as it is used, and nothing "
    "after this is linted; write it without aliases, or split it"
)


def test_aliases_that_multiply_end_in_a_finding() -> None:
    (line,) = lines(HEAD + values(10))
    assert re.fullmatch(rf"\d+:\d+ {TOO_MANY}", line)


@pytest.mark.parametrize("apart", ["a List", "documents"])
def test_what_aliases_multiply_is_counted_over_the_whole_file(monkeypatch: pytest.MonkeyPatch, apart: str) -> None:
    looked_at: list[int] = []

    class Counted(Budget):
        def spend(self, count: int, at: Place) -> None:
            looked_at.append(count)
            super().spend(count, at)

    monkeypatch.setattr("driftreview.lint.objects.Budget", Counted)
    bomb = HEAD + values(4)  # 2,500 values
    text = listed(bomb, 400) if apart == "a List" else "---\n".join([bomb] * 400)
    found = report(text)
    assert [each.check for each in found.findings].count("yaml-size") == 1
    assert MOST_VALUES <= sum(looked_at) < MOST_VALUES + len(text)
    assert found.objects < 60


def test_lists_that_hold_themselves_end_in_a_finding() -> None:
    (line,) = lines("&a {apiVersion: v1, kind: List, items: [*a, *a]}\n")
    assert line == f"1:1 {TOO_MANY}"
    (line,) = lines(f"&a {{apiVersion: v1, kind: List, items: [{', '.join(['*a'] * 60_000)}]}}\n")
    assert line == f"1:1 {TOO_MANY}"


OTHER = "apiVersion: v1\nkind: ConfigMap\ndata:\n"
FULL = MOST_VALUES - 4
"""Of values fit beside the object itself, its apiVersion, its kind and the list they are in."""


@pytest.mark.parametrize("of", ["lines", "a flow", "pairs", "aliases"])
def test_documents_of_other_kinds_are_counted_too(of: str) -> None:
    for count, at in ((FULL, []), (FULL + 1, [f"4:{2 * FULL + 2}"]), (FULL + 20_000, [f"4:{2 * FULL + 2}"])):
        text, where = f"{OTHER}  [{'a,' * count}]\n", at
        if of == "lines":
            text, where = OTHER + "- a\n" * count, [f"{3 + FULL}:3" for _ in at]
        elif of == "pairs":
            text = OTHER + "".join(f"  {n}: a\n" for n in range(count))
            where = [f"{4 + FULL}:3" for _ in at]
        elif of == "aliases":
            text = OTHER + f"  [&a a{', *a' * (count - 1)}]\n"
            where = ["4:3" for _ in at]
        assert lines(text) == [f"{place} {TOO_MANY}" for place in where], (of, count)


def test_documents_of_one_word_and_those_behind_them_are_counted() -> None:
    began = time.process_time()
    found = lines("---\na\n" * (MOST_VALUES + 1))
    assert time.process_time() - began < 20
    assert found == [f"{2 * MOST_VALUES}:1 {TOO_MANY}"]
    found = lines(OTHER + "- a\n" * (FULL - 20) + f"---\n{HEAD}{SIGNALS}")
    assert found == []
    assert lines(OTHER + "- a\n" * FULL + f"---\n{HEAD}{SIGNALS}")[0].endswith(TOO_MANY)


def test_a_document_of_another_kind_that_holds_itself_ends_in_a_finding() -> None:
    (line,) = lines("apiVersion: v1\nkind: ConfigMap\ndata: &a [*a, *a]\n")
    assert line.endswith(TOO_MANY)


@pytest.mark.parametrize("apart", ["a List", "documents"])
def test_more_objects_than_a_file_may_hold_are_counted_and_not_linted(apart: str) -> None:
    text = HEAD + SIGNALS
    for extra, said in (
        (0, []),
        (3, [f"the file holds {MOST_OBJECTS + 3} objects of driftreview.dev, {MOST_OBJECTS} at"]),
    ):
        count = MOST_OBJECTS + extra
        found = report(listed(text, count) if apart == "a List" else "---\n".join([text] * count))
        assert found.objects == MOST_OBJECTS
        many = [each for each in found.findings if each.check == "too-many-objects"]
        assert [each.message[: each.message.index(" most")] for each in many] == said


def test_documents_of_other_kinds_and_evidence_are_no_objects_too_many() -> None:
    others = "---\napiVersion: v1\nkind: ConfigMap\n" * (MOST_OBJECTS + 1)
    evidence = "---\napiVersion: driftreview.dev/v1alpha1\nkind: DriftSnapshot\nmetadata: {name: a}\nspec: {}\n"
    full = "---\n".join([HEAD + SIGNALS] * MOST_OBJECTS)
    assert "too-many-objects" not in {each.check for each in report(f"{others}{full}{evidence}").findings}


def test_anchors_and_merge_keys_are_followed() -> None:
    text = """  signals:
    - &first {name: a, query: up, margin: {relative: 5%}}
    - {<<: *first, name: b, query: down}
    - {<<: [*first, {limits: {alert: 1}}], name: c, querry: x}
"""
    found = [each for each in report(HEAD + text).findings if each.check.startswith("schema")]
    assert [(each.place.line, each.path, each.signal) for each in found] == [(10, "spec.signals[2].querry", "c")]
    assert not [line for line in lines(HEAD + text.replace("querry: x", "query: x")) if " error " in line]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1e3", 1000), ("5.0", 5), ("017", 15), ("0o17", 15), ("0x1F", 31), ("1_000", 1000), ("+5", 5), ("08", 8),
        ("1:30", "1:30"), ("2026-01-05", "2026-01-05"), ("0b12", "0b12"), ("tRUE", "tRUE"), ("5_", 5), ("_5", "_5"),
        ("y", True), ("OFF", False), ("~", None), ("", None), (".5", 0.5), ("1_0.5", 10.5), ("1e5000", "1e5000"),
        ("9" * 20, 1e20), ("-017", -15), ("0_", 0), ("-0", 0), ("'5'", "5"), ("!!str 5", "5"), ('!!int "5"', 5),
        ("!foo 5", "5"), ("9" * 400, "9" * 400), ("0x", "0x"), ("e5", "e5"), (".5e", ".5e"), ("0x1.8p3", "0x1.8p3"),
    ],
)  # fmt: skip
def test_words_without_quotes_mean_what_they_mean_to_kubectl(written: str, read: object) -> None:
    # kubectl annotate --local -f FILE a=b -o json
    (document,) = documents(f"a: {written}\n".encode())
    value = tree(document, Budget())[0].plain()["a"]
    assert (type(value), value) == (type(read), read)


def test_a_lone_surrogate_is_refused_as_kubectl_does() -> None:
    (line,) = lines(HEAD + SIGNALS + '  context: {owner: "\\ud800"}\n')
    assert line.endswith(
        "error is not YAML: while parsing a quoted scalar, found invalid Unicode character escape code"
    )

"""YAML is read as kubectl reads it; what cannot be read is told with line and column, whatever it is."""

import re

import pytest

from driftreview.lint.yamltree import documents, tree
from tests.support.lintfiles import HEAD, SIGNALS, lines, report

_EMPTY = "1:1 error holds no object; expected at least one document with apiVersion and kind"
_NO_TOKEN = "while scanning for the next token, found character '\\t' that cannot start any token"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", _EMPTY),
        ("# nothing\n---\n", _EMPTY),
        (b"a: b\nc: \xff\n", "2:4 error is not UTF-8: found the byte 0xff; save the file as UTF-8"),
        ("a: b\nc: \a\n", "2:4 error is not YAML: found the character U+0007; write it as an escape in double quotes"),
        (
            "a: [b\n",
            "2:1 error is not YAML: while parsing a flow sequence, expected ',' or ']', but got '<stream end>'",
        ),
        ("a:\n\tb: c\n", f"2:1 error is not YAML: {_NO_TOKEN}; indent with spaces"),
        ("[" * 200, "1:101 error is not YAML: nested deeper than 100 levels"),
        ("a: *b\n", "1:4 error is not YAML: found undefined alias 'b'"),
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


def test_aliases_that_multiply_end_in_a_finding() -> None:
    bomb = "".join(f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
    (line,) = lines(f"{HEAD}  a0: &a0 [x]\n{bomb}")
    said = "holds more than 50000 values once aliases are followed; write it without them"
    assert re.fullmatch(rf"\d+:\d+ error {said}", line)


def test_lists_that_hold_themselves_end_in_a_finding() -> None:
    (line,) = lines("&a {apiVersion: v1, kind: List, items: [*a, *a]}\n")
    assert line.startswith("1:1 error holds more than 50000 values")


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
    value = tree(document)[0].plain()["a"]
    assert (type(value), value) == (type(read), read)


def test_a_lone_surrogate_is_text_like_any_other() -> None:
    assert lines(HEAD + SIGNALS + '  context: {owner: "\\ud800"}\n') == []

"""Nothing from users, labels or metrics is taken for markup, in any format; and the page needs nothing from outside."""

import json
import re
import shlex
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from driftreview.domain.report.build import report
from driftreview.domain.report.model import Cell, Entries, Report, Row, Section, Sentences
from driftreview.report.files import JSON, MARKDOWN, PAGE, files, fitting
from driftreview.report.markdown import code, markdown, opening, text
from driftreview.report.page import page
from tests.reportdata import HOSTILE, STATES, hostile, large, taken

READER = MarkdownIt("gfm-like", {"linkify": False})
CODE = "code_inline"
BAD = (
    *(
        HOSTILE,
        "a|b",
        "`x`",
        "``x|y``",
        "\\|",
        "a\\",
        "*b*",
        "_c_",
        "[d](https://example.org)",
        "![e](f)",
        "<img src=x onerror=y>",
    ),
    *(
        "&amp;",
        "# g",
        "- h",
        "1. i",
        "> j",
        "~~k~~",
        "https://l.example",
        "a\nb",
        "a\r\n\r\n# b",
        "\u202e",
        "'\"",
        "{{ 7*7 }}",
    ),
    *("</title><script>", "--> <!--", "]]>", "\x00\x1b[31m", "|---|", "$x$", "www.m.example"),
    *("@octocat", "(@org/everyone)", "Fixes #123.", "org/team#4", "GH-12", "a@evil.example", "mailto:a@evil.example"),
    *("``@a``|#1", "$@a$", "*@b*", "\\@c", "https://run.example/a_b?c=d&e#4", "app@sha256:0f"),
)


def tokens(source: str) -> list[Token]:
    found = []
    for each in READER.parse(source):
        found += [each, *(each.children or [])]
    return found


def words(source: str) -> str:
    return "".join(each.content for each in tokens(source) if each.type in {"text", "text_special", "code_inline"})


MARKUP = {
    "html_inline",
    "html_block",
    "link_open",
    "image",
    "em_open",
    "strong_open",
    "s_open",
    "heading_open",
    "fence",
}


@given(st.text() | st.sampled_from(BAD) | st.lists(st.sampled_from(BAD)).map("".join))
def test_markdown_shows_every_text_as_it_is_and_takes_none_for_markup(value: str) -> None:
    shown = opening(value)
    assert "\n" not in shown
    assert not MARKUP & {each.type for each in tokens(f"- {shown}")}
    assert words(f"- {shown}") == re.sub(r"\s+$", "", re.sub("  +$", "", _visible(value)))


@given(st.text() | st.sampled_from(BAD) | st.lists(st.sampled_from(BAD)).map("".join))
def test_nobody_is_called_and_no_issue_named_on_github(value: str) -> None:
    """GitHub looks for them in the text of a page, wherever no code is; a backslash before them is gone by then."""
    shown = "".join(
        "`" if each.type == "code_inline" else each.content
        for each in tokens(f"- {opening(value)}")[1:]
        if each.type != "inline"
    )
    assert not re.search(r"@\w|#\d|\bGH-\d", shown, re.IGNORECASE)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Fixes #123, says (@octocat).", "Fixes `#123`, says (`@octocat`)."),
        ("a #b at 5 rps @ night", "a #b at 5 rps @ night"),
        ("app@sha256:0f | x", "`app@sha256:0f` \\| x"),
        ("see https://run.example/a#top", "see `https://run.example/a#top`"),
    ],
)
def test_how_names_and_numbers_read(value: str, shown: str) -> None:
    assert text(value) == shown


@given(st.text() | st.sampled_from(BAD) | st.lists(st.sampled_from(BAD)).map("".join))
def test_a_table_keeps_its_cells(value: str) -> None:
    for shown in (text(value), code(value)):
        found = tokens(f"| a | b |\n| --- | --- |\n| {shown} | x |\n")
        assert [each.type for each in found].count("td_open") == 2, shown
        assert not (MARKUP - {"heading_open"}) & {each.type for each in found}


def _visible(value: str) -> str:
    from driftreview.domain.display import printable  # noqa: PLC0415 - what is shown of it, said once

    return printable(value, None).strip()


class Page(HTMLParser):
    """Elements, and every address in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        for name, value in attrs:
            if name in {"href", "src", "action", "srcset", "data", "poster", "xlink:href"}:
                self.addresses.append(value or "")
            if name == "id":
                self.ids.append(value or "")
            if name.startswith("on") or name == "style":
                self.handlers.append(name)


def read(source: str) -> Page:
    found = Page()
    found.feed(source)
    found.close()
    return found


def one(value: str) -> Report:
    row = Row(cells=[Cell(text=value), Cell(text=value, code=True)], evidence=[{"field": "spec"}])  # type: ignore[list-item]
    sections = [Section(id="context", title="Context", blocks=[Entries(rows=[row])])]
    return Report(name=value, namespace="shop", uid="u", phase="Pending", about="Pending", sections=sections)  # type: ignore[arg-type]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])) | st.sampled_from(BAD))
def test_no_text_adds_an_element_to_the_page(value: str) -> None:
    assert read(page(one(value))).elements == read(page(one("plain"))).elements


@pytest.mark.parametrize("bad", BAD)
def test_a_review_full_of_markup_has_the_elements_of_a_harmless_one(bad: str) -> None:
    harmless, found = (read(page(report(*hostile(each)))) for each in ("plain", bad))
    assert found.elements == harmless.elements
    assert found.handlers == []


@pytest.mark.parametrize("state", STATES)
def test_the_page_asks_nobody_for_anything_and_every_link_leads_somewhere(state: str) -> None:
    found = read(page(report(*taken(STATES[state]()))))
    assert not {"script", "iframe", "object", "img", "form"} & set(found.elements)
    inside = [each for each in found.addresses if each.startswith("#")]
    assert set(found.addresses) - set(inside) == {"data:,"}
    assert {each[1:] for each in inside} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))


def test_a_page_of_fifty_signals_is_below_500_kilobytes() -> None:
    made = files(report(*large(each=1)))
    assert len(made[PAGE].encode()) < 500_000
    assert made == fitting(report(*large(each=1)))


def test_what_has_no_room_is_left_out_and_each_format_says_so() -> None:
    whole = report(*large(signals=25, each=2))
    size = sum(len(each.encode()) for each in files(whole).values())
    for most in (size - 1, size // 2):
        made = fitting(whole, most)
        assert sum(len(each.encode()) for each in made.values()) <= most
        assert json.loads(made[JSON])["leftOut"]
        assert "Left out for want of room" in made[MARKDOWN]
        assert "Left out for want of room" in made[PAGE]


def test_json_is_ascii_and_reads_back_as_the_same_report() -> None:
    made = report(*hostile("\u202eé\x1b"))
    source = files(made)[JSON]
    assert source.isascii()
    assert Report.model_validate_json(source) == made


def test_the_same_report_gives_the_same_bytes() -> None:
    first, second = (files(report(*taken(STATES["promoted"]()))) for _ in range(2))
    assert first == second


def test_markdown_of_a_hostile_review_has_no_markup_of_its_own() -> None:
    found = {each.type for each in tokens(markdown(report(*hostile())))}
    assert not {"html_inline", "html_block", "link_open", "image"} & found


@pytest.mark.parametrize("state", STATES)
def test_a_command_stands_as_it_is_run(state: str) -> None:
    made = report(*taken(STATES[state]()))
    blocks = [block for section in made.sections for block in section.blocks if isinstance(block, Sentences)]
    commands = [each.command for block in blocks for each in block.items if each.command]
    source = markdown(made)
    spans = [token.content for line in READER.parse(source) for token in line.children or () if token.type == CODE]
    assert set(commands) <= set(spans)
    assert all(each in source and shlex.split(each) for each in commands), "from the source too, as a terminal shows it"

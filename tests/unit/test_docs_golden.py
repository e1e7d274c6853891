import re
from enum import StrEnum
from pathlib import Path

import pytest

from driftreview.api import phases, reasons
from driftreview.api.docs import PAGES, enums, main, member_docs, reference, words
from tests.crd_walk import all_nodes, rules, spelled

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_pages_are_those_of_the_models(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs` and commit what it writes"


def test_the_command_writes_the_pages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"reference.md", "reasons.md"}
    assert "reasons.md" in capsys.readouterr().out


def test_every_field_and_every_rule_is_in_the_reference() -> None:
    text = reference()
    for node in all_nodes():
        if node.path[:1] in (("spec",), ("status",)):
            assert f"| `{spelled(node.path).replace('.{}', '{}')}` |" in text, str(node)
    assert [message for _, _, message in rules() if message.replace("|", r"\|") not in text] == []


def test_every_row_has_the_columns_of_its_table() -> None:
    for page in (reference(), words()):
        width = 0
        for line in page.splitlines():
            cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
            assert 0 in (cells, width) or cells == width, line
            width = cells


def test_every_link_leads_to_a_heading() -> None:
    headings = {line.strip("# ").lower().replace(" ", "-") for line in words().splitlines() if line.startswith("#")}
    links = re.findall(r"reasons\.md#([\w-]+)", reference())
    assert links
    assert set(links) <= headings


@pytest.mark.parametrize("enum", enums(phases, reasons), ids=lambda enum: enum.__name__)
def test_every_word_is_explained_in_a_sentence(enum: type[StrEnum]) -> None:
    assert [value for value, text in member_docs(enum).items() if not text.endswith(".")] == []


def test_the_final_phases_are_marked_as_final() -> None:
    said = {value for value, text in member_docs(phases.Phase).items() if text.endswith("Final.")}
    assert said == {phase.value for phase in phases.TERMINAL}

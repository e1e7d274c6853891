"""A report as Markdown, with the sections and tables of the hand-written reviews (CommonMark with GitHub's tables)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from driftreview.api.base import format_time
from driftreview.domain.display import printable, short_hash
from driftreview.domain.report.model import (
    Block,
    Cell,
    Entries,
    Plots,
    Reference,
    Report,
    Row,
    Section,
    Sentence,
    Sentences,
    Table,
    Timeline,
    Tone,
)

_MARKS: Final = {Tone.GOOD: "✅ ", Tone.BAD: "❌ ", Tone.OPEN: "⚠️ ", Tone.PLAIN: ""}
_SPECIAL: Final = re.compile(
    r"(?P<address>(?<![^\s(])https?://[\w.:/?#@!$&'()*+,;=%~-]*[\w/#$&*+=%~-](?=[.,:;)]*(?:\s|$)))"
    r"|[\\`*_\[\]<>&|~$]|(?<=https)(?=:)|(?<=http)(?=:)|(?<=ftp)(?=:)|(?<=www)(?=\.)",
    re.IGNORECASE | re.ASCII,
)
"""An address by itself; what has a meaning anywhere in a line; and where GitHub would make a link of an address."""
_FIRST: Final = re.compile(r"^([#+=-]|\d+(?=[.)](\s|$)))")
"""What has a meaning at its beginning."""
_WORD: Final = re.compile(r"[^\s`|\\<>]+")
"""What stands together, and may stand as code between two backticks in a table too."""
_CALLED: Final = re.compile(r"@\w|#\d|\bGH-\d", re.IGNORECASE)
"""Where GitHub would call a person or team, close or name an issue, or write a letter."""
_AROUND: Final = "()[]{},.;:!?'\""
"""What stands around such a word and does not belong to it."""


def markdown(report: Report) -> str:
    """The whole document, ending in a newline."""
    return "\n".join([*_head(report), *_body(report.sections), ""])


def text(value: str) -> str:
    """A text from anywhere as words that Markdown leaves alone, on one line and not at its beginning.

    An address is code: whoever copies it, from the source too, has it as it is, and it is no link.
    """
    shown, done, parts = printable(value, None).strip(), 0, list[str]()
    for word in _WORD.finditer(shown):
        if _CALLED.search(word[0]):
            bare = word[0].strip(_AROUND)
            begin = shown.index(bare, word.start())
            parts += [_escaped(shown[done:begin]), f"`{bare}`"]
            done = begin + len(bare)
    return "".join([*parts, _escaped(shown[done:])])


def _escaped(shown: str) -> str:
    """GitHub looks for names and numbers in what is left of a text without its backslashes: only code is safe there."""
    return _SPECIAL.sub(lambda found: f"`{found[0]}`" if found["address"] else f"\\{found[0]}", shown)


def opening(value: str) -> str:
    """The same at the beginning of a line or of an item."""
    shown = text(value)
    return _FIRST.sub(lambda found: f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}", shown)


def code(value: str) -> str:
    """A name, hash or query as code on one line, in a table too; as words where a table could not hold it as code."""
    shown = printable(value, None)
    return text(shown) if "\\|" in shown or not shown.strip() else _span(shown).replace("|", "\\|")


def _span(shown: str) -> str:
    """As code on one line outside a table, where nothing in it has a meaning: whoever copies it has it as it is."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    blank = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{blank}{shown}{blank}{fence}"


def _head(report: Report) -> Iterator[str]:
    yield f"# Drift Review - {text(report.name)}"
    yield ""
    as_of = f", as of {format_time(report.as_of)}" if report.as_of else ""
    stands = [f"{text(each.label)}: **{text(each.text)}**" for each in report.head]
    yield ". ".join([f"**{text(report.about)}**{as_of}", *stands])
    if report.author:
        yield ""
        yield f"Author: {text(report.author)}"
    if report.left_out:
        yield ""
        yield f"> Left out for want of room: {text('; '.join(report.left_out))}. `driftreview report` writes all of it."


def _body(sections: Sequence[Section]) -> Iterator[str]:
    for number, section in enumerate(sections, 1):
        yield from ("", "---", "", f"## {number}. {text(section.title)}")
        for block in section.blocks:
            yield ""
            yield from _block(block)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Entries():
            yield from (f"- {opening(row.cells[0].text)}: {_cell(row.cells[1])}" for row in block.rows)
        case Table():
            yield from _titled(block.title)
            yield from _table(block.columns, block.rows)
        case Sentences():
            yield from _titled(block.title)
            yield from (_sentence(each) for each in block.items)
        case Plots():
            yield from _titled(block.title)
            yield from (f"- {opening(each.summary)}" for each in block.plots)
        case Timeline():
            yield from _titled(block.title)
            yield from _timeline(block)


def _titled(title: str) -> Iterator[str]:
    if title:
        yield from (f"### {text(title)}", "")


def _table(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    yield _line(text(each) for each in columns)
    yield _line("---" for _ in columns)
    yield from (_line(_cell(cell) for cell in row.cells) for row in rows)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    shown = _MARKS[cell.tone] + (code(cell.text) if cell.code else text(cell.text))
    asked = "; ".join(f"{'' if each.field == 'query' else f'{each.field} '}{code(each.text)}" for each in cell.queries)
    return f"{asked} on {shown}" if asked and cell.code else shown


def _sentence(sentence: Sentence) -> str:
    refs = "; ".join(dict.fromkeys(_reference(each) for each in sentence.evidence))
    said = f"{mark}{text(sentence.text)}" if (mark := _MARKS[sentence.tone]) else opening(sentence.text)
    command = f": {_span(printable(sentence.command, None))}" if sentence.command else ""
    return f"- {said}{command} (evidence: {refs})"


def _reference(reference: Reference) -> str:
    where = code(f"{reference.snapshot}@{short_hash(reference.hash)}") if reference.snapshot else ""
    part = reference.signal or reference.check or reference.field
    return " ".join(each for each in (where, code(part) if part else "") if each)


def _timeline(block: Timeline) -> Iterator[str]:
    rows = [
        ("T0", format_time(block.start), ""),
        *((each.name, format_time(each.at), _MARKS[each.tone] + block.told(each)) for each in block.moments),
        ("Last safe moment", format_time(block.last_safe), ""),
        ("Rollback window closes", format_time(block.closes), ""),
    ]
    yield _line(("Look", "Due (UTC)", "Verdict"))
    yield _line("---" for _ in rows[0])
    yield from (_line((text(name), moment, verdict)) for name, moment, verdict in rows)

"""The one place that `driftreview replay` prints from: nothing from a file or a server reaches a terminal as a command.

Labels, file names and answers may hold any character; ESC and its kind are shown as their escapes.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from typing import Any, Final, TypeAlias

import typer

from driftreview.domain.display import printable, shorten

Line: TypeAlias = str | Sequence[tuple[str, str]]
"""A line, or its parts, each with the word that decides its colour."""
_LONGEST: Final = 2000
_COLOURS: Final = {
    **dict.fromkeys(("Improved", "Stable", "Acceptable", "Pass", "APPROVE"), typer.colors.GREEN),
    **dict.fromkeys(("Degraded", "Drift", "REJECT"), typer.colors.RED),
    **dict.fromkeys(("Suspect", "Hold", "Inconclusive", "Missing", "INCONCLUSIVE"), typer.colors.YELLOW),
}


def shown(line: Line, *, coloured: bool) -> str:
    """A line as it may be printed; verdicts and recommendations in their colours if these are wanted."""
    if isinstance(line, str):
        return printable(line, None)
    return "".join(
        typer.style(printable(text, None), fg=_COLOURS[word])
        if coloured and word in _COLOURS
        else printable(text, None)
        for text, word in line
    )


def say(lines: Iterable[Line]) -> None:
    """Print lines; in colours where standard output is a terminal that wants them (no-color.org)."""
    _open()
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    typer.echo("\n".join(shown(each, coloured=coloured) for each in lines))


def say_json(document: Any) -> None:
    """Print a document; as JSON it stays the same if a character is written as its escape."""
    _open()
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    typer.echo("".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text))


def warn(*sentences: object) -> None:
    """Say something on standard error, each sentence on a line of its own."""
    for each in sentences:
        typer.echo(f"driftreview replay: {printable(shorten(str(each), _LONGEST), None)}", err=True)


def _open() -> None:
    """Not every terminal knows every character."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")

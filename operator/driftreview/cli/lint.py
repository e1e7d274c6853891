"""`driftreview lint`: opens the files, prints what was found, and says it with the exit code."""

from __future__ import annotations

import gc
import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from driftreview.domain.display import printable
from driftreview.lint.finding import MOST_BYTES, Finding, Place, Report, Severity

FORMAT: Final = 1
"""Version of the JSON; it grows when a field changes or goes, not when one is added."""
_STDIN: Final = "-"
_COLOURS: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


class Output(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"


def command(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE", help="More files, so that -f *.yaml works.")
    ] = None,
    *,
    filename: Annotated[
        list[str] | None,
        typer.Option(
            "-f", "--filename", metavar="FILE", help="A file, a directory, or - for standard input; repeat it."
        ),
    ] = None,
    output: Annotated[Output, typer.Option("-o", "--output", help="text or json.")] = Output.TEXT,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 on warnings too.")] = False,
) -> None:
    """Say what is wrong with reviews and metric sources in files, without a cluster.

    Exit code 0: nothing, or warnings only. 1: errors. 2: wrong usage.
    """
    from driftreview.lint.check import lint  # noqa: PLC0415 - the operator has no use for what it imports

    named = [*(filename or []), *(files or [])]
    if not named:
        raise typer.BadParameter("name at least one file: driftreview lint -f review.yaml")
    unread: list[Finding] = []
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # not every terminal knows every character
    opened = list(_opened(named, unread))
    with _no_collecting():
        report = lint(opened, unread)
    if output is Output.JSON:
        typer.echo(json.dumps(_wire(report), indent=2))
    else:
        _print(report)
    if report.count(Severity.ERROR) or (strict and report.count(Severity.WARNING)):
        raise typer.Exit(1)


@contextmanager
def _no_collecting() -> Iterator[None]:
    """What is read of files are trees, without cycles: to look for some in 100,000 values is half of the work."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _opened(names: list[str], unread: list[Finding]) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file once; what cannot be opened goes to `unread`."""
    seen: set[str] = set()
    for given in names:
        try:
            for name in _files(given):
                if name not in seen:
                    seen.add(name)
                    yield _shown(name), _content(name)
        except (OSError, ValueError) as error:
            unread.append(
                _unread(given, f"cannot be read: {getattr(error, 'strerror', None) or error}; check the path")
            )


def _files(given: str) -> list[str]:
    if given == _STDIN or not os.path.isdir(given):  # noqa: PTH112 - Path.is_dir raises on some names before 3.13
        return [given]
    found = sorted(str(path) for path in Path(given).iterdir() if path.suffix in {".yaml", ".yml"} and path.is_file())
    if not found:
        raise ValueError("it is a directory without files named *.yaml or *.yml")
    return found


def _content(name: str) -> bytes:
    """The file, or the beginning of one that is too large in any case."""
    if name == _STDIN:
        return sys.stdin.buffer.read(MOST_BYTES + 1)
    if not stat.S_ISREG(os.stat(name).st_mode):  # noqa: PTH116 - Path.stat raises on some names before 3.13
        raise ValueError(
            "it is no file but a pipe, a socket or a device, which may never end; write - for standard input"
        )
    with Path(name).open("rb") as file:
        return file.read(MOST_BYTES + 1)


def _unread(name: str, message: str) -> Finding:
    return Finding(Place(), Severity.ERROR, "file", message, file=_shown(name))


def _shown(name: str) -> str:
    return "<stdin>" if name == _STDIN else printable(name, None)


def _print(report: Report) -> None:
    for finding in report.findings:
        place = typer.style(f"{finding.file}:{finding.place.line}:{finding.place.column}:", bold=True)
        severity = typer.style(f"{finding.severity}:", fg=_COLOURS[finding.severity])
        typer.echo(f"{place} {severity} {finding.text}", color=_colour())
    counts = [_counted(report.count(severity), severity.value) for severity in (Severity.ERROR, Severity.WARNING)]
    over = f", {_counted(report.passed_over, 'other document')} passed over" if report.passed_over else ""
    checked = f"{_counted(report.objects, 'object')} in {_counted(report.files, 'file')} checked{over}"
    typer.echo(f"{checked}: {', '.join(counts)}")


def _colour() -> bool | None:
    """None lets the terminal decide; see no-color.org."""
    return False if os.environ.get("NO_COLOR") else None


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _wire(report: Report) -> dict[str, Any]:
    return {
        "version": FORMAT,
        "files": report.files,
        "objects": report.objects,
        "passedOver": report.passed_over,
        "errors": report.count(Severity.ERROR),
        "warnings": report.count(Severity.WARNING),
        "notes": report.count(Severity.NOTE),
        "findings": [
            {
                "file": finding.file,
                "line": finding.place.line,
                "column": finding.place.column,
                "severity": finding.severity,
                "check": finding.check,
                "resource": finding.resource,
                "path": finding.path,
                "signal": finding.signal,
                "message": finding.message,
            }
            for finding in report.findings
        ],
    }

"""A report as one HTML page that asks nobody for anything: no script, no font, no picture from elsewhere.

The template escapes everything by itself; the page's own policy forbids what would slip through.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from driftreview.api.base import format_time
from driftreview.domain.display import printable
from driftreview.domain.report.model import SINCE_T0, Report, Tone
from driftreview.report.drawing import HEIGHT, LONG, WIDTH, drawn, laid_out

_MARKS: Final = {Tone.GOOD: "✓", Tone.BAD: "✗", Tone.OPEN: "!", Tone.PLAIN: ""}

_NOTHING_ELSE: Final = "base-uri 'none'; form-action 'none'"


def page(report: Report) -> str:
    """The whole page."""
    return _template().render(report=report) + "\n"


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("driftreview.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, *_ = environment.loader.get_source(environment, "report.css") if environment.loader else ("",)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment.filters |= {"drawn": drawn, "laid_out": laid_out, "time": format_time, "line": _line, "lines": _lines}
    environment.globals |= {
        "style": Markup(style),  # noqa: S704 - our own file
        "policy": f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; {_NOTHING_ELSE}",
        "marks": _MARKS,
        "WIDTH": WIDTH,
        "SINCE_T0": SINCE_T0,
        "HEIGHT": HEIGHT,
        "LONG": LONG,
    }
    return environment.get_template("report.html.j2")


def _lines(value: str) -> str:
    """The same of a text that may have several."""
    return "\n".join(_line(each) for each in value.split("\n"))


def _line(value: str) -> str:
    """A text from anywhere on one line; characters that turn the direction of writing are shown as their escapes."""
    return printable(value, None)

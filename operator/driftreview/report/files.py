"""A report in all its formats, and as much of it as has room."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from driftreview.domain.report import revert
from driftreview.domain.report.build import slimmer
from driftreview.domain.report.model import Report
from driftreview.report.markdown import markdown
from driftreview.report.page import page

MARKDOWN: Final = "review.md"
PAGE: Final = "review.html"
JSON: Final = "review.json"
MOST_BYTES: Final = 1_000_000
"""Of all formats together: a ConfigMap may hold 1 MiB of data."""


def as_json(report: Report) -> str:
    """The report as JSON, ASCII only: nothing in it can move a terminal."""
    return json.dumps(report.to_wire(), indent=1, sort_keys=True) + "\n"


def files(report: Report) -> Mapping[str, str]:
    """The report in all its formats, whole, and the patch that takes the release back where that is called for."""
    patch = {} if report.way_back is None else {revert.FILE: report.way_back}
    return {MARKDOWN: markdown(report), PAGE: page(report), JSON: as_json(report)} | patch


def fitting(report: Report, most: int = MOST_BYTES) -> Mapping[str, str]:
    """The same, with as little left out as must be to have room."""
    found: Mapping[str, str] = {}
    for slim in slimmer(report):
        found = files(slim)
        if sum(_size(each) for each in found.values()) <= most:
            break
    return found


def _size(text: str) -> int:
    return len(text.encode())

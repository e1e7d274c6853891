"""`{label="value"}`: which series are meant, as PromQL writes it, with `=` only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_PAIR: Final = r'([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"'
_BARE_PAIR: Final = r'[a-zA-Z_]\w*+\s*+=\s*+"(?:[^"\\]|\\.)*+"'
SELECTOR: Final = rf"\{{\s*+(?:{_BARE_PAIR}\s*+(?:,\s*+{_BARE_PAIR}\s*+)*)?(?:,\s*+)?\}}"
"""A regular expression without groups.

Spaces are taken whole and never given back: two places that could share them would try every way to, on each line.
"""


def read_selector(text: str) -> dict[str, str]:
    """The labels a text that matches SELECTOR demands; none of an empty text."""
    return {name: re.sub(r"\\(.)", _escape, value) for name, value in re.findall(_PAIR, text)}


def _escape(found: re.Match[str]) -> str:
    return "\n" if found[1] == "n" else found[1]


def matches(wanted: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether a series has the labels; an empty value also stands for a label that is not there, as in Prometheus."""
    return all(labels.get(name, "") == value for name, value in wanted.items())

"""The labels of an answer's series: bounded, and without what was sent to get them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from driftreview.adapters.credentials import BETWEEN
from driftreview.adapters.replies import malformed, too_large

MAX_LABELS: Final = 64
"""Most labels of one series; Prometheus installations allow 30 or so."""
MAX_LABEL: Final = 65_536
"""Longest name or value of a label, in characters."""
MAX_TEXT: Final = 2**20
"""Characters of all labels of one answer, as JSON writes them: each is compared with every secret in every shape."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""Half a character: JSON can hold it, UTF-8 cannot."""
_QUOTES: Final = len('"":"",')

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""The labels of one series, in order."""


def read_labels(metrics: Sequence[Any], hide: Callable[[str], str]) -> Iterator[Labels]:
    """The labels of each series.

    Args:
        metrics: what stands under `metric` in each series.
        hide: replaces secrets in a text; lets BETWEEN stand.

    Raises:
        RefusalError: they are no labels, too many or too long, or only secrets tell them apart.
    """
    shown = _shown(metrics, hide)
    for metric in metrics:
        labels = {shown[name]: shown[value] for name, value in metric.items()}
        if len(labels) < len(metric):
            raise malformed("several labels that are named after the source's credentials")
        yield tuple(sorted(labels.items()))


def _shown(metrics: Sequence[Any], hide: Callable[[str], str]) -> dict[str, str]:
    """How each name and value is shown: all are searched at once, for one by one takes seconds."""
    texts: dict[str, None] = {}
    size = 0
    for metric in metrics:
        if not isinstance(metric, dict) or not all(isinstance(value, str) for value in metric.values()):
            raise malformed("a series without labels")
        if len(metric) > MAX_LABELS:
            raise too_large(f"a series of {len(metric)} labels, more than {MAX_LABELS}")
        for name, value in metric.items():
            texts[name] = texts[value] = None
            size += len(name) + len(value) + _QUOTES
    longest = max(map(len, texts), default=0)
    if longest > MAX_LABEL:
        raise too_large(f"a label of {longest} characters")
    if size > MAX_TEXT:
        raise too_large(f"labels of {size} characters, more than {MAX_TEXT}")
    if any(map(_SURROGATE.search, texts)):
        raise malformed("a label that is no text")
    hidden = hide(BETWEEN.join(texts)).split(BETWEEN)
    return dict(zip(texts, hidden, strict=True)) if texts else {}
